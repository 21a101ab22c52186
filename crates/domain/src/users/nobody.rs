//! What is shown of somebody who isn't there, to clients that may not be told so.

use crate::{
    attributes::Contact,
    sealing::{Keyring, Purpose},
    user_pools::UserPool,
    users::sub_of,
};

/// The `sub` that stands in for a name that nobody has: always the same for a name of a pool, and
/// like those of users.
pub fn sub(keyring: &Keyring, pool: &UserPool, login: &str) -> String {
    let data = format!("sub\0{}\0{}", pool.id(), pool.name_key(login));
    let mac = keyring.stable_mac(Purpose::SimulatedUser, data.as_bytes());
    sub_of(mac.first_chunk().copied().unwrap_or_default())
}

/// The username that stands in for a name that nobody has.
///
/// Challenges name the stored username. Who typed that gets it back, in the form in which it is
/// stored; who typed a contact gets what it belongs to, and that is UUID-shaped where contacts are
/// usernames. Where they are aliases, usernames have any form, so that a UUID tells nothing only in
/// pools whose usernames look like that; and whether somebody goes by a `preferred_username` that
/// is not their username can't be hidden at all, as it looks like a username that is free.
pub fn username(keyring: &Keyring, pool: &UserPool, login: &str) -> String {
    if names_a_contact(pool, login) { sub(keyring, pool, login) } else { pool.name_key(login) }
}

/// Whether a name has the form of a contact by which users of the pool sign in.
fn names_a_contact(pool: &UserPool, login: &str) -> bool {
    let usernames = pool.username_attributes().iter().map(|a| a.as_str());
    let aliases = pool.alias_attributes().iter().map(|a| a.as_str());
    let mut contacts = usernames.chain(aliases).filter_map(Contact::of_attribute);
    contacts.any(|contact| contact.accepts(login))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ports::Entropy,
        sealing::DataKey,
        shapes::{
            AliasAttributeType, UserPoolType, UsernameAttributeType, UsernameConfigurationType,
        },
    };

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn shown(settings: &UserPoolType, login: &str) -> String {
        let keyring = Keyring::new(&DataKey::generate(1, &Zeros));
        username(&keyring, &UserPool { settings: settings.clone(), ..UserPool::default() }, login)
    }

    fn is_like_a_sub(text: &str) -> bool {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        groups == [8, 4, 4, 4, 12] && text.split('-').nth(2).is_some_and(|g| g.starts_with("70"))
    }

    #[test]
    fn a_username_comes_back_in_its_stored_form() {
        let mut settings = UserPoolType::default();
        assert_eq!(shown(&settings, "Jo"), "Jo");
        assert_eq!(shown(&settings, "jo@gm.com"), "jo@gm.com", "no alias in this pool");
        settings.username_configuration = Some(UsernameConfigurationType { case_sensitive: false });
        assert_eq!(shown(&settings, "Jo"), "jo");
    }

    #[test]
    fn a_contact_becomes_a_sub_that_is_always_the_same() {
        let folds_case = Some(UsernameConfigurationType { case_sensitive: false });
        let usernames = UserPoolType {
            username_attributes: Some(vec![UsernameAttributeType::Email]),
            username_configuration: folds_case.clone(),
            ..UserPoolType::default()
        };
        let aliases = UserPoolType {
            alias_attributes: Some(vec![AliasAttributeType::Email]),
            username_configuration: folds_case,
            ..UserPoolType::default()
        };
        for settings in [usernames, aliases] {
            let name = shown(&settings, "jo@gm.com");
            assert!(is_like_a_sub(&name), "{name}");
            assert_eq!(shown(&settings, "Jo@GM.com"), name);
            assert_ne!(shown(&settings, "jo@gm.org"), name);
            // A username that may exist: whoever has it gets it back.
            assert_eq!(shown(&settings, &name), name);
        }
    }
}
