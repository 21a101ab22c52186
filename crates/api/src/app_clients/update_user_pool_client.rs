//! `UpdateUserPoolClient`: replaces the settings of an app client.

use poolhouse_domain::{
    app_clients::settings::{self, Surroundings},
    ports::Ports,
    shapes::{UpdateUserPoolClientRequest, UpdateUserPoolClientResponse},
};
use poolhouse_wire::operations::UpdateUserPoolClient as Op;

use super::{client_refused, described, find};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserPoolClientRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let (mut client, pool) =
            find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let scopes = input.allowed_oauth_scopes.as_deref();
        let providers = input.supported_identity_providers.as_deref();
        let around = Surroundings::of(&mut *tx, &pool, &ports.identity, scopes, providers).await?;
        settings::update(&mut client, input, &around, ports.clock.now())
            .map_err(|refused| client_refused(&refused))?;
        tx.update_app_client(&mut client).await?;
        tx.commit().await?;
        ports.directory.forget_app_client(client.id());
        Ok(UpdateUserPoolClientResponse { user_pool_client: Some(described(&client)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    /// Updates the client and answers it, which must be what `Describe` shows afterwards.
    async fn updated(stack: &Stack, pool: &str, client: &str, members: Value) -> Value {
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let input = merged(names.clone(), members);
        let answer = stack.ok("UpdateUserPoolClient", input).await["UserPoolClient"].take();
        let shown = stack.ok("DescribeUserPoolClient", names).await["UserPoolClient"].take();
        assert_eq!(merged(answer.clone(), json!({ "ClientType": "REGULAR" })), shown);
        answer
    }

    #[tokio::test]
    async fn whatever_is_omitted_goes_back_to_its_default() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let secret = "my_own_secret_of_25_chars";
        let client = stack
            .client(
                &pool,
                json!({ "ClientName": "kept", "ClientSecret": secret,
            "AccessTokenValidity": 2, "ReadAttributes": ["email"], "WriteAttributes": ["email"],
            "CallbackURLs": ["https://example.com"], "AuthSessionValidity": 9,
            "PreventUserExistenceErrors": "ENABLED", "EnableTokenRevocation": false,
            "EnablePropagateAdditionalUserContextData": true, "RefreshTokenValidity": 5 }),
            )
            .await;
        stack.advance(10);
        let answer = updated(&stack, &pool, &client, json!({})).await;
        let expected = json!({
            "UserPoolId": pool, "ClientName": "kept", "ClientId": client, "ClientSecret": secret,
            "LastModifiedDate": 1_767_225_610.123, "CreationDate": 1_767_225_600.123,
            "RefreshTokenValidity": 30, "TokenValidityUnits": {},
            "AllowedOAuthFlowsUserPoolClient": false, "EnableTokenRevocation": false,
            "EnablePropagateAdditionalUserContextData": false, "AuthSessionValidity": 3,
        });
        assert_eq!(answer, expected);
    }

    #[tokio::test]
    async fn rotation_stays_in_view_once_it_was_set() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack
            .client(
                &pool,
                json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
            "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 9 } }),
            )
            .await;
        let answer = updated(&stack, &pool, &client, json!({})).await;
        let off = json!({ "Feature": "DISABLED", "RetryGracePeriodSeconds": 0 });
        assert_eq!(answer["RefreshTokenRotation"], off);
    }

    #[tokio::test]
    async fn what_was_shown_can_be_sent_back() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let analytics = json!({ "AnalyticsConfiguration":
            { "ApplicationArn": "arn:aws:mobiletargeting:us-east-1:123456789012:apps/a" } });
        let client = stack.client(&pool, analytics).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let shown = stack.ok("DescribeUserPoolClient", names).await["UserPoolClient"].take();
        let answer = updated(&stack, &pool, &client, shown.clone()).await;
        assert_eq!(merged(answer, json!({ "ClientType": "REGULAR" })), shown);
    }

    #[tokio::test]
    async fn a_change_is_seen_at_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let directory = &stack.ports.directory;
        assert_eq!(directory.app_client(&client).await.unwrap().unwrap().session_seconds(), 180);
        updated(&stack, &pool, &client, json!({ "AuthSessionValidity": 5 })).await;
        assert_eq!(directory.app_client(&client).await.unwrap().unwrap().session_seconds(), 300);
    }

    #[tokio::test]
    async fn a_refused_update_changes_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let before = stack.ok("DescribeUserPoolClient", names.clone()).await;
        let cases = [
            (
                json!({ "ClientName": "new", "WriteAttributes": ["sub"] }),
                invalid("Invalid write attributes specified while updating a client"),
            ),
            (
                json!({ "ClientName": "new", "ReadAttributes": ["custom:none"] }),
                invalid("Invalid read attributes specified while updating a client"),
            ),
            (
                json!({ "ClientName": "new", "AllowedOAuthScopes": ["a/b"] }),
                error("ScopeDoesNotExistException", "Invalid scope requested: a/b"),
            ),
            (
                json!({ "ClientName": "new", "AllowedOAuthFlowsUserPoolClient": true,
                "AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["email"] }),
                error(
                    "InvalidOAuthFlowException",
                    "client_credentials flow can not be selected if client does not have a client secret.",
                ),
            ),
        ];
        for (members, expected) in cases {
            let input = merged(names.clone(), members);
            assert_eq!(stack.refusal("UpdateUserPoolClient", input).await, expected);
        }
        assert_eq!(stack.ok("DescribeUserPoolClient", names).await, before);
    }

    #[tokio::test]
    async fn an_unknown_client_is_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": "none" });
        assert_eq!(
            stack.refusal("UpdateUserPoolClient", input).await,
            error("ResourceNotFoundException", "User pool client none does not exist.")
        );
    }
}
