//! What a user's telephone does: codes from a shared secret.

use poolhouse_acceptance::seconds_now;
use totp_rs::{Algorithm, Builder, Secret, Totp};

const STEP_SECONDS: u64 = 30;

/// An authenticator app holding one secret. No code is shown twice, because none works twice.
#[derive(Clone)]
pub(crate) struct Authenticator {
    totp: Totp,
    /// The latest step whose code was shown.
    shown: u64,
}

impl Authenticator {
    /// Takes the `SecretCode` of `AssociateSoftwareToken`.
    pub(crate) fn new(secret_code: &str) -> Self {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            .with_secret(Secret::try_from_base32(secret_code).unwrap())
            .build_noncompliant();
        Self { totp, shown: 0 }
    }

    /// A code that was not shown before and that the server accepts now: of this step, or of the
    /// next one, since clocks may be half a minute off. None if both were shown.
    pub(crate) fn code(&mut self) -> Option<String> {
        self.code_at(seconds_now())
    }

    /// The same for a server whose clock shows so many seconds since the epoch.
    pub(crate) fn code_at(&mut self, now: i64) -> Option<String> {
        let current = u64::try_from(now).unwrap() / STEP_SECONDS;
        let step = current.max(self.shown + 1);
        if step > current + 1 {
            return None;
        }
        self.shown = step;
        Some(self.totp.generate(step * STEP_SECONDS).to_string())
    }

    /// Six digits that are no code of this time.
    pub(crate) fn wrong_code(&self) -> String {
        let current = u64::try_from(seconds_now()).unwrap() / STEP_SECONDS;
        let near: Vec<String> = (current - 3..current + 4)
            .map(|step| self.totp.generate(step * STEP_SECONDS).to_string())
            .collect();
        let mut codes = (0..10).map(|number| format!("{number:06}"));
        codes.find(|code| !near.contains(code)).unwrap()
    }
}
