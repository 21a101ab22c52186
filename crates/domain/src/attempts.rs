//! Counting attempts: the lock-out after wrong passwords, and limits per hour.
//!
//! Counters are kept by *subject*, which need not be an existing user: names that nobody has are
//! counted in the same way, so that a lock tells nothing about who exists.

use async_trait::async_trait;

use crate::{
    fault::Fault,
    sealing::{Keyring, Purpose},
    time::Timestamp,
    user_pools::UserPool,
    users::User,
};

/// What is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// Sign-in with a password, plain or by SRP, and `ChangePassword`'s previous password.
    Password,
    /// Sending the code of a `SignUp`, for the first time or again, by address: whoever likes can sign
    /// up with somebody else's.
    SignUpCode,
    /// `ConfirmSignUp`.
    ConfirmSignUp,
    /// `ResendConfirmationCode`.
    ResendCode,
    /// `ForgotPassword` and `ConfirmForgotPassword`.
    ForgotPassword,
    /// `ChangePassword`.
    ChangePassword,
    /// Codes that verify an attribute: `GetUserAttributeVerificationCode` and
    /// `UpdateUserAttributes`.
    SendAttributeCode,
    /// `VerifyUserAttribute`.
    VerifyAttribute,
    /// `VerifySoftwareToken` with a wrong code.
    VerifySoftwareToken,
    /// `SOFTWARE_TOKEN_MFA` with a wrong code.
    SoftwareTokenCode,
    /// Sending a code for `SMS_MFA` or `EMAIL_OTP`.
    SendMfaCode,
    /// `SMS_MFA` or `EMAIL_OTP` with a wrong code.
    SentCode,
    /// Sending a notice of a risky sign-in.
    SendNotice,
}

impl Attempted {
    /// The name under which the counter is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SignUpCode => "sign_up_code",
            Self::ConfirmSignUp => "confirm_sign_up",
            Self::ResendCode => "resend_code",
            Self::ForgotPassword => "forgot_password",
            Self::ChangePassword => "change_password",
            Self::SendAttributeCode => "send_attribute_code",
            Self::VerifyAttribute => "verify_attribute",
            Self::VerifySoftwareToken => "verify_software_token",
            Self::SoftwareTokenCode => "software_token_code",
            Self::SendMfaCode => "send_mfa_code",
            Self::SentCode => "sent_code",
            Self::SendNotice => "send_notice",
        }
    }

    /// How many are allowed in an hour; none if another rule limits them.
    ///
    /// The figures are Cognito's published limits; for second factors and for sign-ups with one
    /// address, where none is published, ours: a guess hits one of three valid codes in a million, so
    /// 20 an hour is safe and no person's typing comes near it; nor does anybody sign in, or up, more
    /// often than that.
    pub const fn per_hour(self) -> Option<u32> {
        match self {
            Self::Password => None,
            Self::ConfirmSignUp | Self::VerifyAttribute => Some(15),
            Self::ResendCode | Self::ChangePassword | Self::SendAttributeCode => Some(5),
            Self::SignUpCode
            | Self::ForgotPassword
            | Self::VerifySoftwareToken
            | Self::SoftwareTokenCode
            | Self::SendMfaCode
            | Self::SentCode
            | Self::SendNotice => Some(20),
        }
    }
}

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How many so far.
    pub count: u32,
    /// When the first of them happened.
    pub since: Timestamp,
    /// When the last of them happened.
    pub last_at: Timestamp,
}

/// Storage of counters.
#[async_trait]
pub trait AttemptCounters: Send {
    /// The counter, if there is one.
    async fn attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
    ) -> Result<Option<Attempts>, Fault>;

    /// Stores a counter; it may be forgotten after `expires_at`.
    async fn put_attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
        attempts: Attempts,
        expires_at: Timestamp,
    ) -> Result<(), Fault>;

    /// Forgets a counter.
    async fn clear_attempts(
        &mut self,
        user_pool_id: &str,
        subject: &str,
        what: Attempted,
    ) -> Result<(), Fault>;
}

/// Under which name attempts are counted: the user's `sub`, whatever alias was typed; for nobody, a
/// keyed hash of what was typed, which may be anything, even somebody's password.
pub fn subject(keyring: &Keyring, pool: &UserPool, user: Option<&User>, name: &str) -> String {
    let hash_of = |name: &str| {
        let key = pool.name_key(name);
        hex::encode(keyring.stable_mac(Purpose::SimulatedUser, key.as_bytes()))
    };
    user.map_or_else(|| hash_of(name), |user| user.sub.clone())
}

