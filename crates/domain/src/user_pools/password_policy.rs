//! What a user pool demands of passwords.

use super::UserPool;

/// The password policy of a user pool, with defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Shortest password, in characters.
    pub minimum_length: usize,
    /// At least one upper-case letter.
    pub requires_uppercase: bool,
    /// At least one lower-case letter.
    pub requires_lowercase: bool,
    /// At least one digit.
    pub requires_numbers: bool,
    /// At least one symbol.
    pub requires_symbols: bool,
    /// How many earlier passwords, the current one included, can't be used again; 0 for no limit.
    pub history_size: usize,
    /// Days after which a temporary password no longer works.
    pub temporary_password_days: i64,
}

/// Days for which temporary passwords work unless the pool says otherwise; also what 0 stands for.
pub(super) const TEMPORARY_PASSWORD_DAYS: i32 = 7;

impl UserPool {
    /// Days after which a temporary password no longer works.
    pub fn temporary_password_days(&self) -> i64 {
        self.password_policy().temporary_password_days
    }

    /// The password policy.
    pub fn password_policy(&self) -> PasswordPolicy {
        let policies = self.settings.policies.as_ref();
        let policy = policies.and_then(|policies| policies.password_policy.as_ref());
        let count = |value: Option<i32>, default: usize| {
            value.and_then(|value| usize::try_from(value).ok()).unwrap_or(default)
        };
        // Stored policies are complete; a pool without policy has the default one.
        let requires = |flag: Option<bool>| flag.unwrap_or(policy.is_none());
        PasswordPolicy {
            minimum_length: count(policy.and_then(|policy| policy.minimum_length), 8),
            requires_uppercase: requires(policy.and_then(|policy| policy.require_uppercase)),
            requires_lowercase: requires(policy.and_then(|policy| policy.require_lowercase)),
            requires_numbers: requires(policy.and_then(|policy| policy.require_numbers)),
            requires_symbols: requires(policy.and_then(|policy| policy.require_symbols)),
            history_size: count(policy.and_then(|policy| policy.password_history_size), 0),
            temporary_password_days: policy
                .and_then(|policy| policy.temporary_password_validity_days)
                .unwrap_or(TEMPORARY_PASSWORD_DAYS)
                .into(),
        }
    }
}
