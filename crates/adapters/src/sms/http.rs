//! Text messages for a server of one's own, which passes them on to whatever it likes. They are posted
//! as JSON and signed as Standard Webhooks says
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::{
    messages::{DeliveryFailure, Message, NotSent, Sender},
    ports::Clock,
};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use url::Url;

use super::{TIMEOUT, check};
use crate::https;

/// What secrets begin with.
const PREFIX: &str = "whsec_";

/// Posts text messages to a server.
pub struct HttpSms {
    client: Client,
    url: Url,
    key: hmac::Key,
    clock: Arc<dyn Clock>,
}

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    to: &'a str,
    text: &'a str,
    user_pool_id: &'a str,
    kind: &'static str,
    /// Seconds since the epoch.
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    origination_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_entity_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_template_id: Option<&'a str>,
}

impl HttpSms {
    /// A server by its URL: `https://…`, or `http://…` on this machine.
    ///
    /// # Errors
    /// What is wrong with the URL, or that the machine has no certificate authorities to trust.
    pub fn new(url: &str, key: &[u8], clock: Arc<dyn Clock>) -> Result<Self, String> {
        let (client, url) = https::to(url, |client| client.timeout(TIMEOUT))?;
        Ok(Self { client, url, key: hmac::Key::new(hmac::HMAC_SHA256, key), clock })
    }

    /// The key in a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
    ///
    /// # Errors
    /// What is wrong with the secret, without it.
    pub fn key(secret: &str) -> Result<Vec<u8>, String> {
        let key = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        key.filter(|key| (24..=64).contains(&key.len())).ok_or_else(|| {
            format!("must hold {PREFIX} and, behind it, 24 to 64 random bytes in base64")
        })
    }

    /// The signature of a body.
    fn signature(&self, id: &str, seconds: i64, body: &str) -> String {
        let signed = format!("{id}.{seconds}.{body}");
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

#[async_trait]
impl Sender for HttpSms {
    fn check(&self, message: &Message) -> Result<(), DeliveryFailure> {
        check(message)
    }

    async fn send(&self, id: &str, message: &Message) -> Result<(), NotSent> {
        let body = serde_json::to_string(&Body {
            to: &message.destination,
            text: &message.body,
            user_pool_id: &message.user_pool_id,
            kind: message.kind.as_str(),
            expires_at: message.expires_at.seconds(),
            origination_identity: message.sms.origination_identity.as_deref(),
            in_entity_id: message.sms.entity_id.as_deref(),
            in_template_id: message.sms.template_id.as_deref(),
        });
        let body = body.map_err(|error| NotSent::for_good(error.to_string()))?;
        let (id, seconds) = (format!("msg_{id}"), self.clock.now().seconds());
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", self.signature(&id, seconds, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds);
        let answered = request.body(body).send().await;
        // Without the URL, which may hold a key.
        let answered =
            answered.map_err(|error| NotSent::for_now(https::whole(&error.without_url())))?;
        let status = answered.status();
        if status.is_success() {
            return Ok(());
        }
        // Others may be for the operator to mend, such as 401 or 404: messages wait for it.
        let is_final = matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        Err(NotSent::new(format!("the SMS server answers {status}"), is_final))
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::messages::SmsSettings;

    use super::{
        super::testing::{Frozen, header, message, server},
        *,
    };

    fn sender(url: &str) -> HttpSms {
        let key = HttpSms::key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        HttpSms::new(url, &key, Arc::new(Frozen)).unwrap()
    }

    #[test]
    fn a_signature_is_the_one_of_the_standards_own_example() {
        let sms = sender("http://127.0.0.1:1/");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(
            sms.signature(id, 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[tokio::test]
    async fn a_message_is_posted_with_a_signature_over_its_body() {
        let (url, served) = server("202 Accepted", "").await;
        let sms = sender(&format!("{url}/sms?key=k"));
        let settings =
            SmsSettings { origination_identity: Some("Shop".into()), ..SmsSettings::default() };
        sms.send("7", &Message { sms: settings, ..message() }).await.unwrap();
        let (head, body) = served.await.unwrap();
        assert!(head.starts_with("POST /sms?key=k HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(&head, "content-type"), "application/json");
        assert_eq!(header(&head, "webhook-id"), "msg_7");
        assert_eq!(header(&head, "webhook-timestamp"), "1700000000");
        let signature = sms.signature("msg_7", 1_700_000_000, &body);
        assert_eq!(header(&head, "webhook-signature"), signature);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let expected = serde_json::json!({
            "to": "+14155550008", "text": "Your code is 123456 & more", "kind": "MfaCode",
            "user_pool_id": "us-east-1_AAAAAAAAA", "expires_at": 1_700_000_180,
            "origination_identity": "Shop",
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn what_the_server_finds_wrong_with_a_message_is_not_tried_again() {
        for (status, is_final) in [
            ("422 Unprocessable Entity", true),
            ("400 Bad Request", true),
            ("401 Unauthorized", false),
            ("404 Not Found", false),
            ("307 Temporary Redirect", false),
            ("429 Too Many Requests", false),
            ("503 Service Unavailable", false),
        ] {
            let (url, served) = server(status, "").await;
            let failure = sender(&url).send("7", &message()).await.unwrap_err();
            assert_eq!(failure, NotSent::new(format!("the SMS server answers {status}"), is_final));
            served.await.unwrap();
        }
        let failure = sender("http://127.0.0.1:1/?key=k").send("7", &message()).await.unwrap_err();
        assert!(!failure.is_final && !failure.reason.contains("key=k"), "{failure}");
    }

    #[test]
    fn what_is_no_number_and_no_secret_is_known_at_once() {
        let nobody = Message { destination: "555-0100".into(), ..message() };
        assert!(sender("http://127.0.0.1:1/").check(&nobody).is_err());
        assert!(sender("http://127.0.0.1:1/").check(&message()).is_ok());
        for bad in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%"] {
            let problem = HttpSms::key(bad).unwrap_err();
            assert!(problem.contains("24 to 64 random bytes"), "{problem}");
        }
        let remote = HttpSms::new("http://sms.example.com/", &[0; 24], Arc::new(Frozen));
        assert!(remote.err().unwrap().contains("must begin with https://"));
    }
}
