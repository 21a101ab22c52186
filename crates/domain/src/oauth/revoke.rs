//! `/oauth2/revoke`: an app client gives a refresh token up (RFC 7009).

use super::{
    client::{self, ClientRefused},
    parameters::{Parameters, Repeated},
};
use crate::{
    fault::Ruling,
    granted,
    limits::Category,
    ports::Ports,
    tokens::revoke::{self, RevokeRefused as Tokens},
    user_pools::UserPool,
};

/// Why nothing is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// There is no token, a parameter is repeated, or the client's tokens can't be revoked.
    InvalidRequest,
    /// The client is unknown, or its secret wrong.
    InvalidClient,
    /// It is not a refresh token.
    UnsupportedTokenType,
    /// There were too many requests.
    RateExceeded,
}

impl From<Repeated> for RevokeRefused {
    fn from(_: Repeated) -> Self {
        Self::InvalidRequest
    }
}

impl From<ClientRefused> for RevokeRefused {
    fn from(refused: ClientRefused) -> Self {
        match refused {
            ClientRefused::Unclear => Self::InvalidRequest,
            ClientRefused::Invalid => Self::InvalidClient,
        }
    }
}

/// Revokes a refresh token with all tokens of its sign-in. Tokens that this client can't know are
/// left alone, and nobody is told (for those of other clients a belief).
pub async fn answer(
    ports: &Ports,
    pool: &UserPool,
    authorization: Option<&str>,
    parameters: &Parameters<'_>,
) -> Ruling<(), RevokeRefused> {
    if ports.limits.admit_one(Category::UserToken).await?.is_err() {
        return Ok(Err(RevokeRefused::RateExceeded));
    }
    let client = granted!(client::authenticate(ports, pool, authorization, parameters).await?);
    let token = granted!(parameters.one("token"));
    let token = granted!(token.ok_or(RevokeRefused::InvalidRequest));
    Ok(match revoke::revoke(ports, &client, token, false).await? {
        Ok(()) | Err(Tokens::Invalid) => Ok(()),
        Err(Tokens::NotEnabled) => Err(RevokeRefused::InvalidRequest),
        Err(Tokens::NotARefreshToken) => Err(RevokeRefused::UnsupportedTokenType),
    })
}
