//! Corrections of the model, each with its evidence: `model/patches/*.json`.
//!
//! A file holds a list of patches. Each has `evidence` (why the service is known to differ) and one
//! of these: `operation` with `add_errors` (codes that the operation answers without listing them),
//! `shape` with `add_values` (values that the service takes without listing them), or `shape` with
//! `enum_order` (the order in which messages print the set, where it is not the hash order),
//! `drop_pattern` (the service takes texts that do not match) or `may_lack` (a required member, a
//! text, that answers of the service may lack).

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Outcome;

/// One correction.
pub(super) enum Patch {
    /// The operation also answers with these codes.
    Errors { operation: String, errors: Vec<String> },
    /// The enum has these values too.
    EnumValues { shape: String, values: Vec<String> },
    /// Messages print the enum's values in this order.
    EnumOrder { shape: String, values: Vec<String> },
    /// The string need not match its pattern.
    DropPattern { shape: String },
    /// Answers may lack this required member of the structure.
    MayLack { shape: String, member: String },
}

/// Reads every patch file of `folder`, in the order of their names.
pub(super) fn read(folder: &Path) -> Outcome<Vec<Patch>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut patches = Vec::new();
    for file in files {
        let document: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        for entry in document.as_array().ok_or("a patch file holds a list")? {
            let patch = parse(entry).map_err(|why| format!("{}: {why}", file.display()))?;
            patches.push(patch);
        }
    }
    Ok(patches)
}

fn parse(entry: &Value) -> Result<Patch, &'static str> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| -> Option<Vec<String>> {
        entry.get(key)?.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
    };
    if text("evidence").is_none_or(|evidence| evidence.is_empty()) {
        return Err("a patch needs `evidence`");
    }
    if let (Some(operation), Some(errors)) = (text("operation"), list("add_errors")) {
        return Ok(Patch::Errors { operation, errors });
    }
    if let (Some(shape), Some(values)) = (text("shape"), list("add_values")) {
        return Ok(Patch::EnumValues { shape, values });
    }
    if let (Some(shape), Some(values)) = (text("shape"), list("enum_order")) {
        return Ok(Patch::EnumOrder { shape, values });
    }
    if let (Some(shape), Some(true)) =
        (text("shape"), entry.get("drop_pattern").and_then(Value::as_bool))
    {
        return Ok(Patch::DropPattern { shape });
    }
    if let (Some(shape), Some(member)) = (text("shape"), text("may_lack")) {
        return Ok(Patch::MayLack { shape, member });
    }
    Err("a patch has `operation` and `add_errors`, or `shape` and one of the others")
}
