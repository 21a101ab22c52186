//! A sink of logs that keeps what it is given.

use std::sync::{Mutex, PoisonError};

use poolhouse_domain::log_delivery::LogSink;

/// Keeps every line instead of delivering it.
#[derive(Default)]
pub struct RecordingLogSink(Mutex<Vec<(String, String)>>);

impl RecordingLogSink {
    /// ARN and line of everything that was delivered, oldest first.
    pub fn lines(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LogSink for RecordingLogSink {
    fn deliver(&self, arn: &str, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((arn.to_owned(), line));
    }
}
