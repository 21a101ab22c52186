//! Which functions the operations on users ask, in which order, with which event, and what is left
//! when one fails. Those of signing in are in `auth`.

use poolhouse_domain::triggers::Trigger;
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, merged};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// A pool that verifies addresses, with a function for each of these triggers, and its client.
async fn asking(stack: &Stack, triggers: &[Trigger]) -> (String, String) {
    let functions: serde_json::Map<String, Value> =
        triggers.iter().map(|trigger| (trigger.name().to_owned(), json!(FUNCTION))).collect();
    let config = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": functions });
    let pool = stack.pool(config).await;
    let client = stack.client(&pool, json!({})).await;
    (pool, client)
}

async fn status(stack: &Stack, pool: &str, name: &str) -> Value {
    let user = json!({ "UserPoolId": pool, "Username": name });
    stack.ok("AdminGetUser", user).await["UserStatus"].clone()
}

fn failed(text: &str) -> (String, String) {
    error("UserLambdaValidationException", text)
}

#[tokio::test]
async fn a_confirmed_sign_up_is_told_with_the_metadata_of_the_confirmation() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    assert!(stack.functions().events().is_empty());
    let input = json!({
        "ClientId": client, "Username": "jo", "ConfirmationCode": code,
        "ClientMetadata": { "k": "v" },
    });
    stack.functions().throw(Trigger::PostConfirmation, "no room");
    let refused = stack.refusal("ConfirmSignUp", input.clone()).await;
    assert_eq!(refused, failed("PostConfirmation failed with error no room."));
    assert_eq!(status(&stack, &pool, "jo").await, "CONFIRMED");
    let refused = stack.refusal("ConfirmSignUp", input).await;
    let text = "User cannot be confirmed. Current status is CONFIRMED";
    assert_eq!(refused, error("NotAuthorizedException", text));

    let [event] = &*stack.functions().events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PostConfirmation_ConfirmSignUp");
    assert_eq!(event["userName"], "jo");
    assert_eq!(event["callerContext"]["clientId"], json!(client));
    assert_eq!(event["response"], json!({}));
    let request = &event["request"];
    assert_eq!(request["clientMetadata"], json!({ "k": "v" }));
    assert_eq!(request["userAttributes"]["cognito:user_status"], "CONFIRMED");
    assert_eq!(request["userAttributes"]["email_verified"], "true");
}

#[tokio::test]
async fn a_wrong_code_tells_nobody() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let code = stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let input = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": wrong });
    stack.refusal("ConfirmSignUp", input).await;
    assert!(stack.functions().events().is_empty());
}

#[tokio::test]
async fn an_administrators_confirmation_names_no_client() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    let input = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.ok("AdminConfirmSignUp", input).await;
    let [event] = &*stack.functions().events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PostConfirmation_ConfirmSignUp");
    let unknown_sdk = json!({ "awsSdkVersion": "aws-sdk-unknown-unknown" });
    assert_eq!(event["callerContext"], unknown_sdk);
    assert!(event["request"].get("clientMetadata").is_none());
}

#[tokio::test]
async fn a_new_password_is_told_after_it_was_set() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::PostConfirmation]).await;
    let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
    stack.user(&pool, "jo", &verified).await;
    stack.ok("ForgotPassword", json!({ "ClientId": client, "Username": "jo" })).await;
    let code = stack.last_code_for("jo@gm.com");
    stack.functions().throw(Trigger::PostConfirmation, "Whatever.");
    let input = json!({
        "ClientId": client, "Username": "jo", "ConfirmationCode": code,
        "Password": "Battery-Staple-8",
    });
    let refused = stack.refusal("ConfirmForgotPassword", input).await;
    assert_eq!(refused, failed("PostConfirmation failed with error Whatever.."));
    assert_eq!(stack.functions().sources(), ["PostConfirmation_ConfirmForgotPassword"]);
    let parameters = json!({ "USERNAME": "jo", "PASSWORD": "Battery-Staple-8" });
    let sign_in = json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    });
    stack.ok("InitiateAuth", sign_in).await;
}

