//! `AdminConfirmSignUp`: an administrator confirms a user without code.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminConfirmSignUpRequest, AdminConfirmSignUpResponse},
    sign_up,
    triggers::{
        Metadata, call,
        post_confirmation::{self, Confirmed},
    },
};
use poolhouse_wire::operations::AdminConfirmSignUp as Op;

use super::not_unconfirmed;
use crate::{
    failure::{Answer, trigger_failed},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminConfirmSignUpRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let now = ports.clock.now();
        let confirmed = sign_up::confirm_by_administrator(&mut *tx, &mut user, now).await?;
        confirmed.map_err(|sign_up::NotUnconfirmed(status)| not_unconfirmed::<Op>(status))?;
        tx.commit().await?;
        let confirmed = Confirmed::SignUp;
        let told = post_confirmation::tell(ports, &pool, &user, confirmed, call::Client::Absent);
        told.await?.map_err(trigger_failed::<Op>)?;
        Ok(AdminConfirmSignUpResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error};

    #[tokio::test]
    async fn an_administrator_confirms_once_and_verifies_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
        });
        stack.ok("SignUp", input).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.ok("AdminConfirmSignUp", user.clone()).await, json!({}));
        let shown = stack.ok("AdminGetUser", user.clone()).await;
        assert_eq!(shown["UserStatus"], "CONFIRMED");
        let unverified = json!({ "Name": "email_verified", "Value": "false" });
        assert!(shown["UserAttributes"].as_array().unwrap().contains(&unverified));
        let text = "User cannot be confirmed. Current status is CONFIRMED";
        assert_eq!(
            stack.refusal("AdminConfirmSignUp", user).await,
            error("NotAuthorizedException", text)
        );
    }

    #[tokio::test]
    async fn unknown_users_and_pools_are_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let user = json!({ "UserPoolId": pool, "Username": "nobody" });
        let expected = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal("AdminConfirmSignUp", user).await, expected);
        let user = json!({ "UserPoolId": "us-east-1_none", "Username": "jo" });
        let text = "User pool us-east-1_none does not exist.";
        assert_eq!(
            stack.refusal("AdminConfirmSignUp", user).await,
            error("ResourceNotFoundException", text)
        );
    }

    #[tokio::test]
    async fn only_unconfirmed_users_are_confirmed_and_others_keep_their_status() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "reset", &verified).await;
        let reset = json!({ "UserPoolId": pool, "Username": "reset" });
        stack.ok("AdminResetUserPassword", reset).await;
        let new = json!({ "UserPoolId": pool, "Username": "new", "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", new).await;
        for (name, status) in [("reset", "RESET_REQUIRED"), ("new", "FORCE_CHANGE_PASSWORD")] {
            let text = format!("User cannot be confirmed. Current status is {status}");
            let expected = error("NotAuthorizedException", &text);
            let user = json!({ "UserPoolId": pool, "Username": name });
            assert_eq!(stack.refusal("AdminConfirmSignUp", user.clone()).await, expected);
            let input =
                json!({ "ClientId": client, "Username": name, "ConfirmationCode": "123456" });
            assert_eq!(stack.refusal("ConfirmSignUp", input).await, expected);
            assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], status);
        }
    }
}
