//! `SetUserPoolMfaConfig`: which second factors a user pool offers, and whether it asks for one.

use poolhouse_domain::{
    ports::Ports,
    shapes::{SetUserPoolMfaConfigRequest, SetUserPoolMfaConfigResponse},
    user_pools::{mfa_config, settings::SettingsRefused},
};
use poolhouse_wire::operations::SetUserPoolMfaConfig as Op;

use crate::{
    failure::{Answer, Failure, invalid_parameter, unavailable_in_tier},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetUserPoolMfaConfigRequest) -> Answer<Op> {
        let id = input.user_pool_id.clone();
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        mfa_config::replace(&mut pool, input, &ports.identity, ports.clock.now())
            .map_err(|refused| mfa_refused(&refused))?;
        tx.update_user_pool(&mut pool).await?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        let state = mfa_config::describe(&pool);
        Ok(SetUserPoolMfaConfigResponse {
            sms_mfa_configuration: state.sms_mfa_configuration,
            software_token_mfa_configuration: state.software_token_mfa_configuration,
            email_mfa_configuration: state.email_mfa_configuration,
            mfa_configuration: state.mfa_configuration,
            web_authn_configuration: state.web_authn_configuration,
        })
    }
}

/// What is said of factors that the pool can't have.
fn mfa_refused(refused: &SettingsRefused) -> Failure<Op> {
    match refused {
        SettingsRefused::Tier(refused) => unavailable_in_tier(refused),
        _ => invalid_parameter(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    const ROLE: &str = "arn:aws:iam::123456789012:role/sms";
    const SES: &str = "arn:aws:ses:us-east-1:123456789012:identity/example.com";

    /// Sends the members and answers the result, which must be what `Get` shows afterwards.
    async fn set(stack: &Stack, pool: &str, members: Value) -> Value {
        let input = merged(json!({ "UserPoolId": pool }), members);
        let answer = stack.ok("SetUserPoolMfaConfig", input).await;
        let shown = stack.ok("GetUserPoolMfaConfig", json!({ "UserPoolId": pool })).await;
        assert_eq!(answer, shown);
        answer
    }

    /// Sends the members and answers the refusal, which must not change anything.
    async fn refused(stack: &Stack, pool: &str, members: Value) -> (String, String) {
        let get = json!({ "UserPoolId": pool });
        let before = stack.ok("GetUserPoolMfaConfig", get.clone()).await;
        let input = merged(get.clone(), members);
        let refused = stack.refusal("SetUserPoolMfaConfig", input).await;
        assert_eq!(stack.ok("GetUserPoolMfaConfig", get).await, before);
        refused
    }

    #[tokio::test]
    async fn each_request_is_the_whole_new_state() {
        let stack = Stack::new().await;
        let sender = json!({ "EmailSendingAccount": "DEVELOPER", "SourceArn": SES });
        let pool = stack.pool(json!({ "EmailConfiguration": sender })).await;
        let all = json!({
            "MfaConfiguration": "OPTIONAL",
            "SmsMfaConfiguration": { "SmsAuthenticationMessage": "code {####}",
                "SmsConfiguration": { "SnsCallerArn": ROLE, "SnsRegion": "us-east-1" } },
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
            "EmailMfaConfiguration": { "Message": "code {####}", "Subject": "s" },
            "WebAuthnConfiguration": { "RelyingPartyId": "example.com",
                "UserVerification": "preferred" },
        });
        assert_eq!(set(&stack, &pool, all.clone()).await, all);
        let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(described["UserPool"]["MfaConfiguration"], "OPTIONAL");
        let sms = &all["SmsMfaConfiguration"]["SmsConfiguration"];
        assert_eq!(described["UserPool"]["SmsConfiguration"], *sms);

        let token = json!({ "MfaConfiguration": "ON",
            "SoftwareTokenMfaConfiguration": { "Enabled": true } });
        assert_eq!(set(&stack, &pool, token.clone()).await, token);
        assert_eq!(set(&stack, &pool, json!({})).await, json!({ "MfaConfiguration": "OFF" }));
        let passkeys = json!({ "WebAuthnConfiguration": { "UserVerification": "required" } });
        let expected = merged(passkeys.clone(), json!({ "MfaConfiguration": "OFF" }));
        assert_eq!(set(&stack, &pool, passkeys).await, expected);
    }

    #[tokio::test]
    async fn text_messages_use_the_configuration_that_the_pool_already_has() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "SmsConfiguration": { "SnsCallerArn": ROLE } })).await;
        let answer = set(
            &stack,
            &pool,
            json!({ "MfaConfiguration": "ON",
            "SmsMfaConfiguration": {} }),
        )
        .await;
        let sms = json!({ "SnsCallerArn": ROLE, "SnsRegion": "us-east-1" });
        assert_eq!(answer["SmsMfaConfiguration"], json!({ "SmsConfiguration": sms }));
    }

    #[tokio::test]
    async fn combinations_that_contradict_themselves_are_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let off =
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together.";
        let none = "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.";
        let disabled = "Invalid MFA configuration given, can't disable all MFAs with a required or optional configuration.";
        let cases = [
            (json!({ "SoftwareTokenMfaConfiguration": { "Enabled": false } }), off),
            (json!({ "MfaConfiguration": "OFF", "EmailMfaConfiguration": {} }), off),
            (json!({ "SmsMfaConfiguration": {} }), off),
            (json!({ "MfaConfiguration": "ON" }), none),
            (json!({ "MfaConfiguration": "OPTIONAL", "WebAuthnConfiguration": {} }), none),
            (
                json!({ "MfaConfiguration": "ON",
                "SoftwareTokenMfaConfiguration": { "Enabled": false } }),
                disabled,
            ),
            (json!({ "MfaConfiguration": "ON", "SmsMfaConfiguration": {} }), disabled),
            (
                json!({ "MfaConfiguration": "ON", "EmailMfaConfiguration": {} }),
                "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an EmailSendingAccount of COGNITO_DEFAULT. Update the value of EmailSendingAccount.",
            ),
            (
                json!({ "MfaConfiguration": "ON", "SmsMfaConfiguration": { "SmsConfiguration":
                { "SnsCallerArn": "arn:aws:iam::999999999999:role/sms" } } }),
                "Cross-account pass role is not allowed.",
            ),
        ];
        for (members, message) in cases {
            assert_eq!(refused(&stack, &pool, members).await, invalid(message));
        }
    }

    #[tokio::test]
    async fn the_relying_party_of_passkeys_is_a_bare_name() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let relying = |id: &str| json!({ "WebAuthnConfiguration": { "RelyingPartyId": id } });
        for id in ["https://example.com", "example.com:8443", "example.com/login", "ex ample.com"] {
            let message = "RelyingPartyId contains invalid characters";
            assert_eq!(refused(&stack, &pool, relying(id)).await, invalid(message), "{id}");
        }
        for id in ["login.example-1.com", "localhost"] {
            set(&stack, &pool, relying(id)).await;
        }
    }

    #[tokio::test]
    async fn required_mfa_must_fit_the_first_factors() {
        let stack = Stack::new().await;
        let factors = |list: Value| json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": list } } });
        let pool = stack.pool(factors(json!(["PASSWORD", "EMAIL_OTP"]))).await;
        let with = |mfa: &str, factor: &str| {
            json!({ "MfaConfiguration": mfa,
                "SoftwareTokenMfaConfiguration": { "Enabled": true },
                "WebAuthnConfiguration": { "FactorConfiguration": factor } })
        };
        let message = "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled";
        assert_eq!(refused(&stack, &pool, with("ON", "SINGLE_FACTOR")).await, invalid(message));
        set(&stack, &pool, with("OPTIONAL", "SINGLE_FACTOR")).await;
        let by_text = merged(
            factors(json!(["PASSWORD", "SMS_OTP"])),
            json!({ "SmsConfiguration": { "SnsCallerArn": ROLE } }),
        );
        let pool = stack.pool(by_text).await;
        assert_eq!(refused(&stack, &pool, with("ON", "SINGLE_FACTOR")).await, invalid(message));
        set(&stack, &pool, with("OPTIONAL", "SINGLE_FACTOR")).await;

        let pool = stack.pool(factors(json!(["PASSWORD", "WEB_AUTHN"]))).await;
        let message = "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor";
        assert_eq!(refused(&stack, &pool, with("ON", "SINGLE_FACTOR")).await, invalid(message));
        set(&stack, &pool, with("ON", "MULTI_FACTOR_WITH_USER_VERIFICATION")).await;
    }

    #[tokio::test]
    async fn the_lowest_tier_has_neither_mail_codes_nor_passkeys() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let lacks = |feature: &str| {
            let message = format!(
                "The following feature is not available for the LITE pricing tier configured: {feature}"
            );
            error("FeatureUnavailableInTierException", &message)
        };
        let members = json!({ "MfaConfiguration": "ON", "EmailMfaConfiguration": {} });
        assert_eq!(refused(&stack, &pool, members).await, lacks("Email MFA"));
        let members = json!({ "WebAuthnConfiguration": {} });
        assert_eq!(refused(&stack, &pool, members).await, lacks("Passkeys"));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("SetUserPoolMfaConfig", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
