//! Keys that protect what is stored and what clients carry for us.
//!
//! ```text
//! master key   one per installation; lives outside the database (a file, a variable, a KMS)
//!   └ wraps    data keys: a few, numbered, kept wrapped in the database; one of them is active
//!       └ HKDF each thing that is sealed or hashed has a key of its own, derived from a data key,
//!              its purpose and, for sealing, 12 random bytes
//! ```
//!
//! The [`Keyring`] holds the unwrapped data keys. What it seals says which data key was used, so
//! that a new key can be activated at any time while what older keys sealed still opens. With
//! several nodes, one may meet a key that another has just made: it sees [`OpenError::UnknownKey`],
//! reloads its keys from the store and tries again.
//!
//! **Format** of sealed bytes, 45 bytes longer than what they hold:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 4 | number of the data key, big-endian |
//! | 12 | random, goes into the derivation of the key |
//! | 12 | random, the AES-GCM nonce |
//! | … | AES-256-GCM ciphertext |
//! | 16 | AES-GCM tag |
//!
//! **Why a key per message.** AES-GCM breaks when a nonce repeats under one key, which limits
//! random 12-byte nonces to 2^32 messages per key (NIST SP 800-38D section 8.3). A cluster that
//! seals a thousand sessions and tokens in a second gets there in seven weeks. With 24 random bytes
//! that pick both the key and the nonce, the limit is out of reach, for less than a microsecond per
//! message.
//!
//! **Associated data** binds sealed bytes to where they belong: the record's identity for stored
//! secrets, pool and client for sessions. It must be repeated when opening.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ports::Entropy;

/// Bytes that sealing adds to what is sealed.
pub const OVERHEAD: usize = HEADER + NONCE_LEN + TAG;

const VERSION: u8 = 1;
/// Version, key number and derivation bytes.
const HEADER: usize = 1 + 4 + DERIVATION;
const DERIVATION: usize = 12;
const TAG: usize = 16;

/// What something is sealed or hashed for. Bytes sealed for one purpose never open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Secrets in the database: verifiers, TOTP secrets, client secrets, signing keys.
    AtRest,
    /// The `Session` of a sign-in that is not finished.
    ChallengeSession,
    /// The `SECRET_BLOCK` of an SRP challenge.
    SecretBlock,
    /// Refresh tokens.
    RefreshToken,
    /// `NextToken` and `PaginationToken` of lists.
    PageToken,
    /// Verification, recovery and one-time codes, which are stored as keyed hashes.
    CodeHash,
    /// What an application asks of the authorize endpoint, while pages are shown.
    AuthorizeRequest,
    /// Authorization codes of the OAuth endpoints, which are stored as keyed hashes.
    AuthorizationCode,
    /// Cookies of managed login.
    BrowserSession,
    /// Where somebody stands between two login pages.
    PageData,
    /// State that travels through an upstream identity provider and back.
    UpstreamState,
    /// URLs to which files for import are put.
    ImportUpload,
    /// Salts and verifiers of users that don't exist.
    SimulatedUser,
    /// What lets a user give feedback on an event.
    FeedbackToken,
    /// Data keys that the server's own key service wraps.
    WrappedKey,
}

impl Purpose {
    /// Goes into key derivation: changing one makes everything sealed for it unreadable.
    const fn label(self) -> &'static str {
        match self {
            Self::AtRest => "at rest",
            Self::ChallengeSession => "challenge session",
            Self::SecretBlock => "secret block",
            Self::RefreshToken => "refresh token",
            Self::PageToken => "page token",
            Self::CodeHash => "code hash",
            Self::AuthorizeRequest => "authorize request",
            Self::AuthorizationCode => "authorization code",
            Self::BrowserSession => "browser session",
            Self::PageData => "page data",
            Self::UpstreamState => "upstream state",
            Self::ImportUpload => "import upload",
            Self::SimulatedUser => "simulated user",
            Self::FeedbackToken => "feedback token",
            Self::WrappedKey => "wrapped key",
        }
    }
}

/// Why something did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short, an unknown version, or not in the expected text form.
    #[error("not a sealed value")]
    Malformed,
    /// The data key of this number is not in the ring. It may be new: reload the keys once and
    /// retry.
    #[error("sealed with data key {0}, which is not loaded")]
    UnknownKey(u32),
    /// Altered, sealed for another purpose, or with other associated data.
    #[error("the seal is broken")]
    Forged,
}

