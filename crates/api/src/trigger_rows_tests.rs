//! Operations and triggers, row by row: which functions each operation asks, how often, in which order,
//! and which of the caller's metadata they get. The pools here have a function behind every trigger, so
//! that one which is asked and should not be shows.
//!
//! What the events hold beside that, and what is left when a function fails, is in
//! `user_trigger_tests.rs` and `auth/trigger_tests`; what the login pages ask is in `web`.

use std::sync::atomic::{AtomicUsize, Ordering};

use poolhouse_domain::{
    srp::{
        Party,
        client::{ChallengeParameters, Client, timestamp},
    },
    triggers::Trigger,
};
use poolhouse_testkit::Authenticator;
use serde_json::{Value, json};

use crate::{
    passkeys::testing::register,
    testing::{PASSWORD, Stack, merged, text},
    totp::testing::code,
};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const OTHER: &str = "Battery-Staple-8";
const EMAIL: &str = "jo@gm.com";
const PHONE: &str = "+14155550008";

const PRE: &str = "PreAuthentication_Authentication";
const POST: &str = "PostAuthentication_Authentication";
const TOKENS: &str = "TokenGeneration_Authentication";
const REFRESHED: &str = "TokenGeneration_RefreshTokens";
const DEFINE: &str = "DefineAuthChallenge_Authentication";
const CREATE: &str = "CreateAuthChallenge_Authentication";
const VERIFY: &str = "VerifyAuthChallengeResponse_Authentication";
const BY_AN_ADMINISTRATOR: &str = "PreSignUp_AdminCreateUser";
const CONFIRMED: &str = "PostConfirmation_ConfirmSignUp";

/// Operations that start a sign-in: their metadata is for those who let users in, as
/// `validationData`.
const STARTS: [&str; 2] = ["InitiateAuth", "AdminInitiateAuth"];
/// Operations that take `ClientMetadata` for all functions they ask.
const TAKES_METADATA: [&str; 15] = [
    "SignUp",
    "ConfirmSignUp",
    "AdminConfirmSignUp",
    "ResendConfirmationCode",
    "ForgotPassword",
    "ConfirmForgotPassword",
    "AdminResetUserPassword",
    "AdminCreateUser",
    "UpdateUserAttributes",
    "AdminUpdateUserAttributes",
    "GetUserAttributeVerificationCode",
    "RespondToAuthChallenge",
    "AdminRespondToAuthChallenge",
    "GetTokensFromRefreshToken",
    "GetClientToken",
];
/// Operations that take `ValidationData`.
const TAKES_VALIDATION_DATA: [&str; 2] = ["SignUp", "AdminCreateUser"];

/// Triggers whose function gets the event as soon as something happens.
const ASKED: [Trigger; 10] = [
    Trigger::PreSignUp,
    Trigger::PostConfirmation,
    Trigger::PreAuthentication,
    Trigger::PostAuthentication,
    Trigger::DefineAuthChallenge,
    Trigger::CreateAuthChallenge,
    Trigger::VerifyAuthChallengeResponse,
    Trigger::PreTokenGeneration,
    Trigger::UserMigration,
    Trigger::CustomMessage,
];

/// A pool with a function behind every trigger, and its client.
struct Scene {
    stack: Stack,
    pool: String,
    client: String,
    calls: AtomicUsize,
}

/// `LambdaConfig` with everything but senders.
fn all_functions() -> Value {
    let config = json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION });
    let mut functions = json!({ "InboundFederation": config });
    for trigger in ASKED {
        functions[trigger.name()] = json!(FUNCTION);
    }
    functions
}

/// Senders for both media.
fn senders() -> Value {
    let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION });
    let key = "arn:aws:kms:us-east-1:123456789012:key/1a";
    json!({ "CustomEmailSender": sender, "CustomSMSSender": sender, "KMSKeyID": key })
}

fn sms() -> Value {
    json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x" })
}

