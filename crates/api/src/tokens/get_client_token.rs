//! `GetClientToken`: an access token for an app client itself, for its secret.

use poolhouse_domain::{
    app_clients::secrets,
    ports::Ports,
    shapes::{
        ClientAuthenticationResultType, ExplicitAuthFlowsType, GetClientTokenRequest,
        GetClientTokenResponse,
    },
    tokens::machine::{self, MachineRefused},
    triggers::{Metadata, TriggerFailed},
};
use poolhouse_wire::operations::GetClientToken as Op;

use super::secret_refused;
use crate::{
    failure::{Answer, Failure, invalid_parameter, not_authorized},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetClientTokenRequest) -> Answer<Op> {
        let (client, _) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let ports = &ports.clone().carrying(Metadata::of_client(input.client_metadata));
        let secret = Some(input.secret.as_str());
        secrets::check(&client, secret).map_err(|r| secret_refused(r, client.id()))?;
        // With the flow a client has a secret: its settings can't be had without. So those without
        // one end here.
        if !client.lists_flow(&[ExplicitAuthFlowsType::AllowClientTokenAuth]) {
            // Belief: type and text are those of other flows that are off.
            let message = "CLIENT_TOKEN_AUTH flow not enabled for this client";
            return Err(invalid_parameter(message).into());
        }
        let requested = input.scopes.unwrap_or_default();
        let issued = machine::issue(ports, &client, &requested).await?;
        let token = issued.map_err(|r| refusal(r, client.id()))?;
        Ok(GetClientTokenResponse {
            client_authentication_result: Some(ClientAuthenticationResultType {
                access_token: Some(token.access.into()),
                expires_in: i32::try_from(token.expires_in).ok(),
                token_type: Some("Bearer".to_owned()),
            }),
        })
    }
}

