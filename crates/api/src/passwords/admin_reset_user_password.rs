//! `AdminResetUserPassword`: an administrator makes a user choose a new password.

use poolhouse_domain::{
    codes::{self, CodePurpose},
    messages::MessageKind,
    passwords::recovery,
    ports::Ports,
    shapes::{AdminResetUserPasswordRequest, AdminResetUserPasswordResponse, UserStatusType},
    triggers::Metadata,
};
use poolhouse_wire::operations::AdminResetUserPassword as Op;

use super::recovery_refused;
use crate::{delivery, failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminResetUserPasswordRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let mut user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let contact = recovery::by_administrator(&pool, &user).map_err(recovery_refused::<Op>)?;
        user.status = UserStatusType::ResetRequired;
        user.modified_at = now;
        tx.update_user(&mut user).await?;
        let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
        let purpose = CodePurpose::ForgotPassword;
        let sent = codes::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?;
        tx.commit().await?;
        if let Some(sent) = &sent {
            let kind = MessageKind::ForgotPassword;
            delivery::code_quietly::<Op>(ports, &pool, &user, kind, sent).await?;
        }
        Ok(AdminResetUserPasswordResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, invalid};

    #[tokio::test]
    async fn a_reset_sends_a_code_that_must_be_used() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "jo", &verified).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.ok("AdminResetUserPassword", user.clone()).await, json!({}));
        let status = stack.ok("AdminGetUser", user.clone()).await["UserStatus"].clone();
        assert_eq!(status, "RESET_REQUIRED");
        let parameters = json!({ "USERNAME": "jo", "PASSWORD": PASSWORD });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        let text = "Password reset required for the user";
        assert_eq!(
            stack.refusal("InitiateAuth", input).await,
            error("PasswordResetRequiredException", text)
        );
        let code = stack.last_code_for("jo@gm.com");
        let input = json!({
            "ClientId": client, "Username": "jo", "ConfirmationCode": code, "Password": PASSWORD,
        });
        stack.ok("ConfirmForgotPassword", input).await;
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "CONFIRMED");
    }

    #[tokio::test]
    async fn users_who_cannot_recover_are_not_reset() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let new = json!({ "UserPoolId": pool, "Username": "new", "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", new).await;
        let no_contact = "Cannot reset password for the user as there is no registered/verified \
                          email or phone_number";
        let state = "User password cannot be reset in the current state.";
        for (name, expected) in [
            ("jo", invalid(no_contact)),
            ("new", error("NotAuthorizedException", state)),
            ("nobody", error("UserNotFoundException", "User does not exist.")),
        ] {
            let user = json!({ "UserPoolId": pool, "Username": name });
            assert_eq!(stack.refusal("AdminResetUserPassword", user).await, expected);
        }
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "CONFIRMED");
    }

    #[tokio::test]
    async fn where_nobody_recovers_by_themselves_and_before_confirmation_nothing_is_reset() {
        let stack = Stack::new().await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        let admin_only = json!({ "RecoveryMechanisms": [{ "Name": "admin_only", "Priority": 1 }] });
        let closed = stack.pool(json!({ "AccountRecoverySetting": admin_only })).await;
        stack.user(&closed, "jo", &verified).await;
        let open = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&open, json!({})).await;
        stack.signed_up(&open, &client, "jo", "jo@gm.com").await;
        stack.messenger().clear();
        for (pool, status, text) in [
            (&closed, "CONFIRMED", "Contact administrator to reset password."),
            (&open, "UNCONFIRMED", "User password cannot be reset in the current state."),
        ] {
            let user = json!({ "UserPoolId": pool, "Username": "jo" });
            let refused = stack.refusal("AdminResetUserPassword", user.clone()).await;
            assert_eq!(refused, error("NotAuthorizedException", text));
            assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], status);
        }
        assert!(stack.messenger().messages().is_empty());
    }
}
