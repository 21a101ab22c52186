//! What every operation says of a pool, an app client, a user, … that does not exist; and that
//! nothing has changed then.

use poolhouse_wire::operations::OperationName;
use serde_json::{Value, json};

use crate::testing::{Stack, error, merged};

const NOWHERE: &str = "us-east-1_Nowhere12";
const ID: &str = "12345678-1234-4234-8234-123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/import";

/// A pool in which everything is switched on that operations ask for before they look for a user.
struct Scene {
    stack: Stack,
    pool: String,
    client: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let settings = json!({
            "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
            "DeviceConfiguration": { "DeviceOnlyRememberedOnUserPrompt": true },
        });
        let pool = stack.pool(settings).await;
        let tracking = json!({
            "UserPoolId": pool, "UserSessionTracking": "ENABLED",
            "TokenSession": { "MaxPerUser": 5 },
        });
        stack.ok("SetUserPoolSessionConfiguration", tracking).await;
        stack.ok("CreateUserPoolDomain", json!({ "UserPoolId": pool, "Domain": "login" })).await;
        stack.ok("CreateGroup", json!({ "UserPoolId": pool, "GroupName": "staff" })).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        stack.user(&pool, "ada", &[("name", "Ada")]).await;
        Self { stack, pool, client }
    }

    /// A good request of each operation about a pool, but that ids of other things are made up.
    fn requests(&self) -> Vec<(&'static str, Value)> {
        let scopes = json!([{ "ScopeName": "read", "ScopeDescription": "reads" }]);
        let source = json!({ "ProviderName": "Google", "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": "1" });
        let google = json!({ "client_id": "a", "client_secret": "b", "authorize_scopes": "email" });
        let of_pool = [
            (
                "AddCustomAttributes",
                json!({ "CustomAttributes": [{ "Name": "x", "AttributeDataType": "String" }] }),
            ),
            ("AdminDisableProviderForUser", json!({ "User": source })),
            (
                "AdminLinkProviderForUser",
                json!({ "SourceUser": source, "DestinationUser":
                { "ProviderName": "Cognito", "ProviderAttributeValue": "ada" } }),
            ),
            ("CreateGroup", json!({ "GroupName": "new" })),
            (
                "CreateIdentityProvider",
                json!({ "ProviderName": "Google", "ProviderType": "Google",
                "ProviderDetails": google }),
            ),
            (
                "CreateResourceServer",
                json!({ "Identifier": "orders", "Name": "Orders", "Scopes": scopes }),
            ),
            ("CreateUserImportJob", json!({ "JobName": "job", "CloudWatchLogsRoleArn": ROLE })),
            ("CreateUserPoolClient", json!({ "ClientName": "second" })),
            ("CreateUserPoolDomain", json!({ "Domain": "second" })),
            ("CreateUserPoolReplica", json!({ "RegionName": "eu-west-1" })),
            ("DeleteGroup", json!({ "GroupName": "staff" })),
            ("DeleteIdentityProvider", json!({ "ProviderName": "Okta" })),
            ("DeleteManagedLoginBranding", json!({ "ManagedLoginBrandingId": ID })),
            ("DeleteResourceServer", json!({ "Identifier": "none" })),
            ("DeleteTerms", json!({ "TermsId": ID })),
            ("DeleteUserPool", json!({})),
            ("DeleteUserPoolDomain", json!({ "Domain": "login" })),
            ("DeleteUserPoolReplica", json!({ "RegionName": "eu-west-1" })),
            ("DescribeIdentityProvider", json!({ "ProviderName": "Okta" })),
            ("DescribeManagedLoginBranding", json!({ "ManagedLoginBrandingId": ID })),
            ("DescribeResourceServer", json!({ "Identifier": "none" })),
            ("DescribeRiskConfiguration", json!({})),
            ("DescribeTerms", json!({ "TermsId": ID })),
            ("DescribeUserImportJob", json!({ "JobId": "import-1234567890" })),
            ("DescribeUserPool", json!({})),
            ("GetCSVHeader", json!({})),
            ("GetGroup", json!({ "GroupName": "staff" })),
            ("GetIdentityProviderByIdentifier", json!({ "IdpIdentifier": "none" })),
            ("GetLogDeliveryConfiguration", json!({})),
            ("GetSigningCertificate", json!({})),
            ("GetUICustomization", json!({})),
            ("GetUserPoolMfaConfig", json!({})),
            ("GetUserPoolSessionConfiguration", json!({})),
            ("ListGroups", json!({})),
            ("ListIdentityProviders", json!({})),
            ("ListResourceServers", json!({ "MaxResults": 1 })),
            ("ListTerms", json!({})),
            ("ListUserImportJobs", json!({ "MaxResults": 1 })),
            ("ListUserPoolClients", json!({})),
            ("ListUserPoolReplicas", json!({})),
            ("ListUsers", json!({})),
            ("ListUsersInGroup", json!({ "GroupName": "staff" })),
            ("SetLogDeliveryConfiguration", json!({ "LogConfigurations": [] })),
            ("SetRiskConfiguration", json!({})),
            ("SetUICustomization", json!({ "CSS": ".logo-customizable { width: 1px; }" })),
            ("SetUserPoolMfaConfig", json!({})),
            (
                "SetUserPoolSessionConfiguration",
                json!({ "UserSessionTracking": "DISABLED",
                "TokenSession": { "MaxPerUser": 1 } }),
            ),
            ("StartUserImportJob", json!({ "JobId": "import-1234567890" })),
            ("StopUserImportJob", json!({ "JobId": "import-1234567890" })),
            ("UpdateGroup", json!({ "GroupName": "staff", "Description": "changed" })),
            ("UpdateIdentityProvider", json!({ "ProviderName": "Okta" })),
            (
                "UpdateManagedLoginBranding",
                json!({ "ManagedLoginBrandingId": ID, "UseCognitoProvidedValues": true }),
            ),
            ("UpdateResourceServer", json!({ "Identifier": "none", "Name": "None" })),
            ("UpdateTerms", json!({ "TermsId": ID })),
            ("UpdateUserPool", json!({ "PoolName": "changed" })),
            ("UpdateUserPoolDomain", json!({ "Domain": "login" })),
            ("UpdateUserPoolReplica", json!({ "RegionName": "eu-west-1", "Status": "ACTIVE" })),
        ];
        let of_client = [
            ("AddUserPoolClientSecret", json!({})),
            (
                "AdminInitiateAuth",
                json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": "ada", "PASSWORD": "x" } }),
            ),
            (
                "AdminRespondToAuthChallenge",
                json!({ "ChallengeName": "SMS_MFA", "Session":
                "a-session-of-twenty-characters", "ChallengeResponses": { "USERNAME": "ada" } }),
            ),
            ("CreateManagedLoginBranding", json!({ "UseCognitoProvidedValues": true })),
            (
                "CreateTerms",
                json!({ "TermsName": "terms-of-use", "TermsSource": "LINK",
                "Enforcement": "NONE", "Links": { "cognito:default": "https://example.com" } }),
            ),
            ("DeleteUserPoolClient", json!({})),
            ("DeleteUserPoolClientSecret", json!({ "ClientSecretId": "a--1" })),
            ("DescribeManagedLoginBrandingByClient", json!({})),
            ("DescribeTermsByClient", json!({ "TermsName": "terms-of-use" })),
            ("DescribeUserPoolClient", json!({})),
            ("GetUserPoolClientSessionConfiguration", json!({})),
            ("ListUserPoolClientSecrets", json!({})),
            (
                "SetUserPoolClientSessionConfiguration",
                json!({ "SSOSession": { "MaxValidityMinutes": 5 } }),
            ),
            ("UpdateUserPoolClient", json!({ "ClientName": "changed" })),
        ];
        let feedback = json!({ "EventId": ID, "FeedbackValue": "Valid" });
        let of_user = [
            ("AdminAddUserToGroup", json!({ "GroupName": "staff" })),
            ("AdminConfirmSignUp", json!({})),
            ("AdminCreateUser", json!({ "MessageAction": "RESEND" })),
            ("AdminDeleteSoftwareToken", json!({})),
            ("AdminDeleteUser", json!({})),
            ("AdminDeleteUserAttributes", json!({ "UserAttributeNames": ["name"] })),
            ("AdminDisableUser", json!({})),
            ("AdminEnableUser", json!({})),
            ("AdminForgetDevice", json!({ "DeviceKey": "us-east-1_0" })),
            ("AdminGetDevice", json!({ "DeviceKey": "us-east-1_0" })),
            ("AdminGetUser", json!({})),
            ("AdminGetUserAuthFactors", json!({})),
            ("AdminListDevices", json!({})),
            ("AdminListGroupsForUser", json!({})),
            ("AdminListUserAuthEvents", json!({})),
            ("AdminListUserSessions", json!({})),
            ("AdminRemoveUserFromGroup", json!({ "GroupName": "staff" })),
            ("AdminResetUserPassword", json!({})),
            ("AdminRevokeUserSession", json!({ "SessionId": "tkn0123456789012345678901234" })),
            ("AdminSetUserMFAPreference", json!({})),
            ("AdminSetUserPassword", json!({ "Password": "Another-Horse-8", "Permanent": true })),
            ("AdminSetUserSettings", json!({ "MFAOptions": [] })),
            ("AdminUpdateAuthEventFeedback", feedback.clone()),
            ("AdminUpdateDeviceStatus", json!({ "DeviceKey": "us-east-1_0" })),
            (
                "AdminUpdateUserAttributes",
                json!({ "UserAttributes": [{ "Name": "name", "Value": "changed" }] }),
            ),
            ("AdminUserGlobalSignOut", json!({})),
            ("UpdateAuthEventFeedback", merged(feedback, json!({ "FeedbackToken": "token" }))),
        ];
        let pool = json!({ "UserPoolId": self.pool });
        let client = merged(pool.clone(), json!({ "ClientId": self.client }));
        let user = merged(pool.clone(), json!({ "Username": "ada" }));
        let with = |base: &Value, request: (&'static str, Value)| {
            (request.0, merged(base.clone(), request.1))
        };
        let of_pool = of_pool.into_iter().map(|request| with(&pool, request));
        let of_client = of_client.into_iter().map(|request| with(&client, request));
        of_pool.chain(of_client).chain(of_user.into_iter().map(|r| with(&user, r))).collect()
    }

    /// Those of the requests that name one of these, with another name in its place.
    fn requests_without(&self, member: &str, unknown: &str) -> Vec<(&'static str, Value)> {
        let requests = self.requests().into_iter().filter(|(_, input)| input[member].is_string());
        let changed = |input: Value| merged(input, json!({ member: unknown }));
        requests.map(|(operation, input)| (operation, changed(input))).collect()
    }

    /// What administrators see of the pool.
    async fn seen(&self) -> Vec<Value> {
        let pool = json!({ "UserPoolId": self.pool });
        let client = merged(pool.clone(), json!({ "ClientId": self.client }));
        let user = merged(pool.clone(), json!({ "Username": "ada" }));
        let mut seen = vec![self.stack.ok("ListUserPools", json!({ "MaxResults": 60 })).await];
        for (operation, input) in [
            ("DescribeUserPool", &pool),
            ("GetUserPoolMfaConfig", &pool),
            ("GetUserPoolSessionConfiguration", &pool),
            ("GetLogDeliveryConfiguration", &pool),
            ("DescribeRiskConfiguration", &pool),
            ("ListGroups", &pool),
            ("ListIdentityProviders", &pool),
            ("ListResourceServers", &merged(pool.clone(), json!({ "MaxResults": 50 }))),
            ("ListTerms", &pool),
            ("ListUserImportJobs", &merged(pool.clone(), json!({ "MaxResults": 60 }))),
            ("ListUserPoolClients", &pool),
            ("ListUserPoolReplicas", &pool),
            ("ListUsers", &pool),
            ("DescribeUserPoolClient", &client),
            ("ListUserPoolClientSecrets", &client),
            ("AdminGetUser", &user),
            ("AdminListGroupsForUser", &user),
            ("AdminListUserSessions", &user),
        ] {
            seen.push(self.stack.ok(operation, input.clone()).await);
        }
        seen
    }
}

