//! From a line of a file to the user that it describes.
//!
//! The reasons that are given for a line that describes none go into the job's log, which must hold
//! nothing of users: they name attributes and never repeat values. But for the one on verified
//! contacts their texts are beliefs.

use std::collections::BTreeMap;

use poolhouse_wire::Pattern;

use super::csv::{self, MFA_ENABLED, USERNAME};
use crate::{
    attributes::{AttributeRefused, Contact, Creator},
    ports::Entropy,
    shapes::{UserPoolMfaType, UserStatusType},
    time::Timestamp,
    user_pools::UserPool,
    users::{
        MfaFactor, User,
        create::{self, DraftRefused},
        names,
    },
};

/// The most characters of a line.
const LONGEST_LINE: usize = 16_000;
/// The most UTF-16 units of a value, whatever the schema allows: those of the model's
/// `AttributeValueType`.
const LONGEST_VALUE: usize = 2_048;
/// The most UTF-16 units of a username.
const LONGEST_USERNAME: usize = 128;

/// What every operation asks of a username.
static USERNAMES: Pattern =
    Pattern::new(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", r"^(?:[\p{L}\p{M}\p{S}\p{N}\p{P}]+)$");

/// Said of a line that is too long.
pub(super) const TOO_LONG: &str = "The line is longer than 16000 characters.";

/// A recorded text (<https://github.com/aws-solutions/cognito-user-profiles-export-reference-architecture/issues/58>);
/// an older one has "to true" in place of "to verified".
const UNVERIFIED: &str = "The User Record does not set any of the auto verified attributes to \
                          verified. (Example: email_verified to true).";

/// The user that a line describes, not stored yet; or why it describes none.
pub(super) fn user(
    pool: &UserPool,
    columns: &[String],
    line: &[u8],
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<User, String> {
    let mut values = values(columns, line)?;
    let username = values.remove(USERNAME).ok_or("The username is missing.")?;
    check_username(&username)?;
    let has_mfa = has_mfa(pool, values.remove(MFA_ENABLED))?;
    check_contacts(pool, &values)?;
    for name in pool.required_attributes() {
        if !values.contains_key(name) {
            return Err(format!("The required attribute {name} is missing."));
        }
    }
    let name = sign_in_name(pool, &username, &values).to_owned();
    let given: Vec<(String, String)> =
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let drafted = create::draft(pool, &name, &given, Creator::Administrator, entropy, now);
    let mut user = drafted.map_err(|refused| reason(&refused))?;
    user.status = UserStatusType::ResetRequired;
    // That `true` means text messages is a belief: no other factor can be made of a file.
    user.mfa.sms_option =
        has_mfa && pool.offers(MfaFactor::Sms) && user.is_verified("phone_number");
    Ok(user)
}

/// The values of a line by column, without the empty ones.
fn values<'a>(columns: &'a [String], line: &[u8]) -> Result<BTreeMap<&'a str, String>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "The line is not valid UTF-8.")?;
    if line.chars().count() > LONGEST_LINE {
        return Err(TOO_LONG.to_owned());
    }
    if line.chars().any(|character| character.is_control() && character != '\t') {
        return Err("The line contains control characters.".to_owned());
    }
    let values = csv::split(line);
    if values.len() != columns.len() {
        let (found, wanted) = (values.len(), columns.len());
        return Err(format!("The line has {found} values instead of {wanted}."));
    }
    let mut by_column = BTreeMap::new();
    for (column, value) in columns.iter().zip(values) {
        let value = value.trim();
        if value.encode_utf16().count() > LONGEST_VALUE {
            return Err(format!("The value of {column} is too long."));
        }
        if column == "birthdate" && !value.is_empty() {
            by_column.insert(column.as_str(), birthdate(value)?);
        } else if !value.is_empty() {
            by_column.insert(column.as_str(), value.to_owned());
        }
    }
    Ok(by_column)
}

