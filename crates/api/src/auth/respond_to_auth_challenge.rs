//! `RespondToAuthChallenge`: answers a challenge of a sign-in.

use poolhouse_domain::{
    auth::{Place, answer::answer},
    ports::Ports,
    shapes::{RespondToAuthChallengeRequest, RespondToAuthChallengeResponse},
    triggers::Metadata,
};
use poolhouse_wire::{Sensitive, operations::RespondToAuthChallenge as Op};

use super::{Step, answer_refused};
use crate::{failure::Answer, lookup, serve::Handle, threat_protection::context};

impl Handle for Op {
    async fn handle(ports: &Ports, input: RespondToAuthChallengeRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let metadata = Metadata::of_client(input.client_metadata);
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(metadata);
        let place = Place::new(ports, &pool, &client);
        let responses = input.challenge_responses.map(Sensitive::into_inner).unwrap_or_default();
        let session = input.session.as_deref().map(String::as_str);
        let outcome = answer(place, input.challenge_name, session, &responses).await?;
        let step = Step::from(outcome.map_err(|r| answer_refused(r, client.id()))?);
        Ok(RespondToAuthChallengeResponse {
            challenge_name: step.challenge_name,
            session: step.session.map(Into::into),
            challenge_parameters: Some(step.parameters),
            authentication_result: step.result,
            ..RespondToAuthChallengeResponse::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use poolhouse_domain::{
        shapes::ChallengeNameType,
        srp::client::{ChallengeParameters, Client, timestamp},
    };
    use serde_json::{Value, json};

    use crate::{
        testing::{PASSWORD, Stack, error, invalid, text},
        totp::testing::{answer_to, code, enrol, offer_totp, start, totp_pool},
    };

    /// Starts an SRP sign-in: the client's side and the challenge.
    async fn challenge(stack: &Stack, client: &str, username: &str) -> (Client, Value) {
        let srp = Client::new(&*stack.ports.entropy);
        let parameters = json!({ "USERNAME": username, "SRP_A": srp.public_hex() });
        let flow = "USER_SRP_AUTH";
        let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
        (srp, stack.ok("InitiateAuth", input).await)
    }

    /// The answer of a client that believes in this password.
    fn proof(
        stack: &Stack,
        pool: &str,
        client: &str,
        (srp, challenge): &(Client, Value),
        password: &str,
    ) -> Value {
        let get = |name: &str| text(&challenge["ChallengeParameters"][name]);
        let (salt, srp_b, block) = (get("SALT"), get("SRP_B"), get("SECRET_BLOCK"));
        let username = get("USER_ID_FOR_SRP");
        let at = timestamp(stack.ports.clock.now()).unwrap();
        let parameters = ChallengeParameters { salt: &salt, srp_b: &srp_b, secret_block: &block };
        let party = poolhouse_domain::srp::Party::user(pool, &username);
        let signature = srp.sign(party, password, &parameters, &at).unwrap();
        json!({
            "ClientId": client, "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeResponses": {
                "USERNAME": username, "PASSWORD_CLAIM_SECRET_BLOCK": block,
                "PASSWORD_CLAIM_SIGNATURE": signature, "TIMESTAMP": at,
            },
        })
    }

    const WRONG: &str = "Incorrect username or password.";

    #[tokio::test]
    async fn srp_signs_in_without_a_session() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let started = challenge(&stack, &client, "ada").await;
        assert_eq!(started.1["ChallengeName"], "PASSWORD_VERIFIER");
        assert!(started.1.get("Session").is_none());
        let input = proof(&stack, &pool, &client, &started, PASSWORD);
        let answer = stack.ok("RespondToAuthChallenge", input).await;
        assert!(answer["AuthenticationResult"]["AccessToken"].is_string());
    }

    #[tokio::test]
    async fn a_wrong_proof_uses_the_challenge_up() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let started = challenge(&stack, &client, "ada").await;
        let wrong = proof(&stack, &pool, &client, &started, "Wrong-Horse-7");
        let refused = stack.refusal("RespondToAuthChallenge", wrong).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
        let right = proof(&stack, &pool, &client, &started, PASSWORD);
        let refused = stack.refusal("RespondToAuthChallenge", right).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn wrong_proofs_lock_as_wrong_passwords_do_and_locked_ones_use_nothing_up() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        for _ in 0..5 {
            let started = challenge(&stack, &client, "ada").await;
            let wrong = proof(&stack, &pool, &client, &started, "Wrong-Horse-7");
            assert_eq!(stack.refusal("RespondToAuthChallenge", wrong).await.1, WRONG);
        }
        let started = challenge(&stack, &client, "ada").await;
        let right = proof(&stack, &pool, &client, &started, PASSWORD);
        let locked = error("NotAuthorizedException", "Password attempts exceeded");
        assert_eq!(stack.refusal("RespondToAuthChallenge", right.clone()).await, locked);
        stack.advance(1);
        stack.ok("RespondToAuthChallenge", right).await;
    }

    #[tokio::test]
    async fn zero_as_public_key_gets_a_challenge_and_never_tokens() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let parameters = json!({ "USERNAME": "ada", "SRP_A": "0" });
        let flow = "USER_SRP_AUTH";
        let input = json!({ "ClientId": client, "AuthFlow": flow, "AuthParameters": parameters });
        let started = stack.ok("InitiateAuth", input).await;
        let srp = Client::new(&*stack.ports.entropy);
        let input = proof(&stack, &pool, &client, &(srp, started), PASSWORD);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn nobody_gets_the_same_salt_each_time_where_existence_is_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
        let client = stack.client(&pool, hides.clone()).await;
        let other_client = stack.client(&pool, hides).await;
        let first = challenge(&stack, &client, "nobody").await;
        let second = challenge(&stack, &other_client, "Nobody").await;
        let (a, b) = (&first.1["ChallengeParameters"], &second.1["ChallengeParameters"]);
        assert_eq!(a["SALT"], b["SALT"]);
        assert_ne!(a["SRP_B"], b["SRP_B"]);
        stack.user(&pool, "ada", &[]).await;
        let real = challenge(&stack, &client, "ada").await;
        let names = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(a), names(&real.1["ChallengeParameters"]));
        let input = proof(&stack, &pool, &client, &first, PASSWORD);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn a_proof_of_a_password_that_was_changed_meanwhile_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let started = challenge(&stack, &client, "ada").await;
        stack.advance(1);
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "Password": "Other-Horse-7", "Permanent": true,
        });
        stack.ok("AdminSetUserPassword", input).await;
        let input = proof(&stack, &pool, &client, &started, PASSWORD);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn a_tampered_secret_block_or_timestamp_is_a_wrong_password() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        for (name, value) in [
            ("PASSWORD_CLAIM_SECRET_BLOCK", STANDARD.encode([1; 64])),
            ("PASSWORD_CLAIM_SECRET_BLOCK", "%%%".to_owned()),
            ("TIMESTAMP", "Sat Nov 07 09:03:07 UTC 2026".to_owned()),
            ("TIMESTAMP", "yesterday".to_owned()),
            ("PASSWORD_CLAIM_SIGNATURE", "AAAA".to_owned()),
        ] {
            let started = challenge(&stack, &client, "ada").await;
            let mut input = proof(&stack, &pool, &client, &started, PASSWORD);
            input["ChallengeResponses"][name] = value.into();
            let refused = stack.refusal("RespondToAuthChallenge", input).await;
            assert_eq!(refused, error("NotAuthorizedException", WRONG), "{name}");
            stack.advance(3_600);
        }
    }

    #[tokio::test]
    async fn missing_responses_are_named() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        for (challenge, responses, missing) in [
            ("PASSWORD_VERIFIER", json!({}), "USERNAME"),
            ("PASSWORD_VERIFIER", json!({ "USERNAME": "ada" }), "PASSWORD_CLAIM_SIGNATURE"),
            ("SOFTWARE_TOKEN_MFA", json!({ "USERNAME": "ada" }), "Session"),
        ] {
            let input = json!({
                "ClientId": client, "ChallengeName": challenge, "ChallengeResponses": responses,
            });
            let refused = stack.refusal("RespondToAuthChallenge", input).await;
            assert_eq!(refused, invalid(&format!("Missing required parameter {missing}")));
        }
    }

    #[tokio::test]
    async fn sessions_belong_to_their_client_user_and_step() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        let code = code(&stack, &secret, 0);
        let good = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
        let other_client = stack.client(&pool, json!({})).await;
        let invalid = error("NotAuthorizedException", "Invalid session for the user.");
        for (member, value) in [
            ("ClientId", json!(other_client)),
            ("Session", json!("garbage-garbage-garbage")),
            ("ChallengeName", json!("NEW_PASSWORD_REQUIRED")),
            ("ChallengeResponses", json!({ "USERNAME": "eve", "SOFTWARE_TOKEN_MFA_CODE": code })),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert_eq!(stack.refusal("RespondToAuthChallenge", bad).await, invalid, "{member}");
        }
        stack.ok("RespondToAuthChallenge", good).await;
    }

    #[tokio::test]
    async fn a_session_of_the_public_operation_can_be_answered_by_an_administrator() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        let code = code(&stack, &secret, 0);
        let mut input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
        input["UserPoolId"] = pool.into();
        stack.ok("AdminRespondToAuthChallenge", input).await;
    }

    #[tokio::test]
    async fn an_expired_session_is_refused() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        stack.advance(180);
        let code = code(&stack, &secret, 0);
        let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        let message = "Invalid session for the user, session is expired.";
        assert_eq!(refused, error("NotAuthorizedException", message));
    }

    #[tokio::test]
    async fn a_user_with_two_factors_and_no_preference_chooses() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let sms = json!({
            "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x",
        });
        let input = json!({
            "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
            "SmsMfaConfiguration": { "SmsConfiguration": sms },
        });
        stack.ok("SetUserPoolMfaConfig", input).await;
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "SMSMfaSettings": { "Enabled": true },
            "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": false },
        });
        stack.ok("AdminSetUserMFAPreference", input).await;

        let choice = start(&stack, &client, "ada").await;
        assert_eq!(choice["ChallengeName"], "SELECT_MFA_TYPE");
        let factors = r#"["SMS_MFA","SOFTWARE_TOKEN_MFA"]"#;
        assert_eq!(choice["ChallengeParameters"]["MFAS_CAN_CHOOSE"], factors);
        let refused = stack
            .refusal("RespondToAuthChallenge", answer_to(&client, &choice, "ANSWER", "EMAIL_OTP"))
            .await;
        assert_eq!(refused.0, "InvalidParameterException");
        let input = answer_to(&client, &choice, "ANSWER", "SOFTWARE_TOKEN_MFA");
        let totp = stack.ok("RespondToAuthChallenge", input).await;
        assert_eq!(totp["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        let code = code(&stack, &secret, 0);
        let input = answer_to(&client, &totp, "SOFTWARE_TOKEN_MFA_CODE", &code);
        stack.ok("RespondToAuthChallenge", input).await;

        let choice = start(&stack, &client, "ada").await;
        let input = answer_to(&client, &choice, "ANSWER", "SMS_MFA");
        let sms = stack.ok("RespondToAuthChallenge", input).await;
        assert_eq!(sms["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "+*******0008");
        let refused = stack
            .refusal("RespondToAuthChallenge", answer_to(&client, &sms, "SMS_MFA_CODE", "x"))
            .await;
        let message = "Invalid code or auth state for the user.";
        assert_eq!(refused, error("CodeMismatchException", message));
        let sent = stack.last_code_for("+14155550008");
        stack.ok("RespondToAuthChallenge", answer_to(&client, &sms, "SMS_MFA_CODE", &sent)).await;
    }

    /// A user made by an administrator, at `NEW_PASSWORD_REQUIRED`.
    async fn new_user(stack: &Stack, pool: &str, client: &str) -> Value {
        let input = json!({
            "UserPoolId": pool, "Username": "ada", "TemporaryPassword": "Temp-Horse-7",
            "MessageAction": "SUPPRESS",
            "UserAttributes": [
                { "Name": "email", "Value": "ada@example.com" },
                { "Name": "email_verified", "Value": "true" },
            ],
        });
        stack.ok("AdminCreateUser", input).await;
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": "Temp-Horse-7" },
        });
        stack.ok("InitiateAuth", input).await
    }

    #[tokio::test]
    async fn who_must_reset_the_password_gets_no_further() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        let verified = [("email", "ada@example.com"), ("email_verified", "true")];
        stack.user(&pool, "ada", &verified).await;
        let secret = enrol(&stack, &client, "ada").await;
        let challenge = start(&stack, &client, "ada").await;
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminResetUserPassword", ada).await;
        let code = code(&stack, &secret, 0);
        let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        let message = "Password reset required for the user";
        assert_eq!(refused, error("PasswordResetRequiredException", message));
    }

    #[tokio::test]
    async fn a_remembered_password_is_refused_and_the_session_stays_good() {
        let stack = Stack::new().await;
        let policy = json!({ "PasswordPolicy": { "PasswordHistorySize": 1 } });
        let pool = stack.pool(json!({ "Policies": policy })).await;
        let client = stack.client(&pool, json!({})).await;
        let challenge = new_user(&stack, &pool, &client).await;
        let same = answer_to(&client, &challenge, "NEW_PASSWORD", "Temp-Horse-7");
        let refused = stack.refusal("RespondToAuthChallenge", same).await;
        let message = "Password has previously been used";
        assert_eq!(refused, error("PasswordHistoryPolicyViolationException", message));
        let fresh = answer_to(&client, &challenge, "NEW_PASSWORD", "Other-Horse-8");
        stack.ok("RespondToAuthChallenge", fresh).await;
    }

    #[tokio::test]
    async fn a_new_password_and_the_missing_attributes_complete_the_first_sign_in() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "name", "Required": true, "Mutable": false }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let client = stack.client(&pool, json!({})).await;
        let challenge = new_user(&stack, &pool, &client).await;
        assert_eq!(challenge["ChallengeName"], ChallengeNameType::NewPasswordRequired.as_str());
        let parameters = &challenge["ChallengeParameters"];
        assert_eq!(parameters["requiredAttributes"], r#"["userAttributes.name"]"#);
        let attributes: Value = serde_json::from_str(&text(&parameters["userAttributes"])).unwrap();
        assert_eq!(attributes, json!({ "email": "ada@example.com", "email_verified": "true" }));

        let with = |extra: Value| {
            let mut input = answer_to(&client, &challenge, "NEW_PASSWORD", "Own-Horse-7");
            for (name, value) in extra.as_object().unwrap() {
                input["ChallengeResponses"][name] = value.clone();
            }
            input
        };
        let refusal = |extra| stack.refusal("RespondToAuthChallenge", with(extra));
        assert_eq!(refusal(json!({})).await, invalid("Invalid attributes given, name is missing"));
        assert_eq!(
            refusal(json!({ "userAttributes.name": "Ada", "userAttributes.email": "x@y.z" })).await,
            error("NotAuthorizedException", "Cannot modify an already provided email")
        );
        assert_eq!(
            refusal(json!({ "userAttributes.email_verified": "true" })).await,
            invalid("Cannot modify the non-mutable attribute email_verified")
        );
        let weak = json!({ "NEW_PASSWORD": "weak", "userAttributes.name": "Ada" });
        assert_eq!(
            refusal(weak).await,
            error(
                "InvalidPasswordException",
                "Password did not conform with policy: Password not long enough"
            )
        );
        let answer =
            stack.ok("RespondToAuthChallenge", with(json!({ "userAttributes.name": "Ada" }))).await;
        assert!(answer["AuthenticationResult"]["IdToken"].is_string());
        let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
        assert_eq!(user["UserStatus"], "CONFIRMED");
        let refused = refusal(json!({ "userAttributes.name": "Ada" })).await;
        let message = "Invalid session for the user, session can only be used once.";
        assert_eq!(refused, error("NotAuthorizedException", message));
    }

    #[tokio::test]
    async fn mfa_set_up_follows_the_new_password_where_mfa_is_required() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        offer_totp(&stack, &pool, "ON").await;
        let client = stack.client(&pool, json!({})).await;
        let challenge = new_user(&stack, &pool, &client).await;
        let input = answer_to(&client, &challenge, "NEW_PASSWORD", "Own-Horse-7");
        let next = stack.ok("RespondToAuthChallenge", input).await;
        assert_eq!(next["ChallengeName"], "MFA_SETUP");
        let unfinished = answer_to(&client, &next, "X", "x");
        let refused = stack.refusal("RespondToAuthChallenge", unfinished).await;
        assert_eq!(refused.0, "SoftwareTokenMFANotFoundException");
    }

    #[tokio::test]
    async fn a_temporary_password_ends_after_its_days() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        new_user(&stack, &pool, &client).await;
        stack.advance(7 * 86_400);
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": "Temp-Horse-7" },
        });
        let refused = stack.refusal("InitiateAuth", input).await;
        let message = "Temporary password has expired and must be reset by an administrator.";
        assert_eq!(refused, error("NotAuthorizedException", message));
    }

    #[tokio::test]
    async fn the_name_in_a_proof_must_be_that_of_the_challenge() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        let started = challenge(&stack, &client, "ada").await;
        let mut input = proof(&stack, &pool, &client, &started, PASSWORD);
        input["ChallengeResponses"]["USERNAME"] = "eve".into();
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG));
    }

    #[tokio::test]
    async fn a_second_first_sign_in_can_not_replace_the_password_chosen_in_the_first() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let owner = new_user(&stack, &pool, &client).await;
        let thief = {
            let input = json!({
                "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": "ada", "PASSWORD": "Temp-Horse-7" },
            });
            stack.ok("InitiateAuth", input).await
        };
        stack
            .ok("RespondToAuthChallenge", answer_to(&client, &owner, "NEW_PASSWORD", "Own-Horse-7"))
            .await;
        let input = answer_to(&client, &thief, "NEW_PASSWORD", "Thiefs-Horse-7");
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    }

    #[tokio::test]
    async fn a_sign_in_that_began_before_a_password_change_or_global_sign_out_can_not_go_on() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[]).await;
        let secret = enrol(&stack, &client, "ada").await;
        let invalid = error("NotAuthorizedException", "Invalid session for the user.");
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        let mut password = ada.clone();
        password["Password"] = PASSWORD.into();
        password["Permanent"] = true.into();
        for (operation, input) in
            [("AdminSetUserPassword", password), ("AdminUserGlobalSignOut", ada)]
        {
            let challenge = start(&stack, &client, "ada").await;
            stack.advance(1);
            stack.ok(operation, input).await;
            let code = code(&stack, &secret, 0);
            let input = answer_to(&client, &challenge, "SOFTWARE_TOKEN_MFA_CODE", &code);
            assert_eq!(
                stack.refusal("RespondToAuthChallenge", input).await,
                invalid,
                "{operation}"
            );
        }
    }

    #[tokio::test]
    async fn an_older_set_up_can_not_replace_a_token_that_was_verified_meanwhile() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "ON").await;
        stack.user(&pool, "ada", &[]).await;
        let thief = start(&stack, &client, "ada").await;
        let owner = start(&stack, &client, "ada").await;
        let input = json!({ "Session": owner["Session"] });
        let associated = stack.ok("AssociateSoftwareToken", input).await;
        let code = code(&stack, &text(&associated["SecretCode"]), 0);
        let input = json!({ "Session": associated["Session"], "UserCode": code });
        stack.ok("VerifySoftwareToken", input).await;
        let input = json!({ "Session": thief["Session"] });
        let refused = stack.refusal("AssociateSoftwareToken", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid session for the user."));
    }

    /// A pool that requires MFA, with codes by e-mail or text message, and a client of it.
    async fn coded_pool(stack: &Stack, overrides: Value, factor: Value) -> (String, String) {
        let pool = stack.pool(overrides).await;
        let input = json!({ "UserPoolId": pool, "MfaConfiguration": "ON" });
        let input = crate::testing::merged(input, factor);
        stack.ok("SetUserPoolMfaConfig", input).await;
        let client = stack.client(&pool, json!({})).await;
        (pool, client)
    }

    fn by_text_message() -> Value {
        let arn = "arn:aws:iam::123456789012:role/sms";
        let sms = json!({ "SnsCallerArn": arn, "ExternalId": "x" });
        json!({ "SmsMfaConfiguration": { "SmsConfiguration": sms } })
    }

    #[tokio::test]
    async fn a_code_by_text_message_proves_only_the_number_it_was_sent_to() {
        let stack = Stack::new().await;
        let (pool, client) = coded_pool(&stack, json!({}), by_text_message()).await;
        stack.user(&pool, "ada", &[("phone_number", "+14155550008")]).await;
        let challenge = start(&stack, &client, "ada").await;
        let sent = stack.last_code_for("+14155550008");
        let number = json!([{ "Name": "phone_number", "Value": "+19995550000" }]);
        let input = json!({ "UserPoolId": pool, "Username": "ada", "UserAttributes": number });
        stack.ok("AdminUpdateUserAttributes", input).await;
        let input = answer_to(&client, &challenge, "SMS_MFA_CODE", &sent);
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused.0, "CodeMismatchException");
        let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
        let verified = json!({ "Name": "phone_number_verified", "Value": "true" });
        assert!(!user["UserAttributes"].as_array().unwrap().contains(&verified));
    }

    #[tokio::test]
    async fn a_number_verified_by_its_code_becomes_an_alias_unless_somebody_else_holds_it() {
        let stack = Stack::new().await;
        let aliased = json!({ "AliasAttributes": ["phone_number"] });
        let (pool, client) = coded_pool(&stack, aliased, by_text_message()).await;
        for name in ["ada", "eve"] {
            stack.user(&pool, name, &[("phone_number", "+14155550008")]).await;
            let challenge = start(&stack, &client, name).await;
            let sent = stack.last_code_for("+14155550008");
            let input = answer_to(&client, &challenge, "SMS_MFA_CODE", &sent);
            stack.ok("RespondToAuthChallenge", input).await;
        }
        let by_number = start(&stack, &client, "+14155550008").await;
        assert_eq!(by_number["ChallengeParameters"]["USER_ID_FOR_SRP"], "ada");
    }

    #[tokio::test]
    async fn an_address_given_at_set_up_is_proved_by_the_code_sent_there() {
        let stack = Stack::new().await;
        let mail = json!({
            "EmailSendingAccount": "DEVELOPER",
            "SourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
        });
        let factor = json!({ "EmailMfaConfiguration": {} });
        let overrides = json!({ "EmailConfiguration": mail });
        let (pool, client) = coded_pool(&stack, overrides, factor).await;
        stack.user(&pool, "ada", &[]).await;
        let setup = start(&stack, &client, "ada").await;
        assert_eq!(setup["ChallengeParameters"]["MFAS_CAN_SETUP"], r#"["EMAIL_OTP"]"#);
        let refused = stack
            .refusal("RespondToAuthChallenge", answer_to(&client, &setup, "EMAIL", "nonsense"))
            .await;
        assert_eq!(refused, invalid("Invalid email address format."));
        let input = answer_to(&client, &setup, "EMAIL", "ada@example.com");
        let asked = stack.ok("RespondToAuthChallenge", input).await;
        assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
        assert_eq!(asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "a***@e***");
        let get = json!({ "UserPoolId": pool, "Username": "ada" });
        let before = stack.ok("AdminGetUser", get.clone()).await;
        assert_eq!(before["UserAttributes"].as_array().unwrap().len(), 1, "only the sub: {before}");
        let sent = stack.last_code_for("ada@example.com");
        let input = answer_to(&client, &asked, "EMAIL_OTP_CODE", &sent);
        stack.ok("RespondToAuthChallenge", input).await;
        let after = stack.ok("AdminGetUser", get).await;
        assert_eq!(after["UserMFASettingList"], json!(["EMAIL_OTP"]));
        let verified = json!({ "Name": "email_verified", "Value": "true" });
        assert!(after["UserAttributes"].as_array().unwrap().contains(&verified));
        let next = start(&stack, &client, "ada").await;
        assert_eq!(next["ChallengeName"], "EMAIL_OTP");
    }

    #[tokio::test]
    async fn a_telephone_number_is_set_up_by_no_answer() {
        let stack = Stack::new().await;
        let (pool, client) = coded_pool(&stack, json!({}), by_text_message()).await;
        stack.user(&pool, "ada", &[]).await;
        let setup = start(&stack, &client, "ada").await;
        assert_eq!(setup["ChallengeParameters"]["MFAS_CAN_SETUP"], r#"["SMS_MFA"]"#);
        let input = answer_to(&client, &setup, "PHONE_NUMBER", "+14155550008");
        let refused = stack.refusal("RespondToAuthChallenge", input).await;
        assert_eq!(refused.0, "SoftwareTokenMFANotFoundException");
        assert!(stack.messenger().messages().is_empty());
    }
}
