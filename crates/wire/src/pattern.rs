//! A pattern of the model: the text that messages print, and the expression that decides.

use std::sync::OnceLock;

use regex::Regex;

/// A Java pattern, translated by codegen to the syntax of the `regex` crate and matched against the
/// whole value. Compiled at first use.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    expression: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `text` as the model has it, `expression` anchored and with Java's ASCII classes spelled out.
    pub const fn new(text: &'static str, expression: &'static str) -> Self {
        Self { text, expression, compiled: OnceLock::new() }
    }

    /// The pattern as the model prints it.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole of `value` matches.
    pub fn is_match(&self, value: &str) -> bool {
        // An expression that does not compile matches nothing; a test compiles every one of them.
        self.regex().is_some_and(|regex| regex.is_match(value))
    }

    /// Whether the translated expression is one that the `regex` crate accepts.
    pub fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(self.expression).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_values_only() {
        let pattern = Pattern::new("[a-z]+", "^(?:[a-z]+)$");
        assert!(pattern.is_match("abc"));
        assert!(!pattern.is_match("abc\n"));
        assert!(!pattern.is_match("abc1"));
        assert!(!pattern.is_match(""));
    }
}
