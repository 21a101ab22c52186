//! Software tokens: a user's TOTP authenticator, from the pending secret to each used code.
//!
//! `code.rs` holds the arithmetic of RFC 6238; here is what happens to a user's token.

pub mod code;

use serde::{Deserialize, Serialize};

use crate::{ports::Entropy, time::Timestamp};

/// The software token of a user. A new secret waits beside the verified one, which keeps working
/// until a code of the new one has been shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareToken {
    /// The verified secret, with which sign-in codes are checked.
    pub active: Option<ActiveSecret>,
    /// A secret that was handed out and not yet verified.
    pub pending: Option<Secret>,
}

/// A secret and what has been used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveSecret {
    /// The shared secret.
    pub secret: Secret,
    /// `FriendlyDeviceName` of the verification.
    pub friendly_name: Option<String>,
    /// The latest time step (RFC 6238 section 4.2: seconds since the epoch divided by 30) whose
    /// code was used. A code is good once, so only later steps are accepted (section 5.2).
    pub last_step: i64,
}

/// A shared secret: 32 random bytes. Sealed at rest, never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Why a code or a request about a software token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no secret to check the code with.
    NoToken,
    /// The code belongs to none of the three time steps around now.
    WrongCode,
    /// The code is right and has been used before.
    AlreadyUsed,
}

impl SoftwareToken {
    /// Hands out a new secret, to be shown to the user as text or QR code: 52 characters of
    /// base32. It takes effect with [`Self::confirm`]; one that was pending before is dropped.
    pub fn associate(&mut self, entropy: &dyn Entropy) -> String {
        let secret = code::generate_secret(entropy);
        self.pending = Some(Secret(secret));
        code::encode_secret(&secret)
    }

    /// Checks a code of the pending secret and puts that secret in place of the verified one.
    ///
    /// The code counts as used: it can't be shown again at a sign-in. Without a pending secret the
    /// verified one can be confirmed once more, for example to name the device (belief: the
    /// service's answer to that is not on record).
    pub fn confirm(
        &mut self,
        user_code: &str,
        friendly_name: Option<String>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Some(secret) = self.pending.clone() else {
            self.check(user_code, now)?;
            if let (Some(active), Some(name)) = (&mut self.active, friendly_name) {
                active.friendly_name = Some(name);
            }
            return Ok(());
        };
        let step = code::matching_step(&secret.0, user_code, now).ok_or(Refused::WrongCode)?;
        self.active = Some(ActiveSecret { secret, friendly_name, last_step: step });
        self.pending = None;
        Ok(())
    }

    /// Checks a code of the verified secret and marks its time step as used.
    pub fn check(&mut self, user_code: &str, now: Timestamp) -> Result<(), Refused> {
        let active = self.active.as_mut().ok_or(Refused::NoToken)?;
        let step = code::matching_step(&active.secret.0, user_code, now);
        let step = step.ok_or(Refused::WrongCode)?;
        if step <= active.last_step {
            return Err(Refused::AlreadyUsed);
        }
        active.last_step = step;
        Ok(())
    }

    /// Whether a secret has been verified.
    pub const fn is_verified(&self) -> bool {
        self.active.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (byte, value) in buffer.iter_mut().zip(1..) {
                *byte = value;
            }
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn code_at(token: &Secret, at: Timestamp) -> String {
        code::current_code(&token.0, at)
    }

    fn verified() -> (SoftwareToken, Secret) {
        let mut token = SoftwareToken::default();
        token.associate(&Counting);
        let secret = token.pending.clone().unwrap();
        token.confirm(&code_at(&secret, NOW), None, NOW).unwrap();
        (token, secret)
    }

    #[test]
    fn the_code_of_the_verification_is_used_up() {
        let (mut token, secret) = verified();
        assert_eq!(token.check(&code_at(&secret, NOW), NOW), Err(Refused::AlreadyUsed));
        let later = NOW.plus_seconds(30);
        assert_eq!(token.check(&code_at(&secret, later), later), Ok(()));
        assert_eq!(token.check(&code_at(&secret, later), later), Err(Refused::AlreadyUsed));
    }

    #[test]
    fn an_older_code_is_refused_after_a_newer_one_was_used() {
        let (mut token, secret) = verified();
        let later = NOW.plus_seconds(90);
        token.check(&code_at(&secret, later), later).unwrap();
        let before = code_at(&secret, later.plus_seconds(-30));
        assert_eq!(token.check(&before, later), Err(Refused::AlreadyUsed));
    }

    #[test]
    fn the_verified_secret_works_until_the_pending_one_is_confirmed() {
        let (mut token, old) = verified();
        token.pending = Some(Secret([9; 32]));
        let later = NOW.plus_seconds(60);
        assert_eq!(token.confirm("000000", None, later), Err(Refused::WrongCode));
        assert_eq!(token.check(&code_at(&old, later), later), Ok(()));
        let new = token.pending.clone().unwrap();
        token.confirm(&code_at(&new, later), Some("phone".into()), later).unwrap();
        let much_later = NOW.plus_seconds(300);
        assert_eq!(token.check(&code_at(&old, much_later), much_later), Err(Refused::WrongCode));
        assert_eq!(token.active.unwrap().friendly_name.as_deref(), Some("phone"));
    }

    #[test]
    fn nothing_can_be_confirmed_without_a_secret() {
        let mut token = SoftwareToken::default();
        assert_eq!(token.confirm("123456", None, NOW), Err(Refused::NoToken));
        assert_eq!(token.check("123456", NOW), Err(Refused::NoToken));
    }

    #[test]
    fn secrets_are_not_printed() {
        let (token, _) = verified();
        assert!(format!("{token:?}").contains("***"));
    }
}
