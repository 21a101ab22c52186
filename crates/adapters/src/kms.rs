//! A key service elsewhere: AWS KMS, or what speaks its protocol, such as LocalStack or another
//! Poolhouse.
//!
//! Its address comes from whoever runs the server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header::CONTENT_TYPE};
use poolhouse_domain::{
    key_service::{EncryptionContext, GeneratedKey, KeyService, KeyServiceFailed},
    ports::Clock,
    time::Timestamp,
};
use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

pub use crate::aws::AccessKey;
use crate::{
    aws::{self, Unfit},
    https,
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a data key may take, with connecting.
const WHOLE: Duration = Duration::from_secs(8);
/// The largest answer that is read, in bytes. One with a data key has less than 10,000.
const LARGEST: usize = 64 * 1024;
/// The longest wrapped key that the service's model knows.
const LONGEST_WRAPPED: usize = 6_144;
/// Characters of an error's text that go into the log.
const LONGEST_TEXT: usize = 300;

/// Where the key service is and who asks it.
#[derive(Clone, Debug)]
pub struct KmsSettings {
    /// The address, if it is not that of AWS KMS in the region.
    pub endpoint: Option<String>,
    /// The region that signatures name, and of the usual address.
    pub region: String,
    /// Signs. It needs `kms:GenerateDataKey` for the keys that user pools name.
    pub access_key: AccessKey,
}

/// Asks a key service for data keys.
pub struct Kms {
    client: Client,
    url: Url,
    settings: KmsSettings,
    /// The time of the outside world, which signatures are compared with.
    clock: Arc<dyn Clock>,
}

/// The answer, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Generated {
    key_id: String,
    plaintext: String,
    ciphertext_blob: String,
}

