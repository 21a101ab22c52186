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
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Outcome,
    cli::Dev,
    config::TlsFiles,
    tls::{self, Credentials},
};

/// The names of the files in the data folder.
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "certificate-key.pem";

/// Names of this machine, and of the domains of pools on it.
const NAMES: [&str; 5] = ["localhost", "*.localhost", "*.auth.localhost", "127.0.0.1", "::1"];

/// What the options say: certificate files, or a certificate of the server's own.
pub(crate) fn acceptor(options: &Dev) -> Outcome<TlsAcceptor> {
    let (given, own) = match (&options.tls_certificate, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
            (read(&files)?, false)
        }
        _ if options.ephemeral => (make()?, true),
        _ => (kept(&options.data)?, true),
    };
    tls::acceptor(given).map_err(|error| {
        let whose = if own { "the certificate in the data folder" } else { "--tls-certificate" };
        format!("{whose}: {error}").into()
    })
}

/// The certificate in the data folder, made if there is none.
fn kept(folder: &Path) -> Outcome<Credentials> {
    let files = TlsFiles { certificate: folder.join(CERTIFICATE), key: folder.join(KEY) };
    if !(files.certificate.exists() && files.key.exists()) {
        let made = make()?;
        write(&files, &made).map_err(|error| {
            format!("no certificate can be written to {}: {error}", folder.display())
        })?;
    }
    read(&files)
}

fn read(files: &TlsFiles) -> Outcome<Credentials> {
    tls::read(files).map_err(|unusable| format!("the {} {}", unusable.file, unusable.text).into())
}

/// A new certificate and its key, valid for as long as anybody asks.
pub(crate) fn make() -> Outcome<Credentials> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
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
        let first = kept(folder.path()).unwrap();
        let second = kept(folder.path()).unwrap();
        assert_eq!(first.chain, second.chain);
        assert_eq!(first.key, second.key);
        let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(folder.path().join(CERTIFICATE)).unwrap();
        assert_ne!(kept(folder.path()).unwrap().chain, first.chain);
        assert!(tls::acceptor(first).is_ok());
    }

    #[test]
    fn given_files_count_and_their_problems_are_told() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path()).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (certificate, key) = (path(CERTIFICATE), path(KEY));
        let given = ["--tls-certificate", &certificate, "--tls-key", &key];
        assert!(acceptor(&options(&given)).is_ok());
        let swapped = ["--tls-certificate", &key, "--tls-key", &certificate];
        let problem = acceptor(&options(&swapped)).err().unwrap().to_string();
        assert!(problem.starts_with(&format!("the certificate {key} can't be used")), "{problem}");
        fs::write(&key, pem("PRIVATE KEY", make().unwrap().key.secret_der())).unwrap();
        let problem = acceptor(&options(&given)).err().unwrap().to_string();
        assert!(problem.starts_with("--tls-certificate: "), "{problem}");
        assert!(Cli::try_parse_from(["poolhouse", "dev", "--tls-key", "a"]).is_err());
    }
}