impl Scene {
    async fn new(functions: Value, pool: Value) -> Self {
        let stack = Stack::new().await;
        let mail = json!({
            "EmailSendingAccount": "DEVELOPER",
            "SourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
        });
        let factors = ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"];
        let config = json!({
            "LambdaConfig": functions, "AutoVerifiedAttributes": ["email"],
            "EmailConfiguration": mail, "SmsConfiguration": sms(),
            "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": factors } },
        });
        let pool = stack.pool(merged(config, pool)).await;
        let relying_party = json!({
            "UserPoolId": pool, "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
        });
        stack.ok("SetUserPoolMfaConfig", relying_party).await;
        stack.advance(2);
        let flows = [
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
            "ALLOW_CUSTOM_AUTH",
            "ALLOW_USER_AUTH",
        ];
        let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows })).await;
        let script = stack.functions();
        // One challenge, which every answer is right for.
        script.script(Trigger::DefineAuthChallenge, |event| {
            let is_first = event["request"]["session"].as_array().is_some_and(Vec::is_empty);
            let ask = json!({ "challengeName": "CUSTOM_CHALLENGE" });
            Ok(if is_first { ask } else { json!({ "issueTokens": true }) })
        });
        script.respond(Trigger::VerifyAuthChallengeResponse, json!({ "answerCorrect": true }));
        Self { stack, pool, client, calls: AtomicUsize::default() }
    }

    /// Calls an operation, with metadata of its own if it takes any, and checks which functions it has
    /// asked, and that they got these metadata where they are theirs, and no others.
    #[track_caller]
    fn row<'a>(
        &'a self,
        operation: &'a str,
        input: Value,
        asked: &'a [&str],
    ) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            let (metadata, validation) = (format!("m{number}"), format!("v{number}"));
            let mut input = input;
            let is_start = STARTS.contains(&operation);
            if is_start || TAKES_METADATA.contains(&operation) {
                input["ClientMetadata"] = json!({ "call": metadata });
            }
            if TAKES_VALIDATION_DATA.contains(&operation) {
                input["ValidationData"] = json!([{ "Name": "call", "Value": validation }]);
            }
            self.stack.functions().clear();
            self.stack.messenger().clear();
            let answer = self.stack.call(operation, input).await;
            assert_eq!(answer.status, 200, "{operation} at {caller}: {}", answer.body);
            let events = self.events();
            let sources: Vec<_> =
                events.iter().map(|event| text(&event["triggerSource"])).collect();
            assert_eq!(sources, asked, "{operation} at {caller}");
            for event in &events {
                let (source, request) = (&event["triggerSource"], &event["request"]);
                let clients = if is_start { Value::Null } else { json!({ "call": metadata }) };
                let told = request.get("clientMetadata").cloned().unwrap_or_default();
                assert_eq!(told, clients, "clientMetadata of {source} at {caller}");
                let Some(told) = request.get("validationData") else { continue };
                let expected = match operation {
                    _ if is_start => json!({ "call": metadata }),
                    _ if TAKES_VALIDATION_DATA.contains(&operation) => {
                        json!({ "call": validation })
                    }
                    _ => Value::Null,
                };
                assert_eq!(*told, expected, "validationData of {source} at {caller}");
            }
            answer.body
        }
    }

    /// The events of functions that were asked, then of those that wait to be.
    fn events(&self) -> Vec<Value> {
        let mut events = self.stack.functions().events();
        let messages = self.stack.messenger().messages();
        let queued = messages.iter().filter_map(|message| message.invocation.as_ref());
        events.extend(queued.map(|invocation| serde_json::from_str(&invocation.event).unwrap()));
        events
    }

    /// The code in the last message to `EMAIL`.
    fn code(&self) -> String {
        self.stack.last_code_for(EMAIL)
    }

    fn by_name(&self, more: Value) -> Value {
        merged(json!({ "UserPoolId": self.pool, "Username": "jo" }), more)
    }

    fn by_client(&self, more: Value) -> Value {
        merged(json!({ "ClientId": self.client, "Username": "jo" }), more)
    }

    fn start(&self, flow: &str, parameters: Value) -> Value {
        let parameters = merged(json!({ "USERNAME": "jo" }), parameters);
        json!({ "ClientId": self.client, "AuthFlow": flow, "AuthParameters": parameters })
    }

    fn by_password(&self, password: &str) -> Value {
        self.start("USER_PASSWORD_AUTH", json!({ "PASSWORD": password }))
    }

    fn reply(&self, asked: &Value, responses: Value) -> Value {
        json!({
            "ClientId": self.client, "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": merged(json!({ "USERNAME": "jo" }), responses),
        })
    }

    /// `jo`, who can sign in with `PASSWORD`.
    async fn with_user(self) -> Self {
        let attributes = [
            ("email", EMAIL),
            ("email_verified", "true"),
            ("phone_number", PHONE),
            ("phone_number_verified", "true"),
        ];
        self.stack.user(&self.pool, "jo", &attributes).await;
        self
    }

    async fn tokens(&self) -> Value {
        self.row("InitiateAuth", self.by_password(PASSWORD), &[PRE, POST, TOKENS])
            .await["AuthenticationResult"]
            .take()
    }
}

