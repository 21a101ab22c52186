//! What callers are told of where a message went.

use crate::{
    attributes::{Contact, is_email, is_phone_number},
    codes::SentCode,
    sealing::{Keyring, Purpose},
    user_pools::UserPool,
};

/// Where a code went, as the caller may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What it was sent to.
    pub contact: Contact,
    /// The address or number, masked.
    pub destination: String,
}

impl From<&SentCode> for Delivery {
    fn from(sent: &SentCode) -> Self {
        Self { contact: sent.contact, destination: sent.contact.mask(&sent.destination) }
    }
}

impl Delivery {
    /// What is answered for a user who doesn't exist or can't be reached, where that must not show:
    /// the contact in which the name consists, or one that is always the same for a name.
    pub fn simulated(keyring: &Keyring, pool: &UserPool, name: &str, usual: Contact) -> Self {
        let name = pool.name_key(name);
        if is_email(&name) {
            return Self { contact: Contact::Email, destination: Contact::Email.mask(&name) };
        }
        if is_phone_number(&name) {
            let contact = Contact::PhoneNumber;
            return Self { contact, destination: contact.mask(&name) };
        }
        let data = format!("delivery\0{}\0{name}", pool.id());
        let [first, second, rest @ ..] =
            keyring.stable_mac(Purpose::SimulatedUser, data.as_bytes());
        let destination = match usual {
            Contact::Email => format!("{}***@{}***", letter(first), letter(second)),
            Contact::PhoneNumber => {
                let digits = rest.iter().take(4).map(|byte| char::from(b'0' + byte % 10));
                format!("+*******{}", digits.collect::<String>())
            }
        };
        Self { contact: usual, destination }
    }
}

/// A letter that a random byte picks.
fn letter(byte: u8) -> char {
    char::from(b'a' + byte % 26)
}

impl Contact {
    /// An address or number of which only a glimpse is left: `jo@gm.com` is `j***@g***`,
    /// `+14155550008` is `+*******0008`.
    pub fn mask(self, value: &str) -> String {
        match self {
            Self::Email => {
                let (local, domain) = value.split_once('@').unwrap_or((value, ""));
                let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
                format!("{}***@{}***", first(local), first(domain))
            }
            Self::PhoneNumber => {
                let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
                let hidden = digits.len().saturating_sub(4);
                let shown: String = digits.iter().skip(hidden).collect();
                format!("+{}{shown}", "*".repeat(hidden))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ports::Entropy, sealing::DataKey};

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn destinations_are_masked() {
        assert_eq!(Contact::Email.mask("jo@gm.com"), "j***@g***");
        assert_eq!(Contact::PhoneNumber.mask("+14155550008"), "+*******0008");
        assert_eq!(Contact::PhoneNumber.mask("+123"), "+123");
    }

    #[test]
    fn what_is_simulated_for_a_name_is_always_the_same() {
        let keyring = Keyring::new(&DataKey::generate(1, &Zeros));
        let pool = UserPool::default();
        let shown = |name| Delivery::simulated(&keyring, &pool, name, Contact::Email).destination;
        assert_eq!(shown("nobody"), shown("nobody"));
        assert_eq!(shown("no@im.com"), "n***@i***");
        let others: std::collections::BTreeSet<String> =
            ["a", "b", "c", "d", "e"].into_iter().map(shown).collect();
        assert!(others.len() > 1);
        assert!(others.iter().all(|text| text.len() == "x***@y***".len()));
        let phone = Delivery::simulated(&keyring, &pool, "+14155550008", Contact::Email);
        assert_eq!(
            (phone.contact, phone.destination.as_str()),
            (Contact::PhoneNumber, "+*******0008")
        );
    }
}
