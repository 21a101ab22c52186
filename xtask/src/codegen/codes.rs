//! Generates `codes.rs`: a type per error shape, and which operation may answer with which.

use std::fmt::Write as _;

use super::model::Model;

const PREAMBLE: &str = "\
//! The error types of the service, and which operation may answer with which.

use super::operations;
use crate::{Code, Permits};
";

/// The source of `codes.rs`.
pub(super) fn generate(model: &Model) -> String {
    let mut out = PREAMBLE.to_owned();
    for (name, fault) in &model.errors {
        let status = if *fault { 500 } else { 400 };
        // Writing to a String cannot fail.
        _ = write!(
            out,
            "\n/// Error `{name}`, status {status}.\n\
             #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]\n\
             pub struct {name};\n\n\
             impl Code for {name} {{\n\
             const NAME: &'static str = \"{name}\";\n\
             const STATUS: u16 = {status};\n}}\n"
        );
    }
    for operation in &model.operations {
        out.push('\n');
        for error in &operation.errors {
            _ = writeln!(out, "impl Permits<{error}> for operations::{} {{}}", operation.name);
        }
    }
    out
}
