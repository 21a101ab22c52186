//! How a user is written to and read from a row.

use std::collections::BTreeMap;

use poolhouse_domain::{
    Fault,
    passwords::verifier::PasswordVerifier,
    shapes::UserStatusType,
    totp::SoftwareToken,
    users::{MfaPreference, Password, SearchField, User},
};
use serde_json::{from_slice, from_str};

use super::list::{DISABLED, ENABLED, search_key};
use crate::{
    engine::{Row, Value},
    store::SqlTransaction,
};

const PASSWORD: &str = "users.sealed_password";
const SOFTWARE_TOKEN: &str = "users.sealed_software_token";

/// The columns that [`Sealed::push_values`] and [`Indexed::push_values`] fill together.
pub(super) const COLUMN_COUNT: usize = 19;

/// The columns of a user that indexes hold, the ones that never change excepted.
///
/// An update that leaves them alone must not name them: SQLite rewrites an index for every column
/// that a statement names, changed or not, which made up most of the cost of a used TOTP code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Indexed {
    user_pool_id: String,
    sub: String,
    status: UserStatusType,
    enabled: bool,
    /// In the order of the columns.
    search_keys: [Option<String>; 6],
}

impl Indexed {
    pub(super) fn of(user: &User) -> Self {
        let search_keys = [
            ("email", SearchField::Email),
            ("phone_number", SearchField::PhoneNumber),
            ("name", SearchField::Name),
            ("given_name", SearchField::GivenName),
            ("family_name", SearchField::FamilyName),
            ("preferred_username", SearchField::PreferredUsername),
        ]
        .map(|(name, field)| user.attributes.get(name).map(|value| search_key(field, value)));
        Self {
            user_pool_id: user.user_pool_id.clone(),
            sub: user.sub.clone(),
            status: user.status,
            enabled: user.enabled,
            search_keys,
        }
    }

    /// The values of `$12` to `$19` of the statements that write these columns.
    pub(super) fn push_values<'a>(&'a self, values: &mut Vec<Value<'a>>) {
        values.push(self.status.as_str().into());
        values.push(if self.enabled { ENABLED } else { DISABLED }.into());
        values.extend(self.search_keys.iter().map(Value::from));
    }
}

/// What of a user has to be built before it can be bound to a statement.
pub(super) struct Sealed {
    attributes: String,
    pending_attributes: Option<String>,
    password: Option<Vec<u8>>,
    software_token: Option<Vec<u8>>,
    mfa: Option<String>,
}

fn unwritable(error: serde_json::Error) -> Fault {
    Fault::because("a user can't be written", error)
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::because("a stored user can't be read", error)
}

impl Sealed {
    pub(super) fn of(tx: &SqlTransaction, user: &User) -> Result<Self, Fault> {
        let key = [user.user_pool_id.as_str(), user.sub.as_str()];
        let seal_password = |password: &Password| {
            let verifier = &password.verifier;
            let plain =
                zeroize::Zeroizing::new([&verifier.salt, verifier.verifier.as_slice()].concat());
            tx.seal(PASSWORD, &key, &plain)
        };
        let software_token = if user.software_token == SoftwareToken::default() {
            None
        } else {
            let plain = serde_json::to_vec(&user.software_token).map_err(unwritable)?;
            Some(tx.seal(SOFTWARE_TOKEN, &key, &zeroize::Zeroizing::new(plain)))
        };
        let pending = &user.pending_attributes;
        Ok(Self {
            attributes: serde_json::to_string(&user.attributes).map_err(unwritable)?,
            pending_attributes: written(pending, pending.is_empty())?,
            password: user.password.as_ref().map(seal_password),
            software_token,
            mfa: written(&user.mfa, user.mfa == MfaPreference::default())?,
        })
    }

    /// The values of `$1` to `$11` of the statements that insert and update.
    pub(super) fn push_values<'a>(&'a self, user: &'a User, values: &mut Vec<Value<'a>>) {
        values.extend([
            (&user.user_pool_id).into(),
            (&user.sub).into(),
            user.version.into(),
            (&self.attributes).into(),
            (&self.pending_attributes).into(),
            user.modified_at.into(),
            (&self.password).into(),
            user.password.as_ref().map(|password| password.set_at).into(),
            (&self.software_token).into(),
            (&self.mfa).into(),
            user.signed_out_at.into(),
        ]);
    }
}

/// JSON text, or null for what is empty.
fn written<T: serde::Serialize>(value: &T, is_empty: bool) -> Result<Option<String>, Fault> {
    if is_empty { Ok(None) } else { serde_json::to_string(value).map(Some).map_err(unwritable) }
}

impl SqlTransaction {
    /// Reads a row of `user_columns!`.
    pub(crate) async fn read_user(&self, mut row: Row) -> Result<User, Fault> {
        let (user_pool_id, sub) = (row.text()?, row.text()?);
        let key = [user_pool_id.as_str(), sub.as_str()];
        let username = row.text()?;
        let status = UserStatusType::from_wire(&row.text()?)
            .ok_or(Fault::broken("a stored user has an unknown status"))?;
        let enabled = row.text()? == ENABLED;
        let attributes = from_str(&row.text()?).map_err(unreadable)?;
        let pending = row.maybe_text()?.map(|text| from_str::<BTreeMap<_, _>>(&text));
        let pending_attributes = pending.transpose().map_err(unreadable)?.unwrap_or_default();
        let (created_at, modified_at) = (row.time()?, row.time()?);
        let (sealed_password, set_at) = (row.maybe_blob()?, row.maybe_time()?);
        let password = match (sealed_password, set_at) {
            (Some(sealed), Some(set_at)) => {
                let plain = self.open(PASSWORD, &key, &sealed).await?;
                Some(Password { verifier: read_verifier(&plain)?, set_at })
            }
            _ => None,
        };
        let software_token = match row.maybe_blob()? {
            Some(sealed) => {
                from_slice(&self.open(SOFTWARE_TOKEN, &key, &sealed).await?).map_err(unreadable)?
            }
            None => SoftwareToken::default(),
        };
        let mfa = row.maybe_text()?.map(|text| from_str(&text)).transpose().map_err(unreadable)?;
        Ok(User {
            username,
            status,
            enabled,
            attributes,
            pending_attributes,
            created_at,
            modified_at,
            password,
            software_token,
            mfa: mfa.unwrap_or_default(),
            signed_out_at: row.maybe_time()?,
            version: row.int()?,
            user_pool_id,
            sub,
        })
    }
}

/// Reads the salt and what follows it.
fn read_verifier(plain: &[u8]) -> Result<PasswordVerifier, Fault> {
    let (salt, verifier) =
        plain.split_first_chunk().ok_or(Fault::broken("a stored password is too short"))?;
    Ok(PasswordVerifier { salt: *salt, verifier: verifier.to_vec() })
}
