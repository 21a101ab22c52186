//! Operations that change and verify users' attributes.

mod admin_delete_user_attributes;
mod admin_update_user_attributes;
mod delete_user_attributes;
mod get_user_attribute_verification_code;
mod update_user_attributes;
#[cfg(test)]
mod value_tests;
mod verify_user_attribute;

use poolhouse_domain::{
    Fault,
    attempts::{self, Attempted, LimitExceeded},
    attributes::{self, AttributeRefused, Contact, ViolatedRule, Violation, Writer},
    codes::{self as issued, CodePurpose, CodeRefused, SentCode},
    ports::Ports,
    shapes::AttributeType,
    user_pools::UserPool,
    users::{
        User,
        aliases::{AliasTaken, OnConflict},
    },
};
use poolhouse_wire::{Permits, Sensitive, codes, java_order::java_hash_order_by};

use crate::failure::{Failure, invalid_parameter, not_authorized};

/// Attributes as pairs; an absent value is an empty one.
pub(crate) fn pairs(attributes: Option<Vec<AttributeType>>) -> Vec<(String, String)> {
    let pair = |attribute: AttributeType| {
        (attribute.name, attribute.value.map(Sensitive::into_inner).unwrap_or_default())
    };
    attributes.unwrap_or_default().into_iter().map(pair).collect()
}

/// A user's attributes as the protocol lists them, `sub` included, of those that `is_shown`.
pub(crate) fn listed(user: &User, is_shown: impl Fn(&str) -> bool) -> Vec<AttributeType> {
    let sub = std::iter::once(("sub", user.sub.as_str()));
    let others = user.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let shown = sub.chain(others).filter(|(name, _)| is_shown(name));
    let ordered = java_hash_order_by(shown, |attribute: &(&str, &str)| attribute.0);
    let entry = |(name, value): (&str, &str)| AttributeType {
        name: name.to_owned(),
        value: Some(value.into()),
    };
    ordered.into_iter().map(entry).collect()
}

/// Why a change was not made.
enum ChangeRefused {
    /// The attributes.
    Attributes(AttributeRefused),
    /// Another user has the alias.
    Alias(AliasTaken),
    /// The user was deleted meanwhile.
    UserGone,
    /// The codes that this would send are too many within an hour.
    TooManyCodes(LimitExceeded),
}

/// Changes attributes of a user and makes the codes that this entails. They are not sent yet.
///
/// Codes that users cause are counted with those of `GetUserAttributeVerificationCode`; otherwise
/// anybody with an account could have any number of messages sent to anybody.
async fn change(
    ports: &Ports,
    pool: &UserPool,
    sub: &str,
    changes: &[(String, String)],
    writer: Writer<'_>,
) -> Result<Result<(User, Vec<SentCode>), ChangeRefused>, Fault> {
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let Some(before) = tx.user_by_sub(pool.id(), sub).await? else {
        return Ok(Err(ChangeRefused::UserGone));
    };
    let mut user = before.clone();
    let to_verify = match attributes::update(pool, &mut user, changes, writer) {
        Ok(contacts) => contacts,
        Err(refused) => return Ok(Err(ChangeRefused::Attributes(refused))),
    };
    let saved =
        attributes::save(&mut *tx, pool, &before, &mut user, OnConflict::Refuse, now).await?;
    if let Err(taken) = saved {
        return Ok(Err(ChangeRefused::Alias(taken)));
    }
    let mut sent = Vec::new();
    for contact in to_verify {
        if let Writer::Client(_) = writer {
            let what = Attempted::SendAttributeCode;
            if let Err(limit) = attempts::count(&mut *tx, pool.id(), sub, what, now).await? {
                return Ok(Err(ChangeRefused::TooManyCodes(limit)));
            }
        }
        let purpose = CodePurpose::verifies(contact);
        let (keyring, entropy) = (&ports.keyring, &*ports.entropy);
        sent.extend(issued::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?);
    }
    tx.commit().await?;
    Ok(Ok((user, sent)))
}

/// Deletes attributes of a user.
async fn delete(
    ports: &Ports,
    pool: &UserPool,
    sub: &str,
    names: &[String],
    writer: Writer<'_>,
) -> Result<Result<(), ChangeRefused>, Fault> {
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let Some(before) = tx.user_by_sub(pool.id(), sub).await? else {
        return Ok(Err(ChangeRefused::UserGone));
    };
    let mut user = before.clone();
    if let Err(refused) = attributes::delete(pool, &mut user, names, writer) {
        return Ok(Err(ChangeRefused::Attributes(refused)));
    }
    let saved =
        attributes::save(&mut *tx, pool, &before, &mut user, OnConflict::Refuse, now).await?;
    if let Err(taken) = saved {
        return Ok(Err(ChangeRefused::Alias(taken)));
    }
    tx.commit().await?;
    Ok(Ok(()))
}

