//! The scalar types of the wire that Rust has no ready type for.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A value that must not reach a log: prints as `***`, otherwise behaves like what it holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value out; from here on the caller keeps it from being printed.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> Deref for Sensitive<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Sensitive<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Sensitive<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

/// An instant in milliseconds since 1970-01-01T00:00:00Z. On the wire a JSON number of seconds with
/// up to three decimals, and always one: `1726853833.977`, `1726853833.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// An instant from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// An instant from whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, millis) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        let fraction = format!("{millis:03}");
        let fraction = match fraction.trim_end_matches('0') {
            "" => "0",
            digits => digits,
        };
        write!(f, "{sign}{seconds}.{fraction}")
    }
}

/// Bytes; base64 with padding on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A closed set of strings, implemented by every generated enum.
pub trait WireEnum: Copy + Default + PartialEq + 'static {
    /// Every value, in model order.
    const ALL: &'static [Self];
    /// The order in which the service was seen to print the set, where it is not hash order.
    const PRINTED: &'static [&'static str] = &[];

    /// The value as the wire spells it.
    fn as_str(&self) -> &'static str;
}

/// Gives a generated enum, which has `ALL` and `as_str`, its place in the protocol.
macro_rules! wire_enum {
    ($name:ident) => {
        wire_enum!($name, &[]);
    };
    ($name:ident, $printed:expr) => {
        impl $crate::WireEnum for $name {
            const ALL: &'static [Self] = &Self::ALL;
            const PRINTED: &'static [&'static str] = $printed;

            fn as_str(&self) -> &'static str {
                (*self).as_str()
            }
        }

        impl $name {
            /// The value that the wire spells `text`.
            pub fn from_wire(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::Decode for $name {
            fn decode(
                value: &serde_json::Value,
                _rule: &$crate::Constraint,
                cx: &mut $crate::Context,
            ) -> Result<Self, $crate::Mismatch> {
                $crate::decode::decode_enum(value, cx)
            }

            fn texts(_rule: &$crate::Constraint) -> Vec<String> {
                vec![$crate::decode::enum_text::<Self>()]
            }
        }

        impl $crate::Encode for $name {
            fn encode(&self, out: &mut String) {
                $crate::Encode::encode(self.as_str(), out);
            }
        }
    };
}
pub(crate) use wire_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_values_print_as_stars() {
        let secret = Sensitive::<String>::from("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
        assert_eq!(secret.len(), 7);
        assert_eq!(secret.into_inner(), "hunter2");
    }

    #[test]
    fn timestamps_have_one_to_three_decimals() {
        let shown = |millis| Timestamp::from_millis(millis).to_string();
        assert_eq!(shown(1_726_853_833_977), "1726853833.977");
        assert_eq!(shown(1_726_853_833_000), "1726853833.0");
        assert_eq!(shown(1_715_100_742_022), "1715100742.022");
        assert_eq!(shown(1_500), "1.5");
        assert_eq!(shown(-1_500), "-1.5");
        assert_eq!(shown(i64::MIN), "-9223372036854775.808");
    }
}
