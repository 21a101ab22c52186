//! What tokens of the endpoints say, and what ends them.

use poolhouse_domain::{
    app_clients::AppClient,
    shapes::{
        ExplicitAuthFlowsType, FeatureType, LambdaConfigType, PreTokenGenerationLambdaVersionType,
        PreTokenGenerationVersionConfigType, RefreshTokenRotationType,
    },
    tokens::revoke,
    triggers::Trigger,
};
use serde_json::{Value, json};

use super::{
    super::testing::{
        CALLBACK, CLIENT, CONFIDENTIAL, MACHINE, POOL, SECRET, Scene, claims, exchange, location,
        query,
    },
    ACCESS, ID, Mall, is_error, names, post_pairs, with,
};

const AT: &str = "/oauth2/token";
const ACCESS_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";

/// What asks for new tokens.
fn again(refresh: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh)]
}

/// What asks for another token in place of one.
fn exchanged<'a>(token: &'a str, kind: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("subject_token", token),
        ("subject_token_type", kind),
    ]
}

async fn with_exchange(scene: &Scene, flows: &[ExplicitAuthFlowsType]) {
    let flows = Some(flows.to_vec());
    scene.change(CONFIDENTIAL, |c| c.settings.explicit_auth_flows = flows).await;
}

#[tokio::test]
async fn each_flow_has_its_claims() {
    let scene = Scene::new().await;
    let asked =
        format!("{}&scope=openid+email&nonce=n&resource=https%3A%2F%2Fapi.test", query(CLIENT));
    let bound: Vec<_> = ["aud"].into_iter().chain(ACCESS).collect();
    let (_, first) = scene.token(&exchange(&scene.code(&asked).await)).await;
    scene.kit.clock.advance(60);
    let (_, second) = scene.token(&again(first["refresh_token"].as_str().unwrap())).await;
    for (tokens, case) in [(&first, "code"), (&second, "refresh")] {
        assert_eq!(names(&claims(&tokens["access_token"])), bound, "{case}");
        assert_eq!(names(&claims(&tokens["id_token"])), ID, "{case}");
        let access = claims(&tokens["access_token"]);
        assert_eq!(
            (&access["aud"], &access["scope"]),
            (&json!("https://api.test"), &json!("openid email"))
        );
        assert_eq!((&access["token_use"], &access["version"]), (&json!("access"), &json!(2)));
        let shown = claims(&tokens["id_token"]);
        assert_eq!((&shown["aud"], &shown["token_use"]), (&json!(CLIENT), &json!("id")));
        assert_eq!(shown["email_verified"], json!(true));
    }
    let (old, new) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for name in ["sub", "auth_time", "origin_jti", "nonce", "iss", "aud"] {
        assert_eq!(old[name], new[name], "{name}");
    }
    for name in ["jti", "iat", "exp", "at_hash"] {
        assert_ne!(old[name], new[name], "{name}");
    }
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    let (_, machine) = scene.token(&own).await;
    let machine = claims(&machine["access_token"]);
    let expected = [
        "auth_time",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "scope",
        "sub",
        "token_use",
        "version",
    ];
    assert_eq!(names(&machine), expected);
    assert_eq!((&machine["sub"], &machine["client_id"]), (&json!(MACHINE), &json!(MACHINE)));

    with_exchange(&scene, &[ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]).await;
    let token = second["access_token"].as_str().unwrap();
    let (_, derived) = scene.token(&exchanged(token, ACCESS_TYPE)).await;
    let derived = claims(&derived["access_token"]);
    let expected: Vec<_> = ACCESS.into_iter().filter(|name| *name != "version").collect();
    assert_eq!(names(&derived), expected);
    assert_eq!((&derived["client_id"], &derived["sub"]), (&json!(CONFIDENTIAL), &new["sub"]));
    assert_eq!((&derived["scope"], &derived["exp"]), (&json!("openid email"), &new["exp"]));
}

