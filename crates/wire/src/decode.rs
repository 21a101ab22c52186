//! Reading JSON: one walk over the document that collects every violated constraint.
//!
//! Message formats come from recorded answers of the service (aws-sdk-java-v2 #5528, aws-cdk #14699,
//! amplify-js #6460, amazon-cognito-identity-js #388). Where nothing is recorded the comment says so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::java_order::{java_hash_order, java_hash_order_by};
use crate::{Blob, Pattern, Sensitive, Timestamp, WireEnum, aws_json};

/// What a shape of the model asks of its values. For a string, blob, list or map the bounds are of
/// its length, for an integer of its value.
#[derive(Debug)]
pub struct Constraint {
    /// The least length or value.
    pub min: Option<i64>,
    /// The greatest length or value.
    pub max: Option<i64>,
    /// What the whole string must match.
    pub pattern: Option<&'static Pattern>,
    /// Whether messages must not show the value.
    pub sensitive: bool,
    /// What the keys of a map must satisfy.
    pub key: Option<&'static Constraint>,
    /// What the items of a list or the values of a map must satisfy.
    pub item: Option<&'static Constraint>,
}

impl Constraint {
    /// Asks for nothing.
    pub const NONE: Self =
        Self { min: None, max: None, pattern: None, sensitive: false, key: None, item: None };
    /// [`Self::NONE`] with an address, for use in other constraints.
    pub const FREE: &'static Self = &Self::NONE;

    /// The texts for all length bounds and the pattern, in the order recorded for list items.
    fn texts(&self, measure: &str) -> Vec<String> {
        let max = self.max.map(|max| at_most(measure, max));
        let min = self.min.map(|min| at_least(measure, min));
        let pattern = self.pattern.map(matching);
        [max, min, pattern].into_iter().flatten().collect()
    }
}

fn at_least(measure: &str, min: i64) -> String {
    format!("Member must have {measure} greater than or equal to {min}")
}

fn at_most(measure: &str, max: i64) -> String {
    format!("Member must have {measure} less than or equal to {max}")
}

fn matching(pattern: &Pattern) -> String {
    format!("Member must satisfy regular expression pattern: {}", pattern.text())
}

const NOT_NULL: &str = "Member must not be null";

/// How many violations a message names: without a bound, a megabyte of `{}` in a list would become
/// an answer thirty times as long.
const MOST_VIOLATIONS: usize = 1_000;

/// Why a request body was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Malformed JSON, or a member of the wrong JSON type. Goes out as `SerializationException`,
    /// its text under a capital `Message`, or without a text (see
    /// [`crate::aws_json::serialization_body`]).
    #[error("the body is not of the operation's shape")]
    Serialization {
        /// The text for the client, where there is one.
        message: Option<String>,
    },
    /// Constraints are violated. Goes out as `InvalidParameterException` with this complete text.
    #[error("constraints of the input are violated")]
    Invalid(String),
}

impl DecodeError {
    /// The `__type` of the answer, whose status is 400.
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Serialization { .. } => "SerializationException",
            Self::Invalid(_) => "InvalidParameterException",
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> String {
        match self {
            Self::Serialization { message } => aws_json::serialization_body(message.as_deref()),
            Self::Invalid(message) => aws_json::error_body(self.error_type(), message),
        }
    }
}

/// Why a stored document could not be read back. Says where, never what the value was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("stored document is unreadable at `{path}`: {reason}")]
pub struct StoredError {
    path: String,
    reason: String,
}

/// A JSON value of the wrong type; ends decoding at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    message: Option<String>,
}

