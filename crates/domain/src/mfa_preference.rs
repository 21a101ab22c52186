//! Which second factors a user has switched on, and which one is asked for first.

use crate::{
    passkeys,
    shapes::{DeliveryMediumType, MFAOptionType},
    user_pools::UserPool,
    users::{MfaFactor, User},
};

/// A wish for one factor. Factors that a request doesn't name stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The factor.
    pub factor: MfaFactor,
    /// Whether it is to be on.
    pub enabled: bool,
    /// Whether it is to be the preferred one.
    pub preferred: bool,
}

/// Why preferences are refused. Nothing changes then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More than one factor was to be preferred.
    TwoPreferred,
    /// A factor was to be preferred and off.
    PreferredButOff,
    /// The user lacks what the factor needs: a verified software token, a telephone number, an
    /// e-mail address.
    NotSetUp(MfaFactor),
    /// Passkeys can't stand for both factors in the pool, or the user has no other second factor.
    NotByPasskey,
    /// An option of old that is not about text messages to the user's telephone number.
    NotSms,
}

/// Replaces the options of old, which know text messages to `phone_number` only. None switch them
/// off. What was chosen by [`apply`] stays.
pub fn set_options(user: &mut User, options: &[MFAOptionType]) -> Result<(), Refused> {
    let is_sms = |option: &MFAOptionType| {
        option.delivery_medium == Some(DeliveryMediumType::Sms)
            && option.attribute_name.as_deref() == Some("phone_number")
    };
    if !options.iter().all(is_sms) {
        return Err(Refused::NotSms);
    }
    let is_wanted = !options.is_empty();
    if is_wanted && !is_set_up(user, MfaFactor::Sms) {
        return Err(Refused::NotSetUp(MfaFactor::Sms));
    }
    user.mfa.sms_option = is_wanted;
    Ok(())
}

/// The options of old that a user has, none instead of an empty list.
pub fn options(user: &User) -> Option<Vec<MFAOptionType>> {
    let sms = MFAOptionType {
        delivery_medium: Some(DeliveryMediumType::Sms),
        attribute_name: Some("phone_number".to_owned()),
    };
    user.mfa.sms_option.then(|| vec![sms])
}

/// Applies the wishes to a user.
///
/// A factor that the pool does not offer may be switched on all the same
/// (<https://github.com/aws-amplify/amplify-js/issues/11260>), and everything may be switched off
/// even where the pool requires MFA.
pub fn apply(user: &mut User, wishes: &[Wish]) -> Result<(), Refused> {
    if wishes.iter().filter(|wish| wish.preferred).count() > 1 {
        return Err(Refused::TwoPreferred);
    }
    for wish in wishes {
        if wish.preferred && !wish.enabled {
            return Err(Refused::PreferredButOff);
        }
        if wish.enabled && !is_set_up(user, wish.factor) {
            return Err(Refused::NotSetUp(wish.factor));
        }
    }
    for wish in wishes {
        if wish.enabled {
            user.mfa.enabled.insert(wish.factor);
        } else {
            user.mfa.enabled.remove(&wish.factor);
            // Off is off, however it was switched on: a belief.
            user.mfa.sms_option &= wish.factor != MfaFactor::Sms;
        }
        if wish.preferred {
            user.mfa.preferred = Some(wish.factor);
        } else if user.mfa.preferred == Some(wish.factor) {
            user.mfa.preferred = None;
        }
    }
    Ok(())
}

/// Lets a user's passkeys stand for both factors, or no longer. After [`apply`], as the user needs
/// another second factor for sign-ins by password.
pub fn set_by_passkey(pool: &UserPool, user: &mut User, is_wanted: bool) -> Result<(), Refused> {
    if is_wanted && (!passkeys::is_multi_factor(pool) || user.mfa.enabled.is_empty()) {
        return Err(Refused::NotByPasskey);
    }
    user.mfa.by_passkey = is_wanted;
    Ok(())
}

/// Whether the user has what the factor needs.
fn is_set_up(user: &User, factor: MfaFactor) -> bool {
    match factor {
        MfaFactor::Sms => user.attribute("phone_number").is_some(),
        MfaFactor::Email => user.attribute("email").is_some(),
        MfaFactor::SoftwareToken => user.software_token.is_verified(),
    }
}

/// Switches a factor off, when what it needs is gone.
pub fn drop_factor(user: &mut User, factor: MfaFactor) {
    user.mfa.enabled.remove(&factor);
    user.mfa.sms_option &= factor != MfaFactor::Sms;
    if user.mfa.preferred == Some(factor) {
        user.mfa.preferred = None;
    }
}
