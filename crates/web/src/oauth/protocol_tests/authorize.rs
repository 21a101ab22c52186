//! `/oauth2/authorize`: what applications are told of their requests, and where nobody is sent.

use http::{Method, Response};
use serde_json::Value;
use url::Url;

use super::{
    super::testing::{
        CALLBACK, CHALLENGE, CLIENT, CONFIDENTIAL, HOST, MACHINE, Scene, VERIFIER, claims,
        exchange, location, parameter, query,
    },
    ACCESS, FOREIGN, ID, MALL_CLIENT, MALL_HOST, Mall, encoded, is_exactly, is_safe_page, leads_to,
    names,
};

const AT: &str = "/oauth2/authorize";

async fn ask(scene: &Scene, query: &str) -> Response<String> {
    scene.get(&format!("{AT}?{query}")).await
}

/// The same for a browser with a session.
async fn ask_with(scene: &Scene, query: &str, cookie: &str) -> Response<String> {
    scene.get_with(&format!("{AT}?{query}"), ("cookie", &format!("cognito={cookie}"))).await
}

/// A request of the public client without its state.
fn request(kind: &str) -> String {
    query(CLIENT).replace("=code", &format!("={kind}"))
}

/// What is wrong with a request, and the error that the application is told.
const REFUSED: [(&str, &str); 46] = [
    ("&scope=openid+nosuch", "invalid_scope"),
    ("&scope=openid+phone", "invalid_scope"),
    ("&scope=openid+orders/write", "invalid_scope"),
    ("&scope=openid+gone/read", "invalid_scope"),
    ("&scope=email", "invalid_scope"),
    ("&scope=profile+orders/read", "invalid_scope"),
    ("&scope=OpenID", "invalid_scope"),
    ("&scope=openid%09email", "invalid_scope"),
    ("&scope=openid%0Aemail", "invalid_scope"),
    ("&scope=openid,email", "invalid_scope"),
    ("&scope=openid%00", "invalid_scope"),
    ("&scope=%22", "invalid_scope"),
    ("&scope=%20", "invalid_scope"),
    ("&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "invalid_request"),
    ("&code_challenge_method=S256", "invalid_request"),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=plain",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=s256",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S512",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c&code_challenge_method=S256",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cMM&code_challenge_method=S256",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM&code_challenge_method=S256",
        "invalid_request",
    ),
    (
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=&code_challenge_method=S256",
        "invalid_request",
    ),
    ("&resource=orders", "invalid_request"),
    ("&resource=//api.test", "invalid_request"),
    ("&resource=http://api.test", "invalid_request"),
    ("&resource=http://localhost.evil.test", "invalid_request"),
    ("&resource=https://api.test/%23x", "invalid_request"),
    ("&resource=https://api.test&resource=https://other.test", "invalid_request"),
    ("&prompt=none+login", "invalid_request"),
    ("&prompt=none+consent", "invalid_request"),
    ("&prompt=nosuch", "invalid_request"),
    ("&prompt=NONE", "invalid_request"),
    ("&prompt=login,consent", "invalid_request"),
    ("&max_age=-1", "invalid_request"),
    ("&max_age=1.5", "invalid_request"),
    ("&max_age=1e3", "invalid_request"),
    ("&max_age=soon", "invalid_request"),
    ("&max_age=9223372036854775808", "invalid_request"),
    ("&max_age=%201", "invalid_request"),
    ("&identity_provider=Google", "invalid_request"),
    ("&identity_provider=cognito", "invalid_request"),
    ("&idp_identifier=corp.test", "invalid_request"),
    ("&idp_identifier=%00", "invalid_request"),
    ("&prompt=none", "login_required"),
    ("&prompt=none&identity_provider=COGNITO", "login_required"),
];

#[tokio::test]
async fn every_refusal_reaches_the_application_in_query_or_fragment() {
    let scene = Scene::new().await;
    let long = [
        (format!("&nonce={}", "n".repeat(1_025)), "invalid_request"),
        (format!("&resource=https://{}.test", "r".repeat(1_024)), "invalid_request"),
    ];
    let long = long.iter().map(|(more, error)| (more.as_str(), *error));
    for (more, error) in REFUSED.into_iter().chain(long) {
        for (kind, separator) in [("code", '?'), ("token", '#')] {
            for (state, echoed) in [("", ""), ("&state=s%2B", "&state=s%2B")] {
                let query = format!("{}{state}{more}", request(kind));
                let expected = format!("{CALLBACK}{separator}error={error}{echoed}");
                leads_to(&ask(&scene, &query).await, &expected, &query);
            }
        }
    }
}

