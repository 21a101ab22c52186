//! What registering and showing a passkey have in common: a browser's answer, and whether it belongs
//! to what was asked (WebAuthn Level 3, sections 7.1 and 7.2).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use coset::cbor::{self, value::Value};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use subtle::ConstantTimeEq;

use super::Challenge;

/// Characters that a browser's answer has at most. Those of real authenticators stay below a tenth,
/// certificates of an attestation included.
const MOST_CHARACTERS: usize = 65_536;

/// Bytes that a credential's id has at most (WebAuthn, section 4).
const MOST_ID_BYTES: usize = 1_023;

/// Why a browser's answer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CeremonyRefused {
    /// It is not what a browser would send.
    Malformed,
    /// It answers another challenge.
    Challenge,
    /// It comes from a page that the relying party has no say over.
    Origin,
    /// The authenticator did it for another relying party.
    RelyingParty,
    /// The authenticator did not make sure of its user, which was required.
    NotVerified,
    /// The key is of no algorithm that was offered.
    Algorithm,
    /// The passkey is another user's, or its signature is wrong or older than the last one.
    Signature,
}

/// What a browser was asked for.
pub struct Expected<'a> {
    /// The relying party.
    pub relying_party_id: &'a str,
    /// What had to be signed.
    pub challenge: &'a Challenge,
    /// Whether the authenticator had to make sure of its user.
    pub must_verify: bool,
}

/// A ceremony, as client data names it.
#[derive(Clone, Copy)]
pub(super) enum Ceremony {
    Registration,
    Assertion,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Assertion => "webauthn.get",
        }
    }
}

/// Bytes that come as base64url, with or without padding.
#[derive(Clone)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const CONFIG: GeneralPurposeConfig =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = String::deserialize(deserializer)?;
        let bytes = GeneralPurpose::new(&URL_SAFE, CONFIG).decode(text);
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// A browser's answer around what the authenticator said.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential<R> {
    raw_id: Bytes,
    id: Bytes,
    r#type: String,
    pub(super) authenticator_attachment: Option<String>,
    pub(super) response: R,
}

impl<R: DeserializeOwned> Credential<R> {
    /// Reads the JSON form of a browser's answer.
    pub(super) fn read(json: &str) -> Result<Self, CeremonyRefused> {
        if json.len() > MOST_CHARACTERS {
            return Err(CeremonyRefused::Malformed);
        }
        let credential: Self =
            serde_json::from_str(json).map_err(|_| CeremonyRefused::Malformed)?;
        let id_length = credential.id.0.len();
        let is_sound = credential.r#type == "public-key"
            && credential.id.0 == credential.raw_id.0
            && (1..=MOST_ID_BYTES).contains(&id_length);
        if is_sound { Ok(credential) } else { Err(CeremonyRefused::Malformed) }
    }

    /// The credential's id.
    pub(super) fn id(&self) -> &[u8] {
        &self.id.0
    }
}

/// What the browser vouches for; the authenticator signs its hash.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: Bytes,
    origin: String,
    cross_origin: Option<bool>,
}

/// Checks that the browser did this ceremony, for this challenge, on a page of the relying party.
pub(super) fn check_client_data(
    json: &[u8],
    ceremony: Ceremony,
    expected: &Expected<'_>,
) -> Result<(), CeremonyRefused> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| CeremonyRefused::Malformed)?;
    if data.r#type != ceremony.name() {
        return Err(CeremonyRefused::Malformed);
    }
    if !bool::from(data.challenge.0.as_slice().ct_eq(expected.challenge)) {
        return Err(CeremonyRefused::Challenge);
    }
    // A page inside another site's page could be made to look like that site's.
    if data.cross_origin == Some(true) || !may_use(&data.origin, expected.relying_party_id) {
        return Err(CeremonyRefused::Origin);
    }
    Ok(())
}

/// Whether pages of an origin may use the passkeys of a relying party: its host is the relying
/// party's id or below it, and it came over TLS, unless it came from the same machine.
fn may_use(origin: &str, relying_party_id: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let (host, port) = authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)));
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    let (host, id) = (host.to_ascii_lowercase(), relying_party_id.to_ascii_lowercase());
    let is_local = host == "localhost" || id.ends_with(".localhost");
    let is_secure = scheme == "https" || (scheme == "http" && is_local);
    let is_below = host.strip_suffix(&id).is_some_and(|rest| rest.ends_with('.'));
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    is_secure && is_name && (host == id || is_below)
}

/// What the authenticator vouches for (WebAuthn, section 6.1).
pub(super) struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested>,
}

