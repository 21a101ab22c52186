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

/// The page. `missing` names the operations that are not there yet.
pub(super) fn generate(model: &Model, missing: &[&str], tested: &TestedErrors) -> Outcome<String> {
    let all = model.operations.len();
    if let Some(unknown) = missing.iter().find(|name| find(model, name).is_none()) {
        return Err(format!("missing-operations.txt names an unknown operation: {unknown}").into());
    }
    let mut page = PREAMBLE.to_owned();
    let there = all - missing.len();
    writeln!(
        page,
        "{there} of the {all} operations are there. The others answer with an error that says so."
    )?;
    page.push_str(LEGEND);
    for (slice, operations) in SLICES {
        let missing_here = operations.iter().filter(|name| missing.contains(name)).count();
        let there = operations.len() - missing_here;
        writeln!(page, "\n## {slice}: {there} of {}\n", operations.len())?;
        writeln!(page, "| operation | there | caller | errors, tested | further errors listed |")?;
        writeln!(page, "|---|---|---|---|---|")?;
        for name in operations {
            let operation = find(model, name).ok_or("the slices name an unknown operation")?;
            row(&mut page, operation, !missing.contains(name), tested)?;
        }
    }
    Ok(page)
}

fn find<'a>(model: &'a Model, name: &str) -> Option<&'a Operation> {
    model.operations.iter().find(|operation| operation.name == name)
}

fn row(page: &mut String, operation: &Operation, is_there: bool, tested: &TestedErrors) -> Outcome {
    let there = if is_there { "yes" } else { "not yet" };
    let caller = if operation.needs_signature { "signed" } else { "open" };
    let is_tested = |code: &&String| tested.contains(&operation.name, code);
    let (seen, unseen): (Vec<_>, Vec<_>) = operation.errors.iter().partition(is_tested);
    let (seen, unseen, name) = (shown(&seen), shown(&unseen), &operation.name);
    writeln!(page, "| {name} | {there} | {caller} | {seen} | {unseen} |")?;
    Ok(())
}

/// Codes without the word at their end.
fn shown(codes: &[&String]) -> String {
    let short = codes.iter().map(|code| code.strip_suffix("Exception").unwrap_or(code));
    short.collect::<Vec<_>>().join(", ")
}
