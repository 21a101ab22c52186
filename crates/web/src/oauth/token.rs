//! `POST /oauth2/token`: tokens for a code, a refresh token, a client's own secret or another token.

use std::sync::Arc;

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    fault::retrying,
    oauth::{
        mount::Mount,
        token::{self, Granted, TokenRefused},
    },
    ports::Ports,
    triggers::Remembered,
};
use serde_json::{Map, Value, json};

use super::{authorization, form, headers};

pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<String>, Fault> {
    let (Ok(parameters), Ok(authorization)) = (form(parts, body), authorization(parts)) else {
        return Ok(refused(TokenRefused::InvalidRequest));
    };
    // For one request: what runs again does not ask its function again.
    let functions = Arc::new(Remembered::new(Arc::clone(&ports.functions)));
    let ports = &Ports { functions, ..ports.clone() };
    let answer = || token::answer(ports, &mount.pool, authorization, &parameters);
    Ok(match retrying(answer).await? {
        Ok(granted) => headers::json(StatusCode::OK, &content(granted)),
        Err(refusal) => refused(refusal),
    })
}

fn content(granted: Granted) -> Value {
    let texts = [
        ("id_token", granted.id_token),
        ("refresh_token", granted.refresh_token),
        ("issued_token_type", granted.issued_token_type),
        ("scope", granted.scope),
    ];
    let told = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
    let mut content: Map<String, Value> = told.collect();
    content.insert("access_token".to_owned(), granted.access_token.into());
    content.insert("token_type".to_owned(), granted.token_type.into());
    content.insert("expires_in".to_owned(), granted.expires_in.into());
    Value::Object(content)
}

