//! How a user comes to be, by sign-up or by an administrator.

use crate::{
    attributes::{self, AttributeRefused, Creator},
    fault::{Fault, Ruling},
    ports::{Entropy, Transaction},
    shapes::UserStatusType,
    time::Timestamp,
    totp::SoftwareToken,
    user_pools::UserPool,
    users::{
        Alias, MfaPreference, Taken, User,
        aliases::{OnConflict, aliases_in_effect, is_username_of_another, take_from_holder},
        names::{self, NameRefused, Named},
        new_sub,
    },
};

/// Why no user can be made of what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftRefused {
    /// The username.
    Name(NameRefused),
    /// The attributes.
    Attributes(AttributeRefused),
}

impl From<NameRefused> for DraftRefused {
    fn from(refused: NameRefused) -> Self {
        Self::Name(refused)
    }
}

impl From<AttributeRefused> for DraftRefused {
    fn from(refused: AttributeRefused) -> Self {
        Self::Attributes(refused)
    }
}

/// A user with this name and these attributes: unconfirmed, without password, not stored yet.
pub fn draft(
    pool: &UserPool,
    name: &str,
    given: &[(String, String)],
    creator: Creator<'_>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<User, DraftRefused> {
    let named = names::choose(pool, name)?;
    let contact = match &named {
        Named::Contact(contact, value) => Some((*contact, value.as_str())),
        Named::Username(_) => None,
    };
    let attributes = attributes::of_new_user(pool, given, contact, creator)?;
    let sub = new_sub(entropy);
    let username = match named {
        Named::Contact(..) => sub.clone(),
        Named::Username(username) => username,
    };
    Ok(User {
        user_pool_id: pool.id().to_owned(),
        sub,
        username,
        status: UserStatusType::Unconfirmed,
        enabled: true,
        attributes,
        pending_attributes: std::collections::BTreeMap::new(),
        created_at: now,
        modified_at: now,
        password: None,
        software_token: SoftwareToken::default(),
        mfa: MfaPreference::default(),
        signed_out_at: None,
        version: 0,
    })
}

/// Stores a new user with its aliases.
///
/// [`OnConflict::Take`] moves verified contacts from other users, in pools where contacts are
/// aliases; where they are usernames, every user keeps theirs.
pub async fn insert(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    on_conflict: OnConflict,
) -> Ruling<(), Taken> {
    let (key, aliases) = (pool.name_key(&user.username), aliases_in_effect(pool, user));
    if on_conflict == OnConflict::Take && pool.username_attributes().is_empty() {
        // A username that is taken leaves others' aliases alone: nothing is committed then.
        for alias in &aliases {
            take_from_holder(tx, pool, alias, &user.sub, user.created_at).await?;
        }
    }
    if let Some(taken) = taken_in_another_sense(tx, pool, user, &key, &aliases).await? {
        return Ok(Err(taken));
    }
    tx.insert_user(user, &key, &aliases).await
}

/// Whether the names of a new user are free now, so that nobody is asked about an account that can't
/// be made. [`insert`] decides.
pub async fn check_free(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    on_conflict: OnConflict,
) -> Ruling<(), Taken> {
    let (key, aliases) = (pool.name_key(&user.username), aliases_in_effect(pool, user));
    if tx.user_by_username(pool.id(), &key).await?.is_some() {
        return Ok(Err(Taken::Username));
    }
    let moves_aliases = on_conflict == OnConflict::Take && pool.username_attributes().is_empty();
    for alias in aliases.iter().filter(|_| !moves_aliases) {
        if tx.user_by_alias(pool.id(), &alias.key).await?.is_some() {
            return Ok(Err(Taken::Alias(alias.attribute.clone())));
        }
    }
    let taken = taken_in_another_sense(tx, pool, user, &key, &aliases).await?;
    Ok(taken.map_or(Ok(()), Err))
}

/// What of a new user's names is somebody else's in another sense: the username as preferred
/// username, or the other way round. Uniqueness in the same sense is the store's.
pub(crate) async fn taken_in_another_sense(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    key: &str,
    aliases: &[Alias],
) -> Result<Option<Taken>, Fault> {
    if is_preferred_username(tx, pool, key).await? {
        return Ok(Some(Taken::Username));
    }
    for alias in aliases {
        if is_username_of_another(tx, pool, alias, &user.sub).await? {
            return Ok(Some(Taken::Alias(alias.attribute.clone())));
        }
    }
    Ok(None)
}

/// Whether somebody signs in with this name as preferred username.
async fn is_preferred_username(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    key: &str,
) -> Result<bool, Fault> {
    if pool.alias_attributes().iter().all(|alias| alias.as_str() != "preferred_username") {
        return Ok(false);
    }
    Ok(tx.user_by_alias(pool.id(), key).await?.is_some())
}
