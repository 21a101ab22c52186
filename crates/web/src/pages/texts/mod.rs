//! Every text of the pages, in each language.
//!
//! A language is a constant of [`Texts`], so that the compiler finds what is missing, and warns of
//! what no page shows. To add a language: a file here, a line in [`Texts::of`], a variant of
//! [`Language`]. To add a text: a member, and a line in every file. Names in braces are filled in;
//! the tests check that each language has the same ones.

mod de;
mod en;
mod es;
mod fr;
mod id;
mod it;
mod ja;
mod ko;
mod nl;
mod pt_br;
mod zh_cn;
mod zh_tw;

use super::Language;

/// The texts in one language.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Texts {
    // Everywhere.
    pub(super) language: &'static str,
    pub(super) next: &'static str,
    pub(super) or: &'static str,
    pub(super) other_way: &'static str,
    pub(super) not_you: &'static str,
    pub(super) signing_in_as: &'static str,
    pub(super) back_to_sign_in: &'static str,
    pub(super) resend: &'static str,
    pub(super) resend_wait: &'static str,
    pub(super) send_code: &'static str,
    // Signing in.
    pub(super) sign_in: &'static str,
    pub(super) no_account: &'static str,
    pub(super) sign_up: &'static str,
    pub(super) forgot_password: &'static str,
    pub(super) continue_with: &'static str,
    pub(super) work_email: &'static str,
    pub(super) find_provider: &'static str,
    pub(super) enter_password: &'static str,
    // What people are asked for.
    pub(super) username: &'static str,
    pub(super) email: &'static str,
    pub(super) phone: &'static str,
    pub(super) email_or_phone: &'static str,
    pub(super) username_or_email: &'static str,
    pub(super) username_or_phone: &'static str,
    pub(super) username_email_or_phone: &'static str,
    pub(super) phone_hint: &'static str,
    pub(super) password: &'static str,
    pub(super) password_optional: &'static str,
    pub(super) password_optional_hint: &'static str,
    pub(super) new_password: &'static str,
    pub(super) confirm_password: &'static str,
    pub(super) show_password: &'static str,
    pub(super) hide_password: &'static str,
    pub(super) code: &'static str,
    pub(super) code_digits: &'static str,
    pub(super) device_name: &'static str,
    // Rules for passwords.
    pub(super) policy: &'static str,
    pub(super) policy_length: &'static str,
    pub(super) policy_lowercase: &'static str,
    pub(super) policy_uppercase: &'static str,
    pub(super) policy_number: &'static str,
    pub(super) policy_symbol: &'static str,
    pub(super) rule_met: &'static str,
    pub(super) rule_unmet: &'static str,
    // Attributes.
    pub(super) address: &'static str,
    pub(super) birthdate: &'static str,
    pub(super) family_name: &'static str,
    pub(super) gender: &'static str,
    pub(super) given_name: &'static str,
    pub(super) locale: &'static str,
    pub(super) middle_name: &'static str,
    pub(super) name: &'static str,
    pub(super) nickname: &'static str,
    pub(super) picture: &'static str,
    pub(super) preferred_username: &'static str,
    pub(super) profile: &'static str,
    pub(super) updated_at: &'static str,
    pub(super) website: &'static str,
    pub(super) zoneinfo: &'static str,
    // Factors.
    pub(super) choose: &'static str,
    pub(super) factor_password: &'static str,
    pub(super) factor_passkey: &'static str,
    pub(super) factor_passkey_hint: &'static str,
    pub(super) factor_email: &'static str,
    pub(super) factor_sms: &'static str,
    pub(super) factor_app: &'static str,
    pub(super) factor_app_hint: &'static str,
    // Codes.
    pub(super) code_title_email: &'static str,
    pub(super) code_title_sms: &'static str,
    pub(super) code_title_app: &'static str,
    pub(super) code_sent: &'static str,
    pub(super) code_sent_to: &'static str,
    pub(super) code_app: &'static str,
    pub(super) code_app_named: &'static str,
    // Passkeys.
    pub(super) passkey: &'static str,
    pub(super) passkey_description: &'static str,
    pub(super) passkey_start: &'static str,
    pub(super) passkey_needs_script: &'static str,
    pub(super) passkey_unsupported: &'static str,
    pub(super) passkey_failed: &'static str,
    pub(super) add_passkey: &'static str,
    pub(super) add_passkey_description: &'static str,
    pub(super) add_passkey_button: &'static str,
    pub(super) skip: &'static str,
    // Setting up a second factor.
    pub(super) set_up: &'static str,
    pub(super) set_up_description: &'static str,
    pub(super) totp: &'static str,
    pub(super) totp_scan: &'static str,
    pub(super) totp_qr: &'static str,
    pub(super) totp_manual: &'static str,
    pub(super) totp_key: &'static str,
    pub(super) totp_open: &'static str,
    pub(super) totp_enter: &'static str,
    pub(super) copy: &'static str,
    pub(super) copied: &'static str,
    pub(super) contact_email: &'static str,
    pub(super) contact_email_description: &'static str,
    pub(super) contact_sms: &'static str,
    pub(super) contact_sms_description: &'static str,
    // New passwords and accounts.
    pub(super) new_password_title: &'static str,
    pub(super) new_password_description: &'static str,
    pub(super) sign_up_button: &'static str,
    pub(super) have_account: &'static str,
    pub(super) terms: &'static str,
    pub(super) terms_of_use: &'static str,
    pub(super) privacy_policy: &'static str,
    pub(super) confirm: &'static str,
    pub(super) confirm_button: &'static str,
    pub(super) forgot: &'static str,
    pub(super) forgot_description: &'static str,
    pub(super) reset_button: &'static str,
    // Pages without a form.
    pub(super) signed_in: &'static str,
    pub(super) continue_as: &'static str,
    pub(super) other_account: &'static str,
    pub(super) confirmed: &'static str,
    pub(super) confirmed_description: &'static str,
    pub(super) link_failed: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) signed_out_description: &'static str,
    pub(super) failed: &'static str,
    pub(super) failed_description: &'static str,
    pub(super) failed_code: &'static str,
    pub(super) failed_detail: &'static str,
    pub(super) failed_request: &'static str,
    pub(super) try_again: &'static str,
    pub(super) unavailable: &'static str,
    pub(super) unavailable_description: &'static str,
    // Why applications send people here.
    pub(super) error_redirect_mismatch: &'static str,
    pub(super) error_invalid_client: &'static str,
    pub(super) error_invalid_request: &'static str,
    pub(super) error_access_denied: &'static str,
    pub(super) error_server_error: &'static str,
    // Problems.
    pub(super) problem_credentials: &'static str,
    pub(super) problem_wrong_code: &'static str,
    pub(super) problem_expired_code: &'static str,
    pub(super) problem_too_many: &'static str,
    pub(super) problem_disabled: &'static str,
    pub(super) problem_not_confirmed: &'static str,
    pub(super) problem_reset_required: &'static str,
    pub(super) problem_username_exists: &'static str,
    pub(super) problem_alias_exists: &'static str,
    pub(super) problem_username: &'static str,
    pub(super) problem_policy: &'static str,
    pub(super) problem_reused: &'static str,
    pub(super) problem_compromised: &'static str,
    pub(super) problem_differ: &'static str,
    pub(super) problem_missing: &'static str,
    pub(super) problem_attribute: &'static str,
    pub(super) problem_not_delivered: &'static str,
    pub(super) problem_domain: &'static str,
    pub(super) problem_passkey: &'static str,
    pub(super) problem_passkeys_full: &'static str,
    pub(super) problem_expired: &'static str,
    // What went well.
    pub(super) notice_code_sent: &'static str,
    pub(super) notice_password_changed: &'static str,
    pub(super) notice_passkey_added: &'static str,
}