impl Mismatch {
    fn with(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()) }
    }

    fn silent() -> Self {
        Self { message: None }
    }

    /// A value that is no `wanted` scalar. Recorded: a number for a string (pmill/aws-cognito #10)
    /// and no text for a boolean (amazon-cognito-identity-js #485); the rest is belief.
    fn scalar(found: &Value, wanted: &str) -> Self {
        let class = match found {
            Value::Number(_) => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
            Value::String(_) => "java.lang.String",
            Value::Array(_) => return Self::with("Start of list found where not expected"),
            Value::Object(_) => {
                return Self::with("Start of structure or map found where not expected.");
            }
            Value::Bool(_) | Value::Null => return Self::silent(),
        };
        Self::with(format!("class {class} can not be converted to an {wanted}"))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Member(&'static str),
    /// A structure in a list, counted from 1.
    Item(usize),
    /// A structure in a map.
    Entry(String),
}

/// Where the walk is and what it has found so far.
#[derive(Debug)]
pub struct Context {
    checked: bool,
    path: Vec<Step>,
    violations: Vec<String>,
    /// How many of the values that enclose the current one are sensitive.
    withheld: usize,
}

impl Context {
    fn new(checked: bool) -> Self {
        Self { checked, path: Vec::new(), violations: Vec::new(), withheld: 0 }
    }

    fn within<T>(
        &mut self,
        step: Step,
        walk: impl FnOnce(&mut Self) -> Result<T, Mismatch>,
    ) -> Result<T, Mismatch> {
        self.path.push(step);
        // After a mismatch the path stays, so that a stored document's error can name the place.
        let result = walk(self)?;
        self.path.pop();
        Ok(result)
    }

    /// `userAttributes.1.member.name`: only the first letter of a member's name is lowered.
    /// The form for structures in maps is a belief.
    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    let mut letters = name.chars();
                    place.extend(letters.next().map(|first| first.to_ascii_lowercase()));
                    place.push_str(letters.as_str());
                }
                // Writing to a String cannot fail.
                Step::Item(number) => _ = write!(place, ".{number}.member"),
                Step::Entry(key) => _ = write!(place, ".{key}.member"),
            }
        }
        place
    }

    /// Records a violation; `shown` is the value in Java form, or nothing where it must not show.
    fn violation(&mut self, shown: Option<String>, constraint: &str) {
        if self.violations.len() >= MOST_VIOLATIONS {
            return;
        }
        let value = match shown {
            Some(value) if self.withheld == 0 => format!("Value '{value}' at"),
            _ => "Value at".to_owned(),
        };
        let place = self.place();
        self.violations
            .push(format!("{value} '{place}' failed to satisfy constraint: {constraint}"));
    }

    fn missing(&mut self, sensitive: bool) {
        if self.violations.len() >= MOST_VIOLATIONS {
            return;
        }
        let value = if sensitive || self.withheld > 0 { "Value at" } else { "Value null at" };
        let place = self.place();
        self.violations.push(format!("{value} '{place}' failed to satisfy constraint: {NOT_NULL}"));
    }

    fn check_bounds(&mut self, rule: &Constraint, found: i64, measure: &str, value: &Shown<'_>) {
        if let Some(min) = rule.min.filter(|min| self.checked && found < *min) {
            self.violation(value.text(), &at_least(measure, min));
        }
        if let Some(max) = rule.max.filter(|max| self.checked && found > *max) {
            self.violation(value.text(), &at_most(measure, max));
        }
    }

    /// Runs `walk` over scalars in a list or map; whatever they violate is one violation of the
    /// whole, which names all constraints of the scalar, not only those violated (recorded).
    fn as_one(
        &mut self,
        whole: &Value,
        withhold: bool,
        texts: impl FnOnce() -> Vec<String>,
        walk: impl FnOnce(&mut Self) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let before = self.violations.len();
        walk(self)?;
        if self.violations.len() > before {
            self.violations.truncate(before);
            let texts = texts();
            let texts = if texts.is_empty() { NOT_NULL.to_owned() } else { texts.join(", ") };
            let shown = (!withhold).then(|| java_text(whole));
            self.violation(shown, &format!("Member must satisfy constraint: [{texts}]"));
        }
        Ok(())
    }

    fn into_message(self) -> Option<String> {
        let plural = match self.violations.len() {
            0 => return None,
            1 => "",
            _ => "s",
        };
        let (count, items) = (self.violations.len(), self.violations.join("; "));
        Some(format!("{count} validation error{plural} detected: {items}"))
    }
}

/// A value as messages show it.
enum Shown<'a> {
    Json(&'a Value),
    Bytes(usize),
    /// A list or map of structures. How the service prints one is unknown, and it may hold
    /// secrets, so it is not shown.
    Withheld,
}

impl Shown<'_> {
    fn text(&self) -> Option<String> {
        match self {
            Self::Json(value) => Some(java_text(value)),
            // Believed: how Java prints a byte buffer.
            Self::Bytes(n) => Some(format!("java.nio.HeapByteBuffer[pos=0 lim={n} cap={n}]")),
            Self::Withheld => None,
        }
    }
}

