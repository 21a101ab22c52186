//! What the tests need of the machine itself; on Debian, as root, it is installed when missing.

use std::process::Command;

use super::{Args, Part, execute, postgres, succeeds};
use crate::Outcome;

/// Installs the missing packages for the parts that will run.
pub(super) fn install_missing(args: &Args) -> Outcome {
    let missing = missing(args);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root()? {
        return Err(format!("please install these packages first: {}", missing.join(" ")).into());
    }
    println!("installing {}", missing.join(" "));
    execute(apt().arg("update"))?;
    execute(apt().args(["install", "--yes", "--no-install-recommends"]).args(missing))
}

fn missing(args: &Args) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if args.needs_postgres() && postgres::programs().is_none() {
        packages.push("postgresql");
    }
    // Debian splits these off: the module without which `python3 -m venv` makes no pip.
    if args.wants(Part::Python) && !succeeds(python().args(["-c", "import ensurepip, venv"])) {
        packages.extend(["python3", "python3-venv"]);
    }
    if args.wants(Part::Node) {
        for program in ["node", "npm"] {
            if !succeeds(Command::new(program).arg("--version")) {
                packages.push(if program == "node" { "nodejs" } else { program });
            }
        }
        // The login pages are looked at in a browser, in every language.
        if !succeeds(Command::new("chromium").arg("--version")) {
            packages.extend(["chromium", "fonts-noto-cjk"]);
        }
    }
    packages
}

fn python() -> Command {
    Command::new("python3")
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether this process may install packages (and must not run PostgreSQL itself).
pub(super) fn is_root() -> Outcome<bool> {
    Ok(number(Command::new("id").arg("-u"))? == 0)
}

/// The number that a command prints, such as a user id.
pub(super) fn number(command: &mut Command) -> Outcome<u32> {
    let output = command.output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
