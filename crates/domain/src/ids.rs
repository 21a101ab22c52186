//! Random identifiers.

use uuid::{Builder, Uuid};

use crate::{ports::Entropy, time::Timestamp};

/// What [`letters_and_digits`] chooses from.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of the alphabet's size in a byte: bytes from here on are thrown away, so
/// that every character is equally likely.
const FAIR: u8 = 248;

/// Random letters and digits.
pub fn letters_and_digits(entropy: &dyn Entropy, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut byte = [0];
        entropy.fill(&mut byte);
        let [byte] = byte;
        let character = ALPHABET.get(usize::from(byte) % ALPHABET.len());
        text.extend(character.filter(|_| byte < FAIR).map(|character| char::from(*character)));
    }
    text
}

/// A random UUID (RFC 9562 section 5.4).
pub fn random_uuid(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A UUID that tells when it was made, to the microsecond (RFC 9562 section 5.7, with the
/// sub-millisecond fraction of section 6.2, method 3).
///
/// Tokens carry one as `event_id`, because their `iat` has only seconds: a token issued in the
/// second of a global sign-out, but after it, must not be taken for an older one.
pub fn timed_uuid(entropy: &dyn Entropy, now: Timestamp) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    let fraction = now.micros().rem_euclid(1_000) * 4_096 / 1_000;
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    let [high, low, ..] = &mut bytes;
    [*high, *low] = u16::try_from(fraction).unwrap_or_default().to_be_bytes();
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
}

/// When a [`timed_uuid`] was made; none for other text. Exact to a microsecond.
pub fn time_of(uuid: &str) -> Option<Timestamp> {
    let uuid = Uuid::try_parse(uuid).ok().filter(|uuid| uuid.get_version_num() == 7)?;
    // 48 bits of milliseconds, 4 of version, 12 of fraction.
    let (high, _) = uuid.as_u64_pair();
    let (millis, fraction) = (high >> 16, i64::try_from(high & 0x0fff).ok()?);
    // Rounded up: the fraction was rounded down when it was made.
    let micros = (fraction * 1_000 + 4_095) / 4_096;
    Some(Timestamp::from_micros(i64::try_from(millis).ok()? * 1_000 + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;

    impl Entropy for Ones {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0xff);
        }
    }

    #[test]
    fn a_timed_uuid_gives_its_time_back_to_the_microsecond() {
        for micros in (0..1_000).chain([999_999, 1_795_000_000_123_456]) {
            let at = Timestamp::from_micros(1_795_000_000_000_000 + micros);
            let uuid = timed_uuid(&Ones, at);
            assert_eq!(time_of(&uuid), Some(at), "{uuid}");
        }
    }

    #[test]
    fn other_text_has_no_time() {
        assert_eq!(time_of("x"), None);
        assert_eq!(time_of(&random_uuid(&Ones)), None);
    }
}
