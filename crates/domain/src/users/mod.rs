//! Users: what is known of one, how one comes to be, and the storage port.

pub mod aliases;
pub mod create;
pub mod filter;
pub mod names;
pub mod nobody;

pub use aliases::aliases_in_effect;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use poolhouse_wire::java_order::java_hash_order;
use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault, passwords::verifier::PasswordVerifier, ports::Entropy, shapes::UserStatusType,
    time::Timestamp, totp::SoftwareToken, user_pools::UserPool,
};

/// One user of a user pool.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The pool the user belongs to.
    pub user_pool_id: String,
    /// The immutable unique id, UUID-shaped.
    pub sub: String,
    /// The immutable username, as stored (lower-cased in case-insensitive pools). In pools with
    /// `UsernameAttributes` this is the `sub`.
    pub username: String,
    /// Where the user is in the life cycle.
    pub status: UserStatusType,
    /// Independent of the status: a disabled user can't sign in.
    pub enabled: bool,
    /// Attribute values by name (`email`, `custom:tier`, `email_verified` …). Holds no `sub`; see
    /// [`User::attribute`].
    pub attributes: BTreeMap<String, String>,
    /// Values of `email` and `phone_number` that wait for their verification code, for pools with
    /// `AttributesRequireVerificationBeforeUpdate`.
    pub pending_attributes: BTreeMap<String, String>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When attributes, password, status or the enabled flag last changed.
    pub modified_at: Timestamp,
    /// The password, as SRP salt and verifier; none for users without password.
    pub password: Option<Password>,
    /// The TOTP software token.
    pub software_token: SoftwareToken,
    /// MFA factors that are switched on, and the preferred one.
    pub mfa: MfaPreference,
    /// Tokens of sign-ins at or before this point are revoked (global sign-out, disabling).
    pub signed_out_at: Option<Timestamp>,
    /// Number of writes so far; an update names the version it read and loses against another.
    pub version: i64,
}

impl User {
    /// The value of an attribute, `sub` included.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        if name == "sub" {
            return Some(&self.sub);
        }
        self.attributes.get(name).map(String::as_str)
    }

    /// `UserMFASettingList`: the factors that are switched on, in the order in which the service
    /// lists sets; none instead of an empty list.
    pub fn mfa_setting_list(&self) -> Option<Vec<String>> {
        let names = self.mfa.enabled.iter().map(|factor| factor.as_str().to_owned());
        Some(java_hash_order(names)).filter(|names| !names.is_empty())
    }

    /// `PreferredMfaSetting`.
    pub fn preferred_mfa_setting(&self) -> Option<String> {
        self.mfa.preferred.map(|factor| factor.as_str().to_owned())
    }

    /// Whether `email` or `phone_number` has been verified.
    pub fn is_verified(&self, attribute: &str) -> bool {
        self.attribute(&format!("{attribute}_verified")) == Some("true")
    }
}

/// A stored password.
#[derive(Clone, Debug, PartialEq)]
pub struct Password {
    /// Salt and verifier. Sealed at rest.
    pub verifier: PasswordVerifier,
    /// When it was set; temporary passwords age from here.
    pub set_at: Timestamp,
}

/// A second factor that a user can switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MfaFactor {
    /// Code by text message.
    Sms,
    /// Code by e-mail.
    Email,
    /// TOTP authenticator.
    SoftwareToken,
}

impl MfaFactor {
    /// The challenge name that the protocol uses for this factor.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS_MFA",
            Self::Email => "EMAIL_OTP",
            Self::SoftwareToken => "SOFTWARE_TOKEN_MFA",
        }
    }
}

/// A user's MFA preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaPreference {
    /// Factors that are switched on.
    pub enabled: BTreeSet<MfaFactor>,
    /// The one asked for first; always one of `enabled`.
    pub preferred: Option<MfaFactor>,
    /// Text messages, switched on in the way of old, by `SetUserSettings`: shown as `MFAOptions`
    /// and not among the `enabled`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sms_option: bool,
    /// A passkey stands for both factors, where the pool lets it. Not shown among the settings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_passkey: bool,
}