#[tokio::test]
async fn a_response_type_that_is_none_is_told_in_the_query() {
    let scene = Scene::new().await;
    for kind in [
        "id_token",
        "id_token+token",
        "token+id_token",
        "code+token",
        "code+id_token",
        "none",
        "CODE",
        "code+",
        "+code",
        "",
        "code&response_type=code",
        "code&response_type=token",
    ] {
        let query = format!("{}&state=s", request(kind));
        let expected = format!("{CALLBACK}?error=invalid_request&state=s");
        leads_to(&ask(&scene, &query).await, &expected, &query);
    }
}

#[tokio::test]
async fn no_parameter_may_stand_there_twice() {
    let scene = Scene::new().await;
    for name in [
        "scope",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "identity_provider",
        "idp_identifier",
        "login_hint",
        "lang",
        "prompt",
        "max_age",
        "acr_values",
    ] {
        for values in [["1", "1"], ["1", ""]] {
            let [one, other] = values;
            let query = format!("{}&state=s&{name}={one}&{name}={other}", request("code"));
            let expected = format!("{CALLBACK}?error=invalid_request&state=s");
            leads_to(&ask(&scene, &query).await, &expected, &query);
        }
    }
    // Nobody knows which of them the application waits for.
    let query = format!("{}&state=s&state=t", request("code"));
    leads_to(&ask(&scene, &query).await, &format!("{CALLBACK}?error=invalid_request"), &query);
    // What means nothing here, means nothing twice.
    let query = format!("{}&unknown=1&unknown=2", request("code"));
    leads_to(&ask(&scene, &query).await, &format!("http://{HOST}/login?{query}"), &query);
}

#[tokio::test]
async fn clients_are_told_which_flow_they_lack() {
    let scene = Scene::new().await;
    let only_code = |c: &mut poolhouse_domain::app_clients::AppClient| {
        c.settings.allowed_oauth_flows = Some(vec![poolhouse_domain::shapes::OAuthFlowType::Code]);
    };
    scene.change(CONFIDENTIAL, only_code).await;
    let off = |c: &mut poolhouse_domain::app_clients::AppClient| {
        c.settings.allowed_oauth_flows_user_pool_client = Some(false);
    };
    let told = "error_description=Client+is+not+enabled+for+OAuth2.0+flows+&error=invalid_request";
    let implicit = |client: &str| query(client).replace("=code", "=token");
    for (query, url) in [
        (query(MACHINE), format!("{CALLBACK}?error=unauthorized_client&state=s")),
        (implicit(MACHINE), format!("{CALLBACK}#error=unauthorized_client&state=s")),
        (implicit(CONFIDENTIAL), format!("{CALLBACK}#error=unauthorized_client&state=s")),
    ] {
        leads_to(&ask(&scene, &format!("{query}&state=s")).await, &url, &query);
    }
    scene.change(CLIENT, off).await;
    for (query, url) in [
        (query(CLIENT), format!("{CALLBACK}?{told}&state=s")),
        (implicit(CLIENT), format!("{CALLBACK}#{told}&state=s")),
    ] {
        leads_to(&ask(&scene, &format!("{query}&state=s")).await, &url, &query);
    }
}

#[tokio::test]
async fn who_can_be_sent_nowhere_sees_a_page_or_the_error_page() {
    let scene = Scene::new().await;
    let uri = encoded(CALLBACK);
    let missing = |name: &str| format!("Required String parameter '{name}' is not present");
    let repeated = |name: &str| format!("Parameter '{name}' must not be repeated");
    for (query, text) in [
        (String::new(), missing("client_id")),
        ("client_id=".to_owned(), missing("client_id")),
        (format!("redirect_uri={uri}&response_type=code"), missing("client_id")),
        (format!("client_id={CLIENT}&response_type=code"), missing("redirect_uri")),
        (format!("client_id={CLIENT}&redirect_uri="), missing("redirect_uri")),
        (
            format!("client_id={CLIENT}&client_id={CLIENT}&redirect_uri={uri}"),
            repeated("client_id"),
        ),
        (format!("client_id={CLIENT}&client%5Fid=x&redirect_uri={uri}"), repeated("client_id")),
        (
            format!("client_id={CLIENT}&redirect_uri={uri}&redirect_uri={uri}"),
            repeated("redirect_uri"),
        ),
        (
            format!("client_id={CLIENT}&redirect_uri={uri}&redirect_uri=https://evil.test"),
            repeated("redirect_uri"),
        ),
    ] {
        is_safe_page(&ask(&scene, &query).await, 400, &text, &query);
    }
    let unknown = format!("http://{HOST}/error?error=invalid_client");
    for id in ["nobody", "WEBCLIENT", "webclient%20", "webclient%00", "%F0%9F%A6%80", MALL_CLIENT] {
        let query = format!("{}&state=s", query(id));
        leads_to(&ask(&scene, &query).await, &unknown, &query);
    }
    let page = scene.get("/error?error=redirect_mismatch&client_id=webclient").await;
    is_safe_page(&page, 200, "An error was encountered with the requested page.", "error page");
    is_safe_page(&page, 200, "redirect_mismatch", "error page");
}

