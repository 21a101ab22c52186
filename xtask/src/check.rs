//! Everything that can be checked without running the product: form, lints, layers, generated
//! files, dependencies.

use std::process::{Command, Stdio};

use crate::test::{cargo, succeeds};
use crate::{Outcome, codegen, docs};

mod advisories;
mod dependencies;
mod layers;
pub(crate) mod metadata;
mod spdx;

/// Command line of `cargo xtask check`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the lints, which have to compile everything
    #[arg(long)]
    fast: bool,
}

/// What a check found: a remark for its line.
type Finding = Outcome<String>;

/// Runs every check, also after a failure, and answers an error if one failed.
pub(crate) fn run(args: &Args) -> Outcome {
    let tree = dependencies::Tree::read()?;
    let mut report = Report::default();
    report.add("format", format());
    report.add("layers", layers::check());
    report.add("generated code", codegen::check().map(|()| String::new()));
    report.add("generated docs", docs::check().map(|()| String::new()));
    report.add("licences", dependencies::licences(&tree));
    report.add("banned crates", dependencies::bans(&tree));
    report.add("advisories", advisories::check());
    if args.fast {
        println!("--    lints: left out by --fast");
    } else {
        report.add("lints", lints());
    }
    report.finish()
}

/// One line for each check.
#[derive(Default)]
struct Report {
    failed: Vec<&'static str>,
}

impl Report {
    fn add(&mut self, name: &'static str, finding: Finding) {
        match finding {
            Ok(remark) if remark.is_empty() => println!("ok    {name}"),
            Ok(remark) => println!("ok    {name}: {remark}"),
            Err(error) => {
                println!("FAIL  {name}: {error}");
                self.failed.push(name);
            }
        }
    }

    fn finish(self) -> Outcome {
        if self.failed.is_empty() {
            return Ok(());
        }
        Err(format!("failed: {}", self.failed.join(", ")).into())
    }
}

fn format() -> Finding {
    let output = cargo().args(["fmt", "--all", "--check", "--", "-l"]).output()?;
    if output.status.success() {
        return Ok(String::new());
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    let files: Vec<&str> = listed.lines().collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "run `cargo fmt --all`; {} files are not as rustfmt writes them\n{}\n{complaint}",
        files.len(),
        files.join("\n"),
    )
    .into())
}

fn lints() -> Finding {
    let mut clippy = cargo();
    clippy.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    clippy.args(["--", "--deny", "warnings"]).stdin(Stdio::null());
    if clippy.status()?.success() {
        return Ok(String::new());
    }
    Err("see above; `cargo clippy --workspace --all-targets` shows it again".into())
}

/// Whether `cargo <name>` is installed.
fn is_installed(name: &str) -> bool {
    let mut probe: Command = cargo();
    succeeds(probe.args([name, "--version"]))
}
