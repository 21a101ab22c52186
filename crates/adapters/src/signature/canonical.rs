//! The canonical form of a request, over which its signature is computed.

use std::fmt::Write;

use http::{header::HOST, request::Parts};

/// The parameters of a query, decoded.
pub(super) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// Splits a query as it was sent.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    /// The first value with this name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(found, _)| found == name.as_bytes());
        named.next().and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// The query with its parameters encoded and sorted, without the signature itself.
pub(super) fn canonical_query(query: &str) -> String {
    let Query(pairs) = Query::parse(query);
    let pairs = pairs.into_iter().filter(|(name, _)| name != b"X-Amz-Signature");
    let mut encoded: Vec<(String, String)> =
        pairs.map(|(name, value)| (encode(&name, b""), encode(&value, b""))).collect();
    encoded.sort();
    let pairs: Vec<String> =
        encoded.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The path without `.`, `..` and empty segments, its bytes encoded once more. (Only S3 signs
/// paths as they are.)
pub(super) fn canonical_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let ends_in_slash = path.ends_with('/') && !kept.is_empty();
    let path = format!("/{}{}", kept.join("/"), if ends_in_slash { "/" } else { "" });
    encode(path.as_bytes(), b"/")
}

/// One line `name:value` for each signed header, in their order. None if one of them is missing.
pub(super) fn canonical_headers(parts: &Parts, names: &[String]) -> Option<String> {
    let mut lines = String::new();
    for name in names {
        let value = header_value(parts, name)?;
        writeln!(lines, "{name}:{value}").ok()?;
    }
    Some(lines)
}

/// The value of a header as it is signed: without outer and repeated spaces, several joined by
/// commas. HTTP/2 carries the host in the URI.
pub(super) fn header_value(parts: &Parts, name: &str) -> Option<String> {
    let values: Vec<String> = parts
        .headers
        .get_all(name)
        .iter()
        .map(|value| {
            String::from_utf8_lossy(value.as_bytes())
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    if values.is_empty() && name == HOST.as_str() {
        return parts.uri.authority().map(ToString::to_string);
    }
    if values.is_empty() { None } else { Some(values.join(",")) }
}

/// Encodes every byte that is neither unreserved (RFC 3986 section 2.3) nor in `kept`.
fn encode(bytes: &[u8], kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Resolves `%XX`; what is malformed stays as it is.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| byte == b'%').and_then(|digits| {
            let mut value = [0];
            hex::decode_to_slice(digits, &mut value).ok().map(|()| value)
        });
        if let Some([value]) = escaped {
            decoded.push(value);
            rest = after.get(2..).unwrap_or_default();
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_encoded_and_lose_the_signature() {
        assert_eq!(canonical_query(""), "");
        assert_eq!(canonical_query("b=2&a=1&a=0&c"), "a=0&a=1&b=2&c=");
        assert_eq!(canonical_query("a=x%20y&X-Amz-Signature=00&b=%2f+~"), "a=x%20y&b=%2F%2B~");
        assert_eq!(canonical_query("a=%zz%4"), "a=%25zz%254");
    }

    #[test]
    fn paths_are_normalised_and_encoded_once_more() {
        assert_eq!(canonical_path("/"), "/");
        assert_eq!(canonical_path(""), "/");
        assert_eq!(canonical_path("//a/./b/../c//"), "/a/c/");
        assert_eq!(canonical_path("/../.."), "/");
        assert_eq!(canonical_path("/a%20b"), "/a%2520b");
    }

    #[test]
    fn header_values_lose_needless_spaces_and_are_joined() {
        let request = http::Request::builder()
            .uri("http://pool.example/")
            .header("x-one", "  a   b ")
            .header("x-one", "c");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let names = ["host".to_owned(), "x-one".to_owned()];
        assert_eq!(canonical_headers(&parts, &names).unwrap(), "host:pool.example\nx-one:a b,c\n");
        assert_eq!(canonical_headers(&parts, &["x-two".to_owned()]), None);
    }
}