/// What an error answer says. Servers differ in the case of `message`.
#[derive(Default, Deserialize)]
struct Told {
    #[serde(rename = "__type")]
    name: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Kms {
    /// Takes the settings.
    ///
    /// # Errors
    /// What is wrong with the address, or that the machine has no certificate authorities to trust.
    pub fn new(settings: KmsSettings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let usual = aws::endpoint("kms", &settings.region);
        let endpoint = settings.endpoint.as_deref().unwrap_or(&usual);
        // Data keys never travel in the clear, and no redirect takes them elsewhere.
        let (client, url) =
            https::to(endpoint, |client| client.connect_timeout(CONNECT).timeout(WHOLE))?;
        Ok(Self { client, url, settings, clock })
    }

    /// The signed request for a data key.
    fn request(
        &self,
        key_arn: &str,
        context: &EncryptionContext,
        now: Timestamp,
    ) -> Result<Request<String>, Unfit> {
        let input = json!({ "KeyId": key_arn, "KeySpec": "AES_256", "EncryptionContext": context });
        let mut request = Request::post(self.url.as_str()).body(input.to_string())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        headers.insert("x-amz-target", HeaderValue::from_static("TrentService.GenerateDataKey"));
        let (key, region) = (&self.settings.access_key, &self.settings.region);
        key.sign(&mut request, "kms", region, now)?;
        Ok(request)
    }

    /// Sends a request; answers status and body.
    async fn send(
        &self,
        request: Request<String>,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), KeyServiceFailed> {
        let failed = |error: reqwest::Error| KeyServiceFailed(https::whole(&error));
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut response = self.client.execute(request).await.map_err(failed)?;
        // Made large enough at once, so that no copy of a data key stays behind when it grows.
        let mut body = Zeroizing::new(Vec::with_capacity(LARGEST));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(KeyServiceFailed(format!("an answer of more than {LARGEST} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), body))
    }
}

#[async_trait]
impl KeyService for Kms {
    async fn generate_data_key(
        &self,
        key_arn: &str,
        context: &EncryptionContext,
    ) -> Result<GeneratedKey, KeyServiceFailed> {
        let request = self.request(key_arn, context, self.clock.now());
        let request = request.map_err(|error| KeyServiceFailed(error.to_string()))?;
        match self.send(request).await? {
            (200, body) => read(&body).ok_or_else(|| {
                KeyServiceFailed("the answer to GenerateDataKey is no data key".to_owned())
            }),
            (status, body) => Err(KeyServiceFailed(refusal(status, &body))),
        }
    }
}

/// The data key in an answer.
fn read(body: &[u8]) -> Option<GeneratedKey> {
    let answer: Generated = serde_json::from_slice(body).ok()?;
    let encoded = Zeroizing::new(answer.plaintext);
    let decoded = Zeroizing::new(STANDARD.decode(encoded.as_bytes()).ok()?);
    let plaintext = Zeroizing::new(decoded.as_slice().try_into().ok()?);
    let wrapped = STANDARD.decode(answer.ciphertext_blob).ok()?;
    let is_fit = !wrapped.is_empty() && wrapped.len() <= LONGEST_WRAPPED;
    is_fit.then_some(GeneratedKey { key_arn: answer.key_id, plaintext, wrapped })
}

/// What an error answer says, for the log.
fn refusal(status: u16, body: &[u8]) -> String {
    let told: Told = serde_json::from_slice(body).unwrap_or_default();
    let parts = [told.name, told.message].into_iter().flatten();
    let text = parts.collect::<Vec<_>>().join(": ");
    let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect();
    format!("status {status}, {text}")
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1a";

    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn made(endpoint: &str) -> Result<Kms, String> {
        let settings = KmsSettings {
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            access_key: AccessKey::new("AKIA", "hunter2", Some("hunter3".to_owned())),
        };
        Kms::new(settings, Arc::new(At(Timestamp::from_seconds(1_777_638_645))))
    }

    /// What comes of one answer, and the request that it was an answer to.
    async fn asked(answer: &str) -> (Result<GeneratedKey, String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let answer = answer.to_owned();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let context = [("userpool-id".to_owned(), "p".to_owned())].into();
        let outcome = made(&endpoint).unwrap().generate_data_key(KEY, &context).await;
        (outcome.map_err(|failed| failed.to_string()), server.await.unwrap())
    }

    fn answer(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    fn key(plaintext: &[u8], wrapped: &[u8]) -> String {
        let [plaintext, wrapped] = [plaintext, wrapped].map(|bytes| STANDARD.encode(bytes));
        let body = json!({ "KeyId": KEY, "Plaintext": plaintext, "CiphertextBlob": wrapped });
        answer("200 OK", &body.to_string())
    }

    #[tokio::test]
    async fn a_signed_request_brings_a_data_key() {
        let (key, request) = asked(&key(&[7; 32], b"wrapped")).await;
        let key = key.ok().unwrap();
        assert_eq!((key.key_arn.as_str(), key.wrapped.as_slice()), (KEY, b"wrapped".as_slice()));
        assert_eq!(*key.plaintext, [7; 32]);
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-amz-target: TrentService.GenerateDataKey\r\n"), "{head}");
        assert!(head.contains("content-type: application/x-amz-json-1.1\r\n"), "{head}");
        assert!(head.contains("x-amz-date: 20260501T123045Z"), "{head}");
        let scope = "Credential=AKIA/20260501/us-east-1/kms/aws4_request";
        assert!(head.contains(scope), "{head}");
        assert!(head.contains("x-amz-security-token: hunter3\r\n"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let expected = json!({
            "KeyId": KEY, "KeySpec": "AES_256", "EncryptionContext": { "userpool-id": "p" },
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn what_is_no_data_key_is_told_without_what_is_in_it() {
        let none = "the answer to GenerateDataKey is no data key";
        for bad in [
            key(&[7; 31], b"wrapped"),
            key(&[7; 33], b"wrapped"),
            key(&[7; 32], b""),
            key(&[7; 32], &[0; LONGEST_WRAPPED + 1]),
            answer("200 OK", "{}"),
            answer("200 OK", "<html>"),
        ] {
            assert_eq!(asked(&bad).await.0.err().as_deref(), Some(none), "{bad}");
        }
        let endless = answer("200 OK", &" ".repeat(LARGEST + 1));
        let failed = asked(&endless).await.0.err().unwrap();
        assert_eq!(failed, "an answer of more than 65536 bytes");
    }

    #[tokio::test]
    async fn errors_are_told_and_redirects_not_followed() {
        for (status, body, text) in [
            (
                "400 Bad Request",
                r#"{"__type":"NotFoundException","message":"Key 'x'\ndoes not exist"}"#,
                "status 400, NotFoundException: Key 'x'does not exist",
            ),
            (
                "400 Bad Request",
                r#"{"__type":"AccessDeniedException","Message":"no"}"#,
                "status 400, AccessDeniedException: no",
            ),
            ("500 Internal Server Error", "oops", "status 500, "),
        ] {
            assert_eq!(asked(&answer(status, body)).await.0.err().as_deref(), Some(text));
        }
        let away = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\n\
                    content-length: 0\r\n\r\n";
        assert_eq!(asked(away).await.0.err().as_deref(), Some("status 307, "));
        let context = EncryptionContext::new();
        let nobody = made("http://127.0.0.1:1/").unwrap();
        let nobody = nobody.generate_data_key(KEY, &context).await;
        assert!(nobody.err().unwrap().0.contains("error sending request"));
    }

    #[test]
    fn data_keys_never_travel_in_the_clear() {
        for good in ["https://kms.example.com", "http://127.0.0.1:4566", "http://localhost:7665/"] {
            assert!(made(good).is_ok(), "{good}");
        }
        for (bad, start) in [
            ("http://kms.example.com", "must begin with https:// unless"),
            ("ftp://127.0.0.1", "must begin with https://"),
            ("https://me@kms.example.com", "must be a URL without a user"),
            ("kms.example.com", "is no URL"),
        ] {
            assert!(made(bad).err().unwrap().starts_with(start), "{bad}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let key = AccessKey::new("AKIA", "hunter2", Some("hunter3".to_owned()));
        assert!(!format!("{key:?}").contains("hunter"));
    }
}