fn email(address: &str) -> Value {
    json!({ "UserAttributes": [{ "Name": "email", "Value": address }] })
}

#[tokio::test]
async fn a_users_life_from_the_sign_up_on() {
    let scene = Scene::new(all_functions(), json!({})).await;
    let sign_up = merged(scene.by_client(json!({ "Password": PASSWORD })), email(EMAIL));
    scene.row("SignUp", sign_up.clone(), &["PreSignUp_SignUp", "CustomMessage_SignUp"]).await;
    scene
        .row("ResendConfirmationCode", scene.by_client(json!({})), &["CustomMessage_ResendCode"])
        .await;
    let confirm = scene.by_client(json!({ "ConfirmationCode": scene.code() }));
    scene.row("ConfirmSignUp", confirm, &[CONFIRMED]).await;

    let tokens = scene.tokens().await;
    let token = |more: Value| merged(json!({ "AccessToken": tokens["AccessToken"] }), more);
    scene.row("GetUser", token(json!({})), &[]).await;
    scene.row("GetUserAuthFactors", token(json!({})), &[]).await;
    let ask = token(json!({ "AttributeName": "email" }));
    let message = ["CustomMessage_VerifyUserAttribute"];
    scene.row("GetUserAttributeVerificationCode", ask, &message).await;
    let verify = token(json!({ "AttributeName": "email", "Code": scene.code() }));
    scene.row("VerifyUserAttribute", verify, &[]).await;
    let name = json!({ "UserAttributes": [{ "Name": "name", "Value": "Jo" }] });
    scene.row("UpdateUserAttributes", token(name), &[]).await;
    let message = ["CustomMessage_UpdateUserAttribute"];
    scene.row("UpdateUserAttributes", token(email("jo@new.org")), &message).await;
    let back = json!([
        { "Name": "email", "Value": EMAIL }, { "Name": "email_verified", "Value": "true" },
    ]);
    let back = scene.by_name(json!({ "UserAttributes": back }));
    scene.row("AdminUpdateUserAttributes", back.clone(), &[]).await;
    scene.row("AdminUpdateUserAttributes", scene.by_name(email("jo@new.org")), &message).await;
    scene.row("AdminUpdateUserAttributes", back, &[]).await;
    scene.row("DeleteUserAttributes", token(json!({ "UserAttributeNames": ["name"] })), &[]).await;
    let gone = scene.by_name(json!({ "UserAttributeNames": ["nickname"] }));
    scene.row("AdminDeleteUserAttributes", gone, &[]).await;

    let change = json!({ "PreviousPassword": PASSWORD, "ProposedPassword": OTHER });
    scene.row("ChangePassword", token(change), &[]).await;
    let forgotten = ["CustomMessage_ForgotPassword"];
    scene.row("ForgotPassword", scene.by_client(json!({})), &forgotten).await;
    let reset = json!({ "ConfirmationCode": scene.code(), "Password": PASSWORD });
    let confirmed = ["PostConfirmation_ConfirmForgotPassword"];
    scene.row("ConfirmForgotPassword", scene.by_client(reset), &confirmed).await;
    scene.row("AdminResetUserPassword", scene.by_name(json!({})), &forgotten).await;
    let set = json!({ "Password": PASSWORD, "Permanent": true });
    scene.row("AdminSetUserPassword", scene.by_name(set), &[]).await;

    for operation in ["AdminDisableUser", "AdminEnableUser", "AdminUserGlobalSignOut"] {
        scene.row(operation, scene.by_name(json!({})), &[]).await;
    }
    scene.row("AdminGetUser", scene.by_name(json!({})), &[]).await;
    scene.row("ListUsers", json!({ "UserPoolId": scene.pool }), &[]).await;
    let group = json!({ "UserPoolId": scene.pool, "GroupName": "g" });
    scene.row("CreateGroup", group.clone(), &[]).await;
    let member = merged(group.clone(), json!({ "Username": "jo" }));
    scene.row("AdminAddUserToGroup", member.clone(), &[]).await;
    scene.row("AdminListGroupsForUser", scene.by_name(json!({})), &[]).await;
    scene.row("ListUsersInGroup", group.clone(), &[]).await;
    scene.row("AdminRemoveUserFromGroup", member, &[]).await;
    scene.row("DeleteGroup", group, &[]).await;
    scene.row("AdminDeleteUser", scene.by_name(json!({})), &[]).await;

    // Whom a function confirms is sent nothing.
    let confirms = json!({ "autoConfirmUser": true, "autoVerifyEmail": true });
    scene.stack.functions().respond(Trigger::PreSignUp, confirms);
    scene.row("SignUp", sign_up.clone(), &["PreSignUp_SignUp", CONFIRMED]).await;
    let tokens = scene.tokens().await;
    scene.row("DeleteUser", json!({ "AccessToken": tokens["AccessToken"] }), &[]).await;
    scene.stack.functions().respond(Trigger::PreSignUp, json!({}));
    scene.row("SignUp", sign_up, &["PreSignUp_SignUp", "CustomMessage_SignUp"]).await;
    scene.row("AdminConfirmSignUp", scene.by_name(json!({})), &[CONFIRMED]).await;
}

