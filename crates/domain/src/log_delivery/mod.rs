//! Log delivery: events of a pool as lines of JSON, sent to where its administrators say.
//!
//! A destination is an ARN, as in the service. What stands behind an ARN is for whoever runs the
//! server to say; see the port [`LogSink`].

mod check;
mod lines;
mod notifications;

pub use check::{LogRefused, check};
pub use notifications::Reporting;
pub(crate) use notifications::undeliverable;

use async_trait::async_trait;

use crate::{
    fault::Fault,
    shapes::{EventSourceName, LogConfigurationType},
    threat_protection::{AuthEvent, events::Subject},
};

/// Takes lines to where they belong.
pub trait LogSink: Send + Sync {
    /// Hands over a line, without the end of line, for the destination behind an ARN. Never waits: a
    /// line for which there is no room is dropped, counted and told in the log.
    fn deliver(&self, arn: &str, line: String);
}

/// A sink that nothing comes out of.
pub struct NoSink;

impl LogSink for NoSink {
    fn deliver(&self, _: &str, _: String) {}
}

/// Storage of what is delivered where.
#[async_trait]
pub trait LogDeliveries: Send {
    /// The configurations of a pool; none if never set.
    async fn log_configurations(
        &mut self,
        user_pool_id: &str,
    ) -> Result<Vec<LogConfigurationType>, Fault>;

    /// Replaces the configurations of a pool.
    async fn put_log_configurations(
        &mut self,
        user_pool_id: &str,
        configurations: &[LogConfigurationType],
    ) -> Result<(), Fault>;
}

/// The ARN to which a configuration sends.
pub fn destination(configuration: &LogConfigurationType) -> Option<&str> {
    kind_and_arn(configuration).map(|(_, arn)| arn)
}

/// The ARN to which a configuration sends, after what refusals call a destination of its kind.
fn kind_and_arn(configuration: &LogConfigurationType) -> Option<(&'static str, &str)> {
    let group = configuration.cloud_watch_logs_configuration.as_ref();
    let bucket = configuration.s3_configuration.as_ref();
    let stream = configuration.firehose_configuration.as_ref();
    [
        ("CloudWatch log group", group.and_then(|group| group.log_group_arn.as_deref())),
        ("S3 bucket", bucket.and_then(|bucket| bucket.bucket_arn.as_deref())),
        ("Firehose delivery stream", stream.and_then(|stream| stream.stream_arn.as_deref())),
    ]
    .into_iter()
    .find_map(|(kind, arn)| Some((kind, arn?)))
}

/// The ARN to which events of a source go, if they go anywhere.
fn destination_of(
    configurations: &[LogConfigurationType],
    source: EventSourceName,
) -> Option<&str> {
    let configuration = configurations.iter().find(|entry| entry.event_source == source);
    configuration.and_then(destination)
}

/// Sends an event of threat protection to where the pool wants it.
pub(crate) async fn auth_event(subject: Subject<'_>, event: &AuthEvent) -> Result<(), Fault> {
    let mut view = subject.ports.store.read().await?;
    let configurations = view.log_configurations(&event.user_pool_id).await?;
    if let Some(arn) = destination_of(&configurations, EventSourceName::UserAuthEvents) {
        subject.ports.log_sink.deliver(arn, lines::auth_event(subject, event)?);
    }
    Ok(())
}