impl Texts {
    /// The texts in a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::German => &de::TEXTS,
            Language::English => &en::TEXTS,
            Language::Spanish => &es::TEXTS,
            Language::French => &fr::TEXTS,
            Language::Indonesian => &id::TEXTS,
            Language::Italian => &it::TEXTS,
            Language::Japanese => &ja::TEXTS,
            Language::Korean => &ko::TEXTS,
            Language::Dutch => &nl::TEXTS,
            Language::Portuguese => &pt_br::TEXTS,
            Language::ChineseSimplified => &zh_cn::TEXTS,
            Language::ChineseTraditional => &zh_tw::TEXTS,
        }
    }
}

/// Fills in the one name in braces that a text has.
pub(super) fn fill(text: &str, name: &str, value: &str) -> String {
    text.replace(&format!("{{{name}}}"), value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Members and their texts, as `Debug` prints them.
    fn members(language: Language) -> BTreeMap<String, String> {
        let printed = format!("{:#?}", Texts::of(language));
        let lines = printed.lines().filter_map(|line| line.trim().split_once(": "));
        lines
            .map(|(name, text)| {
                let text: String = serde_json::from_str(text.trim_end_matches(',')).unwrap();
                (name.to_owned(), text)
            })
            .collect()
    }

    /// The names in braces.
    fn names(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_has_every_text_with_the_same_names_to_fill_in() {
        let english = members(Language::English);
        assert!(english.len() > 100);
        for language in Language::ALL {
            let texts = members(language);
            assert_eq!(texts.len(), english.len());
            for (member, text) in &texts {
                let code = language.code();
                assert!(!text.is_empty() && text.trim() == text, "{code}.{member}: {text:?}");
                assert_eq!(names(text), names(&english[member]), "{code}.{member}");
                assert_eq!(text.matches('{').count(), text.matches('}').count());
            }
        }
    }

    #[test]
    fn nothing_was_left_in_english() {
        let english = members(Language::English);
        for language in Language::ALL {
            if language == Language::English {
                continue;
            }
            // Some words are the same: "Code" in French, "Passkey" in German.
            let same =
                members(language).iter().filter(|(key, text)| english[*key] == **text).count();
            assert!(same < 15, "{} has {same} texts that are English", language.code());
        }
    }

    #[test]
    fn names_are_filled_in() {
        assert_eq!(fill("a {b} c", "b", "{b}"), "a {b} c");
        assert_eq!(fill("a {b} c", "d", "x"), "a {b} c");
    }
}
