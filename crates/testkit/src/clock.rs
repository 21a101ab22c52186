//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use poolhouse_domain::{ports::Clock, time::Timestamp};

/// Where every frozen clock starts: 2026-01-01T00:00:00.123Z. The milliseconds show whether an
/// answer keeps them.
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_123_000);

/// A clock that stands still at [`START`] until it is moved.
pub struct FrozenClock(AtomicI64);

impl Default for FrozenClock {
    fn default() -> Self {
        Self(AtomicI64::new(START.micros()))
    }
}

impl FrozenClock {
    /// Moves the clock forward by so many seconds (negative: back).
    pub fn advance(&self, seconds: i64) {
        self.advance_micros(seconds.saturating_mul(1_000_000));
    }

    /// Moves the clock forward by so many microseconds (negative: back).
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Relaxed);
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}
