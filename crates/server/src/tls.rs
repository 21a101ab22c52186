//! TLS from a certificate and a key in PEM files.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    config::TlsFiles,
    document::{Document, Problem},
};

/// TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1.
///
/// # Errors
/// A file can't be read, or certificate and key don't belong together.
pub(crate) fn acceptor(files: &TlsFiles, document: &Document) -> Result<TlsAcceptor, Problem> {
    let unreadable = |key: &str, path: &Path, error: &dyn std::fmt::Display| {
        document.problem(key, format_args!("{} can't be used: {error}", path.display()))
    };
    let path = &files.certificate;
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("tls.certificate", path, &error))?;
    if chain.is_empty() {
        return Err(unreadable("tls.certificate", path, &"there is no certificate in it"));
    }
    let path = &files.key;
    let key =
        PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable("tls.key", path, &error))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| document.problem("tls", error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
