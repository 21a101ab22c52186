//! `/oauth2/token`: what is asked wrongly, by whom, and how.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, Response};
use poolhouse_domain::{app_clients::AppClient, shapes::ExplicitAuthFlowsType};

use super::{
    super::testing::{
        CALLBACK, CHALLENGE, CLIENT, CONFIDENTIAL, MACHINE, SECRET, Scene, VERIFIER, exchange,
        query,
    },
    FORM, JSON, MALL_CLIENT, MALL_HOST, Mall, TWIN, TWIN_SECRET, basic, is_error, is_exactly, post,
    post_pairs, with, with_twin,
};

const AT: &str = "/oauth2/token";

async fn ask(scene: &Scene, pairs: &[(&str, &str)]) -> Response<String> {
    post_pairs(scene, AT, pairs).await
}

/// A grant as it is good, and each way to ask for it wrongly.
struct Grant<'a> {
    good: Vec<(&'a str, &'a str)>,
    wrong: Vec<(&'a str, &'a str, &'a str)>,
}

#[tokio::test]
async fn every_parameter_of_every_grant_is_there_once_and_right() {
    let scene = Scene::new().await;
    let exchanges = |c: &mut AppClient| {
        c.settings.explicit_auth_flows =
            Some(vec![ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]);
    };
    scene.change(CONFIDENTIAL, exchanges).await;
    let tokens = scene.tokens("openid+orders/read").await;
    let (access, refresh) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let code = scene.code(&format!("{}{pkce}", query(CLIENT))).await;
    let long = "x".repeat(100_000);
    let proof = [("client_id", CONFIDENTIAL), ("client_secret", SECRET)];
    let machine = [("client_id", MACHINE), ("client_secret", SECRET)];
    let exchange_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    let access_type = "urn:ietf:params:oauth:token-type:access_token";
    let grants = [
        Grant {
            good: [&exchange(&code)[..], &[("code_verifier", VERIFIER)]].concat(),
            wrong: vec![
                ("client_id", "", "invalid_request"),
                ("client_id", "nobody", "invalid_client"),
                ("client_id", &long, "invalid_client"),
                ("client_id", "web\0client", "invalid_client"),
                ("client_id", "WEBCLIENT", "invalid_client"),
                ("client_secret", SECRET, "invalid_client"),
                ("code", "", "invalid_request"),
                ("code", "nosuch", "invalid_grant"),
                ("code", &long, "invalid_grant"),
                ("code", "\0", "invalid_grant"),
                ("redirect_uri", "", "invalid_request"),
                ("redirect_uri", "https://app.test/cb/", "unauthorized_client"),
                ("redirect_uri", "https://app.test/other", "unauthorized_client"),
                ("redirect_uri", "https://evil.test", "unauthorized_client"),
                ("redirect_uri", "HTTPS://app.test/cb", "unauthorized_client"),
                ("code_verifier", "", "invalid_grant"),
                ("code_verifier", CHALLENGE, "invalid_grant"),
                ("code_verifier", &VERIFIER[..42], "invalid_grant"),
                ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk=", "invalid_grant"),
                ("code_verifier", &long, "invalid_grant"),
                ("grant_type", "refresh_token", "invalid_request"),
                ("grant_type", "client_credentials", "unauthorized_client"),
            ],
        },
        Grant {
            good: vec![
                ("grant_type", "refresh_token"),
                ("client_id", CLIENT),
                ("refresh_token", refresh),
            ],
            wrong: vec![
                ("client_id", "", "invalid_request"),
                ("client_id", "nobody", "invalid_client"),
                ("client_id", CONFIDENTIAL, "invalid_client"),
                ("client_secret", SECRET, "invalid_client"),
                ("refresh_token", "", "invalid_request"),
                ("refresh_token", "a.b.c.d.e", "invalid_grant"),
                ("refresh_token", access, "invalid_grant"),
                ("refresh_token", &long, "invalid_grant"),
                ("grant_type", "authorization_code", "invalid_request"),
            ],
        },
        Grant {
            good: [&[("grant_type", "client_credentials"), ("scope", "orders/read")], &machine[..]]
                .concat(),
            wrong: vec![
                ("client_id", "", "invalid_request"),
                ("client_secret", "", "invalid_client"),
                ("client_secret", "wrong", "invalid_client"),
                ("client_secret", &long, "invalid_client"),
                ("scope", "openid", "invalid_scope"),
                ("scope", "orders/delete", "invalid_scope"),
                ("scope", "orders/read gone/read", "invalid_scope"),
                ("scope", "orders/read\torders/write", "invalid_scope"),
                ("scope", "\0", "invalid_scope"),
                ("scope", "aws.cognito.signin.user.admin", "invalid_scope"),
                ("aws_client_metadata", "x", "invalid_request"),
                ("aws_client_metadata", "[]", "invalid_request"),
                ("aws_client_metadata", "{\"a\":1}", "invalid_request"),
            ],
        },
        Grant {
            good: [
                &[
                    ("grant_type", exchange_type),
                    ("subject_token", access),
                    ("subject_token_type", access_type),
                    ("scope", "orders/read"),
                    ("requested_token_type", access_type),
                    ("audience", "billing"),
                ],
                &proof[..],
            ]
            .concat(),
            wrong: vec![
                ("client_secret", "", "invalid_client"),
                ("subject_token", "", "invalid_request"),
                ("subject_token", "x", "invalid_request"),
                ("subject_token", refresh, "invalid_request"),
                ("subject_token_type", "", "invalid_request"),
                ("subject_token_type", "access_token", "invalid_request"),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt", "invalid_request"),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:refresh_token",
                    "invalid_request",
                ),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:id_token",
                    "invalid_request",
                ),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request"),
                ("subject_token_provider_name", "Corp", "invalid_request"),
                ("actor_token", access, "invalid_request"),
                ("actor_token_type", access_type, "invalid_request"),
                (
                    "requested_token_type",
                    "urn:ietf:params:oauth:token-type:refresh_token",
                    "invalid_request",
                ),
                ("requested_token_type", "id_token", "invalid_request"),
                ("resource", "orders", "invalid_request"),
                ("scope", "orders/write", "invalid_scope"),
                ("scope", "email", "invalid_scope"),
            ],
        },
    ];
    for Grant { good, wrong } in grants {
        for (name, value, error) in wrong {
            let case = format!("{} {name}={:.60}", good[0].1, value);
            is_error(&ask(&scene, &with(&good, name, value)).await, 400, error, &case);
        }
        for pair in &good {
            for other in [pair.1, "x", ""] {
                let twice = [&good[..], &[(pair.0, other)]].concat();
                let case = format!("{} {} twice", good[0].1, pair.0);
                is_error(&ask(&scene, &twice).await, 400, "invalid_request", &case);
            }
        }
        for (value, error) in [
            ("", "invalid_request"),
            ("password", "unsupported_grant_type"),
            ("implicit", "unsupported_grant_type"),
            ("AUTHORIZATION_CODE", "unsupported_grant_type"),
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
            ("urn:ietf:params:oauth:grant-type:device_code", "unsupported_grant_type"),
        ] {
            let answer = ask(&scene, &with(&good, "grant_type", value)).await;
            is_error(&answer, 400, error, value);
        }
        let answer = ask(&scene, &good).await;
        assert_eq!(answer.status(), 200, "{good:?}: {}", answer.body());
    }
}