#[tokio::test]
async fn users_whom_administrators_make() {
    let scene = Scene::new(all_functions(), json!({})).await;
    let make = merged(scene.by_name(json!({ "TemporaryPassword": PASSWORD })), email(EMAIL));
    let by_mail = merged(make.clone(), json!({ "DesiredDeliveryMediums": ["EMAIL"] }));
    let invited = "CustomMessage_AdminCreateUser";
    scene.row("AdminCreateUser", by_mail.clone(), &[BY_AN_ADMINISTRATOR, invited]).await;
    let again = merged(by_mail, json!({ "MessageAction": "RESEND" }));
    scene.row("AdminCreateUser", again, &[invited]).await;
    scene.row("AdminDeleteUser", scene.by_name(json!({})), &[]).await;
    let quietly = merged(make, json!({ "MessageAction": "SUPPRESS" }));
    scene.row("AdminCreateUser", quietly, &[BY_AN_ADMINISTRATOR]).await;

    let asked = scene.row("InitiateAuth", scene.by_password(PASSWORD), &[PRE]).await;
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let chosen = scene.reply(&asked, json!({ "NEW_PASSWORD": OTHER }));
    let chosen = merged(chosen, json!({ "UserPoolId": scene.pool }));
    let tokens = [POST, "TokenGeneration_NewPasswordChallenge"];
    scene.row("AdminRespondToAuthChallenge", chosen, &tokens).await;
}

