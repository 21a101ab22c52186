//! Passwords that others know: found in a list of those that came out elsewhere, and what is done then.
//!
//! Only a password that is sent can be looked up; by SRP none is. What administrators set is not looked
//! up (belief: the service speaks of what users do).

use super::{
    Mode,
    assessment::{self, NetworkRule},
    events, mode,
};
use crate::{
    fault::Fault,
    ports::Ports,
    shapes::{
        CompromisedCredentialsEventActionType, EventFilterType, EventRiskType, RiskDecisionType,
    },
    user_pools::UserPool,
};

/// A list of passwords that are known to have come out.
pub trait CompromisedPasswords: Send + Sync {
    /// Whether the password is in the list. Fast enough for the thread of a request. It may be wrong
    /// about a few of the passwords that are not.
    fn contains(&self, password: &str) -> bool;
}

/// What the list says of a password, and the configuration of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Whether the password is in the list. Never where it is not to be looked up.
    pub is_known: bool,
    /// Whether it must therefore not be used.
    pub is_blocked: bool,
}

impl Finding {
    /// The risk of what happens with such a password, as events show it.
    pub const fn risk(self) -> EventRiskType {
        let decision =
            if self.is_blocked { RiskDecisionType::Block } else { RiskDecisionType::NoRisk };
        EventRiskType {
            compromised_credentials_detected: Some(self.is_known),
            ..assessment::risk(decision, None)
        }
    }
}

/// Looks a password up that shows in an event of this kind, as far as the pool and the app client
/// want that.
///
/// That addresses which are never judged are left alone here too is a belief.
pub async fn look_up(
    ports: &Ports,
    pool: &UserPool,
    client_id: &str,
    kind: EventFilterType,
    password: &str,
) -> Result<Finding, Fault> {
    let Some(mode) = mode(pool) else { return Ok(Finding::default()) };
    if !ports.compromised_passwords.contains(password) {
        return Ok(Finding::default());
    }
    let settings = events::settings(ports, pool, client_id).await?;
    let is_skipped = assessment::network_rule(&settings, ports.caller.ip) == NetworkRule::Skipped;
    let Some(compromised) = settings.compromised_credentials_risk_configuration else {
        return Ok(Finding::default());
    };
    let is_wanted = compromised.event_filter.is_none_or(|kinds| kinds.contains(&kind));
    if is_skipped || !is_wanted {
        return Ok(Finding::default());
    }
    let blocks = compromised.actions.event_action == CompromisedCredentialsEventActionType::Block;
    Ok(Finding { is_known: true, is_blocked: blocks && mode == Mode::Enforced })
}
