//! `{issuer}/.well-known/…`: the keys of a user pool, and its OpenID Connect discovery document.

use poolhouse_domain::{
    Fault,
    oauth::{
        mount::{self, Mount},
        register,
    },
    ports::Ports,
    tokens::{issuer, jwt::SigningKey},
    user_pools::UserPool,
};
use serde_json::{Value, json};

/// One of the two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// `jwks.json` (RFC 7517).
    Keys,
    /// `openid-configuration` (OpenID Connect Discovery 1.0).
    Discovery,
}

/// The pool and the document that a path names.
pub(crate) fn route(path: &str) -> Option<(&str, Document)> {
    let (user_pool_id, name) = path.strip_prefix('/')?.split_once('/')?;
    match name {
        ".well-known/jwks.json" => Some((user_pool_id, Document::Keys)),
        ".well-known/openid-configuration" => Some((user_pool_id, Document::Discovery)),
        _ => None,
    }
}

/// The content, or none if there is no such pool.
pub(crate) async fn document(
    ports: &Ports,
    user_pool_id: &str,
    document: Document,
) -> Result<Option<Value>, Fault> {
    let Some(pool) = ports.directory.user_pool(user_pool_id).await? else { return Ok(None) };
    let domain = mount::told_url(&ports.identity, &pool);
    content(ports, &pool, document, domain.as_deref()).await.map(Some)
}

/// The content for those who ask under a domain's name: the endpoints are where they asked.
pub(crate) async fn of_domain(
    ports: &Ports,
    mount: &Mount,
    document: Document,
) -> Result<Value, Fault> {
    content(ports, &mount.pool, document, Some(&mount.url)).await
}

async fn content(
    ports: &Ports,
    pool: &UserPool,
    document: Document,
    domain: Option<&str>,
) -> Result<Value, Fault> {
    Ok(match document {
        Document::Keys => {
            let pairs = ports.directory.key_pairs(pool.id()).await?;
            let keys: Vec<Value> = pairs.all.iter().map(|key| public_key(key)).collect();
            json!({ "keys": keys })
        }
        Document::Discovery => {
            let issuer = issuer::of(&ports.identity, pool);
            let base = ports.identity.user_pool_url(pool.id());
            discovery(&issuer, &base, domain, register::is_on(pool))
        }
    })
}

/// A public key as a JWK. `kid` is standard base64, so it may hold `+`, `/` and `=`.
fn public_key(key: &SigningKey) -> Value {
    json!({
        "alg": "RS256",
        "e": key.exponent(),
        "kid": key.kid(),
        "kty": "RSA",
        "n": key.modulus(),
        "use": "sig",
    })
}

