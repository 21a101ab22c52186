//! `/oauth2/userInfo`, `/oauth2/revoke`, `/logout` and `/oauth2/register`.

use http::{Method, Response};
use poolhouse_domain::{
    resource_servers::REGISTER_SCOPE,
    shapes::{DcrConfigurationType, OAuthFlowType, StatusType},
};
use serde_json::{Value, json};

use super::{
    super::testing::{
        CALLBACK, CLIENT, CONFIDENTIAL, HOST, LOGGED_OUT, MACHINE, POOL, SECRET, Scene, query, read,
    },
    FOREIGN, JSON, Mall, basic, encoded, is_error, is_exactly, is_safe_page, leads_to, post,
    post_pairs,
};

const USER_INFO: &str = "/oauth2/userInfo";
const REVOKE: &str = "/oauth2/revoke";
const REGISTER: &str = "/oauth2/register";

/// Checks a refusal of the userInfo endpoint whole.
#[track_caller]
fn is_refused(answer: &Response<String>, status: u16, error: &str, text: &str, case: &str) {
    let header = format!("error=\"{error}\", error_description=\"{text}\"");
    let body = format!("{{\"error\":\"{error}\",\"error_description\":\"{text}\"}}");
    is_exactly(answer, status, &[JSON, ("www-authenticate", &header)], &body, case);
    assert!(!super::is_private(answer), "{case}");
}

const MALFORMED: &str = "Bad OAuth2 request at UserInfo Endpoint";
const DEAD: &str =
    "Access token is expired, disabled, or deleted, or the user has globally signed out.";

