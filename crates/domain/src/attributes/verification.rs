//! Verifying a contact by a code.

use crate::{
    attributes::{Contact, save},
    codes::{self, CodePurpose, CodeRefused},
    fault::Ruling,
    granted,
    ports::Transaction,
    sealing::Keyring,
    time::Timestamp,
    user_pools::UserPool,
    users::{
        User,
        aliases::{AliasTaken, OnConflict},
    },
};

/// Why a contact is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyRefused {
    /// The code.
    Code(CodeRefused),
    /// Another user has the contact, which is an alias.
    Alias(AliasTaken),
}

impl From<CodeRefused> for VerifyRefused {
    fn from(refused: CodeRefused) -> Self {
        Self::Code(refused)
    }
}

impl From<AliasTaken> for VerifyRefused {
    fn from(taken: AliasTaken) -> Self {
        Self::Alias(taken)
    }
}

/// Verifies a contact by its code; a value that waited for this takes effect.
///
/// The refusals change nothing, so that the caller can commit what it counted.
pub async fn verify(
    tx: &mut dyn Transaction,
    keyring: &Keyring,
    pool: &UserPool,
    user: User,
    contact: Contact,
    code: &str,
    now: Timestamp,
) -> Ruling<(), VerifyRefused> {
    let purpose = CodePurpose::verifies(contact);
    granted!(codes::check(&mut *tx, keyring, &user, purpose, code, now).await?);
    let mut verified = user.clone();
    if let Some(value) = verified.pending_attributes.remove(contact.attribute()) {
        verified.attributes.insert(contact.attribute().to_owned(), value);
    }
    verified.attributes.insert(contact.flag().to_owned(), "true".to_owned());
    let saved = save(tx, pool, &user, &mut verified, OnConflict::Refuse, now).await?;
    granted!(saved);
    codes::forget(&mut *tx, &verified, purpose).await?;
    Ok(Ok(()))
}
