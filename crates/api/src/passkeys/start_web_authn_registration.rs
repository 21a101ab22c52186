//! `StartWebAuthnRegistration`: a user asks for what a browser needs to make a passkey.

use poolhouse_domain::{
    Fault,
    passkeys::registration::{self, RegistrationRefused},
    ports::Ports,
    shapes::{StartWebAuthnRegistrationRequest, StartWebAuthnRegistrationResponse},
};
use poolhouse_wire::{codes, operations::StartWebAuthnRegistration as Op};

use super::{bearer, not_enabled, too_many};
use crate::{
    failure::{Answer, Failure, Unanswered},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: StartWebAuthnRegistrationRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let options = match registration::start(ports, (&bearer).into()).await? {
            Ok(options) => options,
            Err(refused) => return Err(refusal(refused)),
        };
        let credential_creation_options = serde_json::to_value(options)
            .map_err(|error| Fault::because("creation options can't be written", error))?;
        Ok(StartWebAuthnRegistrationResponse { credential_creation_options })
    }
}

fn refusal(refused: RegistrationRefused) -> Unanswered<Op> {
    match refused {
        RegistrationRefused::NotEnabled => not_enabled().into(),
        RegistrationRefused::NoRelyingParty => Failure::new(
            codes::WebAuthnConfigurationMissingException,
            // A belief.
            "The user pool has neither a relying party ID for WebAuthn nor a domain.",
        )
        .into(),
        RegistrationRefused::TooMany => too_many().into(),
        RegistrationRefused::NoChallenge
        | RegistrationRefused::OtherClient
        | RegistrationRefused::Known
        | RegistrationRefused::Ceremony(_) => {
            Fault::broken("a registration was refused for its answer before there was one").into()
        }
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_testkit::Authenticator;
    use serde_json::{Value, json};

    use super::super::testing::{configure, passkey_pool, register, start};
    use crate::testing::{Stack, error, merged, text};

    /// `ada` in base64url of their sub, as the options name a user.
    fn encoded(text: &str) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(text)
    }

    #[tokio::test]
    async fn the_options_are_those_that_browsers_and_clients_know() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        let sub = stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let mut options = start(&stack, &token).await;
        let challenge = text(&options["challenge"].take());
        assert_eq!(challenge.len(), 22);
        let expected = json!({
            "authenticatorSelection": {
                "requireResidentKey": true, "residentKey": "required",
                "userVerification": "preferred",
            },
            "challenge": null, "excludeCredentials": [],
            "pubKeyCredParams": [
                { "alg": -7, "type": "public-key" }, { "alg": -257, "type": "public-key" },
            ],
            "rp": { "id": "example.com", "name": "example.com" }, "timeout": 60000,
            "user": { "displayName": "ada", "name": "ada", "id": encoded(&sub) },
        });
        assert_eq!(options, expected);
        assert_ne!(text(&start(&stack, &token).await["challenge"]), challenge);
    }

    #[tokio::test]
    async fn passkeys_of_the_relying_party_are_excluded_and_verification_follows_the_pool() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let authenticator = Authenticator::es256("key");
        register(&stack, &token, &authenticator).await;
        let excluded = json!([{ "id": authenticator.id(), "type": "public-key" }]);
        assert_eq!(start(&stack, &token).await["excludeCredentials"], excluded);
        let verification =
            |options: &Value| options["authenticatorSelection"]["userVerification"].clone();
        let required = json!({ "RelyingPartyId": "example.org", "UserVerification": "required" });
        configure(&stack, &pool, required).await;
        let options = start(&stack, &token).await;
        assert_eq!(options["excludeCredentials"], json!([]));
        assert_eq!(
            (verification(&options), &options["rp"]["id"]),
            (json!("required"), &json!("example.org"))
        );
        let factor = "MULTI_FACTOR_WITH_USER_VERIFICATION";
        let config = json!({ "RelyingPartyId": "example.com", "FactorConfiguration": factor });
        configure(&stack, &pool, config).await;
        assert_eq!(verification(&start(&stack, &token).await), "required");
    }

    #[tokio::test]
    async fn refuses_where_passkeys_are_not_enabled_or_have_no_relying_party() {
        let stack = Stack::new().await;
        let plain = stack.pool(json!({})).await;
        configure(&stack, &plain, json!({ "RelyingPartyId": "example.com" })).await;
        let (homeless, homeless_client) = passkey_pool(&stack).await;
        configure(&stack, &homeless, json!({ "UserVerification": "preferred" })).await;
        let plain_client = stack.client(&plain, json!({})).await;
        for (pool, client, expected) in [
            (
                plain,
                plain_client,
                error("WebAuthnNotEnabledException", "WebAuthn is not enabled for this user pool."),
            ),
            (
                homeless,
                homeless_client,
                error(
                    "WebAuthnConfigurationMissingException",
                    "The user pool has neither a relying party ID for WebAuthn nor a domain.",
                ),
            ),
        ] {
            stack.user(&pool, "ada", &[]).await;
            let token = stack.access_token(&client, "ada").await;
            let input = json!({ "AccessToken": token });
            assert_eq!(stack.refusal("StartWebAuthnRegistration", input).await, expected);
        }
    }

    #[tokio::test]
    async fn a_user_has_twenty_passkeys_at_most() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        for number in 0..20 {
            register(&stack, &token, &Authenticator::es256(&format!("key-{number}"))).await;
        }
        let input = json!({ "AccessToken": token });
        let expected =
            error("LimitExceededException", "The user has reached the maximum number of passkeys.");
        assert_eq!(stack.refusal("StartWebAuthnRegistration", input).await, expected);
        let id = Authenticator::es256("key-7").id();
        let input = json!({ "AccessToken": token, "CredentialId": id });
        stack.ok("DeleteWebAuthnCredential", input).await;
        start(&stack, &token).await;
    }

    #[tokio::test]
    async fn tokens_and_users_that_may_not_are_refused() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        stack.user(&pool, "ada", &[("email", "ada@example.com"), ("email_verified", "true")]).await;
        let token = stack.access_token(&client, "ada").await;
        let refused =
            stack.refusal("StartWebAuthnRegistration", json!({ "AccessToken": "garbage" })).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Access Token"));
        let ada = json!({ "UserPoolId": pool, "Username": "ada" });
        stack.ok("AdminResetUserPassword", ada).await;
        let text = "Password reset required for the user";
        let reset = error("PasswordResetRequiredException", text);
        for (operation, members) in [
            ("StartWebAuthnRegistration", json!({})),
            ("CompleteWebAuthnRegistration", json!({ "Credential": {} })),
            ("ListWebAuthnCredentials", json!({})),
            ("DeleteWebAuthnCredential", json!({ "CredentialId": "a" })),
        ] {
            let input = merged(json!({ "AccessToken": token }), members);
            assert_eq!(stack.refusal(operation, input).await, reset, "{operation}");
        }
    }
}
