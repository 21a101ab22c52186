//! Providers and documents for the tests at the foot of the operation files.

use poolhouse_domain::identity_providers::links::LinkedIdentity;
use serde_json::{Value, json};

use crate::testing::{Stack, merged};

/// The metadata of a SAML provider.
pub(super) const METADATA: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
    entityID="https://idp.example.com/saml">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
      <ds:X509Data><ds:X509Certificate>MIIBAA==</ds:X509Certificate></ds:X509Data>
    </ds:KeyInfo></md:KeyDescriptor>
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
        Location="https://idp.example.com/slo"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
        Location="https://idp.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"#;

/// `CreateIdentityProvider` for an OpenID provider that says where all its endpoints are.
pub(super) fn oidc(pool: &str, name: &str, overrides: Value) -> Value {
    let input = json!({
        "UserPoolId": pool, "ProviderName": name, "ProviderType": "OIDC",
        "ProviderDetails": oidc_details(json!({})),
    });
    merged(input, overrides)
}

/// The details of such a provider.
pub(super) fn oidc_details(overrides: Value) -> Value {
    let details = json!({
        "client_id": "app", "client_secret": "hush", "authorize_scopes": "openid email",
        "oidc_issuer": "https://idp.example.com", "attributes_request_method": "GET",
        "authorize_url": "https://idp.example.com/authorize",
        "token_url": "https://idp.example.com/token",
        "attributes_url": "https://idp.example.com/userinfo",
        "jwks_uri": "https://idp.example.com/jwks",
    });
    without_nulls(merged(details, overrides))
}

/// `CreateIdentityProvider` for a SAML provider with metadata in the request.
pub(super) fn saml(pool: &str, name: &str, details: Value) -> Value {
    let details = without_nulls(merged(json!({ "MetadataFile": METADATA }), details));
    json!({
        "UserPoolId": pool, "ProviderName": name, "ProviderType": "SAML",
        "ProviderDetails": details,
    })
}

/// `CreateIdentityProvider` for Google.
pub(super) fn google(pool: &str) -> Value {
    json!({
        "UserPoolId": pool, "ProviderName": "Google", "ProviderType": "Google",
        "ProviderDetails": {
            "client_id": "app", "client_secret": "hush", "authorize_scopes": "openid email",
        },
    })
}

/// A map without the members that are null, which it can't have.
pub(super) fn without_nulls(mut map: Value) -> Value {
    map.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    map
}

/// Makes a provider and answers what `Describe` shows, which must be what the creation answered, but
/// for identifiers that it did not name.
pub(super) async fn created(stack: &Stack, input: Value) -> Value {
    let made = stack.ok("CreateIdentityProvider", input.clone()).await;
    let names = json!({ "UserPoolId": input["UserPoolId"], "ProviderName": input["ProviderName"] });
    let mut shown = stack.ok("DescribeIdentityProvider", names).await;
    let mut expected = shown.clone();
    if input.get("IdpIdentifiers").is_none() {
        expected["IdentityProvider"].as_object_mut().unwrap().remove("IdpIdentifiers");
    }
    assert_eq!(made, expected);
    shown["IdentityProvider"].take()
}

/// The request of the two operations on links for an account.
pub(super) fn account(provider: &str, attribute: &str, value: &str) -> Value {
    json!({
        "ProviderName": provider, "ProviderAttributeName": attribute,
        "ProviderAttributeValue": value,
    })
}

/// `AdminLinkProviderForUser` for a user of the pool's own directory.
pub(super) fn link(pool: &str, username: &str, source: &Value) -> Value {
    let destination = account("Cognito", "ignored", username);
    json!({ "UserPoolId": pool, "DestinationUser": destination, "SourceUser": source })
}

/// What the attribute `identities` of a user says; null if there is none.
pub(super) async fn identities(stack: &Stack, pool: &str, username: &str) -> Value {
    let user = json!({ "UserPoolId": pool, "Username": username });
    let user = stack.ok("AdminGetUser", user).await;
    let attributes = user["UserAttributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["Name"] == "identities");
    let text = found.map(|attribute| attribute["Value"].as_str().unwrap());
    text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

/// Makes the user one whom the account `g-1` of Google has brought, as a federated sign-in does.
pub(super) async fn made_by_google(stack: &Stack, pool: &str, sub: &str) {
    let identity = LinkedIdentity {
        user_pool_id: pool.to_owned(),
        provider_name: "Google".to_owned(),
        attribute_name: "Cognito_Subject".to_owned(),
        attribute_value: "g-1".to_owned(),
        sub: sub.to_owned(),
        is_primary: true,
    };
    let mut tx = stack.ports.store.write().await.unwrap();
    assert!(tx.insert_linked_identity(&identity).await.unwrap());
    tx.commit().await.unwrap();
}
