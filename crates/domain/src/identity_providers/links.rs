//! Identities of users: which account of which provider belongs to whom, and how administrators
//! link and unlink them.
//!
//! An identity is kept twice. The user's attribute `identities` shows all of one user; it costs no
//! look-up where users are read and tokens are made. The table behind [`LinkedIdentities`] finds
//! the user of an identity when somebody comes back from a provider.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{IdentityProvider, is_social};
use crate::{
    fault::{Fault, Ruling},
    granted,
    passwords::history,
    ports::Transaction,
    shapes::{ProviderUserIdentifierType, UserStatusType},
    time::Timestamp,
    tokens::revoke::sign_out_everywhere,
    user_pools::UserPool,
    users::{self, User},
};

/// The attribute in which a user's identities are shown.
pub const ATTRIBUTE: &str = "identities";
/// The name of the pool's own directory where a provider is asked for.
pub const LOCAL: &str = "Cognito";
/// The name of what a provider itself calls its user: `sub`, `id`, `NameID`.
pub const SUBJECT: &str = "Cognito_Subject";

/// Identities that can be linked to a user, as the service model says.
const PER_USER: usize = 5;
/// Different attributes by which identities of one provider can be linked, as the developer guide
/// says.
const ATTRIBUTES_PER_PROVIDER: usize = 5;
/// The most bytes of a value by which an identity is found: more than a subject or an address has
/// (OpenID Connect Core section 2, RFC 5321 section 4.5.3.1), less than an index takes.
const LONGEST_VALUE: usize = 1_024;

/// An identity, as the store finds users by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The pool.
    pub user_pool_id: String,
    /// The provider.
    pub provider_name: String,
    /// [`SUBJECT`], or the user pool attribute to which the provider's claim is mapped.
    pub attribute_name: String,
    /// The value of it, compared exactly.
    pub attribute_value: String,
    /// The user.
    pub sub: String,
    /// Whether the user came to be by signing in with it. Others were linked by an administrator.
    pub is_primary: bool,
}

/// Storage of which identity belongs to whom.
#[async_trait]
pub trait LinkedIdentities: Send {
    /// Stores an identity, unless it belongs to somebody: then answers `false`.
    async fn insert_linked_identity(&mut self, identity: &LinkedIdentity) -> Result<bool, Fault>;

    /// The identity with this value.
    async fn linked_identity(
        &mut self,
        user_pool_id: &str,
        provider_name: &str,
        attribute_name: &str,
        attribute_value: &str,
    ) -> Result<Option<LinkedIdentity>, Fault>;

    /// Removes an identity. Nothing happens if there is none.
    async fn delete_linked_identity(&mut self, identity: &LinkedIdentity) -> Result<(), Fault>;

    /// The attributes by which identities of a provider are linked, in ascending order, so many at
    /// most. The cost does not depend on the number of identities.
    async fn linked_attributes(
        &mut self,
        user_pool_id: &str,
        provider_name: &str,
        limit: usize,
    ) -> Result<Vec<String>, Fault>;
}

/// An identity, as the attribute [`ATTRIBUTE`] shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// The value by which it was linked, or the provider's subject.
    pub user_id: String,
    /// The provider.
    pub provider_name: String,
    /// The provider's type.
    pub provider_type: String,
    /// The entity id of a SAML provider (belief); null for others.
    pub issuer: Option<String>,
    /// Whether the user came to be by signing in with it.
    pub primary: bool,
    /// When it was added, in milliseconds since the epoch.
    pub date_created: i64,
}

/// A user's identities, oldest first.
pub fn of_user(user: &User) -> Result<Vec<UserIdentity>, Fault> {
    let Some(text) = user.attributes.get(ATTRIBUTE) else { return Ok(Vec::new()) };
    serde_json::from_str(text)
        .map_err(|error| Fault::because("the identities of a user can't be read", error))
}

