//! What the settings of a pool must obey, and what must hold among them.

use std::collections::BTreeSet;

use super::SettingsRefused;
use crate::{
    arn,
    ports::Identity,
    regions,
    shapes::{
        AdvancedSecurityModeType, AuthFactorType, EmailConfigurationType, EmailSendingAccountType,
        EncryptionKeyType, LambdaConfigType, MessageTemplateType,
        PreTokenGenerationLambdaVersionType, RecoveryOptionNameType, RecoveryOptionType,
        SmsConfigurationType, StatusType, UpdateUserPoolRequest, UserPoolMfaType, UserPoolType,
        VerifiedAttributeType, WebAuthnFactorConfigurationType,
    },
    tags,
    user_pools::{Feature, UserPool},
};

/// What the service demands of the e-mail and of the text message that invite a user.
const INVITATION_PATTERNS: [&str; 2] = [
    r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*\{####\}[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*",
    r"(?s).*\{####\}(?s).*",
];

/// What can only be seen in the request itself.
pub(super) fn request(request: &UpdateUserPoolRequest) -> Result<(), SettingsRefused> {
    let policies = request.policies.as_ref();
    let policy = policies.and_then(|policies| policies.password_policy.as_ref());
    let new_days = policy.and_then(|policy| policy.temporary_password_validity_days);
    let admin = request.admin_create_user_config.as_ref();
    let old_days = admin.and_then(|config| config.unused_account_validity_days);
    if new_days.is_some() && old_days.is_some() {
        return Err(SettingsRefused::TwoValidities);
    }
    Ok(())
}

/// Checks the settings of a pool as they are to be stored.
pub(in crate::user_pools) fn check(
    pool: &UserPool,
    identity: &Identity,
) -> Result<(), SettingsRefused> {
    let settings = &pool.settings;
    check_verification(pool)?;
    if let Some(sms) = &settings.sms_configuration {
        check_sms(sms, identity)?;
    }
    if let Some(sender) = &settings.email_configuration {
        check_sender(sender, identity)?;
    }
    if let Some(triggers) = &settings.lambda_config {
        check_triggers(triggers, identity)?;
    }
    if let Some(setting) = &settings.account_recovery_setting {
        check_recovery(setting.recovery_mechanisms.as_deref().unwrap_or_default())?;
    }
    let admin = settings.admin_create_user_config.as_ref();
    if let Some(invitation) = admin.and_then(|config| config.invite_message_template.as_ref()) {
        check_invitation(invitation, first_factors(settings))?;
    }
    if let Some(tags) = &settings.user_pool_tags {
        tags::check(tags)?;
    }
    check_key(settings)?;
    check_mfa(pool)?;
    check_relying_party(pool)?;
    check_first_factors(pool)?;
    check_tier(pool)
}

/// The first factors of the sign-in policy.
fn first_factors(settings: &UserPoolType) -> &[AuthFactorType] {
    let policy = settings.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
    policy.and_then(|policy| policy.allowed_first_auth_factors.as_deref()).unwrap_or_default()
}

/// Automatic verification, and verification before a change.
fn check_verification(pool: &UserPool) -> Result<(), SettingsRefused> {
    let verified = pool.auto_verified_attributes();
    let by_phone = verified.contains(&VerifiedAttributeType::PhoneNumber);
    if by_phone && pool.settings.sms_configuration.is_none() {
        return Err(SettingsRefused::AutoVerificationWithoutSms);
    }
    let before_update = pool
        .settings
        .user_attribute_update_settings
        .as_ref()
        .and_then(|settings| settings.attributes_require_verification_before_update.as_deref())
        .unwrap_or_default();
    if before_update.iter().any(|attribute| !verified.contains(attribute)) {
        return Err(SettingsRefused::UpdateVerificationNotSubset);
    }
    Ok(())
}

/// The sender of text messages.
fn check_sms(sms: &SmsConfigurationType, identity: &Identity) -> Result<(), SettingsRefused> {
    let caller = match (&sms.sns_caller_arn, &sms.eums_sms) {
        (None, None) => return Err(SettingsRefused::SmsWithoutCaller),
        (Some(_), Some(_)) => return Err(SettingsRefused::TwoSmsSenders),
        (Some(caller), None) => caller,
        (None, Some(eums)) => {
            if eums.region.as_ref().is_some_and(|region| *region != identity.region) {
                return Err(SettingsRefused::SnsRegion);
            }
            &eums.caller_arn
        }
    };
    if !identity.owns(caller) {
        return Err(SettingsRefused::CrossAccountRole);
    }
    let may_send = |region: &String| regions::may_send_text_messages(&identity.region, region);
    if sms.sns_region.as_ref().is_none_or(may_send) {
        return Ok(());
    }
    Err(SettingsRefused::SnsRegion)
}

/// The sender of mail.
fn check_sender(
    sender: &EmailConfigurationType,
    identity: &Identity,
) -> Result<(), SettingsRefused> {
    let is_own = sender.email_sending_account == Some(EmailSendingAccountType::Developer);
    match (&sender.source_arn, is_own) {
        (None, true) => return Err(SettingsRefused::DeveloperWithoutSource),
        (Some(_), false) => return Err(SettingsRefused::SourceOnDefaultSender),
        (Some(arn), true) => {
            regions::check_mail(arn, &identity.region).map_err(SettingsRefused::SesRegion)?;
        }
        (None, false) => {}
    }
    if sender.from.as_deref().is_some_and(|from| !is_sender_address(from)) {
        return Err(SettingsRefused::InvalidFrom);
    }
    Ok(())
}

/// Whether the text is `local@domain` or `Name <local@domain>`.
fn is_sender_address(from: &str) -> bool {
    let address = match from.trim_end().strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((_, address)) => address,
        None => from,
    };
    let has_space = address.contains(char::is_whitespace);
    let parts = address.rsplit_once('@');
    !has_space && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Triggers and custom senders.
fn check_triggers(triggers: &LambdaConfigType, identity: &Identity) -> Result<(), SettingsRefused> {
    let plain = [
        &triggers.pre_sign_up,
        &triggers.custom_message,
        &triggers.post_confirmation,
        &triggers.pre_authentication,
        &triggers.post_authentication,
        &triggers.define_auth_challenge,
        &triggers.create_auth_challenge,
        &triggers.verify_auth_challenge_response,
        &triggers.pre_token_generation,
        &triggers.user_migration,
    ];
    let versioned = [
        triggers.pre_token_generation_config.as_ref().map(|config| &config.lambda_arn),
        triggers.custom_sms_sender.as_ref().map(|config| &config.lambda_arn),
        triggers.custom_email_sender.as_ref().map(|config| &config.lambda_arn),
        triggers.inbound_federation.as_ref().map(|config| &config.lambda_arn),
    ];
    let mut functions = plain.into_iter().flatten().chain(versioned.into_iter().flatten());
    if functions.any(|arn| arn::region(arn) != Some(identity.region.as_str())) {
        return Err(SettingsRefused::CrossRegionTrigger);
    }
    let has_custom_sender =
        triggers.custom_sms_sender.is_some() || triggers.custom_email_sender.is_some();
    match &triggers.kms_key_id {
        None if has_custom_sender => return Err(SettingsRefused::CustomSenderWithoutKey),
        Some(key) if arn::region(key) != Some(identity.region.as_str()) => {
            let region = arn::region(key).unwrap_or_default();
            return Err(SettingsRefused::KmsKeyRegion(region.to_owned()));
        }
        _ => {}
    }
    let config = triggers.pre_token_generation_config.as_ref().map(|config| &config.lambda_arn);
    if config != triggers.pre_token_generation.as_ref() {
        return Err(SettingsRefused::TwoPreTokenTriggers);
    }
    Ok(())
}

/// The ways to recover an account.
fn check_recovery(mechanisms: &[RecoveryOptionType]) -> Result<(), SettingsRefused> {
    let names: BTreeSet<&str> = mechanisms.iter().map(|option| option.name.as_str()).collect();
    let priorities: BTreeSet<i32> = mechanisms.iter().map(|option| option.priority).collect();
    if names.len() > 1 && names.contains(RecoveryOptionNameType::AdminOnly.as_str()) {
        return Err(SettingsRefused::AdminOnlyWithOthers);
    }
    if names.len() < mechanisms.len() || priorities.len() < mechanisms.len() {
        return Err(SettingsRefused::DuplicateRecovery);
    }
    Ok(())
}

/// The invitation must say who is invited, and with which password. Where nobody needs a password, it
/// may be left out; how the service tells such pools is a belief.
fn check_invitation(
    invitation: &MessageTemplateType,
    first_factors: &[AuthFactorType],
) -> Result<(), SettingsRefused> {
    let texts =
        [("emailMessage", &invitation.email_message), ("smsMessage", &invitation.sms_message)];
    let is_needed = first_factors.iter().all(|factor| *factor == AuthFactorType::Password);
    let mut violations = Vec::new();
    for ((member, text), pattern) in texts.into_iter().zip(INVITATION_PATTERNS) {
        if let Some(text) = text.as_ref().filter(|text| is_needed && !text.contains("{####}")) {
            violations.push(format!(
                "Value '{text}' at 'adminCreateUserConfig.inviteMessage.{member}' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: {pattern}"
            ));
        }
    }
    if !violations.is_empty() {
        return Err(SettingsRefused::InvitationWithoutPassword(violations));
    }
    let texts = [&invitation.email_message, &invitation.sms_message];
    if texts.into_iter().flatten().all(|text| text.contains("{username}")) {
        return Ok(());
    }
    Err(SettingsRefused::InvitationWithoutUsername)
}

/// The key that encrypts the pool.
fn check_key(settings: &UserPoolType) -> Result<(), SettingsRefused> {
    let Some(key) = &settings.key_configuration else {
        return Ok(());
    };
    if key.key_type == Some(EncryptionKeyType::CustomerManagedKey) && key.kms_key_arn.is_none() {
        return Err(SettingsRefused::CustomerKeyWithoutArn);
    }
    Ok(())
}

/// Second factors.
fn check_mfa(pool: &UserPool) -> Result<(), SettingsRefused> {
    let factors = &pool.factors;
    let has_factor = factors.sms || factors.software_token || factors.email.is_some();
    if pool.mfa() != UserPoolMfaType::Off && !has_factor {
        return Err(SettingsRefused::MfaWithoutFactor);
    }
    let sender = pool.settings.email_configuration.as_ref();
    let account = sender.and_then(|sender| sender.email_sending_account);
    if factors.email.is_some() && account != Some(EmailSendingAccountType::Developer) {
        return Err(SettingsRefused::EmailMfaOnDefaultSender);
    }
    Ok(())
}

/// The relying party of passkeys is a bare name: no scheme, port or path.
fn check_relying_party(pool: &UserPool) -> Result<(), SettingsRefused> {
    let id = pool.factors.web_authn.as_ref().and_then(|config| config.relying_party_id.as_ref());
    let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    match id {
        Some(id) if !id.chars().all(is_fit) => Err(SettingsRefused::RelyingParty),
        _ => Ok(()),
    }
}

/// First factors, also against second ones.
fn check_first_factors(pool: &UserPool) -> Result<(), SettingsRefused> {
    let factors = first_factors(&pool.settings);
    if !factors.contains(&AuthFactorType::Password) {
        return Err(SettingsRefused::FirstFactorsWithoutPassword);
    }
    if factors.contains(&AuthFactorType::SoftwareToken) {
        return Err(SettingsRefused::SoftwareTokenFirst);
    }
    if factors.contains(&AuthFactorType::SmsOtp) && pool.settings.sms_configuration.is_none() {
        return Err(SettingsRefused::SmsOtpWithoutSms);
    }
    if pool.mfa() != UserPoolMfaType::On {
        return Ok(());
    }
    if factors.iter().any(|f| matches!(f, AuthFactorType::EmailOtp | AuthFactorType::SmsOtp)) {
        return Err(SettingsRefused::OtpFirstWithMfa);
    }
    let passkeys = pool.factors.web_authn.as_ref().and_then(|config| config.factor_configuration);
    let is_single = passkeys.unwrap_or(WebAuthnFactorConfigurationType::SingleFactor)
        == WebAuthnFactorConfigurationType::SingleFactor;
    if is_single && factors.contains(&AuthFactorType::WebAuthn) {
        return Err(SettingsRefused::SingleFactorPasskeyWithMfa);
    }
    Ok(())
}

/// Features that the pool's tier does not have.
fn check_tier(pool: &UserPool) -> Result<(), SettingsRefused> {
    let settings = &pool.settings;
    let is_passwordless =
        first_factors(settings).iter().any(|factor| *factor != AuthFactorType::Password);
    let triggers = settings.lambda_config.as_ref();
    let before_tokens = triggers.and_then(|config| config.pre_token_generation_config.as_ref());
    let version = before_tokens.map(|config| config.lambda_version);
    let registration = settings.dcr_configuration.as_ref().and_then(|dcr| dcr.enable_status);
    let protection =
        settings.user_pool_add_ons.as_ref().map(|add_ons| add_ons.advanced_security_mode);
    let in_use = [
        (is_passwordless, Feature::PASSWORDLESS),
        (pool.factors.email.is_some(), Feature::EMAIL_MFA),
        (pool.factors.web_authn.is_some(), Feature::PASSKEYS),
        (pool.sessions.is_tracking, Feature::SESSION_TRACKING),
        (version == Some(PreTokenGenerationLambdaVersionType::V20), Feature::TOKENS_V2),
        (version == Some(PreTokenGenerationLambdaVersionType::V30), Feature::TOKENS_V3),
        (pool.password_policy().history_size > 0, Feature::PASSWORD_HISTORY),
        (settings.acr_configuration.is_some(), Feature::ACR),
        (registration == Some(StatusType::Enabled), Feature::CLIENT_REGISTRATION),
        (
            protection.is_some_and(|mode| mode != AdvancedSecurityModeType::Off),
            Feature::THREAT_PROTECTION,
        ),
    ];
    let in_use = in_use.into_iter().filter_map(|(is_used, feature)| is_used.then_some(feature));
    Ok(pool.may_use_in_tier(in_use)?)
}
