//! Files for import come in under `/_poolhouse/imports/`, and in `dev` their logs go out.
//!
//! A file is put to the URL that its job names, which is all the permission there is: whoever knows
//! it may put a file there, for a quarter of an hour. Nobody on a network can read a log: for `serve`
//! there is the command `poolhouse import-log`.

use std::{pin::pin, time::Duration};

use bytes::Buf;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::BodyExt;
use hyper::body::Body;
use poolhouse_domain::{
    Fault,
    ports::Ports,
    user_import::{
        LogBlock,
        upload::{self, UploadRefused, Uploading},
    },
};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::listener::AGE;

/// Where this is, among the paths of our own.
pub(crate) const IMPORTS: &str = "imports/";
/// Uploads at the same time: each takes some memory, and the database's time.
const UPLOADS: usize = 4;
/// How long the next piece of a file may take to arrive.
const NEXT_PIECE: Duration = Duration::from_secs(30);
/// How long a file may take to arrive: as long as a connection is kept, so that whoever is slower still
/// gets an answer.
const WHOLE_FILE: Duration = AGE;
/// Parts of a log, of at most 200 lines each, that are read at once.
const LOG_PARTS: u32 = 100;
/// Names the line after which the next part of a log begins.
const NEXT_HEADER: &str = "x-poolhouse-after";

/// Takes files.
pub(crate) struct Imports(Semaphore);

impl Default for Imports {
    fn default() -> Self {
        Self(Semaphore::new(UPLOADS))
    }
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    user_pool_id: &'a str,
    job_id: &'a str,
    /// The token of the URL, or `log`.
    rest: &'a str,
}

fn named(path: &str) -> Option<Named<'_>> {
    let mut parts = path.split('/');
    let (user_pool_id, job_id, rest) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(Named { user_pool_id, job_id, rest })
}

impl Imports {
    /// Answers a request for `/_poolhouse/imports/<path>`.
    pub(crate) async fn serve<B>(
        &self,
        path: &str,
        parts: &Parts,
        body: B,
        ports: &Ports,
        is_dev: bool,
    ) -> Response<String>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(named) = named(path) else {
            return told(StatusCode::NOT_FOUND, "there is nothing here");
        };
        let is_get = parts.method == Method::GET || parts.method == Method::HEAD;
        let answered = if is_dev && is_get && named.rest == "log" {
            let after = parts.uri.query().and_then(|query| query.strip_prefix("after="));
            log(ports, &named, after.and_then(|after| after.parse().ok()).unwrap_or(0)).await
        } else if parts.method == Method::PUT {
            self.take(&named, body, ports).await
        } else {
            return told(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
        };
        answered.unwrap_or_else(|fault| {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(%fault, source, "a request about an import failed");
            told(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong")
        })
    }

    /// Takes the file of a job, all of it or nothing.
    async fn take<B>(
        &self,
        named: &Named<'_>,
        body: B,
        ports: &Ports,
    ) -> Result<Response<String>, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ok(_place) = self.0.try_acquire() else {
            let text = "Too many files at the same time. Try again later.";
            return Ok(told(StatusCode::SERVICE_UNAVAILABLE, text));
        };
        // What is announced to be too large need not be read to be refused.
        if body.size_hint().lower() > upload::LARGEST {
            return Ok(refused(UploadRefused::TooLarge));
        }
        let begun = upload::begin(ports, named.user_pool_id, named.job_id, named.rest).await?;
        let mut uploading = match begun {
            Ok(uploading) => uploading,
            Err(problem) => return Ok(refused(problem)),
        };
        let received = receive(&mut uploading, body, ports);
        let received = tokio::time::timeout(WHOLE_FILE, received).await;
        match received.unwrap_or(Ok(Err(Broken::TooSlow))) {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => {
                uploading.give_up(ports).await?;
                return Ok(broken.answer());
            }
            Err(fault) => {
                uploading.give_up(ports).await?;
                return Err(fault);
            }
        }
        match uploading.finish(ports).await? {
            Ok(()) => Ok(answer(StatusCode::OK, "text/plain", String::new())),
            Err(problem) => Ok(refused(problem)),
        }
    }
}

/// Why a file did not arrive.
enum Broken {
    TooSlow,
    CutOff,
    Refused(UploadRefused),
}

impl Broken {
    fn answer(self) -> Response<String> {
        match self {
            Self::TooSlow => told(StatusCode::REQUEST_TIMEOUT, "The file did not arrive in time."),
            Self::CutOff => told(StatusCode::BAD_REQUEST, "The file could not be read."),
            Self::Refused(problem) => refused(problem),
        }
    }
}