/// `[a, b]` for a list, `{k=v}` for a map, the plain text of a scalar.
fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(java_text).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) => {
            let entries = java_hash_order_by(entries, |(key, _)| key.as_str());
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{key}={}", java_text(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A type that can be read from JSON. Violations go to the context and yield some value, so that
/// the walk goes on; only a wrong JSON type ends it.
pub trait Decode: Sized + Default {
    /// Whether this is a structure: its members have places of their own inside lists and maps.
    const STRUCTURE: bool = false;

    /// Reads `value`, which is not null.
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch>;

    /// The texts of all constraints that `rule` puts on this type.
    fn texts(_rule: &Constraint) -> Vec<String> {
        Vec::new()
    }
}

/// Reads a request body into an input shape, reporting every violated constraint at once.
pub fn decode_body<T: Decode>(body: &[u8]) -> Result<T, DecodeError> {
    let malformed = |_| DecodeError::Serialization { message: None };
    let mut value: Value = serde_json::from_slice(body).map_err(malformed)?;
    if value.is_null() {
        value = Value::Object(Map::new()); // "Expected map or null": null is an empty request
    }
    let mut cx = Context::new(true);
    let decoded = T::decode(&value, Constraint::FREE, &mut cx)
        .map_err(|mismatch| DecodeError::Serialization { message: mismatch.message })?;
    match cx.into_message() {
        Some(message) => Err(DecodeError::Invalid(message)),
        None => Ok(decoded),
    }
}

/// Reads a document that was written with [`crate::to_json`]. Lengths, values and patterns are not
/// checked again; wrong types, unknown enum values and absent required members are errors.
pub fn from_stored<T: Decode>(json: &str) -> Result<T, StoredError> {
    let value: Value = serde_json::from_str(json)
        .map_err(|_| StoredError { path: String::new(), reason: "not JSON".to_owned() })?;
    let mut cx = Context::new(false);
    let decoded = T::decode(&value, Constraint::FREE, &mut cx).map_err(|mismatch| StoredError {
        path: cx.place(),
        reason: mismatch.message.unwrap_or_else(|| "wrong JSON type".to_owned()),
    })?;
    match cx.violations.into_iter().next() {
        Some(reason) => Err(StoredError { path: String::new(), reason }),
        None => Ok(decoded),
    }
}

/// The members of one JSON object, for generated code. `null` is the same as absent; members that
/// the shape does not know are ignored.
pub struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    /// The members of `value`, which must be an object.
    pub fn of(value: &'a Value) -> Result<Self, Mismatch> {
        value.as_object().map(Self).ok_or_else(|| Mismatch::with("Expected map or null"))
    }

    /// A member that must be there.
    pub fn required<T: Decode>(
        &self,
        name: &'static str,
        rule: &Constraint,
        cx: &mut Context,
    ) -> Result<T, Mismatch> {
        if let Some(value) = self.optional(name, rule, cx)? {
            return Ok(value);
        }
        cx.within(Step::Member(name), |cx| {
            cx.missing(rule.sensitive);
            Ok(T::default())
        })
    }

    /// A member that may be absent.
    pub fn optional<T: Decode>(
        &self,
        name: &'static str,
        rule: &Constraint,
        cx: &mut Context,
    ) -> Result<Option<T>, Mismatch> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => cx.within(Step::Member(name), |cx| T::decode(value, rule, cx)).map(Some),
        }
    }
}

impl Decode for String {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        let Value::String(text) = value else {
            return Err(Mismatch::scalar(value, "String"));
        };
        // Belief: Java counts UTF-16 code units.
        let length = text.encode_utf16().count();
        cx.check_bounds(rule, signed(length), "length", &Shown::Json(value));
        if let Some(pattern) = rule.pattern.filter(|p| cx.checked && !p.is_match(text)) {
            cx.violation(Some(text.clone()), &matching(pattern));
        }
        Ok(text.clone())
    }

    fn texts(rule: &Constraint) -> Vec<String> {
        rule.texts("length")
    }
}

