//! What each page says: view models, which the flow behind the forms fills.
//!
//! Nothing here decides anything: who may sign up or which factors there are is the flow's to say.
//! All strings are shown as text, whatever they hold. A link that is absent is not shown.

use poolhouse_domain::user_pools::PasswordPolicy;

/// A page.
#[derive(Clone, Debug)]
pub enum Page {
    /// Username with or without password, and identity providers.
    SignIn(SignIn),
    /// The password of a user who is known from a step before.
    Password(Password),
    /// A choice among factors, the first or the second.
    Choose(Choose),
    /// A code that was sent, or that an authenticator app shows.
    Code(Code),
    /// A passkey is asked for.
    Passkey(Passkey),
    /// A choice among second factors to be set up.
    ChooseSetUp(ChooseSetUp),
    /// A secret for an authenticator app, and the first code of it.
    SetUpTotp(SetUpTotp),
    /// The address to which codes will be sent.
    SetUpContact(SetUpContact),
    /// A password in place of a temporary one, and attributes that are missing.
    NewPassword(NewPassword),
    /// A new account.
    SignUp(SignUp),
    /// The code that confirms a new account.
    Confirm(Confirm),
    /// Who forgot the password.
    ForgotPassword(ForgotPassword),
    /// The code that was sent, and a new password.
    ResetPassword(ResetPassword),
    /// The offer to register a passkey.
    AddPasskey(AddPasskey),
    /// Somebody is signed in to this browser.
    Continue(Continue),
    /// What became of a confirmation link.
    LinkResult(LinkResult),
    /// The end of a sign-out that leads nowhere.
    SignedOut(SignedOut),
    /// It can't go on.
    Failed(Failed),
    /// The app client has no style. Needs no style itself.
    Unavailable,
}

/// What stands above a form after it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Username or password.
    Credentials,
    /// A code.
    WrongCode,
    /// A code, too late.
    ExpiredCode,
    /// Later.
    TooManyAttempts,
    /// An administrator closed the account.
    Disabled,
    /// The account waits for its confirmation.
    NotConfirmed,
    /// An administrator asks for a new password first.
    ResetRequired,
    /// Sign-up with a taken username.
    UsernameExists,
    /// Sign-up or confirmation with the e-mail address or telephone number of another account.
    AliasExists,
    /// Not of the form that is asked for.
    InvalidUsername,
    /// The password does not meet the policy.
    PasswordPolicy,
    /// The password was used before.
    PasswordReused,
    /// The password is known from a leak.
    PasswordCompromised,
    /// The two passwords differ.
    PasswordsDiffer,
    /// Nothing was entered in the field of this name (see [`field`](super::field)).
    Missing(String),
    /// The attribute of this name has a value that it can't have.
    InvalidAttribute(String),
    /// A code can't be sent.
    NotDelivered,
    /// No identity provider takes care of this e-mail address.
    UnknownDomain,
    /// The browser's passkey was not accepted.
    PasskeyRefused,
    /// There are as many passkeys as an account can have.
    PasskeysFull,
    /// The steps took too long, and start again.
    Expired,
    /// A sentence from elsewhere, such as a trigger, shown as it is.
    Text(String),
}

/// What stands above a form because something went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is another code on its way.
    CodeSent,
    /// Sign in with the new one.
    PasswordChanged,
    /// The account can be used.
    Confirmed,
    /// The next sign-in may use it.
    PasskeyAdded,
}

/// What users sign in with, by the pool's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsernameKind {
    /// A username only.
    #[default]
    Username,
    /// An e-mail address only.
    Email,
    /// A telephone number only.
    Phone,
    /// E-mail address or telephone number.
    EmailOrPhone,
    /// Username or e-mail address.
    UsernameOrEmail,
    /// Username or telephone number.
    UsernameOrPhone,
    /// Any of the three.
    Any,
}