/// Replaces a user's identities, in memory.
pub fn set(user: &mut User, identities: &[UserIdentity]) -> Result<(), Fault> {
    if identities.is_empty() {
        user.attributes.remove(ATTRIBUTE);
        return Ok(());
    }
    let text = serde_json::to_string(identities)
        .map_err(|error| Fault::because("the identities of a user can't be written", error))?;
    user.attributes.insert(ATTRIBUTE.to_owned(), text);
    Ok(())
}

/// The attribute as ID tokens have it: an array, in which flag and time are text.
pub fn claim(text: &str) -> Value {
    let Ok(identities) = serde_json::from_str::<Vec<UserIdentity>>(text) else {
        return text.into();
    };
    let entry = |identity: UserIdentity| {
        json!({
            "userId": identity.user_id,
            "providerName": identity.provider_name,
            "providerType": identity.provider_type,
            "issuer": identity.issuer,
            "primary": identity.primary.to_string(),
            "dateCreated": identity.date_created.to_string(),
        })
    };
    identities.into_iter().map(entry).collect()
}

/// Why an identity is not linked or unlinked. The texts are the service's unless marked as beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// The pool has no such provider. (The text is another implementation's.)
    #[error("Identity provider {0} does not exist.")]
    NoProvider(String),
    /// Nobody has this name or identity.
    #[error("User does not exist.")]
    NoUser,
    /// A member is missing that tells who is meant. (The text is a belief.)
    #[error("Invalid {0}: ProviderName and ProviderAttributeValue are required")]
    Incomplete(&'static str),
    /// The account to link is one of the pool's own directory.
    #[error(
        "Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser"
    )]
    NativeSource,
    /// Accounts of this provider are not found by this attribute. (The text is a belief.)
    #[error(
        "Invalid {member}: ProviderAttributeName must be Cognito_Subject for {provider_name} identities"
    )]
    NotBySubject {
        /// The member of the request.
        member: &'static str,
        /// The provider.
        provider_name: String,
    },
    /// The provider maps no claim to this attribute. (The text is a belief.)
    #[error(
        "Invalid SourceUser: ProviderAttributeName must be Cognito_Subject or an attribute in the attribute mapping of the identity provider"
    )]
    NotMapped,
    /// No subject or address is as long. (The text is a belief.)
    #[error("Invalid SourceUser: ProviderAttributeValue is too long")]
    ValueTooLong,
    /// The account has a user of its own.
    #[error(
        "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"
    )]
    HasUser,
    /// The account is linked to this user. (The text is a belief.)
    #[error("SourceUser is already linked to DestinationUser")]
    Linked,
    /// The account is linked to another user. (The text is a belief.)
    #[error("SourceUser is already linked to another user")]
    LinkedToAnother,
    /// The user has as many identities as one may have. (The text is a belief.)
    #[error("Exceeded the limit of 5 linked identities per user.")]
    TooManyOfUser,
    /// The provider's identities are linked by many attributes. (The text is a belief.)
    #[error("Exceeded the limit of 5 linking attributes per identity provider.")]
    TooManyAttributes,
    /// The identity made the user, who would be nobody without it. (That this is refused, and the
    /// text, are beliefs.)
    #[error(
        "Invalid User: the identity of a federated user cannot be removed, delete the user instead"
    )]
    Primary,
}

/// Who is meant by a request: an account of a provider, or of the pool's own directory.
struct Named {
    /// The member of the request, for messages.
    member: &'static str,
    provider_name: String,
    attribute_name: String,
    attribute_value: String,
}

impl Named {
    fn of(member: &'static str, given: ProviderUserIdentifierType) -> Result<Self, LinkRefused> {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        let incomplete = LinkRefused::Incomplete(member);
        let (Some(provider_name), Some(attribute_value)) =
            (present(given.provider_name), present(given.provider_attribute_value))
        else {
            return Err(incomplete);
        };
        let attribute_name = present(given.provider_attribute_name).unwrap_or_default();
        Ok(Self { member, provider_name, attribute_name, attribute_value })
    }