impl Decode for i32 {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        // Belief: a value that an int cannot hold is a type error, not a violation.
        let number = i32::try_from(integer(value, "Integer")?).map_err(|_| Mismatch::silent())?;
        cx.check_bounds(rule, i64::from(number), "value", &Shown::Json(value));
        Ok(number)
    }

    fn texts(rule: &Constraint) -> Vec<String> {
        rule.texts("value")
    }
}

impl Decode for i64 {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        let number = integer(value, "Long")?;
        cx.check_bounds(rule, number, "value", &Shown::Json(value));
        Ok(number)
    }

    fn texts(rule: &Constraint) -> Vec<String> {
        rule.texts("value")
    }
}

impl Decode for bool {
    fn decode(value: &Value, _rule: &Constraint, _cx: &mut Context) -> Result<Self, Mismatch> {
        value.as_bool().ok_or_else(|| Mismatch::scalar(value, "Boolean"))
    }
}

impl Decode for Timestamp {
    fn decode(value: &Value, _rule: &Constraint, _cx: &mut Context) -> Result<Self, Mismatch> {
        let Value::Number(seconds) = value else {
            return Err(Mismatch::scalar(value, "Date"));
        };
        let millis = seconds.as_f64().map_or(0.0, |seconds| (seconds * 1000.0).round());
        truncated(millis).map(Self::from_millis).ok_or_else(Mismatch::silent)
    }
}

impl Decode for Blob {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        let text = value.as_str().ok_or_else(|| Mismatch::scalar(value, "ByteBuffer"))?;
        let bytes = STANDARD.decode(text).map_err(|_| Mismatch::silent())?;
        cx.check_bounds(rule, signed(bytes.len()), "length", &Shown::Bytes(bytes.len()));
        Ok(Self(bytes))
    }

    fn texts(rule: &Constraint) -> Vec<String> {
        rule.texts("length")
    }
}

/// A document type: any JSON is passed through.
impl Decode for Value {
    fn decode(value: &Value, _rule: &Constraint, _cx: &mut Context) -> Result<Self, Mismatch> {
        Ok(value.clone())
    }
}

impl<T: Decode> Decode for Sensitive<T> {
    const STRUCTURE: bool = T::STRUCTURE;

    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        cx.withheld += 1;
        let decoded = T::decode(value, rule, cx);
        cx.withheld -= 1;
        decoded.map(Self::new)
    }

    fn texts(rule: &Constraint) -> Vec<String> {
        T::texts(rule)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        let Value::Array(items) = value else {
            return Err(Mismatch::with("Expected list or null"));
        };
        let item_rule = rule.item.unwrap_or(Constraint::FREE);
        let shown = shown::<T>(value, items.is_empty() || !item_rule.sensitive);
        cx.check_bounds(rule, signed(items.len()), "length", &shown);
        let mut decoded = Vec::with_capacity(items.len());
        if T::STRUCTURE {
            for (index, item) in items.iter().enumerate() {
                decoded.push(cx.within(Step::Item(index + 1), |cx| element(item, item_rule, cx))?);
            }
        } else {
            cx.as_one(
                value,
                item_rule.sensitive,
                || T::texts(item_rule),
                |cx| {
                    for item in items {
                        decoded.push(element(item, item_rule, cx)?);
                    }
                    Ok(())
                },
            )?;
        }
        Ok(decoded)
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(value: &Value, rule: &Constraint, cx: &mut Context) -> Result<Self, Mismatch> {
        let Value::Object(entries) = value else {
            return Err(Mismatch::with("Expected map or null"));
        };
        let key_rule = rule.key.unwrap_or(Constraint::FREE);
        let item_rule = rule.item.unwrap_or(Constraint::FREE);
        let withhold = key_rule.sensitive || item_rule.sensitive || T::STRUCTURE;
        // A null value is the same as no entry.
        let entries: Vec<_> = entries.iter().filter(|(_, value)| !value.is_null()).collect();
        let shown = shown::<T>(value, entries.is_empty() || !withhold);
        cx.check_bounds(rule, signed(entries.len()), "length", &shown);
        cx.as_one(
            value,
            withhold,
            || String::texts(key_rule),
            |cx| {
                for (key, _) in &entries {
                    String::decode(&Value::String((*key).clone()), key_rule, cx)?;
                }
                Ok(())
            },
        )?;
        let mut decoded = Self::new();
        if T::STRUCTURE {
            for (key, item) in entries {
                let step = Step::Entry(key.clone());
                let item = cx.within(step, |cx| T::decode(item, item_rule, cx))?;
                decoded.insert(key.clone(), item);
            }
        } else {
            cx.as_one(
                value,
                withhold,
                || T::texts(item_rule),
                |cx| {
                    for (key, item) in entries {
                        decoded.insert(key.clone(), T::decode(item, item_rule, cx)?);
                    }
                    Ok(())
                },
            )?;
        }
        Ok(decoded)
    }
}

