//! Scopes of tokens, and what they let an application know of a user.

/// Asks for an ID token, and opens the userInfo endpoint (OpenID Connect Core 1.0 section 3.1.2.1).
pub const OPENID: &str = "openid";
/// Address and whether it is verified.
pub const EMAIL: &str = "email";
/// Number and whether it is verified.
pub const PHONE: &str = "phone";
/// Every other attribute.
pub const PROFILE: &str = "profile";

/// Whether a scope is among scopes that are separated by spaces.
pub fn holds(scopes: &str, scope: &str) -> bool {
    scopes.split(' ').any(|held| held == scope)
}

/// Whether these scopes show an attribute. `openid` without a scope that names attributes shows all.
///
/// `profile` shows custom attributes too; of the two readings that the documentation leaves, that is
/// the one of its page on the userInfo endpoint.
pub fn show(scopes: &str, attribute: &str) -> bool {
    let (email, phone) = (holds(scopes, EMAIL), holds(scopes, PHONE));
    let profile = holds(scopes, PROFILE);
    match attribute {
        "sub" => true,
        _ if !(email || phone || profile) => true,
        "email" | "email_verified" => email,
        "phone_number" | "phone_number_verified" => phone,
        _ => profile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_that_name_attributes_show_these_and_openid_alone_shows_all() {
        for (scopes, shown, hidden) in [
            ("openid", &["email", "name", "custom:tier", "phone_number"][..], &[][..]),
            ("openid orders/read", &["email", "name"], &[]),
            ("openid email", &["sub", "email", "email_verified"], &["name", "phone_number"]),
            ("openid phone", &["phone_number", "phone_number_verified"], &["email", "custom:tier"]),
            ("openid profile", &["name", "custom:tier"], &["email", "phone_number_verified"]),
            ("openid profile email", &["name", "email"], &["phone_number"]),
        ] {
            assert!(shown.iter().all(|name| show(scopes, name)), "{scopes}");
            assert!(hidden.iter().all(|name| !show(scopes, name)), "{scopes}");
        }
    }

    #[test]
    fn a_part_of_a_scope_is_not_the_scope() {
        assert!(holds("openid email", "email"));
        assert!(!holds("openid orders/email", "email") && !holds("", "openid"));
    }
}
