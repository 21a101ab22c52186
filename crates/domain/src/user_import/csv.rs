//! The dialect of the files: commas part values, `\,` is a comma inside of one, nothing is quoted.

use crate::user_pools::UserPool;

/// The column of the username.
pub(super) const USERNAME: &str = "cognito:username";
/// The column that says whether the user has multi-factor authentication.
pub(super) const MFA_ENABLED: &str = "cognito:mfa_enabled";

/// Attributes that the service sets itself.
const NOT_IMPORTED: [&str; 2] = ["sub", "identities"];

/// The columns of a file for this pool, in the documented order. That custom attributes come before
/// the last two is a belief.
pub fn header(pool: &UserPool) -> Vec<String> {
    let attributes = pool.settings.schema_attributes.as_deref().unwrap_or_default();
    let names = attributes.iter().filter_map(|attribute| attribute.name.as_deref());
    let names = names.filter(|name| !NOT_IMPORTED.contains(name));
    names.chain([MFA_ENABLED, USERNAME]).map(str::to_owned).collect()
}

/// Reads the first line of a file, which must have the pool's columns, each once, in any order.
/// The texts of what can be wrong with it are beliefs.
pub(super) fn columns(pool: &UserPool, line: &[u8]) -> Result<Vec<String>, &'static str> {
    if line.starts_with("\u{feff}".as_bytes()) {
        return Err("The CSV file begins with a byte order mark. Save it as UTF-8 without BOM.");
    }
    let line = std::str::from_utf8(line).map_err(|_| "The header of the CSV file is not UTF-8.")?;
    let columns = split(line);
    let (mut found, mut wanted) = (columns.clone(), header(pool));
    found.sort_unstable();
    wanted.sort_unstable();
    if found == wanted {
        return Ok(columns);
    }
    Err("The header of the CSV file differs from the CSV header of the user pool.")
}

/// The values of a line. A backslash before anything but a comma is one.
pub(super) fn split(line: &str) -> Vec<String> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next_if_eq(&',').is_some() => value.push(','),
            ',' => values.push(std::mem::take(&mut value)),
            other => value.push(other),
        }
    }
    values.push(value);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{SchemaAttributeType, UserPoolType};

    #[test]
    fn commas_part_values_unless_a_backslash_stands_before_them() {
        assert_eq!(split(""), [""]);
        assert_eq!(split("a,b,"), ["a", "b", ""]);
        assert_eq!(split(r"Rue 1\, Paris,x"), ["Rue 1, Paris", "x"]);
        assert_eq!(split(r"a\b,\\,c\"), [r"a\b", r"\,c\"]);
        assert_eq!(split(r#""a,b""#), [r#""a"#, r#"b""#], "nothing is quoted");
    }

    #[test]
    fn a_header_has_every_column_once_in_any_order() {
        let attribute = |name: &str| SchemaAttributeType {
            name: Some(name.to_owned()),
            ..SchemaAttributeType::default()
        };
        let schema = ["sub", "email", "custom:a"].map(attribute).into();
        let settings = UserPoolType { schema_attributes: Some(schema), ..UserPoolType::default() };
        let pool = UserPool { settings, ..UserPool::default() };
        assert_eq!(header(&pool), ["email", "custom:a", MFA_ENABLED, USERNAME]);
        let read = |line: &str| columns(&pool, line.as_bytes());
        assert_eq!(
            read("cognito:username,custom:a,cognito:mfa_enabled,email").unwrap(),
            [USERNAME, "custom:a", MFA_ENABLED, "email"]
        );
        for wrong in [
            "",
            "email,custom:a,cognito:mfa_enabled",
            "email,email,custom:a,cognito:mfa_enabled,cognito:username",
            "sub,email,custom:a,cognito:mfa_enabled,cognito:username",
            "email,custom:a,cognito:mfa_enabled, cognito:username",
            "password,custom:a,cognito:mfa_enabled,cognito:username",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let marked = "\u{feff}email,custom:a,cognito:mfa_enabled,cognito:username";
        assert!(read(marked).unwrap_err().contains("byte order mark"));
        assert!(columns(&pool, b"email,\xff").unwrap_err().contains("UTF-8"));
    }
}
