//! Text messages through the `Publish` operation of Amazon SNS, or of a server that speaks its
//! protocol (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>).

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, header::CONTENT_TYPE};
use poolhouse_domain::{
    messages::{DeliveryFailure, Message, NotSent, Sender},
    ports::Clock,
};
use reqwest::Client;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{TIMEOUT, beginning, check};
use crate::{
    aws::{self, AccessKey, Unfit},
    https,
};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// What a message is to the networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsType {
    /// One that somebody waits for: delivered as reliably as can be.
    Transactional,
    /// One that may get lost: delivered as cheaply as can be.
    Promotional,
}

/// How SNS is reached.
pub struct SnsSettings {
    /// Region in signatures, and in the usual endpoint.
    pub region: String,
    /// Where to send, if not to the usual endpoint of the region.
    pub endpoint: Option<String>,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Zeroizing<String>,
    /// Name that a message comes from, where the user pool names none.
    pub sender_id: Option<String>,
    /// What messages are to the networks.
    pub sms_type: SmsType,
}

/// Sends text messages through SNS.
pub struct SnsSms {
    client: Client,
    url: Url,
    key: AccessKey,
    settings: SnsSettings,
    clock: Arc<dyn Clock>,
}

impl SnsSms {
    /// Takes the settings.
    ///
    /// # Errors
    /// What is wrong with the endpoint, or that the machine has no certificate authorities to trust.
    pub fn new(settings: SnsSettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let usual = aws::endpoint("sns", &settings.region);
        let endpoint = settings.endpoint.as_deref().unwrap_or(&usual);
        let (client, url) = https::to(endpoint, |client| client.timeout(TIMEOUT))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("must be a URL without path and query".to_owned());
        }
        let key = AccessKey::new(&settings.access_key_id, &settings.secret_access_key, None);
        Ok(Self { client, url, key, settings, clock })
    }

    /// The form that is posted.
    fn form(&self, message: &Message) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish").append_pair("Version", "2010-03-31");
        form.append_pair("PhoneNumber", &message.destination);
        form.append_pair("Message", &message.body);
        for (number, (name, value)) in (1..).zip(self.attributes(message)) {
            let entry = format!("MessageAttributes.entry.{number}");
            form.append_pair(&format!("{entry}.Name"), name);
            form.append_pair(&format!("{entry}.Value.DataType"), "String");
            form.append_pair(&format!("{entry}.Value.StringValue"), value);
        }
        form.finish()
    }

    /// What SNS is told about a message besides its text
    /// (<https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html>).
    fn attributes<'a>(&'a self, message: &'a Message) -> Vec<(&'static str, &'a str)> {
        let sms_type = match self.settings.sms_type {
            SmsType::Transactional => "Transactional",
            SmsType::Promotional => "Promotional",
        };
        let identity = message.sms.origination_identity.as_deref();
        let number = identity.filter(|identity| is_number(identity));
        let name = identity.filter(|identity| is_sender_id(identity));
        let name = name.or(self.settings.sender_id.as_deref());
        [
            ("AWS.SNS.SMS.SMSType", Some(sms_type)),
            ("AWS.MM.SMS.OriginationNumber", number),
            ("AWS.SNS.SMS.SenderID", name.filter(|_| number.is_none())),
            ("AWS.MM.SMS.EntityId", message.sms.entity_id.as_deref()),
            ("AWS.MM.SMS.TemplateId", message.sms.template_id.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }

    /// The signed request with a form.
    fn request(&self, form: String) -> Result<Request<String>, Unfit> {
        let mut request = Request::post(self.url.as_str()).header(CONTENT_TYPE, FORM).body(form)?;
        self.key.sign(&mut request, "sns", &self.settings.region, self.clock.now())?;
        Ok(request)
    }
}

#[async_trait]
impl Sender for SnsSms {
    fn check(&self, message: &Message) -> Result<(), DeliveryFailure> {
        check(message)
    }

    async fn send(&self, _: &str, message: &Message) -> Result<(), NotSent> {
        let unfit = |error: Unfit| NotSent::for_now(format!("can't be signed: {error}"));
        let request = self.request(self.form(message)).map_err(unfit)?;
        let request = request.try_into().map_err(|error| NotSent::for_now(https::whole(&error)))?;
        let answered = self.client.execute(request).await;
        let answered = answered.map_err(|error| NotSent::for_now(https::whole(&error)))?;
        let status = answered.status();
        if status.is_success() {
            return Ok(());
        }
        let answer = beginning(answered).await;
        // Not the message, which may repeat the number.
        let code = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let code = code.map_or("", |(code, _)| code);
        // Others are for now, such as `Throttling`, or for the operator to mend, such as
        // `AuthorizationError`: messages wait for it.
        let is_final = status.is_client_error()
            && matches!(code, "InvalidParameter" | "InvalidParameterValue" | "OptedOut");
        Err(NotSent::new(format!("SNS answers {status} {code}"), is_final))
    }
}

