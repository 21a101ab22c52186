//! Reading the bodies of requests: within limits of size, time and memory.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::{Buf, BufMut};
use http::{StatusCode, request::Parts};
use http_body_util::BodyExt;
use hyper::body::Body;
use poolhouse_wire::{Auth, aws_json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The largest body of an operation that asks for a signature, in bytes. The largest that the
/// protocol needs hold assets of branding: a million bytes, in base64.
const LARGEST_SIGNED: usize = 2 * 1024 * 1024;
/// The largest body of everything that anybody may send, in bytes.
const LARGEST_OPEN: usize = 256 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// The memory of all requests together, in units.
const ALL: usize = 64 * 1024;
/// Memory is counted in units of so many bytes.
const UNIT: usize = 1024;

/// The memory that all requests share: 64 MiB.
///
/// Requests take of it for their headers, and for their bodies as these arrive, and give it back
/// when they are answered, so that clients that send much, slowly, or on many connections can't use
/// up the machine's.
pub(crate) struct BodyMemory(Arc<Semaphore>);

/// A whole body, and the memory that its request takes.
pub(crate) struct Kept {
    bytes: Vec<u8>,
    held: OwnedSemaphorePermit,
    /// How much of that is for the headers, in units.
    head: usize,
}

/// A body that could not be read, and the answer to that.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Status of the answer.
    pub(crate) status: StatusCode,
    /// Type of the error.
    pub(crate) name: &'static str,
    /// What to tell the client.
    pub(crate) message: String,
}

/// Whether a request is for an operation that asks for a signature. Known before its body is.
pub(crate) fn asks_for_signature(parts: &Parts) -> bool {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = aws_json::route(parts.method.as_str(), parts.uri.path(), target);
    operation.is_ok_and(|name| matches!(name.auth(), Auth::SigV4))
}

/// The largest body that a request may have, in bytes.
fn limit(parts: &Parts) -> usize {
    if asks_for_signature(parts) { LARGEST_SIGNED } else { LARGEST_OPEN }
}

/// The size of URI and headers.
fn head_bytes(parts: &Parts) -> usize {
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let uri = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    uri + headers.sum::<usize>()
}

impl Default for BodyMemory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL)))
    }
}

impl BodyMemory {
    /// Memory for no body at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Reads the whole body of a request.
    pub(crate) async fn read<B>(&self, parts: &Parts, body: B) -> Result<Kept, Unreadable>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let read = self.collect(head_bytes(parts), body, limit(parts));
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| {
            Err(Unreadable::serialization(
                StatusCode::REQUEST_TIMEOUT,
                "The request body did not arrive in time.".to_owned(),
            ))
        })
    }

    async fn collect<B>(&self, head_bytes: usize, body: B, limit: usize) -> Result<Kept, Unreadable>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // What is announced to be too large need not be read to be refused.
        if body.size_hint().lower() > limit as u64 {
            return Err(Unreadable::too_large(limit));
        }
        let mut body = pin!(body);
        let head = head_bytes.div_ceil(UNIT);
        let mut kept = Kept { bytes: Vec::new(), held: self.take(head)?, head };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                let text = "The request body could not be read.".to_owned();
                Unreadable::serialization(StatusCode::BAD_REQUEST, text)
            })?;
            // Trailers mean nothing here.
            let Ok(data) = frame.into_data() else { continue };
            if data.remaining() > limit - kept.bytes.len() {
                return Err(Unreadable::too_large(limit));
            }
            self.make_room(&mut kept, data.remaining())?;
            kept.bytes.put(data);
        }
        Ok(kept)
    }

    /// Makes room for so many more bytes, at once or not at all: a body that waited for the
    /// memory of others while it held its own could wait for ever.
    fn make_room(&self, kept: &mut Kept, more: usize) -> Result<(), Unreadable> {
        let needed = kept.bytes.len() + more;
        if needed <= kept.bytes.capacity() {
            return Ok(());
        }
        // Doubled, so that a body in many small pieces is not copied for each of them.
        let units = needed.max(kept.bytes.capacity() * 2).div_ceil(UNIT);
        kept.held.merge(self.take(kept.head + units - kept.held.num_permits())?);
        kept.bytes.reserve_exact(units * UNIT - kept.bytes.len());
        Ok(())
    }

    fn take(&self, units: usize) -> Result<OwnedSemaphorePermit, Unreadable> {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Arc::clone(&self.0).try_acquire_many_owned(units).map_err(|_| Unreadable::no_memory())
    }
}

impl Kept {
    /// The body.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Unreadable {
    /// Status and type are our choice: what the service answers is not on record.
    fn serialization(status: StatusCode, message: String) -> Self {
        Self { status, name: "SerializationException", message }
    }

