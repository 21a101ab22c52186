//! Which usernames a pool takes from those who make users.

use crate::{
    attributes::{Contact, is_email, is_phone_number},
    user_pools::UserPool,
};

/// Why a username is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRefused {
    /// The pool has one of these as username, and the name has not its form.
    NotAContact {
        /// Whether e-mail addresses are usernames.
        email: bool,
        /// Whether telephone numbers are usernames.
        phone_number: bool,
    },
    /// The name looks like this contact, which is an alias in the pool: it could be mistaken for
    /// somebody's alias.
    LooksLikeAlias(Contact),
}

/// What is said when a user is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The username, as it is stored.
    Username(String),
    /// This contact is the username; what is stored as username is the `sub`.
    Contact(Contact, String),
}

/// Checks the name under which a user is to be made.
pub fn choose(pool: &UserPool, name: &str) -> Result<Named, NameRefused> {
    if !pool.username_attributes().is_empty() {
        return contact_as_username(pool, name);
    }
    let has_alias = |contact: Contact| {
        pool.alias_attributes().iter().any(|alias| alias.as_str() == contact.attribute())
    };
    if has_alias(Contact::Email) && is_email(name) {
        return Err(NameRefused::LooksLikeAlias(Contact::Email));
    }
    if has_alias(Contact::PhoneNumber) && is_phone_number(name) {
        return Err(NameRefused::LooksLikeAlias(Contact::PhoneNumber));
    }
    Ok(Named::Username(pool.name_key(name)))
}

/// The contact that a name is, in pools where contacts are usernames.
fn contact_as_username(pool: &UserPool, name: &str) -> Result<Named, NameRefused> {
    let is_username = |contact: Contact| {
        pool.username_attributes().iter().any(|a| a.as_str() == contact.attribute())
    };
    let named = Contact::ALL.into_iter().find(|c| is_username(*c) && c.accepts(name));
    match named {
        Some(contact) => Ok(Named::Contact(contact, name.to_owned())),
        None => Err(NameRefused::NotAContact {
            email: is_username(Contact::Email),
            phone_number: is_username(Contact::PhoneNumber),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{
        AliasAttributeType, UserPoolType, UsernameAttributeType, UsernameConfigurationType,
    };

    fn pool(settings: UserPoolType) -> UserPool {
        UserPool { settings, ..UserPool::default() }
    }

    #[test]
    fn a_name_is_stored_in_lower_case_where_case_does_not_count() {
        let mut settings = UserPoolType::default();
        assert_eq!(choose(&pool(settings.clone()), "Jo"), Ok(Named::Username("Jo".to_owned())));
        settings.username_configuration = Some(UsernameConfigurationType { case_sensitive: false });
        assert_eq!(choose(&pool(settings), "Jo"), Ok(Named::Username("jo".to_owned())));
    }

    #[test]
    fn a_name_may_not_look_like_an_alias() {
        let pool = pool(UserPoolType {
            alias_attributes: Some(vec![
                AliasAttributeType::Email,
                AliasAttributeType::PhoneNumber,
            ]),
            ..UserPoolType::default()
        });
        assert_eq!(choose(&pool, "jo@x"), Err(NameRefused::LooksLikeAlias(Contact::Email)));
        assert_eq!(choose(&pool, "+1415"), Err(NameRefused::LooksLikeAlias(Contact::PhoneNumber)));
        assert!(choose(&pool, "jo").is_ok());
    }

    #[test]
    fn a_contact_that_is_the_username_is_told_by_its_form() {
        let pool = pool(UserPoolType {
            username_attributes: Some(vec![
                UsernameAttributeType::Email,
                UsernameAttributeType::PhoneNumber,
            ]),
            ..UserPoolType::default()
        });
        assert_eq!(choose(&pool, "jo@x"), Ok(Named::Contact(Contact::Email, "jo@x".to_owned())));
        assert_eq!(
            choose(&pool, "+14"),
            Ok(Named::Contact(Contact::PhoneNumber, "+14".to_owned()))
        );
        let refused = NameRefused::NotAContact { email: true, phone_number: true };
        assert_eq!(choose(&pool, "jo"), Err(refused));
    }
}
