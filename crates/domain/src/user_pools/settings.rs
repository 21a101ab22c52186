//! The settings of a user pool: defaults, what an update does to them, and what they must obey.
//!
//! A new pool is a blank one that is updated: both requests go through [`apply`] and [`check`].

mod apply;
mod check;

use crate::{
    ports::Identity,
    shapes::{CreateUserPoolRequest, UpdateUserPoolRequest, UserPoolType},
    tags::TagsRefused,
    time::Timestamp,
    user_pools::{
        TierRefused, UserPool,
        schema::{self, SchemaRefused},
    },
};

pub(super) use apply::fill_region;
pub(super) use check::check;

/// Why settings can't be had. The texts are the service's unless marked as beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsRefused {
    /// The attribute schema.
    #[error(transparent)]
    Schema(#[from] SchemaRefused),
    /// Two ways of signing in by e-mail address or telephone number.
    #[error("Only one of the aliasAttributes or usernameAttributes can be set in a User pool.")]
    AliasAndUsernameAttributes,
    /// Telephone numbers can't be verified without text messages.
    #[error("SMS configuration is required when phone_number is selected for auto verification")]
    AutoVerificationWithoutSms,
    /// MFA without a factor.
    #[error(
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
    )]
    MfaWithoutFactor,
    /// Verification before update of what is never verified.
    #[error(
        "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes"
    )]
    UpdateVerificationNotSubset,
    /// The old and the new member for the same thing.
    #[error(
        "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays"
    )]
    TwoValidities,
    /// Recovery by nobody and by somebody.
    #[error(
        "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms."
    )]
    AdminOnlyWithOthers,
    /// The same mechanism or priority twice.
    #[error("Account Recovery Setting cannot have duplicate priorities or recovery mechanisms.")]
    DuplicateRecovery,
    /// First factors without passwords.
    #[error("Password should be configured as one of the allowed first auth factors.")]
    FirstFactorsWithoutPassword,
    /// A first factor that is in the model but that no pool can have. (The text is a belief.)
    #[error("SOFTWARE_TOKEN can not be configured as AuthFactor")]
    SoftwareTokenFirst,
    /// Text messages as first factor, but no way to send them.
    #[error(
        "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS configuration"
    )]
    SmsOtpWithoutSms,
    /// One-time passwords as first factor of a pool that requires a second.
    #[error(
        "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled"
    )]
    OtpFirstWithMfa,
    /// Passkeys that skip a required second factor.
    #[error(
        "Cannot set WebAuthn factor configuration to SINGLE_FACTOR if MFA is required and WebAuthn is an allowed first auth factor"
    )]
    SingleFactorPasskeyWithMfa,
    /// Mail as second factor needs a sender of one's own.
    #[error(
        "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an EmailSendingAccount of COGNITO_DEFAULT. Update the value of EmailSendingAccount."
    )]
    EmailMfaOnDefaultSender,
    /// Factors for a pool that has MFA switched off.
    #[error("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")]
    FactorsWithoutMfa,
    /// MFA without any factor block.
    #[error(
        "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled."
    )]
    NoFactorGiven,
    /// MFA with every factor switched off.
    #[error(
        "Invalid MFA configuration given, can't disable all MFAs with a required or optional configuration."
    )]
    AllFactorsDisabled,
    /// A sender of one's own that isn't named.
    #[error("Source ARN is required to use DEVELOPER email sending owner")]
    DeveloperWithoutSource,
    /// A named sender together with the default one.
    #[error("Cognito is not allowed to use your email identity")]
    SourceOnDefaultSender,
    /// A sender that is no mail address.
    #[error("Provided From email address is invalid")]
    InvalidFrom,
    /// A sender in another part of the world.
    #[error(
        "Invalid EmailConfiguration.SourceArn. Provided SourceArn must be in one of the following SES regions: {0}."
    )]
    SesRegion(String),
    /// Text messages sent from another region. The placeholders stand so in the service's answer.
    #[error("Invalid snsRegion. Allowed SNS region for %v is %v")]
    SnsRegion,
    /// A role of another account.
    #[error("Cross-account pass role is not allowed.")]
    CrossAccountRole,
    /// Text messages without saying as whom. (The text is a belief.)
    #[error(
        "1 validation error detected: Value null at 'smsConfiguration.snsCallerArn' failed to satisfy constraint: Member must not be null"
    )]
    SmsWithoutCaller,
    /// Two ways of sending text messages. (The text is a belief.)
    #[error("Only one of SnsCallerArn or EumsSms can be set in SmsConfiguration.")]
    TwoSmsSenders,
    /// A trigger in another region.
    #[error("Cross-region lambda functions are not supported")]
    CrossRegionTrigger,
    /// A custom sender gets codes encrypted; with what?
    #[error("KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used.")]
    CustomSenderWithoutKey,
    /// An encryption key in another region.
    #[error(
        "Encountered error when CreateGrant was attempted on the input KMS key - Invalid arn {0}"
    )]
    KmsKeyRegion(String),
    /// Two members name the same trigger differently.
    #[error(
        "Cannot use PreTokenGenerationLambda and PreTokenGeneration with different Lambda function ARN's"
    )]
    TwoPreTokenTriggers,
    /// An invitation that lacks the password.
    #[error(
        "{} validation error{} detected: {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.join("; ")
    )]
    InvitationWithoutPassword(Vec<String>),
    /// An invitation that lacks the name. (The text is a belief.)
    #[error("The invitation message must contain {{username}} and {{####}} placeholders.")]
    InvitationWithoutUsername,
    /// Passkeys for what is no name of a host.
    #[error("RelyingPartyId contains invalid characters")]
    RelyingParty,
    /// The tier.
    #[error(transparent)]
    Tier(#[from] TierRefused),
    /// The tags.
    #[error(transparent)]
    Tags(#[from] TagsRefused),
    /// A key of the customer's that isn't named. (The text is a belief.)
    #[error("KmsKeyArn is required when KeyType is CUSTOMER_MANAGED_KEY.")]
    CustomerKeyWithoutArn,
    /// A replicated pool would lose the key that its replica needs. (The text is a belief.)
    #[error("User pools with replicas require a customer managed multi-Region key.")]
    ReplicaNeedsKey,
    /// The same value for two levels, defaults included. (The text is a belief.)
    #[error("AcrConfiguration values must be unique across all levels.")]
    DuplicateAcrValue,
}

/// A new user pool with this id.
pub fn create(
    request: CreateUserPoolRequest,
    id: &str,
    identity: &Identity,
    now: Timestamp,
) -> Result<UserPool, SettingsRefused> {
    let aliases = apply::hash_order(request.alias_attributes.clone(), |a| a.as_str());
    let usernames = apply::hash_order(request.username_attributes.clone(), |a| a.as_str());
    if aliases.is_some() && usernames.is_some() {
        return Err(SettingsRefused::AliasAndUsernameAttributes);
    }
    let settings = UserPoolType {
        id: Some(id.to_owned()),
        arn: Some(identity.user_pool_arn(id)),
        creation_date: Some(now.to_wire()),
        schema_attributes: Some(schema::initial(request.schema.as_deref().unwrap_or_default())?),
        alias_attributes: aliases,
        username_attributes: usernames,
        username_configuration: request.username_configuration.clone(),
        ..UserPoolType::default()
    };
    let mut pool = UserPool { settings, ..UserPool::default() };
    if pool.required_attributes().any(|name| name == "preferred_username")
        && pool.alias_attributes().iter().any(|alias| alias.as_str() == "preferred_username")
    {
        return Err(SchemaRefused::RequiredAlias.into());
    }
    update(&mut pool, as_update(request), identity, now)?;
    Ok(pool)
}

/// Changes a pool as the request says; see [`apply`] for what omission means. The pool is left in
/// an undefined state by a refusal, and must not be stored.
pub fn update(
    pool: &mut UserPool,
    request: UpdateUserPoolRequest,
    identity: &Identity,
    now: Timestamp,
) -> Result<(), SettingsRefused> {
    check::request(&request)?;
    apply::apply(pool, request, identity)?;
    pool.settings.last_modified_date = Some(now.to_wire());
    check(pool, identity)
}

/// The part of a creation that an update can change later.
fn as_update(request: CreateUserPoolRequest) -> UpdateUserPoolRequest {
    UpdateUserPoolRequest {
        user_pool_id: String::new(),
        pool_name: Some(request.pool_name),
        policies: request.policies,
        deletion_protection: request.deletion_protection,
        lambda_config: request.lambda_config,
        auto_verified_attributes: request.auto_verified_attributes,
        sms_verification_message: request.sms_verification_message,
        email_verification_message: request.email_verification_message,
        email_verification_subject: request.email_verification_subject,
        verification_message_template: request.verification_message_template,
        sms_authentication_message: request.sms_authentication_message,
        user_attribute_update_settings: request.user_attribute_update_settings,
        mfa_configuration: request.mfa_configuration,
        device_configuration: request.device_configuration,
        email_configuration: request.email_configuration,
        sms_configuration: request.sms_configuration,
        user_pool_tags: request.user_pool_tags,
        admin_create_user_config: request.admin_create_user_config,
        user_pool_add_ons: request.user_pool_add_ons,
        dcr_configuration: request.dcr_configuration,
        account_recovery_setting: request.account_recovery_setting,
        user_pool_tier: request.user_pool_tier,
        key_configuration: request.key_configuration,
        issuer_configuration: request.issuer_configuration,
        acr_configuration: request.acr_configuration,
    }
}