#[tokio::test]
async fn an_administrators_new_user_may_be_refused_but_not_confirmed() {
    let stack = Stack::new().await;
    let (pool, _) = asking(&stack, &[Trigger::PreSignUp, Trigger::PostConfirmation]).await;
    let functions = stack.functions();
    let input = json!({
        "UserPoolId": pool, "Username": "jo", "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
        "ValidationData": [{ "Name": "v", "Value": "1" }], "ClientMetadata": { "k": "v" },
    });
    functions.throw(Trigger::PreSignUp, "no");
    let refused = stack.refusal("AdminCreateUser", input.clone()).await;
    assert_eq!(refused, failed("PreSignUp failed with error no."));
    let jo = json!({ "UserPoolId": pool, "Username": "jo" });
    assert_eq!(stack.refusal("AdminGetUser", jo.clone()).await.0, "UserNotFoundException");

    functions.clear();
    let flags =
        json!({ "autoConfirmUser": true, "autoVerifyEmail": true, "autoVerifyPhone": true });
    functions.respond(Trigger::PreSignUp, flags);
    stack.ok("AdminCreateUser", input.clone()).await;
    assert_eq!(status(&stack, &pool, "jo").await, "FORCE_CHANGE_PASSWORD");
    let [event] = &*functions.events() else { panic!("one function is asked") };
    assert_eq!(event["triggerSource"], "PreSignUp_AdminCreateUser");
    assert_eq!(event["callerContext"]["clientId"], "CLIENT_ID_NOT_APPLICABLE");
    let request = json!({
        "userAttributes": { "email": "jo@gm.com" },
        "validationData": { "v": "1" }, "clientMetadata": { "k": "v" },
    });
    assert_eq!(event["request"], request);

    functions.clear();
    stack.refusal("AdminCreateUser", input.clone()).await;
    let again = merged(input, json!({ "MessageAction": "RESEND" }));
    stack.ok("AdminCreateUser", again).await;
    assert!(functions.events().is_empty(), "neither a taken name nor a resend asks anybody");
}

#[tokio::test]
async fn what_changes_users_without_a_code_asks_nobody() {
    let stack = Stack::new().await;
    let all = [
        Trigger::PreSignUp,
        Trigger::PostConfirmation,
        Trigger::PreAuthentication,
        Trigger::PostAuthentication,
        Trigger::PreTokenGeneration,
        Trigger::UserMigration,
    ];
    let (pool, _) = asking(&stack, &all).await;
    let jo = json!({ "UserPoolId": pool, "Username": "jo" });
    stack.user(&pool, "jo", &[]).await;
    stack.functions().clear();
    let set = merged(jo.clone(), json!({ "Password": PASSWORD, "Permanent": true }));
    stack.ok("AdminSetUserPassword", set).await;
    for operation in ["AdminDisableUser", "AdminEnableUser", "AdminUserGlobalSignOut"] {
        stack.ok(operation, jo.clone()).await;
    }
    stack.ok("AdminDeleteUser", jo).await;
    assert!(stack.functions().events().is_empty());
}

/// What each operation that sends a message calls it, and how it is made to send one to `jo`.
async fn each_message(stack: &Stack, pool: &str, client: &str) -> Vec<(&'static str, String)> {
    let seen = || {
        let messages = stack.messenger().messages();
        messages.last().map(|message| message.body.clone()).unwrap_or_default()
    };
    let by_name = json!({ "UserPoolId": pool, "Username": "jo" });
    let by_client = json!({ "ClientId": client, "Username": "jo" });
    let mut sent = Vec::new();
    let code = stack.signed_up(pool, client, "jo", "jo@gm.com").await;
    sent.push(("SignUp", seen()));
    stack.ok("ResendConfirmationCode", by_client.clone()).await;
    sent.push(("ResendCode", seen()));
    drop(code);
    let code = stack.messenger().messages().pop().unwrap().code;
    let confirm = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
    stack.ok("ConfirmSignUp", confirm).await;
    stack.ok("ForgotPassword", by_client.clone()).await;
    sent.push(("ForgotPassword", seen()));
    let token = stack.access_token(client, "jo").await;
    let change = json!({
        "AccessToken": token, "UserAttributes": [{ "Name": "email", "Value": "jo2@gm.com" }],
    });
    stack.ok("UpdateUserAttributes", change).await;
    sent.push(("UpdateUserAttribute", seen()));
    let ask = json!({ "AccessToken": token, "AttributeName": "email" });
    stack.ok("GetUserAttributeVerificationCode", ask).await;
    sent.push(("VerifyUserAttribute", seen()));
    let attributes = json!([
        { "Name": "email", "Value": "jo3@gm.com" }, { "Name": "email_verified", "Value": "true" },
    ]);
    let verified = merged(by_name.clone(), json!({ "UserAttributes": attributes }));
    stack.ok("AdminUpdateUserAttributes", verified).await;
    stack.ok("AdminResetUserPassword", by_name).await;
    sent.push(("ForgotPassword", seen()));
    let invited = json!({
        "UserPoolId": pool, "Username": "bo", "DesiredDeliveryMediums": ["EMAIL"],
        "UserAttributes": [{ "Name": "email", "Value": "bo@gm.com" }],
    });
    stack.ok("AdminCreateUser", invited).await;
    sent.push(("AdminCreateUser", seen()));
    sent
}

