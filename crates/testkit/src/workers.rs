//! Workers that are no threads.

use async_trait::async_trait;
use poolhouse_domain::ports::Workers;

/// Runs every job at once, on the caller's thread: tests have nobody to stall.
pub struct InlineWorkers;

#[async_trait]
impl Workers for InlineWorkers {
    async fn run(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }
}
