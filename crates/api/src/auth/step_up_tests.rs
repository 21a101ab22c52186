//! Which level a sign-in reaches, and how an application asks for one.

use poolhouse_testkit::{Authenticator, Told};
use serde_json::{Value, json};

use crate::{
    passkeys::testing::{passkey_pool, register},
    testing::{PASSWORD, Stack, claims, error, invalid, merged, text},
    totp::testing::{answer_to, code, enrol},
};

const RESPOND: &str = "RespondToAuthChallenge";

/// A pool, a client, and `ada` with a software token that is verified and not switched on. Answers
/// its secret, too.
async fn ada(stack: &Stack) -> (String, String, String) {
    let (pool, client) = passkey_pool(stack).await;
    let verified = [("email", "ada@example.com"), ("email_verified", "true")];
    stack.user(&pool, "ada", &verified).await;
    let factors = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
    });
    stack.ok("SetUserPoolMfaConfig", factors).await;
    stack.advance(2);
    let secret = enrol(stack, &client, "ada").await;
    let off = json!({
        "UserPoolId": pool, "Username": "ada", "SoftwareTokenMfaSettings": { "Enabled": false },
    });
    stack.ok("AdminSetUserMFAPreference", off).await;
    (pool, client, secret)
}

/// `InitiateAuth` of `ada`, with further parameters.
fn begin(client: &str, parameters: Value) -> Value {
    let parameters = merged(json!({ "USERNAME": "ada" }), parameters);
    json!({ "ClientId": client, "AuthFlow": "USER_AUTH", "AuthParameters": parameters })
}

/// The same by password, for these levels.
fn by_password(client: &str, levels: &str) -> Value {
    let password = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD });
    begin(client, merged(password, json!({ "TARGET_ACR_VALUES": levels })))
}

/// `acr` and `amr` of both tokens of an answer, which are the same.
#[track_caller]
fn level(answer: &Value) -> (String, Value) {
    let result = &answer["AuthenticationResult"];
    let told = |name: &str| {
        let claims = claims(&result[name]);
        (text(&claims["acr"]), claims["amr"].clone())
    };
    assert_eq!(told("IdToken"), told("AccessToken"));
    told("IdToken")
}

fn is(number: u8, amr: &[&str]) -> (String, Value) {
    (format!("urn:cognito:loa:{number}"), json!(amr))
}

async fn show_code(stack: &Stack, client: &str, asked: &Value, secret: &str) -> Value {
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "{asked}");
    let shown = answer_to(client, asked, "SOFTWARE_TOKEN_MFA_CODE", &code(stack, secret, 0));
    stack.ok(RESPOND, shown).await
}

#[tokio::test]
async fn tokens_tell_the_level_through_every_refresh() {
    let stack = Stack::new().await;
    let (_, client, _) = ada(&stack).await;
    let first = json!({ "AuthenticationResult": stack.tokens(&client, "ada").await });
    assert_eq!(level(&first), is(1, &["pwd"]));
    let refresh = json!({ "REFRESH_TOKEN": first["AuthenticationResult"]["RefreshToken"] });
    let input = json!({
        "ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": refresh,
    });
    assert_eq!(level(&stack.ok("InitiateAuth", input).await), is(1, &["pwd"]));
}

