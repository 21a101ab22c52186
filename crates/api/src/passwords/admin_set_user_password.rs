//! `AdminSetUserPassword`: an administrator sets a password, for good or until the next sign-in.

use poolhouse_domain::{
    codes::{self, CodePurpose},
    passwords,
    ports::Ports,
    shapes::{AdminSetUserPasswordRequest, AdminSetUserPasswordResponse, UserStatusType},
};
use poolhouse_wire::operations::AdminSetUserPassword as Op;

use super::{refusal, used_before};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminSetUserPasswordRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let mut user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        passwords::check(&pool, &input.password).map_err(refusal::<Op>)?;
        let (name, password) = (&user.username, &input.password);
        if passwords::history::is_used(ports, &pool, Some(&user), name, password).await? {
            return Err(used_before::<Op>().into());
        }
        let stored = passwords::store_form(ports, &user, password).await?;
        user.status = match input.permanent {
            Some(true) => UserStatusType::Confirmed,
            _ => UserStatusType::ForceChangePassword,
        };
        user.modified_at = ports.clock.now();
        // The version that was read guards against a change between reading and writing.
        let mut tx = ports.store.write().await?;
        passwords::history::replace(&mut *tx, &pool, &mut user, stored).await?;
        tx.update_user(&mut user).await?;
        // Codes that were sent before must not undo what the administrator decided.
        codes::forget(&mut *tx, &user, CodePurpose::SignUp).await?;
        codes::forget(&mut *tx, &user, CodePurpose::ForgotPassword).await?;
        tx.commit().await?;
        Ok(AdminSetUserPasswordResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, merged};

    #[tokio::test]
    async fn the_status_follows_from_permanence() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        for (permanent, status) in [
            (json!(false), "FORCE_CHANGE_PASSWORD"),
            (json!(true), "CONFIRMED"),
            (json!(null), "FORCE_CHANGE_PASSWORD"),
        ] {
            let set = json!({ "Password": PASSWORD, "Permanent": permanent });
            let answer = stack.ok("AdminSetUserPassword", merged(user.clone(), set)).await;
            assert_eq!(answer, json!({}));
            assert_eq!(stack.ok("AdminGetUser", user.clone()).await["UserStatus"], status);
        }
    }

    #[tokio::test]
    async fn passwords_that_the_pool_remembers_are_refused_until_enough_others_came() {
        let stack = Stack::new().await;
        let policy = json!({ "PasswordPolicy": { "PasswordHistorySize": 2 } });
        let pool = stack.pool(json!({ "Policies": policy })).await;
        stack.user(&pool, "jo", &[]).await;
        let set = |password: &str| {
            json!({
                "UserPoolId": pool, "Username": "jo", "Password": password, "Permanent": true,
            })
        };
        let operation = "AdminSetUserPassword";
        let used =
            error("PasswordHistoryPolicyViolationException", "Password has previously been used");
        assert_eq!(stack.refusal(operation, set(PASSWORD)).await, used, "the current one");
        stack.ok(operation, set("Second-Pass-2")).await;
        assert_eq!(stack.refusal(operation, set(PASSWORD)).await, used, "the one before");
        stack.ok(operation, set("Third-Pass-3")).await;
        stack.ok(operation, set(PASSWORD)).await;
        assert_eq!(stack.refusal(operation, set("Third-Pass-3")).await, used);
        let mut tx = stack.ports.store.read().await.unwrap();
        let user = tx.user_by_username(&pool, "jo").await.unwrap().unwrap();
        let kept = tx.former_passwords(&pool, &user.sub, 24).await.unwrap();
        assert_eq!(kept.len(), 1, "no more than the policy needs");
    }

    #[tokio::test]
    async fn without_history_the_same_password_may_be_set_again_and_none_is_kept() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let sub = stack.user(&pool, "jo", &[]).await;
        let set = json!({
            "UserPoolId": pool, "Username": "jo", "Password": PASSWORD, "Permanent": true,
        });
        stack.ok("AdminSetUserPassword", set).await;
        let mut tx = stack.ports.store.read().await.unwrap();
        assert!(tx.former_passwords(&pool, &sub, 24).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn weak_passwords_and_unknown_users_are_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let set = |name: &str, password: &str| {
            json!({
                "UserPoolId": pool, "Username": name, "Password": password, "Permanent": true,
            })
        };
        let text = "Password did not conform with policy: Password not long enough";
        assert_eq!(
            stack.refusal("AdminSetUserPassword", set("jo", "Aa1!aaa")).await,
            error("InvalidPasswordException", text)
        );
        assert_eq!(
            stack.refusal("AdminSetUserPassword", set("nobody", PASSWORD)).await,
            error("UserNotFoundException", "User does not exist.")
        );
    }
}
