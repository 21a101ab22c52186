//! The documents by which applications find the endpoints.

use std::sync::Arc;

use http::{Request, Response};
use poolhouse_domain::{
    ports::Identity,
    shapes::{DcrConfigurationType, StatusType},
};

use super::{
    super::testing::{HOST, POOL, Scene},
    domain,
};

/// A document under the issuer.
async fn at_issuer(scene: &Scene, name: &str) -> Response<String> {
    let path = format!("/{POOL}/.well-known/{name}");
    let (parts, ()) = Request::get(path).body(()).unwrap().into_parts();
    crate::serve(scene.ports(), &parts).await.unwrap()
}

/// The discovery document of a pool with this domain.
fn document(issuer_base: &str, domain: &str, registers: bool) -> String {
    let issuer = format!("{issuer_base}/{POOL}");
    let register = format!("\"registration_endpoint\":\"{domain}/oauth2/register\",");
    let register = if registers { register } else { String::new() };
    format!(
        "{{\"authorization_endpoint\":\"{domain}/oauth2/authorize\",\
         \"end_session_endpoint\":\"{domain}/logout\",\
         \"id_token_signing_alg_values_supported\":[\"RS256\"],\"issuer\":\"{issuer}\",\
         \"jwks_uri\":\"{issuer}/.well-known/jwks.json\",{register}\
         \"response_types_supported\":[\"code\",\"token\"],\
         \"revocation_endpoint\":\"{domain}/oauth2/revoke\",\
         \"scopes_supported\":[\"openid\",\"email\",\"phone\",\"profile\"],\
         \"subject_types_supported\":[\"public\"],\
         \"token_endpoint\":\"{domain}/oauth2/token\",\
         \"token_endpoint_auth_methods_supported\":\
         [\"client_secret_basic\",\"client_secret_post\"],\
         \"userinfo_endpoint\":\"{domain}/oauth2/userInfo\"}}"
    )
}

const BASE: &str = "http://127.0.0.1:7665";

#[tokio::test]
async fn each_pool_tells_where_its_domain_is_and_the_custom_one_first() {
    let mut scene = Scene::new().await;
    let found = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(found.body(), &document(BASE, &format!("{BASE}/shop"), false));

    let mut tx = scene.ports().store.write().await.unwrap();
    tx.insert_domain(&domain(POOL, "login.shop.test", Some(1))).await.unwrap();
    tx.commit().await.unwrap();
    scene.change_pool(|p| p.settings.custom_domain = Some("login.shop.test".to_owned())).await;
    let found = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(found.body(), &document(BASE, &format!("{BASE}/login.shop.test"), false));

    // Where names lead to the server, they are told.
    let identity = Identity {
        issuer_base: "https://id.example.com".to_owned(),
        domain_suffix: Some("auth.example.com".to_owned()),
        ..Identity::clone(&scene.ports().identity)
    };
    scene.kit.ports.identity = Arc::new(identity);
    let base = "https://id.example.com";
    let found = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(found.body(), &document(base, "https://login.shop.test", false));
    scene.change_pool(|p| p.settings.custom_domain = None).await;
    let found = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(found.body(), &document(base, "https://shop.auth.example.com", false));

    let on = DcrConfigurationType {
        enable_status: Some(StatusType::Enabled),
        ..DcrConfigurationType::default()
    };
    scene.change_pool(|pool| pool.settings.dcr_configuration = Some(on)).await;
    let found = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(found.body(), &document(base, "https://shop.auth.example.com", true));
    // Without a domain there is nowhere to register.
    scene.change_pool(|pool| pool.settings.domain = None).await;
    let found = at_issuer(&scene, "openid-configuration").await;
    assert!(!found.body().contains("registration_endpoint"), "{}", found.body());
    assert!(!found.body().contains("authorization_endpoint"), "{}", found.body());
}

#[tokio::test]
async fn documents_may_be_kept_and_read_by_everybody() {
    let scene = Scene::new().await;
    let one = at_issuer(&scene, "openid-configuration").await;
    assert_eq!(one.headers()["cache-control"], "public, max-age=300");
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        let answer = scene.get(path).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        assert!(!answer.headers().contains_key("pragma"));
        assert!(!super::is_private(&answer));
        let refused = scene.post(path, None, &[]).await;
        let (status, headers) = (refused.status(), refused.headers());
        assert_eq!((status.as_u16(), &headers["allow"]), (405, &"GET, HEAD".parse().unwrap()));
    }
    let at_host = scene.get("/.well-known/openid-configuration").await;
    assert_eq!(at_host.body(), &document(BASE, &format!("http://{HOST}"), false));
    let (parts, ()) =
        Request::post(format!("/{POOL}/.well-known/jwks.json")).body(()).unwrap().into_parts();
    let refused = crate::serve(scene.ports(), &parts).await.unwrap();
    assert_eq!(refused.status(), 405);
    assert_eq!(refused.headers()["allow"], "GET, HEAD");
}
