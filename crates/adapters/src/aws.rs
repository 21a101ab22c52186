//! Signed requests to AWS, and to servers that speak its protocols. (Who signed a request to this
//! server is told by [`signature`](crate::signature).)

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::Request;
use poolhouse_domain::time::Timestamp;

/// The error of something that can't happen with checked settings.
pub(crate) type Unfit = Box<dyn std::error::Error + Send + Sync>;

/// The address of a service of AWS in a region.
pub(crate) fn endpoint(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{suffix}")
}

/// The access key with which requests are signed. Its secret parts are never shown.
#[derive(Clone, Debug)]
pub struct AccessKey(Credentials);

impl AccessKey {
    /// A key; temporary ones have a session token.
    pub fn new(id: &str, secret: &str, session_token: Option<String>) -> Self {
        Self(Credentials::new(id, secret, session_token, None, "configuration"))
    }

    /// For servers that do not look at signatures.
    pub fn any() -> Self {
        Self::new("test", "test", None)
    }

    /// Signs a request with all its headers, and its body, for a service. `now` is the time of the
    /// outside world, which the signature is compared with.
    pub(crate) fn sign(
        &self,
        request: &mut Request<String>,
        service: &str,
        region: &str,
        now: Timestamp,
    ) -> Result<(), Unfit> {
        let identity = self.0.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(UNIX_EPOCH + Duration::from_micros(now.micros().try_into()?))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let (method, url) = (request.method().as_str(), request.uri().to_string());
        let headers = request.headers().iter();
        let headers: Result<Vec<_>, _> = headers
            .map(|(name, value)| value.to_str().map(|value| (name.as_str(), value)))
            .collect();
        let body = SignableBody::Bytes(request.body().as_bytes());
        let signable = SignableRequest::new(method, &url, headers?.into_iter(), body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_has_addresses_of_its_own() {
        assert_eq!(endpoint("kms", "eu-west-1"), "https://kms.eu-west-1.amazonaws.com");
        assert_eq!(endpoint("sns", "cn-north-1"), "https://sns.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn secrets_are_not_shown() {
        let key = AccessKey::new("AKIA", "hunter2", Some("hunter3".to_owned()));
        assert!(!format!("{key:?}").contains("hunter"));
    }
}