/// Also a client that isn't believed gets 400 here, other than RFC 6749 section 5.2 allows
/// (<https://github.com/amazon-archives/amazon-cognito-auth-js/issues/116>).
fn refused(refused: TokenRefused) -> Response<String> {
    let status = match refused {
        TokenRefused::RateExceeded => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    headers::json(status, &json!({ "error": refused.as_str() }))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use poolhouse_domain::{
        shapes::{
            ExplicitAuthFlowsType, FeatureType, LambdaConfigType,
            PreTokenGenerationLambdaVersionType as Version, PreTokenGenerationVersionConfigType,
            RefreshTokenRotationType,
        },
        triggers::Trigger,
    };
    use serde_json::{Value, json};

    use super::super::testing::{
        CALLBACK, CHALLENGE, CLIENT, CONFIDENTIAL, MACHINE, POOL, SECRET, Scene, VERIFIER, claims,
        exchange, query, read,
    };

    const AT: &str = "/oauth2/token";

    fn error(code: &str) -> (u16, Value) {
        (400, json!({ "error": code }))
    }

    /// These parameters with one of them changed or added; an empty value takes it away.
    fn with<'a>(
        pairs: &[(&'a str, &'a str)],
        name: &'a str,
        value: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        let mut pairs: Vec<_> = pairs.iter().copied().filter(|(n, _)| *n != name).collect();
        pairs.push((name, value));
        pairs
    }

    fn basic(id: &str, secret: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
    }

    #[tokio::test]
    async fn a_code_is_exchanged_for_tokens_of_the_sign_in() {
        let scene = Scene::new().await;
        let query = format!(
            "{}&scope=openid+email+orders/read&nonce=n-1&resource=https://api.test",
            query(CLIENT)
        );
        let code = scene.code(&query).await;
        scene.kit.clock.advance(299);
        let answer = scene.post(AT, None, &exchange(&code)).await;
        let headers = answer.headers();
        assert_eq!(answer.status(), 200);
        assert_eq!(headers["content-type"], "application/json;charset=UTF-8");
        assert_eq!(headers["cache-control"], "no-cache, no-store, max-age=0, must-revalidate");
        assert_eq!(
            (&headers["pragma"], &headers["expires"]),
            (&"no-cache".parse().unwrap(), &"0".parse().unwrap())
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let (_, body) = read(&answer);
        let expected = json!({
            "access_token": body["access_token"], "id_token": body["id_token"],
            "refresh_token": body["refresh_token"], "token_type": "Bearer", "expires_in": 3_600,
        });
        assert_eq!(body, expected);
        assert_eq!(body["refresh_token"].as_str().unwrap().split('.').count(), 5);

        let now = scene.ports().clock.now().seconds();
        let issuer = format!("http://127.0.0.1:7665/{POOL}");
        let access = claims(&body["access_token"]);
        let expected = json!({
            "sub": scene.user.sub, "iss": issuer, "client_id": CLIENT, "token_use": "access",
            "origin_jti": access["origin_jti"], "event_id": access["event_id"],
            "scope": "openid email orders/read", "auth_time": now - 299, "iat": now,
            "exp": now + 3_600, "jti": access["jti"], "username": "ada", "version": 2,
            "aud": "https://api.test",
        });
        assert_eq!(access, expected);
        let id = claims(&body["id_token"]);
        let expected = json!({
            "sub": scene.user.sub, "iss": issuer, "aud": CLIENT, "token_use": "id",
            "origin_jti": access["origin_jti"], "event_id": access["event_id"],
            "auth_time": now - 299, "iat": now, "exp": now + 3_600, "jti": id["jti"],
            "cognito:username": "ada", "nonce": "n-1", "at_hash": id["at_hash"],
            "email": "ada@example.com", "email_verified": true,
        });
        assert_eq!(id, expected);
        let hash = digest(&SHA256, body["access_token"].as_str().unwrap().as_bytes());
        assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
    }

    #[tokio::test]
    async fn without_openid_there_is_no_id_token_and_without_email_no_address() {
        let scene = Scene::new().await;
        let tokens = scene.tokens("orders/read").await;
        assert!(tokens.get("id_token").is_none() && tokens["refresh_token"].is_string());
        assert_eq!(claims(&tokens["access_token"])["scope"], "orders/read");
        let all = claims(&scene.tokens("openid").await["id_token"]);
        assert_eq!((&all["email"], &all["custom:tier"]), (&json!("ada@example.com"), &json!("3")));
        assert!(all.get("phone_number").is_none(), "the client can't read it");
        let profile = claims(&scene.tokens("openid+profile").await["id_token"]);
        assert_eq!((&profile["name"], profile.get("email")), (&json!("Ada"), None));
    }

    #[tokio::test]
    async fn a_code_is_good_once_for_five_minutes() {
        let scene = Scene::new().await;
        let code = scene.code(&query(CLIENT)).await;
        assert_eq!(scene.token(&exchange(&code)).await.0, 200);
        assert_eq!(scene.token(&exchange(&code)).await, error("invalid_grant"));
        let late = scene.code(&query(CLIENT)).await;
        scene.kit.clock.advance(300);
        assert_eq!(scene.token(&exchange(&late)).await, error("invalid_grant"));
        assert_eq!(scene.token(&exchange("nosuch")).await, error("invalid_grant"));
    }

    #[tokio::test]
    async fn of_many_who_show_a_code_at_once_one_gets_tokens() {
        let scene = std::sync::Arc::new(Scene::new().await);
        let code = scene.code(&query(CLIENT)).await;
        let tries = (0..8).map(|_| {
            let (scene, code) = (std::sync::Arc::clone(&scene), code.clone());
            tokio::spawn(async move { scene.token(&exchange(&code)).await.0 })
        });
        let mut granted = 0;
        for one in tries.collect::<Vec<_>>() {
            granted += u32::from(one.await.unwrap() == 200);
        }
        assert_eq!(granted, 1);
    }

    #[tokio::test]
    async fn a_code_is_bound_to_client_and_address_and_stays_good_after_a_refusal() {
        let scene = Scene::new().await;
        let code = scene.code(&query(CLIENT)).await;
        let right = exchange(&code);
        for (name, value, refused) in [
            ("redirect_uri", "https://app.test/cb/", "unauthorized_client"),
            ("redirect_uri", "https://app.test/other", "unauthorized_client"),
            ("redirect_uri", "", "invalid_request"),
            ("code", "", "invalid_request"),
            ("grant_type", "", "invalid_request"),
            ("grant_type", "password", "unsupported_grant_type"),
            ("client_id", "", "invalid_request"),
            ("client_id", "nobody", "invalid_client"),
            ("client_secret", "superfluous", "invalid_client"),
            ("code_verifier", VERIFIER, "invalid_grant"),
        ] {
            let answer = scene.token(&with(&right, name, value)).await;
            assert_eq!(answer, error(refused), "{name}={value}");
        }
        let swapped = with(&right, "client_id", CONFIDENTIAL);
        let swapped = with(&swapped, "client_secret", SECRET);
        assert_eq!(scene.token(&swapped).await, error("invalid_grant"));
        for (name, value) in right {
            let mut twice = right.to_vec();
            twice.push((name, value));
            assert_eq!(scene.token(&twice).await, error("invalid_request"), "{name} twice");
        }
        assert_eq!(scene.token(&right).await.0, 200);
    }

    #[tokio::test]
    async fn a_challenge_is_answered_with_its_secret() {
        let scene = Scene::new().await;
        let query =
            format!("{}&code_challenge={CHALLENGE}&code_challenge_method=S256", query(CLIENT));
        let code = scene.code(&query).await;
        let plain = exchange(&code);
        assert_eq!(scene.token(&plain).await, error("invalid_grant"));
        for wrong in [CHALLENGE, "x", &"x".repeat(100_000), &format!("{VERIFIER}=")] {
            let answer = scene.token(&with(&plain, "code_verifier", wrong)).await;
            assert_eq!(answer, error("invalid_grant"), "{wrong}");
        }
        assert_eq!(scene.token(&with(&plain, "code_verifier", VERIFIER)).await.0, 200);
    }

    #[tokio::test]
    async fn either_secret_proves_the_client_in_header_or_body() {
        let scene = Scene::new().await;
        let ask = async |header: Option<String>, more: &[(&str, &str)]| {
            let code = scene.code(&query(CONFIDENTIAL)).await;
            let pairs = with(&exchange(&code), "client_id", "");
            let pairs: Vec<_> =
                pairs.iter().chain(more).copied().filter(|p| !p.1.is_empty()).collect();
            let header = header.as_deref().map(|value| ("authorization", value));
            read(&scene.post(AT, header, &pairs).await)
        };
        let id = ("client_id", CONFIDENTIAL);
        for secret in [SECRET, "another_secret_of_the_client"] {
            assert_eq!(ask(Some(basic(CONFIDENTIAL, secret)), &[]).await.0, 200);
            assert_eq!(ask(None, &[id, ("client_secret", secret)]).await.0, 200);
        }
        assert_eq!(ask(Some(basic(CONFIDENTIAL, SECRET)), &[id]).await.0, 200);
        for (header, more, refused) in [
            (None, vec![id], "invalid_client"),
            (None, vec![id, ("client_secret", "wrong")], "invalid_client"),
            (Some(basic(CONFIDENTIAL, "wrong")), vec![], "invalid_client"),
            (Some(basic("nobody", SECRET)), vec![], "invalid_client"),
            (Some("Basic %".to_owned()), vec![], "invalid_client"),
            (Some(basic(CONFIDENTIAL, SECRET)), vec![("client_id", CLIENT)], "invalid_request"),
            (Some("Bearer x".to_owned()), vec![], "invalid_request"),
        ] {
            assert_eq!(ask(header.clone(), &more).await, error(refused), "{header:?} {more:?}");
        }
    }

    #[tokio::test]
    async fn a_refresh_keeps_what_the_sign_in_was_and_brings_no_refresh_token() {
        let scene = Scene::new().await;
        let query = format!("{}&scope=openid&nonce=n&resource=https://api.test", query(CLIENT));
        let (_, first) = scene.token(&exchange(&scene.code(&query).await)).await;
        scene.kit.clock.advance(60);
        let token = first["refresh_token"].as_str().unwrap();
        let ask =
            [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
        let (status, again) = scene.token(&ask).await;
        assert_eq!((status, again.get("refresh_token")), (200, None));
        let (old, new) = (claims(&first["access_token"]), claims(&again["access_token"]));
        for name in ["auth_time", "origin_jti", "scope", "aud", "version", "event_id"] {
            assert_eq!(old[name], new[name], "{name}");
        }
        assert_ne!(old["jti"], new["jti"]);
        assert_eq!(claims(&again["id_token"])["nonce"], "n");
        assert_eq!(scene.token(&with(&ask, "refresh_token", "")).await, error("invalid_request"));
        assert_eq!(
            scene.token(&with(&ask, "refresh_token", "a.b.c.d.e")).await,
            error("invalid_grant")
        );
        let other = with(&with(&ask, "client_id", CONFIDENTIAL), "client_secret", SECRET);
        assert_eq!(scene.token(&other).await, error("invalid_grant"));
        scene.change_user(|user| user.enabled = false).await;
        assert_eq!(scene.token(&ask).await, error("invalid_grant"));
    }

    #[tokio::test]
    async fn rotation_replaces_the_refresh_token_and_reuse_ends_the_sign_in() {
        let scene = Scene::new().await;
        let rotation = RefreshTokenRotationType {
            feature: FeatureType::Enabled,
            retry_grace_period_seconds: Some(0),
        };
        scene.change(CLIENT, |c| c.settings.refresh_token_rotation = Some(rotation)).await;
        let first = scene.tokens("openid").await;
        let ask = async |token: &Value| {
            let token = token.as_str().unwrap();
            let pairs =
                [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
            scene.token(&pairs).await
        };
        let (status, second) = ask(&first["refresh_token"]).await;
        assert_eq!(status, 200);
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        assert_eq!(ask(&first["refresh_token"]).await, error("invalid_grant"));
        assert_eq!(ask(&second["refresh_token"]).await, error("invalid_grant"));
    }

    #[tokio::test]
    async fn a_client_gets_a_token_for_itself() {
        let scene = Scene::new().await;
        let header = basic(MACHINE, SECRET);
        let ask = async |scope: &str| {
            let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
            read(&scene.post(AT, Some(("authorization", &header)), &pairs).await)
        };
        let (status, body) = ask("").await;
        let expected = json!({
            "access_token": body["access_token"], "expires_in": 3_600, "token_type": "Bearer",
        });
        assert_eq!((status, &body), (200, &expected));
        let claims = claims(&body["access_token"]);
        assert_eq!(claims["scope"], "orders/read orders/write");
        assert_eq!((&claims["sub"], &claims["version"]), (&json!(MACHINE), &json!(2)));
        assert_eq!(ask("orders/write").await.0, 200);
        for scope in ["openid", "orders/delete", "gone/read", "orders/read nosuch"] {
            assert_eq!(ask(scope).await, error("invalid_scope"), "{scope}");
        }
        let people = [
            ("grant_type", "client_credentials"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", SECRET),
        ];
        assert_eq!(scene.token(&people).await, error("unauthorized_client"));
        scene.change(MACHINE, |c| c.settings.allowed_oauth_flows_user_pool_client = None).await;
        assert_eq!(ask("").await, error("invalid_grant"));
    }

    #[tokio::test]
    async fn a_function_is_given_what_a_machine_sends_for_it() {
        let scene = Scene::new().await;
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        let config = |version| LambdaConfigType {
            pre_token_generation: Some(arn.clone()),
            pre_token_generation_config: Some(PreTokenGenerationVersionConfigType {
                lambda_version: version,
                lambda_arn: arn.clone(),
            }),
            ..LambdaConfigType::default()
        };
        let third = Some(config(Version::V30));
        scene.change_pool(|pool| pool.settings.lambda_config = third).await;
        let functions = &scene.kit.functions;
        functions.script(Trigger::PreTokenGeneration, |event| {
            let claims = json!({ "tenant": event["request"]["clientMetadata"]["tenant"] });
            let access = json!({ "claimsToAddOrOverride": claims });
            let details = json!({ "accessTokenGeneration": access });
            Ok(json!({ "claimsAndScopeOverrideDetails": details }))
        });
        let header = basic(MACHINE, SECRET);
        let ask = async |metadata: &str| {
            let pairs = [("grant_type", "client_credentials"), ("aws_client_metadata", metadata)];
            read(&scene.post(AT, Some(("authorization", &header)), &pairs).await)
        };
        let (status, body) = ask(r#"{"tenant": "a&b", "n": "1"}"#).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(claims(&body["access_token"])["tenant"], "a&b");
        let [event] = &*functions.events() else { panic!("one function is asked") };
        assert_eq!(event["triggerSource"], "TokenGeneration_ClientCredentials");
        assert_eq!(event["request"]["clientMetadata"], json!({ "tenant": "a&b", "n": "1" }));
        functions.clear();
        assert_eq!(ask("").await.0, 200);
        assert!(functions.events()[0]["request"].get("clientMetadata").is_none());
        functions.clear();
        for bad in ["tenant", "[]", "null", r#"{"n": 1}"#, r#"{"n": {}}"#, r#"{"a": "b"} x"#] {
            assert_eq!(ask(bad).await, error("invalid_request"), "{bad}");
        }
        let twice = [
            ("grant_type", "client_credentials"),
            ("aws_client_metadata", "{}"),
            ("aws_client_metadata", "{}"),
        ];
        let twice = scene.post(AT, Some(("authorization", &header)), &twice).await;
        assert_eq!(read(&twice), error("invalid_request"));
        assert_eq!(functions.events().len(), 0, "none is asked for what is refused");
    }

    #[tokio::test]
    async fn a_function_is_given_no_metadata_of_sign_ins_at_the_pages() {
        let scene = Scene::new().await;
        let arn = Some("arn:aws:lambda:us-east-1:123456789012:function:f".to_owned());
        let config = LambdaConfigType { pre_token_generation: arn, ..LambdaConfigType::default() };
        scene.change_pool(|pool| pool.settings.lambda_config = Some(config)).await;
        let code = scene.code(&query(CLIENT)).await;
        let more = [&exchange(&code)[..], &[("aws_client_metadata", r#"{"a": "b"}"#)]].concat();
        assert_eq!(scene.token(&more).await.0, 200);
        let [event] = &*scene.kit.functions.events() else { panic!("one function is asked") };
        assert_eq!(event["triggerSource"], "TokenGeneration_HostedAuth");
        assert!(event["request"].get("clientMetadata").is_none());
    }

    #[tokio::test]
    async fn a_user_who_was_disabled_or_signed_out_gets_nothing_for_the_code() {
        let scene = Scene::new().await;
        let code = scene.code(&query(CLIENT)).await;
        scene.change_user(|user| user.enabled = false).await;
        assert_eq!(scene.token(&exchange(&code)).await, error("invalid_grant"));
        let now = scene.ports().clock.now();
        scene.change_user(|user| (user.enabled, user.signed_out_at) = (true, Some(now))).await;
        assert_eq!(scene.token(&exchange(&code)).await, error("invalid_grant"));
        scene.change_user(|user| user.signed_out_at = None).await;
        let half = Some(vec!["email".to_owned()]);
        scene.change(CLIENT, |client| client.settings.read_attributes = half).await;
        assert_eq!(scene.token(&exchange(&code)).await, error("invalid_grant"));
    }

    #[tokio::test]
    async fn a_narrow_token_is_exchanged_for_an_id_token_that_shows_no_more() {
        let scene = Scene::new().await;
        let flow = Some(vec![ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]);
        scene.change(CONFIDENTIAL, |client| client.settings.explicit_auth_flows = flow).await;
        let exchanged = async |scope: &str| {
            let tokens = scene.tokens(scope).await;
            let ask = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("client_id", CONFIDENTIAL),
                ("client_secret", SECRET),
                ("subject_token", tokens["access_token"].as_str().unwrap()),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ("requested_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ];
            scene.token(&ask).await
        };
        for (scope, email, name) in [
            ("openid+email", json!("ada@example.com"), Value::Null),
            ("openid+profile", Value::Null, json!("Ada")),
            ("openid", json!("ada@example.com"), json!("Ada")),
            ("aws.cognito.signin.user.admin", json!("ada@example.com"), json!("Ada")),
        ] {
            let (status, body) = exchanged(scope).await;
            assert_eq!(status, 200, "{scope}: {body}");
            let shown = claims(&body["access_token"]);
            assert_eq!((&shown["email"], &shown["name"]), (&email, &name), "{scope}");
            assert_eq!(
                (&shown["token_use"], &shown["sub"]),
                (&json!("id"), &json!(scene.user.sub))
            );
        }
        assert_eq!(exchanged("orders/read").await, error("invalid_scope"));
    }

    #[tokio::test]
    async fn an_id_token_is_exchanged_for_one_that_shows_no_more() {
        let scene = Scene::new().await;
        let all = ["email", "email_verified", "name", "phone_number", "custom:tier"];
        scene
            .change(CONFIDENTIAL, |client| {
                client.settings.explicit_auth_flows =
                    Some(vec![ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]);
                client.settings.read_attributes = Some(all.map(str::to_owned).to_vec());
            })
            .await;
        let exchanged = async |scope: &str, kind: &str| {
            let tokens = scene.tokens(scope).await;
            let subject_type = format!("urn:ietf:params:oauth:token-type:{kind}");
            let ask = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("client_id", CONFIDENTIAL),
                ("client_secret", SECRET),
                ("subject_token", tokens[kind].as_str().unwrap()),
                ("subject_token_type", &subject_type),
                ("requested_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ];
            let (status, body) = scene.token(&ask).await;
            assert_eq!(status, 200, "{body}");
            let claims = claims(&body["access_token"]);
            assert_eq!(
                (&claims["aud"], &claims["token_use"]),
                (&json!(CONFIDENTIAL), &json!("id"))
            );
            let shown = all.into_iter().filter(|name| claims.get(*name).is_some());
            shown.collect::<Vec<_>>()
        };
        for (scope, shown) in [
            ("openid+email", &["email", "email_verified"][..]),
            ("openid+profile", &["name", "custom:tier"]),
            // The telephone number is nothing that the first client may read.
            ("openid", &["email", "email_verified", "name", "custom:tier"]),
        ] {
            for kind in ["id_token", "access_token"] {
                assert_eq!(exchanged(scope, kind).await, shown, "{scope} {kind}");
            }
        }
        let through_api = exchanged("aws.cognito.signin.user.admin", "access_token").await;
        assert_eq!(through_api, ["email", "email_verified", "name", "custom:tier"]);
        let less = Some(vec!["name".to_owned()]);
        scene.change(CONFIDENTIAL, |client| client.settings.read_attributes = less).await;
        assert_eq!(exchanged("openid", "id_token").await, ["name"]);
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_a_narrower_one() {
        let scene = Scene::new().await;
        let flow = Some(vec![ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]);
        scene.change(CONFIDENTIAL, |client| client.settings.explicit_auth_flows = flow).await;
        let tokens = scene.tokens("openid+orders/read").await;
        let subject = tokens["access_token"].as_str().unwrap();
        let ask = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", CONFIDENTIAL),
            ("client_secret", SECRET),
            ("subject_token", subject),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "orders/read"),
            ("audience", "billing"),
        ];
        let (status, body) = scene.token(&ask).await;
        let expected = json!({
            "access_token": body["access_token"], "token_type": "Bearer", "expires_in": 3_600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": "orders/read",
        });
        assert_eq!((status, &body), (200, &expected));
        let derived = claims(&body["access_token"]);
        assert_eq!((&derived["aud"], &derived["sub"]), (&json!("billing"), &json!(scene.user.sub)));
        for (name, value, refused) in [
            ("subject_token", "", "invalid_request"),
            ("subject_token", "a.b.c", "invalid_request"),
            ("subject_token_type", "access_token", "invalid_request"),
            ("actor_token", subject, "invalid_request"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt", "invalid_request"),
            ("resource", "orders", "invalid_request"),
            ("scope", "email", "invalid_scope"),
        ] {
            assert_eq!(
                scene.token(&with(&ask, name, value)).await,
                error(refused),
                "{name}={value}"
            );
        }
        let unknown = with(&with(&ask, "audience", ""), "resource", "nosuch");
        assert_eq!(scene.token(&unknown).await, error("invalid_target"));
        let public = with(&with(&ask, "client_id", CLIENT), "client_secret", "");
        assert_eq!(scene.token(&public).await, error("invalid_client"));
        let off = |c: &mut poolhouse_domain::app_clients::AppClient| {
            c.settings.explicit_auth_flows = None;
        };
        scene.change(CONFIDENTIAL, off).await;
        assert_eq!(scene.token(&ask).await, error("unauthorized_client"));
    }

    #[tokio::test]
    async fn parameters_come_in_a_form_or_in_the_query() {
        let scene = Scene::new().await;
        let code = scene.code(&query(CLIENT)).await;
        let form = format!(
            "grant_type=authorization_code&client_id={CLIENT}&code={code}&redirect_uri={CALLBACK}"
        );
        let json = [("content-type", "application/json")];
        let post = http::Method::POST;
        for (headers, body) in [(&json[..], form.as_str()), (&[], &form), (&[], "")] {
            let answer = scene.send(post.clone(), AT, headers, body).await;
            assert_eq!(read(&answer), error("invalid_request"));
        }
        let in_query = scene.send(post, &format!("{AT}?{form}"), &[], "").await;
        assert_eq!(in_query.status(), 200);
        let answer = scene.get(AT).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"]),
            (405, &"POST".parse().unwrap())
        );
        assert!(answer.extensions().get::<super::super::headers::SameOrigin>().is_none());
    }

    #[tokio::test]
    async fn all_addresses_of_a_host_in_ipv6_share_a_rate() {
        let mut scene = Scene::new().await.with_rates();
        for low in 0..300_u16 {
            scene.kit.ports.caller.ip = Some([0x2001, 0xdb8, 0, 1, 0, 0, 0, low].into());
            assert_eq!(scene.get("/error").await.status(), 200);
        }
        scene.kit.ports.caller.ip = Some([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9].into());
        assert_eq!(scene.get("/error").await.status(), 429);
        scene.kit.ports.caller.ip = Some([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1].into());
        assert_eq!(scene.get("/error").await.status(), 200, "another network");
    }

    #[tokio::test]
    async fn too_many_requests_in_a_second_are_turned_away() {
        let scene = Scene::new().await.with_rates();
        let ask = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", "x")];
        for _ in 0..120 {
            assert_eq!(scene.token(&ask).await, error("invalid_grant"));
        }
        let refused = (429, json!({ "error": "too_many_requests" }));
        assert_eq!(scene.token(&ask).await, refused);
        let own = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
        for _ in 0..150 {
            assert_eq!(scene.token(&own).await, error("unauthorized_client"));
        }
        assert_eq!(scene.token(&own).await, refused);
        for _ in 272..300 {
            assert_eq!(scene.get("/error").await.status(), 200);
        }
        assert_eq!(scene.get("/error").await.status(), 429, "from one address");
        scene.kit.clock.advance(1);
        assert_eq!(scene.token(&ask).await, error("invalid_grant"));
    }
}
