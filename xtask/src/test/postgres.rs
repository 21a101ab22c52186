//! A throwaway PostgreSQL: a cluster of its own in a temporary folder, on a free port of loopback.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::child::{Guarded, end_of};
use super::packages::{is_root, number};
use super::{execute, succeeds};
use crate::Outcome;

/// Where Debian keeps the server's programs, one folder per version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The superuser of the cluster, who needs no password.
const SUPERUSER: &str = "poolhouse";

/// A running cluster, stopped and removed when dropped.
pub(crate) struct Postgres {
    // Dropped in this order: the process first, then the files it uses.
    _process: Guarded,
    _folder: TempDir,
    programs: PathBuf,
    port: u16,
}

/// What survives of what was committed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Durability {
    /// All of it, even if the machine loses power, as in production.
    Machine,
    /// All of it, whichever process is killed. Nobody waits for the disk: right for tests.
    Process,
}

/// User and group that PostgreSQL runs as, because it refuses to run as root.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// The folder with `initdb` and `postgres` of the newest version installed.
pub(crate) fn programs() -> Option<PathBuf> {
    let folders = fs::read_dir(VERSIONS).ok()?.flatten().map(|entry| entry.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").is_file()).max_by_key(|folder| version(folder))
}

/// `15` of `/usr/lib/postgresql/15/bin`.
fn version(folder: &Path) -> Option<u32> {
    folder.parent()?.file_name()?.to_str()?.parse().ok()
}

impl Postgres {
    /// Starts a cluster.
    pub(crate) fn start(durability: Durability) -> Outcome<Self> {
        let programs = programs().ok_or("no PostgreSQL server is installed")?;
        let owner = owner()?;
        let folder = tempfile::Builder::new().prefix("poolhouse-postgres-").tempdir()?;
        if let Some(owner) = owner {
            chown(folder.path(), Some(owner.user), Some(owner.group))?;
        }
        let run = |program| as_owner(&programs.join(program), owner);
        let data = folder.path().join("data");
        let mut initdb = run("initdb");
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--username", SUPERUSER]);
        initdb.arg("--pgdata").arg(&data).stdout(Stdio::null());
        execute(&mut initdb)?;

        let port = free_port()?;
        let log_path = folder.path().join("log");
        let log = File::create(&log_path)?;
        let mut postgres = run("postgres");
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        postgres.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        // Tests run side by side, each with a pool of connections.
        postgres.args(["-c", "max_connections=300"]);
        match durability {
            Durability::Process => postgres.args(["-c", "fsync=off"]),
            // What its manual advises a server that has a machine to itself; the 128 MiB that it
            // takes by default are less than the users of a large pool.
            Durability::Machine => {
                postgres.args(["-c", &format!("shared_buffers={}kB", memory_kib()? / 4)])
            }
        };
        postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // INT asks for a fast shutdown: sessions that are still open do not hold it up.
        let mut process = Guarded::new(postgres.spawn()?, "INT");
        let is_ready = || {
            let mut probe = Command::new(programs.join("pg_isready"));
            succeeds(probe.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]))
        };
        if !process.becomes(is_ready) {
            return Err(format!("PostgreSQL did not start:\n{}", end_of(&log_path, 20)).into());
        }
        Ok(Self { _process: process, _folder: folder, programs, port })
    }

    /// The URL of a database for the superuser.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and answers its URL.
    pub(crate) fn fresh_database(&self, name: &str) -> Outcome<String> {
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", SUPERUSER, name]);
        execute(&mut create)?;
        Ok(self.url(name))
    }
}

/// Whom PostgreSQL must run as, if not as ourselves.
fn owner() -> Outcome<Option<Owner>> {
    if !is_root()? {
        return Ok(None);
    }
    Ok(Some(Owner {
        user: number(Command::new("id").args(["-u", "postgres"]))?,
        group: number(Command::new("id").args(["-g", "postgres"]))?,
    }))
}

/// A command that runs as the owner, in a folder that everybody may enter.
fn as_owner(program: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some(owner) = owner {
        command.uid(owner.user).gid(owner.group);
    }
    command
}

/// How much memory the machine has.
fn memory_kib() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|total| total.trim().strip_suffix("kB"));
    Ok(total.ok_or("/proc/meminfo does not say how much memory there is")?.trim().parse()?)
}

/// A port that nobody uses at this moment.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