/// The field for [`USERNAME`](super::field::USERNAME).
#[derive(Clone, Debug, Default)]
pub struct Username {
    /// What it asks for.
    pub kind: UsernameKind,
    /// What was entered before.
    pub value: String,
}

/// A link to an identity provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What the button says after "Continue with".
    pub name: String,
    /// Whose sign is on it.
    pub kind: ProviderKind,
    /// Where its sign-in starts.
    pub href: String,
}

/// Whose sign is on a provider's button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Amazon.
    Amazon,
    /// Apple.
    Apple,
    /// Facebook.
    Facebook,
    /// Google.
    Google,
    /// A company's, by OpenID Connect or SAML.
    Company,
}

/// Sends [`USERNAME`](super::field::USERNAME), and [`PASSWORD`](super::field::PASSWORD) unless the
/// username is a step of its own, or [`CREDENTIAL`](super::field::CREDENTIAL) if there are options
/// for passkeys and one was chosen. The search for a provider is a form apart, which sends
/// [`EMAIL`](super::field::EMAIL) with the intent [`DOMAIN`](super::field::intent::DOMAIN).
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The field for the pool's own users; absent where only providers sign in.
    pub username: Option<Username>,
    /// Whether the username is a step of its own, and what follows depends on the user.
    pub is_identity_first: bool,
    /// `PublicKeyCredentialRequestOptionsJSON` for passkeys without a username, if there are any.
    pub passkey_options: Option<String>,
    /// The buttons.
    pub providers: Vec<Provider>,
    /// What was entered to find a provider by its e-mail domain; absent if there is no such search.
    pub domain_search: Option<String>,
    /// The page for those who forgot their password.
    pub forgot_password: Option<String>,
    /// The page for new accounts.
    pub sign_up: Option<String>,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What went well.
    pub notice: Option<Notice>,
}

/// Sends [`PASSWORD`](super::field::PASSWORD), or an intent
/// [`OTHER_WAY`](super::field::intent::OTHER_WAY), [`OTHER_USER`](super::field::intent::OTHER_USER).
#[derive(Clone, Debug, Default)]
pub struct Password {
    /// Who signs in, as it was entered.
    pub username: String,
    /// The page for those who forgot it.
    pub forgot_password: Option<String>,
    /// Whether there are other factors.
    pub has_other_ways: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// A factor that users choose or set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The password.
    Password,
    /// A passkey.
    Passkey,
    /// A code by e-mail, as first or second factor.
    EmailOtp,
    /// A code by SMS, as first factor.
    SmsOtp,
    /// A code by SMS, as second factor.
    SmsMfa,
    /// A code of an authenticator app.
    SoftwareToken,
}

impl Factor {
    const ALL: [Self; 6] = [
        Self::Password,
        Self::Passkey,
        Self::EmailOtp,
        Self::SmsOtp,
        Self::SmsMfa,
        Self::SoftwareToken,
    ];

    /// What [`FACTOR`](super::field::FACTOR) holds: the name of its challenge.
    pub const fn value(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::Passkey => "WEB_AUTHN",
            Self::EmailOtp => "EMAIL_OTP",
            Self::SmsOtp => "SMS_OTP",
            Self::SmsMfa => "SMS_MFA",
            Self::SoftwareToken => "SOFTWARE_TOKEN_MFA",
        }
    }

    /// The factor of a value.
    pub fn of(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.value() == value)
    }
}

/// Sends [`FACTOR`](super::field::FACTOR), or the intent
/// [`OTHER_USER`](super::field::intent::OTHER_USER).
#[derive(Clone, Debug, Default)]
pub struct Choose {
    /// Who signs in, as it was entered.
    pub username: String,
    /// What there is, best first.
    pub factors: Vec<Factor>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Why people stand before the page for errors, as far as it can be said in a sentence. The names of
/// OAuth 2.0, and two of the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The application's address is not registered.
    RedirectMismatch,
    /// There is no such application.
    InvalidClient,
    /// The application's request is wrong.
    InvalidRequest,
    /// Somebody has said no.
    AccessDenied,
    /// A fault of ours.
    ServerError,
}