/// What is said of attributes that are not accepted.
pub(crate) fn refusal<Op>(refused: AttributeRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::NotAuthorizedException>,
{
    let each = |names: Vec<String>, problem: &str| {
        let lines: Vec<String> = names
            .iter()
            .map(|name| {
                format!(
                    "user.{name}: {problem}
"
                )
            })
            .collect();
        lines.concat()
    };
    invalid_parameter(match refused {
        AttributeRefused::Unauthorized => {
            return not_authorized("A client attempted to write unauthorized attribute");
        }
        AttributeRefused::NotConforming(violations) => {
            let lines: String = violations.iter().map(line).collect();
            format!("Attributes did not conform to the schema: {lines}")
        }
        AttributeRefused::Immutable(names) => each(names, "Attribute cannot be updated."),
        // Recorded for email_verified; for others a belief.
        AttributeRefused::NotWritable(name) => {
            format!("Cannot modify the non-mutable attribute {name}")
        }
        // Belief: the service's text for this is not on record.
        AttributeRefused::Required(names) => each(names, "Required attribute cannot be deleted."),
        AttributeRefused::UnknownNames(names) => {
            let lines = each(names, "Attribute does not exist in the schema.");
            format!("Invalid user attributes: {lines}")
        }
        AttributeRefused::Malformed(Contact::Email) => "Invalid email address format.".to_owned(),
        AttributeRefused::Malformed(Contact::PhoneNumber) => {
            "Invalid phone number format.".to_owned()
        }
        AttributeRefused::NothingToVerify(Contact::Email) => {
            "Email is required to verify/un-verify an email".to_owned()
        }
        AttributeRefused::NothingToVerify(Contact::PhoneNumber) => {
            "Phone Number is required to verify/un-verify a phone number".to_owned()
        }
        // Belief: the service's text for this is not on record.
        AttributeRefused::DiffersFromUsername(contact) => {
            format!("Attribute {} must be the same as the username.", contact.attribute())
        }
        // <https://github.com/aws-amplify/amplify-js/issues/1669>
        AttributeRefused::PreferredUsernameTooEarly => {
            "Preferred username cannot be provided for unconfirmed account, since user pool is \
             configured for preferred username alias."
                .to_owned()
        }
    })
}

/// One line of the text about a schema. Those of bounds and types are beliefs.
fn line(violation: &Violation) -> String {
    let problem = match &violation.rule {
        ViolatedRule::Unknown => "Attribute does not exist in the schema.".to_owned(),
        ViolatedRule::Missing => "The attribute is required".to_owned(),
        ViolatedRule::TooLong(max) => format!("String must be no longer than {max} characters"),
        ViolatedRule::TooShort(min) => format!("String must be at least {min} characters"),
        ViolatedRule::TooLarge(max) => format!("Number must be no greater than {max}"),
        ViolatedRule::TooSmall(min) => format!("Number must be no less than {min}"),
        ViolatedRule::NotANumber => "Value must be a number".to_owned(),
        ViolatedRule::NotABoolean => "Value must be true or false".to_owned(),
        ViolatedRule::NotADate => "Value must be of the form YYYY-MM-DD".to_owned(),
    };
    format!("{}: {problem}\n", violation.attribute)
}

/// What is said when a change would send too many codes. The operations that change attributes don't
/// list `LimitExceededException`.
fn too_many_codes<Op>(_: LimitExceeded) -> Failure<Op>
where
    Op: Permits<codes::TooManyRequestsException>,
{
    let message = "Attempt limit exceeded, please try after some time.";
    Failure::new(codes::TooManyRequestsException, message)
}

/// What is said when another user holds an alias.
pub(crate) fn alias_taken<Op>(taken: &AliasTaken) -> Failure<Op>
where
    Op: Permits<codes::AliasExistsException>,
{
    Failure::new(codes::AliasExistsException, account_exists(&taken.attribute))
}

/// The text about a contact or name that somebody has.
pub(crate) fn account_exists(attribute: &str) -> String {
    format!("An account with the given {attribute} already exists.")
}

/// What is said of a verification or recovery code that is not accepted.
pub(crate) fn code_refused<Op>(refused: CodeRefused) -> Failure<Op>
where
    Op: Permits<codes::CodeMismatchException> + Permits<codes::ExpiredCodeException>,
{
    match refused {
        CodeRefused::Mismatch => Failure::new(
            codes::CodeMismatchException,
            "Invalid verification code provided, please try again.",
        ),
        CodeRefused::Expired => Failure::new(
            codes::ExpiredCodeException,
            "Invalid code provided, please request a code again.",
        ),
    }
}

/// The contact that an operation is to verify; other attributes can't be. (The text is a belief.)
fn contact<Op>(name: &str) -> Result<Contact, Failure<Op>>
where
    Op: Permits<codes::InvalidParameterException>,
{
    Contact::of_attribute(name)
        .ok_or_else(|| invalid_parameter("Only email and phone_number can be verified."))
}