/// The text for a scope is that of app clients' settings; that it is said here is a belief, and so
/// is the other text.
///
/// The operation lists none of the errors of triggers: that it answers this one is a belief.
fn refusal(refused: MachineRefused, client_id: &str) -> Failure<Op> {
    invalid_parameter(match refused {
        MachineRefused::Trigger(
            TriggerFailed::Validation(text)
            | TriggerFailed::Unexpected(text)
            | TriggerFailed::InvalidResponse(text),
        ) => return not_authorized(text),
        MachineRefused::Scope(scope) => format!("Invalid scope requested: {scope}"),
        MachineRefused::NoScope => format!("Client {client_id} has no custom scopes."),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use poolhouse_domain::triggers::Trigger;
    use poolhouse_testkit::START;
    use serde_json::{Value, json};

    use super::super::testing::{claims, resource_server};
    use crate::testing::{Stack, error, invalid, merged, text};

    pub(in crate::tokens) const SECRET: &str = "secret_of_thirty_characters_xx";

    /// A client that gets tokens for itself, with the scopes `orders/read` and `orders/write`.
    pub(in crate::tokens) async fn machine(stack: &Stack, pool: &str, overrides: Value) -> String {
        let settings = json!({
            "ExplicitAuthFlows": ["ALLOW_CLIENT_TOKEN_AUTH"], "ClientSecret": SECRET,
            "AllowedOAuthScopes": ["orders/read", "orders/write"],
        });
        stack.client(pool, merged(settings, overrides)).await
    }

    async fn stack() -> (Stack, String) {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        resource_server(&stack, &pool, "orders", &["read", "write"]).await;
        (stack, pool)
    }

    #[tokio::test]
    async fn a_function_of_the_third_version_says_what_the_token_tells() {
        let stack = Stack::new().await;
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let functions = |version: &str| json!({ "PreTokenGenerationConfig": { "LambdaVersion": version, "LambdaArn": arn } });
        let pool = stack.pool(json!({ "LambdaConfig": functions("V2_0") })).await;
        resource_server(&stack, &pool, "orders", &["read", "write"]).await;
        let client = machine(&stack, &pool, json!({})).await;
        let input = json!({
            "ClientId": client, "Secret": SECRET, "Scopes": ["orders/read"],
            "ClientMetadata": { "k": "v" },
        });
        stack.ok("GetClientToken", input.clone()).await;
        assert!(stack.functions().events().is_empty());

        let update = json!({ "UserPoolId": pool, "LambdaConfig": functions("V3_0") });
        stack.ok("UpdateUserPool", update).await;
        let access = json!({
            "claimsToAddOrOverride": { "tenant": ["t"], "sub": "forged" },
            "scopesToAdd": ["orders/write"], "scopesToSuppress": ["orders/read"],
        });
        let id = json!({ "claimsToAddOrOverride": { "unseen": 1 } });
        let details = json!({ "accessTokenGeneration": access, "idTokenGeneration": id });
        let details = json!({ "claimsAndScopeOverrideDetails": details });
        stack.functions().respond(Trigger::PreTokenGeneration, details);
        let answer = stack.ok("GetClientToken", input.clone()).await;
        let token = &answer["ClientAuthenticationResult"]["AccessToken"];
        let claims = claims(&stack, &pool, token).await;
        assert_eq!((&claims["tenant"], &claims["sub"]), (&json!(["t"]), &json!(client)));
        assert_eq!(claims["scope"], "orders/write");
        assert!(claims.get("unseen").is_none());
        let [event] = &*stack.functions().events() else { panic!("one function is asked") };
        let expected = json!({
            "version": "3", "region": "us-east-1", "userPoolId": pool,
            "userName": "ClientCredentials",
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client },
            "triggerSource": "TokenGeneration_ClientCredentials",
            "request": {
                "userAttributes": {}, "groupConfiguration": null,
                "clientMetadata": { "k": "v" }, "scopes": ["orders/read"],
            },
            "response": { "claimsAndScopeOverrideDetails": null },
        });
        assert_eq!(*event, expected);

        stack.functions().throw(Trigger::PreTokenGeneration, "no");
        let refused = stack.refusal("GetClientToken", input).await;
        let text = "PreTokenGeneration failed with error no.";
        assert_eq!(refused, error("NotAuthorizedException", text));
    }

    #[tokio::test]
    async fn the_token_is_the_clients_own_with_all_its_scopes() {
        let (stack, pool) = stack().await;
        let client = machine(&stack, &pool, json!({})).await;
        let input = json!({ "ClientId": client, "Secret": SECRET });
        let answer = stack.ok("GetClientToken", input).await;
        let result = &answer["ClientAuthenticationResult"];
        assert_eq!(result["ExpiresIn"], 3_600);
        assert_eq!(result["TokenType"], "Bearer");
        let claims = claims(&stack, &pool, &result["AccessToken"]).await;
        let now = START.seconds();
        let expected = json!({
            "sub": client, "client_id": client, "token_use": "access", "version": 2,
            "scope": "orders/read orders/write", "jti": claims["jti"],
            "iss": format!("http://127.0.0.1:7665/{pool}"),
            "auth_time": now, "iat": now, "exp": now + 3_600,
        });
        assert_eq!(claims, expected);
        assert_eq!(text(&claims["jti"]).len(), 36);
    }

    #[tokio::test]
    async fn scopes_can_be_narrowed_to_what_the_client_has_and_a_resource_server_defines() {
        let (stack, pool) = stack().await;
        resource_server(&stack, &pool, "stock", &["read"]).await;
        let client = machine(&stack, &pool, json!({})).await;
        let ask = |scopes: Value| json!({ "ClientId": client, "Secret": SECRET, "Scopes": scopes });
        let twice = ask(json!(["orders/write", "orders/write"]));
        let answer = stack.ok("GetClientToken", twice).await;
        let token = &answer["ClientAuthenticationResult"]["AccessToken"];
        assert_eq!(claims(&stack, &pool, token).await["scope"], "orders/write");
        for scope in ["stock/read", "orders/delete", "openid", "aws.cognito.signin.user.admin"] {
            let refused = stack.refusal("GetClientToken", ask(json!(["orders/read", scope]))).await;
            assert_eq!(refused, invalid(&format!("Invalid scope requested: {scope}")));
        }
        resource_server(&stack, &pool, "orders", &["write"]).await;
        let answer = stack.ok("GetClientToken", ask(Value::Null)).await;
        let token = &answer["ClientAuthenticationResult"]["AccessToken"];
        assert_eq!(claims(&stack, &pool, token).await["scope"], "orders/write");
        let gone = json!({ "UserPoolId": pool, "Identifier": "orders" });
        stack.ok("DeleteResourceServer", gone).await;
        let refused = stack.refusal("GetClientToken", ask(Value::Null)).await;
        assert_eq!(refused, invalid(&format!("Client {client} has no custom scopes.")));
    }

    #[tokio::test]
    async fn either_of_two_secrets_is_good_and_no_other() {
        let (stack, pool) = stack().await;
        let client = machine(&stack, &pool, json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let added = stack.ok("AddUserPoolClientSecret", input).await;
        let second = text(&added["ClientSecretDescriptor"]["ClientSecretValue"]);
        for secret in [SECRET, &second] {
            let input = json!({ "ClientId": client, "Secret": secret });
            stack.ok("GetClientToken", input).await;
        }
        let input = json!({ "ClientId": client, "Secret": "x".repeat(24) });
        let message = format!("Unable to verify secret for client {client}");
        let refused = stack.refusal("GetClientToken", input).await;
        assert_eq!(refused, error("NotAuthorizedException", &message));
        let input = json!({ "ClientId": "nosuchclient", "Secret": SECRET });
        let message = "User pool client nosuchclient does not exist.";
        let refused = stack.refusal("GetClientToken", input).await;
        assert_eq!(refused, error("ResourceNotFoundException", message));
    }

    #[tokio::test]
    async fn the_flow_must_be_on() {
        let (stack, pool) = stack().await;
        let people = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
        let confidential = machine(&stack, &pool, people).await;
        let public = stack.client(&pool, json!({})).await;
        for client in [confidential, public] {
            let input = json!({ "ClientId": client, "Secret": SECRET });
            let refused = stack.refusal("GetClientToken", input).await;
            assert_eq!(refused, invalid("CLIENT_TOKEN_AUTH flow not enabled for this client"));
        }
    }

    #[tokio::test]
    async fn the_flow_stands_alone_and_needs_a_secret() {
        let (stack, pool) = stack().await;
        let input = json!({
            "UserPoolId": pool, "ClientName": "c", "GenerateSecret": true,
            "ExplicitAuthFlows": ["ALLOW_CLIENT_TOKEN_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        });
        let message = "ALLOW_CLIENT_TOKEN_AUTH cannot be used with other auth flows.";
        assert_eq!(stack.refusal("CreateUserPoolClient", input).await, invalid(message));
        let input = json!({
            "UserPoolId": pool, "ClientName": "c", "ExplicitAuthFlows": ["ALLOW_CLIENT_TOKEN_AUTH"],
        });
        let message =
            "ALLOW_CLIENT_TOKEN_AUTH cannot be used if client does not have a client secret.";
        assert_eq!(stack.refusal("CreateUserPoolClient", input).await, invalid(message));
        let client = machine(&stack, &pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": "x" },
        });
        let message = "USER_PASSWORD_AUTH flow not enabled for this client";
        assert_eq!(stack.refusal("InitiateAuth", input).await, invalid(message));
    }

    #[tokio::test]
    async fn the_token_opens_no_operation_of_users() {
        let (stack, pool) = stack().await;
        let client = machine(&stack, &pool, json!({})).await;
        let input = json!({ "ClientId": client, "Secret": SECRET });
        let answer = stack.ok("GetClientToken", input).await;
        let token = &answer["ClientAuthenticationResult"]["AccessToken"];
        let refused = stack.refusal("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Access Token"));
    }
}
