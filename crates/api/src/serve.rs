//! From an HTTP request to an HTTP response, for any operation.

use std::{future::Future, sync::Arc, time::Duration};

use http::{
    HeaderValue, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use poolhouse_domain::{Fault, ports::Ports, triggers::Remembered};
use poolhouse_wire::{
    Auth, DecodeError, Operation, OperationName,
    aws_json::{
        self, CONTENT_TYPE as AWS_JSON, ERROR_MESSAGE_HEADER, ERROR_TYPE_HEADER, RouteError,
    },
};

use crate::{
    dispatch,
    failure::{Answer, Unanswered},
    gate::{Closed, Gate},
    key_service,
    signatures::{Administrator, Service, SignatureRefused, Signatures},
};

/// A request whose body has been read.
#[derive(Clone, Copy)]
pub struct ApiRequest<'a> {
    /// Method, URI and headers.
    pub parts: &'a http::request::Parts,
    /// The whole body.
    pub body: &'a [u8],
    /// The id under which the request is logged and answered.
    pub request_id: &'a str,
}

/// One operation, with its rules behind it.
pub(crate) trait Handle: Operation {
    /// Does what the operation does.
    fn handle(ports: &Ports, input: Self::Input) -> impl Future<Output = Answer<Self>> + Send
    where
        Self: Sized;
}

/// Answers a request of the user pool API, or of the key service. Never fails: what goes wrong becomes an error answer.
/// `ports` are those of this request: they tell its caller.
pub async fn serve(
    mut ports: Ports,
    signatures: &dyn Signatures,
    request: ApiRequest<'_>,
) -> Response<String> {
    let target = request.parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok());
    if key_service::is_for_key_service(request.parts) {
        return key_service::serve(&ports, signatures, request).await;
    }
    let path = request.parts.uri.path();
    let name = match aws_json::route(request.parts.method.as_str(), path, target) {
        Ok(name) => name,
        Err(problem) => return unknown_operation(problem),
    };
    let started = ports.clock.now();
    // For one request: an operation that runs again does not ask its functions again.
    ports.functions = Arc::new(Remembered::new(ports.functions));
    let response = match check_signature(signatures, name, request).await {
        Ok(Ok(signer)) => {
            ports.caller.is_administrator = signer.is_some();
            let gate = Gate { administrator: signer.as_ref() };
            dispatch::dispatch(&ports, gate, name, request.body).await
        }
        Ok(Err(refused)) => error(400, refused.type_name, &refused.message),
        Err(fault) => faulted(name, &fault),
    };
    log(name, &response, request.request_id, ports.clock.now().micros() - started.micros());
    response
}

/// One line for each request: what was asked, what was answered, how long it took.
fn log(name: OperationName, response: &Response<String>, request_id: &str, micros: i64) {
    let outcome = response.headers().get(ERROR_TYPE_HEADER).and_then(|v| v.to_str().ok());
    let outcome = outcome.map_or("ok", |name| name.trim_end_matches(':'));
    tracing::info!(operation = name.as_str(), outcome, micros, request_id, "answered");
}

/// Whether a request has a signature, in its headers or its query.
fn is_signed(parts: &http::request::Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    parts.headers.contains_key(AUTHORIZATION) || query.contains("X-Amz-Signature=")
}

/// Verifies the signature where the operation asks for one; answers who signed.
///
/// App clients call two operations with their secret. SDKs sign these with whatever keys they find, as
/// the model doesn't say that no signature is needed.
async fn check_signature(
    signatures: &dyn Signatures,
    name: OperationName,
    request: ApiRequest<'_>,
) -> Result<Result<Option<Administrator>, SignatureRefused>, Fault> {
    match name.auth() {
        Auth::None => Ok(Ok(None)),
        // The app client's secret alone counts, so that no permission is asked of whoever signs.
        Auth::SigV4 if name == OperationName::GetClientToken => Ok(Ok(None)),
        Auth::SigV4 if name == OperationName::GetDerivedToken => {
            if !is_signed(request.parts) {
                return Ok(Ok(None));
            }
            let verified = signatures.verify(Service::UserPools, request.parts, request.body);
            Ok(Ok(verified.await?.ok()))
        }
        Auth::SigV4 => {
            let verified = signatures.verify(Service::UserPools, request.parts, request.body);
            Ok(verified.await?.map(Some))
        }
    }
}

/// How often an operation is tried when concurrent changes win.
const TRIES: u32 = 12;

/// Decodes the input, checks whether it may pass, runs the operation, and renders what it answers.
///
/// An operation that lost against a concurrent change runs again: nothing was written, and
/// messages leave only after a commit.
pub(crate) async fn run<Op: Handle>(
    ports: &Ports,
    gate: Gate<'_>,
    body: &[u8],
) -> Response<String> {
    let input = match Op::decode(body) {
        Ok(input) => input,
        Err(problem) => return undecodable(&problem),
    };
    match gate.check(ports, Op::NAME_ENUM, Op::about(&input)).await {
        Ok(Ok(())) => {}
        Ok(Err(closed)) => return refused_at_gate(&closed),
        Err(fault) => return faulted(Op::NAME_ENUM, &fault),
    }
    let mut tries = 1;
    let answer = loop {
        match Op::handle(ports, input.clone()).await {
            Err(Unanswered::Fault(Fault::Conflict(_))) if tries < TRIES => {
                wait_before_retry(ports, tries).await;
                tries += 1;
            }
            answer => break answer,
        }
    };
    match answer {
        Ok(output) => success(&output),
        Err(Unanswered::Refused(failure)) => {
            error(failure.status(), failure.name(), failure.message())
        }
        Err(Unanswered::Fault(fault)) => faulted(Op::NAME_ENUM, &fault),
    }
}

