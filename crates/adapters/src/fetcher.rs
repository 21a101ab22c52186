//! Documents of other servers, over HTTPS.
//!
//! Their addresses come from administrators of user pools. On a server that many share, they must
//! not learn what answers on its network, so that only public addresses are asked unless the
//! operator says otherwise. Names are checked by what they resolve to, at the moment of connecting:
//! a name that points elsewhere a second later gains nothing. Every redirect is checked again.
//!
//! Proxies of the environment are not used, as one would resolve names out of our sight.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use poolhouse_domain::ports::{FetchFailed, Fetcher};
use reqwest::{
    Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Attempt, Policy},
};
use url::{Host, Url};

use crate::https;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a document may take, with connecting and redirects.
const WHOLE: Duration = Duration::from_secs(8);
/// Redirects that are followed.
const REDIRECTS: usize = 3;

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, over `https`.
    Public,
    /// Any address, over `https`.
    OwnNetwork,
    /// Any address, also over plain `http`.
    Anywhere,
}

/// Fetches documents.
pub struct HttpFetcher {
    /// None if it could not be made, which the log tells.
    client: Option<Client>,
    reach: Reach,
}

impl HttpFetcher {
    /// A fetcher that trusts the certificate authorities of the operating system. Without any,
    /// which is not worth refusing to start for, it fetches nothing.
    pub fn new(reach: Reach) -> Self {
        let client = https::client()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(Policy::custom(move |attempt| follow(reach, attempt)))
            .dns_resolver(Arc::new(Names(reach)))
            .build();
        let client = client.inspect_err(|error| {
            let error = https::whole(error);
            tracing::warn!(error, "identity providers can't be asked for their settings");
        });
        Self { client: client.ok(), reach }
    }

    async fn fetch(&self, url: &str, largest: usize) -> Result<Vec<u8>, FetchFailed> {
        let client = self.client.as_ref();
        let client = client.ok_or_else(|| FetchFailed("there is no HTTP client".to_owned()))?;
        let url = Url::parse(url).map_err(|error| FetchFailed(error.to_string()))?;
        check(self.reach, &url).map_err(|refused| FetchFailed(refused.to_owned()))?;
        let failed = |error: reqwest::Error| FetchFailed(https::whole(&error));
        let mut response = client.get(url).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchFailed(format!("the answer has status {}", response.status())));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if document.len() + chunk.len() > largest {
                return Err(FetchFailed(format!("the document has more than {largest} bytes")));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

#[async_trait]
impl Fetcher for HttpFetcher {
    async fn get(&self, url: &str, largest: usize) -> Result<Vec<u8>, FetchFailed> {
        self.fetch(url, largest).await
    }

    fn allows_plain_http(&self) -> bool {
        self.reach == Reach::Anywhere
    }
}

/// Whether an address may be asked, as far as can be told before names are resolved.
fn check(reach: Reach, url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => {}
        "http" if reach == Reach::Anywhere => {}
        _ => return Err("the address does not begin with https://"),
    }
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err("the address has no host"),
    };
    if may_ask(reach, ip) { Ok(()) } else { Err(NOT_PUBLIC) }
}

const NOT_PUBLIC: &str = "the address is not a public one; outbound.own_network allows others";

fn follow(reach: Reach, attempt: Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("there are too many redirects");
    }
    match check(reach, attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(refused) => attempt.error(refused),
    }
}

/// Resolves names as the operating system does, to addresses that may be asked.
struct Names(Reach);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| may_ask(reach, address.ip())).collect();
            if allowed.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn may_ask(reach: Reach, ip: IpAddr) -> bool {
    reach != Reach::Public
        || match ip {
            IpAddr::V4(ip) => is_public_v4(ip),
            IpAddr::V6(ip) => is_public_v6(ip),
        }
}

/// Whether anybody on the internet may have this address: none of the blocks that IANA keeps for
/// special purposes (RFC 6890).
const fn is_public_v4(ip: Ipv4Addr) -> bool {
    let is_special = match ip.octets() {
        // "This network", carrier-grade NAT, protocol assignments, benchmarks, reserved.
        [0 | 240..=255, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..] => true,
        _ => false,
    };
    !(is_special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

/// The same for IPv6: global unicast, without the parts of it that carry IPv4 addresses, which
/// would be a way around.
const fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    match ip.segments() {
        // Protocol assignments with Teredo, documentation, 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that gives one answer after another, and then goes away. Answers its address.
    async fn server(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4_096];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}/document")
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}")
    }

    #[tokio::test]
    async fn a_document_comes_whole_or_not_at_all() {
        let fetcher = HttpFetcher::new(Reach::Anywhere);
        let url = server(vec![answer("200 OK", "", "0123456789")]).await;
        assert_eq!(fetcher.get(&url, 10).await, Ok(b"0123456789".to_vec()));
        let url = server(vec![answer("200 OK", "", "0123456789")]).await;
        let refused = fetcher.get(&url, 9).await.unwrap_err();
        assert_eq!(refused.0, "the document has more than 9 bytes");
        let url = server(vec![answer("404 Not Found", "", "0")]).await;
        let refused = fetcher.get(&url, 9).await.unwrap_err();
        assert_eq!(refused.0, "the answer has status 404 Not Found");
    }

    #[tokio::test]
    async fn few_redirects_are_followed() {
        let fetcher = HttpFetcher::new(Reach::Anywhere);
        let redirect = || answer("302 Found", "location: /next\r\n", "");
        let mut answers = vec![redirect(), redirect(), redirect()];
        answers.push(answer("200 OK", "", "end"));
        let url = server(answers).await;
        assert_eq!(fetcher.get(&url, 10).await, Ok(b"end".to_vec()));
        let url = server(vec![redirect(), redirect(), redirect(), redirect()]).await;
        let refused = fetcher.get(&url, 10).await.unwrap_err();
        assert!(refused.0.contains("too many redirects"), "{refused}");
        let away = answer("302 Found", "location: file:///etc/passwd\r\n", "");
        let refused = fetcher.get(&server(vec![away]).await, 10).await.unwrap_err();
        assert!(!refused.0.contains("root:"), "{refused}");
    }

    #[tokio::test]
    async fn a_shared_server_asks_public_addresses_only_and_never_in_the_clear() {
        let public = HttpFetcher::new(Reach::Public);
        for url in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://0x7f000001/",
            "https://2130706433/",
        ] {
            assert_eq!(public.get(url, 9).await.unwrap_err().0, NOT_PUBLIC, "{url}");
        }
        let refused = public.get("https://localhost/", 9).await.unwrap_err();
        assert!(refused.0.contains(NOT_PUBLIC), "{refused}");
        for (reach, url) in [
            (Reach::Public, "http://example.com/"),
            (Reach::OwnNetwork, "http://127.0.0.1/"),
            (Reach::Anywhere, "file:///etc/passwd"),
            (Reach::Anywhere, "ftp://127.0.0.1/"),
        ] {
            let refused = HttpFetcher::new(reach).get(url, 9).await.unwrap_err();
            assert_eq!(refused.0, "the address does not begin with https://", "{url}");
        }
    }

    #[test]
    fn special_addresses_are_not_public() {
        for public in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1", "2001:4860::8"] {
            assert!(may_ask(Reach::Public, public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.9.9.9",
            "169.254.1.1",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ] {
            let ip = special.parse().unwrap();
            assert!(!may_ask(Reach::Public, ip), "{special}");
            assert!(may_ask(Reach::OwnNetwork, ip), "{special}");
        }
    }
}
