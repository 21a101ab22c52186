//! SRP (secure remote password): signing in without sending the password.
//!
//! Cognito's variant of SRP-6a (RFC 5054) works on the 3072-bit group of RFC 3526 with SHA-256. The
//! server keeps a salt and a *verifier* `v = g^x`, where `x` is a hash of salt, name and password.
//!
//! | step | client | server |
//! |---|---|---|
//! | `InitiateAuth` | random `a`, sends `SRP_A` = `A = g^a` | reads it ([`PublicKey::from_hex`]) |
//! | `PASSWORD_VERIFIER` challenge | | random `b`, sends `SRP_B` = `B = k·v + g^b` ([`Challenge`]), `SALT`, `SECRET_BLOCK` |
//! | `RespondToAuthChallenge` | computes `S` from the password, signs | computes the same `S` from `v` ([`Exchange::accepts`]) |
//!
//! Both sides hash `S` to a key `K` and compare an HMAC under it of names, `SECRET_BLOCK` and
//! `TIMESTAMP`. Remembered devices do the same with a device password: only the names differ
//! ([`Party`]). [`client`] is the other side, for tests and measurements.
//!
//! What deviates from RFC 5054 follows `amazon-cognito-identity-js`
//! (<https://github.com/aws-amplify/amplify-js/tree/main/packages/amazon-cognito-identity-js>):
//! integers are hashed in their shortest signed form ([`pad`]), never at the group's width, and `K`
//! comes from HKDF.
//!
//! Everything that raises to a power here takes a tenth of a millisecond to a whole one: run it on
//! [`crate::ports::Workers`].

pub mod client;
#[cfg(test)]
mod test_vectors;

use std::sync::LazyLock;

use aws_lc_rs::digest::{self, SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_bignum::{self as bignum, Number};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{ports::Entropy, sealing::hmac_sha256, time::Timestamp};

/// Bytes of the server's secret `b`. RFC 5054 section 2.5.3 asks for at least 256 bits, and this is
/// what the table of powers serves.
const SECRET_BYTES: usize = 32;

/// The longest `SRP_A` that is read, in hexadecimal digits: the group's width and room for leading
/// zeros.
const MAX_HEX: usize = 1_024;

/// The info text of HKDF, with its block counter.
const KEY_INFO: &[u8] = b"Caldera Derived Key\x01";

/// `EEE MMM d HH:mm:ss 'UTC' yyyy`.
const TIMESTAMP_FORMAT: &str = "%a %b %-d %H:%M:%S UTC %Y";

/// `k = H(pad(N) ‖ pad(g))`.
static K: LazyLock<Number> = LazyLock::new(|| Number::from_bytes(&multiplier()));

/// Whose secret is proved: the names that are hashed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'a> {
    group: &'a str,
    name: &'a str,
}

impl<'a> Party<'a> {
    /// A user: what follows the first `_` of the pool's id, and the username as it is stored (never
    /// an alias; clients are told as `USER_ID_FOR_SRP`).
    pub fn user(user_pool_id: &'a str, username: &'a str) -> Self {
        let group = user_pool_id.split_once('_').map_or(user_pool_id, |(_, name)| name);
        Self { group, name: username }
    }

    /// A remembered device: its group key (with the leading `-`) and its key.
    pub const fn device(device_group_key: &'a str, device_key: &'a str) -> Self {
        Self { group: device_group_key, name: device_key }
    }
}

/// A hexadecimal integer was empty, too long, or had other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hexadecimal integer")]
pub struct InvalidHex;

/// The client's public key `A`, as big-endian bytes without leading zeros (zero is one zero byte).
///
/// Zero and its multiples are read: the service answers them with a challenge
/// like any other. They never lead to an accepted proof ([`Exchange::accepts`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads `SRP_A`: upper or lower case, of any length up to a bound, leading zeros allowed.
    pub fn from_hex(text: &str) -> Result<Self, InvalidHex> {
        read_hex(text).map(|bytes| Self::from_bytes(&bytes))
    }

    /// From big-endian bytes, such as those of [`Self::as_bytes`].
    pub fn from_bytes(big_endian: &[u8]) -> Self {
        let shortest = minimal(big_endian);
        Self(if shortest.is_empty() { vec![0] } else { shortest.to_vec() })
    }

    /// Big-endian bytes without leading zeros, at least one.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The server's side of a started exchange: its secret `b` and its public key `B`.
