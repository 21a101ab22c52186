//! The cryptographic ceilings: what the primitives cost on this machine, in this minute.
//!
//! CPU time of the thread, not time on the wall: other work on the machine then counts as little
//! here as it does in the server's figure.

use std::{hint::black_box, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
    },
};
use poolhouse_adapters::entropy::SystemEntropy;
use poolhouse_bignum::{self as bignum, Number};
use poolhouse_domain::ports::Entropy;

use crate::{Outcome, process::thread_cpu_time, time::millis};

/// What is signed: as long as the header and claims of an access token.
const MESSAGE: [u8; 700] = [0x5a; 700];
/// CPU time for which each primitive is measured.
const ENOUGH: Duration = Duration::from_millis(400);
/// Calls between two looks at the clock, which moves in steps of some milliseconds.
const BATCH: u32 = 20;
/// Batches at most, should the clock stand still.
const BATCHES: u32 = 10_000;

/// CPU milliseconds of one call on one core.
pub(crate) struct Ceilings {
    /// RSA-2048 PKCS#1 v1.5 SHA-256 signature.
    pub(crate) sign: f64,
    /// Its verification with a parsed key.
    pub(crate) verify: f64,
    /// Verification of an ECDSA signature over P-256, with the key as it is stored.
    pub(crate) verify_p256: f64,
    /// `g^x` for a secret exponent of 256 bits, with the table.
    pub(crate) power_of_g: f64,
    /// Any base to a secret exponent of 256 bits, 3072 bits wide.
    pub(crate) power: f64,
    /// The same with an exponent that everybody saw.
    pub(crate) power_public: f64,
}

impl Ceilings {
    /// Measures all of them, for two seconds altogether.
    pub(crate) fn measure() -> Outcome<Self> {
        let key = KeyPair::generate(KeySize::Rsa2048)?;
        let signature = signature(&key)?;
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())?;
        let (exponent, base) = (random_exponent(), Number::from_bytes(&MESSAGE));
        let passkey = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let (point, shown) = (passkey.public_key(), passkey.sign(&SystemRandom::new(), &MESSAGE)?);
        bignum::prepare();
        Ok(Self {
            sign: cpu_millis(|| self::signature(&key).is_ok())?,
            verify: cpu_millis(|| public.verify_sig(&MESSAGE, &signature).is_ok())?,
            verify_p256: cpu_millis(|| {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_ref());
                key.verify(&MESSAGE, shown.as_ref()).is_ok()
            })?,
            power_of_g: cpu_millis(|| !bignum::power_of_g(&exponent).is_zero())?,
            power: cpu_millis(|| !bignum::power(&base, &exponent).is_zero())?,
            power_public: cpu_millis(|| {
                !bignum::power_public_exponent(&base, &exponent).is_zero()
            })?,
        })
    }
}

fn signature(key: &KeyPair) -> Outcome<Vec<u8>> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &MESSAGE, &mut signature)?;
    Ok(signature)
}

fn random_exponent() -> [u8; 32] {
    let mut exponent = [0; 32];
    SystemEntropy.fill(&mut exponent);
    exponent
}

/// CPU milliseconds per call. What is called answers whether it went well.
fn cpu_millis(call: impl Fn() -> bool) -> Outcome<f64> {
    let start = thread_cpu_time()?;
    for batch in 1..=BATCHES {
        for _ in 0..BATCH {
            if !black_box(call()) {
                return Err("a primitive failed".into());
            }
        }
        let used = thread_cpu_time()?.saturating_sub(start);
        if used >= ENOUGH {
            return Ok(millis(used) / f64::from(batch * BATCH));
        }
    }
    Err("this machine does not account CPU time".into())
}
