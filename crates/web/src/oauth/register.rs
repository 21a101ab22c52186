//! `POST /oauth2/register`: an application registers itself (RFC 7591).

use http::{Response, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use poolhouse_domain::{
    Fault,
    fault::retrying,
    oauth::{
        mount::Mount,
        register::{self, Metadata, RegisterRefused},
    },
    ports::Ports,
};
use serde_json::{Map, Value, json};

use super::{authorization, headers, media_type};

pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, Fault> {
    // A header that is none of a bearer must not pass for nobody's.
    let token = authorization(parts).unwrap_or(Some("")).map(|header| {
        let bearer =
            header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        bearer.map_or("", |(_, token)| token.trim())
    });
    let Some(metadata) = metadata(parts, body) else {
        return Ok(refused(RegisterRefused::Metadata(
            "The body is no client metadata.".to_owned(),
        )));
    };
    let register = || register::register(ports, &mount.pool, token, metadata.clone());
    Ok(match retrying(register).await? {
        Ok(registered) => {
            let content = serde_json::to_value(&registered)
                .map_err(|error| Fault::because("a registration can't be written", error))?;
            headers::json(StatusCode::CREATED, &content)
        }
        Err(refusal) => refused(refusal),
    })
}

/// What a body says, if it is an object and said to be JSON (RFC 7591 section 3.1): without asking
/// first, browsers send everything else for the pages of other sites.
fn metadata(parts: &Parts, body: &[u8]) -> Option<Metadata> {
    if media_type(parts) != "application/json" {
        return None;
    }
    let members = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
    serde_json::from_value(Value::Object(members)).ok()
}

/// The errors of RFC 7591 section 3.2.2 and RFC 6750 section 3.1.
fn refused(refused: RegisterRefused) -> Response<String> {
    let told = |status, error: &str, description: &str| {
        let content = json!({ "error": error, "error_description": description });
        headers::json(status, &content)
    };
    match refused {
        RegisterRefused::Off => headers::bare(StatusCode::NOT_FOUND),
        RegisterRefused::Token => {
            let text = "An access token for registration is needed.";
            let mut response = told(StatusCode::UNAUTHORIZED, "invalid_token", text);
            headers::set(&mut response, WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"");
            response
        }
        RegisterRefused::Closed => {
            let text = "Registration of this kind is closed.";
            told(StatusCode::FORBIDDEN, "access_denied", text)
        }
        RegisterRefused::RedirectUri(text) => {
            told(StatusCode::BAD_REQUEST, "invalid_redirect_uri", &text)
        }
        RegisterRefused::Metadata(text) => {
            told(StatusCode::BAD_REQUEST, "invalid_client_metadata", &text)
        }
        RegisterRefused::Limit => {
            let text = "There are too many requests or clients.";
            told(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text)
        }
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::{
        limits::Category,
        resource_servers::REGISTER_SCOPE,
        shapes::{ClientTypeType, DcrConfigurationType, OAuthFlowType, StatusType},
    };
    use serde_json::{Value, json};

    use super::super::testing::{CALLBACK, MACHINE, POOL, SECRET, Scene, read};

    const AT: &str = "/oauth2/register";

    /// A pool with which everybody may register, or those who show a token only.
    async fn scene(is_open: bool) -> Scene {
        let scene = Scene::new().await;
        let both = vec![OAuthFlowType::Code, OAuthFlowType::ClientCredentials];
        let configuration = DcrConfigurationType {
            enable_status: Some(StatusType::Enabled),
            open_dcr_enabled: Some(is_open),
            authenticated_grant_types: Some(both),
            open_dcr_grant_types: Some(vec![OAuthFlowType::Code]),
            allowed_scopes: Some(vec!["orders/read".to_owned(), REGISTER_SCOPE.to_owned()]),
        };
        scene.change_pool(|pool| pool.settings.dcr_configuration = Some(configuration)).await;
        scene
    }

    async fn ask(scene: &Scene, token: Option<&str>, metadata: Value) -> (u16, Value) {
        let header = token.map(|token| ("authorization", token));
        let json = ("content-type", "application/json");
        let headers: Vec<_> = [json].into_iter().chain(header).collect();
        let answer = scene.send(http::Method::POST, AT, &headers, &metadata.to_string()).await;
        read(&answer)
    }

    /// A token of a client that holds the scope for registration.
    async fn token(scene: &Scene) -> String {
        let scopes = Some(vec![REGISTER_SCOPE.to_owned(), "orders/read".to_owned()]);
        scene.change(MACHINE, |client| client.settings.allowed_oauth_scopes = scopes).await;
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", MACHINE),
            ("client_secret", SECRET),
            ("scope", REGISTER_SCOPE),
        ];
        let (status, answer) = scene.token(&pairs).await;
        assert_eq!(status, 200, "{answer}");
        format!("Bearer {}", answer["access_token"].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_public_application_registers_itself_and_signs_users_in() {
        let scene = scene(true).await;
        let metadata = json!({
            "client_name": "My App", "redirect_uris": [CALLBACK], "logo_uri": "https://x.test",
            "token_endpoint_auth_method": "none", "scope": "openid orders/read",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let (status, answer) = ask(&scene, None, metadata).await;
        let id = answer["client_id"].as_str().unwrap();
        let expected = json!({
            "client_id": id, "client_id_issued_at": scene.ports().clock.now().seconds(),
            "client_name": "My App", "redirect_uris": [CALLBACK], "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none", "scope": "openid orders/read",
        });
        assert_eq!((status, &answer), (201, &expected));
        let client = scene.ports().directory.app_client(id).await.unwrap().unwrap();
        assert_eq!(client.settings.client_type, Some(ClientTypeType::Dcr));
        let query = format!("response_type=code&client_id={id}&redirect_uri={CALLBACK}");
        let code = scene.code(&query).await;
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", id),
            ("code", &code),
            ("redirect_uri", CALLBACK),
        ];
        assert_eq!(scene.token(&pairs).await.0, 200);
    }

    #[tokio::test]
    async fn who_shows_a_token_may_register_a_machine() {
        let scene = scene(false).await;
        let token = token(&scene).await;
        let metadata = json!({ "grant_types": ["client_credentials"], "response_types": [] });
        let (status, answer) = ask(&scene, Some(&token), metadata).await;
        assert_eq!((status, &answer["client_secret_expires_at"]), (201, &json!(0)), "{answer}");
        assert_eq!(answer["scope"], "orders/read", "never the scope for registration");
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", answer["client_id"].as_str().unwrap()),
            ("client_secret", answer["client_secret"].as_str().unwrap()),
        ];
        let (status, tokens) = scene.token(&pairs).await;
        assert_eq!(status, 200);
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        assert_eq!(ask(&scene, Some(&bearer), json!({})).await.0, 401);
    }

    #[tokio::test]
    async fn others_may_not() {
        let scene = scene(false).await;
        let good = token(&scene).await;
        let metadata = json!({ "redirect_uris": [CALLBACK] });
        assert_eq!(ask(&scene, Some(&good), metadata.clone()).await.0, 201);
        let user = scene.tokens("openid").await;
        let of_user = format!("Bearer {}", user["access_token"].as_str().unwrap());
        for token in [None, Some("Bearer a.b.c"), Some("Basic x"), Some(of_user.as_str())] {
            let (status, answer) = ask(&scene, token, metadata.clone()).await;
            assert_eq!((status, &answer["error"]), (401, &json!("invalid_token")), "{token:?}");
        }
        let lost = Some(vec!["orders/read".to_owned()]);
        scene.change(MACHINE, |client| client.settings.allowed_oauth_scopes = lost).await;
        assert_eq!(ask(&scene, Some(&good), metadata.clone()).await.0, 401);
        scene.change_pool(|pool| pool.settings.dcr_configuration = None).await;
        assert_eq!(ask(&scene, None, metadata).await, (404, Value::Null));
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_refused_and_no_client_is_made() {
        let scene = scene(true).await;
        let uri = |uri: &str| json!({ "redirect_uris": [uri] });
        let with = |name: &str, value: Value| {
            let mut metadata = json!({ "redirect_uris": [CALLBACK] });
            metadata[name] = value;
            metadata
        };
        for (metadata, error) in [
            (json!({}), "invalid_redirect_uri"),
            (uri("http://app.test/cb"), "invalid_redirect_uri"),
            (uri("https://app.test/#x"), "invalid_redirect_uri"),
            (uri("/cb"), "invalid_redirect_uri"),
            (uri("https://app.test/a b"), "invalid_redirect_uri"),
            (uri("https://app.test/\r\nx:y"), "invalid_redirect_uri"),
            (uri("JavaScript:alert(1)"), "invalid_redirect_uri"),
            (uri("data:text/html,x"), "invalid_redirect_uri"),
            (uri("vbscript:x"), "invalid_redirect_uri"),
            (uri("file:///etc/passwd"), "invalid_redirect_uri"),
            (with("post_logout_redirect_uris", json!(["javascript:x"])), "invalid_redirect_uri"),
            (uri(&format!("https://{}", "a".repeat(1_024))), "invalid_redirect_uri"),
            (json!({ "redirect_uris": vec![CALLBACK; 101] }), "invalid_redirect_uri"),
            (json!([]), "invalid_client_metadata"),
            (with("redirect_uris", json!("x")), "invalid_client_metadata"),
            (with("client_name", json!("<b>")), "invalid_client_metadata"),
            (with("scope", json!("openid orders/write")), "invalid_client_metadata"),
            (with("scope", json!(REGISTER_SCOPE)), "invalid_client_metadata"),
            (with("grant_types", json!(["implicit"])), "invalid_client_metadata"),
            (with("grant_types", json!(["client_credentials"])), "invalid_client_metadata"),
            (with("grant_types", json!([])), "invalid_client_metadata"),
            (with("response_types", json!(["token"])), "invalid_client_metadata"),
            (
                with("token_endpoint_auth_method", json!("private_key_jwt")),
                "invalid_client_metadata",
            ),
        ] {
            let (status, answer) = ask(&scene, None, metadata.clone()).await;
            assert_eq!((status, &answer["error"]), (400, &json!(error)), "{metadata}");
        }
        let mut view = scene.ports().store.read().await.unwrap();
        assert_eq!(view.list_app_clients(POOL, None, 100).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn strangers_take_nothing_from_the_rate_of_the_administrators() {
        let mut scene = scene(true).await.with_rates();
        let token = token(&scene).await;
        let metadata = json!({ "redirect_uris": [CALLBACK] });
        for _ in 0..5 {
            assert_eq!(ask(&scene, Some("Bearer a.b.c"), metadata.clone()).await.0, 401);
            assert_eq!(ask(&scene, None, metadata.clone()).await.0, 201);
        }
        assert_eq!(ask(&scene, None, metadata.clone()).await.0, 429);
        assert_eq!(ask(&scene, Some(&token), metadata.clone()).await.0, 201);
        scene.kit.ports.caller.ip = Some([192, 0, 2, 8].into());
        assert_eq!(ask(&scene, None, metadata.clone()).await.0, 201, "from another address");
        let limits = &scene.ports().limits;
        let rate = limits.free_rate(Category::UserPoolClientUpdate);
        for _ in 1..rate {
            limits.admit_one(Category::UserPoolClientUpdate).await.unwrap().unwrap();
        }
        assert_eq!(ask(&scene, Some(&token), metadata.clone()).await.0, 429);
    }

    #[tokio::test]
    async fn a_kind_without_grants_is_closed() {
        let scene = scene(true).await;
        let close = |pool: &mut poolhouse_domain::user_pools::UserPool| {
            let configuration = pool.settings.dcr_configuration.as_mut().unwrap();
            configuration.open_dcr_grant_types = Some(Vec::new());
        };
        scene.change_pool(close).await;
        let (status, answer) = ask(&scene, None, json!({ "redirect_uris": [CALLBACK] })).await;
        assert_eq!((status, &answer["error"]), (403, &json!("access_denied")));
    }
}
