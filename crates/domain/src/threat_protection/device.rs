//! What a request tells of the device that it comes from.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// The longest `EncodedData` that is looked into, in bytes.
const LONGEST_DATA: usize = 16 * 1024;

/// Browsers by the word that is followed by their version. The order matters: most pretend to be
/// the ones after them.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Boto3/", "Boto3"),
    ("curl/", "curl"),
];

/// Systems by the words that are followed by their version.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows NT ", "Windows"),
    ("Android ", "Android"),
    ("iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("Mac OS X ", "Mac OS X"),
];

/// A device in words, such as `Chrome 126, Windows 10`. What is not known is `Other`.
///
/// The form is the service's; how it calls each browser and system is not on record.
pub(super) fn name(user_agent: Option<&str>) -> String {
    let user_agent = user_agent.unwrap_or_default();
    let browser = find(user_agent, BROWSERS).unwrap_or_else(|| "Other".to_owned());
    let system = find(user_agent, SYSTEMS).unwrap_or_else(|| {
        let plain = ["Windows", "Linux", "CrOS"].into_iter().find(|name| user_agent.contains(name));
        plain.unwrap_or("Other").to_owned()
    });
    format!("{browser}, {system}")
}

/// The first of the names whose mark is in the text, with its major version.
fn find(text: &str, marks: &[(&str, &str)]) -> Option<String> {
    marks.iter().find_map(|(mark, name)| {
        let (_, rest) = text.split_once(mark)?;
        let major: String = rest.chars().take_while(char::is_ascii_digit).take(5).collect();
        Some(if major.is_empty() { (*name).to_owned() } else { format!("{name} {major}") })
    })
}

/// The time zone, such as `-07:00`, in what an application's library says of the device
/// (`EncodedData`).
///
/// Belief: it is base64 of JSON whose `payload` is JSON again, with `ClientTimezone` in
/// `contextData`, as the public JavaScript library writes it. Anything else has no time zone.
pub(super) fn timezone(device_data: &str) -> Option<String> {
    if device_data.len() > LONGEST_DATA {
        return None;
    }
    let outer = STANDARD.decode(device_data).ok()?;
    let outer: Value = serde_json::from_slice(&outer).ok()?;
    let payload: Value = serde_json::from_str(outer.get("payload")?.as_str()?).ok()?;
    let zone = payload.get("contextData")?.get("ClientTimezone")?.as_str()?;
    let is_zone = zone.len() == 6 && zone.chars().all(|c| c.is_ascii_digit() || "+-:".contains(c));
    is_zone.then(|| zone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                       Gecko) Chrome/126.0.0.0 Safari/537.36";
        assert_eq!(name(Some(windows)), "Chrome 126, Windows 10");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        assert_eq!(name(Some(phone)), "Safari 17, iOS 17");
        let linux = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
        assert_eq!(name(Some(linux)), "Firefox 127, Linux");
        assert_eq!(name(Some("curl/8.5.0")), "curl 8, Other");
        assert_eq!(name(Some("?")), "Other, Other");
        assert_eq!(name(None), "Other, Other");
    }

    #[test]
    fn a_time_zone_is_read_and_anything_else_is_not() {
        let data = |zone: &str| {
            let payload = serde_json::json!({ "contextData": { "ClientTimezone": zone } });
            STANDARD.encode(serde_json::json!({ "payload": payload.to_string() }).to_string())
        };
        assert_eq!(timezone(&data("-07:00")).as_deref(), Some("-07:00"));
        assert_eq!(timezone(&data("<b>xx>")), None);
        assert_eq!(timezone("AAAA"), None);
        assert_eq!(timezone(&"A".repeat(LONGEST_DATA + 1)), None);
    }
}
