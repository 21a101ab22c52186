//! What a `User-Agent` header says: the browser or tool, and the operating system.
//!
//! This is deliberately short: browsers freeze the header, and nothing that matters rests on it.

/// What a header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The browser or tool.
    pub(crate) browser: Option<Program>,
    /// The operating system.
    pub(crate) system: Option<Program>,
}

/// A browser, a tool or an operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its version, as far as the first dot.
    pub(crate) major: Option<u32>,
}

/// The most digits of a version that are read.
const LONGEST_MAJOR: usize = 5;

/// Browsers and tools, by what stands before their version. The order matters: most also write what
/// later ones write. What follows `Safari` is a version of something else.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Safari", "Safari"),
    ("Boto3/", "Boto3"),
    ("curl/", "curl"),
];

/// Operating systems, by what browsers and SDKs write, in lower case; where that ends with a space,
/// the version may follow. The order matters here too.
const SYSTEMS: &[(&str, &str)] = &[
    ("iphone os ", "iOS"),
    ("iphone", "iOS"),
    ("cpu os ", "iPadOS"),
    ("ipad", "iPadOS"),
    ("android ", "Android"),
    ("android", "Android"),
    ("windows nt ", "Windows"),
    ("windows", "Windows"),
    ("mac os x ", "macOS"),
    ("mac os x", "macOS"),
    ("cros ", "ChromeOS"),
    ("os/macos", "macOS"),
    ("linux", "Linux"),
];

/// Reads a header.
pub(crate) fn parse(user_agent: &str) -> Parsed {
    let system = find(&user_agent.to_ascii_lowercase(), SYSTEMS);
    Parsed { browser: find(user_agent, BROWSERS), system }
}

/// The first whose mark is in the text.
fn find(text: &str, marks: &[(&str, &'static str)]) -> Option<Program> {
    marks.iter().find_map(|&(mark, name)| {
        let (_, rest) = text.split_once(mark)?;
        let digits = rest.chars().take_while(char::is_ascii_digit).take(LONGEST_MAJOR);
        Some(Program { name, major: digits.collect::<String>().parse().ok() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_tools_and_systems_are_told_apart() {
        let parsed = |header| {
            let Parsed { browser, system } = parse(header);
            let pair = |program: Program| (program.name, program.major);
            (browser.map(pair), system.map(pair))
        };
        for (header, browser, system) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/141.0.0.0",
                Some(("Edge", Some(141))),
                Some(("Windows", Some(10))),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
                Some(("Samsung Internet", Some(24))),
                Some(("Android", Some(14))),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
                Some(("Chrome", Some(126))),
                Some(("iPadOS", Some(17))),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.0 EdgiOS/125.0 Mobile/15E148 Safari/604.1",
                Some(("Edge", Some(125))),
                Some(("iOS", Some(17))),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Safari/605.1.15",
                Some(("Safari", None)),
                Some(("macOS", Some(10))),
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                Some(("Chrome", Some(142))),
                Some(("ChromeOS", None)),
            ),
            (
                "Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux#6.1.0 lang/python#3.13",
                Some(("Boto3", Some(1))),
                Some(("Linux", None)),
            ),
            (
                "Boto3/1.40.1 ua/2.1 os/macos#15.1 lang/python#3.13",
                Some(("Boto3", Some(1))),
                Some(("macOS", None)),
            ),
            ("Microsoft Office/16.0", None, None),
            ("curl/99999999999", Some(("curl", Some(99_999))), None),
            ("", None, None),
        ] {
            assert_eq!(parsed(header), (browser, system), "{header}");
        }
    }
}