/// Reads a body to its end, piece by piece.
async fn receive<B>(
    uploading: &mut Uploading,
    body: B,
    ports: &Ports,
) -> Result<Result<(), Broken>, Fault>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = pin!(body);
    loop {
        let frame = match tokio::time::timeout(NEXT_PIECE, body.frame()).await {
            Err(_) => return Ok(Err(Broken::TooSlow)),
            Ok(None) => return Ok(Ok(())),
            Ok(Some(Err(_))) => return Ok(Err(Broken::CutOff)),
            Ok(Some(Ok(frame))) => frame,
        };
        // Trailers mean nothing here.
        let Ok(mut data) = frame.into_data() else { continue };
        while data.has_remaining() {
            let piece = data.chunk();
            let length = piece.len();
            if let Err(problem) = uploading.add(ports, piece).await? {
                return Ok(Err(Broken::Refused(problem)));
            }
            data.advance(length);
        }
    }
}

/// The log of a job, from some line of its file on.
async fn log(ports: &Ports, named: &Named<'_>, after: i64) -> Result<Response<String>, Fault> {
    let mut view = ports.store.read().await?;
    let parts = view.import_log(named.user_pool_id, named.job_id, after, LOG_PARTS).await?;
    let next = next_part(&parts);
    let text = parts.into_iter().map(|part| part.text).collect();
    let mut response = answer(StatusCode::OK, "text/plain; charset=utf-8", text);
    if let Some(next) = next {
        response.headers_mut().insert(NEXT_HEADER, HeaderValue::from(next));
    }
    Ok(response)
}

/// After which line to ask on, unless this was all.
fn next_part(parts: &[LogBlock]) -> Option<i64> {
    let is_full = u32::try_from(parts.len()).is_ok_and(|parts| parts == LOG_PARTS);
    parts.last().filter(|_| is_full).map(|last| last.first_line)
}

/// Writes the whole log of a job; answers whether there is such a job.
pub(crate) async fn write_log(
    store: &dyn poolhouse_domain::ports::Store,
    user_pool_id: &str,
    job_id: &str,
    out: &mut (dyn std::io::Write + Send),
) -> crate::Outcome<bool> {
    let mut view = store.read().await?;
    if view.import_job(user_pool_id, job_id).await?.is_none() {
        return Ok(false);
    }
    let mut after = Some(0);
    while let Some(line) = after {
        let parts = view.import_log(user_pool_id, job_id, line, LOG_PARTS).await?;
        for part in &parts {
            out.write_all(part.text.as_bytes())?;
        }
        after = next_part(&parts);
    }
    Ok(true)
}

fn refused(problem: UploadRefused) -> Response<String> {
    let status = match problem {
        UploadRefused::Forbidden => StatusCode::FORBIDDEN,
        UploadRefused::TooLarge | UploadRefused::TooManyRows => StatusCode::PAYLOAD_TOO_LARGE,
        UploadRefused::Empty => StatusCode::BAD_REQUEST,
    };
    told(status, &problem.to_string())
}

