//! `/oauth2/userInfo`: what an access token lets an application know of its user.

use http::{Method, Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use poolhouse_domain::{
    Fault,
    oauth::{
        mount::Mount,
        user_info::{self, UserInfoRefused},
    },
    ports::Ports,
};
use serde_json::json;

use super::{authorization, form, headers};

pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, Fault> {
    let Some(token) = bearer_token(parts, body) else {
        return Ok(refused(UserInfoRefused::Malformed));
    };
    Ok(match user_info::answer(ports, &mount.pool, &token).await? {
        Ok(claims) => headers::json(StatusCode::OK, &claims),
        Err(refusal) => refused(refusal),
    })
}

/// The token in the header or, of a POST, in the body (RFC 6750 section 2); none if there is none or
/// there are two. Never that of a query, which ends up in logs.
fn bearer_token(parts: &Parts, body: &[u8]) -> Option<String> {
    let header = authorization(parts).ok()?.map(|header| {
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let mut without_query = parts.clone();
    without_query.uri = http::Uri::default();
    let in_body = (parts.method == Method::POST).then(|| {
        let form = form(&without_query, body).ok()?;
        form.one("access_token").ok().flatten().map(str::to_owned)
    });
    match (header, in_body.flatten()) {
        (Some(token), None) | (None, token) => token,
        (Some(_), Some(_)) => None,
    }
}

/// The header has no scheme in it, as documented for the service. Status and text for a token without
/// the scope are beliefs.
fn refused(refused: UserInfoRefused) -> Response<String> {
    let (status, error, description) = match refused {
        UserInfoRefused::Malformed => {
            (StatusCode::BAD_REQUEST, "invalid_request", "Bad OAuth2 request at UserInfo Endpoint")
        }
        UserInfoRefused::Token => (
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "Access token is expired, disabled, or deleted, or the user has globally signed out.",
        ),
        UserInfoRefused::Scope => (
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            "Access token does not contain openid scope",
        ),
    };
    let content = json!({ "error": error, "error_description": description });
    let mut response = headers::json(status, &content);
    let told = format!("error=\"{error}\", error_description=\"{description}\"");
    headers::set(&mut response, WWW_AUTHENTICATE, &told);
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{CLIENT, Scene, read};

    const AT: &str = "/oauth2/userInfo";

    async fn ask(scene: &Scene, token: &str) -> http::Response<String> {
        scene.get_with(AT, ("authorization", &format!("Bearer {token}"))).await
    }

    #[tokio::test]
    async fn what_scopes_and_client_let_be_seen_is_told_as_text() {
        let scene = Scene::new().await;
        let sub = &scene.user.sub;
        for (scope, expected) in [
            (
                "openid",
                json!({
                    "sub": sub, "username": "ada", "email": "ada@example.com",
                    "email_verified": "true", "name": "Ada", "custom:tier": "3",
                }),
            ),
            (
                "openid+email",
                json!({
                    "sub": sub, "username": "ada", "email": "ada@example.com",
                    "email_verified": "true",
                }),
            ),
        ] {
            let tokens = scene.tokens(scope).await;
            let token = tokens["access_token"].as_str().unwrap();
            let answer = ask(&scene, token).await;
            assert_eq!(read(&answer), (200, expected.clone()));
            assert_eq!(answer.headers()["content-type"], "application/json;charset=UTF-8");
            assert_eq!(answer.headers()["x-xss-protection"], "1; mode=block");
            let posted = scene.post(AT, None, &[("access_token", token)]).await;
            assert_eq!(read(&posted), (200, expected));
        }
    }

    #[tokio::test]
    async fn tokens_that_are_no_longer_good_are_refused() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let (token, refresh) =
            (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
        let description =
            "Access token is expired, disabled, or deleted, or the user has globally signed out.";
        let refused = async |token: &str| {
            let answer = ask(&scene, token).await;
            let expected = format!("error=\"invalid_token\", error_description=\"{description}\"");
            assert_eq!(answer.headers()["www-authenticate"], expected);
            let body = json!({ "error": "invalid_token", "error_description": description });
            assert_eq!(read(&answer), (401, body));
        };
        refused(tokens["id_token"].as_str().unwrap()).await;
        refused(&token.replace(token.rsplit('.').next().unwrap(), "AAAA")).await;
        scene.change_user(|user| user.enabled = false).await;
        refused(token).await;
        scene.change_user(|user| user.enabled = true).await;
        assert_eq!(ask(&scene, token).await.status(), 200);
        let revoked =
            scene.post("/oauth2/revoke", None, &[("token", refresh), ("client_id", CLIENT)]).await;
        assert_eq!(revoked.status(), 200);
        refused(token).await;
        let other = scene.tokens("openid").await;
        scene.kit.clock.advance(3_600);
        refused(other["access_token"].as_str().unwrap()).await;
    }

    #[tokio::test]
    async fn a_token_without_openid_opens_nothing() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("orders/read").await;
        let answer = ask(&scene, tokens["access_token"].as_str().unwrap()).await;
        let description = "Access token does not contain openid scope";
        let body = json!({ "error": "invalid_token", "error_description": description });
        assert_eq!(read(&answer), (401, body));
    }

    #[tokio::test]
    async fn requests_without_one_token_are_malformed() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let token = tokens["access_token"].as_str().unwrap();
        let expected = "error=\"invalid_request\", \
                        error_description=\"Bad OAuth2 request at UserInfo Endpoint\"";
        let header = format!("Bearer {token}");
        for answer in [
            scene.get(AT).await,
            scene.get_with(AT, ("authorization", token)).await,
            scene.get_with(AT, ("authorization", "Bearer x")).await,
            scene.get_with(AT, ("authorization", "Basic x")).await,
            scene.get(&format!("{AT}?access_token={token}")).await,
            scene.post(&format!("{AT}?access_token={token}"), None, &[]).await,
            scene.post(AT, Some(("authorization", &header)), &[("access_token", token)]).await,
        ] {
            assert_eq!(answer.status(), 400);
            assert_eq!(answer.headers()["www-authenticate"], expected);
        }
    }
}
