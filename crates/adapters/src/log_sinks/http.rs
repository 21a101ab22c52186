//! Posting lines to an HTTP server.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a batch is tried.
const TRIES: u32 = 5;
/// The pause before the second try; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that takes lines: as the body of a POST, one after the other (`application/x-ndjson`).
/// It may get a batch twice, if its answer is lost.
pub struct HttpTarget {
    uri: Uri,
    host: String,
    port: u16,
    /// None for this machine's own servers, which may do without.
    tls: Option<TlsConnector>,
    pause: Duration,
}

/// Why a try failed, and whether another one may help.
struct Failed {
    reason: String,
    may_retry: bool,
}

impl HttpTarget {
    /// A server by its URL: `https://…`, or `http://…` on this machine.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "is no URL".to_owned())?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err("must be a URL with a host and without a user".to_owned());
        }
        let is_local = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, usual_port) = match uri.scheme_str() {
            Some("https") => (Some(connector()?), 443),
            Some("http") if is_local => (None, 80),
            Some("http") => {
                return Err("must begin with https:// unless it is on this machine".to_owned());
            }
            _ => return Err("must begin with https://".to_owned()),
        };
        let port = uri.port_u16().unwrap_or(usual_port);
        Ok(Self { uri, host, port, tls, pause: PAUSE })
    }

    /// Posts lines until they are taken, a few times.
    pub(super) async fn post(&self, lines: String) -> Result<(), String> {
        let body = Bytes::from(lines);
        let mut pause = self.pause;
        let mut tries = 1;
        loop {
            let tried = tokio::time::timeout(TIMEOUT, self.try_to_post(body.clone())).await;
            let failed = match tried {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failed)) => failed,
                Err(_) => Failed::once("the server did not answer in time"),
            };
            if !failed.may_retry || tries == TRIES {
                return Err(failed.reason);
            }
            tracing::debug!(reason = failed.reason, tries, "lines of a log are posted again");
            tokio::time::sleep(pause).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn try_to_post(&self, body: Bytes) -> Result<(), Failed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(Failed::once)?;
        let Some(tls) = &self.tls else { return self.exchange(stream, body).await };
        let name = ServerName::try_from(self.host.clone()).map_err(Failed::once)?;
        let stream = tls.connect(name, stream).await.map_err(Failed::once)?;
        self.exchange(stream, body).await
    }

    /// One request and its answer on a connection of its own.
    async fn exchange<S>(&self, stream: S, body: Bytes) -> Result<(), Failed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or(self.host.as_str(), |a| a.as_str());
        let request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(Full::new(body))
            .map_err(Failed::once)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(Failed::once)?;
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await;
        driver.abort();
        let status = response.map_err(Failed::once)?.status();
        if status.is_success() {
            return Ok(());
        }
        let may_retry = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(Failed { reason: format!("the server answers {status}"), may_retry })
    }
}

impl Failed {
    /// What may go better another time.
    fn once(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string(), may_retry: true }
    }
}

/// TLS that trusts the public authorities.
fn connector() -> Result<TlsConnector, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that answers each connection with the next status, and gives back what it was sent.
    async fn server(
        statuses: &'static [&'static str],
    ) -> (HttpTarget, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/logs?pool=a", listener.local_addr().unwrap());
        let target = HttpTarget { pause: Duration::ZERO, ..HttpTarget::parse(&url).unwrap() };
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for status in statuses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                while !text.ends_with("\n{}\n") {
                    let mut buffer = [0; 1_024];
                    let count = stream.read(&mut buffer).await.unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
                }
                requests.push(text);
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        });
        (target, served)
    }

    #[tokio::test]
    async fn a_batch_is_posted_until_it_is_taken() {
        let statuses = &["503 Service Unavailable", "429 Too Many Requests", "202 Accepted"];
        let (target, served) = server(statuses).await;
        assert_eq!(target.post("{\"n\":1}\n{}\n".to_owned()).await, Ok(()));
        let requests = served.await.unwrap();
        assert_eq!(requests.len(), 3);
        let last = requests.last().unwrap();
        assert!(last.starts_with("POST /logs?pool=a HTTP/1.1\r\n"), "{last}");
        assert!(last.contains("content-type: application/x-ndjson\r\n"), "{last}");
        assert!(last.ends_with("\r\n\r\n{\"n\":1}\n{}\n"), "{last}");
    }

    #[tokio::test]
    async fn what_the_server_will_never_take_is_given_up() {
        let (target, served) = server(&["403 Forbidden"]).await;
        let refused = target.post("{}\n{}\n".to_owned()).await;
        assert_eq!(refused, Err("the server answers 403 Forbidden".to_owned()));
        assert_eq!(served.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_never_takes_it_is_given_up_after_some_tries() {
        let statuses = &["500 X"; 5];
        let (target, served) = server(statuses).await;
        assert!(target.post("{}\n{}\n".to_owned()).await.is_err());
        assert_eq!(served.await.unwrap().len(), 5);
    }

    #[test]
    fn logs_do_not_travel_in_the_clear() {
        let problem = |url| HttpTarget::parse(url).err().unwrap();
        assert!(problem("http://logs.example.com/").contains("https://"));
        assert!(problem("ftp://logs.example.com/").contains("https://"));
        assert!(problem("https://a:b@logs.example.com/").contains("without a user"));
        assert!(HttpTarget::parse("https://logs.example.com/x").is_ok());
        assert!(HttpTarget::parse("http://[::1]:8080/").is_ok());
    }
}
