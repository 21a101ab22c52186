//! Failures to deliver a message, told to the administrators of the pool.

use std::sync::Arc;

use async_trait::async_trait;

use super::{LogSink, destination_of, lines};
use crate::{
    fault::Fault,
    messages::{DeliveryFailure, Medium, Message, Messenger},
    ports::{Clock, Store},
    shapes::EventSourceName,
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
    async fn deliver(&self, message: Message) -> Result<(), DeliveryFailure> {
        let (pool_id, medium) = (message.user_pool_id.clone(), message.medium);
        let outcome = self.messenger.deliver(message).await;
        if let Err(failure) = &outcome
            && let Err(fault) = self.report(&pool_id, medium, failure).await
        {
            tracing::error!(%fault, "a failed delivery was not reported to the pool's log");
        }
        outcome
    }
}

impl Reporting {
    /// Writes the line, if the pool wants it. It names nobody, and holds nothing of the message.
    async fn report(
        &self,
        user_pool_id: &str,
        medium: Medium,
        failure: &DeliveryFailure,
    ) -> Result<(), Fault> {
        let mut view = self.store.read().await?;
        let configurations = view.log_configurations(user_pool_id).await?;
        if let Some(arn) = destination_of(&configurations, EventSourceName::UserNotification) {
            let what = if medium == Medium::Email { "An e-mail" } else { "A text message" };
            let details = format!("{what} could not be delivered: {failure}");
            let line = lines::notification(user_pool_id, &details, self.clock.now())?;
            self.log_sink.deliver(arn, line);
        }
        Ok(())
    }
}
