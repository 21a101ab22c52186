//! Which code answers which operation.

use http::Response;
use poolhouse_domain::ports::Ports;
use poolhouse_wire::{OperationName as Name, operations as op};

use crate::serve::{error, run, undecodable};

/// Runs the named operation.
///
/// Each future is boxed, so that a request costs the memory of its own operation and not of the
/// largest.
pub(crate) async fn dispatch(ports: &Ports, name: Name, body: &[u8]) -> Response<String> {
    macro_rules! run {
        ($operation:ident) => {
            Box::pin(run::<op::$operation>(ports, body)).await
        };
    }
    match name {
        Name::AddCustomAttributes => run!(AddCustomAttributes),
        Name::AddUserPoolClientSecret => run!(AddUserPoolClientSecret),
        Name::AdminAddUserToGroup => run!(AdminAddUserToGroup),
        Name::AdminConfirmSignUp => run!(AdminConfirmSignUp),
        Name::AdminCreateUser => run!(AdminCreateUser),
        Name::AdminDeleteSoftwareToken => run!(AdminDeleteSoftwareToken),
        Name::AdminDeleteUser => run!(AdminDeleteUser),
        Name::AdminDeleteUserAttributes => run!(AdminDeleteUserAttributes),
        Name::AdminDisableProviderForUser => run!(AdminDisableProviderForUser),
        Name::AdminDisableUser => run!(AdminDisableUser),
        Name::AdminEnableUser => run!(AdminEnableUser),
        Name::AdminForgetDevice => run!(AdminForgetDevice),
        Name::AdminGetDevice => run!(AdminGetDevice),
        Name::AdminGetUser => run!(AdminGetUser),
        Name::AdminGetUserAuthFactors => run!(AdminGetUserAuthFactors),
        Name::AdminInitiateAuth => run!(AdminInitiateAuth),
        Name::AdminListDevices => run!(AdminListDevices),
        Name::AdminLinkProviderForUser => run!(AdminLinkProviderForUser),
        Name::AdminListGroupsForUser => run!(AdminListGroupsForUser),
        Name::AdminListUserAuthEvents => run!(AdminListUserAuthEvents),
        Name::AdminListUserSessions => run!(AdminListUserSessions),
        Name::AdminRemoveUserFromGroup => run!(AdminRemoveUserFromGroup),
        Name::AdminResetUserPassword => run!(AdminResetUserPassword),
        Name::AdminRespondToAuthChallenge => run!(AdminRespondToAuthChallenge),
        Name::AdminRevokeUserSession => run!(AdminRevokeUserSession),
        Name::AdminSetUserMFAPreference => run!(AdminSetUserMFAPreference),
        Name::AdminSetUserPassword => run!(AdminSetUserPassword),
        Name::AdminSetUserSettings => run!(AdminSetUserSettings),
        Name::AdminUpdateAuthEventFeedback => run!(AdminUpdateAuthEventFeedback),
        Name::AdminUpdateDeviceStatus => run!(AdminUpdateDeviceStatus),
        Name::AdminUpdateUserAttributes => run!(AdminUpdateUserAttributes),
        Name::AdminUserGlobalSignOut => run!(AdminUserGlobalSignOut),
        Name::AssociateSoftwareToken => run!(AssociateSoftwareToken),
        Name::ChangePassword => run!(ChangePassword),
        Name::CompleteWebAuthnRegistration => run!(CompleteWebAuthnRegistration),
        Name::ConfirmDevice => run!(ConfirmDevice),
        Name::ConfirmForgotPassword => run!(ConfirmForgotPassword),
        Name::ConfirmSignUp => run!(ConfirmSignUp),
        Name::CreateGroup => run!(CreateGroup),
        Name::CreateManagedLoginBranding => run!(CreateManagedLoginBranding),
        Name::CreateIdentityProvider => run!(CreateIdentityProvider),
        Name::CreateResourceServer => run!(CreateResourceServer),
        Name::CreateTerms => run!(CreateTerms),
        Name::CreateUserImportJob => run!(CreateUserImportJob),
        Name::CreateUserPool => run!(CreateUserPool),
        Name::CreateUserPoolClient => run!(CreateUserPoolClient),
        Name::CreateUserPoolDomain => run!(CreateUserPoolDomain),
        Name::DeleteGroup => run!(DeleteGroup),
        Name::DeleteManagedLoginBranding => run!(DeleteManagedLoginBranding),
        Name::DeleteIdentityProvider => run!(DeleteIdentityProvider),
        Name::DeleteResourceServer => run!(DeleteResourceServer),
        Name::DeleteTerms => run!(DeleteTerms),
        Name::DeleteUser => run!(DeleteUser),
        Name::DeleteUserAttributes => run!(DeleteUserAttributes),
        Name::DeleteUserPool => run!(DeleteUserPool),
        Name::DeleteUserPoolClient => run!(DeleteUserPoolClient),
        Name::DeleteUserPoolClientSecret => run!(DeleteUserPoolClientSecret),
        Name::DeleteUserPoolDomain => run!(DeleteUserPoolDomain),
        Name::DescribeManagedLoginBranding => run!(DescribeManagedLoginBranding),
        Name::DescribeManagedLoginBrandingByClient => run!(DescribeManagedLoginBrandingByClient),
        Name::DeleteWebAuthnCredential => run!(DeleteWebAuthnCredential),
        Name::DescribeIdentityProvider => run!(DescribeIdentityProvider),
        Name::DescribeResourceServer => run!(DescribeResourceServer),
        Name::DescribeRiskConfiguration => run!(DescribeRiskConfiguration),
        Name::DescribeTerms => run!(DescribeTerms),
        Name::DescribeTermsByClient => run!(DescribeTermsByClient),
        Name::DescribeUserImportJob => run!(DescribeUserImportJob),
        Name::DescribeUserPool => run!(DescribeUserPool),
        Name::DescribeUserPoolClient => run!(DescribeUserPoolClient),
        Name::DescribeUserPoolDomain => run!(DescribeUserPoolDomain),
        Name::ForgotPassword => run!(ForgotPassword),
        Name::GetCSVHeader => run!(GetCSVHeader),
        Name::ForgetDevice => run!(ForgetDevice),
        Name::GetDevice => run!(GetDevice),
        Name::GetClientToken => run!(GetClientToken),
        Name::GetDerivedToken => run!(GetDerivedToken),
        Name::GetGroup => run!(GetGroup),
        Name::GetLogDeliveryConfiguration => run!(GetLogDeliveryConfiguration),
        Name::GetIdentityProviderByIdentifier => run!(GetIdentityProviderByIdentifier),
        Name::GetSigningCertificate => run!(GetSigningCertificate),
        Name::GetTokensFromRefreshToken => run!(GetTokensFromRefreshToken),
        Name::GetUICustomization => run!(GetUICustomization),
        Name::GetUser => run!(GetUser),
        Name::GetUserAttributeVerificationCode => run!(GetUserAttributeVerificationCode),
        Name::GetUserAuthFactors => run!(GetUserAuthFactors),
        Name::GetUserPoolClientSessionConfiguration => run!(GetUserPoolClientSessionConfiguration),
        Name::GetUserPoolMfaConfig => run!(GetUserPoolMfaConfig),
        Name::GetUserPoolSessionConfiguration => run!(GetUserPoolSessionConfiguration),
        Name::GlobalSignOut => run!(GlobalSignOut),
        Name::InitiateAuth => run!(InitiateAuth),
        Name::ListDevices => run!(ListDevices),
        Name::ListGroups => run!(ListGroups),
        Name::ListIdentityProviders => run!(ListIdentityProviders),
        Name::ListResourceServers => run!(ListResourceServers),
        Name::ListTagsForResource => run!(ListTagsForResource),
        Name::ListTerms => run!(ListTerms),
        Name::ListUserImportJobs => run!(ListUserImportJobs),
        Name::ListUserPoolClientSecrets => run!(ListUserPoolClientSecrets),
        Name::ListUserPoolClients => run!(ListUserPoolClients),
        Name::ListUserPools => run!(ListUserPools),
        Name::ListUserSessions => run!(ListUserSessions),
        Name::ListUsers => run!(ListUsers),
        Name::ListUsersInGroup => run!(ListUsersInGroup),
        Name::ListWebAuthnCredentials => run!(ListWebAuthnCredentials),
        Name::ResendConfirmationCode => run!(ResendConfirmationCode),
        Name::RespondToAuthChallenge => run!(RespondToAuthChallenge),
        Name::RevokeToken => run!(RevokeToken),
        Name::SetLogDeliveryConfiguration => run!(SetLogDeliveryConfiguration),
        Name::SetRiskConfiguration => run!(SetRiskConfiguration),
        Name::SetUICustomization => run!(SetUICustomization),
        Name::RevokeUserSession => run!(RevokeUserSession),
        Name::SetUserMFAPreference => run!(SetUserMFAPreference),
        Name::SetUserPoolClientSessionConfiguration => run!(SetUserPoolClientSessionConfiguration),
        Name::SetUserPoolMfaConfig => run!(SetUserPoolMfaConfig),
        Name::SetUserPoolSessionConfiguration => run!(SetUserPoolSessionConfiguration),
        Name::SetUserSettings => run!(SetUserSettings),
        Name::SignUp => run!(SignUp),
        Name::StartUserImportJob => run!(StartUserImportJob),
        Name::StopUserImportJob => run!(StopUserImportJob),
        Name::StartWebAuthnRegistration => run!(StartWebAuthnRegistration),
        Name::TagResource => run!(TagResource),
        Name::UntagResource => run!(UntagResource),
        Name::UpdateAuthEventFeedback => run!(UpdateAuthEventFeedback),
        Name::UpdateDeviceStatus => run!(UpdateDeviceStatus),
        Name::UpdateGroup => run!(UpdateGroup),
        Name::UpdateManagedLoginBranding => run!(UpdateManagedLoginBranding),
        Name::UpdateIdentityProvider => run!(UpdateIdentityProvider),
        Name::UpdateResourceServer => run!(UpdateResourceServer),
        Name::UpdateTerms => run!(UpdateTerms),
        Name::UpdateUserAttributes => run!(UpdateUserAttributes),
        Name::UpdateUserPool => run!(UpdateUserPool),
        Name::UpdateUserPoolClient => run!(UpdateUserPoolClient),
        Name::UpdateUserPoolDomain => run!(UpdateUserPoolDomain),
        Name::VerifySoftwareToken => run!(VerifySoftwareToken),
        Name::VerifyUserAttribute => run!(VerifyUserAttribute),
        _ => missing(name, body),
    }
}

