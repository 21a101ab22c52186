//! `ListUsers`: one index for each field, and pages that cost the same wherever they begin.

use poolhouse_domain::users::{SearchField, UserCursor, UserFilter};

use super::user_columns;
use crate::engine::Value;

/// How `enabled` is stored: the words of a filter on `status`.
pub(super) const ENABLED: &str = "Enabled";
pub(super) const DISABLED: &str = "Disabled";

/// Bytes of a value that are indexed. PostgreSQL's indexes hold rows of at most 2.7 KB. A filter has
/// at most 256 characters, so what is cut off can't make a difference.
const KEY_BYTES: usize = 1_024;

/// The form in which a field's values are indexed, ordered and compared.
pub(super) fn search_key(field: SearchField, value: &str) -> String {
    let is_folded = match field {
        SearchField::Email
        | SearchField::Name
        | SearchField::GivenName
        | SearchField::FamilyName
        | SearchField::PreferredUsername => true,
        SearchField::Username
        | SearchField::Sub
        | SearchField::PhoneNumber
        | SearchField::UserStatus
        | SearchField::Enabled => false,
    };
    let mut key = if is_folded { value.to_lowercase() } else { value.to_owned() };
    key.truncate(key.floor_char_boundary(KEY_BYTES));
    key
}

/// The smallest text that is greater than every text with this prefix; none if there is no end.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        if let Some(next) = next_char(last) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

/// The character after this one in the order of code points, which is that of UTF-8 bytes too.
fn next_char(c: char) -> Option<char> {
    match c {
        // The code points between are surrogates, which are no characters.
        '\u{D7FF}' => Some('\u{E000}'),
        c => char::from_u32(c as u32 + 1),
    }
}

/// A text that is greater than every indexed value.
fn end_of_texts() -> String {
    "\u{10FFFF}".repeat(KEY_BYTES / 4 + 1)
}

/// A page of users: which statement, and where it begins and ends.
pub(super) enum Query {
    /// A range of a value that no two users share.
    Unique { column: UniqueColumn, from: String, before: String },
    /// One value of a field, in order of `sub`.
    Equal { field: SearchField, value: String, after_sub: String },
    /// A range of values, in order of value and `sub`.
    Range { field: SearchField, after: String, after_sub: String, before: String },
}

/// A column whose values are unique in a pool.
#[derive(Clone, Copy)]
pub(super) enum UniqueColumn {
    Username,
    Sub,
}

/// The text that comes right after this one: nothing that is stored has U+0001 at its end.
fn successor(text: &str) -> String {
    format!("{text}\u{1}")
}

/// The query for a page.
pub(super) fn query(filter: Option<&UserFilter>, after: Option<&UserCursor>) -> Query {
    let after_sub = after.map(|cursor| cursor.sub.clone());
    let column = match filter.map(|filter| filter.field) {
        None | Some(SearchField::Sub) => UniqueColumn::Sub,
        Some(SearchField::Username) => UniqueColumn::Username,
        Some(field) => return shared(field, filter, after, after_sub.unwrap_or_default()),
    };
    let last = match column {
        UniqueColumn::Sub => after_sub,
        UniqueColumn::Username => after.map(|cursor| cursor.value.clone()),
    };
    let (value, is_prefix) = filter.map_or(("", true), |f| (f.value.as_str(), f.is_prefix));
    let before = if is_prefix { after_prefix(value) } else { Some(successor(value)) };
    Query::Unique {
        column,
        from: last.map_or_else(|| value.to_owned(), |last| successor(&last)),
        before: before.unwrap_or_else(end_of_texts),
    }
}

/// The query for a page of a field whose values users may share.
fn shared(
    field: SearchField,
    filter: Option<&UserFilter>,
    after: Option<&UserCursor>,
    after_sub: String,
) -> Query {
    let value = filter.map(|filter| search_key(field, &filter.value)).unwrap_or_default();
    if filter.is_some_and(|filter| !filter.is_prefix) {
        return Query::Equal { field, value, after_sub };
    }
    let before = after_prefix(&value).unwrap_or_else(end_of_texts);
    let last = after.map(|cursor| search_key(field, &cursor.value));
    Query::Range { field, after: last.unwrap_or(value), after_sub, before }
}

/// The statement for a range of a unique column.
macro_rules! unique {
    ($column:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.pool_id = $1 AND u.",
            $column,
            " >= $2 AND u.",
            $column,
            " < $3 ORDER BY u.",
            $column,
            " LIMIT $4"
        )
    };
}

/// The statements for one value and for a range of values of a column.
macro_rules! shared {
    ($column:literal) => {
        (
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM users u WHERE u.pool_id = $1 AND u.",
                $column,
                " = $2 AND u.sub > $3 ORDER BY u.sub LIMIT $4"
            ),
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM users u WHERE u.pool_id = $1 AND (u.",
                $column,
                ", u.sub) > ($2, $3) AND u.",
                $column,
                " < $4 ORDER BY u.",
                $column,
                ", u.sub LIMIT $5"
            ),
        )
    };
}

/// The statements for a field: for one value, and for a range of values.
const fn statements(field: SearchField) -> (&'static str, &'static str) {
    match field {
        SearchField::Username => (unique!("username_key"), unique!("username_key")),
        SearchField::Sub => (unique!("sub"), unique!("sub")),
        SearchField::Email => shared!("email_key"),
        SearchField::PhoneNumber => shared!("phone_key"),
        SearchField::Name => shared!("name_key"),
        SearchField::GivenName => shared!("given_name_key"),
        SearchField::FamilyName => shared!("family_name_key"),
        SearchField::PreferredUsername => shared!("preferred_username_key"),
        SearchField::UserStatus => shared!("status"),
        SearchField::Enabled => shared!("enabled"),
    }
}

impl Query {
    pub(super) const fn sql(&self) -> &'static str {
        match self {
            Self::Unique { column: UniqueColumn::Username, .. } => {
                statements(SearchField::Username).1
            }
            Self::Unique { column: UniqueColumn::Sub, .. } => statements(SearchField::Sub).1,
            Self::Equal { field, .. } => statements(*field).0,
            Self::Range { field, .. } => statements(*field).1,
        }
    }

    pub(super) fn values<'a>(&'a self, user_pool_id: &'a str, limit: u32) -> Vec<Value<'a>> {
        let mut values = vec![Value::from(user_pool_id)];
        match self {
            Self::Unique { from, before, .. } => values.extend([from.into(), before.into()]),
            Self::Equal { value, after_sub, .. } => {
                values.extend([value.into(), after_sub.into()]);
            }
            Self::Range { after, after_sub, before, .. } => {
                values.extend([after.into(), after_sub.into(), before.into()]);
            }
        }
        values.push(limit.into());
        values
    }
}
