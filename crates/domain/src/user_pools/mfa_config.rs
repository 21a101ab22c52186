//! The second factors that a pool offers: `SetUserPoolMfaConfig` and `GetUserPoolMfaConfig`.

use super::{
    FactorSettings, Feature, UserPool,
    settings::{self, SettingsRefused},
};
use crate::{
    ports::Identity,
    shapes::{
        GetUserPoolMfaConfigResponse, SetUserPoolMfaConfigRequest, SmsMfaConfigType,
        SoftwareTokenMfaConfigType, UserPoolMfaType,
    },
    time::Timestamp,
};

/// Replaces the whole MFA state of the pool: whatever the request omits is switched off. (So it
/// was measured: <https://github.com/go-to-k/cdkd>.) The pool must not be stored after a refusal.
pub fn replace(
    pool: &mut UserPool,
    request: SetUserPoolMfaConfigRequest,
    identity: &Identity,
    now: Timestamp,
) -> Result<(), SettingsRefused> {
    let mfa = request.mfa_configuration.unwrap_or(UserPoolMfaType::Off);
    check_combination(mfa, &request)?;
    check_tier(pool, &request)?;
    let asks_sms = request.sms_mfa_configuration.is_some();
    if let Some(sms) = request.sms_mfa_configuration {
        pool.settings.sms_authentication_message = sms.sms_authentication_message;
        if let Some(mut configuration) = sms.sms_configuration {
            settings::fill_region(&mut configuration, identity);
            pool.settings.sms_configuration = Some(configuration);
        }
    }
    let software_token = request.software_token_mfa_configuration.and_then(|token| token.enabled);
    pool.factors = FactorSettings {
        sms: asks_sms && pool.settings.sms_configuration.is_some(),
        software_token: software_token == Some(true),
        email: request.email_mfa_configuration,
        web_authn: request.web_authn_configuration,
    };
    let factors = &pool.factors;
    let has_factor = factors.sms || factors.software_token || factors.email.is_some();
    if mfa != UserPoolMfaType::Off && !has_factor {
        return Err(SettingsRefused::AllFactorsDisabled);
    }
    pool.settings.mfa_configuration = Some(mfa);
    pool.settings.last_modified_date = Some(now.to_wire());
    settings::check(pool, identity)
}

/// Factors and the switch must fit each other.
fn check_combination(
    mfa: UserPoolMfaType,
    request: &SetUserPoolMfaConfigRequest,
) -> Result<(), SettingsRefused> {
    let names_factor = request.sms_mfa_configuration.is_some()
        || request.software_token_mfa_configuration.is_some()
        || request.email_mfa_configuration.is_some();
    match (mfa, names_factor) {
        (UserPoolMfaType::Off, true) => Err(SettingsRefused::FactorsWithoutMfa),
        (UserPoolMfaType::On | UserPoolMfaType::Optional, false) => {
            Err(SettingsRefused::NoFactorGiven)
        }
        _ => Ok(()),
    }
}

/// Factors that not every tier has.
fn check_tier(
    pool: &UserPool,
    request: &SetUserPoolMfaConfigRequest,
) -> Result<(), SettingsRefused> {
    if request.email_mfa_configuration.is_some() {
        pool.has_in_tier(Feature::EMAIL_MFA)?;
    }
    if request.web_authn_configuration.is_some() {
        pool.has_in_tier(Feature::PASSKEYS)?;
    }
    Ok(())
}

/// The MFA state of the pool. A factor that is off is absent.
pub fn describe(pool: &UserPool) -> GetUserPoolMfaConfigResponse {
    let factors = &pool.factors;
    GetUserPoolMfaConfigResponse {
        sms_mfa_configuration: factors.sms.then(|| SmsMfaConfigType {
            sms_authentication_message: pool.settings.sms_authentication_message.clone(),
            sms_configuration: pool.settings.sms_configuration.clone(),
        }),
        software_token_mfa_configuration: factors
            .software_token
            .then_some(SoftwareTokenMfaConfigType { enabled: Some(true) }),
        email_mfa_configuration: factors.email.clone(),
        mfa_configuration: Some(pool.mfa()),
        web_authn_configuration: factors.web_authn.clone(),
    }
}
