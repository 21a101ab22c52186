//! Taking messages into the store.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    fault::{Fault, Ruling, retrying},
    ids,
    log_delivery::LogSink,
    messages::{DeliveryFailure, Message, Messenger, Route, Senders},
    ports::{Clock, Entropy, Store},
};

/// For how many seconds a message to nobody is kept, if no courier throws it away.
const PRETENDED: i64 = 60;

/// Takes messages into the store, for couriers to deliver. What it takes is durable.
pub struct PostOffice {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) log_sink: Arc<dyn LogSink>,
    pub(super) senders: Senders,
    /// Names this process among those that share the store.
    pub(super) courier: String,
    email: Notify,
    sms: Notify,
    functions: Notify,
}

impl PostOffice {
    /// A post office over an open store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        log_sink: Arc<dyn LogSink>,
        senders: Senders,
    ) -> Self {
        let courier = ids::random_uuid(&*entropy);
        let (email, sms, functions) = (Notify::new(), Notify::new(), Notify::new());
        Self { store, clock, entropy, log_sink, senders, courier, email, sms, functions }
    }

    /// Whether this server sends messages of a route.
    pub fn sends(&self, route: Route) -> bool {
        self.senders.of(route).is_ok()
    }

    /// Waits until this process takes in a message of a route. What others take in shows in the store
    /// only.
    pub async fn news(&self, route: Route) {
        self.bell(route).notified().await;
    }

    const fn bell(&self, route: Route) -> &Notify {
        match route {
            Route::Email => &self.email,
            Route::Sms => &self.sms,
            Route::Function => &self.functions,
        }
    }

    async fn take_in(&self, message: &Message) -> Result<(), Fault> {
        let id = ids::random_uuid(&*self.entropy);
        let insert = || async {
            let mut tx = self.store.write().await?;
            tx.insert_message(&id, message).await?;
            tx.commit().await
        };
        match retrying(insert).await {
            Ok(()) => {
                self.bell(message.route()).notify_one();
                Ok(())
            }
            // What the message is about is committed: the operation must not run again.
            Err(Fault::Conflict(what)) => Err(Fault::because("a message can't be stored", what)),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Messenger for PostOffice {
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure> {
        let sender = self.senders.of(message.route());
        if let Err(failure) = sender.and_then(|sender| sender.check(&message)) {
            return Ok(Err(failure));
        }
        self.take_in(&message).await.map(Ok)
    }

    /// Stores a message of the same size that no courier sends. Where its route has no courier it must
    /// be swept away, and soon: strangers can have many of them stored.
    async fn pretend(&self, mut message: Message) -> Result<(), Fault> {
        message.sub.clear();
        message.destination.clear();
        message.expires_at = self.clock.now().plus_seconds(PRETENDED);
        self.take_in(&message).await
    }
}
