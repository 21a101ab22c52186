//! The service model as the generators want it: typed, patched, reduced to what operations reach.

use std::collections::BTreeMap;

use serde_json::Value;

use super::patches::Patch;
use crate::Outcome;

/// The service model.
pub(super) struct Model {
    pub operations: Vec<Operation>,
    /// Error shapes by name, and whether each is a fault of the service.
    pub errors: BTreeMap<String, bool>,
    /// Every shape that an operation's input or output reaches, by name.
    pub shapes: BTreeMap<String, Shape>,
}

pub(super) struct Operation {
    pub name: String,
    pub input: String,
    pub output: Option<String>,
    pub needs_signature: bool,
    pub errors: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Shape {
    pub kind: Kind,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub pattern: Option<String>,
    pub sensitive: bool,
}

#[derive(Clone)]
pub(super) enum Kind {
    Structure(Vec<Member>),
    List(String),
    Map { key: String, value: String },
    Enum { values: Vec<String>, printed: Vec<String> },
    String,
    Integer,
    Long,
    Boolean,
    Timestamp,
    Blob,
    Document,
}

#[derive(Clone)]
pub(super) struct Member {
    pub name: String,
    pub shape: String,
    pub required: bool,
    /// Required of requests only; not written when it is empty.
    pub may_lack: bool,
}

impl Model {
    /// Reads the service model and applies `patches`.
    pub(super) fn read(document: &Value, patches: &[Patch]) -> Outcome<Self> {
        let raw = document.get("shapes").and_then(Value::as_object).ok_or("no shapes")?;
        let operations = document.get("operations").and_then(Value::as_object);
        let mut operations: Vec<_> =
            operations.ok_or("no operations")?.values().map(operation).collect::<Outcome<_>>()?;
        let errors: BTreeMap<_, _> = raw
            .iter()
            .filter(|(_, shape)| flag(shape, "exception"))
            .map(|(name, shape)| (name.clone(), flag(shape, "fault")))
            .collect();

        let mut shapes = BTreeMap::new();
        for operation in &operations {
            for name in [Some(&operation.input), operation.output.as_ref()].into_iter().flatten() {
                reach(name, raw, &mut shapes, &mut Vec::new())?;
            }
        }
        for patch in patches {
            apply(patch, &mut operations, &mut shapes, &errors)?;
        }
        Ok(Self { operations, errors, shapes })
    }

