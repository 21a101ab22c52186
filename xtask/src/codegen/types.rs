//! Generates `types.rs`: a structure or enum for each shape, with its decoding and encoding.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{Kind, Member, Model, Shape};
use super::{constraints, names};
use crate::Outcome;

const PREAMBLE: &str = "\
//! The shapes of the service model.
//!
//! Required members are plain, the others `Option`; bounds of strings, lists and maps are of their
//! length.

use std::collections::BTreeMap;

use serde_json::Value;

use super::constraints as c;
use crate::value::wire_enum;
use crate::{Blob, Constraint, Context, Decode, Encode, Members, Mismatch, Object, Sensitive, Timestamp};
";

/// The source of `types.rs`.
pub(super) fn generate(model: &Model) -> Outcome<String> {
    let mut out = PREAMBLE.to_owned();
    for (name, shape) in &model.shapes {
        match &shape.kind {
            Kind::Structure(members) => structure(&mut out, model, name, members)?,
            Kind::Enum { values, printed } => enumeration(&mut out, name, values, printed)?,
            _ => {}
        }
    }
    Ok(out)
}

fn structure(out: &mut String, model: &Model, name: &str, members: &[Member]) -> Outcome {
    writeln!(out, "\n/// Shape `{name}` of the service model.")?;
    writeln!(out, "#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{")?;
    let mut taken = BTreeSet::new();
    for member in members {
        let field = names::field(&member.name);
        if !taken.insert(field.clone()) {
            return Err(format!("two members of {name} become {field}").into());
        }
        let shape = model.shape(&member.shape)?;
        let mut rust = rust_type(model, &member.shape)?;
        if !member.required {
            rust = format!("Option<{rust}>");
        }
        writeln!(out, "/// {}\npub {field}: {rust},", describe(member, shape))?;
    }
    writeln!(out, "}}\n\nimpl Decode for {name} {{\nconst STRUCTURE: bool = true;\n")?;
    let (rule, cx) = if members.is_empty() { ("_rule", "_cx") } else { ("_rule", "cx") };
    writeln!(out, "fn decode(value: &Value, {rule}: &Constraint, {cx}: &mut Context)")?;
    writeln!(out, "-> Result<Self, Mismatch> {{")?;
    if members.is_empty() {
        writeln!(out, "Members::of(value)?;\nOk(Self {{}})\n}}\n}}")?;
    } else {
        writeln!(out, "let m = Members::of(value)?;\nOk(Self {{")?;
        for Member { name, shape, required, .. } in members {
            let read = if *required { "required" } else { "optional" };
            let rule = constraints::reference(model, shape)?;
            writeln!(out, "{}: m.{read}(\"{name}\", {rule}, cx)?,", names::field(name))?;
        }
        writeln!(out, "}})\n}}\n}}")?;
    }
    writeln!(out, "\nimpl Encode for {name} {{\nfn encode(&self, out: &mut String) {{")?;
    let mutable = if members.is_empty() { "" } else { "mut " };
    writeln!(out, "let {mutable}o = Object::open(out);")?;
    for Member { name, required, may_lack, .. } in members {
        let field = names::field(name);
        if *may_lack {
            writeln!(out, "o.unless_empty(\"{name}\", &self.{field});")?;
        } else if *required {
            writeln!(out, "o.member(\"{name}\", &self.{field});")?;
        } else {
            writeln!(out, "o.maybe(\"{name}\", self.{field}.as_ref());")?;
        }
    }
    writeln!(out, "o.close();\n}}\n}}")?;
    Ok(())
}

/// The type of a member of this shape.
fn rust_type(model: &Model, name: &str) -> Outcome<String> {
    let shape = model.shape(name)?;
    let plain = match &shape.kind {
        Kind::Structure(_) | Kind::Enum { .. } => name.to_owned(),
        Kind::List(item) => format!("Vec<{}>", rust_type(model, item)?),
        Kind::Map { value, .. } => format!("BTreeMap<String, {}>", rust_type(model, value)?),
        Kind::String => "String".to_owned(),
        Kind::Integer => "i32".to_owned(),
        Kind::Long => "i64".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::Timestamp => "Timestamp".to_owned(),
        Kind::Blob => "Blob".to_owned(),
        Kind::Document => "Value".to_owned(),
    };
    Ok(if shape.sensitive { format!("Sensitive<{plain}>") } else { plain })
}

/// One line about a member: its wire name, whether it is required, what it must satisfy.
fn describe(member: &Member, shape: &Shape) -> String {
    let mut facts = Vec::new();
    if member.required {
        facts.push("required".to_owned());
    }
    if member.may_lack {
        facts.push("answers lack it when it is empty".to_owned());
    }
    let unit = match &shape.kind {
        Kind::Integer | Kind::Long => "",
        Kind::List(_) => " items",
        Kind::Map { .. } => " entries",
        Kind::Blob => " bytes",
        _ => " characters",
    };
    match (shape.min, shape.max) {
        (Some(min), Some(max)) if min == max => facts.push(format!("exactly {min}{unit}")),
        (Some(min), Some(max)) => facts.push(format!("{min} to {max}{unit}")),
        (Some(min), None) => facts.push(format!("at least {min}{unit}")),
        (None, Some(max)) => facts.push(format!("at most {max}{unit}")),
        (None, None) => {}
    }
    if let Some(pattern) = &shape.pattern {
        facts.push(format!("pattern `{pattern}`"));
    }
    if facts.is_empty() {
        return format!("`{}`.", member.name);
    }
    format!("`{}`: {}.", member.name, facts.join(", "))
}

fn enumeration(out: &mut String, name: &str, values: &[String], printed: &[String]) -> Outcome {
    let variants: Vec<_> = values.iter().map(|value| names::variant(value)).collect();
    if variants.iter().collect::<BTreeSet<_>>().len() != values.len() {
        return Err(format!("two values of {name} become the same variant").into());
    }
    writeln!(out, "\n/// Shape `{name}` of the service model.")?;
    writeln!(out, "#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]")?;
    writeln!(out, "pub enum {name} {{")?;
    for (index, (variant, value)) in variants.iter().zip(values).enumerate() {
        let default = if index == 0 { "#[default]\n" } else { "" };
        writeln!(out, "/// `{value}`.\n{default}{variant},")?;
    }
    writeln!(out, "}}\n\nimpl {name} {{\n/// Every value, in model order.")?;
    let all: Vec<_> = variants.iter().map(|variant| format!("Self::{variant}")).collect();
    writeln!(out, "pub const ALL: [Self; {}] = [{}];\n", all.len(), all.join(", "))?;
    writeln!(
        out,
        "/// The value as the wire spells it.\npub const fn as_str(self) -> &'static str {{"
    )?;
    writeln!(out, "match self {{")?;
    for (variant, value) in variants.iter().zip(values) {
        writeln!(out, "Self::{variant} => {value:?},")?;
    }
    writeln!(out, "}}\n}}\n}}\n")?;
    if printed.is_empty() {
        writeln!(out, "wire_enum!({name});")?;
    } else {
        writeln!(out, "wire_enum!({name}, &{printed:?});")?;
    }
    Ok(())
}
