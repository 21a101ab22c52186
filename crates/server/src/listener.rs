//! Connections: HTTP/1.1 and HTTP/2, with or without TLS, within limits, and ended with grace.

use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration,
};

use hyper::{Request, body::Incoming, rt, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Outcome,
    peers::{PeerPlace, Peers},
    site::{Peer, Site},
};

/// How many connections may be open; others wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// Within this time a new connection must have sent its first request's headers, TLS included.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Within this time after an answer the next request's headers must be there.
const NEXT_REQUEST: Duration = Duration::from_mins(1);
/// After this time a connection takes no further requests, so that none is kept for ever.
pub(crate) const AGE: Duration = Duration::from_mins(10);
/// How long requests in flight may take when their connection has become too old.
const LAST_REQUESTS: Duration = Duration::from_mins(1);
/// The most headers of a request, and their size in HTTP/2.
const HEADERS: usize = 100;
const HEADER_BYTES: u32 = 16 * 1024;
/// What is read ahead of an HTTP/1 connection; a request's headers must fit into it.
const READ_AHEAD: usize = 64 * 1024;
/// Requests at the same time on one HTTP/2 connection. Fewer would make errors: clients don't know
/// the limit when they begin, some take 100 for granted (RFC 9113 section 6.5.2 recommends no
/// less), and what is above the limit is refused. Their memory is limited elsewhere.
const STREAMS: u32 = 100;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may think.
const PING: Duration = Duration::from_secs(20);
/// How long requests in flight may take when the server is to stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long to wait when the operating system can't accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What clients speak below HTTP.
#[derive(Clone)]
pub(crate) enum Transport {
    /// Nothing: a proxy did TLS, or it is a test.
    Plain,
    /// TLS.
    Tls(TlsAcceptor),
    /// TLS or nothing, as each connection begins.
    Either(TlsAcceptor),
}

/// The first byte of a TLS connection: a handshake record (RFC 8446 section 5.1). No method of HTTP
/// begins with it.
const HANDSHAKE: u8 = 22;

impl Transport {
    /// What a new connection speaks: none without TLS. It ends early if nothing comes.
    async fn of(self, stream: &TcpStream) -> io::Result<Option<TlsAcceptor>> {
        match self {
            Self::Plain => Ok(None),
            Self::Tls(acceptor) => Ok(Some(acceptor)),
            Self::Either(acceptor) => {
                let mut first = [0];
                tokio::time::timeout(FIRST_REQUEST, stream.peek(&mut first)).await??;
                Ok((first == [HANDSHAKE]).then_some(acceptor))
            }
        }
    }
}

/// Listens on an address. Errors say what to do.
pub(crate) async fn bind(address: SocketAddr) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another process listens there: stop it, or choose another port"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 are reserved: choose another, or give the right to use it"
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
            _ => "check the address",
        };
        format!("can't listen on {address}: {error}; {advice}").into()
    })
}

/// Serves connections until `stop` is over and what was in flight then is done.
pub(crate) async fn run(
    listener: TcpListener,
    transport: Transport,
    peers: Arc<Peers>,
    site: Arc<Site>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, _) = watch::channel(());
    tokio::select! {
        () = accept(&listener, transport, &peers, site, &stopping) => {}
        () = stop => {}
    }
    drop(listener);
    tracing::info!(connections = stopping.receiver_count(), "stopping");
    stopping.send_replace(());
    // Each connection holds a receiver until its end.
    if tokio::time::timeout(GRACE, stopping.closed()).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
}

