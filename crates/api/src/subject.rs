//! Whom a request acts for, where it says so by an access token.

use poolhouse_domain::{
    ports::Ports,
    tokens::access::{self, Bearer, TokenRefused},
};
use poolhouse_wire::{Operation, Permits, codes};

use crate::failure::{Failure, Unanswered, not_authorized};

/// The user of an access token that allows the token operations.
pub(crate) async fn by_access_token<Op>(
    ports: &Ports,
    token: &str,
) -> Result<Bearer, Unanswered<Op>>
where
    Op: Operation + Permits<codes::NotAuthorizedException>,
{
    let bearer = access::authenticate(ports, token).await?;
    Ok(bearer.map_err(token_refused)?)
}

/// What is said of a token that isn't accepted.
pub(crate) fn token_refused<Op>(refused: TokenRefused) -> Failure<Op>
where
    Op: Operation + Permits<codes::NotAuthorizedException>,
{
    not_authorized(match refused {
        TokenRefused::Invalid => "Invalid Access Token",
        TokenRefused::Expired => "Access Token has expired",
        TokenRefused::Revoked => "Access Token has been revoked",
        TokenRefused::MissingScope => "Access Token does not have required scopes",
        TokenRefused::UserDisabled => "User is disabled.",
        TokenRefused::UserGone => return Failure::user_gone(),
    })
}
