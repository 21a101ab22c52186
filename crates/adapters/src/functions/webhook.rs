//! Requests that are signed as Standard Webhooks says (<https://www.standardwebhooks.com>).

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, Request,
    header::{CONTENT_TYPE, InvalidHeaderValue},
};
use poolhouse_domain::{time::Timestamp, triggers::Invocation};

/// What secrets begin with.
const PREFIX: &str = "whsec_";

/// The secrets that requests to one webhook are signed with; none if they are not signed.
#[derive(Default)]
pub struct Secrets(Vec<hmac::Key>);

impl Secrets {
    /// Reads secrets that are parted by spaces. Each request is signed with all of them, so that
    /// one can be exchanged for another while requests come.
    ///
    /// # Errors
    /// What is wrong, without a word of the secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys: Result<Vec<_>, _> = text.split_whitespace().map(key).collect();
        let keys = keys?;
        if keys.is_empty() { Err("is empty".to_owned()) } else { Ok(Self(keys)) }
    }

    /// The value of `webhook-signature`; none if nothing is signed.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> Option<String> {
        let signed = format!("{id}.{seconds}.{body}");
        let signatures = self.0.iter().map(|key| {
            let signature = hmac::sign(key, signed.as_bytes());
            format!("v1,{}", STANDARD.encode(signature))
        });
        let all = signatures.collect::<Vec<_>>().join(" ");
        Some(all).filter(|all| !all.is_empty())
    }
}

fn key(secret: &str) -> Result<hmac::Key, String> {
    let encoded = secret.strip_prefix(PREFIX).ok_or("a secret must begin with whsec_")?;
    let bytes = STANDARD.decode(encoded).map_err(|_| "a secret must be base64 behind whsec_")?;
    // The bounds of the specification.
    if (24..=64).contains(&bytes.len()) {
        return Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    }
    Err("a secret must have 24 to 64 bytes".to_owned())
}

/// The request for an invocation. `now` is the time of this attempt; the id stays the same.
pub(super) fn request(
    url: &str,
    secrets: &Secrets,
    call: &Invocation,
    now: Timestamp,
) -> Result<Request<String>, http::Error> {
    let mut request = Request::post(url).body(call.event.clone())?;
    let value = |text: &str| -> Result<HeaderValue, InvalidHeaderValue> { text.parse() };
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", value(&call.id)?);
    headers.insert("webhook-timestamp", HeaderValue::from(now.seconds()));
    if let Some(signature) = secrets.sign(&call.id, now.seconds(), &call.event) {
        headers.insert("webhook-signature", value(&signature)?);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: usize) -> String {
        format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]))
    }

    #[test]
    fn the_example_of_the_libraries_is_signed_as_they_sign_it() {
        // From the tests of the `standardwebhooks` libraries.
        let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Some(expected));
    }

    #[test]
    fn every_secret_signs() {
        let one = Secrets::parse(&encoded(24)).unwrap().sign("a", 1, "{}").unwrap();
        let both = format!("{} {}", encoded(24), encoded(64));
        let both = Secrets::parse(&both).unwrap().sign("a", 1, "{}").unwrap();
        let signatures: Vec<_> = both.split(' ').collect();
        assert_eq!((signatures.len(), signatures[0]), (2, one.as_str()));
        assert_ne!(signatures[0], signatures[1]);
        assert_eq!(Secrets::default().sign("a", 1, "{}"), None);
    }

    #[test]
    fn secrets_that_are_weak_or_cut_are_refused() {
        for (text, problem) in [
            (String::new(), "is empty"),
            ("c2VjcmV0".to_owned(), "must begin with whsec_"),
            ("whsec_***".to_owned(), "must be base64"),
            (encoded(23), "24 to 64 bytes"),
            (encoded(65), "24 to 64 bytes"),
        ] {
            let refused = Secrets::parse(&text).err().unwrap();
            assert!(refused.contains(problem), "{refused}");
        }
    }
}
