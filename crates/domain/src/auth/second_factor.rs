//! The second factor: asking for a code, and checking it.

use std::collections::BTreeMap;

use super::{
    Outcome, Place,
    answer::{AnswerRefused, Answered},
    next, required,
    session::Step,
};
use crate::{
    attempts::{self, Attempted},
    attributes::Contact,
    codes,
    fault::{Fault, Ruling},
    granted, messages,
    ports::Transaction,
    sealing::Purpose,
    shapes::{ChallengeNameType, UserPoolMfaType},
    totp,
    users::{MfaFactor, User},
};

/// Asks for a code of a factor; sends one, if the factor is of that kind.
pub(super) async fn ask(
    place: Place<'_>,
    user: &User,
    factor: MfaFactor,
) -> Result<Outcome, Fault> {
    match factor {
        MfaFactor::SoftwareToken => ask_software_token(place, user),
        MfaFactor::Sms | MfaFactor::Email => ask_sent_code(place, user, factor).await,
    }
}

/// `SOFTWARE_TOKEN_MFA`.
fn ask_software_token(place: Place<'_>, user: &User) -> Result<Outcome, Fault> {
    let active = user.software_token.active.as_ref();
    let friendly_name = active.and_then(|active| active.friendly_name.clone());
    let mut parameters = BTreeMap::from([("USER_ID_FOR_SRP".to_owned(), user.username.clone())]);
    if let Some(name) = friendly_name {
        parameters.insert("FRIENDLY_DEVICE_NAME".to_owned(), name);
    }
    let name = ChallengeNameType::SoftwareTokenMfa;
    next::challenge(place, user, name, Step::SoftwareToken, parameters)
}

/// Checks the answer to `SOFTWARE_TOKEN_MFA`.
///
/// A wrong or used code leaves the session good, so that the user can try the next code; wrong ones
/// are counted per user.
pub(super) async fn answer_software_token(step: Answered<'_>) -> Ruling<Outcome, AnswerRefused> {
    let code = granted!(required(step.responses, "SOFTWARE_TOKEN_MFA_CODE"));
    let (ports, pool_id) = (step.place.ports, step.place.pool.id());
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let mut user = granted!(step.user(&mut *tx).await?);
    let what = Attempted::SoftwareTokenCode;
    let Ok(tried) = attempts::check(&mut *tx, pool_id, &user.sub, what, now).await? else {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    };
    match user.software_token.check(code, now) {
        Ok(()) => {
            enable_if_required(step.place, &mut user, MfaFactor::SoftwareToken);
            granted!(finish(step, tx, &mut user, tried.then_some(what)).await?);
            Ok(Ok(next::sign_in(step.place, &user).await?))
        }
        Err(refused) => {
            granted!(step.session.check_unspent(&mut *tx).await?);
            attempts::record(&mut *tx, pool_id, &user.sub, what, now).await?;
            tx.commit().await?;
            Ok(Err(match refused {
                totp::Refused::NoToken => AnswerRefused::NoSoftwareToken,
                totp::Refused::WrongCode => AnswerRefused::WrongTotpCode,
                totp::Refused::AlreadyUsed => AnswerRefused::UsedTotpCode,
            }))
        }
    }
}

/// Uses the session up, stores what changed of the user, and forgets wrong codes.
async fn finish(
    step: Answered<'_>,
    mut tx: Box<dyn Transaction>,
    user: &mut User,
    counted: Option<Attempted>,
) -> Ruling<(), AnswerRefused> {
    granted!(step.spend(&mut *tx).await?);
    tx.update_user(user).await?;
    if let Some(what) = counted {
        tx.clear_attempts(step.place.pool.id(), &user.sub, what).await?;
    }
    tx.commit().await?;
    Ok(Ok(()))
}

/// In a pool that requires MFA, a factor that the user merely had is switched on by its use.
fn enable_if_required(place: Place<'_>, user: &mut User, factor: MfaFactor) {
    if place.pool.mfa() == UserPoolMfaType::On {
        user.mfa.enabled.insert(factor);
    }
}

/// Sends a code and asks for it: `SMS_MFA` or `EMAIL_OTP`.
async fn ask_sent_code(place: Place<'_>, user: &User, factor: MfaFactor) -> Result<Outcome, Fault> {
    let (contact, name) = match factor {
        MfaFactor::Email => (Contact::Email, ChallengeNameType::EmailOtp),
        _ => (Contact::PhoneNumber, ChallengeNameType::SmsMfa),
    };
    let destination = user.attribute(contact.attribute()).unwrap_or_default();
    let code = codes::generate(&*place.ports.entropy);
    let message = messages::mfa_code(place.pool, user, contact, &code, place.ports.clock.now());
    if let Err(failure) = place.ports.messenger.deliver(message).await {
        // The challenge is asked all the same: none of the operations that lead here lists
        // CodeDeliveryFailureException.
        tracing::warn!(%failure, "a sign-in code was not delivered");
    }
    let medium = if factor == MfaFactor::Email { "EMAIL" } else { "SMS" };
    let parameters = BTreeMap::from([
        ("CODE_DELIVERY_DELIVERY_MEDIUM".to_owned(), medium.to_owned()),
        ("CODE_DELIVERY_DESTINATION".to_owned(), contact.mask(destination)),
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
    ]);
    let hash = place.ports.keyring.mac(Purpose::CodeHash, &hashed(user, factor, &code));
    next::challenge(place, user, name, Step::SentCode(factor, hash), parameters)
}

/// What is hashed of a code that was sent: also where it went, so that it proves nothing about a
/// number or address that the user was given since.
fn hashed(user: &User, factor: MfaFactor, code: &str) -> Vec<u8> {
    let contact = if factor == MfaFactor::Email { Contact::Email } else { Contact::PhoneNumber };
    let destination = user.attribute(contact.attribute()).unwrap_or_default();
    format!("{}\0{}\0mfa\0{destination}\0{code}", user.user_pool_id, user.sub).into_bytes()
}

/// Checks the answer to `SMS_MFA` or `EMAIL_OTP`. Receiving a text message proves the number.
pub(super) async fn answer_sent_code(
    step: Answered<'_>,
    factor: MfaFactor,
    response: &'static str,
    hash: &[u8; 32],
) -> Ruling<Outcome, AnswerRefused> {
    let code = granted!(required(step.responses, response));
    let (ports, pool_id) = (step.place.ports, step.place.pool.id());
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let mut user = granted!(step.user(&mut *tx).await?);
    let what = Attempted::SentCode;
    let Ok(tried) = attempts::check(&mut *tx, pool_id, &user.sub, what, now).await? else {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    };
    if !ports.keyring.mac_matches(Purpose::CodeHash, &hashed(&user, factor, code), hash) {
        granted!(step.session.check_unspent(&mut *tx).await?);
        attempts::record(&mut *tx, pool_id, &user.sub, what, now).await?;
        tx.commit().await?;
        return Ok(Err(AnswerRefused::WrongSentCode));
    }
    enable_if_required(step.place, &mut user, factor);
    if factor == MfaFactor::Sms {
        user.attributes.insert(Contact::PhoneNumber.flag().to_owned(), "true".to_owned());
    }
    granted!(finish(step, tx, &mut user, tried.then_some(what)).await?);
    Ok(Ok(next::sign_in(step.place, &user).await?))
}