    /// The shape `name`.
    pub(super) fn shape(&self, name: &str) -> Outcome<&Shape> {
        self.shapes.get(name).ok_or_else(|| format!("no shape {name}").into())
    }
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn text(value: &Value, key: &str) -> Outcome<String> {
    let text = value.get(key).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("no `{key}` in {value}").into())
}

fn reference(value: &Value, key: &str) -> Outcome<String> {
    text(value.get(key).ok_or_else(|| format!("no `{key}` in {value}"))?, "shape")
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn operation(value: &Value) -> Outcome<Operation> {
    let mut errors = Vec::new();
    for error in value.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let error = text(error, "shape")?;
        if !errors.contains(&error) {
            errors.push(error); // the model lists some pairs twice
        }
    }
    Ok(Operation {
        name: text(value, "name")?,
        input: reference(value, "input")?,
        output: value.get("output").map(|_| reference(value, "output")).transpose()?,
        needs_signature: value.get("authtype").and_then(Value::as_str) != Some("none"),
        errors,
    })
}

type Raw = serde_json::Map<String, Value>;

/// Adds `name` and all it refers to. `above` are the shapes that lead here.
fn reach(
    name: &str,
    raw: &Raw,
    shapes: &mut BTreeMap<String, Shape>,
    above: &mut Vec<String>,
) -> Outcome {
    if above.iter().any(|shape| shape == name) {
        // No release so far has one. It would need a `Box` in the generated structure.
        return Err(format!("shape {name} contains itself").into());
    }
    if shapes.contains_key(name) {
        return Ok(());
    }
    let value = raw.get(name).ok_or_else(|| format!("no shape {name}"))?;
    let shape = shape(value)?;
    above.push(name.to_owned());
    match &shape.kind {
        Kind::Structure(members) => {
            members.iter().try_for_each(|member| reach(&member.shape, raw, shapes, above))?;
        }
        Kind::List(item) => reach(item, raw, shapes, above)?,
        Kind::Map { key, value } => {
            reach(key, raw, shapes, above)?;
            reach(value, raw, shapes, above)?;
        }
        _ => {}
    }
    above.pop();
    shapes.insert(name.to_owned(), shape);
    Ok(())
}

fn shape(value: &Value) -> Outcome<Shape> {
    let number = |key: &str| value.get(key).and_then(Value::as_i64);
    let kind = match text(value, "type")?.as_str() {
        "structure" if flag(value, "document") => Kind::Document,
        "structure" => Kind::Structure(members(value)?),
        "list" => Kind::List(reference(value, "member")?),
        "map" => Kind::Map { key: reference(value, "key")?, value: reference(value, "value")? },
        "string" if value.get("enum").is_some() => {
            Kind::Enum { values: strings(value, "enum"), printed: Vec::new() }
        }
        "string" => Kind::String,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp,
        "blob" => Kind::Blob,
        other => return Err(format!("no generator for shapes of type {other}").into()),
    };
    Ok(Shape {
        kind,
        min: number("min"),
        max: number("max"),
        pattern: value.get("pattern").and_then(Value::as_str).map(str::to_owned),
        sensitive: flag(value, "sensitive"),
    })
}

fn members(value: &Value) -> Outcome<Vec<Member>> {
    let required = strings(value, "required");
    let members = value.get("members").and_then(Value::as_object).ok_or("no members")?;
    members
        .iter()
        .map(|(name, member)| {
            let shape = text(member, "shape")?;
            let required = required.contains(name);
            Ok(Member { name: name.clone(), shape, required, may_lack: false })
        })
        .collect()
}

fn apply(
    patch: &Patch,
    operations: &mut [Operation],
    shapes: &mut BTreeMap<String, Shape>,
    known: &BTreeMap<String, bool>,
) -> Outcome {
    match patch {
        Patch::Errors { operation, errors } => {
            let target = operations.iter_mut().find(|o| o.name == *operation);
            let target = target.ok_or_else(|| format!("patch for no operation {operation}"))?;
            for error in errors {
                if !known.contains_key(error) || target.errors.contains(error) {
                    return Err(format!("patch: {operation} cannot gain {error}").into());
                }
                target.errors.push(error.clone());
            }
        }
        Patch::EnumValues { shape, values: added } => match shapes.get_mut(shape) {
            Some(Shape { kind: Kind::Enum { values, .. }, .. })
                if !values.iter().any(|value| added.contains(value)) =>
            {
                values.extend_from_slice(added);
            }
            _ => return Err(format!("patch: {shape} is not an enum without these values").into()),
        },
        Patch::EnumOrder { shape, values: order } => match shapes.get_mut(shape) {
            Some(Shape { kind: Kind::Enum { values, printed }, .. })
                if values.len() == order.len() && values.iter().all(|v| order.contains(v)) =>
            {
                printed.clone_from(order);
            }
            _ => return Err(format!("patch: {shape} is not an enum of these values").into()),
        },
        Patch::DropPattern { shape } => {
            let pattern = shapes.get_mut(shape).and_then(|shape| shape.pattern.take());
            pattern.ok_or_else(|| format!("patch: {shape} has no pattern"))?;
        }
        Patch::MayLack { shape, member: name } => {
            let kind = shapes.get_mut(shape).map(|shape| &mut shape.kind);
            let Some(Kind::Structure(members)) = kind else {
                return Err(format!("patch: {shape} is not a structure").into());
            };
            let found = members.iter_mut().find(|member| member.name == *name && member.required);
            let missing = || format!("patch: {shape} does not require {name}");
            found.ok_or_else(missing)?.may_lack = true;
        }
    }
    Ok(())
}
