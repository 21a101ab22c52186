//! Authentication levels: by what somebody has signed in (`amr`), and how much that is worth (`acr`).
//!
//! | level | what reaches it |
//! |---|---|
//! | 1 | a password |
//! | 2 | a code by text message or e-mail |
//! | 3 | a passkey; a password and such a code |
//! | 4 | a password and a code of a software token |
//!
//! An application asks for levels by the names that the pool has for them, and reads in its tokens what
//! was reached. Tokens of pools in the tier `LITE` say nothing of it (belief).

use serde::{Deserialize, Serialize};

use crate::{
    attributes::Contact,
    user_pools::{Feature, TierRefused, UserPool},
    users::MfaFactor,
};

/// One way to show who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A password, sent or proved.
    Password,
    /// A code by text message.
    Sms,
    /// A code by e-mail.
    Email,
    /// A code of a software token.
    SoftwareToken,
    /// A passkey of the device itself.
    PlatformPasskey,
    /// A passkey that goes from device to device, such as a key for the USB port.
    RoamingPasskey,
}

impl Method {
    const ALL: [Self; 6] = [
        Self::Password,
        Self::SoftwareToken,
        Self::Sms,
        Self::Email,
        Self::PlatformPasskey,
        Self::RoamingPasskey,
    ];

    /// The name in `amr`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Sms => "sms",
            Self::Email => "email_otp",
            Self::SoftwareToken => "otp",
            Self::PlatformPasskey => "swk",
            Self::RoamingPasskey => "hwk",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl From<MfaFactor> for Method {
    fn from(factor: MfaFactor) -> Self {
        match factor {
            MfaFactor::Sms => Self::Sms,
            MfaFactor::Email => Self::Email,
            MfaFactor::SoftwareToken => Self::SoftwareToken,
        }
    }
}

impl From<Contact> for Method {
    fn from(contact: Contact) -> Self {
        match contact {
            Contact::Email => Self::Email,
            Contact::PhoneNumber => Self::Sms,
        }
    }
}

/// What was shown in a sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Methods(u8);

impl Methods {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// These, and one more.
    #[must_use]
    pub const fn with(self, method: Method) -> Self {
        Self(self.0 | method.bit())
    }

    /// Whether it was among them.
    pub const fn has(self, method: Method) -> bool {
        self.0 & method.bit() != 0
    }

    /// What an `amr` tells of. Names that are none of ours count for nothing.
    pub fn of_amr(names: &[String]) -> Self {
        let told = Method::ALL.into_iter().filter(|m| names.iter().any(|name| name == m.as_str()));
        told.fold(Self::default(), Self::with)
    }

    /// `amr`: the methods, and `mfa` if there is more than one.
    pub fn amr(self) -> Vec<&'static str> {
        let shown = Method::ALL.into_iter().filter(|method| self.has(*method));
        let mut names: Vec<_> = shown.map(Method::as_str).collect();
        if names.len() > 1 {
            names.push("mfa");
        }
        names
    }

    /// The highest level that they reach.
    pub const fn level(self) -> Level {
        let by_password = self.has(Method::Password);
        let by_code = self.has(Method::Sms) || self.has(Method::Email);
        let by_passkey = self.has(Method::PlatformPasskey) || self.has(Method::RoamingPasskey);
        Level(match (by_password, by_code) {
            (true, _) if self.has(Method::SoftwareToken) => 4,
            _ if by_passkey => 3,
            (true, true) => 3,
            (false, true) => 2,
            (true, false) => 1,
            (false, false) => 0,
        })
    }
}

/// A level; zero, the default, is none. As long as any other when written, so that nothing shows of
/// it in the length of what is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Level(u8);

impl Level {
    /// No level.
    pub const NONE: Self = Self(0);
    const ALL: [Self; 4] = [Self(1), Self(2), Self(3), Self(4)];

    /// The pool's name of the level.
    fn name(self, pool: &UserPool) -> String {
        let own = pool.settings.acr_configuration.as_ref();
        let own = own.and_then(|levels| levels.get(&format!("Level{}", self.0)));
        own.map_or_else(|| format!("urn:cognito:loa:{}", self.0), |level| level.acr_value.clone())
    }
}

/// Whether the pool's tier has levels.
pub fn are_available(pool: &UserPool) -> bool {
    check_tier(pool).is_ok()
}

/// The same, with what is said if it has none.
pub(crate) fn check_tier(pool: &UserPool) -> Result<(), TierRefused> {
    pool.has_in_tier(Feature::ACR)
}

/// The levels that a list of names means, in its order, each once. Names that are none of the pool's are
/// left out.
pub fn named(pool: &UserPool, names: &str) -> Vec<Level> {
    let all = Level::ALL.map(|level| (level, level.name(pool)));
    let mut levels = Vec::new();
    for name in names.split(' ') {
        let meant = all.iter().find(|(_, own)| own == name).map(|(level, _)| *level);
        // Callers may repeat a name as often as they like.
        levels.extend(meant.filter(|level| !levels.contains(level)));
    }
    levels
}

/// The claims of tokens: `acr` and `amr`. None where nothing is known of how the sign-in was.
pub fn claims(pool: &UserPool, methods: Methods) -> Option<(String, Vec<&'static str>)> {
    let level = methods.level();
    let is_told = are_available(pool) && level > Level::NONE;
    is_told.then(|| (level.name(pool), methods.amr()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{Email, Password, PlatformPasskey, RoamingPasskey, Sms, SoftwareToken};

    fn shown(methods: &[Method]) -> Methods {
        methods.iter().copied().fold(Methods::default(), Methods::with)
    }

    #[test]
    fn the_highest_level_that_is_fully_reached_counts() {
        for (methods, level, amr) in [
            (&[][..], 0, &[][..]),
            (&[Password], 1, &["pwd"]),
            (&[Sms], 2, &["sms"]),
            (&[Email], 2, &["email_otp"]),
            (&[Email, SoftwareToken], 2, &["otp", "email_otp", "mfa"]),
            (&[PlatformPasskey], 3, &["swk"]),
            (&[RoamingPasskey], 3, &["hwk"]),
            (&[Password, Sms], 3, &["pwd", "sms", "mfa"]),
            (&[Email, Password], 3, &["pwd", "email_otp", "mfa"]),
            (&[Password, SoftwareToken], 4, &["pwd", "otp", "mfa"]),
            (&[PlatformPasskey, SoftwareToken], 3, &["otp", "swk", "mfa"]),
        ] {
            let methods = shown(methods);
            assert_eq!((methods.level(), methods.amr().as_slice()), (Level(level), amr));
            let names: Vec<String> = amr.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(Methods::of_amr(&names), methods);
        }
        assert_eq!(Methods::of_amr(&["fed".to_owned(), "x".to_owned()]), Methods::default());
    }

    #[test]
    fn levels_are_named_and_unknown_names_left_out() {
        let pool = UserPool::default();
        let levels = named(&pool, "urn:cognito:loa:4 x  urn:cognito:loa:2 urn:cognito:loa:5");
        assert_eq!(levels, [Level(4), Level(2)]);
        assert_eq!(named(&pool, ""), []);
        assert_eq!(
            named(&pool, &"urn:cognito:loa:3 urn:cognito:loa:1 ".repeat(9)),
            [Level(3), Level(1)]
        );
    }
}
