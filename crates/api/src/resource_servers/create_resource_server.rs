//! `CreateResourceServer`: an API that a pool's tokens open, with its scopes.

use poolhouse_domain::{
    ports::Ports,
    resource_servers::{self, ResourceServerRefused},
    shapes::{CreateResourceServerRequest, CreateResourceServerResponse},
};
use poolhouse_wire::{codes, operations::CreateResourceServer as Op};

use super::settings_refused;
use crate::{
    failure::{Answer, Failure},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateResourceServerRequest) -> Answer<Op> {
        let CreateResourceServerRequest { user_pool_id, identifier, name, scopes } = input;
        let mut tx = ports.store.write().await?;
        if tx.user_pool(&user_pool_id).await?.is_none() {
            return Err(no_user_pool(&user_pool_id).into());
        }
        let made = resource_servers::create(&mut *tx, &user_pool_id, identifier, name, scopes);
        let server = made.await?.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        Ok(CreateResourceServerResponse { resource_server: server.settings })
    }
}

fn refusal(refused: &ResourceServerRefused) -> Failure<Op> {
    match refused {
        ResourceServerRefused::TooMany(_) => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => settings_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid, merged};

    const API: &str = "https://api.example.com/v1";

    #[tokio::test]
    async fn a_server_is_shown_as_it_was_made() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let scopes = json!([
            { "ScopeName": "write", "ScopeDescription": "Write \u{e4}" },
            { "ScopeName": "read:all", "ScopeDescription": "Read" },
        ]);
        let input =
            json!({ "UserPoolId": pool, "Identifier": API, "Name": "The API", "Scopes": scopes });
        let answer = stack.ok("CreateResourceServer", input.clone()).await;
        assert_eq!(answer, json!({ "ResourceServer": input }));
        let names = json!({ "UserPoolId": pool, "Identifier": API });
        assert_eq!(stack.ok("DescribeResourceServer", names).await, answer);

        let input = json!({ "UserPoolId": pool, "Identifier": "bare", "Name": "n" });
        let answer = stack.ok("CreateResourceServer", input.clone()).await;
        assert_eq!(answer, json!({ "ResourceServer": input }));
    }

    #[tokio::test]
    async fn an_identifier_is_taken_in_its_own_pool_only_and_case_counts() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let input = json!({ "UserPoolId": pool, "Identifier": "api", "Name": "n" });
        stack.ok("CreateResourceServer", input.clone()).await;
        let message = format!("api already exists in user pool {pool}.");
        assert_eq!(stack.refusal("CreateResourceServer", input.clone()).await, invalid(&message));
        for change in [json!({ "UserPoolId": other }), json!({ "Identifier": "API" })] {
            stack.ok("CreateResourceServer", merged(input.clone(), change)).await;
        }
    }

    #[tokio::test]
    async fn a_scope_is_named_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let scope = json!({ "ScopeName": "read", "ScopeDescription": "d" });
        let input = json!({
            "UserPoolId": pool, "Identifier": "api", "Name": "n", "Scopes": [scope, scope],
        });
        assert_eq!(
            stack.refusal("CreateResourceServer", input).await,
            invalid("Duplicate scope name read is not allowed in a resource server.")
        );
    }

    #[tokio::test]
    async fn a_pool_has_three_hundred_at_most() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = |number: u32| json!({ "UserPoolId": pool, "Identifier": number.to_string(), "Name": "n" });
        for number in 0..300 {
            stack.ok("CreateResourceServer", input(number)).await;
        }
        let message =
            format!("Maximum number of resource servers in user pool {pool} has been reached.");
        assert_eq!(
            stack.refusal("CreateResourceServer", input(300)).await,
            error("LimitExceededException", &message)
        );
        let message = format!("7 already exists in user pool {pool}.");
        assert_eq!(stack.refusal("CreateResourceServer", input(7)).await, invalid(&message));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input =
            json!({ "UserPoolId": "us-east-1_Nowhere12", "Identifier": "api", "Name": "n" });
        assert_eq!(
            stack.refusal("CreateResourceServer", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
