//! What a SAML metadata document says of an identity provider (SAML V2.0 Metadata, OASIS 2005).

use base64::{Engine, engine::general_purpose::STANDARD};
use roxmltree::{Document, Node, ParsingOptions};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::time::Timestamp;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// Nodes that a document may have. Those of single providers have some hundred.
const MOST_NODES: u32 = 20_000;
/// Elements that may be inside of one another. Real documents have eight.
const DEEPEST: usize = 64;
/// Characters of a certificate, as the developer guide says.
const LONGEST_CERTIFICATE: usize = 4_096;
/// Certificates that are kept of one document.
const MOST_CERTIFICATES: usize = 20;
/// Characters of names and addresses; [`REDIRECT`] puts a whole request behind an address.
const LONGEST_NAME: usize = 2_048;

/// What is used of a metadata document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlMetadata {
    /// The provider's name for itself, which its assertions carry as issuer.
    pub entity_id: String,
    /// Where browsers are sent for signing in.
    pub sso_redirect: String,
    /// Where browsers are sent for signing out.
    pub slo_redirect: Option<String>,
    /// Certificates of which any may have signed an assertion: base64 of the DER.
    pub signing_certificates: Vec<String>,
    /// When the document was read.
    pub read_at: Timestamp,
}

/// Why a document is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataRefused {
    /// Not well-formed, with a document type, or larger than any real one.
    #[error("the document cannot be parsed")]
    Unreadable,
    /// It describes no identity provider.
    #[error("the document has no EntityDescriptor with an IDPSSODescriptor")]
    NoProvider,
    /// Browsers can't be sent to it.
    #[error("the document has no SingleSignOnService with the HTTP-Redirect binding")]
    NoSignOn,
    /// Its assertions could not be checked.
    #[error("the document has no usable signing certificate")]
    NoCertificate,
}

/// Reads a metadata document.
///
/// The parser knows no external entities and refuses document types, so that a document can neither
/// make us fetch something nor grow in memory.
pub fn parse(text: &str, now: Timestamp) -> Result<SamlMetadata, MetadataRefused> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options);
    let document = document.map_err(|_| MetadataRefused::Unreadable)?;
    if is_too_deep(&document) {
        return Err(MetadataRefused::Unreadable);
    }
    // A federation's document holds many entities; the first identity provider is meant (belief).
    let provider = document.descendants().find(|node| is(node, METADATA, "IDPSSODescriptor"));
    let provider = provider.ok_or(MetadataRefused::NoProvider)?;
    let entity = provider.parent_element().filter(|node| is(node, METADATA, "EntityDescriptor"));
    let entity_id = entity.and_then(|node| node.attribute("entityID")).unwrap_or_default();
    if entity_id.is_empty() || entity_id.len() > LONGEST_NAME {
        return Err(MetadataRefused::NoProvider);
    }
    let sso_redirect = redirect(provider, "SingleSignOnService");
    let signing_certificates = certificates(provider);
    if signing_certificates.is_empty() {
        return Err(MetadataRefused::NoCertificate);
    }
    Ok(SamlMetadata {
        entity_id: entity_id.to_owned(),
        sso_redirect: sso_redirect.ok_or(MetadataRefused::NoSignOn)?,
        slo_redirect: redirect(provider, "SingleLogoutService"),
        signing_certificates,
        read_at: now,
    })
}

fn is(node: &Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.has_tag_name((namespace, name))
}

/// Whether elements are nested deeper than in any real document.
fn is_too_deep(document: &Document<'_>) -> bool {
    let mut stack = vec![(document.root(), 0)];
    while let Some((node, depth)) = stack.pop() {
        if depth > DEEPEST {
            return true;
        }
        stack.extend(node.children().map(|child| (child, depth + 1)));
    }
    false
}

/// The address of a service to which browsers are redirected.
fn redirect(provider: Node<'_, '_>, service: &str) -> Option<String> {
    let mut services = provider.children().filter(|node| is(node, METADATA, service));
    let found = services.find(|node| node.attribute("Binding") == Some(REDIRECT))?;
    let location = found.attribute("Location").filter(|url| url.len() <= LONGEST_NAME)?;
    let url = Url::parse(location).ok()?;
    // Browsers would run what other schemes say.
    matches!(url.scheme(), "https" | "http").then(|| location.to_owned())
}

/// The certificates for signatures: those for signing, and those without stated use.
fn certificates(provider: Node<'_, '_>) -> Vec<String> {
    let keys = provider.children().filter(|node| is(node, METADATA, "KeyDescriptor"));
    let signing = keys.filter(|key| key.attribute("use").is_none_or(|used| used == "signing"));
    let found = signing.flat_map(|key| key.descendants());
    let found = found.filter(|node| is(node, SIGNATURE, "X509Certificate"));
    let mut certificates = Vec::new();
    for text in found.filter_map(|node| node.text()).take(MOST_CERTIFICATES) {
        let text: String = text.split_ascii_whitespace().collect();
        let is_certificate = text.len() <= LONGEST_CERTIFICATE
            && STANDARD.decode(&text).is_ok_and(|der| is_der(&der));
        if is_certificate && !certificates.contains(&text) {
            certificates.push(text);
        }
    }
    certificates
}

