//! Test cases for every operation, computed from `model/cognito-idp.json` and not from the
//! generated code, so that the two check each other.
//!
//! Behind the feature `model-cases`. A case is a body and what must become of it; the same cases
//! drive the decoder and a running server.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "test support: an unexpected model must end the test"
)]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::generated::shapes;
use crate::java_order::java_hash_order;
use crate::{Decode, Encode, OperationName, StoredError, from_stored, to_json};

/// A body, and what the service makes of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation to send it to.
    pub operation: OperationName,
    /// What the case is about: a member's place and what is done to it.
    pub name: String,
    /// The request body.
    pub body: String,
    /// What shape validation must answer.
    pub expect: Expect,
}

/// What shape validation must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the body passes.
    Valid,
    /// An `InvalidParameterException` with exactly these items, in any order.
    Violation(BTreeSet<String>),
    /// A `SerializationException`.
    Serialization,
}

/// The items of a validation message, or nothing if `message` is not of that form or its count is
/// wrong.
pub fn violations(message: &str) -> Option<BTreeSet<String>> {
    let (head, items) = message.split_once(" detected: ")?;
    let items: BTreeSet<String> = items.split("; ").map(str::to_owned).collect();
    let plural = if items.len() == 1 { "" } else { "s" };
    (head == format!("{} validation error{plural}", items.len())).then_some(items)
}

/// Every case of every operation, one operation at a time: some bodies are large.
pub fn cases() -> impl Iterator<Item = Case> {
    OperationName::ALL.into_iter().flat_map(cases_of)
}

/// Every case of one operation.
pub fn cases_of(operation: OperationName) -> Vec<Case> {
    let mut walk = Walk { operation, cases: Vec::new() };
    walk.add("minimal", &minimal_input(operation), Expect::Valid);
    for body in [json!([]), json!("text"), json!(1), json!(true)] {
        walk.add("body is no object", &body, Expect::Serialization);
    }
    let malformed = |body: &str| Case {
        operation,
        name: format!("malformed: {body}"),
        body: body.to_owned(),
        expect: Expect::Serialization,
    };
    walk.cases.extend(["", "{", "{}}", "{\"a\":}"].map(malformed));
    let mut unknown = minimal_input(operation);
    put(&mut unknown, "NoSuchMember", json!({"a": [1]}));
    walk.add("an unknown member is ignored", &unknown, Expect::Valid);
    walk.structure(operation.input_shape(), "", false, &|value| value);
    walk.cases
}

/// The smallest input of `operation` that violates nothing: required members only.
pub fn minimal_input(operation: OperationName) -> Value {
    minimal(operation.input_shape())
}

fn model() -> &'static Value {
    static MODEL: OnceLock<Value> = OnceLock::new();
    MODEL.get_or_init(|| {
        let text = include_str!("../../../model/cognito-idp.json");
        let mut model: Value = serde_json::from_str(text).expect("a model");
        let text = include_str!("../../../model/patches/patterns.json");
        let patches: Vec<Value> = serde_json::from_str(text).expect("patches");
        for patch in &patches {
            model["shapes"][self::text(patch, "shape")]["pattern"].take();
        }
        let text = include_str!("../../../model/patches/lacking_members.json");
        let patches: Vec<Value> = serde_json::from_str(text).expect("patches");
        for patch in &patches {
            let shape = &mut model["shapes"][self::text(patch, "shape")];
            shape["may_lack"] = patch["may_lack"].clone();
        }
        let text = include_str!("../../../model/patches/enum_values.json");
        let patches: Vec<Value> = serde_json::from_str(text).expect("patches");
        for patch in &patches {
            let values = model["shapes"][self::text(patch, "shape")]["enum"].as_array_mut();
            let added = patch["add_values"].as_array().expect("values").iter().cloned();
            values.expect("an enum").extend(added);
        }
        model
    })
}

fn shape(name: &str) -> &'static Value {
    model()["shapes"].get(name).expect("a shape of the model")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("a text in the model")
}

fn kind(shape: &Value) -> &str {
    match text(shape, "type") {
        "structure" if shape["document"] == true => "document",
        "string" if shape.get("enum").is_some() => "enum",
        kind => kind,
    }
}

