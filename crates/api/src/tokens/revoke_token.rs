//! `RevokeToken`: revokes a refresh token with all tokens of its sign-in.

use poolhouse_domain::{
    app_clients::secrets,
    ports::Ports,
    shapes::{RevokeAssociatedSessionsType, RevokeTokenRequest, RevokeTokenResponse},
    tokens::revoke::{RevokeRefused, revoke},
};
use poolhouse_wire::{codes, operations::RevokeToken as Op};

use crate::{
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: RevokeTokenRequest) -> Answer<Op> {
        let client = ports.directory.app_client(&input.client_id).await?;
        let client = client.ok_or_else(unauthorized)?;
        let secret = input.client_secret.as_deref().map(String::as_str);
        secrets::check(&client, secret).map_err(|_| unauthorized())?;
        let with_parent =
            input.revoke_associated_sessions == Some(RevokeAssociatedSessionsType::Linked);
        revoke(ports, &client, &input.token, with_parent).await?.map_err(refusal)?;
        Ok(RevokeTokenResponse {})
    }
}

/// Beliefs: the service's texts here are not on record; the types are those that the model lists.
fn refusal(refused: RevokeRefused) -> Failure<Op> {
    match refused {
        RevokeRefused::NotEnabled => Failure::new(
            codes::UnsupportedOperationException,
            "Token revocation is not enabled for this client.",
        ),
        RevokeRefused::NotARefreshToken => {
            Failure::new(codes::UnsupportedTokenTypeException, "Unsupported token type.")
        }
        RevokeRefused::Invalid => {
            Failure::new(codes::UnauthorizedException, "Invalid Refresh Token.")
        }
    }
}

fn unauthorized() -> Failure<Op> {
    Failure::new(codes::UnauthorizedException, "Invalid client.")
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, merged, text};

    #[tokio::test]
    async fn a_revocation_is_remembered_as_long_as_an_id_token_may_live() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let settings =
            json!({ "RefreshTokenValidity": 2, "AccessTokenValidity": 1, "IdTokenValidity": 24 });
        let client = stack.client(&pool, settings).await;
        let sub = stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let input = json!({ "ClientId": client, "Token": tokens["RefreshToken"] });
        stack.ok("RevokeToken", input).await;
        let token = text(&tokens["IdToken"]);
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let origin = text(&claims["origin_jti"]);
        let store = &stack.ports.store;
        store.sweep(stack.ports.clock.now().plus_seconds(3 * 86_400)).await.unwrap();
        let mut view = store.read().await.unwrap();
        let (_, is_revoked) = view.user_of_sign_in(&pool, &sub, &origin).await.unwrap().unwrap();
        assert!(is_revoked);
    }

    #[tokio::test]
    async fn all_tokens_of_the_sign_in_are_dead_and_others_live() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let (one, other) = (stack.tokens(&client, "ada").await, stack.tokens(&client, "ada").await);
        let input = json!({ "ClientId": client, "Token": one["RefreshToken"] });
        assert_eq!(stack.ok("RevokeToken", input.clone()).await, json!({}));
        stack.ok("RevokeToken", input).await;

        let get_user = |access: &serde_json::Value| json!({ "AccessToken": access });
        let refused = stack.refusal("GetUser", get_user(&one["AccessToken"])).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
        let input = json!({ "ClientId": client, "RefreshToken": one["RefreshToken"] });
        let refused = stack.refusal("GetTokensFromRefreshToken", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Refresh Token has been revoked"));
        stack.ok("GetUser", get_user(&other["AccessToken"])).await;
    }

    #[tokio::test]
    async fn refuses_access_tokens_other_clients_and_clients_without_revocation() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let without = stack.client(&pool, json!({ "EnableTokenRevocation": false })).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        let other = stack.client(&pool, json!({})).await;
        let unsupported = error("UnsupportedTokenTypeException", "Unsupported token type.");
        let not_enabled = error(
            "UnsupportedOperationException",
            "Token revocation is not enabled for this client.",
        );
        let no_client = error("UnauthorizedException", "Invalid client.");
        let no_token = error("UnauthorizedException", "Invalid Refresh Token.");
        for (client, token, expected) in [
            (client.as_str(), &tokens["AccessToken"], &unsupported),
            (client.as_str(), &tokens["IdToken"], &unsupported),
            (without.as_str(), &tokens["RefreshToken"], &not_enabled),
            ("nosuchclient", &tokens["RefreshToken"], &no_client),
            (other.as_str(), &tokens["RefreshToken"], &no_token),
            (client.as_str(), &json!("a.b.c.d.e"), &no_token),
        ] {
            let input = json!({ "ClientId": client, "Token": token });
            assert_eq!(stack.refusal("RevokeToken", input).await, *expected);
        }
        stack.ok("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
    }

    #[tokio::test]
    async fn a_client_with_a_secret_must_show_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let secret = "secret_of_thirty_characters_xx";
        let client = stack.client(&pool, json!({ "ClientSecret": secret })).await;
        stack.user(&pool, "ada", &[]).await;
        let hash = poolhouse_domain::secret_hash::compute(secret, "ada", &client);
        let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD, "SECRET_HASH": hash });
        let sign_in = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        let tokens = stack.ok("InitiateAuth", sign_in).await["AuthenticationResult"].take();
        let input = json!({ "ClientId": client, "Token": tokens["RefreshToken"] });
        let expected = error("UnauthorizedException", "Invalid client.");
        for wrong in [json!(null), json!("x".repeat(30))] {
            let input = merged(input.clone(), json!({ "ClientSecret": wrong }));
            assert_eq!(stack.refusal("RevokeToken", input).await, expected);
        }
        stack.ok("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
        stack.ok("RevokeToken", merged(input, json!({ "ClientSecret": secret }))).await;
        let refused =
            stack.refusal("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
    }
}