/// Whether bytes begin as a certificate does: a DER sequence with a two-byte length.
fn is_der(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x30, 0x82])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(7);
    /// Four bytes that begin as a certificate does.
    const CERTIFICATE: &str = "MIIB AA==";

    fn document(inner: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><m:EntityDescriptor xmlns:m="{METADATA}"
            xmlns:d="{SIGNATURE}" entityID="https://idp.example.com/saml">
            <m:IDPSSODescriptor>{inner}</m:IDPSSODescriptor></m:EntityDescriptor>"#
        )
    }

    fn key(attributes: &str, certificate: &str) -> String {
        format!(
            "<m:KeyDescriptor{attributes}><d:KeyInfo><d:X509Data><d:X509Certificate>
            {certificate}</d:X509Certificate></d:X509Data></d:KeyInfo></m:KeyDescriptor>"
        )
    }

    fn service(name: &str, binding: &str, location: &str) -> String {
        format!(r#"<m:{name} Binding="{binding}" Location="{location}"/>"#)
    }

    fn sign_on() -> String {
        service("SingleSignOnService", REDIRECT, "https://idp.example.com/sso?a=1&amp;b=2")
    }

    #[test]
    fn the_parts_that_are_used_are_read() {
        let post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
        let inner = [
            key(" use='encryption'", "MIIC"),
            key(" use='signing'", CERTIFICATE),
            key("", "MIIBAQ=="),
            key("", "MIIB\nAA=="),
            key("", "no certificate"),
            service("SingleLogoutService", post, "https://idp.example.com/post"),
            service("SingleSignOnService", post, "https://idp.example.com/post"),
            sign_on(),
        ];
        let read = parse(&document(&inner.concat()), NOW).unwrap();
        let expected = SamlMetadata {
            entity_id: "https://idp.example.com/saml".to_owned(),
            sso_redirect: "https://idp.example.com/sso?a=1&b=2".to_owned(),
            slo_redirect: None,
            signing_certificates: vec!["MIIBAA==".to_owned(), "MIIBAQ==".to_owned()],
            read_at: NOW,
        };
        assert_eq!(read, expected);
        let logout = service("SingleLogoutService", REDIRECT, "https://idp.example.com/out");
        let inner = [key("", CERTIFICATE), sign_on(), logout].concat();
        let read = parse(&document(&inner), NOW).unwrap();
        assert_eq!(read.slo_redirect.as_deref(), Some("https://idp.example.com/out"));
    }

    #[test]
    fn the_provider_may_be_one_of_several_entities() {
        let inner = [key("", CERTIFICATE), sign_on()].concat();
        let entity = document(&inner).replace(r#"<?xml version="1.0"?>"#, "");
        let text = format!(
            r#"<EntitiesDescriptor xmlns="{METADATA}"><EntityDescriptor entityID="sp">
            <SPSSODescriptor/></EntityDescriptor>{entity}</EntitiesDescriptor>"#
        );
        assert_eq!(parse(&text, NOW).unwrap().entity_id, "https://idp.example.com/saml");
    }

    #[test]
    fn documents_that_say_too_little_are_refused() {
        let good = key("", CERTIFICATE);
        let scripted = service("SingleSignOnService", REDIRECT, "javascript:alert(1)");
        let long = key("", &format!("MIIB{}", "AAAA".repeat(1_024)));
        for (text, refused) in [
            (String::new(), MetadataRefused::Unreadable),
            ("<a>".to_owned(), MetadataRefused::Unreadable),
            ("<a/>".to_owned(), MetadataRefused::NoProvider),
            (document("").replace(" entityID=", " other="), MetadataRefused::NoProvider),
            (document(&good), MetadataRefused::NoSignOn),
            (document(&[good.clone(), scripted].concat()), MetadataRefused::NoSignOn),
            (document(&sign_on()), MetadataRefused::NoCertificate),
            (document(&[long, sign_on()].concat()), MetadataRefused::NoCertificate),
        ] {
            assert_eq!(parse(&text, NOW), Err(refused), "{text}");
        }
    }

    #[test]
    fn documents_that_attack_the_parser_are_refused() {
        let entity = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
        let nested = format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000));
        let wide = format!("<a>{}</a>", "<b/>".repeat(30_000));
        for text in [entity.to_owned(), nested, wide] {
            assert_eq!(parse(&text, NOW), Err(MetadataRefused::Unreadable));
        }
    }
}