#[tokio::test]
async fn scopes_and_readable_attributes_say_what_an_id_token_shows() {
    let scene = Scene::new().await;
    let more = |c: &mut AppClient| {
        c.settings.allowed_oauth_scopes.as_mut().unwrap().push("phone".to_owned());
        c.settings.read_attributes = Some(
            [
                "email",
                "email_verified",
                "name",
                "phone_number",
                "phone_number_verified",
                "custom:tier",
            ]
            .map(str::to_owned)
            .to_vec(),
        );
    };
    scene.change(CLIENT, more).await;
    let all = ["custom:tier", "email", "email_verified", "name", "phone_number"];
    for (scope, expected) in [
        ("openid", &all[..]),
        ("openid+orders/read", &all),
        ("openid+aws.cognito.signin.user.admin", &all),
        ("openid+email", &["email", "email_verified"]),
        ("openid+phone", &["phone_number"]),
        ("openid+profile", &["custom:tier", "name"]),
        ("openid+email+phone", &["email", "email_verified", "phone_number"]),
        ("openid+profile+email", &["custom:tier", "email", "email_verified", "name"]),
        ("openid+email+phone+profile", &all),
    ] {
        let tokens = scene.tokens(scope).await;
        let shown = claims(&tokens["id_token"]);
        let found: Vec<_> = names(&shown).into_iter().filter(|name| all.contains(name)).collect();
        assert_eq!(found, expected, "{scope}");
        assert!(names(&claims(&tokens["access_token"])).iter().all(|name| !all.contains(name)));
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let info = scene.get_with("/oauth2/userInfo", ("authorization", &bearer)).await;
        let info: Value = serde_json::from_str(info.body()).unwrap();
        let found: Vec<_> =
            names(&info).into_iter().filter(|name| !["sub", "username"].contains(name)).collect();
        assert_eq!(found, expected, "{scope} at userInfo");
    }
    // What the client can read only by half, it doesn't get at all.
    for (scope, half) in [("openid+email", "email"), ("openid+phone", "phone_number")] {
        let read = Some(vec![half.to_owned(), "name".to_owned()]);
        scene.change(CLIENT, |c| c.settings.read_attributes = read).await;
        let code = scene.code(&format!("{}&scope={scope}", query(CLIENT))).await;
        let answer = post_pairs(&scene, AT, &exchange(&code)).await;
        is_error(&answer, 400, "invalid_grant", scope);
    }
}

#[tokio::test]
async fn a_client_without_revocation_has_tokens_without_names() {
    let scene = Scene::new().await;
    scene.change(CLIENT, |c| c.settings.enable_token_revocation = Some(false)).await;
    let tokens = scene.tokens("openid").await;
    for name in ["jti", "origin_jti"] {
        assert!(claims(&tokens["access_token"]).get(name).is_none(), "{name}");
        assert!(claims(&tokens["id_token"]).get(name).is_none(), "{name}");
    }
    let rotation = RefreshTokenRotationType {
        feature: FeatureType::Enabled,
        retry_grace_period_seconds: Some(10),
    };
    scene.change(CLIENT, |c| c.settings.refresh_token_rotation = Some(rotation)).await;
    let tokens = scene.tokens("openid").await;
    assert!(claims(&tokens["access_token"])["origin_jti"].is_string());
}