/// The discovery document of a pool that has this issuer and keys at this address.
///
/// All that it names is at this server, also where the issuer is the service's.
///
/// Authorization, token, userinfo, revocation and sign-out endpoints belong to a domain: without
/// one they are absent, so that no client is sent to an address where nothing answers. (That the
/// last two are listed is a belief.)
fn discovery(issuer: &str, base: &str, domain: Option<&str>, registers: bool) -> Value {
    let mut document = json!({
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": issuer,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "response_types_supported": ["code", "token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
    });
    if let (Some(domain), Some(members)) = (domain, document.as_object_mut()) {
        let endpoints = [
            ("authorization_endpoint", "/oauth2/authorize"),
            ("end_session_endpoint", "/logout"),
            ("revocation_endpoint", "/oauth2/revoke"),
            ("token_endpoint", "/oauth2/token"),
            ("userinfo_endpoint", "/oauth2/userInfo"),
        ];
        members
            .extend(endpoints.map(|(name, path)| (name.into(), format!("{domain}{path}").into())));
        let methods = json!(["client_secret_basic", "client_secret_post"]);
        members.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
        if registers {
            let endpoint = format!("{domain}/oauth2/register");
            members.insert("registration_endpoint".to_owned(), endpoint.into());
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Method, Request, Response};
    use poolhouse_domain::{
        ports::Identity,
        shapes::UserPoolType,
        tokens::{
            issuer::Issuers,
            keys::{KeyUse, StoredSigningKey},
        },
        user_pools::UserPool,
    };
    use poolhouse_testkit::Kit;

    use super::*;

    const POOL: &str = "us-east-1_AbCdEfGhI";

    /// A server with one pool.
    async fn kit() -> Kit {
        let kit = Kit::new().await.unwrap();
        let ports = &kit.ports;
        let now = ports.clock.now();
        let settings = UserPoolType { id: Some(POOL.to_owned()), ..UserPoolType::default() };
        let mut tx = ports.store.write().await.unwrap();
        tx.insert_user_pool(&UserPool { settings, ..UserPool::default() }).await.unwrap();
        for key_use in [KeyUse::Id, KeyUse::Access] {
            let key = ports.key_reserve.take(&*ports.workers).await.unwrap();
            let stored = StoredSigningKey {
                user_pool_id: POOL.to_owned(),
                kid: key.kid().to_owned(),
                key_use,
                pkcs8: key.to_pkcs8().unwrap().to_vec(),
                created_at: now,
            };
            tx.insert_signing_key(&stored).await.unwrap();
        }
        tx.commit().await.unwrap();
        kit
    }

    async fn request(kit: &Kit, method: Method, path: &str) -> Option<Response<String>> {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        crate::serve(&kit.ports, &request.into_parts().0).await
    }

    #[test]
    fn only_the_two_documents_of_a_pool_are_routed() {
        assert_eq!(route("/p_1/.well-known/jwks.json"), Some(("p_1", Document::Keys)));
        let discovery = route("/p_1/.well-known/openid-configuration");
        assert_eq!(discovery, Some(("p_1", Document::Discovery)));
        for path in ["/", "/p_1", "/.well-known/jwks.json", "/a/p_1/.well-known/jwks.json"] {
            assert_eq!(route(path), None);
        }
    }

    #[tokio::test]
    async fn both_keys_of_a_pool_are_published_with_alphabetical_members() {
        let kit = kit().await;
        let answer = request(&kit, Method::GET, &format!("/{POOL}/.well-known/jwks.json")).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        let keys: Value = serde_json::from_str(answer.body()).unwrap();
        let keys = keys["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        assert_ne!(keys[0]["kid"], keys[1]["kid"]);
        assert_eq!((&keys[0]["e"], &keys[0]["use"]), (&json!("AQAB"), &json!("sig")));
        assert!(answer.body().starts_with(r#"{"keys":[{"alg":"RS256","e":"AQAB","kid":""#));
    }

    #[tokio::test]
    async fn a_pool_without_a_domain_has_no_endpoints_to_be_discovered() {
        let kit = kit().await;
        let path = format!("/{POOL}/.well-known/openid-configuration");
        let answer = request(&kit, Method::GET, &path).await.unwrap();
        let issuer = kit.ports.identity.user_pool_url(POOL);
        assert_eq!(
            answer.body(),
            &format!(
                "{{\"id_token_signing_alg_values_supported\":[\"RS256\"],\"issuer\":\"{issuer}\",\
                 \"jwks_uri\":\"{issuer}/.well-known/jwks.json\",\
                 \"response_types_supported\":[\"code\",\"token\"],\
                 \"scopes_supported\":[\"openid\",\"email\",\"phone\",\"profile\"],\
                 \"subject_types_supported\":[\"public\"]}}"
            )
        );
    }

    #[tokio::test]
    async fn an_unknown_pool_and_another_method_are_refused() {
        let kit = kit().await;
        let unknown = request(&kit, Method::GET, "/us-east-1_gone/.well-known/jwks.json").await;
        let unknown = unknown.unwrap();
        assert_eq!(unknown.status(), 400);
        assert_eq!(unknown.body(), r#"{"message":"User pool us-east-1_gone does not exist."}"#);
        assert!(!unknown.headers().contains_key("cache-control"));
        let post = request(&kit, Method::POST, &format!("/{POOL}/.well-known/jwks.json")).await;
        assert_eq!(post.unwrap().status(), 405);
        assert!(request(&kit, Method::GET, "/other").await.is_none());
    }

    #[tokio::test]
    async fn the_endpoints_of_a_domain_are_told_where_they_are() {
        use crate::oauth::testing::{POOL, Scene};
        let scene = Scene::new().await;
        let issuer = format!("http://127.0.0.1:7665/{POOL}");
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let expected = |domain: &str| {
            format!(
                "{{\"authorization_endpoint\":\"{domain}/oauth2/authorize\",\
                 \"end_session_endpoint\":\"{domain}/logout\",\
                 \"id_token_signing_alg_values_supported\":[\"RS256\"],\"issuer\":\"{issuer}\",\
                 \"jwks_uri\":\"{issuer}/.well-known/jwks.json\",\
                 \"response_types_supported\":[\"code\",\"token\"],\
                 \"revocation_endpoint\":\"{domain}/oauth2/revoke\",\
                 \"scopes_supported\":[\"openid\",\"email\",\"phone\",\"profile\"],\
                 \"subject_types_supported\":[\"public\"],\
                 \"token_endpoint\":\"{domain}/oauth2/token\",\
                 \"token_endpoint_auth_methods_supported\":\
                 [\"client_secret_basic\",\"client_secret_post\"],\
                 \"userinfo_endpoint\":\"{domain}/oauth2/userInfo\"}}"
            )
        };
        let path = format!("/{POOL}/.well-known/openid-configuration");
        let answer = request(&scene.kit, Method::GET, &path).await.unwrap();
        assert_eq!(document(answer.body()), document(&expected("http://127.0.0.1:7665/shop")));
        let answer = scene.get("/.well-known/openid-configuration").await;
        let at_host = expected("http://shop.auth.localhost:7665");
        assert_eq!(document(answer.body()), document(&at_host));
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        let keys = scene.get("/.well-known/jwks.json").await;
        let path = format!("/{POOL}/.well-known/jwks.json");
        let same = request(&scene.kit, Method::GET, &path).await.unwrap();
        assert_eq!(keys.body(), same.body());
    }

    #[tokio::test]
    async fn under_the_services_issuer_all_endpoints_stay_here() {
        use crate::oauth::testing::{POOL, Scene, claims};
        let mut scene = Scene::new().await;
        let identity = Identity::clone(&scene.kit.ports.identity);
        scene.kit.ports.identity = Arc::new(Identity { issuers: Issuers::Service, ..identity });
        let document = async |scene: &Scene, path: String| {
            let answer = request(&scene.kit, Method::GET, &path).await.unwrap();
            serde_json::from_str::<Value>(answer.body()).unwrap()
        };
        let at_issuer = format!("/{POOL}/.well-known/openid-configuration");
        let found = document(&scene, at_issuer).await;
        assert_eq!(found["issuer"], format!("https://cognito-idp.us-east-1.amazonaws.com/{POOL}"));
        let base = "http://127.0.0.1:7665";
        assert_eq!(found["jwks_uri"], format!("{base}/{POOL}/.well-known/jwks.json"));
        assert_eq!(found["token_endpoint"], format!("{base}/shop/oauth2/token"));
        let keys = document(&scene, format!("/{POOL}/.well-known/jwks.json")).await;
        assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
        let tokens = scene.tokens("openid").await;
        for token in ["id_token", "access_token"] {
            let claims = claims(&tokens[token]);
            assert_eq!(claims["iss"], found["issuer"], "{token}");
        }
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let header = ("authorization", bearer.as_str());
        let answer = scene.get_with("/oauth2/userInfo", header).await;
        assert_eq!(answer.status(), 200, "its own tokens are known");
    }
}