/// A new credential within authenticator data.
pub(super) struct Attested {
    pub(super) aaguid: [u8; 16],
    pub(super) id: Vec<u8>,
    /// The `COSE_Key` as it stood there.
    pub(super) public_key: Vec<u8>,
}

/// The user touched the authenticator.
const PRESENT: u8 = 1;
/// The authenticator made sure of its user, by PIN or biometrics.
const VERIFIED: u8 = 1 << 2;
/// The credential may be copied to other devices.
const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// It has been copied.
const BACKED_UP: u8 = 1 << 4;
/// A new credential follows.
const ATTESTED: u8 = 1 << 6;
/// Extensions follow.
const EXTENDED: u8 = 1 << 7;

impl AuthenticatorData {
    /// Reads the bytes, all of them.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CeremonyRefused> {
        Self::try_read(bytes).ok_or(CeremonyRefused::Malformed)
    }

    fn try_read(bytes: &[u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk()?;
        let (&flags, rest) = rest.split_first()?;
        let (sign_count, mut rest) = rest.split_first_chunk()?;
        let attested = match flags & ATTESTED {
            0 => None,
            _ => Some(Attested::read(&mut rest)?),
        };
        if flags & EXTENDED != 0 {
            cbor::from_reader::<Value, _>(&mut rest).ok()?.as_map()?;
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        rest.is_empty().then_some(Self { rp_id_hash: *rp_id_hash, flags, sign_count, attested })
    }

    /// Checks that the authenticator did this for the relying party, with its user.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), CeremonyRefused> {
        let hash = digest(&SHA256, expected.relying_party_id.as_bytes());
        if hash.as_ref() != self.rp_id_hash {
            return Err(CeremonyRefused::RelyingParty);
        }
        let is_possible = !self.has(BACKED_UP) || self.has(BACKUP_ELIGIBLE);
        if !self.has(PRESENT) || !is_possible {
            return Err(CeremonyRefused::Malformed);
        }
        if expected.must_verify && !self.has(VERIFIED) {
            return Err(CeremonyRefused::NotVerified);
        }
        Ok(())
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Attested {
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let (aaguid, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let (id, key) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        *rest = key;
        cbor::from_reader::<Value, _>(&mut *rest).ok()?;
        let public_key = key.get(..key.len() - rest.len())?;
        Some(Self { aaguid: *aaguid, id: id.to_vec(), public_key: public_key.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_at_or_below_the_relying_party_may_use_its_passkeys() {
        for (origin, id) in [
            ("https://example.com", "example.com"),
            ("https://app.example.com:8443", "example.com"),
            ("https://EXAMPLE.com", "example.com"),
            ("http://localhost:3000", "localhost"),
            ("https://localhost", "localhost"),
            ("http://shop.auth.localhost:7665", "shop.auth.localhost"),
        ] {
            assert!(may_use(origin, id), "{origin}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for (origin, id) in [
            ("http://example.com", "example.com"),
            ("https://example.org", "example.com"),
            ("https://badexample.com", "example.com"),
            ("https://example.com.evil.org", "example.com"),
            ("https://evil.org/.example.com", "example.com"),
            ("https://evil.org?.example.com", "example.com"),
            ("https://user@example.com", "example.com"),
            ("https://example.com:evil", "example.com"),
            ("https://example.com", "app.example.com"),
            ("http://app.localhost", "localhost"),
            ("http://app.test", "shop.auth.localhost"),
            ("android:apk-key-hash:abc", "example.com"),
            ("null", "example.com"),
            ("", "example.com"),
        ] {
            assert!(!may_use(origin, id), "{origin}");
        }
    }

    #[test]
    fn authenticator_data_is_read_to_its_last_byte() {
        let bare = [[7; 32].as_slice(), &[PRESENT, 0, 0, 1, 2]].concat();
        assert_eq!(AuthenticatorData::read(&bare).ok().map(|data| data.sign_count), Some(258));
        let short = bare.get(..36).unwrap_or_default();
        let long = [bare.as_slice(), &[0]].concat();
        let no_map = [[7; 32].as_slice(), &[EXTENDED, 0, 0, 0, 0, 0x01]].concat();
        let no_key = [[7; 32].as_slice(), &[ATTESTED, 0, 0, 0, 0], &[0; 16], &[0, 9, 1]].concat();
        for bytes in [short, &long, &no_map, &no_key, &[]] {
            let refused = AuthenticatorData::read(bytes).err();
            assert_eq!(refused, Some(CeremonyRefused::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn deeply_nested_cbor_is_refused_and_harms_nothing() {
        let deep = [[7; 32].as_slice(), &[EXTENDED, 0, 0, 0, 0], &[0x81; 10_000]].concat();
        assert!(AuthenticatorData::read(&deep).is_err());
    }
}
