//! A server process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Client, Store, binary, random};

const LOOPBACK: &str = "http://127.0.0.1:";
/// A debug build on a busy machine may take its time to migrate a fresh database.
const TIME_TO_START: Duration = Duration::from_mins(1);
/// Between two looks at something that will happen soon.
const PAUSE: Duration = Duration::from_millis(10);

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    endpoint: String,
    output: Output,
}

/// What a process wrote to both its streams so far.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn append(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Server {
    /// Starts `poolhouse dev` on this storage and waits until it answers.
    pub async fn dev(store: &Store) -> Self {
        Self::dev_with(store, &[]).await
    }

    /// The same with more arguments.
    pub async fn dev_with(store: &Store, more: &[&str]) -> Self {
        let mut arguments = vec!["dev".to_owned(), "--listen".into(), "127.0.0.1:0".into()];
        arguments.extend(store.arguments());
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let (announce, announced) = mpsc::channel();
        let mut server = Self::spawn(store, &arguments, Some(announce));
        server.endpoint = tokio::task::block_in_place(|| announced.recv_timeout(TIME_TO_START))
            .unwrap_or_else(|_| panic!("the server names no address:\n{}", server.log()));
        server.wait_until_healthy().await;
        server
    }

    /// Starts `poolhouse serve` on this storage, in region `eu-central-1`, as if behind a proxy. Its
    /// configuration is `poolhouse.toml` in the store's folder.
    pub async fn serve(store: &Store) -> Self {
        // Somebody else may take the port before the server does, which is unlikely enough.
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr();
        let port = free.unwrap().port();
        let arguments = ["serve", "--config", &configure(store, port)].map(str::to_owned);
        let mut server = Self::spawn(store, &arguments, None);
        server.endpoint = format!("{LOOPBACK}{port}");
        server.wait_until_healthy().await;
        server
    }

    /// Starts the program; the first address on loopback in its standard output is announced.
    fn spawn(store: &Store, arguments: &[String], announce: Option<Sender<String>>) -> Self {
        let spawned = command(store)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned
            .unwrap_or_else(|error| panic!("{} does not start: {error}", binary::path().display()));
        let output = Output::default();
        copy_lines(child.stdout.take().expect("a pipe"), output.clone(), announce);
        copy_lines(child.stderr.take().expect("a pipe"), output.clone(), None);
        Self { child, endpoint: String::new(), output }
    }

    /// Waits for `GET /_poolhouse/health`.
    async fn wait_until_healthy(&mut self) {
        let client = self.client();
        for _ in 0..TIME_TO_START.as_millis() / PAUSE.as_millis() {
            if client.get("/_poolhouse/health").await.is_ok_and(|reply| reply.status == 200) {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "it ended:\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
        panic!("the server is not healthy:\n{}", self.log());
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A client with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&self.endpoint)
    }

    /// Everything that it wrote to standard output and standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.output.bytes()).into_owned()
    }

    /// Ends it with SIGKILL, at once and without farewell.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end with SIGTERM.
    pub fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self, within: Duration) -> (ExitStatus, String) {
        let status = tokio::time::timeout(within, async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await;
        let status = status.unwrap_or_else(|_| panic!("it does not end:\n{}", self.log()));
        (status, self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either it runs, or it ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let from = log.char_indices().rev().nth(6_000).map_or(0, |(at, _)| at);
            eprintln!("The server's last words:\n{}", &log[from..]);
        }
    }
}

/// Writes what `poolhouse serve` needs; the path of the configuration.
fn configure(store: &Store, port: u16) -> String {
    let database = match store.database_url() {
        Some(url) => format!("url = \"{url}\""),
        None => "file = \"served.db\"".to_owned(),
    };
    let text = format!(
        "listen = \"127.0.0.1:{port}\"\nregion = \"eu-central-1\"\n\
         account_id = \"123456789012\"\nissuer = \"{LOOPBACK}{port}\"\ntrusted_proxy = true\n\
         [database]\n{database}\n[master_key]\nfile = \"served.key\"\n"
    );
    let config = store.folder().join("poolhouse.toml");
    fs::write(&config, text).unwrap();
    let random = [random::<16>(), random()].map(u128::from_be_bytes);
    let digits = format!("{:032x}{:032x}", random[0], random[1]);
    let key = store.folder().join("served.key");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(key).unwrap();
    file.write_all(digits.as_bytes()).unwrap();
    config.display().to_string()
}

/// Runs a management command on this storage, such as `["access-key", "list"]`, and answers what it
/// prints.
pub fn run(store: &Store, arguments: &[&str]) -> String {
    let output = command(store).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{text}{errors}", output.status);
    text
}

/// The program, in the test's folder and without what the developer's environment may say.
fn command(store: &Store) -> Command {
    let mut command = Command::new(binary::path());
    command.current_dir(store.folder()).env_remove("POOLHOUSE_DATABASE");
    command.env_remove("POOLHOUSE_LOG");
    command
}

/// Keeps what comes out of a pipe, until it closes; hands on the first address named in it.
fn copy_lines(
    pipe: impl Read + Send + 'static,
    output: Output,
    mut announce: Option<Sender<String>>,
) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            output.append(&line);
            if let Some(endpoint) = endpoint_in(&String::from_utf8_lossy(&line))
                && let Some(announce) = announce.take()
            {
                // Nobody waits any more if the test ended.
                let _ = announce.send(endpoint);
            }
            line.clear();
        }
    });
}

fn endpoint_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(LOOPBACK)?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{LOOPBACK}{port}"))
}
