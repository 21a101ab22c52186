//! A child process that does not outlive its owner.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use super::succeeds;

/// How often and how long a condition is waited for: every 50 ms, half a minute in all.
const PAUSE: Duration = Duration::from_millis(50);
const ATTEMPTS: u32 = 600;

/// Stops its process when dropped: asks by signal first, insists after a while.
pub(super) struct Guarded {
    child: Child,
    signal: &'static str,
}

impl Guarded {
    /// Takes a process which this signal (`TERM`, `INT`) asks to stop.
    pub(super) fn new(child: Child, signal: &'static str) -> Self {
        Self { child, signal }
    }

    /// Whether the process runs still.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `ready` says so; `false` if the process ends or time runs out before.
    pub(super) fn becomes(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        for _ in 0..ATTEMPTS {
            if !self.is_running() {
                return false;
            }
            if ready() {
                return true;
            }
            thread::sleep(PAUSE);
        }
        false
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The shell's own `kill`: a small Debian has no program of that name.
        let mut ask = Command::new("sh");
        ask.args(["-c", "kill -s \"$0\" \"$1\"", self.signal]);
        ask.arg(self.child.id().to_string());
        if self.is_running() && succeeds(&mut ask) {
            for _ in 0..ATTEMPTS / 3 {
                if !self.is_running() {
                    return;
                }
                thread::sleep(PAUSE);
            }
        }
        // Nothing can be done about a failure here: the process is gone, or out of our reach.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log file.
pub(super) fn end_of(log: &Path, lines: usize) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.reverse();
    last.join("\n")
}
