//! Which code answers which operation.

use http::Response;
use poolhouse_domain::ports::Ports;
use poolhouse_wire::{OperationName as Name, operations as op};

use crate::{
    gate::Gate,
    serve::{error, run, undecodable},
};

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
        Name::AdminDisableUser => run!(AdminDisableUser),
        Name::AdminEnableUser => run!(AdminEnableUser),
        Name::AdminGetUser => run!(AdminGetUser),
        Name::AdminGetUserAuthFactors => run!(AdminGetUserAuthFactors),
        Name::AdminInitiateAuth => run!(AdminInitiateAuth),
        Name::AdminListGroupsForUser => run!(AdminListGroupsForUser),
        Name::AdminRemoveUserFromGroup => run!(AdminRemoveUserFromGroup),
        Name::AdminResetUserPassword => run!(AdminResetUserPassword),
        Name::AdminRespondToAuthChallenge => run!(AdminRespondToAuthChallenge),
        Name::AdminSetUserMFAPreference => run!(AdminSetUserMFAPreference),
        Name::AdminSetUserPassword => run!(AdminSetUserPassword),
        Name::AdminSetUserSettings => run!(AdminSetUserSettings),
        Name::AdminUpdateUserAttributes => run!(AdminUpdateUserAttributes),
        Name::AdminUserGlobalSignOut => run!(AdminUserGlobalSignOut),
        Name::AssociateSoftwareToken => run!(AssociateSoftwareToken),
        Name::ChangePassword => run!(ChangePassword),
        Name::ConfirmForgotPassword => run!(ConfirmForgotPassword),
        Name::ConfirmSignUp => run!(ConfirmSignUp),
        Name::CreateGroup => run!(CreateGroup),
        Name::CreateResourceServer => run!(CreateResourceServer),
        Name::CreateUserPool => run!(CreateUserPool),
        Name::CreateUserPoolClient => run!(CreateUserPoolClient),
        Name::CreateUserPoolReplica => run!(CreateUserPoolReplica),
        Name::DeleteGroup => run!(DeleteGroup),
        Name::DeleteResourceServer => run!(DeleteResourceServer),
        Name::DeleteUser => run!(DeleteUser),
        Name::DeleteUserAttributes => run!(DeleteUserAttributes),
        Name::DeleteUserPool => run!(DeleteUserPool),
        Name::DeleteUserPoolClient => run!(DeleteUserPoolClient),
        Name::DeleteUserPoolClientSecret => run!(DeleteUserPoolClientSecret),
        Name::DeleteUserPoolReplica => run!(DeleteUserPoolReplica),
        Name::DescribeResourceServer => run!(DescribeResourceServer),
        Name::DescribeUserPool => run!(DescribeUserPool),
        Name::DescribeUserPoolClient => run!(DescribeUserPoolClient),
        Name::ForgotPassword => run!(ForgotPassword),
        Name::GetGroup => run!(GetGroup),
        Name::GetProvisionedLimit => run!(GetProvisionedLimit),
        Name::GetTokensFromRefreshToken => run!(GetTokensFromRefreshToken),
        Name::GetUser => run!(GetUser),
        Name::GetUserAttributeVerificationCode => run!(GetUserAttributeVerificationCode),
        Name::GetUserAuthFactors => run!(GetUserAuthFactors),
        Name::GetUserPoolMfaConfig => run!(GetUserPoolMfaConfig),
        Name::GlobalSignOut => run!(GlobalSignOut),
        Name::InitiateAuth => run!(InitiateAuth),
        Name::ListGroups => run!(ListGroups),
        Name::ListResourceServers => run!(ListResourceServers),
        Name::ListTagsForResource => run!(ListTagsForResource),
        Name::ListUserPoolClientSecrets => run!(ListUserPoolClientSecrets),
        Name::ListUserPoolClients => run!(ListUserPoolClients),
        Name::ListUserPoolReplicas => run!(ListUserPoolReplicas),
        Name::ListUserPools => run!(ListUserPools),
        Name::ListUsers => run!(ListUsers),
        Name::ListUsersInGroup => run!(ListUsersInGroup),
        Name::ResendConfirmationCode => run!(ResendConfirmationCode),
        Name::RespondToAuthChallenge => run!(RespondToAuthChallenge),
        Name::RevokeToken => run!(RevokeToken),
        Name::SetUserMFAPreference => run!(SetUserMFAPreference),
        Name::SetUserPoolMfaConfig => run!(SetUserPoolMfaConfig),
        Name::SetUserSettings => run!(SetUserSettings),
        Name::SignUp => run!(SignUp),
        Name::TagResource => run!(TagResource),
        Name::UntagResource => run!(UntagResource),
        Name::UpdateGroup => run!(UpdateGroup),
        Name::UpdateProvisionedLimit => run!(UpdateProvisionedLimit),
        Name::UpdateResourceServer => run!(UpdateResourceServer),
        Name::UpdateUserAttributes => run!(UpdateUserAttributes),
        Name::UpdateUserPool => run!(UpdateUserPool),
        Name::UpdateUserPoolClient => run!(UpdateUserPoolClient),
        Name::UpdateUserPoolReplica => run!(UpdateUserPoolReplica),
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
        let refused =
            stack.refusal("GetUICustomization", serde_json::json!({ "ClientId": "x" })).await;
        let message = "1 validation error detected: Value null at 'userPoolId' failed to satisfy \
                       constraint: Member must not be null";
        assert_eq!(refused, crate::testing::invalid(message));
    }
}