#[tokio::test]
async fn no_address_but_the_clients_own_is_ever_answered() {
    let scene = Scene::new().await;
    let mismatch = format!("http://{HOST}/error?error=redirect_mismatch&client_id={CLIENT}");
    let cookie = scene.sign_in(CLIENT).await.cookie;
    for uri in FOREIGN {
        for kind in ["code", "token", "nosuch"] {
            let query = format!(
                "response_type={kind}&client_id={CLIENT}&redirect_uri={}&state=s&prompt=none",
                encoded(uri)
            );
            leads_to(&ask(&scene, &query).await, &mismatch, uri);
            leads_to(&ask_with(&scene, &query, &cookie).await, &mismatch, uri);
        }
    }
}

/// States as applications send them, and as they come back.
const STATES: [(&str, &str); 18] = [
    ("a%20b", "a%20b"),
    ("a+b", "a+b"),
    ("a%2Bb", "a%2Bb"),
    ("%22%27%3C%3E", "%22%27%3C%3E"),
    ("'", "'"),
    ("%7B%22a%22:1%7D", "%7B%22a%22:1%7D"),
    ("{a}|^`", "%7Ba%7D%7C%5E%60"),
    ("%F0%9F%A6%80%C3%A4", "%F0%9F%A6%80%C3%A4"),
    ("%FF%FE", "%FF%FE"),
    ("%00", "%00"),
    ("%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a%3Cb", "%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a%3Cb"),
    ("%E5%98%8A%E5%98%8D", "%E5%98%8A%E5%98%8D"),
    ("a%26code%3Devil", "a%26code%3Devil"),
    ("a%23access_token%3Devil", "a%23access_token%3Devil"),
    ("a=b==", "a=b=="),
    ("%", "%"),
    ("%zz%2", "%zz%2"),
    ("https://evil.test/?a=b/../%2F%2F", "https://evil.test/?a=b/../%2F%2F"),
];

#[tokio::test]
async fn state_comes_back_as_it_was_and_stays_one_value() {
    let scene = Scene::new().await;
    let cookie = scene.sign_in(CLIENT).await.cookie;
    let long = "x".repeat(2_048);
    for (raw, echoed) in STATES.into_iter().chain([(long.as_str(), long.as_str())]) {
        for (kind, separator) in [("code", '?'), ("token", '#')] {
            let query = format!("{}&state={raw}", request(kind));
            let silent = format!("{query}&prompt=none");
            let refused = format!("{CALLBACK}{separator}error=login_required&state={echoed}");
            leads_to(&ask(&scene, &silent).await, &refused, raw);
            // The pages get the query as it is, and send it back in their forms.
            leads_to(&ask(&scene, &query).await, &format!("http://{HOST}/login?{query}"), raw);
            let answer = ask_with(&scene, &query, &cookie).await;
            let url = location(&answer).to_owned();
            leads_to(&answer, &url, raw);
            assert!(url.ends_with(&format!("&state={echoed}")), "{url}");
            let parsed = Url::parse(&url).unwrap();
            assert_eq!((parsed.host_str(), parsed.path()), (Some("app.test"), "/cb"), "{raw}");
            let values = if kind == "code" { parsed.query() } else { parsed.fragment() }.unwrap();
            let found = url::form_urlencoded::parse(values.as_bytes());
            let found: Vec<_> = found.map(|(name, _)| name.into_owned()).collect();
            let expected = match kind {
                "code" => vec!["code", "state"],
                _ => vec!["id_token", "access_token", "expires_in", "token_type", "state"],
            };
            assert_eq!(found, expected, "{raw}");
            assert_eq!(parsed.query().is_some(), kind == "code", "{raw}");
        }
    }
}