#[tokio::test]
async fn user_info_takes_one_token_in_the_header_or_a_form() {
    let scene = Scene::new().await;
    let tokens = scene.tokens("openid+email").await;
    let token = tokens["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let own = ("authorization", bearer.as_str());
    let in_form = format!("access_token={token}");
    let body = format!(
        "{{\"email\":\"ada@example.com\",\"email_verified\":\"true\",\"sub\":\"{}\",\
         \"username\":\"ada\"}}",
        scene.user.sub
    );
    let get = async |headers: &[(&str, &str)], path: &str| {
        scene.send(Method::GET, path, headers, "").await
    };
    let lower = format!("bEARER   {token}");
    let in_query = format!("{USER_INFO}?access_token={token}");
    for (answer, case) in [
        (get(&[own], USER_INFO).await, "in the header"),
        (get(&[("authorization", &lower)], USER_INFO).await, "another case, more spaces"),
        (get(&[own], &in_query).await, "that of the query is not looked at"),
        (get(&[own], "/oauth2/userinfo").await, "another case of the path"),
        (post(&scene, USER_INFO, &[own], "").await, "posted"),
        (post(&scene, USER_INFO, &[], &in_form).await, "in a form"),
    ] {
        is_exactly(&answer, 200, &[JSON], &body, case);
        assert!(!super::is_private(&answer), "{case}");
    }
    let wrong_scheme = format!("Basic {token}");
    let two = format!("Bearer {token} {token}");
    let twice_in_form = format!("{in_form}&{in_form}");
    let text = ("content-type", "text/plain");
    for (answer, case) in [
        (get(&[], USER_INFO).await, "nothing"),
        (get(&[], &in_query).await, "in the query"),
        (get(&[own, own], USER_INFO).await, "the header twice"),
        (get(&[own, ("authorization", "Basic x")], USER_INFO).await, "two headers"),
        (get(&[("authorization", &wrong_scheme)], USER_INFO).await, "wrong scheme"),
        (get(&[("authorization", token)], USER_INFO).await, "no scheme"),
        (get(&[("authorization", "Bearer")], USER_INFO).await, "no token"),
        (get(&[("authorization", "Bearer ")], USER_INFO).await, "empty token"),
        (get(&[("authorization", &two)], USER_INFO).await, "two tokens in one header"),
        (get(&[("authorization", "Bearer a.b")], USER_INFO).await, "two parts"),
        (get(&[("authorization", "Bearer a.b.c")], USER_INFO).await, "no JSON"),
        (post(&scene, USER_INFO, &[own], &in_form).await, "header and form"),
        (post(&scene, &in_query, &[], "").await, "in the query of a POST"),
        (post(&scene, &in_query, &[], "x=y").await, "in the query beside a form"),
        (post(&scene, USER_INFO, &[], &twice_in_form).await, "twice in the form"),
        (scene.send(Method::POST, USER_INFO, &[text], &in_form).await, "in no form"),
    ] {
        is_refused(&answer, 400, "invalid_request", MALFORMED, case);
    }
    for method in [Method::PUT, Method::DELETE, Method::HEAD, Method::PATCH] {
        let answer = scene.send(method.clone(), USER_INFO, &[own], "").await;
        is_exactly(&answer, 405, &[("allow", "GET, POST")], "", method.as_str());
    }
}

#[tokio::test]
async fn user_info_is_for_living_tokens_of_the_pool_with_openid() {
    let scene = Scene::new().await;
    let mall = Mall::beside(&scene).await;
    let ask = async |token: &Value| {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        scene.get_with(USER_INFO, ("authorization", &bearer)).await
    };
    let tokens = scene.tokens("openid").await;
    let other = scene.tokens("openid").await;
    let narrow = scene.tokens("orders/read").await;
    let malls = mall.tokens(&scene).await;
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    let machine = scene.token(&own).await.1;
    let scope = "Access token does not contain openid scope";
    is_refused(&ask(&narrow["access_token"]).await, 401, "invalid_token", scope, "no openid");
    is_refused(&ask(&machine["access_token"]).await, 401, "invalid_token", DEAD, "a machine's");
    is_refused(&ask(&tokens["id_token"]).await, 401, "invalid_token", DEAD, "an ID token");
    let foreign = ask(&malls["access_token"]).await;
    is_refused(&foreign, 401, "invalid_token", DEAD, "another pool's");
    is_refused(
        &ask(&tokens["refresh_token"]).await,
        400,
        "invalid_request",
        MALFORMED,
        "a refresh token",
    );
    // One token's claims under another's signature, and none at all.
    let [a, b] = [&tokens, &other].map(|t| t["access_token"].as_str().unwrap().to_owned());
    let (claims, signature) = (a.rsplit_once('.').unwrap().0, b.rsplit_once('.').unwrap().1);
    let mixed = Value::from(format!("{claims}.{signature}"));
    is_refused(&ask(&mixed).await, 401, "invalid_token", DEAD, "another's signature");
    let payload = claims.split_once('.').unwrap().1;
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256","kid":"x"}"#] {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let header_text = URL_SAFE_NO_PAD.encode(header);
        for signature in ["", "AAAA"] {
            let forged = Value::from(format!("{header_text}.{payload}.{signature}"));
            let answer = ask(&forged).await;
            assert!(answer.status() == 400 || answer.status() == 401, "{header}");
        }
    }
    scene.kit.clock.advance(3_599);
    assert_eq!(ask(&tokens["access_token"]).await.status(), 200);
    scene.kit.clock.advance(1);
    is_refused(&ask(&tokens["access_token"]).await, 401, "invalid_token", DEAD, "expired");
}

