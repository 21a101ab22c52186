//! The attribute schema of a user pool: the 20 standard attributes, and custom ones.
//!
//! An attribute that exists never changes again; custom ones can be added.

use super::UserPool;
use crate::shapes::{
    AttributeDataType, NumberAttributeConstraintsType, SchemaAttributeType,
    StringAttributeConstraintsType,
};

/// Custom attributes that a pool can have.
const MAX_CUSTOM: usize = 50;

/// The standard attributes, in the order in which recorded answers list them.
const STANDARD: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// Why a schema can't be had. The texts are the service's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaRefused {
    /// An attribute without name. (The text is a belief.)
    #[error("Attribute name is required.")]
    Nameless,
    /// Another type or developer-only flag for a standard attribute.
    #[error(
        "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute {0}"
    )]
    ChangedStandard(String),
    /// A custom attribute without type.
    #[error("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")]
    NoDataType,
    /// A required custom attribute.
    #[error("Required custom attributes are not supported currently.")]
    RequiredCustom,
    /// The same name twice in one request. (For standard attributes the text is a belief.)
    #[error("Duplicate custom attribute names {0} are not allowed in a user pool schema.")]
    Duplicate(String),
    /// A name that the pool already has.
    #[error("{0}: Existing attribute already has name {0}.")]
    Existing(String),
    /// A bound that is no number. (The text comes from another implementation.)
    #[error("Invalid {kind}AttributeConstraints for schema attribute {name}")]
    BadConstraint {
        /// `String` or `Number`.
        kind: &'static str,
        /// The attribute.
        name: String,
    },
    /// Bounds in the wrong order.
    #[error("Attribute {0} cannot have a max value smaller than it's min value")]
    ValuesReversed(String),
    /// Bounds in the wrong order.
    #[error("Attribute {0} cannot have a max length shorter than it's min length")]
    LengthsReversed(String),
    /// An attribute that is both required and an alias. (The text is a belief.)
    #[error("preferred_username can not be a required attribute and an alias.")]
    RequiredAlias,
    /// Too many custom attributes. (The text is a belief.)
    #[error("Custom attributes cannot exceed limit of {MAX_CUSTOM}.")]
    TooMany,
}

impl UserPool {
    /// The attributes that users of the pool can have: standard ones first, then custom ones
    /// (`custom:…`, `dev:custom:…`) in order of creation. Every member but the constraints is set.
    pub fn schema(&self) -> &[SchemaAttributeType] {
        self.settings.schema_attributes.as_deref().unwrap_or_default()
    }

    /// The schema's entry for the attribute of this full name (`email`, `custom:tier`).
    pub fn schema_attribute(&self, name: &str) -> Option<&SchemaAttributeType> {
        self.schema().iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    /// Names of the attributes that a new user must bring. `sub` is not among them: it is made.
    pub fn required_attributes(&self) -> impl Iterator<Item = &str> {
        let required = self.schema().iter().filter(|attribute| attribute.required == Some(true));
        required.filter_map(|attribute| attribute.name.as_deref()).filter(|name| *name != "sub")
    }

    /// Adds custom attributes: all of them, or none.
    pub fn add_custom_attributes(
        &mut self,
        wanted: &[SchemaAttributeType],
    ) -> Result<(), SchemaRefused> {
        let mut added: Vec<SchemaAttributeType> = Vec::new();
        for attribute in wanted {
            let attribute = custom(attribute)?;
            let name = attribute.name.as_deref().unwrap_or_default();
            if self.schema_attribute(name).is_some() {
                return Err(SchemaRefused::Existing(name.to_owned()));
            }
            if added.iter().any(|other| other.name == attribute.name) {
                return Err(SchemaRefused::Duplicate(name.to_owned()));
            }
            added.push(attribute);
        }
        let existing = self.schema().iter().filter_map(|attribute| attribute.name.as_deref());
        if existing.filter(|name| !is_standard(name)).count() + added.len() > MAX_CUSTOM {
            return Err(SchemaRefused::TooMany);
        }
        self.settings.schema_attributes.get_or_insert_default().append(&mut added);
        Ok(())
    }
}

/// Whether the name is one of the standard attributes.
pub fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name)
}

/// The schema of a new pool: the standard attributes, changed and extended as the request asks.
///
/// `sub` in a request changes nothing, and the `…_verified` attributes count as custom names: so
/// it was measured (<https://github.com/badmintoncryer/cdk-preflight>).
pub fn initial(wanted: &[SchemaAttributeType]) -> Result<Vec<SchemaAttributeType>, SchemaRefused> {
    let mut schema: Vec<SchemaAttributeType> = STANDARD.iter().map(|name| standard(name)).collect();
    let mut seen: Vec<String> = Vec::new();
    for attribute in wanted {
        let name = attribute.name.as_deref().ok_or(SchemaRefused::Nameless)?;
        let is_custom = !is_standard(name) || name.ends_with("_verified");
        let full_name = if is_custom { full_name(attribute, name) } else { name.to_owned() };
        if seen.contains(&full_name) {
            return Err(SchemaRefused::Duplicate(full_name));
        }
        if is_custom {
            schema.push(custom(attribute)?);
        } else if let Some(entry) = schema.iter_mut().find(|a| a.name.as_deref() == Some(name)) {
            change_standard(entry, name, attribute)?;
        }
        seen.push(full_name);
    }
    Ok(schema)
}

