//! Known vulnerabilities of dependencies, as far as this machine can know them.

use std::process::Stdio;

use super::{Finding, is_installed};
use crate::test::cargo;

/// Asks cargo-deny with the database it has. Compiling it takes minutes and its database comes from
/// the network, so both are used where they are and asked for nowhere.
pub(super) fn check() -> Finding {
    if !is_installed("deny") {
        return Ok("NOT CHECKED, cargo-deny is not installed (`cargo install cargo-deny`)".into());
    }
    let mut deny = cargo();
    deny.args(["deny", "--offline", "--log-level", "error", "check"]);
    let output = deny.args(["advisories", "sources"]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::new());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("advisory database") {
        return Ok("NOT CHECKED, there is no database yet (`cargo deny fetch`)".into());
    }
    Err(format!("update what is named here, or say in deny.toml why it stays\n{complaint}").into())
}
