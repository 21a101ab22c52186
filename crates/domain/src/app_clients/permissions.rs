//! Which user attributes an app client may read and write.

use super::AppClient;
use crate::user_pools::{UserPool, schema};

/// The attributes for which a group name in `ReadAttributes` stands (OpenID Connect Core 1.0
/// section 5.4).
fn group(name: &str) -> &'static [&'static str] {
    match name {
        "oidc:profile" => &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
        "oidc:email" => &["email", "email_verified"],
        "oidc:phone" => &["phone_number", "phone_number_verified"],
        "oidc:address" => &["address"],
        _ => &[],
    }
}

/// Whether clients can only read the attribute, never write it.
fn is_read_only(name: &str) -> bool {
    matches!(name, "sub" | "email_verified" | "phone_number_verified")
}

impl AppClient {
    /// Whether the client's users see this attribute in tokens and in `GetUser`.
    ///
    /// Unset, the list stands for the standard attributes: a belief, as the developer guide names
    /// custom ones too, but the service model and a measurement don't.
    pub fn may_read(&self, name: &str) -> bool {
        if name == "sub" {
            return true;
        }
        match &self.settings.read_attributes {
            None => schema::is_standard(name),
            Some(listed) => listed.iter().any(|item| item == name || group(item).contains(&name)),
        }
    }

    /// Whether the client's users may set this attribute themselves.
    pub fn may_write(&self, name: &str) -> bool {
        match &self.settings.write_attributes {
            None => schema::is_standard(name) && !is_read_only(name),
            Some(listed) => listed.iter().any(|item| item == name),
        }
    }
}

/// Whether `ReadAttributes` may hold this name.
pub(super) fn can_be_read(pool: &UserPool, name: &str) -> bool {
    pool.schema_attribute(name).is_some() || !group(name).is_empty()
}

/// Whether `WriteAttributes` may hold this name. Developer-only attributes are for administrators.
pub(super) fn can_be_written(pool: &UserPool, name: &str) -> bool {
    pool.schema_attribute(name).is_some() && !is_read_only(name) && !name.starts_with("dev:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::UserPoolClientType;

    /// A client with these lists.
    fn client(read: Option<&[&str]>, write: Option<&[&str]>) -> AppClient {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let settings = UserPoolClientType {
            read_attributes: read.map(list),
            write_attributes: write.map(list),
            ..UserPoolClientType::default()
        };
        AppClient { settings, ..AppClient::default() }
    }

    #[test]
    fn unset_lists_stand_for_the_standard_attributes() {
        let client = client(None, None);
        assert!(client.may_read("email") && client.may_read("email_verified"));
        assert!(client.may_read("sub") && !client.may_read("custom:tier"));
        assert!(client.may_write("email") && !client.may_write("custom:tier"));
        assert!(!client.may_write("email_verified") && !client.may_write("sub"));
    }

    #[test]
    fn set_lists_name_all_that_is_allowed_but_sub_can_always_be_read() {
        let client = client(Some(&["custom:tier", "oidc:phone"]), Some(&["custom:tier"]));
        assert!(client.may_read("custom:tier") && client.may_read("sub"));
        assert!(client.may_read("phone_number_verified") && !client.may_read("email"));
        assert!(client.may_write("custom:tier") && !client.may_write("email"));
    }
}
