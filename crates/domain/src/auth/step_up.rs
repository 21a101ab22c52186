//! The level that an application wants a sign-in by choice to reach (`TARGET_ACR_VALUES`), and the
//! credit that an earlier sign-in gives for it (`ACCESS_TOKEN`, `MAX_AGE`).
//!
//! The levels are tried in the application's order; the first that the user can reach is the target.
//! If none is, the sign-in goes on as if none had been asked for, and the tokens tell what was reached
//! (belief: the documentation only speaks of values that are not valid).
//!
//! An access token counts for what was shown when it was issued, so that a second factor may be all
//! that is asked. It never counts for everything: whoever has got hold of one must not get a refresh
//! token for it, so that a level which it reaches by itself is reached anew (belief).

use super::{
    Parameters, Place, choice, first_factor::check_state, hosted, next, start::StartRefused,
};
use crate::{
    attributes::Contact,
    auth_levels::{self, Level, Method, Methods},
    fault::{Fault, Ruling},
    granted,
    shapes::{ChallengeNameType as Name, UserPoolMfaType, UserStatusType},
    tokens::access::{self, TokenRefused},
    user_pools::TierRefused,
    users::{MfaFactor, User},
};

/// Why what is said of levels doesn't do. The texts for it are beliefs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelsRefused {
    /// The pool's tier has no levels.
    Tier(TierRefused),
    /// None of the values is a level.
    NoneValid,
    /// There is an access token and no level to be reached.
    NoTarget,
    /// `MAX_AGE` is no number of seconds.
    BadMaxAge,
    /// The access token is not accepted.
    Token(TokenRefused),
    /// The access token is another user's or app client's.
    OtherUser,
}

/// What a sign-in aims at.
pub(super) enum Aimed<'a> {
    /// At a level that the token leads to by a second factor alone. The user may sign in.
    ByToken(Place<'a>),
    /// At the place's target, if it has one, by a first factor.
    At(Place<'a>),
}

/// Reads what the application wants, and chooses the target.
pub(super) async fn aim<'a>(
    place: Place<'a>,
    user: Option<&User>,
    parameters: &Parameters,
) -> Ruling<Aimed<'a>, StartRefused> {
    let given = |name: &str| parameters.get(name).map(String::as_str).filter(|v| !v.is_empty());
    let token = given("ACCESS_TOKEN");
    let Some(names) = given("TARGET_ACR_VALUES") else {
        return Ok(match token {
            Some(_) => Err(LevelsRefused::NoTarget.into()),
            None => Ok(Aimed::At(place)),
        });
    };
    granted!(auth_levels::check_tier(place.pool).map_err(LevelsRefused::Tier));
    let wanted = auth_levels::named(place.pool, names);
    if wanted.is_empty() {
        return Ok(Err(LevelsRefused::NoneValid.into()));
    }
    let max_age = match given("MAX_AGE").map(str::parse::<u32>) {
        Some(Err(_)) => return Ok(Err(LevelsRefused::BadMaxAge.into())),
        Some(Ok(seconds)) => Some(seconds),
        None => None,
    };
    let credit = match token {
        Some(token) => granted!(credit(place, user, token, max_age).await?),
        None => Methods::NONE,
    };
    let ways = choice::shown_ways(place, user).await?;
    for target in wanted {
        let methods = if credit.level() < target { credit } else { Methods::NONE };
        let aimed = Place { methods, target, ..place };
        let may_go_on = |user: &&User| {
            methods.has(Method::Password)
                && user.status == UserStatusType::Confirmed
                && place.pool.mfa() != UserPoolMfaType::Off
                && !factors(aimed, user).is_empty()
        };
        if let Some(user) = user.filter(may_go_on) {
            granted!(check_state(user));
            return Ok(Ok(Aimed::ByToken(aimed)));
        }
        if !ways.toward(aimed).is_empty() {
            return Ok(Ok(Aimed::At(aimed)));
        }
    }
    Ok(Ok(Aimed::At(place)))
}

