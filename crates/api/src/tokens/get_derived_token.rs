//! `GetDerivedToken`: a narrower token for a token, in the name of the same user.

use poolhouse_domain::{
    app_clients::{AppClient, secrets},
    ports::Ports,
    shapes::{
        GetDerivedTokenRequest, GetDerivedTokenResponse, IssuedTokenTypeIdentifierType,
        OAuthTokenTypeType,
    },
    tokens::{
        access::TokenRefused,
        exchange::{Exchange, ExchangeRefused, Party, Shown, Target, exchange},
    },
};
use poolhouse_wire::{codes, operations::GetDerivedToken as Op};

use super::secret_refused;
use crate::{
    failure::{Answer, Failure, invalid_parameter, not_authorized, trigger_failed},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetDerivedTokenRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        check_caller(ports, &client, input.client_secret.as_deref().map(String::as_str))?;
        let asked = Exchange {
            subject: Shown {
                token: &input.subject_token,
                kind: input.subject_token_type,
                provider: input.subject_token_provider_name.as_deref(),
            },
            actor: actor(&input)?,
            scopes: input.scopes.as_deref().unwrap_or_default(),
            target: target(&input)?,
            // Belief: what is issued to those who don't say.
            wanted: input
                .requested_token_type
                .unwrap_or(IssuedTokenTypeIdentifierType::AccessToken),
        };
        let derived = exchange(ports, &pool, &client, asked).await?.map_err(refusal)?;
        let is_access = derived.kind == IssuedTokenTypeIdentifierType::AccessToken;
        Ok(GetDerivedTokenResponse {
            issued_token: derived.token.into(),
            issued_token_type: derived.kind,
            // RFC 8693 section 2.2.1: what can't be shown to a resource server is no bearer token.
            token_type: if is_access { OAuthTokenTypeType::Bearer } else { OAuthTokenTypeType::NA },
            expires_in: i32::try_from(derived.expires_in).ok(),
            scopes: is_access.then_some(derived.scopes),
        })
    }
}

/// Who asks: an administrator, or the app client by its secret if it has one. A secret that comes
/// must be right, whoever asks.
fn check_caller(
    ports: &Ports,
    client: &AppClient,
    secret: Option<&str>,
) -> Result<(), Failure<Op>> {
    if secret.is_none() && ports.caller.is_administrator {
        return Ok(());
    }
    if client.secrets.is_empty() {
        // Whoever held a token of one client could turn it into one of another. (The text is a belief.)
        return Err(not_authorized("Unable to authenticate the caller."));
    }
    secrets::check(client, secret).map_err(|refused| secret_refused(refused, client.id()))
}

/// The actor's token. (The texts here are beliefs, and so is that a type without a token is refused:
/// who sends it means to be named.)
fn actor(input: &GetDerivedTokenRequest) -> Result<Option<Shown<'_>>, Failure<Op>> {
    let provider = input.actor_token_provider_name.as_deref();
    match (&input.actor_token, input.actor_token_type) {
        (Some(token), Some(kind)) => Ok(Some(Shown { token, kind, provider })),
        (None, None) if provider.is_none() => Ok(None),
        (Some(_), None) => {
            Err(invalid_parameter("ActorTokenType is required when ActorToken is provided."))
        }
        (None, _) => Err(invalid_parameter("ActorToken is missing.")),
    }
}

/// Where the new token is to be used.
fn target(input: &GetDerivedTokenRequest) -> Result<Option<Target<'_>>, Failure<Op>> {
    let audience = input.audiences.as_deref().and_then(<[String]>::first);
    let resource = input.resources.as_deref().and_then(<[String]>::first);
    let is_id_token = input.requested_token_type == Some(IssuedTokenTypeIdentifierType::IdToken);
    if is_id_token && (audience.is_some() || resource.is_some()) {
        // An ID token is for its client: with another audience it would sign in elsewhere. (A belief,
        // and so is the text.)
        return Err(invalid_parameter(
            "Audiences and Resources cannot be used when an ID token is requested.",
        ));
    }
    match (audience, resource) {
        // The text is a belief.
        (Some(_), Some(_)) => {
            Err(invalid_parameter("Audiences and Resources cannot be used in the same request."))
        }
        (Some(name), None) => Ok(Some(Target::Audience(name))),
        (None, Some(identifier)) => Ok(Some(Target::Resource(identifier))),
        (None, None) => Ok(None),
    }
}

