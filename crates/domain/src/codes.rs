//! Verification and recovery codes: issuing, checking, and the storage port.

use async_trait::async_trait;
use poolhouse_wire::Sensitive;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    attributes::Contact,
    fault::{Fault, Ruling},
    ports::Entropy,
    sealing::{Keyring, Purpose},
    time::Timestamp,
    users::User,
};

/// What a code is for. A user has at most one code for each purpose; a new one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CodePurpose {
    /// Confirms a sign-up.
    SignUp,
    /// Resets a forgotten password.
    ForgotPassword,
    /// Verifies `email`.
    VerifyEmail,
    /// Verifies `phone_number`.
    VerifyPhoneNumber,
}

impl CodePurpose {
    /// The name under which the code is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::ForgotPassword => "forgot_password",
            Self::VerifyEmail => "verify_email",
            Self::VerifyPhoneNumber => "verify_phone_number",
        }
    }
}

/// A code that was sent, as it is stored: never the code itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCode {
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// What it is for.
    pub purpose: CodePurpose,
    /// Keyed hash of the code ([`crate::sealing::Purpose::CodeHash`]).
    pub hash: [u8; 32],
    /// `email` or `phone_number`: where it was sent, and what it proves.
    pub attribute: String,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it stops being valid.
    pub expires_at: Timestamp,
}

/// Storage of issued codes.
#[async_trait]
pub trait Codes: Send {
    /// Stores a code in place of an earlier one for the same purpose.
    async fn put_code(&mut self, code: &IssuedCode) -> Result<(), Fault>;

    /// The outstanding code, expired or not.
    async fn code(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        purpose: CodePurpose,
    ) -> Result<Option<IssuedCode>, Fault>;

    /// Removes a code that was used.
    async fn delete_code(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        purpose: CodePurpose,
    ) -> Result<(), Fault>;
}

/// Why a code is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRefused {
    /// Another code is outstanding.
    Mismatch,
    /// None is outstanding: never sent, used, or too old.
    Expired,
}

impl CodePurpose {
    /// The code that verifies this contact.
    pub const fn verifies(contact: Contact) -> Self {
        match contact {
            Contact::Email => Self::VerifyEmail,
            Contact::PhoneNumber => Self::VerifyPhoneNumber,
        }
    }

    /// Seconds for which a code is good.
    const fn lifetime(self) -> i64 {
        match self {
            Self::SignUp | Self::VerifyEmail | Self::VerifyPhoneNumber => 24 * 3_600,
            Self::ForgotPassword => 3_600,
        }
    }

    /// Where the code of a user goes: to the value that waits for verification, if that is what the
    /// code is for.
    pub fn destination(self, user: &User, contact: Contact) -> Option<&str> {
        let name = contact.attribute();
        let pending = match self {
            Self::VerifyEmail | Self::VerifyPhoneNumber => user.pending_attributes.get(name),
            Self::SignUp | Self::ForgotPassword => None,
        };
        pending.or_else(|| user.attributes.get(name)).map(String::as_str)
    }
}

