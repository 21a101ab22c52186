//! `UpdateIdentityProvider`: replaces those settings of an identity provider that are given.

use poolhouse_domain::{
    identity_providers,
    ports::Ports,
    shapes::{UpdateIdentityProviderRequest, UpdateIdentityProviderResponse},
};
use poolhouse_wire::operations::UpdateIdentityProvider as Op;

use super::{not_in_pool, settings_refused, stored};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateIdentityProviderRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let found = view.identity_provider(pool.id(), &input.provider_name).await?;
        let provider = found.ok_or_else(|| not_in_pool(&input.provider_name, pool.id()))?;
        drop(view);
        let names_identifiers = input.idp_identifiers.is_some();
        let changed = identity_providers::changed(ports, &pool, provider, input).await?;
        let mut provider = changed.map_err(|refused| settings_refused(&refused))?;
        let mut tx = ports.store.write().await?;
        let replaced = identity_providers::replace(&mut *tx, &mut provider).await?;
        replaced.map_err(|refused| settings_refused(&refused))?;
        tx.commit().await?;
        let shown = stored(&provider, names_identifiers);
        Ok(UpdateIdentityProviderResponse { identity_provider: shown })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{METADATA, created, oidc, oidc_details, saml};
    use crate::testing::{Stack, error, invalid, merged};

    /// Updates a provider and answers what `Describe` shows afterwards, which must be what the update
    /// answered, but for identifiers that it did not name.
    async fn updated(stack: &Stack, pool: &str, name: &str, members: Value) -> Value {
        let names = json!({ "UserPoolId": pool, "ProviderName": name });
        let input = merged(names.clone(), members);
        let answer = stack.ok("UpdateIdentityProvider", input.clone()).await;
        let mut shown = stack.ok("DescribeIdentityProvider", names).await;
        let mut expected = shown.clone();
        if input.get("IdpIdentifiers").is_none() {
            expected["IdentityProvider"].as_object_mut().unwrap().remove("IdpIdentifiers");
        }
        assert_eq!(answer, expected);
        shown["IdentityProvider"].take()
    }

    #[tokio::test]
    async fn what_is_given_replaces_as_a_whole_and_what_is_omitted_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let settings = json!({
            "AttributeMapping": { "email": "mail", "name": "cn" }, "IdpIdentifiers": ["a"],
            "AcrMapping": { "Level1": "low" },
        });
        let made = created(&stack, oidc(&pool, "Corp", settings)).await;
        stack.advance(10);
        let moved = json!({ "LastModifiedDate": 1_767_225_610.123 });
        let expected = merged(made, moved);
        assert_eq!(updated(&stack, &pool, "Corp", json!({})).await, expected);

        let change = json!({ "AttributeMapping": { "email": "e" } });
        let mapping = json!({ "AttributeMapping": { "email": "e", "username": "sub" } });
        let expected = merged(expected, mapping);
        assert_eq!(updated(&stack, &pool, "Corp", change).await, expected);

        let change = json!({ "IdpIdentifiers": ["b"] });
        let expected = merged(expected, change.clone());
        assert_eq!(updated(&stack, &pool, "Corp", change).await, expected);

        let details = oidc_details(json!({ "client_id": "other", "client_secret": null }));
        let change = json!({ "ProviderDetails": details });
        let shown = merged(details, json!({ "attributes_url_add_attributes": "false" }));
        let expected = merged(expected, json!({ "ProviderDetails": shown }));
        assert_eq!(updated(&stack, &pool, "Corp", change).await, expected);

        let change = json!({ "AcrMapping": {}, "IdpIdentifiers": [], "AttributeMapping": {} });
        let shown = updated(&stack, &pool, "Corp", change).await;
        assert_eq!((shown.get("AcrMapping"), &shown["IdpIdentifiers"]), (None, &json!([])));
        assert_eq!(shown["AttributeMapping"], json!({}), "not even the name of the user is left");
        // What is no longer in use may be taken by another.
        created(&stack, oidc(&pool, "Next", json!({ "IdpIdentifiers": ["a", "b"] }))).await;
    }

    #[tokio::test]
    async fn what_was_shown_can_be_sent_back() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let details = json!({ "EncryptedResponses": "true" });
        let made = created(&stack, saml(&pool, "Corp", details)).await;
        let change = json!({ "ProviderDetails": made["ProviderDetails"] });
        let again = updated(&stack, &pool, "Corp", change).await;
        assert_eq!(again, made, "the encryption certificate stays");
        let details = json!({
            "client_id": "app", "team_id": "t", "key_id": "k", "authorize_scopes": "email name",
            "private_key": "kept",
        });
        let input = json!({
            "UserPoolId": pool, "ProviderName": "SignInWithApple", "ProviderDetails": details,
            "ProviderType": "SignInWithApple",
        });
        let made = created(&stack, input).await;
        let change = json!({ "ProviderDetails": made["ProviderDetails"] });
        assert_eq!(updated(&stack, &pool, "SignInWithApple", change).await, made);
        let mut view = stack.ports.store.read().await.unwrap();
        let stored = view.identity_provider(&pool, "SignInWithApple").await.unwrap().unwrap();
        assert_eq!(stored.secrets.private_key.as_deref(), Some("kept"));
    }

    #[tokio::test]
    async fn metadata_is_read_again() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let url = "https://idp.example.com/metadata";
        stack.fetcher().serve(url, METADATA);
        let details = json!({ "MetadataURL": url });
        let input = saml(&pool, "Corp", merged(details.clone(), json!({ "MetadataFile": null })));
        created(&stack, input).await;
        let newer = METADATA.replace("/sso", "/newer").replace("SingleLogoutService", "Other");
        stack.fetcher().serve(url, newer);
        let change = json!({ "ProviderDetails": details });
        let shown = updated(&stack, &pool, "Corp", change.clone()).await;
        let expected = json!({
            "MetadataURL": url, "IDPSignout": "false",
            "SSORedirectBindingURI": "https://idp.example.com/newer",
        });
        assert_eq!(shown["ProviderDetails"], expected);
        stack.fetcher().take_down(url);
        let input = merged(json!({ "UserPoolId": pool, "ProviderName": "Corp" }), change);
        let message = format!("Error retrieving metadata from {url}");
        assert_eq!(stack.refusal("UpdateIdentityProvider", input).await, invalid(&message));
        let names = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
        let kept = stack.ok("DescribeIdentityProvider", names).await;
        assert_eq!(kept["IdentityProvider"], shown);
    }

    #[tokio::test]
    async fn settings_that_cannot_be_had_change_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        created(&stack, oidc(&pool, "Other", json!({ "IdpIdentifiers": ["taken"] }))).await;
        let own = json!({ "IdpIdentifiers": ["own"] });
        let made = created(&stack, oidc(&pool, "Corp", own)).await;
        let names = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
        for (change, message) in [
            (
                json!({ "IdpIdentifiers": ["new", "taken"] }),
                "The identifier taken is already in use by another identity provider.",
            ),
            (
                json!({ "AttributeMapping": { "x": "y" } }),
                "Attribute mapping names x, which does not exist in the user pool schema.",
            ),
            (
                json!({ "ProviderDetails": { "client_id": "app" } }),
                "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all \
                 required idp details.",
            ),
        ] {
            let input = merged(names.clone(), change);
            assert_eq!(stack.refusal("UpdateIdentityProvider", input).await, invalid(message));
            let shown = stack.ok("DescribeIdentityProvider", names.clone()).await;
            assert_eq!(shown["IdentityProvider"], made);
        }
        let input = json!({ "UserPoolId": pool, "IdpIdentifier": "own" });
        stack.ok("GetIdentityProviderByIdentifier", input).await;
    }

    #[tokio::test]
    async fn unknown_providers_and_pools_are_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let missing = format!("Identity provider Corp in User Pool {pool} does not exist.");
        for (pool, message) in [
            (pool.as_str(), missing.as_str()),
            ("us-east-1_Nowhere12", "User pool us-east-1_Nowhere12 does not exist."),
        ] {
            let input = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
            assert_eq!(
                stack.refusal("UpdateIdentityProvider", input).await,
                error("ResourceNotFoundException", message)
            );
        }
    }
}
