//! What a request does to the settings of a pool.
//!
//! The reference says that whatever an update omits goes back to its default. Measurements
//! (<https://github.com/go-to-k/cdkd>, issues 1968, 1975, 1982) found that some settings are kept:
//! those are marked here. For the others the documented reset stands.

use std::collections::{BTreeMap, BTreeSet};

use poolhouse_wire::java_order::java_hash_order_by;

use super::SettingsRefused;
use crate::{
    ports::Identity,
    shapes::{
        AccountRecoverySettingType, AcrLevelConfigType, AdminCreateUserConfigType,
        AdvancedSecurityModeType, AuthFactorType, DcrConfigurationType, DefaultEmailOptionType,
        DeletionProtectionType, DeviceConfigurationType, EmailConfigurationType,
        EmailSendingAccountType, LambdaConfigType, OAuthFlowType, PasswordPolicyType,
        PreTokenGenerationLambdaVersionType, PreTokenGenerationVersionConfigType, SignInPolicyType,
        SmsConfigurationType, StatusType, UpdateUserPoolRequest, UserAttributeUpdateSettingsType,
        UserPoolMfaType, UserPoolPolicyType, UserPoolTierType, UserPoolType,
        VerificationMessageTemplateType, VerifiedAttributeType,
    },
    user_pools::{UserPool, password_policy::TEMPORARY_PASSWORD_DAYS},
};

/// Replaces or keeps every setting that can change.
pub(super) fn apply(
    pool: &mut UserPool,
    request: UpdateUserPoolRequest,
    identity: &Identity,
) -> Result<(), SettingsRefused> {
    let settings = &mut pool.settings;
    apply_policies(settings, request.policies, request.admin_create_user_config);
    settings.verification_message_template = Some(VerificationMessageTemplateType {
        sms_message: request.sms_verification_message,
        email_message: request.email_verification_message,
        email_subject: request.email_verification_subject,
        ..VerificationMessageTemplateType::default()
    });
    apply_texts(settings, request.verification_message_template.unwrap_or_default());
    // Reset when omitted.
    settings.sms_authentication_message = request.sms_authentication_message;
    settings.auto_verified_attributes =
        hash_order(request.auto_verified_attributes, |a| a.as_str());
    settings.deletion_protection =
        Some(request.deletion_protection.unwrap_or(DeletionProtectionType::Inactive));
    settings.lambda_config = Some(lambda_config(request.lambda_config.unwrap_or_default()));
    settings.email_configuration = Some(sender(request.email_configuration.unwrap_or_default()));
    settings.user_pool_tags = Some(request.user_pool_tags.unwrap_or_default());
    settings.user_pool_add_ons = request.user_pool_add_ons;
    settings.account_recovery_setting = request
        .account_recovery_setting
        .filter(|setting| *setting != AccountRecoverySettingType::default());
    settings.device_configuration = request
        .device_configuration
        .filter(|configuration| *configuration != DeviceConfigurationType::default());
    // Kept when omitted.
    replace(&mut settings.name, request.pool_name);
    replace(&mut settings.sms_configuration, request.sms_configuration);
    if let Some(sms) = &mut settings.sms_configuration {
        fill_region(sms, identity);
    }
    let update_verification = request
        .user_attribute_update_settings
        .and_then(|settings| settings.attributes_require_verification_before_update);
    apply_update_verification(settings, update_verification);
    replace(&mut settings.dcr_configuration, request.dcr_configuration.map(registration));
    replace(&mut settings.user_pool_tier, request.user_pool_tier);
    let is_protected = settings
        .user_pool_add_ons
        .as_ref()
        .is_some_and(|add_ons| add_ons.advanced_security_mode != AdvancedSecurityModeType::Off);
    // A new pool that asks for threat protection and names no tier gets the one that has it.
    let usual = if is_protected { UserPoolTierType::Plus } else { UserPoolTierType::Essentials };
    settings.user_pool_tier.get_or_insert(usual);
    replace(&mut settings.key_configuration, request.key_configuration);
    replace(&mut settings.issuer_configuration, request.issuer_configuration);
    let levels = request.acr_configuration.filter(|levels| !levels.is_empty());
    replace(&mut settings.acr_configuration, levels.map(context_classes).transpose()?);
    apply_mfa(pool, request.mfa_configuration);
    Ok(())
}