/// Reads a value of a closed set; the set is printed in hash order, or as it was recorded.
pub(crate) fn decode_enum<E: WireEnum>(value: &Value, cx: &mut Context) -> Result<E, Mismatch> {
    let text = value.as_str().ok_or_else(|| Mismatch::scalar(value, "String"))?;
    if let Some(known) = E::ALL.iter().find(|known| known.as_str() == text) {
        return Ok(*known);
    }
    if !cx.checked {
        return Err(Mismatch::with("unknown enum value"));
    }
    cx.violation(Some(text.to_owned()), &enum_text::<E>());
    Ok(E::default())
}

pub(crate) fn enum_text<E: WireEnum>() -> String {
    let set = if E::PRINTED.is_empty() {
        java_hash_order(E::ALL.iter().map(WireEnum::as_str))
    } else {
        E::PRINTED.to_vec()
    };
    format!("Member must satisfy enum value set: [{}]", set.join(", "))
}

/// An item of a list, which must not be null.
fn element<T: Decode>(item: &Value, rule: &Constraint, cx: &mut Context) -> Result<T, Mismatch> {
    if item.is_null() {
        cx.missing(rule.sensitive);
        return Ok(T::default());
    }
    T::decode(item, rule, cx)
}

fn shown<T: Decode>(value: &Value, show: bool) -> Shown<'_> {
    let empty =
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
    if show && (empty || !T::STRUCTURE) { Shown::Json(value) } else { Shown::Withheld }
}

/// The integer part of a JSON number. That a fraction is cut off is a belief, after the name of the
/// service's number class.
fn integer(value: &Value, wanted: &str) -> Result<i64, Mismatch> {
    let Value::Number(number) = value else {
        return Err(Mismatch::scalar(value, wanted));
    };
    number
        .as_i64()
        .or_else(|| Number::as_f64(number).filter(|_| !number.is_u64()).and_then(truncated))
        .ok_or_else(Mismatch::silent)
}

