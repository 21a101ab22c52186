//! Clocks: the system's, and one that `poolhouse dev` can move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use poolhouse_domain::{ports::Clock, time::Timestamp};

/// The system's clock, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's only real implementation")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        let micros = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros)
            }
        };
        Timestamp::from_micros(micros)
    }
}

/// Another clock plus an offset, which can be changed while the server runs.
///
/// Time goes on passing after it was moved: it is never frozen.
pub struct MovableClock {
    base: Arc<dyn Clock>,
    /// Microseconds added to the base.
    offset: AtomicI64,
}

impl Default for MovableClock {
    fn default() -> Self {
        Self::over(Arc::new(SystemClock))
    }
}

impl MovableClock {
    /// A clock that starts at the time of `base`.
    pub fn over(base: Arc<dyn Clock>) -> Self {
        Self { base, offset: AtomicI64::new(0) }
    }

    /// How far this clock is ahead of its base, in microseconds; negative when it is behind.
    pub fn offset_micros(&self) -> i64 {
        self.offset.load(Ordering::SeqCst)
    }

    /// Moves the clock by so many microseconds (negative: back), saturating at the ends of time.
    pub fn advance_micros(&self, micros: i64) {
        let moved = |offset: i64| Some(offset.saturating_add(micros));
        // The closure always answers, so there is no failure to look at.
        let _ = self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// Makes it `now` at this moment.
    pub fn set(&self, now: Timestamp) {
        let offset = now.micros().saturating_sub(self.base.now().micros());
        self.offset.store(offset, Ordering::SeqCst);
    }

    /// Goes back to the time of the base.
    pub fn reset(&self) {
        self.offset.store(0, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.base.now().micros().saturating_add(self.offset_micros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Frozen(i64);
    impl Clock for Frozen {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0)
        }
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        let now = SystemClock.now().seconds();
        assert!((1_700_000_000..4_102_444_800).contains(&now));
    }

    #[test]
    fn a_moved_clock_is_ahead_by_the_sum_of_its_moves_until_reset() {
        let clock = MovableClock::over(Arc::new(Frozen(1_000)));
        assert_eq!(clock.now().seconds(), 1_000);
        clock.advance_micros(90_000_000);
        clock.advance_micros(-30_000_000);
        assert_eq!((clock.now().seconds(), clock.offset_micros()), (1_060, 60_000_000));
        clock.reset();
        assert_eq!((clock.now().seconds(), clock.offset_micros()), (1_000, 0));
    }

    #[test]
    fn a_set_clock_shows_the_given_time_and_moves_from_there() {
        let clock = MovableClock::over(Arc::new(Frozen(1_000)));
        clock.set(Timestamp::from_seconds(500));
        assert_eq!((clock.now().seconds(), clock.offset_micros()), (500, -500_000_000));
        clock.advance_micros(1_000_000);
        assert_eq!(clock.now().seconds(), 501);
    }

    #[test]
    fn moving_past_the_end_of_time_stops_there() {
        let clock = MovableClock::over(Arc::new(Frozen(1_000)));
        clock.advance_micros(i64::MAX);
        clock.advance_micros(i64::MAX);
        assert_eq!(clock.now().micros(), i64::MAX);
    }
}
