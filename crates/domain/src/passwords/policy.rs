//! What a pool demands of passwords, and temporary passwords that satisfy it.

use poolhouse_wire::Sensitive;

use crate::{ports::Entropy, shapes::AuthFactorType, user_pools::UserPool};

/// The first demand that a password fails: length first, then the kinds of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefused {
    /// It has too few characters.
    TooShort,
    /// It has no upper-case letter.
    NoUppercase,
    /// It has no lower-case letter.
    NoLowercase,
    /// It has no digit.
    NoNumber,
    /// It has no symbol.
    NoSymbol,
}

/// The characters that count as symbols, besides an inner space.
const SYMBOLS: &str = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";

/// Whether a password satisfies the pool's policy.
pub fn check(pool: &UserPool, password: &str) -> Result<(), PasswordRefused> {
    let policy = pool.password_policy();
    let has = |wanted: fn(char) -> bool| password.chars().any(wanted);
    // A space counts, though not at the ends.
    let has_symbol = || has(|c| SYMBOLS.contains(c)) || password.trim().contains(' ');
    if password.chars().count() < policy.minimum_length {
        Err(PasswordRefused::TooShort)
    } else if policy.requires_uppercase && !has(|c| c.is_ascii_uppercase()) {
        Err(PasswordRefused::NoUppercase)
    } else if policy.requires_lowercase && !has(|c| c.is_ascii_lowercase()) {
        Err(PasswordRefused::NoLowercase)
    } else if policy.requires_numbers && !has(|c| c.is_ascii_digit()) {
        Err(PasswordRefused::NoNumber)
    } else if policy.requires_symbols && !has_symbol() {
        Err(PasswordRefused::NoSymbol)
    } else {
        Ok(())
    }
}

/// Whether users of the pool can live without password: codes are a way to sign in.
pub fn is_optional(pool: &UserPool) -> bool {
    is_first_factor(pool, AuthFactorType::EmailOtp) || is_first_factor(pool, AuthFactorType::SmsOtp)
}

/// Whether this is among the ways to begin a sign-in.
pub fn is_first_factor(pool: &UserPool, factor: AuthFactorType) -> bool {
    let policies = pool.settings.policies.as_ref();
    let policy = policies.and_then(|policies| policies.sign_in_policy.as_ref());
    let factors = policy.and_then(|policy| policy.allowed_first_auth_factors.as_ref());
    factors.is_some_and(|factors| factors.contains(&factor))
}

/// Characters of generated passwords, by kind. None is easily mistaken for another, and the symbols
/// survive HTML, shells and phones.
const KINDS: [&[u8]; 4] =
    [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnpqrstuvwxyz", b"23456789", b"!@#%^*+-"];

/// Characters of a generated password, at least: some 90 bits.
const GENERATED_LENGTH: usize = 16;

/// A random password with characters of every kind, as long as the pool asks for.
pub fn generate(pool: &UserPool, entropy: &dyn Entropy) -> Sensitive<String> {
    let length = pool.password_policy().minimum_length.max(GENERATED_LENGTH);
    let all = KINDS.concat();
    let mut password: Vec<u8> = KINDS.into_iter().filter_map(|kind| pick(kind, entropy)).collect();
    while password.len() < length {
        password.extend(pick(&all, entropy));
    }
    // Fisher-Yates: the four that are certain must not stand at the front.
    for last in (1..password.len()).rev() {
        password.swap(last, below(last + 1, entropy));
    }
    password.into_iter().map(char::from).collect::<String>().into()
}

/// A random one of these characters.
fn pick(characters: &[u8], entropy: &dyn Entropy) -> Option<u8> {
    characters.get(below(characters.len(), entropy)).copied()
}

/// A random number below `bound`, each as likely as any other. `bound` is at most 256.
fn below(bound: usize, entropy: &dyn Entropy) -> usize {
    let usable = 256 - 256 % bound.max(1);
    loop {
        let mut byte = [0; 1];
        entropy.fill(&mut byte);
        let [number] = byte;
        if usize::from(number) < usable {
            return usize::from(number) % bound.max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct Weyl(AtomicU64);

    impl Entropy for Weyl {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                *byte =
                    (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[0];
            }
        }
    }

    #[test]
    fn the_first_failing_demand_is_named() {
        let pool = UserPool::default();
        assert_eq!(check(&pool, "Aa1!"), Err(PasswordRefused::TooShort));
        assert_eq!(check(&pool, "aaaaaa1!"), Err(PasswordRefused::NoUppercase));
        assert_eq!(check(&pool, "AAAAAA1!"), Err(PasswordRefused::NoLowercase));
        assert_eq!(check(&pool, "AAAAAAa!"), Err(PasswordRefused::NoNumber));
        assert_eq!(check(&pool, "AAAAAAa1"), Err(PasswordRefused::NoSymbol));
        assert_eq!(check(&pool, " AAAAAAa1 "), Err(PasswordRefused::NoSymbol));
        assert_eq!(check(&pool, "AAA AAAa1"), Ok(()));
        for symbol in SYMBOLS.chars() {
            assert_eq!(check(&pool, &format!("AAAAAAa1{symbol}")), Ok(()), "{symbol}");
        }
    }

    #[test]
    fn generated_passwords_satisfy_the_policy_and_differ() {
        let (pool, entropy) = (UserPool::default(), Weyl(AtomicU64::new(1)));
        let first = generate(&pool, &entropy);
        for _ in 0..100 {
            let password = generate(&pool, &entropy);
            assert_eq!(check(&pool, &password), Ok(()));
            assert_eq!(password.len(), GENERATED_LENGTH);
            assert_ne!(*password, *first);
        }
    }
}
