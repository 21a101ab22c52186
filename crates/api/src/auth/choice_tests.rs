//! Choice-based sign-in over the wire: it goes through all four operations of this slice, and the
//! two of a sign-up.

use poolhouse_domain::shapes::UserStatusType;
use poolhouse_testkit::{Authenticator, Told};
use serde_json::{Value, json};

use crate::{
    passkeys::testing::{configure, flows, passkey_pool, register},
    testing::{PASSWORD, Stack, error, invalid, merged, text},
    totp::testing::enrol,
};

const EMAIL: &str = "ada@example.com";
const RESPOND: &str = "RespondToAuthChallenge";
const WRONG: &str = "Incorrect username or password.";

fn verified() -> [(&'static str, &'static str); 2] {
    [("email", EMAIL), ("email_verified", "true")]
}

/// `InitiateAuth` of `ada`, with further parameters.
fn begin(client: &str, parameters: Value) -> Value {
    let parameters = merged(json!({ "USERNAME": "ada" }), parameters);
    json!({ "ClientId": client, "AuthFlow": "USER_AUTH", "AuthParameters": parameters })
}

/// `RespondToAuthChallenge` of `ada` to what was answered.
fn reply(client: &str, name: &str, asked: &Value, responses: Value) -> Value {
    json!({
        "ClientId": client, "ChallengeName": name, "Session": asked["Session"],
        "ChallengeResponses": merged(json!({ "USERNAME": "ada" }), responses),
    })
}

/// Whether these are tokens.
fn is_signed_in(answer: &Value) -> bool {
    answer["AuthenticationResult"]["AccessToken"].is_string()
        && answer["ChallengeParameters"] == json!({})
        && answer.get("ChallengeName").is_none()
}

fn mismatch() -> (String, String) {
    error("CodeMismatchException", "Invalid code or auth state for the user.")
}

fn refused_session() -> (String, String) {
    error("NotAuthorizedException", "Invalid session for the user.")
}

/// A pool, a client and `ada`, whose address is verified.
async fn ada(stack: &Stack) -> (String, String) {
    let (pool, client) = passkey_pool(stack).await;
    stack.user(&pool, "ada", &verified()).await;
    (pool, client)
}

/// The same with a passkey.
async fn ada_with(stack: &Stack, passkey: &Authenticator) -> (String, String) {
    let (pool, client) = ada(stack).await;
    let token = stack.access_token(&client, "ada").await;
    register(stack, &token, passkey).await;
    (pool, client)
}

/// The options of a `WEB_AUTHN` challenge.
fn options(asked: &Value) -> Value {
    assert_eq!(asked["ChallengeName"], "WEB_AUTHN", "{asked}");
    let options = &asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"];
    serde_json::from_str(&text(options)).unwrap()
}

fn credential(passkey: &Authenticator, asked: &Value, told: &Told) -> Value {
    json!({ "CREDENTIAL": passkey.show(&options(asked), told).to_string() })
}

