//! Kinds of images, told by how they begin.

use crate::shapes::AssetExtensionType;

/// The kind of an image; none if it is of no kind that pages show.
pub fn kind(bytes: &[u8]) -> Option<AssetExtensionType> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(AssetExtensionType::Png)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(AssetExtensionType::Jpeg)
    } else if bytes.starts_with(&[0, 0, 1, 0]) {
        Some(AssetExtensionType::Ico)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(AssetExtensionType::Webp)
    } else if is_markup(bytes) {
        Some(AssetExtensionType::Svg)
    } else {
        None
    }
}

/// Whether this is a text that begins like XML. (The elements are looked at when it is stored.)
fn is_markup(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    bytes.starts_with(b"<") && std::str::from_utf8(bytes).is_ok_and(|text| text.contains("<svg"))
}

/// The media type of a kind.
pub const fn media_type(kind: AssetExtensionType) -> &'static str {
    match kind {
        AssetExtensionType::Ico => "image/x-icon",
        AssetExtensionType::Jpeg => "image/jpeg",
        AssetExtensionType::Png => "image/png",
        AssetExtensionType::Svg => "image/svg+xml",
        AssetExtensionType::Webp => "image/webp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_first_bytes() {
        use AssetExtensionType as Kind;
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nx"[..], Some(Kind::Png)),
            (b"\xff\xd8\xff\xe0", Some(Kind::Jpeg)),
            (b"\0\0\x01\0\x01\0", Some(Kind::Ico)),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some(Kind::Webp)),
            (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", Some(Kind::Svg)),
            (b"RIFF\x01\x02\x03\x04WAVE", None),
            (b"<html></html>", None),
            (b"GIF89a", None),
            (b"", None),
        ] {
            assert_eq!(kind(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
