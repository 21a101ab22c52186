//! From a request as it comes off the wire to the endpoint that answers it.

use std::{
    future::{Future, poll_fn},
    net::{IpAddr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HOST, USER_AGENT},
    request::Parts,
};
use http_body_util::Full;
use hyper::body::Body;
use poolhouse_api::{ApiRequest, InProcess, signatures::Signatures};
use poolhouse_domain::{
    caller::Caller,
    ports::{Entropy, Ports},
};
use poolhouse_web::{
    login,
    oauth::headers::SameOrigin,
    pages::{files, gallery},
};
use serde_json::json;

use crate::{
    body::BodyMemory,
    cors,
    dev_endpoints::{self, DevTools, OWN},
    imports::{IMPORTS, Imports},
};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether it speaks TLS with this server.
    pub(crate) is_tls: bool,
}

/// Everything that is served.
pub(crate) struct Site {
    /// What operations take.
    pub(crate) ports: Ports,
    /// Whether and how signatures are checked.
    pub(crate) signatures: Box<dyn Signatures>,
    /// The memory for requests.
    pub(crate) bodies: BodyMemory,
    /// What takes files for import.
    pub(crate) imports: Imports,
    /// Inbox and clock, in `dev` only.
    pub(crate) dev: Option<DevTools>,
    /// Whether `X-Forwarded-For` tells who the client is: behind a proxy, which writes it, and in
    /// `dev`, where a test may pretend to be anywhere.
    pub(crate) is_forwarded: bool,
}

/// Runs what was begun to its end, also if the client goes away meanwhile: functions are told of what
/// was committed, and nobody takes a guess back by hanging up. The memory for requests bounds how many
/// of these there are.
async fn to_its_end(
    work: impl Future<Output = Response<Bytes>> + Send + 'static,
) -> Response<Bytes> {
    match tokio::spawn(work).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => went_wrong(),
        },
    }
}

fn went_wrong() -> Response<Bytes> {
    let (status, name) = (StatusCode::INTERNAL_SERVER_ERROR, "InternalErrorException");
    error(status, name, "Something went wrong").map(Bytes::from)
}