/// Takes the new value if there is one.
fn replace<T>(setting: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *setting = new;
    }
}

/// A set as the service lists it: in the order of a Java hash set, without duplicates. Nothing
/// for an empty one.
pub(super) fn hash_order<T: Copy>(
    values: Option<Vec<T>>,
    name: fn(&T) -> &'static str,
) -> Option<Vec<T>> {
    let values = values.filter(|values| !values.is_empty())?;
    Some(java_hash_order_by(values, |value| name(value)))
}

/// Password and sign-in policies, each kept when omitted, and what administrators' new users get.
///
/// Days of validity of temporary passwords have two homes that always agree. A policy that names
/// only some classes of characters does not demand the others: a belief.
fn apply_policies(
    settings: &mut UserPoolType,
    new: Option<UserPoolPolicyType>,
    admin: Option<AdminCreateUserConfigType>,
) {
    let new = new.unwrap_or_default();
    let old = settings.policies.take().unwrap_or_default();
    let given = new.password_policy.filter(|policy| *policy != PasswordPolicyType::default());
    let mut passwords = given.map(complete).or(old.password_policy).unwrap_or_else(strict);
    let mut admin = admin.unwrap_or_default();
    if let Some(days) = admin.unused_account_validity_days {
        passwords.temporary_password_validity_days = Some(days_or_default(days));
    }
    admin.unused_account_validity_days = passwords.temporary_password_validity_days;
    admin.allow_admin_create_user_only.get_or_insert(false);
    let factors = new.sign_in_policy.and_then(|policy| policy.allowed_first_auth_factors);
    let factors = hash_order(factors, |factor| factor.as_str());
    let sign_in =
        factors.map(|factors| SignInPolicyType { allowed_first_auth_factors: Some(factors) });
    let sign_in = sign_in.or(old.sign_in_policy).unwrap_or_else(|| SignInPolicyType {
        allowed_first_auth_factors: Some(vec![AuthFactorType::Password]),
    });
    settings.policies = Some(UserPoolPolicyType {
        password_policy: Some(passwords),
        sign_in_policy: Some(sign_in),
    });
    settings.admin_create_user_config = Some(admin);
}

/// The policy of a pool that names none.
fn strict() -> PasswordPolicyType {
    PasswordPolicyType {
        minimum_length: Some(8),
        require_uppercase: Some(true),
        require_lowercase: Some(true),
        require_numbers: Some(true),
        require_symbols: Some(true),
        password_history_size: None,
        temporary_password_validity_days: Some(TEMPORARY_PASSWORD_DAYS),
    }
}

/// A policy in which every member has a value.
fn complete(mut policy: PasswordPolicyType) -> PasswordPolicyType {
    policy.minimum_length.get_or_insert(8);
    policy.require_uppercase.get_or_insert(false);
    policy.require_lowercase.get_or_insert(false);
    policy.require_numbers.get_or_insert(false);
    policy.require_symbols.get_or_insert(false);
    let days = policy.temporary_password_validity_days.unwrap_or_default();
    policy.temporary_password_validity_days = Some(days_or_default(days));
    policy
}

/// Zero days stand for the default.
const fn days_or_default(days: i32) -> i32 {
    if days == 0 { TEMPORARY_PASSWORD_DAYS } else { days }
}

/// The verification texts, and their mirrors among the older top-level members.
fn apply_texts(settings: &mut UserPoolType, mut template: VerificationMessageTemplateType) {
    let legacy = settings.verification_message_template.take().unwrap_or_default();
    template.sms_message = template.sms_message.or(legacy.sms_message);
    template.email_message = template.email_message.or(legacy.email_message);
    template.email_subject = template.email_subject.or(legacy.email_subject);
    template.default_email_option.get_or_insert(DefaultEmailOptionType::ConfirmWithCode);
    settings.sms_verification_message.clone_from(&template.sms_message);
    settings.email_verification_message.clone_from(&template.email_message);
    settings.email_verification_subject.clone_from(&template.email_subject);
    settings.verification_message_template = Some(template);
}

