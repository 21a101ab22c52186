//! The server under test: `poolhouse dev` as a child process.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use poolhouse_adapters::{clock::SystemClock, entropy::SystemEntropy, master_key};
use poolhouse_domain::{ports::Clock, sealing::MasterKey};
use poolhouse_store::{Location, SqlStore};
use tempfile::TempDir;

use crate::{
    Outcome,
    http::Connection,
    process,
    time::{Stopwatch, millis},
};

/// How often a server that starts is asked whether it is ready.
const POLL: Duration = Duration::from_millis(1);
/// How often it is asked at most: about half a minute.
const POLLS: u32 = 20_000;
/// How long a server may take to stop before it is killed.
const STOP_POLL: Duration = Duration::from_millis(20);
const STOP_POLLS: u32 = 1_000;
/// How long a server is left alone before its memory counts as idle.
const TO_SETTLE: Duration = Duration::from_millis(500);

/// Where a server keeps its data. Removed when dropped.
pub(crate) struct Installation {
    binary: PathBuf,
    folder: TempDir,
    database: Option<String>,
}

impl Installation {
    /// An empty installation: SQLite in a temporary folder, or the given PostgreSQL database.
    pub(crate) fn new(binary: &Path, database: Option<String>) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("poolhouse-bench-").tempdir()?;
        Ok(Self { binary: binary.to_owned(), folder, database })
    }

    /// Opens the store beside a running server, as another node would.
    pub(crate) async fn open_store(&self) -> Outcome<SqlStore> {
        let key = master_key::read_file(&self.folder.path().join("master.key"))?;
        let location = match &self.database {
            Some(url) => Location::Postgres { url: url.clone(), connections: 4 },
            None => Location::SqliteFile(self.folder.path().join("poolhouse.db")),
        };
        let now = SystemClock.now();
        let key = MasterKey::new(*key);
        Ok(SqlStore::open(&location, key, Arc::new(SystemEntropy), now).await?)
    }

    fn spawn(&self, address: SocketAddr, functions: Option<SocketAddr>) -> Outcome<Child> {
        let mut command = Command::new(&self.binary);
        command.args(["dev", "--listen", &address.to_string(), "--data"]).arg(self.folder.path());
        if let Some(url) = &self.database {
            command.args(["--database", url]);
        }
        if let Some(functions) = functions {
            command.args(["--lambda-endpoint", &format!("http://{functions}")]);
        }
        // The log is written as it is by default, one line per request; nobody reads it.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let failed = |error| format!("{} did not start: {error}", self.binary.display());
        Ok(command.spawn().map_err(failed)?)
    }
}

/// A running server, stopped when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server, waits until it answers, and lets it settle.
    pub(crate) async fn start(installation: &Installation) -> Outcome<Self> {
        let server = Self::start_now(installation, None).await?;
        tokio::time::sleep(TO_SETTLE).await;
        Ok(server)
    }

    /// The same with functions behind an Invoke API.
    pub(crate) async fn start_with_functions(
        installation: &Installation,
        functions: SocketAddr,
    ) -> Outcome<Self> {
        Self::start_now(installation, Some(functions)).await
    }

    /// Starts a server and waits until it answers.
    async fn start_now(
        installation: &Installation,
        functions: Option<SocketAddr>,
    ) -> Outcome<Self> {
        let address = free_address()?;
        let mut server = Self { child: installation.spawn(address, functions)?, address };
        for _ in 0..POLLS {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            if server.is_healthy().await {
                return Ok(server);
            }
            tokio::time::sleep(POLL).await;
        }
        Err("the server does not answer".into())
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// CPU time used since it started.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        process::cpu_time(self.child.id())
    }

    /// Waits until the server has nothing more to do, so that what it does in the background (making
    /// RSA keys ahead of time) is not taken for the load's. Gives up after half a minute.
    pub(crate) async fn settle(&self) -> Outcome {
        const LOOKS: u32 = 60;
        const PAUSE: Duration = Duration::from_millis(500);
        let mut before = self.cpu_time()?;
        for _ in 0..LOOKS {
            tokio::time::sleep(PAUSE).await;
            let now = self.cpu_time()?;
            if now.saturating_sub(before) <= PAUSE / 50 {
                return Ok(());
            }
            before = now;
        }
        Err("the server does not come to rest".into())
    }

    /// Memory in use now, in KiB.
    pub(crate) fn resident_kib(&self) -> Outcome<u64> {
        process::resident_kib(self.child.id())
    }

    /// The most memory that was in use since the start or since [`Self::forget_peak`], in KiB.
    pub(crate) fn peak_kib(&self) -> Outcome<u64> {
        process::peak_kib(self.child.id())
    }

    /// From here on only what is in use from here on counts for [`Self::peak_kib`].
    pub(crate) fn forget_peak(&self) -> Outcome {
        process::forget_peak(self.child.id())
    }

    async fn is_healthy(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return false;
        };
        connection.get("/_poolhouse/health").await.is_ok_and(|status| status.is_success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = self.child.id().to_string();
        let asked = Command::new("kill").args(["-s", "TERM", &process]).status();
        if asked.is_ok_and(|status| status.success()) {
            for _ in 0..STOP_POLLS {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(STOP_POLL);
            }
        }
        // Nothing can be done about a failure here: the process is gone, or out of our reach.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The thread that makes RSA keys ahead of time, with what others leave of the processor.
const KEY_RESERVE: &str = "key-reserve";

/// What it takes to start.
pub(crate) struct Start {
    /// From the start of the process to its first answer, in milliseconds.
    pub(crate) elapsed: f64,
    /// CPU milliseconds until then, without those for making RSA keys ahead of time.
    pub(crate) cpu: f64,
}

/// Starts and stops the server several times; quickest first.
pub(crate) async fn starts(installation: &Installation, count: usize) -> Outcome<Vec<Start>> {
    let mut starts = Vec::new();
    for _ in 0..count {
        let stopwatch = Stopwatch::start();
        let server = Server::start_now(installation, None).await?;
        let elapsed = millis(stopwatch.elapsed());
        let cpu = millis(process::cpu_time_of_threads(server.child.id(), KEY_RESERVE)?);
        starts.push(Start { elapsed, cpu });
    }
    starts.sort_by(|one, other| one.elapsed.total_cmp(&other.elapsed));
    Ok(starts)
}

/// An address on loopback that nobody uses at this moment.
fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
