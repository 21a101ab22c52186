//! `VerifySoftwareToken`: takes a code of a secret that was handed out, and puts the secret in force.

use poolhouse_domain::{
    attempts::{self, Attempted},
    auth::session::Step,
    ports::Ports,
    shapes::{
        VerifySoftwareTokenRequest, VerifySoftwareTokenResponse, VerifySoftwareTokenResponseType,
    },
    totp::Refused,
    users::MfaFactor,
};
use poolhouse_wire::{codes, operations::VerifySoftwareToken as Op};

use super::subject;
use crate::{
    auth::{session_refused, too_many_codes},
    failure::{Answer, Failure},
    serve::Handle,
};

/// What is counted against guessing.
const WHAT: Attempted = Attempted::VerifySoftwareToken;

impl Handle for Op {
    async fn handle(ports: &Ports, input: VerifySoftwareTokenRequest) -> Answer<Op> {
        let access_token = input.access_token.as_deref().map(String::as_str);
        let session = input.session.as_deref().map(String::as_str);
        let subject = subject::<Op>(ports, access_token, session).await?;
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let mut user = subject.user::<Op>(&mut *tx).await?;
        let pool_id = subject.pool.id();
        let within_limit = attempts::check(&mut *tx, pool_id, &user.sub, WHAT, now).await?;
        within_limit.map_err(|_| too_many_codes())?;
        let name = input.friendly_device_name;
        if let Err(refused) = user.software_token.confirm(&input.user_code, name, now) {
            attempts::record(&mut *tx, pool_id, &user.sub, WHAT, now).await?;
            tx.commit().await?; // the counter must outlive the error answer
            return Err(refusal(refused).into());
        }
        let next = match &subject.session {
            None => None,
            Some(session) => {
                // A token that is set up within a sign-in is in force at once; with an access
                // token, SetUserMFAPreference has to follow.
                user.mfa.enabled.insert(MfaFactor::SoftwareToken);
                session.spend(&mut *tx, now).await?.map_err(session_refused)?;
                Some(session.followed_by(Step::MfaSetUp, ports).seal(ports)?)
            }
        };
        tx.update_user(&mut user).await?;
        tx.commit().await?;
        Ok(VerifySoftwareTokenResponse {
            status: Some(VerifySoftwareTokenResponseType::Success),
            session: next.map(Into::into),
        })
    }
}

