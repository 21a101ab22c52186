//! Identity providers: who else may vouch for the users of a pool, by SAML, OpenID Connect or the
//! protocols of social networks, and whose identities are linked to which user.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | a provider as a whole, its storage port, creation and update |
//! | `details.rs` | `ProviderDetails` of each type: what must be given, what is added |
//! | `discovery.rs` | the endpoints of an OpenID provider, from its own document |
//! | `saml.rs` | what a SAML metadata document says |
//! | `certificate.rs` | certificates of our own: for signing requests, for decrypting answers |
//! | `links.rs` | identities of users, and how administrators link and unlink them |

pub mod certificate;
mod details;
mod discovery;
pub mod links;
pub mod saml;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use poolhouse_wire::java_order::java_hash_order;
use serde::{Deserialize, Serialize};

use self::{certificate::SamlKeys, links::LinkedIdentities, saml::SamlMetadata};
use crate::{
    fault::{Fault, Ruling},
    granted,
    ports::{Ports, Transaction},
    shapes::{
        CreateIdentityProviderRequest, IdentityProviderType, IdentityProviderTypeType,
        ProviderDescription, UpdateIdentityProviderRequest,
    },
    user_pools::UserPool,
};

/// Identity providers that a pool can have, as the developer guide's quotas say.
const PER_POOL: i64 = 300;

/// Names that say whose users they are: the directory of the pool itself, as app clients and as
/// links name it.
const OWN_NAMES: [&str; 2] = ["COGNITO", links::LOCAL];

/// The attribute that every user has, though no schema lists it: mappings may name it.
const USERNAME: &str = "username";

/// An identity provider of a user pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentityProvider {
    /// The settings, without secrets. [`Self::described`] is what clients see.
    pub settings: IdentityProviderType,
    /// What must not be readable in the database.
    pub secrets: ProviderSecrets,
    /// What the metadata of a SAML provider said when it was last read.
    pub saml: Option<SamlMetadata>,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

impl IdentityProvider {
    /// The name, unique in the pool.
    pub fn name(&self) -> &str {
        self.settings.provider_name.as_deref().unwrap_or_default()
    }

    /// The pool the provider belongs to.
    pub fn user_pool_id(&self) -> &str {
        self.settings.user_pool_id.as_deref().unwrap_or_default()
    }

    /// The protocol or network.
    pub fn kind(&self) -> IdentityProviderTypeType {
        self.settings.provider_type.unwrap_or_default()
    }

    /// Other names under which sign-in requests may mean this provider, each unique in the pool.
    pub fn identifiers(&self) -> &[String] {
        self.settings.idp_identifiers.as_deref().unwrap_or_default()
    }

    /// Whether a claim of this provider goes into the attribute of this name.
    pub fn maps(&self, attribute: &str) -> bool {
        self.settings.attribute_mapping.as_ref().is_some_and(|map| map.contains_key(attribute))
    }

    /// The provider as administrators see it: with the client secret, without private keys.
    pub fn described(&self) -> IdentityProviderType {
        let mut shown = self.settings.clone();
        if let Some(secret) = &self.secrets.client_secret {
            let details = shown.provider_details.get_or_insert_default();
            details.insert(details::CLIENT_SECRET.to_owned(), secret.clone());
        }
        shown
    }
}

/// What of a provider is kept sealed. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSecrets {
    /// The secret with which we prove to the provider who we are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The key from which secrets for Sign in with Apple are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// The key that opens encrypted SAML responses, in PKCS#8 DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decryption_key: Option<Vec<u8>>,
}

impl fmt::Debug for ProviderSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderSecrets(***)")
    }
}

