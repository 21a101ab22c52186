//! From the model's names to Rust's.

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};

const KEYWORDS: [&str; 12] =
    ["as", "type", "enum", "struct", "match", "ref", "move", "use", "loop", "where", "self", "in"];

/// Words that a mechanical split would tear: `callback_ur_ls`, `allowed_o_auth_flows`.
const WORDS: [(&str, &str); 2] = [("URLs", "Urls"), ("OAuth", "Oauth")];

fn whole_words(name: &str) -> String {
    WORDS.iter().fold(name.to_owned(), |name, (torn, whole)| name.replace(torn, whole))
}

/// The field of a structure's member.
pub(super) fn field(member: &str) -> String {
    let field = whole_words(member).to_snake_case();
    if KEYWORDS.contains(&field.as_str()) { field + "_" } else { field }
}

/// The variant of an enum's value.
pub(super) fn variant(value: &str) -> String {
    let variant = value.to_upper_camel_case();
    if variant.starts_with(|c: char| c.is_ascii_digit()) || variant == "Self" {
        return format!("_{variant}");
    }
    variant
}

/// The constant of a shape's constraint.
pub(super) fn constant(shape: &str) -> String {
    whole_words(shape).to_shouty_snake_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_a_reader_would() {
        assert_eq!(field("CallbackURLs"), "callback_urls");
        assert_eq!(
            field("AllowedOAuthFlowsUserPoolClient"),
            "allowed_oauth_flows_user_pool_client"
        );
        assert_eq!(field("SMSMfaSettings"), "sms_mfa_settings");
        assert_eq!(field("headerName"), "header_name");
        assert_eq!(field("Type"), "type_");
        assert_eq!(variant("ALLOW_USER_SRP_AUTH"), "AllowUserSrpAuth");
        assert_eq!(constant("CallbackURLsListType"), "CALLBACK_URLS_LIST_TYPE");
    }
}
