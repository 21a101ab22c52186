//! `CompleteWebAuthnRegistration`: a user hands in the passkey that their browser made.

use poolhouse_domain::{
    Fault,
    passkeys::{
        CeremonyRefused,
        registration::{self, RegistrationRefused},
    },
    ports::Ports,
    shapes::{CompleteWebAuthnRegistrationRequest, CompleteWebAuthnRegistrationResponse},
};
use poolhouse_wire::{codes, operations::CompleteWebAuthnRegistration as Op, to_json};

use super::{bearer, not_enabled, too_many};
use crate::{
    failure::{Answer, Failure, Unanswered, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CompleteWebAuthnRegistrationRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let credential = to_json(&input.credential);
        let completed = registration::complete(ports, (&bearer).into(), &credential).await?;
        completed.map_err(refusal)?;
        Ok(CompleteWebAuthnRegistrationResponse {})
    }
}

/// What is said of a passkey that is not accepted. On record is only the text for data that is not
/// valid (<https://github.com/aws/aws-sdk-net/issues/4386>); the others are beliefs.
fn refusal(refused: RegistrationRefused) -> Unanswered<Op> {
    let failure = match refused {
        RegistrationRefused::NotEnabled => not_enabled(),
        RegistrationRefused::TooMany => too_many(),
        RegistrationRefused::NoChallenge
        | RegistrationRefused::Ceremony(CeremonyRefused::Challenge) => Failure::new(
            codes::WebAuthnChallengeNotFoundException,
            "The challenge was not found or has expired.",
        ),
        RegistrationRefused::OtherClient => Failure::new(
            codes::WebAuthnClientMismatchException,
            "The registration was started with another app client.",
        ),
        RegistrationRefused::Ceremony(CeremonyRefused::Origin) => Failure::new(
            codes::WebAuthnOriginNotAllowedException,
            "The origin is not allowed for the relying party.",
        ),
        RegistrationRefused::Ceremony(CeremonyRefused::RelyingParty) => Failure::new(
            codes::WebAuthnRelyingPartyMismatchException,
            "The relying party does not match that of the user pool.",
        ),
        RegistrationRefused::Ceremony(
            CeremonyRefused::Algorithm | CeremonyRefused::NotVerified,
        ) => Failure::new(
            codes::WebAuthnCredentialNotSupportedException,
            "The credential is not supported.",
        ),
        RegistrationRefused::Known
        | RegistrationRefused::Ceremony(CeremonyRefused::Malformed | CeremonyRefused::Signature) => {
            invalid_parameter("Credential data is not valid")
        }
        RegistrationRefused::NoRelyingParty => {
            return Fault::broken("only a start asks for a relying party").into();
        }
    };
    failure.into()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use poolhouse_testkit::{Authenticator, Told};
    use serde_json::{Value, json};

    use super::super::testing::{configure, flows, list, passkey_pool, register, start};
    use crate::testing::{Stack, error, invalid, text};

    const COMPLETE: &str = "CompleteWebAuthnRegistration";

    fn input(token: &str, credential: &Value) -> Value {
        json!({ "AccessToken": token, "Credential": credential })
    }

    fn not_valid() -> (String, String) {
        invalid("Credential data is not valid")
    }

    fn no_challenge() -> (String, String) {
        let text = "The challenge was not found or has expired.";
        error("WebAuthnChallengeNotFoundException", text)
    }

    async fn ada(stack: &Stack) -> (String, String, String) {
        let (pool, client) = passkey_pool(stack).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        (pool, client, token)
    }

    #[tokio::test]
    async fn keys_of_both_algorithms_are_accepted() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        register(&stack, &token, &Authenticator::es256("one")).await;
        register(&stack, &token, &Authenticator::rs256("two")).await;
        assert_eq!(list(&stack, &token).await.as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn other_attestations_are_accepted_and_not_looked_at() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        let options = start(&stack, &token).await;
        let mut credential = Authenticator::es256("key").register(&options, &Told::default());
        let object = text(&credential["response"]["attestationObject"]);
        let object = URL_SAFE_NO_PAD.decode(object).unwrap();
        // CBOR: a text of 4 bytes, "none"; one of 6 bytes, "packed".
        let at = object.windows(5).position(|w| w == b"\x64none").unwrap();
        let packed = [&object[..at], b"\x66packed", &object[at + 5..]].concat();
        credential["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(packed));
        stack.ok(COMPLETE, input(&token, &credential)).await;
        assert_eq!(list(&stack, &token).await[0]["FriendlyCredentialName"], "Passkey");
    }

    #[tokio::test]
    async fn a_challenge_works_once() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        let options = start(&stack, &token).await;
        let credential = |id: &str| Authenticator::es256(id).register(&options, &Told::default());
        stack.ok(COMPLETE, input(&token, &credential("one"))).await;
        let again = stack.refusal(COMPLETE, input(&token, &credential("two"))).await;
        assert_eq!(again, no_challenge());
        // A challenge of another registration is as good as none.
        start(&stack, &token).await;
        let replayed = stack.refusal(COMPLETE, input(&token, &credential("two"))).await;
        assert_eq!(replayed, no_challenge());
        assert_eq!(list(&stack, &token).await.as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_challenge_ends_after_five_minutes() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        for (seconds, is_good) in [(299, true), (300, false)] {
            let options = start(&stack, &token).await;
            stack.advance(seconds);
            let key = Authenticator::es256(&seconds.to_string());
            let answer = input(&token, &key.register(&options, &Told::default()));
            let answer = stack.call(COMPLETE, answer).await;
            assert_eq!(answer.status == 200, is_good, "{seconds}: {}", answer.body);
        }
    }

    #[tokio::test]
    async fn a_challenge_belongs_to_a_client_and_a_user() {
        let stack = Stack::new().await;
        let (pool, client, token) = ada(&stack).await;
        let other_client = stack.client(&pool, json!({ "ExplicitAuthFlows": flows() })).await;
        let other_token = stack.access_token(&other_client, "ada").await;
        stack.user(&pool, "bob", &[]).await;
        let bobs_token = stack.access_token(&client, "bob").await;
        let options = start(&stack, &token).await;
        let credential = Authenticator::es256("key").register(&options, &Told::default());
        let refused = stack.refusal(COMPLETE, input(&other_token, &credential)).await;
        let text = "The registration was started with another app client.";
        assert_eq!(refused, error("WebAuthnClientMismatchException", text));
        let refused = stack.refusal(COMPLETE, input(&bobs_token, &credential)).await;
        assert_eq!(refused, no_challenge());
        // Neither has used it up.
        stack.ok(COMPLETE, input(&token, &credential)).await;
    }

    #[tokio::test]
    async fn ceremonies_of_other_pages_parties_and_kinds_are_refused() {
        let stack = Stack::new().await;
        let (pool, _, token) = ada(&stack).await;
        let verified = json!({ "RelyingPartyId": "example.com", "UserVerification": "required" });
        configure(&stack, &pool, verified).await;
        let options = start(&stack, &token).await;
        let right = Told::default;
        let origin = || {
            let text = "The origin is not allowed for the relying party.";
            error("WebAuthnOriginNotAllowedException", text)
        };
        let mismatch = "The relying party does not match that of the user pool.";
        let unsupported = "The credential is not supported.";
        for (told, expected) in [
            (Told { origin: "https://example.org".into(), ..right() }, origin()),
            (Told { origin: "http://example.com".into(), ..right() }, origin()),
            (Told { cross_origin: true, ..right() }, origin()),
            (
                Told { relying_party_id: "example.org".into(), ..right() },
                error("WebAuthnRelyingPartyMismatchException", mismatch),
            ),
            (
                Told { flags: 0b001, ..right() },
                error("WebAuthnCredentialNotSupportedException", unsupported),
            ),
            (Told { flags: 0b100, ..right() }, not_valid()),
            (Told { flags: 0b1_0101, ..right() }, not_valid()),
            (Told { ceremony: Some("webauthn.get".into()), ..right() }, not_valid()),
        ] {
            let credential = Authenticator::es256("key").register(&options, &told);
            let refused = stack.refusal(COMPLETE, input(&token, &credential)).await;
            assert_eq!(refused, expected, "{told:?}");
        }
        assert_eq!(list(&stack, &token).await, json!([]));
        let credential = Authenticator::es256("key").register(&options, &right());
        stack.ok(COMPLETE, input(&token, &credential)).await;
    }

    #[tokio::test]
    async fn localhost_needs_no_tls_and_verification_only_where_it_is_required() {
        let stack = Stack::new().await;
        let (pool, _, token) = ada(&stack).await;
        configure(&stack, &pool, json!({ "RelyingPartyId": "localhost" })).await;
        let told = Told {
            origin: "http://localhost:3000".into(),
            relying_party_id: "localhost".into(),
            flags: 0b001,
            ..Told::default()
        };
        let options = start(&stack, &token).await;
        let credential = Authenticator::es256("key").register(&options, &told);
        stack.ok(COMPLETE, input(&token, &credential)).await;
    }

    #[tokio::test]
    async fn keys_that_were_not_offered_or_are_unsound_are_refused() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        let options = start(&stack, &token).await;
        let key = Authenticator::es256("key");
        let unsupported =
            error("WebAuthnCredentialNotSupportedException", "The credential is not supported.");
        // In the map of ES256 keys: type, algorithm, curve, x, y.
        for (place, value) in [(1, json!(-8)), (1, json!(-257)), (2, json!(2)), (4, json!(0))] {
            let mut members = key.public_key().into_map().unwrap();
            members[place].1 = value.as_i64().unwrap().into();
            let altered = members.into();
            let credential = key.register_key(&options, &Told::default(), &altered);
            let refused = stack.refusal(COMPLETE, input(&token, &credential)).await;
            assert_eq!(refused, unsupported, "{place} {value}");
        }
        // A point off the curve.
        let mut members = key.public_key().into_map().unwrap();
        members[4].1 = vec![7_u8; 32].into();
        let credential = key.register_key(&options, &Told::default(), &members.into());
        let refused = stack.refusal(COMPLETE, input(&token, &credential)).await;
        assert_eq!(refused, unsupported);
    }

    #[tokio::test]
    async fn answers_that_no_browser_gives_are_refused() {
        let stack = Stack::new().await;
        let (_, _, token) = ada(&stack).await;
        let options = start(&stack, &token).await;
        let good = Authenticator::es256("key").register(&options, &Told::default());
        let altered = |path: &str, value: Value| {
            let mut credential = good.clone();
            *credential.pointer_mut(path).unwrap() = value;
            credential
        };
        let huge = "A".repeat(70_000);
        for credential in [
            json!({}),
            altered("/type", json!("password")),
            altered("/id", json!("b3RoZXI")),
            altered("/rawId", json!("not base64url!")),
            altered("/response", Value::Null),
            altered("/response/clientDataJSON", json!("e30")),
            altered("/response/attestationObject", json!("")),
            altered("/response/attestationObject", json!(URL_SAFE_NO_PAD.encode([0x9f; 9]))),
            altered("/response/attestationObject", json!(huge)),
        ] {
            let refused = stack.refusal(COMPLETE, input(&token, &credential)).await;
            assert_eq!(refused, not_valid(), "{credential}");
        }
        stack.ok(COMPLETE, input(&token, &good)).await;
    }

    #[tokio::test]
    async fn a_credential_is_registered_once_in_a_pool() {
        let stack = Stack::new().await;
        let (pool, client, token) = ada(&stack).await;
        register(&stack, &token, &Authenticator::es256("key")).await;
        stack.user(&pool, "bob", &[]).await;
        let bobs = stack.access_token(&client, "bob").await;
        let options = start(&stack, &bobs).await;
        let same = Authenticator::es256("key").register(&options, &Told::default());
        assert_eq!(stack.refusal(COMPLETE, input(&bobs, &same)).await, not_valid());
        // Nothing was used up.
        let own = Authenticator::es256("own").register(&options, &Told::default());
        stack.ok(COMPLETE, input(&bobs, &own)).await;
        assert_eq!(list(&stack, &bobs).await.as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn where_passkeys_were_switched_off_meanwhile_none_is_taken() {
        let stack = Stack::new().await;
        let (pool, _, token) = ada(&stack).await;
        let options = start(&stack, &token).await;
        let policies = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
        stack.ok("UpdateUserPool", json!({ "UserPoolId": pool, "Policies": policies })).await;
        let credential = Authenticator::es256("key").register(&options, &Told::default());
        let refused = stack.refusal(COMPLETE, input(&token, &credential)).await;
        let text = "WebAuthn is not enabled for this user pool.";
        assert_eq!(refused, error("WebAuthnNotEnabledException", text));
    }

    #[tokio::test]
    async fn a_passkey_too_many_is_refused_at_the_end_too() {
        let stack = Stack::new().await;
        let (pool, client, token) = ada(&stack).await;
        for number in 0..19 {
            register(&stack, &token, &Authenticator::es256(&number.to_string())).await;
        }
        // Another browser, with a client of its own, is faster.
        let options = start(&stack, &token).await;
        let mut tx = stack.ports.store.write().await.unwrap();
        let user = tx.user_by_username(&pool, "ada").await.unwrap().unwrap();
        let mut passkey = tx.passkeys_of_user(&pool, &user.sub).await.unwrap().remove(0);
        passkey.credential_id = "ZmFzdGVy".to_owned();
        assert!(tx.insert_passkey(&passkey).await.unwrap());
        tx.commit().await.unwrap();
        let late = Authenticator::es256("late").register(&options, &Told::default());
        let text = "The user has reached the maximum number of passkeys.";
        assert_eq!(
            stack.refusal(COMPLETE, input(&token, &late)).await,
            error("LimitExceededException", text)
        );
        assert_eq!(list(&stack, &token).await.as_array().unwrap().len(), 20);
        stack.access_token(&client, "ada").await;
    }
}