/// The operations that Poolhouse does not have yet, one a line. The list may only shrink.
const MISSING: &str = include_str!("../missing-operations.txt");

/// Whether an operation is not there yet.
pub fn is_missing(name: Name) -> bool {
    MISSING.lines().any(|line| line == name.as_str())
}

/// The answer of an operation that is not there yet: an error that the model lists for it, once the
/// input is one that the model allows.
fn missing(name: Name, body: &[u8]) -> Response<String> {
    if let Err(problem) = op::decode_any(name, body) {
        return undecodable(&problem);
    }
    let modelled = ["OperationNotEnabledException", "InvalidParameterException"];
    let code = modelled.into_iter().find(|code| name.errors().contains(code));
    let message = format!("Poolhouse does not offer {} yet.", name.as_str());
    error(400, code.unwrap_or("InvalidParameterException"), &message)
}

#[cfg(test)]
mod tests {
    use poolhouse_wire::model_cases;

    use super::*;
    use crate::testing::Stack;

    /// How many operations are missing at most. Lower it when you add one; never raise it.
    const MISSING_AT_MOST: usize = 68;

    #[tokio::test]
    async fn the_list_of_missing_operations_is_true_and_only_shrinks() {
        let listed: Vec<_> = MISSING.lines().collect();
        assert!(listed.len() <= MISSING_AT_MOST, "{} are missing", listed.len());
        assert!(listed.iter().all(|name| Name::from_wire(name).is_some()), "{listed:?}");
        let stack = Stack::new().await;
        for name in Name::ALL {
            let input = model_cases::minimal_input(name);
            let answer = stack.call(name.as_str(), input).await;
            let says_so = format!("Poolhouse does not offer {} yet.", name.as_str());
            let is_absent = answer.body["message"] == says_so.as_str();
            assert_eq!(is_absent, is_missing(name), "{}: {}", name.as_str(), answer.body);
        }
    }

    #[tokio::test]
    async fn a_missing_operation_checks_its_input_all_the_same() {
        let stack = Stack::new().await;
        let refused = stack.refusal("ListUserPoolReplicas", serde_json::json!({})).await;
        let message = "1 validation error detected: Value null at 'userPoolId' failed to satisfy \
                       constraint: Member must not be null";
        assert_eq!(refused, crate::testing::invalid(message));
    }
}