impl MfaPreference {
    /// Whether a factor is switched on, in whichever way.
    pub fn is_on(&self, factor: MfaFactor) -> bool {
        self.enabled.contains(&factor) || (factor == MfaFactor::Sms && self.sms_option)
    }
}

/// A value by which a user can be found besides the username.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// `email`, `phone_number` or `preferred_username`.
    pub attribute: String,
    /// The value as compared: lower-cased in case-insensitive pools.
    pub key: String,
}

/// Why a user could not be stored: the name already belongs to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The username.
    Username,
    /// The alias for this attribute.
    Alias(String),
}

/// A condition of `ListUsers`, already parsed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFilter {
    /// What is searched.
    pub field: SearchField,
    /// The value, in the form in which the field is compared.
    pub value: String,
    /// Whether the value is the beginning (`^=`) or the whole (`=`).
    pub is_prefix: bool,
}

/// The fields that `ListUsers` can search; each has an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchField {
    /// The stored username.
    Username,
    /// The `sub`.
    Sub,
    /// `email`, compared without regard to case.
    Email,
    /// `phone_number`.
    PhoneNumber,
    /// `name`, compared without regard to case.
    Name,
    /// `given_name`, compared without regard to case.
    GivenName,
    /// `family_name`, compared without regard to case.
    FamilyName,
    /// `preferred_username`, compared without regard to case.
    PreferredUsername,
    /// `cognito:user_status`: a status name such as `CONFIRMED`.
    UserStatus,
    /// `status`: `Enabled` or `Disabled`.
    Enabled,
}

/// Where a page of a list ended: the sort key of its last row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCursor {
    /// Value of the searched field, empty without a filter.
    pub value: String,
    /// The `sub`, which makes the key unique.
    pub sub: String,
}

/// Storage of users.
///
/// "Key" arguments are compared exactly: callers fold case first where the pool asks for it
/// ([`crate::user_pools::UserPool::name_key`]).
#[async_trait]
pub trait Users: Send {
    /// Stores a new user together with the aliases that are in effect for it.
    async fn insert_user(
        &mut self,
        user: &User,
        username_key: &str,
        aliases: &[Alias],
    ) -> Result<Result<(), Taken>, Fault>;

    /// The user with this username.
    async fn user_by_username(
        &mut self,
        user_pool_id: &str,
        username_key: &str,
    ) -> Result<Option<User>, Fault>;

    /// The user with this `sub`.
    async fn user_by_sub(&mut self, user_pool_id: &str, sub: &str) -> Result<Option<User>, Fault>;

    /// The user with this `sub`, and whether the sign-in of this name has been revoked
    /// ([`crate::sessions::Sessions::revoke_origin`]). One look-up, as every use of a token needs
    /// both.
    async fn user_of_sign_in(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<Option<(User, bool)>, Fault>;

    /// The user with this `sub`, if there is one, and whether the one-time id was used
    /// ([`crate::sessions::Sessions::spend`]). One look-up, as every answer to a challenge needs
    /// both; and also for nobody one.
    async fn user_of_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        session_id: &str,
    ) -> Result<(Option<User>, bool), Fault>;

    /// The user who holds this alias, whatever its attribute.
    async fn user_by_alias(
        &mut self,
        user_pool_id: &str,
        alias_key: &str,
    ) -> Result<Option<User>, Fault>;

    /// Replaces a user that was read at `user.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the user changed (or was deleted) since it was read.
    async fn update_user(&mut self, user: &mut User) -> Result<(), Fault>;

    /// Makes sure that a user is there and stays until the transaction ends; `false` if not. Whoever
    /// stores something that goes with the user asks for this, so that nothing stays behind when the
    /// user is deleted at the same time.
    ///
    /// # Errors
    /// [`Fault::Conflict`], here or at the commit, if the user changes or is deleted meanwhile.
    async fn hold_user(&mut self, user_pool_id: &str, sub: &str) -> Result<bool, Fault>;

