//! `AssociateSoftwareToken`: hands out a new TOTP secret, for a signed-in user or within a sign-in.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AssociateSoftwareTokenRequest, AssociateSoftwareTokenResponse},
};
use poolhouse_wire::operations::AssociateSoftwareToken as Op;

use super::subject;
use crate::{auth::session_refused, failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AssociateSoftwareTokenRequest) -> Answer<Op> {
        let access_token = input.access_token.as_deref().map(String::as_str);
        let session = input.session.as_deref().map(String::as_str);
        let subject = subject::<Op>(ports, access_token, session).await?;
        let mut tx = ports.store.write().await?;
        let mut user = subject.user::<Op>(&mut *tx).await?;
        let secret_code = user.software_token.associate(&*ports.entropy);
        tx.update_user(&mut user).await?;
        let next = match &subject.session {
            None => None,
            Some(session) => {
                let spent = session.spend(&mut *tx, ports.clock.now()).await?;
                spent.map_err(session_refused)?;
                Some(session.followed_by(session.step.clone(), ports).seal(ports)?)
            }
        };
        tx.commit().await?;
        Ok(AssociateSoftwareTokenResponse {
            secret_code: Some(secret_code.into()),
            session: next.map(Into::into),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        testing::{Stack, error, invalid, text},
        totp::testing::{answer_to, code, enrol, start, totp_pool},
    };

    #[tokio::test]
    async fn hands_out_52_characters_of_base32_and_no_session_for_an_access_token() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let answer = stack.ok("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        let secret = text(&answer["SecretCode"]);
        assert_eq!(secret.len(), 52);
        assert!(secret.chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7')));
        assert_eq!(answer.as_object().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_second_call_drops_the_secret_of_the_first() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let input = json!({ "AccessToken": token });
        let first = stack.ok("AssociateSoftwareToken", input.clone()).await;
        let second = stack.ok("AssociateSoftwareToken", input).await;
        let input = |answer: &serde_json::Value| {
            let code = code(&stack, &text(&answer["SecretCode"]), 0);
            json!({ "AccessToken": token, "UserCode": code })
        };
        let refused = stack.refusal("VerifySoftwareToken", input(&first)).await;
        let text = "Code mismatch and fail enable Software Token MFA";
        assert_eq!(refused, error("EnableSoftwareTokenMFAException", text));
        stack.ok("VerifySoftwareToken", input(&second)).await;
    }

    #[tokio::test]
    async fn the_old_token_works_until_the_new_one_is_verified() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let old = enrol(&stack, &client, "ada").await;
        let answer = stack.ok("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        let new = text(&answer["SecretCode"]);

        let challenge = start(&stack, &client, "ada").await;
        let input =
            answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code(&stack, &old, 0));
        stack.ok("RespondToAuthChallenge", input).await;

        let input = json!({ "AccessToken": token, "UserCode": code(&stack, &new, 0) });
        stack.ok("VerifySoftwareToken", input).await;
        stack.advance(30);
        let challenge = start(&stack, &client, "ada").await;
        let with = |code: &str| answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", code);
        let refused = stack.refusal("RespondToAuthChallenge", with(&code(&stack, &old, 0))).await;
        assert_eq!(refused, error("CodeMismatchException", "Invalid code received for user"));
        stack.ok("RespondToAuthChallenge", with(&code(&stack, &new, 0))).await;
    }

    #[tokio::test]
    async fn asks_for_exactly_one_of_access_token_and_session() {
        let stack = Stack::new().await;
        let refused = stack.refusal("AssociateSoftwareToken", json!({})).await;
        assert_eq!(refused, invalid("Either AccessToken or Session is required."));
        let both = json!({ "AccessToken": "a.b.c", "Session": "x".repeat(20) });
        let refused = stack.refusal("AssociateSoftwareToken", both).await;
        assert_eq!(refused, invalid("Only one of AccessToken and Session is allowed."));
    }

    #[tokio::test]
    async fn refuses_in_a_pool_without_totp() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let refused =
            stack.refusal("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        let message = "Software Token MFA has not been enabled by the userPool";
        assert_eq!(refused, error("SoftwareTokenMFANotFoundException", message));
    }

    #[tokio::test]
    async fn refuses_tokens_and_sessions_that_are_none() {
        let stack = Stack::new().await;
        let refused = stack.refusal("AssociateSoftwareToken", json!({ "AccessToken": "a.b.c" }));
        assert_eq!(refused.await, error("NotAuthorizedException", "Invalid Access Token"));
        let garbage = json!({ "Session": "garbage-garbage-garbage" });
        let refused = stack.refusal("AssociateSoftwareToken", garbage).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    }

    #[tokio::test]
    async fn each_session_of_a_set_up_replaces_the_one_before() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "ON").await;
        stack.user(&pool, "ada", &[]).await;
        let setup = start(&stack, &client, "ada").await;
        assert_eq!(setup["ChallengeName"], "MFA_SETUP");
        let parameters = &setup["ChallengeParameters"];
        assert_eq!(parameters["MFAS_CAN_SETUP"], r#"["SOFTWARE_TOKEN_MFA"]"#);
        let input = json!({ "Session": setup["Session"] });
        let first = stack.ok("AssociateSoftwareToken", input.clone()).await;
        let refused = stack.refusal("AssociateSoftwareToken", input).await;
        let message = "Invalid session for the user, session can only be used once.";
        assert_eq!(refused, error("NotAuthorizedException", message));
        let unfinished = json!({
            "ClientId": client, "ChallengeName": "MFA_SETUP", "Session": setup["Session"],
            "ChallengeResponses": { "USERNAME": "ada" },
        });
        let refused = stack.refusal("RespondToAuthChallenge", unfinished).await;
        assert_eq!(refused, error("NotAuthorizedException", message));

        let input = json!({
            "Session": first["Session"], "UserCode": code(&stack, &text(&first["SecretCode"]), 0),
        });
        let verified = stack.ok("VerifySoftwareToken", input).await;
        assert_eq!(verified["Status"], "SUCCESS");
        let input = json!({
            "ClientId": client, "ChallengeName": "MFA_SETUP", "Session": verified["Session"],
            "ChallengeResponses": { "USERNAME": "ada" },
        });
        let signed_in = stack.ok("RespondToAuthChallenge", input).await;
        assert!(signed_in["AuthenticationResult"]["RefreshToken"].is_string());
        let next = start(&stack, &client, "ada").await;
        assert_eq!(next["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    }

    #[tokio::test]
    async fn a_session_ends_with_the_clients_session_validity() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "ON").await;
        stack.user(&pool, "ada", &[]).await;
        let setup = start(&stack, &client, "ada").await;
        stack.advance(180);
        let input = json!({ "Session": setup["Session"] });
        let refused = stack.refusal("AssociateSoftwareToken", input).await;
        let message = "Invalid session for the user, session is expired.";
        assert_eq!(refused, error("NotAuthorizedException", message));
    }
}