#[tokio::test]
async fn every_operation_about_a_pool_says_that_there_is_none() {
    let scene = Scene::new().await;
    let before = scene.seen().await;
    let message = format!("User pool {NOWHERE} does not exist.");
    let expected = error("ResourceNotFoundException", &message);
    for (operation, input) in scene.requests_without("UserPoolId", NOWHERE) {
        assert_eq!(scene.stack.refusal(operation, input).await, expected, "{operation}");
    }
    let arn = format!("arn:aws:cognito-idp:us-east-1:123456789012:userpool/{NOWHERE}");
    for (operation, members) in [
        ("ListTagsForResource", json!({})),
        ("TagResource", json!({ "Tags": { "a": "b" } })),
        ("UntagResource", json!({ "TagKeys": ["a"] })),
    ] {
        let input = merged(json!({ "ResourceArn": arn }), members);
        assert_eq!(scene.stack.refusal(operation, input).await, expected, "{operation}");
    }
    assert_eq!(scene.seen().await, before);
}

#[tokio::test]
async fn no_operation_about_a_pool_is_missing_here() {
    let scene = Scene::new().await;
    let requests = scene.requests();
    for operation in OperationName::ALL.map(OperationName::as_str) {
        let refused = scene.stack.refusal(operation, json!({})).await.1;
        for (name, member) in
            [("userPoolId", "UserPoolId"), ("clientId", "ClientId"), ("username", "Username")]
        {
            let needs_pool = refused.contains("at 'userPoolId'");
            let is_needed = refused.contains(&format!("at '{name}'"));
            let found = requests.iter().find(|request| request.0 == operation);
            let is_named = found.is_some_and(|(_, input)| input[member].is_string());
            assert!(is_named || !needs_pool || !is_needed, "{operation} lacks {member}");
        }
    }
}

