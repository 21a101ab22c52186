//! What users are told of risky sign-ins by mail.

use poolhouse_domain::{caller::Caller, messages::Message};
use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, text};

const EMAIL: &str = "ada@example.com";

/// A pool with threat protection, a client, and a user `ada` who has signed in before. The next
/// sign-in comes from elsewhere, by another device, which is a low risk.
async fn risky(mode: &str, verified: &str) -> (Stack, String, String) {
    let mut stack = Stack::new().await;
    let overrides =
        json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": mode } });
    let pool = stack.pool(overrides).await;
    let client = stack.client(&pool, json!({})).await;
    stack.user(&pool, "ada", &[("email", EMAIL), ("email_verified", verified)]).await;
    stack.ports.caller = Caller::new("192.0.2.1".parse().ok(), Some("curl/8.5"));
    stack.tokens(&client, "ada").await;
    stack.advance(3_600);
    stack.ports.caller = Caller::new("203.0.113.1".parse().ok(), Some("Wget/1.21"));
    (stack, pool, client)
}

async fn configure(stack: &Stack, pool: &str, action: &str, notify: bool, mails: Value) {
    let mut notification = json!({
        "SourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com",
        "From": "Guard <guard@example.com>", "ReplyTo": "help@example.com",
    });
    for (name, mail) in mails.as_object().unwrap() {
        notification[name] = mail.clone();
    }
    let level = json!({ "Notify": notify, "EventAction": action });
    let actions = json!({ "LowAction": level, "MediumAction": level, "HighAction": level });
    let input = json!({
        "UserPoolId": pool,
        "AccountTakeoverRiskConfiguration": {
            "Actions": actions, "NotifyConfiguration": notification,
        },
    });
    stack.ok("SetRiskConfiguration", input).await;
}

async fn try_to_sign_in(stack: &Stack, client: &str) -> u16 {
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD });
    let input = json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
    });
    stack.call("InitiateAuth", input).await.status
}

fn sent(stack: &Stack) -> Vec<Message> {
    let messages = stack.messenger().messages();
    assert!(messages.iter().all(|message| message.destination == EMAIL));
    messages
}

#[tokio::test]
async fn a_blocked_sign_in_is_told_with_all_that_is_known_of_it() {
    let (stack, pool, client) = risky("ENFORCED", "true").await;
    let html = "<p>{username} {ip-address} {device-name} {city} {country} {login-time}|{event-id}|\
                {feedback-token}|{one-click-link-valid}|{one-click-link-invalid}</p>";
    let mail = json!({ "Subject": "Blocked, {username}", "HtmlBody": html, "TextBody": "unused" });
    configure(&stack, &pool, "BLOCK", true, json!({ "BlockEmail": mail })).await;
    assert_eq!(try_to_sign_in(&stack, &client).await, 400);
    let sent = sent(&stack);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].subject.as_deref(), Some("Blocked, ada"));
    assert_eq!(sent[0].from.as_deref(), Some("Guard <guard@example.com>"));
    assert_eq!(sent[0].reply_to.as_deref(), Some("help@example.com"));
    let body = sent[0].body.strip_prefix("<p>").and_then(|b| b.strip_suffix("</p>")).unwrap();
    let [what, event_id, token, valid, invalid]: [&str; 5] =
        body.split('|').collect::<Vec<_>>().try_into().unwrap();
    assert!(what.starts_with("ada 203.0.113.1 "), "{what}");
    assert!(what.ends_with(" unknown unknown Thu Jan 1 01:00:00 UTC 2026"), "{what}");
    let input = json!({ "UserPoolId": pool, "Username": "ada" });
    let events = stack.ok("AdminListUserAuthEvents", input).await;
    assert_eq!(events["AuthEvents"][0]["EventId"], event_id);
    assert_eq!(events["AuthEvents"][0]["EventResponse"], "Fail");
    let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
    let sub = text(&user["UserAttributes"][0]["Value"]);
    let start = format!("http://127.0.0.1:7665/{pool}/feedback/{sub}/{event_id}/");
    assert!(valid.starts_with(&format!("{start}Valid/")), "{valid}");
    assert!(invalid.starts_with(&format!("{start}Invalid/")), "{invalid}");
    let feedback = json!({
        "UserPoolId": pool, "Username": "ada", "EventId": event_id, "FeedbackToken": token,
        "FeedbackValue": "Invalid",
    });
    stack.ok("UpdateAuthEventFeedback", feedback).await;
}

