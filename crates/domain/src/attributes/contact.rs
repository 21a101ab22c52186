//! The two attributes by which a user can be reached.

use crate::{messages::Medium, shapes::VerifiedAttributeType};

/// A way to reach a user: it has a value, and a flag that says whether the value was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contact {
    /// The attribute `email`.
    Email,
    /// The attribute `phone_number`.
    PhoneNumber,
}

impl Contact {
    /// Both, in the order in which codes are sent without being asked: where both are given, only
    /// the text message goes out.
    pub const ALL: [Self; 2] = [Self::PhoneNumber, Self::Email];

    /// The contact of this attribute name.
    pub fn of_attribute(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contact| contact.attribute() == name)
    }

    /// The contact whose verification flag has this attribute name.
    pub fn of_flag(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contact| contact.flag() == name)
    }

    /// The name of the attribute that holds the value.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
        }
    }

    /// The name of the attribute that says whether the value was verified.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Email => "email_verified",
            Self::PhoneNumber => "phone_number_verified",
        }
    }

    /// How messages reach it.
    pub const fn medium(self) -> Medium {
        match self {
            Self::Email => Medium::Email,
            Self::PhoneNumber => Medium::Sms,
        }
    }

    /// The same contact in the settings of a pool.
    pub const fn setting(self) -> VerifiedAttributeType {
        match self {
            Self::Email => VerifiedAttributeType::Email,
            Self::PhoneNumber => VerifiedAttributeType::PhoneNumber,
        }
    }

    /// Whether a value has the form of this contact.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Email => is_email(value),
            Self::PhoneNumber => is_phone_number(value),
        }
    }
}

/// What has a meaning of its own in the headers of mail, where addresses stand.
const SPECIAL: &[char] = &['<', '>', '(', ')', ',', ';', ':', '"', '\\'];

/// Whether text looks like an e-mail address: something, one `@`, something, without blanks and
/// without what means something else in the headers of mail.
///
/// How strict the service is beyond that is not known; a mail server knows best what it accepts.
pub fn is_email(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || SPECIAL.contains(&c);
    let is_plain = !text.chars().any(is_odd);
    match text.split_once('@') {
        Some((local, domain)) => {
            is_plain && !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        }
        None => false,
    }
}

/// Whether text is a telephone number in E.164 form: `+` and up to fifteen digits.
pub fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_two_sides_and_no_blanks() {
        for good in ["a@b", "jo.doe+x@example.com", "ä@ö.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "", "jo", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a@b\u{0}", "<a@b>", "a,c@b",
            "\"a\"@b", "a;c@b", "(a)@b", "a@b:25", "a\\b@c",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    #[test]
    fn telephone_numbers_are_a_plus_and_digits() {
        for good in ["+1", "+14155550008", "+123456789012345"] {
            assert!(is_phone_number(good), "{good}");
        }
        for bad in ["", "+", "14155550008", "+1 415", "+1-415", "+1234567890123456", "+٣"] {
            assert!(!is_phone_number(bad), "{bad:?}");
        }
    }
}
