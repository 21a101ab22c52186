//! From a request as it comes off the wire to the endpoint that answers it.

use std::{
    future::{Future, poll_fn},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE, request::Parts,
};
use http_body_util::Full;
use hyper::body::Body;
use poolhouse_api::{ApiRequest, signatures::Signatures};
use poolhouse_domain::{
    access_keys::Circumstances,
    ports::{Entropy, Ports},
};
use serde_json::json;

use crate::{
    body::BodyMemory,
    cors,
    dev_endpoints::{self, DevTools, OWN},
};

/// Everything that is served.
pub(crate) struct Site {
    /// What operations take.
    pub(crate) ports: Ports,
    /// Whether and how signatures are checked.
    pub(crate) signatures: Box<dyn Signatures>,
    /// Whether a proxy passes requests on, and tells whose they are.
    pub(crate) trusts_proxy: bool,
    /// The memory for requests.
    pub(crate) bodies: BodyMemory,
    /// Inbox and clock, in `dev` only.
    pub(crate) dev: Option<DevTools>,
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
        if let Some(Err(refusal)) = self.dev.as_ref().map(|dev| dev.hosts.check(parts)) {
            tracing::info!(request_id, refusal, "refused");
            return error(StatusCode::FORBIDDEN, "AccessDeniedException", &refusal);
        }
        if parts.method == Method::OPTIONS {
            return cors::preflight(parts);
        }
        let body = match self.bodies.read(parts, body).await {
            Ok(body) => body,
            Err(problem) => {
                tracing::info!(request_id, status = problem.status.as_u16(), "body not read");
                return error(problem.status, problem.name, &problem.message);
            }
        };
        let body = body.bytes();
        if let Some(name) = parts.uri.path().strip_prefix(OWN) {
            return dev_endpoints::serve(name, parts, body, &self.ports, self.dev.as_ref()).await;
        }
        if let Some(response) = poolhouse_web::serve(&self.ports, parts).await {
            tracing::info!(request_id, status = response.status().as_u16(), "document served");
            return response;
        }
        let circumstances = circumstances(parts, self.trusts_proxy);
        let request = ApiRequest { parts, body, request_id, circumstances };
        poolhouse_api::serve(&self.ports, &*self.signatures, request).await
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// The address.
    pub(crate) address: IpAddr,
    /// Whether this server itself does TLS on it.
    pub(crate) is_tls: bool,
}

/// How a request came in. A trusted proxy, which does TLS, may tell in `X-Forwarded-For` where it
/// has it from, and in `X-Forwarded-Proto` that it was not TLS there; what clients wrote into the
/// former themselves stands before what the proxy adds.
fn circumstances(parts: &Parts, trusts_proxy: bool) -> Circumstances {
    let peer = parts.extensions.get::<Peer>();
    let direct = Circumstances {
        source: peer.map(|peer| peer.address),
        is_secure: peer.is_some_and(|peer| peer.is_tls),
    };
    if !trusts_proxy {
        return direct;
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let scheme = parts.headers.get("x-forwarded-proto").map(text);
    let is_secure = scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case("https"));
    let Some(told) = parts.headers.get_all("x-forwarded-for").iter().next_back().map(text) else {
        return Circumstances { is_secure, ..direct };
    };
    let last = told.rsplit(',').next().unwrap_or_default().trim();
    Circumstances { source: last.parse().ok(), is_secure }
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
    use poolhouse_testkit::Kit;

    use super::*;
    use crate::signatures::Unchecked;

    #[tokio::test]
    async fn a_body_that_no_memory_is_left_for_is_answered_so_that_clients_try_again() {
        let ports = Kit::new().await.unwrap().ports;
        let bodies = BodyMemory::none();
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let site = Site { ports, signatures, trusts_proxy: false, bodies, dev: None };
        let request = Request::post("/").body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let response = site.answer(request).await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["x-amzn-errortype"], "ServiceUnavailable:");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }

    #[test]
    fn a_trusted_proxy_tells_where_a_request_came_from() {
        let peer = Peer { address: [10, 0, 0, 1].into(), is_tls: false };
        let parts = |headers: &[(&str, &str)]| {
            let mut request = Request::get("/").extension(peer);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            request.body(()).unwrap().into_parts().0
        };
        let told = [("x-forwarded-for", "1.1.1.1, 192.0.2.7"), ("x-forwarded-proto", "http")];
        let of = |headers: &[(&str, &str)], trusts_proxy| {
            let found = circumstances(&parts(headers), trusts_proxy);
            (found.source.map(|source| source.to_string()), found.is_secure)
        };
        let address = |text: &str| Some(text.to_owned());
        assert_eq!(of(&told, false), (address("10.0.0.1"), false), "anybody can send headers");
        assert_eq!(of(&told, true), (address("192.0.2.7"), false));
        assert_eq!(of(&told[..1], true), (address("192.0.2.7"), true));
        assert_eq!(of(&[("x-forwarded-for", "x")], true), (None, true));
        assert_eq!(of(&[], true), (address("10.0.0.1"), true));
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
