//! Generates `shapes.rs`: the structures by name, for tests that are computed from the model.

use std::fmt::Write as _;

use super::model::{Kind, Model};
use crate::Outcome;

const PREAMBLE: &str = "\
//! The structures by name, for tests that are computed from the model.

use super::types;
use crate::StoredError;
use crate::model_cases::round_trip_of;
";

/// The source of `shapes.rs`.
pub(super) fn generate(model: &Model) -> Outcome<String> {
    let mut out = PREAMBLE.to_owned();
    writeln!(out, "\n/// Reads `json` as the structure `name` and writes it again.")?;
    writeln!(out, "pub(crate) fn round_trip_any(name: &str, json: &str)")?;
    writeln!(out, "-> Option<Result<String, StoredError>> {{\nSome(match name {{")?;
    for (name, shape) in &model.shapes {
        if matches!(shape.kind, Kind::Structure(_)) {
            writeln!(out, "\"{name}\" => round_trip_of::<types::{name}>(json),")?;
        }
    }
    writeln!(out, "_ => return None,\n}})\n}}")?;
    Ok(out)
}