/// A data key: 32 random bytes and the number that names them. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct DataKey {
    id: u32,
    bytes: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// Makes a new key. Numbers must never be used twice in an installation.
    pub fn generate(id: u32, entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self { id, bytes }
    }

    /// The number of the key.
    pub const fn id(&self) -> u32 {
        self.id
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A data key ready for use: the pseudorandom key of HKDF (RFC 5869), extracted once.
struct Prepared {
    id: u32,
    prk: Zeroizing<[u8; 32]>,
}

impl Prepared {
    fn new(key: &DataKey) -> Self {
        let prk = hmac_sha256(b"poolhouse data key", &[key.bytes.as_slice()]);
        Self { id: key.id, prk: Zeroizing::new(prk) }
    }

    /// HKDF-Expand (RFC 5869 section 2.3) to 32 bytes, which is one HMAC.
    fn derive(&self, kind: &str, purpose: Purpose, random: &[u8]) -> Zeroizing<[u8; 32]> {
        let label = purpose.label().as_bytes();
        let parts = [kind.as_bytes(), b"\0", label, b"\0", random, &[1]];
        Zeroizing::new(hmac_sha256(self.prk.as_slice(), &parts))
    }

    fn mac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        hmac_sha256(self.derive("mac", purpose, &[]).as_slice(), &[data])
    }
}

#[derive(Clone)]
struct Keys {
    active: Arc<Prepared>,
    all: BTreeMap<u32, Arc<Prepared>>,
}

/// The data keys, unwrapped. Shared by everything that seals; keys can be added and activated while
/// serving.
pub struct Keyring(RwLock<Arc<Keys>>);

impl Keyring {
    /// A ring with one key, which is active.
    pub fn new(active: &DataKey) -> Self {
        let active = Arc::new(Prepared::new(active));
        let all = BTreeMap::from([(active.id, Arc::clone(&active))]);
        Self(RwLock::new(Arc::new(Keys { active, all })))
    }

    /// Adds a key that can open, and seal once it is activated. A number that is already in the
    /// ring keeps its key.
    pub fn add(&self, key: &DataKey) {
        self.change(|keys| {
            keys.all.entry(key.id).or_insert_with(|| Arc::new(Prepared::new(key)));
        });
    }

    /// Seals with this key from now on. Answers `false`, and changes nothing, if it is not in the
    /// ring.
    ///
    /// With several nodes, activate a key after every node had time to load it, or rely on the
    /// reload that [`OpenError::UnknownKey`] asks for.
    pub fn activate(&self, id: u32) -> bool {
        self.change(|keys| match keys.all.get(&id) {
            Some(key) => {
                keys.active = Arc::clone(key);
                true
            }
            None => false,
        })
    }

    /// The numbers of all keys, ascending.
    pub fn key_ids(&self) -> Vec<u32> {
        self.keys().all.keys().copied().collect()
    }

    /// The number of the key that seals.
    pub fn active_key_id(&self) -> u32 {
        self.keys().active.id
    }

    /// Seals bytes.
    pub fn seal(
        &self,
        purpose: Purpose,
        associated_data: &[u8],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Vec<u8> {
        let mut random = [0; DERIVATION + NONCE_LEN];
        entropy.fill(&mut random);
        let (derivation, nonce) = random.split_at(DERIVATION);
        let (id, message_key) = self.active_message_key(purpose, derivation);

        let mut sealed = Vec::with_capacity(OVERHEAD + plaintext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&id.to_be_bytes());
        sealed.extend_from_slice(derivation);
        let aad = [sealed.as_slice(), associated_data].concat();
        sealed.extend_from_slice(nonce);
        sealed.extend(encrypt(&message_key, nonce, &aad, plaintext));
        sealed
    }

    /// Opens what [`Self::seal`] made for the same purpose and associated data.
    pub fn open(
        &self,
        purpose: Purpose,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(OpenError::Malformed)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Malformed)?;
        let [VERSION, id0, id1, id2, id3, derivation @ ..] = header else {
            return Err(OpenError::Malformed);
        };
        let id = u32::from_be_bytes([*id0, *id1, *id2, *id3]);
        let message_key = self.message_key(id, purpose, derivation)?;
        decrypt(&message_key, nonce, &[header, associated_data].concat(), ciphertext)
    }