/// Makes a code for a user's contact and stores its hash, in place of an earlier code for the same
/// purpose. None if the user has no such contact.
pub async fn issue(
    tx: &mut (dyn Codes + '_),
    keyring: &Keyring,
    entropy: &dyn Entropy,
    user: &User,
    purpose: CodePurpose,
    contact: Contact,
    now: Timestamp,
) -> Result<Option<SentCode>, Fault> {
    let Some(destination) = purpose.destination(user, contact) else {
        return Ok(None);
    };
    let code = generate(entropy);
    tx.put_code(&IssuedCode {
        user_pool_id: user.user_pool_id.clone(),
        sub: user.sub.clone(),
        purpose,
        hash: keyring.mac(Purpose::CodeHash, &hashed(user, purpose, destination, &code)),
        attribute: contact.attribute().to_owned(),
        created_at: now,
        expires_at: now.plus_seconds(purpose.lifetime()),
    })
    .await?;
    let (code, destination) = (code.into(), destination.to_owned());
    let expires_at = now.plus_seconds(purpose.lifetime());
    Ok(Some(SentCode { code, contact, destination, expires_at }))
}

/// A code on its way.
#[derive(Clone, Debug)]
pub struct SentCode {
    /// The code.
    pub code: Sensitive<String>,
    /// What it is sent to, and proves.
    pub contact: Contact,
    /// The address or number.
    pub destination: String,
    /// When the code stops being valid.
    pub expires_at: Timestamp,
}

/// What [`issue`] does, for nobody: costs about the same, and stores nothing. The code is to be put
/// into a message that nobody gets, and looks as if it went to `destination`.
pub async fn issue_to_nobody(
    tx: &mut (dyn Codes + '_),
    keyring: &Keyring,
    entropy: &dyn Entropy,
    (user_pool_id, name): (&str, &str),
    purpose: CodePurpose,
    (contact, destination): (Contact, &str),
    now: Timestamp,
) -> Result<SentCode, Fault> {
    let code = generate(entropy);
    let data = [user_pool_id, name, purpose.as_str(), destination, &code].join("\0");
    let sub = hex::encode(keyring.mac(Purpose::SimulatedUser, data.as_bytes()));
    // In place of the statement that stores a code: nobody has this `sub`.
    tx.delete_code(user_pool_id, &sub, purpose).await?;
    let destination = destination.to_owned();
    let expires_at = now.plus_seconds(purpose.lifetime());
    Ok(SentCode { code: code.into(), contact, destination, expires_at })
}

/// Whether this is the user's code. Answers the contact that it proves; [`forget`] it once it was
/// used.
///
/// A wrong code stays usable: the caller counts attempts. A code is bound to the address or number
/// it was sent to; when that has changed meanwhile, it matches no more.
pub async fn check(
    tx: &mut (dyn Codes + '_),
    keyring: &Keyring,
    user: &User,
    purpose: CodePurpose,
    code: &str,
    now: Timestamp,
) -> Ruling<Contact, CodeRefused> {
    let issued = tx.code(&user.user_pool_id, &user.sub, purpose).await?;
    let Some(issued) = issued.filter(|issued| now < issued.expires_at) else {
        return Ok(Err(CodeRefused::Expired));
    };
    let contact = Contact::of_attribute(&issued.attribute);
    let destination = contact.and_then(|contact| purpose.destination(user, contact));
    let (Some(contact), Some(destination)) = (contact, destination) else {
        return Ok(Err(CodeRefused::Expired));
    };
    let data = hashed(user, purpose, destination, code);
    if keyring.mac_matches(Purpose::CodeHash, &data, &issued.hash) {
        Ok(Ok(contact))
    } else {
        Ok(Err(CodeRefused::Mismatch))
    }
}

/// Removes a code that was used.
pub async fn forget(
    tx: &mut (dyn Codes + '_),
    user: &User,
    purpose: CodePurpose,
) -> Result<(), Fault> {
    tx.delete_code(&user.user_pool_id, &user.sub, purpose).await
}

/// What is hashed: the code and everything it belongs to. None of the parts can hold a NUL.
fn hashed(user: &User, purpose: CodePurpose, destination: &str, code: &str) -> Zeroizing<Vec<u8>> {
    let parts = [&user.user_pool_id, &user.sub, purpose.as_str(), destination, code];
    Zeroizing::new(parts.join("\0").into_bytes())
}

/// Six random digits, each code as likely as any other.
pub fn generate(entropy: &dyn Entropy) -> String {
    generate_of(6, entropy)
}

/// Up to nine random digits, each code as likely as any other.
pub fn generate_of(digits: u32, entropy: &dyn Entropy) -> String {
    let codes = 10_u32.pow(digits);
    // The numbers beyond the last whole round of codes would make small ones likelier.
    let usable = u32::MAX - u32::MAX % codes;
    let width = usize::try_from(digits).unwrap_or_default();
    loop {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        if number < usable {
            return format!("{:0width$}", number % codes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Bytes(Mutex<Vec<u8>>);

    impl Entropy for Bytes {
        fn fill(&self, buffer: &mut [u8]) {
            let mut bytes = self.0.lock().unwrap();
            for byte in buffer {
                *byte = bytes.remove(0);
            }
        }
    }

    #[test]
    fn codes_keep_leading_zeros_and_skip_numbers_that_would_bias_them() {
        let draw = |bytes: &[u8]| generate(&Bytes(Mutex::new(bytes.to_vec())));
        assert_eq!(draw(&[7, 0, 0, 0]), "000007");
        assert_eq!(draw(&[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]), "000001");
        assert_eq!(draw(&999_999_u32.to_le_bytes()), "999999");
    }
}
