//! `GET /logout`: signs the browser out, and sends it back to the application or to the page to sign
//! in. Tokens live on.

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    oauth::{
        authorize::Refused,
        browser_session::{self, COOKIE},
        logout::{Destination, LogoutRefused, destination},
        mount::Mount,
    },
    ports::Ports,
};

use super::{authorize, cookies, error_page, headers};

pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
) -> Result<Response<String>, Fault> {
    let query = parts.uri.query().unwrap_or_default();
    let url = match destination(ports, mount, query).await? {
        Ok(Destination::Application(url)) => url,
        Ok(Destination::SignIn(query)) => mount.page(&format!("/login?{query}")),
        Err(refusal) => return Ok(refused(mount, parts, refusal)),
    };
    browser_session::end(ports, &mount.pool, &cookies::values(parts, COOKIE)).await?;
    let mut response = headers::redirect(&url);
    cookies::forget(&mut response, ports, mount);
    Ok(response)
}

fn refused(mount: &Mount, parts: &Parts, refused: LogoutRefused) -> Response<String> {
    match refused {
        LogoutRefused::Missing(name) => {
            error_page::page(parts, StatusCode::BAD_REQUEST, &authorize::missing(name))
        }
        LogoutRefused::Repeated => {
            error_page::page(parts, StatusCode::BAD_REQUEST, "A parameter is repeated")
        }
        LogoutRefused::OtherClientsHint => {
            let text = "The parameter 'id_token_hint' does not belong to the client";
            error_page::page(parts, StatusCode::BAD_REQUEST, text)
        }
        LogoutRefused::UnknownClient => authorize::refused(mount, parts, &Refused::UnknownClient),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        CALLBACK, CLIENT, CONFIDENTIAL, HOST, LOGGED_OUT, POOL, Scene, location, query,
    };

    const OUT: &str = "https%3A%2F%2Fapp.test%2Fbye%3Fx%3D1";

    #[tokio::test]
    async fn the_browser_is_signed_out_and_sent_back_and_tokens_live_on() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let cookie = format!("cognito={}", scene.sign_in(CLIENT).await.cookie);
        let authorize = format!("/oauth2/authorize?{}", query(CLIENT));
        let answer = scene.get_with(&authorize, ("cookie", &cookie)).await;
        assert!(location(&answer).starts_with(CALLBACK));

        let path = format!("/logout?client_id={CLIENT}&logout_uri={OUT}&state=s&redirect_uri=x");
        let answer = scene.get_with(&path, ("cookie", &cookie)).await;
        assert_eq!(location(&answer), LOGGED_OUT);
        let gone = "cognito=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
        assert_eq!(answer.headers()["set-cookie"], gone);
        let answer = scene.get_with(&authorize, ("cookie", &cookie)).await;
        assert!(location(&answer).contains("/login?"), "a copy of the cookie is worthless too");
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let answer = scene.get_with("/oauth2/userInfo", ("authorization", &bearer)).await;
        assert_eq!(answer.status(), 200);
    }

    #[tokio::test]
    async fn cookies_of_domains_under_a_path_stay_there() {
        let scene = Scene::new().await;
        let path = format!("/shop/logout?client_id={CLIENT}&logout_uri={OUT}");
        let answer = scene.get_with(&path, ("host", "localhost:7665")).await;
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("cognito=; Path=/shop; "), "{cookie}");
    }

    #[tokio::test]
    async fn the_other_form_leads_to_the_login_page() {
        let scene = Scene::new().await;
        let kept =
            "client_id=webclient&redirect_uri=https://app.test/cb&response_type=code&state=a%20";
        for more in ["", "&logout_uri=https://evil.test", "&identity_provider=Google"] {
            let answer = scene.get(&format!("/logout?{kept}{more}")).await;
            assert_eq!(location(&answer), format!("http://{HOST}/login?{kept}"));
            assert!(answer.headers().contains_key("set-cookie"));
        }
    }

    #[tokio::test]
    async fn the_form_of_openid_connect_is_taken_too() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        scene.kit.clock.advance(86_400 * 2);
        let hint = tokens["id_token"].as_str().unwrap();
        let path =
            format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={OUT}&state=a%20b");
        let answer = scene.get(&path).await;
        assert_eq!(location(&answer), format!("{LOGGED_OUT}&state=a%20b"));
        let other = tokens["access_token"].as_str().unwrap();
        for hint in ["x", other, &hint[..hint.len() - 4]] {
            let path = format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={OUT}");
            assert_eq!(scene.get(&path).await.status(), 400);
        }
    }

    #[tokio::test]
    async fn a_hint_beside_a_client_is_that_clients_in_the_form_of_openid_connect() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let hint = tokens["id_token"].as_str().unwrap();
        let connect = format!("post_logout_redirect_uri={OUT}");
        let own = format!("logout_uri={OUT}");
        for (client, hint, form, status) in [
            (CLIENT, hint, &connect, 302),
            (CONFIDENTIAL, hint, &connect, 400),
            (CLIENT, "x", &connect, 400),
            (CONFIDENTIAL, hint, &own, 302),
            (CLIENT, "x", &own, 302),
        ] {
            let path = format!("/logout?client_id={client}&id_token_hint={hint}&{form}");
            assert_eq!(scene.get(&path).await.status(), status, "{client} {form}");
        }
    }

    #[tokio::test]
    async fn nobody_is_sent_elsewhere_and_nobody_is_signed_out_for_nothing() {
        let scene = Scene::new().await;
        let begun = scene.sign_in(CLIENT).await;
        let cookie = format!("cognito={}", begun.cookie);
        for (query, text) in [
            ("", "'client_id'"),
            ("client_id=webclient", "'redirect_uri'"),
            ("client_id=webclient&logout_uri=https://evil.test", "'redirect_uri'"),
            ("client_id=webclient&logout_uri=https://app.test/cb", "'redirect_uri'"),
            ("client_id=webclient&logout_uri=https://app.test/bye", "'redirect_uri'"),
            ("client_id=webclient&post_logout_redirect_uri=//evil.test", "'redirect_uri'"),
            ("client_id=webclient&redirect_uri=https://app.test/cb", "'redirect_uri'"),
            ("client_id=webclient&client_id=webclient", "repeated"),
        ] {
            let answer = scene.get_with(&format!("/logout?{query}"), ("cookie", &cookie)).await;
            assert_eq!(answer.status(), 400, "{query}");
            let body = answer.body().replace("&#39;", "'");
            assert!(body.contains(text), "{query}: {body}");
            assert!(!answer.headers().contains_key("set-cookie"));
        }
        let unknown = scene.get(&format!("/logout?client_id=nobody&logout_uri={OUT}")).await;
        assert_eq!(location(&unknown), format!("http://{HOST}/error?error=invalid_client"));
        let mut view = scene.ports().store.read().await.unwrap();
        assert_eq!(view.user_sessions(POOL, &scene.user.sub).await.unwrap().len(), 1);
    }
}
