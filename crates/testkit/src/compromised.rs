//! A list of compromised passwords with just one in it.

use poolhouse_domain::threat_protection::compromised::CompromisedPasswords;

/// The password that everybody knows.
pub const COMPROMISED: &str = "Password-123";

/// The list.
#[derive(Clone, Copy, Debug, Default)]
pub struct FewPasswords;

impl CompromisedPasswords for FewPasswords {
    fn contains(&self, password: &str) -> bool {
        password == COMPROMISED
    }
}
