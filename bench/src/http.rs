//! A keep-alive connection to the server.

use std::{net::SocketAddr, time::Duration};

use ::http::{
    HeaderMap, HeaderName, Method, Request, StatusCode,
    header::{CONTENT_TYPE, HOST},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Outcome, time::Stopwatch};

/// An answer with everything that belongs to it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One HTTP/1.1 connection, used for one request after another.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    waited: Duration,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends when the sender is dropped or the server goes away; the sender notices the latter.
        tokio::spawn(connection);
        Ok(Self { sender, address, waited: Duration::ZERO })
    }

    /// Calls an operation of the user pool API; an error unless it answers 200.
    pub(crate) async fn call(&mut self, operation: &str, input: &Value) -> Outcome<Value> {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let request = self
            .request(Method::POST, "/")
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Full::from(input.to_string()))?;
        let Answer { status, body, .. } = self.send(request).await?;
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("{operation} answered {status}: {text}").into());
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// What a path answers, whatever it is.
    pub(crate) async fn fetch(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, String)],
        body: &str,
    ) -> Outcome<Answer> {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.send(request.body(Full::from(body.to_owned()))?).await
    }

    /// The status that `GET` of a path answers.
    pub(crate) async fn get(&mut self, path: &str) -> Outcome<StatusCode> {
        let request = self.request(Method::GET, path).body(Full::default())?;
        Ok(self.send(request).await?.status)
    }

    /// The status that `PUT` of a document answers.
    pub(crate) async fn put(&mut self, path: &str, document: String) -> Outcome<StatusCode> {
        let request = self.request(Method::PUT, path).body(Full::from(document))?;
        Ok(self.send(request).await?.status)
    }

    /// How long answers were waited for since this was last asked.
    pub(crate) fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    fn request(&self, method: Method, path: &str) -> ::http::request::Builder {
        Request::builder().method(method).uri(path).header(HOST, self.address.to_string())
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        let stopwatch = Stopwatch::start();
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        self.waited += stopwatch.elapsed();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// The text under a path of an answer, such as `/AuthenticationResult/AccessToken`.
pub(crate) fn text<'a>(answer: &'a Value, path: &str) -> Outcome<&'a str> {
    let found = answer.pointer(path).and_then(Value::as_str);
    found.ok_or_else(|| format!("an answer lacks {path}").into())
}
