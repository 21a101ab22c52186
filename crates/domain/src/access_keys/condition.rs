//! Conditions of policies: an operator, a key, and values to compare with.

use super::{
    pattern::{Pattern, Syntax},
    request::{AccessRequest, Key},
};
use crate::network::Network;

/// One key under one operator.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    key: Key,
    /// The operator is one of those with `Not`: none of the values may fit.
    is_negated: bool,
    /// `…IfExists`: holds for requests without the key.
    if_exists: bool,
    set: Option<Set>,
    tests: Vec<Test>,
}

/// How several values of a request count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// `ForAllValues:`. Holds if there is none.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// A value of a policy, ready to be compared with.
#[derive(Clone, Debug)]
enum Test {
    Text { pattern: Pattern, any_case: bool },
    Arn(Vec<Pattern>),
    Bool(bool),
    Network(Network),
    Date { seconds: i64, is_met: fn(&i64, &i64) -> bool },
    Absent(bool),
}

/// What an operator compares.
#[derive(Clone, Copy)]
enum Kind {
    Text { any_case: bool, wildcards: bool },
    Arn,
    Bool,
    Ip,
    Date(fn(&i64, &i64) -> bool),
    Null,
}

/// An operator by its name, without what may stand before and after it.
fn operator(name: &str) -> Option<(Kind, bool)> {
    let text = |any_case, wildcards| Kind::Text { any_case, wildcards };
    Some(match name {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        "ArnEquals" | "ArnLike" => (Kind::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Kind::Arn, true),
        "Bool" => (Kind::Bool, false),
        "IpAddress" => (Kind::Ip, false),
        "NotIpAddress" => (Kind::Ip, true),
        "DateEquals" => (Kind::Date(i64::eq), false),
        "DateNotEquals" => (Kind::Date(i64::eq), true),
        "DateLessThan" => (Kind::Date(i64::lt), false),
        "DateLessThanEquals" => (Kind::Date(i64::le), false),
        "DateGreaterThan" => (Kind::Date(i64::gt), false),
        "DateGreaterThanEquals" => (Kind::Date(i64::ge), false),
        "Null" => (Kind::Null, false),
        _ => return None,
    })
}

/// What stands before a key: an operator with what may surround its name.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    kind: Kind,
    is_negated: bool,
    if_exists: bool,
    set: Option<Set>,
}

impl Operator {
    /// Reads `ForAnyValue:StringLikeIfExists` and the like.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (set, rest) = if let Some(rest) = name.strip_prefix("ForAllValues:") {
            (Some(Set::All), rest)
        } else if let Some(rest) = name.strip_prefix("ForAnyValue:") {
            (Some(Set::Any), rest)
        } else {
            (None, name)
        };
        let plain = rest.strip_suffix("IfExists");
        let (kind, is_negated) = operator(plain.unwrap_or(rest))?;
        if matches!(kind, Kind::Null) && (plain.is_some() || set.is_some()) {
            return None;
        }
        Some(Self { kind, is_negated, if_exists: plain.is_some(), set })
    }
}

