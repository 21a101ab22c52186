//! What happens when attributes are given, changed and deleted.

use std::collections::BTreeMap;

use crate::{
    app_clients::AppClient,
    attributes::{
        AttributeRefused, Contact,
        values::{self, ViolatedRule, Violation},
    },
    fault::{Fault, Ruling},
    ports::Transaction,
    time::Timestamp,
    user_pools::UserPool,
    users::{
        User,
        aliases::{self, AliasTaken, OnConflict},
    },
};

/// Who makes a user.
#[derive(Clone, Copy)]
pub enum Creator<'a> {
    /// The user, through this client. The schema's required attributes must be there.
    SignUp(&'a AppClient),
    /// An administrator. Required attributes may come later, at the first sign-in.
    Administrator,
}

/// Who changes attributes.
#[derive(Clone, Copy)]
pub enum Writer<'a> {
    /// The user, through this client.
    Client(&'a AppClient),
    /// A user made by an administrator, at the first sign-in: may give what is missing, once, even
    /// where the schema allows no change.
    FirstSignIn(&'a AppClient),
    /// An administrator, for whom clients' permissions don't count.
    Administrator,
}

/// The attributes of a new user. `contact` is the username, in pools where that is a contact.
pub fn of_new_user(
    pool: &UserPool,
    given: &[(String, String)],
    contact: Option<(Contact, &str)>,
    creator: Creator<'_>,
) -> Result<BTreeMap<String, String>, AttributeRefused> {
    if let Creator::SignUp(client) = creator {
        authorize(pool, client, given.iter().map(|(name, _)| name.as_str()))?;
        refuse_early_preferred_username(pool, given)?;
    }
    values::check(pool, given)?;
    let mut attributes: BTreeMap<String, String> = given
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.clone(), stored_form(pool, name, value)))
        .collect();
    if let Some((contact, value)) = contact {
        let value = stored_form(pool, contact.attribute(), value);
        let set = attributes.entry(contact.attribute().to_owned()).or_insert(value.clone());
        if *set != value {
            return Err(AttributeRefused::DiffersFromUsername(contact));
        }
    }
    if let Creator::SignUp(_) = creator {
        for contact in Contact::ALL {
            if attributes.contains_key(contact.attribute()) {
                attributes.insert(contact.flag().to_owned(), "false".to_owned());
            }
        }
        refuse_missing(pool, &attributes)?;
    }
    refuse_flags_without_contact(&attributes, &attributes)?;
    Ok(attributes)
}

/// Changes attributes of a user, in memory; see [`save`]. An empty value deletes.
///
/// Answers the contacts to which a verification code goes, phone number first.
pub fn update(
    pool: &UserPool,
    user: &mut User,
    changes: &[(String, String)],
    writer: Writer<'_>,
) -> Result<Vec<Contact>, AttributeRefused> {
    if let Writer::Client(client) = writer {
        authorize(pool, client, changes.iter().map(|(name, _)| name.as_str()))?;
    }
    values::check(pool, changes)?;
    let is_first_value =
        |name: &&str| matches!(writer, Writer::FirstSignIn(_)) && user.attribute(name).is_none();
    let names = changes.iter().map(|(name, _)| name.as_str());
    refuse_immutable(pool, names.filter(|name| !is_first_value(name)))?;
    let (set, deleted): (Vec<_>, Vec<_>) = changes.iter().partition(|(_, value)| !value.is_empty());
    refuse_required(pool, deleted.iter().map(|(name, _)| name.as_str()))?;

    let set: BTreeMap<String, String> = set
        .into_iter()
        .map(|(name, value)| (name.clone(), stored_form(pool, name, value)))
        .collect();
    let mut resulting = user.attributes.clone();
    resulting.extend(set.clone());
    for (name, _) in &deleted {
        resulting.remove(name);
    }
    refuse_flags_without_contact(&set, &resulting)?;

    for (name, _) in deleted {
        forget(user, name);
    }
    let to_verify = Contact::ALL.into_iter().filter(|contact| move_to(pool, user, *contact, &set));
    let to_verify: Vec<Contact> = to_verify.collect();
    // A flag that comes with a value which waits speaks of that value, not of the present one.
    let speaks_of_waiting = |name: &str| {
        Contact::of_flag(name).is_some_and(|contact| {
            set.contains_key(contact.attribute())
                && user.pending_attributes.contains_key(contact.attribute())
        })
    };
    let others = set.iter().filter(|(name, _)| Contact::of_attribute(name).is_none());
    let others = others.filter(|(name, _)| !speaks_of_waiting(name));
    user.attributes.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    Ok(to_verify)
}

/// Gives a contact its new value, at once or after verification. Answers whether a code is due.
fn move_to(
    pool: &UserPool,
    user: &mut User,
    contact: Contact,
    set: &BTreeMap<String, String>,
) -> bool {
    let name = contact.attribute();
    let Some(value) = set.get(name) else {
        return false;
    };
    if user.attributes.get(name) == Some(value) {
        // The present value again: nothing to verify, and what waited is given up.
        user.pending_attributes.remove(name);
        return false;
    }
    let is_declared_verified = set.get(contact.flag()).is_some_and(|flag| flag == "true");
    let is_auto_verified = pool.auto_verified_attributes().contains(&contact.setting());
    // A first value replaces none, so that there is nothing to keep; and an attribute that the pool
    // requires would be missing until the code comes back.
    let has_old_value = user.attributes.contains_key(name);
    if !is_declared_verified && has_old_value && is_kept_until_verified(pool, contact) {
        user.pending_attributes.insert(name.to_owned(), value.clone());
        return true;
    }
    user.pending_attributes.remove(name);
    user.attributes.insert(name.to_owned(), value.clone());
    user.attributes.insert(contact.flag().to_owned(), is_declared_verified.to_string());
    is_auto_verified && !is_declared_verified
}

