//! Writing JSON: members in model order, absent ones left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::{Blob, Sensitive, Timestamp};

/// A type that can be written as JSON.
pub trait Encode {
    /// Appends the JSON text of `self` to `out`.
    fn encode(&self, out: &mut String);
}

/// The JSON text of `value`; empty for [`crate::NoOutput`].
pub fn to_json<T: Encode + ?Sized>(value: &T) -> String {
    let mut out = String::new();
    value.encode(&mut out);
    out
}

/// Writes one JSON object, for generated code.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Opens the object.
    pub fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Writes a member.
    pub fn member<T: Encode + ?Sized>(&mut self, name: &str, value: &T) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        name.encode(self.out);
        self.out.push(':');
        value.encode(self.out);
    }

    /// Writes a member if it has a value.
    pub fn maybe<T: Encode>(&mut self, name: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// Writes a text unless it is empty: requests must have it, answers may lack it.
    pub fn unless_empty(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.member(name, value);
        }
    }

    /// Closes the object.
    pub fn close(self) {
        self.out.push('}');
    }
}

impl Encode for str {
    fn encode(&self, out: &mut String) {
        out.push('"');
        for c in self.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // Writing to a String cannot fail.
                c if c < ' ' => _ = write!(out, "\\u{:04x}", u32::from(c)),
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

impl Encode for String {
    fn encode(&self, out: &mut String) {
        self.as_str().encode(out);
    }
}

impl Encode for bool {
    fn encode(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Encode for i32 {
    fn encode(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Encode for i64 {
    fn encode(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Encode for Timestamp {
    fn encode(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Encode for Blob {
    fn encode(&self, out: &mut String) {
        out.push('"');
        STANDARD.encode_string(&self.0, out);
        out.push('"');
    }
}

impl Encode for Value {
    fn encode(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl<T: Encode> Encode for Sensitive<T> {
    fn encode(&self, out: &mut String) {
        T::encode(self, out);
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut String) {
        out.push('[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            item.encode(out);
        }
        out.push(']');
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(&self, out: &mut String) {
        let mut object = Object::open(out);
        for (key, value) in self {
            object.member(key, value);
        }
        object.close();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_string_reads_back_as_it_was(text: String) {
            let json = to_json(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn control_characters_and_quotes_are_escaped() {
        assert_eq!(to_json("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
    }

    #[test]
    fn blobs_are_padded_base64() {
        assert_eq!(to_json(&Blob(b"a".to_vec())), "\"YQ==\"");
    }
}