/// Accepts connections for ever.
async fn accept(
    listener: &TcpListener,
    transport: Transport,
    peers: &Arc<Peers>,
    site: Arc<Site>,
    stopping: &watch::Sender<()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed, so there is always a place to come.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, address)) => {
                let Some(peer_place) = peers.admit(address.ip()) else {
                    tracing::debug!(%address, "too many connections of one peer");
                    continue;
                };
                let connection = Connection {
                    site: Arc::clone(&site),
                    peer: Peer { address: address.ip(), is_tls: false },
                    stopping: stopping.subscribe(),
                    _places: (place, peer_place),
                };
                tokio::spawn(connection.serve(stream, transport.clone()));
            }
            Err(error) => {
                // Such as too many open files: others may be closed soon.
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// An accepted connection.
struct Connection {
    site: Arc<Site>,
    peer: Peer,
    /// Changes when the server is to stop, which then waits until this is dropped.
    stopping: watch::Receiver<()>,
    /// Given back when the connection is over.
    _places: (OwnedSemaphorePermit, PeerPlace),
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, transport: Transport) {
        // Without this, small answers may be held back. If it fails, they are only slower.
        let _ = stream.set_nodelay(true);
        let tls = match transport.of(&stream).await {
            Ok(tls) => tls,
            Err(error) => return tracing::debug!(%error, "a connection began with nothing"),
        };
        self.peer.is_tls = tls.is_some();
        match tls {
            None => self.speak(TokioIo::new(stream)).await,
            Some(tls) => match tokio::time::timeout(FIRST_REQUEST, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(TokioIo::new(stream)).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            },
        }
    }

    /// Speaks HTTP until one side ends the connection.
    async fn speak<I>(&mut self, io: I)
    where
        I: rt::Read + rt::Write + Unpin + Send + 'static,
    {
        let (in_flight, watched) = watch::channel(0);
        let (site, peer) = (Arc::clone(&self.site), Some(self.peer));
        let in_flight = Arc::new(in_flight);
        let service = service_fn(move |request: Request<Incoming>| {
            let (site, counted) = (Arc::clone(&site), InFlight::begin(&in_flight));
            async move {
                let response = site.answer(peer, request).await;
                drop(counted);
                Ok::<_, Infallible>(response)
            }
        });
        let builder = protocol();
        let mut conversation = pin!(builder.serve_connection(io, service));
        let reason = tokio::select! {
            outcome = conversation.as_mut() => return told(outcome),
            () = silence(watched.clone()) => {
                return tracing::debug!("a connection brought no request");
            }
            () = idleness(watched) => "idle",
            () = tokio::time::sleep(AGE) => "too old",
            _ = self.stopping.changed() => "the server stops",
        };
        tracing::debug!(reason, "ending a connection");
        conversation.as_mut().graceful_shutdown();
        if let Ok(outcome) = tokio::time::timeout(LAST_REQUESTS, conversation).await {
            told(outcome);
        } else {
            tracing::debug!("a connection did not end in time and was cut off");
        }
    }
}

/// Tells how a connection ended.
fn told(outcome: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = outcome {
        tracing::debug!(error, "connection ended early");
    }
}

/// A request of a connection; over when dropped, even if it was not answered.
struct InFlight(Arc<watch::Sender<usize>>);

