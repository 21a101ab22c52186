//! What a request tells of the device that it comes from.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::user_agent::{self, Parsed, Program};

/// The longest `EncodedData` that is looked into, in bytes.
const LONGEST_DATA: usize = 16 * 1024;

/// A device in words, such as `Chrome 126, Windows 10`. What is not known is `Other`.
///
/// The form is the service's; how it calls each browser and system is not on record.
pub(super) fn name(user_agent: Option<&str>) -> String {
    let Parsed { browser, system } = user_agent::parse(user_agent.unwrap_or_default());
    let system = system.map(|system| Program { name: older_name(system.name), ..system });
    format!("{}, {}", with_version(browser), with_version(system))
}

/// What a system is called in the names of devices: what it writes of itself.
fn older_name(system: &'static str) -> &'static str {
    match system {
        "iPadOS" => "iOS",
        "macOS" => "Mac OS X",
        "ChromeOS" => "CrOS",
        other => other,
    }
}

fn with_version(program: Option<Program>) -> String {
    match program {
        Some(Program { name, major: Some(major) }) => format!("{name} {major}"),
        Some(Program { name, major: None }) => name.to_owned(),
        None => "Other".to_owned(),
    }
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
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, \
                   like Gecko) Version/17.5 Safari/605.1.15";
        assert_eq!(name(Some(mac)), "Safari 17, Mac OS X 10");
        let tablet = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                      like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
        assert_eq!(name(Some(tablet)), "Safari 17, iOS 17");
        let chromebook = "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like \
                          Gecko) Chrome/142.0.0.0 Safari/537.36";
        assert_eq!(name(Some(chromebook)), "Chrome 142, CrOS");
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