impl Condition {
    /// A condition. The error says what is wrong with the key or a value.
    pub(super) fn new(
        operator: Operator,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Self, String> {
        let Some(named) = Key::named(key) else {
            return Err("this condition key is not known here, so nothing would be the right \
                        answer to it"
                .to_owned());
        };
        let Operator { kind, is_negated, if_exists, set } = operator;
        if named == Key::TagKeys && set.is_none() && !matches!(kind, Kind::Null) {
            return Err("has several values: the operator must begin with ForAllValues: or \
                        ForAnyValue:"
                .to_owned());
        }
        let tests = values.iter().map(|value| test(kind, value, variables));
        let tests = tests.collect::<Result<_, _>>()?;
        Ok(Self { key: named, is_negated, if_exists, set, tests })
    }

    /// Whether it is about tags of the resource, which must then be looked up.
    pub(super) const fn is_about_resource_tags(&self) -> bool {
        matches!(self.key, Key::ResourceTag(_))
    }

    /// Whether a request meets it.
    pub(super) fn holds(&self, request: &AccessRequest<'_>) -> bool {
        let values = request.values(&self.key);
        let is_absent = values.is_empty();
        let absences = self.tests.iter().filter_map(|test| match test {
            Test::Absent(wanted) => Some(*wanted == is_absent),
            _ => None,
        });
        if let Some(is_as_wanted) = absences.reduce(|one, other| one || other) {
            return is_as_wanted;
        }
        if is_absent {
            let without = match self.set {
                Some(Set::All) => true,
                Some(Set::Any) => false,
                None => self.is_negated,
            };
            return self.if_exists || without;
        }
        let mut fits = values.iter().map(|value| {
            self.tests.iter().any(|test| test.fits(value, request)) != self.is_negated
        });
        match self.set {
            Some(Set::Any) => fits.any(|fits| fits),
            Some(Set::All) => fits.all(|fits| fits),
            None if self.is_negated => fits.all(|fits| fits),
            None => fits.any(|fits| fits),
        }
    }
}

impl Test {
    fn fits(&self, value: &str, request: &AccessRequest<'_>) -> bool {
        match self {
            Self::Text { pattern, any_case: true } => pattern.matches_any_case(value, request),
            Self::Text { pattern, any_case: false } => pattern.matches(value, request),
            Self::Arn(parts) => arn_matches(parts, value, request),
            Self::Bool(wanted) => value.eq_ignore_ascii_case(&wanted.to_string()),
            Self::Network(network) => value.parse().is_ok_and(|value| network.contains(value)),
            Self::Date { seconds, is_met } => {
                date(value).is_some_and(|value| is_met(&value, seconds))
            }
            Self::Absent(_) => false,
        }
    }
}

/// Whether each of the six parts of an ARN is of its form.
pub(super) fn arn_matches(parts: &[Pattern], arn: &str, request: &AccessRequest<'_>) -> bool {
    let given: Vec<&str> = arn.splitn(6, ':').collect();
    given.len() == parts.len()
        && parts.iter().zip(given).all(|(part, given)| part.matches(given, request))
}

/// A value of a policy made ready.
fn test(kind: Kind, value: &str, variables: bool) -> Result<Test, String> {
    match kind {
        Kind::Text { any_case, wildcards } => {
            let pattern = Pattern::compile(value, Syntax { wildcards, variables })?;
            Ok(Test::Text { pattern, any_case })
        }
        Kind::Arn => {
            let pattern = Pattern::compile(value, Syntax { wildcards: true, variables })?;
            let parts = pattern.split(6);
            let is_arn = parts.first().is_some_and(|part| part.is_literally("arn"));
            if is_arn && parts.len() == 6 {
                return Ok(Test::Arn(parts));
            }
            Err(format!("{value:?} is not an ARN of six parts"))
        }
        Kind::Bool => truth(value).map(Test::Bool),
        Kind::Null => truth(value).map(Test::Absent),
        Kind::Ip => match network(value) {
            Some(network) => Ok(Test::Network(network)),
            None => Err(format!("{value:?} is not an address such as 10.0.0.0/8")),
        },
        Kind::Date(is_met) => match date(value) {
            Some(seconds) => Ok(Test::Date { seconds, is_met }),
            None => Err(format!("{value:?} is not a time such as 2030-01-31T00:00:00Z")),
        },
    }
}

fn truth(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{value:?} is neither \"true\" nor \"false\"")),
    }
}

/// Seconds since the epoch, from such a number or from ISO 8601; a day alone is its beginning in
/// UTC. None for a few digits: seconds or a day without hyphens, nobody can tell which was meant, and
/// these seconds have long passed.
fn date(value: &str) -> Option<i64> {
    if value.len() <= 8 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    if let Ok(moment) = value.parse::<jiff::Timestamp>() {
        return Some(moment.as_second());
    }
    let day: jiff::civil::Date = value.parse().ok()?;
    let moment = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_second())
}

/// A network in CIDR notation, or one address.
fn network(value: &str) -> Option<Network> {
    Network::parse(value).or_else(|| value.parse().ok().map(Network::only))
}
