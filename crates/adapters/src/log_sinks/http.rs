//! Posting lines to an HTTP server.

use std::time::Duration;

use reqwest::{Client, StatusCode, header};
use url::Url;

use crate::https;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often a batch is tried.
const TRIES: u32 = 5;
/// The pause before the second try; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that takes lines: as the body of a POST, one after the other (`application/x-ndjson`).
/// It may get a batch twice, if its answer is lost.
pub struct HttpTarget {
    client: Client,
    url: Url,
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
    /// What is wrong with the URL, or that the machine has no certificate authorities to trust.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (client, url) = https::to(url, |client| client.timeout(TIMEOUT))?;
        Ok(Self { client, url, pause: PAUSE })
    }

    /// Posts lines until they are taken, a few times.
    pub(super) async fn post(&self, lines: &str) -> Result<(), String> {
        let mut pause = self.pause;
        let mut tries = 1;
        loop {
            let Err(failed) = self.try_to_post(lines).await else { return Ok(()) };
            if !failed.may_retry || tries == TRIES {
                return Err(failed.reason);
            }
            tracing::debug!(reason = failed.reason, tries, "lines of a log are posted again");
            tokio::time::sleep(pause).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn try_to_post(&self, lines: &str) -> Result<(), Failed> {
        let request = self.client.post(self.url.clone());
        let request = request.header(header::CONTENT_TYPE, "application/x-ndjson");
        let response = request.body(lines.to_owned()).send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let may_retry = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(Failed { reason: format!("the server answers {status}"), may_retry })
    }
}

/// There was no answer, which may go better another time. The URL is not told: keys of collectors
/// are often a part of it.
impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        Self { reason: https::whole(&error.without_url()), may_retry: true }
    }
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
        assert_eq!(target.post("{\"n\":1}\n{}\n").await, Ok(()));
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
        let refused = target.post("{}\n{}\n").await;
        assert_eq!(refused, Err("the server answers 403 Forbidden".to_owned()));
        assert_eq!(served.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn lines_do_not_follow_a_server_elsewhere() {
        let (target, served) = server(&["307 Temporary Redirect\r\nlocation: /logs?pool=a"]).await;
        let refused = target.post("{}\n{}\n").await;
        assert_eq!(refused, Err("the server answers 307 Temporary Redirect".to_owned()));
        assert_eq!(served.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_fails_does_not_tell_the_keys_in_a_url() {
        let (target, served) = server(&[]).await;
        assert!(served.await.unwrap().is_empty(), "nobody listens any more");
        let reason = target.post("{}\n{}\n").await.unwrap_err();
        assert!(reason.contains("onnect") && !reason.contains("pool=a"), "{reason}");
    }

    #[tokio::test]
    async fn a_server_that_never_takes_it_is_given_up_after_some_tries() {
        let statuses = &["500 X"; 5];
        let (target, served) = server(statuses).await;
        assert!(target.post("{}\n{}\n").await.is_err());
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
