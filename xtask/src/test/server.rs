//! The server under test: `poolhouse dev` on a free port, in a temporary folder.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::child::{Guarded, end_of};
use crate::Outcome;

const LOOPBACK: &str = "http://127.0.0.1:";

/// A debug build on a busy machine may take its time to migrate a fresh database.
const TIME_TO_START: Duration = Duration::from_mins(1);

/// A running server, stopped when dropped.
pub(super) struct Server {
    // Dropped in this order: the process first, then the files it uses.
    _process: Guarded,
    _folder: TempDir,
    log: PathBuf,
    answers: PathBuf,
    endpoint: String,
}

impl Server {
    /// Starts `poolhouse dev` with these arguments and waits until it answers.
    pub(super) fn start(binary: &Path, arguments: &[&str]) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("poolhouse-server-").tempdir()?;
        let (log, answers) = (folder.path().join("log"), folder.path().join("answers"));
        let log_file = File::create(&log)?;
        let mut command = Command::new(binary);
        command.args(["dev", "--listen", "127.0.0.1:0", "--record"]).arg(&answers).args(arguments);
        // What a developer set for the own server must not reach this one.
        command.current_dir(folder.path()).env_remove("POOLHOUSE_DATABASE");
        command.env_remove("AWS_ENDPOINT_URL_LAMBDA").env_remove("POOLHOUSE_WEBHOOK_SECRET");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file.try_clone()?);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} did not start: {error}", binary.display()))?;
        let output = child.stdout.take();
        let mut process = Guarded::new(child, "TERM");
        let announced = output.map(|output| announced_endpoint(output, log_file));
        let endpoint = announced.and_then(|receiver| receiver.recv_timeout(TIME_TO_START).ok());
        if let Some(endpoint) = endpoint
            && process.becomes(|| is_healthy(&endpoint))
        {
            return Ok(Self { _process: process, _folder: folder, log, answers, endpoint });
        }
        Err(format!("the server did not start:\n{}", end_of(&log, 20)).into())
    }

    /// `http://127.0.0.1:PORT`.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The file to which the server appends each of its answers.
    pub(super) fn answers(&self) -> &Path {
        &self.answers
    }

    /// Shows what the server said last, for whoever looks into a failure.
    pub(super) fn print_end_of_log(&self) {
        println!("\nThe server's last words:\n{}", end_of(&self.log, 60));
    }
}

/// Copies the server's output into the log and hands on the first endpoint named in it.
fn announced_endpoint(output: ChildStdout, mut log: File) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(endpoint) = endpoint_in(&line) {
                // Only the first is waited for; later ones find nobody.
                let _ = sender.send(endpoint);
            }
            // A full disk must not stop the server by leaving its output unread.
            let _ = writeln!(log, "{line}");
        }
    });
    receiver
}

fn endpoint_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(LOOPBACK)?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{LOOPBACK}{port}"))
}

/// Whether `GET /_poolhouse/health` answers 200.
fn is_healthy(endpoint: &str) -> bool {
    let address = endpoint.trim_start_matches("http://");
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let request =
        format!("GET /_poolhouse/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut status = [0; 12];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut status).is_ok()
        && status.ends_with(b" 200")
}

#[cfg(test)]
mod tests {
    use super::endpoint_in;

    #[test]
    fn the_endpoint_is_found_within_a_line() {
        let line = "  endpoint  http://127.0.0.1:49152/  (region us-east-1)";
        assert_eq!(endpoint_in(line).as_deref(), Some("http://127.0.0.1:49152"));
    }

    #[test]
    fn a_line_without_port_names_no_endpoint() {
        assert_eq!(endpoint_in("listening on http://127.0.0.1:"), None);
        assert_eq!(endpoint_in("starting"), None);
    }
}
