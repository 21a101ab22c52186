//! From a request as it comes off the wire to the endpoint that answers it.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE, request::Parts,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use poolhouse_api::{ApiRequest, signatures::Signatures};
use poolhouse_domain::ports::{Entropy, Ports};
use serde_json::json;

use crate::{
    cors,
    dev_endpoints::{self, DevTools},
};

/// The largest body that is read, in bytes. The largest that the protocol needs hold assets of
/// branding: a million bytes, in base64.
pub(crate) const LARGEST_BODY: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Paths of our own, apart from those of the service.
const OWN: &str = "/_poolhouse/";

/// Everything that is served.
pub(crate) struct Site {
    /// What operations take.
    pub(crate) ports: Ports,
    /// Whether and how signatures are checked.
    pub(crate) signatures: Box<dyn Signatures>,
    /// Inbox and clock, in `dev` only.
    pub(crate) dev: Option<DevTools>,
}

/// A body that could not be read, and the answer to that.
struct Unreadable {
    status: StatusCode,
    message: String,
}

impl Site {
    /// Answers a request. Whatever happens, it is answered.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request_id = request_id(&*self.ports.entropy);
        let (parts, body) = request.into_parts();
        let answered = unless_it_panics(self.route(&parts, body, &request_id)).await;
        let mut response = answered.unwrap_or_else(|| {
            tracing::error!(request_id, "a request was given up after a panic");
            error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalErrorException",
                "Something went wrong",
            )
        });
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", value);
        }
        if !parts.uri.path().starts_with(OWN) {
            cors::allow(response.headers_mut());
        }
        response.map(|text| Full::new(Bytes::from(text)))
    }

    async fn route<B>(&self, parts: &Parts, body: B, request_id: &str) -> Response<String>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if parts.method == Method::OPTIONS {
            return cors::preflight(parts);
        }
        let body = match read(body, BODY_TIMEOUT).await {
            Ok(body) => body,
            Err(problem) => {
                tracing::info!(request_id, status = problem.status.as_u16(), "body not read");
                return error(problem.status, "SerializationException", &problem.message);
            }
        };
        if let Some(name) = parts.uri.path().strip_prefix(OWN) {
            return dev_endpoints::serve(name, parts, &body, &self.ports, self.dev.as_ref()).await;
        }
        if let Some(response) = poolhouse_web::serve(&self.ports, parts).await {
            tracing::info!(request_id, status = response.status().as_u16(), "document served");
            return response;
        }
        let request = ApiRequest { parts, body: &body, request_id };
        poolhouse_api::serve(&self.ports, &*self.signatures, request).await
    }
}

/// Reads a whole body, within limits of size and time.
async fn read<B>(body: B, patience: Duration) -> Result<Bytes, Unreadable>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = Limited::new(body, LARGEST_BODY).collect();
    match tokio::time::timeout(patience, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        // Status and type are our choice: what the service answers is not on record.
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unreadable {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            message: format!("The request body is larger than {LARGEST_BODY} bytes."),
        }),
        Ok(Err(_)) => Err(Unreadable {
            status: StatusCode::BAD_REQUEST,
            message: "The request body could not be read.".to_owned(),
        }),
        Err(_) => Err(Unreadable {
            status: StatusCode::REQUEST_TIMEOUT,
            message: "The request body did not arrive in time.".to_owned(),
        }),
    }
}

/// An error in the form of the API, for what fails before or outside of it.
fn error(status: StatusCode, name: &str, message: &str) -> Response<String> {
    let body = json!({ "__type": name, "message": message });
    let mut response = Response::new(body.to_string());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(value) = HeaderValue::from_str(&format!("{name}:")) {
        headers.insert("x-amzn-errortype", value);
    }
    if let Ok(value) = HeaderValue::from_str(message) {
        headers.insert("x-amzn-errormessage", value);
    }
    response
}

/// The value of a future, or none if it panicked.
async fn unless_it_panics<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// A random UUID, under which a request is answered and logged.
fn request_id(entropy: &dyn Entropy) -> String {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
        let fits = Full::new(Bytes::from(vec![0; LARGEST_BODY]));
        assert_eq!(read(fits, BODY_TIMEOUT).await.ok().unwrap().len(), LARGEST_BODY);
        let exceeds = Full::new(Bytes::from(vec![0; LARGEST_BODY + 1]));
        assert_eq!(read(exceeds, BODY_TIMEOUT).await.err().unwrap().status, 413);
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        struct Never;
        impl Body for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                Poll::Pending
            }
        }
        assert_eq!(read(Never, Duration::ZERO).await.err().unwrap().status, 408);
    }

    #[tokio::test]
    async fn a_panic_is_told_apart_from_a_value() {
        assert_eq!(unless_it_panics(async { 1 }).await, Some(1));
        let panicking = async { std::iter::empty::<u8>().next().unwrap() };
        assert_eq!(unless_it_panics(panicking).await, None);
    }

    #[test]
    fn errors_of_our_own_look_like_those_of_the_api() {
        let response = error(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", "Too much");
        assert_eq!(response.headers()["x-amzn-errortype"], "SerializationException:");
        assert_eq!(response.headers()["x-amzn-errormessage"], "Too much");
        assert_eq!(response.body(), r#"{"__type":"SerializationException","message":"Too much"}"#);
    }
}
