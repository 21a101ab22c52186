//! `CreateIdentityProvider`: somebody else who may vouch for the users of a pool.

use poolhouse_domain::{
    identity_providers::{self, ProviderRefused},
    ports::Ports,
    shapes::{CreateIdentityProviderRequest, CreateIdentityProviderResponse},
};
use poolhouse_wire::{codes, operations::CreateIdentityProvider as Op};

use super::{settings_refused, stored};
use crate::{
    failure::{Answer, Failure},
    lookup::{self, no_user_pool},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateIdentityProviderRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let names_identifiers = input.idp_identifiers.is_some();
        let draft = identity_providers::draft(ports, &pool, input).await?;
        let provider = draft.map_err(|refused| refusal(&refused))?;
        let mut tx = ports.store.write().await?;
        if tx.user_pool(pool.id()).await?.is_none() {
            return Err(no_user_pool(pool.id()).into());
        }
        let inserted = identity_providers::insert(&mut *tx, &provider).await?;
        inserted.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        let shown = stored(&provider, names_identifiers);
        Ok(CreateIdentityProviderResponse { identity_provider: shown })
    }
}

fn refusal(refused: &ProviderRefused) -> Failure<Op> {
    match refused {
        ProviderRefused::NameTaken { .. } => {
            Failure::new(codes::DuplicateProviderException, refused.to_string())
        }
        ProviderRefused::TooMany => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => settings_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{
        METADATA, created, google, oidc, oidc_details, saml, without_nulls,
    };
    use crate::testing::{Stack, error, invalid, merged, text};

    const NOW: f64 = 1_767_225_600.123;
    const DISCOVERY: &str = "https://idp.example.com/.well-known/openid-configuration";

    #[tokio::test]
    async fn an_openid_provider_is_shown_with_its_secret() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = oidc(
            &pool,
            "Corp",
            json!({
                "AttributeMapping": { "email": "mail" }, "IdpIdentifiers": ["b", "a", "b"],
                "AcrMapping": { "Level1": "urn:low" },
            }),
        );
        let expected = json!({
            "UserPoolId": pool, "ProviderName": "Corp", "ProviderType": "OIDC",
            "ProviderDetails":
                oidc_details(json!({ "attributes_url_add_attributes": "false" })),
            "AttributeMapping": { "email": "mail", "username": "sub" },
            "IdpIdentifiers": ["a", "b"], "AcrMapping": { "Level1": "urn:low" },
            "LastModifiedDate": NOW, "CreationDate": NOW,
        });
        assert_eq!(created(&stack, input).await, expected);
        assert!(stack.fetcher().asked().is_empty(), "all addresses were given");
        let bare = oidc(&pool, "Bare", json!({}));
        let bare = created(&stack, bare).await;
        assert_eq!(bare["AttributeMapping"], json!({ "username": "sub" }));
        assert_eq!((&bare["IdpIdentifiers"], bare.get("AcrMapping")), (&json!([]), None));
        let unmapped = oidc(&pool, "Unmapped", json!({ "AttributeMapping": {} }));
        assert_eq!(created(&stack, unmapped).await["AttributeMapping"], json!({}));
    }

    #[tokio::test]
    async fn endpoints_that_are_not_given_are_discovered() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let document = json!({
            "issuer": "https://idp.example.com",
            "authorization_endpoint": "https://found.example.com/authorize",
            "token_endpoint": "https://found.example.com/token",
            "userinfo_endpoint": "https://found.example.com/userinfo",
            "jwks_uri": "https://found.example.com/jwks",
        });
        stack.fetcher().serve(DISCOVERY, document.to_string());
        let details = oidc_details(json!({
            "authorize_url": null, "token_url": "", "jwks_uri": null, "client_secret": null,
            "oidc_issuer": "https://idp.example.com/",
        }));
        let made =
            created(&stack, oidc(&pool, "Corp", json!({ "ProviderDetails": details }))).await;
        let expected = oidc_details(json!({
            "authorize_url": "https://found.example.com/authorize", "client_secret": null,
            "token_url": "https://found.example.com/token",
            "jwks_uri": "https://found.example.com/jwks",
            "oidc_issuer": "https://idp.example.com/", "attributes_url_add_attributes": "false",
        }));
        assert_eq!(made["ProviderDetails"], expected);
        assert_eq!(stack.fetcher().asked(), [DISCOVERY]);
    }

    #[tokio::test]
    async fn a_provider_that_cannot_be_discovered_is_refused_and_not_stored() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let details = oidc_details(json!({ "jwks_uri": null }));
        let input = oidc(&pool, "Corp", json!({ "ProviderDetails": details }));
        let unreachable = invalid("Unable to contact well-known endpoint");
        assert_eq!(stack.refusal("CreateIdentityProvider", input.clone()).await, unreachable);
        for document in ["no json".to_owned(), "{}".to_owned(), " ".repeat(70_000)] {
            stack.fetcher().serve(DISCOVERY, document);
            assert_eq!(stack.refusal("CreateIdentityProvider", input.clone()).await, unreachable);
        }
        let document = json!({ "jwks_uri": "http://idp.example.com/jwks" });
        stack.fetcher().serve(DISCOVERY, document.to_string());
        let insecure = invalid("OIDC endpoint must start with https://");
        assert_eq!(stack.refusal("CreateIdentityProvider", input).await, insecure);
        let list = stack.ok("ListIdentityProviders", json!({ "UserPoolId": pool })).await;
        assert_eq!(list, json!({ "Providers": [] }));
    }

    #[tokio::test]
    async fn an_openid_provider_needs_its_details() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let incomplete = "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all \
                          required idp details.";
        let insecure = "OIDC endpoint must start with https://";
        let method = "1 validation error detected: Value 'PUT' at \
                      'providerConfiguration.oidcConfig.attributesRequestMethod' failed to satisfy constraint: Member must satisfy enum value set: [POST, GET]";
        for (change, message) in [
            (json!({ "client_id": null }), incomplete),
            (json!({ "authorize_scopes": " " }), incomplete),
            (json!({ "oidc_issuer": null }), incomplete),
            (json!({ "attributes_request_method": null }), incomplete),
            (json!({ "attributes_request_method": "PUT" }), method),
            (json!({ "oidc_issuer": "http://idp.example.com" }), insecure),
            (json!({ "oidc_issuer": "idp.example.com" }), insecure),
            (json!({ "token_url": "http://localhost/token" }), insecure),
        ] {
            let input = oidc(&pool, "Corp", json!({ "ProviderDetails": oidc_details(change) }));
            assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        }
    }

    #[tokio::test]
    async fn a_server_at_home_takes_plain_addresses_of_its_own_network() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.fetcher().allow_plain_http();
        for (number, host) in
            ["localhost:8080", "keycloak", "127.0.0.1:1", "[::1]", "a.localhost"].iter().enumerate()
        {
            let change = json!({ "oidc_issuer": format!("http://{host}") });
            let details = json!({ "ProviderDetails": oidc_details(change) });
            created(&stack, oidc(&pool, &format!("Corp{number}"), details)).await;
        }
        let change = json!({ "oidc_issuer": "http://idp.example.com" });
        let input = oidc(&pool, "Corp", json!({ "ProviderDetails": oidc_details(change) }));
        let insecure = invalid("OIDC endpoint must start with https://");
        assert_eq!(stack.refusal("CreateIdentityProvider", input).await, insecure);
    }

    #[tokio::test]
    async fn social_networks_are_completed() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let given = json!({ "client_id": "app", "client_secret": "hush", "authorize_scopes": "s" });
        let facebook = |version: &str| {
            json!({
                "attributes_url": format!("https://graph.facebook.com/{version}/me?fields="),
                "attributes_url_add_attributes": "true",
                "authorize_url": format!("https://www.facebook.com/{version}/dialog/oauth"),
                "token_request_method": "GET",
                "token_url": format!("https://graph.facebook.com/{version}/oauth/access_token"),
            })
        };
        let google = json!({
            "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
            "attributes_url_add_attributes": "true",
            "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
            "oidc_issuer": "https://accounts.google.com", "token_request_method": "POST",
            "token_url": "https://www.googleapis.com/oauth2/v4/token",
        });
        let amazon = json!({
            "attributes_url": "https://api.amazon.com/user/profile",
            "attributes_url_add_attributes": "false",
            "authorize_url": "https://www.amazon.com/ap/oa", "token_request_method": "POST",
            "token_url": "https://api.amazon.com/auth/o2/token",
        });
        let older = json!({ "api_version": "v9.0" });
        for (name, more, added, claim) in [
            ("Google", json!({}), google, "sub"),
            ("LoginWithAmazon", json!({}), amazon, "user_id"),
            ("Facebook", json!({}), facebook("v17.0"), "id"),
            ("Facebook", older.clone(), facebook("v9.0"), "id"),
        ] {
            let given = merged(given.clone(), more);
            let input = json!({
                "UserPoolId": pool, "ProviderName": name, "ProviderType": name,
                "ProviderDetails": given,
            });
            let made = created(&stack, input).await;
            assert_eq!(made["ProviderDetails"], merged(given, added));
            assert_eq!(made["AttributeMapping"], json!({ "username": claim }));
            let names = json!({ "UserPoolId": pool, "ProviderName": name });
            stack.call("DeleteIdentityProvider", names).await;
        }
        let message = "clientId, clientSecret and authorizeScopes are all required idp details.";
        for missing in ["client_id", "client_secret", "authorize_scopes"] {
            let details = without_nulls(merged(given.clone(), json!({ missing: null })));
            let input = json!({
                "UserPoolId": pool, "ProviderName": "Google", "ProviderType": "Google",
                "ProviderDetails": details,
            });
            assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        }
    }

    #[tokio::test]
    async fn apple_keeps_its_private_key_to_itself() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let given = json!({
            "client_id": "app", "team_id": "t", "key_id": "k", "authorize_scopes": "email name",
            "private_key": "planted-private-key",
        });
        let input = json!({
            "UserPoolId": pool, "ProviderName": "SignInWithApple", "ProviderDetails": given,
            "ProviderType": "SignInWithApple",
        });
        for missing in ["client_id", "team_id", "key_id", "private_key", "authorize_scopes"] {
            let details = without_nulls(merged(given.clone(), json!({ missing: null })));
            let input = merged(input.clone(), json!({ "ProviderDetails": details }));
            let message = "clientId, privateKey, teamId, and keyId are all required idp details.";
            assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        }
        let made = created(&stack, input).await;
        let expected = json!({
            "client_id": "app", "team_id": "t", "key_id": "k", "authorize_scopes": "email name",
            "attributes_url_add_attributes": "false", "token_request_method": "POST",
            "authorize_url": "https://appleid.apple.com/auth/authorize",
            "oidc_issuer": "https://appleid.apple.com",
            "token_url": "https://appleid.apple.com/auth/token",
        });
        assert_eq!(made["ProviderDetails"], expected);
        let mut view = stack.ports.store.read().await.unwrap();
        let stored = view.identity_provider(&pool, "SignInWithApple").await.unwrap().unwrap();
        assert_eq!(stored.secrets.private_key.as_deref(), Some("planted-private-key"));
    }

    #[tokio::test]
    async fn saml_metadata_is_read_from_the_request_or_from_its_address() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let made = created(&stack, saml(&pool, "File", json!({ "IDPInit": "true" }))).await;
        let details = json!({
            "MetadataFile": METADATA, "IDPInit": "true", "IDPSignout": "false",
            "SSORedirectBindingURI": "https://idp.example.com/sso",
            "SLORedirectBindingURI": "https://idp.example.com/slo",
        });
        assert_eq!(made["ProviderDetails"], details);
        assert_eq!(made.get("AttributeMapping"), None);
        let url = "https://idp.example.com/metadata";
        stack.fetcher().serve(url, METADATA);
        let given = json!({ "MetadataFile": null, "MetadataURL": url, "IDPSignout": "true" });
        let made = created(&stack, saml(&pool, "Address", given)).await;
        let details = json!({
            "MetadataURL": url, "IDPSignout": "true",
            "SSORedirectBindingURI": "https://idp.example.com/sso",
            "SLORedirectBindingURI": "https://idp.example.com/slo",
        });
        assert_eq!(made["ProviderDetails"], details);
        let mut view = stack.ports.store.read().await.unwrap();
        let stored = view.identity_provider(&pool, "Address").await.unwrap().unwrap();
        let metadata = stored.saml.unwrap();
        assert_eq!(metadata.entity_id, "https://idp.example.com/saml");
        assert_eq!(metadata.signing_certificates, ["MIIBAA=="]);
    }

    #[tokio::test]
    async fn saml_that_cannot_be_had_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let url = "https://idp.example.com/metadata";
        let plain = "http://idp.example.com/metadata";
        stack.fetcher().serve(plain, METADATA);
        let without_sso = METADATA.replace("SingleSignOnService", "Other");
        for (details, message) in [
            (
                json!({ "MetadataFile": null }),
                "At least one of the MetadataURL or MetadataFile should be provided.",
            ),
            (
                json!({ "MetadataURL": url }),
                "Only one of the MetadataURL or MetadataFile should be provided.",
            ),
            (
                json!({ "MetadataFile": null, "MetadataURL": url }),
                "Error retrieving metadata from https://idp.example.com/metadata",
            ),
            (
                json!({ "MetadataFile": null, "MetadataURL": plain }),
                "Error retrieving metadata from http://idp.example.com/metadata",
            ),
            (
                json!({ "MetadataFile": "<a/>" }),
                "Invalid SAML metadata: the document has no EntityDescriptor with an \
                 IDPSSODescriptor.",
            ),
            (
                json!({ "MetadataFile": without_sso }),
                "Invalid SAML metadata: the document has no SingleSignOnService with the \
                 HTTP-Redirect binding.",
            ),
            (json!({ "IDPInit": "yes" }), "Invalid value yes for idp detail IDPInit."),
            (
                json!({ "RequestSigningAlgorithm": "rsa-sha1" }),
                "Invalid value rsa-sha1 for idp detail RequestSigningAlgorithm.",
            ),
        ] {
            let input = saml(&pool, "Corp", details);
            assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        }
        assert_eq!(stack.fetcher().asked(), [url], "nobody is asked in the clear");
    }

    #[tokio::test]
    async fn encrypted_responses_come_with_a_certificate() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let details = json!({ "EncryptedResponses": "true", "ActiveEncryptionCertificate": "x" });
        let made = created(&stack, saml(&pool, "Corp", details)).await;
        let certificate = text(&made["ProviderDetails"]["ActiveEncryptionCertificate"]);
        assert!(certificate.starts_with("MII"), "{certificate}");
        let mut view = stack.ports.store.read().await.unwrap();
        let stored = view.identity_provider(&pool, "Corp").await.unwrap().unwrap();
        assert!(stored.secrets.decryption_key.is_some());
        let made = created(&stack, saml(&pool, "Open", json!({}))).await;
        assert_eq!(made["ProviderDetails"].get("ActiveEncryptionCertificate"), None);
    }

    #[tokio::test]
    async fn names_belong_to_one_provider_and_to_one_type() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        created(&stack, oidc(&pool, "Corp", json!({}))).await;
        let message = format!("Corp already exists for tenant {pool}.");
        assert_eq!(
            stack.refusal("CreateIdentityProvider", saml(&pool, "Corp", json!({}))).await,
            error("DuplicateProviderException", &message)
        );
        created(&stack, oidc(&other, "Corp", json!({}))).await;
        for (name, kind) in [("Corp2", "Google"), ("Google", "OIDC"), ("COGNITO", "OIDC")] {
            let input =
                merged(google(&pool), json!({ "ProviderName": name, "ProviderType": kind }));
            let message = format!("Provider {name} cannot be of type {kind}.");
            assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(&message));
        }
    }

    #[tokio::test]
    async fn identifiers_belong_to_one_provider_of_the_pool() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let identifiers = json!({ "IdpIdentifiers": ["example.com"] });
        created(&stack, oidc(&pool, "Corp", identifiers.clone())).await;
        created(&stack, oidc(&other, "Corp", identifiers.clone())).await;
        let input = oidc(&pool, "Corp2", identifiers);
        let message = "The identifier example.com is already in use by another identity provider.";
        assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        let names = json!({ "UserPoolId": pool, "ProviderName": "Corp2" });
        assert_eq!(
            stack.refusal("DescribeIdentityProvider", names).await,
            error(
                "ResourceNotFoundException",
                &format!("Identity provider Corp2 for tenantId {pool} does not exist.")
            )
        );
    }

    #[tokio::test]
    async fn mappings_go_to_attributes_of_the_pool_and_levels_to_openid_providers() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "team", "AttributeDataType": "String" }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let mapping = json!({ "AttributeMapping": { "custom:team": "t", "username": "uid" } });
        let made = created(&stack, oidc(&pool, "Corp", mapping.clone())).await;
        assert_eq!(made["AttributeMapping"], mapping["AttributeMapping"]);
        let input = oidc(&pool, "Corp2", json!({ "AttributeMapping": { "custom:x": "t" } }));
        let message =
            "Attribute mapping names custom:x, which does not exist in the user pool schema.";
        assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
        let levels = json!({ "AcrMapping": { "Level1": "low" } });
        let input = merged(google(&pool), levels);
        let message = "AcrMapping is supported for OIDC identity providers only.";
        assert_eq!(stack.refusal("CreateIdentityProvider", input).await, invalid(message));
    }

    #[tokio::test]
    async fn a_pool_has_three_hundred_at_most() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = |number: u32| oidc(&pool, &format!("Corp{number}"), json!({}));
        for number in 0..300 {
            stack.ok("CreateIdentityProvider", input(number)).await;
        }
        let message = "Exceeded the limit of 300 identity providers per user pool.";
        assert_eq!(
            stack.refusal("CreateIdentityProvider", input(300)).await,
            error("LimitExceededException", message)
        );
        let answer = stack.refusal("CreateIdentityProvider", input(7)).await;
        assert_eq!(answer.0, "DuplicateProviderException");
    }

    #[tokio::test]
    async fn app_clients_may_name_the_providers_that_are_there() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        created(&stack, oidc(&pool, "Corp", json!({}))).await;
        created(&stack, google(&pool)).await;
        let input = |providers: Value| {
            json!({
                "UserPoolId": pool, "ClientName": "c", "SupportedIdentityProviders": providers,
            })
        };
        let wanted = json!(["COGNITO", "Google", "Corp"]);
        let client = stack.ok("CreateUserPoolClient", input(wanted)).await;
        let client = &client["UserPoolClient"];
        assert_eq!(client["SupportedIdentityProviders"].as_array().unwrap().len(), 3);
        let update = json!({
            "UserPoolId": pool, "ClientId": client["ClientId"],
            "SupportedIdentityProviders": ["corp"],
        });
        let message = format!("The provider corp does not exist for User Pool {pool}.");
        assert_eq!(stack.refusal("UpdateUserPoolClient", update).await, invalid(&message));
        let message = format!("The provider SignInWithApple does not exist for User Pool {pool}.");
        let input = input(json!(["Corp", "SignInWithApple"]));
        assert_eq!(stack.refusal("CreateUserPoolClient", input).await, invalid(&message));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        assert_eq!(
            stack
                .refusal("CreateIdentityProvider", oidc("us-east-1_Nowhere12", "Corp", json!({})))
                .await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
