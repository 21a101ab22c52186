//! The clients' libraries: a virtual environment for Python, `node_modules` for Node.
//!
//! Each is made anew only when its pins change: a stamp file holds the pins it was made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{acceptance, execute};
use crate::Outcome;

/// The interpreter of an environment that holds what `requirements.txt` asks for.
pub(super) fn python() -> Outcome<PathBuf> {
    let pins = acceptance().join("python/requirements.txt");
    let environment = acceptance().join(".cache/venv");
    let interpreter = environment.join("bin/python");
    unless_made(&pins, &environment, || {
        execute(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut install = Command::new(&interpreter);
        install.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]);
        install.arg("--disable-pip-version-check").arg("--requirement").arg(&pins);
        execute(&mut install)
    })?;
    Ok(interpreter)
}

/// Makes `acceptance/node/node_modules` from the lock file.
pub(super) fn node() -> Outcome {
    let folder = acceptance().join("node");
    unless_made(&folder.join("package-lock.json"), &folder.join("node_modules"), || {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        execute(install.current_dir(&folder))
    })
}

/// Makes what was not yet made from exactly these pins.
fn unless_made(pins: &Path, made: &Path, make: impl FnOnce() -> Outcome) -> Outcome {
    let cache = acceptance().join(".cache");
    fs::create_dir_all(&cache)?;
    let name = made.file_name().unwrap_or_default().to_string_lossy();
    let stamp = cache.join(format!("{name}.stamp"));
    let wanted = fs::read_to_string(pins)?;
    let is_made = made.is_dir() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
    if !is_made {
        println!("making {} from {}", made.display(), pins.display());
        make()?;
        fs::write(&stamp, wanted)?;
    }
    Ok(())
}