fn bound(shape: &Value, key: &str) -> Option<i64> {
    shape[key].as_i64()
}

fn length(shape: &Value, key: &str) -> Option<usize> {
    bound(shape, key).map(|length| usize::try_from(length).expect("a length"))
}

fn is_sensitive(shape: &Value) -> bool {
    shape["sensitive"] == true
}

fn is_scalar(shape: &Value) -> bool {
    kind(shape) != "structure"
}

fn put(object: &mut Value, key: &str, value: Value) {
    object.as_object_mut().expect("an object").insert(key.to_owned(), value);
}

/// The smallest valid value of a shape.
fn minimal(name: &str) -> Value {
    let shape = shape(name);
    match kind(shape) {
        "structure" => {
            let mut object = Map::new();
            for member in required(shape) {
                let member_shape = text(&shape["members"][member], "shape");
                object.insert(member.to_owned(), minimal(member_shape));
            }
            Value::Object(object)
        }
        "list" => items(shape, length(shape, "min").unwrap_or(0)),
        "map" => entries(shape, length(shape, "min").unwrap_or(0)),
        "enum" => shape["enum"][0].clone(),
        "string" => Value::String(sample(shape)),
        "integer" | "long" => json!(bound(shape, "min").unwrap_or(0)),
        "boolean" => json!(false),
        "timestamp" => json!(0.5),
        "blob" => json!(""),
        "document" => json!({"key": ["value"]}),
        other => unreachable!("no case for shapes of type {other}"),
    }
}

/// A value of a shape with every member present, in lists and maps one element.
fn full(name: &str) -> Value {
    let shape = shape(name);
    match kind(shape) {
        "structure" => {
            let members = shape["members"].as_object().expect("members");
            let full = |member: &Value| full(text(member, "shape"));
            members.iter().map(|(name, member)| (name.clone(), full(member))).collect()
        }
        "list" => json!([full(text(&shape["member"], "shape"))]),
        "map" => {
            let key = key(self::shape(text(&shape["key"], "shape")), 1);
            json!({ key: full(text(&shape["value"], "shape")) })
        }
        "enum" => shape["enum"].as_array().and_then(|v| v.last()).expect("a value").clone(),
        "string" => json!("a \"text\"\n"), // reading back checks no patterns
        "integer" | "long" => json!(-7),
        "boolean" => json!(true),
        "timestamp" => json!(1_726_853_833.977),
        "blob" => json!("AP8="),
        _ => minimal(name),
    }
}

/// Every structure that an operation's input or output reaches: its name, and a value of it that
/// has every member.
pub fn full_structures() -> Vec<(String, Value)> {
    let mut names = BTreeSet::new();
    for operation in model()["operations"].as_object().expect("operations").values() {
        for side in ["input", "output"] {
            if let Some(root) = operation.get(side) {
                structures_in(text(root, "shape"), &mut names);
            }
        }
    }
    names.into_iter().map(|name| (name.clone(), full(&name))).collect()
}

fn structures_in(name: &str, found: &mut BTreeSet<String>) {
    let shape = shape(name);
    match kind(shape) {
        "structure" if found.insert(name.to_owned()) => {
            for member in shape["members"].as_object().expect("members").values() {
                structures_in(text(member, "shape"), found);
            }
        }
        "list" => structures_in(text(&shape["member"], "shape"), found),
        "map" => structures_in(text(&shape["value"], "shape"), found),
        _ => {}
    }
}

/// Reads `json` as the structure `name` and writes it again; nothing if there is no such type.
pub fn round_trip(name: &str, json: &str) -> Option<Result<String, StoredError>> {
    shapes::round_trip_any(name, json)
}

/// [`round_trip`] for one type, whose default value must survive it too.
pub(crate) fn round_trip_of<T>(json: &str) -> Result<String, StoredError>
where
    T: Decode + Encode + PartialEq + std::fmt::Debug,
{
    let default = T::default();
    let written = to_json(&default);
    let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
    // The default of a required document is null, which reads as absent; and what answers may lack
    // is not written when it is empty.
    if !written.contains(":null") && shape(name)["may_lack"].is_null() {
        assert_eq!(from_stored::<T>(&written)?, default);
    }
    from_stored::<T>(json).map(|value| to_json(&value))
}