/// Waits a random while that grows with the number of tries, so that rivals don't meet again.
async fn wait_before_retry(ports: &Ports, tries: u32) {
    let mut random = [0_u8; 1];
    ports.entropy.fill(&mut random);
    let [jitter] = random;
    let micros = (500_u64 << tries.min(6)) + u64::from(jitter) * 20;
    tokio::time::sleep(Duration::from_micros(micros)).await;
}

/// Status 200 with the output.
fn success<T: poolhouse_wire::Encode>(output: &T) -> Response<String> {
    response(200, poolhouse_wire::to_json(output))
}

/// A request that is no operation of ours.
fn unknown_operation(problem: RouteError) -> Response<String> {
    let mut response = response(problem.status(), problem.body().to_owned());
    name_error(&mut response, RouteError::TYPE, "");
    response
}

/// A body that can't be read as the operation's input.
pub(crate) fn undecodable(problem: &DecodeError) -> Response<String> {
    let message = match problem {
        DecodeError::Invalid(message) => message.as_str(),
        DecodeError::Serialization { message } => message.as_deref().unwrap_or_default(),
    };
    let mut response = response(400, problem.body());
    name_error(&mut response, problem.error_type(), message);
    response
}

/// A request that did not get to its operation. All of them have status 400, also where the model
/// does not list the error for the operation; only that of permissions has a capital `Message`.
fn refused_at_gate(closed: &Closed) -> Response<String> {
    match closed {
        Closed::Denied(message) => {
            let name = "AccessDeniedException";
            let body = aws_json::framework_error_body(name, Some(message));
            let mut response = response(400, body);
            name_error(&mut response, name, message);
            response
        }
        Closed::Rate(message) => error(400, "TooManyRequestsException", message),
        Closed::NotInRegion(message) => error(400, "ResourceNotFoundException", message),
        Closed::NotOnReplica(message) => error(400, "OperationNotEnabledException", message),
    }
}

/// A failure of ours: logged with its source, told without it. That others have won too often is
/// told as such by the operations that list an error for it. (The text is a belief.)
fn faulted(name: OperationName, fault: &Fault) -> Response<String> {
    let rivals = "ConcurrentModificationException";
    if matches!(fault, Fault::Conflict(_)) && name.errors().contains(&rivals) {
        tracing::warn!(operation = name.as_str(), "gave up after conflicts");
        return error(400, rivals, "Concurrent modifications are in progress. Please try again.");
    }
    let source = std::error::Error::source(fault).map(ToString::to_string);
    tracing::error!(operation = name.as_str(), %fault, source, "operation failed");
    // A few newer operations list another name for it.
    let newer = "InternalServerException";
    let is_newer = name.errors().contains(&newer);
    let code = if is_newer { newer } else { "InternalErrorException" };
    error(500, code, "Something went wrong")
}

/// An error answer.
pub(crate) fn error(status: u16, name: &str, message: &str) -> Response<String> {
    let mut response = response(status, aws_json::error_body(name, message));
    name_error(&mut response, name, message);
    response
}

/// Adds the headers from which some clients read the error.
fn name_error(response: &mut Response<String>, name: &str, message: &str) {
    let texts = aws_json::error_headers(name, message);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&texts.error_type) {
        headers.insert(ERROR_TYPE_HEADER, value);
    }
    if let (false, Ok(value)) = (message.is_empty(), HeaderValue::from_str(&texts.error_message)) {
        headers.insert(ERROR_MESSAGE_HEADER, value);
    }
}

/// A response in the protocol's content type.
pub(crate) fn response(status: u16, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(AWS_JSON));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, type and message of what is said of a fault.
    fn told(name: OperationName, fault: &Fault) -> (u16, String, String) {
        let answer = faulted(name, fault);
        let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        (answer.status().as_u16(), text("__type"), text("message"))
    }

    #[test]
    fn rivals_that_always_win_are_named_where_the_operation_lists_them() {
        let conflict = Fault::Conflict("a version".to_owned());
        for name in [OperationName::UpdateUserPool, OperationName::DeleteUserPoolClient] {
            let message = "Concurrent modifications are in progress. Please try again.";
            let rivals = "ConcurrentModificationException".to_owned();
            assert_eq!(told(name, &conflict), (400, rivals, message.to_owned()));
        }
        for (name, code) in [
            (OperationName::CreateUserPool, "InternalErrorException"),
            (OperationName::AddUserPoolClientSecret, "InternalServerException"),
        ] {
            let message = "Something went wrong".to_owned();
            assert_eq!(told(name, &conflict), (500, code.to_owned(), message));
        }
    }
}
