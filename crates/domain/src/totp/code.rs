//! The arithmetic of software tokens: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds,
//! which is what every authenticator app assumes.
//!
//! Time is cut into *steps*, counted from the epoch; each has a code. Codes of the step before and
//! after the current one are accepted as well, for clocks that are off and for slow typing (RFC
//! 6238 section 5.2). That a code works once is the caller's part: [`matching_step`] says which
//! step it belongs to.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use crate::{ports::Entropy, time::Timestamp};

/// Seconds in a step.
pub const STEP_SECONDS: i64 = 30;

const DIGITS: u8 = 6;

/// The step that a moment is in: seconds since the epoch divided by 30.
pub const fn step_at(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP_SECONDS)
}

/// Seconds until the next step begins: 1 to 30.
pub const fn seconds_left(now: Timestamp) -> i64 {
    STEP_SECONDS - now.seconds().rem_euclid(STEP_SECONDS)
}

/// The step whose code this is: the current one, the one before or the one after, or `None`. If the
/// code belongs to several (one time in a million), it is the latest.
///
/// Compares with all three codes in constant time. Anything but six ASCII digits matches nothing.
pub fn matching_step(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let totp = totp(secret);
    let current = step_at(now);
    let mut found = Choice::from(0);
    let mut matched = 0_i64;
    // Before 1970 there are no steps.
    for step in (current - 1).max(0)..=current + 1 {
        let equal = code_of_step(&totp, step).as_bytes().ct_eq(code.as_bytes());
        matched.conditional_assign(&step, equal);
        found |= equal;
    }
    bool::from(found).then_some(matched)
}

/// The code an authenticator shows at this moment, for tests and the test kit. Before 1970 it is the
/// first one of 1970.
pub fn current_code(secret: &[u8], now: Timestamp) -> String {
    code_of_step(&totp(secret), step_at(now)).to_string()
}

/// A new shared secret.
pub fn generate_secret(entropy: &dyn Entropy) -> [u8; 32] {
    let mut secret = [0; 32];
    entropy.fill(&mut secret);
    secret
}

/// A secret as `SecretCode` shows it: base32 (RFC 4648) without padding, 52 characters for 32
/// bytes.
pub fn encode_secret(secret: &[u8]) -> String {
    totp_rs::Secret::from(secret).to_base32()
}

fn totp(secret: &[u8]) -> Totp {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP_SECONDS.unsigned_abs())
        .with_secret(secret)
        // The other way to build demands an account name, which only matters for URLs.
        .build_noncompliant()
}

fn code_of_step(totp: &Totp, step: i64) -> Zeroizing<String> {
    let time = step.saturating_mul(STEP_SECONDS).max(0).unsigned_abs();
    Zeroizing::new(totp.generate(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238 appendix B, SHA-1: times and codes of eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn codes_are_the_last_six_digits_of_the_rfc_vectors() {
        for (seconds, code) in VECTORS {
            assert_eq!(current_code(RFC_SECRET, at(seconds)), code[2..]);
            assert_eq!(matching_step(RFC_SECRET, &code[2..], at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_accepted_from_one_step_before_to_one_step_after() {
        for (seconds, code) in VECTORS {
            let (step, code) = (seconds / 30, &code[2..]);
            let accepted = |seconds| matching_step(RFC_SECRET, code, at(seconds));
            assert_eq!(accepted(step * 30 - 30), Some(step));
            assert_eq!(accepted(step * 30 + 59), Some(step));
            assert_eq!(accepted(step * 30 + 60), None);
            if step > 1 {
                assert_eq!(accepted(step * 30 - 31), None);
            }
        }
    }

    #[test]
    fn wrong_codes_and_what_is_not_six_digits_match_nothing() {
        for code in ["287083", "", "28708", "2870820", "94287082", "+87082", "28708٢", " 287082"] {
            assert_eq!(matching_step(RFC_SECRET, code, at(59)), None, "{code}");
        }
        assert_eq!(matching_step(b"another secret", "287082", at(59)), None);
    }

    #[test]
    fn the_first_minute_of_the_epoch_and_the_ends_of_time_do_not_panic() {
        let code = current_code(RFC_SECRET, at(0));
        assert_eq!(matching_step(RFC_SECRET, &code, at(0)), Some(0));
        for micros in [i64::MIN, -1, i64::MAX] {
            let now = Timestamp::from_micros(micros);
            assert_eq!(matching_step(RFC_SECRET, "000000", now), None);
            assert!((1..=30).contains(&seconds_left(now)));
        }
        assert_eq!(current_code(RFC_SECRET, at(-31)), *code);
    }

    #[test]
    fn steps_last_thirty_seconds() {
        assert_eq!((step_at(at(59)), step_at(at(60))), (1, 2));
        assert_eq!((seconds_left(at(60)), seconds_left(at(89))), (30, 1));
    }

    #[test]
    fn a_secret_is_52_base32_characters() {
        struct Fixed;
        impl Entropy for Fixed {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(0xf8);
            }
        }
        let secret = generate_secret(&Fixed);
        let text = encode_secret(&secret);
        assert_eq!(text.len(), 52);
        assert!(text.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
        assert_eq!(encode_secret(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
