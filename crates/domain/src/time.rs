//! Points in time, as every rule and every stored row measures them.

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC.
///
/// Microseconds, because a global sign-out must be ordered against tokens issued in the same
/// second (<https://github.com/aws/aws-sdk-js/issues/4323>).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

impl Timestamp {
    /// A point in time from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A point in time from whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// This point moved by `seconds` (negative: into the past), saturating at the ends of time.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS)))
    }

    /// Seconds from `earlier` to this point, rounded down; negative when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(MICROS)
    }

    /// Date and time of day in UTC as fourteen digits, `yyyyMMddHHmmss`.
    pub fn to_digits(self) -> String {
        let time = jiff::Timestamp::from_second(self.seconds()).unwrap_or_default();
        time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string()
    }

    /// The form in which the protocol writes time.
    pub const fn to_wire(self) -> poolhouse_wire::Timestamp {
        poolhouse_wire::Timestamp::from_millis(self.millis())
    }
}