///
/// Both go into what is sealed for the client to carry, so that the proof can be checked without
/// computing `B` again.
#[derive(Clone)]
pub struct Challenge {
    secret: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl Challenge {
    /// Starts an exchange with a party that has this verifier. One power of `g`.
    pub fn new(verifier: &[u8], entropy: &dyn Entropy) -> Self {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        entropy.fill(&mut secret);
        Self::with_secret(secret, verifier)
    }

    fn with_secret(secret: Zeroizing<Vec<u8>>, verifier: &[u8]) -> Self {
        let blinded = bignum::multiply(&K, &Number::from_bytes(verifier));
        let public = bignum::add(&blinded, &bignum::power_of_g(&secret));
        Self { secret, public: public.to_bytes().to_vec() }
    }

    /// Takes an exchange up again from the two values of an earlier one.
    pub fn resume(secret: Zeroizing<Vec<u8>>, public: Vec<u8>) -> Self {
        Self { secret, public }
    }

    /// `b`, big-endian. Whoever knows it and the verifier can sign in.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// `B`, big-endian without leading zeros.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// `SRP_B`: `B` in lower-case hexadecimal digits without leading zeros.
    pub fn public_hex(&self) -> String {
        to_hex(&self.public)
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(***)")
    }
}

/// What a client sends to prove its password.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// `PASSWORD_CLAIM_SECRET_BLOCK`, base64-decoded.
    pub secret_block: &'a [u8],
    /// `TIMESTAMP`, exactly as received. Checking it is the caller's part ([`read_timestamp`]).
    pub timestamp: &'a str,
    /// `PASSWORD_CLAIM_SIGNATURE`, base64.
    pub signature: &'a str,
}

/// An exchange of which both public keys are known.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// Whose secret is proved.
    pub party: Party<'a>,
    /// The client's `A`.
    pub client: &'a PublicKey,
    /// The server's `b` and `B`.
    pub challenge: &'a Challenge,
    /// `v`, big-endian.
    pub verifier: &'a [u8],
}

impl Exchange<'_> {
    /// Whether the proof shows knowledge of the password, in constant time. Two powers of arbitrary
    /// bases: more than a millisecond.
    ///
    /// `false` for an `A` that is a multiple of `N`, with which anyone could compute `S` (RFC 5054
    /// section 2.5.4).
    pub fn accepts(&self, proof: &Proof<'_>) -> bool {
        let Ok(claimed) = STANDARD.decode(proof.signature) else {
            return false;
        };
        let expected = self.expected_signature(proof.secret_block, proof.timestamp);
        expected.is_some_and(|expected| expected.as_slice().ct_eq(&claimed).into())
    }

    /// The signature that a client with the password sends, or `None` if `A` is a multiple of `N`.
    fn expected_signature(&self, secret_block: &[u8], timestamp: &str) -> Option<[u8; 32]> {
        let u = scrambler(self.client.as_bytes(), self.challenge.public());
        let shared = self.shared_secret(&u)?;
        let key = session_key(&u, &shared);
        Some(sign(&key, self.party, secret_block, timestamp))
    }

    /// `S = (A · v^u)^b`. `u` comes from two public keys, hence the faster power; `b` is secret.
    fn shared_secret(&self, u: &[u8; 32]) -> Option<Number> {
        let a = Number::from_bytes(self.client.as_bytes());
        if a.is_zero() {
            return None;
        }
        let v_u = bignum::power_public_exponent(&Number::from_bytes(self.verifier), u);
        Some(bignum::power(&bignum::multiply(&a, &v_u), self.challenge.secret()))
    }
}

/// The verifier `v = g^x`, big-endian without leading zeros. One power of `g`.
pub fn verifier(party: Party<'_>, salt: &[u8], password: &str) -> Zeroizing<Vec<u8>> {
    verifier_number(party, salt, password).to_bytes()
}

pub(crate) fn verifier_number(party: Party<'_>, salt: &[u8], password: &str) -> Number {
    bignum::power_of_g(private_key(party, salt, password).as_slice())
}

