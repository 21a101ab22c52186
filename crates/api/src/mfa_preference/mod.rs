//! Operations on a user's choice of second factors.

mod admin_get_user_auth_factors;
mod admin_set_user_mfa_preference;
mod admin_set_user_settings;
mod get_user_auth_factors;
mod set_user_mfa_preference;
mod set_user_settings;

use poolhouse_domain::{
    Fault,
    mfa_preference::{Refused, Wish},
    ports::Transaction,
    shapes::{
        AuthFactorType, EmailMfaSettingsType, SMSMfaSettingsType, SoftwareTokenMfaSettingsType,
    },
    users::{MfaFactor, User},
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter};

/// What a request wishes for each factor that it names.
fn wishes(
    sms: Option<SMSMfaSettingsType>,
    software_token: Option<SoftwareTokenMfaSettingsType>,
    email: Option<EmailMfaSettingsType>,
) -> Vec<Wish> {
    let sms = sms.map(|s| (MfaFactor::Sms, s.enabled, s.preferred_mfa));
    let token = software_token.map(|s| (MfaFactor::SoftwareToken, s.enabled, s.preferred_mfa));
    let email = email.map(|s| (MfaFactor::Email, s.enabled, s.preferred_mfa));
    let named = [sms, token, email].into_iter().flatten();
    let wish = |(factor, enabled, preferred): (_, Option<bool>, Option<bool>)| Wish {
        factor,
        enabled: enabled.unwrap_or_default(),
        preferred: preferred.unwrap_or_default(),
    };
    named.map(wish).collect()
}

/// What is said of preferences that are not accepted.
fn refusal<Op>(refused: Refused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(match refused {
        Refused::NotSetUp(factor) => {
            let name = factor.as_str();
            format!("User does not have delivery config set to turn on {name}")
        }
        // Beliefs: the service's texts for these are not on record.
        Refused::NotByPasskey => {
            "User does not have delivery config set to turn on WEB_AUTHN_MFA".to_owned()
        }
        Refused::TwoPreferred => "Only one MFA option can be preferred.".to_owned(),
        Refused::PreferredButOff => "A disabled MFA option can't be preferred.".to_owned(),
        Refused::NotSms => {
            "MFAOptions can only set SMS as delivery medium of phone_number.".to_owned()
        }
    })
}

/// Factors with which a user can sign in, whatever the pool's policy.
async fn configured_factors(
    tx: &mut dyn Transaction,
    user: &User,
) -> Result<Vec<AuthFactorType>, Fault> {
    let passkeys = tx.passkeys_of_user(&user.user_pool_id, &user.sub).await?;
    let all = [
        (AuthFactorType::Password, user.password.is_some()),
        (AuthFactorType::EmailOtp, user.is_verified("email")),
        (AuthFactorType::SmsOtp, user.is_verified("phone_number")),
        (AuthFactorType::WebAuthn, !passkeys.is_empty()),
        (AuthFactorType::SoftwareToken, user.software_token.is_verified()),
    ];
    Ok(all.into_iter().filter_map(|(factor, has)| has.then_some(factor)).collect())
}
