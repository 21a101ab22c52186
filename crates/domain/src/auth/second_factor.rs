//! The second factor: asking for a code, and checking it.

use std::collections::BTreeMap;

use super::{
    Outcome, Place,
    answer::{AnswerRefused, Answered},
    next, required,
    session::{SessionRefused, Step},
};
use crate::{
    attempts::{self, Attempted},
    attributes::{self, Contact},
    codes::{self, SentCode},
    fault::{Fault, Ruling, retrying},
    granted,
    messages::{self, Addressee, Message, NotHandedOver, hand_over},
    ports::Transaction,
    sealing::Purpose,
    shapes::{ChallengeNameType, UserPoolMfaType},
    totp,
    triggers::{TriggerFailed, call::Client},
    user_pools::UserPool,
    users::{MfaFactor, User, aliases::OnConflict},
};

/// Asks for a code of a factor; sends one, if the factor is of that kind.
pub(super) async fn ask(
    place: Place<'_>,
    user: &User,
    factor: MfaFactor,
) -> Ruling<Outcome, TriggerFailed> {
    match factor {
        MfaFactor::SoftwareToken => ask_software_token(place, user).map(Ok),
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
            let place = step.place.showing(MfaFactor::SoftwareToken.into());
            Ok(next::sign_in(place, &user).await?.map_err(Into::into))
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
///
/// Each code costs money or fills a mailbox, so that only some are sent in an hour. Beyond those the
/// challenge is asked all the same, for a code that nobody gets: the operations that lead here list
/// no error for it, and the codes of earlier challenges stay good for these.
async fn ask_sent_code(
    place: Place<'_>,
    user: &User,
    factor: MfaFactor,
) -> Ruling<Outcome, TriggerFailed> {
    let is_sent = may_send_another(place, &user.sub).await?;
    if !is_sent {
        tracing::warn!(sub = user.sub, "no sign-in code was sent: too many within an hour");
    }
    ask_code(place, user, factor, is_sent).await
}

/// Asks for a code, which is sent unless too many were.
async fn ask_code(
    place: Place<'_>,
    user: &User,
    factor: MfaFactor,
    is_sent: bool,
) -> Ruling<Outcome, TriggerFailed> {
    let (contact, name) = match factor {
        MfaFactor::Email => (Contact::Email, ChallengeNameType::EmailOtp),
        _ => (Contact::PhoneNumber, ChallengeNameType::SmsMfa),
    };
    let destination = user.attribute(contact.attribute()).unwrap_or_default();
    let code = codes::generate(&*place.ports.entropy);
    if is_sent {
        let message = code_message(place, user.into(), contact, destination, &code);
        let client = Client::Id(place.client.id());
        let login = &user.username;
        match hand_over(place.ports, place.pool, user, client, login, message).await? {
            Err(NotHandedOver::Trigger(failed)) => return Ok(Err(failed)),
            // The challenge is asked all the same: none of the operations that lead here lists
            // CodeDeliveryFailureException.
            Err(NotHandedOver::Undeliverable) | Ok(()) => {}
        }
    }
    let medium = if factor == MfaFactor::Email { "EMAIL" } else { "SMS" };
    let parameters = BTreeMap::from([
        ("CODE_DELIVERY_DELIVERY_MEDIUM".to_owned(), medium.to_owned()),
        ("CODE_DELIVERY_DESTINATION".to_owned(), contact.mask(destination)),
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
    ]);
    let hash = place.ports.keyring.mac(Purpose::CodeHash, &hashed(user, factor, &code));
    next::challenge(place, user, name, Step::SentCode(factor, hash), parameters).map(Ok)
}

/// Sends another code of the same factor. Refuses, and leaves the session good for the code before, if
/// too many were sent.
pub(super) async fn send_again(
    step: Answered<'_>,
    factor: MfaFactor,
) -> Ruling<Outcome, AnswerRefused> {
    let (place, name) = (step.place, contact_of(factor).attribute());
    let mut view = place.ports.store.read().await?;
    granted!(step.session.check_unspent(&mut *view).await?);
    granted!(step.user(&mut *view).await?);
    drop(view);
    if !may_send_another(place, &step.session.sub).await? {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    }
    let mut tx = place.ports.store.write().await?;
    let mut user = granted!(step.user(&mut *tx).await?);
    granted!(step.spend(&mut *tx).await?);
    tx.commit().await?;
    if user.attribute(name).is_none()
        && let Some(address) = user.pending_attributes.get(name).cloned()
    {
        // It is being set up.
        user.attributes.insert(name.to_owned(), address);
    }
    Ok(ask_code(place, &user, factor, true).await?.map_err(Into::into))
}

/// Goes back from the code of a contact that is being set up to what can be set up.
pub(super) async fn set_up_again(
    step: Answered<'_>,
    factor: MfaFactor,
) -> Ruling<Outcome, AnswerRefused> {
    let mut tx = step.place.ports.store.write().await?;
    let user = granted!(step.user(&mut *tx).await?);
    if !has_to_set_up(step.place, &user, factor) {
        return Ok(Err(SessionRefused::Invalid.into()));
    }
    granted!(step.spend(&mut *tx).await?);
    tx.commit().await?;
    Ok(next::ask_mfa_setup(step.place, &user)?.map_err(Into::into))
}

/// Whether a user has neither the contact of a factor nor another second factor. With a contact there is
/// nothing to set up; it can't be replaced without proof. And who has set up another factor meanwhile
/// must not have it gone around by an older sign-in.
fn has_to_set_up(place: Place<'_>, user: &User, factor: MfaFactor) -> bool {
    user.attribute(contact_of(factor).attribute()).is_none()
        && next::usable_factors(place, user).is_empty()
}

/// The message that brings a code of this sign-in, which is good as long as the session.
pub(super) fn code_message(
    place: Place<'_>,
    to: Addressee<'_>,
    contact: Contact,
    destination: &str,
    code: &str,
) -> Message {
    let now = place.ports.clock.now();
    let sent = SentCode {
        code: code.to_owned().into(),
        contact,
        destination: destination.to_owned(),
        expires_at: now.plus_seconds(place.client.session_seconds()),
    };
    messages::mfa_code(place.pool, to, &sent, now)
}

/// Counts a code that is to be sent, and answers whether it may be.
///
/// Conflicts are met here: running the whole operation again would find its session used up.
pub(super) async fn may_send_another(place: Place<'_>, sub: &str) -> Result<bool, Fault> {
    retrying(|| count_sending(place, sub)).await
}

async fn count_sending(place: Place<'_>, sub: &str) -> Result<bool, Fault> {
    let mut tx = place.ports.store.write().await?;
    let (pool_id, now) = (place.pool.id(), place.ports.clock.now());
    let what = Attempted::SendMfaCode;
    let counted = attempts::count(&mut *tx, pool_id, sub, what, now).await?;
    tx.commit().await?;
    Ok(counted.is_ok())
}

/// What is hashed of a code that was sent: also where it went, so that it proves nothing about a
/// number or address that the user was given since.
fn hashed(user: &User, factor: MfaFactor, code: &str) -> Vec<u8> {
    let name = contact_of(factor).attribute();
    let waiting = user.pending_attributes.get(name).map(String::as_str);
    let destination = user.attribute(name).or(waiting).unwrap_or_default();
    format!("{}\0{}\0mfa\0{destination}\0{code}", user.user_pool_id, user.sub).into_bytes()
}

/// The contact to which codes of a factor go.
const fn contact_of(factor: MfaFactor) -> Contact {
    if matches!(factor, MfaFactor::Email) { Contact::Email } else { Contact::PhoneNumber }
}

/// Takes the address with which a user sets up codes by e-mail or text message (`MFA_SETUP`), and sends
/// one there. The address waits for the code before it becomes the user's.
pub(super) async fn set_up_contact(
    step: Answered<'_>,
    factor: MfaFactor,
    address: &str,
) -> Ruling<Outcome, AnswerRefused> {
    let (contact, name) = (contact_of(factor), contact_of(factor).attribute());
    if !contact.accepts(address) {
        return Ok(Err(AnswerRefused::BadAddress));
    }
    let mut tx = step.place.ports.store.write().await?;
    let mut user = granted!(step.user(&mut *tx).await?);
    if !has_to_set_up(step.place, &user, factor) {
        return Ok(Err(SessionRefused::Invalid.into()));
    }
    granted!(step.spend(&mut *tx).await?);
    let address = step.place.pool.name_key(address);
    user.pending_attributes.insert(name.to_owned(), address.clone());
    tx.update_user(&mut user).await?;
    tx.commit().await?;
    user.attributes.insert(name.to_owned(), address);
    Ok(ask_sent_code(step.place, &user, factor).await?.map_err(Into::into))
}

/// Checks the answer to `SMS_MFA` or `EMAIL_OTP`.
pub(super) async fn answer_sent_code(
    step: Answered<'_>,
    factor: MfaFactor,
    response: &'static str,
    hash: &[u8; 32],
) -> Ruling<Outcome, AnswerRefused> {
    let code = granted!(required(step.responses, response));
    let (ports, pool) = (step.place.ports, step.place.pool);
    let now = ports.clock.now();
    let mut tx = ports.store.write().await?;
    let mut user = granted!(step.user(&mut *tx).await?);
    let what = Attempted::SentCode;
    let Ok(tried) = attempts::check(&mut *tx, pool.id(), &user.sub, what, now).await? else {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    };
    if !ports.keyring.mac_matches(Purpose::CodeHash, &hashed(&user, factor, code), hash) {
        granted!(step.session.check_unspent(&mut *tx).await?);
        attempts::record(&mut *tx, pool.id(), &user.sub, what, now).await?;
        tx.commit().await?;
        return Ok(Err(AnswerRefused::WrongSentCode));
    }
    let before = user.clone();
    enable_if_required(step.place, &mut user, factor);
    let contact = contact_of(factor);
    if user.attribute(contact.attribute()).is_none() {
        if !next::usable_factors(step.place, &before).is_empty() {
            return Ok(Err(SessionRefused::Invalid.into()));
        }
        // The code went to the address that waited for it.
        let address = user.pending_attributes.remove(contact.attribute()).unwrap_or_default();
        user.attributes.insert(contact.attribute().to_owned(), address);
        user.attributes.insert(contact.flag().to_owned(), "true".to_owned());
    } else if factor == MfaFactor::Sms && may_verify(&mut *tx, pool, &user, contact).await? {
        // Receiving a text message proves the number.
        user.attributes.insert(contact.flag().to_owned(), "true".to_owned());
    }
    if user.attributes != before.attributes {
        let saved =
            attributes::save(&mut *tx, pool, &before, &mut user, OnConflict::Refuse, now).await?;
        granted!(saved.map_err(AnswerRefused::AliasTaken));
    }
    granted!(finish(step, tx, &mut user, tried.then_some(what)).await?);
    let place = step.place.showing(factor.into());
    Ok(next::sign_in(place, &user).await?.map_err(Into::into))
}

/// Whether a contact can count as verified: where it would become an alias that somebody else holds,
/// it stays as it is, rather than keep the user from signing in.
async fn may_verify(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    contact: Contact,
) -> Result<bool, Fault> {
    if user.is_verified(contact.attribute()) {
        return Ok(false);
    }
    let value = user.attribute(contact.attribute()).unwrap_or_default();
    let is_alias = pool.alias_attributes().iter().any(|a| a.as_str() == contact.attribute());
    if !is_alias {
        return Ok(true);
    }
    let holder = tx.user_by_alias(pool.id(), &pool.name_key(value)).await?;
    Ok(holder.is_none_or(|holder| holder.sub == user.sub))
}
