//! The program under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Names the program, in place of the one of this workspace.
pub const VARIABLE: &str = "POOLHOUSE_BIN";

/// The path of the `poolhouse` program: what `POOLHOUSE_BIN` names, or else that of this workspace
/// in the profile of the test. Building it is left to cargo each time, which costs nothing when it
/// is fresh, and never tests yesterday's server.
pub fn path() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(named) => PathBuf::from(named),
        None => build(),
    })
}

fn build() -> PathBuf {
    // …/target/PROFILE/deps/all-0123456789abcdef
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).expect("a profile's folder");
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "poolhouse", "--profile", profile]);
    command.arg("--target-dir").arg(folder.parent().expect("a target folder"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).stdin(Stdio::null());
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "the server could not be built: {status}");
    folder.join("poolhouse")
}
