//! `GET /oauth2/authorize`: to the application if the browser has signed in already, else to the page
//! where it can.

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    auth::Place,
    oauth::{
        authorize::{self, Checked, ErrorCode, Refused, Request},
        browser_session::{self, COOKIE},
        grant::{self, SignedIn},
        mount::Mount,
    },
    ports::Ports,
    triggers::TriggerFailed,
};
use url::form_urlencoded;

use super::{cookies, error_page, headers};

pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
) -> Result<Response<String>, Fault> {
    let query = parts.uri.query().unwrap_or_default();
    let checked = match authorize::check(ports, mount, query).await? {
        Ok(checked) => checked,
        Err(refusal) => return Ok(refused(mount, parts, &refusal)),
    };
    let reply_to = &checked.request.reply_to;
    Ok(match resumed(ports, mount, &checked, parts).await {
        Ok(Some(url)) => headers::redirect(&url),
        Ok(None) if checked.request.is_silent() => {
            headers::redirect(&reply_to.error(ErrorCode::LoginRequired, None).url())
        }
        Ok(None) => headers::redirect(&mount.page(&format!("/login?{query}"))),
        // Logged here, told to the application: the user could do nothing with it.
        Err(fault) => {
            headers::faulted(&fault);
            headers::redirect(&reply_to.error(ErrorCode::ServerError, None).url())
        }
    })
}

/// Back at the application, for a browser with a session that does for this request.
async fn resumed(
    ports: &Ports,
    mount: &Mount,
    Checked { request, client }: &Checked,
    parts: &Parts,
) -> Result<Option<String>, Fault> {
    let cookies = cookies::values(parts, COOKIE);
    let found = browser_session::resume(ports, mount, client, request, &cookies).await?;
    let Some((session, user)) = found else { return Ok(None) };
    let place = Place::new(ports, &mount.pool, client);
    let granted = grant::issue(place, request, &user, &SignedIn::through(&session)).await?;
    Ok(Some(granted.unwrap_or_else(|failed| trigger_failed(request, &failed))))
}

/// Back at the application with what it is told of a failed function. (A belief.)
pub fn trigger_failed(request: &Request, failed: &TriggerFailed) -> String {
    let text = failed.text();
    request.reply_to.error(ErrorCode::InvalidRequest, Some(text)).url()
}

/// What is answered to a request, to this endpoint or to a page, that is refused.
///
/// The error for an unknown client is a belief.
pub fn refused(mount: &Mount, parts: &Parts, refused: &Refused) -> Response<String> {
    let at_error_page = |values: &[(&str, &str)]| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(values).finish();
        headers::redirect(&mount.page(&format!("/error?{query}")))
    };
    match refused {
        Refused::Missing(name) => error_page::page(parts, StatusCode::BAD_REQUEST, &missing(name)),
        Refused::Repeated(name) => {
            let text = format!("Parameter '{name}' must not be repeated");
            error_page::page(parts, StatusCode::BAD_REQUEST, &text)
        }
        Refused::UnknownClient => at_error_page(&[("error", "invalid_client")]),
        Refused::RedirectMismatch { client_id } => {
            at_error_page(&[("error", "redirect_mismatch"), ("client_id", client_id)])
        }
        Refused::Told(error) => headers::redirect(&error.url()),
    }
}