#[tokio::test]
async fn each_way_to_sign_in_has_its_level() {
    let stack = Stack::new().await;
    let (pool, client, secret) = ada(&stack).await;
    let asked = begin(&client, json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    let asked = stack.ok("InitiateAuth", asked).await;
    let responses =
        json!({ "USERNAME": "ada", "EMAIL_OTP_CODE": stack.last_code_for("ada@example.com") });
    let shown = json!({
        "ClientId": client, "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
        "ChallengeResponses": responses,
    });
    assert_eq!(level(&stack.ok(RESPOND, shown).await), is(2, &["email_otp"]));

    let key = Authenticator::es256("key");
    let token = stack.access_token(&client, "ada").await;
    register(&stack, &token, &key).await;
    let asked = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = stack.ok("InitiateAuth", asked).await;
    let options = text(&asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"]);
    let options: Value = serde_json::from_str(&options).unwrap();
    let responses = json!({
        "USERNAME": "ada", "CREDENTIAL": key.show(&options, &Told::default()).to_string(),
    });
    let shown = json!({
        "ClientId": client, "ChallengeName": "WEB_AUTHN", "Session": asked["Session"],
        "ChallengeResponses": responses,
    });
    let (acr, amr) = level(&stack.ok(RESPOND, shown).await);
    assert_eq!(acr, "urn:cognito:loa:3");
    assert!(amr == json!(["swk"]) || amr == json!(["hwk"]), "{amr}");

    let on = json!({
        "UserPoolId": pool, "Username": "ada", "SoftwareTokenMfaSettings": { "Enabled": true },
    });
    stack.ok("AdminSetUserMFAPreference", on).await;
    let asked = stack.ok("InitiateAuth", by_password(&client, "urn:cognito:loa:1")).await;
    let answer = show_code(&stack, &client, &asked, &secret).await;
    assert_eq!(level(&answer), is(4, &["pwd", "otp", "mfa"]), "MFA is asked all the same");
}

#[tokio::test]
async fn a_factor_that_is_off_is_asked_for_a_level_that_needs_it() {
    let stack = Stack::new().await;
    let (_, client, secret) = ada(&stack).await;
    let levels = "urn:cognito:loa:9 urn:cognito:loa:4 urn:cognito:loa:1";
    let asked = stack.ok("InitiateAuth", by_password(&client, levels)).await;
    let answer = show_code(&stack, &client, &asked, &secret).await;
    assert_eq!(level(&answer), is(4, &["pwd", "otp", "mfa"]));
    let plain = stack.ok("InitiateAuth", by_password(&client, "urn:cognito:loa:1")).await;
    assert_eq!(level(&plain), is(1, &["pwd"]));
}

#[tokio::test]
async fn only_what_leads_to_the_level_is_offered() {
    let stack = Stack::new().await;
    let (_, client, secret) = ada(&stack).await;
    let begun = |levels: &str| begin(&client, json!({ "TARGET_ACR_VALUES": levels }));
    let offered = stack.ok("InitiateAuth", begun("urn:cognito:loa:4")).await;
    assert_eq!(offered["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(offered["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    let choose = |answer: &str| {
        json!({
            "ClientId": client, "ChallengeName": "SELECT_CHALLENGE", "Session": offered["Session"],
            "ChallengeResponses": { "USERNAME": "ada", "ANSWER": answer, "PASSWORD": PASSWORD },
        })
    };
    let refused = stack.refusal(RESPOND, choose("EMAIL_OTP")).await;
    assert_eq!(refused, invalid("Selected challenge is not available."));
    let asked = stack.ok(RESPOND, choose("PASSWORD")).await;
    let answer = show_code(&stack, &client, &asked, &secret).await;
    assert_eq!(level(&answer), is(4, &["pwd", "otp", "mfa"]));
    let offered = stack.ok("InitiateAuth", begun("urn:cognito:loa:2")).await;
    let all = json!(["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(offered["AvailableChallenges"], all, "more than the level is enough");
    let mail = json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let unfit = merged(mail, json!({ "TARGET_ACR_VALUES": "urn:cognito:loa:3" }));
    let offered = stack.ok("InitiateAuth", begin(&client, unfit)).await;
    assert_eq!(offered["ChallengeName"], "SELECT_CHALLENGE");
}

#[tokio::test]
async fn what_the_user_can_not_reach_falls_back_through_the_list() {
    let stack = Stack::new().await;
    let (pool, client, _) = ada(&stack).await;
    stack.user(&pool, "eve", &[]).await;
    for (levels, reached) in [("urn:cognito:loa:4 urn:cognito:loa:1", 1), ("urn:cognito:loa:4", 1)]
    {
        let mut input = by_password(&client, levels);
        input["AuthParameters"]["USERNAME"] = json!("eve");
        assert_eq!(level(&stack.ok("InitiateAuth", input).await), is(reached, &["pwd"]));
    }
}

#[tokio::test]
async fn a_signed_in_user_steps_up_by_what_is_missing() {
    let stack = Stack::new().await;
    let (pool, client, secret) = ada(&stack).await;
    let before = stack.tokens(&client, "ada").await;
    stack.advance(100);
    let step_up = |token: &Value, more: Value| {
        let given = json!({ "ACCESS_TOKEN": token, "TARGET_ACR_VALUES": "urn:cognito:loa:4" });
        begin(&client, merged(given, more))
    };
    let token = &before["AccessToken"];
    let asked = stack.ok("InitiateAuth", step_up(token, json!({ "MAX_AGE": "100" }))).await;
    let answer = show_code(&stack, &client, &asked, &secret).await;
    assert_eq!(level(&answer), is(4, &["pwd", "otp", "mfa"]));
    let after = &answer["AuthenticationResult"];
    assert!(after["RefreshToken"].is_string());
    let time = |token: &Value| claims(token)["auth_time"].as_i64().unwrap();
    assert_eq!(time(&after["IdToken"]), time(&before["IdToken"]) + 100);

    // An authentication of long ago doesn't count.
    let asked = stack.ok("InitiateAuth", step_up(token, json!({ "MAX_AGE": "99" }))).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    // Nor does a token by itself: it must not become a refresh token.
    let whole = &after["AccessToken"];
    let asked = stack.ok("InitiateAuth", step_up(whole, json!({}))).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");

    stack.user(&pool, "eve", &[]).await;
    let other_client = stack
        .client(
            &pool,
            json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"] }),
        )
        .await;
    let wrong = error("NotAuthorizedException", "Invalid Access Token");
    for theirs in [
        stack.tokens(&client, "eve").await["AccessToken"].take(),
        stack.tokens(&other_client, "ada").await["AccessToken"].take(),
        before["IdToken"].clone(),
        json!("x"),
    ] {
        assert_eq!(stack.refusal("InitiateAuth", step_up(&theirs, json!({}))).await, wrong);
    }
    stack.ok("AdminUserGlobalSignOut", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    let revoked = error("NotAuthorizedException", "Access Token has been revoked");
    assert_eq!(stack.refusal("InitiateAuth", step_up(token, json!({}))).await, revoked);
}

#[tokio::test]
async fn what_is_said_of_levels_has_to_make_sense() {
    let stack = Stack::new().await;
    let (_, client, _) = ada(&stack).await;
    let token = stack.access_token(&client, "ada").await;
    for (parameters, message) in [
        (json!({ "ACCESS_TOKEN": token }), "Missing required parameter TARGET_ACR_VALUES"),
        (
            json!({ "TARGET_ACR_VALUES": "urn:cognito:loa:5 x" }),
            "None of the TARGET_ACR_VALUES is valid for the user pool.",
        ),
        (
            json!({ "TARGET_ACR_VALUES": "urn:cognito:loa:1", "MAX_AGE": "-1" }),
            "MAX_AGE is not a number of seconds.",
        ),
    ] {
        let refused = stack.refusal("InitiateAuth", begin(&client, parameters)).await;
        assert_eq!(refused, invalid(message));
    }
}

#[tokio::test]
async fn the_lite_tier_has_no_levels() {
    let stack = Stack::new().await;
    let pool = stack.pool(json!({})).await;
    let flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"];
    let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows })).await;
    stack.user(&pool, "ada", &[]).await;
    stack.ok("UpdateUserPool", json!({ "UserPoolId": pool, "UserPoolTier": "LITE" })).await;
    stack.advance(2);
    let claims = claims(&stack.tokens(&client, "ada").await["IdToken"]);
    assert!(claims.get("acr").is_none() && claims.get("amr").is_none());
    let refused = stack.refusal("InitiateAuth", by_password(&client, "urn:cognito:loa:1")).await;
    let message = "The following feature is not available for the LITE pricing tier configured: \
                   Authentication Context Class Reference";
    assert_eq!(refused, error("FeatureUnavailableInTierException", message));
}

#[tokio::test]
async fn levels_have_the_names_that_the_pool_gives_them() {
    let stack = Stack::new().await;
    let levels = json!({ "Level1": { "AcrValue": "low" }, "Level3": { "AcrValue": "high" } });
    let pool = stack.pool(json!({ "AcrConfiguration": levels })).await;
    let flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"];
    let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows })).await;
    stack.user(&pool, "ada", &[]).await;
    let answer = stack.ok("InitiateAuth", by_password(&client, "low")).await;
    assert_eq!(level(&answer), ("low".to_owned(), json!(["pwd"])));
    let old = stack.refusal("InitiateAuth", by_password(&client, "urn:cognito:loa:1")).await;
    assert_eq!(old.0, "InvalidParameterException");
}

#[tokio::test]
async fn the_length_of_sessions_tells_nothing_of_who_exists() {
    let stack = Stack::new().await;
    let (pool, _) = passkey_pool(&stack).await;
    stack.user(&pool, "ada", &[]).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] });
    let hiding = stack.client(&pool, merged(hides, flows)).await;
    let mut lengths = Vec::new();
    for name in ["ada", "eva"] {
        let mut input = begin(&hiding, json!({ "TARGET_ACR_VALUES": "urn:cognito:loa:1" }));
        input["AuthParameters"]["USERNAME"] = json!(name);
        let asked = stack.ok("InitiateAuth", input).await;
        lengths.push(text(&asked["Session"]).len());
    }
    assert_eq!(lengths[0], lengths[1]);
}

