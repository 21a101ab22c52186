//! `CreateUserPool`: a new user pool with its signing keys.

use poolhouse_domain::{
    ports::Ports,
    shapes::{CreateUserPoolRequest, CreateUserPoolResponse},
    user_pools::{new_id, settings},
};
use poolhouse_wire::{codes, operations::CreateUserPool as Op};

use super::{described, settings_refused};
use crate::{
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateUserPoolRequest) -> Answer<Op> {
        let now = ports.clock.now();
        let id = new_id(&ports.identity, &*ports.entropy);
        let pool = settings::create(input, &id, &ports.identity, now)
            .map_err(|refused| settings_refused(&refused))?;
        let keys = ports.key_reserve.take_for_pool(&*ports.workers, &id, now).await?;
        let mut tx = ports.store.write().await?;
        let most = ports.limits.settings().user_pools;
        if tx.has_user_pools(most).await? {
            // The text is a belief.
            let message = format!("Exceeded the limit of {most} user pools for the account.");
            return Err(Failure::new(codes::LimitExceededException, message).into());
        }
        tx.insert_user_pool(&pool).await?;
        for key in &keys {
            tx.insert_signing_key(key).await?;
        }
        tx.commit().await?;
        Ok(CreateUserPoolResponse { user_pool: Some(described(&pool, 0)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged, text};

    /// A role of the account that the test servers belong to.
    const SMS_ROLE: &str = "arn:aws:iam::123456789012:role/sms";
    const SES: &str = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const OTHER_FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:g";
    const FAR_FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";
    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k";
    const FAR_KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/k";

    /// The pool that these members of `CreateUserPool` make.
    async fn created(stack: &Stack, members: Value) -> Value {
        let input = merged(json!({ "PoolName": "p" }), members);
        stack.ok("CreateUserPool", input).await["UserPool"].take()
    }

    /// The pool's entry for an attribute.
    fn attribute<'a>(pool: &'a Value, name: &str) -> &'a Value {
        let schema = pool["SchemaAttributes"].as_array().unwrap();
        schema.iter().find(|attribute| attribute["Name"] == name).unwrap_or(&Value::Null)
    }

    #[tokio::test]
    async fn a_bare_pool_has_the_defaults_and_nothing_else() {
        let stack = Stack::new().await;
        let mut pool = created(&stack, json!({})).await;
        let id = text(&pool["Id"]);
        let name = id.strip_prefix("us-east-1_").unwrap();
        assert_eq!(name.len(), 9);
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let schema = pool["SchemaAttributes"].take();
        assert_eq!(schema.as_array().unwrap().len(), 20);
        let expected = json!({
            "Id": id, "Name": "p",
            "Arn": format!("arn:aws:cognito-idp:us-east-1:123456789012:userpool/{id}"),
            "Policies": {
                "PasswordPolicy": {
                    "MinimumLength": 8, "RequireUppercase": true, "RequireLowercase": true,
                    "RequireNumbers": true, "RequireSymbols": true,
                    "TemporaryPasswordValidityDays": 7,
                },
                "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] },
            },
            "DeletionProtection": "INACTIVE",
            "LambdaConfig": {},
            "LastModifiedDate": 1_767_225_600.123, "CreationDate": 1_767_225_600.123,
            "SchemaAttributes": null,
            "VerificationMessageTemplate": { "DefaultEmailOption": "CONFIRM_WITH_CODE" },
            "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": [] },
            "MfaConfiguration": "OFF",
            "EstimatedNumberOfUsers": 0,
            "EmailConfiguration": { "EmailSendingAccount": "COGNITO_DEFAULT" },
            "UserPoolTags": {},
            "AdminCreateUserConfig":
                { "AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7 },
            "UserPoolTier": "ESSENTIALS",
        });
        assert_eq!(pool, expected);
    }

    #[tokio::test]
    async fn a_pool_has_one_key_for_id_tokens_and_another_for_access_tokens() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({})).await;
        let keys = stack.ports.directory.key_pairs(&id).await.unwrap();
        assert_eq!(keys.all.len(), 2);
        assert_ne!(keys.id.kid(), keys.access.kid());
    }

    #[tokio::test]
    async fn describe_shows_what_create_answered() {
        let stack = Stack::new().await;
        let members = json!({
            "Policies": {
                "PasswordPolicy": { "MinimumLength": 12, "RequireNumbers": true,
                    "PasswordHistorySize": 3, "TemporaryPasswordValidityDays": 2 },
                "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP", "EMAIL_OTP"] },
            },
            "DeletionProtection": "ACTIVE",
            "LambdaConfig": { "PreSignUp": FUNCTION, "PreTokenGeneration": FUNCTION,
                "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": FUNCTION },
                "KMSKeyID": KEY },
            "AutoVerifiedAttributes": ["email", "phone_number"],
            "AliasAttributes": ["preferred_username", "email", "phone_number"],
            "SmsVerificationMessage": "sms {####}",
            "EmailVerificationMessage": "mail {####}",
            "EmailVerificationSubject": "subject",
            "VerificationMessageTemplate": { "EmailMessageByLink": "{##link##}",
                "EmailSubjectByLink": "link", "DefaultEmailOption": "CONFIRM_WITH_LINK" },
            "SmsAuthenticationMessage": "code {####}",
            "MfaConfiguration": "OPTIONAL",
            "UserAttributeUpdateSettings":
                { "AttributesRequireVerificationBeforeUpdate": ["email"] },
            "DeviceConfiguration": { "ChallengeRequiredOnNewDevice": true },
            "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER", "SourceArn": SES,
                "From": "Ada <ada@example.com>", "ReplyToEmailAddress": "reply@example.com",
                "ConfigurationSet": "set" },
            "SmsConfiguration": { "SnsCallerArn": SMS_ROLE, "ExternalId": "x" },
            "UserPoolTags": { "team": "a" },
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true, "InviteMessageTemplate":
                { "EmailMessage": "{username} {####}", "EmailSubject": "hi" } },
            "Schema": [{ "Name": "tier", "AttributeDataType": "String" }],
            "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" },
            "UsernameConfiguration": { "CaseSensitive": false },
            "AccountRecoverySetting": { "RecoveryMechanisms":
                [{ "Priority": 1, "Name": "verified_email" }] },
            "UserPoolTier": "PLUS",
            "KeyConfiguration": { "KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": KEY },
            "IssuerConfiguration": { "Type": "UPDATED" },
            "DcrConfiguration": { "AllowedScopes": ["openid"] },
            "AcrConfiguration": { "Level2": { "AcrValue": "two" } },
        });
        let pool = created(&stack, members.clone()).await;
        let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool["Id"] })).await;
        assert_eq!(described["UserPool"], pool);
        let policy = &pool["Policies"]["PasswordPolicy"];
        assert_eq!(policy["RequireUppercase"], false);
        assert_eq!(policy["TemporaryPasswordValidityDays"], 2);
        assert_eq!(pool["AdminCreateUserConfig"]["UnusedAccountValidityDays"], 2);
        let sets = [&pool["AutoVerifiedAttributes"], &pool["AliasAttributes"]];
        assert_eq!(*sets[0], json!(["phone_number", "email"]));
        assert_eq!(sets[1].as_array().unwrap().len(), 3);
        let template = &pool["VerificationMessageTemplate"];
        assert_eq!(template["SmsMessage"], "sms {####}");
        assert_eq!(template["EmailMessage"], "mail {####}");
        assert_eq!(template["EmailSubject"], "subject");
        assert_eq!(template["DefaultEmailOption"], "CONFIRM_WITH_LINK");
        let config = json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION });
        assert_eq!(pool["LambdaConfig"]["PreTokenGenerationConfig"], config);
        assert_eq!(pool["SmsConfiguration"]["SnsRegion"], "us-east-1");
        let registration = json!({ "EnableStatus": "Enabled", "OpenDcrEnabled": false,
            "AuthenticatedGrantTypes": ["code", "client_credentials"],
            "OpenDcrGrantTypes": ["code"], "AllowedScopes": ["openid"] });
        assert_eq!(pool["DcrConfiguration"], registration);
        let levels = &pool["AcrConfiguration"];
        assert_eq!(levels["Level2"]["AcrValue"], "two");
        assert_eq!(levels["Level1"]["AcrValue"], "urn:cognito:loa:1");
        for member in [
            "DeviceConfiguration",
            "EmailConfiguration",
            "UserPoolTags",
            "UsernameConfiguration",
            "AccountRecoverySetting",
            "UserPoolAddOns",
            "UserPoolTier",
            "KeyConfiguration",
            "IssuerConfiguration",
            "SmsAuthenticationMessage",
            "UserAttributeUpdateSettings",
            "DeletionProtection",
            "MfaConfiguration",
            "SmsVerificationMessage",
            "EmailVerificationMessage",
            "EmailVerificationSubject",
        ] {
            assert_eq!(pool[member], members[member], "{member}");
        }
    }

    #[tokio::test]
    async fn new_template_texts_are_mirrored_by_the_older_members() {
        let stack = Stack::new().await;
        let template = json!({ "SmsMessage": "s {####}", "EmailMessage": "m {####}",
            "EmailSubject": "t" });
        let pool = created(&stack, json!({ "VerificationMessageTemplate": template })).await;
        assert_eq!(pool["SmsVerificationMessage"], "s {####}");
        assert_eq!(pool["EmailVerificationMessage"], "m {####}");
        assert_eq!(pool["EmailVerificationSubject"], "t");
        assert_eq!(pool["VerificationMessageTemplate"]["DefaultEmailOption"], "CONFIRM_WITH_CODE");
    }

    #[tokio::test]
    async fn zero_days_for_temporary_passwords_mean_seven() {
        let stack = Stack::new().await;
        let policy = json!({ "PasswordPolicy":
            { "MinimumLength": 8, "TemporaryPasswordValidityDays": 0 } });
        let pool = created(&stack, json!({ "Policies": policy })).await;
        assert_eq!(pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"], 7);
        let admin = json!({ "UnusedAccountValidityDays": 3 });
        let pool = created(&stack, json!({ "AdminCreateUserConfig": admin })).await;
        assert_eq!(pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"], 3);
        assert_eq!(pool["AdminCreateUserConfig"]["UnusedAccountValidityDays"], 3);
    }

    #[tokio::test]
    async fn empty_objects_and_lists_mean_nothing() {
        let stack = Stack::new().await;
        let pool = created(
            &stack,
            json!({ "Policies": {}, "DeviceConfiguration": {},
            "AccountRecoverySetting": {}, "EmailConfiguration": {}, "AliasAttributes": [],
            "UsernameAttributes": [], "AutoVerifiedAttributes": [], "AdminCreateUserConfig": {},
            "VerificationMessageTemplate": {}, "AcrConfiguration": {} }),
        )
        .await;
        let bare = created(&stack, json!({})).await;
        let without_identity = |mut pool: Value| {
            pool["Id"] = Value::Null;
            pool["Arn"] = Value::Null;
            pool
        };
        assert_eq!(without_identity(pool), without_identity(bare));
    }

    #[tokio::test]
    async fn standard_attributes_can_be_required_and_bounded() {
        let stack = Stack::new().await;
        let schema = json!([
            { "Name": "email", "Required": true, "Mutable": false,
              "StringAttributeConstraints": { "MaxLength": "100" } },
            { "Name": "updated_at", "AttributeDataType": "Number",
              "NumberAttributeConstraints": { "MinValue": "-5" } },
            { "Name": "sub", "AttributeDataType": "String", "Required": false },
        ]);
        let pool = created(&stack, json!({ "Schema": schema })).await;
        assert_eq!(
            *attribute(&pool, "email"),
            json!({
                "Name": "email", "AttributeDataType": "String", "DeveloperOnlyAttribute": false,
                "Mutable": false, "Required": true,
                "StringAttributeConstraints": { "MaxLength": "100" },
            })
        );
        let bounds = &attribute(&pool, "updated_at")["NumberAttributeConstraints"];
        assert_eq!(*bounds, json!({ "MinValue": "-5" }));
        assert_eq!(
            *attribute(&pool, "sub"),
            json!({
                "Name": "sub", "AttributeDataType": "String", "DeveloperOnlyAttribute": false,
                "Mutable": false, "Required": true,
                "StringAttributeConstraints": { "MinLength": "1", "MaxLength": "2048" },
            })
        );
        assert_eq!(pool["SchemaAttributes"].as_array().unwrap().len(), 20);
    }

    #[tokio::test]
    async fn custom_attributes_follow_with_their_prefix() {
        let stack = Stack::new().await;
        let schema = json!([
            { "Name": "a", "AttributeDataType": "String" },
            { "Name": "b", "AttributeDataType": "Number", "DeveloperOnlyAttribute": true,
              "Mutable": false, "NumberAttributeConstraints": { "MaxValue": "9" } },
            { "Name": "c", "AttributeDataType": "Boolean" },
            { "Name": "email_verified", "AttributeDataType": "Boolean" },
        ]);
        let pool = created(&stack, json!({ "Schema": schema })).await;
        let custom = &pool["SchemaAttributes"].as_array().unwrap()[20..];
        assert_eq!(
            custom,
            [
                json!({ "Name": "custom:a", "AttributeDataType": "String",
                "DeveloperOnlyAttribute": false, "Mutable": true, "Required": false,
                "StringAttributeConstraints": {} }),
                json!({ "Name": "dev:custom:b", "AttributeDataType": "Number",
                "DeveloperOnlyAttribute": true, "Mutable": false, "Required": false,
                "NumberAttributeConstraints": { "MaxValue": "9" } }),
                json!({ "Name": "custom:c", "AttributeDataType": "Boolean",
                "DeveloperOnlyAttribute": false, "Mutable": true, "Required": false }),
                json!({ "Name": "custom:email_verified", "AttributeDataType": "Boolean",
                "DeveloperOnlyAttribute": false, "Mutable": true, "Required": false }),
            ]
        );
    }

    #[tokio::test]
    async fn a_refused_schema_says_what_is_wrong_with_it() {
        let stack = Stack::new().await;
        let cases = [
            (
                json!([{ "Name": "email", "AttributeDataType": "Number" }]),
                "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute email",
            ),
            (
                json!([{ "Name": "name", "DeveloperOnlyAttribute": true }]),
                "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute name",
            ),
            (
                json!([{ "Name": "x" }]),
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "String", "Required": true }]),
                "Required custom attributes are not supported currently.",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "String" },
                    { "Name": "x", "AttributeDataType": "Number" }]),
                "Duplicate custom attribute names custom:x are not allowed in a user pool schema.",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "Number",
                      "NumberAttributeConstraints": { "MinValue": "5", "MaxValue": "4" } }]),
                "Attribute custom:x cannot have a max value smaller than it's min value",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "String",
                      "StringAttributeConstraints": { "MinLength": "5", "MaxLength": "4" } }]),
                "Attribute custom:x cannot have a max length shorter than it's min length",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "String",
                      "StringAttributeConstraints": { "MinLength": "many" } }]),
                "Invalid StringAttributeConstraints for schema attribute custom:x",
            ),
            (
                json!([{ "Name": "x", "AttributeDataType": "Number",
                      "NumberAttributeConstraints": { "MinValue": "1e3" } }]),
                "Invalid NumberAttributeConstraints for schema attribute custom:x",
            ),
            (json!([{ "AttributeDataType": "String" }]), "Attribute name is required."),
        ];
        for (schema, message) in cases {
            let input = json!({ "PoolName": "p", "Schema": schema });
            assert_eq!(stack.refusal("CreateUserPool", input).await, invalid(message));
        }
        let input = json!({ "PoolName": "p", "AliasAttributes": ["preferred_username"],
            "Schema": [{ "Name": "preferred_username", "Required": true }] });
        let message = "preferred_username can not be a required attribute and an alias.";
        assert_eq!(stack.refusal("CreateUserPool", input).await, invalid(message));
        let pools = stack.ok("ListUserPools", json!({ "MaxResults": 60 })).await;
        assert_eq!(pools["UserPools"], json!([]), "a refusal leaves no pool behind");
    }

    #[tokio::test]
    async fn bounds_may_be_longer_than_any_value() {
        let stack = Stack::new().await;
        let huge = "8".repeat(300);
        let schema = json!([{ "Name": "x", "AttributeDataType": "String",
            "StringAttributeConstraints": { "MaxLength": huge } }]);
        let pool = created(&stack, json!({ "Schema": schema })).await;
        let bounds = &attribute(&pool, "custom:x")["StringAttributeConstraints"];
        assert_eq!(bounds["MaxLength"], huge);
    }

    #[tokio::test]
    async fn refused_settings_say_what_is_wrong_with_them() {
        let stack = Stack::new().await;
        let recovery =
            |list: Value| json!({ "AccountRecoverySetting": { "RecoveryMechanisms": list } });
        let factors = |list: Value| json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": list } } });
        let invitation = |text: &str| json!({ "AdminCreateUserConfig": { "InviteMessageTemplate": { "EmailMessage": text } } });
        let sms = json!({ "SnsCallerArn": SMS_ROLE });
        let cases = [
            (
                json!({ "AliasAttributes": ["email"], "UsernameAttributes": ["email"] }),
                "Only one of the aliasAttributes or usernameAttributes can be set in a User pool.",
            ),
            (
                json!({ "AutoVerifiedAttributes": ["phone_number"] }),
                "SMS configuration is required when phone_number is selected for auto verification",
            ),
            (
                json!({ "MfaConfiguration": "ON" }),
                "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
            ),
            (
                json!({ "MfaConfiguration": "OPTIONAL" }),
                "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
            ),
            (
                json!({ "UserAttributeUpdateSettings":
                { "AttributesRequireVerificationBeforeUpdate": ["email"] } }),
                "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes",
            ),
            (
                json!({ "Policies": { "PasswordPolicy": { "TemporaryPasswordValidityDays": 3 } },
                "AdminCreateUserConfig": { "UnusedAccountValidityDays": 3 } }),
                "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
            ),
            (
                recovery(json!([{ "Priority": 1, "Name": "admin_only" },
                             { "Priority": 2, "Name": "verified_email" }])),
                "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.",
            ),
            (
                recovery(json!([{ "Priority": 1, "Name": "verified_email" },
                             { "Priority": 2, "Name": "verified_email" }])),
                "Account Recovery Setting cannot have duplicate priorities or recovery mechanisms.",
            ),
            (
                recovery(json!([{ "Priority": 1, "Name": "verified_phone_number" },
                             { "Priority": 1, "Name": "verified_email" }])),
                "Account Recovery Setting cannot have duplicate priorities or recovery mechanisms.",
            ),
            (
                factors(json!(["WEB_AUTHN"])),
                "Password should be configured as one of the allowed first auth factors.",
            ),
            (
                factors(json!(["PASSWORD", "SMS_OTP"])),
                "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration",
            ),
            (
                factors(json!(["PASSWORD", "SOFTWARE_TOKEN"])),
                "SOFTWARE_TOKEN can not be configured as AuthFactor",
            ),
            (
                merged(
                    factors(json!(["PASSWORD", "EMAIL_OTP"])),
                    json!({ "MfaConfiguration": "ON", "SmsConfiguration": sms.clone() }),
                ),
                "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled",
            ),
            (
                merged(
                    factors(json!(["PASSWORD", "WEB_AUTHN"])),
                    json!({ "MfaConfiguration": "ON", "SmsConfiguration": sms.clone() }),
                ),
                "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor",
            ),
            (
                json!({ "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER" } }),
                "Source ARN is required to use DEVELOPER email sending owner",
            ),
            (
                json!({ "EmailConfiguration": { "From": "nobody" } }),
                "Provided From email address is invalid",
            ),
            (
                json!({ "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:ap-south-1:123456789012:identity/x" } }),
                "Invalid EmailConfiguration.SourceArn. Provided SourceArn must be in one of the following SES regions: eu-west-1, us-east-1, us-west-2.",
            ),
            (
                json!({ "SmsConfiguration": { "SnsCallerArn": SMS_ROLE, "SnsRegion": "eu-west-3" } }),
                "Invalid snsRegion. Allowed SNS region for %v is %v",
            ),
            (
                json!({ "SmsConfiguration": { "SnsCallerArn": "arn:aws:iam::999999999999:role/sms" } }),
                "Cross-account pass role is not allowed.",
            ),
            (
                json!({ "SmsConfiguration": {} }),
                "1 validation error detected: Value null at 'smsConfiguration.snsCallerArn' failed to satisfy constraint: Member must not be null",
            ),
            (
                json!({ "SmsConfiguration": { "SnsCallerArn": SMS_ROLE,
                "EumsSms": { "CallerArn": SMS_ROLE } } }),
                "Only one of SnsCallerArn or EumsSms can be set in SmsConfiguration.",
            ),
            (
                json!({ "SmsConfiguration":
                { "EumsSms": { "CallerArn": SMS_ROLE, "Region": "us-west-2" } } }),
                "Invalid snsRegion. Allowed SNS region for %v is %v",
            ),
            (
                json!({ "SmsConfiguration":
                { "EumsSms": { "CallerArn": "arn:aws:iam::999999999999:role/sms" } } }),
                "Cross-account pass role is not allowed.",
            ),
            (
                json!({ "UserPoolAddOns": {} }),
                "1 validation error detected: Value null at 'userPoolAddOns.advancedSecurityMode' failed to satisfy constraint: Member must not be null",
            ),
            (
                json!({ "LambdaConfig": { "PostConfirmation": FAR_FUNCTION } }),
                "Cross-region lambda functions are not supported",
            ),
            (
                json!({ "LambdaConfig": { "InboundFederation":
                { "LambdaVersion": "V1_0", "LambdaArn": FAR_FUNCTION } } }),
                "Cross-region lambda functions are not supported",
            ),
            (
                json!({ "LambdaConfig": { "CustomSMSSender":
                { "LambdaVersion": "V1_0", "LambdaArn": FUNCTION } } }),
                "KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used.",
            ),
            (
                json!({ "LambdaConfig": { "CustomEmailSender":
                { "LambdaVersion": "V1_0", "LambdaArn": FUNCTION } } }),
                "KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used.",
            ),
            (
                json!({ "LambdaConfig": { "KMSKeyID": FAR_KEY } }),
                "Encountered error when CreateGrant was attempted on the input KMS key - Invalid arn eu-west-1",
            ),
            (
                json!({ "LambdaConfig": { "PreTokenGeneration": FUNCTION, "PreTokenGenerationConfig":
                { "LambdaVersion": "V1_0", "LambdaArn": OTHER_FUNCTION } } }),
                "Cannot use PreTokenGenerationLambda and PreTokenGeneration with different Lambda function ARN's",
            ),
            (
                invitation("come in, {username}"),
                r"1 validation error detected: Value 'come in, {username}' at 'adminCreateUserConfig.inviteMessage.emailMessage' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{####\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*",
            ),
            (
                json!({ "AdminCreateUserConfig": { "InviteMessageTemplate":
                { "EmailMessage": "come in", "SMSMessage": "come in" } } }),
                r"2 validation errors detected: Value 'come in' at 'adminCreateUserConfig.inviteMessage.emailMessage' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{####\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*; Value 'come in' at 'adminCreateUserConfig.inviteMessage.smsMessage' failed to satisfy constraint: Member must satisfy regular expression pattern: (?s).*\{####\}(?s).*",
            ),
            (
                invitation("come in with {####}"),
                "The invitation message must contain {username} and {####} placeholders.",
            ),
            (
                json!({ "KeyConfiguration": { "KeyType": "CUSTOMER_MANAGED_KEY" } }),
                "KmsKeyArn is required when KeyType is CUSTOMER_MANAGED_KEY.",
            ),
            (
                json!({ "AcrConfiguration": { "Level1": { "AcrValue": "urn:cognito:loa:2" } } }),
                "AcrConfiguration values must be unique across all levels.",
            ),
            (
                json!({ "AcrConfiguration": { "Level5": { "AcrValue": "five" } } }),
                "1 validation error detected: Value at 'acrConfiguration' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy regular expression pattern: Level[1-4]]",
            ),
        ];
        let cases = cases.map(|(members, message)| (members, invalid(message)));
        assert_refused_by_create_and_update(&stack, &cases).await;
    }

    /// Both operations refuse these members so, and nothing is made nor changed.
    async fn assert_refused_by_create_and_update(
        stack: &Stack,
        cases: &[(Value, (String, String))],
    ) {
        let pool = stack.pool(json!({ "PoolName": "before" })).await;
        let describe = || stack.ok("DescribeUserPool", json!({ "UserPoolId": pool }));
        let before = describe().await;
        for (members, expected) in cases {
            let input = merged(json!({ "PoolName": "p" }), members.clone());
            assert_eq!(stack.refusal("CreateUserPool", input).await, *expected, "{members}");
            // What can't be changed is not a member of the other request.
            if members.get("AliasAttributes").is_none() {
                let input = json!({ "UserPoolId": pool, "PoolName": "after" });
                let refused = stack.refusal("UpdateUserPool", merged(input, members.clone()));
                assert_eq!(refused.await, *expected, "update: {members}");
            }
        }
        assert_eq!(describe().await, before);
        let pools = stack.ok("ListUserPools", json!({ "MaxResults": 60 })).await;
        assert_eq!(pools["UserPools"].as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn some_refusals_have_types_of_their_own() {
        let stack = Stack::new().await;
        let too_many: serde_json::Map<_, _> =
            (0..51).map(|number| (format!("k{number}"), json!("v"))).collect();
        let tier = |tier: &str, features: &str| {
            let message = format!(
                "The following features need to be disabled for the {tier} pricing tier configured: {features}"
            );
            error("FeatureUnavailableInTierException", &message)
        };
        let cases = [
            (
                json!({ "EmailConfiguration":
                { "EmailSendingAccount": "COGNITO_DEFAULT", "SourceArn": SES } }),
                error(
                    "InvalidEmailRoleAccessPolicyException",
                    "Cognito is not allowed to use your email identity",
                ),
            ),
            (
                json!({ "UserPoolTags": { "aws:x": "y" } }),
                error(
                    "UserPoolTaggingException",
                    "aws: prefixed tag key names are not allowed for external use.",
                ),
            ),
            (
                json!({ "UserPoolTags": too_many }),
                error("UserPoolTaggingException", "A user pool can have at most 50 tags."),
            ),
            (
                json!({ "UserPoolTier": "ESSENTIALS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" } }),
                tier("ESSENTIALS", "Threat Protection"),
            ),
            (
                json!({ "UserPoolTier": "LITE", "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" },
                "Policies": { "SignInPolicy":
                    { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } } }),
                tier("LITE", "Passwordless Sign-In, Threat Protection"),
            ),
        ];
        assert_refused_by_create_and_update(&stack, &cases).await;
    }

    #[tokio::test]
    async fn the_lowest_tier_lacks_these_features() {
        let stack = Stack::new().await;
        let tokens = |version: &str| {
            let config = json!({ "LambdaVersion": version, "LambdaArn": FUNCTION });
            json!({ "LambdaConfig": { "PreTokenGenerationConfig": config } })
        };
        let history = json!({ "PasswordPolicy": { "MinimumLength": 8, "PasswordHistorySize": 1 } });
        let factors =
            json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"] } });
        let lite = json!({ "UserPoolTier": "LITE" });
        let cases = [
            (json!({ "Policies": factors }), "Passwordless Sign-In"),
            (tokens("V2_0"), "Token Customization with Pre-Token Generation Lambda V2_0"),
            (tokens("V3_0"), "Token Customization with Pre-Token Generation Lambda V3_0"),
            (json!({ "Policies": history }), "Password History"),
            (
                json!({ "AcrConfiguration": { "Level1": { "AcrValue": "one" } } }),
                "Authentication Context Class Reference",
            ),
            (json!({ "DcrConfiguration": {} }), "Dynamic Client Registration"),
            (json!({ "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } }), "Threat Protection"),
        ];
        let cases = cases.map(|(members, feature)| {
            let message = format!(
                "The following features need to be disabled for the LITE pricing tier configured: {feature}"
            );
            (merged(members, lite.clone()), error("FeatureUnavailableInTierException", &message))
        });
        assert_refused_by_create_and_update(&stack, &cases).await;
        let allowed = merged(
            tokens("V1_0"),
            json!({ "DcrConfiguration": { "EnableStatus": "Disabled" },
            "UserPoolAddOns": { "AdvancedSecurityMode": "OFF" } }),
        );
        assert_eq!(created(&stack, merged(allowed, lite)).await["UserPoolTier"], "LITE");
    }

    #[tokio::test]
    async fn an_invitation_needs_no_password_where_nobody_does() {
        let stack = Stack::new().await;
        let factors =
            json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } });
        let config = json!({ "InviteMessageTemplate": { "EmailMessage": "Hello {username}" } });
        let members = json!({ "Policies": factors, "AdminCreateUserConfig": config });
        let pool = created(&stack, members).await;
        let template = &pool["AdminCreateUserConfig"]["InviteMessageTemplate"];
        assert_eq!(*template, config["InviteMessageTemplate"]);
    }
}