#[tokio::test]
async fn without_preference_one_chooses_among_what_one_has() {
    let stack = Stack::new().await;
    let (pool, client) = ada(&stack).await;
    let answer = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    assert_eq!(answer["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(answer["ChallengeParameters"], json!({}));
    let with_mail = json!(["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(answer["AvailableChallenges"], with_mail);
    assert!(text(&answer["Session"]).len() > 20);

    let token = stack.access_token(&client, "ada").await;
    register(&stack, &token, &Authenticator::es256("key")).await;
    let answer = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    let with_passkey = json!(["EMAIL_OTP", "WEB_AUTHN", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(answer["AvailableChallenges"], with_passkey);

    // Passkeys of another relying party don't work.
    configure(&stack, &pool, json!({ "RelyingPartyId": "example.org" })).await;
    let answer = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    assert_eq!(answer["AvailableChallenges"], with_mail);

    stack.user(&pool, "bob", &[("email", "bob@example.com")]).await;
    let preferred = json!({ "USERNAME": "bob", "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let answer = stack.ok("InitiateAuth", begin(&client, preferred)).await;
    assert_eq!(answer["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(answer["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
}

#[tokio::test]
async fn a_code_by_mail_signs_in() {
    let stack = Stack::new().await;
    let (_, client) = ada(&stack).await;
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    let asked = stack.ok("InitiateAuth", input).await;
    let expected = json!({
        "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
        "ChallengeParameters": {
            "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL", "CODE_DELIVERY_DESTINATION": "a***@e***",
        },
        "AvailableChallenges": ["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"],
    });
    assert_eq!(asked, expected);
    let code = stack.last_code_for(EMAIL);
    assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");

    let answer =
        |code: &str| reply(&client, "EMAIL_OTP", &asked, json!({ "EMAIL_OTP_CODE": code }));
    let wrong = if code == "00000000" { "11111111" } else { "00000000" };
    assert_eq!(stack.refusal(RESPOND, answer(wrong)).await, mismatch());
    // The session is still good, for its challenge and its user only.
    let misnamed = reply(&client, "SMS_OTP", &asked, json!({ "SMS_OTP_CODE": code }));
    assert_eq!(stack.refusal(RESPOND, misnamed).await, refused_session());
    let other = reply(
        &client,
        "EMAIL_OTP",
        &asked,
        json!({
            "USERNAME": "bob", "EMAIL_OTP_CODE": code,
        }),
    );
    assert_eq!(stack.refusal(RESPOND, other).await, refused_session());
    assert!(is_signed_in(&stack.ok(RESPOND, answer(&code)).await));
    let spent = "Invalid session for the user, session can only be used once.";
    let again = stack.refusal(RESPOND, answer(&code)).await;
    assert_eq!(again, error("NotAuthorizedException", spent));
}

#[tokio::test]
async fn a_code_by_text_message_signs_in_and_ends_with_its_session() {
    let stack = Stack::new().await;
    let policies = json!({ "SignInPolicy": {
        "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"]
    } });
    let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms" });
    let pool = stack.pool(json!({ "Policies": policies, "SmsConfiguration": sms })).await;
    let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
    let number = "+14155550008";
    let attributes = [("phone_number", number), ("phone_number_verified", "true")];
    stack.user(&pool, "ada", &attributes).await;
    for (seconds, is_good) in [(179, true), (180, false)] {
        let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "SMS_OTP" }));
        let asked = stack.ok("InitiateAuth", input).await;
        assert_eq!(
            asked["ChallengeParameters"],
            json!({
                "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
                "CODE_DELIVERY_DESTINATION": "+*******0008",
            })
        );
        stack.advance(seconds);
        let code = json!({ "SMS_OTP_CODE": stack.last_code_for(number) });
        let input = reply(&client, "SMS_OTP", &asked, code);
        let answer = stack.call(RESPOND, input).await;
        assert_eq!(answer.status == 200, is_good, "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_chosen_is_asked_or_taken_at_once() {
    let stack = Stack::new().await;
    let (_, client) = ada(&stack).await;
    let begun = async || stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    let select =
        |asked: &Value, responses: Value| reply(&client, "SELECT_CHALLENGE", asked, responses);

    // The password with the choice; a wrong one leaves the session good.
    let asked = begun().await;
    let wrong = json!({ "ANSWER": "PASSWORD", "PASSWORD": "Wrong-Horse-7" });
    let refused = stack.refusal(RESPOND, select(&asked, wrong)).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
    let right = json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    assert!(is_signed_in(&stack.ok(RESPOND, select(&asked, right.clone())).await));
    let refused = stack.refusal(RESPOND, select(&asked, right)).await;
    assert_eq!(refused.1, "Invalid session for the user, session can only be used once.");

    // The password after the choice.
    let asked = stack.ok(RESPOND, select(&begun().await, json!({ "ANSWER": "PASSWORD" }))).await;
    assert_eq!(
        (&asked["ChallengeName"], &asked["ChallengeParameters"]),
        (&json!("PASSWORD"), &json!({}))
    );
    let nothing = reply(&client, "PASSWORD", &asked, json!({}));
    let missing = invalid("Missing required parameter PASSWORD");
    assert_eq!(stack.refusal(RESPOND, nothing).await, missing);
    let right = reply(&client, "PASSWORD", &asked, json!({ "PASSWORD": PASSWORD }));
    assert!(is_signed_in(&stack.ok(RESPOND, right).await));

    // A code.
    let asked = stack.ok(RESPOND, select(&begun().await, json!({ "ANSWER": "EMAIL_OTP" }))).await;
    let code = json!({ "EMAIL_OTP_CODE": stack.last_code_for(EMAIL) });
    assert!(is_signed_in(&stack.ok(RESPOND, reply(&client, "EMAIL_OTP", &asked, code)).await));

    // What is not there.
    let asked = begun().await;
    for answer in ["WEB_AUTHN", "SMS_OTP", "SOFTWARE_TOKEN_MFA", "x"] {
        let refused = stack.refusal(RESPOND, select(&asked, json!({ "ANSWER": answer }))).await;
        assert_eq!(refused, invalid("Selected challenge is not available."), "{answer}");
    }
    let refused = stack.refusal(RESPOND, select(&asked, json!({}))).await;
    assert_eq!(refused, invalid("Missing required parameter ANSWER"));
}

#[tokio::test]
async fn a_password_can_come_with_the_first_request() {
    let stack = Stack::new().await;
    let (_, client) = ada(&stack).await;
    let with = |password: &str| {
        begin(&client, json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password }))
    };
    assert!(is_signed_in(&stack.ok("InitiateAuth", with(PASSWORD)).await));
    let refused = stack.refusal("InitiateAuth", with("Wrong-Horse-7")).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "PASSWORD" }));
    assert_eq!(stack.ok("InitiateAuth", input).await["ChallengeName"], "PASSWORD");
}

#[tokio::test]
async fn a_proof_of_the_password_is_begun_with_a_session() {
    let stack = Stack::new().await;
    let (_, client) = ada(&stack).await;
    let srp = |srp_a: &str| json!({ "PREFERRED_CHALLENGE": "PASSWORD_SRP", "SRP_A": srp_a });
    let asked = stack.ok("InitiateAuth", begin(&client, srp("abcdef"))).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
    assert!(asked["Session"].is_string() && asked["ChallengeParameters"]["SRP_B"].is_string());
    assert_eq!(asked["ChallengeParameters"]["USER_ID_FOR_SRP"], "ada");
    let refused = stack.refusal("InitiateAuth", begin(&client, srp("x"))).await;
    assert_eq!(refused, invalid("SRP_A is not a hexadecimal number."));

    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "PASSWORD_SRP" }));
    let asked = stack.ok("InitiateAuth", input).await;
    assert_eq!(asked["ChallengeName"], "PASSWORD_SRP");
    let begun = reply(&client, "PASSWORD_SRP", &asked, json!({ "SRP_A": "abcdef" }));
    let proof = stack.ok(RESPOND, begun).await;
    assert_eq!(proof["ChallengeName"], "PASSWORD_VERIFIER");
    // Nothing else answers to the session of a proof.
    let password = reply(&client, "PASSWORD", &proof, json!({ "PASSWORD": PASSWORD }));
    assert_eq!(stack.refusal(RESPOND, password).await, refused_session());
}

