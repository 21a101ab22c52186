//! What a `User-Agent` header tells of a device.
//!
//! How the service words it is not on record; that it names operating system and browser or app,
//! and says `unknown` where it can't tell, is documented.

use crate::user_agent::{self, Parsed};

/// Said where the header tells nothing.
const UNKNOWN: &str = "unknown";

/// The longest description, in characters.
const LONGEST: usize = 1_024;

/// Operating system and browser or app, such as `Windows, Firefox`; `unknown` if neither is told.
pub fn describe(user_agent: Option<&str>) -> String {
    let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else {
        return UNKNOWN.to_owned();
    };
    let Parsed { browser, system } = user_agent::parse(text);
    let program = browser.map(|browser| browser.name).or_else(|| product(text));
    let system = system.map(|system| system.name);
    let parts: Vec<&str> = system.into_iter().chain(program).collect();
    match parts.as_slice() {
        [] => UNKNOWN.to_owned(),
        parts => parts.join(", ").chars().take(LONGEST).collect(),
    }
}

/// The product that the header begins with (RFC 9110 section 10.1.5).
fn product(user_agent: &str) -> Option<&str> {
    let product = user_agent.split([' ', '/']).next()?;
    (!product.is_empty() && product != "Mozilla").then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_system_and_the_browser_or_app() {
        for (header, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Windows, Edge",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Linux, Firefox",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "iOS, Safari",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Mobile Safari/537.36",
                "Android, Chrome",
            ),
            (
                "Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux#6.1.0 lang/python#3.13",
                "Linux, Boto3",
            ),
            ("curl/8.10.1", "curl"),
            ("Mozilla/5.0", "unknown"),
            ("  ", "unknown"),
        ] {
            assert_eq!(describe(Some(header)), expected, "{header}");
        }
        assert_eq!(describe(None), "unknown");
    }

    #[test]
    fn descriptions_are_never_longer_than_an_answer_can_show() {
        assert_eq!(describe(Some(&"é".repeat(5_000))).chars().count(), LONGEST);
    }
}
