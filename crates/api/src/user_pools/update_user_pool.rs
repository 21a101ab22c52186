//! `UpdateUserPool`: changes the settings of a user pool.

use poolhouse_domain::{
    domains,
    ports::Ports,
    replicas,
    shapes::{UpdateUserPoolRequest, UpdateUserPoolResponse},
    user_pools::settings,
};
use poolhouse_wire::operations::UpdateUserPool as Op;

use super::settings_refused;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle, user_import::check_no_import};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserPoolRequest) -> Answer<Op> {
        let id = input.user_pool_id.clone();
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        check_no_import::<Op>(&mut *tx, &id).await?;
        settings::update(&mut pool, input, &ports.identity, ports.clock.now())
            .map_err(|refused| settings_refused(&refused))?;
        let tier = domains::check_tier(&mut *tx, &pool).await?;
        tier.map_err(|refused| settings_refused(&refused.into()))?;
        let replicated = replicas::check_settings(&mut *tx, &pool).await?;
        replicated.map_err(|refused| settings_refused(&refused))?;
        tx.update_user_pool(&mut pool).await?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        Ok(UpdateUserPoolResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    const SMS: &str = "arn:aws:iam::123456789012:role/sms";

    /// The pool as `DescribeUserPool` shows it.
    async fn described(stack: &Stack, pool: &str) -> Value {
        stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await["UserPool"].take()
    }

    /// Updates the pool and answers what it then looks like.
    async fn updated(stack: &Stack, pool: &str, members: Value) -> Value {
        let input = merged(json!({ "UserPoolId": pool }), members);
        let answer = stack.call("UpdateUserPool", input).await;
        assert_eq!((answer.status, answer.body), (200, json!({})));
        described(stack, pool).await
    }

    #[tokio::test]
    async fn what_is_given_is_changed() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        stack.advance(60);
        let pool = updated(
            &stack,
            &id,
            json!({
                "PoolName": "renamed", "UserPoolTags": { "a": "b" }, "UserPoolTier": "PLUS",
                "AutoVerifiedAttributes": ["email"], "DeletionProtection": "ACTIVE",
            }),
        )
        .await;
        assert_eq!(pool["Name"], "renamed");
        assert_eq!(pool["UserPoolTags"], json!({ "a": "b" }));
        assert_eq!(pool["UserPoolTier"], "PLUS");
        assert_eq!(pool["AutoVerifiedAttributes"], json!(["email"]));
        assert_eq!(pool["DeletionProtection"], "ACTIVE");
        assert_eq!(pool["CreationDate"], 1_767_225_600.123);
        assert_eq!(pool["LastModifiedDate"], 1_767_225_660.123);
    }

    #[tokio::test]
    async fn omission_keeps_policies_mfa_tier_and_sms_and_resets_the_rest() {
        let stack = Stack::new().await;
        let members = json!({
            "Policies": {
                "PasswordPolicy": { "MinimumLength": 20 },
                "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] },
            },
            "MfaConfiguration": "OPTIONAL", "SmsConfiguration": { "SnsCallerArn": SMS },
            "AutoVerifiedAttributes": ["email"], "UserPoolTier": "PLUS",
            "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" },
            "DcrConfiguration": {}, "AcrConfiguration": { "Level1": { "AcrValue": "one" } },
            "KeyConfiguration": { "KeyType": "AWS_OWNED_KEY" },
            "IssuerConfiguration": { "Type": "UPDATED" },
            "DeletionProtection": "ACTIVE", "UserPoolTags": { "a": "b" },
            "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": true },
            "SmsAuthenticationMessage": "code {####}", "EmailVerificationSubject": "s",
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
            "AccountRecoverySetting": { "RecoveryMechanisms":
                [{ "Priority": 1, "Name": "admin_only" }] },
            "LambdaConfig": { "PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:f" },
            "EmailConfiguration": { "ReplyToEmailAddress": "reply@example.com" },
        });
        let id = stack.pool(members).await;
        let before = described(&stack, &id).await;
        let after = updated(&stack, &id, json!({})).await;
        for kept in [
            "Name",
            "Policies",
            "MfaConfiguration",
            "SmsConfiguration",
            "UserPoolTier",
            "DcrConfiguration",
            "AcrConfiguration",
            "KeyConfiguration",
            "IssuerConfiguration",
            "UserAttributeUpdateSettings",
            "SchemaAttributes",
            "Arn",
        ] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
        for gone in [
            "AutoVerifiedAttributes",
            "UserPoolAddOns",
            "DeviceConfiguration",
            "SmsAuthenticationMessage",
            "EmailVerificationSubject",
            "AccountRecoverySetting",
        ] {
            assert_eq!(after[gone], Value::Null, "{gone}");
        }
        assert_eq!(after["LambdaConfig"], json!({}));
        let sender = json!({ "EmailSendingAccount": "COGNITO_DEFAULT" });
        assert_eq!(after["EmailConfiguration"], sender);
        assert_eq!(after["UserPoolTags"], json!({}));
        assert_eq!(after["DeletionProtection"], "INACTIVE");
        assert_eq!(after["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], false);
        let template = json!({ "DefaultEmailOption": "CONFIRM_WITH_CODE" });
        assert_eq!(after["VerificationMessageTemplate"], template);
    }

    #[tokio::test]
    async fn triggers_are_replaced_together_and_both_names_of_one_are_shown() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let config = |version: &str| json!({ "LambdaVersion": version, "LambdaArn": function });
        for (given, shown) in [
            (json!({ "PreSignUp": function }), json!({ "PreSignUp": function })),
            (
                json!({ "PreTokenGenerationConfig": config("V3_0") }),
                json!({ "PreTokenGeneration": function,
                "PreTokenGenerationConfig": config("V3_0") }),
            ),
            (
                json!({ "PreTokenGeneration": function }),
                json!({ "PreTokenGeneration": function,
                "PreTokenGenerationConfig": config("V1_0") }),
            ),
            (
                json!({ "InboundFederation": config("V1_0") }),
                json!({ "InboundFederation": config("V1_0") }),
            ),
            (json!({}), json!({})),
        ] {
            let pool = updated(&stack, &id, json!({ "LambdaConfig": given })).await;
            assert_eq!(pool["LambdaConfig"], shown, "{given}");
        }
    }

    #[tokio::test]
    async fn each_policy_is_kept_without_the_other() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        let sign_in = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
        let policies = json!({ "SignInPolicy": sign_in });
        let pool = updated(&stack, &id, json!({ "Policies": policies })).await;
        assert_eq!(pool["Policies"]["PasswordPolicy"]["MinimumLength"], 8);
        let policies = json!({ "PasswordPolicy": { "MinimumLength": 10 } });
        let pool = updated(&stack, &id, json!({ "Policies": policies })).await;
        assert_eq!(pool["Policies"]["PasswordPolicy"]["MinimumLength"], 10);
        let factors = &pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"];
        assert_eq!(factors.as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn an_empty_list_clears_verification_before_update() {
        let stack = Stack::new().await;
        let list = |list: Value| json!({ "AttributesRequireVerificationBeforeUpdate": list });
        let id = stack
            .pool(json!({ "AutoVerifiedAttributes": ["email"],
            "UserAttributeUpdateSettings": list(json!(["email"])) }))
            .await;
        let message = "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes";
        let refused = stack.refusal("UpdateUserPool", json!({ "UserPoolId": id })).await;
        assert_eq!(refused, invalid(message), "what is kept must fit what is reset");
        let members = json!({ "UserAttributeUpdateSettings": list(json!([])) });
        let pool = updated(&stack, &id, members).await;
        assert_eq!(pool["UserAttributeUpdateSettings"], list(json!([])));
    }

    #[tokio::test]
    async fn a_refused_update_changes_nothing() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        let before = described(&stack, &id).await;
        let input = json!({ "UserPoolId": id, "PoolName": "new", "MfaConfiguration": "ON" });
        let message = "SMS configuration and Auto verification for phone_number are required when MFA is required/optional";
        assert_eq!(stack.refusal("UpdateUserPool", input).await, invalid(message));
        assert_eq!(described(&stack, &id).await, before);
    }

    #[tokio::test]
    async fn a_second_factor_by_mail_keeps_the_sender_of_ones_own() {
        let stack = Stack::new().await;
        let source = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
        let sender = json!({ "EmailSendingAccount": "DEVELOPER", "SourceArn": source });
        let id = stack.pool(json!({ "EmailConfiguration": sender })).await;
        let factors = json!({ "UserPoolId": id, "MfaConfiguration": "OPTIONAL",
            "EmailMfaConfiguration": {} });
        stack.ok("SetUserPoolMfaConfig", factors).await;
        let before = described(&stack, &id).await;
        let message = "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains \
                       an EmailSendingAccount of COGNITO_DEFAULT. Update the value of \
                       EmailSendingAccount.";
        let lite = "The following features need to be disabled for the LITE pricing tier \
                    configured: Email MFA";
        let kept = json!({ "EmailConfiguration": sender });
        for (members, expected) in [
            (json!({ "PoolName": "omitted is reset" }), invalid(message)),
            (
                merged(kept.clone(), json!({ "UserPoolTier": "LITE" })),
                error("FeatureUnavailableInTierException", lite),
            ),
        ] {
            let input = merged(json!({ "UserPoolId": id }), members);
            assert_eq!(stack.refusal("UpdateUserPool", input).await, expected);
        }
        assert_eq!(described(&stack, &id).await, before);
        assert_eq!(updated(&stack, &id, kept).await["EmailConfiguration"], sender);
        let message = "The following features need to be disabled for the LITE pricing tier \
                       configured: Passkeys";
        let passkeys = json!({ "UserPoolId": id, "WebAuthnConfiguration": {} });
        stack.ok("SetUserPoolMfaConfig", passkeys).await;
        let input = json!({ "UserPoolId": id, "UserPoolTier": "LITE" });
        assert_eq!(
            stack.refusal("UpdateUserPool", input).await,
            error("FeatureUnavailableInTierException", message)
        );
    }

    #[tokio::test]
    async fn one_sender_of_text_messages_replaces_the_other() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        for sms in [
            json!({ "EumsSms": { "CallerArn": SMS, "Region": "us-east-1" } }),
            json!({ "SnsCallerArn": SMS, "SnsRegion": "us-east-1" }),
            json!({ "EumsSms": { "CallerArn": SMS } }),
        ] {
            let pool = updated(&stack, &id, json!({ "SmsConfiguration": sms })).await;
            assert_eq!(pool["SmsConfiguration"], sms);
        }
    }

    #[tokio::test]
    async fn a_lower_tier_must_not_lack_what_is_in_use() {
        let stack = Stack::new().await;
        let id = stack
            .pool(json!({ "DcrConfiguration": {}, "Policies": { "SignInPolicy":
            { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] } } }))
            .await;
        let input = json!({ "UserPoolId": id, "UserPoolTier": "LITE" });
        assert_eq!(
            stack.refusal("UpdateUserPool", input).await,
            error(
                "FeatureUnavailableInTierException",
                "The following features need to be disabled for the LITE pricing tier configured: \
                 Passwordless Sign-In, Dynamic Client Registration"
            )
        );
        let members = json!({ "UserPoolTier": "LITE", "DcrConfiguration":
            { "EnableStatus": "Disabled" }, "Policies": { "SignInPolicy":
            { "AllowedFirstAuthFactors": ["PASSWORD"] } } });
        assert_eq!(updated(&stack, &id, members).await["UserPoolTier"], "LITE");
    }

    #[tokio::test]
    async fn mfa_can_be_switched_on_where_software_tokens_are_offered() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        stack
            .ok(
                "SetUserPoolMfaConfig",
                json!({ "UserPoolId": id,
            "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } }),
            )
            .await;
        let pool = updated(&stack, &id, json!({ "MfaConfiguration": "ON" })).await;
        assert_eq!(pool["MfaConfiguration"], "ON");
        let factors = stack.ok("GetUserPoolMfaConfig", json!({ "UserPoolId": id })).await;
        assert_eq!(
            factors,
            json!({ "MfaConfiguration": "ON",
            "SoftwareTokenMfaConfiguration": { "Enabled": true } })
        );
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("UpdateUserPool", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