#[tokio::test]
async fn rotation_has_its_grace_and_its_end_and_reuse_ends_the_sign_in() {
    let scene = Scene::new().await;
    let rotation = RefreshTokenRotationType {
        feature: FeatureType::Enabled,
        retry_grace_period_seconds: Some(30),
    };
    scene
        .change(CLIENT, |c| {
            c.settings.refresh_token_rotation = Some(rotation);
            c.settings.refresh_token_validity = Some(1);
        })
        .await;
    let ask = async |token: &Value| scene.token(&again(token.as_str().unwrap())).await;
    let info = async |tokens: &Value| {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        scene.get_with("/oauth2/userInfo", ("authorization", &bearer)).await.status().as_u16()
    };
    let refused = (400, json!({ "error": "invalid_grant" }));
    let first = scene.tokens("openid").await;
    let (status, second) = ask(&first["refresh_token"]).await;
    assert_eq!(status, 200);
    scene.kit.clock.advance(29);
    let (status, third) = ask(&first["refresh_token"]).await;
    assert_eq!(status, 200, "within the grace period");
    assert_ne!(second["refresh_token"], third["refresh_token"]);
    let (status, fourth) = ask(&second["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_eq!(info(&fourth).await, 200);
    scene.kit.clock.advance(1);
    assert_eq!(ask(&first["refresh_token"]).await, refused, "after it");
    for tokens in [&second, &third, &fourth] {
        assert_eq!(ask(&tokens["refresh_token"]).await, refused, "the whole sign-in is over");
        assert_eq!(info(tokens).await, 401);
    }
    // A chain ends when its first token would have.
    let first = scene.tokens("openid").await;
    scene.kit.clock.advance(86_399);
    let (status, second) = ask(&first["refresh_token"]).await;
    assert_eq!(status, 200);
    scene.kit.clock.advance(1);
    assert_eq!(ask(&second["refresh_token"]).await, refused);
}

/// What is left after something has happened: refresh token, userInfo, the browser's session, a code
/// that was not exchanged yet.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    refresh: bool,
    access: bool,
    cookie: bool,
    code: bool,
}

#[tokio::test]
async fn what_ends_what() {
    let left = |refresh, access, cookie, code| Left { refresh, access, cookie, code };
    for (action, expected) in [
        ("nothing", left(true, true, true, true)),
        ("/oauth2/revoke", left(false, false, true, true)),
        ("GlobalSignOut", left(false, false, true, false)),
        ("AdminDisableUser and AdminEnableUser", left(false, false, false, false)),
        ("/logout", left(true, true, false, false)),
        ("another password", left(true, true, true, true)),
        ("AdminDeleteUser", left(false, false, false, false)),
    ] {
        let scene = Scene::new().await;
        let begun = scene.sign_in(CLIENT).await;
        let cookie = format!("cognito={}", begun.cookie);
        let own = ("cookie", cookie.as_str());
        let authorize = format!("/oauth2/authorize?{}&scope=openid&prompt=none", query(CLIENT));
        let code = async || {
            let url = location(&scene.get_with(&authorize, own).await).to_owned();
            url.strip_prefix(&format!("{CALLBACK}?code=")).map(str::to_owned)
        };
        let (_, tokens) = scene.token(&exchange(&code().await.unwrap())).await;
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let waiting = code().await.unwrap();
        scene.kit.clock.advance(1);
        let now = scene.ports().clock.now();
        let mut tx = scene.ports().store.write().await.unwrap();
        let mut user = tx.user_by_sub(POOL, &scene.user.sub).await.unwrap().unwrap();
        match action {
            "GlobalSignOut" => {
                revoke::sign_out_everywhere(&mut *tx, &mut user, now).await.unwrap();
            }
            "AdminDisableUser and AdminEnableUser" => {
                revoke::disable(&mut *tx, &mut user, now).await.unwrap();
                let mut user = tx.user_by_sub(POOL, &scene.user.sub).await.unwrap().unwrap();
                user.enabled = true;
                tx.update_user(&mut user).await.unwrap();
            }
            "AdminDeleteUser" => tx.delete_user(POOL, &scene.user.sub).await.unwrap(),
            _ => {}
        }
        tx.commit().await.unwrap();
        match action {
            "/oauth2/revoke" => {
                let pairs = [("token", refresh), ("client_id", CLIENT)];
                assert_eq!(post_pairs(&scene, action, &pairs).await.status(), 200);
            }
            "/logout" => {
                let out = super::encoded(super::super::testing::LOGGED_OUT);
                let path = format!("/logout?client_id={CLIENT}&logout_uri={out}");
                assert_eq!(scene.get_with(&path, own).await.status(), 302);
            }
            "another password" => {
                let new = poolhouse_domain::passwords::store_form(
                    scene.ports(),
                    &scene.user,
                    "Other-Horse-8",
                );
                let new = new.await.unwrap();
                scene.change_user(|user| user.password = Some(new)).await;
            }
            _ => {}
        }
        scene.kit.clock.advance(1);
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let info = scene.get_with("/oauth2/userInfo", ("authorization", &bearer)).await;
        let found = Left {
            refresh: scene.token(&again(refresh)).await.0 == 200,
            access: info.status() == 200,
            cookie: code().await.is_some(),
            code: scene.token(&exchange(&waiting)).await.0 == 200,
        };
        assert_eq!(found, expected, "{action}");
    }
}

#[tokio::test]
async fn an_exchange_gives_no_more_than_its_tokens_and_clients_have() {
    let scene = Scene::new().await;
    let mall = Mall::beside(&scene).await;
    with_exchange(&scene, &[ExplicitAuthFlowsType::AllowTokenExchangeImpersonation]).await;
    let tokens = scene.tokens("openid+orders/read").await;
    let [access, id] = ["access_token", "id_token"].map(|n| tokens[n].as_str().unwrap());
    let malls = mall.tokens(&scene).await;
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    let machine = scene.token(&own).await.1["access_token"].as_str().unwrap().to_owned();
    let ask = async |pairs: &[(&str, &str)]| post_pairs(&scene, AT, pairs).await;
    for (pairs, error, case) in [
        (
            exchanged(malls["access_token"].as_str().unwrap(), ACCESS_TYPE),
            "invalid_request",
            "another pool's access token",
        ),
        (
            exchanged(malls["id_token"].as_str().unwrap(), ID_TYPE),
            "invalid_request",
            "another pool's ID token",
        ),
        (exchanged(id, ACCESS_TYPE), "invalid_request", "an ID token as an access token"),
        (exchanged(access, ID_TYPE), "invalid_request", "an access token as an ID token"),
        (exchanged(&machine, ACCESS_TYPE), "invalid_request", "a machine's"),
        (
            with(&exchanged(access, ACCESS_TYPE), "resource", "https://nosuch.test"),
            "invalid_target",
            "an unknown service",
        ),
        (
            with(&exchanged(access, ACCESS_TYPE), "resource", "\0"),
            "invalid_target",
            "no name of a service",
        ),
        (
            [
                exchanged(access, ACCESS_TYPE),
                vec![("requested_token_type", ID_TYPE), ("audience", "x")],
            ]
            .concat(),
            "invalid_request",
            "an ID token for a service",
        ),
        (
            [exchanged(access, ACCESS_TYPE), vec![("resource", "orders"), ("resource", "x")]]
                .concat(),
            "invalid_request",
            "two services",
        ),
        (
            with(&exchanged(access, ACCESS_TYPE), "scope", "orders/write"),
            "invalid_scope",
            "more than the subject has",
        ),
        (
            [
                exchanged(access, ACCESS_TYPE),
                vec![("actor_token", access), ("actor_token_type", ACCESS_TYPE)],
            ]
            .concat(),
            "unauthorized_client",
            "an actor where that is not allowed",
        ),
    ] {
        is_error(&ask(&pairs).await, 400, error, case);
    }
    // What is too much is left out.
    let wide = with(&exchanged(access, ACCESS_TYPE), "scope", "orders/read orders/write email");
    let (status, derived) = scene.token(&wide).await;
    assert_eq!((status, &derived["scope"]), (200, &json!("orders/read")));
    assert!(derived.get("refresh_token").is_none() && derived.get("id_token").is_none());
    let at = with(&exchanged(access, ACCESS_TYPE), "resource", "orders");
    let derived = scene.token(&at).await.1;
    assert_eq!(claims(&derived["access_token"])["aud"], "orders");
    // Nor does it last longer, or outlive its sign-in.
    scene.kit.clock.advance(1_800);
    let (_, derived) = scene.token(&exchanged(access, ACCESS_TYPE)).await;
    assert_eq!(derived["expires_in"], 1_800);
    let pairs = [("token", tokens["refresh_token"].as_str().unwrap()), ("client_id", CLIENT)];
    assert_eq!(post_pairs(&scene, "/oauth2/revoke", &pairs).await.status(), 200);
    for (token, kind) in [(access, ACCESS_TYPE), (id, ID_TYPE)] {
        is_error(&ask(&exchanged(token, kind)).await, 400, "invalid_request", "revoked");
    }
    let late = scene.tokens("openid").await;
    scene.kit.clock.advance(3_600);
    let late = late["access_token"].as_str().unwrap();
    is_error(&ask(&exchanged(late, ACCESS_TYPE)).await, 400, "invalid_request", "expired");
}

#[tokio::test]
async fn who_acts_for_somebody_is_told() {
    let scene = Scene::new().await;
    with_exchange(&scene, &[ExplicitAuthFlowsType::AllowTokenExchangeDelegation]).await;
    let tokens = scene.tokens("openid+orders/read").await;
    let access = tokens["access_token"].as_str().unwrap();
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    let machine = scene.token(&own).await.1["access_token"].as_str().unwrap().to_owned();
    let actor = [
        exchanged(access, ACCESS_TYPE),
        vec![("actor_token", &machine), ("actor_token_type", ACCESS_TYPE)],
    ]
    .concat();
    let (status, derived) = scene.token(&actor).await;
    assert_eq!(status, 200, "{derived}");
    let derived = claims(&derived["access_token"]);
    assert_eq!(
        (&derived["act"], &derived["sub"]),
        (&json!({ "sub": MACHINE }), &json!(scene.user.sub))
    );
    for (name, value, error) in [
        ("actor_token", "x", "invalid_request"),
        ("actor_token", "", "invalid_request"),
        ("actor_token_type", "", "invalid_request"),
        ("actor_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request"),
        ("actor_token_provider_name", "Corp", "invalid_request"),
    ] {
        let answer = post_pairs(&scene, AT, &with(&actor, name, value)).await;
        is_error(&answer, 400, error, name);
    }
    let alone = post_pairs(&scene, AT, &exchanged(access, ACCESS_TYPE)).await;
    is_error(&alone, 400, "unauthorized_client", "impersonation is not allowed");
}

#[tokio::test]
async fn what_a_machine_tells_its_function_arrives() {
    let scene = Scene::new().await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:tokens";
    let config = LambdaConfigType {
        pre_token_generation: Some(arn.to_owned()),
        pre_token_generation_config: Some(PreTokenGenerationVersionConfigType {
            lambda_version: PreTokenGenerationLambdaVersionType::V30,
            lambda_arn: arn.to_owned(),
        }),
        ..LambdaConfigType::default()
    };
    scene.change_pool(|pool| pool.settings.lambda_config = Some(config)).await;
    let functions = &scene.kit.functions;
    functions
        .respond(Trigger::PreTokenGeneration, json!({ "claimsAndScopeOverrideDetails": null }));
    let own =
        [("grant_type", "client_credentials"), ("client_id", MACHINE), ("client_secret", SECRET)];
    for (metadata, expected) in [
        ("", Value::Null),
        ("{\"tenant\":\"ü\",\"b\":\"\"}", json!({ "tenant": "ü", "b": "" })),
        ("{}", json!({})),
    ] {
        functions.clear();
        let (status, answer) = scene.token(&with(&own, "aws_client_metadata", metadata)).await;
        assert_eq!(status, 200, "{answer}");
        let [event] = &*functions.events() else { panic!("one function is asked") };
        assert_eq!(event["triggerSource"], "TokenGeneration_ClientCredentials");
        let found = event["request"].get("clientMetadata").cloned().unwrap_or_default();
        assert_eq!(found, expected, "{metadata}");
    }
    // Other grants don't know it.
    functions.clear();
    let code = scene.code(&format!("{}&scope=openid", query(CLIENT))).await;
    let shown = with(&exchange(&code), "aws_client_metadata", "{\"a\":\"b\"}");
    assert_eq!(scene.token(&shown).await.0, 200);
    let [event] = &*functions.events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "TokenGeneration_HostedAuth");
    assert!(!event.to_string().contains("\"a\":\"b\""), "{event}");
    functions.throw(Trigger::PreTokenGeneration, "no");
    let refused = post_pairs(&scene, AT, &own);
    is_error(&refused.await, 400, "invalid_grant", "the function failed");
}