/// A standard attribute as pools have it unless told otherwise.
fn standard(name: &str) -> SchemaAttributeType {
    let (data_type, text, number) = match name {
        "sub" => (AttributeDataType::String, Some(("1", "2048")), None),
        "birthdate" => (AttributeDataType::String, Some(("10", "10")), None),
        "email_verified" | "phone_number_verified" => (AttributeDataType::Boolean, None, None),
        "updated_at" => (AttributeDataType::Number, None, Some("0")),
        _ => (AttributeDataType::String, Some(("0", "2048")), None),
    };
    let text = text.map(|(min, max)| StringAttributeConstraintsType {
        min_length: Some(min.to_owned()),
        max_length: Some(max.to_owned()),
    });
    let number = number.map(|min| NumberAttributeConstraintsType {
        min_value: Some(min.to_owned()),
        max_value: None,
    });
    SchemaAttributeType {
        name: Some(name.to_owned()),
        attribute_data_type: Some(data_type),
        developer_only_attribute: Some(false),
        mutable: Some(name != "sub"),
        required: Some(name == "sub"),
        number_attribute_constraints: number,
        string_attribute_constraints: text,
    }
}

/// Changes what may be changed of a standard attribute.
fn change_standard(
    entry: &mut SchemaAttributeType,
    name: &str,
    wanted: &SchemaAttributeType,
) -> Result<(), SchemaRefused> {
    let changes_type =
        wanted.attribute_data_type.is_some_and(|t| Some(t) != entry.attribute_data_type);
    if changes_type || wanted.developer_only_attribute == Some(true) {
        return Err(SchemaRefused::ChangedStandard(name.to_owned()));
    }
    if name == "sub" {
        return Ok(());
    }
    entry.required = wanted.required.or(entry.required);
    entry.mutable = wanted.mutable.or(entry.mutable);
    let is_number = entry.attribute_data_type == Some(AttributeDataType::Number);
    if let (true, Some(bounds)) = (is_number, &wanted.number_attribute_constraints) {
        check_values(name, bounds)?;
        entry.number_attribute_constraints = Some(bounds.clone());
    }
    if let (false, Some(bounds)) = (is_number, &wanted.string_attribute_constraints) {
        check_lengths(name, bounds)?;
        entry.string_attribute_constraints = Some(bounds.clone());
    }
    Ok(())
}

/// The name with its prefix.
fn full_name(wanted: &SchemaAttributeType, name: &str) -> String {
    let is_developer_only = wanted.developer_only_attribute == Some(true);
    format!("{}custom:{name}", if is_developer_only { "dev:" } else { "" })
}

/// A custom attribute as it is stored.
///
/// Mutable unless told otherwise: a belief that other implementations share.
fn custom(wanted: &SchemaAttributeType) -> Result<SchemaAttributeType, SchemaRefused> {
    let name = wanted.name.as_deref().ok_or(SchemaRefused::Nameless)?;
    let name = full_name(wanted, name);
    let data_type = wanted.attribute_data_type.ok_or(SchemaRefused::NoDataType)?;
    if wanted.required == Some(true) {
        return Err(SchemaRefused::RequiredCustom);
    }
    let (mut text, mut number) = (None, None);
    match data_type {
        AttributeDataType::String => {
            let bounds = wanted.string_attribute_constraints.clone().unwrap_or_default();
            check_lengths(&name, &bounds)?;
            text = Some(bounds);
        }
        AttributeDataType::Number => {
            number.clone_from(&wanted.number_attribute_constraints);
            check_values(&name, &number.clone().unwrap_or_default())?;
        }
        AttributeDataType::DateTime | AttributeDataType::Boolean => {}
    }
    Ok(SchemaAttributeType {
        name: Some(name),
        attribute_data_type: Some(data_type),
        developer_only_attribute: Some(wanted.developer_only_attribute == Some(true)),
        mutable: Some(wanted.mutable.unwrap_or(true)),
        required: Some(false),
        number_attribute_constraints: number,
        string_attribute_constraints: text,
    })
}

/// Checks the bounds of a text's length: whole numbers, in order.
fn check_lengths(name: &str, bounds: &StringAttributeConstraintsType) -> Result<(), SchemaRefused> {
    let bad = || SchemaRefused::BadConstraint { kind: "String", name: name.to_owned() };
    let min = number(bounds.min_length.as_deref(), bad)?;
    let max = number(bounds.max_length.as_deref(), bad)?;
    if [min, max].into_iter().flatten().any(|length| length < 0.0) {
        return Err(bad());
    }
    match (min, max) {
        (Some(min), Some(max)) if max < min => Err(SchemaRefused::LengthsReversed(name.to_owned())),
        _ => Ok(()),
    }
}

/// Checks the bounds of a number: whole numbers, in order.
fn check_values(name: &str, bounds: &NumberAttributeConstraintsType) -> Result<(), SchemaRefused> {
    let bad = || SchemaRefused::BadConstraint { kind: "Number", name: name.to_owned() };
    let min = number(bounds.min_value.as_deref(), bad)?;
    let max = number(bounds.max_value.as_deref(), bad)?;
    match (min, max) {
        (Some(min), Some(max)) if max < min => Err(SchemaRefused::ValuesReversed(name.to_owned())),
        _ => Ok(()),
    }
}

/// A bound. The service model allows whole numbers up to 2^1023, which is why this is no integer:
/// bounds only need to be compared.
fn number(
    text: Option<&str>,
    bad: impl Fn() -> SchemaRefused,
) -> Result<Option<f64>, SchemaRefused> {
    let Some(text) = text else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value: &f64| is_whole && value.is_finite());
    value.map(Some).ok_or_else(bad)
}
