//! How a forgotten password is replaced: where the code goes, and who may ask for one.

use super::history;
use crate::{
    attributes::Contact,
    codes::{self, CodePurpose, CodeRefused},
    fault::Ruling,
    granted,
    ports::Transaction,
    sealing::Keyring,
    shapes::{RecoveryOptionNameType, UserStatusType},
    time::Timestamp,
    user_pools::UserPool,
    users::{MfaFactor, Password, User},
};

/// Why a user gets no recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryRefused {
    /// In this pool only administrators reset passwords.
    AdministratorsOnly,
    /// The user's status does not allow it.
    WrongState,
    /// No contact of the user is verified and usable.
    NoVerifiedContact,
}

/// Whether users of the pool can recover passwords by themselves.
pub fn is_for_administrators_only(pool: &UserPool) -> bool {
    mechanisms(pool).is_some_and(|m| m.contains(&RecoveryOptionNameType::AdminOnly))
}

/// Where the recovery code of a user goes.
pub fn channel(pool: &UserPool, user: &User) -> Result<Contact, RecoveryRefused> {
    let verified = |contact: Contact| {
        user.attribute(contact.attribute()).is_some() && user.is_verified(contact.attribute())
    };
    let found = match mechanisms(pool) {
        // Pools without the setting: by telephone if possible, even where that is the second
        // factor.
        None => Contact::ALL.into_iter().find(|contact| verified(*contact)),
        Some(names) if names.contains(&RecoveryOptionNameType::AdminOnly) => {
            return Err(RecoveryRefused::AdministratorsOnly);
        }
        // What proves the second factor must not replace the first.
        Some(names) => names
            .into_iter()
            .filter_map(contact_of)
            .find(|contact| verified(*contact) && !user.mfa.is_on(factor_of(*contact))),
    };
    found.ok_or(RecoveryRefused::NoVerifiedContact)
}

/// The contact that users of the pool are usually asked at.
pub fn usual_contact(pool: &UserPool) -> Contact {
    let names = mechanisms(pool).unwrap_or_default();
    names.into_iter().find_map(contact_of).unwrap_or(Contact::Email)
}

/// The pool's mechanisms by priority; none for pools that never set them.
fn mechanisms(pool: &UserPool) -> Option<Vec<RecoveryOptionNameType>> {
    let setting = pool.settings.account_recovery_setting.as_ref()?;
    let mut options = setting.recovery_mechanisms.clone()?;
    options.sort_by_key(|option| option.priority);
    Some(options.into_iter().map(|option| option.name).collect())
}

/// The contact that a mechanism uses.
const fn contact_of(name: RecoveryOptionNameType) -> Option<Contact> {
    match name {
        RecoveryOptionNameType::VerifiedEmail => Some(Contact::Email),
        RecoveryOptionNameType::VerifiedPhoneNumber => Some(Contact::PhoneNumber),
        RecoveryOptionNameType::AdminOnly => None,
    }
}

/// The second factor that sends codes to a contact.
const fn factor_of(contact: Contact) -> MfaFactor {
    match contact {
        Contact::Email => MfaFactor::Email,
        Contact::PhoneNumber => MfaFactor::Sms,
    }
}

/// Whether the user may ask for a recovery code, and where it goes.
pub fn by_user(pool: &UserPool, user: &User) -> Result<Contact, RecoveryRefused> {
    match user.status {
        UserStatusType::ForceChangePassword | UserStatusType::ExternalProvider => {
            Err(RecoveryRefused::WrongState)
        }
        _ => channel(pool, user),
    }
}

/// Whether an administrator may make the user choose a new password, and where the code goes.
pub fn by_administrator(pool: &UserPool, user: &User) -> Result<Contact, RecoveryRefused> {
    match user.status {
        UserStatusType::Confirmed | UserStatusType::ResetRequired => channel(pool, user),
        _ => Err(RecoveryRefused::WrongState),
    }
}

/// What the new password is.
#[derive(Debug)]
pub enum NewPassword {
    /// One that may be set. It was made for this user's username.
    Fresh(Password),
    /// One that the user had before, which the pool does not allow.
    Used,
}

/// Why a recovery does not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionRefused {
    /// The code.
    Code(CodeRefused),
    /// The password was used before.
    Used,
}

impl From<CodeRefused> for CompletionRefused {
    fn from(refused: CodeRefused) -> Self {
        Self::Code(refused)
    }
}

/// Replaces the password of a user who has the recovery code.
pub async fn complete(
    tx: &mut dyn Transaction,
    keyring: &Keyring,
    pool: &UserPool,
    user: &mut User,
    code: &str,
    password: NewPassword,
    now: Timestamp,
) -> Ruling<(), CompletionRefused> {
    let purpose = CodePurpose::ForgotPassword;
    granted!(codes::check(&mut *tx, keyring, user, purpose, code, now).await?);
    // Told only to who has the code, which stays good for another password.
    let NewPassword::Fresh(password) = password else {
        return Ok(Err(CompletionRefused::Used));
    };
    history::replace(tx, pool, user, password).await?;
    // The code came to a verified contact: that confirms an unconfirmed user as well (belief).
    user.status = UserStatusType::Confirmed;
    user.modified_at = now;
    tx.update_user(user).await?;
    codes::forget(&mut *tx, user, purpose).await?;
    Ok(Ok(()))
}
