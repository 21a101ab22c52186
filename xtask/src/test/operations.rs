//! The operation tests once more, on PostgreSQL.
//!
//! They know nothing of engines: the test kit opens the store, and asks the environment which.
//! Their programs are those that `cargo test --workspace` has just built and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::postgres::Postgres;
use super::{ENGINE_VARIABLE, Engine, POSTGRES_VARIABLE, build_arguments, cargo, execute};
use crate::Outcome;
use crate::check::metadata::{Package, members};

/// Whoever depends on it has tests that run on either engine.
const TESTKIT: &str = "poolhouse-testkit";

/// The tests at the foot of a package's files, as a program.
#[derive(Debug, PartialEq)]
struct Program {
    path: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Runs them; the file gets the errors that they note.
pub(super) fn run(postgres: &Postgres, notes: &Path) -> Outcome {
    let programs = programs()?;
    if programs.is_empty() {
        return Err(format!("no tests use {TESTKIT}").into());
    }
    let mut failures = Vec::new();
    for program in &programs {
        println!("\n{} on {}", program.path.display(), Engine::Postgres);
        let mut command = Command::new(&program.path);
        command.arg("--quiet").current_dir(&program.folder);
        command.env(ENGINE_VARIABLE, Engine::Postgres.to_string());
        command.env(POSTGRES_VARIABLE, postgres.url("postgres"));
        command.env(super::tested_errors::NOTES_VARIABLE, notes);
        failures.extend(execute(&mut command).err().map(|error| error.to_string()));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join(", ").into()) }
}

fn programs() -> Outcome<Vec<Program>> {
    let mut command = cargo();
    command.arg("test").args(build_arguments()).args(["--no-run", "--message-format=json"]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the tests don't compile".into());
    }
    let members = members()?;
    let lines = String::from_utf8(output.stdout)?;
    Ok(lines.lines().filter_map(|line| program(line, &members)).collect())
}

/// The program that a line of cargo's tells of, if it is one of those.
fn program(line: &str, members: &[Package]) -> Option<Program> {
    let artifact: Value = serde_json::from_str(line).ok()?;
    let is_test = artifact.pointer("/profile/test")?.as_bool()?;
    let kinds = artifact.pointer("/target/kind")?.as_array()?;
    if !is_test || !kinds.iter().any(|kind| kind == "lib" || kind == "bin") {
        return None;
    }
    let folder = Path::new(artifact.get("manifest_path")?.as_str()?).parent()?;
    let package = members.iter().find(|package| package.folder == folder)?;
    let uses_testkit = package.dependencies.iter().any(|other| other.name == TESTKIT);
    let path = artifact.get("executable")?.as_str()?.into();
    let program = Program { path, folder: folder.to_owned() };
    (uses_testkit || package.name == TESTKIT).then_some(program)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::metadata::Dependency;

    fn line(package: &str, kind: &str, is_test: bool) -> String {
        json!({
            "reason": "compiler-artifact", "manifest_path": format!("/w/{package}/Cargo.toml"),
            "target": { "kind": [kind] }, "profile": { "test": is_test },
            "executable": format!("/t/{package}"),
        })
        .to_string()
    }

    #[test]
    fn programs_of_packages_that_use_the_kit_are_found() {
        let member = |name: &str, dependency: &str| Package {
            name: name.to_owned(),
            folder: Path::new("/w").join(name),
            dependencies: vec![Dependency { name: dependency.to_owned(), is_dev: true }],
        };
        let members = [member("api", TESTKIT), member(TESTKIT, "x"), member("store", "x")];
        let found = |package, kind, is_test| program(&line(package, kind, is_test), &members);
        let api = Program { path: "/t/api".into(), folder: "/w/api".into() };
        assert_eq!(found("api", "lib", true), Some(api));
        assert!(found(TESTKIT, "lib", true).is_some());
        assert_eq!(found("api", "lib", false), None);
        assert_eq!(found("api", "test", true), None);
        assert_eq!(found("store", "lib", true), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#, &members), None);
    }
}
