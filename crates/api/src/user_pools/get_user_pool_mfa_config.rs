//! `GetUserPoolMfaConfig`: the second factors that a user pool offers.

use poolhouse_domain::{ports::Ports, shapes::GetUserPoolMfaConfigRequest, user_pools::mfa_config};
use poolhouse_wire::operations::GetUserPoolMfaConfig as Op;

use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserPoolMfaConfigRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.read().await?;
        let pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        Ok(mfa_config::describe(&pool))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_bare_pool_has_mfa_off() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let answer = stack.ok("GetUserPoolMfaConfig", json!({ "UserPoolId": pool })).await;
        assert_eq!(answer, json!({ "MfaConfiguration": "OFF" }));
    }

    #[tokio::test]
    async fn a_pool_made_with_mfa_offers_text_messages() {
        let stack = Stack::new().await;
        let role = "arn:aws:iam::123456789012:role/sms";
        let pool = stack
            .pool(json!({ "MfaConfiguration": "ON",
            "SmsAuthenticationMessage": "code {####}",
            "SmsConfiguration": { "SnsCallerArn": role } }))
            .await;
        let answer = stack.ok("GetUserPoolMfaConfig", json!({ "UserPoolId": pool })).await;
        assert_eq!(
            answer,
            json!({ "MfaConfiguration": "ON", "SmsMfaConfiguration": {
            "SmsAuthenticationMessage": "code {####}",
            "SmsConfiguration": { "SnsCallerArn": role, "SnsRegion": "us-east-1" } } })
        );
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("GetUserPoolMfaConfig", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