/// Both members that name the function before token generation, where version 1 is meant.
fn lambda_config(mut triggers: LambdaConfigType) -> LambdaConfigType {
    match (&triggers.pre_token_generation, &triggers.pre_token_generation_config) {
        (Some(arn), None) => {
            triggers.pre_token_generation_config = Some(PreTokenGenerationVersionConfigType {
                lambda_version: PreTokenGenerationLambdaVersionType::V10,
                lambda_arn: arn.clone(),
            });
        }
        (None, Some(config)) => triggers.pre_token_generation = Some(config.lambda_arn.clone()),
        _ => {}
    }
    triggers
}

/// A mail sender that says whose it is.
fn sender(mut configuration: EmailConfigurationType) -> EmailConfigurationType {
    configuration.email_sending_account.get_or_insert(EmailSendingAccountType::CognitoDefault);
    configuration
}

/// The pool's own region sends text messages, unless another is named.
pub(in crate::user_pools) fn fill_region(sms: &mut SmsConfigurationType, identity: &Identity) {
    if sms.sns_caller_arn.is_some() {
        sms.sns_region.get_or_insert_with(|| identity.region.clone());
    }
}

/// The attributes that are verified before they change: kept when omitted, cleared by an empty
/// list (<https://github.com/hashicorp/terraform-provider-aws>).
fn apply_update_verification(settings: &mut UserPoolType, new: Option<Vec<VerifiedAttributeType>>) {
    let Some(new) = new else {
        settings.user_attribute_update_settings.get_or_insert_with(no_update_verification);
        return;
    };
    settings.user_attribute_update_settings = Some(UserAttributeUpdateSettingsType {
        attributes_require_verification_before_update: Some(java_hash_order_by(new, |a| {
            a.as_str()
        })),
    });
}

/// No attribute waits for its verification.
fn no_update_verification() -> UserAttributeUpdateSettingsType {
    UserAttributeUpdateSettingsType {
        attributes_require_verification_before_update: Some(Vec::new()),
    }
}

/// Dynamic client registration, on unless it says otherwise.
fn registration(mut configuration: DcrConfigurationType) -> DcrConfigurationType {
    configuration.enable_status.get_or_insert(StatusType::Enabled);
    configuration.open_dcr_enabled.get_or_insert(false);
    configuration
        .authenticated_grant_types
        .get_or_insert_with(|| vec![OAuthFlowType::Code, OAuthFlowType::ClientCredentials]);
    configuration.open_dcr_grant_types.get_or_insert_with(|| vec![OAuthFlowType::Code]);
    configuration
}

/// The four levels of authentication context: those that are given, and defaults for the others.
fn context_classes(
    given: BTreeMap<String, AcrLevelConfigType>,
) -> Result<BTreeMap<String, AcrLevelConfigType>, SettingsRefused> {
    let mut levels: BTreeMap<String, AcrLevelConfigType> = (1..=4)
        .map(|level| {
            let acr_value = format!("urn:cognito:loa:{level}");
            (format!("Level{level}"), AcrLevelConfigType { acr_value })
        })
        .collect();
    levels.extend(given);
    let values: BTreeSet<&str> = levels.values().map(|level| level.acr_value.as_str()).collect();
    if values.len() < levels.len() { Err(SettingsRefused::DuplicateAcrValue) } else { Ok(levels) }
}

/// Whether a second factor is asked for: kept when omitted.
///
/// `OFF` drops the factors, as in `SetUserPoolMfaConfig`. Switched on without any factor, text
/// messages are the factor: neither creation nor update can name another. (Both are beliefs.)
fn apply_mfa(pool: &mut UserPool, new: Option<UserPoolMfaType>) {
    let mfa = new.unwrap_or(pool.mfa());
    pool.settings.mfa_configuration = Some(mfa);
    if mfa == UserPoolMfaType::Off {
        pool.factors.sms = false;
        pool.factors.software_token = false;
        pool.factors.email = None;
    } else if !pool.factors.software_token && pool.factors.email.is_none() {
        pool.factors.sms = pool.settings.sms_configuration.is_some();
    }
}
