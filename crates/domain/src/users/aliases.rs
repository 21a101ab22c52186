//! Aliases: the values besides the username by which a user signs in.

use crate::{
    attributes::Contact,
    fault::{Fault, Ruling},
    ports::Transaction,
    time::Timestamp,
    user_pools::UserPool,
    users::{Alias, User},
};

/// Another user holds the alias for this attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasTaken {
    /// `email`, `phone_number` or `preferred_username`.
    pub attribute: String,
}

/// What to do about a user who already holds an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave it with them.
    Refuse,
    /// `ForceAliasCreation`: take a contact from them, which leaves it unverified there.
    Take,
}

/// The attribute that counts as alias without verification.
const PREFERRED_USERNAME: &str = "preferred_username";

/// The aliases that are in effect for a user's present attributes.
///
/// Where e-mail or telephone number are the username, they count at once; as aliases only while
/// verified. `preferred_username` counts at once.
pub fn aliases_in_effect(pool: &UserPool, user: &User) -> Vec<Alias> {
    let usernames = pool.username_attributes().iter().map(|a| (a.as_str(), true));
    let aliases = pool.alias_attributes().iter();
    let aliases = aliases.map(|a| (a.as_str(), a.as_str() == PREFERRED_USERNAME));
    let in_effect = usernames.chain(aliases).filter_map(|(attribute, at_once)| {
        let value = user.attribute(attribute)?;
        let key = pool.name_key(value);
        (at_once || user.is_verified(attribute))
            .then(|| Alias { attribute: attribute.to_owned(), key })
    });
    in_effect.collect()
}

/// Brings the stored aliases of a user in step with its attributes, which were those of `before`.
///
/// On a refusal some aliases may have moved: don't commit it.
pub async fn follow(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    before: &User,
    user: &User,
    on_conflict: OnConflict,
    now: Timestamp,
) -> Ruling<(), AliasTaken> {
    let (old, new) = (aliases_in_effect(pool, before), aliases_in_effect(pool, user));
    for gone in old.iter().filter(|o| new.iter().all(|n| n.attribute != o.attribute)) {
        tx.release_alias(pool.id(), &gone.attribute, &user.sub).await?;
    }
    for alias in new.into_iter().filter(|alias| !old.contains(alias)) {
        if on_conflict == OnConflict::Take {
            take_from_holder(tx, pool, &alias, &user.sub, now).await?;
        }
        let is_free = !is_username_of_another(tx, pool, &alias, &user.sub).await?;
        if !is_free || !tx.claim_alias(pool.id(), &alias, &user.sub).await? {
            return Ok(Err(AliasTaken { attribute: alias.attribute }));
        }
    }
    Ok(Ok(()))
}

/// Whether a preferred username is what somebody else signs in with as username.
pub(super) async fn is_username_of_another(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    alias: &Alias,
    sub: &str,
) -> Result<bool, Fault> {
    if alias.attribute != PREFERRED_USERNAME {
        return Ok(false);
    }
    let holder = tx.user_by_username(pool.id(), &alias.key).await?;
    Ok(holder.is_some_and(|holder| holder.sub != sub))
}

/// Takes a contact's alias from whoever else holds it: there it becomes unverified.
pub(super) async fn take_from_holder(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    alias: &Alias,
    sub: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(contact) = Contact::of_attribute(&alias.attribute) else {
        return Ok(());
    };
    let holder = tx.user_by_alias(pool.id(), &alias.key).await?;
    let Some(mut holder) = holder.filter(|holder| holder.sub != sub) else {
        return Ok(());
    };
    if !aliases_in_effect(pool, &holder).contains(alias) {
        return Ok(());
    }
    holder.attributes.insert(contact.flag().to_owned(), "false".to_owned());
    holder.modified_at = now;
    tx.release_alias(pool.id(), &alias.attribute, &holder.sub).await?;
    tx.update_user(&mut holder).await
}