#[tokio::test]
async fn each_action_has_its_mail_and_ours_where_there_is_none() {
    let mails = json!({
        "NoActionEmail": { "Subject": "Passed", "TextBody": "1 < 2\nfor {username}" },
    });
    for (action, status, subject, body) in [
        ("NO_ACTION", 200, "Passed", "1 &lt; 2<br>for ada"),
        ("MFA_IF_CONFIGURED", 200, "A new sign-in", "Somebody with your password began"),
        // Without a second factor it is blocked.
        ("MFA_REQUIRED", 400, "A sign-in was blocked", "A sign-in as ada was blocked."),
        ("BLOCK", 400, "A sign-in was blocked", "A sign-in as ada was blocked."),
    ] {
        let (stack, pool, client) = risky("ENFORCED", "true").await;
        configure(&stack, &pool, action, true, mails.clone()).await;
        assert_eq!(try_to_sign_in(&stack, &client).await, status, "{action}");
        let sent = sent(&stack);
        assert_eq!(sent.len(), 1, "{action}");
        assert_eq!(sent[0].subject.as_deref(), Some(subject), "{action}");
        assert!(sent[0].body.starts_with(body), "{action}: {}", sent[0].body);
    }
}

#[tokio::test]
async fn nobody_is_told_of_what_need_not_or_can_not_be_told() {
    for (mode, verified, notify) in
        [("AUDIT", "true", true), ("ENFORCED", "false", true), ("ENFORCED", "true", false)]
    {
        let (stack, pool, client) = risky(mode, verified).await;
        configure(&stack, &pool, "NO_ACTION", notify, json!({})).await;
        assert_eq!(try_to_sign_in(&stack, &client).await, 200);
        assert_eq!(sent(&stack).len(), 0, "{mode} {verified} {notify}");
    }
    let (mut stack, pool, client) = risky("ENFORCED", "true").await;
    configure(&stack, &pool, "BLOCK", true, json!({})).await;
    stack.ports.caller = Caller::new("192.0.2.1".parse().ok(), Some("curl/8.5"));
    assert_eq!(try_to_sign_in(&stack, &client).await, 200);
    assert_eq!(sent(&stack).len(), 0, "there is no risk");
}

#[tokio::test]
async fn only_so_many_notices_are_sent_and_what_can_not_be_sent_stops_nobody() {
    let (stack, pool, client) = risky("ENFORCED", "true").await;
    configure(&stack, &pool, "BLOCK", true, json!({})).await;
    for _ in 0..25 {
        assert_eq!(try_to_sign_in(&stack, &client).await, 400);
    }
    assert_eq!(sent(&stack).len(), 20);
    configure(&stack, &pool, "NO_ACTION", true, json!({})).await;
    stack.advance(3_600);
    stack.messenger().fail(true);
    assert_eq!(try_to_sign_in(&stack, &client).await, 200);
}

#[tokio::test]
async fn a_custom_sender_is_told_of_the_sign_in_in_place_of_the_user() {
    let (stack, pool, client) = risky("ENFORCED", "true").await;
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let functions = json!({
        "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": function },
        "KMSKeyID": "arn:aws:kms:us-east-1:123456789012:key/1a",
        "CustomMessage": function,
    });
    let tier = json!({ "AdvancedSecurityMode": "ENFORCED" });
    let update = json!({
        "UserPoolId": pool, "UserPoolTier": "PLUS", "UserPoolAddOns": tier,
        "LambdaConfig": functions,
    });
    stack.ok("UpdateUserPool", update).await;
    // Without a second factor it is blocked.
    configure(&stack, &pool, "MFA_REQUIRED", true, json!({})).await;
    assert_eq!(try_to_sign_in(&stack, &client).await, 400);
    let [message] = &*sent(&stack) else { panic!("one message is sent") };
    assert_eq!((message.subject.as_deref(), message.body.as_str()), (None, ""));
    let event = &message.invocation.as_ref().unwrap().event;
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["triggerSource"], "CustomEmailSender_AccountTakeOverNotification");
    assert_eq!(event["callerContext"]["clientId"], json!(client));
    let request = &event["request"];
    assert_eq!((&request["code"], &request["clientMetadata"]), (&Value::Null, &Value::Null));
    let facts = request["userAttributes"].as_object().unwrap();
    let names: Vec<&str> = facts.keys().map(String::as_str).collect();
    let expected = [
        "ACCOUNT_TAKE_OVER_ACTION",
        "DEVICE_NAME",
        "EVENT_ID",
        "FEEDBACK_TOKEN",
        "IP_ADDRESS",
        "LOGIN_TIME",
        "ONE_CLICK_LINK_INVALID",
        "ONE_CLICK_LINK_VALID",
        "USER_NAME",
    ];
    assert_eq!(names, expected);
    assert_eq!(facts["ACCOUNT_TAKE_OVER_ACTION"], "BLOCK");
    assert_eq!((&facts["USER_NAME"], &facts["IP_ADDRESS"]), (&json!("ada"), &json!("203.0.113.1")));
    let input = json!({ "UserPoolId": pool, "Username": "ada" });
    let events = stack.ok("AdminListUserAuthEvents", input).await;
    assert_eq!(events["AuthEvents"][0]["EventId"], facts["EVENT_ID"]);
}
