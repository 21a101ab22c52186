//! `/oauth2/userInfo`: what an access token lets an application know of its user.

use serde_json::{Map, Value};

use crate::{
    fault::Ruling,
    granted,
    identity_providers::links,
    ports::Ports,
    tokens::{
        access::{self, Bearer, TokenRefused},
        jwt, scopes,
    },
    user_pools::UserPool,
};

/// Why nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserInfoRefused {
    /// There is no token, or it is none at all.
    Malformed,
    /// The token is not good, or no longer.
    Token,
    /// The token is good, and does not open this endpoint.
    Scope,
}

impl From<TokenRefused> for UserInfoRefused {
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::MissingScope => Self::Scope,
            TokenRefused::Invalid
            | TokenRefused::Expired
            | TokenRefused::Revoked
            | TokenRefused::UserDisabled
            | TokenRefused::UserGone => Self::Token,
        }
    }
}

/// The attributes that the token's scopes and its client let be seen, all of them as text.
pub async fn answer(ports: &Ports, pool: &UserPool, token: &str) -> Ruling<Value, UserInfoRefused> {
    if jwt::parse(token).is_err() {
        return Ok(Err(UserInfoRefused::Malformed));
    }
    let bearer = access::authenticate_with(ports, token, scopes::OPENID).await?;
    let bearer = granted!(bearer);
    if bearer.pool.id() != pool.id() {
        return Ok(Err(UserInfoRefused::Token));
    }
    Ok(Ok(Value::Object(claims(&bearer))))
}

fn claims(bearer: &Bearer) -> Map<String, Value> {
    let Bearer { client, user, claims, .. } = bearer;
    let is_shown = |name: &str| client.may_read(name) && scopes::show(&claims.scope, name);
    let readable = user.attributes.iter().filter(|(name, _)| is_shown(name));
    let mut told: Map<String, Value> =
        readable.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    // Whatever the client may read: a belief, as in ID tokens.
    if let Some(identities) = user.attribute(links::ATTRIBUTE) {
        told.insert(links::ATTRIBUTE.to_owned(), identities.into());
    }
    told.insert("sub".to_owned(), user.sub.clone().into());
    told.insert("username".to_owned(), user.username.clone().into());
    told
}
