//! A user shows a passkey: options for the browser, then its answer.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{
    Challenge, Descriptor, Passkey, TIMEOUT,
    ceremony::{
        AuthenticatorData, Bytes, Ceremony, CeremonyRefused, Credential, Expected,
        check_client_data,
    },
    encoded, key, relying_party_id, verification,
};
use crate::{ports::Identity, shapes::UserVerificationType, user_pools::UserPool};

/// What a browser needs to show a passkey (`PublicKeyCredentialRequestOptionsJSON`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    challenge: String,
    rp_id: String,
    timeout: u32,
    allow_credentials: Vec<Descriptor>,
    user_verification: &'static str,
}

/// The passkeys of a user that work with the pool as it is now: those of its relying party. (A
/// passkey is bound to the one it was made for.)
pub fn usable(identity: &Identity, pool: &UserPool, passkeys: Vec<Passkey>) -> Vec<Passkey> {
    let id = relying_party_id(identity, pool);
    let is_ours = |passkey: &Passkey| Some(&passkey.relying_party_id) == id.as_ref();
    passkeys.into_iter().filter(is_ours).collect()
}

/// Asks a browser for one of these passkeys.
pub fn request(
    identity: &Identity,
    pool: &UserPool,
    challenge: &Challenge,
    passkeys: Vec<Passkey>,
) -> RequestOptions {
    let descriptor = |passkey: Passkey| Descriptor {
        id: passkey.credential_id,
        transports: Some(passkey.transports),
        r#type: "public-key",
    };
    RequestOptions {
        challenge: encoded(challenge),
        rp_id: relying_party_id(identity, pool).unwrap_or_default(),
        timeout: TIMEOUT,
        allow_credentials: passkeys.into_iter().map(descriptor).collect(),
        user_verification: verification(pool).as_str(),
    }
}

/// What the authenticator said.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    authenticator_data: Bytes,
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    signature: Bytes,
    user_handle: Option<Bytes>,
}

/// A browser's answer.
pub struct Assertion(Credential<Response>);

impl Assertion {
    /// Reads the JSON form (`AuthenticationResponseJSON`).
    pub fn read(json: &str) -> Result<Self, CeremonyRefused> {
        Credential::read(json).map(Self)
    }

    /// The id of the passkey that was shown.
    pub fn credential_id(&self) -> String {
        encoded(self.0.id())
    }

    /// Checks that a user showed this passkey, for this challenge. Answers the authenticator's new
    /// count of signatures, which the caller stores.
    ///
    /// A count that does not grow means that there are two copies of the key, and that one of them
    /// is in wrong hands; most authenticators don't count, and stay at 0.
    pub fn check(
        &self,
        identity: &Identity,
        pool: &UserPool,
        passkey: &Passkey,
        sub: &str,
        challenge: &Challenge,
    ) -> Result<u32, CeremonyRefused> {
        let response = &self.0.response;
        let is_theirs = passkey.sub == sub && passkey.credential_id == self.credential_id();
        let handle = response.user_handle.as_ref().map(|handle| handle.0.as_slice());
        let is_handle = handle.is_none_or(|handle| handle.is_empty() || handle == sub.as_bytes());
        if !is_theirs || !is_handle {
            return Err(CeremonyRefused::Signature);
        }
        let relying_party_id =
            relying_party_id(identity, pool).ok_or(CeremonyRefused::RelyingParty)?;
        if passkey.relying_party_id != relying_party_id {
            return Err(CeremonyRefused::RelyingParty);
        }
        let must_verify = verification(pool) == UserVerificationType::Required;
        let relying_party_id = relying_party_id.as_str();
        let expected = Expected { relying_party_id, challenge, must_verify };
        check_client_data(&response.client_data.0, Ceremony::Assertion, &expected)?;
        let data = AuthenticatorData::read(&response.authenticator_data.0)?;
        data.check(&expected)?;
        let hash = digest(&SHA256, &response.client_data.0);
        let message = [response.authenticator_data.0.as_slice(), hash.as_ref()].concat();
        if !key::verifies(&passkey.public_key, &message, &response.signature.0) {
            return Err(CeremonyRefused::Signature);
        }
        let counts = data.sign_count != 0 || passkey.sign_count != 0;
        if counts && data.sign_count <= passkey.sign_count {
            return Err(CeremonyRefused::Signature);
        }
        Ok(data.sign_count)
    }
}
