//! `InitiateAuth`: starts a sign-in.

use poolhouse_domain::{
    auth::{
        Place, first_sign_in,
        start::{Starter, start},
    },
    ports::Ports,
    shapes::{AuthFlowType, InitiateAuthRequest, InitiateAuthResponse},
    triggers::Metadata,
};
use poolhouse_wire::{Sensitive, operations::InitiateAuth as Op};

use super::{Step, start_refused};
use crate::{failure::Answer, lookup, serve::Handle, threat_protection::context};

impl Handle for Op {
    async fn handle(ports: &Ports, input: InitiateAuthRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let metadata = Metadata::to_validate(input.client_metadata);
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(metadata);
        let place = Place::new(ports, &pool, &client);
        let parameters = input.auth_parameters.map(Sensitive::into_inner).unwrap_or_default();
        let flow = input.auth_flow;
        let session = input.session.as_deref().filter(|_| flow == AuthFlowType::UserAuth);
        let outcome = match session {
            Some(session) => {
                first_sign_in::start(place, Starter::Public, &parameters, session).await?
            }
            None => start(place, Starter::Public, flow, &parameters).await?,
        };
        let disabled_flow = match flow {
            // Belief: the wording differs for this flow.
            AuthFlowType::UserSrpAuth => "USER_SRP_AUTH is not enabled for the client.".to_owned(),
            flow => format!("{flow} flow not enabled for this client"),
        };
        let outcome = outcome.map_err(|r| start_refused(r, client.id(), disabled_flow))?;
        let step = Step::from(outcome);
        Ok(InitiateAuthResponse {
            challenge_name: step.challenge_name,
            session: step.session.map(Into::into),
            challenge_parameters: Some(step.parameters),
            authentication_result: step.result,
            available_challenges: step.available,
        })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::tokens::jwt;
    use serde_json::{Value, json};

    use crate::{
        testing::{PASSWORD, Stack, claims, error, invalid, text},
        totp::testing::{answer_to, code, enrol, start, totp_pool},
    };

    fn sign_in(client: &str, username: &str, password: &str) -> Value {
        json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": username, "PASSWORD": password },
        })
    }

    async fn pool_and_client(stack: &Stack, overrides: Value) -> (String, String) {
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, overrides).await;
        (pool, client)
    }

    const WRONG: &str = "Incorrect username or password.";

    #[tokio::test]
    async fn a_right_password_gives_three_tokens_and_empty_parameters() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let answer = stack.ok("InitiateAuth", sign_in(&client, "ada", PASSWORD)).await;
        assert_eq!(answer["ChallengeParameters"], json!({}));
        let result = answer["AuthenticationResult"].as_object().unwrap();
        let names: Vec<_> = result.keys().map(String::as_str).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        assert_eq!((&result["ExpiresIn"], &result["TokenType"]), (&json!(3600), &json!("Bearer")));
        assert!(
            text(&result["RefreshToken"]).starts_with("eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIi")
        );
        assert!(answer.get("Session").is_none() && answer.get("ChallengeName").is_none());
    }

    #[tokio::test]
    async fn unknown_users_are_told_only_where_the_client_says_so() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "nobody", PASSWORD)).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "nobody", PASSWORD)).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn the_sub_is_no_login_name() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        let sub = stack.user(&pool, "ada", &[]).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&client, &sub, PASSWORD)).await;
        assert_eq!(refused.0, "UserNotFoundException");
    }

    #[tokio::test]
    async fn five_wrong_passwords_lock_for_a_second_and_a_sixth_for_two() {
        for (username, hides) in [("ada", false), ("nobody", true)] {
            let stack = Stack::new().await;
            let hides = if hides { "ENABLED" } else { "LEGACY" };
            let overrides = json!({ "PreventUserExistenceErrors": hides });
            let (pool, client) = pool_and_client(&stack, overrides).await;
            stack.user(&pool, "ada", &[]).await;
            let wrong = sign_in(&client, username, "Wrong-Horse-7");
            for _ in 0..5 {
                let refused = stack.refusal("InitiateAuth", wrong.clone()).await;
                assert_eq!(refused, error("NotAuthorizedException", WRONG));
            }
            let locked = error("NotAuthorizedException", "Password attempts exceeded");
            let right = sign_in(&client, username, PASSWORD);
            assert_eq!(stack.refusal("InitiateAuth", right.clone()).await, locked);
            stack.advance(1);
            assert_eq!(stack.refusal("InitiateAuth", wrong).await.1, WRONG);
            stack.advance(1);
            assert_eq!(stack.refusal("InitiateAuth", right.clone()).await, locked);
            stack.advance(1);
            assert_eq!(stack.call("InitiateAuth", right).await.status == 200, username == "ada");
        }
    }

    #[tokio::test]
    async fn each_further_wrong_password_doubles_the_lock_up_to_a_quarter_of_an_hour() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let locked = error("NotAuthorizedException", "Password attempts exceeded");
        let wrong = sign_in(&client, "ada", "Wrong-Horse-7");
        let right = sign_in(&client, "ada", PASSWORD);
        for _ in 0..4 {
            assert_eq!(stack.refusal("InitiateAuth", wrong.clone()).await.1, WRONG);
        }
        for lock in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900] {
            assert_eq!(stack.refusal("InitiateAuth", wrong.clone()).await.1, WRONG, "{lock}");
            stack.advance(lock - 1);
            // Neither is looked at, and neither makes the lock longer.
            assert_eq!(stack.refusal("InitiateAuth", wrong.clone()).await, locked, "{lock}");
            assert_eq!(stack.refusal("InitiateAuth", right.clone()).await, locked, "{lock}");
            stack.advance(1);
        }
        // The longest lock is as long as the quiet time after which all is forgotten.
        for _ in 0..5 {
            assert_eq!(stack.refusal("InitiateAuth", wrong.clone()).await.1, WRONG);
        }
        assert_eq!(stack.refusal("InitiateAuth", right.clone()).await, locked);
        stack.advance(1);
        stack.ok("InitiateAuth", right).await;
    }

    #[tokio::test]
    async fn a_quiet_quarter_of_an_hour_forgets_wrong_passwords() {
        for (quiet, is_forgotten) in [(899, false), (900, true)] {
            let stack = Stack::new().await;
            let (pool, client) = pool_and_client(&stack, json!({})).await;
            stack.user(&pool, "ada", &[]).await;
            let wrong = sign_in(&client, "ada", "Wrong-Horse-7");
            for _ in 0..4 {
                stack.refusal("InitiateAuth", wrong.clone()).await;
            }
            stack.advance(quiet);
            stack.refusal("InitiateAuth", wrong).await;
            let right = stack.call("InitiateAuth", sign_in(&client, "ada", PASSWORD)).await;
            assert_eq!(right.status == 200, is_forgotten, "{quiet}");
        }
    }

    #[tokio::test]
    async fn guesses_sent_at_once_are_locked_out_like_guesses_in_a_row() {
        let stack = std::sync::Arc::new(Stack::new().await);
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let guesses: Vec<_> = (0..30)
            .map(|number| {
                let (stack, client) = (std::sync::Arc::clone(&stack), client.clone());
                let input = sign_in(&client, "ada", &format!("Wrong-Horse-{number}"));
                tokio::spawn(async move { stack.refusal("InitiateAuth", input).await.1 })
            })
            .collect();
        let mut looked_at = 0;
        for guess in guesses {
            looked_at += u32::from(guess.await.unwrap() == WRONG);
        }
        assert_eq!(looked_at, 5);
    }

    #[tokio::test]
    async fn a_success_forgets_the_wrong_passwords_before() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        for _ in 0..2 {
            for _ in 0..4 {
                stack.refusal("InitiateAuth", sign_in(&client, "ada", "Wrong-Horse-7")).await;
            }
            stack.ok("InitiateAuth", sign_in(&client, "ada", PASSWORD)).await;
        }
    }

    #[tokio::test]
    async fn the_users_state_is_told_before_the_password_is_looked_at() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[("email", "ada@example.com"), ("email_verified", "true")]).await;
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        let wrong = sign_in(&client, "ada", "Wrong-Horse-7");

        stack.ok("AdminDisableUser", ada.clone()).await;
        let refused = stack.refusal("InitiateAuth", wrong.clone()).await;
        assert_eq!(refused, error("NotAuthorizedException", "User is disabled."));
        stack.ok("AdminEnableUser", ada.clone()).await;

        stack.ok("AdminResetUserPassword", ada).await;
        let refused = stack.refusal("InitiateAuth", wrong).await;
        let message = "Password reset required for the user";
        assert_eq!(refused, error("PasswordResetRequiredException", message));

        let input = json!({ "ClientId": client, "Username": "eve", "Password": PASSWORD });
        stack.ok("SignUp", input).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "eve", "x")).await;
        assert_eq!(refused, error("UserNotConfirmedException", "User is not confirmed."));
    }

    #[tokio::test]
    async fn where_existence_is_hidden_a_wrong_password_says_nothing_of_the_users_state() {
        let stack = Stack::new().await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let (pool, client) = pool_and_client(&stack, hides).await;
        stack.user(&pool, "ada", &[]).await;
        stack.ok("AdminDisableUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "ada", "Wrong-Horse-7")).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "ada", PASSWORD)).await;
        assert_eq!(refused, error("NotAuthorizedException", "User is disabled."));
    }

    #[tokio::test]
    async fn refuses_flows_that_the_client_or_the_operation_does_not_have() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "ExplicitAuthFlows": null })).await;
        let with = |flow: &str| {
            json!({
                "ClientId": client, "AuthFlow": flow,
                "AuthParameters": { "USERNAME": "ada", "PASSWORD": "x" },
            })
        };
        for (flow, message) in [
            ("USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH flow not enabled for this client"),
            ("USER_AUTH", "USER_AUTH flow not enabled for this client"),
            ("ADMIN_USER_PASSWORD_AUTH", "Initiate Auth method not supported."),
            ("ADMIN_NO_SRP_AUTH", "Initiate Auth method not supported."),
            ("USER_SRP_AUTH", "Missing required parameter SRP_A"),
            ("REFRESH_TOKEN_AUTH", "Missing required parameter REFRESH_TOKEN"),
            ("CUSTOM_AUTH", "Custom auth lambda trigger is not configured for the user pool."),
        ] {
            assert_eq!(stack.refusal("InitiateAuth", with(flow)).await, invalid(message), "{flow}");
        }
        let flows = json!(["CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH"]);
        let custom = stack.client(&pool, json!({ "ExplicitAuthFlows": flows })).await;
        let refused = stack.refusal("InitiateAuth", sign_in(&custom, "ada", "x")).await;
        assert_eq!(refused, invalid("USER_PASSWORD_AUTH flow not enabled for this client"));
    }

    #[tokio::test]
    async fn missing_parameters_are_named() {
        let stack = Stack::new().await;
        let (_, client) = pool_and_client(&stack, json!({})).await;
        let flow = "USER_PASSWORD_AUTH";
        let input = json!({ "ClientId": client, "AuthFlow": flow });
        let refused = stack.refusal("InitiateAuth", input).await;
        assert_eq!(refused, invalid("Missing required parameter USERNAME"));
        let parameters = json!({ "USERNAME": "ada" });
        let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
        let refused = stack.refusal("InitiateAuth", input).await;
        assert_eq!(refused, invalid("Missing required parameter PASSWORD"));
    }

    #[tokio::test]
    async fn clients_with_a_secret_need_its_hash() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let describe = json!({ "UserPoolId": pool, "ClientId": client });
        let secret = text(
            &stack.ok("DescribeUserPoolClient", describe).await["UserPoolClient"]["ClientSecret"],
        );
        let refused = stack.refusal("InitiateAuth", sign_in(&client, "ada", PASSWORD)).await;
        let message =
            format!("Client {client} is configured with secret but SECRET_HASH was not received");
        assert_eq!(refused, error("NotAuthorizedException", &message));

        let with = |hash: String| {
            let mut input = sign_in(&client, "ada", PASSWORD);
            input["AuthParameters"]["SECRET_HASH"] = hash.into();
            input
        };
        let refused = stack.refusal("InitiateAuth", with("d3Jvbmc=".to_owned())).await;
        let message = format!("Unable to verify secret hash for client {client}");
        assert_eq!(refused, error("NotAuthorizedException", &message));
        let hash = poolhouse_domain::secret_hash::compute(&secret, "ada", &client);
        let answer = stack.ok("InitiateAuth", with(hash.clone())).await;

        let refresh = |hash: &str| {
            let token = &answer["AuthenticationResult"]["RefreshToken"];
            json!({
                "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
                "AuthParameters": { "REFRESH_TOKEN": token, "SECRET_HASH": hash },
            })
        };
        let mut without = refresh("");
        without["AuthParameters"].as_object_mut().unwrap().remove("SECRET_HASH");
        let refused = stack.refusal("InitiateAuth", without).await;
        let message =
            format!("Client {client} is configured with secret but SECRET_HASH was not received");
        assert_eq!(refused, error("NotAuthorizedException", &message));
        let refused = stack.refusal("InitiateAuth", refresh("d3Jvbmc=")).await;
        let message = format!("SecretHash does not match for the client: {client}");
        assert_eq!(refused, error("NotAuthorizedException", &message));
        stack.ok("InitiateAuth", refresh(&hash)).await;
    }

    #[tokio::test]
    async fn unknown_clients_are_not_found() {
        let stack = Stack::new().await;
        let refused = stack.refusal("InitiateAuth", sign_in("nosuchclient", "ada", "x")).await;
        let message = "User pool client nosuchclient does not exist.";
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }

    #[tokio::test]
    async fn a_refresh_gives_new_tokens_of_the_same_sign_in_and_no_refresh_token() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        stack.advance(600);
        let input = |client: &str| {
            json!({
                "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH",
                "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] },
            })
        };
        let fresh = stack.ok("InitiateAuth", input(&client)).await["AuthenticationResult"].take();
        assert!(fresh.get("RefreshToken").is_none());
        let (old, new) = (claims(&tokens["AccessToken"]), claims(&fresh["AccessToken"]));
        for kept in ["origin_jti", "auth_time", "event_id", "sub", "scope"] {
            assert_eq!(old[kept], new[kept], "{kept}");
        }
        assert_ne!(old["jti"], new["jti"]);
        assert_eq!(new["iat"].as_i64().unwrap() - old["iat"].as_i64().unwrap(), 600);

        let other = stack.client(&pool, json!({})).await;
        let refused = stack.refusal("InitiateAuth", input(&other)).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Refresh Token."));
        stack.advance(30 * 86_400);
        let refused = stack.refusal("InitiateAuth", input(&client)).await;
        assert_eq!(refused, error("NotAuthorizedException", "Refresh Token has expired"));
    }

    #[tokio::test]
    async fn tokens_say_who_the_user_is() {
        let stack = Stack::new().await;
        let (pool, client) = pool_and_client(&stack, json!({})).await;
        let attributes =
            [("email", "ada@example.com"), ("email_verified", "true"), ("address", "1 Main St")];
        let sub = stack.user(&pool, "ada", &attributes).await;
        let tokens = stack.tokens(&client, "ada").await;
        let (id, access) = (claims(&tokens["IdToken"]), claims(&tokens["AccessToken"]));
        let issuer = format!("http://127.0.0.1:7665/{pool}");
        for claims in [&id, &access] {
            assert_eq!((&claims["sub"], &claims["iss"]), (&json!(sub), &json!(issuer)));
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
            assert!(claims.get("cognito:groups").is_none());
        }
        assert_eq!((&id["token_use"], &id["aud"]), (&json!("id"), &json!(client)));
        assert_eq!(id["cognito:username"], "ada");
        assert_eq!(
            (&id["email"], &id["email_verified"]),
            (&json!("ada@example.com"), &json!(true))
        );
        assert_eq!(id["address"], json!({ "formatted": "1 Main St" }));
        assert_eq!(
            (&access["token_use"], &access["client_id"]),
            (&json!("access"), &json!(client))
        );
        assert_eq!(access["scope"], "aws.cognito.signin.user.admin");
        assert_eq!(access["username"], "ada");
        assert!(access.get("aud").is_none() && access.get("email").is_none());
        assert_eq!(id["origin_jti"], access["origin_jti"]);
        assert_ne!(id["jti"], access["jti"]);
        assert_ne!(kid(&tokens["IdToken"]), kid(&tokens["AccessToken"]));
    }

    #[tokio::test]
    async fn a_totp_code_is_good_once_and_wrong_ones_leave_the_session_good() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        let with = |code: &str| answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", code);

        let used = error("ExpiredCodeException", "Your software token has already been used once.");
        let of_verification = with(&code(&stack, &secret, -1));
        assert_eq!(stack.refusal("RespondToAuthChallenge", of_verification).await, used);
        let wrong = with(&code(&stack, &secret, 7));
        let mismatch = error("CodeMismatchException", "Invalid code received for user");
        assert_eq!(stack.refusal("RespondToAuthChallenge", wrong).await, mismatch);
        let right = with(&code(&stack, &secret, 0));
        stack.ok("RespondToAuthChallenge", right.clone()).await;
        let refused = stack.refusal("RespondToAuthChallenge", right).await;
        let message = "Invalid session for the user, session can only be used once.";
        assert_eq!(refused, error("NotAuthorizedException", message));

        let again = start(&stack, &client, "ada").await;
        let again =
            answer_to(&client, &again, "SOFTWARE_TOKEN_MFA_CODE", &code(&stack, &secret, 0));
        assert_eq!(stack.refusal("RespondToAuthChallenge", again).await, used);
    }

    #[tokio::test]
    async fn guessing_totp_codes_is_stopped_across_sign_ins() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        for _ in 0..2 {
            let challenge = start(&stack, &client, "ada").await;
            let wrong = code(&stack, &secret, 9);
            for _ in 0..10 {
                let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &wrong);
                let refused = stack.refusal("RespondToAuthChallenge", input).await;
                assert_eq!(refused.0, "CodeMismatchException");
            }
        }
        let challenge = start(&stack, &client, "ada").await;
        let right = code(&stack, &secret, 0);
        let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &right);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused.0, "TooManyRequestsException");
    }

    /// The id of the key that signed a token.
    fn kid(token: &Value) -> String {
        jwt::parse(&text(token)).unwrap().kid
    }
}
