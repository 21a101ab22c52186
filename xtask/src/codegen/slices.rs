//! Which slice of the system each operation belongs to.

use heck::ToUpperCamelCase;

use super::model::Model;
use crate::Outcome;

/// The slices with their operations. All operations of the service are here exactly once.
pub(super) const SLICES: [(&str, &[&str]); 25] = [
    (
        "user_pools",
        &[
            "AddCustomAttributes",
            "CreateUserPool",
            "DeleteUserPool",
            "DescribeUserPool",
            "GetUserPoolMfaConfig",
            "ListUserPools",
            "SetUserPoolMfaConfig",
            "UpdateUserPool",
        ],
    ),
    (
        "app_clients",
        &[
            "AddUserPoolClientSecret",
            "CreateUserPoolClient",
            "DeleteUserPoolClient",
            "DeleteUserPoolClientSecret",
            "DescribeUserPoolClient",
            "ListUserPoolClientSecrets",
            "ListUserPoolClients",
            "UpdateUserPoolClient",
        ],
    ),
    (
        "resource_servers",
        &[
            "CreateResourceServer",
            "DeleteResourceServer",
            "DescribeResourceServer",
            "ListResourceServers",
            "UpdateResourceServer",
        ],
    ),
    (
        "identity_providers",
        &[
            "AdminDisableProviderForUser",
            "AdminLinkProviderForUser",
            "CreateIdentityProvider",
            "DeleteIdentityProvider",
            "DescribeIdentityProvider",
            "GetIdentityProviderByIdentifier",
            "GetSigningCertificate",
            "ListIdentityProviders",
            "UpdateIdentityProvider",
        ],
    ),
    (
        "domains",
        &[
            "CreateUserPoolDomain",
            "DeleteUserPoolDomain",
            "DescribeUserPoolDomain",
            "UpdateUserPoolDomain",
        ],
    ),
    (
        "groups",
        &[
            "AdminAddUserToGroup",
            "AdminListGroupsForUser",
            "AdminRemoveUserFromGroup",
            "CreateGroup",
            "DeleteGroup",
            "GetGroup",
            "ListGroups",
            "ListUsersInGroup",
            "UpdateGroup",
        ],
    ),
    (
        "users",
        &[
            "AdminCreateUser",
            "AdminDeleteUser",
            "AdminDisableUser",
            "AdminEnableUser",
            "AdminGetUser",
            "DeleteUser",
            "GetUser",
            "ListUsers",
        ],
    ),
    (
        "attributes",
        &[
            "AdminDeleteUserAttributes",
            "AdminUpdateUserAttributes",
            "DeleteUserAttributes",
            "GetUserAttributeVerificationCode",
            "UpdateUserAttributes",
            "VerifyUserAttribute",
        ],
    ),
    ("sign_up", &["AdminConfirmSignUp", "ConfirmSignUp", "ResendConfirmationCode", "SignUp"]),
    (
        "passwords",
        &[
            "AdminResetUserPassword",
            "AdminSetUserPassword",
            "ChangePassword",
            "ConfirmForgotPassword",
            "ForgotPassword",
        ],
    ),
    (
        "auth",
        &[
            "AdminInitiateAuth",
            "AdminRespondToAuthChallenge",
            "InitiateAuth",
            "RespondToAuthChallenge",
        ],
    ),
    (
        "tokens",
        &[
            "AdminUserGlobalSignOut",
            "GetClientToken",
            "GetDerivedToken",
            "GetTokensFromRefreshToken",
            "GlobalSignOut",
            "RevokeToken",
        ],
    ),
    ("totp", &["AdminDeleteSoftwareToken", "AssociateSoftwareToken", "VerifySoftwareToken"]),
    (
        "passkeys",
        &[
            "CompleteWebAuthnRegistration",
            "DeleteWebAuthnCredential",
            "ListWebAuthnCredentials",
            "StartWebAuthnRegistration",
        ],
    ),
    (
        "mfa_preference",
        &[
            "AdminGetUserAuthFactors",
            "AdminSetUserMFAPreference",
            "AdminSetUserSettings",
            "GetUserAuthFactors",
            "SetUserMFAPreference",
            "SetUserSettings",
        ],
    ),
    (
        "devices",
        &[
            "AdminForgetDevice",
            "AdminGetDevice",
            "AdminListDevices",
            "AdminUpdateDeviceStatus",
            "ConfirmDevice",
            "ForgetDevice",
            "GetDevice",
            "ListDevices",
            "UpdateDeviceStatus",
        ],
    ),
    (
        "sessions",
        &[
            "AdminListUserSessions",
            "AdminRevokeUserSession",
            "GetUserPoolClientSessionConfiguration",
            "GetUserPoolSessionConfiguration",
            "ListUserSessions",
            "RevokeUserSession",
            "SetUserPoolClientSessionConfiguration",
            "SetUserPoolSessionConfiguration",
        ],
    ),
    (
        "user_import",
        &[
            "CreateUserImportJob",
            "DescribeUserImportJob",
            "GetCSVHeader",
            "ListUserImportJobs",
            "StartUserImportJob",
            "StopUserImportJob",
        ],
    ),
    (
        "branding",
        &[
            "CreateManagedLoginBranding",
            "DeleteManagedLoginBranding",
            "DescribeManagedLoginBranding",
            "DescribeManagedLoginBrandingByClient",
            "GetUICustomization",
            "SetUICustomization",
            "UpdateManagedLoginBranding",
        ],
    ),
    (
        "terms",
        &[
            "CreateTerms",
            "DeleteTerms",
            "DescribeTerms",
            "DescribeTermsByClient",
            "ListTerms",
            "UpdateTerms",
        ],
    ),
    (
        "threat_protection",
        &[
            "AdminListUserAuthEvents",
            "AdminUpdateAuthEventFeedback",
            "DescribeRiskConfiguration",
            "SetRiskConfiguration",
            "UpdateAuthEventFeedback",
        ],
    ),
    ("log_delivery", &["GetLogDeliveryConfiguration", "SetLogDeliveryConfiguration"]),
    ("tags", &["ListTagsForResource", "TagResource", "UntagResource"]),
    (
        "replicas",
        &[
            "CreateUserPoolReplica",
            "DeleteUserPoolReplica",
            "ListUserPoolReplicas",
            "UpdateUserPoolReplica",
        ],
    ),
    ("limits", &["GetProvisionedLimit", "UpdateProvisionedLimit"]),
];

/// The slice of `operation`.
pub(super) fn of(operation: &str) -> Outcome<&'static str> {
    let slice = SLICES.iter().find(|(_, operations)| operations.contains(&operation));
    slice.map(|(name, _)| *name).ok_or_else(|| format!("{operation} is in no slice").into())
}

/// The enum variant of a slice.
pub(super) fn variant(slice: &str) -> String {
    slice.to_upper_camel_case()
}

/// Fails unless the table and the model have the same operations.
pub(super) fn check(model: &Model) -> Outcome {
    let listed: usize = SLICES.iter().map(|(_, operations)| operations.len()).sum();
    if listed != model.operations.len() {
        let known = model.operations.len();
        return Err(format!("the slices hold {listed} operations, the model {known}").into());
    }
    model.operations.iter().try_for_each(|operation| of(&operation.name).map(drop))
}