    /// [`Self::seal`] as text: base64url without padding.
    pub fn seal_text(
        &self,
        purpose: Purpose,
        associated_data: &[u8],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(purpose, associated_data, plaintext, entropy))
    }

    /// Opens what [`Self::seal_text`] made.
    pub fn open_text(
        &self,
        purpose: Purpose,
        associated_data: &[u8],
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| OpenError::Malformed)?;
        self.open(purpose, associated_data, &sealed)
    }

    /// A keyed hash (HMAC-SHA256) under the active key, to be checked with [`Self::mac_matches`].
    ///
    /// Put what the hash belongs to (pool, user) into `data`, or a hash can be moved elsewhere.
    pub fn mac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        self.keys().active.mac(purpose, data)
    }

    /// Whether `expected` is the keyed hash of `data` under any key of the ring, so that a hash
    /// survives a change of the active key. Constant-time.
    pub fn mac_matches(&self, purpose: Purpose, data: &[u8], expected: &[u8; 32]) -> bool {
        self.keys()
            .all
            .values()
            .fold(subtle::Choice::from(0), |matched, key| {
                matched | key.mac(purpose, data).ct_eq(expected)
            })
            .into()
    }

    /// A keyed hash that stays the same when another key is activated: under the ring's lowest key.
    ///
    /// For what must look constant to the outside, such as the salt of a user that doesn't exist.
    /// It changes only if the lowest key is ever taken out of use for good.
    pub fn stable_mac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let keys = self.keys();
        let key = keys.all.values().next().unwrap_or(&keys.active);
        key.mac(purpose, data)
    }

    /// The active key's number, and the key for one message that carries these random bytes. For
    /// tokens with a form of their own.
    pub(crate) fn active_message_key(
        &self,
        purpose: Purpose,
        random: &[u8],
    ) -> (u32, Zeroizing<[u8; 32]>) {
        let key = &self.keys().active;
        (key.id, key.derive("seal", purpose, random))
    }

    /// The key of a message that was sealed with data key `id`.
    pub(crate) fn message_key(
        &self,
        id: u32,
        purpose: Purpose,
        random: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        let keys = self.keys();
        let key = keys.all.get(&id).ok_or(OpenError::UnknownKey(id))?;
        Ok(key.derive("seal", purpose, random))
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Keys) -> T) -> T {
        let mut guard = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut guard))
    }
}

/// The key that wraps data keys. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Why a data key could not be unwrapped: another master key, other bytes, or another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data key was not wrapped by this master key")]
pub struct UnwrapError;

impl MasterKey {
    /// The key from its 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fingerprint, 16 hexadecimal digits, which does not help to find the key.
    pub fn id(&self) -> String {
        let digest = hmac_sha256(self.0.as_slice(), &[b"poolhouse master key id"]);
        hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
    }

    /// Wraps a data key for storage. The result is bound to the key's number.
    pub fn wrap(&self, key: &DataKey, entropy: &dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let aad = key.id.to_be_bytes();
        let sealed = encrypt(&self.wrapping_key(), &nonce, &aad, key.bytes.as_slice());
        [&[VERSION], nonce.as_slice(), &sealed].concat()
    }

    /// Unwraps the data key of this number.
    pub fn unwrap(&self, id: u32, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let Some((&VERSION, rest)) = wrapped.split_first() else {
            return Err(UnwrapError);
        };
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(UnwrapError)?;
        let plain = decrypt(&self.wrapping_key(), nonce, &id.to_be_bytes(), sealed);
        let plain = plain.map_err(|_| UnwrapError)?;
        let bytes = plain.as_slice().try_into().map_err(|_| UnwrapError)?;
        Ok(DataKey { id, bytes: Zeroizing::new(bytes) })
    }

    fn wrapping_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hmac_sha256(self.0.as_slice(), &[b"poolhouse wrapping key"]))
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// HMAC-SHA256 (RFC 2104) of the concatenated parts.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut output = [0; 32];
    output.copy_from_slice(context.sign().as_ref());
    output
}

