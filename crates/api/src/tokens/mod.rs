//! Operations on tokens.

mod admin_user_global_sign_out;
mod get_client_token;
mod get_derived_token;
mod get_tokens_from_refresh_token;
mod global_sign_out;
mod revoke_token;

#[cfg(test)]
mod revocation_matrix;

use poolhouse_domain::app_clients::secrets::WrongSecret;
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, not_authorized, secret_missing};

/// What is said of a client secret that came as it is, and is missing or wrong.
fn secret_refused<Op>(refused: WrongSecret, client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::NotAuthorizedException>,
{
    match refused {
        WrongSecret::Missing => secret_missing(client_id),
        // Belief: the service's text for this is not on record.
        WrongSecret::Wrong => {
            not_authorized(format!("Unable to verify secret for client {client_id}"))
        }
    }
}

#[cfg(test)]
mod testing {
    //! What the tests of these operations share.

    use poolhouse_domain::tokens::jwt;
    use serde_json::{Value, json};

    use crate::testing::Stack;

    /// Makes a resource server with these scopes, or gives it these.
    pub(super) async fn resource_server(stack: &Stack, pool: &str, id: &str, scopes: &[&str]) {
        let scopes: Vec<Value> = scopes
            .iter()
            .map(|name| json!({ "ScopeName": name, "ScopeDescription": "a scope" }))
            .collect();
        let input = json!({ "UserPoolId": pool, "Identifier": id, "Name": id, "Scopes": scopes });
        if stack.call("CreateResourceServer", input.clone()).await.status != 200 {
            stack.ok("UpdateResourceServer", input).await;
        }
    }

    /// The claims of a token that the right key of the pool signed.
    pub(super) async fn claims(stack: &Stack, pool: &str, token: &Value) -> Value {
        let token = token.as_str().unwrap();
        let parsed = jwt::parse(token).unwrap();
        let claims: Value = serde_json::from_slice(&parsed.payload).unwrap();
        let keys = stack.ports.directory.key_pairs(pool).await.unwrap();
        let key = if claims["token_use"] == "id" { &keys.id } else { &keys.access };
        assert!(key.kid() == parsed.kid && key.verifies(&parsed), "signed by another key");
        claims
    }
}