#[tokio::test]
async fn clients_prove_themselves_in_one_way() {
    let scene = Scene::new().await;
    let grant = "grant_type=client_credentials";
    let good = basic(MACHINE, SECRET);
    let machine = format!("{grant}&client_id={MACHINE}");
    let encode = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let no_padding = encode(&format!("{MACHINE}:x")).replace('=', "");
    let latin = format!("Basic {}", STANDARD.encode([&b"machine:"[..], &[0xFF]].concat()));
    for (headers, body, error, case) in [
        (vec![], machine.clone(), "invalid_client", "no secret"),
        (vec!["Basic"], machine.clone(), "invalid_client", "a scheme alone"),
        (vec!["Basic !"], machine.clone(), "invalid_client", "no base64"),
        (vec!["Basic bWFjaGluZQ=="], machine.clone(), "invalid_client", "no colon"),
        (vec![&no_padding], grant.to_owned(), "invalid_client", "no padding"),
        (vec![&latin], grant.to_owned(), "invalid_client", "no UTF-8"),
        (vec![&encode(":")], grant.to_owned(), "invalid_client", "two empty ones"),
        (vec![&encode(&format!(":{SECRET}"))], grant.to_owned(), "invalid_client", "no name"),
        (vec![&encode("machine:")], grant.to_owned(), "invalid_client", "no secret in it"),
        (
            vec![&encode(&format!("machine%3A:{SECRET}"))],
            grant.to_owned(),
            "invalid_client",
            "encoded",
        ),
        (vec![&basic(MACHINE, "wrong")], grant.to_owned(), "invalid_client", "wrong"),
        (vec![&basic("nobody", SECRET)], grant.to_owned(), "invalid_client", "unknown"),
        (
            vec![&basic(MACHINE, "wrong")],
            format!("{grant}&client_secret={SECRET}"),
            "invalid_request",
            "two secrets",
        ),
        (vec![&good], format!("{grant}&client_id={CLIENT}"), "invalid_request", "two names"),
        (vec![&good, &good], grant.to_owned(), "invalid_request", "the header twice"),
        (vec![&good, "Bearer x"], grant.to_owned(), "invalid_request", "two headers"),
        (vec!["Bearer x"], machine.clone(), "invalid_client", "a bearer proves nothing"),
    ] {
        let headers: Vec<_> = headers.iter().map(|value| ("authorization", &**value)).collect();
        is_error(&post(&scene, AT, &headers, &body).await, 400, error, case);
    }
    let in_body = format!("{machine}&client_secret={SECRET}");
    for (headers, body, case) in [
        (vec![good.as_str()], grant.to_owned(), "in the header"),
        (vec![], in_body.clone(), "in the body"),
        (vec![&good], in_body.clone(), "in both, alike"),
        (vec!["Bearer x"], in_body.clone(), "beside a bearer"),
        (vec![&good.replace("Basic", "BASIC")], grant.to_owned(), "another case"),
    ] {
        let headers: Vec<_> = headers.iter().map(|value| ("authorization", *value)).collect();
        assert_eq!(post(&scene, AT, &headers, &body).await.status(), 200, "{case}");
    }
    // A header that is no text is not a missing one.
    let request = http::Request::post(AT).header("host", super::super::testing::HOST);
    let request = request.header(FORM.0, FORM.1).header("authorization", &b"Basic \xFF"[..]);
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let answer = super::super::serve(scene.ports(), &parts, in_body.as_bytes()).await.unwrap();
    is_error(&answer, 400, "invalid_request", "no text");
}

