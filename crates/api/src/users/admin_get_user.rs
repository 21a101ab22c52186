//! `AdminGetUser`: everything an administrator sees of a user.

use poolhouse_domain::{
    mfa_preference,
    ports::Ports,
    shapes::{AdminGetUserRequest, AdminGetUserResponse},
};
use poolhouse_wire::operations::AdminGetUser as Op;

use crate::{attributes::listed, failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminGetUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        Ok(AdminGetUserResponse {
            username: user.username.as_str().into(),
            user_attributes: Some(listed(&user, |_| true)),
            user_create_date: Some(user.created_at.to_wire()),
            user_last_modified_date: Some(user.modified_at.to_wire()),
            enabled: Some(user.enabled),
            user_status: Some(user.status),
            mfa_options: mfa_preference::options(&user),
            preferred_mfa_setting: user.preferred_mfa_setting(),
            user_mfa_setting_list: user.mfa_setting_list(),
        })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::users::MfaFactor;
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_user_is_found_by_name_sub_and_alias_in_effect() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AliasAttributes": ["email"] })).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        let sub = stack.user(&pool, "jo", &verified).await;
        stack.user(&pool, "al", &[("email", "al@gm.com")]).await;
        for name in ["jo", &sub, "jo@gm.com"] {
            let input = json!({ "UserPoolId": pool, "Username": name });
            let user = stack.ok("AdminGetUser", input).await;
            assert_eq!(user["Username"], "jo");
            assert_eq!(
                user["UserAttributes"],
                json!([
                    { "Name": "sub", "Value": sub },
                    { "Name": "email_verified", "Value": "true" },
                    { "Name": "email", "Value": "jo@gm.com" },
                ])
            );
            assert!(user.get("UserMFASettingList").is_none());
            assert!(user.get("PreferredMfaSetting").is_none());
        }
        for name in ["nobody", "al@gm.com", "JO"] {
            let input = json!({ "UserPoolId": pool, "Username": name });
            let expected = error("UserNotFoundException", "User does not exist.");
            assert_eq!(stack.refusal("AdminGetUser", input).await, expected);
        }
    }

    #[tokio::test]
    async fn mfa_settings_are_shown() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let sub = stack.user(&pool, "jo", &[]).await;
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut user = tx.user_by_sub(&pool, &sub).await.unwrap().unwrap();
        user.mfa.enabled = [MfaFactor::Sms, MfaFactor::SoftwareToken].into();
        user.mfa.preferred = Some(MfaFactor::SoftwareToken);
        tx.update_user(&mut user).await.unwrap();
        tx.commit().await.unwrap();
        let input = json!({ "UserPoolId": pool, "Username": "jo" });
        let shown = stack.ok("AdminGetUser", input).await;
        assert_eq!(shown["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");
        assert_eq!(shown["UserMFASettingList"].as_array().unwrap().len(), 2);
    }
}
