//! TOML files, and what is wrong with them: errors name the file, the line and the key.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// A file that was read and perhaps understood.
pub(crate) struct Document {
    path: PathBuf,
    text: String,
}

/// What is wrong with a file. The text never shows values, which may be secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    path: PathBuf,
    line: Option<usize>,
    key: String,
    text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.text)
    }
}

impl std::error::Error for Problem {}

impl Document {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { path: path.to_owned(), text }),
            Err(error) => Err(Problem {
                path: path.to_owned(),
                line: None,
                key: String::new(),
                text: format!("can't be read: {error}"),
            }),
        }
    }

    /// Understands the whole file.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(&self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = line_at(&self.text, start);
            // The library's messages may quote a value, but only on further lines.
            let text = error.message().lines().next().unwrap_or_default().to_owned();
            let key = key_on_line(&self.text, line);
            Problem { path: self.path.clone(), line: Some(line), key, text }
        })
    }

    /// Something is wrong with the value of a key. Steps are parted by dots; a number is an index:
    /// `pools.0.name`. The line is that of the nearest enclosing key that is there.
    pub(crate) fn problem(&self, key: &str, text: impl fmt::Display) -> Problem {
        let line = Some(self.line_of(key));
        Problem { path: self.path.clone(), line, key: key.to_owned(), text: text.to_string() }
    }

    /// A path in the file, relative to the file's folder.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn line_of(&self, key: &str) -> usize {
        let Ok(root) = DeTable::parse(&self.text) else {
            return 1;
        };
        let root = DeValue::Table(root.into_inner());
        let (mut value, mut offset) = (&root, 0);
        for step in key.split('.') {
            let Some((at, inner)) = descend(value, step) else {
                break;
            };
            (offset, value) = (at, inner);
        }
        line_at(&self.text, offset)
    }
}

/// The value under a name or an index, and where the name or the element begins.
fn descend<'v, 'i>(value: &'v DeValue<'i>, step: &str) -> Option<(usize, &'v DeValue<'i>)> {
    match value {
        DeValue::Table(table) => {
            let mut entries = table.iter();
            let (key, inner) = entries.find(|(key, _)| key.get_ref() == step)?;
            Some((key.span().start, inner.get_ref()))
        }
        DeValue::Array(array) => {
            let element = array.get(step.parse::<usize>().ok()?)?;
            Some((element.span().start, element.get_ref()))
        }
        _ => None,
    }
}

/// The number of the line, from 1, on which a byte is.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or_default();
    before.matches('\n').count() + 1
}

/// What is left of `=` on a line, or the header of a table.
fn key_on_line(text: &str, line: usize) -> String {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_.[]\"".contains(c);
    if key.chars().all(is_key) { key.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only its type matters")]
        name: String,
    }

    fn document(text: &str) -> Document {
        Document { path: "a.toml".into(), text: text.to_owned() }
    }

    #[test]
    fn a_syntax_error_an_unknown_key_and_a_wrong_type_are_found_by_line_and_key() {
        let unknown = document("name = \"x\"\n\ncolour = 1\n").parse::<Shape>().unwrap_err();
        let unknown = unknown.to_string();
        assert!(unknown.starts_with("a.toml:3: colour: unknown field `colour`"), "{unknown}");
        let wrong = document("\nname = 5\n").parse::<Shape>().unwrap_err().to_string();
        assert!(wrong.starts_with("a.toml:2: name: invalid type"), "{wrong}");
        let syntax = document("name = \n").parse::<Shape>().unwrap_err().to_string();
        assert!(syntax.starts_with("a.toml:1: name: "), "{syntax}");
    }

    #[test]
    fn a_problem_is_found_by_its_path_or_the_nearest_key_above_it() {
        let text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\nf = [\n1,\n2]\n";
        let line = |key| document(text).line_of(key);
        assert_eq!(["a", "b.c", "d.0.e", "d.1.e", "d.1.f.1"].map(line), [1, 3, 5, 7, 10]);
        assert_eq!(["b.missing", "d.1.missing", "missing"].map(line), [2, 6, 1]);
        let problem = document(text).problem("b.c", "must not be 2").to_string();
        assert_eq!(problem, "a.toml:3: b.c: must not be 2");
    }
}
