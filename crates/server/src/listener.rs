//! Connections: HTTP/1.1 and HTTP/2, with or without TLS, within limits, and ended with grace.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{Request, body::Incoming, rt, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;

use crate::{Outcome, site::Site};

/// How many connections may be open; others wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// Within this time a new connection must have sent its first request's headers, TLS included.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Within this time after an answer the next request's headers must be there.
const NEXT_REQUEST: Duration = Duration::from_mins(1);
/// The most headers of a request, and their size in HTTP/2.
const HEADERS: usize = 100;
const HEADER_BYTES: u32 = 32 * 1024;
/// Requests at the same time on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may think.
const PING: Duration = Duration::from_secs(20);
/// How long requests in flight may take when the server is to stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long to wait when the operating system can't accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    tls: Option<TlsAcceptor>,
    site: Arc<Site>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    tokio::select! {
        () = accept(&listener, tls, site, &graceful) => {}
        () = stop => {}
    }
    drop(listener);
    tracing::info!(connections = graceful.count(), "stopping");
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and were cut off");
    }
}

/// Accepts connections for ever.
async fn accept(
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    site: Arc<Site>,
    graceful: &GracefulShutdown,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed, so there is always a place to come.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = Connection { site: Arc::clone(&site), place };
                tokio::spawn(connection.serve(stream, tls.clone(), graceful.watcher()));
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
    /// Given back when the connection is over.
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        // Without this, small answers may be held back. If it fails, they are only slower.
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.speak(TokioIo::new(stream), watcher).await,
            Some(tls) => match tokio::time::timeout(FIRST_REQUEST, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(TokioIo::new(stream), watcher).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake took too long"),
            },
        }
    }

    /// Speaks HTTP until one side ends the connection.
    async fn speak<I>(self, io: I, watcher: Watcher)
    where
        I: rt::Read + rt::Write + Unpin + Send + 'static,
    {
        let Self { site, place } = self;
        let has_begun = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let has_begun = Arc::clone(&has_begun);
            move |request: Request<Incoming>| {
                has_begun.store(true, Ordering::Relaxed);
                let site = Arc::clone(&site);
                async move { Ok::<_, Infallible>(site.answer(request).await) }
            }
        });
        let builder = protocol();
        let conversation = watcher.watch(builder.serve_connection(io, service).into_owned());
        tokio::select! {
            outcome = conversation => {
                if let Err(error) = outcome {
                    tracing::debug!(error, "connection ended early");
                }
            }
            () = silence(&has_begun) => tracing::debug!("a connection brought no request"),
        }
        drop(place);
    }
}

/// Is over when a connection has brought no request in time. The limits of the protocol begin only
/// once it is known which one is spoken.
async fn silence(has_begun: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST).await;
    if has_begun.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

/// Both versions of HTTP with their limits.
fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(NEXT_REQUEST).max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
