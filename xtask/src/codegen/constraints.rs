//! Generates `constraints.rs`: what each shape asks of its values.

use std::fmt::Write as _;

use super::model::{Kind, Model, Shape};
use super::{names, patterns};
use crate::Outcome;

const PREAMBLE: &str = "\
//! What each shape asks of its values. Shapes that ask for nothing have no entry.

use super::patterns as p;
use crate::Constraint;
";

/// The source of `constraints.rs`.
pub(super) fn generate(model: &Model) -> Outcome<String> {
    let mut out = PREAMBLE.to_owned();
    for (name, shape) in &model.shapes {
        if !is_constrained(model, name)? {
            continue;
        }
        let mut fields = String::new();
        for (field, bound) in [("min", shape.min), ("max", shape.max)] {
            if let Some(bound) = bound {
                write!(fields, "{field}: Some({}),", grouped(bound))?;
            }
        }
        if let Some(pattern) = &shape.pattern {
            write!(fields, "pattern: Some(&p::{}),", patterns::constant(model, pattern)?)?;
        }
        if shape.sensitive {
            fields.push_str("sensitive: true,");
        }
        for (field, element) in elements(shape) {
            if is_constrained(model, element)? {
                write!(fields, "{field}: Some(&{}),", names::constant(element))?;
            }
        }
        writeln!(out, "\npub(super) static {}: Constraint =", names::constant(name))?;
        writeln!(out, "Constraint {{ {fields} ..Constraint::NONE }};")?;
    }
    Ok(out)
}

/// The expression by which generated code names the constraint of `shape`.
pub(super) fn reference(model: &Model, shape: &str) -> Outcome<String> {
    if is_constrained(model, shape)? {
        return Ok(format!("&c::{}", names::constant(shape)));
    }
    Ok("Constraint::FREE".to_owned())
}

fn elements(shape: &Shape) -> Vec<(&'static str, &String)> {
    match &shape.kind {
        Kind::List(item) => vec![("item", item)],
        Kind::Map { key, value } => vec![("key", key), ("item", value)],
        _ => Vec::new(),
    }
}

fn is_constrained(model: &Model, name: &str) -> Outcome<bool> {
    let shape = model.shape(name)?;
    let own =
        shape.min.is_some() || shape.max.is_some() || shape.pattern.is_some() || shape.sensitive;
    let mut constrained = own;
    for (_, element) in elements(shape) {
        constrained |= is_constrained(model, element)?;
    }
    Ok(constrained)
}

/// A number as Rust style wants it: `131_072`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    if number < 100_000 {
        return digits;
    }
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
