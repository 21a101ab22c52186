//! Generates `operations.rs`: a marker type per operation, the enum of their names, dispatch.

use std::fmt::Write as _;

use super::model::{Kind, Member, Model, Operation};
use super::names;
use super::slices::{self, SLICES};
use crate::Outcome;

const PREAMBLE: &str = "\
//! The operations of the service: a marker type for each, and their names as values.

use super::types;
use crate::{About, Auth, DecodeError, NoOutput, decode_body};
";

/// The members that tell what a request is about, with the fields of `About` that hold them.
const ABOUT: [(&str, &str); 8] = [
    ("UserPoolId", "user_pool_id"),
    ("ResourceArn", "resource_arn"),
    ("ClientId", "client_id"),
    ("Username", "username"),
    ("AccessToken", "access_token"),
    ("UserPoolTags", "tags"),
    ("Tags", "tags"),
    ("TagKeys", "tag_keys"),
];

/// The source of `operations.rs`.
pub(super) fn generate(model: &Model) -> Outcome<String> {
    let mut out = PREAMBLE.to_owned();
    for operation in &model.operations {
        marker(&mut out, model, operation)?;
    }
    operation_names(&mut out, &model.operations)?;
    slice_enum(&mut out)?;
    writeln!(
        out,
        "\n/// Reads a body as the input of `operation` and forgets the result; for tests and fuzzing."
    )?;
    writeln!(
        out,
        "pub fn decode_any(operation: OperationName, body: &[u8]) -> Result<(), DecodeError> {{"
    )?;
    writeln!(out, "match operation {{")?;
    for Operation { name, input, .. } in &model.operations {
        writeln!(out, "OperationName::{name} => decode_body::<types::{input}>(body).map(drop),")?;
    }
    writeln!(out, "}}\n}}")?;
    Ok(out)
}

fn auth(operation: &Operation) -> &'static str {
    if operation.needs_signature { "Auth::SigV4" } else { "Auth::None" }
}

fn marker(out: &mut String, model: &Model, operation: &Operation) -> Outcome {
    let Operation { name, input, output, .. } = operation;
    let produced =
        output.as_ref().map_or("NoOutput".to_owned(), |output| format!("types::{output}"));
    writeln!(out, "\n/// Operation `{name}`.")?;
    writeln!(out, "#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]\npub struct {name};\n")?;
    writeln!(out, "impl crate::Operation for {name} {{")?;
    writeln!(out, "const NAME: &'static str = \"{name}\";")?;
    writeln!(out, "const AUTH: Auth = {};", auth(operation))?;
    writeln!(out, "const HAS_OUTPUT: bool = {};", output.is_some())?;
    writeln!(out, "const NAME_ENUM: OperationName = OperationName::{name};")?;
    writeln!(out, "type Input = types::{input};\ntype Output = {produced};")?;
    about(out, model, input)?;
    writeln!(out, "}}")?;
    Ok(())
}

/// `Operation::about`, unless the input has no member of that kind.
fn about(out: &mut String, model: &Model, input: &str) -> Outcome {
    let Some(Kind::Structure(members)) = model.shapes.get(input).map(|shape| &shape.kind) else {
        return Ok(());
    };
    let find = |name: &str| members.iter().find(|member| member.name == name);
    let found: Vec<_> =
        ABOUT.iter().filter_map(|(name, field)| Some((*field, find(name)?))).collect();
    if found.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nfn about(input: &Self::Input) -> About<'_> {{\nAbout {{")?;
    for (field, member) in found {
        writeln!(out, "{field}: {},", borrowed(model, member))?;
    }
    writeln!(out, "..About::default()\n}}\n}}")?;
    Ok(())
}

/// The member of `input`, borrowed as an option.
fn borrowed(model: &Model, member: &Member) -> String {
    let field = names::field(&member.name);
    let shape = model.shapes.get(&member.shape);
    let borrow = match shape.map(|shape| &shape.kind) {
        Some(Kind::List(_)) => "as_slice",
        Some(Kind::Map { .. }) => {
            return if member.required {
                format!("Some(&input.{field})")
            } else {
                format!("input.{field}.as_ref()")
            };
        }
        _ => "as_str",
    };
    match (member.required, shape.is_some_and(|shape| shape.sensitive)) {
        (true, _) => format!("Some(input.{field}.{borrow}())"),
        (false, true) => format!("input.{field}.as_deref().map(String::as_str)"),
        (false, false) => format!("input.{field}.as_deref()"),
    }
}

