//! `AdminRespondToAuthChallenge`: answers a challenge of a sign-in, for an administrator.

use poolhouse_domain::{
    auth::{Place, answer::answer},
    ports::Ports,
    shapes::{AdminRespondToAuthChallengeRequest, AdminRespondToAuthChallengeResponse},
    triggers::Metadata,
};
use poolhouse_wire::{Sensitive, operations::AdminRespondToAuthChallenge as Op};

use super::{Step, answer_refused};
use crate::{failure::Answer, lookup, serve::Handle, threat_protection::context};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminRespondToAuthChallengeRequest) -> Answer<Op> {
        let (client, pool) =
            lookup::app_client_of_pool::<Op>(ports, &input.user_pool_id, &input.client_id).await?;
        let metadata = Metadata::of_client(input.client_metadata);
        let ports = context::of_administrator(ports, &pool, input.context_data);
        let ports = &ports.carrying(metadata);
        let place = Place::new(ports, &pool, &client);
        let responses = input.challenge_responses.map(Sensitive::into_inner).unwrap_or_default();
        let session = input.session.as_deref().map(String::as_str);
        let outcome = answer(place, input.challenge_name, session, &responses).await?;
        let step = Step::from(outcome.map_err(|r| answer_refused(r, client.id()))?);
        Ok(AdminRespondToAuthChallengeResponse {
            challenge_name: step.challenge_name,
            session: step.session.map(Into::into),
            challenge_parameters: Some(step.parameters),
            authentication_result: step.result,
            ..AdminRespondToAuthChallengeResponse::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    const OP: &str = "AdminRespondToAuthChallenge";
    const TEMPORARY: &str = "Temporary-Horse-1";

    /// The status of the user `ada`.
    async fn status(stack: &Stack, pool: &str) -> Value {
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminGetUser", input).await["UserStatus"].take()
    }

    #[tokio::test]
    async fn a_first_password_is_chosen_and_what_is_refused_changes_nothing() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "name", "Required": true }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let client = stack.client(&pool, json!({})).await;
        let user = json!({ "UserPoolId": pool, "Username": "ada", "MessageAction": "SUPPRESS",
            "TemporaryPassword": TEMPORARY });
        stack.ok("AdminCreateUser", user).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let password = json!({ "USERNAME": "ada", "PASSWORD": TEMPORARY });
        let begin = json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": password });
        let challenge = stack.ok("AdminInitiateAuth", merged(names.clone(), begin)).await;
        assert_eq!(challenge["ChallengeName"], "NEW_PASSWORD_REQUIRED");
        let responses = json!({ "USERNAME": "ada", "NEW_PASSWORD": "Chosen-Horse-2",
            "userAttributes.name": "Ada" });
        let good = merged(
            names,
            json!({ "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": challenge["Session"],
                "ChallengeResponses": responses }),
        );
        let with = |changes: Value| {
            let responses = merged(responses.clone(), changes);
            merged(good.clone(), json!({ "ChallengeResponses": responses }))
        };
        let session = error("NotAuthorizedException", "Invalid session for the user.");
        let weak = "Password did not conform with policy: Password not long enough";
        for (input, expected) in [
            (with(json!({ "NEW_PASSWORD": "Sh0rt-x" })), error("InvalidPasswordException", weak)),
            (
                with(json!({ "userAttributes.name": null })),
                invalid("Invalid attributes given, name is missing"),
            ),
            (
                with(json!({ "NEW_PASSWORD": null })),
                invalid("Missing required parameter NEW_PASSWORD"),
            ),
            (
                merged(good.clone(), json!({ "Session": "garbage-garbage-garbage" })),
                session.clone(),
            ),
            (
                merged(
                    good.clone(),
                    json!({ "ChallengeName": "SOFTWARE_TOKEN_MFA",
                "ChallengeResponses": { "USERNAME": "ada", "SOFTWARE_TOKEN_MFA_CODE": "123456" } }),
                ),
                session,
            ),
        ] {
            assert_eq!(stack.refusal(OP, input.clone()).await, expected, "{input}");
        }
        assert_eq!(status(&stack, &pool).await, "FORCE_CHANGE_PASSWORD");
        let answer = stack.ok(OP, good).await;
        let tokens = &answer["AuthenticationResult"];
        assert!(tokens["AccessToken"].is_string() && tokens["RefreshToken"].is_string());
        assert_eq!(status(&stack, &pool).await, "CONFIRMED");
    }
}