/// Whether an identity is a telephone number or a short code.
fn is_number(identity: &str) -> bool {
    let digits = identity.strip_prefix('+').unwrap_or(identity);
    (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text can be the name that a message comes from: up to 11 letters, digits and hyphens,
/// among them a letter. What else identities can be, such as ARNs, says nothing to SNS.
pub(crate) fn is_sender_id(text: &str) -> bool {
    (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

impl SnsSettings {
    /// Whether a text can be `sender_id`.
    pub fn may_be_sender_id(text: &str) -> bool {
        is_sender_id(text)
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::messages::SmsSettings;

    use super::{
        super::testing::{Frozen, header, message, server},
        *,
    };

    fn sender(endpoint: &str) -> SnsSms {
        let settings = SnsSettings {
            region: "eu-central-1".into(),
            endpoint: Some(endpoint.into()),
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Zeroizing::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
            sender_id: Some("Poolhouse".into()),
            sms_type: SmsType::Transactional,
        };
        SnsSms::new(settings, Arc::new(Frozen)).unwrap()
    }

    #[test]
    fn a_signature_is_the_one_that_botocore_makes() {
        let sns = sender("http://127.0.0.1:4566");
        let body = "Action=Publish&Version=2010-03-31&PhoneNumber=%2B14155550008&Message=hi";
        assert_eq!(authorization(&sns, body), BOTOCORE);
    }

    fn authorization(sns: &SnsSms, body: &str) -> String {
        let request = sns.request(body.to_owned()).unwrap();
        request.headers()["authorization"].to_str().unwrap().to_owned()
    }

    #[test]
    fn china_has_an_endpoint_of_its_own() {
        let good = sender("http://127.0.0.1:1").settings;
        let settings = SnsSettings { region: "cn-north-1".into(), endpoint: None, ..good };
        let sns = SnsSms::new(settings, Arc::new(Frozen)).unwrap();
        assert_eq!(sns.url.as_str(), "https://sns.cn-north-1.amazonaws.com.cn/");
    }

    const BOTOCORE: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIDEXAMPLE/20231114/eu-central-1/sns/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date, \
        Signature=7a6bb6b764825a3a6c71cc5644b2aa68653e052dd3306ebca0f397c508277ff3";

    #[tokio::test]
    async fn a_message_is_published_with_its_attributes() {
        let (url, served) = server("200 OK", "<PublishResponse/>").await;
        let sns = sender(&url);
        sns.send("7", &message()).await.unwrap();
        let (head, body) = served.await.unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
        assert_eq!(header(&head, "content-type"), FORM);
        assert_eq!(header(&head, "x-amz-date"), "20231114T221320Z");
        assert_eq!(format!("http://{}", header(&head, "host")), url);
        assert_eq!(header(&head, "authorization"), authorization(&sns, &body));
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let expected = [
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("PhoneNumber", "+14155550008"),
            ("Message", "Your code is 123456 & more"),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
            ("MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID"),
            ("MessageAttributes.entry.2.Value.DataType", "String"),
            ("MessageAttributes.entry.2.Value.StringValue", "Poolhouse"),
        ];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_pools_identity_comes_before_the_servers() {
        let sns = sender("http://127.0.0.1:1");
        let shown = |identity: &str| {
            let sms = SmsSettings {
                origination_identity: Some(identity.into()),
                entity_id: Some("1101".into()),
                template_id: None,
            };
            let message = Message { sms, ..message() };
            let attributes = sns.attributes(&message);
            let of = |name: &str| {
                let found = attributes.iter().find(|(found, _)| *found == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(of("AWS.MM.SMS.EntityId").as_deref(), Some("1101"));
            (of("AWS.SNS.SMS.SenderID"), of("AWS.MM.SMS.OriginationNumber"))
        };
        assert_eq!(shown("Shop"), (Some("Shop".into()), None));
        assert_eq!(shown("+4915112345678"), (None, Some("+4915112345678".into())));
        assert_eq!(shown("arn:aws:x"), (Some("Poolhouse".into()), None));
    }

    #[tokio::test]
    async fn what_sns_finds_wrong_with_a_message_is_not_tried_again() {
        for (status, answer, is_final) in [
            ("400 Bad Request", "<Error><Code>InvalidParameter</Code></Error>", true),
            ("400 Bad Request", "<Error><Code>Throttling</Code></Error>", false),
            ("403 Forbidden", "<Error><Code>AuthorizationError</Code></Error>", false),
            ("500 Internal Server Error", "<Error><Code>InvalidParameter</Code></Error>", false),
            ("400 Bad Request", "no XML with +14155550008", false),
        ] {
            let (url, served) = server(status, answer).await;
            let failure = sender(&url).send("7", &message()).await.unwrap_err();
            assert_eq!(failure.is_final, is_final, "{answer}");
            assert!(!failure.reason.contains("+1415"), "{failure}");
            served.await.unwrap();
        }
        let failure = sender("http://127.0.0.1:1").send("7", &message()).await.unwrap_err();
        assert!(!failure.is_final);
    }

    #[test]
    fn endpoints_are_checked() {
        let problem = |endpoint: &str| {
            let good = sender("http://127.0.0.1:1").settings;
            let settings = SnsSettings { endpoint: Some(endpoint.into()), ..good };
            SnsSms::new(settings, Arc::new(Frozen)).err().unwrap()
        };
        assert!(problem("http://sns.example.com").contains("https://"));
        assert!(problem("http://127.0.0.1/path").contains("without path"));
        assert!(problem("sns").contains("no URL"));
    }
}