impl Site {
    /// Answers a request that came over a connection from `peer`. Whatever happens, it is answered.
    pub(crate) async fn answer<B>(
        self: &Arc<Self>,
        peer: Option<Peer>,
        request: Request<B>,
    ) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request_id = request_id(&*self.ports.entropy);
        let (parts, body) = request.into_parts();
        let answered = unless_it_panics(self.route(peer, &parts, body, &request_id)).await;
        let mut response = answered.unwrap_or_else(|| {
            tracing::error!(request_id, "a request was given up after a panic");
            went_wrong()
        });
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("x-amzn-requestid", value);
        }
        let path = parts.uri.path();
        let is_private = path.starts_with(OWN) || poolhouse_web::is_page(path);
        if !is_private && response.extensions().get::<SameOrigin>().is_none() {
            cors::allow(response.headers_mut());
        }
        if let Some(record) = self.dev.as_ref().and_then(|dev| dev.record.as_ref()) {
            record.note(&parts, &response);
        }
        response.map(Full::new)
    }

    async fn route<B>(
        self: &Arc<Self>,
        peer: Option<Peer>,
        parts: &Parts,
        body: B,
        request_id: &str,
    ) -> Response<Bytes>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Some(Err(refusal)) = self.dev.as_ref().map(|dev| dev.hosts.check(parts)) {
            tracing::info!(request_id, refusal, "refused");
            return error(StatusCode::FORBIDDEN, "AccessDeniedException", &refusal)
                .map(Bytes::from);
        }
        if parts.headers.get_all(HOST).iter().nth(1).is_some() {
            // RFC 9112 section 3.2: a proxy in front may have gone by the other one.
            let text = "There is more than one Host header.";
            let status = StatusCode::BAD_REQUEST;
            return error(status, "SerializationException", text).map(Bytes::from);
        }
        if parts.method == Method::OPTIONS && !poolhouse_web::is_page(parts.uri.path()) {
            return cors::preflight(parts).map(Bytes::from);
        }
        let own = parts.uri.path().strip_prefix(OWN);
        if let Some(path) = own.and_then(|name| name.strip_prefix(IMPORTS)) {
            let is_dev = self.dev.is_some();
            let answer = self.imports.serve(path, parts, body, &self.ports, is_dev).await;
            return answer.map(Bytes::from);
        }
        let gallery = own.and_then(|name| name.strip_prefix(gallery::PATH));
        if let (Some(page), true) = (gallery, self.dev.is_some()) {
            return gallery::serve(&self.ports, parts, page).await.map(Bytes::from);
        }
        let body = match self.bodies.read(parts, body).await {
            Ok(body) => body,
            Err(problem) => {
                tracing::info!(request_id, status = problem.status.as_u16(), "body not read");
                return error(problem.status, problem.name, &problem.message).map(Bytes::from);
            }
        };
        if let Some(name) = own {
            let dev = self.dev.as_ref();
            return dev_endpoints::serve(name, parts, body.bytes(), &self.ports, dev)
                .await
                .map(Bytes::from);
        }
        let mut caller = self.caller(peer, parts);
        request_id.clone_into(&mut caller.request_id);
        let ports = Ports { caller, ..self.ports.clone() };
        let (site, parts, id) = (Arc::clone(self), parts.clone(), request_id.to_owned());
        to_its_end(async move { site.operate(ports, &parts, body.bytes(), &id).await }).await
    }

    /// Answers a request whose body has been read, of an application or a browser.
    async fn operate(
        &self,
        ports: Ports,
        parts: &Parts,
        body: &[u8],
        request_id: &str,
    ) -> Response<Bytes> {
        let request = ApiRequest { parts, body, request_id };
        if parts.headers.contains_key("x-amz-target") {
            return poolhouse_api::serve(ports, &*self.signatures, request).await.map(Bytes::from);
        }
        if let Some(response) = poolhouse_web::oauth::serve(&ports, parts, body).await {
            tracing::info!(request_id, status = response.status().as_u16(), "domain answered");
            return response.map(Bytes::from);
        }
        // Boxed, because it is by far the largest: every request would carry room for it.
        if let Some(response) = Box::pin(login::serve(&ports, &InProcess, parts, body)).await {
            tracing::info!(request_id, status = response.status().as_u16(), "login page answered");
            return response.map(Bytes::from);
        }
        if let Some(response) = poolhouse_web::serve(&self.ports, parts).await {
            tracing::info!(request_id, status = response.status().as_u16(), "document served");
            return response.map(Bytes::from);
        }
        if let Some(response) = poolhouse_web::assets::serve(&self.ports, parts).await {
            tracing::info!(request_id, status = response.status().as_u16(), "image served");
            return response.map(Bytes::from);
        }
        if let Some(response) = files::serve(&self.ports, parts).await {
            tracing::debug!(
                request_id,
                status = response.status().as_u16(),
                "file of pages served"
            );
            return response.map(Bytes::from);
        }
        poolhouse_api::serve(ports, &*self.signatures, request).await.map(Bytes::from)
    }

    /// Who sends a request.
    fn caller(&self, peer: Option<Peer>, parts: &Parts) -> Caller {
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let (address, is_tls) = (peer.map(|peer| peer.address), peer.is_some_and(|p| p.is_tls));
        let forwarded = self.is_forwarded.then(|| forwarded_for(parts)).flatten();
        // An address that can't be read must not make the proxy's own count.
        let ip = forwarded.map_or(address, Forwarded::address);
        // A proxy that says nothing does TLS; before `dev` there is usually none.
        let is_silent_proxy_secure = self.is_forwarded && self.dev.is_none();
        let is_told = self.is_forwarded.then(|| forwarded_tls(parts)).flatten();
        let is_secure = is_tls || is_told.unwrap_or(is_silent_proxy_secure);
        Caller { is_secure, ..Caller::new(ip, user_agent) }
    }
}

/// What a proxy says of where a request came from.
struct Forwarded<'a>(&'a str);

impl Forwarded<'_> {
    /// The address, if it is one. Some proxies add the port.
    fn address(self) -> Option<IpAddr> {
        let address = self.0.parse::<SocketAddr>().map(|address| address.ip());
        address.ok().or_else(|| self.0.trim_matches(['[', ']']).parse().ok())
    }
}