/// Whether the pool keeps the old value of a contact until the new one is verified.
fn is_kept_until_verified(pool: &UserPool, contact: Contact) -> bool {
    let settings = pool.settings.user_attribute_update_settings.as_ref();
    settings
        .and_then(|s| s.attributes_require_verification_before_update.as_ref())
        .is_some_and(|kept| kept.contains(&contact.setting()))
}

/// Deletes attributes of a user, in memory; see [`save`].
pub fn delete(
    pool: &UserPool,
    user: &mut User,
    names: &[String],
    writer: Writer<'_>,
) -> Result<(), AttributeRefused> {
    if let Writer::Client(client) = writer {
        authorize(pool, client, names.iter().map(String::as_str))?;
    }
    let unknown = names.iter().filter(|name| pool.schema_attribute(name).is_none());
    let unknown: Vec<String> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return Err(AttributeRefused::UnknownNames(unknown));
    }
    refuse_required(pool, names.iter().map(String::as_str))?;
    refuse_immutable(pool, names.iter().map(String::as_str))?;
    for name in names {
        forget(user, name);
    }
    Ok(())
}

/// Removes an attribute and what hangs on it.
fn forget(user: &mut User, name: &str) {
    user.attributes.remove(name);
    if let Some(contact) = Contact::of_attribute(name) {
        user.attributes.remove(contact.flag());
        user.pending_attributes.remove(name);
    }
}

/// Stores a changed user and keeps its aliases in step with its attributes.
pub async fn save(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    before: &User,
    user: &mut User,
    on_conflict: OnConflict,
    now: Timestamp,
) -> Ruling<(), AliasTaken> {
    if let Err(taken) = aliases::follow(tx, pool, before, user, on_conflict, now).await? {
        return Ok(Err(taken));
    }
    user.modified_at = now;
    tx.update_user(user).await?;
    Ok::<_, Fault>(Ok(()))
}

/// The form in which a value is kept: pools that ignore case keep sign-in names in lower case, and
/// flags are lower-case everywhere.
fn stored_form(pool: &UserPool, name: &str, value: &str) -> String {
    if matches!(name, "email" | "preferred_username") {
        pool.name_key(value)
    } else if Contact::of_flag(name).is_some() {
        value.to_ascii_lowercase()
    } else {
        value.to_owned()
    }
}

/// Refuses what an app client may not write. Names outside the schema are left to the schema's own
/// refusal.
fn authorize<'a>(
    pool: &UserPool,
    client: &AppClient,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AttributeRefused> {
    let mut known = names.filter(|name| pool.schema_attribute(name).is_some());
    // Nobody verifies a contact by saying so, whatever the client's permissions.
    if known.any(|name| Contact::of_flag(name).is_some() || !client.may_write(name)) {
        return Err(AttributeRefused::Unauthorized);
    }
    Ok(())
}

/// `preferred_username` as alias would let unconfirmed users take names
/// (<https://github.com/aws-amplify/amplify-js/issues/1669>).
fn refuse_early_preferred_username(
    pool: &UserPool,
    given: &[(String, String)],
) -> Result<(), AttributeRefused> {
    let is_alias = pool.alias_attributes().iter().any(|a| a.as_str() == "preferred_username");
    let is_given = given.iter().any(|(name, v)| name == "preferred_username" && !v.is_empty());
    if is_alias && is_given { Err(AttributeRefused::PreferredUsernameTooEarly) } else { Ok(()) }
}

/// Refuses if the schema's required attributes are not all there.
fn refuse_missing(
    pool: &UserPool,
    attributes: &BTreeMap<String, String>,
) -> Result<(), AttributeRefused> {
    let missing: Vec<Violation> = pool
        .required_attributes()
        .filter(|name| !attributes.contains_key(*name))
        .map(|name| Violation { attribute: name.to_owned(), rule: ViolatedRule::Missing })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(AttributeRefused::NotConforming(missing)) }
}

/// Refuses the deletion of required attributes.
fn refuse_required<'a>(
    pool: &UserPool,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AttributeRefused> {
    let kept: Vec<String> = names
        .filter(|name| pool.required_attributes().any(|r| r == *name))
        .map(str::to_owned)
        .collect();
    if kept.is_empty() { Ok(()) } else { Err(AttributeRefused::Required(kept)) }
}

/// Refuses changes of attributes that can be set only once, even if they never were.
fn refuse_immutable<'a>(
    pool: &UserPool,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AttributeRefused> {
    let immutable: Vec<String> = names
        .filter(|name| pool.schema_attribute(name).is_some_and(|a| a.mutable == Some(false)))
        .map(str::to_owned)
        .collect();
    if immutable.is_empty() { Ok(()) } else { Err(AttributeRefused::Immutable(immutable)) }
}

/// Refuses verification flags of contacts that aren't there.
fn refuse_flags_without_contact(
    given: &BTreeMap<String, String>,
    resulting: &BTreeMap<String, String>,
) -> Result<(), AttributeRefused> {
    let lonely = Contact::ALL.into_iter().find(|contact| {
        given.contains_key(contact.flag()) && !resulting.contains_key(contact.attribute())
    });
    lonely.map_or(Ok(()), |contact| Err(AttributeRefused::NothingToVerify(contact)))
}
