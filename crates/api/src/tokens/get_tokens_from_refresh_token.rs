//! `GetTokensFromRefreshToken`: new tokens for a refresh token, with rotation where the client has it.

use poolhouse_domain::{
    app_clients::secrets,
    ports::Ports,
    shapes::{GetTokensFromRefreshTokenRequest, GetTokensFromRefreshTokenResponse},
    tokens::refresh::{RefreshRefused, refresh},
    triggers::Metadata,
};
use poolhouse_wire::{codes, operations::GetTokensFromRefreshToken as Op};

use super::secret_refused;
use crate::{
    auth::{authentication_result, refresh_refused},
    failure::{Answer, Failure},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetTokensFromRefreshTokenRequest) -> Answer<Op> {
        let (client, _) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let secret = input.client_secret.as_deref().map(String::as_str);
        secrets::check(&client, secret).map_err(|r| secret_refused(r, client.id()))?;
        let device_key = input.device_key.as_deref();
        let tokens = refresh(ports, &client, &input.refresh_token, device_key).await?;
        let tokens = tokens.map_err(refusal)?;
        let authentication_result = Some(authentication_result(tokens));
        Ok(GetTokensFromRefreshTokenResponse { authentication_result })
    }
}

fn refusal(refused: RefreshRefused) -> Failure<Op> {
    match refused {
        // Belief: the service's text for this is not on record.
        RefreshRefused::Reused => {
            Failure::new(codes::RefreshTokenReuseException, "Refresh token has been reused.")
        }
        RefreshRefused::UserGone => crate::failure::user_not_found(),
        other => refresh_refused(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, claims, error};

    /// A pool, a client that rotates refresh tokens, and the first tokens of a user.
    async fn rotating(stack: &Stack, grace: i32) -> (String, Value) {
        let pool = stack.pool(json!({})).await;
        let rotation = json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": grace });
        let overrides = json!({
            "RefreshTokenRotation": rotation, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let client = stack.client(&pool, overrides).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        (client, tokens)
    }

    fn reused() -> (String, String) {
        error("RefreshTokenReuseException", "Refresh token has been reused.")
    }

    fn with(client: &str, tokens: &Value) -> Value {
        json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] })
    }

    #[tokio::test]
    async fn without_rotation_the_refresh_token_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        for _ in 0..2 {
            let answer = stack.ok("GetTokensFromRefreshToken", with(&client, &tokens)).await;
            let result = &answer["AuthenticationResult"];
            assert!(result["AccessToken"].is_string() && result.get("RefreshToken").is_none());
        }
    }

    #[tokio::test]
    async fn with_rotation_each_refresh_replaces_the_token_and_reuse_ends_the_sign_in() {
        let stack = Stack::new().await;
        let (client, first) = rotating(&stack, 0).await;
        let second = stack.ok("GetTokensFromRefreshToken", with(&client, &first)).await;
        let second = &second["AuthenticationResult"];
        assert!(second["RefreshToken"].is_string());
        assert_ne!(second["RefreshToken"], first["RefreshToken"]);
        let refused = stack.refusal("GetTokensFromRefreshToken", with(&client, &first)).await;
        assert_eq!(refused, reused());
        let refused = stack.refusal("GetTokensFromRefreshToken", with(&client, second)).await;
        assert_eq!(refused, error("NotAuthorizedException", "Refresh Token has been revoked"));
    }

    #[tokio::test]
    async fn within_the_grace_period_the_replaced_token_works_again() {
        let stack = Stack::new().await;
        let (client, first) = rotating(&stack, 10).await;
        stack.ok("GetTokensFromRefreshToken", with(&client, &first)).await;
        stack.advance(9);
        stack.ok("GetTokensFromRefreshToken", with(&client, &first)).await;
        stack.advance(1);
        let refused = stack.refusal("GetTokensFromRefreshToken", with(&client, &first)).await;
        assert_eq!(refused, reused());
    }

    #[tokio::test]
    async fn initiate_auth_refuses_clients_with_rotation() {
        let stack = Stack::new().await;
        let (client, first) = rotating(&stack, 0).await;
        let input = json!({
            "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": { "REFRESH_TOKEN": first["RefreshToken"] },
        });
        let refused = stack.refusal("InitiateAuth", input).await;
        let message = "This API does not support refresh token rotation";
        assert_eq!(refused, error("UnsupportedOperationException", message));
    }

    #[tokio::test]
    async fn the_client_secret_is_asked_for_as_it_is() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let input = json!({ "ClientId": client, "RefreshToken": "x" });
        let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
        let message =
            format!("Client {client} is configured for secret but secret was not received");
        assert_eq!(refused, error("NotAuthorizedException", &message));
        let input =
            json!({ "ClientId": client, "RefreshToken": "x", "ClientSecret": "y".repeat(30) });
        let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
        let message = format!("Unable to verify secret for client {client}");
        assert_eq!(refused, error("NotAuthorizedException", &message));
    }

    #[tokio::test]
    async fn garbage_is_no_refresh_token() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "RefreshToken": "a.b.c.d.e" });
        let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Refresh Token."));
    }

    #[tokio::test]
    async fn whose_token_it_is_and_how_the_user_is_decide() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let other = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let operation = "GetTokensFromRefreshToken";
        let not_authorized = |text: &str| error("NotAuthorizedException", text);
        let legacy = json!({
            "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
        });
        let invalid = not_authorized("Invalid Refresh Token.");
        assert_eq!(stack.refusal(operation, with(&other, &tokens)).await, invalid);
        for token in ["AccessToken", "IdToken"] {
            let input = json!({ "ClientId": client, "RefreshToken": tokens[token] });
            assert_eq!(stack.refusal(operation, input).await, invalid, "{token}");
        }
        let unknown = with("nosuchclient", &tokens);
        let text = "User pool client nosuchclient does not exist.";
        assert_eq!(
            stack.refusal(operation, unknown).await,
            error("ResourceNotFoundException", text)
        );
        stack.ok(operation, with(&client, &tokens)).await;

        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminDisableUser", ada.clone()).await;
        let disabled = not_authorized("User is disabled.");
        assert_eq!(stack.refusal(operation, with(&client, &tokens)).await, disabled);
        assert_eq!(stack.refusal("InitiateAuth", legacy.clone()).await, disabled);
        stack.ok("AdminEnableUser", ada.clone()).await;
        let revoked = not_authorized("Refresh Token has been revoked");
        assert_eq!(stack.refusal(operation, with(&client, &tokens)).await, revoked);
        stack.ok("AdminDeleteUser", ada).await;
        let gone = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal(operation, with(&client, &tokens)).await, gone);
        assert_eq!(stack.refusal("InitiateAuth", legacy).await, gone);
    }

    #[tokio::test]
    async fn a_refresh_token_ends_with_its_validity() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let day = json!({ "RefreshTokenValidity": 1 });
        let client = stack.client(&pool, day).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        stack.advance(86_399);
        stack.ok("GetTokensFromRefreshToken", with(&client, &tokens)).await;
        stack.advance(1);
        let refused = stack.refusal("GetTokensFromRefreshToken", with(&client, &tokens)).await;
        assert_eq!(refused, error("NotAuthorizedException", "Refresh Token has expired"));
    }

    #[tokio::test]
    async fn rotation_names_the_sign_in_and_without_a_period_there_is_no_grace() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let settings = json!({
            "RefreshTokenRotation": { "Feature": "ENABLED" }, "EnableTokenRevocation": false,
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let client = stack.client(&pool, settings).await;
        stack.user(&pool, "ada", &[]).await;
        let first = stack.tokens(&client, "ada").await;
        let answer = stack.ok("GetTokensFromRefreshToken", with(&client, &first)).await;
        let second = &answer["AuthenticationResult"];
        for token in ["AccessToken", "IdToken"] {
            let (old, new) = (claims(&first[token]), claims(&second[token]));
            assert!(new["origin_jti"].is_string(), "{new}");
            assert_eq!(new["origin_jti"], old["origin_jti"]);
            assert_ne!(new["jti"], old["jti"]);
            assert_eq!(new["auth_time"], old["auth_time"]);
        }
        let refused = stack.refusal("GetTokensFromRefreshToken", with(&client, &first)).await;
        assert_eq!(refused, reused());
    }
}
