//! Reading an uploaded file line by line, with no more than a few chunks in memory.

use super::{
    Upload,
    upload::{CHUNK, CHUNK_BYTES},
};
use crate::{fault::Fault, ports::Transaction};

/// The most bytes of a line that is looked at: 16,000 characters of four bytes, and a line end.
const LONGEST: usize = 4 * 16_000 + 1;

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is longer than any can be.
    TooLong,
    /// What is in memory holds no further whole line.
    Pause,
    /// The file has ended.
    End,
    /// A chunk is gone.
    Missing,
}

/// A file that is being read.
pub(super) struct Lines<'a> {
    view: Box<dyn Transaction>,
    upload: &'a Upload,
    /// Some chunks, one after the other.
    window: Vec<u8>,
    /// Where in the file the window begins: at the beginning of a chunk.
    start: u64,
    /// Where in the window the next line begins.
    at: usize,
}

impl<'a> Lines<'a> {
    /// Begins at this position. The view is one for reading.
    pub(super) fn new(view: Box<dyn Transaction>, upload: &'a Upload, position: u64) -> Self {
        let within = usize::try_from(position % CHUNK_BYTES).unwrap_or_default();
        let start = position - position % CHUNK_BYTES;
        Self { view, upload, window: Vec::new(), start, at: within }
    }

    /// Where in the file the next line begins.
    pub(super) fn position(&self) -> u64 {
        self.start + self.at as u64
    }

    /// The next line; [`Next::Pause`] where `may_load` is false and a further chunk is needed.
    pub(super) async fn next(&mut self, may_load: bool) -> Result<Next, Fault> {
        let mut is_long = false;
        loop {
            let rest = self.window.get(self.at..).unwrap_or_default();
            let line = |length: usize| {
                let is_long = is_long || length > LONGEST;
                let line = rest.get(..length).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if is_long { Next::TooLong } else { Next::Line(line.to_vec()) }
            };
            if let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
                let line = line(length);
                self.at += length + 1;
                return Ok(line);
            }
            let loaded = self.start + self.window.len() as u64;
            if loaded >= self.upload.bytes || self.position() >= self.upload.bytes {
                if rest.is_empty() && !is_long {
                    return Ok(Next::End);
                }
                let line = line(rest.len());
                self.at = self.window.len();
                return Ok(line);
            }
            if !may_load {
                return Ok(Next::Pause);
            }
            if is_long || rest.len() > LONGEST {
                // Its end is still to be found, its content is not wanted.
                is_long = true;
                self.at = self.window.len();
            }
            if !self.load(loaded / CHUNK_BYTES).await? {
                return Ok(Next::Missing);
            }
        }
    }

    /// Appends a chunk to the window, and cuts off whole chunks that have been read.
    async fn load(&mut self, number: u64) -> Result<bool, Fault> {
        let Some(chunk) = self.view.import_chunk(&self.upload.id, number).await? else {
            return Ok(false);
        };
        let read = if self.window.is_empty() { 0 } else { self.at - self.at % CHUNK };
        self.window.drain(..read.min(self.window.len()));
        self.start += read as u64;
        self.at -= read;
        self.window.extend(chunk);
        Ok(true)
    }
}