#[tokio::test]
async fn a_level_chooses_among_the_factors_that_are_on_and_replaces_none() {
    let stack = Stack::new().await;
    let (pool, client, secret) = ada(&stack).await;
    let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x" });
    let offered = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SmsMfaConfiguration": { "SmsConfiguration": sms },
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
    });
    stack.ok("SetUserPoolMfaConfig", offered).await;
    let number = json!([{ "Name": "phone_number", "Value": "+14155550008" }]);
    let number = json!({ "UserPoolId": pool, "Username": "ada", "UserAttributes": number });
    stack.ok("AdminUpdateUserAttributes", number).await;
    let prefer = |token_too: bool| {
        json!({
            "UserPoolId": pool, "Username": "ada",
            "SMSMfaSettings": { "Enabled": true, "PreferredMfa": true },
            "SoftwareTokenMfaSettings": { "Enabled": token_too },
        })
    };
    stack.ok("AdminSetUserMFAPreference", prefer(false)).await;
    stack.advance(2);
    // The token leads to the level, and is off: the user has chosen another factor.
    for levels in ["urn:cognito:loa:4 urn:cognito:loa:3", "urn:cognito:loa:4", "urn:cognito:loa:1"]
    {
        let asked = stack.ok("InitiateAuth", by_password(&client, levels)).await;
        assert_eq!(asked["ChallengeName"], "SMS_MFA", "{levels}");
        let sent = stack.last_code_for("+14155550008");
        let answer = stack.ok(RESPOND, answer_to(&client, &asked, "SMS_MFA_CODE", &sent)).await;
        assert_eq!(level(&answer), is(3, &["pwd", "sms", "mfa"]));
        // Nor does an earlier sign-in help around it.
        let token = &answer["AuthenticationResult"]["AccessToken"];
        let given = json!({ "ACCESS_TOKEN": token, "TARGET_ACR_VALUES": "urn:cognito:loa:4" });
        let asked = stack.ok("InitiateAuth", begin(&client, given)).await;
        assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    }
    // Of two that are on, the level says which, whatever is preferred.
    stack.ok("AdminSetUserMFAPreference", prefer(true)).await;
    let asked = stack.ok("InitiateAuth", by_password(&client, "urn:cognito:loa:4")).await;
    stack.advance(60);
    let answer = show_code(&stack, &client, &asked, &secret).await;
    assert_eq!(level(&answer), is(4, &["pwd", "otp", "mfa"]));
    let asked = stack.ok("InitiateAuth", by_password(&client, "urn:cognito:loa:3")).await;
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
}

