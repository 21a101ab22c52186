//! Who may use whom among our own crates.

use std::fs;
use std::path::Path;

use super::Finding;
use super::metadata::{Package, members};
use crate::Outcome;

/// The test kit, which is for tests only.
const TESTKIT: &str = "poolhouse-testkit";

/// What each crate may depend on. `ARCHITECTURE.md` tells why; a new direction needs a decision in
/// `docs/decisions`.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("poolhouse-wire", &[]),
    ("poolhouse-bignum", &[]),
    ("poolhouse-domain", &["poolhouse-wire", "poolhouse-bignum"]),
    ("poolhouse-store", &["poolhouse-domain", "poolhouse-wire"]),
    ("poolhouse-api", &["poolhouse-domain", "poolhouse-wire"]),
    ("poolhouse-web", &["poolhouse-domain"]),
    ("poolhouse-adapters", &["poolhouse-domain"]),
    (
        "poolhouse",
        &[
            "poolhouse-web",
            "poolhouse-api",
            "poolhouse-store",
            "poolhouse-adapters",
            // It wires the others together, so it handles what they share.
            "poolhouse-domain",
            "poolhouse-wire",
        ],
    ),
    (TESTKIT, &["poolhouse-domain", "poolhouse-store"]),
    // Works on the store directly to fill it, speaks SRP, and shows passkeys.
    (
        "poolhouse-bench",
        &["poolhouse-adapters", "poolhouse-bignum", "poolhouse-domain", "poolhouse-store", TESTKIT],
    ),
    // Meets the server as a client does, with cases that follow from the model, and speaks SRP.
    ("poolhouse-acceptance", &["poolhouse-domain", "poolhouse-wire"]),
    ("xtask", &[]),
];

/// What tests may use beyond that: those of the login pages go through whole flows, which end in
/// operations. A crate's own code can't use what only its tests depend on.
const IN_TESTS: [(&str, &str); 1] = [("poolhouse-web", "poolhouse-api")];

/// Compares manifests and imports with the table.
pub(super) fn check() -> Finding {
    let mut problems = Vec::new();
    for package in &members()? {
        let Some(allowed) = allowed(&package.name) else {
            problems.push(format!(
                "{} is new: add it to the table in xtask/src/check/layers.rs",
                package.name
            ));
            continue;
        };
        manifest(package, allowed, &mut problems);
        imports(&package.folder, package, allowed, &mut problems)?;
    }
    if problems.is_empty() {
        return Ok(String::new());
    }
    problems.sort();
    problems.dedup();
    let advice = "move the code to the layer it belongs to, or record a decision in docs/decisions";
    Err(format!("{advice}\n{}", problems.join("\n")).into())
}

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    let row = ALLOWED.iter().find(|(name, _)| *name == package);
    row.map(|(_, allowed)| *allowed)
}

fn is_for_tests(package: &str, other: &str) -> bool {
    other == TESTKIT || IN_TESTS.contains(&(package, other))
}

fn is_ours(name: &str) -> bool {
    name == "poolhouse" || name.starts_with("poolhouse-")
}

/// The dependencies of ours that a manifest names.
fn manifest(package: &Package, allowed: &[&str], problems: &mut Vec<String>) {
    for dependency in package.dependencies.iter().filter(|other| is_ours(&other.name)) {
        let name = dependency.name.as_str();
        let is_for_tests = dependency.is_dev && is_for_tests(&package.name, name);
        if !is_for_tests && !allowed.contains(&name) {
            problems.push(format!("{} must not depend on {name}", package.name));
        }
    }
}

/// The crates of ours that source files name, tests included.
fn imports(
    folder: &Path,
    package: &Package,
    allowed: &[&str],
    problems: &mut Vec<String>,
) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !is_hidden(&path) {
                imports(&path, package, allowed, problems)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for other in crates_named(&fs::read_to_string(&path)?) {
                let is_known = other == package.name || is_for_tests(&package.name, &other);
                if !is_known && !allowed.contains(&other.as_str()) {
                    problems.push(format!("{} must not use {other}", path.display()));
                }
            }
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The packages behind `poolhouse_x::…` in code; comments may name any.
fn crates_named(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        for part in line.split(is_no_part_of_a_name).filter(|part| part.starts_with("poolhouse_")) {
            // A path follows the name of a crate; a variable may be called alike.
            let is_path = line.contains(&format!("{part}::")) || line.starts_with("use ");
            if is_path {
                found.push(part.replace('_', "-"));
            }
        }
    }
    found
}

fn is_no_part_of_a_name(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_in_imports_and_paths_but_not_in_comments() {
        // Written with a gap, so that this file itself names no crate.
        let source = "//! [`P_api`]\nuse P_wire::{self as wire};\n\
                      fn f() { P_store::Location::Ephemeral; let P_x = 1; }\n\
                          // P_web::serve\n";
        let source = source.replace("P_", "poolhouse_");
        assert_eq!(crates_named(&source), ["poolhouse-wire", "poolhouse-store"]);
    }

    #[test]
    fn web_and_api_do_not_know_each_other() {
        assert!(!allowed("poolhouse-web").unwrap().contains(&"poolhouse-api"));
        assert!(!allowed("poolhouse-api").unwrap().contains(&"poolhouse-web"));
        assert_eq!(allowed("poolhouse-else"), None);
    }

    #[test]
    fn the_test_kit_is_for_tests_only() {
        let dependency =
            |is_dev| super::super::metadata::Dependency { name: TESTKIT.to_owned(), is_dev };
        let package = |is_dev| Package {
            name: "poolhouse-api".to_owned(),
            folder: std::path::PathBuf::new(),
            dependencies: vec![dependency(is_dev)],
        };
        let problems = |is_dev| {
            let mut problems = Vec::new();
            manifest(&package(is_dev), &[], &mut problems);
            problems
        };
        assert!(problems(true).is_empty());
        assert_eq!(problems(false), ["poolhouse-api must not depend on poolhouse-testkit"]);
    }
}