#[tokio::test]
async fn sign_ins_with_a_password_and_what_follows_them() {
    let scene = Scene::new(all_functions(), json!({})).await.with_user().await;
    let (stack, whole) = (&scene.stack, [PRE, POST, TOKENS]);
    let tokens = scene.tokens().await;
    let by_administrator = merged(
        scene.by_password(PASSWORD),
        json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "UserPoolId": scene.pool }),
    );
    scene.row("AdminInitiateAuth", by_administrator, &whole).await;
    for flow in ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"] {
        let mut input = scene.start(flow, json!({}));
        input["AuthParameters"] = json!({ "REFRESH_TOKEN": tokens["RefreshToken"] });
        scene.row("InitiateAuth", input, &[REFRESHED]).await;
    }
    let refresh = json!({ "ClientId": scene.client, "RefreshToken": tokens["RefreshToken"] });
    scene.row("GetTokensFromRefreshToken", refresh.clone(), &[REFRESHED]).await;

    let prover = Client::new(&*stack.ports.entropy);
    let srp = scene.start("USER_SRP_AUTH", json!({ "SRP_A": prover.public_hex() }));
    let asked = scene.row("InitiateAuth", srp, &[PRE]).await;
    let proof = scene.proof(&prover, &asked);
    scene.row("RespondToAuthChallenge", proof, &[POST, TOKENS]).await;

    let token = |more: Value| merged(json!({ "AccessToken": tokens["AccessToken"] }), more);
    let offered = json!({
        "UserPoolId": scene.pool, "MfaConfiguration": "OPTIONAL",
        "SmsMfaConfiguration": { "SmsConfiguration": sms() }, "EmailMfaConfiguration": {},
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "WebAuthnConfiguration": { "RelyingPartyId": "example.com" },
    });
    stack.ok("SetUserPoolMfaConfig", offered).await;
    stack.advance(2);
    let associated = scene.row("AssociateSoftwareToken", token(json!({})), &[]).await;
    let secret = text(&associated["SecretCode"]);
    let shown = token(json!({ "UserCode": code(stack, &secret, 0) }));
    scene.row("VerifySoftwareToken", shown, &[]).await;
    stack.advance(60);
    let sent = "CustomMessage_Authentication";
    for (setting, response, asked_first, asked_then) in [
        ("SoftwareTokenMfaSettings", "SOFTWARE_TOKEN_MFA_CODE", &[PRE][..], &[POST, TOKENS][..]),
        ("EmailMfaSettings", "EMAIL_OTP_CODE", &[PRE, sent], &[POST, TOKENS]),
        ("SMSMfaSettings", "SMS_MFA_CODE", &[PRE, sent], &[POST, TOKENS]),
    ] {
        let prefer = token(json!({ setting: { "Enabled": true, "PreferredMfa": true } }));
        scene.row("SetUserMFAPreference", prefer, &[]).await;
        let asked = scene.row("InitiateAuth", scene.by_password(PASSWORD), asked_first).await;
        let shown = match stack.messenger().messages().pop() {
            Some(message) => message.code.clone(),
            None => code(stack, &secret, 0),
        };
        let wrong = scene.reply(&asked, json!({ response: "x" }));
        stack.functions().clear();
        stack.refusal("RespondToAuthChallenge", wrong).await;
        assert!(stack.functions().sources().is_empty(), "a wrong code asks nobody");
        let right = scene.reply(&asked, json!({ response: shown }));
        scene.row("RespondToAuthChallenge", right, asked_then).await;
    }
    // Of several that are on, one is chosen first.
    let none = scene.by_name(json!({ "SMSMfaSettings": { "Enabled": true } }));
    scene.row("AdminSetUserMFAPreference", none, &[]).await;
    let asked = scene.row("InitiateAuth", scene.by_password(PASSWORD), &[PRE]).await;
    assert_eq!(asked["ChallengeName"], "SELECT_MFA_TYPE");
    let chosen = scene.reply(&asked, json!({ "ANSWER": "SMS_MFA" }));
    scene.row("RespondToAuthChallenge", chosen, &[sent]).await;
    for settings in ["SetUserSettings", "AdminSetUserSettings"] {
        let input =
            if settings == "SetUserSettings" { token(json!({})) } else { scene.by_name(json!({})) };
        scene.row(settings, merged(input, json!({ "MFAOptions": [] })), &[]).await;
    }
    scene.row("AdminDeleteSoftwareToken", scene.by_name(json!({})), &[]).await;

    let revoked = json!({ "ClientId": scene.client, "Token": tokens["RefreshToken"] });
    scene.row("RevokeToken", revoked, &[]).await;
}

