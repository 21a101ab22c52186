//! The client's side of SRP, as an application's library does it. The server needs none of it;
//! tests, benchmarks and the test kit do.

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_bignum::{self as bignum, Number};
use zeroize::Zeroizing;

use super::{
    K, Party, TIMESTAMP_FORMAT, private_key, read_hex, scrambler, session_key, sign, to_hex,
};
use crate::{ports::Entropy, time::Timestamp};

/// Bytes of `a` in Amazon's libraries.
const SECRET_BYTES: usize = 128;

/// A client that has drawn its secret `a`.
pub struct Client {
    secret: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

/// What a client answers a challenge with.
#[derive(Clone, Copy)]
pub struct ChallengeParameters<'a> {
    /// `SALT`.
    pub salt: &'a str,
    /// `SRP_B`.
    pub srp_b: &'a str,
    /// `SECRET_BLOCK`, base64.
    pub secret_block: &'a str,
}

impl Client {
    /// Draws a secret.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        entropy.fill(&mut secret);
        Self::with_secret(secret)
    }

    /// A client with the given `a`, big-endian.
    pub fn with_secret(secret: Zeroizing<Vec<u8>>) -> Self {
        let public = bignum::power_of_g(&secret).to_bytes().to_vec();
        Self { secret, public }
    }

    /// `SRP_A`.
    pub fn public_hex(&self) -> String {
        to_hex(&self.public)
    }

    /// `PASSWORD_CLAIM_SIGNATURE`, or `None` if the challenge can't be read.
    pub fn sign(
        &self,
        party: Party<'_>,
        password: &str,
        challenge: &ChallengeParameters<'_>,
        timestamp: &str,
    ) -> Option<String> {
        let salt = read_hex(challenge.salt).ok()?;
        let public_b = read_hex(challenge.srp_b).ok()?;
        let secret_block = STANDARD.decode(challenge.secret_block).ok()?;
        let u = scrambler(&self.public, &public_b);
        let shared = self.shared_secret(&public_b, &u, &private_key(party, &salt, password));
        let key = session_key(&u, &shared);
        Some(STANDARD.encode(sign(&key, party, &secret_block, timestamp)))
    }

    /// `S = (B − k·g^x)^(a + u·x)`, with the exponent taken apart: `base^a · (base^u)^x`.
    fn shared_secret(&self, public_b: &[u8], u: &[u8; 32], x: &[u8; 32]) -> Number {
        let blinding = bignum::multiply(&K, &bignum::power_of_g(x));
        let base = bignum::subtract(&Number::from_bytes(public_b), &blinding);
        let base_ux = bignum::power(&bignum::power(&base, u), x);
        bignum::multiply(&bignum::power(&base, &self.secret), &base_ux)
    }
}

/// A `TIMESTAMP` for this moment, or `None` beyond the year 9999.
pub fn timestamp(now: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_second(now.seconds()).ok()?;
    let utc = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Some(utc.strftime(TIMESTAMP_FORMAT).to_string())
}
