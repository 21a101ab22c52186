//! Patterns of policies: `*` and `?`, and variables such as `${aws:username}`.

use super::request::{AccessRequest, Key};

/// A compiled pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// `?`: exactly one character.
    One,
    /// `*`: any number of characters.
    Any,
    /// What the request says of its signer.
    Variable(Key),
}

/// What a pattern may hold besides plain text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    pub wildcards: bool,
    pub variables: bool,
}

impl Pattern {
    /// Compiles a pattern. The error says what is wrong with it.
    pub(super) fn compile(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(inside) = rest.strip_prefix("${").filter(|_| syntax.variables) {
                let Some((name, after)) = inside.split_once('}') else {
                    return Err("a variable is not closed by }".to_owned());
                };
                pieces.push(variable(name)?);
                rest = after;
                continue;
            }
            pieces.push(match c {
                '*' if syntax.wildcards => Piece::Any,
                '?' if syntax.wildcards => Piece::One,
                c => Piece::Char(c),
            });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(Self(pieces))
    }

    /// The parts of an ARN: `most` at most, split at the colons of the text; those of variables do
    /// not count.
    pub(super) fn split(self, most: usize) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for piece in self.0 {
            if piece == Piece::Char(':') && parts.len() < most {
                parts.push(Self::default());
            } else if let Some(part) = parts.last_mut() {
                part.0.push(piece);
            }
        }
        parts
    }

    /// The pattern `*`.
    pub(super) fn anything() -> Self {
        Self(vec![Piece::Any])
    }

    /// Whether this is the text itself, without wildcards and variables.
    pub(super) fn is_literally(&self, text: &str) -> bool {
        self.0.iter().eq(text.chars().map(Piece::Char).collect::<Vec<_>>().iter())
    }

    /// Whether nothing is there.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a whole text is of this form. What variables stand for is plain text, whatever
    /// characters it has.
    pub(super) fn matches(&self, text: &str, request: &AccessRequest<'_>) -> bool {
        self.matches_by(text, request, |a, b| a == b)
    }

    /// The same without regard to the case of ASCII letters.
    pub(super) fn matches_any_case(&self, text: &str, request: &AccessRequest<'_>) -> bool {
        self.matches_by(text, request, |a, b| a.eq_ignore_ascii_case(&b))
    }

    fn matches_by(
        &self,
        text: &str,
        request: &AccessRequest<'_>,
        same: impl Fn(char, char) -> bool,
    ) -> bool {
        let mut pieces = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            match piece {
                Piece::Variable(key) => {
                    let value = request.values(key).concat();
                    pieces.extend(value.chars().map(Piece::Char));
                }
                piece => pieces.push(piece.clone()),
            }
        }
        matches(&pieces, &text.chars().collect::<Vec<_>>(), same)
    }
}

/// A variable by what stands between `${` and `}`. Only such as every request has a value for, so
/// that no rule is needed for their absence.
fn variable(name: &str) -> Result<Piece, String> {
    if let "*" | "?" | "$" = name {
        return Ok(Piece::Char(name.chars().next().unwrap_or_default()));
    }
    match Key::named(name) {
        Some(key) if key.is_always_there() => Ok(Piece::Variable(key)),
        _ => Err(format!(
            "${{{name}}} is no variable that is known here; known are aws:username, \
             aws:PrincipalArn, aws:PrincipalAccount and aws:RequestedRegion"
        )),
    }
}

/// Matches greedily and goes back to the last `*` only: the cost is bounded by the product of both
/// lengths, whatever the pattern.
fn matches(pattern: &[Piece], text: &[char], same: impl Fn(char, char) -> bool) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on if what follows the last `*` does not match after all.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(from) {
        match pattern.get(at) {
            Some(Piece::Any) => {
                retry = Some((at + 1, from));
                at += 1;
                continue;
            }
            Some(Piece::One) => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            Some(Piece::Char(wanted)) if same(*wanted, c) => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            _ => {}
        }
        let Some((after, taken)) = retry else { return false };
        retry = Some((after, taken + 1));
        (at, from) = (after, taken + 1);
    }
    pattern.iter().skip(at).all(|piece| *piece == Piece::Any)
}