impl Scene {
    /// The answer to `PASSWORD_VERIFIER`.
    fn proof(&self, prover: &Client, asked: &Value) -> Value {
        let given = |name: &str| text(&asked["ChallengeParameters"][name]);
        let (salt, srp_b, block) = (given("SALT"), given("SRP_B"), given("SECRET_BLOCK"));
        let at = timestamp(self.stack.ports.clock.now()).unwrap();
        let parameters = ChallengeParameters { salt: &salt, srp_b: &srp_b, secret_block: &block };
        let party = Party::user(&self.pool, "jo");
        let signature = prover.sign(party, PASSWORD, &parameters, &at).unwrap();
        let responses = json!({
            "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": at,
            "PASSWORD_CLAIM_SIGNATURE": signature,
        });
        self.reply(asked, responses)
    }
}

#[tokio::test]
async fn sign_ins_by_choice() {
    let scene = Scene::new(all_functions(), json!({})).await.with_user().await;
    let stack = &scene.stack;
    let sent = "CustomMessage_Authentication";
    let select = |answer: &str| json!({ "ANSWER": answer });
    for (factor, response, to) in
        [("EMAIL_OTP", "EMAIL_OTP_CODE", EMAIL), ("SMS_OTP", "SMS_OTP_CODE", PHONE)]
    {
        let preferred = scene.start("USER_AUTH", json!({ "PREFERRED_CHALLENGE": factor }));
        let asked = scene.row("InitiateAuth", preferred, &[PRE, sent]).await;
        let shown = scene.reply(&asked, json!({ response: stack.last_code_for(to) }));
        scene.row("RespondToAuthChallenge", shown, &[POST, TOKENS]).await;
        let asked = scene.row("InitiateAuth", scene.start("USER_AUTH", json!({})), &[PRE]).await;
        let chosen = scene.reply(&asked, select(factor));
        scene.row("RespondToAuthChallenge", chosen, &[sent]).await;
    }
    let with_password = json!({ "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD });
    let whole = [PRE, POST, TOKENS];
    scene.row("InitiateAuth", scene.start("USER_AUTH", with_password), &whole).await;
    let asked = scene.row("InitiateAuth", scene.start("USER_AUTH", json!({})), &[PRE]).await;
    let chosen = scene.reply(&asked, merged(select("PASSWORD"), json!({ "PASSWORD": PASSWORD })));
    scene.row("RespondToAuthChallenge", chosen, &[POST, TOKENS]).await;

    let prover = Client::new(&*stack.ports.entropy);
    let asked = scene.row("InitiateAuth", scene.start("USER_AUTH", json!({})), &[PRE]).await;
    let begun = merged(select("PASSWORD_SRP"), json!({ "SRP_A": prover.public_hex() }));
    let asked = scene.row("RespondToAuthChallenge", scene.reply(&asked, begun), &[]).await;
    scene.row("RespondToAuthChallenge", scene.proof(&prover, &asked), &[POST, TOKENS]).await;

    let key = Authenticator::es256("key");
    let token = text(&scene.tokens().await["AccessToken"]);
    stack.functions().clear();
    register(stack, &token, &key).await;
    let listed = stack.ok("ListWebAuthnCredentials", json!({ "AccessToken": token })).await;
    assert!(stack.functions().sources().is_empty(), "passkeys are made without functions");
    let by_passkey = scene.start("USER_AUTH", json!({ "PREFERRED_CHALLENGE": "WEB_AUTHN" }));
    let asked = scene.row("InitiateAuth", by_passkey, &[PRE]).await;
    let options = text(&asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"]);
    let options: Value = serde_json::from_str(&options).unwrap();
    let shown = key.show(&options, &poolhouse_testkit::Told::default()).to_string();
    let shown = scene.reply(&asked, json!({ "CREDENTIAL": shown }));
    scene.row("RespondToAuthChallenge", shown, &[POST, TOKENS]).await;
    let id = &listed["Credentials"][0]["CredentialId"];
    let gone = json!({ "AccessToken": token, "CredentialId": id });
    scene.row("DeleteWebAuthnCredential", gone, &[]).await;
    scene.row("GlobalSignOut", json!({ "AccessToken": token }), &[]).await;
}

#[tokio::test]
async fn custom_sign_ins_and_users_who_are_known_elsewhere() {
    let scene = Scene::new(all_functions(), json!({})).await.with_user().await;
    let custom = scene.start("CUSTOM_AUTH", json!({}));
    let asked = scene.row("InitiateAuth", custom.clone(), &[DEFINE, CREATE]).await;
    let answer = scene.reply(&asked, json!({ "ANSWER": "x" }));
    scene.row("RespondToAuthChallenge", answer, &[VERIFY, DEFINE, POST, TOKENS]).await;
    let custom = merged(custom, json!({ "UserPoolId": scene.pool }));
    let asked = scene.row("AdminInitiateAuth", custom, &[DEFINE, CREATE]).await;
    let answer = scene.reply(&asked, json!({ "ANSWER": "x" }));
    let answer = merged(answer, json!({ "UserPoolId": scene.pool }));
    scene.row("AdminRespondToAuthChallenge", answer, &[VERIFY, DEFINE, POST, TOKENS]).await;

    let described = |name: &str, action: &str| {
        json!({
            "userAttributes": { "email": format!("{name}@gm.com"), "email_verified": "true" },
            "finalUserStatus": "CONFIRMED", "messageAction": action,
            "desiredDeliveryMediums": ["EMAIL"],
        })
    };
    let named = |name: &str| {
        let parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
        scene.start("USER_PASSWORD_AUTH", parameters)
    };
    let script = scene.stack.functions();
    script.respond(Trigger::UserMigration, described("ann", "SUPPRESS"));
    let migrated = "UserMigration_Authentication";
    let whole = [migrated, BY_AN_ADMINISTRATOR, PRE, POST, TOKENS];
    scene.row("InitiateAuth", named("ann"), &whole).await;
    script.respond(Trigger::UserMigration, described("bea", "RESEND"));
    let welcome = "CustomMessage_AdminCreateUser";
    let welcomed = [migrated, BY_AN_ADMINISTRATOR, welcome, PRE, POST, TOKENS];
    let by_administrator = json!({ "AuthFlow": "ADMIN_NO_SRP_AUTH", "UserPoolId": scene.pool });
    let by_administrator = merged(named("bea"), by_administrator);
    scene.row("AdminInitiateAuth", by_administrator, &welcomed).await;
    script.respond(Trigger::UserMigration, described("cleo", "SUPPRESS"));
    let forgotten =
        ["UserMigration_ForgotPassword", BY_AN_ADMINISTRATOR, "CustomMessage_ForgotPassword"];
    let cleo = scene.by_client(json!({ "Username": "cleo" }));
    scene.row("ForgotPassword", cleo, &forgotten).await;
}

#[tokio::test]
async fn devices_of_users() {
    let tracked = json!({
        "ChallengeRequiredOnNewDevice": true, "DeviceOnlyRememberedOnUserPrompt": false,
    });
    let scene = Scene::new(all_functions(), json!({ "DeviceConfiguration": tracked }))
        .await
        .with_user()
        .await;
    let tokens = scene.tokens().await;
    let key = &tokens["NewDeviceMetadata"]["DeviceKey"];
    let device = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": key });
    let verifier = json!({ "Salt": "AAECAw==", "PasswordVerifier": "BwcH" });
    let confirm = merged(device.clone(), json!({ "DeviceSecretVerifierConfig": verifier }));
    scene.row("ConfirmDevice", confirm, &[]).await;
    let status = json!({ "DeviceRememberedStatus": "not_remembered" });
    scene.row("UpdateDeviceStatus", merged(device.clone(), status.clone()), &[]).await;
    scene.row("ListDevices", json!({ "AccessToken": tokens["AccessToken"] }), &[]).await;
    scene.row("GetDevice", device, &[]).await;
    let theirs = scene.by_name(json!({ "DeviceKey": key }));
    scene.row("AdminListDevices", scene.by_name(json!({})), &[]).await;
    scene.row("AdminGetDevice", theirs.clone(), &[]).await;
    scene.row("AdminUpdateDeviceStatus", merged(theirs.clone(), status), &[]).await;
    scene.row("AdminForgetDevice", theirs, &[]).await;
}

/// Every message, by its medium, and what is asked before it.
async fn every_message(medium: &str) {
    let (contact, address, other) = match medium {
        "Email" => ("email", EMAIL, "jo@new.org"),
        _ => ("phone_number", PHONE, "+14155550009"),
    };
    let pool = json!({
        "AutoVerifiedAttributes": [contact],
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [{ "Name": format!("verified_{contact}"), "Priority": 1 }],
        },
    });
    // Who sends messages needs nobody to write them.
    let functions = merged(senders(), json!({ "CustomMessage": FUNCTION }));
    let scene = Scene::new(functions, pool).await;
    let sent = |what: &str| format!("Custom{medium}Sender_{what}");
    let at = |value: &str| json!({ "UserAttributes": [{ "Name": contact, "Value": value }] });
    let row = async |operation: &str, input: Value, what: &str| {
        scene.row(operation, input, &[sent(what).as_str()]).await;
        let event = scene.events().remove(0);
        assert!(event.get("response").is_none());
        let request = &event["request"];
        assert_eq!(request["type"], format!("custom{medium}SenderRequestV1"));
        assert!(text(&request["code"]).starts_with("AYADe"), "{request}");
        assert_eq!(event["userName"], "jo");
        let client = match operation {
            "AdminCreateUser" | "AdminResetUserPassword" | "AdminUpdateUserAttributes" => {
                "CLIENT_ID_NOT_APPLICABLE"
            }
            _ => &scene.client,
        };
        assert_eq!(event["callerContext"]["clientId"], client, "{operation}");
    };
    let sign_up = merged(scene.by_client(json!({ "Password": PASSWORD })), at(address));
    row("SignUp", sign_up, "SignUp").await;
    row("ResendConfirmationCode", scene.by_client(json!({})), "ResendCode").await;
    scene.row("AdminDeleteUser", scene.by_name(json!({})), &[]).await;
    let medium_of_delivery = if medium == "Email" { "EMAIL" } else { "SMS" };
    let make = json!({ "DesiredDeliveryMediums": [medium_of_delivery] });
    let make = merged(scene.by_name(make), at(address));
    row("AdminCreateUser", make.clone(), "AdminCreateUser").await;
    row("AdminCreateUser", merged(make, json!({ "MessageAction": "RESEND" })), "AdminCreateUser")
        .await;
    scene.row("AdminDeleteUser", scene.by_name(json!({})), &[]).await;

    let flag = format!("{contact}_verified");
    scene.stack.user(&scene.pool, "jo", &[(contact, address), (&flag, "true")]).await;
    row("ForgotPassword", scene.by_client(json!({})), "ForgotPassword").await;
    let factor = if medium == "Email" { "EMAIL_OTP" } else { "SMS_OTP" };
    let preferred = scene.start("USER_AUTH", json!({ "PREFERRED_CHALLENGE": factor }));
    row("InitiateAuth", preferred, "Authentication").await;
    let asked = scene.row("InitiateAuth", scene.start("USER_AUTH", json!({})), &[]).await;
    let chosen = scene.reply(&asked, json!({ "ANSWER": factor }));
    row("RespondToAuthChallenge", chosen, "Authentication").await;
    let tokens = scene.row("InitiateAuth", scene.by_password(PASSWORD), &[]).await;
    let token = json!({ "AccessToken": tokens["AuthenticationResult"]["AccessToken"] });
    let ask = merged(token.clone(), json!({ "AttributeName": contact }));
    row("GetUserAttributeVerificationCode", ask, "VerifyUserAttribute").await;
    row("AdminResetUserPassword", scene.by_name(json!({})), "ForgotPassword").await;
    row("AdminUpdateUserAttributes", scene.by_name(at(other)), "UpdateUserAttribute").await;
    let set = scene.by_name(json!({ "Password": PASSWORD, "Permanent": true }));
    scene.row("AdminSetUserPassword", set, &[]).await;
    row("UpdateUserAttributes", merged(token, at(address)), "UpdateUserAttribute").await;
}

#[tokio::test]
async fn every_mail_goes_to_the_function_for_mails() {
    every_message("Email").await;
}

#[tokio::test]
async fn every_text_message_goes_to_the_function_for_text_messages() {
    every_message("SMS").await;
}