impl Cause {
    const ALL: [Self; 5] = [
        Self::RedirectMismatch,
        Self::InvalidClient,
        Self::InvalidRequest,
        Self::AccessDenied,
        Self::ServerError,
    ];

    /// The value of `error`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RedirectMismatch => "redirect_mismatch",
            Self::InvalidClient => "invalid_client",
            Self::InvalidRequest => "invalid_request",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
        }
    }

    /// The cause with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

/// Sends [`CODE`](super::field::CODE), or an intent
/// [`RESEND`](super::field::intent::RESEND), [`OTHER_WAY`](super::field::intent::OTHER_WAY).
#[derive(Clone, Debug)]
pub struct Code {
    /// Where the code comes from: e-mail, SMS or authenticator app.
    pub factor: Factor,
    /// Where it was sent, masked; for an app, what the user calls it. May be empty.
    pub destination: String,
    /// How many digits it has.
    pub length: u8,
    /// Seconds until another may be sent; absent if none will be.
    pub resend_after: Option<u32>,
    /// Whether there are other factors.
    pub has_other_ways: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What went well.
    pub notice: Option<Notice>,
}

/// Sends [`CREDENTIAL`](super::field::CREDENTIAL), or an intent
/// [`OTHER_WAY`](super::field::intent::OTHER_WAY), [`OTHER_USER`](super::field::intent::OTHER_USER).
#[derive(Clone, Debug, Default)]
pub struct Passkey {
    /// Who signs in, as it was entered.
    pub username: String,
    /// `PublicKeyCredentialRequestOptionsJSON`.
    pub options: String,
    /// Whether there are other factors.
    pub has_other_ways: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends [`FACTOR`](super::field::FACTOR).
#[derive(Clone, Debug, Default)]
pub struct ChooseSetUp {
    /// What can be set up, best first.
    pub factors: Vec<Factor>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends [`CODE`](super::field::CODE) and [`DEVICE_NAME`](super::field::DEVICE_NAME), or the intent
/// [`OTHER_WAY`](super::field::intent::OTHER_WAY).
#[derive(Clone, Debug, Default)]
pub struct SetUpTotp {
    /// The `otpauth:` address for the QR code.
    pub uri: String,
    /// The secret in base32, for those who type it.
    pub secret: String,
    /// Whether there are other factors to be set up.
    pub has_other_ways: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends [`EMAIL`](super::field::EMAIL) or [`PHONE_NUMBER`](super::field::PHONE_NUMBER), or the
/// intent [`OTHER_WAY`](super::field::intent::OTHER_WAY).
#[derive(Clone, Debug)]
pub struct SetUpContact {
    /// [`Factor::EmailOtp`] or [`Factor::SmsMfa`].
    pub factor: Factor,
    /// What was entered before.
    pub value: String,
    /// Whether there are other factors to be set up.
    pub has_other_ways: bool,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// A field for an attribute, sent as [`attribute`](super::field::attribute).
#[derive(Clone, Debug, Default)]
pub struct Attribute {
    /// The name in the pool's schema, such as `given_name` or `custom:team`.
    pub name: String,
    /// What was entered before.
    pub value: String,
    /// Whether it holds a number.
    pub is_number: bool,
    /// Characters that it has at most.
    pub max_length: Option<u32>,
}

/// Sends [`NEW_PASSWORD`](super::field::NEW_PASSWORD),
/// [`CONFIRM_PASSWORD`](super::field::CONFIRM_PASSWORD) and the attributes.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// Who signs in, for password managers.
    pub username: String,
    /// What the password must be like.
    pub policy: PasswordPolicy,
    /// Required attributes that the user lacks.
    pub attributes: Vec<Attribute>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Links that the terms sentence leads to, in the language of the page.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The terms of use.
    pub terms_of_use: String,
    /// The privacy policy.
    pub privacy_policy: String,
}

/// Sends [`USERNAME`](super::field::USERNAME), [`PASSWORD`](super::field::PASSWORD), which may be
/// empty for an account that does without, and the attributes.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// What the account is called.
    pub username: Username,
    /// What the password must be like.
    pub policy: PasswordPolicy,
    /// Whether the account may do without one.
    pub is_password_optional: bool,
    /// Required attributes, without one that is the username itself.
    pub attributes: Vec<Attribute>,
    /// Where the documents are, if there are both.
    pub terms: Option<Terms>,
    /// Providers, which make accounts too.
    pub providers: Vec<Provider>,
    /// The page for those who have an account.
    pub sign_in: Option<String>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends [`CODE`](super::field::CODE), or the intent [`RESEND`](super::field::intent::RESEND).
#[derive(Clone, Debug, Default)]
pub struct Confirm {
    /// Whose account it is, as it was entered.
    pub username: String,
    /// Where the code was sent, masked; empty if that is not known.
    pub destination: String,
    /// Seconds until another may be sent; absent if none will be.
    pub resend_after: Option<u32>,
    /// The page for those who confirmed in another way.
    pub sign_in: Option<String>,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What went well.
    pub notice: Option<Notice>,
}

/// Sends [`USERNAME`](super::field::USERNAME).
#[derive(Clone, Debug, Default)]
pub struct ForgotPassword {
    /// Who forgot it.
    pub username: Username,
    /// The page for those who remember.
    pub sign_in: Option<String>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends [`CODE`](super::field::CODE), [`NEW_PASSWORD`](super::field::NEW_PASSWORD) and
/// [`CONFIRM_PASSWORD`](super::field::CONFIRM_PASSWORD), or the intent
/// [`RESEND`](super::field::intent::RESEND).
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// Whose password it is, for password managers.
    pub username: String,
    /// Where the code was sent, masked; empty if that is not known.
    pub destination: String,
    /// What the password must be like.
    pub policy: PasswordPolicy,
    /// Seconds until another code may be sent; absent if none will be.
    pub resend_after: Option<u32>,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What went well.
    pub notice: Option<Notice>,
}

/// Sends [`CREDENTIAL`](super::field::CREDENTIAL), or the intent
/// [`SKIP`](super::field::intent::SKIP) to go on without.
#[derive(Clone, Debug, Default)]
pub struct AddPasskey {
    /// `PublicKeyCredentialCreationOptionsJSON`; absent if no more passkeys can be added.
    pub options: Option<String>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// Sends nothing but the token, to go on; or the intent
/// [`OTHER_USER`](super::field::intent::OTHER_USER).
#[derive(Clone, Debug, Default)]
pub struct Continue {
    /// Who is signed in.
    pub username: String,
}

/// Has no form.
#[derive(Clone, Debug, Default)]
pub struct LinkResult {
    /// Why the account is not confirmed; absent if it is.
    pub problem: Option<Problem>,
    /// Where to sign in.
    pub sign_in: Option<String>,
}

/// Has no form.
#[derive(Clone, Debug, Default)]
pub struct SignedOut {
    /// Where to sign in again.
    pub sign_in: Option<String>,
}

/// Has no form.
#[derive(Clone, Debug, Default)]
pub struct Failed {
    /// What developers look for, such as `redirect_mismatch`; may be empty.
    pub code: String,
    /// What it means for everybody, if there are words for it.
    pub cause: Option<Cause>,
    /// What it means, in English, for them; may be empty.
    pub detail: String,
    /// Under which id the log tells more; may be empty.
    pub request_id: String,
    /// Where to try again.
    pub retry: Option<String>,
}

impl Failed {
    /// Whether there is anything that developers want to know.
    pub(super) fn has_details(&self) -> bool {
        [&self.code, &self.detail, &self.request_id].iter().any(|text| !text.is_empty())
    }
}