#[tokio::test]
async fn nobody_is_offered_what_somebody_without_second_factor_is() {
    let stack = Stack::new().await;
    let (pool, open, _) = ada(&stack).await;
    let verified = [("email", "eve@example.com"), ("email_verified", "true")];
    stack.user(&pool, "eve", &verified).await;
    let hides = json!({ "PreventUserExistenceErrors": "ENABLED" });
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"] });
    let hiding = stack.client(&pool, merged(hides, flows)).await;
    let all = ["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"];
    for (levels, offered) in [
        // What nobody can reach without a second factor is passed over, as for anybody else.
        ("urn:cognito:loa:4", &all[..]),
        ("urn:cognito:loa:3", &all),
        ("urn:cognito:loa:4 urn:cognito:loa:2", &["EMAIL_OTP"]),
        ("urn:cognito:loa:2", &["EMAIL_OTP"]),
        ("urn:cognito:loa:1", &all),
        ("", &all),
    ] {
        for name in ["eve", "nobody"] {
            let given = json!({ "USERNAME": name, "TARGET_ACR_VALUES": levels });
            let asked = stack.ok("InitiateAuth", begin(&hiding, given)).await;
            assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
            assert_eq!(asked["AvailableChallenges"], json!(offered), "{name} and {levels:?}");
        }
    }
    let given = json!({ "USERNAME": "nobody", "TARGET_ACR_VALUES": "urn:cognito:loa:2" });
    let refused = stack.refusal("InitiateAuth", begin(&open, given.clone())).await;
    assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    let token = json!({ "ACCESS_TOKEN": stack.access_token(&hiding, "eve").await });
    let wrong = error("NotAuthorizedException", "Invalid Access Token");
    let refused = stack.refusal("InitiateAuth", begin(&hiding, merged(given, token))).await;
    assert_eq!(refused, wrong, "the token is of somebody");
}

