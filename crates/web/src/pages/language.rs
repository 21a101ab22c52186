//! The languages of the pages, and which of them somebody gets.
//!
//! They are those of the service's pages, and Dutch, which its terms documents know as well.

use std::collections::BTreeMap;

use super::page::Terms;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// `de`
    German,
    /// `en`, for those who read none of the others.
    #[default]
    English,
    /// `es`
    Spanish,
    /// `fr`
    French,
    /// `id`
    Indonesian,
    /// `it`
    Italian,
    /// `ja`
    Japanese,
    /// `ko`
    Korean,
    /// `nl`
    Dutch,
    /// `pt-BR`
    Portuguese,
    /// `zh-CN`
    ChineseSimplified,
    /// `zh-TW`
    ChineseTraditional,
}

impl Language {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::German,
        Self::English,
        Self::Spanish,
        Self::French,
        Self::Indonesian,
        Self::Italian,
        Self::Japanese,
        Self::Korean,
        Self::Dutch,
        Self::Portuguese,
        Self::ChineseSimplified,
        Self::ChineseTraditional,
    ];

    /// The code in the parameter `lang`, the cookie of the same name, and the `lang` attribute.
    pub const fn code(self) -> &'static str {
        match self {
            Self::German => "de",
            Self::English => "en",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Indonesian => "id",
            Self::Italian => "it",
            Self::Japanese => "ja",
            Self::Korean => "ko",
            Self::Dutch => "nl",
            Self::Portuguese => "pt-BR",
            Self::ChineseSimplified => "zh-CN",
            Self::ChineseTraditional => "zh-TW",
        }
    }

    /// What its readers call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::German => "Deutsch",
            Self::English => "English",
            Self::Spanish => "Español",
            Self::French => "Français",
            Self::Indonesian => "Bahasa Indonesia",
            Self::Italian => "Italiano",
            Self::Japanese => "日本語",
            Self::Korean => "한국어",
            Self::Dutch => "Nederlands",
            Self::Portuguese => "Português (Brasil)",
            Self::ChineseSimplified => "简体中文",
            Self::ChineseTraditional => "繁體中文",
        }
    }

    /// Its key among the links of a terms document.
    const fn terms_key(self) -> &'static str {
        match self {
            Self::German => "cognito:german",
            Self::English => "cognito:english",
            Self::Spanish => "cognito:spanish",
            Self::French => "cognito:french",
            Self::Indonesian => "cognito:bahasa-indonesia",
            Self::Italian => "cognito:italian",
            Self::Japanese => "cognito:japanese",
            Self::Korean => "cognito:korean",
            Self::Dutch => "cognito:dutch",
            Self::Portuguese => "cognito:portuguese-brazil",
            Self::ChineseSimplified => "cognito:chinese-simplified",
            Self::ChineseTraditional => "cognito:chinese-traditional",
        }
    }

    /// The language of a code of its own, in any case.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The language for somebody: what the address asks for, or what was chosen before (the cookie),
    /// or what the browser accepts, or English.
    ///
    /// The service does not look at what browsers accept; no application can tell, as one that cares
    /// sends `lang`.
    pub fn negotiate(asked: Option<&str>, chosen: Option<&str>, accepted: Option<&str>) -> Self {
        let named = [asked, chosen].into_iter().flatten().find_map(Self::of_code);
        named.or_else(|| accepted.and_then(Self::accepted)).unwrap_or_default()
    }

    /// The best of an `Accept-Language` header.
    fn accepted(header: &str) -> Option<Self> {
        let ranges = header.split(',').take(MOST_RANGES).filter_map(|range| {
            let (tag, quality) = range.split_once(';').unwrap_or((range, "q=1"));
            let quality = quality.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
            Some((Self::of_tag(tag.trim())?, quality)).filter(|_| quality > 0.0)
        });
        // Of equal ones the first: it is replaced only by a better one.
        let best = ranges.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(language, _)| language)
    }

    /// The language nearest to a tag, such as `zh-Hant-HK` or `pt-PT`.
    fn of_tag(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        let mut parts = tag.split('-');
        match parts.next()? {
            "pt" => Some(Self::Portuguese),
            "zh" if parts.any(|part| ["hant", "tw", "hk", "mo"].contains(&part)) => {
                Some(Self::ChineseTraditional)
            }
            "zh" => Some(Self::ChineseSimplified),
            "in" => Some(Self::Indonesian),
            primary => Self::of_code(primary),
        }
    }

    /// The links of the terms sentence, if both documents have one in this language or for all
    /// others.
    pub fn terms(
        self,
        terms_of_use: &BTreeMap<String, String>,
        privacy_policy: &BTreeMap<String, String>,
    ) -> Option<Terms> {
        let link = |links: &BTreeMap<String, String>| {
            links.get(self.terms_key()).or_else(|| links.get("cognito:default")).cloned()
        };
        let (terms_of_use, privacy_policy) = (link(terms_of_use)?, link(privacy_policy)?);
        Some(Terms { terms_of_use, privacy_policy })
    }
}

/// Ranges of a header that are looked at.
const MOST_RANGES: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_wins_over_the_cookie_and_the_cookie_over_the_browser() {
        let negotiate = Language::negotiate;
        assert_eq!(negotiate(Some("FR"), Some("de"), Some("it")), Language::French);
        assert_eq!(negotiate(Some("sv"), Some("zh-tw"), Some("it")), Language::ChineseTraditional);
        assert_eq!(negotiate(None, Some("<"), Some("it")), Language::Italian);
        assert_eq!(negotiate(None, None, Some("sv, *;q=0.5")), Language::English);
        assert_eq!(negotiate(None, None, None), Language::English);
    }

    #[test]
    fn browsers_get_the_nearest_of_what_they_accept() {
        for (header, language) in [
            ("de-CH", Language::German),
            ("nl-BE,fr;q=0.9", Language::Dutch),
            ("sv,fr;q=0.4,es-MX;q=0.8", Language::Spanish),
            ("en;q=0.5,ja;q=0.5", Language::English),
            ("ko;q=0,it", Language::Italian),
            ("pt-PT", Language::Portuguese),
            ("zh-Hant-HK", Language::ChineseTraditional),
            ("zh-SG", Language::ChineseSimplified),
            ("in", Language::Indonesian),
            ("fr;q=x, ,;", Language::English),
        ] {
            assert_eq!(Language::negotiate(None, None, Some(header)), language, "{header}");
        }
    }

    #[test]
    fn terms_are_linked_in_the_language_or_in_that_for_all_and_only_together() {
        let links = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, url)| ((*key).to_owned(), (*url).to_owned())).collect()
        };
        let both: BTreeMap<_, _> =
            links(&[("cognito:default", "https://d"), ("cognito:german", "https://g")]);
        let only_german = links(&[("cognito:german", "https://g")]);
        let german = Language::German.terms(&both, &only_german).unwrap();
        assert_eq!((&*german.terms_of_use, &*german.privacy_policy), ("https://g", "https://g"));
        assert_eq!(Language::French.terms(&both, &both).unwrap().terms_of_use, "https://d");
        assert!(Language::French.terms(&both, &only_german).is_none());
    }
}
