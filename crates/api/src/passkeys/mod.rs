//! Operations on a user's passkeys.

mod complete_web_authn_registration;
mod delete_web_authn_credential;
mod list_web_authn_credentials;
mod start_web_authn_registration;

use poolhouse_domain::{ports::Ports, shapes::UserStatusType, tokens::access::Bearer};
use poolhouse_wire::{Operation, Permits, codes};

use crate::{
    failure::{Failure, Unanswered},
    subject,
};

/// The user of an access token, unless their password has to be reset first. Who was imported and
/// signed in by a code has none.
async fn bearer<Op>(ports: &Ports, access_token: &str) -> Result<Bearer, Unanswered<Op>>
where
    Op: Operation
        + Permits<codes::NotAuthorizedException>
        + Permits<codes::PasswordResetRequiredException>,
{
    let bearer = subject::by_access_token::<Op>(ports, access_token).await?;
    if bearer.user.status == UserStatusType::ResetRequired && bearer.user.password.is_some() {
        let message = "Password reset required for the user";
        return Err(Failure::new(codes::PasswordResetRequiredException, message).into());
    }
    Ok(bearer)
}

/// What is said where users don't sign in by passkey. (The text is a belief.)
fn not_enabled<Op>() -> Failure<Op>
where
    Op: Permits<codes::WebAuthnNotEnabledException>,
{
    Failure::new(codes::WebAuthnNotEnabledException, "WebAuthn is not enabled for this user pool.")
}

/// What is said to a user who has as many passkeys as a user can have. (The text is a belief.)
fn too_many<Op>() -> Failure<Op>
where
    Op: Permits<codes::LimitExceededException>,
{
    let message = "The user has reached the maximum number of passkeys.";
    Failure::new(codes::LimitExceededException, message)
}

#[cfg(test)]
pub(crate) mod testing {
    use poolhouse_testkit::{Authenticator, Told};
    use serde_json::{Value, json};

    use crate::testing::Stack;

    /// The relying party of [`passkey_pool`].
    pub(crate) const RELYING_PARTY: &str = "example.com";

    /// A pool whose users sign in by everything there is, and a client with every flow.
    pub(crate) async fn passkey_pool(stack: &Stack) -> (String, String) {
        let factors = ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"];
        let policies = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
        let pool = stack.pool(json!({ "Policies": policies })).await;
        configure(stack, &pool, json!({ "RelyingPartyId": RELYING_PARTY })).await;
        let client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
        (pool, client)
    }

    /// Every flow that needs no trigger.
    pub(crate) fn flows() -> Value {
        json!([
            "ALLOW_USER_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ])
    }

    /// Sets a pool's `WebAuthnConfiguration`.
    pub(crate) async fn configure(stack: &Stack, pool: &str, configuration: Value) {
        let input = json!({ "UserPoolId": pool, "WebAuthnConfiguration": configuration });
        stack.ok("SetUserPoolMfaConfig", input).await;
    }

    /// Starts a registration and answers the options.
    pub(crate) async fn start(stack: &Stack, token: &str) -> Value {
        let input = json!({ "AccessToken": token });
        stack.ok("StartWebAuthnRegistration", input).await["CredentialCreationOptions"].take()
    }

    /// Registers the authenticator's passkey.
    pub(crate) async fn register(stack: &Stack, token: &str, authenticator: &Authenticator) {
        let options = start(stack, token).await;
        let credential = authenticator.register(&options, &Told::default());
        let input = json!({ "AccessToken": token, "Credential": credential });
        assert_eq!(stack.ok("CompleteWebAuthnRegistration", input).await, json!({}));
    }

    /// What `ListWebAuthnCredentials` shows.
    pub(crate) async fn list(stack: &Stack, token: &str) -> Value {
        let input = json!({ "AccessToken": token });
        stack.ok("ListWebAuthnCredentials", input).await["Credentials"].take()
    }
}