/// What is said of a code that is not accepted.
fn refusal(refused: Refused) -> Failure<Op> {
    match refused {
        // Recorded: <https://github.com/aws-samples/aws-amplify-auth-starters/issues/15>.
        Refused::WrongCode | Refused::AlreadyUsed => Failure::new(
            codes::EnableSoftwareTokenMFAException,
            "Code mismatch and fail enable Software Token MFA",
        ),
        Refused::NoToken => Failure::new(
            codes::SoftwareTokenMFANotFoundException,
            "Software Token MFA does not exist for the user.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        testing::{Stack, error, text},
        totp::testing::{answer_to, code, start, totp_pool},
    };

    const WRONG: &str = "Code mismatch and fail enable Software Token MFA";

    /// A signed-in user with a pending secret: access token and secret.
    async fn pending(stack: &Stack, pool: &str, client: &str) -> (String, String) {
        stack.user(pool, "ada", &[]).await;
        let token = stack.access_token(client, "ada").await;
        let answer = stack.ok("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        (token, text(&answer["SecretCode"]))
    }

    #[tokio::test]
    async fn a_wrong_code_leaves_the_secret_pending() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        let (token, secret) = pending(&stack, &pool, &client).await;
        let with = |code: &str| json!({ "AccessToken": token, "UserCode": code });
        let refused = stack.refusal("VerifySoftwareToken", with(&code(&stack, &secret, 2))).await;
        assert_eq!(refused, error("EnableSoftwareTokenMFAException", WRONG));
        stack.ok("VerifySoftwareToken", with(&code(&stack, &secret, 1))).await;
    }

    #[tokio::test]
    async fn codes_one_step_early_or_late_are_good_and_two_steps_are_not() {
        for (steps, is_good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let stack = Stack::new().await;
            let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
            let (token, secret) = pending(&stack, &pool, &client).await;
            let input = json!({ "AccessToken": token, "UserCode": code(&stack, &secret, steps) });
            let answer = stack.call("VerifySoftwareToken", input).await;
            assert_eq!(answer.status == 200, is_good, "{steps}: {}", answer.body);
        }
    }

    #[tokio::test]
    async fn with_an_access_token_the_factor_stays_off_until_it_is_preferred() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        let (token, secret) = pending(&stack, &pool, &client).await;
        let input = json!({ "AccessToken": token, "UserCode": code(&stack, &secret, 0) });
        stack.ok("VerifySoftwareToken", input).await;
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        assert!(user.get("UserMFASettingList").is_none(), "{user}");
        assert!(start(&stack, &client, "ada").await.get("ChallengeName").is_none());
    }

    #[tokio::test]
    async fn guessing_is_stopped_after_twenty_wrong_codes_in_an_hour() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        let (token, secret) = pending(&stack, &pool, &client).await;
        let wrong = json!({ "AccessToken": token, "UserCode": code(&stack, &secret, 5) });
        for _ in 0..20 {
            let refused = stack.refusal("VerifySoftwareToken", wrong.clone()).await;
            assert_eq!(refused, error("EnableSoftwareTokenMFAException", WRONG));
        }
        let right = json!({ "AccessToken": token, "UserCode": code(&stack, &secret, 0) });
        let refused = stack.refusal("VerifySoftwareToken", right).await;
        let text = "Attempt limit exceeded, please try after some time.";
        assert_eq!(refused, error("TooManyRequestsException", text));
        stack.advance(3_600);
        let token = stack.access_token(&client, "ada").await;
        let right = json!({ "AccessToken": token, "UserCode": code(&stack, &secret, 0) });
        stack.ok("VerifySoftwareToken", right).await;
    }

    #[tokio::test]
    async fn a_code_of_five_digits_is_a_violation_of_the_model() {
        let stack = Stack::new().await;
        let input = json!({ "AccessToken": "a.b.c", "UserCode": "12345" });
        let refused = stack.refusal("VerifySoftwareToken", input).await;
        let message = "1 validation error detected: Value at 'userCode' failed to satisfy \
                       constraint: Member must have length greater than or equal to 6";
        assert_eq!(refused, error("InvalidParameterException", message));
    }

    #[tokio::test]
    async fn nothing_can_be_verified_before_a_secret_was_handed_out() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let input = json!({ "AccessToken": token, "UserCode": "123456" });
        let refused = stack.refusal("VerifySoftwareToken", input).await;
        let message = "Software Token MFA does not exist for the user.";
        assert_eq!(refused, error("SoftwareTokenMFANotFoundException", message));
    }

    #[tokio::test]
    async fn a_wrong_code_within_a_sign_in_leaves_its_session_good() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "ON").await;
        stack.user(&pool, "ada", &[]).await;
        let setup = start(&stack, &client, "ada").await;
        let answer =
            stack.ok("AssociateSoftwareToken", json!({ "Session": setup["Session"] })).await;
        let secret = text(&answer["SecretCode"]);
        let with = |code: &str| json!({ "Session": answer["Session"], "UserCode": code });
        let refused = stack.refusal("VerifySoftwareToken", with(&code(&stack, &secret, 4))).await;
        assert_eq!(refused, error("EnableSoftwareTokenMFAException", WRONG));
        stack.ok("VerifySoftwareToken", with(&code(&stack, &secret, 0))).await;
        let refused = stack.refusal("VerifySoftwareToken", with(&code(&stack, &secret, 1))).await;
        let message = "Invalid session for the user, session can only be used once.";
        assert_eq!(refused, error("NotAuthorizedException", message));
    }

    #[tokio::test]
    async fn the_name_of_the_device_shows_in_the_challenge() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = crate::totp::testing::enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        assert_eq!(challenge["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        let parameters = json!({ "FRIENDLY_DEVICE_NAME": "phone", "USER_ID_FOR_SRP": "ada" });
        assert_eq!(challenge["ChallengeParameters"], parameters);
        let code = code(&stack, &secret, 0);
        let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
        stack.ok("RespondToAuthChallenge", input).await;
    }
}