fn told(status: StatusCode, message: &str) -> Response<String> {
    answer(status, "application/json", json!({ "message": message }).to_string())
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        pin::Pin,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http::Request;
    use hyper::body::Frame;
    use poolhouse_domain::user_import::{self, ImportJob, NewJob};
    use poolhouse_testkit::Kit;

    use super::*;

    const POOL: &str = "us-east-1_AbCdEfGhI";

    /// A job that waits for its file, and the path and token of its URL.
    async fn job(ports: &Ports) -> (ImportJob, String) {
        let mut tx = ports.store.write().await.unwrap();
        let settings = poolhouse_domain::shapes::UserPoolType {
            id: Some(POOL.to_owned()),
            ..Default::default()
        };
        let pool = poolhouse_domain::user_pools::UserPool { settings, ..Default::default() };
        tx.insert_user_pool(&pool).await.unwrap();
        let new = NewJob {
            name: "job".to_owned(),
            log_role_arn: "arn:aws:iam::123456789012:role/import".to_owned(),
            hashing: None,
        };
        let (identity, entropy) = (&ports.identity, &*ports.entropy);
        let made =
            user_import::create(&mut *tx, POOL, new, identity, entropy, ports.clock.now()).await;
        let job = made.unwrap().unwrap();
        tx.commit().await.unwrap();
        let url = upload::url(&ports.identity, &ports.keyring, &job);
        let path = url.split_once(IMPORTS).unwrap().1.to_owned();
        (job, path)
    }

    fn parts(method: Method) -> Parts {
        Request::builder().method(method).uri("/").body(()).unwrap().into_parts().0
    }

    async fn put<B>(imports: &Imports, ports: &Ports, path: &str, body: B) -> u16
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let parts = parts(Method::PUT);
        imports.serve(path, &parts, body, ports, false).await.status().as_u16()
    }

    async fn file_of(ports: &Ports, job: &ImportJob) -> Option<u64> {
        let mut view = ports.store.read().await.unwrap();
        let job = view.import_job(POOL, &job.id).await.unwrap().unwrap();
        job.details.upload.map(|upload| upload.bytes)
    }

    /// A body in pieces, of unknown length, whose connection breaks where a piece is none.
    struct Pieces(VecDeque<Option<usize>>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|size| match size {
                Some(size) => Ok(Frame::data(vec![b'x'; size].into())),
                None => Err(std::io::ErrorKind::ConnectionReset.into()),
            }))
        }
    }

    fn pieces(pieces: &[Option<usize>]) -> Pieces {
        Pieces(pieces.iter().copied().collect())
    }

    #[tokio::test]
    async fn a_file_arrives_whole_or_not_at_all() {
        let ports = Kit::new().await.unwrap().ports;
        let (job, path) = job(&ports).await;
        let imports = Imports::default();
        let put = async |body| put(&imports, &ports, &path, body).await;
        assert_eq!(put(pieces(&[Some(700_000), None])).await, 400);
        assert_eq!(file_of(&ports, &job).await, None);
        assert_eq!(put(pieces(&[Some(300_000), Some(400_000)])).await, 200);
        assert_eq!(file_of(&ports, &job).await, Some(700_000));
        assert_eq!(put(pieces(&[Some(5), None])).await, 400);
        assert_eq!(put(pieces(&[])).await, 400);
        assert_eq!(file_of(&ports, &job).await, Some(700_000), "the earlier one stays");
        let many = vec![Some(1_000_000); 105];
        assert_eq!(put(pieces(&many)).await, 413);
        assert_eq!(put(pieces(&[Some(1)])).await, 200);
        assert_eq!(file_of(&ports, &job).await, Some(1));
    }

    #[tokio::test]
    async fn only_the_url_of_a_job_takes_a_file_and_only_by_put() {
        let ports = Kit::new().await.unwrap().ports;
        let (job, path) = job(&ports).await;
        let imports = Imports::default();
        for (other, status) in [
            (format!("{path}x"), 403),
            (format!("{POOL}/{}/{}", job.id, "A".repeat(43)), 403),
            (format!("{POOL}/import-other/{}", path.rsplit('/').next().unwrap()), 403),
            (format!("{path}/x"), 404),
            (POOL.to_owned(), 404),
        ] {
            assert_eq!(put(&imports, &ports, &other, pieces(&[Some(1)])).await, status, "{other}");
        }
        for (method, is_dev) in [(Method::GET, true), (Method::POST, true), (Method::GET, false)] {
            let parts = parts(method);
            let answer = imports.serve(&path, &parts, pieces(&[]), &ports, is_dev).await;
            assert_eq!(answer.status(), 405);
        }
        assert_eq!(file_of(&ports, &job).await, None);
        let nobody = Imports(Semaphore::new(0));
        assert_eq!(put(&nobody, &ports, &path, pieces(&[Some(1)])).await, 503);
    }

    #[tokio::test]
    async fn logs_are_shown_part_by_part_and_in_dev_only() {
        let ports = Kit::new().await.unwrap().ports;
        let (job, _) = job(&ports).await;
        let mut tx = ports.store.write().await.unwrap();
        for first_line in 2..=101 {
            let block = LogBlock { first_line, text: format!("line {first_line}\n") };
            tx.append_import_log(POOL, &job.id, &block).await.unwrap();
        }
        tx.commit().await.unwrap();
        let path = format!("{POOL}/{}/log", job.id);
        let get = async |query: &str, is_dev| {
            let uri = format!("/_poolhouse/imports/{path}{query}");
            let parts = Request::get(uri).body(()).unwrap().into_parts().0;
            Imports::default().serve(&path, &parts, pieces(&[]), &ports, is_dev).await
        };
        let first = get("", true).await;
        assert!(first.body().starts_with("line 2\nline 3\n") && first.body().ends_with("101\n"));
        assert_eq!(first.headers()[NEXT_HEADER], "101");
        let second = get("?after=100", true).await;
        assert_eq!(second.body(), "line 101\n");
        assert!(!second.headers().contains_key(NEXT_HEADER));
        assert_eq!(get("", false).await.status(), 405);
        let mut whole = Vec::new();
        assert!(write_log(&*ports.store, POOL, &job.id, &mut whole).await.unwrap());
        assert_eq!(String::from_utf8(whole).unwrap(), *first.body());
        assert!(!write_log(&*ports.store, POOL, "import-x", &mut Vec::new()).await.unwrap());
    }
}