/// The limit per hour has been reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded;

/// Seconds in the window of a limit.
const HOUR: i64 = 3_600;

/// Counts one more attempt, or refuses when the hour's limit is used up.
///
/// The caller commits in both cases.
pub async fn count(
    tx: &mut (dyn AttemptCounters + '_),
    user_pool_id: &str,
    subject: &str,
    what: Attempted,
    now: Timestamp,
) -> Result<Result<(), LimitExceeded>, Fault> {
    let within_limit = check(tx, user_pool_id, subject, what, now).await?;
    if within_limit.is_ok() {
        record(tx, user_pool_id, subject, what, now).await?;
    }
    Ok(within_limit.map(|_| ()))
}

/// Refuses when the hour's limit is used up; otherwise tells whether any attempts are counted.
///
/// For what counts only when it fails: [`record`] follows then, in the same transaction.
pub async fn check(
    tx: &mut (dyn AttemptCounters + '_),
    user_pool_id: &str,
    subject: &str,
    what: Attempted,
    now: Timestamp,
) -> Result<Result<bool, LimitExceeded>, Fault> {
    let counted = tx.attempts(user_pool_id, subject, what).await?;
    let this_hour = counted.filter(|a| now.seconds_since(a.since) < HOUR);
    let used_up = this_hour.is_some_and(|a| what.per_hour().is_some_and(|max| a.count >= max));
    Ok(if used_up { Err(LimitExceeded) } else { Ok(counted.is_some()) })
}

/// Counts one more attempt.
pub async fn record(
    tx: &mut (dyn AttemptCounters + '_),
    user_pool_id: &str,
    subject: &str,
    what: Attempted,
    now: Timestamp,
) -> Result<(), Fault> {
    let counted = tx.attempts(user_pool_id, subject, what).await?;
    let this_hour = counted.filter(|a| now.seconds_since(a.since) < HOUR);
    let next = Attempts {
        count: this_hour.map_or(1, |a| a.count.saturating_add(1)),
        since: this_hour.map_or(now, |a| a.since),
        last_at: now,
    };
    let expires_at = next.since.plus_seconds(HOUR);
    tx.put_attempts(user_pool_id, subject, what, next, expires_at).await
}

/// Failed passwords that are free of any lock.
const FREE_FAILURES: u32 = 5;
/// The longest lock, and the quiet time after which failures are forgotten, in seconds.
const LONGEST_LOCK: i64 = 15 * 60;

impl Attempts {
    /// Whether wrong passwords have locked the subject at `now`.
    ///
    /// After the fifth failure the lock lasts one second and doubles with each further one, up to
    /// about a quarter of an hour. Tries during a lock don't count.
    pub fn locks_password(&self, now: Timestamp) -> bool {
        let Some(beyond) = self.count.checked_sub(FREE_FAILURES) else { return false };
        let seconds = 1_i64.checked_shl(beyond).unwrap_or(LONGEST_LOCK).clamp(1, LONGEST_LOCK);
        let lock = if beyond > 30 { LONGEST_LOCK } else { seconds };
        now < self.last_at.plus_seconds(lock)
    }
}

/// Counts a failed password. Fifteen quiet minutes forget the failures before.
pub async fn count_wrong_password(
    tx: &mut (dyn AttemptCounters + '_),
    user_pool_id: &str,
    subject: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let before = tx.attempts(user_pool_id, subject, Attempted::Password).await?;
    let before = before.filter(|a| now.seconds_since(a.last_at) < LONGEST_LOCK);
    let next = Attempts {
        count: before.map_or(1, |a| a.count.saturating_add(1)),
        since: before.map_or(now, |a| a.since),
        last_at: now,
    };
    let expires_at = now.plus_seconds(LONGEST_LOCK);
    tx.put_attempts(user_pool_id, subject, Attempted::Password, next, expires_at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_doubles_from_one_second_to_a_quarter_of_an_hour() {
        let at = Timestamp::from_seconds(1_000_000);
        let lock = |count| {
            let attempts = Attempts { count, since: at, last_at: at };
            (0..=1_000).find(|s| !attempts.locks_password(at.plus_seconds(*s))).unwrap_or(-1)
        };
        assert_eq!([lock(4), lock(5), lock(6), lock(7)], [0, 1, 2, 4]);
        assert_eq!([lock(14), lock(15), lock(36), lock(u32::MAX)], [512, 900, 900, 900]);
    }
}
