//! Which error codes the tests produce, per operation.
//!
//! The operation tests of `poolhouse-api` note each error they get in a file, and the servers that
//! the clients' tests talk to record their answers. `crates/api/tested-errors.txt` holds what is
//! known to be produced, and `docs/operations.md` shows it; a run of all tests fails if it is no
//! longer true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Outcome, workspace};

/// Where the operation tests append lines of `Operation Code`.
pub(super) const NOTES_VARIABLE: &str = "POOLHOUSE_ERRORS_SEEN";

/// Codes by operation.
#[derive(Default, PartialEq)]
pub(crate) struct TestedErrors(BTreeMap<String, BTreeSet<String>>);

impl TestedErrors {
    /// What is checked in.
    pub(crate) fn stored() -> Outcome<Self> {
        let mut stored = Self::default();
        for line in fs::read_to_string(path())?.lines() {
            let (operation, codes) = line.split_once(": ").ok_or("tested-errors.txt is damaged")?;
            codes.split(", ").for_each(|code| stored.add(operation, code));
        }
        Ok(stored)
    }

    /// Replaces what is checked in.
    pub(super) fn store(&self) -> Outcome {
        let line = |(operation, codes): (&String, &BTreeSet<String>)| {
            let codes: Vec<_> = codes.iter().map(String::as_str).collect();
            format!("{operation}: {}\n", codes.join(", "))
        };
        Ok(fs::write(path(), self.0.iter().map(line).collect::<String>())?)
    }

    /// Whether a test gets this error from this operation.
    pub(crate) fn contains(&self, operation: &str, code: &str) -> bool {
        self.0.get(operation).is_some_and(|codes| codes.contains(code))
    }

    /// Adds what the operation tests noted, if they did.
    pub(super) fn add_notes(&mut self, path: &Path) -> Outcome {
        if path.exists() {
            for line in fs::read_to_string(path)?.lines() {
                let (operation, code) = line.split_once(' ').ok_or("a damaged note of an error")?;
                self.add(operation, code);
            }
        }
        Ok(())
    }

    /// Adds the errors among the answers that a server recorded.
    pub(super) fn add_answers(&mut self, path: &Path) -> Outcome {
        for line in fs::read_to_string(path)?.lines() {
            let answer: Value = serde_json::from_str(line)?;
            let code = answer.pointer("/headers/x-amzn-errortype").and_then(Value::as_str);
            let operation = answer.get("operation").and_then(Value::as_str);
            if let (Some(operation), Some(code)) = (operation, code) {
                self.add(operation, code.trim_end_matches(':'));
            }
        }
        Ok(())
    }

    fn add(&mut self, operation: &str, code: &str) {
        self.0.entry(operation.to_owned()).or_default().insert(code.to_owned());
    }

    /// Leaves only these pairs of operation and code.
    pub(super) fn keep(&mut self, listed: &BTreeSet<(String, String)>) {
        for (operation, codes) in &mut self.0 {
            codes.retain(|code| listed.contains(&(operation.clone(), code.clone())));
        }
        self.0.retain(|_, codes| !codes.is_empty());
    }

    /// The pairs in here that are not in the other, a line each.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let pairs = self.0.iter().flat_map(|(operation, codes)| {
            codes.iter().map(move |code| (operation.as_str(), code.as_str()))
        });
        let news = pairs.filter(|(operation, code)| !other.contains(operation, code));
        news.map(|(operation, code)| format!("{operation} {code}")).collect()
    }

    /// Fails unless exactly what is checked in was produced.
    pub(super) fn compare(&self, stored: &Self) -> Outcome {
        let (lost, gained) = (stored.beyond(self), self.beyond(stored));
        if lost.is_empty() && gained.is_empty() {
            return Ok(());
        }
        let advice = "run `cargo xtask test --write-tested-errors`, then `cargo xtask docs`";
        let (lost, gained) = (lost.join(", "), gained.join(", "));
        Err(format!("no longer produced: [{lost}]; not listed: [{gained}]; {advice}").into())
    }
}

fn path() -> PathBuf {
    workspace().join("crates/api/tested-errors.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_both_directions() {
        let (mut seen, mut stored) = (TestedErrors::default(), TestedErrors::default());
        seen.add("GetUser", "A");
        seen.add("GetUser", "B");
        stored.add("GetUser", "B");
        stored.add("SignUp", "C");
        let told = seen.compare(&stored).map_err(|error| error.to_string());
        let told = told.err().unwrap_or_default();
        assert!(
            told.starts_with("no longer produced: [SignUp C]; not listed: [GetUser A];"),
            "{told}"
        );
        assert!(stored.compare(&stored).is_ok());
    }

    #[test]
    fn errors_that_the_model_does_not_list_are_left_out() {
        let mut seen = TestedErrors::default();
        seen.add("GetUser", "A");
        seen.add("Unknown", "A");
        seen.keep(&BTreeSet::from([("GetUser".to_owned(), "A".to_owned())]));
        assert!(seen.contains("GetUser", "A"));
        assert!(!seen.contains("Unknown", "A"));
    }
}