#[tokio::test]
async fn every_operation_about_an_app_client_says_that_there_is_none() {
    let scene = Scene::new().await;
    let other = scene.stack.pool(json!({})).await;
    let foreign = scene.stack.client(&other, json!({})).await;
    let before = scene.seen().await;
    for unknown in ["unknown", &foreign] {
        let message = format!("User pool client {unknown} does not exist.");
        let expected = error("ResourceNotFoundException", &message);
        for (operation, input) in scene.requests_without("ClientId", unknown) {
            assert_eq!(scene.stack.refusal(operation, input).await, expected, "{operation}");
        }
    }
    assert_eq!(scene.seen().await, before);
}

#[tokio::test]
async fn every_public_operation_says_that_there_is_no_such_app_client() {
    let stack = Stack::new().await;
    let expected = error("ResourceNotFoundException", "User pool client unknown does not exist.");
    for (operation, members) in [
        (
            "ConfirmForgotPassword",
            json!({ "Username": "ada", "ConfirmationCode": "123456",
            "Password": "Another-Horse-8" }),
        ),
        ("ConfirmSignUp", json!({ "Username": "ada", "ConfirmationCode": "123456" })),
        ("ForgotPassword", json!({ "Username": "ada" })),
        ("GetTokensFromRefreshToken", json!({ "RefreshToken": "token" })),
        (
            "InitiateAuth",
            json!({ "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": "x" } }),
        ),
        ("ResendConfirmationCode", json!({ "Username": "ada" })),
        (
            "RespondToAuthChallenge",
            json!({ "ChallengeName": "SMS_MFA",
            "Session": "a-session-of-twenty-characters" }),
        ),
        ("SignUp", json!({ "Username": "ada", "Password": "Another-Horse-8" })),
    ] {
        let input = merged(json!({ "ClientId": "unknown" }), members);
        assert_eq!(stack.refusal(operation, input).await, expected, "{operation}");
    }
}

