//! User pools: settings, what they mean to the other rules, and the storage port.

mod deletion;
pub mod mfa_config;
mod new_id;
mod password_policy;
pub mod schema;
pub mod settings;
mod tier;

pub use deletion::DeletionRefused;
pub use new_id::new_id;
pub use password_policy::PasswordPolicy;
pub(crate) use tier::Feature;
pub use tier::TierRefused;

use async_trait::async_trait;

use crate::{
    fault::Fault,
    sessions::tracking::SessionSettings,
    shapes::{
        AliasAttributeType, EmailMfaConfigType, UserPoolMfaType, UserPoolType,
        UsernameAttributeType, VerifiedAttributeType, WebAuthnConfigurationType,
    },
    users::MfaFactor,
};

/// A user pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserPool {
    /// The settings as `DescribeUserPool` shows them, `EstimatedNumberOfUsers` excepted.
    pub settings: UserPoolType,
    /// What only `GetUserPoolMfaConfig` shows.
    pub factors: FactorSettings,
    /// Whether the sessions of its users are tracked.
    pub sessions: SessionSettings,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

/// Which second factors a pool offers, and their settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactorSettings {
    /// Codes by text message.
    pub sms: bool,
    /// TOTP software tokens.
    pub software_token: bool,
    /// Codes by e-mail, with the texts of the mail.
    pub email: Option<EmailMfaConfigType>,
    /// Passkeys. Not a second factor by itself.
    pub web_authn: Option<WebAuthnConfigurationType>,
}

impl UserPool {
    /// The id, such as `us-east-1_AbCdEfGhI`.
    pub fn id(&self) -> &str {
        self.settings.id.as_deref().unwrap_or_default()
    }

    /// Whether the pool has a domain: a prefix or one of its owner's.
    pub const fn has_domain(&self) -> bool {
        self.settings.domain.is_some() || self.settings.custom_domain.is_some()
    }

    /// Whether usernames and aliases differ by case. True unless the pool was created otherwise.
    pub fn is_case_sensitive(&self) -> bool {
        self.settings.username_configuration.as_ref().is_none_or(|c| c.case_sensitive)
    }

    /// The form in which a username or alias of this pool is compared.
    pub fn name_key(&self, name: &str) -> String {
        if self.is_case_sensitive() { name.to_owned() } else { name.to_lowercase() }
    }

    /// The attribute (`email`, `phone_number`) that serves as username, if any.
    pub fn username_attributes(&self) -> &[UsernameAttributeType] {
        self.settings.username_attributes.as_deref().unwrap_or_default()
    }

    /// The attributes that may be used to sign in besides the username.
    pub fn alias_attributes(&self) -> &[AliasAttributeType] {
        self.settings.alias_attributes.as_deref().unwrap_or_default()
    }

    /// The attributes for which codes are sent without being asked.
    pub fn auto_verified_attributes(&self) -> &[VerifiedAttributeType] {
        self.settings.auto_verified_attributes.as_deref().unwrap_or_default()
    }

    /// Whether MFA is off, optional or required.
    pub fn mfa(&self) -> UserPoolMfaType {
        self.settings.mfa_configuration.unwrap_or(UserPoolMfaType::Off)
    }

    /// Whether the pool offers this second factor.
    pub fn offers(&self, factor: MfaFactor) -> bool {
        match factor {
            MfaFactor::Sms => self.factors.sms,
            MfaFactor::Email => self.factors.email.is_some(),
            MfaFactor::SoftwareToken => self.factors.software_token,
        }
    }
}

/// Storage of user pools.
#[async_trait]
pub trait UserPools: Send {
    /// Stores a new pool.
    async fn insert_user_pool(&mut self, pool: &UserPool) -> Result<(), Fault>;

    /// The pool with this id; none once its deletion has begun.
    async fn user_pool(&mut self, id: &str) -> Result<Option<UserPool>, Fault>;

    /// Replaces a pool that was read at `pool.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the pool changed since it was read.
    async fn update_user_pool(&mut self, pool: &mut UserPool) -> Result<(), Fault>;

    /// Makes sure that a pool stays as it is until the transaction ends. Whoever counts what a pool
    /// has before adding to it asks for this, so that two can't both add the last one, and whoever
    /// relies on the pool's settings, so that they don't change meanwhile.
    ///
    /// # Errors
    /// [`Fault::Conflict`], here or at the commit, if the pool is gone, or if it is held or changed at
    /// the same time.
    async fn hold_user_pool(&mut self, id: &str) -> Result<(), Fault>;

    /// Makes the pool and its app clients disappear at once. Its users and the rest follow in
    /// bounded batches ([`crate::ports::Store::sweep`]).
    async fn delete_user_pool(&mut self, id: &str) -> Result<(), Fault>;

    /// Whether there are at least so many pools. The cost is bounded by the number.
    async fn has_user_pools(&mut self, number: u32) -> Result<bool, Fault>;

    /// Pools in ascending order of id, after the given one.
    async fn list_user_pools(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UserPool>, Fault>;
}
