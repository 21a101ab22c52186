//! Operations of threat protection: what is done about risks, and what happened.

mod admin_list_user_auth_events;
mod admin_update_auth_event_feedback;
#[cfg(test)]
mod compromised_tests;
pub(crate) mod context;
mod describe_risk_configuration;
#[cfg(test)]
mod notice_tests;
mod set_risk_configuration;
#[cfg(test)]
mod sign_in_tests;
mod update_auth_event_feedback;

use poolhouse_domain::{
    ports::Ports,
    threat_protection::{self, feedback::NoSuchEvent},
    user_pools::UserPool,
};
use poolhouse_wire::{Permits, Sensitive, codes};

use crate::{
    failure::{Failure, Unanswered},
    lookup,
};

/// Refuses where threat protection is off. (The text is a belief.)
fn require_add_on<Op>(pool: &UserPool) -> Result<(), Failure<Op>>
where
    Op: Permits<codes::UserPoolAddOnNotEnabledException>,
{
    match threat_protection::mode(pool) {
        Some(_) => Ok(()),
        None => Err(Failure::new(
            codes::UserPoolAddOnNotEnabledException,
            "Threat protection is not enabled for the user pool.",
        )),
    }
}

/// Refuses an app client that the pool does not have.
async fn require_client<Op>(
    ports: &Ports,
    user_pool_id: &str,
    client_id: Option<&Sensitive<String>>,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    if let Some(client_id) = client_id {
        lookup::app_client_of_pool::<Op>(ports, user_pool_id, client_id).await?;
    }
    Ok(())
}

/// The error for an event that is not there. (The text is a belief. Signature fits `map_err`.)
fn no_such_event<Op>(_: NoSuchEvent) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    Failure::new(codes::ResourceNotFoundException, "Auth event does not exist.")
}