/// AES-256-GCM: the ciphertext followed by its tag.
pub(crate) fn encrypt(key: &[u8; 32], nonce: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::with_capacity(plaintext.len() + TAG);
    buffer.extend_from_slice(plaintext);
    let encrypted = cipher(key, nonce).and_then(|(key, nonce)| {
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut buffer).ok()
    });
    match encrypted {
        Some(()) => buffer,
        // A key of 32 bytes, a nonce of 12, and less than 64 GiB of plaintext: AES-GCM has no other
        // way to fail.
        None => unreachable!("AES-256-GCM refused to encrypt"),
    }
}

/// Opens what [`encrypt`] made.
pub(crate) fn decrypt(
    key: &[u8; 32],
    nonce: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (key, nonce) = cipher(key, nonce).ok_or(OpenError::Malformed)?;
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(aad), buffer.as_mut_slice())
        .map_err(|_| OpenError::Forged)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

fn cipher(key: &[u8; 32], nonce: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    let key = UnboundKey::new(&AES_256_GCM, key).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    Some((LessSafeKey::new(key), nonce))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Different bytes at each call, the same in each run.
    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                let count = self.0.fetch_add(1, Ordering::Relaxed);
                *byte = hmac_sha256(b"test", &[&count.to_be_bytes()])[0];
            }
        }
    }

    fn entropy() -> Counting {
        Counting(AtomicU64::new(0))
    }

    fn ring(ids: &[u32]) -> (Keyring, Counting) {
        let entropy = entropy();
        let keys: Vec<_> = ids.iter().map(|id| DataKey::generate(*id, &entropy)).collect();
        let ring = Keyring::new(&keys[0]);
        for key in &keys {
            ring.add(key);
        }
        (ring, entropy)
    }

    #[test]
    fn sealed_bytes_open_for_the_same_purpose_and_associated_data_only() {
        let (ring, entropy) = ring(&[7]);
        for length in [0, 1, 16, 1_500] {
            let plain = vec![9; length];
            let sealed = ring.seal(Purpose::AtRest, b"user 1", &plain, &entropy);
            assert_eq!(sealed.len(), OVERHEAD + length);
            assert_eq!(*ring.open(Purpose::AtRest, b"user 1", &sealed).unwrap(), plain);
            let other_data = ring.open(Purpose::AtRest, b"user 2", &sealed);
            assert_eq!(other_data, Err(OpenError::Forged));
            let other_purpose = ring.open(Purpose::RefreshToken, b"user 1", &sealed);
            assert_eq!(other_purpose, Err(OpenError::Forged));
        }
    }

    #[test]
    fn any_altered_byte_breaks_the_seal() {
        let (ring, entropy) = ring(&[7]);
        let sealed = ring.seal(Purpose::PageToken, b"list", b"row 17", &entropy);
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[position] ^= 1 << bit;
                let opened = ring.open(Purpose::PageToken, b"list", &altered);
                match position {
                    0 => assert_eq!(opened, Err(OpenError::Malformed)),
                    1..=4 => assert!(matches!(opened, Err(OpenError::UnknownKey(id)) if id != 7)),
                    _ => assert_eq!(opened, Err(OpenError::Forged)),
                }
            }
        }
        for length in 0..sealed.len() {
            assert!(ring.open(Purpose::PageToken, b"list", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn the_header_can_not_be_moved_into_the_associated_data() {
        let (ring, entropy) = ring(&[7, 8]);
        let sealed = ring.seal(Purpose::AtRest, b"", b"secret", &entropy);
        let mut renumbered = sealed.clone();
        renumbered[4] = 8;
        assert_eq!(ring.open(Purpose::AtRest, b"", &renumbered), Err(OpenError::Forged));
        assert_eq!(ring.open(Purpose::AtRest, &sealed[..17], &sealed), Err(OpenError::Forged));
    }

    #[test]
    fn old_keys_still_open_after_another_is_activated() {
        let (ring, entropy) = ring(&[1]);
        let old = ring.seal_text(Purpose::ChallengeSession, b"", b"old", &entropy);
        ring.add(&DataKey::generate(2, &entropy));
        assert_eq!(ring.active_key_id(), 1);
        assert!(ring.activate(2));
        assert!(!ring.activate(3));
        assert_eq!((ring.active_key_id(), ring.key_ids()), (2, vec![1, 2]));
        let new = ring.seal(Purpose::ChallengeSession, b"", b"new", &entropy);
        assert_eq!(new[..5], [1, 0, 0, 0, 2]);
        assert_eq!(**ring.open_text(Purpose::ChallengeSession, b"", &old).unwrap(), *b"old");
        assert_eq!(**ring.open(Purpose::ChallengeSession, b"", &new).unwrap(), *b"new");
    }

    #[test]
    fn a_node_that_lacks_a_key_learns_its_number() {
        let (ring_1, entropy) = ring(&[1]);
        let (ring_2, _) = ring(&[2]);
        let sealed = ring_1.seal(Purpose::AtRest, b"", b"x", &entropy);
        assert_eq!(ring_2.open(Purpose::AtRest, b"", &sealed), Err(OpenError::UnknownKey(1)));
    }

    #[test]
    fn adding_a_key_under_a_taken_number_changes_nothing() {
        let (ring, entropy) = ring(&[1]);
        let sealed = ring.seal(Purpose::AtRest, b"", b"x", &entropy);
        ring.add(&DataKey::generate(1, &entropy));
        assert!(ring.open(Purpose::AtRest, b"", &sealed).is_ok());
    }

    #[test]
    fn sealed_text_is_base64url_and_garbage_is_malformed() {
        let (ring, entropy) = ring(&[1]);
        let text = ring.seal_text(Purpose::PageToken, b"", &[255; 40], &entropy);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        for garbage in ["", "a", "AQ", "AQ==", "p\u{f6}st", " "] {
            let opened = ring.open_text(Purpose::PageToken, b"", garbage);
            assert_eq!(opened, Err(OpenError::Malformed), "{garbage}");
        }
    }

    #[test]
    fn keyed_hashes_depend_on_purpose_and_data_and_survive_rotation() {
        let (ring, entropy) = ring(&[1]);
        let hash = ring.mac(Purpose::CodeHash, b"pool user 123456");
        let stable = ring.stable_mac(Purpose::SimulatedUser, b"pool name");
        ring.add(&DataKey::generate(2, &entropy));
        ring.activate(2);
        assert_ne!(ring.mac(Purpose::CodeHash, b"pool user 123456"), hash);
        assert!(ring.mac_matches(Purpose::CodeHash, b"pool user 123456", &hash));
        assert!(!ring.mac_matches(Purpose::CodeHash, b"pool user 123457", &hash));
        assert!(!ring.mac_matches(Purpose::AtRest, b"pool user 123456", &hash));
        assert_eq!(ring.stable_mac(Purpose::SimulatedUser, b"pool name"), stable);
    }

    #[test]
    fn only_the_right_master_key_unwraps_a_data_key_and_only_under_its_number() {
        let entropy = entropy();
        let (master, other) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        let key = DataKey::generate(5, &entropy);
        let wrapped = master.wrap(&key, &entropy);
        let unwrapped = master.unwrap(5, &wrapped).unwrap();
        assert_eq!((unwrapped.id(), &unwrapped.bytes), (5, &key.bytes));
        assert_eq!(master.unwrap(6, &wrapped).unwrap_err(), UnwrapError);
        assert_eq!(other.unwrap(5, &wrapped).unwrap_err(), UnwrapError);
        for position in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[position] ^= 1;
            assert!(master.unwrap(5, &altered).is_err());
            assert!(master.unwrap(5, &wrapped[..position]).is_err());
        }
        assert_eq!(master.id().len(), 16);
        assert_ne!(master.id(), other.id());
    }

    #[test]
    fn keys_do_not_print() {
        let key = DataKey::generate(5, &entropy());
        assert_eq!(format!("{key:?}"), "DataKey { id: 5, .. }");
        assert_eq!(format!("{:?}", MasterKey::new([1; 32])), "MasterKey(***)");
    }

    #[test]
    fn the_derivation_is_hkdf() {
        // RFC 5869 appendix A.3: no salt, no info. The first 32 of its 42 bytes are one block.
        let prk = hmac_sha256(&[0; 32], &[&[0x0b; 22]]);
        let okm = hmac_sha256(&prk, &[&[1]]);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(hex::encode(okm), expected);
    }
}
