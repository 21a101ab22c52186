//! A user as functions see them.

use std::collections::BTreeMap;

use crate::{attributes::Contact, shapes::AliasAttributeType, user_pools::UserPool, users::User};

/// `request.userAttributes` of a user who exists: every value is text.
pub fn user_attributes(pool: &UserPool, user: &User) -> BTreeMap<String, String> {
    let mut attributes = user.attributes.clone();
    attributes.insert("sub".to_owned(), user.sub.clone());
    attributes.insert("cognito:user_status".to_owned(), user.status.as_str().to_owned());
    for (contact, alias, name) in [
        (Contact::Email, AliasAttributeType::Email, "cognito:email_alias"),
        (Contact::PhoneNumber, AliasAttributeType::PhoneNumber, "cognito:phone_number_alias"),
    ] {
        // Only a verified value is an alias.
        let value = user
            .attribute(contact.attribute())
            .filter(|_| pool.alias_attributes().contains(&alias));
        if let Some(value) = value.filter(|_| user.is_verified(contact.attribute())) {
            attributes.insert(name.to_owned(), value.to_owned());
        }
    }
    attributes
}
