//! Generates `docs/operations.md`: what of the service is there.

use std::fmt::Write as _;

use super::model::{Model, Operation};
use super::slices::SLICES;
use crate::Outcome;
use crate::test::tested_errors::TestedErrors;

const PREAMBLE: &str = "\
<!-- written by cargo xtask docs; do not edit -->

# Operations

";

const LEGEND: &str = "
*Caller* says whom an operation wants to know: *signed* asks for an AWS Signature Version 4 of an access
key (`poolhouse dev` accepts any), *open* takes whoever comes, most often with an access token or a
session. *Errors* are those that an operation may answer by the service model and its corrections in
`model/patches`, each without the word `Exception` at its end: first those that a test gets from the
operation (`cargo xtask test` sees to it that this stays true), then those of which we know no case that
a test could bring about.
";

/// The page.
pub(super) fn generate(model: &Model, tested: &TestedErrors) -> Outcome<String> {
    let mut page = PREAMBLE.to_owned();
    let all = model.operations.len();
    let there: usize = SLICES.iter().map(|(_, operations)| operations.len()).sum();
    writeln!(page, "{there} of the {all} operations of the service model are there.")?;
    page.push_str(LEGEND);
    for (slice, operations) in SLICES {
        writeln!(page, "\n## {slice}\n")?;
        writeln!(page, "| operation | caller | errors, tested | further errors listed |")?;
        writeln!(page, "|---|---|---|---|")?;
        for name in operations {
            let found = model.operations.iter().find(|operation| operation.name == *name);
            row(&mut page, found.ok_or("the slices name an unknown operation")?, tested)?;
        }
    }
    Ok(page)
}

fn row(page: &mut String, operation: &Operation, tested: &TestedErrors) -> Outcome {
    let caller = if operation.needs_signature { "signed" } else { "open" };
    let is_tested = |code: &&String| tested.contains(&operation.name, code);
    let (seen, unseen): (Vec<_>, Vec<_>) = operation.errors.iter().partition(is_tested);
    let (seen, unseen, name) = (shown(&seen), shown(&unseen), &operation.name);
    writeln!(page, "| {name} | {caller} | {seen} | {unseen} |")?;
    Ok(())
}

/// Codes without the word at their end.
fn shown(codes: &[&String]) -> String {
    let short = codes.iter().map(|code| code.strip_suffix("Exception").unwrap_or(code));
    short.collect::<Vec<_>>().join(", ")
}
