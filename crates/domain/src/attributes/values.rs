//! Whether values conform to a pool's schema.

use crate::{
    attributes::{AttributeRefused, Contact},
    shapes::{AttributeDataType, SchemaAttributeType},
    user_pools::UserPool,
};

/// An attribute that doesn't conform to the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The attribute's name.
    pub attribute: String,
    /// What is wrong with it.
    pub rule: ViolatedRule,
}

/// What can be wrong with an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViolatedRule {
    /// The schema doesn't have it.
    Unknown,
    /// It is required and absent.
    Missing,
    /// The text has more UTF-16 units than this; or bytes, where it can be an alias.
    TooLong(usize),
    /// The text has fewer UTF-16 units than this.
    TooShort(usize),
    /// The number is greater than this.
    TooLarge(String),
    /// The number is less than this.
    TooSmall(String),
    /// A number is asked for.
    NotANumber,
    /// `true` or `false` is asked for.
    NotABoolean,
    /// `YYYY-MM-DD` is asked for.
    NotADate,
}

/// Attributes that nobody writes: the service sets them.
const NOT_WRITABLE: [&str; 2] = ["sub", "identities"];

/// Attributes that can be aliases.
const ALIASES: [&str; 3] = ["email", "phone_number", "preferred_username"];

/// The most bytes of a value by which users are found: the index of aliases takes no more than
/// PostgreSQL's 2,704 bytes, and folding case can lengthen a value by half. Nobody's address comes
/// near it (RFC 5321 section 4.5.3.1 stops at 320).
const LONGEST_ALIAS: usize = 1_024;

/// Checks values against the schema and the form of contacts. Empty values are not looked at: they
/// stand for no value.
pub(super) fn check(pool: &UserPool, given: &[(String, String)]) -> Result<(), AttributeRefused> {
    if let Some((name, _)) = given.iter().find(|(name, _)| NOT_WRITABLE.contains(&name.as_str())) {
        return Err(AttributeRefused::NotWritable(name.clone()));
    }
    let violations = given.iter().filter_map(|(name, value)| {
        let is_long_alias = ALIASES.contains(&name.as_str()) && value.len() > LONGEST_ALIAS;
        let rule = violated(pool.schema_attribute(name), value)
            .or_else(|| is_long_alias.then_some(ViolatedRule::TooLong(LONGEST_ALIAS)))?;
        Some(Violation { attribute: name.clone(), rule })
    });
    let violations: Vec<Violation> = violations.collect();
    if !violations.is_empty() {
        return Err(AttributeRefused::NotConforming(violations));
    }
    let malformed = given.iter().find_map(|(name, value)| {
        let contact = Contact::of_attribute(name)?;
        (!value.is_empty() && !contact.accepts(value)).then_some(contact)
    });
    malformed.map_or(Ok(()), |contact| Err(AttributeRefused::Malformed(contact)))
}

/// The rule that a value breaks, if any.
fn violated(schema: Option<&SchemaAttributeType>, value: &str) -> Option<ViolatedRule> {
    let Some(schema) = schema else {
        return Some(ViolatedRule::Unknown);
    };
    if value.is_empty() {
        return None;
    }
    match schema.attribute_data_type.unwrap_or(AttributeDataType::String) {
        AttributeDataType::String => violated_by_text(schema, value),
        AttributeDataType::Number => violated_by_number(schema, value),
        AttributeDataType::Boolean => {
            let is_boolean = ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word));
            (!is_boolean).then_some(ViolatedRule::NotABoolean)
        }
        // What the service takes for a point in time is not known, so that nothing is refused.
        AttributeDataType::DateTime => None,
    }
}

/// Lengths count UTF-16 units (belief: the service is written in Java).
fn violated_by_text(schema: &SchemaAttributeType, value: &str) -> Option<ViolatedRule> {
    let bounds = schema.string_attribute_constraints.as_ref();
    let bound = |text: Option<&String>| text.and_then(|text| text.parse::<usize>().ok());
    let length = value.encode_utf16().count();
    if let Some(max) = bound(bounds.and_then(|b| b.max_length.as_ref())).filter(|m| length > *m) {
        return Some(ViolatedRule::TooLong(max));
    }
    if let Some(min) = bound(bounds.and_then(|b| b.min_length.as_ref())).filter(|m| length < *m) {
        return Some(ViolatedRule::TooShort(min));
    }
    let is_birthdate = schema.name.as_deref() == Some("birthdate");
    (is_birthdate && !is_date(value)).then_some(ViolatedRule::NotADate)
}