/// Beliefs: no text of this operation is on record.
fn refusal(refused: ExchangeRefused) -> Failure<Op> {
    match refused {
        ExchangeRefused::Trigger(failed) => trigger_failed(failed),
        ExchangeRefused::FlowNotEnabled(flow) => {
            let flow = flow.as_str().trim_start_matches("ALLOW_");
            invalid_parameter(format!("{flow} flow not enabled for this client"))
        }
        ExchangeRefused::NoProvider(Party::Subject) => {
            invalid_parameter("SubjectTokenProviderName is required for SAML2 tokens.")
        }
        ExchangeRefused::NoProvider(Party::Actor) => {
            invalid_parameter("ActorTokenProviderName is required for SAML2 tokens.")
        }
        ExchangeRefused::UnknownProvider(name) => Failure::new(
            codes::ResourceNotFoundException,
            format!("Identity provider {name} does not exist."),
        ),
        ExchangeRefused::Token(party, refused) => token_refused(party, refused),
        ExchangeRefused::UnknownResource(identifier) => Failure::new(
            codes::ResourceNotFoundException,
            format!("Resource server {identifier} does not exist."),
        ),
        ExchangeRefused::NothingGranted => {
            not_authorized("None of the requested scopes can be granted.")
        }
    }
}

/// What is said of a token that isn't accepted: the words of the token operations.
fn token_refused(party: Party, refused: TokenRefused) -> Failure<Op> {
    let token = match party {
        Party::Subject => "Subject Token",
        Party::Actor => "Actor Token",
    };
    not_authorized(match refused {
        TokenRefused::Invalid => format!("Invalid {token}"),
        TokenRefused::Expired => format!("{token} has expired"),
        TokenRefused::Revoked => format!("{token} has been revoked"),
        TokenRefused::MissingScope => format!("{token} does not have required scopes"),
        TokenRefused::UserDisabled => "User is disabled.".to_owned(),
        TokenRefused::UserGone => return crate::failure::user_not_found(),
    })
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::triggers::Trigger;
    use poolhouse_testkit::START;
    use serde_json::{Value, json};

    use super::super::{
        get_client_token::tests::{SECRET, machine},
        testing::{claims, resource_server},
    };
    use crate::testing::{Stack, error, invalid, merged, text};

    const OP: &str = "GetDerivedToken";
    const ADMIN: &str = "aws.cognito.signin.user.admin";

    /// A pool with the user `ada`, her tokens from one client, and another client that exchanges.
    struct Scene {
        stack: Stack,
        pool: String,
        app: String,
        tokens: Value,
        service: String,
    }

    impl Scene {
        async fn new() -> Self {
            let stack = Stack::new().await;
            let pool = stack.pool(json!({})).await;
            resource_server(&stack, &pool, "orders", &["read", "write"]).await;
            let app = stack.client(&pool, json!({})).await;
            stack.user(&pool, "ada", &[("email", "ada@example.com")]).await;
            let tokens = stack.tokens(&app, "ada").await;
            let service = json!({
                "ExplicitAuthFlows": [
                    "ALLOW_TOKEN_EXCHANGE_IMPERSONATION", "ALLOW_TOKEN_EXCHANGE_DELEGATION",
                ],
                "AllowedOAuthScopes": [ADMIN, "orders/read"], "ClientSecret": SECRET,
            });
            let service = stack.client(&pool, service).await;
            Self { stack, pool, app, tokens, service }
        }

        /// A request to exchange ada's access token.
        fn request(&self, overrides: Value) -> Value {
            let request = json!({
                "ClientId": self.service, "SubjectToken": self.tokens["AccessToken"],
                "SubjectTokenType": "ACCESS_TOKEN", "ClientSecret": SECRET,
            });
            merged(request, overrides)
        }

        async fn derived(&self, overrides: Value) -> (Value, Value) {
            let answer = self.stack.ok(OP, self.request(overrides)).await;
            let claims = claims(&self.stack, &self.pool, &answer["IssuedToken"]).await;
            (answer, claims)
        }

        async fn refusal(&self, overrides: Value) -> (String, String) {
            self.stack.refusal(OP, self.request(overrides)).await
        }

        async fn actor(&self) -> (String, Value) {
            let machine = machine(&self.stack, &self.pool, json!({})).await;
            let input = json!({ "ClientId": machine, "Secret": SECRET });
            let mut answer = self.stack.ok("GetClientToken", input).await;
            let token = answer["ClientAuthenticationResult"]["AccessToken"].take();
            (machine, json!({ "ActorToken": token, "ActorTokenType": "ACCESS_TOKEN" }))
        }
    }

    #[tokio::test]
    async fn a_function_says_what_the_token_tells() {
        let scene = Scene::new().await;
        let stack = &scene.stack;
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let config = json!({ "LambdaVersion": "V2_0", "LambdaArn": arn });
        let config = json!({ "PreTokenGenerationConfig": config });
        let update = json!({ "UserPoolId": scene.pool, "LambdaConfig": config });
        stack.ok("UpdateUserPool", update).await;
        let access = json!({
            "claimsToAddOrOverride": { "tenant": "t", "act": "forged" },
            "scopesToAdd": ["orders/read"],
        });
        let details = json!({ "accessTokenGeneration": access });
        let details = json!({ "claimsAndScopeOverrideDetails": details });
        stack.functions().respond(Trigger::PreTokenGeneration, details);
        let (_, actor) = scene.actor().await;
        stack.functions().clear();
        let (answer, derived) = scene.derived(actor).await;
        assert_eq!(derived["tenant"], "t");
        assert!(derived["act"]["sub"].is_string());
        assert_eq!(derived["scope"], format!("{ADMIN} orders/read"));
        assert_eq!(answer["Scopes"], json!([ADMIN, "orders/read"]));
        let [event] = &*stack.functions().events() else { panic!("one function is asked") };
        assert_eq!(event["triggerSource"], "TokenGeneration_RefreshTokens");
        assert_eq!(event["userName"], "ada");
        assert_eq!(event["callerContext"]["clientId"], json!(scene.service));
        stack.functions().throw(Trigger::PreTokenGeneration, "no");
        let refused = scene.refusal(json!({})).await;
        let text = "PreTokenGeneration failed with error no.";
        assert_eq!(refused, error("UserLambdaValidationException", text));
    }

    #[tokio::test]
    async fn without_an_actor_the_token_looks_as_if_the_user_had_come() {
        let scene = Scene::new().await;
        scene.stack.advance(100);
        let subject = claims(&scene.stack, &scene.pool, &scene.tokens["AccessToken"]).await;
        let (answer, derived) = scene.derived(json!({})).await;
        let expected = json!({
            "IssuedToken": answer["IssuedToken"], "IssuedTokenType": "ACCESS_TOKEN",
            "TokenType": "Bearer", "ExpiresIn": 3_500, "Scopes": [ADMIN],
        });
        assert_eq!(answer, expected);
        let expected = merged(
            subject.clone(),
            json!({
                "client_id": scene.service, "jti": derived["jti"], "iat": START.seconds() + 100,
            }),
        );
        assert_eq!(derived, expected);
        assert_ne!(derived["jti"], subject["jti"]);
        let input = json!({ "AccessToken": answer["IssuedToken"] });
        assert_eq!(scene.stack.ok("GetUser", input).await["Username"], "ada");
    }

    #[tokio::test]
    async fn with_an_actor_the_token_names_it_and_those_before() {
        let scene = Scene::new().await;
        let (machine, actor) = scene.actor().await;
        let (answer, derived) = scene.derived(actor.clone()).await;
        assert_eq!(derived["act"], json!({ "sub": machine }));
        let again = json!({ "SubjectToken": answer["IssuedToken"] });
        let (_, kept) = scene.derived(again.clone()).await;
        assert_eq!(kept["act"], derived["act"]);
        let by_user = json!({
            "ActorToken": scene.tokens["IdToken"], "ActorTokenType": "ID_TOKEN",
        });
        let (_, nested) = scene.derived(merged(again, by_user)).await;
        let expected = json!({ "sub": nested["sub"], "act": { "sub": machine } });
        assert_eq!(nested["act"], expected);
    }

    #[tokio::test]
    async fn an_id_token_can_be_had_and_given() {
        let scene = Scene::new().await;
        let given = json!({
            "SubjectToken": scene.tokens["IdToken"], "SubjectTokenType": "ID_TOKEN",
            "RequestedTokenType": "ID_TOKEN",
        });
        let (answer, derived) = scene.derived(given.clone()).await;
        assert_eq!((&answer["TokenType"], answer.get("Scopes")), (&json!("N_A"), None));
        assert_eq!(derived["token_use"], "id");
        assert_eq!(derived["aud"], scene.service);
        assert_eq!(derived["email"], "ada@example.com");
        let access = merged(given, json!({ "RequestedTokenType": "ACCESS_TOKEN" }));
        let (answer, derived) = scene.derived(access).await;
        assert_eq!((&answer["Scopes"], &derived["scope"]), (&json!([]), &json!("")));
        let wrong = json!({ "SubjectTokenType": "ID_TOKEN" });
        let expected = error("NotAuthorizedException", "Invalid Subject Token");
        assert_eq!(scene.refusal(wrong).await, expected);
    }

    #[tokio::test]
    async fn scopes_are_those_that_all_sides_have() {
        let scene = Scene::new().await;
        let (answer, derived) =
            scene.derived(json!({ "Scopes": [ADMIN, "orders/read", "orders/write", ADMIN] })).await;
        assert_eq!((&answer["Scopes"], &derived["scope"]), (&json!([ADMIN]), &json!(ADMIN)));
        let refused = scene.refusal(json!({ "Scopes": ["orders/read"] })).await;
        let expected =
            error("NotAuthorizedException", "None of the requested scopes can be granted.");
        assert_eq!(refused, expected);
    }

    #[tokio::test]
    async fn the_audience_is_any_name_or_a_resource_server() {
        let scene = Scene::new().await;
        let (_, derived) = scene.derived(json!({ "Audiences": ["https://billing"] })).await;
        assert_eq!(derived["aud"], "https://billing");
        let (_, derived) = scene.derived(json!({ "Resources": ["orders"], "Audiences": [] })).await;
        assert_eq!(derived["aud"], "orders");
        let refused = scene.refusal(json!({ "Resources": ["nothing"] })).await;
        let message = "Resource server nothing does not exist.";
        assert_eq!(refused, error("ResourceNotFoundException", message));
        let both = json!({ "Resources": ["orders"], "Audiences": ["x"] });
        let message = "Audiences and Resources cannot be used in the same request.";
        assert_eq!(scene.refusal(both).await, invalid(message));
    }

    #[tokio::test]
    async fn an_id_token_is_for_its_client_only() {
        let scene = Scene::new().await;
        let message = "Audiences and Resources cannot be used when an ID token is requested.";
        for target in [json!({ "Audiences": [scene.app] }), json!({ "Resources": ["orders"] })] {
            let asked = json!({
                "SubjectToken": scene.tokens["IdToken"], "SubjectTokenType": "ID_TOKEN",
                "RequestedTokenType": "ID_TOKEN",
            });
            assert_eq!(scene.refusal(merged(asked, target)).await, invalid(message));
        }
    }

    #[tokio::test]
    async fn a_client_without_secret_exchanges_for_administrators_only() {
        let scene = Scene::new().await;
        let flows = json!({ "ExplicitAuthFlows": ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION"] });
        let client = scene.stack.client(&scene.pool, flows).await;
        let request = scene.request(json!({ "ClientId": client, "ClientSecret": null }));
        let expected = error("NotAuthorizedException", "Unable to authenticate the caller.");
        assert_eq!(scene.stack.refusal(OP, request.clone()).await, expected);
        let signed = [("authorization", "AWS4-HMAC-SHA256 …")];
        assert_eq!(scene.stack.call_with(OP, request, &signed).await.status, 200);
    }

    #[tokio::test]
    async fn each_kind_of_exchange_has_its_own_switch() {
        let scene = Scene::new().await;
        let (_, actor) = scene.actor().await;
        for (allowed, refused, overrides) in
            [("DELEGATION", "IMPERSONATION", json!({})), ("IMPERSONATION", "DELEGATION", actor)]
        {
            let flows = json!({
                "ExplicitAuthFlows": [format!("ALLOW_TOKEN_EXCHANGE_{allowed}")],
                "ClientSecret": SECRET,
            });
            let client = scene.stack.client(&scene.pool, flows).await;
            let message = format!("TOKEN_EXCHANGE_{refused} flow not enabled for this client");
            let request = merged(overrides, json!({ "ClientId": client }));
            assert_eq!(scene.refusal(request).await, invalid(&message));
        }
    }

    #[tokio::test]
    async fn a_derived_token_dies_with_the_sign_in_and_prolongs_nothing() {
        let scene = Scene::new().await;
        let (answer, _) = scene.derived(json!({})).await;
        let input = json!({ "ClientId": scene.app, "Token": scene.tokens["RefreshToken"] });
        scene.stack.ok("RevokeToken", input).await;
        let input = json!({ "AccessToken": answer["IssuedToken"] });
        let refused = scene.stack.refusal("GetUser", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
        let refused = scene.refusal(json!({})).await;
        assert_eq!(refused, error("NotAuthorizedException", "Subject Token has been revoked"));

        let tokens = scene.stack.tokens(&scene.app, "ada").await;
        scene.stack.advance(3_599);
        let subject = json!({ "SubjectToken": tokens["AccessToken"] });
        let (answer, _) = scene.derived(subject.clone()).await;
        assert_eq!(answer["ExpiresIn"], 1);
        scene.stack.advance(1);
        let refused = scene.refusal(subject).await;
        assert_eq!(refused, error("NotAuthorizedException", "Subject Token has expired"));
    }

    #[tokio::test]
    async fn users_who_are_gone_and_foreign_tokens_are_refused() {
        let scene = Scene::new().await;
        let invalid_token = error("NotAuthorizedException", "Invalid Subject Token");
        let pool = scene.stack.pool(json!({})).await;
        let client = scene.stack.client(&pool, json!({})).await;
        scene.stack.user(&pool, "ada", &[]).await;
        let foreign = scene.stack.access_token(&client, "ada").await;
        assert_eq!(scene.refusal(json!({ "SubjectToken": foreign })).await, invalid_token);
        assert_eq!(scene.refusal(json!({ "SubjectToken": "a.b.c" })).await, invalid_token);
        let (_, actor) = scene.actor().await;
        let machine = json!({ "SubjectToken": actor["ActorToken"] });
        assert_eq!(scene.refusal(machine).await, invalid_token);
        let bad = json!({ "ActorToken": "a.b.c", "ActorTokenType": "ACCESS_TOKEN" });
        let expected = error("NotAuthorizedException", "Invalid Actor Token");
        assert_eq!(scene.refusal(bad).await, expected);
        let ada = json!({ "UserPoolId": scene.pool, "Username": "ada" });
        scene.stack.ok("AdminDeleteUser", ada).await;
        let expected = error("UserNotFoundException", "User does not exist.");
        assert_eq!(scene.refusal(json!({})).await, expected);
    }

    #[tokio::test]
    async fn tokens_of_identity_providers_need_one_that_exists() {
        let scene = Scene::new().await;
        let named = json!({ "SubjectTokenProviderName": "Corp" });
        let message = "Identity provider Corp does not exist.";
        assert_eq!(scene.refusal(named).await, error("ResourceNotFoundException", message));
        let message = "SubjectTokenProviderName is required for SAML2 tokens.";
        let refused = scene.refusal(json!({ "SubjectTokenType": "SAML2" })).await;
        assert_eq!(refused, invalid(message));
        let untyped = json!({ "ActorToken": "a.b.c" });
        let message = "ActorTokenType is required when ActorToken is provided.";
        assert_eq!(scene.refusal(untyped).await, invalid(message));
        let missing = json!({ "ActorTokenType": "ID_TOKEN" });
        assert_eq!(scene.refusal(missing).await, invalid("ActorToken is missing."));
    }

    #[tokio::test]
    async fn a_client_with_a_secret_shows_it_unless_an_administrator_asks() {
        let scene = Scene::new().await;
        let flows = json!({
            "ExplicitAuthFlows": ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION"], "ClientSecret": SECRET,
        });
        let client = scene.stack.client(&scene.pool, flows).await;
        let with =
            |secret: Value| scene.request(json!({ "ClientId": client, "ClientSecret": secret }));
        let missing =
            format!("Client {client} is configured for secret but secret was not received");
        let refused = scene.stack.refusal(OP, with(Value::Null)).await;
        assert_eq!(refused, error("NotAuthorizedException", &missing));
        let wrong = format!("Unable to verify secret for client {client}");
        let wrong = error("NotAuthorizedException", &wrong);
        assert_eq!(scene.stack.refusal(OP, with(json!("x".repeat(24)))).await, wrong);
        scene.stack.ok(OP, with(json!(SECRET))).await;
        let signed = [("authorization", "AWS4-HMAC-SHA256 …")];
        assert_eq!(scene.stack.call_with(OP, with(Value::Null), &signed).await.status, 200);
        let answer = scene.stack.call_with(OP, with(json!("x".repeat(24))), &signed).await;
        assert_eq!(text(&answer.body["message"]), wrong.1);
    }
}
