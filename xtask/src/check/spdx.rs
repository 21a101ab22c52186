//! SPDX licence expressions, such as `(MIT OR Apache-2.0) AND Unicode-3.0`.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::Outcome;

/// Whether a package may be used if only licences that `is_allowed` names may be.
///
/// An exception belongs to its licence: `Apache-2.0 WITH LLVM-exception` is a name of its own. `/`
/// is what old manifests write for `OR`. `AND` binds closer than `OR` (SPDX 2.3, annex D.4.5).
pub(super) fn permits(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> Outcome<bool> {
    let mut parser = Parser { words: words(expression).into_iter().peekable(), is_allowed };
    let verdict = parser.alternatives()?;
    match parser.words.next() {
        None => Ok(verdict),
        Some(word) => Err(format!("unexpected {word}").into()),
    }
}

fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Parser<'a> {
    words: Peekable<IntoIter<String>>,
    is_allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Outcome<bool> {
        let mut verdict = self.conjunction()?;
        while self.take("OR") {
            verdict |= self.conjunction()?;
        }
        Ok(verdict)
    }

    fn conjunction(&mut self) -> Outcome<bool> {
        let mut verdict = self.single()?;
        while self.take("AND") {
            verdict &= self.single()?;
        }
        Ok(verdict)
    }

    fn single(&mut self) -> Outcome<bool> {
        if self.take("(") {
            let verdict = self.alternatives()?;
            return if self.take(")") { Ok(verdict) } else { Err("a parenthesis is open".into()) };
        }
        let mut name = self.name()?;
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.name()?);
        }
        Ok((self.is_allowed)(&name))
    }

    fn name(&mut self) -> Outcome<String> {
        let word = self.words.next().ok_or("the expression ends too early")?;
        match word.as_str() {
            "(" | ")" | "AND" | "OR" | "WITH" => Err(format!("unexpected {word}").into()),
            _ => Ok(word),
        }
    }

    fn take(&mut self, word: &str) -> bool {
        self.words.next_if(|next| next == word).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permitted(expression: &str) -> bool {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
        permits(expression, &|name| allowed.contains(&name)).unwrap()
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(permitted("MIT"));
        assert!(permitted("GPL-3.0-only OR MIT"));
        assert!(permitted("GPL-3.0-only/MIT"));
        assert!(!permitted("GPL-3.0-only OR LGPL-2.1-or-later"));
    }

    #[test]
    fn all_parts_of_a_conjunction_must_be_allowed() {
        assert!(permitted("(GPL-3.0-only OR MIT) AND ISC"));
        assert!(!permitted("MIT AND GPL-3.0-only"));
        assert!(permitted("GPL-3.0-only AND Zlib OR MIT"), "AND binds closer than OR");
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        assert!(permitted("Apache-2.0 WITH LLVM-exception"));
        assert!(!permitted("Apache-2.0"));
        assert!(!permitted("MIT WITH other-exception"));
    }

    #[test]
    fn what_is_no_expression_is_told() {
        for broken in ["", "MIT AND", "(MIT", "MIT)", "MIT ISC", "OR MIT"] {
            assert!(permits(broken, &|_| true).is_err(), "{broken}");
        }
    }
}
