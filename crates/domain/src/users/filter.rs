//! The filter of `ListUsers`: one condition, such as `name ^= "Jo"`.

use crate::{
    user_pools::UserPool,
    users::{SearchField, User, UserCursor, UserFilter},
};

/// Why a filter is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterRefused {
    /// It is no condition.
    Syntax,
    /// The attribute can't be searched.
    NotSearchable(String),
}

impl SearchField {
    /// The names under which filters search.
    const NAMES: [(&'static str, Self); 10] = [
        ("username", Self::Username),
        ("sub", Self::Sub),
        ("email", Self::Email),
        ("phone_number", Self::PhoneNumber),
        ("name", Self::Name),
        ("given_name", Self::GivenName),
        ("family_name", Self::FamilyName),
        ("preferred_username", Self::PreferredUsername),
        ("cognito:user_status", Self::UserStatus),
        ("status", Self::Enabled),
    ];

    /// The field that filters call this.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }

    /// What filters call this field.
    fn name(self) -> &'static str {
        let named = Self::NAMES.into_iter().find(|(_, field)| *field == self);
        named.map_or("", |(name, _)| name)
    }

    /// The form in which a value of this field is compared: `username`, `sub` and `status` exactly,
    /// attributes and `cognito:user_status` without regard to case.
    fn compared(self, pool: &UserPool, value: &str) -> String {
        match self {
            Self::Username => pool.name_key(value),
            Self::Sub | Self::PhoneNumber | Self::Enabled => value.to_owned(),
            Self::UserStatus => value.to_ascii_uppercase(),
            _ => value.to_lowercase(),
        }
    }
}

/// Reads a filter; empty or blank means that there is no condition.
pub fn parse(pool: &UserPool, text: &str) -> Result<Option<UserFilter>, FilterRefused> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (attribute, rest) = attribute(text).ok_or(FilterRefused::Syntax)?;
    let rest = rest.trim_start();
    let (is_prefix, rest) = match (rest.strip_prefix("^="), rest.strip_prefix('=')) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(FilterRefused::Syntax),
    };
    let (value, rest) = quoted(rest.trim_start()).ok_or(FilterRefused::Syntax)?;
    if !rest.trim().is_empty() {
        return Err(FilterRefused::Syntax);
    }
    let Some(field) = SearchField::named(&attribute) else {
        return Err(FilterRefused::NotSearchable(attribute));
    };
    Ok(Some(UserFilter { field, value: field.compared(pool, &value), is_prefix }))
}

/// The attribute at the beginning of the text, bare or in quotes, and what follows it.
fn attribute(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '^' | '"'))?;
    let (name, rest) = text.split_at(end);
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

/// The text in quotes at the beginning, and what follows it. A backslash takes the next character
/// as it is.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut characters = text.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

impl UserFilter {
    /// The filter in one spelling, to which page tokens are bound.
    pub fn canonical(&self) -> String {
        let operator = if self.is_prefix { "^=" } else { "=" };
        format!("{}{operator}{}", self.field.name(), self.value)
    }
}

/// The sort key of a user in a list with this filter.
pub fn cursor(pool: &UserPool, filter: Option<&UserFilter>, user: &User) -> UserCursor {
    let value = filter.map_or(String::new(), |filter| {
        let value = match filter.field {
            SearchField::Username => user.username.as_str(),
            SearchField::Sub => &user.sub,
            SearchField::UserStatus => user.status.as_str(),
            SearchField::Enabled => {
                if user.enabled {
                    "Enabled"
                } else {
                    "Disabled"
                }
            }
            field => user.attribute(field.name()).unwrap_or_default(),
        };
        filter.field.compared(pool, value)
    });
    UserCursor { value, sub: user.sub.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<(SearchField, String, bool)>, FilterRefused> {
        let filter = parse(&UserPool::default(), text)?;
        Ok(filter.map(|filter| (filter.field, filter.value, filter.is_prefix)))
    }

    #[test]
    fn conditions_are_read_in_every_spelling() {
        let email =
            |value: &str, is_prefix| Ok(Some((SearchField::Email, value.to_owned(), is_prefix)));
        assert_eq!(parsed(r#"email = "jo@x""#), email("jo@x", false));
        assert_eq!(parsed(r#"email="jo@x""#), email("jo@x", false));
        assert_eq!(parsed(r#"  "email"^="Jo"  "#), email("jo", true));
        assert_eq!(parsed(r#"email ^= "a \"b\" \\""#), email(r#"a "b" \"#, true));
        assert_eq!(parsed(r#"email = "a = b""#), email("a = b", false));
        assert_eq!(parsed(r#"email ^= """#), email("", true));
        assert_eq!(parsed(""), Ok(None));
        assert_eq!(parsed("  "), Ok(None));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let broken = [
            "email",
            "email =",
            "email = jo",
            r#"email == "jo""#,
            r#"email "jo""#,
            r#"= "jo""#,
            r#"email = "jo"#,
            r#"email = "jo" x"#,
            r#"email = "jo" and name = "x""#,
            r#""email"#,
            r#"email > "jo""#,
            r#"email = "jo\"#,
            r#"email ^ = "jo""#,
        ];
        for text in broken {
            assert_eq!(parsed(text), Err(FilterRefused::Syntax), "{text}");
        }
    }

    #[test]
    fn other_attributes_are_not_searchable() {
        for name in ["custom:tier", "website", "Email"] {
            let refused = Err(FilterRefused::NotSearchable(name.to_owned()));
            assert_eq!(parsed(&format!(r#"{name} = "x""#)), refused);
        }
    }

    #[test]
    fn case_counts_where_the_service_says_so() {
        let value = |text: &str| parsed(text).map(|found| found.map(|(_, value, _)| value));
        let is = |value: &str| Ok(Some(value.to_owned()));
        assert_eq!(value(r#"username = "Jo""#), is("Jo"));
        assert_eq!(value(r#"status = "Enabled""#), is("Enabled"));
        assert_eq!(value(r#"cognito:user_status = "confirmed""#), is("CONFIRMED"));
        assert_eq!(value(r#"family_name = "DOE""#), is("doe"));
    }
}
