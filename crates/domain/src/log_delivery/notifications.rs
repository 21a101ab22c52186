//! Failures to deliver a message, told to the administrators of the pool.

use std::sync::Arc;

use async_trait::async_trait;

use super::{LogSink, destination_of, lines};
use crate::{
    fault::{Fault, Ruling},
    messages::{DeliveryFailure, Medium, Message, Messenger},
    ports::{Clock, Store},
    shapes::EventSourceName,
    time::Timestamp,
};

/// A messenger that reports what another one could not deliver.
pub struct Reporting {
    /// Delivers.
    pub messenger: Arc<dyn Messenger>,
    /// Knows where a pool's logs go.
    pub store: Arc<dyn Store>,
    /// Takes them there.
    pub log_sink: Arc<dyn LogSink>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Messenger for Reporting {
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure> {
        let (pool_id, medium) = (message.user_pool_id.clone(), message.medium);
        let outcome = self.messenger.deliver(message).await;
        if let Ok(Err(failure)) = &outcome {
            let (store, sink, now) = (&*self.store, &*self.log_sink, self.clock.now());
            let told = undeliverable(store, sink, (&pool_id, medium), &failure.0, now).await;
            if let Err(fault) = told {
                tracing::error!(%fault, "a failed delivery was not reported to the pool's log");
            }
        }
        outcome
    }

    async fn pretend(&self, message: Message) -> Result<(), Fault> {
        self.messenger.pretend(message).await
    }
}

/// Writes the line for a message that will not arrive, if the pool wants it. It names nobody, and
/// holds nothing of the message; nor may the reason.
pub(crate) async fn undeliverable(
    store: &dyn Store,
    log_sink: &dyn LogSink,
    (user_pool_id, medium): (&str, Medium),
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let configurations = store.read().await?.log_configurations(user_pool_id).await?;
    if let Some(arn) = destination_of(&configurations, EventSourceName::UserNotification) {
        let what = if medium == Medium::Email { "An e-mail" } else { "A text message" };
        let details = format!("{what} could not be delivered: {reason}");
        log_sink.deliver(arn, lines::notification(user_pool_id, &details, now)?);
    }
    Ok(())
}