/// Whether text is four digits, two and two, with dashes between them.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Bounds are decimal text in the schema.
fn violated_by_number(schema: &SchemaAttributeType, value: &str) -> Option<ViolatedRule> {
    let is_decimal = value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    let Some(number) = value.parse::<f64>().ok().filter(|_| is_decimal) else {
        return Some(ViolatedRule::NotANumber);
    };
    let bounds = schema.number_attribute_constraints.as_ref()?;
    let exceeds = |bound: &Option<String>, wrong: fn(f64, f64) -> bool| {
        let text = bound.as_ref()?;
        text.parse::<f64>().ok().filter(|bound| wrong(number, *bound)).map(|_| text.clone())
    };
    if let Some(max) = exceeds(&bounds.max_value, |number, max| number > max) {
        return Some(ViolatedRule::TooLarge(max));
    }
    exceeds(&bounds.min_value, |number, min| number < min).map(ViolatedRule::TooSmall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{
        NumberAttributeConstraintsType, StringAttributeConstraintsType, UserPoolType,
    };

    fn attribute(kind: AttributeDataType) -> SchemaAttributeType {
        SchemaAttributeType {
            name: Some("custom:x".to_owned()),
            attribute_data_type: Some(kind),
            ..SchemaAttributeType::default()
        }
    }

    #[test]
    fn texts_have_bounds_in_utf16_units() {
        let mut schema = attribute(AttributeDataType::String);
        schema.string_attribute_constraints = Some(StringAttributeConstraintsType {
            min_length: Some("2".to_owned()),
            max_length: Some("4".to_owned()),
        });
        let violated = |value| violated(Some(&schema), value);
        assert_eq!(violated("x"), Some(ViolatedRule::TooShort(2)));
        assert_eq!(violated("xx"), None);
        assert_eq!(violated("🦀🦀"), None);
        assert_eq!(violated("🦀🦀x"), Some(ViolatedRule::TooLong(4)));
        assert_eq!(violated(""), None, "no value");
    }

    #[test]
    fn values_that_can_be_aliases_fit_an_index() {
        let mut email = attribute(AttributeDataType::String);
        email.name = Some("email".to_owned());
        let mut name = attribute(AttributeDataType::String);
        name.name = Some("name".to_owned());
        let pool = UserPool {
            settings: UserPoolType {
                schema_attributes: Some(vec![email, name]),
                ..UserPoolType::default()
            },
            ..UserPool::default()
        };
        let given = |name: &str, value: String| check(&pool, &[(name.to_owned(), value)]);
        // Bytes count, not characters.
        let address = |umlauts: usize| format!("{}@ex.org", "ä".repeat(umlauts));
        assert_eq!(given("email", address(508)), Ok(()));
        let violation =
            Violation { attribute: "email".to_owned(), rule: ViolatedRule::TooLong(LONGEST_ALIAS) };
        let refused = AttributeRefused::NotConforming(vec![violation]);
        assert_eq!(given("email", address(509)), Err(refused));
        assert_eq!(given("name", "ä".repeat(1_024)), Ok(()));
    }

    #[test]
    fn numbers_are_decimal_and_bounded() {
        let mut schema = attribute(AttributeDataType::Number);
        schema.number_attribute_constraints = Some(NumberAttributeConstraintsType {
            min_value: Some("0".to_owned()),
            max_value: Some("10".to_owned()),
        });
        let violated = |value| violated(Some(&schema), value);
        assert_eq!(violated("-1"), Some(ViolatedRule::TooSmall("0".to_owned())));
        assert_eq!(violated("0"), None);
        assert_eq!(violated("10"), None);
        assert_eq!(violated("11"), Some(ViolatedRule::TooLarge("10".to_owned())));
        for text in ["ten", "1e1", "NaN", "inf", "1 ", "0x1"] {
            assert_eq!(violated(text), Some(ViolatedRule::NotANumber), "{text}");
        }
    }

    #[test]
    fn booleans_are_true_or_false_in_any_case() {
        let schema = attribute(AttributeDataType::Boolean);
        assert_eq!(violated(Some(&schema), "True"), None);
        assert_eq!(violated(Some(&schema), "yes"), Some(ViolatedRule::NotABoolean));
    }

    #[test]
    fn a_birthdate_has_the_form_of_a_date() {
        let mut schema = attribute(AttributeDataType::String);
        schema.name = Some("birthdate".to_owned());
        assert_eq!(violated(Some(&schema), "2001-02-03"), None);
        assert_eq!(violated(Some(&schema), "03.02.2001"), Some(ViolatedRule::NotADate));
    }
}