#[tokio::test]
async fn requests_that_are_not_whole_and_clients_without_the_flow_are_refused() {
    let stack = Stack::new().await;
    let (pool, client) = ada(&stack).await;
    let preferred = json!({ "PREFERRED_CHALLENGE": "CUSTOM_CHALLENGE" });
    let other = stack.client(&pool, json!({})).await;
    let secret = json!({ "ExplicitAuthFlows": flows(), "GenerateSecret": true });
    let secretive = stack.client(&pool, secret).await;
    for (input, expected) in [
        (begin(&client, json!({ "USERNAME": "" })), invalid("Missing required parameter USERNAME")),
        (begin(&client, preferred), invalid("Invalid PREFERRED_CHALLENGE.")),
        (begin(&other, json!({})), invalid("USER_AUTH flow not enabled for this client")),
        (
            begin(&secretive, json!({})),
            error(
                "NotAuthorizedException",
                &format!(
                    "Client {secretive} is configured with secret but SECRET_HASH was not received"
                ),
            ),
        ),
    ] {
        assert_eq!(stack.refusal("InitiateAuth", input).await, expected);
    }
    let input = merged(begin(&other, json!({})), json!({ "UserPoolId": pool }));
    let refused = stack.refusal("AdminInitiateAuth", input).await;
    assert_eq!(refused, invalid("Auth flow not enabled for this client"));
}