fn required(shape: &Value) -> Vec<&str> {
    shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn items(list: &Value, count: usize) -> Value {
    Value::Array(vec![minimal(text(&list["member"], "shape")); count])
}

/// A map with as many distinct keys as its key shape allows, at most `count`.
fn entries(map: &Value, count: usize) -> Value {
    let key_shape = shape(text(&map["key"], "shape"));
    let value = minimal(text(&map["value"], "shape"));
    let keys = (1..).map(|number| key(key_shape, number));
    Value::Object(keys.take(count).map(|key| (key, value.clone())).collect())
}

fn key(shape: &Value, number: usize) -> String {
    match shape["pattern"].as_str() {
        Some("Level[1-4]") => format!("Level{number}"),
        Some(languages) if languages.starts_with("^cognito:(") => {
            let list = languages.trim_start_matches("^cognito:(");
            let language = list.split('|').nth(number - 1).expect("a language");
            format!("cognito:{language}")
        }
        _ => format!("key{number}"),
    }
}

/// The number of different keys that a pattern allows.
fn distinct_keys(shape: &Value) -> usize {
    match shape["pattern"].as_str() {
        Some("Level[1-4]") => 4,
        Some(_) => 11, // the languages whose name is written out in the pattern
        None => usize::MAX,
    }
}

/// How to make strings for a pattern: `prefix`, then any number of `pad`, then `suffix`. Nothing
/// shorter than prefix and suffix matches, nothing longer than `longest`.
struct Recipe {
    pattern: &'static str,
    prefix: &'static str,
    pad: &'static str,
    suffix: &'static str,
    /// The start of a text that does not match, however many pads follow; none if all texts match.
    bad: Option<&'static str>,
    longest: usize,
}

const fn recipe(pattern: &'static str, prefix: &'static str, bad: &'static str) -> Recipe {
    Recipe { pattern, prefix, pad: "0", suffix: "", bad: Some(bad), longest: usize::MAX }
}

const UUID: &str = "01234567-89ab-4def-8123-456789abcdef";

const RECIPES: [Recipe; 37] = [
    Recipe { bad: None, ..recipe("", "", "") },
    recipe(r"[0-9]+", "0", "x"),
    Recipe { longest: 6, ..recipe("Level[1-4]", "Level1", "Level5") },
    recipe(r"[\x21\x23-\x5B\x5D-\x7E]+", "0", "\\"),
    recipe(r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+", "0", "a/b"),
    recipe(
        r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?",
        "arn:a:b::0:c",
        "arn:a:b::c:",
    ),
    recipe(
        r"(arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?)?",
        "",
        "arn:a:b::c:",
    ),
    recipe(
        r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:::[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?",
        "arn:a:b:::c",
        "arn:a:b::",
    ),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+", "0", "\u{1}"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "0", "a b"),
    recipe(r"^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$", "0", "a b"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\p{Z}]+", "0", "a\tb"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*", "", "\u{1}"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]+", "0", "\u{1}"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s]+", "0", "\u{1}"),
    recipe(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+@[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "a@b", "a b@"),
    recipe(
        r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{####\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*",
        "{####}",
        "{###}",
    ),
    Recipe {
        suffix: "##}",
        ..recipe(
            r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{##[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*##\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*",
            "{##",
            "{#",
        )
    },
    recipe(r".*\{####\}.*", "{####}", "{####}\n"),
    recipe(r"[\w+]+", "0", "é"),
    recipe(r"[\w]+", "0", "é"),
    recipe(r"[\w+-]+", "0", "é"),
    recipe(r"[\w+=/]+", "0", "a-"),
    recipe(r"[\w\s+=,.@-]+", "0", "a/"),
    recipe(r"[\w\s+=.@-]+", "0", "a/"),
    recipe(r"^[\w\- ]+$", "0", "a/"),
    recipe(r"[\S]+", "0", "a b"),
    recipe(r"[\w-]+_[0-9a-f-]+", "a_0", "a_x"),
    recipe(r"[\w-]+_[0-9a-zA-Z]+", "a_0", "a_-"),
    recipe(r"[A-Za-z0-9-_+/=.]+", "0", "a~"),
    recipe(r"[A-Za-z0-9-_=.]+", "0", "a+"),
    recipe(r"^[0-9a-fA-F]+$", "0", "g"),
    recipe(r"^[a-zA-Z0-9_-]+$", "0", "a."),
    recipe(r"import-[0-9a-zA-Z-]+", "import-0", "import_"),
    recipe(r"[^_\p{Z}][\p{L}\p{M}\p{S}\p{N}\p{P}][^_\p{Z}]+", "000", "_00"),
    Recipe { bad: None, ..recipe("(?s).*", "", "") },
    Recipe {
        longest: 28,
        ..recipe("^(tkn|sso)[a-z0-9]{25}$", "tkn0123456789012345678901234", "tko")
    },
];

/// The recipe of a string shape. Patterns that allow a few fixed texts have recipes of their own.
fn recipe_of(shape: &Value) -> Recipe {
    let pattern = shape["pattern"].as_str().unwrap_or("");
    if let Some(found) = RECIPES.iter().find(|recipe| recipe.pattern == pattern) {
        return Recipe { ..*found };
    }
    let fixed = match pattern {
        p if p.starts_with("^[0-9a-fA-F]{8}-") => UUID,
        p if p.starts_with("^cognito:(") => "cognito:default",
        p if p.starts_with("^(terms-of-use") => "terms-of-use",
        p => unreachable!("no recipe for the pattern {p}"),
    };
    Recipe { longest: fixed.len(), ..recipe("", fixed, "x") }
}

impl Recipe {
    /// A text of `length` characters, and whether it matches the pattern.
    fn text(&self, length: usize) -> (String, bool) {
        let least = self.prefix.len() + self.suffix.len();
        if length < least {
            let whole = [self.prefix, self.suffix].concat();
            return (whole.chars().take(length).collect(), false);
        }
        let pads = self.pad.repeat(length - least);
        ([self.prefix, &pads, self.suffix].concat(), length <= self.longest && self.fills(length))
    }

    /// Whether a padded text matches: an optional ARN is empty or a whole ARN.
    fn fills(&self, length: usize) -> bool {
        !self.pattern.starts_with("(arn:") || length == 0
    }

    /// A text that does not match, of at least `length` characters.
    fn bad_text(&self, length: usize) -> Option<String> {
        let bad = self.bad?;
        let pads = self.pad.repeat(length.saturating_sub(bad.chars().count()));
        Some([bad, &pads].concat())
    }
}

/// A text that satisfies a string shape.
fn sample(shape: &Value) -> String {
    let recipe = recipe_of(shape);
    let least = recipe.prefix.len() + recipe.suffix.len();
    recipe.text(least.max(length(shape, "min").unwrap_or(0))).0
}

fn at_least(measure: &str, min: i64) -> String {
    format!("Member must have {measure} greater than or equal to {min}")
}

fn at_most(measure: &str, max: i64) -> String {
    format!("Member must have {measure} less than or equal to {max}")
}

fn of_pattern(shape: &Value) -> Option<String> {
    let pattern = shape["pattern"].as_str()?;
    Some(format!("Member must satisfy regular expression pattern: {pattern}"))
}

fn of_enum(shape: &Value) -> String {
    let values = shape["enum"].as_array().expect("enum values");
    let mut values = java_hash_order(values.iter().filter_map(Value::as_str));
    if values.contains(&"DateTime") {
        values = vec!["Boolean", "Number", "String", "DateTime"]; // as recorded
    }
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

/// All constraints of a scalar, as they are listed when one in a list or map fails.
fn all_constraints(shape: &Value) -> String {
    if kind(shape) == "enum" {
        return of_enum(shape);
    }
    let max = bound(shape, "max").map(|max| at_most("length", max));
    let min = bound(shape, "min").map(|min| at_least("length", min));
    let all: Vec<_> = [max, min, of_pattern(shape)].into_iter().flatten().collect();
    all.join(", ")
}

/// The cases of one operation while they are collected.
struct Walk {
    operation: OperationName,
    cases: Vec<Case>,
}

/// One member of the input: where it is and how to send a value for it.
struct Spot<'a> {
    /// `schema.1.member.name`.
    place: String,
    /// Whether messages must not show its value.
    hidden: bool,
    /// A body in which the member has a value; everything else is as small as can be.
    body: &'a dyn Fn(Value) -> Value,
}

impl Spot<'_> {
    /// The items that the violation of `constraints` by `shown` yields.
    fn items(&self, shown: &str, constraints: &[String]) -> Expect {
        let value = if self.hidden { "Value".to_owned() } else { format!("Value '{shown}'") };
        let item = |constraint: &String| {
            format!("{value} at '{}' failed to satisfy constraint: {constraint}", self.place)
        };
        Expect::Violation(constraints.iter().map(item).collect())
    }

    /// [`Expect::Valid`] if no constraint is violated.
    fn outcome(&self, shown: &str, constraints: &[String]) -> Expect {
        if constraints.is_empty() { Expect::Valid } else { self.items(shown, constraints) }
    }

    fn missing(&self) -> Expect {
        let value = if self.hidden { "Value" } else { "Value null" };
        let text = "failed to satisfy constraint: Member must not be null";
        Expect::Violation([format!("{value} at '{}' {text}", self.place)].into())
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

impl Walk {
    fn add(&mut self, name: &str, body: &Value, expect: Expect) {
        let (operation, name, body) = (self.operation, name.to_owned(), body.to_string());
        self.cases.push(Case { operation, name, body, expect });
    }

    fn at(&mut self, spot: &Spot<'_>, what: &str, value: Value, expect: Expect) {
        let name = format!("{}: {what}", spot.place);
        self.add(&name, &(spot.body)(value), expect);
    }

    /// The cases of every member of a structure at `place`, which `wrap` puts into a body.
    fn structure(&mut self, name: &str, place: &str, hidden: bool, wrap: &dyn Fn(Value) -> Value) {
        let structure = shape(name);
        let required = required(structure);
        for (member, target) in structure["members"].as_object().expect("members") {
            let member_shape = text(target, "shape");
            let body = |value: Value| {
                let mut object = minimal(name);
                put(&mut object, member, value);
                wrap(object)
            };
            let dot = if place.is_empty() { "" } else { "." };
            let spot = Spot {
                place: format!("{place}{dot}{}", lower_first(member)),
                hidden: hidden || is_sensitive(shape(member_shape)),
                body: &body,
            };
            let is_required = required.contains(&member.as_str());
            let expect = if is_required { spot.missing() } else { Expect::Valid };
            let mut without = minimal(name);
            without.as_object_mut().expect("an object").remove(member);
            let label = format!("{}: absent", spot.place);
            self.add(&label, &wrap(without), expect.clone());
            self.at(&spot, "null", Value::Null, expect);
            self.member(member_shape, &spot);
        }
    }

    fn member(&mut self, name: &str, spot: &Spot<'_>) {
        let shape = shape(name);
        self.wrong_types(shape, spot);
        match kind(shape) {
            "structure" => self.structure(name, &spot.place, spot.hidden, spot.body),
            "list" => self.list(shape, spot),
            "map" => self.map(shape, spot),
            "enum" => self.enumeration(shape, spot),
            "string" => self.string(shape, spot),
            "integer" | "long" => self.integer(shape, spot),
            "blob" => self.blob(shape, spot),
            _ => self.at(spot, "valid", minimal(name), Expect::Valid),
        }
    }

    fn wrong_types(&mut self, shape: &Value, spot: &Spot<'_>) {
        let (text, number, truth) = (json!("text"), json!(1), json!(true));
        let (list, object) = (json!([]), json!({}));
        let wrong = match kind(shape) {
            "structure" | "map" => vec![text, number, truth, list],
            "list" => vec![text, number, truth, object],
            "integer" | "long" | "timestamp" => vec![text, truth, list, object],
            "boolean" => vec![text, number, list, object],
            "document" => vec![],
            _ => vec![number, truth, list, object],
        };
        for value in wrong {
            self.at(spot, &format!("wrong type {value}"), value, Expect::Serialization);
        }
    }

    fn string(&mut self, shape: &Value, spot: &Spot<'_>) {
        let recipe = recipe_of(shape);
        self.at(spot, "valid", json!(sample(shape)), Expect::Valid);
        let (min, max) = (length(shape, "min"), length(shape, "max"));
        let below = min.and_then(|min| min.checked_sub(1));
        for length in [below, min, max, max.map(|max| max + 1)].into_iter().flatten() {
            let (text, matches) = recipe.text(length);
            let violated = string_violations(shape, length, matches);
            let expect = spot.outcome(&text, &violated);
            self.at(spot, &format!("length {length}"), json!(text), expect);
        }
        if let Some(bad) = recipe.bad_text(min.unwrap_or(0)) {
            let expect = spot.items(&bad, &[of_pattern(shape).expect("a pattern")]);
            self.at(spot, "pattern", json!(bad), expect);
        }
    }

    fn enumeration(&mut self, shape: &Value, spot: &Spot<'_>) {
        for value in shape["enum"].as_array().expect("enum values") {
            self.at(spot, &format!("value {value}"), value.clone(), Expect::Valid);
        }
        for bad in ["", "no such value"] {
            self.at(spot, "unknown value", json!(bad), spot.items(bad, &[of_enum(shape)]));
        }
    }

    fn integer(&mut self, shape: &Value, spot: &Spot<'_>) {
        let (min, max) = (bound(shape, "min"), bound(shape, "max"));
        let around = [min.map(|min| min - 1), min, max, max.map(|max| max + 1)];
        for number in around.into_iter().flatten() {
            let low = min.filter(|min| number < *min).map(|min| at_least("value", min));
            let high = max.filter(|max| number > *max).map(|max| at_most("value", max));
            let violated: Vec<_> = low.into_iter().chain(high).collect();
            let expect = spot.outcome(&number.to_string(), &violated);
            self.at(spot, &format!("value {number}"), json!(number), expect);
        }
        if kind(shape) == "integer" {
            for number in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX] {
                self.at(spot, "out of range", json!(number), Expect::Serialization);
            }
        }
    }

    fn blob(&mut self, shape: &Value, spot: &Spot<'_>) {
        self.at(spot, "no base64", json!("a?"), Expect::Serialization);
        for count in length(shape, "max").into_iter().flat_map(|max| [max, max + 1]) {
            let violated = size_violations(shape, count);
            let shown = format!("java.nio.HeapByteBuffer[pos=0 lim={count} cap={count}]");
            let bytes = STANDARD.encode(vec![0; count]);
            let expect = spot.outcome(&shown, &violated);
            self.at(spot, &format!("{count} bytes"), json!(bytes), expect);
        }
    }

    fn list(&mut self, list: &Value, spot: &Spot<'_>) {
        let item_name = text(&list["member"], "shape");
        let item = shape(item_name);
        for count in [Some(1), length(list, "min"), length(list, "max")].into_iter().flatten() {
            self.sized_list(list, item, spot, count);
        }
        if let Some(count) = length(list, "min").and_then(|min| min.checked_sub(1)) {
            self.sized_list(list, item, spot, count);
        }
        if let Some(max) = length(list, "max") {
            self.sized_list(list, item, spot, max + 1);
        }
        if is_scalar(item) {
            self.scalar_in(item, spot, |bad| (json!([bad]), format!("[{bad}]")));
            self.at(spot, "number in the list", json!([1]), Expect::Serialization);
        } else {
            let wrap = |value: Value| (spot.body)(json!([value]));
            let place = format!("{}.1.member", spot.place);
            self.structure(item_name, &place, spot.hidden || is_sensitive(item), &wrap);
            // The second one counts too.
            let wrap = |value: Value| (spot.body)(json!([minimal(item_name), value]));
            if length(list, "max").is_none_or(|max| max > 1) {
                let place = format!("{}.2.member", spot.place);
                self.structure(item_name, &place, spot.hidden || is_sensitive(item), &wrap);
            }
            self.at(spot, "text in the list", json!(["text"]), Expect::Serialization);
        }
    }

    fn sized_list(&mut self, list: &Value, item: &Value, spot: &Spot<'_>, count: usize) {
        let value = items(list, count);
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let shown = format!("[{}]", texts.collect::<Vec<_>>().join(", "));
        // Structures are not shown, because how the service prints them is unknown.
        let hidden = spot.hidden || (count > 0 && (!is_scalar(item) || is_sensitive(item)));
        let shown_spot = Spot { place: spot.place.clone(), hidden, body: spot.body };
        let expect = shown_spot.outcome(&shown, &size_violations(list, count));
        self.at(spot, &format!("{count} items"), value, expect);
    }

    fn map(&mut self, map: &Value, spot: &Spot<'_>) {
        let key_shape = shape(text(&map["key"], "shape"));
        let value_name = text(&map["value"], "shape");
        let value_shape = shape(value_name);
        let (min, max) = (length(map, "min"), length(map, "max"));
        for count in [min, max, Some(1)].into_iter().flatten() {
            let count = count.min(distinct_keys(key_shape));
            self.at(spot, &format!("{count} entries"), entries(map, count), Expect::Valid);
        }
        if let Some(count) = min.and_then(|min| min.checked_sub(1)) {
            let expect = spot.items("{}", &size_violations(map, count));
            self.at(spot, "too few entries", entries(map, count), expect);
        }
        let first = key(key_shape, 1);
        if is_scalar(value_shape) {
            self.scalar_in(value_shape, spot, |bad| {
                (json!({ first.clone(): bad }), format!("{{{first}={bad}}}"))
            });
            self.at(spot, "number in the map", json!({ first: 1 }), Expect::Serialization);
        } else {
            let place = format!("{}.{first}.member", spot.place);
            let wrap = |value: Value| (spot.body)(json!({ first.clone(): value }));
            self.structure(value_name, &place, spot.hidden, &wrap);
        }
        if let Some(bad) = recipe_of(key_shape).bad_text(length(key_shape, "min").unwrap_or(0)) {
            let value = minimal(value_name);
            let hidden = spot.hidden || !is_scalar(value_shape);
            let shown = format!("{{{bad}={}}}", value.as_str().unwrap_or_default());
            let shown_spot = Spot { place: spot.place.clone(), hidden, body: spot.body };
            let constraint =
                format!("Member must satisfy constraint: [{}]", all_constraints(key_shape));
            let expect = shown_spot.items(&shown, &[constraint]);
            self.at(spot, "key", json!({ bad: value }), expect);
        }
    }

    /// Scalars in a list or map: one violated constraint names all of them, for the whole.
    fn scalar_in(
        &mut self,
        item: &Value,
        spot: &Spot<'_>,
        whole: impl Fn(&str) -> (Value, String),
    ) {
        let spot = &Spot {
            place: spot.place.clone(),
            hidden: spot.hidden || is_sensitive(item),
            body: spot.body,
        };
        let constraint = format!("Member must satisfy constraint: [{}]", all_constraints(item));
        let mut bad = Vec::new();
        if kind(item) == "enum" {
            bad.push("no such value".to_owned());
        } else {
            let recipe = recipe_of(item);
            bad.extend(recipe.bad_text(length(item, "min").unwrap_or(0)));
            bad.extend(length(item, "max").map(|max| recipe.text(max + 1).0));
            let below = length(item, "min").and_then(|min| min.checked_sub(1));
            bad.extend(below.map(|below| recipe.text(below).0));
        }
        for bad in bad {
            let (value, shown) = whole(&bad);
            let expect = spot.items(&shown, std::slice::from_ref(&constraint));
            self.at(spot, "violation inside", value, expect);
        }
    }
}

fn string_violations(shape: &Value, length: usize, matches: bool) -> Vec<String> {
    let mut violated = size_violations(shape, length);
    violated.extend(of_pattern(shape).filter(|_| !matches));
    violated
}

fn size_violations(shape: &Value, size: usize) -> Vec<String> {
    let size = i64::try_from(size).expect("a small size");
    let low = bound(shape, "min").filter(|min| size < *min).map(|min| at_least("length", min));
    let high = bound(shape, "max").filter(|max| size > *max).map(|max| at_most("length", max));
    low.into_iter().chain(high).collect()
}
