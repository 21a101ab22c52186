//! `SECRET_HASH` in the operations outside of sign-in: sign-up, codes and forgotten passwords.

use poolhouse_domain::{
    app_clients::AppClient,
    secret_hash::{self, SecretHashRefused},
};
use poolhouse_wire::{Permits, Sensitive, codes};

use crate::failure::{Failure, not_authorized, secret_missing};

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
    let claimed = claimed.map(|hash| hash.as_str());
    secret_hash::check(client, &[username], claimed).map_err(|refused| {
        let id = client.id();
        match refused {
            SecretHashRefused::Missing => secret_missing(id),
            SecretHashRefused::Wrong => {
                not_authorized(format!("Unable to verify secret hash for client {id}"))
            }
        }
    })
}