#[tokio::test]
async fn an_application_with_a_query_or_scheme_of_its_own_gets_its_answer_there() {
    let scene = Scene::new().await;
    let urls = ["myapp://cb", "https://app.test/cb?a=b&c", "myapp:cb", "http://localhost:3000/"];
    scene
        .change(CLIENT, |c| c.settings.callback_urls = Some(urls.map(str::to_owned).to_vec()))
        .await;
    let cookie = scene.sign_in(CLIENT).await.cookie;
    for (uri, begins) in [
        (urls[0], "myapp://cb?code="),
        (urls[1], "https://app.test/cb?a=b&c&code="),
        (urls[2], "myapp:cb?code="),
        (urls[3], "http://localhost:3000/?code="),
    ] {
        let query =
            format!("response_type=code&client_id={CLIENT}&redirect_uri={}&state=s", encoded(uri));
        let url = location(&ask_with(&scene, &query, &cookie).await).to_owned();
        assert!(url.starts_with(begins) && url.ends_with("&state=s"), "{url}");
        let silent = format!("{query}&prompt=none");
        let error = begins.replace("code=", "error=login_required&state=s");
        leads_to(&ask(&scene, &silent).await, &error, uri);
    }
}

#[tokio::test]
async fn prompt_and_max_age_say_what_a_session_is_worth() {
    let scene = Scene::new().await;
    let cookie = scene.sign_in(CLIENT).await.cookie;
    scene.kit.clock.advance(100);
    // What follows for a browser with a session that is 100 seconds old, and for one without.
    for (more, with, without) in [
        ("", "code", "login"),
        ("&prompt=", "code", "login"),
        ("&prompt=login", "login", "login"),
        ("&prompt=login+consent", "login", "login"),
        ("&prompt=consent", "code", "login"),
        ("&prompt=select_account", "code", "login"),
        ("&prompt=none", "code", "login_required"),
        ("&prompt=none&max_age=101", "code", "login_required"),
        ("&prompt=none&max_age=100", "login_required", "login_required"),
        ("&prompt=none&max_age=0", "login_required", "login_required"),
        ("&max_age=101", "code", "login"),
        ("&max_age=100", "login", "login"),
        ("&max_age=0", "login", "login"),
        ("&max_age=9223372036854775807", "code", "login"),
        ("&login_hint=eve", "code", "login"),
        ("&acr_values=urn:x", "code", "login"),
        ("&identity_provider=COGNITO", "code", "login"),
    ] {
        let query = format!("{}&state=s{more}", request("code"));
        let answers =
            [(with, ask_with(&scene, &query, &cookie).await), (without, ask(&scene, &query).await)];
        for (expected, answer) in answers {
            let url = location(&answer).to_owned();
            let begins = match expected {
                "code" => format!("{CALLBACK}?code="),
                "login" => format!("http://{HOST}/login?{query}"),
                _ => format!("{CALLBACK}?error=login_required&state=s"),
            };
            assert!(url.starts_with(&begins), "{more}: {url}");
            assert!(!answer.headers().contains_key("set-cookie"), "{more}");
        }
    }
}

#[tokio::test]
async fn a_session_is_worth_nothing_at_the_domain_of_another_pool() {
    let scene = Scene::new().await;
    let mall = Mall::beside(&scene).await;
    let (shops, malls) = (scene.sign_in(CLIENT).await.cookie, mall.cookie(&scene).await);
    let ask = async |host: &str, client: &str, cookie: &str| {
        let cookie = format!("cognito={cookie}");
        let headers = [("host", host), ("cookie", cookie.as_str())];
        let path = format!("{AT}?{}&prompt=none", query(client));
        location(&scene.send(Method::GET, &path, &headers, "").await).to_owned()
    };
    let refused = format!("{CALLBACK}?error=login_required");
    assert!(ask(HOST, CLIENT, &shops).await.starts_with(&format!("{CALLBACK}?code=")));
    assert!(ask(MALL_HOST, MALL_CLIENT, &malls).await.starts_with(&format!("{CALLBACK}?code=")));
    assert_eq!(ask(HOST, CLIENT, &malls).await, refused);
    assert_eq!(ask(MALL_HOST, MALL_CLIENT, &shops).await, refused);
    let unknown = |host: &str| format!("http://{host}/error?error=invalid_client");
    assert_eq!(ask(HOST, MALL_CLIENT, &malls).await, unknown(HOST));
    assert_eq!(ask(MALL_HOST, CLIENT, &shops).await, unknown(MALL_HOST));
}

