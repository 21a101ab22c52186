//! Sign-up: from an unconfirmed user to a confirmed one.

use crate::{
    attempts::{self, Attempted, LimitExceeded},
    attributes::{self, Contact},
    codes::{self, CodePurpose, CodeRefused},
    fault::{Fault, Ruling},
    granted,
    ports::Transaction,
    sealing::Keyring,
    shapes::UserStatusType,
    time::Timestamp,
    triggers::pre_sign_up::Decision,
    user_pools::UserPool,
    users::{
        User,
        aliases::{AliasTaken, OnConflict},
    },
};

/// Why a user is not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfirmRefused {
    /// Only unconfirmed users can be.
    Status(UserStatusType),
    /// The code.
    Code(CodeRefused),
    /// Another user has the contact, which is an alias.
    Alias(AliasTaken),
}

/// The user is not unconfirmed but this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnconfirmed(pub UserStatusType);

impl From<NotUnconfirmed> for ConfirmRefused {
    fn from(NotUnconfirmed(status): NotUnconfirmed) -> Self {
        Self::Status(status)
    }
}

impl From<CodeRefused> for ConfirmRefused {
    fn from(refused: CodeRefused) -> Self {
        Self::Code(refused)
    }
}

impl From<AliasTaken> for ConfirmRefused {
    fn from(taken: AliasTaken) -> Self {
        Self::Alias(taken)
    }
}

/// Does to a new user what a function decided before the account is made.
///
/// # Errors
/// A contact that is to count as verified and that the user doesn't have.
pub fn decided(user: &mut User, decision: Decision) -> Result<(), Contact> {
    for contact in decision.verifies() {
        if user.attribute(contact.attribute()).is_none() {
            return Err(contact);
        }
        user.attributes.insert(contact.flag().to_owned(), "true".to_owned());
    }
    if decision.confirms() {
        user.status = UserStatusType::Confirmed;
    }
    Ok(())
}

/// Whether people may sign up by themselves.
pub fn is_open(pool: &UserPool) -> bool {
    let config = pool.settings.admin_create_user_config.as_ref();
    config.and_then(|config| config.allow_admin_create_user_only) != Some(true)
}

/// The contact to which the code of a sign-up goes: the telephone number, if the pool verifies both.
pub fn contact(pool: &UserPool, user: &User) -> Option<Contact> {
    let verified = pool.auto_verified_attributes();
    Contact::ALL.into_iter().find(|contact| {
        verified.contains(&contact.setting()) && user.attribute(contact.attribute()).is_some()
    })
}

/// The contact to which codes of sign-ups in the pool usually go; none if it verifies nothing.
pub fn usual_contact(pool: &UserPool) -> Option<Contact> {
    let verified = pool.auto_verified_attributes();
    Contact::ALL.into_iter().find(|contact| verified.contains(&contact.setting()))
}

/// Counts the code that is to go to an unconfirmed user's contact. Only so many are sent to one address within
/// an hour, whoever asks and under whatever names.
pub async fn count_code(
    tx: &mut dyn Transaction,
    keyring: &Keyring,
    pool: &UserPool,
    user: &User,
    contact: Contact,
    now: Timestamp,
) -> Ruling<(), LimitExceeded> {
    // Mail servers take an address in any case.
    let address = user.attribute(contact.attribute()).unwrap_or_default().to_lowercase();
    let subject = attempts::subject(keyring, pool, None, &address);
    attempts::count(&mut *tx, pool.id(), &subject, Attempted::SignUpCode, now).await
}

/// Takes as long as [`count_code`] for a code that goes to nobody. Such codes are limited by the name.
pub async fn count_code_to_nobody(
    tx: &mut dyn Transaction,
    keyring: &Keyring,
    pool: &UserPool,
    name: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    // The blank makes sure that nobody's address is counted.
    let subject = attempts::subject(keyring, pool, None, &format!("code for {name}"));
    attempts::count(&mut *tx, pool.id(), &subject, Attempted::SignUpCode, now).await.map(drop)
}

/// Confirms a user by the code, which also verifies the contact it was sent to; answers the user as
/// they are then.
///
/// The refusals change nothing, so that the caller can commit what it counted.
pub async fn confirm(
    tx: &mut dyn Transaction,
    keyring: &Keyring,
    pool: &UserPool,
    user: User,
    code: &str,
    on_conflict: OnConflict,
    now: Timestamp,
) -> Ruling<User, ConfirmRefused> {
    granted!(require_unconfirmed(&user));
    let contact = codes::check(&mut *tx, keyring, &user, CodePurpose::SignUp, code, now).await?;
    let contact = granted!(contact);
    let mut confirmed = user.clone();
    confirmed.status = UserStatusType::Confirmed;
    confirmed.attributes.insert(contact.flag().to_owned(), "true".to_owned());
    granted!(attributes::save(tx, pool, &user, &mut confirmed, on_conflict, now).await?);
    codes::forget(&mut *tx, &confirmed, CodePurpose::SignUp).await?;
    Ok(Ok(confirmed))
}

/// Confirms a user without code, on an administrator's word. Verifies nothing.
pub async fn confirm_by_administrator(
    tx: &mut dyn Transaction,
    user: &mut User,
    now: Timestamp,
) -> Ruling<(), NotUnconfirmed> {
    granted!(require_unconfirmed(user));
    user.status = UserStatusType::Confirmed;
    user.modified_at = now;
    tx.update_user(user).await?;
    codes::forget(&mut *tx, user, CodePurpose::SignUp).await?;
    Ok::<_, Fault>(Ok(()))
}

/// Refuses users who are past that.
fn require_unconfirmed(user: &User) -> Result<(), NotUnconfirmed> {
    match user.status {
        UserStatusType::Unconfirmed => Ok(()),
        status => Err(NotUnconfirmed(status)),
    }
}
