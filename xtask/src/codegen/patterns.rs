//! Generates `patterns.rs`: the model's Java patterns, translated for the `regex` crate.

use std::fmt::Write as _;

use super::model::Model;
use super::names;
use crate::Outcome;

const PREAMBLE: &str = "\
//! The patterns of the model. Each is named after the first shape that has it.

use crate::Pattern;
";

/// What `\\w`, `\\d` and `\\s` hold in Java, where they are ASCII unless asked otherwise.
const WORD: &str = "0-9A-Za-z_";
const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x0B\x0C\r\x20";
/// What `.` leaves out in Java.
const LINE_ENDS: &str = r"\n\r\u{85}\u{2028}\u{2029}";

/// Patterns that need look-behind, which the `regex` crate does not have, and the same rule
/// without.
const REWRITTEN: [(&str, &str); 1] =
    [(r"^[0-9A-Za-z\.\-_]*(?<!\.)$", r"(?:[0-9A-Za-z.\-_]*[0-9A-Za-z\-_])?")];

/// The source of `patterns.rs`.
pub(super) fn generate(model: &Model) -> Outcome<String> {
    let mut out = PREAMBLE.to_owned();
    let mut all = Vec::new();
    for (name, pattern) in distinct(model) {
        let (text, expression) = (literal(pattern), literal(&translate(pattern)?));
        let constant = names::constant(name);
        writeln!(out, "\npub(super) static {constant}: Pattern =")?;
        writeln!(out, "Pattern::new({text}, {expression});")?;
        all.push(format!("&{constant}"));
    }
    writeln!(out, "\n/// Every pattern, for the test that compiles them.\n#[cfg(test)]")?;
    writeln!(out, "pub(super) static ALL: [&Pattern; {}] = [{}];", all.len(), all.join(", "))?;
    Ok(out)
}

/// The constant that holds `pattern`.
pub(super) fn constant(model: &Model, pattern: &str) -> Outcome<String> {
    let found = distinct(model).into_iter().find(|(_, known)| *known == pattern);
    found.map(|(name, _)| names::constant(name)).ok_or_else(|| "pattern of no shape".into())
}

/// Each pattern once, with the name of the first shape that has it.
fn distinct(model: &Model) -> Vec<(&str, &str)> {
    let mut distinct: Vec<(&str, &str)> = Vec::new();
    for (name, shape) in &model.shapes {
        if let Some(pattern) = &shape.pattern
            && !distinct.iter().any(|(_, known)| known == pattern)
        {
            distinct.push((name, pattern));
        }
    }
    distinct
}

fn literal(text: &str) -> String {
    let hashes = if text.contains('"') { "#" } else { "" }; // no pattern has `"#`
    format!("r{hashes}\"{text}\"{hashes}")
}

/// The Java pattern in the syntax of the `regex` crate, anchored at both ends.
fn translate(java: &str) -> Outcome<String> {
    if let Some((_, rewritten)) = REWRITTEN.iter().find(|(pattern, _)| *pattern == java) {
        return Ok(format!("^(?:{rewritten})$"));
    }
    for unknown in ["(?<", "(?=", "(?!", "&&", "\\b", "\\Q", "\\h", "\\R"] {
        if java.contains(unknown) {
            return Err(format!("no translation of {unknown} in the pattern {java}").into());
        }
    }
    let dot_is_all = java.starts_with("(?s)");
    let mut out = String::new();
    let mut in_class = false;
    let mut chars = java.trim_start_matches('^').trim_end_matches('$').chars();
    while let Some(c) = chars.next() {
        match (c, in_class) {
            ('\\', _) => escape(chars.next().ok_or("a pattern ends in \\")?, in_class, &mut out),
            ('[', false) => {
                in_class = true;
                out.push('[');
            }
            ('[', true) => return Err(format!("a class in a class: {java}").into()),
            (']', true) => {
                in_class = false;
                out.push(']');
            }
            ('.', false) if !dot_is_all => _ = write!(out, "[^{LINE_ENDS}]"),
            // A range of shapes such as `9-_` is a literal hyphen to both engines.
            _ => out.push(c),
        }
    }
    Ok(format!("^(?:{out})$"))
}

fn escape(letter: char, in_class: bool, out: &mut String) {
    let (set, negated) = match letter {
        'w' => (WORD, false),
        'd' => (DIGIT, false),
        's' => (SPACE, false),
        'W' => (WORD, true),
        'D' => (DIGIT, true),
        'S' => (SPACE, true),
        other => {
            out.push('\\');
            out.push(other);
            return;
        }
    };
    match (in_class, negated) {
        (true, false) => out.push_str(set),
        (_, true) => out.extend(["[^", set, "]"]),
        (false, false) => out.extend(["[", set, "]"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_classes_become_ascii_ranges() {
        assert_eq!(translate(r"[\w-]+_[0-9]+").unwrap(), "^(?:[0-9A-Za-z_-]+_[0-9]+)$");
        assert_eq!(translate(r"[\S]+").unwrap(), r"^(?:[[^\t\n\x0B\x0C\r\x20]]+)$");
        assert_eq!(translate(r"^\d$").unwrap(), "^(?:[0-9])$");
        assert_eq!(translate(r"(?s).*").unwrap(), "^(?:(?s).*)$");
        assert_eq!(translate("a.").unwrap(), r"^(?:a[^\n\r\u{85}\u{2028}\u{2029}])$");
    }

    #[test]
    fn look_behind_without_a_rewriting_is_refused() {
        assert!(translate("a(?<!b)").is_err());
    }
}
