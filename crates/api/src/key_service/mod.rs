//! The key service that functions of custom senders decrypt codes with: three operations of AWS KMS.
//!
//! SDKs find it by `AWS_ENDPOINT_URL_KMS`. It opens what the server's own keys wrapped
//! ([`poolhouse_domain::key_service::own_keys`]). Requests are signed for the service `kms` with the
//! same access keys, and need permission: `kms:Decrypt` and the like on the ARN of the key.
//!
//! Types of errors are those of the service's model; the texts are beliefs.

mod decrypt;
mod describe_key;
mod generate_data_key;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Response};
use poolhouse_domain::{
    Fault,
    access_keys::{Circumstances, Signer, authorize_for_key},
    key_service::{EncryptionContext, own_keys},
    ports::Ports,
};
use poolhouse_wire::aws_json::{self, ERROR_TYPE_HEADER, RouteError};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    serve::{ApiRequest, response},
    signatures::{Administrator, Authority, Service, Signatures},
};

/// What precedes the operation's name in the `X-Amz-Target` header.
const TARGET_PREFIX: &str = "TrentService.";
/// The only algorithm of symmetric keys.
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Decrypt,
    DescribeKey,
    GenerateDataKey,
}

impl Name {
    fn from_wire(name: &str) -> Option<Self> {
        match name {
            "Decrypt" => Some(Self::Decrypt),
            "DescribeKey" => Some(Self::DescribeKey),
            "GenerateDataKey" => Some(Self::GenerateDataKey),
            _ => None,
        }
    }

    /// The operation as policies name it.
    const fn action(self) -> &'static str {
        match self {
            Self::Decrypt => "kms:Decrypt",
            Self::DescribeKey => "kms:DescribeKey",
            Self::GenerateDataKey => "kms:GenerateDataKey",
        }
    }
}

/// An expected no.
#[derive(Debug)]
struct Refused {
    name: &'static str,
    /// None where the service says nothing.
    message: Option<String>,
}

impl Refused {
    const fn silent(name: &'static str) -> Self {
        Self { name, message: None }
    }

    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: Some(message.into()) }
    }

    /// A required member is missing.
    fn missing(member: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
             Member must not be null"
        );
        Self::new("ValidationException", message)
    }

    fn no_such_key(key_id: &str) -> Self {
        Self::new("NotFoundException", format!("Key '{key_id}' does not exist"))
    }

    /// The service can do this, and Poolhouse can't. To go on without it would be to do something
    /// else than what was asked for.
    fn unsupported(member: &str) -> Self {
        Self::new("UnsupportedOperationException", format!("{member} is not supported."))
    }
}

/// Why there is no answer of the operation.
enum Problem {
    Refused(Refused),
    Fault(Fault),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Whether a request is for the key service.
pub fn is_for_key_service(parts: &http::request::Parts) -> bool {
    operation(parts).is_some()
}

/// What a request of the key service asks for, be it known or not.
fn operation(parts: &http::request::Parts) -> Option<&str> {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    target.and_then(|target| target.strip_prefix(TARGET_PREFIX))
}

/// Answers a request of the key service.
pub(crate) async fn serve(
    ports: &Ports,
    signatures: &dyn Signatures,
    request: ApiRequest<'_>,
) -> Response<String> {
    let started = ports.clock.now();
    let name = operation(request.parts).unwrap_or_default();
    let is_call = request.parts.method == "POST" && request.parts.uri.path() == "/";
    let Some(name) = Name::from_wire(name).filter(|_| is_call) else {
        return error(400, &Refused::silent(RouteError::TYPE));
    };
    let (outcome, response) = match answer(ports, signatures, name, request).await {
        Ok(output) => ("ok", response(200, output.to_string())),
        Err(Problem::Refused(refused)) => (refused.name, error(400, &refused)),
        Err(Problem::Fault(fault)) => {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(operation = name.action(), %fault, source, "operation failed");
            // Clients try again after this one.
            let refused = Refused::new("KMSInternalException", "Something went wrong");
            (refused.name, error(500, &refused))
        }
    };
    let micros = ports.clock.now().micros() - started.micros();
    let request_id = request.request_id;
    tracing::info!(operation = name.action(), outcome, micros, request_id, "answered");
    response
}

async fn answer(
    ports: &Ports,
    signatures: &dyn Signatures,
    name: Name,
    request: ApiRequest<'_>,
) -> Result<Value, Problem> {
    let verified = signatures.verify(Service::Keys, request.parts, request.body).await?;
    let signer = verified.map_err(|refused| Refused::new(refused.type_name, refused.message))?;
    let asked = Asked { ports, signer: &signer, name };
    match name {
        Name::Decrypt => decrypt::handle(&asked, read(request.body)?),
        Name::DescribeKey => Ok(describe_key::handle(&asked, &read(request.body)?)?),
        Name::GenerateDataKey => Ok(generate_data_key::handle(&asked, read(request.body)?)?),
    }
}

/// Who asks for which operation.
struct Asked<'a> {
    ports: &'a Ports,
    signer: &'a Administrator,
    name: Name,
}

impl Asked<'_> {
    /// The ARN of the key that a request names.
    fn key_arn(&self, key_id: Option<&str>) -> Result<String, Refused> {
        let key_id = key_id.ok_or_else(|| Refused::missing("keyId"))?;
        let arn = own_keys::key_arn(&self.ports.identity, key_id);
        arn.ok_or_else(|| Refused::no_such_key(key_id))
    }

    /// Whether whoever asks may do this with the key.
    fn permit(&self, key_arn: &str, context: Option<&EncryptionContext>) -> Result<(), Refused> {
        let Authority::Limited(policies) = &self.signer.authority else {
            return Ok(());
        };
        let caller = &self.ports.caller;
        let signer = Signer {
            name: &self.signer.name,
            policies,
            region: &self.signer.region,
            circumstances: Circumstances { source: caller.ip, is_secure: caller.is_secure },
        };
        let (identity, now) = (&self.ports.identity, self.ports.clock.now());
        authorize_for_key(&signer, identity, self.name.action(), key_arn, context, now)
            .map_err(|denied| Refused::new("AccessDeniedException", denied.to_string()))
    }
}

/// Reads the body of a request. Members that are not understood here are those that change nothing.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|_| Refused::silent("SerializationException"))
}

/// Bytes, which JSON has in base64.
struct Blob(Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// An error answer.
fn error(status: u16, refused: &Refused) -> Response<String> {
    let message = refused.message.as_deref();
    let body = match message {
        Some(message) => aws_json::error_body(refused.name, message),
        None => aws_json::framework_error_body(refused.name, None),
    };
    let mut response = response(status, body);
    let texts = aws_json::error_headers(refused.name, message.unwrap_or_default());
    if let Ok(value) = HeaderValue::from_str(&texts.error_type) {
        response.headers_mut().insert(ERROR_TYPE_HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests;
