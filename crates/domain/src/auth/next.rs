//! What is asked after a right first factor.

use std::collections::BTreeMap;

use super::{
    Challenge, Outcome, Place,
    custom::{self, Flow},
    device,
    first_factor::{SignInRefused, check_state_without_password},
    hosted, second_factor,
    session::{ChallengeSession, Step},
    step_up, watch,
};
use crate::{
    fault::{Fault, Ruling},
    granted,
    shapes::{ChallengeNameType, UserPoolMfaType, UserStatusType},
    tokens::issue::{self, Ended, Tokens},
    triggers::post_authentication,
    users::{MfaFactor, User},
};

/// Goes on after a right password: a temporary one has to be replaced before anything else.
pub(super) async fn after_password(
    place: Place<'_>,
    user: &User,
) -> Ruling<Outcome, SignInRefused> {
    if user.status == UserStatusType::ForceChangePassword {
        return ask_new_password(place, user).map(Ok);
    }
    after_first_factor(place, user).await
}

/// Goes on after the first factor: a second one or a device that stands in for it, or tokens.
pub(super) async fn after_first_factor(
    place: Place<'_>,
    user: &User,
) -> Ruling<Outcome, SignInRefused> {
    if let Some(device) = device::in_place_of_second_factor(place, user).await? {
        return device::ask(place, user, &device).await.map(Ok);
    }
    let mfa = place.pool.mfa();
    if mfa == UserPoolMfaType::Off {
        return sign_in(place, user).await;
    }
    let for_level = step_up::factors(place, user);
    let factors = if for_level.is_empty() { usable_factors(place, user) } else { for_level };
    let preferred = user.mfa.preferred.filter(|factor| factors.contains(factor));
    match (preferred, factors.as_slice()) {
        (Some(factor), _) | (None, &[factor]) => {
            Ok(second_factor::ask(place, user, factor).await?.map_err(Into::into))
        }
        (None, []) if mfa == UserPoolMfaType::On => {
            let asked = ask_mfa_setup(place, user)?;
            if asked.is_err() {
                watch::ended(place, user).await?;
            }
            Ok(asked)
        }
        (None, []) => sign_in(place, user).await,
        (None, _) => ask_selection(place, user, factors).map(Ok),
    }
}

/// Nothing more is to be shown: the sign-in is complete, unless it is one in which functions decide.
pub(super) async fn sign_in(place: Place<'_>, user: &User) -> Ruling<Outcome, SignInRefused> {
    match place.custom.filter(|flow| flow.is_open()) {
        // Its functions may take long: the device is looked at again after them.
        Some(flow) => Box::pin(custom::go_on(Place { device: None, ..place }, flow, user)).await,
        None => finish(place, user).await,
    }
}

/// Tokens, unless a remembered device still has to prove itself.
pub(super) async fn finish(place: Place<'_>, user: &User) -> Ruling<Outcome, SignInRefused> {
    if place.is_hosted {
        return hosted::finish(place, user).await;
    }
    let is_proved = place.custom.is_some_and(Flow::proved_device);
    match device::named(place, user).await? {
        Some(device) if device.is_remembered && !is_proved => {
            device::ask(place, user, &device).await.map(Ok)
        }
        known => device::sign_in(place, user, known).await,
    }
}

/// The tokens of a sign-in that has come to its end, on the device of this key where devices are
/// tracked, unless the function that learns of it refuses. What was used up for it stays so: codes
/// and sessions are good for one try, however it ends.
pub(super) async fn tokens(
    place: Place<'_>,
    user: &User,
    device_key: Option<String>,
    is_new_device: bool,
) -> Ruling<Tokens, SignInRefused> {
    let Place { ports, pool, client, .. } = place;
    let told = post_authentication::tell(ports, pool, client, user, is_new_device).await?;
    let user = if granted!(told) { granted!(again(place, user).await?) } else { user.clone() };
    let event_id = watch::event_id(place);
    let ended = Ended { event_id: &event_id, device_key, methods: place.methods };
    let tokens = issue::for_sign_in(ports, pool, client, &user, ended, place.source).await?;
    let tokens = granted!(tokens);
    watch::signed_in(place, &user, &event_id).await?;
    Ok(Ok(tokens))
}

/// The user once more, after a function that may have changed them, or taken long.
pub(super) async fn again(place: Place<'_>, user: &User) -> Ruling<User, SignInRefused> {
    let mut view = place.ports.store.read().await?;
    let user = view.user_by_sub(place.pool.id(), &user.sub).await?;
    let Some(user) = user else { return Ok(Err(SignInRefused::UnknownUser)) };
    granted!(check_state_without_password(&user));
    Ok(Ok(user))
}