/// The integer part of `number` if an `i64` can hold it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the range is checked first, and cutting off the fraction is the purpose"
)]
fn truncated(number: f64) -> Option<i64> {
    (number >= i64::MIN as f64 && number < i64::MAX as f64).then_some(number as i64)
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::to_json;
    use crate::types::{
        AddCustomAttributesRequest, AdminInitiateAuthRequest, ConfirmSignUpRequest,
        CreateUserPoolClientRequest, CreateUserPoolRequest, DescribeUserPoolRequest, DeviceType,
        ListUsersRequest, SetUICustomizationRequest, SignUpRequest, TagResourceRequest,
        UserPoolClientType,
    };

    fn message<T: Decode + std::fmt::Debug>(body: &Value) -> String {
        match decode_body::<T>(body.to_string().as_bytes()) {
            Err(DecodeError::Invalid(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    fn serialization<T: Decode + std::fmt::Debug>(body: &str) -> Option<String> {
        match decode_body::<T>(body.as_bytes()) {
            Err(DecodeError::Serialization { message }) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_member_is_shown_as_null() {
        let body = json!({"ClientId": "abc", "Username": "u"});
        assert_eq!(
            message::<ConfirmSignUpRequest>(&body),
            "1 validation error detected: Value null at 'confirmationCode' failed to satisfy \
             constraint: Member must not be null"
        );
    }

    #[test]
    fn a_missing_sensitive_member_is_not_shown_as_null() {
        let body = json!({"ClientId": "abc", "ConfirmationCode": "1"});
        assert_eq!(
            message::<ConfirmSignUpRequest>(&body),
            "1 validation error detected: Value at 'username' failed to satisfy constraint: \
             Member must not be null"
        );
    }

    #[test]
    fn scalars_in_a_list_fail_as_the_whole_list() {
        let pool = "eu-west-1_a";
        let body = json!({"UserPoolId": pool, "ClientName": "c", "AllowedOAuthFlows": ["token"]});
        assert_eq!(
            message::<CreateUserPoolClientRequest>(&body),
            "1 validation error detected: Value '[token]' at 'allowedOAuthFlows' failed to \
             satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value \
             set: [implicit, client_credentials, code]]"
        );
    }

    #[test]
    fn a_list_of_one_empty_text_prints_as_an_empty_list_and_names_all_constraints() {
        let body = json!({"UserPoolId": "eu-west-1_a", "ClientName": "c", "LogoutURLs": [""]});
        assert_eq!(
            message::<CreateUserPoolClientRequest>(&body),
            "1 validation error detected: Value '[]' at 'logoutURLs' failed to satisfy \
             constraint: Member must satisfy constraint: [Member must have length less than or \
             equal to 1024, Member must have length greater than or equal to 1, Member must \
             satisfy regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+]"
        );
    }

    #[test]
    fn structures_in_lists_have_one_based_places() {
        let good = json!({"Name": "a", "AttributeDataType": "String"});
        let bad = json!({"Name": "", "AttributeDataType": "Text"});
        let body = json!({"UserPoolId": "eu-west-1_a", "CustomAttributes": [good, bad]});
        let message = message::<AddCustomAttributesRequest>(&body);
        assert!(message.starts_with("3 validation errors detected: "), "{message}");
        for item in [
            "Value '' at 'customAttributes.2.member.name' failed to satisfy constraint: Member \
             must have length greater than or equal to 1",
            "Value 'Text' at 'customAttributes.2.member.attributeDataType' failed to satisfy \
             constraint: Member must satisfy enum value set: [Boolean, Number, String, DateTime]",
        ] {
            assert!(message.contains(item), "{message}");
        }
    }

    #[test]
    fn nested_structures_have_dotted_places() {
        let policies = json!({"PasswordPolicy": {"MinimumLength": 5}});
        assert_eq!(
            message::<CreateUserPoolRequest>(&json!({"PoolName": "p", "Policies": policies})),
            "1 validation error detected: Value '5' at 'policies.passwordPolicy.minimumLength' \
             failed to satisfy constraint: Member must have value greater than or equal to 6"
        );
    }

    #[test]
    fn one_value_can_violate_several_constraints() {
        assert_eq!(
            message::<DescribeUserPoolRequest>(&json!({"UserPoolId": ""})),
            "2 validation errors detected: Value '' at 'userPoolId' failed to satisfy \
             constraint: Member must have length greater than or equal to 1; Value '' at \
             'userPoolId' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: [\\w-]+_[0-9a-zA-Z]+"
        );
    }

    #[test]
    fn sensitive_values_are_withheld_also_inside_sensitive_structures() {
        let body = json!({"ClientId": "abc", "Username": "a b", "Password": "hunter 2",
            "UserAttributes": [{"Name": "email", "Value": "v".repeat(2049)}],
            "UserContextData": {"EncodedData": "secret".repeat(30_000)}});
        let message = message::<SignUpRequest>(&body);
        assert!(message.starts_with("4 validation errors detected: Value at "), "{message}");
        for value in ["a b", "hunter", "vvv", "secret"] {
            assert!(!message.contains(value), "{value}");
        }
        assert!(message.contains("Value at 'userAttributes.1.member.value' failed"), "{message}");
    }

    #[test]
    fn maps_of_scalars_fail_as_the_whole_map() {
        let body = json!({"ResourceArn": "arn:aws:cognito-idp:eu-west-1:1:userpool/x",
            "Tags": {"": "v", "k": "w"}});
        assert_eq!(
            message::<TagResourceRequest>(&body),
            "1 validation error detected: Value '{=v, k=w}' at 'tags' failed to satisfy \
             constraint: Member must satisfy constraint: [Member must have length less than or \
             equal to 128, Member must have length greater than or equal to 1]"
        );
    }

    #[test]
    fn lengths_count_utf16_code_units() {
        let body = |name: String| json!({"UserPoolId": "eu-west-1_a", "Filter": name});
        assert!(
            decode_body::<ListUsersRequest>(body("😀".repeat(128)).to_string().as_bytes()).is_ok()
        );
        let message = message::<ListUsersRequest>(&body("😀".repeat(128) + "a"));
        assert!(message.ends_with("length less than or equal to 256"), "{message}");
    }

    #[test]
    fn wrong_types_end_decoding_with_the_recorded_texts() {
        let text = serialization::<SignUpRequest>;
        assert_eq!(text("[]").as_deref(), Some("Expected map or null"));
        assert_eq!(
            text(r#"{"ClientId": 5}"#).as_deref(),
            Some(
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be \
                 converted to an String"
            )
        );
        assert_eq!(text(r#"{"UserAttributes": [{"Name": "a", "Value": true}]}"#), None);
        assert_eq!(text(""), None);
        assert_eq!(text("{"), None);
        assert_eq!(text(&"[".repeat(100_000)), None);
    }

    #[test]
    fn a_wrong_type_wins_over_violations() {
        assert_eq!(serialization::<ConfirmSignUpRequest>(r#"{"ConfirmationCode": false}"#), None);
    }

    #[test]
    fn null_is_absent_and_a_null_body_is_empty() {
        let body = json!({"UserPoolId": "eu-west-1_a", "AuthFlow": "ADMIN_NO_SRP_AUTH",
            "ClientId": "abc", "AuthParameters": null});
        let input: AdminInitiateAuthRequest = decode_body(body.to_string().as_bytes()).unwrap();
        assert_eq!(input.auth_parameters, None);
        assert!(decode_body::<crate::types::ListUserPoolsRequest>(b"null").is_err());
    }

    #[test]
    fn a_null_in_a_list_is_a_violation() {
        let body = json!({"UserPoolId": "eu-west-1_a", "CustomAttributes": [null]});
        let message = message::<AddCustomAttributesRequest>(&body);
        assert!(message.contains("Value null at 'customAttributes.1.member'"), "{message}");
    }

    #[test]
    fn errors_render_their_bodies() {
        let error = decode_body::<SignUpRequest>(b"1").unwrap_err();
        assert_eq!(
            error.body(),
            r#"{"__type":"SerializationException","Message":"Expected map or null"}"#
        );
        let error = decode_body::<DescribeUserPoolRequest>(b"{}").unwrap_err();
        assert!(error.body().starts_with(
            r#"{"__type":"InvalidParameterException","message":"1 validation error detected: "#
        ));
    }

    #[test]
    fn a_blob_is_measured_in_bytes() {
        let body =
            json!({"UserPoolId": "eu-west-1_a", "ImageFile": STANDARD.encode(vec![7; 131_073])});
        assert_eq!(
            message::<SetUICustomizationRequest>(&body),
            "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=131073 \
             cap=131073]' at 'imageFile' failed to satisfy constraint: Member must have length \
             less than or equal to 131072"
        );
    }

    #[test]
    fn stored_documents_are_not_checked_against_bounds() {
        let client = UserPoolClientType {
            client_name: Some(String::new()),
            access_token_validity: Some(-1),
            ..UserPoolClientType::default()
        };
        assert_eq!(from_stored::<UserPoolClientType>(&to_json(&client)), Ok(client));
    }

    #[test]
    fn stored_documents_of_the_wrong_shape_name_the_place_and_not_the_value() {
        let error = from_stored::<UserPoolClientType>(r#"{"ClientId": {"hunter": 2}}"#);
        assert_eq!(
            error.unwrap_err().to_string(),
            "stored document is unreadable at `clientId`: Start of structure or map found where \
             not expected."
        );
        let error = from_stored::<UserPoolClientType>(r#"{"ExplicitAuthFlows": ["hunter2"]}"#);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("`explicitAuthFlows`") && !text.contains("hunter2"), "{text}");
        assert!(from_stored::<DescribeUserPoolRequest>("{}").is_err());
    }

    #[test]
    fn timestamps_read_both_notations() {
        for text in ["1701129701.653", "1.701129701653E9"] {
            let json = format!(r#"{{"DeviceCreateDate":{text}}}"#);
            let device: DeviceType = from_stored(&json).unwrap();
            assert_eq!(device.device_create_date, Some(Timestamp::from_millis(1_701_129_701_653)));
            assert_eq!(to_json(&device), r#"{"DeviceCreateDate":1701129701.653}"#);
        }
    }
}
