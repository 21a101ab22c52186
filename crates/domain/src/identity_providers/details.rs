//! `ProviderDetails` of each type: what must be given, and what we add.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    IdentityProvider, ProviderRefused, ProviderSecrets, certificate, discovery,
    saml::{self, SamlMetadata},
};
use crate::{
    fault::{Fault, Ruling},
    granted,
    ports::{Ports, compute},
    shapes::IdentityProviderTypeType,
};

/// The details of a provider, as requests and answers have them.
pub(super) type Details = BTreeMap<String, String>;

pub(super) const CLIENT_SECRET: &str = "client_secret";
const PRIVATE_KEY: &str = "private_key";
const METADATA_URL: &str = "MetadataURL";
const METADATA_FILE: &str = "MetadataFile";
const SSO: &str = "SSORedirectBindingURI";
const SLO: &str = "SLORedirectBindingURI";
const ENCRYPTED: &str = "EncryptedResponses";
const ENCRYPTION_CERTIFICATE: &str = "ActiveEncryptionCertificate";

/// The most bytes of a metadata document that is fetched; a file in a request can't have more.
const LARGEST_METADATA: usize = 131_072;

/// The version of Facebook's interface for who names none: that of the model's examples (belief).
const FACEBOOK_VERSION: &str = "v17.0";

/// Replaces the details of a provider. After a refusal it must not be stored.
pub(super) async fn replace(
    ports: &Ports,
    provider: &mut IdentityProvider,
    mut given: Details,
) -> Ruling<(), ProviderRefused> {
    let kind = provider.kind();
    let mut secrets = ProviderSecrets {
        client_secret: given.remove(CLIENT_SECRET).filter(|secret| !secret.trim().is_empty()),
        private_key: given.remove(PRIVATE_KEY).filter(|key| !key.trim().is_empty()),
        decryption_key: None,
    };
    // Private keys are never shown, so that whoever sends back what was shown means to keep it.
    secrets.private_key = secrets.private_key.or_else(|| provider.secrets.private_key.take());
    let mut saml = None;
    match kind {
        IdentityProviderTypeType::Oidc => granted!(oidc(ports, &mut given).await?),
        IdentityProviderTypeType::Saml => {
            saml = Some(granted!(read_metadata(ports, &mut given).await?));
            secrets.decryption_key = decryption_key(ports, provider, &mut given).await?;
        }
        IdentityProviderTypeType::SignInWithApple => granted!(apple(&mut given, &secrets)),
        _ => granted!(social(kind, &mut given, &secrets)),
    }
    provider.settings.provider_details = Some(given);
    provider.secrets = secrets;
    provider.saml = saml;
    Ok(Ok(()))
}

/// Whether these details are all there, and not blank.
fn has_all(details: &Details, keys: &[&str]) -> bool {
    keys.iter().all(|key| details.get(*key).is_some_and(|value| !value.trim().is_empty()))
}

/// Adds details where none are given.
///
/// What is given wins: it is what an earlier answer said, or a stand-in for the network in a test.
fn add(details: &mut Details, added: &[(&str, &str)]) {
    for (key, value) in added {
        details.entry((*key).to_owned()).or_insert_with(|| (*value).to_owned());
    }
}

/// Details of an OpenID provider.
async fn oidc(ports: &Ports, details: &mut Details) -> Ruling<(), ProviderRefused> {
    let required = ["client_id", "authorize_scopes", "oidc_issuer", "attributes_request_method"];
    if !has_all(details, &required) {
        return Ok(Err(ProviderRefused::OidcIncomplete));
    }
    let method = details.get("attributes_request_method").map(String::as_str).unwrap_or_default();
    if !["GET", "POST"].contains(&method) {
        return Ok(Err(ProviderRefused::RequestMethod(method.to_owned())));
    }
    granted!(discovery::complete(ports, details).await?);
    add(details, &[("attributes_url_add_attributes", "false")]);
    Ok(Ok(()))
}

/// Details of Google, Facebook and Amazon.
fn social(
    kind: IdentityProviderTypeType,
    details: &mut Details,
    secrets: &ProviderSecrets,
) -> Result<(), ProviderRefused> {
    if !has_all(details, &["client_id", "authorize_scopes"]) || secrets.client_secret.is_none() {
        return Err(ProviderRefused::SocialIncomplete);
    }
    match kind {
        IdentityProviderTypeType::Google => add(
            details,
            &[
                ("attributes_url", "https://people.googleapis.com/v1/people/me?personFields="),
                ("attributes_url_add_attributes", "true"),
                ("authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"),
                ("oidc_issuer", "https://accounts.google.com"),
                ("token_request_method", "POST"),
                ("token_url", "https://www.googleapis.com/oauth2/v4/token"),
            ],
        ),
        IdentityProviderTypeType::LoginWithAmazon => add(
            details,
            &[
                ("attributes_url", "https://api.amazon.com/user/profile"),
                ("attributes_url_add_attributes", "false"),
                ("authorize_url", "https://www.amazon.com/ap/oa"),
                ("token_request_method", "POST"),
                ("token_url", "https://api.amazon.com/auth/o2/token"),
            ],
        ),
        _ => {
            let version = details.get("api_version").map_or(FACEBOOK_VERSION, String::as_str);
            let graph = format!("https://graph.facebook.com/{version}");
            let authorize = format!("https://www.facebook.com/{version}/dialog/oauth");
            add(
                details,
                &[
                    ("attributes_url", &format!("{graph}/me?fields=")),
                    ("attributes_url_add_attributes", "true"),
                    ("authorize_url", &authorize),
                    ("token_request_method", "GET"),
                    ("token_url", &format!("{graph}/oauth/access_token")),
                ],
            );
        }
    }
    Ok(())
}