#[tokio::test]
async fn administrators_take_the_same_steps() {
    let stack = Stack::new().await;
    let (pool, client) = ada(&stack).await;
    let in_pool = |input: Value| merged(input, json!({ "UserPoolId": pool }));
    let asked = stack.ok("AdminInitiateAuth", in_pool(begin(&client, json!({})))).await;
    let available = json!(["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(asked["AvailableChallenges"], available);
    let select = reply(&client, "SELECT_CHALLENGE", &asked, json!({ "ANSWER": "EMAIL_OTP" }));
    let asked = stack.ok(RESPOND, select).await;
    let code = json!({ "EMAIL_OTP_CODE": stack.last_code_for(EMAIL) });
    let input = in_pool(reply(&client, "EMAIL_OTP", &asked, code));
    assert!(is_signed_in(&stack.ok("AdminRespondToAuthChallenge", input).await));
}

#[tokio::test]
async fn with_a_temporary_password_only_passwords_count() {
    let stack = Stack::new().await;
    let (pool, client) = passkey_pool(&stack).await;
    let attributes: Vec<_> =
        verified().map(|(name, value)| json!({ "Name": name, "Value": value })).into();
    let input = json!({
        "UserPoolId": pool, "Username": "ada", "TemporaryPassword": PASSWORD,
        "MessageAction": "SUPPRESS", "UserAttributes": attributes,
    });
    stack.ok("AdminCreateUser", input).await;
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    let asked = stack.ok("InitiateAuth", input).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(asked["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    let answer = json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    let input = reply(&client, "SELECT_CHALLENGE", &asked, answer);
    let asked = stack.ok(RESPOND, input).await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
}

#[tokio::test]
async fn a_second_factor_leaves_passwords_and_is_asked_after_them() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (pool, client) = ada_with(&stack, &key).await;
    let input = json!({
        "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
    });
    stack.ok("SetUserPoolMfaConfig", input).await;
    // A challenge from before the second factor was set up leads nowhere after it.
    let preferred = |name: &str| begin(&client, json!({ "PREFERRED_CHALLENGE": name }));
    let by_code = stack.ok("InitiateAuth", preferred("EMAIL_OTP")).await;
    let by_passkey = stack.ok("InitiateAuth", preferred("WEB_AUTHN")).await;
    let code = stack.last_code_for(EMAIL);
    enrol(&stack, &client, "ada").await;
    let input = reply(&client, "EMAIL_OTP", &by_code, json!({ "EMAIL_OTP_CODE": code }));
    assert_eq!(stack.refusal(RESPOND, input).await, refused_session());
    let shown = credential(&key, &by_passkey, &Told::default());
    let input = reply(&client, "WEB_AUTHN", &by_passkey, shown);
    assert_eq!(stack.refusal(RESPOND, input).await, refused_session());

    let asked = stack.ok("InitiateAuth", preferred("WEB_AUTHN")).await;
    assert_eq!(asked["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD }));
    let asked = stack.ok("InitiateAuth", input).await;
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert!(asked.get("AvailableChallenges").is_none());
}

#[tokio::test]
async fn nobody_gets_the_same_answers_where_existence_is_hidden() {
    let stack = Stack::new().await;
    let (pool, legacy) = ada(&stack).await;
    let hides = json!({
        "ExplicitAuthFlows": flows(), "PreventUserExistenceErrors": "ENABLED",
    });
    let client = stack.client(&pool, hides).await;
    let as_nobody = |client: &str, more: Value| {
        begin(client, merged(json!({ "USERNAME": "n@i.example" }), more))
    };
    let refused = stack.refusal("InitiateAuth", as_nobody(&legacy, json!({}))).await;
    assert_eq!(refused, error("UserNotFoundException", "User does not exist."));

    let preferred = json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let asked = stack.ok("InitiateAuth", as_nobody(&client, preferred.clone())).await;
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    assert_eq!(asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "n***@i***");
    let available = json!(["EMAIL_OTP", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(asked["AvailableChallenges"], available);
    // Somebody with as long a name.
    stack.user(&pool, "12345678901", &verified()).await;
    let real = merged(json!({ "USERNAME": "12345678901" }), preferred);
    let real = stack.ok("InitiateAuth", begin(&client, real)).await;
    let length = |answer: &Value| text(&answer["Session"]).len();
    // The keyed hash is written as numbers, whose lengths differ.
    assert!(length(&asked).abs_diff(length(&real)) < 60);

    let answer = |name: &str, asked: &Value, responses: Value| {
        reply(&client, name, asked, merged(json!({ "USERNAME": "n@i.example" }), responses))
    };
    let code = json!({ "EMAIL_OTP_CODE": "12345678" });
    for _ in 0..20 {
        let input = answer("EMAIL_OTP", &asked, code.clone());
        assert_eq!(stack.refusal(RESPOND, input).await, mismatch());
    }
    let refused = stack.refusal(RESPOND, answer("EMAIL_OTP", &asked, code)).await;
    assert_eq!(refused.0, "TooManyRequestsException");

    let asked = stack.ok("InitiateAuth", as_nobody(&client, json!({}))).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    let password = json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    let refused = stack.refusal(RESPOND, answer("SELECT_CHALLENGE", &asked, password)).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
    let srp = json!({ "ANSWER": "PASSWORD_SRP", "SRP_A": "abcdef" });
    let proof = stack.ok(RESPOND, answer("SELECT_CHALLENGE", &asked, srp)).await;
    assert_eq!(proof["ChallengeName"], "PASSWORD_VERIFIER");
}

#[tokio::test]
async fn a_code_goes_to_no_user_who_may_not_sign_in() {
    let stack = Stack::new().await;
    let (pool, legacy) = ada(&stack).await;
    let hides = json!({
        "ExplicitAuthFlows": flows(), "PreventUserExistenceErrors": "ENABLED",
    });
    let client = stack.client(&pool, hides).await;
    stack.ok("AdminDisableUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    let preferred = json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let asked = stack.ok("InitiateAuth", begin(&client, preferred.clone())).await;
    assert_eq!(asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "a***@e***");
    assert_eq!(stack.messenger().last_code_for(EMAIL), None);
    assert_eq!(stack.messenger().pretended(), 1, "it takes less time than for others");
    for _ in 1..20 {
        stack.ok("InitiateAuth", begin(&client, preferred.clone())).await;
    }
    assert_eq!(stack.messenger().pretended(), 20);
    stack.ok("InitiateAuth", begin(&client, preferred.clone())).await;
    assert_eq!(stack.messenger().pretended(), 20, "codes to nobody have another limit");
    let refused = stack.refusal("InitiateAuth", begin(&legacy, preferred)).await;
    assert_eq!(refused, error("NotAuthorizedException", "User is disabled."));
}

#[tokio::test]
async fn a_code_proves_nothing_about_an_address_given_since() {
    let stack = Stack::new().await;
    let (pool, client) = ada(&stack).await;
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    let asked = stack.ok("InitiateAuth", input).await;
    let code = json!({ "EMAIL_OTP_CODE": stack.last_code_for(EMAIL) });
    let input = json!({
        "UserPoolId": pool, "Username": "ada",
        "UserAttributes": [{ "Name": "email", "Value": "new@example.com" }],
    });
    stack.ok("AdminUpdateUserAttributes", input).await;
    let input = reply(&client, "EMAIL_OTP", &asked, code);
    assert_eq!(stack.refusal(RESPOND, input).await, mismatch());
}

#[tokio::test]
async fn passkeys_of_both_algorithms_sign_in() {
    for key in [Authenticator::es256("key"), Authenticator::rs256("key")] {
        let stack = Stack::new().await;
        let (_, client) = ada_with(&stack, &key).await;
        let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
        let asked = stack.ok("InitiateAuth", input).await;
        let mut asked_for = options(&asked);
        assert_eq!(text(&asked_for["challenge"].take()).len(), 22);
        let expected = json!({
            "challenge": null, "rpId": "example.com", "timeout": 60000,
            "allowCredentials": [{
                "type": "public-key", "id": key.id(), "transports": ["internal", "hybrid"],
            }],
            "userVerification": "preferred",
        });
        assert_eq!(asked_for, expected);
        let names: Vec<_> = asked["ChallengeParameters"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["CREDENTIAL_REQUEST_OPTIONS"]);
        let shown = credential(&key, &asked, &Told::default());
        let input = reply(&client, "WEB_AUTHN", &asked, shown);
        assert!(is_signed_in(&stack.ok(RESPOND, input.clone()).await));
        let spent = "Invalid session for the user, session can only be used once.";
        assert_eq!(stack.refusal(RESPOND, input).await.1, spent);
    }
}

#[tokio::test]
async fn a_passkey_can_be_selected_and_shown_under_the_name_of_the_selection() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (pool, client) = ada_with(&stack, &key).await;
    let asked = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    let input = reply(&client, "SELECT_CHALLENGE", &asked, json!({ "ANSWER": "WEB_AUTHN" }));
    let asked = stack.ok(RESPOND, input).await;
    let sub = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    let told =
        Told { user_handle: Some(text(&sub["UserAttributes"][0]["Value"])), ..Told::default() };
    let shown = merged(credential(&key, &asked, &told), json!({ "ANSWER": "WEB_AUTHN" }));
    let input = reply(&client, "SELECT_CHALLENGE", &asked, shown);
    assert!(is_signed_in(&stack.ok(RESPOND, input).await));
}

#[tokio::test]
async fn what_shows_no_passkey_of_the_user_signs_nobody_in() {
    let stack = Stack::new().await;
    let (key, bobs) = (Authenticator::es256("key"), Authenticator::es256("bobs"));
    let (pool, client) = ada_with(&stack, &key).await;
    stack.user(&pool, "bob", &[]).await;
    let token = stack.access_token(&client, "bob").await;
    register(&stack, &token, &bobs).await;
    let verified = json!({ "RelyingPartyId": "example.com", "UserVerification": "required" });
    configure(&stack, &pool, verified).await;

    let preferred = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = stack.ok("InitiateAuth", preferred.clone()).await;
    let earlier = stack.ok("InitiateAuth", preferred).await;
    let right = Told::default;
    let show = |key: &Authenticator, told: Told| key.show(&options(&asked), &told);
    let mut altered = show(&key, right());
    let signed = text(&altered["response"]["authenticatorData"]);
    let other_count = key.show(&options(&asked), &Told { sign_count: 1, ..right() });
    altered["response"]["authenticatorData"] = other_count["response"]["authenticatorData"].clone();
    assert_ne!(text(&altered["response"]["authenticatorData"]), signed);
    let mut unsigned = show(&key, right());
    unsigned["response"]["signature"] = json!("");
    let impostor = Authenticator::es256("key");
    for shown in [
        show(&key, Told { origin: "https://example.org".into(), ..right() }),
        show(&key, Told { origin: "http://example.com".into(), ..right() }),
        show(&key, Told { relying_party_id: "example.org".into(), ..right() }),
        show(&key, Told { ceremony: Some("webauthn.create".into()), ..right() }),
        show(&key, Told { flags: 0b100, ..right() }),
        show(&key, Told { flags: 0b001, ..right() }),
        show(&key, Told { cross_origin: true, ..right() }),
        show(&key, Told { user_handle: Some("somebody".into()), ..right() }),
        show(&bobs, right()),
        show(&impostor, right()),
        show(&Authenticator::es256("unknown"), right()),
        key.show(&options(&earlier), &right()),
        altered,
        unsigned,
    ] {
        let responses = json!({ "CREDENTIAL": shown.to_string() });
        let input = reply(&client, "WEB_AUTHN", &asked, responses);
        let refused = stack.refusal(RESPOND, input).await;
        assert_eq!(refused, error("NotAuthorizedException", WRONG), "{shown}");
    }
    let huge = format!("{{\"id\":\"{}\"}}", "A".repeat(100_000));
    for garbage in ["x", "{}", "null", huge.as_str()] {
        let input = reply(&client, "WEB_AUTHN", &asked, json!({ "CREDENTIAL": garbage }));
        let refused = stack.refusal(RESPOND, input).await;
        assert_eq!(refused, invalid("Credential data is not valid"));
    }
    let other = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
    let shown = credential(&key, &asked, &right());
    let input = reply(&other, "WEB_AUTHN", &asked, shown.clone());
    assert_eq!(stack.refusal(RESPOND, input).await, refused_session());
    // Nothing of that has used the session up.
    let input = reply(&client, "WEB_AUTHN", &asked, shown);
    assert!(is_signed_in(&stack.ok(RESPOND, input).await));
}

#[tokio::test]
async fn a_count_of_signatures_has_to_grow() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (_, client) = ada_with(&stack, &key).await;
    for (sign_count, is_good) in
        [(0, true), (0, true), (5, true), (5, false), (4, false), (0, false), (6, true)]
    {
        let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
        let asked = stack.ok("InitiateAuth", input).await;
        let shown = credential(&key, &asked, &Told { sign_count, ..Told::default() });
        let input = reply(&client, "WEB_AUTHN", &asked, shown);
        let answer = stack.call(RESPOND, input).await;
        assert_eq!(answer.status == 200, is_good, "{sign_count}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_passkey_that_was_deleted_no_longer_signs_in() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (_, client) = ada_with(&stack, &key).await;
    let token = stack.access_token(&client, "ada").await;
    register(&stack, &token, &Authenticator::es256("other")).await;
    let input = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = stack.ok("InitiateAuth", input).await;
    let input = json!({ "AccessToken": token, "CredentialId": key.id() });
    stack.ok("DeleteWebAuthnCredential", input).await;
    let shown = credential(&key, &asked, &Told::default());
    let input = reply(&client, "WEB_AUTHN", &asked, shown);
    let refused = stack.refusal(RESPOND, input).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
}

#[tokio::test]
async fn a_passkey_stands_for_both_factors_where_pool_and_user_say_so() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (pool, client) = ada_with(&stack, &key).await;
    let token = stack.access_token(&client, "ada").await;
    let mfa = |factors: &str| {
        json!({
            "UserPoolId": pool, "MfaConfiguration": "OPTIONAL",
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
            "WebAuthnConfiguration": {
                "RelyingPartyId": "example.com", "FactorConfiguration": factors,
            },
        })
    };
    let prefer = json!({ "AccessToken": token, "WebAuthnMfaSettings": { "Enabled": true } });
    let text = "User does not have delivery config set to turn on WEB_AUTHN_MFA";
    stack.ok("SetUserPoolMfaConfig", mfa("MULTI_FACTOR_WITH_USER_VERIFICATION")).await;
    // There has to be another second factor, for sign-ins by password.
    let refused = stack.refusal("SetUserMFAPreference", prefer.clone()).await;
    assert_eq!(refused, invalid(text));
    enrol(&stack, &client, "ada").await;
    stack.ok("SetUserPoolMfaConfig", mfa("SINGLE_FACTOR")).await;
    assert_eq!(stack.refusal("SetUserMFAPreference", prefer.clone()).await, invalid(text));
    stack.ok("SetUserPoolMfaConfig", mfa("MULTI_FACTOR_WITH_USER_VERIFICATION")).await;
    let preferred = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = stack.ok("InitiateAuth", preferred.clone()).await;
    assert_eq!(asked["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    stack.ok("SetUserMFAPreference", prefer).await;

    let asked = stack.ok("InitiateAuth", preferred.clone()).await;
    let available = json!(["WEB_AUTHN", "PASSWORD_SRP", "PASSWORD"]);
    assert_eq!(asked["AvailableChallenges"], available);
    assert_eq!(options(&asked)["userVerification"], "required");
    let unverified = credential(&key, &asked, &Told { flags: 0b001, ..Told::default() });
    let input = reply(&client, "WEB_AUTHN", &asked, unverified);
    let refused = stack.refusal(RESPOND, input).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
    let shown = credential(&key, &asked, &Told::default());
    let input = reply(&client, "WEB_AUTHN", &asked, shown);
    assert!(is_signed_in(&stack.ok(RESPOND, input).await));

    let off = json!({
        "UserPoolId": pool, "Username": "ada", "WebAuthnMfaSettings": { "Enabled": false },
    });
    stack.ok("AdminSetUserMFAPreference", off).await;
    let asked = stack.ok("InitiateAuth", preferred).await;
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
}

/// Signs `ada` up without password and answers the session.
async fn sign_up(stack: &Stack, client: &str) -> Value {
    let input = json!({
        "ClientId": client, "Username": "ada",
        "UserAttributes": [{ "Name": "email", "Value": EMAIL }],
    });
    stack.ok("SignUp", input).await["Session"].take()
}

fn confirm(stack: &Stack, client: &str, session: &Value) -> Value {
    json!({
        "ClientId": client, "Username": "ada", "Session": session,
        "ConfirmationCode": stack.last_code_for(EMAIL),
    })
}

async fn verifying_pool(stack: &Stack) -> (String, String) {
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
    let pool = stack
        .pool(json!({
            "Policies": { "SignInPolicy": factors }, "AutoVerifiedAttributes": ["email"],
        }))
        .await;
    let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
    (pool, client)
}

#[tokio::test]
async fn the_code_of_a_sign_up_signs_in_once() {
    let stack = Stack::new().await;
    let (pool, client) = verifying_pool(&stack).await;
    let session = sign_up(&stack, &client).await;
    // The session of the sign-up alone does not sign in.
    let early = merged(begin(&client, json!({})), json!({ "Session": session }));
    assert_eq!(stack.refusal("InitiateAuth", early).await, refused_session());
    let confirmed = stack.ok("ConfirmSignUp", confirm(&stack, &client, &session)).await;
    let input = merged(begin(&client, json!({})), json!({ "Session": confirmed["Session"] }));
    let other = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
    let elsewhere = merged(input.clone(), json!({ "ClientId": other }));
    assert_eq!(stack.refusal("InitiateAuth", elsewhere).await, refused_session());
    let mut as_other = input.clone();
    as_other["AuthParameters"]["USERNAME"] = json!("bob");
    assert_eq!(stack.refusal("InitiateAuth", as_other).await, refused_session());
    assert!(is_signed_in(&stack.ok("InitiateAuth", input.clone()).await));
    let spent = "Invalid session for the user, session can only be used once.";
    assert_eq!(stack.refusal("InitiateAuth", input).await.1, spent);
    // Without password, there are codes from then on.
    let asked = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    assert_eq!(asked["AvailableChallenges"], json!(["EMAIL_OTP"]));
}

#[tokio::test]
async fn a_session_that_is_not_of_the_sign_up_leads_to_none() {
    let stack = Stack::new().await;
    let (pool, client) = verifying_pool(&stack).await;
    let plain = stack.client(&pool, json!({})).await;
    assert_eq!(sign_up(&stack, &plain).await, Value::Null);
    let garbage = json!("garbage-garbage-garbage");
    let answer = stack.ok("ConfirmSignUp", confirm(&stack, &client, &garbage)).await;
    assert_eq!(answer, json!({}));

    let stack = Stack::new().await;
    let (_, client) = verifying_pool(&stack).await;
    let session = sign_up(&stack, &client).await;
    stack.advance(180);
    let answer = stack.ok("ConfirmSignUp", confirm(&stack, &client, &session)).await;
    assert_eq!(answer, json!({}));
}

#[tokio::test]
async fn wrong_codes_and_passkeys_are_events_of_threat_protection() {
    let stack = Stack::new().await;
    let key = Authenticator::es256("key");
    let (pool, client) = ada_with(&stack, &key).await;
    let add_ons = json!({ "AdvancedSecurityMode": "AUDIT" });
    let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
    let update = json!({
        "UserPoolId": pool, "UserPoolTier": "PLUS", "UserPoolAddOns": add_ons,
        "Policies": described["UserPool"]["Policies"],
    });
    stack.ok("UpdateUserPool", update).await;
    stack.advance(2);
    let count = async || {
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        let answer = stack.ok("AdminListUserAuthEvents", input).await;
        let events = answer["AuthEvents"].as_array().unwrap().clone();
        assert!(events.iter().all(|event| {
            event["EventType"] == "SignIn"
                && event["EventResponse"] == "Fail"
                && event["ChallengeResponses"] == json!([])
        }));
        events.len()
    };
    let mail = begin(&client, json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }));
    let asked = stack.ok("InitiateAuth", mail).await;
    assert_eq!(count().await, 0);
    let wrong = reply(&client, "EMAIL_OTP", &asked, json!({ "EMAIL_OTP_CODE": "x" }));
    assert_eq!(stack.refusal(RESPOND, wrong).await, mismatch());
    assert_eq!(count().await, 1);
    let by_key = begin(&client, json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = stack.ok("InitiateAuth", by_key).await;
    for other in [Authenticator::es256("key"), Authenticator::es256("unknown")] {
        let shown = credential(&other, &asked, &Told::default());
        let input = reply(&client, "WEB_AUTHN", &asked, shown);
        assert_eq!(stack.refusal(RESPOND, input).await, error("NotAuthorizedException", WRONG));
    }
    assert_eq!(count().await, 3);
}

#[tokio::test]
async fn the_text_of_a_code_is_the_pools_only_where_it_is_a_second_factor_too() {
    let stack = Stack::new().await;
    let (pool, client) = passkey_pool(&stack).await;
    let update = json!({
        "UserPoolId": pool, "SmsAuthenticationMessage": "Ours: {####}",
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
        "SmsConfiguration": {
            "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x",
        },
    });
    stack.ok("UpdateUserPool", update).await;
    stack.advance(2);
    let number = [("phone_number", "+14155550008"), ("phone_number_verified", "true")];
    stack.user(&pool, "ada", &number).await;
    let begun = begin(&client, json!({ "PREFERRED_CHALLENGE": "SMS_OTP" }));
    assert_eq!(stack.ok("InitiateAuth", begun).await["ChallengeName"], "SMS_OTP");
    let sent = stack.messenger().messages().pop().unwrap();
    assert!(sent.body.starts_with("Your authentication code is "), "{}", sent.body);
}

#[tokio::test]
async fn who_has_no_way_to_sign_in_looks_like_nobody_where_existence_is_hidden() {
    let stack = Stack::new().await;
    let (pool, legacy) = passkey_pool(&stack).await;
    let hides = json!({
        "ExplicitAuthFlows": flows(), "PreventUserExistenceErrors": "ENABLED",
    });
    let client = stack.client(&pool, hides).await;
    stack.user(&pool, "ada", &[("email", EMAIL)]).await;
    // As an import leaves users whose address nobody has verified.
    let mut tx = stack.ports.store.write().await.unwrap();
    let mut user = tx.user_by_username(&pool, "ada").await.unwrap().unwrap();
    (user.password, user.status) = (None, UserStatusType::ResetRequired);
    tx.update_user(&mut user).await.unwrap();
    tx.commit().await.unwrap();
    let refused = stack.refusal("InitiateAuth", begin(&legacy, json!({}))).await;
    assert_eq!(refused.0, "PasswordResetRequiredException");

    let seen = |answer: &Value| {
        let parameters = answer["ChallengeParameters"].as_object().unwrap().keys().cloned();
        let challenges =
            [&answer["ChallengeName"], &answer["AvailableChallenges"]].map(Clone::clone);
        (challenges, parameters.collect::<Vec<_>>())
    };
    for more in [
        json!({}),
        json!({ "PREFERRED_CHALLENGE": "EMAIL_OTP" }),
        json!({ "PREFERRED_CHALLENGE": "PASSWORD" }),
        json!({ "PREFERRED_CHALLENGE": "PASSWORD_SRP", "SRP_A": "abcdef" }),
        json!({ "TARGET_ACR_VALUES": "urn:cognito:loa:2" }),
    ] {
        let known = stack.ok("InitiateAuth", begin(&client, more.clone())).await;
        let unknown = merged(more, json!({ "USERNAME": "eva" }));
        let unknown = stack.ok("InitiateAuth", begin(&client, unknown)).await;
        assert_eq!(seen(&known), seen(&unknown));
    }
    let asked = stack.ok("InitiateAuth", begin(&client, json!({}))).await;
    let password = json!({ "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    let refused =
        stack.refusal(RESPOND, reply(&client, "SELECT_CHALLENGE", &asked, password)).await;
    assert_eq!(refused, error("NotAuthorizedException", WRONG));
    let code = reply(&client, "SELECT_CHALLENGE", &asked, json!({ "ANSWER": "EMAIL_OTP" }));
    assert_eq!(stack.ok(RESPOND, code).await["ChallengeName"], "EMAIL_OTP");
    let sent = stack.messenger().last_code_for(EMAIL);
    assert_eq!(sent, None, "a code to an address that may be somebody else's");
}