#[tokio::test]
async fn only_forms_are_taken_and_only_by_post() {
    let scene = Scene::new().await;
    let body = format!("grant_type=client_credentials&client_id={MACHINE}&client_secret={SECRET}");
    for kind in [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "application/xml",
        "",
        "application/x-www-form-urlencodedx",
        "x; application/x-www-form-urlencoded",
    ] {
        let answer = scene.send(Method::POST, AT, &[("content-type", kind)], &body).await;
        is_error(&answer, 400, "invalid_request", kind);
    }
    is_error(&scene.send(Method::POST, AT, &[], &body).await, 400, "invalid_request", "no type");
    is_error(&scene.send(Method::POST, AT, &[FORM], "").await, 400, "invalid_request", "empty");
    for kind in [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded",
        " application/x-www-form-urlencoded ; x=y",
    ] {
        let answer = scene.send(Method::POST, AT, &[("content-type", kind)], &body).await;
        assert_eq!(answer.status(), 200, "{kind}");
    }
    for bad in ["&&&=&=&", "%", "\u{0}", "grant_type", "=client_credentials"] {
        is_error(&post(&scene, AT, &[], bad).await, 400, "invalid_request", bad);
    }
    let (parts, ()) = http::Request::post(AT)
        .header("host", super::super::testing::HOST)
        .header(FORM.0, FORM.1)
        .body(())
        .unwrap()
        .into_parts();
    let latin = [body.as_bytes(), b"&x=\xFF"].concat();
    let answer = super::super::serve(scene.ports(), &parts, &latin).await.unwrap();
    is_error(&answer, 400, "invalid_request", "no UTF-8");
    for method in
        [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
    {
        let path = format!("{AT}?{body}");
        let answer = scene.send(method.clone(), &path, &[FORM], "").await;
        is_exactly(&answer, 405, &[("allow", "POST")], "", method.as_str());
    }
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_anybody_else() {
    let scene = Scene::new().await;
    with_twin(&scene).await;
    let mall = Mall::beside(&scene).await;
    let code = scene.code(&query(CONFIDENTIAL)).await;
    let own = with(&exchange(&code), "client_id", CONFIDENTIAL);
    let good = with(&own, "client_secret", SECRET);
    for (client, secret, error) in [
        (CLIENT, "", "invalid_grant"),
        (TWIN, TWIN_SECRET, "invalid_grant"),
        (TWIN, SECRET, "invalid_client"),
        (CONFIDENTIAL, TWIN_SECRET, "invalid_client"),
        (CONFIDENTIAL, "", "invalid_client"),
        (MACHINE, SECRET, "unauthorized_client"),
        (MALL_CLIENT, "", "invalid_client"),
    ] {
        let stolen = with(&with(&good, "client_id", client), "client_secret", secret);
        is_error(&ask(&scene, &stolen).await, 400, error, client);
    }
    // At the other pool's domain it is nobody's, too.
    let body = format!(
        "grant_type=authorization_code&client_id={MALL_CLIENT}&code={code}&redirect_uri={CALLBACK}"
    );
    let answer = post(&scene, AT, &[("host", MALL_HOST)], &body).await;
    is_error(&answer, 400, "invalid_grant", "another pool's client");
    let malls = mall.code(&scene).await;
    is_error(&ask(&scene, &exchange(&malls)).await, 400, "invalid_grant", "another pool's code");

    let answer = ask(&scene, &good).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    is_error(&ask(&scene, &good).await, 400, "invalid_grant", "a second time");
    let late = scene.code(&query(CLIENT)).await;
    scene.kit.clock.advance(299);
    assert_eq!(ask(&scene, &exchange(&scene.code(&query(CLIENT)).await)).await.status(), 200);
    scene.kit.clock.advance(1);
    is_error(&ask(&scene, &exchange(&late)).await, 400, "invalid_grant", "too late");
}

#[tokio::test]
async fn whoever_takes_the_challenge_away_gets_nothing() {
    let scene = Scene::new().await;
    let with_challenge =
        format!("{}&code_challenge={CHALLENGE}&code_challenge_method=S256", query(CLIENT));
    // A code without challenge, shown with a verifier; a code with one, shown without.
    let plain = scene.code(&query(CLIENT)).await;
    let bound = scene.code(&with_challenge).await;
    let shown = with(&exchange(&plain), "code_verifier", VERIFIER);
    is_error(&ask(&scene, &shown).await, 400, "invalid_grant", "nobody asked for it");
    is_error(&ask(&scene, &exchange(&bound)).await, 400, "invalid_grant", "it is missing");
    let shown = with(&exchange(&bound), "code_verifier", VERIFIER);
    assert_eq!(ask(&scene, &shown).await.status(), 200);
}

#[tokio::test]
async fn answers_hold_what_the_grant_gives_and_nothing_else() {
    let scene = Scene::new().await;
    let text = |body: &serde_json::Value, name: &str| body[name].as_str().unwrap().to_owned();
    let check = |answer: &Response<String>, members: &[&str], case: &str| {
        let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
        let told: Vec<_> = members
            .iter()
            .map(|name| match *name {
                "expires_in" => "\"expires_in\":3600".to_owned(),
                "token_type" => "\"token_type\":\"Bearer\"".to_owned(),
                name => format!("\"{name}\":\"{}\"", text(&body, name)),
            })
            .collect();
        is_exactly(answer, 200, &[JSON], &format!("{{{}}}", told.join(",")), case);
        assert!(!super::is_private(answer), "{case}");
        body
    };
    let code = scene.code(&format!("{}&scope=openid", query(CLIENT))).await;
    let all = ["access_token", "expires_in", "id_token", "refresh_token", "token_type"];
    let tokens = check(&ask(&scene, &exchange(&code)).await, &all, "a code");
    let refresh = text(&tokens, "refresh_token");
    let again =
        [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &refresh)];
    let less = ["access_token", "expires_in", "id_token", "token_type"];
    check(&ask(&scene, &again).await, &less, "a refresh");
    let code = scene.code(&format!("{}&scope=orders/read", query(CLIENT))).await;
    let without = ["access_token", "expires_in", "refresh_token", "token_type"];
    let tokens = check(&ask(&scene, &exchange(&code)).await, &without, "no openid");
    let refresh = text(&tokens, "refresh_token");
    let again =
        [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &refresh)];
    let least = ["access_token", "expires_in", "token_type"];
    check(&ask(&scene, &again).await, &least, "a refresh without openid");
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    check(&ask(&scene, &own).await, &least, "a client's own");
}