/// Why a provider can't be had as asked for. The texts are the service's unless marked as beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderRefused {
    /// The pool has a provider of this name.
    #[error("{name} already exists for tenant {user_pool_id}.")]
    NameTaken {
        /// The name.
        name: String,
        /// The pool.
        user_pool_id: String,
    },
    /// The pool has as many as it can have. (The text is a belief.)
    #[error("Exceeded the limit of 300 identity providers per user pool.")]
    TooMany,
    /// Another provider of the pool has this identifier. (The text is a belief.)
    #[error("The identifier {0} is already in use by another identity provider.")]
    IdentifierTaken(String),
    /// A social network under another name, or another type under its name.
    #[error("Provider {name} cannot be of type {}.", .kind.as_str())]
    NameOfAnotherType {
        /// The name.
        name: String,
        /// The type that was asked for.
        kind: IdentityProviderTypeType,
    },
    /// OpenID Connect without all that it needs.
    #[error(
        "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all required idp details."
    )]
    OidcIncomplete,
    /// A social network without all that it needs.
    #[error("clientId, clientSecret and authorizeScopes are all required idp details.")]
    SocialIncomplete,
    /// Apple without all that it needs.
    #[error("clientId, privateKey, teamId, and keyId are all required idp details.")]
    AppleIncomplete,
    /// An address that others on the way could read and change.
    #[error("OIDC endpoint must start with https://")]
    InsecureEndpoint,
    /// A method that attributes can't be asked for with.
    #[error(
        "1 validation error detected: Value '{0}' at 'providerConfiguration.oidcConfig.attributesRequestMethod' failed to satisfy constraint: Member must satisfy enum value set: [POST, GET]"
    )]
    RequestMethod(String),
    /// The provider does not say where its endpoints are, and neither does the request. (The text
    /// is a belief.)
    #[error("Unable to contact well-known endpoint")]
    Undiscoverable,
    /// SAML without metadata.
    #[error("At least one of the MetadataURL or MetadataFile should be provided.")]
    NoMetadata,
    /// SAML with metadata from two places.
    #[error("Only one of the MetadataURL or MetadataFile should be provided.")]
    TwoMetadata,
    /// Metadata that can't be fetched.
    #[error("Error retrieving metadata from {0}")]
    MetadataUnreachable(String),
    /// Metadata that says too little. (The text is a belief.)
    #[error("Invalid SAML metadata: {0}.")]
    Metadata(saml::MetadataRefused),
    /// A switch that is neither on nor off, or a word outside of its set. (The text is a belief.)
    #[error("Invalid value {value} for idp detail {key}.")]
    DetailValue {
        /// The detail.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A mapping to an attribute that the pool does not have. (That this is refused, and the text,
    /// are beliefs.)
    #[error("Attribute mapping names {0}, which does not exist in the user pool schema.")]
    UnknownAttribute(String),
    /// Levels of authentication for another type than OpenID Connect. (The text is a belief.)
    #[error("AcrMapping is supported for OIDC identity providers only.")]
    AcrMapping,
}

/// Storage of identity providers, of what is linked to them, and of the keys for SAML.
#[async_trait]
pub trait IdentityProviders: LinkedIdentities + SamlKeys + Send {
    /// Stores a new provider without its identifiers, unless the pool has one of the same name:
    /// then answers `false`.
    async fn insert_identity_provider(
        &mut self,
        provider: &IdentityProvider,
    ) -> Result<bool, Fault>;

    /// The provider of a pool with this name.
    async fn identity_provider(
        &mut self,
        user_pool_id: &str,
        name: &str,
    ) -> Result<Option<IdentityProvider>, Fault>;

    /// The provider of a pool that has this identifier.
    async fn identity_provider_by_identifier(
        &mut self,
        user_pool_id: &str,
        identifier: &str,
    ) -> Result<Option<IdentityProvider>, Fault>;

    /// Replaces a provider that was read at `provider.version`, its identifiers excepted, and
    /// counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed (or was deleted) since it was read.
    async fn update_identity_provider(
        &mut self,
        provider: &mut IdentityProvider,
    ) -> Result<(), Fault>;

    /// Makes the provider's identifiers those in its settings. Answers one that another provider of
    /// the pool has, if any: then nothing of the transaction may be committed.
    async fn claim_idp_identifiers(
        &mut self,
        provider: &IdentityProvider,
    ) -> Result<Option<String>, Fault>;

    /// Removes a provider and its identifiers; answers whether there was one. Identities that are
    /// linked to users stay.
    async fn delete_identity_provider(
        &mut self,
        user_pool_id: &str,
        name: &str,
    ) -> Result<bool, Fault>;