    fn is_local(&self) -> bool {
        self.provider_name == LOCAL
    }

    fn not_by_subject(&self) -> LinkRefused {
        let provider_name = self.provider_name.clone();
        LinkRefused::NotBySubject { member: self.member, provider_name }
    }

    /// The identity with this name, found by the given attribute.
    async fn find_by(
        &self,
        tx: &mut dyn Transaction,
        pool: &UserPool,
        attribute: &str,
    ) -> Result<Option<LinkedIdentity>, Fault> {
        tx.linked_identity(pool.id(), &self.provider_name, attribute, &self.attribute_value).await
    }
}

/// Links an account of a provider, with which nobody has signed in, to a user: whoever signs in
/// with it is that user. After a refusal the transaction must not be committed.
pub async fn link(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    destination: ProviderUserIdentifierType,
    source: ProviderUserIdentifierType,
    now: Timestamp,
) -> Ruling<(), LinkRefused> {
    let destination = granted!(Named::of("DestinationUser", destination));
    let source = granted!(Named::of("SourceUser", source));
    if source.is_local() {
        return Ok(Err(LinkRefused::NativeSource));
    }
    let provider = tx.identity_provider(pool.id(), &source.provider_name).await?;
    let missing = || LinkRefused::NoProvider(source.provider_name.clone());
    let provider = granted!(provider.ok_or_else(missing));
    granted!(check_source(&provider, &source));
    let mut user = granted!(find_destination(tx, pool, &destination).await?);
    if let Some(known) = source.find_by(tx, pool, &source.attribute_name).await? {
        return Ok(Err(match known {
            known if known.is_primary => LinkRefused::HasUser,
            known if known.sub == user.sub => LinkRefused::Linked,
            _ => LinkRefused::LinkedToAnother,
        }));
    }
    let mut identities = of_user(&user)?;
    if identities.iter().filter(|identity| !identity.primary).count() >= PER_USER {
        return Ok(Err(LinkRefused::TooManyOfUser));
    }
    let attributes =
        tx.linked_attributes(pool.id(), &source.provider_name, ATTRIBUTES_PER_PROVIDER).await?;
    if !attributes.contains(&source.attribute_name) {
        // Only here, because links are many and new attributes are few.
        tx.hold_user_pool(pool.id()).await?;
        if attributes.len() >= ATTRIBUTES_PER_PROVIDER {
            return Ok(Err(LinkRefused::TooManyAttributes));
        }
    }
    let identity = LinkedIdentity {
        user_pool_id: pool.id().to_owned(),
        provider_name: source.provider_name.clone(),
        attribute_name: source.attribute_name,
        attribute_value: source.attribute_value.clone(),
        sub: user.sub.clone(),
        is_primary: false,
    };
    if !tx.insert_linked_identity(&identity).await? {
        return Err(Fault::Conflict("the identity was linked meanwhile".to_owned()));
    }
    identities.push(UserIdentity {
        user_id: source.attribute_value,
        provider_name: source.provider_name,
        provider_type: provider.kind().as_str().to_owned(),
        issuer: provider.saml.map(|metadata| metadata.entity_id),
        primary: false,
        date_created: now.millis(),
    });
    set(&mut user, &identities)?;
    user.modified_at = now;
    tx.update_user(&mut user).await?;
    Ok(Ok(()))
}

/// Whether an account of the provider can be known by what is given of it.
fn check_source(provider: &IdentityProvider, source: &Named) -> Result<(), LinkRefused> {
    let is_subject = source.attribute_name == SUBJECT;
    if is_social(provider.kind()) && !is_subject {
        return Err(source.not_by_subject());
    }
    if !is_subject && !provider.maps(&source.attribute_name) {
        return Err(LinkRefused::NotMapped);
    }
    if source.attribute_value.len() > LONGEST_VALUE {
        return Err(LinkRefused::ValueTooLong);
    }
    Ok(())
}

