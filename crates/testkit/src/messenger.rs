//! A messenger that keeps what it is given.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    fault::Ruling,
    messages::{DeliveryFailure, Message, Messenger},
};

/// Keeps every message instead of sending it.
#[derive(Default)]
pub struct RecordingMessenger {
    messages: Mutex<Vec<Message>>,
    is_broken: AtomicBool,
    pretended: AtomicUsize,
}

impl RecordingMessenger {
    /// Everything that was delivered, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.kept().clone()
    }

    /// The code (or temporary password) of the last message to this address or number.
    pub fn last_code_for(&self, destination: &str) -> Option<String> {
        self.kept().iter().rfind(|m| m.destination == destination).map(|m| m.code.clone())
    }

    /// How many messages were handed over that nobody gets.
    pub fn pretended(&self) -> usize {
        self.pretended.load(Ordering::Relaxed)
    }

    /// Forgets what was delivered.
    pub fn clear(&self) {
        self.kept().clear();
    }

    /// From now on deliveries fail (or, with `false`, succeed again).
    pub fn fail(&self, fails: bool) {
        self.is_broken.store(fails, Ordering::Relaxed);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Messenger for RecordingMessenger {
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Ok(Err(DeliveryFailure("the test said so".to_owned())));
        }
        self.kept().push(message);
        Ok(Ok(()))
    }

    async fn pretend(&self, _: Message) -> Result<(), Fault> {
        self.pretended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