#[tokio::test]
async fn revoke_answers_nothing_and_each_error_as_documented() {
    let scene = Scene::new().await;
    let tokens = scene.tokens("openid").await;
    let [refresh, access, id] =
        ["refresh_token", "access_token", "id_token"].map(|n| tokens[n].as_str().unwrap());
    let (client, token) = (("client_id", CLIENT), ("token", refresh));
    let secret = ("client_secret", SECRET);
    for (pairs, status, error) in [
        (vec![], 400, "invalid_request"),
        (vec![client], 400, "invalid_request"),
        (vec![token], 400, "invalid_request"),
        (vec![client, ("token", "")], 400, "invalid_request"),
        (vec![client, token, token], 400, "invalid_request"),
        (vec![client, client, token], 400, "invalid_request"),
        (vec![client, ("token", access)], 400, "unsupported_token_type"),
        (vec![client, ("token", id)], 400, "unsupported_token_type"),
        (
            vec![client, ("token", access), ("token_type_hint", "refresh_token")],
            400,
            "unsupported_token_type",
        ),
        (vec![("client_id", "nobody"), token], 401, "invalid_client"),
        (vec![("client_id", CONFIDENTIAL), token], 401, "invalid_client"),
        (vec![("client_id", CONFIDENTIAL), token, ("client_secret", "x")], 401, "invalid_client"),
        (vec![client, token, secret], 401, "invalid_client"),
    ] {
        let case = format!("{pairs:?}");
        is_error(&post_pairs(&scene, REVOKE, &pairs).await, status, error, &case);
    }
    let body = format!("client_id={CLIENT}&token={refresh}");
    let header = basic(CLIENT, "");
    let own = ("authorization", header.as_str());
    for (headers, body, case) in [
        (vec![own, own], body.clone(), "the header twice"),
        (vec![own], format!("{body}&client_id={CONFIDENTIAL}"), "two clients"),
        (vec![("content-type", "application/json")], body.clone(), "two content types"),
    ] {
        let first = if case == "two content types" { vec![] } else { vec![super::FORM] };
        let headers = [&first[..], &headers].concat();
        let answer = scene.send(Method::POST, REVOKE, &headers, &body).await;
        is_error(&answer, 400, "invalid_request", case);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
        let answer = scene.send(method.clone(), REVOKE, &[], "").await;
        is_exactly(&answer, 405, &[("allow", "POST")], "", method.as_str());
    }
    scene.change(CLIENT, |c| c.settings.enable_token_revocation = Some(false)).await;
    is_error(&post_pairs(&scene, REVOKE, &[client, token]).await, 400, "invalid_request", "off");
    scene.change(CLIENT, |c| c.settings.enable_token_revocation = Some(true)).await;
    // None of this has revoked it.
    let again = [("grant_type", "refresh_token"), client, ("refresh_token", refresh)];
    assert_eq!(scene.token(&again).await.0, 200);
    for (pairs, case) in [
        (vec![client, token], "good"),
        (vec![client, token], "revoked already"),
        (vec![client, ("token", "a.b.c.d.e")], "unknown"),
        (vec![client, ("token", "x")], "no token"),
        (vec![client, token, ("token_type_hint", "nosuch")], "with a hint"),
    ] {
        let answer = post_pairs(&scene, REVOKE, &pairs).await;
        is_exactly(&answer, 200, &[], "", case);
        assert!(!super::is_private(&answer), "{case}");
    }
    assert_eq!(scene.token(&again).await.0, 400);
}

#[tokio::test]
async fn logout_leads_to_addresses_for_that_only() {
    let scene = Scene::new().await;
    let begun = scene.sign_in(CLIENT).await;
    let cookie = format!("cognito={}", begun.cookie);
    let own = ("cookie", cookie.as_str());
    let missing = "Required String parameter 'redirect_uri' is not present";
    let callbacks = [CALLBACK, "myapp://cb", "https://app.test/bye", "https://app.test/bye?x=2"];
    for uri in FOREIGN.into_iter().chain(callbacks) {
        for form in ["logout_uri", "post_logout_redirect_uri"] {
            let path = format!("/logout?client_id={CLIENT}&{form}={}&state=s", encoded(uri));
            let answer = scene.get_with(&path, own).await;
            is_safe_page(&answer, 400, missing, uri);
            assert!(!answer.headers().contains_key("set-cookie"), "{uri}");
        }
        // The page to sign in refuses it; nothing else follows from it.
        let kept =
            format!("client_id={CLIENT}&redirect_uri={}&response_type=code&state=s", encoded(uri));
        let answer = scene.get(&format!("/logout?{kept}")).await;
        let url = format!("http://{HOST}/login?{kept}");
        let gone = "cognito=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
        is_exactly(&answer, 302, &[("location", &url), ("set-cookie", gone)], "", uri);
    }
    let repeated = "A parameter is repeated";
    let out = encoded(LOGGED_OUT);
    for (query, text) in [
        (String::new(), "Required String parameter 'client_id' is not present"),
        (format!("logout_uri={out}"), "Required String parameter 'client_id' is not present"),
        (format!("client_id={CLIENT}"), missing),
        (format!("client_id={CLIENT}&redirect_uri=x"), missing),
        (format!("client_id={CLIENT}&response_type=code"), missing),
        (format!("client_id={CLIENT}&client_id={CLIENT}&logout_uri={out}"), repeated),
        (format!("client_id={CLIENT}&logout_uri={out}&logout_uri={out}"), repeated),
        (format!("client_id={CLIENT}&logout_uri={out}&logout%5Furi=https://evil.test"), repeated),
        (format!("client_id={CLIENT}&post_logout_redirect_uri={out}&state=1&state=2"), repeated),
    ] {
        let answer = scene.get_with(&format!("/logout?{query}"), own).await;
        is_safe_page(&answer, 400, text, &query);
        assert!(!answer.headers().contains_key("set-cookie"), "{query}");
    }
    let unknown = scene.get_with(&format!("/logout?client_id=nobody&logout_uri={out}"), own).await;
    leads_to(&unknown, &format!("http://{HOST}/error?error=invalid_client"), "unknown client");
    // Nothing of all this has signed anybody out.
    let silent = format!("/oauth2/authorize?{}&prompt=none", query(CLIENT));
    let answer = scene.get_with(&silent, own).await;
    assert!(answer.headers()["location"].to_str().unwrap().contains("?code="));

    let gone = "cognito=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    let path = format!("/logout?client_id={CLIENT}&logout_uri={out}&state=s&response_type=code");
    let answer = scene.get_with(&path, own).await;
    is_exactly(&answer, 302, &[("location", LOGGED_OUT), ("set-cookie", gone)], "", "signed out");
    assert!(super::is_private(&answer));
    leads_to(
        &scene.get_with(&silent, own).await,
        &format!("{CALLBACK}?error=login_required"),
        "signed out",
    );
}