    /// Removes a user and everything that belongs to it. Nothing happens if there is none.
    async fn delete_user(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault>;

    /// Gives the alias to the user, unless another holds it: then answers `false`. A user has at
    /// most one alias for an attribute; an earlier one is replaced.
    async fn claim_alias(
        &mut self,
        user_pool_id: &str,
        alias: &Alias,
        sub: &str,
    ) -> Result<bool, Fault>;

    /// Takes the alias for this attribute from the user, if it has one.
    async fn release_alias(
        &mut self,
        user_pool_id: &str,
        attribute: &str,
        sub: &str,
    ) -> Result<(), Fault>;

    /// A page of users in ascending order of (searched value, `sub`), after the cursor. Uses an
    /// index at any size of the pool.
    async fn list_users(
        &mut self,
        user_pool_id: &str,
        filter: Option<&UserFilter>,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, Fault>;

    /// The number of users of a pool, kept up to date without counting rows.
    async fn count_users(&mut self, user_pool_id: &str) -> Result<i64, Fault>;
}

/// Finds a user as sign-in does: by username, or by an alias in effect. Not by `sub`, unless that
/// is the username (<https://github.com/ministackorg/ministack/pull/1758>).
pub async fn find_by_login(
    users: &mut (dyn Users + '_),
    pool: &UserPool,
    name: &str,
) -> Result<Option<User>, Fault> {
    let key = pool.name_key(name);
    if let Some(user) = users.user_by_username(pool.id(), &key).await? {
        return Ok(Some(user));
    }
    if pool.username_attributes().is_empty() && pool.alias_attributes().is_empty() {
        return Ok(None);
    }
    users.user_by_alias(pool.id(), &key).await
}

/// Finds a user as administrators name one: by username, by an alias in effect, or by `sub`.
pub async fn find(
    users: &mut (dyn Users + '_),
    pool: &UserPool,
    name: &str,
) -> Result<Option<User>, Fault> {
    match find_by_login(users, pool, name).await? {
        Some(user) => Ok(Some(user)),
        None => users.user_by_sub(pool.id(), name).await,
    }
}

/// A new `sub`: UUID-shaped, with `70` at the head of its third group, as the service makes them
/// today (they are no UUIDs of RFC 9562).
pub fn new_sub(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    sub_of(bytes)
}

/// Bytes in the form of a `sub`.
fn sub_of(bytes: [u8; 16]) -> String {
    let text = hex::encode(bytes);
    let group = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let (first, second, third) = (group(0, 8), group(8, 12), group(14, 16));
    format!("{first}-{second}-70{third}-{}-{}", group(16, 20), group(20, 32))
}

/// Whether a name that a client sent stands for this user: the username, the `sub`, or an alias in
/// effect.
pub fn is_named(pool: &UserPool, user: &User, name: &str) -> bool {
    let key = pool.name_key(name);
    key == pool.name_key(&user.username)
        || name == user.sub
        || aliases_in_effect(pool, user).iter().any(|alias| alias.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            (0..).zip(buffer).for_each(|(number, byte)| *byte = number);
        }
    }

    #[test]
    fn a_sub_has_the_groups_of_a_uuid() {
        assert_eq!(new_sub(&Counting), "00010203-0405-7007-0809-0a0b0c0d0e0f");
    }

    #[test]
    fn preferences_from_before_the_option_of_old_are_read_and_written_as_they_were() {
        let stored = r#"{"enabled":["SoftwareToken"],"preferred":"SoftwareToken"}"#;
        let read: MfaPreference = serde_json::from_str(stored).unwrap();
        assert!(read.is_on(MfaFactor::SoftwareToken) && !read.is_on(MfaFactor::Sms));
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    }
}