/// Details of Sign in with Apple. (That scopes are required is documented; that the refusal is the
/// same is a belief.)
fn apple(details: &mut Details, secrets: &ProviderSecrets) -> Result<(), ProviderRefused> {
    let required = ["client_id", "team_id", "key_id", "authorize_scopes"];
    if !has_all(details, &required) || secrets.private_key.is_none() {
        return Err(ProviderRefused::AppleIncomplete);
    }
    add(
        details,
        &[
            ("attributes_url_add_attributes", "false"),
            ("authorize_url", "https://appleid.apple.com/auth/authorize"),
            ("oidc_issuer", "https://appleid.apple.com"),
            ("token_request_method", "POST"),
            ("token_url", "https://appleid.apple.com/auth/token"),
        ],
    );
    Ok(())
}

/// Reads the metadata of a SAML provider, from the request or from where the request says.
async fn read_metadata(
    ports: &Ports,
    details: &mut Details,
) -> Ruling<SamlMetadata, ProviderRefused> {
    granted!(check_switches(details));
    let is_given = |key: &str| details.get(key).filter(|value| !value.trim().is_empty());
    let text = match (is_given(METADATA_URL), is_given(METADATA_FILE)) {
        (None, None) => return Ok(Err(ProviderRefused::NoMetadata)),
        (Some(_), Some(_)) => return Ok(Err(ProviderRefused::TwoMetadata)),
        (None, Some(file)) => file.clone(),
        (Some(url), None) => match fetch_metadata(ports, url).await {
            Some(text) => text,
            None => return Ok(Err(ProviderRefused::MetadataUnreachable(url.clone()))),
        },
    };
    let read = saml::parse(&text, ports.clock.now());
    let metadata = granted!(read.map_err(ProviderRefused::Metadata));
    details.insert(SSO.to_owned(), metadata.sso_redirect.clone());
    match &metadata.slo_redirect {
        Some(url) => details.insert(SLO.to_owned(), url.clone()),
        None => details.remove(SLO),
    };
    add(details, &[("IDPSignout", "false")]);
    Ok(Ok(metadata))
}

/// The document at this address, if it is one and may be fetched.
async fn fetch_metadata(ports: &Ports, url: &str) -> Option<String> {
    if !discovery::is_secure(ports, url) {
        return None;
    }
    let document = discovery::fetch(ports, url, LARGEST_METADATA).await?;
    String::from_utf8(document).ok()
}

/// Details of a SAML provider that have few values.
fn check_switches(details: &Details) -> Result<(), ProviderRefused> {
    let switch = ["true", "false"].as_slice();
    let sets = [
        ("IDPSignout", switch),
        ("IDPInit", switch),
        (ENCRYPTED, switch),
        ("RequestSigningAlgorithm", &["rsa-sha256"]),
    ];
    for (key, set) in sets {
        if let Some(value) = details.get(key).filter(|value| !set.contains(&value.as_str())) {
            return Err(ProviderRefused::DetailValue { key, value: value.clone() });
        }
    }
    Ok(())
}

/// The key that opens encrypted responses, where they are asked for, and its certificate for the
/// provider among the details. Both stay while they are asked for.
async fn decryption_key(
    ports: &Ports,
    provider: &IdentityProvider,
    details: &mut Details,
) -> Result<Option<Vec<u8>>, Fault> {
    details.remove(ENCRYPTION_CERTIFICATE);
    if details.get(ENCRYPTED).is_none_or(|switch| switch != "true") {
        return Ok(None);
    }
    let old = provider.settings.provider_details.as_ref();
    let old = old.and_then(|details| details.get(ENCRYPTION_CERTIFICATE));
    if let (Some(key), Some(certificate)) = (&provider.secrets.decryption_key, old) {
        details.insert(ENCRYPTION_CERTIFICATE.to_owned(), certificate.clone());
        return Ok(Some(key.clone()));
    }
    let key = ports.key_reserve.take(&*ports.workers).await?.to_pkcs8()?.to_vec();
    let name = format!("{} {}", provider.user_pool_id(), provider.name());
    let draft = certificate::Draft::new(name, ports);
    let (key, certificate) = compute(&*ports.workers, move || {
        let certificate = draft.sign(&key);
        (key, certificate)
    })
    .await?;
    details.insert(ENCRYPTION_CERTIFICATE.to_owned(), STANDARD.encode(certificate?));
    Ok(Some(key))
}
