//! Runs every test: the workspace's own, then real clients against a real server on each engine.
//!
//! Made for a fresh Debian machine as well as for a developer's: what is missing is installed, what
//! is started is stopped again, also when something fails on the way.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::{Outcome, codegen, workspace};

mod child;
mod environments;
mod operations;
mod packages;
pub(crate) mod postgres;
mod server;
pub(crate) mod tested_errors;

use postgres::{Durability, Postgres};
use server::Server;
use tested_errors::TestedErrors;

/// Where the Rust tests find PostgreSQL: a superuser's URL, so that each test can make a database.
const POSTGRES_VARIABLE: &str = "POOLHOUSE_TEST_POSTGRES";

/// Which engine the operation tests run on; SQLite if it is not set.
const ENGINE_VARIABLE: &str = "POOLHOUSE_TEST_ENGINE";

/// Which database client tests take for a `poolhouse serve` that they start, if not SQLite.
const SERVED_VARIABLE: &str = "POOLHOUSE_SERVE_DATABASE";

/// Where the client tests find the server.
const ENDPOINT_VARIABLE: &str = "POOLHOUSE_ENDPOINT";

/// How many files of Node's tests run at a time. (Its own choice, one less than there are cores, is
/// one at a time where there are two.)
const NODE_CONCURRENCY: &str = "--test-concurrency=3";

/// Command line of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Args {
    /// Run only the tests written in this language
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Run the client tests on this storage engine only
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Run only the Python tests whose names match, as in `pytest -k`
    #[arg(short = 'k', value_name = "EXPR")]
    filter: Option<String>,
    /// Write crates/api/tested-errors.txt anew from what the tests produce
    #[arg(long, conflicts_with_all = ["only", "engine", "filter"])]
    write_tested_errors: bool,
}

/// A part of the test run, named after its language.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    Rust,
    Python,
    Node,
}

/// What the server under test stores its data in.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    fn wants_clients(&self) -> bool {
        self.wants(Part::Python) || self.wants(Part::Node)
    }

    fn engines(&self) -> Vec<Engine> {
        self.engine.map_or_else(|| vec![Engine::Sqlite, Engine::Postgres], |engine| vec![engine])
    }

    /// Whether every test runs, so that what none of them produces is produced by none.
    fn is_everything(&self) -> bool {
        self.only.is_none() && self.engine.is_none() && self.filter.is_none()
    }

    fn needs_postgres(&self) -> bool {
        self.wants(Part::Rust) || self.engines().contains(&Engine::Postgres)
    }
}

/// Runs what the arguments ask for and answers an error if anything failed.
pub fn run(args: &Args) -> Outcome {
    packages::install_missing(args)?;
    let start = || Postgres::start(Durability::Process);
    let postgres = args.needs_postgres().then(start).transpose()?;
    let mut report = Report::default();
    let mut errors = TestedErrors::default();
    if args.wants(Part::Rust) {
        // What can't even begin must be in the summary too.
        if let Err(error) = rust_tests(postgres.as_ref(), &mut report, &mut errors) {
            report.add("preparing the Rust tests", Err(error));
        }
    }
    if args.wants_clients() {
        // What comes before the tests may fail as well; the summary must be printed all the same.
        if let Err(error) = client_tests(args, postgres.as_ref(), &mut report, &mut errors) {
            report.add("preparing the client tests", Err(error));
        }
    }
    drop(postgres);
    if args.is_everything() && report.failures == 0 {
        report.add("error codes", judge(errors, args.write_tested_errors));
    }
    report.finish()
}

/// Compares the errors that were produced with those on record, or puts them on record.
fn judge(mut produced: TestedErrors, write: bool) -> Outcome {
    produced.keep(&codegen::listed_errors()?);
    if write {
        return produced.store();
    }
    produced.compare(&TestedErrors::stored()?)
}

fn rust_tests(
    postgres: Option<&Postgres>,
    report: &mut Report,
    errors: &mut TestedErrors,
) -> Outcome {
    let folder = tempfile::Builder::new().prefix("poolhouse-errors-").tempdir()?;
    let notes = folder.path().join("notes");
    let failed = report.add("rust", every_rust_test(postgres, &notes));
    // What does not compile does not on either engine.
    if let Some(postgres) = postgres.filter(|_| !failed) {
        let engine = Engine::Postgres;
        report.add(&format!("operations on {engine}"), operations::run(postgres, &notes));
    }
    errors.add_notes(&notes)
}

/// The workspace's own tests, those of operations on SQLite. The file gets the errors they note.
fn every_rust_test(postgres: Option<&Postgres>, notes: &Path) -> Outcome {
    let mut command = cargo();
    if succeeds(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run"]);
    } else {
        command.arg("test");
    }
    // Everything that fails is told by one run.
    command.arg("--no-fail-fast");
    command.args(build_arguments());
    if let Some(postgres) = postgres {
        command.env(POSTGRES_VARIABLE, postgres.url("postgres"));
    }
    command.env(ENGINE_VARIABLE, Engine::Sqlite.to_string());
    command.env(tested_errors::NOTES_VARIABLE, notes);
    execute(&mut command)
}

/// What is tested; the same for all runs, so that nothing is built twice.
const fn build_arguments() -> [&'static str; 3] {
    // The cases of the service model are behind a feature, as only tests need them.
    ["--workspace", "--features", "poolhouse-wire/model-cases"]
}