fn operation_names(out: &mut String, operations: &[Operation]) -> Outcome {
    writeln!(out, "\n/// The name of an operation.")?;
    writeln!(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]")?;
    writeln!(out, "pub enum OperationName {{")?;
    for Operation { name, .. } in operations {
        writeln!(out, "/// `{name}`.\n{name},")?;
    }
    let all: Vec<_> = operations.iter().map(|o| format!("Self::{}", o.name)).collect();
    writeln!(out, "}}\n\nimpl OperationName {{\n/// Every operation, by name.")?;
    writeln!(out, "pub const ALL: [Self; {}] = [{}];\n", all.len(), all.join(", "))?;
    writeln!(out, "/// The operation that the wire calls `name`; case-sensitive.")?;
    writeln!(out, "pub fn from_wire(name: &str) -> Option<Self> {{")?;
    writeln!(out, "Some(match name {{")?;
    for Operation { name, .. } in operations {
        writeln!(out, "\"{name}\" => Self::{name},")?;
    }
    writeln!(out, "_ => return None,\n}})\n}}")?;
    method(out, "The name on the wire.", "as_str", "&'static str", operations, |o| {
        Ok(format!("\"{}\"", o.name))
    })?;
    method(out, "The name of the input shape.", "input_shape", "&'static str", operations, |o| {
        Ok(format!("\"{}\"", o.input))
    })?;
    let doc = "The error types that the operation may answer with.";
    method(out, doc, "errors", "&'static [&'static str]", operations, |o| {
        Ok(format!("&{:?}", o.errors))
    })?;
    let doc = "The slice of the system that the operation belongs to.";
    method(out, doc, "slice", "Slice", operations, |o| {
        Ok(format!("Slice::{}", slices::variant(slices::of(&o.name)?)))
    })?;

    let open = operations.iter().filter(|operation| !operation.needs_signature);
    let open: Vec<_> = open.map(|operation| format!("Self::{}", operation.name)).collect();
    writeln!(out, "\n/// Who may call the operation.\npub const fn auth(self) -> Auth {{")?;
    writeln!(out, "match self {{ {} => Auth::None, _ => Auth::SigV4 }}\n}}\n}}", open.join(" | "))?;
    writeln!(out, "\nimpl std::fmt::Display for OperationName {{")?;
    writeln!(out, "fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{")?;
    writeln!(out, "f.write_str(self.as_str())\n}}\n}}")?;
    Ok(())
}

/// Writes a method that maps every operation to a value; equal values share an arm.
fn method(
    out: &mut String,
    doc: &str,
    name: &str,
    result: &str,
    operations: &[Operation],
    value: impl Fn(&Operation) -> Outcome<String>,
) -> Outcome {
    let mut arms: Vec<(String, Vec<String>)> = Vec::new();
    for operation in operations {
        let value = value(operation)?;
        let pattern = format!("Self::{}", operation.name);
        match arms.iter_mut().find(|(known, _)| *known == value) {
            Some((_, patterns)) => patterns.push(pattern),
            None => arms.push((value, vec![pattern])),
        }
    }
    writeln!(out, "\n/// {doc}\npub const fn {name}(self) -> {result} {{\nmatch self {{")?;
    for (value, patterns) in arms {
        writeln!(out, "{} => {value},", patterns.join(" | "))?;
    }
    writeln!(out, "}}\n}}")?;
    Ok(())
}

fn slice_enum(out: &mut String) -> Outcome {
    writeln!(out, "\n/// A capability of the system, called the same in every crate.")?;
    writeln!(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]")?;
    writeln!(out, "pub enum Slice {{")?;
    for (slice, _) in SLICES {
        writeln!(out, "/// `{slice}`.\n{},", slices::variant(slice))?;
    }
    let all: Vec<_> =
        SLICES.iter().map(|(slice, _)| format!("Self::{}", slices::variant(slice))).collect();
    writeln!(out, "}}\n\nimpl Slice {{\n/// Every slice.")?;
    writeln!(out, "pub const ALL: [Self; {}] = [{}];\n", all.len(), all.join(", "))?;
    writeln!(
        out,
        "/// The name of the slice's modules.\npub const fn as_str(self) -> &'static str {{"
    )?;
    writeln!(out, "match self {{")?;
    for (slice, _) in SLICES {
        writeln!(out, "Self::{} => \"{slice}\",", slices::variant(slice))?;
    }
    writeln!(out, "}}\n}}\n}}")?;
    Ok(())
}