/// What the proxy in front of this server has seen. It stands last: what is before it came from the
/// client, who can write anything.
fn forwarded_for(parts: &Parts) -> Option<Forwarded<'_>> {
    let line = parts.headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = line.to_str().unwrap_or_default().rsplit(',').next().unwrap_or_default();
    Some(Forwarded(last.trim()))
}

/// Whether the proxy says that there was TLS; none if it says nothing.
fn forwarded_tls(parts: &Parts) -> Option<bool> {
    let line = parts.headers.get_all("x-forwarded-proto").iter().next_back()?;
    let last = line.to_str().unwrap_or_default().rsplit(',').next().unwrap_or_default();
    Some(last.trim().eq_ignore_ascii_case("https"))
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
    use std::{sync::Mutex, time::Duration};

    use async_trait::async_trait;
    use http_body_util::BodyExt as _;
    use poolhouse_domain::{
        domains::UserPoolDomain,
        shapes::{DomainDescriptionType, UserPoolType, UserStatusType},
        triggers::{Functions, Invocation, InvocationFailed, Trigger},
        user_pools::UserPool,
    };
    use poolhouse_testkit::Kit;
    use tokio::sync::Notify;

    use super::*;
    use crate::signatures::Unchecked;

    #[tokio::test]
    async fn a_body_that_no_memory_is_left_for_is_answered_so_that_clients_try_again() {
        let ports = Kit::new().await.unwrap().ports;
        let bodies = BodyMemory::none();
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let site = Arc::new(Site {
            ports,
            signatures,
            bodies,
            imports: Imports::default(),
            dev: None,
            is_forwarded: false,
        });
        let request = Request::post("/").body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        let response = site.answer(None, request).await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["x-amzn-errortype"], "ServiceUnavailable:");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
    }

    /// A server with the domain `shop`.
    async fn ports_with_domain() -> Ports {
        let ports = Kit::new().await.unwrap().ports;
        let settings = UserPoolType { id: Some("p_1".to_owned()), ..UserPoolType::default() };
        let domain = DomainDescriptionType {
            user_pool_id: Some("p_1".to_owned()),
            domain: Some("shop".to_owned()),
            ..DomainDescriptionType::default()
        };
        let domain = UserPoolDomain { settings: domain, ..UserPoolDomain::default() };
        let mut tx = ports.store.write().await.unwrap();
        tx.insert_user_pool(&UserPool { settings, ..UserPool::default() }).await.unwrap();
        tx.insert_domain(&domain).await.unwrap();
        tx.commit().await.unwrap();
        ports
    }

    #[tokio::test]
    async fn the_addresses_of_a_domain_are_where_it_was_asked() {
        let ports = ports_with_domain().await;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::default(), Imports::default());
        let site =
            Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: false });
        for (is_tls, address) in
            [(false, "http://shop.auth.localhost:7665"), (true, "https://shop.auth.localhost:7665")]
        {
            let peer = Peer { address: [127, 0, 0, 1].into(), is_tls };
            let request = Request::get("/logout?client_id=nobody&logout_uri=https://app.test/");
            let request = request.header("host", "shop.auth.localhost:7665");
            let answer = site.answer(Some(peer), request.body(Full::new(Bytes::new())).unwrap());
            let location = answer.await.headers()["location"].to_str().unwrap().to_owned();
            assert!(location.starts_with(&format!("{address}/error?")), "{location}");
        }
    }

    #[tokio::test]
    async fn pages_of_a_domain_are_not_for_other_origins_and_its_tokens_are() {
        let ports = ports_with_domain().await;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::default(), Imports::default());
        let site =
            Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: true });
        let ask = async |request: http::request::Builder| {
            let request = request.header("host", "shop.auth.localhost");
            site.answer(None, request.body(Full::new(Bytes::new())).unwrap()).await
        };
        let page = ask(Request::get("/oauth2/authorize")).await;
        assert_eq!(page.status(), 400);
        assert!(!page.headers().contains_key("access-control-allow-origin"));
        let id = page.headers()["x-amz-cognito-request-id"].clone();
        assert_eq!(page.headers()["x-amzn-requestid"], id);
        let tokens = ask(Request::post("/oauth2/token")).await;
        assert_eq!(tokens.status(), 400);
        assert_eq!(tokens.headers()["access-control-allow-origin"], "*");
        let api = ask(Request::post("/")).await;
        assert!(api.headers().contains_key("x-amzn-errortype"), "the API is there, too");
    }

    /// More than anybody may send without a signature.
    static LARGE: [u8; 256 * 1024 + 1] = [b'x'; 256 * 1024 + 1];

    #[tokio::test]
    async fn whatever_is_answered_at_the_path_of_a_page_is_not_for_other_origins() {
        let ports = Kit::new().await.unwrap().ports;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::default(), Imports::default());
        let site =
            Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: false });
        let ask = async |method: &Method, path: &str, body: &'static [u8]| {
            let request = Request::builder().method(method).uri(path).header("host", "a.test");
            let request = request.header("origin", "https://evil.test");
            let request = request.header("access-control-request-method", "POST");
            let body = Full::new(Bytes::from_static(body));
            site.answer(None, request.body(body).unwrap()).await
        };
        for (path, is_shared) in [
            ("/login", false),
            ("/shop/LOGIN", false),
            ("/oauth2/login", false),
            ("/signup", false),
            ("/forgotPassword", false),
            ("/confirmUser", false),
            ("/logout", false),
            ("/error", false),
            ("/oauth2/authorize", false),
            ("/oauth2/register", false),
            ("/p_1/feedback/sub/event/Valid/token", false),
            ("/", true),
            ("/oauth2/token", true),
            ("/shop/oauth2/userInfo", true),
            ("/oauth2/revoke", true),
            ("/p_1/.well-known/jwks.json", true),
        ] {
            for (method, body) in [
                (Method::OPTIONS, &b""[..]),
                (Method::GET, b""),
                (Method::PUT, b""),
                (Method::POST, &LARGE),
            ] {
                let answer = ask(&method, path, body).await;
                let headers = answer.headers();
                let case = format!("{method} {path}");
                assert_eq!(
                    headers.contains_key("access-control-allow-origin"),
                    is_shared,
                    "{case}"
                );
                let is_preflight = is_shared && method == Method::OPTIONS;
                let allowed = headers.contains_key("access-control-allow-methods");
                assert_eq!(allowed, is_preflight, "{case}");
                assert_eq!(answer.status() == 413, !body.is_empty(), "{case}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_for_two_hosts_is_refused() {
        let ports = Kit::new().await.unwrap().ports;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::default(), Imports::default());
        let site =
            Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: false });
        for (hosts, status) in [(&["a.test"][..], 404), (&["a.test", "a.test"], 400)] {
            let mut request = Request::get("/login");
            for host in hosts {
                request = request.header("host", *host);
            }
            let answer = site.answer(None, request.body(Full::new(Bytes::new())).unwrap()).await;
            assert_eq!(answer.status(), status, "{hosts:?}");
        }
    }

    #[tokio::test]
    async fn the_address_that_the_proxy_saw_counts_and_only_behind_a_proxy() {
        let ports = Kit::new().await.unwrap().ports;
        let (bodies, signatures) =
            (BodyMemory::none(), Box::new(Unchecked { region: "us-east-1".to_owned() }));
        let imports = Imports::default();
        let mut site = Site { ports, signatures, bodies, imports, dev: None, is_forwarded: true };
        let seen = |site: &Site, forwarded: &[&str]| {
            let mut request = Request::post("/").header("user-agent", "curl/8.5");
            for line in forwarded {
                request = request.header("x-forwarded-for", *line);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let peer = Peer { address: [10, 0, 0, 1].into(), is_tls: false };
            let caller = site.caller(Some(peer), &parts);
            assert_eq!(caller.user_agent.as_deref(), Some("curl/8.5"));
            caller.ip.map(|ip| ip.to_string()).unwrap_or_default()
        };
        assert_eq!(seen(&site, &["198.51.100.1, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(&site, &["198.51.100.1", "[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(
            seen(&site, &["192.0.2.7, unknown"]),
            "",
            "a policy must not take it for the proxy"
        );
        assert_eq!(seen(&site, &[]), "10.0.0.1");
        site.is_forwarded = false;
        assert_eq!(seen(&site, &["192.0.2.7"]), "10.0.0.1");
    }

    #[tokio::test]
    async fn tls_is_what_the_connection_has_or_what_the_proxy_says() {
        let ports = Kit::new().await.unwrap().ports;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::none(), Imports::default());
        let mut site = Site { ports, signatures, bodies, imports, dev: None, is_forwarded: false };
        let is_secure = |site: &Site, is_tls: bool, scheme: Option<&str>| {
            let request = Request::post("/");
            let request = match scheme {
                Some(scheme) => request.header("x-forwarded-proto", scheme),
                None => request,
            };
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let peer = Peer { address: [10, 0, 0, 1].into(), is_tls };
            site.caller(Some(peer), &parts).is_secure
        };
        assert!(is_secure(&site, true, Some("http")), "anybody can send headers");
        assert!(!is_secure(&site, false, Some("https")));
        site.is_forwarded = true;
        assert!(is_secure(&site, false, None));
        assert!(is_secure(&site, false, Some("HTTPS")));
        assert!(!is_secure(&site, false, Some("https, http")), "the proxy's word stands last");
        assert!(!is_secure(&site, false, Some("http")));
    }

    /// Confirms whoever signs up, once it is let; remembers what it was asked.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<Vec<Trigger>>,
        is_asked: Notify,
        is_let: Notify,
    }

    #[async_trait]
    impl Functions for Slow {
        async fn invoke(&self, call: &Invocation) -> Result<Vec<u8>, InvocationFailed> {
            self.asked.lock().unwrap().push(call.trigger);
            if call.trigger == Trigger::PreSignUp {
                self.is_asked.notify_one();
                self.is_let.notified().await;
            }
            Ok(json!({ "response": { "autoConfirmUser": true } }).to_string().into_bytes())
        }
    }

    #[tokio::test]
    async fn a_request_goes_on_to_its_end_after_the_client_has_hung_up() {
        let slow = Arc::new(Slow::default());
        let mut ports = Kit::new().await.unwrap().ports;
        ports.functions = Arc::clone(&slow) as _;
        let store = Arc::clone(&ports.store);
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let (bodies, imports) = (BodyMemory::default(), Imports::default());
        let site =
            Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: true });
        let call = |operation: &str, input: serde_json::Value| {
            let target = format!("AWSCognitoIdentityProviderService.{operation}");
            let request = Request::post("/").header("x-amz-target", target);
            site.answer(None, request.body(Full::new(Bytes::from(input.to_string()))).unwrap())
        };
        let body = async |response: Response<Full<Bytes>>| -> serde_json::Value {
            assert_eq!(response.status(), 200);
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice(&bytes).unwrap()
        };
        let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let functions = json!({ "PreSignUp": function, "PostConfirmation": function });
        let pool = json!({ "PoolName": "p", "LambdaConfig": functions });
        let pool = body(call("CreateUserPool", pool).await).await;
        let pool = pool["UserPool"]["Id"].as_str().unwrap().to_owned();
        let client = json!({ "UserPoolId": pool, "ClientName": "c" });
        let client = body(call("CreateUserPoolClient", client).await).await;
        let sign_up = json!({
            "ClientId": client["UserPoolClient"]["ClientId"], "Username": "jo",
            "Password": "Correct-Horse-7",
        });
        tokio::select! {
            _ = call("SignUp", sign_up) => panic!("the function has not answered"),
            () = slow.is_asked.notified() => {}
        }
        // Nobody waits for the answer any more.
        slow.is_let.notify_one();
        let told = || slow.asked.lock().unwrap().clone();
        let end = async {
            while told() != [Trigger::PreSignUp, Trigger::PostConfirmation] {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), end).await.expect("it was given up");
        let mut view = store.read().await.unwrap();
        let user = view.user_by_username(&pool, "jo").await.unwrap().unwrap();
        assert_eq!(user.status, UserStatusType::Confirmed);
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
