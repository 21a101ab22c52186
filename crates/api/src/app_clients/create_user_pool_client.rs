//! `CreateUserPoolClient`: a new app client of a user pool.

use poolhouse_domain::{
    app_clients::settings::{self, Surroundings},
    ports::Ports,
    shapes::{CreateUserPoolClientRequest, CreateUserPoolClientResponse},
};
use poolhouse_wire::{codes, operations::CreateUserPoolClient as Op};

use super::{client_refused, described};
use crate::{
    failure::{Answer, Failure},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateUserPoolClientRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&input.user_pool_id).await?;
        let pool = pool.ok_or_else(|| no_user_pool(&input.user_pool_id))?;
        let scopes = input.allowed_oauth_scopes.as_deref();
        let providers = input.supported_identity_providers.as_deref();
        let around = Surroundings::of(&mut *tx, &pool, &ports.identity, scopes, providers).await?;
        let client = settings::create(input, &around, &*ports.entropy, ports.clock.now())
            .map_err(|refused| client_refused(&refused))?;
        let most = ports.limits.settings().app_clients_per_pool;
        if tx.has_app_clients(pool.id(), most).await? {
            // The text is a belief.
            let message = format!("Exceeded the limit of {most} app clients for the user pool.");
            return Err(Failure::new(codes::LimitExceededException, message).into());
        }
        tx.insert_app_client(&client).await?;
        tx.commit().await?;
        Ok(CreateUserPoolClientResponse { user_pool_client: Some(described(&client)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged, text};

    /// The client that these members of `CreateUserPoolClient` make.
    async fn created(stack: &Stack, pool: &str, members: Value) -> Value {
        let input = merged(json!({ "UserPoolId": pool, "ClientName": "c" }), members);
        stack.ok("CreateUserPoolClient", input).await["UserPoolClient"].take()
    }

    #[tokio::test]
    async fn a_bare_client_has_the_defaults_and_nothing_else() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = created(&stack, &pool, json!({})).await;
        let id = text(&client["ClientId"]);
        assert!((24..=26).contains(&id.len()), "{id}");
        assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v')), "{id}");
        let expected = json!({
            "UserPoolId": pool, "ClientName": "c", "ClientId": id,
            "LastModifiedDate": 1_767_225_600.123, "CreationDate": 1_767_225_600.123,
            "RefreshTokenValidity": 30, "TokenValidityUnits": {},
            "AllowedOAuthFlowsUserPoolClient": false, "EnableTokenRevocation": true,
            "EnablePropagateAdditionalUserContextData": false, "AuthSessionValidity": 3,
        });
        assert_eq!(client, expected);
    }

    #[tokio::test]
    async fn a_secret_is_made_or_taken_and_shown() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = created(&stack, &pool, json!({ "GenerateSecret": true })).await;
        let secret = text(&client["ClientSecret"]);
        assert!((49..=51).contains(&secret.len()), "{secret}");
        let other = created(&stack, &pool, json!({ "GenerateSecret": true })).await;
        assert_ne!(other["ClientSecret"], client["ClientSecret"]);
        let own = "my_own_secret_of_25_chars";
        let client = created(&stack, &pool, json!({ "ClientSecret": own })).await;
        assert_eq!(client["ClientSecret"], own);
        let message = "GenerateSecret and ClientSecret can not be set together.";
        let input = json!({ "UserPoolId": pool, "ClientName": "c", "GenerateSecret": true,
            "ClientSecret": own });
        assert_eq!(stack.refusal("CreateUserPoolClient", input).await, invalid(message));
    }

    #[tokio::test]
    async fn describe_shows_what_create_answered() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "tier", "AttributeDataType": "String" }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let members = json!({
            "GenerateSecret": true,
            "RefreshTokenValidity": 90, "AccessTokenValidity": 10, "IdTokenValidity": 20,
            "TokenValidityUnits": { "AccessToken": "minutes", "IdToken": "minutes",
                "RefreshToken": "minutes" },
            "ReadAttributes": ["email", "custom:tier", "oidc:profile", "sub"],
            "WriteAttributes": ["name", "custom:tier"],
            "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH",
                "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH",
                "ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH"],
            "SupportedIdentityProviders": ["COGNITO"],
            "CallbackURLs": ["https://example.com/a", "app.scheme:/b", "http://localhost:3000/c",
                "http://127.0.0.1/d", "http://[::1]:8080/e"],
            "LogoutURLs": ["https://example.com/out"],
            "DefaultRedirectURI": "https://example.com/a",
            "AllowedOAuthFlows": ["code", "implicit"],
            "AllowedOAuthScopes": ["profile", "openid", "email", "openid"],
            "AllowedOAuthFlowsUserPoolClient": true,
            "AnalyticsConfiguration":
                { "ApplicationArn": "arn:aws:mobiletargeting:us-east-1:123456789012:apps/a" },
            "PreventUserExistenceErrors": "ENABLED",
            "EnableTokenRevocation": false,
            "EnablePropagateAdditionalUserContextData": true,
            "AuthSessionValidity": 15,
            "RefreshTokenRotation": { "Feature": "DISABLED" },
        });
        let client = created(&stack, &pool, members.clone()).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client["ClientId"] });
        let described = stack.ok("DescribeUserPoolClient", input).await;
        let expected = merged(client.clone(), json!({ "ClientType": "REGULAR" }));
        assert_eq!(described["UserPoolClient"], expected);
        let flows = json!([
            "ALLOW_CUSTOM_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH"
        ]);
        assert_eq!(client["ExplicitAuthFlows"], flows);
        assert_eq!(client["AllowedOAuthFlows"], json!(["implicit", "code"]));
        assert_eq!(client["AllowedOAuthScopes"], json!(["email", "openid", "profile"]));
        assert_eq!(client["CallbackURLs"].as_array().unwrap().len(), 5);
        assert_eq!(client["ReadAttributes"].as_array().unwrap().len(), 4);
        let rotation = json!({ "Feature": "DISABLED", "RetryGracePeriodSeconds": 0 });
        assert_eq!(client["RefreshTokenRotation"], rotation);
        let role = "arn:aws:iam::123456789012:role/aws-service-role/cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdp";
        assert_eq!(client["AnalyticsConfiguration"]["RoleArn"], role);
        for member in [
            "RefreshTokenValidity",
            "AccessTokenValidity",
            "IdTokenValidity",
            "TokenValidityUnits",
            "SupportedIdentityProviders",
            "LogoutURLs",
            "DefaultRedirectURI",
            "AllowedOAuthFlowsUserPoolClient",
            "PreventUserExistenceErrors",
            "EnableTokenRevocation",
            "EnablePropagateAdditionalUserContextData",
            "AuthSessionValidity",
        ] {
            assert_eq!(client[member], members[member], "{member}");
        }
    }

    #[tokio::test]
    async fn zero_and_nothing_mean_thirty_days_for_refresh_tokens() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = created(&stack, &pool, json!({ "RefreshTokenValidity": 0 })).await;
        assert_eq!(client["RefreshTokenValidity"], 30);
        let units = json!({ "TokenValidityUnits": { "RefreshToken": "hours" } });
        let client = created(&stack, &pool, units).await;
        assert_eq!(client["RefreshTokenValidity"], 720);
    }

    #[tokio::test]
    async fn empty_lists_mean_the_defaults() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = created(
            &stack,
            &pool,
            json!({ "ReadAttributes": [], "WriteAttributes": [],
            "ExplicitAuthFlows": [], "CallbackURLs": [], "LogoutURLs": [],
            "AllowedOAuthFlows": [], "AllowedOAuthScopes": [],
            "SupportedIdentityProviders": [] }),
        )
        .await;
        for member in [
            "ReadAttributes",
            "WriteAttributes",
            "ExplicitAuthFlows",
            "CallbackURLs",
            "LogoutURLs",
            "AllowedOAuthFlows",
            "AllowedOAuthScopes",
            "SupportedIdentityProviders",
        ] {
            assert_eq!(client[member], Value::Null, "{member}");
        }
    }

    #[tokio::test]
    async fn refused_settings_say_what_is_wrong_with_them() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "email", "Required": true },
            { "Name": "d", "AttributeDataType": "String", "DeveloperOnlyAttribute": true }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let units =
            |unit: &str| json!({ "AccessToken": unit, "IdToken": unit, "RefreshToken": unit });
        let oauth = |members: Value| {
            merged(
                json!({ "AllowedOAuthFlowsUserPoolClient": true,
                "AllowedOAuthScopes": ["openid"], "AllowedOAuthFlows": ["code"],
                "CallbackURLs": ["https://example.com"] }),
                members,
            )
        };
        let required = "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.";
        let range = "Invalid range for token validity.";
        let longer = "Access and Id Token expiration times must be less than or equal to refresh token expiration times.";
        let write = "Invalid write attributes specified while creating a client";
        let analytics = "Invalid analytics configuration given, either <application arn> or <application id, role arn, external id> are valid";
        let provider = format!("The provider Google does not exist for User Pool {pool}.");
        let far = "arn:aws:mobiletargeting:eu-west-1:123456789012:apps/a";
        let near = far.replace("eu-west-1", "us-east-1");
        let cases = [
            (json!({ "AllowedOAuthFlowsUserPoolClient": true }), required),
            (oauth(json!({ "AllowedOAuthScopes": [] })), required),
            (
                oauth(json!({ "CallbackURLs": ["http://example.com"] })),
                "http://example.com cannot use the HTTP protocol.",
            ),
            (
                oauth(json!({ "CallbackURLs": ["http://localhost.example.com/"] })),
                "http://localhost.example.com/ cannot use the HTTP protocol.",
            ),
            (
                oauth(json!({ "CallbackURLs": ["http://localhost@example.com/"] })),
                "http://localhost@example.com/ cannot use the HTTP protocol.",
            ),
            (
                json!({ "LogoutURLs": ["http://example.com"] }),
                "http://example.com cannot use the HTTP protocol.",
            ),
            (
                json!({ "LogoutURLs": ["https://example.com#x"] }),
                "https://example.com#x cannot use fragment",
            ),
            (json!({ "LogoutURLs": ["/path"] }), "/path must be an absolute URI."),
            (
                oauth(json!({ "DefaultRedirectURI": "https://example.com/other" })),
                "The default redirect URI https://example.com/other is not in the callback URIs list.",
            ),
            (json!({ "SupportedIdentityProviders": ["COGNITO", "Google"] }), provider.as_str()),
            (
                json!({ "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] }),
                "Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names.",
            ),
            (
                json!({ "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
                "RefreshTokenRotation": { "Feature": "ENABLED" } }),
                "ALLOW_REFRESH_TOKEN_AUTH cannot be used when refresh token rotation is enabled.",
            ),
            (
                json!({ "EnablePropagateAdditionalUserContextData": true }),
                "Client Secret is required to set EnablePropagateAdditionalUserContextData as true",
            ),
            (json!({ "AccessTokenValidity": 25 }), range),
            (json!({ "IdTokenValidity": 4, "TokenValidityUnits": units("minutes") }), range),
            (json!({ "IdTokenValidity": 86_400, "TokenValidityUnits": units("days") }), range),
            (
                json!({ "RefreshTokenValidity": 315_360_000, "TokenValidityUnits": units("days") }),
                range,
            ),
            (json!({ "RefreshTokenValidity": 3_651 }), range),
            (json!({ "RefreshTokenValidity": 59, "TokenValidityUnits": units("minutes") }), range),
            (
                json!({ "RefreshTokenValidity": 1, "TokenValidityUnits": { "RefreshToken": "hours" },
                "AccessTokenValidity": 2 }),
                longer,
            ),
            (
                json!({ "RefreshTokenValidity": 1, "TokenValidityUnits": { "RefreshToken": "hours" },
                "IdTokenValidity": 2 }),
                longer,
            ),
            (
                json!({ "ReadAttributes": ["custom:none"] }),
                "Invalid read attributes specified while creating a client",
            ),
            (json!({ "WriteAttributes": ["email", "custom:none"] }), write),
            (json!({ "WriteAttributes": ["email", "sub"] }), write),
            (json!({ "WriteAttributes": ["email", "email_verified"] }), write),
            (json!({ "WriteAttributes": ["email", "dev:custom:d"] }), write),
            (json!({ "WriteAttributes": ["name"] }), write),
            (json!({ "AnalyticsConfiguration": { "ApplicationId": "ab" } }), analytics),
            (json!({ "AnalyticsConfiguration": {} }), analytics),
            (
                json!({ "AnalyticsConfiguration":
                { "ApplicationId": "ab", "RoleArn": "arn:aws:iam::123456789012:role/r" } }),
                analytics,
            ),
            (
                json!({ "AnalyticsConfiguration":
                { "ApplicationArn": near, "RoleArn": "arn:aws:iam::123456789012:role/r" } }),
                analytics,
            ),
            (
                json!({ "AnalyticsConfiguration": { "ApplicationArn": near, "ExternalId": "x" } }),
                analytics,
            ),
            (
                json!({ "AnalyticsConfiguration": { "ApplicationArn": far } }),
                "The integration with Pinpoint is not supported for the requested eu-west-1 region.",
            ),
        ];
        let cases = cases.map(|(members, message)| (members, invalid(message)));
        assert_refused_by_create_and_update(&stack, &pool, &cases).await;
    }

    /// Both operations refuse these members so, and nothing is made nor changed.
    async fn assert_refused_by_create_and_update(
        stack: &Stack,
        pool: &str,
        cases: &[(Value, (String, String))],
    ) {
        let public = stack.client(pool, json!({})).await;
        let confidential = stack.client(pool, json!({ "GenerateSecret": true })).await;
        let list = || stack.ok("ListUserPoolClients", json!({ "UserPoolId": pool }));
        let describe = |client: &str| {
            let input = json!({ "UserPoolId": pool, "ClientId": client });
            stack.ok("DescribeUserPoolClient", input)
        };
        let seen = async || (describe(&public).await, describe(&confidential).await, list().await);
        let before = seen().await;
        for (members, expected) in cases {
            let input = merged(json!({ "UserPoolId": pool, "ClientName": "c" }), members.clone());
            let refused = stack.refusal("CreateUserPoolClient", input.clone()).await;
            assert_eq!(refused, *expected, "{members}");
            let has_secret = members["GenerateSecret"] == true;
            let client = if has_secret { &confidential } else { &public };
            let input = merged(input, json!({ "ClientId": client }));
            let refused = stack.refusal("UpdateUserPoolClient", input).await;
            let message = expected.1.replace("while creating", "while updating");
            assert_eq!(refused, error(&expected.0, &message), "update: {members}");
        }
        assert_eq!(seen().await, before);
    }

    #[tokio::test]
    async fn some_refusals_have_types_of_their_own() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTier": "LITE" })).await;
        let machine = |members: Value| {
            merged(
                json!({ "AllowedOAuthFlowsUserPoolClient": true, "GenerateSecret": true,
                "AllowedOAuthScopes": ["openid"], "AllowedOAuthFlows": ["client_credentials"] }),
                members,
            )
        };
        let cases = [
            (
                machine(json!({ "AllowedOAuthFlows": ["code"] })),
                "InvalidOAuthFlowException",
                "CallbackUrls can not be empty when code flow or implicit flow is selected",
            ),
            (
                machine(json!({ "AllowedOAuthFlows": ["implicit"], "CallbackURLs": [] })),
                "InvalidOAuthFlowException",
                "CallbackUrls can not be empty when code flow or implicit flow is selected",
            ),
            (
                machine(json!({ "AllowedOAuthFlows": ["client_credentials", "code"] })),
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected along with code flow or implicit flow.",
            ),
            (
                machine(json!({ "GenerateSecret": false })),
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected if client does not have a client secret.",
            ),
            (
                machine(json!({})),
                "InvalidOAuthFlowException",
                "openid is not supported with client_credentials flow",
            ),
            (
                json!({ "AllowedOAuthScopes": ["openid", "api/read"] }),
                "ScopeDoesNotExistException",
                "Invalid scope requested: api/read",
            ),
            (
                json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] }),
                "FeatureUnavailableInTierException",
                "The following feature is not available for the LITE pricing tier configured: Choice-based Sign-in",
            ),
        ];
        let cases = cases.map(|(members, kind, message)| (members, error(kind, message)));
        assert_refused_by_create_and_update(&stack, &pool, &cases).await;
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "ClientName": "c" });
        assert_eq!(
            stack.refusal("CreateUserPoolClient", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }

    #[tokio::test]
    async fn scopes_of_resource_servers_can_be_had_while_they_exist() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for (pool, identifier, scope) in
            [(&pool, "https://a.example/v1", "read"), (&other, "b", "read")]
        {
            let scopes = json!([{ "ScopeName": scope, "ScopeDescription": "d" }]);
            let input = json!({
                "UserPoolId": pool, "Identifier": identifier, "Name": "n", "Scopes": scopes,
            });
            stack.ok("CreateResourceServer", input).await;
        }
        let known = "https://a.example/v1/read";
        let machine = json!({
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["client_credentials"],
            "AllowedOAuthScopes": [known], "GenerateSecret": true,
        });
        let client = created(&stack, &pool, machine).await;
        assert_eq!(client["AllowedOAuthScopes"], json!([known]));
        for unknown in ["https://a.example/v1/write", "https://a.example/v1", "b/read", "read"] {
            let input = json!({
                "UserPoolId": pool, "ClientName": "c",
                "AllowedOAuthScopes": ["openid", known, unknown],
            });
            let message = format!("Invalid scope requested: {unknown}");
            assert_eq!(
                stack.refusal("CreateUserPoolClient", input).await,
                error("ScopeDoesNotExistException", &message)
            );
        }

        let names = json!({ "UserPoolId": pool, "Identifier": "https://a.example/v1" });
        stack.call("DeleteResourceServer", names).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client["ClientId"] });
        let kept = stack.ok("DescribeUserPoolClient", names.clone()).await;
        assert_eq!(kept["UserPoolClient"]["AllowedOAuthScopes"], json!([known]));
        let input = merged(names, json!({ "AllowedOAuthScopes": [known] }));
        assert_eq!(
            stack.refusal("UpdateUserPoolClient", input).await,
            error("ScopeDoesNotExistException", &format!("Invalid scope requested: {known}"))
        );
    }
}