/// `x = H(pad(salt) ‖ H(group ‖ name ‖ ":" ‖ password))`.
fn private_key(party: Party<'_>, salt: &[u8], password: &str) -> Zeroizing<[u8; 32]> {
    let inner = Zeroizing::new(hash(&[
        party.group.as_bytes(),
        party.name.as_bytes(),
        b":",
        password.as_bytes(),
    ]));
    Zeroizing::new(hash(&[&pad(salt), inner.as_slice()]))
}

/// `k`.
fn multiplier() -> [u8; 32] {
    hash(&[&pad(&bignum::modulus()), &[bignum::G]])
}

/// `u = H(pad(A) ‖ pad(B))`.
fn scrambler(a: &[u8], b: &[u8]) -> [u8; 32] {
    hash(&[&pad(a), &pad(b)])
}

/// `PRK = HMAC(pad(u), pad(S))`, the first half of the key derivation.
fn pseudorandom_key(u: &[u8; 32], shared: &Number) -> Zeroizing<[u8; 32]> {
    let shared = Zeroizing::new(pad(&shared.to_bytes()));
    Zeroizing::new(hmac_sha256(&pad(u), &[shared.as_slice()]))
}

/// `K`, 16 bytes.
fn session_key(u: &[u8; 32], shared: &Number) -> Zeroizing<[u8; 16]> {
    let prk = pseudorandom_key(u, shared);
    let expanded = Zeroizing::new(hmac_sha256(prk.as_slice(), &[KEY_INFO]));
    let mut key = Zeroizing::new([0; 16]);
    for (byte, from) in key.iter_mut().zip(expanded.iter()) {
        *byte = *from;
    }
    key
}

fn sign(key: &[u8; 16], party: Party<'_>, secret_block: &[u8], timestamp: &str) -> [u8; 32] {
    let (group, name) = (party.group.as_bytes(), party.name.as_bytes());
    hmac_sha256(key, &[group, name, secret_block, timestamp.as_bytes()])
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut output = [0; 32];
    output.copy_from_slice(context.finish().as_ref());
    output
}

/// The form in which integers are hashed: big-endian without leading zeros, and one zero byte in
/// front if the top bit is set (Java's `BigInteger.toByteArray`). Zero is one zero byte.
pub fn pad(integer: &[u8]) -> Vec<u8> {
    let integer = minimal(integer);
    let sign_byte = integer.first().is_none_or(|first| first & 0x80 != 0);
    let mut padded = Vec::with_capacity(integer.len() + 1);
    if sign_byte {
        padded.push(0);
    }
    padded.extend_from_slice(integer);
    padded
}

/// An integer as `SRP_B` and `SALT` are written: lower-case hexadecimal digits without leading
/// zeros.
///
/// `SALT` has to be that short because clients differ: some hash the text as it is, others read an
/// integer from it.
pub fn to_hex(integer: &[u8]) -> String {
    let digits = hex::encode(minimal(integer));
    match digits.strip_prefix('0') {
        Some(digits) => digits.to_owned(),
        None if digits.is_empty() => "0".to_owned(),
        None => digits,
    }
}

fn read_hex(text: &str) -> Result<Vec<u8>, InvalidHex> {
    if text.is_empty() || text.len() > MAX_HEX {
        return Err(InvalidHex);
    }
    let bytes = if text.len().is_multiple_of(2) {
        hex::decode(text)
    } else {
        hex::decode(format!("0{text}"))
    };
    bytes.map(|bytes| minimal(&bytes).to_vec()).map_err(|_| InvalidHex)
}

fn minimal(mut integer: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = integer {
        integer = rest;
    }
    integer
}

