//! Threat protection: what happened to whom, how risky it was, and what is done about it.
//!
//! | file | what |
//! |---|---|
//! | `configuration.rs` | what a pool or an app client wants done at which risk |
//! | `device.rs` | what a request tells of its device |
//! | `assessment.rs` | how risky a sign-in is |
//! | `compromised.rs` | passwords that others know |
//! | `events.rs` | recording what happened |
//! | `notices.rs` | telling users by mail |
//! | `feedback.rs` | whether it was the user |
//!
//! The steps of a sign-in call it in `auth/watch.rs`. Pools without the add-on pay nothing.

pub mod assessment;
pub mod compromised;
pub mod configuration;
mod device;
pub mod events;
pub mod feedback;
pub mod notices;

use async_trait::async_trait;

use crate::{
    fault::Fault,
    shapes::{
        AdvancedSecurityEnabledModeType, AdvancedSecurityModeType, AuthEventType,
        RiskConfigurationType,
    },
    time::Timestamp,
    user_pools::UserPool,
};

/// What threat protection does in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It records and judges, and lets everything pass.
    Audit,
    /// It acts on what it finds.
    Enforced,
}

/// What threat protection does in this pool; none where it is off.
pub fn mode(pool: &UserPool) -> Option<Mode> {
    match pool.settings.user_pool_add_ons.as_ref()?.advanced_security_mode {
        AdvancedSecurityModeType::Off => None,
        AdvancedSecurityModeType::Audit => Some(Mode::Audit),
        AdvancedSecurityModeType::Enforced => Some(Mode::Enforced),
    }
}

/// What threat protection does in custom sign-ins of this pool; none where it is off, or not set for
/// them.
pub fn custom_auth_mode(pool: &UserPool) -> Option<Mode> {
    mode(pool)?;
    let flows =
        pool.settings.user_pool_add_ons.as_ref()?.advanced_security_additional_flows.as_ref();
    Some(match flows?.custom_auth_mode? {
        AdvancedSecurityEnabledModeType::Audit => Mode::Audit,
        AdvancedSecurityEnabledModeType::Enforced => Mode::Enforced,
    })
}

/// Something that happened to a user's account.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthEvent {
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// When it happened.
    pub at: Timestamp,
    /// The event as `AdminListUserAuthEvents` shows it.
    pub shown: AuthEventType,
}

impl AuthEvent {
    /// The id, which sorts by time ([`crate::ids::timed_uuid`]).
    pub fn id(&self) -> &str {
        self.shown.event_id.as_deref().unwrap_or_default()
    }
}

/// Storage of threat protection.
#[async_trait]
pub trait ThreatProtection: Send {
    /// What is configured for a pool as a whole, and for one of its app clients.
    async fn risk_configurations(
        &mut self,
        user_pool_id: &str,
        client_id: Option<&str>,
    ) -> Result<RiskConfigurations, Fault>;

    /// Sets the configuration of a pool, or of an app client of it.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the app client is gone.
    async fn put_risk_configuration(
        &mut self,
        user_pool_id: &str,
        client_id: Option<&str>,
        settings: &RiskConfigurationType,
    ) -> Result<(), Fault>;

    /// Removes the configuration of an app client, if it has one.
    async fn delete_risk_configuration(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<(), Fault>;

    /// Stores an event, in place of the one with its id, unless its user is gone. The sweep removes it
    /// after two years.
    async fn put_auth_event(&mut self, event: &AuthEvent) -> Result<(), Fault>;

    /// An event of a user.
    async fn auth_event(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        event_id: &str,
    ) -> Result<Option<AuthEvent>, Fault>;

    /// Events of a user, newest first, from before the one with this id.
    async fn list_auth_events(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuthEvent>, Fault>;

    /// The user's latest sign-ins that came to their end, newest first.
    async fn recent_sign_ins(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        limit: u32,
    ) -> Result<Vec<AuthEvent>, Fault>;
}

/// What is stored for a pool and one of its app clients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RiskConfigurations {
    /// Of the pool; none if never set.
    pub pool: Option<RiskConfigurationType>,
    /// Of the app client; none if it inherits.
    pub client: Option<RiskConfigurationType>,
}