#[tokio::test]
async fn the_domain_of_another_pool_signs_nobody_out_here() {
    let scene = Scene::new().await;
    Mall::beside(&scene).await;
    let cookie = format!("cognito={}", scene.sign_in(CLIENT).await.cookie);
    let path =
        format!("/logout?client_id={}&logout_uri={}", super::MALL_CLIENT, encoded(LOGGED_OUT));
    let headers = [("host", super::MALL_HOST), ("cookie", cookie.as_str())];
    assert_eq!(scene.send(Method::GET, &path, &headers, "").await.status(), 302);
    let silent = format!("/oauth2/authorize?{}&prompt=none", query(CLIENT));
    let answer = scene.get_with(&silent, ("cookie", &cookie)).await;
    assert!(answer.headers()["location"].to_str().unwrap().contains("?code="));
}

/// A pool where everybody may register.
async fn open_scene() -> Scene {
    let scene = Scene::new().await;
    let configuration = DcrConfigurationType {
        enable_status: Some(StatusType::Enabled),
        open_dcr_enabled: Some(true),
        authenticated_grant_types: Some(vec![OAuthFlowType::ClientCredentials]),
        open_dcr_grant_types: Some(vec![OAuthFlowType::Code]),
        allowed_scopes: Some(vec!["orders/read".to_owned()]),
    };
    scene.change_pool(|pool| pool.settings.dcr_configuration = Some(configuration)).await;
    scene
}

