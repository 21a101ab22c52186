//! The names of what forms send.
//!
//! Every form posts to the address that its page has, query included. `username` and `password` are
//! the service's names, and so is that of the token against forged forms, which depends on the
//! generation of the pages ([`Brand::csrf_field`](super::Brand::csrf_field)). The others are our own.

/// Who signs in: a username, or the address that stands for one.
pub const USERNAME: &str = "username";
/// The password of a user who has one.
pub const PASSWORD: &str = "password";
/// A password to be set.
pub const NEW_PASSWORD: &str = "new_password";
/// The same again, against misspelling.
pub const CONFIRM_PASSWORD: &str = "confirm_password";
/// A code from a message or an authenticator app. People type spaces; take them out.
pub const CODE: &str = "code";
/// The choice among factors: the [value](super::Factor::value) of one.
pub const FACTOR: &str = "factor";
/// What the browser made of a passkey's options, as JSON.
pub const CREDENTIAL: &str = "credential";
/// An e-mail address: of somebody who looks for a company's sign-in, or for codes.
pub const EMAIL: &str = "email";
/// A telephone number for codes.
pub const PHONE_NUMBER: &str = "phone_number";
/// What an authenticator app is called; may be empty.
pub const DEVICE_NAME: &str = "device_name";
/// The finger print of a browser, as the service's own pages send it: here it is always empty.
pub const DEVICE_DATA: &str = "cognitoAsfData";
/// Which button of a form was pressed: one of [`intent`]; absent for the main one.
pub const INTENT: &str = "intent";
/// The query parameter and the cookie with the language.
pub const LANGUAGE: &str = "lang";

/// The name under which an attribute is sent. (A belief: that of the classic pages.)
pub fn attribute(name: &str) -> String {
    format!("requiredAttributes[{name}]")
}

/// What buttons other than the main one ask for.
pub mod intent {
    /// Send another code.
    pub const RESEND: &str = "resend";
    /// Offer the other factors.
    pub const OTHER_WAY: &str = "other-way";
    /// Start again as somebody else.
    pub const OTHER_USER: &str = "other-user";
    /// Go on without a passkey.
    pub const SKIP: &str = "skip";
    /// Find the identity provider of an e-mail address.
    pub const DOMAIN: &str = "domain";
}
