//! User attributes: what a pool's schema allows, who may write what, and what a change entails.

mod changes;
mod contact;
mod values;
mod verification;

pub use changes::{Creator, Writer, delete, of_new_user, save, update};
pub use contact::{Contact, is_email, is_phone_number};
pub use values::{ViolatedRule, Violation};
pub use verification::{VerifyRefused, verify};

/// Why attributes are not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeRefused {
    /// The app client may not write one of them.
    Unauthorized,
    /// Values that the schema doesn't allow, one entry for each.
    NotConforming(Vec<Violation>),
    /// These exist but can't be set after a user was created.
    Immutable(Vec<String>),
    /// The service sets this one itself (`sub`, `identities`).
    NotWritable(String),
    /// These can't be deleted: the schema requires them.
    Required(Vec<String>),
    /// Names to delete that the schema doesn't have.
    UnknownNames(Vec<String>),
    /// A value for this contact is not of its form.
    Malformed(Contact),
    /// `*_verified` was set where there is no such contact.
    NothingToVerify(Contact),
    /// The attribute differs from the username, which in this pool is that attribute.
    DiffersFromUsername(Contact),
    /// An unconfirmed user can't have `preferred_username` while that is an alias.
    PreferredUsernameTooEarly,
}
