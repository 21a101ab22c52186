//! `GetUserAuthFactors`: tells a user with what they can sign in.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetUserAuthFactorsRequest, GetUserAuthFactorsResponse},
};
use poolhouse_wire::operations::GetUserAuthFactors as Op;

use super::configured_factors;
use crate::{failure::Answer, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserAuthFactorsRequest) -> Answer<Op> {
        let user = subject::by_access_token::<Op>(ports, &input.access_token).await?.user;
        let mut tx = ports.store.read().await?;
        Ok(GetUserAuthFactorsResponse {
            configured_user_auth_factors: Some(configured_factors(&mut *tx, &user).await?),
            preferred_mfa_setting: user.preferred_mfa_setting(),
            user_mfa_setting_list: user.mfa_setting_list(),
            username: user.username.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_testkit::Authenticator;
    use serde_json::json;

    use crate::{
        passkeys::testing::{passkey_pool, register},
        testing::Stack,
        totp::testing::{enrol, totp_pool},
    };

    #[tokio::test]
    async fn lists_what_the_user_has_for_the_user_and_for_administrators() {
        let stack = Stack::new().await;
        let (pool, client) = totp_pool(&stack, "OPTIONAL").await;
        stack.user(&pool, "ada", &[("email", "ada@example.com"), ("email_verified", "true")]).await;
        let token = stack.access_token(&client, "ada").await;
        let before = stack.ok("GetUserAuthFactors", json!({ "AccessToken": token })).await;
        let factors = json!(["PASSWORD", "EMAIL_OTP"]);
        assert_eq!(before, json!({ "Username": "ada", "ConfiguredUserAuthFactors": factors }));

        enrol(&stack, &client, "ada").await;
        let after = stack.ok("GetUserAuthFactors", json!({ "AccessToken": token })).await;
        let expected = json!({
            "Username": "ada", "PreferredMfaSetting": "SOFTWARE_TOKEN_MFA",
            "UserMFASettingList": ["SOFTWARE_TOKEN_MFA"],
            "ConfiguredUserAuthFactors": ["PASSWORD", "EMAIL_OTP", "SOFTWARE_TOKEN"],
        });
        assert_eq!(after, expected);
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminGetUserAuthFactors", input).await, expected);
    }

    #[tokio::test]
    async fn lists_a_passkey_for_the_user_and_for_administrators() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        register(&stack, &token, &Authenticator::es256("key")).await;
        let factors = json!(["PASSWORD", "WEB_AUTHN"]);
        let expected = json!({ "Username": "ada", "ConfiguredUserAuthFactors": factors });
        let answer = stack.ok("GetUserAuthFactors", json!({ "AccessToken": token })).await;
        assert_eq!(answer, expected);
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminGetUserAuthFactors", input).await, expected);
    }
}