    fn too_large(limit: usize) -> Self {
        let message = format!("The request body is larger than {limit} bytes.");
        Self::serialization(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// One of the errors that any operation may answer; SDKs try again.
    fn no_memory() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            name: "ServiceUnavailable",
            message: "Too many large requests at the same time. Try again later.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    /// A body in pieces, of unknown length; for ever unfinished if there is no end.
    struct Pieces {
        pieces: VecDeque<usize>,
        ends: bool,
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.pieces.pop_front() {
                Some(size) => Poll::Ready(Some(Ok(Frame::data(vec![b'x'; size].into())))),
                None if self.ends => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    fn pieces(sizes: &[usize]) -> Pieces {
        Pieces { pieces: sizes.iter().copied().collect(), ends: true }
    }

    fn unfinished(size: usize) -> Pieces {
        Pieces { pieces: [size].into(), ends: false }
    }

    fn whole(size: usize) -> Full<Bytes> {
        Full::new(vec![0; size].into())
    }

    fn request(operation: &str) -> Parts {
        let target = format!("{}{operation}", aws_json::TARGET_PREFIX);
        let request = Request::post("/").header("x-amz-target", target).body(());
        request.unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
        let memory = BodyMemory::default();
        for (operation, limit) in [("CreateUserPool", 2_097_152), ("InitiateAuth", 262_144)] {
            let parts = request(operation);
            let read = memory.read(&parts, whole(limit)).await.unwrap();
            assert_eq!(read.bytes().len(), limit);
            drop(read);
            let announced = memory.read(&parts, whole(limit + 1)).await.err().unwrap();
            assert_eq!(
                (announced.status.as_u16(), announced.name),
                (413, "SerializationException")
            );
            let found_out = memory.read(&parts, pieces(&[limit, 1])).await.err().unwrap();
            assert_eq!(found_out.status, 413);
            assert!(found_out.message.contains(&limit.to_string()), "{}", found_out.message);
        }
    }

    #[test]
    fn only_operations_that_ask_for_a_signature_may_send_much() {
        assert_eq!(limit(&request("CreateUserPool")), LARGEST_SIGNED);
        assert_eq!(limit(&request("SignUp")), LARGEST_OPEN);
        assert_eq!(limit(&request("NoSuchOperation")), LARGEST_OPEN);
        let elsewhere = Request::post("/_poolhouse/clock").body(()).unwrap().into_parts().0;
        assert_eq!(limit(&elsewhere), LARGEST_OPEN);
    }

    #[tokio::test]
    async fn bodies_take_what_they_hold_and_give_it_back() {
        let memory = BodyMemory::default();
        let first = memory.collect(0, pieces(&vec![1; 5_000]), LARGEST_OPEN).await.unwrap();
        assert_eq!(first.bytes(), vec![b'x'; 5_000]);
        assert_eq!((ALL - memory.0.available_permits()) * UNIT, first.bytes.capacity());
        drop(first);
        assert!(memory.collect(0, pieces(&[200, 200]), 300).await.is_err());
        assert_eq!(memory.0.available_permits(), ALL);
    }

    #[tokio::test]
    async fn headers_take_memory_until_their_request_is_answered() {
        let memory = BodyMemory::default();
        let mut parts = request("InitiateAuth");
        parts.headers.insert("x-large", "x".repeat(9 * UNIT).parse().unwrap());
        let read = memory.read(&parts, pieces(&[10])).await.unwrap();
        assert_eq!(ALL - memory.0.available_permits(), 10 + 1);
        drop(read);
        assert_eq!(memory.0.available_permits(), ALL);
    }

    #[tokio::test]
    async fn unfinished_bodies_share_a_limited_memory() {
        let memory = BodyMemory::default();
        let mut waiting: Vec<_> = (0..ALL / (LARGEST_SIGNED / UNIT))
            .map(|_| Box::pin(memory.collect(0, unfinished(LARGEST_SIGNED), LARGEST_SIGNED)))
            .collect();
        for body in &mut waiting {
            let wait = tokio::time::timeout(Duration::ZERO, body);
            assert!(wait.await.is_err(), "it is still to come");
        }
        let refused = memory.collect(0, pieces(&[1]), LARGEST_OPEN).await.err().unwrap();
        assert_eq!((refused.status.as_u16(), refused.name), (503, "ServiceUnavailable"));
        assert!(memory.collect(0, pieces(&[]), LARGEST_OPEN).await.is_ok(), "it needs none");
        drop(waiting.pop());
        assert!(memory.collect(0, pieces(&[1]), LARGEST_OPEN).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let memory = BodyMemory::default();
        let late = memory.read(&request("SignUp"), unfinished(1)).await.err().unwrap();
        assert_eq!(late.status, 408);
        assert_eq!(memory.0.available_permits(), ALL);
    }
}
