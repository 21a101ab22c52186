//! Which code answers which operation.

use http::Response;
use poolhouse_domain::ports::Ports;
use poolhouse_wire::{OperationName as Name, operations as op};

use crate::serve::{error, run};

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
        Name::AdminResetUserPassword => run!(AdminResetUserPassword),
        Name::AdminRespondToAuthChallenge => run!(AdminRespondToAuthChallenge),
        Name::AdminSetUserMFAPreference => run!(AdminSetUserMFAPreference),
        Name::AdminSetUserPassword => run!(AdminSetUserPassword),
        Name::AdminUpdateUserAttributes => run!(AdminUpdateUserAttributes),
        Name::AdminUserGlobalSignOut => run!(AdminUserGlobalSignOut),
        Name::AssociateSoftwareToken => run!(AssociateSoftwareToken),
        Name::ChangePassword => run!(ChangePassword),
        Name::ConfirmForgotPassword => run!(ConfirmForgotPassword),
        Name::ConfirmSignUp => run!(ConfirmSignUp),
        Name::CreateUserPool => run!(CreateUserPool),
        Name::CreateUserPoolClient => run!(CreateUserPoolClient),
        Name::DeleteUser => run!(DeleteUser),
        Name::DeleteUserAttributes => run!(DeleteUserAttributes),
        Name::DeleteUserPool => run!(DeleteUserPool),
        Name::DeleteUserPoolClient => run!(DeleteUserPoolClient),
        Name::DescribeUserPool => run!(DescribeUserPool),
        Name::DescribeUserPoolClient => run!(DescribeUserPoolClient),
        Name::ForgotPassword => run!(ForgotPassword),
        Name::GetTokensFromRefreshToken => run!(GetTokensFromRefreshToken),
        Name::GetUser => run!(GetUser),
        Name::GetUserAttributeVerificationCode => run!(GetUserAttributeVerificationCode),
        Name::GetUserAuthFactors => run!(GetUserAuthFactors),
        Name::GetUserPoolMfaConfig => run!(GetUserPoolMfaConfig),
        Name::GlobalSignOut => run!(GlobalSignOut),
        Name::InitiateAuth => run!(InitiateAuth),
        Name::ListUserPoolClients => run!(ListUserPoolClients),
        Name::ListUserPools => run!(ListUserPools),
        Name::ListUsers => run!(ListUsers),
        Name::ResendConfirmationCode => run!(ResendConfirmationCode),
        Name::RespondToAuthChallenge => run!(RespondToAuthChallenge),
        Name::RevokeToken => run!(RevokeToken),
        Name::SetUserMFAPreference => run!(SetUserMFAPreference),
        Name::SetUserPoolMfaConfig => run!(SetUserPoolMfaConfig),
        Name::SignUp => run!(SignUp),
        Name::UpdateUserAttributes => run!(UpdateUserAttributes),
        Name::UpdateUserPool => run!(UpdateUserPool),
        Name::UpdateUserPoolClient => run!(UpdateUserPoolClient),
        Name::VerifySoftwareToken => run!(VerifySoftwareToken),
        Name::VerifyUserAttribute => run!(VerifyUserAttribute),
        _ => missing(name),
    }
}

/// The operations that Poolhouse does not have yet, one a line. The list may only shrink.
const MISSING: &str = include_str!("../missing-operations.txt");

/// Whether an operation is not there yet.
pub fn is_missing(name: Name) -> bool {
    MISSING.lines().any(|line| line == name.as_str())
}

/// The answer of an operation that is not there yet: an error that the model lists for it.
fn missing(name: Name) -> Response<String> {
    let modelled = ["OperationNotEnabledException", "InvalidParameterException"];
    let code = modelled.into_iter().find(|code| name.errors().contains(code));
    let message = format!("Poolhouse does not offer {} yet.", name.as_str());
    error(400, code.unwrap_or("InvalidParameterException"), &message)
}