/// The user to whom an account is linked: one of the pool's own directory, or one who came to be by
/// signing in with a provider.
async fn find_destination(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    destination: &Named,
) -> Ruling<User, LinkRefused> {
    if destination.is_local() {
        let found = users::find(tx, pool, &destination.attribute_value).await?;
        return Ok(found.ok_or(LinkRefused::NoUser));
    }
    // Not by the username that federated users have: anybody may sign up under such a name.
    let found = destination.find_by(tx, pool, SUBJECT).await?;
    let Some(identity) = found.filter(|identity| identity.is_primary) else {
        let provider = tx.identity_provider(pool.id(), &destination.provider_name).await?;
        let refused = match provider {
            Some(_) => LinkRefused::NoUser,
            None => LinkRefused::NoProvider(destination.provider_name.clone()),
        };
        return Ok(Err(refused));
    };
    Ok(tx.user_by_sub(pool.id(), &identity.sub).await?.ok_or(LinkRefused::NoUser))
}

/// Takes from an account of a provider the user to whom it is linked, or from a user of the pool's
/// own directory the password. After a refusal the transaction must not be committed.
pub async fn unlink(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    given: ProviderUserIdentifierType,
    now: Timestamp,
) -> Ruling<(), LinkRefused> {
    let named = granted!(Named::of("User", given));
    if named.is_local() {
        return disable_password(tx, pool, &named, now).await;
    }
    // Links outlive their provider, and can be removed after it.
    let provider = tx.identity_provider(pool.id(), &named.provider_name).await?;
    let is_by_subject = named.attribute_name == SUBJECT;
    if provider.as_ref().is_some_and(|p| is_social(p.kind())) && !is_by_subject {
        return Ok(Err(named.not_by_subject()));
    }
    let Some(identity) = named.find_by(tx, pool, &named.attribute_name).await? else {
        let refused = match provider {
            Some(_) => LinkRefused::NoUser,
            None => LinkRefused::NoProvider(named.provider_name),
        };
        return Ok(Err(refused));
    };
    if identity.is_primary {
        return Ok(Err(LinkRefused::Primary));
    }
    tx.delete_linked_identity(&identity).await?;
    let Some(mut user) = tx.user_by_sub(pool.id(), &identity.sub).await? else {
        return Ok(Ok(()));
    };
    let mut identities = of_user(&user)?;
    let shown = identities.iter().position(|shown| {
        !shown.primary
            && shown.provider_name == identity.provider_name
            && shown.user_id == identity.attribute_value
    });
    if let Some(at) = shown {
        identities.remove(at);
    }
    set(&mut user, &identities)?;
    user.modified_at = now;
    tx.update_user(&mut user).await?;
    Ok(Ok(()))
}

/// Takes the password from a user of the pool's own directory. What is left is a user who can sign
/// in with linked accounts only: that the status says so is a belief.
async fn disable_password(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    named: &Named,
    now: Timestamp,
) -> Ruling<(), LinkRefused> {
    if named.attribute_name != SUBJECT {
        return Ok(Err(named.not_by_subject()));
    }
    let found = users::find(tx, pool, &named.attribute_value).await?;
    let mut user = granted!(found.ok_or(LinkRefused::NoUser));
    history::remove(tx, pool, &mut user).await?;
    user.status = UserStatusType::ExternalProvider;
    user.modified_at = now;
    // What was had by the password ends with it.
    sign_out_everywhere(tx, &mut user, now).await?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_show_flag_and_time_as_text() {
        let attribute = r#"[{"userId":"7","providerName":"Google","providerType":"Google","issuer":null,"primary":false,"dateCreated":1701125599632}]"#;
        let expected = json!([{
            "userId": "7", "providerName": "Google", "providerType": "Google", "issuer": null,
            "primary": "false", "dateCreated": "1701125599632",
        }]);
        assert_eq!(claim(attribute), expected);
        let identities: Vec<UserIdentity> = serde_json::from_str(attribute).unwrap();
        assert_eq!(serde_json::to_string(&identities).unwrap(), attribute);
    }
}
