//! TLS of `poolhouse dev`, for what insists on it: Amplify sends browsers to `https://` and the
//! domain, whatever the domain is.
//!
//! Without certificate files the server makes a certificate for the names of this machine and signs
//! it itself, so that browsers warn once. It is kept in the data folder, because what people accept
//! or trust is this very certificate; it can sign no others.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_adapters::clock::SystemClock;
use poolhouse_domain::{ports::Clock, time::Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, CertificateError, RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

use crate::{
    Outcome,
    cli::Dev,
    config::TlsFiles,
    tls::{self, Credentials},
};

/// The names of the files in the data folder.
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "certificate-key.pem";

/// For how many days a certificate is valid. Apple's systems refuse those for more than 825 days.
const DAYS: i64 = 800;

/// Names of this machine, and of the domains of pools on it.
const NAMES: [&str; 5] = ["localhost", "*.localhost", "*.auth.localhost", "127.0.0.1", "::1"];

/// What the options say: certificate files, or a certificate of the server's own.
pub(crate) fn acceptor(options: &Dev) -> Outcome<TlsAcceptor> {
    let (given, own) = match (&options.tls_certificate, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
            (read(&files)?, false)
        }
        _ if options.ephemeral => (make(SystemClock.now())?, true),
        _ => (kept(&options.data, SystemClock.now())?, true),
    };
    tls::acceptor(given).map_err(|error| {
        let whose = if own { "the certificate in the data folder" } else { "--tls-certificate" };
        format!("{whose}: {error}").into()
    })
}

/// The certificate in the data folder, made if there is none that does.
fn kept(folder: &Path, now: Timestamp) -> Outcome<Credentials> {
    let files = TlsFiles { certificate: folder.join(CERTIFICATE), key: folder.join(KEY) };
    if files.certificate.exists() && files.key.exists() {
        let found = read(&files)?;
        if !found.chain.first().is_some_and(|certificate| is_to_be_replaced(certificate, now)) {
            return Ok(found);
        }
    }
    let made = make(now)?;
    write(&files, &made).map_err(|error| {
        format!("no certificate can be written to {}: {error}", folder.display())
    })?;
    read(&files)
}

/// Whether the time of a certificate is over, or it is one of this server for longer than all clients
/// take, as they were once made.
fn is_to_be_replaced(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    let is_over = matches!(
        check(certificate, now),
        Err(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        ))
    );
    is_over || check(certificate, days_after(now, DAYS + 1)).is_ok()
}

/// Whether a certificate that vouches for itself is good at this time.
fn check(certificate: &CertificateDer<'_>, at: Timestamp) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned())?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let name = ServerName::try_from("localhost")
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let at = UnixTime::since_unix_epoch(since_epoch(at));
    verifier.verify_server_cert(certificate, &[], &name, &[], at).map(|_| ())
}

const fn days_after(time: Timestamp, days: i64) -> Timestamp {
    time.plus_seconds(days * 86_400)
}

fn since_epoch(time: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(time.seconds()).unwrap_or_default())
}

fn read(files: &TlsFiles) -> Outcome<Credentials> {
    tls::read(files).map_err(|unusable| format!("the {} {}", unusable.file, unusable.text).into())
}

/// A new certificate and its key. It is valid since yesterday, for clocks that are late.
pub(crate) fn make(now: Timestamp) -> Outcome<Credentials> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    let day = |days| date_time_ymd(1970, 1, 1) + since_epoch(days_after(now, days));
    params.not_before = day(-1);
    params.not_after = day(DAYS);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "poolhouse dev");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = key.serialize_der().try_into()?;
    Ok(Credentials { chain: vec![certificate.der().clone()], key })
}

/// Writes the key where only its owner can read it, and then the certificate: whoever finds that
/// finds both.
fn write(files: &TlsFiles, made: &Credentials) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&files.key)?;
    file.write_all(pem("PRIVATE KEY", made.key.secret_der()).as_bytes())?;
    let certificates = made.chain.iter().map(|certificate| pem("CERTIFICATE", certificate));
    fs::write(&files.certificate, certificates.collect::<String>())
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn options(arguments: &[&str]) -> Dev {
        let arguments = ["poolhouse", "dev"].iter().chain(arguments);
        match Cli::try_parse_from(arguments).unwrap().command {
            Command::Dev(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_certificate_is_made_once_and_its_key_is_the_owner_s() {
        let folder = tempfile::tempdir().unwrap();
        let first = kept(folder.path(), SystemClock.now()).unwrap();
        let second = kept(folder.path(), SystemClock.now()).unwrap();
        assert_eq!(first.chain, second.chain);
        assert_eq!(first.key, second.key);
        let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(folder.path().join(CERTIFICATE)).unwrap();
        assert_ne!(kept(folder.path(), SystemClock.now()).unwrap().chain, first.chain);
        assert!(tls::acceptor(first).is_ok());
    }

    #[test]
    fn the_certificate_is_valid_as_long_as_all_clients_take_and_then_another_is_made() {
        let now = SystemClock.now();
        let folder = tempfile::tempdir().unwrap();
        let first = kept(folder.path(), now).unwrap();
        assert!(check(&first.chain[0], now).is_ok());
        assert!(check(&first.chain[0], days_after(now, -2)).is_err());
        assert!(check(&first.chain[0], days_after(now, DAYS - 1)).is_ok());
        let over = days_after(now, DAYS + 1);
        assert!(check(&first.chain[0], over).is_err());
        assert_eq!(kept(folder.path(), days_after(now, DAYS - 1)).unwrap().chain, first.chain);
        let second = kept(folder.path(), over).unwrap();
        assert_ne!(second.chain, first.chain);
        assert!(check(&second.chain[0], over).is_ok());
        // One that is valid for too long.
        let early = kept(folder.path(), now).unwrap();
        assert_ne!(early.chain, second.chain);
    }

    #[test]
    fn given_files_count_and_their_problems_are_told() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path(), SystemClock.now()).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (certificate, key) = (path(CERTIFICATE), path(KEY));
        let given = ["--tls-certificate", &certificate, "--tls-key", &key];
        assert!(acceptor(&options(&given)).is_ok());
        let swapped = ["--tls-certificate", &key, "--tls-key", &certificate];
        let problem = acceptor(&options(&swapped)).err().unwrap().to_string();
        assert!(problem.starts_with(&format!("the certificate {key} can't be used")), "{problem}");
        fs::write(&key, pem("PRIVATE KEY", make(SystemClock.now()).unwrap().key.secret_der()))
            .unwrap();
        let problem = acceptor(&options(&given)).err().unwrap().to_string();
        assert!(problem.starts_with("--tls-certificate: "), "{problem}");
        assert!(Cli::try_parse_from(["poolhouse", "dev", "--tls-key", "a"]).is_err());
    }
}