#[tokio::test]
async fn a_function_writes_each_message_with_places_for_what_it_may_not_know() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::CustomMessage]).await;
    stack.functions().script(Trigger::CustomMessage, |event| {
        let text = match event["request"]["usernameParameter"].as_str() {
            Some(username) => format!("Hello {username}: {{####}}"),
            None => format!("{}: {{####}}", event["triggerSource"].as_str().unwrap()),
        };
        Ok(json!({ "smsMessage": null, "emailMessage": text, "emailSubject": "Subject" }))
    });
    let sent = each_message(&stack, &pool, &client).await;
    let (events, messages) = (stack.functions().events(), stack.messenger().messages());
    assert_eq!((events.len(), messages.len()), (sent.len(), sent.len()));
    for ((event, message), (source, body)) in events.iter().zip(&messages).zip(&sent) {
        assert_eq!(event["triggerSource"], format!("CustomMessage_{source}"));
        let request = &event["request"];
        assert_eq!(request["codeParameter"], "{####}");
        assert_eq!(request["linkParameter"], "{##Click Here##}");
        let code = &message.code;
        assert!(!event.to_string().contains(code.as_str()), "{event}");
        let expected = match *source {
            "AdminCreateUser" => format!("Hello bo: {code}"),
            source => format!("CustomMessage_{source}: {code}"),
        };
        assert_eq!(body.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"), expected);
        assert_eq!(message.subject.as_deref(), Some("Subject"));
        let is_invitation = *source == "AdminCreateUser";
        assert_eq!(request["usernameParameter"].is_null(), !is_invitation);
        let response = json!({ "smsMessage": null, "emailMessage": null, "emailSubject": null });
        assert_eq!(event["response"], response);
    }
}

#[tokio::test]
async fn a_text_without_a_place_for_the_code_is_refused_and_the_user_stays() {
    let stack = Stack::new().await;
    let (pool, client) = asking(&stack, &[Trigger::CustomMessage]).await;
    let input = |name: &str| {
        json!({
            "ClientId": client, "Username": name, "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email", "Value": format!("{name}@gm.com") }],
        })
    };
    let functions = stack.functions();
    for (name, text) in [("jo", "Welcome".to_owned()), ("bo", "{####}".repeat(4_000))] {
        functions.respond(Trigger::CustomMessage, json!({ "emailMessage": text }));
        let refused = stack.refusal("SignUp", input(name)).await;
        assert_eq!(refused.0, "InvalidLambdaResponseException");
        assert_eq!(status(&stack, &pool, name).await, "UNCONFIRMED");
    }
    functions.throw(Trigger::CustomMessage, "no words");
    let again = json!({ "ClientId": client, "Username": "jo" });
    let refused = stack.refusal("ResendConfirmationCode", again.clone()).await;
    assert_eq!(refused, failed("CustomMessage failed with error no words."));
    functions.respond(Trigger::CustomMessage, json!({ "emailMessage": "" }));
    stack.ok("ResendConfirmationCode", again).await;
    let message = stack.messenger().messages().pop().unwrap();
    assert_eq!(message.body, format!("Your confirmation code is {}", message.code));
}

/// Lets what runs beside the test go on until something holds.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never happened");
}