#[tokio::test]
async fn every_operation_about_a_user_says_that_there_is_none() {
    let scene = Scene::new().await;
    let before = scene.seen().await;
    let expected = error("UserNotFoundException", "User does not exist.");
    for (operation, input) in scene.requests_without("Username", "nobody") {
        let refused = scene.stack.refusal(operation, input).await;
        match operation {
            // The model lists no error for it: there is no such device either.
            "AdminGetDevice" | "AdminListDevices" => {
                assert_eq!(refused.0, "ResourceNotFoundException", "{operation}");
            }
            // Without a good token nothing is told.
            "UpdateAuthEventFeedback" => assert_eq!(refused.0, "NotAuthorizedException"),
            _ => assert_eq!(refused, expected, "{operation}"),
        }
    }
    assert_eq!(scene.seen().await, before);
}

#[tokio::test]
async fn what_a_pool_does_not_have_is_not_found() {
    let scene = Scene::new().await;
    let before = scene.seen().await;
    let provider =
        |place: &str| format!("Identity provider Okta {place} {} does not exist.", scene.pool);
    for (member, operations) in [("ProviderName", 3), ("Identifier", 3)] {
        let requests = scene.requests();
        let requests = requests.iter().filter(|(operation, input)| {
            input[member].is_string() && !operation.starts_with("Create")
        });
        let mut seen = 0;
        for (operation, input) in requests {
            let refused = scene.stack.refusal(operation, input.clone()).await;
            let text = match (member, *operation) {
                ("Identifier", _) => "Resource server none does not exist.".to_owned(),
                (_, "DescribeIdentityProvider") => provider("for tenantId"),
                _ => provider("in User Pool"),
            };
            assert_eq!(refused, error("ResourceNotFoundException", &text), "{operation}");
            seen += 1;
        }
        assert_eq!(seen, operations, "{member}");
    }
    let expected = error("ResourceNotFoundException", "Group not found.");
    for (operation, input) in scene.requests_without("GroupName", "nobodies") {
        if operation != "CreateGroup" {
            assert_eq!(scene.stack.refusal(operation, input).await, expected, "{operation}");
        }
    }
    assert_eq!(scene.seen().await, before);
}
