//! TLS from a certificate and a key in PEM files.

use std::{fmt, path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    config::TlsFiles,
    document::{Document, Problem},
};

/// Who the server says it is: a certificate, those that vouch for it, and its key.
pub(crate) struct Credentials {
    /// The certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The private key of the first certificate.
    pub(crate) key: PrivateKeyDer<'static>,
}

/// A file that can't be used.
pub(crate) struct Unusable {
    /// Which of the two: `certificate` or `key`.
    pub(crate) file: &'static str,
    /// Its path, and why.
    pub(crate) text: String,
}

/// Reads both files.
pub(crate) fn read(files: &TlsFiles) -> Result<Credentials, Unusable> {
    let unusable = |file, path: &Path, error: &dyn fmt::Display| {
        let text = format!("{} can't be used: {error}", path.display());
        Unusable { file, text }
    };
    let path = &files.certificate;
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("certificate", path, &error))?;
    if chain.is_empty() {
        return Err(unusable("certificate", path, &"there is no certificate in it"));
    }
    let path = &files.key;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| unusable("key", path, &error))?;
    Ok(Credentials { chain, key })
}

/// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1.
///
/// # Errors
/// Certificate and key don't belong together.
pub(crate) fn acceptor(credentials: Credentials) -> Result<TlsAcceptor, rustls::Error> {
    let Credentials { chain, key } = credentials;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What the configuration file says.
///
/// # Errors
/// A file can't be read, or certificate and key don't belong together.
pub(crate) fn configured(files: &TlsFiles, document: &Document) -> Result<TlsAcceptor, Problem> {
    let credentials = read(files)
        .map_err(|unusable| document.problem(&format!("tls.{}", unusable.file), unusable.text))?;
    acceptor(credentials).map_err(|error| document.problem("tls", error))
}