#[tokio::test]
async fn a_cookie_that_was_changed_is_none() {
    let scene = Scene::new().await;
    let good = scene.sign_in(CLIENT).await.cookie;
    let refused = format!("{CALLBACK}?error=login_required");
    let silent = format!("{}&prompt=none", request("code"));
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        leads_to(&ask_with(&scene, &silent, &changed).await, &refused, &changed);
    }
    let longer = format!("{good}A");
    let page_data = format!("x; page-data={good}");
    for other in ["", "x", &good[1..], &good[..good.len() - 1], &longer, &page_data] {
        leads_to(&ask_with(&scene, &silent, other).await, &refused, other);
    }
    let url = location(&ask_with(&scene, &silent, &good).await).to_owned();
    assert!(url.starts_with(&format!("{CALLBACK}?code=")));
    // Among many, a good one is found; among too many, nobody searches for it.
    for (others, is_found) in [(7, true), (8, false)] {
        let many = format!("{}{good}", "x; cognito=".repeat(others));
        let url = location(&ask_with(&scene, &silent, &many).await).to_owned();
        assert_eq!(url.starts_with(&format!("{CALLBACK}?code=")), is_found, "{others}");
    }
}

#[tokio::test]
async fn a_session_dies_with_its_user_and_not_with_the_password() {
    let scene = Scene::new().await;
    let cookie = scene.sign_in(CLIENT).await.cookie;
    let silent = format!("{}&prompt=none", request("code"));
    let is_alive = async || {
        let url = location(&ask_with(&scene, &silent, &cookie).await).to_owned();
        url.starts_with(&format!("{CALLBACK}?code="))
    };
    let password =
        poolhouse_domain::passwords::store_form(scene.ports(), &scene.user, "Other-Horse-8").await;
    let password = password.unwrap();
    scene.change_user(|user| user.password = Some(password)).await;
    assert!(is_alive().await);
    let now = scene.ports().clock.now();
    scene.change_user(|user| user.signed_out_at = Some(now)).await;
    assert!(is_alive().await);
    scene.change_user(|user| user.enabled = false).await;
    assert!(!is_alive().await);
    scene.change_user(|user| user.enabled = true).await;
    assert!(is_alive().await);
    let mut tx = scene.ports().store.write().await.unwrap();
    tx.delete_user(super::POOL, &scene.user.sub).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!is_alive().await);
}

#[tokio::test]
async fn only_get_is_answered_and_nothing_is_said_of_it_to_other_origins() {
    let scene = Scene::new().await;
    for (path, allowed) in [(AT, "GET"), ("/logout", "GET"), ("/error", "GET")] {
        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::HEAD,
            Method::OPTIONS,
        ] {
            let path = format!("{path}?{}", request("code"));
            let answer = scene.send(method.clone(), &path, &[], "").await;
            is_exactly(&answer, 405, &[("allow", allowed)], "", path.as_str());
            assert!(super::is_private(&answer), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_challenge_binds_the_code_and_means_nothing_to_the_implicit_grant() {
    let scene = Scene::new().await;
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let code = scene.code(&format!("{}{pkce}", request("code"))).await;
    assert_eq!(scene.token(&exchange(&code)).await.0, 400);
    let shown = [&exchange(&code)[..], &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(scene.token(&shown).await.0, 200);
    let url = scene.granted(&format!("{}{pkce}&scope=openid", request("token"))).await;
    assert!(url.contains("#id_token="), "{url}");
}

#[tokio::test]
async fn the_implicit_grant_gives_what_the_scopes_say_and_no_refresh_token() {
    let scene = Scene::new().await;
    for (scope, expected) in [
        ("openid+email", vec!["id_token", "access_token", "expires_in", "token_type"]),
        ("orders/read", vec!["access_token", "expires_in", "token_type"]),
    ] {
        let url = scene.granted(&format!("{}&scope={scope}&nonce=n", request("token"))).await;
        let (base, fragment) = url.split_once('#').unwrap();
        assert_eq!(base, CALLBACK);
        let found = url::form_urlencoded::parse(fragment.as_bytes());
        let found: Vec<_> = found.map(|(name, _)| name.into_owned()).collect();
        assert_eq!(found, expected);
        assert_eq!(parameter(&url, "token_type"), "Bearer");
        assert_eq!(parameter(&url, "expires_in"), "3600");
        let access = claims(&Value::from(parameter(&url, "access_token")));
        assert_eq!(names(&access), ACCESS);
        if scope == "orders/read" {
            continue;
        }
        let id = claims(&Value::from(parameter(&url, "id_token")));
        assert_eq!(names(&id), ID);
    }
}
