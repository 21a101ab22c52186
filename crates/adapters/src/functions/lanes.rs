//! How many invocations run and wait at the same time.
//!
//! A function that hangs keeps its own invocations waiting, not those of others, and none of them
//! for longer than an attempt may take.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::answer::Failed;

/// Invocations that may wait for those of the same function, beside the ones that run.
const WAITING: usize = 256;
/// Invocations of all functions that may run or wait.
const MOST: usize = 4_096;

/// One lane for each function that is being invoked.
#[derive(Default)]
pub(super) struct Lanes(Mutex<State>);

#[derive(Default)]
struct State {
    lanes: HashMap<String, Lane>,
    /// How many run or wait in all lanes.
    total: usize,
}

struct Lane {
    places: Arc<Semaphore>,
    /// How many run or wait.
    users: usize,
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place among the `parallel` ones of a lane.
    pub(super) async fn enter(
        &self,
        lane: String,
        parallel: usize,
        deadline: Instant,
    ) -> Result<Place<'_>, Failed> {
        let places = self.lock().join(&lane, parallel);
        let places = places.ok_or_else(|| Failed::too_many("too many invocations wait"))?;
        let mut place = Place { lanes: self, lane, permit: None };
        let Ok(permit) = timeout_at(deadline, places.acquire_owned()).await else {
            return Err(Failed::timed_out("earlier invocations of the function still run"));
        };
        // Nobody closes the semaphore.
        place.permit = permit.ok();
        Ok(place)
    }
}

impl State {
    fn join(&mut self, name: &str, parallel: usize) -> Option<Arc<Semaphore>> {
        let users = self.lanes.get(name).map_or(0, |lane| lane.users);
        if self.total >= MOST || users >= parallel + WAITING {
            return None;
        }
        let lane = self
            .lanes
            .entry(name.to_owned())
            .or_insert_with(|| Lane { places: Arc::new(Semaphore::new(parallel)), users: 0 });
        lane.users += 1;
        self.total += 1;
        Some(Arc::clone(&lane.places))
    }

    fn leave(&mut self, name: &str) {
        self.total = self.total.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(name) {
            lane.users = lane.users.saturating_sub(1);
            if lane.users == 0 {
                self.lanes.remove(name);
            }
        }
    }
}

/// A place in a lane; given back when dropped.
pub(super) struct Place<'a> {
    lanes: &'a Lanes,
    lane: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.permit = None;
        self.lanes.lock().leave(&self.lane);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use poolhouse_domain::triggers::InvocationFailed;

    use super::*;

    async fn enter<'a>(lanes: &'a Lanes, lane: &str) -> Result<Place<'a>, InvocationFailed> {
        let deadline = Instant::now() + Duration::from_millis(20);
        lanes.enter(lane.to_owned(), 2, deadline).await.map_err(|failed| failed.failure)
    }

    fn unreachable(text: &str) -> InvocationFailed {
        InvocationFailed::Unreachable(text.to_owned())
    }

    #[tokio::test]
    async fn a_full_lane_makes_its_own_wait_and_no_others() {
        let lanes = Lanes::default();
        let one = enter(&lanes, "a").await.unwrap();
        let _two = enter(&lanes, "a").await.unwrap();
        let timed_out = unreachable("Socket timeout while invoking Lambda function.");
        assert_eq!(enter(&lanes, "a").await.err(), Some(timed_out));
        assert!(enter(&lanes, "b").await.is_ok());
        drop(one);
        assert!(enter(&lanes, "a").await.is_ok());
    }

    #[tokio::test]
    async fn those_that_wait_are_few_and_leave_nothing_behind() {
        let lanes = Lanes::default();
        let first = enter(&lanes, "a").await.unwrap();
        let second = enter(&lanes, "a").await.unwrap();
        let far = Instant::now() + Duration::from_mins(1);
        let mut pending: Vec<_> =
            (0..WAITING).map(|_| Box::pin(lanes.enter("a".to_owned(), 2, far))).collect();
        for enter in &mut pending {
            let polled = tokio::time::timeout(Duration::ZERO, enter).await;
            assert!(polled.is_err(), "there is no place");
        }
        let refused = enter(&lanes, "a").await.err();
        assert_eq!(refused, Some(unreachable("TooManyRequestsException.")));
        drop((pending, first, second));
        assert!(lanes.lock().lanes.is_empty() && lanes.lock().total == 0);
    }
}