/// The documented form, `mm/dd/yyyy`, as it is kept everywhere else (OpenID Connect Core 1.0,
/// section 5.1). That the service changes it too, and that it takes the other form, are beliefs.
fn birthdate(value: &str) -> Result<String, String> {
    let parts: Vec<&str> = value.split('/').collect();
    match parts.as_slice() {
        [month, day, year] if (month.len(), day.len(), year.len()) == (2, 2, 4) => {
            Ok(format!("{year}-{month}-{day}"))
        }
        // The schema's own check decides.
        [other] => Ok((*other).to_owned()),
        _ => Err("The value of birthdate is not of the form mm/dd/yyyy.".to_owned()),
    }
}

fn check_username(username: &str) -> Result<(), String> {
    if username.encode_utf16().count() > LONGEST_USERNAME || !USERNAMES.is_match(username) {
        return Err("The username is too long or contains characters that it can't.".to_owned());
    }
    Ok(())
}

/// What the column of multi-factor authentication says, which must fit the pool.
fn has_mfa(pool: &UserPool, value: Option<String>) -> Result<bool, String> {
    let value = value.ok_or("The value of cognito:mfa_enabled is missing.")?;
    let has_mfa = flag(&value).ok_or("The value of cognito:mfa_enabled is not true or false.")?;
    match (pool.mfa(), has_mfa) {
        (UserPoolMfaType::On, false) => {
            Err("cognito:mfa_enabled must be true in a user pool that requires MFA.".to_owned())
        }
        (UserPoolMfaType::Off, true) => {
            Err("cognito:mfa_enabled must be false in a user pool without MFA.".to_owned())
        }
        _ => Ok(has_mfa),
    }
}

/// `true` or `false`, in upper or lower case.
fn flag(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    value.eq_ignore_ascii_case("false").then_some(false)
}

/// A contact that the pool verifies by itself must be verified: it is where the code for the first
/// password goes.
fn check_contacts(pool: &UserPool, values: &BTreeMap<&str, String>) -> Result<(), String> {
    let is_verified = |contact: &Contact| {
        values.get(contact.flag()).is_some_and(|value| flag(value) == Some(true))
    };
    for contact in Contact::ALL.iter().filter(|contact| is_verified(contact)) {
        if !values.contains_key(contact.attribute()) {
            return Err(reason_of_attributes(&AttributeRefused::NothingToVerify(*contact)));
        }
    }
    let mut asked = Contact::ALL
        .iter()
        .filter(|contact| pool.auto_verified_attributes().contains(&contact.setting()));
    if asked.any(is_verified) { Ok(()) } else { Err(UNVERIFIED.to_owned()) }
}

/// Where contacts are usernames, the column may hold another name, as exports of such pools do
/// ([`User::username`] is a `sub` there); the contact is in its own column then. (A belief.)
fn sign_in_name<'a>(
    pool: &UserPool,
    username: &'a str,
    values: &'a BTreeMap<&str, String>,
) -> &'a str {
    if pool.username_attributes().is_empty() || names::choose(pool, username).is_ok() {
        return username;
    }
    let mut contacts = pool.username_attributes().iter();
    contacts.find_map(|contact| values.get(contact.as_str())).map_or(username, String::as_str)
}

fn reason(refused: &DraftRefused) -> String {
    match refused {
        DraftRefused::Name(names::NameRefused::NotAContact { .. }) => {
            "The username is not of the form that the user pool asks for.".to_owned()
        }
        DraftRefused::Name(names::NameRefused::LooksLikeAlias(contact)) => {
            format!("The username has the form of {}, which is an alias.", contact.attribute())
        }
        DraftRefused::Attributes(refused) => reason_of_attributes(refused),
    }
}

fn reason_of_attributes(refused: &AttributeRefused) -> String {
    match refused {
        AttributeRefused::NotConforming(violations) => {
            let names: Vec<&str> = violations.iter().map(|v| v.attribute.as_str()).collect();
            format!("Attributes did not conform to the schema: {}.", names.join(" "))
        }
        AttributeRefused::Malformed(contact) => {
            format!("The value of {} has not the form of one.", contact.attribute())
        }
        AttributeRefused::NothingToVerify(contact) => {
            format!("{} is set and {} is missing.", contact.flag(), contact.attribute())
        }
        AttributeRefused::DiffersFromUsername(contact) => {
            format!("The username and {} differ.", contact.attribute())
        }
        _ => "The attributes can't be had.".to_owned(),
    }
}
