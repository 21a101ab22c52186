//! Threads for heavy computation, apart from those that serve connections.

use std::{
    collections::VecDeque,
    io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use async_trait::async_trait;
use poolhouse_domain::ports::Workers;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Jobs that may be queued or running, for each thread. A job takes about a millisecond, so a full
/// queue is half a second of work.
const PLACES_PER_THREAD: usize = 512;

/// A fixed set of operating-system threads that take jobs from one bounded queue, in order of
/// arrival.
///
/// When the queue is full, a job is dropped at once, so that its caller is told of a fault and can
/// try again: answers that come after a client has given up help nobody.
///
/// The threads end when the value is dropped and the queue is empty.
pub struct ThreadWorkers {
    queue: Arc<Queue>,
    places: Arc<Semaphore>,
}

/// What the threads share.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    is_closed: bool,
}

/// A job in the queue.
struct Task {
    job: Box<dyn FnOnce() + Send>,
    /// Dropped when the job is over, which wakes the caller.
    done: oneshot::Sender<()>,
    /// Given back when the job is over, even if the caller went away before.
    _place: OwnedSemaphorePermit,
}

impl ThreadWorkers {
    /// One thread for each core, at least one.
    ///
    /// # Errors
    /// The operating system refuses to make a thread.
    pub fn start() -> io::Result<Self> {
        Self::with_threads(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    /// So many threads.
    ///
    /// # Errors
    /// The operating system refuses to make a thread.
    pub fn with_threads(count: NonZero<usize>) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let places = Arc::new(Semaphore::new(count.get() * PLACES_PER_THREAD));
        let workers = Self { queue, places };
        for number in 0..count.get() {
            let queue = Arc::clone(&workers.queue);
            thread::Builder::new().name(format!("worker-{number}")).spawn(move || queue.work())?;
        }
        Ok(workers)
    }
}

impl Drop for ThreadWorkers {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Task) {
        self.lock().tasks.push_back(task);
        self.changed.notify_one();
    }

    /// The next task, or none when the queue is closed and empty.
    fn pop(&self) -> Option<Task> {
        let waiting = |state: &mut State| state.tasks.is_empty() && !state.is_closed;
        let woken = self.changed.wait_while(self.lock(), waiting);
        woken.unwrap_or_else(PoisonError::into_inner).tasks.pop_front()
    }

    /// The life of a thread.
    fn work(&self) {
        while let Some(task) = self.pop() {
            if task.done.is_closed() {
                continue; // The request was dropped: nobody waits for the result.
            }
            // The caller learns of a panic by the missing result; the panic hook has written
            // where it happened.
            if catch_unwind(AssertUnwindSafe(task.job)).is_err() {
                tracing::error!("a job panicked; its worker goes on");
            }
        }
    }
}

#[async_trait]
impl Workers for ThreadWorkers {
    async fn run(&self, job: Box<dyn FnOnce() + Send>) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return tracing::warn!("too many jobs wait for the workers: one is refused");
        };
        let (done, over) = oneshot::channel();
        self.queue.push(Task { job, done, _place: place });
        // "Closed" is how the end is told.
        let _ = over.await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use poolhouse_domain::ports::compute;

    use super::*;

    fn workers(threads: usize) -> ThreadWorkers {
        ThreadWorkers::with_threads(NonZero::new(threads).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_job_runs_on_another_thread_and_its_value_comes_back() {
        let workers = workers(1);
        let here = thread::current().id();
        let there = compute(&workers, move || thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_for_its_caller_and_the_worker_goes_on() {
        let workers = workers(1);
        let failed = compute(&workers, || -> u8 { panic!("a test's panic, on purpose") }).await;
        assert!(failed.is_err());
        assert_eq!(compute(&workers, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn jobs_up_to_the_limit_are_all_done() {
        let workers = Arc::new(workers(2));
        let count = Arc::new(AtomicUsize::new(0));
        let mut waiting = Vec::new();
        for _ in 0..2 * PLACES_PER_THREAD {
            let (workers, count) = (Arc::clone(&workers), Arc::clone(&count));
            waiting.push(tokio::spawn(async move {
                compute(&*workers, move || count.fetch_add(1, Ordering::SeqCst)).await
            }));
        }
        for handle in waiting {
            handle.await.unwrap().unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2 * PLACES_PER_THREAD);
        assert_eq!(workers.places.available_permits(), 2 * PLACES_PER_THREAD);
    }

    #[tokio::test]
    async fn a_job_is_refused_at_once_while_the_queue_is_full() {
        let workers = Arc::new(workers(1));
        let (release, gate) = mpsc::channel::<()>();
        let mut waiting = vec![tokio::spawn({
            let workers = Arc::clone(&workers);
            async move { compute(&*workers, move || gate.recv().is_ok()).await }
        })];
        for _ in 1..PLACES_PER_THREAD {
            let workers = Arc::clone(&workers);
            waiting.push(tokio::spawn(async move { compute(&*workers, || true).await }));
        }
        while workers.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = compute(&*workers, || true);
        assert!(tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap().is_err());
        release.send(()).unwrap();
        for handle in waiting {
            assert!(handle.await.unwrap().unwrap());
        }
        assert!(compute(&*workers, || true).await.unwrap());
    }

    #[tokio::test]
    async fn a_job_whose_caller_went_away_before_it_began_is_skipped() {
        let workers = Arc::new(workers(1));
        let (release, gate) = mpsc::channel::<()>();
        let busy = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move { compute(&*workers, move || gate.recv().is_ok()).await }
        });
        let ran = Arc::new(AtomicUsize::new(0));
        let abandoned = tokio::spawn({
            let (workers, ran) = (Arc::clone(&workers), Arc::clone(&ran));
            async move { compute(&*workers, move || ran.fetch_add(1, Ordering::SeqCst)).await }
        });
        while workers.places.available_permits() > PLACES_PER_THREAD - 2 {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.is_err());
        release.send(()).unwrap();
        assert!(busy.await.unwrap().unwrap());
        compute(&*workers, || ()).await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn threads_end_when_the_workers_are_dropped() {
        let workers = workers(2);
        compute(&workers, || ()).await.unwrap();
        let queue = Arc::downgrade(&workers.queue);
        drop(workers);
        while queue.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