#[tokio::test]
async fn where_existence_is_hidden_a_function_is_not_waited_for() {
    let stack = Stack::new().await;
    let (pool, _) = asking(&stack, &[Trigger::CustomMessage]).await;
    let client = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
    let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
    stack.user(&pool, "jo", &verified).await;
    stack.functions().throw(Trigger::CustomMessage, "no words");
    let input = |name: &str| json!({ "ClientId": client, "Username": name });
    let jo = stack.ok("ForgotPassword", input("jo")).await;
    let nobody = stack.ok("ForgotPassword", input("nobody")).await;
    let members = |answer: &Value| {
        let details = answer["CodeDeliveryDetails"].as_object().unwrap();
        details.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(members(&jo), members(&nobody));
    until(|| stack.functions().events().len() == 1).await;
    assert!(stack.messenger().messages().is_empty());
    stack.functions().respond(Trigger::CustomMessage, json!({ "emailMessage": "Say {####}" }));
    stack.ok("ForgotPassword", input("jo")).await;
    until(|| !stack.messenger().messages().is_empty()).await;
    let bodies: Vec<String> = stack.messenger().messages().into_iter().map(|m| m.body).collect();
    assert!(matches!(&*bodies, [body] if body.starts_with("Say ")), "{bodies:?}");
}

#[tokio::test]
async fn a_custom_sender_gets_the_code_encrypted_and_no_text_is_asked_for() {
    let stack = Stack::new().await;
    let key = "arn:aws:kms:us-east-1:123456789012:key/1a";
    let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": FUNCTION });
    let functions = json!({
        "CustomEmailSender": sender, "KMSKeyID": key, "CustomMessage": FUNCTION,
    });
    let config = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": functions });
    let pool = stack.pool(config).await;
    let client = stack.client(&pool, json!({})).await;
    let input = json!({
        "ClientId": client, "Username": "jo", "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": "jo@gm.com" }],
    });
    stack.ok("SignUp", input).await;
    assert!(stack.functions().events().is_empty(), "nobody is asked before the answer");
    let [message] = &*stack.messenger().messages() else { panic!("one message is sent") };
    assert_eq!((message.code.as_str(), message.body.as_str()), ("", ""));
    let invocation = message.invocation.as_ref().unwrap();
    assert!(invocation.is_queued);
    let event: Value = serde_json::from_str(&invocation.event).unwrap();
    assert_eq!(event["triggerSource"], "CustomEmailSender_SignUp");
    assert!(event.get("response").is_none());
    let request = &event["request"];
    assert_eq!(request["type"], "customEmailSenderRequestV1");
    assert_eq!(request["clientMetadata"], Value::Null);
    assert_eq!(request["userAttributes"]["email"], "jo@gm.com");
    // The version and the suite of an AWS Encryption SDK message, in base64.
    assert!(request["code"].as_str().unwrap().starts_with("AYADe"), "{request}");

    // Text messages are the server's still.
    let phone = json!([{ "Name": "phone_number", "Value": "+15550100" }]);
    let invited = json!({
        "UserPoolId": pool, "Username": "bo", "UserAttributes": phone,
    });
    stack.functions().respond(Trigger::CustomMessage, json!({ "smsMessage": "{username} {####}" }));
    stack.ok("AdminCreateUser", invited).await;
    let message = stack.messenger().messages().pop().unwrap();
    assert!(message.invocation.is_none());
    assert_eq!(message.body, format!("bo {}", message.code));
}

#[tokio::test]
async fn a_pool_with_a_domain_confirms_by_link() {
    let stack = Stack::new().await;
    let template = json!({ "DefaultEmailOption": "CONFIRM_WITH_LINK" });
    let functions = json!({ "CustomMessage": FUNCTION });
    let config = json!({
        "AutoVerifiedAttributes": ["email"], "VerificationMessageTemplate": template,
        "LambdaConfig": functions,
    });
    let pool = stack.pool(config).await;
    let client = stack.client(&pool, json!({})).await;
    stack.signed_up(&pool, &client, "early", "early@gm.com").await;
    let message = stack.messenger().messages().pop().unwrap();
    assert_eq!(message.body, format!("Your confirmation code is {}", message.code));

    let domain = json!({ "UserPoolId": pool, "Domain": "confirm-by-link" });
    stack.ok("CreateUserPoolDomain", domain).await;
    stack.advance(2);
    stack.signed_up(&pool, &client, "jo", "jo@gm.com").await;
    let message = stack.messenger().messages().pop().unwrap();
    assert_eq!(message.subject.as_deref(), Some("Your verification link"));
    let code = &message.code;
    let link = format!(
        "/confirm-by-link/confirmUser?client_id={client}&amp;user_name=jo&amp;confirmation_code={code}"
    );
    let expected = format!(
        "Please click the link below to verify your email address. \
         <a href=\"http://127.0.0.1:7665{link}\">Verify Email</a>"
    );
    assert_eq!(message.body, expected);

    let text = json!({ "emailMessage": "<p>{##Click Here##}</p>", "emailSubject": "Hi" });
    stack.functions().respond(Trigger::CustomMessage, text);
    let again = json!({ "ClientId": client, "Username": "jo" });
    stack.ok("ResendConfirmationCode", again).await;
    let message = stack.messenger().messages().pop().unwrap();
    assert_eq!(message.subject.as_deref(), Some("Hi"));
    assert!(message.body.starts_with("<p><a href=\"http://127.0.0.1:7665/"), "{}", message.body);
    assert!(message.body.ends_with("\">Click Here</a></p>"), "{}", message.body);
    // A code is what the other mails bring.
    let verified = [("email", "bo@gm.com"), ("email_verified", "true")];
    stack.user(&pool, "bo", &verified).await;
    let forgot = json!({ "ClientId": client, "Username": "bo" });
    let refused = stack.refusal("ForgotPassword", forgot).await;
    assert_eq!(refused.0, "InvalidLambdaResponseException");
}