impl InFlight {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Is over when a connection has brought no request in time. The limits of the protocol begin only
/// once it is known which one is spoken.
async fn silence(mut in_flight: watch::Receiver<usize>) {
    if tokio::time::timeout(FIRST_REQUEST, in_flight.changed()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Is over when a connection has had no request in flight for some time. (HTTP/1 has a limit of its
/// own, which this does not get in the way of.)
async fn idleness(mut in_flight: watch::Receiver<usize>) {
    loop {
        let is_idle = *in_flight.borrow_and_update() == 0;
        let patience = if is_idle { NEXT_REQUEST } else { Duration::MAX };
        match tokio::time::timeout(patience, in_flight.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Both versions of HTTP with their limits.
fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_REQUEST)
        .max_headers(HEADERS)
        .max_buf_size(READ_AHEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

#[cfg(test)]
mod tests {
    use poolhouse_adapters::clock::SystemClock;
    use poolhouse_domain::ports::Clock;
    use poolhouse_testkit::Kit;
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
        time::Instant,
    };
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs},
    };

    use super::*;
    use crate::{body::BodyMemory, dev_tls, signatures::Unchecked, tls};

    /// The preface, empty SETTINGS (RFC 9113 section 3.4), and `GET /` as stream 1.
    const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
        \0\0\x03\x01\x05\0\0\0\x01\x82\x86\x84";
    const PING: u8 = 6;
    const GO_AWAY: u8 = 7;

    async fn site() -> Arc<Site> {
        let ports = Kit::new().await.unwrap().ports;
        let signatures = Box::new(Unchecked { region: "us-east-1".to_owned() });
        let bodies = BodyMemory::default();
        let imports = crate::imports::Imports::default();
        Arc::new(Site { ports, signatures, bodies, imports, dev: None, is_forwarded: false })
    }

    /// The client's end of a connection that is served; the sender stops the server.
    async fn connect() -> (DuplexStream, watch::Sender<()>) {
        // The database's threads don't know that time stands still; nothing here asks it later.
        tokio::time::resume();
        let site = site().await;
        tokio::time::pause();
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let peer_place = Peers::unlimited().admit([127, 0, 0, 1].into()).unwrap();
        let (stopping, watched) = watch::channel(());
        let peer = Peer { address: [127, 0, 0, 1].into(), is_tls: false };
        let places = (place, peer_place);
        let mut connection = Connection { site, peer, stopping: watched, _places: places };
        let (client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move { connection.speak(TokioIo::new(server)).await });
        (client, stopping)
    }

    /// Sends bytes and reads what is answered; nothing if the connection ends.
    async fn ask(client: &mut (impl AsyncRead + AsyncWrite + Unpin), text: &str) -> String {
        // Refused before everything was sent: there may be an answer nevertheless.
        let _ = client.write_all(text.as_bytes()).await;
        let mut answer = vec![0; 4_096];
        let length = client.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_port_that_takes_either_answers_with_and_without_tls() {
        let credentials = dev_tls::make(SystemClock.now()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(credentials.chain[0].clone()).unwrap();
        let transport = Transport::Either(tls::acceptor(credentials).unwrap());
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = std::future::pending();
        tokio::spawn(run(listener, transport, Peers::unlimited(), site().await, stop));
        let request = "OPTIONS / HTTP/1.1\r\nhost: test\r\n\r\n";
        let mut plain = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut plain, request).await.starts_with("HTTP/1.1 200"));
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(client));
        for name in ["localhost", "shop.auth.localhost", "127.0.0.1"] {
            let stream = TcpStream::connect(address).await.unwrap();
            let stream = connector.connect(name.try_into().unwrap(), stream).await;
            assert!(ask(&mut stream.unwrap(), request).await.starts_with("HTTP/1.1 200"), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_kept_busy_ends_when_it_is_too_old() {
        let (mut client, _stopping) = connect().await;
        let begin = Instant::now();
        while ask(&mut client, "OPTIONS / HTTP/1.1\r\nhost: test\r\n\r\n").await.contains("200") {
            assert!(begin.elapsed() < Duration::from_hours(1), "it is served for ever");
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
        assert!(begin.elapsed() >= AGE, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_flight_on_a_connection_that_is_too_old_is_finished() {
        let (mut client, _stopping) = connect().await;
        let begin = Instant::now();
        while begin.elapsed() + Duration::from_secs(10) < AGE {
            ask(&mut client, "OPTIONS / HTTP/1.1\r\nhost: test\r\n\r\n").await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        let head = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\
                    expect: 100-continue\r\n\r\n";
        assert!(ask(&mut client, head).await.contains("100 Continue"));
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(begin.elapsed() > AGE);
        let answer = ask(&mut client, "{}").await;
        assert!(answer.contains("400") && answer.contains("connection: close"), "{answer}");
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the connection is closed");
    }

    /// Reads frames until the server says farewell; answers pings as a client that is alive.
    async fn until_farewell(client: &mut DuplexStream) {
        loop {
            let mut head = [0; 9];
            client.read_exact(&mut head).await.unwrap();
            let [a, b, c, kind, flags, ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            client.read_exact(&mut payload).await.unwrap();
            match (kind, flags) {
                (GO_AWAY, _) => return,
                (PING, 0) => {
                    head[4] = 1;
                    client.write_all(&[&head[..], &payload].concat()).await.unwrap();
                }
                _ => {}
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_http_2_connection_is_ended_although_its_client_is_alive() {
        let (mut client, _stopping) = connect().await;
        client.write_all(HTTP_2).await.unwrap();
        let begin = Instant::now();
        until_farewell(&mut client).await;
        let (took, second) = (begin.elapsed(), Duration::from_secs(1));
        assert!(took >= NEXT_REQUEST && took < NEXT_REQUEST + second, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_ended() {
        let (mut client, _stopping) = connect().await;
        let begin = Instant::now();
        assert_eq!(ask(&mut client, "POST / HT").await, "");
        let (took, second) = (begin.elapsed(), Duration::from_secs(1));
        assert!(took >= FIRST_REQUEST && took < FIRST_REQUEST + second, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_connection_ends_when_the_server_stops() {
        let (mut client, stopping) = connect().await;
        assert!(ask(&mut client, "OPTIONS / HTTP/1.1\r\nhost: test\r\n\r\n").await.contains("200"));
        stopping.send_replace(());
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        stopping.closed().await;
    }

    #[tokio::test]
    async fn a_peer_with_too_many_connections_gets_no_more_until_one_is_closed() {
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = std::future::pending();
        let (plain, peers) = (Transport::Plain, Peers::at_most(1));
        let serving = tokio::spawn(run(listener, plain, peers, site().await, never));
        let options = "OPTIONS / HTTP/1.1\r\nhost: test\r\n\r\n";
        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut first, options).await.contains("200"));
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut second, options).await, "");
        assert!(ask(&mut first, options).await.contains("200"), "this one goes on");
        drop(first);
        let mut third = TcpStream::connect(address).await.unwrap();
        while !ask(&mut third, options).await.contains("200") {
            third = TcpStream::connect(address).await.unwrap();
        }
        serving.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_never_end_are_refused() {
        let (mut client, _stopping) = connect().await;
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(READ_AHEAD));
        let answer = ask(&mut client, &endless).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}
