//! Drives the decoder with every case that the service model implies, for all operations.

use poolhouse_wire::model_cases::{Expect, cases_of, full_structures, round_trip, violations};
use poolhouse_wire::operations::decode_any;
use poolhouse_wire::{DecodeError, OperationName};
use serde_json::Value;

/// Runs the cases of every operation and returns how many there were and which failed.
fn run() -> (usize, Vec<String>) {
    let (mut ran, mut failures) = (0, Vec::new());
    for case in OperationName::ALL.into_iter().flat_map(cases_of) {
        ran += 1;
        let answer = decode_any(case.operation, case.body.as_bytes());
        let as_expected = match (&answer, &case.expect) {
            (Ok(()), Expect::Valid)
            | (Err(DecodeError::Serialization { .. }), Expect::Serialization) => true,
            (Err(DecodeError::Invalid(message)), Expect::Violation(items)) => {
                violations(message).as_ref() == Some(items)
            }
            _ => false,
        };
        if !as_expected {
            let text =
                format!("{} {}: {answer:?}, not {:?}", case.operation, case.name, case.expect);
            failures.push(text.chars().take(1500).collect());
        }
    }
    (ran, failures)
}

#[test]
fn every_case_of_the_model_is_answered_as_the_model_implies() {
    let (ran, failures) = run();
    println!("{ran} cases of {} operations", OperationName::ALL.len());
    assert!(ran > 10_000, "only {ran} cases ran");
    let shown = failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {ran} cases failed:\n{shown}", failures.len());
}

#[test]
fn every_structure_with_every_member_reads_back_what_it_wrote() {
    let structures = full_structures();
    println!("{} structures", structures.len());
    assert!(structures.len() > 250);
    for (name, value) in structures {
        let written = round_trip(&name, &value.to_string()).expect("a generated type");
        let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value, "{name}");
    }
}
