//! `POST /oauth2/revoke`: an app client gives a refresh token up (RFC 7009).

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    fault::retrying,
    oauth::{
        mount::Mount,
        revoke::{self, RevokeRefused},
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
    let (Ok(parameters), Ok(authorization)) = (form(parts, body), authorization(parts)) else {
        return Ok(refused(RevokeRefused::InvalidRequest));
    };
    let answer = || revoke::answer(ports, &mount.pool, authorization, &parameters);
    Ok(match retrying(answer).await? {
        Ok(()) => headers::bare(StatusCode::OK),
        Err(refusal) => refused(refusal),
    })
}

/// No `WWW-Authenticate` goes with 401: browsers would ask the user for a password.
fn refused(refused: RevokeRefused) -> Response<String> {
    let (status, error) = match refused {
        RevokeRefused::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
        RevokeRefused::InvalidClient => (StatusCode::UNAUTHORIZED, "invalid_client"),
        RevokeRefused::UnsupportedTokenType => (StatusCode::BAD_REQUEST, "unsupported_token_type"),
        RevokeRefused::RateExceeded => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
    };
    headers::json(status, &json!({ "error": error }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{CLIENT, CONFIDENTIAL, SECRET, Scene, exchange, query, read};

    async fn ask(scene: &Scene, pairs: &[(&str, &str)]) -> (u16, Value) {
        read(&scene.post("/oauth2/revoke", None, pairs).await)
    }

    #[tokio::test]
    async fn a_refresh_token_is_given_up_as_often_as_one_likes() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let token = tokens["refresh_token"].as_str().unwrap();
        let pairs = [("token", token), ("client_id", CLIENT), ("token_type_hint", "access_token")];
        for _ in 0..2 {
            let answer = scene.post("/oauth2/revoke", None, &pairs).await;
            assert_eq!((answer.status().as_u16(), answer.body().as_str()), (200, ""));
        }
        let again =
            [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
        assert_eq!(scene.token(&again).await.1, json!({ "error": "invalid_grant" }));
    }

    #[tokio::test]
    async fn tokens_that_the_client_cannot_know_are_left_alone() {
        let scene = Scene::new().await;
        let code = scene.code(&query(CONFIDENTIAL)).await;
        let mut pairs = exchange(&code).to_vec();
        pairs.retain(|(name, _)| *name != "client_id");
        pairs.extend([("client_id", CONFIDENTIAL), ("client_secret", SECRET)]);
        let (_, tokens) = scene.token(&pairs).await;
        let token = tokens["refresh_token"].as_str().unwrap();
        for unknown in [token, "a.b.c.d.e", "x"] {
            let answer = ask(&scene, &[("token", unknown), ("client_id", CLIENT)]).await;
            assert_eq!(answer, (200, Value::Null));
        }
        let again = [
            ("grant_type", "refresh_token"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", SECRET),
            ("refresh_token", token),
        ];
        assert_eq!(scene.token(&again).await.0, 200);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_request_is_told() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("openid").await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let (client, token) = (("client_id", CLIENT), ("token", refresh));
        for (pairs, status, error) in [
            (vec![client], 400, "invalid_request"),
            (vec![client, token, token], 400, "invalid_request"),
            (vec![token], 400, "invalid_request"),
            (
                vec![client, ("token", tokens["access_token"].as_str().unwrap())],
                400,
                "unsupported_token_type",
            ),
            (
                vec![client, ("token", tokens["id_token"].as_str().unwrap())],
                400,
                "unsupported_token_type",
            ),
            (vec![("client_id", "nobody"), token], 401, "invalid_client"),
            (vec![("client_id", CONFIDENTIAL), token], 401, "invalid_client"),
            (vec![client, token, ("client_secret", "x")], 401, "invalid_client"),
        ] {
            let expected = (status, json!({ "error": error }));
            assert_eq!(ask(&scene, &pairs).await, expected, "{pairs:?}");
        }
        scene.change(CLIENT, |c| c.settings.enable_token_revocation = Some(false)).await;
        let answer = ask(&scene, &[client, token]).await;
        assert_eq!(answer, (400, json!({ "error": "invalid_request" })));
    }
}