fn client_tests(
    args: &Args,
    postgres: Option<&Postgres>,
    report: &mut Report,
    errors: &mut TestedErrors,
) -> Outcome {
    let python = environments::python()?;
    if args.wants(Part::Node) {
        environments::node()?;
    }
    execute(cargo().args(["build", "--package", "poolhouse"]))?;
    let binary = server_binary()?;
    for engine in args.engines() {
        let server = match start_server(&binary, engine, postgres) {
            Ok(server) => server,
            Err(error) => {
                report.add(&format!("server on {engine}"), Err(error));
                continue;
            }
        };
        // Node goes first: the Python tests end by moving the server's clock, and clients that
        // stamp their requests with the machine's time need the server to live in the same time.
        let mut failed = false;
        if args.wants(Part::Node) {
            failed |= report.add(&format!("node on {engine}"), node_tests(&server));
        }
        if args.wants(Part::Python) {
            let served = match (engine, postgres) {
                (Engine::Postgres, Some(postgres)) => Some(postgres.fresh_database("served")?),
                _ => None,
            };
            let filter = args.filter.as_deref();
            let outcome = python_tests(&python, &server, served.as_deref(), filter);
            failed |= report.add(&format!("python on {engine}"), outcome);
        }
        let outcome = check_answers(&python, &server);
        failed |= report.add(&format!("every answer on {engine}"), outcome);
        errors.add_answers(server.answers())?;
        if failed {
            server.print_end_of_log();
        }
    }
    Ok(())
}

fn start_server(binary: &Path, engine: Engine, postgres: Option<&Postgres>) -> Outcome<Server> {
    match (engine, postgres) {
        (Engine::Sqlite, _) => Server::start(binary, &["--ephemeral"]),
        (Engine::Postgres, Some(postgres)) => {
            let url = postgres.fresh_database("clients")?;
            Server::start(binary, &["--database", &url])
        }
        (Engine::Postgres, None) => Err("PostgreSQL was not started".into()),
    }
}

/// `served` is an empty database for servers that the tests start themselves, if not SQLite.
fn python_tests(
    python: &Path,
    server: &Server,
    served: Option<&str>,
    filter: Option<&str>,
) -> Outcome {
    println!("\npytest against {}", server.endpoint());
    let mut command = Command::new(python);
    command.args(["-m", "pytest"]).args(filter.into_iter().flat_map(|filter| ["-k", filter]));
    command.current_dir(acceptance().join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    // Some tests start servers of their own.
    command.env("POOLHOUSE_BIN", server_binary()?);
    command.env_remove(SERVED_VARIABLE).envs(served.map(|url| (SERVED_VARIABLE, url)));
    execute(towards(&mut command, server))
}

/// Compares each answer that any client got with the service model.
fn check_answers(python: &Path, server: &Server) -> Outcome {
    let mut command = Command::new(python);
    command.arg("check_answers.py").arg(server.answers());
    command.current_dir(acceptance().join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    execute(&mut command)
}

fn node_tests(server: &Server) -> Outcome {
    println!("\nnode --test against {}", server.endpoint());
    let mut command = Command::new("node");
    // `spec` prints one line per test on terminals and in logs alike, and a summary at the end. Files
    // share nothing but the server, and mostly wait for it, or for a browser.
    command.args(["--test", "--test-reporter=spec", NODE_CONCURRENCY]);
    command.current_dir(acceptance().join("node"));
    // One test starts a server of its own.
    command.env("POOLHOUSE_BIN", server_binary()?);
    execute(towards(&mut command, server))
}

/// Tells a client where the server is and keeps it from asking anybody else.
fn towards<'command>(command: &'command mut Command, server: &Server) -> &'command mut Command {
    command
        .env(ENDPOINT_VARIABLE, server.endpoint())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost")
}

/// The debug build of the server, wherever this workspace builds to.
fn server_binary() -> Outcome<PathBuf> {
    Ok(target_directory()?.join("debug/poolhouse"))
}

/// The folder that cargo builds to.
pub(crate) fn target_directory() -> Outcome<PathBuf> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(target.ok_or("`cargo metadata` names no target directory")?.into())
}

fn acceptance() -> PathBuf {
    workspace().join("acceptance")
}

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Runs a command whose output the developer should see; an error unless it succeeds.
pub(crate) fn execute(command: &mut Command) -> Outcome {
    let status = command.stdin(Stdio::null()).status().map_err(|error| {
        format!("{} did not start: {error}", command.get_program().to_string_lossy())
    })?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", shown(command)).into()) }
}

/// Whether a command can be run and succeeds; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Program and arguments, for messages.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What passed and what failed, told once at the end.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failures: usize,
}

impl Report {
    /// Notes the outcome of a part; answers whether it failed.
    fn add(&mut self, part: &str, outcome: Outcome) -> bool {
        let failed = outcome.is_err();
        self.failures += usize::from(failed);
        self.lines.push(match outcome {
            Ok(()) => format!("passed  {part}"),
            Err(error) => format!("FAILED  {part} ({error})"),
        });
        failed
    }

    fn finish(self) -> Outcome {
        println!("\nSummary");
        for line in &self.lines {
            println!("  {line}");
        }
        match self.failures {
            0 => Ok(()),
            failures => Err(format!("{failures} of {} parts failed", self.lines.len()).into()),
        }
    }
}