/// What an access token counts for.
async fn credit(
    place: Place<'_>,
    user: Option<&User>,
    token: &str,
    max_age: Option<u32>,
) -> Ruling<Methods, LevelsRefused> {
    let bearer =
        granted!(access::authenticate(place.ports, token).await?.map_err(LevelsRefused::Token));
    let is_theirs = user.is_some_and(|user| user.sub == bearer.user.sub)
        && bearer.pool.id() == place.pool.id()
        && bearer.client.id() == place.client.id();
    if !is_theirs {
        return Ok(Err(LevelsRefused::OtherUser));
    }
    let age = place.ports.clock.now().seconds() - bearer.claims.auth_time;
    if max_age.is_some_and(|most| age > i64::from(most)) {
        return Ok(Ok(Methods::NONE));
    }
    // A password that was replaced since counts no more, nor does a second factor beside it.
    let set_at = bearer.user.password.as_ref().map(|password| password.set_at.seconds());
    let methods = Methods::of_amr(&bearer.claims.amr);
    let is_replaced = set_at.is_none_or(|set_at| set_at > bearer.claims.auth_time);
    let is_outdated = methods.has(Method::Password) && is_replaced;
    Ok(Ok(if is_outdated { Methods::NONE } else { methods }))
}

/// The first of these levels that somebody can reach by signing in at the pages; none if there is none.
/// It takes as long to find out for nobody.
pub(super) async fn reachable(
    place: Place<'_>,
    user: Option<&User>,
    wanted: &[Level],
) -> Result<Level, Fault> {
    let is_by_choice = hosted::is_by_choice(place.client) && !wanted.is_empty();
    let ways = if is_by_choice { Some(choice::ways(place, user).await?) } else { None };
    let is_reachable = |target: &Level| {
        let aimed = Place { target: *target, methods: Methods::NONE, ..place };
        if let Some(ways) = &ways {
            return !ways.toward(aimed).is_empty();
        }
        let has_password = user.is_none_or(|user| user.password.is_some());
        has_password && leads_to_target(aimed, user, Name::Password)
    };
    Ok(wanted.iter().copied().find(is_reachable).unwrap_or_default())
}

/// Whether what was shown so far doesn't reach the target.
pub(super) fn is_needed(place: Place<'_>) -> bool {
    place.methods.level() < place.target
}

/// The second factors of the user that lead to the target; none if it is reached.
///
/// Of a user with factors that are switched on it is one of these: what an application aims at must not
/// replace them by another one. Of others a factor counts if it is proved to be theirs.
pub(super) fn factors(place: Place<'_>, user: &User) -> Vec<MfaFactor> {
    if !is_needed(place) || place.pool.mfa() == UserPoolMfaType::Off {
        return Vec::new();
    }
    let usable = next::usable_factors(place, user);
    let is_had = |factor: MfaFactor| {
        let is_proved = |contact: Contact| {
            let name = contact.attribute();
            place.pool.offers(factor) && user.attribute(name).is_some() && user.is_verified(name)
        };
        match factor {
            MfaFactor::SoftwareToken => user.software_token.is_verified(),
            MfaFactor::Sms => is_proved(Contact::PhoneNumber),
            MfaFactor::Email => is_proved(Contact::Email),
        }
    };
    let all = [MfaFactor::Sms, MfaFactor::Email, MfaFactor::SoftwareToken];
    let leads = |factor: MfaFactor| place.methods.with(factor.into()).level() >= place.target;
    let may_be_asked = |factor: &MfaFactor| {
        if usable.is_empty() { is_had(*factor) } else { usable.contains(factor) }
    };
    all.into_iter().filter(|factor| may_be_asked(factor) && leads(*factor)).collect()
}

/// Whether a first factor, and a second one if there is one after it, leads to the target.
/// Nobody is like a user without second factors.
pub(super) fn leads_to_target(place: Place<'_>, user: Option<&User>, name: Name) -> bool {
    if place.target == Level::NONE {
        return true;
    }
    let method = match name {
        Name::EmailOtp => Method::Email,
        Name::SmsOtp => Method::Sms,
        Name::WebAuthn => Method::PlatformPasskey,
        _ => Method::Password,
    };
    let after = place.showing(method);
    !is_needed(after)
        || (method == Method::Password && user.is_some_and(|user| !factors(after, user).is_empty()))
}
