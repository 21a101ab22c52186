//! Operations on tokens.

mod admin_user_global_sign_out;
mod get_tokens_from_refresh_token;
mod global_sign_out;
mod revoke_token;

use poolhouse_domain::app_clients::AppClient;
use subtle::ConstantTimeEq;

/// What is wrong with a `ClientSecret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientSecretRefused {
    /// The client has a secret, and none was sent.
    Missing,
    /// It is another one.
    Wrong,
}

/// Checks the secret that operations on refresh tokens take as it is. Constant-time.
fn check_client_secret(
    client: &AppClient,
    claimed: Option<&str>,
) -> Result<(), ClientSecretRefused> {
    if client.secrets.is_empty() {
        return Ok(());
    }
    let claimed = claimed.ok_or(ClientSecretRefused::Missing)?.as_bytes();
    let is_one = client.secrets.iter().fold(subtle::Choice::from(0), |found, secret| {
        found | secret.value.as_bytes().ct_eq(claimed)
    });
    if bool::from(is_one) { Ok(()) } else { Err(ClientSecretRefused::Wrong) }
}