/// The second factors that can be asked of a user.
///
/// What the user has switched on and the pool offers; in a pool that requires MFA also what the
/// user merely has. A software token keeps counting after the pool stopped offering it.
pub(super) fn usable_factors(place: Place<'_>, user: &User) -> Vec<MfaFactor> {
    let (pool, has_token) = (place.pool, user.software_token.is_verified());
    let is_usable = |factor: &MfaFactor| match factor {
        MfaFactor::SoftwareToken => has_token,
        MfaFactor::Sms => pool.offers(*factor) && user.attribute("phone_number").is_some(),
        MfaFactor::Email => pool.offers(*factor) && user.attribute("email").is_some(),
    };
    let all = [MfaFactor::Sms, MfaFactor::Email, MfaFactor::SoftwareToken];
    let is_on = |factor: &MfaFactor| user.mfa.is_on(*factor) && is_usable(factor);
    let mut factors: Vec<_> = all.into_iter().filter(is_on).collect();
    if pool.mfa() != UserPoolMfaType::On {
        return factors;
    }
    if has_token && !factors.contains(&MfaFactor::SoftwareToken) {
        factors.push(MfaFactor::SoftwareToken);
    }
    if factors.is_empty() {
        factors.extend([MfaFactor::Sms, MfaFactor::Email].into_iter().filter(is_usable));
    }
    factors
}

/// `NEW_PASSWORD_REQUIRED`: tells which attributes the user has, and which they still need.
fn ask_new_password(place: Place<'_>, user: &User) -> Result<Outcome, Fault> {
    let required: Vec<_> = missing_attributes(place, user)
        .into_iter()
        .map(|name| format!("userAttributes.{name}"))
        .collect();
    let parameters = BTreeMap::from([
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
        ("requiredAttributes".to_owned(), json(&required)?),
        ("userAttributes".to_owned(), json(&user.attributes)?),
    ]);
    let name = ChallengeNameType::NewPasswordRequired;
    challenge(place, user, name, Step::NewPassword, parameters)
}

/// Attributes that the pool requires and the user lacks.
pub(super) fn missing_attributes(place: Place<'_>, user: &User) -> Vec<String> {
    let required = place.pool.required_attributes();
    let missing = required.into_iter().filter(|name| user.attribute(name).is_none());
    missing.map(Into::into).collect()
}

/// `MFA_SETUP`: tells which factors can be set up.
///
/// No answer to it takes a telephone number: an application has to get the user one before they sign in
/// again. Where codes by text message are all that is offered, there is nothing to be set up
/// (<https://github.com/aws-amplify/amplify-flutter/issues/95>,
/// <https://github.com/aws-amplify/amplify-js/issues/14013>), other than at the pages of a domain.
pub(super) fn ask_mfa_setup(place: Place<'_>, user: &User) -> Ruling<Outcome, SignInRefused> {
    let all = [MfaFactor::Sms, MfaFactor::SoftwareToken, MfaFactor::Email];
    let offered: Vec<_> = all.into_iter().filter(|factor| place.pool.offers(*factor)).collect();
    if !place.is_hosted && offered.iter().all(|factor| *factor == MfaFactor::Sms) {
        return Ok(Err(SignInRefused::NoSecondFactor));
    }
    let parameters = BTreeMap::from([
        ("MFAS_CAN_SETUP".to_owned(), names(&offered)?),
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
    ]);
    let step = Step::MfaSetup(offered);
    challenge(place, user, ChallengeNameType::MfaSetup, step, parameters).map(Ok)
}

/// `SELECT_MFA_TYPE`: tells between which factors the user can choose.
fn ask_selection(place: Place<'_>, user: &User, factors: Vec<MfaFactor>) -> Result<Outcome, Fault> {
    let parameters = BTreeMap::from([
        ("MFAS_CAN_CHOOSE".to_owned(), names(&factors)?),
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
    ]);
    challenge(place, user, ChallengeNameType::SelectMfaType, Step::SelectMfa(factors), parameters)
}

/// A challenge with a new session.
pub(super) fn challenge(
    place: Place<'_>,
    user: &User,
    name: ChallengeNameType,
    step: Step,
    parameters: BTreeMap<String, String>,
) -> Result<Outcome, Fault> {
    let session = ChallengeSession::new(place, user, step).seal(place.ports)?;
    Ok(Outcome::Challenged(Challenge { name, parameters, session: Some(session) }))
}

/// Factors as the JSON text in which challenge parameters hold lists.
fn names(factors: &[MfaFactor]) -> Result<String, Fault> {
    json(&factors.iter().map(|factor| factor.as_str()).collect::<Vec<_>>())
}

/// A value as the JSON text in which challenge parameters hold what is no text.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|error| Fault::because("a challenge parameter can't be written", error))
}