#[tokio::test]
async fn a_password_that_was_replaced_gives_no_credit() {
    let stack = Stack::new().await;
    let (pool, client, secret) = ada(&stack).await;
    let token = stack.access_token(&client, "ada").await;
    let step_up = |token: &str| {
        let given = json!({ "ACCESS_TOKEN": token, "TARGET_ACR_VALUES": "urn:cognito:loa:4" });
        begin(&client, given)
    };
    let credited = stack.ok("InitiateAuth", step_up(&token)).await;
    assert_eq!(credited["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    stack.advance(60);
    let by_the_user = json!({
        "AccessToken": token, "PreviousPassword": PASSWORD, "ProposedPassword": "Other-Horse-8",
    });
    stack.ok("ChangePassword", by_the_user).await;
    stack.ok("GetUser", json!({ "AccessToken": token })).await;
    let asked = stack.ok("InitiateAuth", step_up(&token)).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    // A step that began with the old password doesn't go on, either.
    let shown = answer_to(&client, &credited, "SOFTWARE_TOKEN_MFA_CODE", &code(&stack, &secret, 0));
    let dead = error("NotAuthorizedException", "Invalid session for the user.");
    assert_eq!(stack.refusal(RESPOND, shown).await, dead);

    let by_an_administrator = json!({
        "UserPoolId": pool, "Username": "ada", "Password": PASSWORD, "Permanent": true,
    });
    let other = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": "Other-Horse-8" });
    let signed_in = stack.ok("InitiateAuth", begin(&client, other)).await;
    let token = text(&signed_in["AuthenticationResult"]["AccessToken"]);
    let asked = stack.ok("InitiateAuth", step_up(&token)).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "the new one counts");
    stack.advance(1);
    stack.ok("AdminSetUserPassword", by_an_administrator).await;
    let asked = stack.ok("InitiateAuth", step_up(&token)).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
}
