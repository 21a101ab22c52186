//! Which code answers which operation.

use http::Response;
use poolhouse_domain::ports::Ports;
use poolhouse_wire::{OperationName as Name, operations as op};

use crate::{gate::Gate, serve::run};

/// Runs the named operation.
///
/// Each future is boxed, so that a request costs the memory of its own operation and not of the
/// largest.
pub(crate) async fn dispatch(
    ports: &Ports,
    gate: Gate<'_>,
    name: Name,
    body: &[u8],
) -> Response<String> {
    macro_rules! run {
        ($operation:ident) => {
            Box::pin(run::<op::$operation>(ports, gate, body)).await
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
        Name::AdminLinkProviderForUser => run!(AdminLinkProviderForUser),
        Name::AdminListDevices => run!(AdminListDevices),
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
        Name::CreateIdentityProvider => run!(CreateIdentityProvider),
        Name::CreateManagedLoginBranding => run!(CreateManagedLoginBranding),
        Name::CreateResourceServer => run!(CreateResourceServer),
        Name::CreateTerms => run!(CreateTerms),
        Name::CreateUserImportJob => run!(CreateUserImportJob),
        Name::CreateUserPool => run!(CreateUserPool),
        Name::CreateUserPoolClient => run!(CreateUserPoolClient),
        Name::CreateUserPoolDomain => run!(CreateUserPoolDomain),
        Name::CreateUserPoolReplica => run!(CreateUserPoolReplica),
        Name::DeleteGroup => run!(DeleteGroup),
        Name::DeleteIdentityProvider => run!(DeleteIdentityProvider),
        Name::DeleteManagedLoginBranding => run!(DeleteManagedLoginBranding),
        Name::DeleteResourceServer => run!(DeleteResourceServer),
        Name::DeleteTerms => run!(DeleteTerms),
        Name::DeleteUser => run!(DeleteUser),
        Name::DeleteUserAttributes => run!(DeleteUserAttributes),
        Name::DeleteUserPool => run!(DeleteUserPool),
        Name::DeleteUserPoolClient => run!(DeleteUserPoolClient),
        Name::DeleteUserPoolClientSecret => run!(DeleteUserPoolClientSecret),
        Name::DeleteUserPoolDomain => run!(DeleteUserPoolDomain),
        Name::DeleteUserPoolReplica => run!(DeleteUserPoolReplica),
        Name::DeleteWebAuthnCredential => run!(DeleteWebAuthnCredential),
        Name::DescribeIdentityProvider => run!(DescribeIdentityProvider),
        Name::DescribeManagedLoginBranding => run!(DescribeManagedLoginBranding),
        Name::DescribeManagedLoginBrandingByClient => run!(DescribeManagedLoginBrandingByClient),
        Name::DescribeResourceServer => run!(DescribeResourceServer),
        Name::DescribeRiskConfiguration => run!(DescribeRiskConfiguration),
        Name::DescribeTerms => run!(DescribeTerms),
        Name::DescribeTermsByClient => run!(DescribeTermsByClient),
        Name::DescribeUserImportJob => run!(DescribeUserImportJob),
        Name::DescribeUserPool => run!(DescribeUserPool),
        Name::DescribeUserPoolClient => run!(DescribeUserPoolClient),
        Name::DescribeUserPoolDomain => run!(DescribeUserPoolDomain),
        Name::ForgetDevice => run!(ForgetDevice),
        Name::ForgotPassword => run!(ForgotPassword),
        Name::GetCSVHeader => run!(GetCSVHeader),
        Name::GetClientToken => run!(GetClientToken),
        Name::GetDerivedToken => run!(GetDerivedToken),
        Name::GetDevice => run!(GetDevice),
        Name::GetGroup => run!(GetGroup),
        Name::GetIdentityProviderByIdentifier => run!(GetIdentityProviderByIdentifier),
        Name::GetLogDeliveryConfiguration => run!(GetLogDeliveryConfiguration),
        Name::GetProvisionedLimit => run!(GetProvisionedLimit),
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
        Name::ListUserPoolReplicas => run!(ListUserPoolReplicas),
        Name::ListUserPools => run!(ListUserPools),
        Name::ListUserSessions => run!(ListUserSessions),
        Name::ListUsers => run!(ListUsers),
        Name::ListUsersInGroup => run!(ListUsersInGroup),
        Name::ListWebAuthnCredentials => run!(ListWebAuthnCredentials),
        Name::ResendConfirmationCode => run!(ResendConfirmationCode),
        Name::RespondToAuthChallenge => run!(RespondToAuthChallenge),
        Name::RevokeToken => run!(RevokeToken),
        Name::RevokeUserSession => run!(RevokeUserSession),
        Name::SetLogDeliveryConfiguration => run!(SetLogDeliveryConfiguration),
        Name::SetRiskConfiguration => run!(SetRiskConfiguration),
        Name::SetUICustomization => run!(SetUICustomization),
        Name::SetUserMFAPreference => run!(SetUserMFAPreference),
        Name::SetUserPoolClientSessionConfiguration => run!(SetUserPoolClientSessionConfiguration),
        Name::SetUserPoolMfaConfig => run!(SetUserPoolMfaConfig),
        Name::SetUserPoolSessionConfiguration => run!(SetUserPoolSessionConfiguration),
        Name::SetUserSettings => run!(SetUserSettings),
        Name::SignUp => run!(SignUp),
        Name::StartUserImportJob => run!(StartUserImportJob),
        Name::StartWebAuthnRegistration => run!(StartWebAuthnRegistration),
        Name::StopUserImportJob => run!(StopUserImportJob),
        Name::TagResource => run!(TagResource),
        Name::UntagResource => run!(UntagResource),
        Name::UpdateAuthEventFeedback => run!(UpdateAuthEventFeedback),
        Name::UpdateDeviceStatus => run!(UpdateDeviceStatus),
        Name::UpdateGroup => run!(UpdateGroup),
        Name::UpdateIdentityProvider => run!(UpdateIdentityProvider),
        Name::UpdateManagedLoginBranding => run!(UpdateManagedLoginBranding),
        Name::UpdateProvisionedLimit => run!(UpdateProvisionedLimit),
        Name::UpdateResourceServer => run!(UpdateResourceServer),
        Name::UpdateTerms => run!(UpdateTerms),
        Name::UpdateUserAttributes => run!(UpdateUserAttributes),
        Name::UpdateUserPool => run!(UpdateUserPool),
        Name::UpdateUserPoolClient => run!(UpdateUserPoolClient),
        Name::UpdateUserPoolDomain => run!(UpdateUserPoolDomain),
        Name::UpdateUserPoolReplica => run!(UpdateUserPoolReplica),
        Name::VerifySoftwareToken => run!(VerifySoftwareToken),
        Name::VerifyUserAttribute => run!(VerifyUserAttribute),
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_wire::model_cases;

    use super::*;
    use crate::testing::Stack;

    #[tokio::test]
    async fn every_operation_of_the_model_answers_as_the_model_permits() {
        assert_eq!(Name::ALL.len(), 141);
        let stack = Stack::new().await;
        for name in Name::ALL {
            let answer = stack.call(name.as_str(), model_cases::minimal_input(name)).await;
            let code = answer.body["__type"].as_str().unwrap_or_default();
            let is_fine = match answer.status {
                200 => true,
                400 => name.errors().contains(&code),
                _ => false,
            };
            assert!(is_fine, "{}: {} {}", name.as_str(), answer.status, answer.body);
        }
    }
}