/// What is said of a parameter without which nothing can be done.
pub(super) fn missing(name: &str) -> String {
    format!("Required String parameter '{name}' is not present")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use poolhouse_domain::{
        directory::Directory, sessions::tracking::SessionSettings, tokens::revoke,
    };

    use super::super::testing::{
        CALLBACK, CHALLENGE, CLIENT, CONFIDENTIAL, MACHINE, POOL, Scene, claims, exchange,
        location, parameter, query,
    };

    const AT: &str = "/oauth2/authorize";

    /// Where a request leads a browser that has no session.
    async fn leads(scene: &Scene, query: &str) -> String {
        location(&scene.get(&format!("{AT}?{query}")).await).to_owned()
    }

    /// The same for a browser with this cookie.
    async fn resumes(scene: &Scene, query: &str, cookie: &str) -> String {
        let cookie = format!("lang=en; cognito={cookie}");
        let answer = scene.get_with(&format!("{AT}?{query}"), ("cookie", &cookie)).await;
        location(&answer).to_owned()
    }

    #[tokio::test]
    async fn a_browser_without_session_goes_to_the_login_page_with_the_same_query() {
        let scene = Scene::new().await;
        let query = format!(
            "{}&state=a%2Bb+%20c&scope=openid+email&nonce=n&lang=de&prompt=login&unknown=1\
             &code_challenge={CHALLENGE}&code_challenge_method=S256&identity_provider=COGNITO",
            query(CLIENT)
        );
        let answer = scene.get(&format!("{AT}?{query}")).await;
        let expected = format!("http://shop.auth.localhost:7665/login?{query}");
        assert_eq!(location(&answer), expected);
        assert_eq!(answer.body(), "");
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-cache, no-store, max-age=0, must-revalidate");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(!headers.contains_key("set-cookie"));
        assert!(answer.extensions().get::<super::super::headers::SameOrigin>().is_some());
    }

    #[tokio::test]
    async fn a_domain_is_also_reached_under_a_path_of_the_server() {
        let scene = Scene::new().await;
        let query = query(CLIENT);
        for name in ["shop", POOL] {
            let path = format!("/{name}{AT}?{query}");
            let answer = scene.get_with(&path, ("host", "127.0.0.1:7665")).await;
            assert_eq!(location(&answer), format!("/{name}/login?{query}"));
        }
        for (host, path) in [
            ("127.0.0.1:7665", "/nobody/oauth2/authorize"),
            ("127.0.0.1:7665", "/oauth2/authorize"),
            ("nobody.auth.localhost", "/oauth2/authorize"),
            ("shop.auth.localhost", "/shop/oauth2/authorize"),
            ("shop.evil.test", "/oauth2/authorize"),
        ] {
            let request = http::Request::get(path).header("host", host).body(()).unwrap();
            let answer = super::super::serve(scene.ports(), &request.into_parts().0, b"").await;
            assert!(answer.is_none(), "{host}{path}");
        }
    }

    #[tokio::test]
    async fn a_browser_with_a_session_goes_back_with_a_code_and_the_state_as_it_came() {
        let scene = Scene::new().await;
        let begun = scene.sign_in(CLIENT).await;
        scene.kit.clock.advance(600);
        let query = format!("{}&scope=openid&state=a%2Bb+%20c%22", query(CLIENT));
        let url = resumes(&scene, &query, &begun.cookie).await;
        let code = parameter(&url, "code");
        assert_eq!(url, format!("{CALLBACK}?code={code}&state=a%2Bb+%20c%22"));
        assert_eq!(code.len(), 36);
        let (_, tokens) = scene.token(&exchange(&code)).await;
        let auth_time = claims(&tokens["id_token"])["auth_time"].as_i64().unwrap();
        assert_eq!(auth_time, scene.ports().clock.now().seconds() - 600);
    }

    #[tokio::test]
    async fn every_client_of_the_pool_may_use_the_session_for_an_hour_that_use_does_not_prolong() {
        let scene = Scene::new().await;
        let begun = scene.sign_in(CLIENT).await;
        let other = query(CONFIDENTIAL);
        scene.kit.clock.advance(3_599);
        assert!(resumes(&scene, &other, &begun.cookie).await.starts_with(CALLBACK));
        scene.kit.clock.advance(1);
        assert!(resumes(&scene, &other, &begun.cookie).await.contains("/login?"));
    }

    #[tokio::test]
    async fn the_session_counts_only_as_far_as_the_request_lets_it() {
        let scene = Scene::new().await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        scene.kit.clock.advance(100);
        let plain = query(CLIENT);
        for (more, is_back) in [
            ("&max_age=101", true),
            ("&max_age=100", false),
            ("&max_age=0", false),
            ("&prompt=login", false),
            ("&prompt=select_account+consent", true),
            ("&prompt=none", true),
            ("&prompt=none&identity_provider=COGNITO", true),
        ] {
            let url = resumes(&scene, &format!("{plain}{more}"), &cookie).await;
            assert_eq!(url.starts_with(&format!("{CALLBACK}?code=")), is_back, "{more}: {url}");
        }
        let silent = format!("{plain}&prompt=none&state=s");
        let expected = format!("{CALLBACK}?error=login_required&state=s");
        assert_eq!(leads(&scene, &silent).await, expected);
        assert_eq!(resumes(&scene, &silent, "forged").await, expected);
    }

    #[tokio::test]
    async fn a_session_that_was_ended_or_whose_user_was_disabled_is_worth_nothing() {
        let scene = Scene::new().await;
        let (one, other) = (scene.sign_in(CLIENT).await, scene.sign_in(CLIENT).await);
        let mut tx = scene.ports().store.write().await.unwrap();
        let was_there = tx.delete_user_session(POOL, &scene.user.sub, &one.session.id).await;
        assert!(was_there.unwrap());
        tx.commit().await.unwrap();
        let query = query(CLIENT);
        assert!(resumes(&scene, &query, &one.cookie).await.contains("/login?"));
        let both = format!("{}; cognito={}", one.cookie, other.cookie);
        assert!(resumes(&scene, &query, &both).await.starts_with(CALLBACK));
        scene.change_user(|user| user.enabled = false).await;
        assert!(resumes(&scene, &query, &other.cookie).await.contains("/login?"));
    }

    #[tokio::test]
    async fn who_was_disabled_has_to_sign_in_when_let_in_again() {
        let scene = Scene::new().await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        let now = scene.ports().clock.now();
        let mut tx = scene.ports().store.write().await.unwrap();
        let mut user = tx.user_by_sub(POOL, &scene.user.sub).await.unwrap().unwrap();
        revoke::disable(&mut *tx, &mut user, now).await.unwrap();
        tx.commit().await.unwrap();
        scene.change_user(|user| user.enabled = true).await;
        assert!(resumes(&scene, &query(CLIENT), &cookie).await.contains("/login?"));
    }

    #[tokio::test]
    async fn a_code_dies_with_the_session_it_came_through_unless_that_just_expires() {
        let scene = Scene::new().await;
        let end = async |id: &str| {
            let mut tx = scene.ports().store.write().await.unwrap();
            assert!(tx.delete_user_session(POOL, &scene.user.sub, id).await.unwrap());
            tx.commit().await.unwrap();
        };
        let query = format!("{}&scope=openid", query(CLIENT));
        let begun = scene.sign_in(CLIENT).await;
        let code = parameter(&resumes(&scene, &query, &begun.cookie).await, "code");
        end(&begun.session.id).await;
        assert_eq!(scene.token(&exchange(&code)).await.0, 400);

        let begun = scene.sign_in(CLIENT).await;
        scene.kit.clock.advance(3_599);
        let code = parameter(&resumes(&scene, &query, &begun.cookie).await, "code");
        scene.kit.clock.advance(1);
        end(&begun.session.id).await;
        assert_eq!(scene.token(&exchange(&code)).await.0, 200);
    }

    #[tokio::test]
    async fn signing_out_everywhere_leaves_the_browser_signed_in() {
        let scene = Scene::new().await;
        let begun = scene.sign_in(CLIENT).await;
        scene.kit.clock.advance(10);
        let now = scene.ports().clock.now();
        scene.change_user(|user| user.signed_out_at = Some(now)).await;
        scene.kit.clock.advance(10);
        let query = format!("{}&scope=openid", query(CLIENT));
        let url = resumes(&scene, &query, &begun.cookie).await;
        let (_, tokens) = scene.token(&exchange(&parameter(&url, "code"))).await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let again =
            [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)];
        assert_eq!(scene.token(&again).await.0, 200);
        scene.change_user(|user| user.signed_out_at = Some(now.plus_seconds(10))).await;
        assert_eq!(scene.token(&again).await.0, 400);
    }

    #[tokio::test]
    async fn a_client_says_for_how_long_it_takes_sessions_where_they_are_tracked() {
        let scene = Scene::new().await;
        scene.change(CLIENT, |client| client.sso_minutes = Some(0)).await;
        let query = query(CLIENT);
        let cookie = scene.sign_in(CLIENT).await.cookie;
        assert!(resumes(&scene, &query, &cookie).await.starts_with(CALLBACK), "not tracked");
        let tracking = SessionSettings { is_tracking: true, ..SessionSettings::default() };
        scene.change_pool(|pool| pool.sessions = tracking).await;
        assert!(resumes(&scene, &query, &cookie).await.contains("/login?"));
        scene.change(CLIENT, |client| client.sso_minutes = Some(120)).await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        scene.kit.clock.advance(7_199);
        let url = resumes(&scene, &query, &cookie).await;
        let code = parameter(&url, "code");
        assert_eq!(scene.token(&exchange(&code)).await.0, 200);
        let mut view = scene.ports().store.read().await.unwrap();
        let rows = view.user_sessions(POOL, &scene.user.sub).await.unwrap();
        let token = rows.iter().find(|row| row.id.starts_with("tkn")).unwrap();
        let parent = rows.iter().find(|row| Some(&row.id) == token.origin_session_id.as_ref());
        assert_eq!(parent.unwrap().last_active_at, scene.ports().clock.now());
    }

    #[tokio::test]
    async fn a_session_is_as_long_as_the_client_says_that_resumes_it() {
        let scene = Scene::new().await;
        let tracking = SessionSettings { is_tracking: true, ..SessionSettings::default() };
        scene.change_pool(|pool| pool.sessions = tracking).await;
        scene.change(CONFIDENTIAL, |client| client.sso_minutes = Some(120)).await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        scene.kit.clock.advance(7_199);
        assert!(resumes(&scene, &query(CLIENT), &cookie).await.contains("/login?"));
        assert!(resumes(&scene, &query(CONFIDENTIAL), &cookie).await.starts_with(CALLBACK));
        scene.kit.clock.advance(1);
        assert!(resumes(&scene, &query(CONFIDENTIAL), &cookie).await.contains("/login?"));
    }

    #[tokio::test]
    async fn the_session_of_a_provider_that_the_client_does_not_offer_is_not_used() {
        let scene = Scene::new().await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        let others = Some(vec!["Corp".to_owned()]);
        scene.change(CLIENT, |client| client.settings.supported_identity_providers = others).await;
        assert!(resumes(&scene, &query(CLIENT), &cookie).await.contains("/login?"));
    }

    #[tokio::test]
    async fn the_implicit_grant_brings_tokens_in_the_fragment() {
        let scene = Scene::new().await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        let query =
            format!("{}&scope=openid&nonce=n-1&state=s", query(CLIENT).replace("code", "token"));
        let url = resumes(&scene, &query, &cookie).await;
        let (id, access) = (parameter(&url, "id_token"), parameter(&url, "access_token"));
        let expected = format!(
            "{CALLBACK}#id_token={id}&access_token={access}&expires_in=3600&token_type=Bearer\
             &state=s"
        );
        assert_eq!(url, expected);
        assert_eq!(claims(&id.into())["nonce"], "n-1");
    }

    #[tokio::test]
    async fn who_cannot_be_sent_anywhere_sees_a_page() {
        let scene = Scene::new().await;
        for (query, text) in [
            ("", "Required String parameter 'client_id' is not present"),
            ("client_id=webclient", "Required String parameter 'redirect_uri' is not present"),
            ("client_id=webclient&client_id=webclient", "Parameter 'client_id' must not be"),
            (
                "client_id=webclient&redirect_uri=https://app.test/cb&redirect_uri=x",
                "Parameter 'redirect_uri' must not be repeated",
            ),
        ] {
            let answer = scene.get(&format!("{AT}?{query}")).await;
            let body = answer.body().replace("&#39;", "'");
            assert_eq!(answer.status(), 400, "{query}");
            assert!(body.contains(text), "{query}: {body}");
        }
        let base = "http://shop.auth.localhost:7665/error?error=";
        for id in ["nobody", "WEBCLIENT", "a%0D%0Ab%00"] {
            let unknown = leads(&scene, &query(id)).await;
            assert_eq!(unknown, format!("{base}invalid_client"));
        }
    }

    #[tokio::test]
    async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
        let scene = Scene::new().await;
        let mismatch = "http://shop.auth.localhost:7665/error?error=redirect_mismatch\
                        &client_id=webclient";
        for uri in [
            "https://app.test/cb/",
            "https://app.test/CB",
            "https://app.test:443/cb",
            "https://app.test/cb?x=1",
            "https://app.test/cb%23x",
            "https://app.test/cb/../evil",
            "https://app.test@evil.test/cb",
            "https://evil.test/https://app.test/cb",
            "//app.test/cb",
            "/cb",
            "https%253A%252F%252Fapp.test%252Fcb",
            "+https://app.test/cb",
            "https://app.test/cb%00",
            "https://app.test/cb%0D%0ALocation:https://evil.test",
            "javascript:alert(1)",
            "MYAPP://cb",
        ] {
            for kind in ["code", "token", "id_token", ""] {
                let query = format!("response_type={kind}&client_id=webclient&redirect_uri={uri}");
                assert_eq!(leads(&scene, &query).await, mismatch, "{uri}");
            }
        }
    }

    #[tokio::test]
    async fn a_client_with_one_provider_need_not_name_its_only_or_usual_address() {
        let scene = Scene::new().await;
        let short = "response_type=code&client_id=webclient&state=1";
        let set = |uri: &str| {
            let uri = Some(uri.to_owned());
            move |client: &mut poolhouse_domain::app_clients::AppClient| {
                client.settings.default_redirect_uri = uri;
            }
        };
        scene.change(CLIENT, set("myapp://cb")).await;
        assert!(scene.granted(short).await.starts_with("myapp://cb?code="));
        let code = scene.code(short).await;
        let without =
            [("grant_type", "authorization_code"), ("client_id", CLIENT), ("code", &code)];
        assert_eq!(scene.token(&without).await.0, 200);
        let two = Some(vec!["COGNITO".to_owned(), "Corp".to_owned()]);
        scene.change(CLIENT, |client| client.settings.supported_identity_providers = two).await;
        assert_eq!(scene.get(&format!("{AT}?{short}")).await.status(), 400);
    }

    #[tokio::test]
    async fn the_application_is_told_what_is_wrong_with_its_request() {
        let scene = Scene::new().await;
        let uri = "client_id=webclient&redirect_uri=https://app.test/cb&state=s";
        let code = format!("{uri}&response_type=code");
        let pkce = format!("&code_challenge={CHALLENGE}");
        for (query, error) in [
            (uri.to_owned(), "invalid_request"),
            (format!("{uri}&response_type=token+id_token"), "invalid_request"),
            (format!("{code}&response_type=code"), "invalid_request"),
            (format!("{code}{pkce}"), "invalid_request"),
            (format!("{code}{pkce}&code_challenge_method=plain"), "invalid_request"),
            (format!("{code}&code_challenge_method=S256"), "invalid_request"),
            (format!("{code}&scope=openid&scope=openid"), "invalid_request"),
            (format!("{code}&nonce=1&nonce=2"), "invalid_request"),
            (format!("{code}&nonce={}", "n".repeat(1_025)), "invalid_request"),
            (format!("{code}&scope=openid+nosuch"), "invalid_scope"),
            (format!("{code}&scope=phone+openid"), "invalid_scope"),
            (format!("{code}&scope=email"), "invalid_scope"),
            (format!("{code}&scope=%22"), "invalid_scope"),
            (format!("{code}&resource=orders"), "invalid_request"),
            (format!("{code}&resource=https://a.test&resource=https://b.test"), "invalid_request"),
            (format!("{code}&prompt=none+login"), "invalid_request"),
            (format!("{code}&prompt=nosuch"), "invalid_request"),
            (format!("{code}&max_age=-1"), "invalid_request"),
            (format!("{code}&identity_provider=Google"), "invalid_request"),
            (format!("{code}&idp_identifier=corp.test"), "invalid_request"),
        ] {
            let expected = format!("{CALLBACK}?error={error}&state=s");
            assert_eq!(leads(&scene, &query).await, expected, "{query}");
        }
        let twice = format!("{code}&state=t");
        assert_eq!(leads(&scene, &twice).await, format!("{CALLBACK}?error=invalid_request"));
        let implicit = format!("{uri}&response_type=token&scope=nosuch");
        let expected = format!("{CALLBACK}#error=invalid_scope&state=s");
        assert_eq!(leads(&scene, &implicit).await, expected);
    }

    #[tokio::test]
    async fn the_application_is_told_of_faults_and_pages_of_others_are_not() {
        let scene = Scene::new().await;
        let query = format!("{}&state=s", query(CLIENT));
        leads(&scene, &query).await;
        let scene = scene.without_store();
        let expected = format!("{CALLBACK}?error=server_error&state=s");
        assert_eq!(leads(&scene, &query).await, expected);
        scene.kit.ports.directory.forget_app_client(CLIENT);
        let mut scene = scene;
        let ports = &mut scene.kit.ports;
        ports.directory = Arc::new(Directory::new(Arc::clone(&ports.store)));
        let answer = scene.get(&format!("{AT}?{query}")).await;
        assert_eq!(answer.status(), 500);
        assert!(answer.extensions().get::<super::super::headers::SameOrigin>().is_some());
    }

    #[tokio::test]
    async fn clients_without_oauth_the_flow_or_anybody_to_sign_in_are_refused() {
        let scene = Scene::new().await;
        let expected = format!("{CALLBACK}?error=unauthorized_client");
        assert_eq!(leads(&scene, &query(MACHINE)).await, expected);
        let none = |client: &mut poolhouse_domain::app_clients::AppClient| {
            client.settings.supported_identity_providers = None;
        };
        scene.change(CONFIDENTIAL, none).await;
        let url = leads(&scene, &query(CONFIDENTIAL)).await;
        assert_eq!(parameter(&url, "error"), "invalid_request");
        let off = |client: &mut poolhouse_domain::app_clients::AppClient| {
            client.settings.allowed_oauth_flows_user_pool_client = Some(false);
        };
        scene.change(CLIENT, off).await;
        let described = "error_description=Client+is+not+enabled+for+OAuth2.0+flows+\
                         &error=invalid_request";
        assert_eq!(leads(&scene, &query(CLIENT)).await, format!("{CALLBACK}?{described}"));
        let implicit = query(CLIENT).replace("code", "token");
        assert_eq!(leads(&scene, &implicit).await, format!("{CALLBACK}#{described}"));
    }

    #[tokio::test]
    async fn scopes_are_those_asked_for_or_all_that_exist_and_the_client_has() {
        let scene = Scene::new().await;
        let scopes = async |more: &str| {
            let checked = scene.checked(&format!("{}{more}", query(CLIENT))).await;
            checked.unwrap().request.scopes.join(" ")
        };
        assert_eq!(scopes("&scope=email++openid+email").await, "email openid");
        let all = "openid email profile orders/read aws.cognito.signin.user.admin";
        assert_eq!(scopes("").await, all);
        let mut tx = scene.ports().store.write().await.unwrap();
        assert!(tx.delete_resource_server(POOL, "orders").await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(scopes("&scope=openid+orders/read").await, "openid");
        assert_eq!(scopes("").await, all.replace("orders/read ", ""));
    }

    #[tokio::test]
    async fn classic_pages_know_no_prompt_and_another_version_ends_sessions() {
        let scene = Scene::new().await;
        let cookie = scene.sign_in(CLIENT).await.cookie;
        let mut tx = scene.ports().store.write().await.unwrap();
        let mut domain = tx.domain("shop").await.unwrap().unwrap();
        domain.settings.managed_login_version = Some(1);
        tx.update_domain(&mut domain).await.unwrap();
        tx.commit().await.unwrap();
        scene.ports().directory.forget_domain("shop");
        assert!(resumes(&scene, &query(CLIENT), &cookie).await.contains("/login?"));
        let silent = format!("{}&prompt=none", query(CLIENT));
        assert!(leads(&scene, &silent).await.contains("/login?"));
    }

    #[tokio::test]
    async fn only_get_is_answered() {
        let scene = Scene::new().await;
        let answer = scene.post(AT, None, &[("client_id", CLIENT)]).await;
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["allow"], "GET");
    }

    #[tokio::test]
    async fn a_sealed_request_opens_as_it_was_and_forged_text_does_not() {
        let scene = Scene::new().await;
        let request = scene.checked(&format!("{}&state=%20", query(CLIENT))).await.unwrap().request;
        let sealed = request.seal(scene.ports()).unwrap();
        let open =
            |text: &str| poolhouse_domain::oauth::authorize::Request::open(scene.ports(), text);
        assert_eq!(open(&sealed), Some(request));
        assert_eq!(open(&sealed.replace('A', "B")), None);
    }
}