    /// A page of a pool's providers in ascending order of name, after this one.
    async fn list_identity_providers(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ProviderDescription>, Fault>;

    /// The number of providers of a pool.
    async fn count_identity_providers(&mut self, user_pool_id: &str) -> Result<i64, Fault>;
}

/// What [`draft`] and [`changed`] are asked for: members that are none stay as they are.
struct Wanted {
    details: Option<BTreeMap<String, String>>,
    attribute_mapping: Option<BTreeMap<String, String>>,
    identifiers: Option<Vec<String>>,
    acr_mapping: Option<BTreeMap<String, String>>,
}

/// A provider as it is to be stored. Asks other servers what they say of themselves, so that no
/// transaction may be open.
pub async fn draft(
    ports: &Ports,
    pool: &UserPool,
    request: CreateIdentityProviderRequest,
) -> Ruling<IdentityProvider, ProviderRefused> {
    let (name, kind) = (request.provider_name, request.provider_type);
    if !is_fit(&name, kind) {
        return Ok(Err(ProviderRefused::NameOfAnotherType { name, kind }));
    }
    let settings = IdentityProviderType {
        user_pool_id: Some(pool.id().to_owned()),
        provider_name: Some(name),
        provider_type: Some(kind),
        attribute_mapping: default_mapping(kind),
        ..IdentityProviderType::default()
    };
    let blank = IdentityProvider { settings, ..IdentityProvider::default() };
    let wanted = Wanted {
        details: Some(request.provider_details),
        attribute_mapping: request.attribute_mapping,
        identifiers: Some(request.idp_identifiers.unwrap_or_default()),
        acr_mapping: request.acr_mapping,
    };
    let mut provider = granted!(apply(ports, pool, blank, wanted).await?);
    provider.settings.creation_date = provider.settings.last_modified_date;
    Ok(Ok(provider))
}

/// A provider with those settings that are given in place of its own, each as a whole, as was measured
/// (<https://github.com/floci-io/floci>). Asks other servers what they say of themselves, so that no
/// transaction may be open.
pub async fn changed(
    ports: &Ports,
    pool: &UserPool,
    provider: IdentityProvider,
    request: UpdateIdentityProviderRequest,
) -> Ruling<IdentityProvider, ProviderRefused> {
    let wanted = Wanted {
        details: request.provider_details,
        attribute_mapping: request.attribute_mapping,
        identifiers: request.idp_identifiers,
        acr_mapping: request.acr_mapping,
    };
    apply(ports, pool, provider, wanted).await
}

/// Whether a provider of this type may have this name: social networks go by their own names, and
/// nobody else does (belief, as is what is left to the pool's own directory).
fn is_fit(name: &str, kind: IdentityProviderTypeType) -> bool {
    if is_social(kind) {
        return name == kind.as_str();
    }
    let is_network = |kind: &IdentityProviderTypeType| is_social(*kind) && kind.as_str() == name;
    !OWN_NAMES.contains(&name) && !IdentityProviderTypeType::ALL.iter().any(is_network)
}

/// Whether this is a social network, of which a pool has one at most.
pub const fn is_social(kind: IdentityProviderTypeType) -> bool {
    !matches!(kind, IdentityProviderTypeType::Saml | IdentityProviderTypeType::Oidc)
}

/// What creation and update share.
async fn apply(
    ports: &Ports,
    pool: &UserPool,
    mut provider: IdentityProvider,
    wanted: Wanted,
) -> Ruling<IdentityProvider, ProviderRefused> {
    let kind = provider.kind();
    if let Some(mapping) = wanted.attribute_mapping {
        let mapping = granted!(checked_mapping(pool, kind, mapping));
        provider.settings.attribute_mapping = Some(mapping);
    }
    if let Some(identifiers) = wanted.identifiers {
        provider.settings.idp_identifiers = Some(java_hash_order(identifiers));
    }
    if let Some(levels) = wanted.acr_mapping {
        if kind != IdentityProviderTypeType::Oidc && !levels.is_empty() {
            return Ok(Err(ProviderRefused::AcrMapping));
        }
        provider.settings.acr_mapping = Some(levels).filter(|levels| !levels.is_empty());
    }
    if let Some(given) = wanted.details {
        granted!(details::replace(ports, &mut provider, given).await?);
    }
    provider.settings.last_modified_date = Some(ports.clock.now().to_wire());
    Ok(Ok(provider))
}

/// A mapping to attributes of the pool, with the claim that names the user. Without any entry it
/// stays so, as was measured (<https://github.com/floci-io/floci>).
fn checked_mapping(
    pool: &UserPool,
    kind: IdentityProviderTypeType,
    mut mapping: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ProviderRefused> {
    let is_known = |name: &str| name == USERNAME || pool.schema_attribute(name).is_some();
    if let Some(name) = mapping.keys().find(|name| !is_known(name)) {
        return Err(ProviderRefused::UnknownAttribute(name.clone()));
    }
    if mapping.is_empty() {
        return Ok(mapping);
    }
    for (name, claim) in default_mapping(kind).unwrap_or_default() {
        mapping.entry(name).or_insert(claim);
    }
    Ok(mapping)
}

/// What a provider maps if nobody says: the claim that names the user. A SAML provider shows no
/// mapping then: a belief.
fn default_mapping(kind: IdentityProviderTypeType) -> Option<BTreeMap<String, String>> {
    let claim = match kind {
        IdentityProviderTypeType::Saml => return None,
        IdentityProviderTypeType::Facebook => "id",
        IdentityProviderTypeType::LoginWithAmazon => "user_id",
        _ => "sub",
    };
    Some(BTreeMap::from([(USERNAME.to_owned(), claim.to_owned())]))
}

/// Stores a new provider. After a refusal the transaction must not be committed.
pub async fn insert(
    tx: &mut dyn Transaction,
    provider: &IdentityProvider,
) -> Ruling<(), ProviderRefused> {
    let user_pool_id = provider.user_pool_id();
    tx.hold_user_pool(user_pool_id).await?;
    if !tx.insert_identity_provider(provider).await? {
        let (name, user_pool_id) = (provider.name().to_owned(), user_pool_id.to_owned());
        return Ok(Err(ProviderRefused::NameTaken { name, user_pool_id }));
    }
    if tx.count_identity_providers(user_pool_id).await? > PER_POOL {
        return Ok(Err(ProviderRefused::TooMany));
    }
    claim_identifiers(tx, provider).await
}

/// Stores a changed provider. After a refusal the transaction must not be committed.
pub async fn replace(
    tx: &mut dyn Transaction,
    provider: &mut IdentityProvider,
) -> Ruling<(), ProviderRefused> {
    tx.update_identity_provider(provider).await?;
    claim_identifiers(tx, provider).await
}

async fn claim_identifiers(
    tx: &mut dyn Transaction,
    provider: &IdentityProvider,
) -> Ruling<(), ProviderRefused> {
    let taken = tx.claim_idp_identifiers(provider).await?;
    Ok(taken.map_or(Ok(()), |identifier| Err(ProviderRefused::IdentifierTaken(identifier))))
}

/// The first of these names that app clients can't use: neither a provider of the pool nor the
/// pool's own directory.
pub async fn first_unknown(
    providers: &mut (dyn IdentityProviders + '_),
    user_pool_id: &str,
    names: &[String],
) -> Result<Option<String>, Fault> {
    // The order of the answer to the caller; each name is looked up once, and the first that is
    // missing ends the search, so that it never takes more steps than a pool can have providers.
    for name in java_hash_order(names.iter().map(String::as_str)) {
        if name != "COGNITO" && providers.identity_provider(user_pool_id, name).await?.is_none() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_printed() {
        let provider = IdentityProvider {
            secrets: ProviderSecrets {
                client_secret: Some("hush".to_owned()),
                private_key: Some("hush".to_owned()),
                decryption_key: Some(b"hush".to_vec()),
            },
            ..IdentityProvider::default()
        };
        assert!(!format!("{provider:?}").contains("hush"));
    }

    #[test]
    fn social_networks_go_by_their_own_names_and_nobody_else_does() {
        use IdentityProviderTypeType::{Facebook, Google, Oidc, Saml};
        for (name, kind, expected) in [
            ("Google", Google, true),
            ("google", Google, false),
            ("Google", Facebook, false),
            ("Google", Oidc, false),
            ("google", Oidc, true),
            ("SignInWithApple", Saml, false),
            ("COGNITO", Oidc, false),
            ("Cognito", Saml, false),
            ("OIDC", Oidc, true),
        ] {
            assert_eq!(is_fit(name, kind), expected, "{name} as {}", kind.as_str());
        }
    }
}
