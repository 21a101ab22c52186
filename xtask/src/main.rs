//! `cargo xtask <command>`: what developers run besides cargo itself.
//!
//! Each command is a module of its own with `Args` (its command line) and `run`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
mod codegen;
mod docs;
mod test;

/// What a command answers; the error is printed for the developer and ends the process.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of this workspace")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate the wire protocol from the service model
    Codegen(codegen::Args),
    /// Write the generated pages of the documentation
    Docs(docs::Args),
    /// Check form, lints, layers, generated files and dependencies
    Check(check::Args),
    /// Measure a release build under load
    Bench(bench::Args),
    /// Run every test, also those of real clients on each storage engine
    Test(test::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Codegen(args) => codegen::run(&args),
        Command::Docs(args) => docs::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Test(args) => test::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}
