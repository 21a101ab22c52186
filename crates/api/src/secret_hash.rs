//! `SECRET_HASH` in the operations outside of sign-in: sign-up, codes and forgotten passwords.

use poolhouse_domain::{app_clients::AppClient, secret_hash};
use poolhouse_wire::{Permits, Sensitive, codes};

use crate::failure::{Failure, not_authorized};

/// Checks the hash that a client with a secret has to send, over the username that came with it.
/// Each active secret is good. Clients without a secret may send what they like.
pub(crate) fn verify<Op>(
    client: &AppClient,
    username: &str,
    claimed: Option<&Sensitive<String>>,
) -> Result<(), Failure<Op>>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    let id = client.id();
    if client.secrets.is_empty() {
        return Ok(());
    }
    let Some(claimed) = claimed else {
        let message = format!("Client {id} is configured for secret but secret was not received");
        return Err(not_authorized(message));
    };
    let matches = |secret: &str| secret_hash::matches(secret, username, id, claimed);
    if client.secrets.iter().any(|secret| matches(&secret.value)) {
        return Ok(());
    }
    Err(not_authorized(format!("Unable to verify secret hash for client {id}")))
}