/// Reads `TIMESTAMP`, for example `Fri Sep 5 09:03:07 UTC 2025`. `None` unless it is in exactly
/// this form, with the right weekday and no zero before the day: the service refuses both. How old
/// a timestamp may be is the caller's decision.
pub fn read_timestamp(text: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime(TIMESTAMP_FORMAT, text).ok()?;
    // Reading is lenient in case, padding and spaces. Writing has one form.
    if time.strftime(TIMESTAMP_FORMAT).to_string() != text {
        return None;
    }
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_seconds(zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{
        client::{ChallengeParameters, Client},
        test_vectors::{self, SECRET_BLOCK, TIMESTAMP, device, user},
        *,
    };

    /// Different bytes at each call, the same in each run.
    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for chunk in buffer.chunks_mut(32) {
                let count = self.0.fetch_add(1, Ordering::Relaxed);
                chunk.copy_from_slice(&hash(&[&count.to_be_bytes()])[..chunk.len()]);
            }
        }
    }

    fn bytes(hex: &str) -> Vec<u8> {
        read_hex(hex).unwrap()
    }

    fn secret(byte: u8) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(vec![byte; 128])
    }

    fn number_hex(number: &Number) -> String {
        to_hex(&number.to_bytes())
    }

    const USER: Party<'_> = Party { group: "TestPool1", name: user::USERNAME };
    const DEVICE: Party<'_> = Party::device(device::GROUP_KEY, device::KEY);

    #[test]
    fn the_multiplier_is_the_known_constant() {
        assert_eq!(to_hex(&multiplier()), test_vectors::K);
    }

    #[test]
    fn the_worked_user_example_comes_out_with_all_intermediate_values() {
        assert_eq!(Party::user(user::POOL_ID, user::USERNAME), USER);
        let inner = ["TestPool1", user::USERNAME, ":", user::PASSWORD].map(str::as_bytes);
        assert_eq!(to_hex(&hash(&inner)), user::INNER);
        let salt = bytes(user::SALT);
        assert_eq!(hex::encode(pad(&salt)), format!("00{}", user::SALT));
        assert_eq!(to_hex(&*private_key(USER, &salt, user::PASSWORD)), user::X);
        let v = verifier(USER, &salt, user::PASSWORD);
        assert_eq!(to_hex(&v), user::V);

        let client = Client::with_secret(secret(0xa1));
        assert_eq!(client.public_hex(), user::A);
        let a = PublicKey::from_hex(user::A).unwrap();
        let challenge = Challenge::with_secret(secret(0xb2), &v);
        assert_eq!(challenge.public_hex(), user::B);

        let exchange = Exchange { party: USER, client: &a, challenge: &challenge, verifier: &v };
        let u = scrambler(a.as_bytes(), challenge.public());
        assert_eq!(to_hex(&u), user::U);
        let s = exchange.shared_secret(&u).unwrap();
        assert_eq!(number_hex(&s), user::S);
        assert_eq!(to_hex(&*pseudorandom_key(&u, &s)), user::PRK);
        assert_eq!(to_hex(&*session_key(&u, &s)), user::K);
        let secret_block = STANDARD.decode(SECRET_BLOCK).unwrap();
        let signature = exchange.expected_signature(&secret_block, TIMESTAMP).unwrap();
        assert_eq!(STANDARD.encode(signature), user::SIGNATURE);

        for (padded, expected) in [
            (pad(a.as_bytes()), user::A_PADDED_HASH),
            (pad(challenge.public()), user::B_PADDED_HASH),
            (pad(&v), user::V_PADDED_HASH),
            (pad(&s.to_bytes()), user::S_PADDED_HASH),
        ] {
            assert_eq!(hex::encode(hash(&[&padded])), expected);
        }
        let parameters =
            ChallengeParameters { salt: user::SALT, srp_b: user::B, secret_block: SECRET_BLOCK };
        let signed = client.sign(USER, user::PASSWORD, &parameters, TIMESTAMP);
        assert_eq!(signed.as_deref(), Some(user::SIGNATURE));
    }

    #[test]
    fn the_worked_device_example_comes_out_with_all_intermediate_values() {
        let salt = STANDARD.decode(device::SALT_BASE64).unwrap();
        assert_eq!(to_hex(&salt), device::SALT);
        assert_eq!(to_hex(&*private_key(DEVICE, &salt, device::PASSWORD)), device::X);
        let v = verifier(DEVICE, &salt, device::PASSWORD);
        assert_eq!(STANDARD.encode(pad(&v)), device::VERIFIER);

        // ConfirmDevice sends the padded form.
        let v = STANDARD.decode(device::VERIFIER).unwrap();
        let a = PublicKey::from_hex(user::A).unwrap();
        let challenge = Challenge::with_secret(secret(0xb2), &v);
        assert_eq!(challenge.public_hex(), device::B);
        let exchange = Exchange { party: DEVICE, client: &a, challenge: &challenge, verifier: &v };
        let u = scrambler(a.as_bytes(), challenge.public());
        assert_eq!(to_hex(&u), device::U);
        let s = exchange.shared_secret(&u).unwrap();
        assert_eq!(number_hex(&s), device::S);
        assert_eq!(to_hex(&*session_key(&u, &s)), device::K);
        let secret_block = STANDARD.decode(SECRET_BLOCK).unwrap();
        let proof =
            |signature| Proof { secret_block: &secret_block, timestamp: TIMESTAMP, signature };
        assert!(exchange.accepts(&proof(device::SIGNATURE)));
        assert!(!exchange.accepts(&proof(user::SIGNATURE)));
    }

    #[test]
    fn the_right_password_is_accepted_and_others_are_not_in_200_rounds() {
        let entropy = Counting(AtomicU64::new(1));
        for round in 0..200_u32 {
            let password = format!("pässwörd {round} 🔑");
            let name = format!("user{round}");
            let party = Party::user("eu-west-1_AbC", &name);
            // Every fourth salt is shorter than its 16 bytes.
            let mut salt = [0; 16];
            entropy.fill(&mut salt[usize::from(round % 4 == 0)..]);
            let v = verifier(party, &salt, &password);
            let challenge = Challenge::new(&v, &entropy);
            let client = Client::new(&entropy);
            let a = PublicKey::from_hex(&client.public_hex()).unwrap();
            let exchange = Exchange { party, client: &a, challenge: &challenge, verifier: &v };
            let (salt, srp_b) = (to_hex(&salt), challenge.public_hex());
            let parameters =
                ChallengeParameters { salt: &salt, srp_b: &srp_b, secret_block: SECRET_BLOCK };
            let secret_block = STANDARD.decode(SECRET_BLOCK).unwrap();
            let accepted = |password: &str, signed_at: &str| {
                let signature = client.sign(party, password, &parameters, signed_at).unwrap();
                let proof = Proof {
                    secret_block: &secret_block,
                    timestamp: TIMESTAMP,
                    signature: &signature,
                };
                exchange.accepts(&proof)
            };
            assert!(accepted(&password, TIMESTAMP), "round {round}");
            if round % 20 == 0 {
                assert!(!accepted("another password", TIMESTAMP));
                assert!(!accepted(&password, "Fri Sep 5 09:03:08 UTC 2025"));
            }
        }
    }

    #[test]
    fn a_proof_for_a_multiple_of_the_modulus_is_never_accepted() {
        let v = bytes(user::V);
        let challenge = Challenge::with_secret(secret(0xb2), &v);
        let n = bignum::modulus();
        let framed = [&[0], n.as_slice(), &[0]].concat();
        let twice_n = framed.windows(2).map(|pair| pair[0] << 1 | pair[1] >> 7).collect();
        for a in [vec![0], n, twice_n] {
            let a = PublicKey::from_hex(&hex::encode(a)).unwrap();
            let exchange =
                Exchange { party: USER, client: &a, challenge: &challenge, verifier: &v };
            assert_eq!(exchange.expected_signature(b"block", TIMESTAMP), None);
            // What a cheating client computes: S = 0.
            let u = scrambler(a.as_bytes(), challenge.public());
            let key = session_key(&u, &Number::from_bytes(&[]));
            let signature = STANDARD.encode(sign(&key, USER, b"block", TIMESTAMP));
            let proof =
                Proof { secret_block: b"block", timestamp: TIMESTAMP, signature: &signature };
            assert!(!exchange.accepts(&proof));
        }
    }

    #[test]
    fn signatures_that_are_not_32_bytes_of_base64_are_refused() {
        let v = bytes(user::V);
        let challenge = Challenge::resume(secret(0xb2), bytes(user::B));
        let a = PublicKey::from_hex(user::A).unwrap();
        let exchange = Exchange { party: USER, client: &a, challenge: &challenge, verifier: &v };
        let secret_block = STANDARD.decode(SECRET_BLOCK).unwrap();
        let accepts = |signature: &str| {
            exchange.accepts(&Proof {
                secret_block: &secret_block,
                timestamp: TIMESTAMP,
                signature,
            })
        };
        assert!(accepts(user::SIGNATURE));
        for wrong in ["", "!", &user::SIGNATURE[..40], &user::SIGNATURE.to_lowercase()] {
            assert!(!accepts(wrong), "{wrong}");
        }
    }

    #[test]
    fn srp_a_is_read_in_any_case_with_odd_length_and_leading_zeros() {
        let lower = PublicKey::from_hex(user::A).unwrap();
        assert_eq!(PublicKey::from_hex(&user::A.to_uppercase()).unwrap(), lower);
        assert_eq!(PublicKey::from_hex(&format!("000{}", user::A)).unwrap(), lower);
        assert_eq!(PublicKey::from_hex("abc").unwrap().as_bytes(), [0x0a, 0xbc]);
        for zero in ["0", "0000"] {
            assert_eq!(PublicKey::from_hex(zero).unwrap().as_bytes(), &[0]);
        }
        assert_eq!(PublicKey::from_bytes(lower.as_bytes()), lower);
    }

    #[test]
    fn srp_a_that_is_no_hexadecimal_integer_is_refused() {
        let long = "f".repeat(MAX_HEX + 1);
        for text in ["", "0x12", "-1", "+1", "12 ", "g0", "ä", "１２", &long] {
            assert_eq!(PublicKey::from_hex(text), Err(InvalidHex), "{text}");
        }
        assert!(PublicKey::from_hex(&long[1..]).is_ok());
    }

    #[test]
    fn integers_are_hashed_in_the_form_of_java() {
        for (integer, padded) in [
            (&[][..], &[0][..]),
            (&[0, 0], &[0]),
            (&[0x7f], &[0x7f]),
            (&[0x80], &[0, 0x80]),
            (&[0, 0, 0x80, 1], &[0, 0x80, 1]),
            (&[0, 1, 0], &[1, 0]),
        ] {
            assert_eq!(pad(integer), padded);
        }
    }

    #[test]
    fn integers_are_written_without_leading_zeros() {
        assert_eq!(to_hex(&[0, 0x0a, 0xbc]), "abc");
        assert_eq!(to_hex(&[0xab, 0xcd]), "abcd");
        assert_eq!(to_hex(&[0, 0]), "0");
        assert_eq!(to_hex(&[]), "0");
    }

    #[test]
    fn timestamps_are_read_in_their_one_form() {
        for (text, seconds) in [
            (TIMESTAMP, 1_757_062_987),
            ("Sat Nov 21 19:00:43 UTC 2026", 1_795_287_643),
            ("Thu Feb 29 00:00:00 UTC 2024", 1_709_164_800),
            ("Thu Jan 1 00:00:00 UTC 1970", 0),
        ] {
            assert_eq!(read_timestamp(text), Some(Timestamp::from_seconds(seconds)), "{text}");
            let written = client::timestamp(Timestamp::from_seconds(seconds));
            assert_eq!(written.as_deref(), Some(text));
        }
    }

    #[test]
    fn timestamps_in_another_form_are_refused() {
        for text in [
            "Fri Sep 05 09:03:07 UTC 2025",
            "Fri Sep  5 09:03:07 UTC 2025",
            "Thu Sep 5 09:03:07 UTC 2025",
            "Fri Sep 5 9:03:07 UTC 2025",
            "Fri Sep 5 09:03:60 UTC 2025",
            "Fri Sep 5 24:03:07 UTC 2025",
            "Fri Sep 5 09:03:07 GMT 2025",
            "Fri Sep 5 09:03:07 utc 2025",
            "fri sep 5 09:03:07 UTC 2025",
            "Friday September 5 09:03:07 UTC 2025",
            "Fri Sep 5 09:03:07 UTC 2025 ",
            " Fri Sep 5 09:03:07 UTC 2025",
            "Fri Sep 5 09:03:07 UTC",
            "Sat Feb 29 00:00:00 UTC 2025",
            "2025-09-05T09:03:07Z",
            "1757062987",
            "",
        ] {
            assert_eq!(read_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let challenge = Challenge::resume(secret(1), vec![2]);
        assert_eq!(format!("{challenge:?}"), "Challenge(***)");
    }
}
