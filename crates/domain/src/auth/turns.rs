//! One guess at a time: sign-ins of one user wait for each other.
//!
//! Without this, any number of guesses sent at once would all find the counter of wrong passwords as
//! it was before the first of them. And a guess that has begun is carried to its end, counting
//! included, even if whoever made it hangs up.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::fault::Fault;

/// Users of the same lane wait for each other too; a guess takes a fraction of a millisecond.
const LANES: usize = 1_024;

/// The lanes in which guesses wait.
pub struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..LANES).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    /// Waits for the subject's turn, then does the work to its end. Waiting ends when the request
    /// does; the work does not.
    pub async fn take<T: Send + 'static>(
        &self,
        user_pool_id: &str,
        subject: &str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let mut hasher = DefaultHasher::new();
        (user_pool_id, subject).hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        let lane = self.0.get(lane).ok_or(Fault::broken("a lane is missing"))?;
        let turn = Arc::clone(lane).lock_owned().await;
        let work = async move {
            let outcome = work.await;
            drop(turn);
            outcome
        };
        let outcome = tokio::spawn(work).await;
        outcome.map_err(|error| Fault::because("a guess was not carried to its end", error))?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn guesses_at_one_subject_do_not_overlap() {
        let (turns, inside) = (Arc::new(Turns::default()), Arc::new(AtomicU32::new(0)));
        let guesses = (0..20).map(|_| {
            let (turns, inside) = (Arc::clone(&turns), Arc::clone(&inside));
            tokio::spawn(async move {
                let work = async move {
                    let others = inside.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    Ok(others)
                };
                turns.take("pool", "ada", work).await.unwrap()
            })
        });
        for guess in guesses.collect::<Vec<_>>() {
            assert_eq!(guess.await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_guess_that_has_begun_is_carried_to_its_end() {
        let turns = Arc::new(Turns::default());
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let request = tokio::spawn(async move {
            let work = async move {
                begun.send(()).unwrap();
                may_go_on.await.unwrap();
                done.send(()).unwrap();
                Ok(())
            };
            turns.take("pool", "ada", work).await
        });
        has_begun.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        go_on.send(()).unwrap();
        is_done.await.unwrap();
    }
}