const AS_JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn registration_tells_each_error_and_is_not_for_pages_of_other_origins() {
    let scene = open_scene().await;
    let good = json!({ "redirect_uris": [CALLBACK] }).to_string();
    let ask = async |headers: &[(&str, &str)], body: &str| {
        let answer = scene.send(Method::POST, REGISTER, headers, body).await;
        assert!(super::is_private(&answer), "{body}");
        answer
    };
    let told = |error: &str, text: &str| {
        format!("{{\"error\":\"{error}\",\"error_description\":\"{text}\"}}")
    };
    let no_metadata = told("invalid_client_metadata", "The body is no client metadata.");
    for (headers, body, case) in [
        (vec![AS_JSON], "", "empty"),
        (vec![AS_JSON], "[]", "a list"),
        (vec![AS_JSON], "{\"redirect_uris\":1}", "another type"),
        (vec![AS_JSON], "{", "no JSON"),
        (vec![], good.as_str(), "no content type"),
        (vec![super::FORM], good.as_str(), "a form"),
        (vec![("content-type", "text/plain")], good.as_str(), "what every page may send"),
    ] {
        is_exactly(&ask(&headers, body).await, 400, &[JSON], &no_metadata, case);
    }
    let needed = told("invalid_token", "An access token for registration is needed.");
    let bearer = ("www-authenticate", "Bearer error=\"invalid_token\"");
    for (header, case) in [
        ("Bearer x", "no token"),
        ("Bearer", "nothing"),
        ("Basic eDp5", "another scheme"),
        ("", "an empty header"),
    ] {
        let answer = ask(&[AS_JSON, ("authorization", header)], &good).await;
        is_exactly(&answer, 401, &[JSON, bearer], &needed, case);
    }
    let twice = [AS_JSON, ("authorization", "Bearer x"), ("authorization", "Bearer y")];
    is_exactly(&ask(&twice, &good).await, 401, &[JSON, bearer], &needed, "two headers");
    // A token of somebody, and one of a client that may not register.
    let user = scene.tokens("openid").await["access_token"].as_str().unwrap().to_owned();
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    let machine = scene.token(&own).await.1["access_token"].as_str().unwrap().to_owned();
    for token in [user, machine] {
        let header = format!("Bearer {token}");
        let answer = ask(&[AS_JSON, ("authorization", &header)], &good).await;
        is_exactly(&answer, 401, &[JSON, bearer], &needed, "not for this");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = scene.send(method.clone(), REGISTER, &[], "").await;
        is_exactly(&answer, 405, &[("allow", "POST")], "", method.as_str());
        assert!(super::is_private(&answer));
    }
    let with_charset = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(ask(&with_charset, &good).await.status(), 201);
    scene.change_pool(|pool| pool.settings.dcr_configuration = None).await;
    is_exactly(&ask(&[AS_JSON], &good).await, 404, &[], "", "off");
}

#[tokio::test]
async fn a_registered_client_has_no_more_than_it_may() {
    let scene = open_scene().await;
    let body = json!({
        "redirect_uris": [CALLBACK], "client_id": "mine", "client_secret": "mine",
        "scope": "openid orders/read", "client_secret_expires_at": 9,
    });
    let answer = scene.send(Method::POST, REGISTER, &[AS_JSON], &body.to_string()).await;
    let (status, told) = read(&answer);
    assert_eq!(status, 201, "{told}");
    let (id, secret) =
        (told["client_id"].as_str().unwrap(), told["client_secret"].as_str().unwrap());
    let expected = format!(
        "{{\"client_id\":\"{id}\",\"client_id_issued_at\":{},\
         \"client_name\":\"Registered application\",\"client_secret\":\"{secret}\",\
         \"client_secret_expires_at\":0,\
         \"grant_types\":[\"authorization_code\",\"refresh_token\"],\
         \"redirect_uris\":[\"{CALLBACK}\"],\"response_types\":[\"code\"],\
         \"scope\":\"openid orders/read\",\
         \"token_endpoint_auth_method\":\"client_secret_basic\"}}",
        scene.ports().clock.now().seconds()
    );
    is_exactly(&answer, 201, &[JSON], &expected, "registered");
    assert!(secret.len() >= 24 && id != "mine" && secret != "mine");
    let silent = |more: &str| format!("/oauth2/authorize?{}&prompt=none{more}", query(id));
    let refused = |error: &str| format!("{CALLBACK}?error={error}");
    let wide = "&scope=openid+orders/write";
    leads_to(&scene.get(&silent(wide)).await, &refused("invalid_scope"), wide);
    let registers = format!("&scope={}", encoded(REGISTER_SCOPE));
    leads_to(&scene.get(&silent(&registers)).await, &refused("invalid_scope"), &registers);
    let implicit = silent("").replace("=code", "=token");
    let url = format!("{CALLBACK}#error=unauthorized_client");
    leads_to(&scene.get(&implicit).await, &url, "implicit");
    let own = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let answer = post_pairs(&scene, "/oauth2/token", &own).await;
    is_error(&answer, 400, "unauthorized_client", "client credentials");
    let client = scene.ports().directory.app_client(id).await.unwrap().unwrap();
    assert_eq!(client.user_pool_id(), POOL);
}
