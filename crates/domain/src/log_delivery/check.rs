//! Which configurations of log delivery can be had.

use super::destination;
use crate::{
    arn,
    ports::Identity,
    shapes::{EventSourceName, LogConfigurationType, LogLevel},
    threat_protection,
    user_pools::{Feature, TierRefused, UserPool},
};

/// Why configurations can't be had. The texts are beliefs, but for those that say so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogRefused {
    /// A source is configured twice. (The text, mistake included, is the service's.)
    #[error("Following event sources appear more then once in a request")]
    Twice,
    /// The level is not that of the source.
    #[error("LogLevel {} is not supported for event source {}.", .0.as_str(), .1.as_str())]
    Level(LogLevel, EventSourceName),
    /// There is no destination, or more than one.
    #[error("Exactly one destination must be configured for event source {}.", .0.as_str())]
    NotOneDestination(EventSourceName),
    /// The source goes to log groups only.
    #[error("Event source {} supports only CloudWatch Logs as a destination.", .0.as_str())]
    LogGroupOnly(EventSourceName),
    /// The ARN is of another kind of destination.
    #[error("Invalid destination ARN {0}.")]
    Kind(String),
    /// The destination is in another region. (The text is the service's for log groups.)
    #[error("ARN does not belong to current region")]
    Region,
    /// Without threat protection there are no such events.
    #[error("Threat protection must be enabled to deliver logs of event source userAuthEvents.")]
    Unprotected,
    /// The pool's tier does not have it.
    #[error(transparent)]
    Tier(#[from] TierRefused),
}

/// Whether a pool can have these configurations.
pub fn check(
    pool: &UserPool,
    identity: &Identity,
    configurations: &[LogConfigurationType],
) -> Result<(), LogRefused> {
    let mut seen = Vec::new();
    for configuration in configurations {
        let source = configuration.event_source;
        if seen.contains(&source) {
            return Err(LogRefused::Twice);
        }
        seen.push(source);
    }
    configurations.iter().try_for_each(|configuration| check_one(pool, identity, configuration))
}

fn check_one(
    pool: &UserPool,
    identity: &Identity,
    configuration: &LogConfigurationType,
) -> Result<(), LogRefused> {
    let (source, level) = (configuration.event_source, configuration.log_level);
    let expected = match source {
        EventSourceName::UserNotification => LogLevel::Error,
        EventSourceName::UserAuthEvents => LogLevel::Info,
    };
    if level != expected {
        return Err(LogRefused::Level(level, source));
    }
    check_destination(identity, configuration)?;
    if source == EventSourceName::UserNotification {
        let is_log_group = configuration.cloud_watch_logs_configuration.is_some();
        return if is_log_group { Ok(()) } else { Err(LogRefused::LogGroupOnly(source)) };
    }
    pool.has_in_tier(Feature::LOG_STREAMING)?;
    threat_protection::mode(pool).map(|_| ()).ok_or(LogRefused::Unprotected)
}

/// Whether there is one destination, of its kind, and in the pool's region.
fn check_destination(
    identity: &Identity,
    configuration: &LogConfigurationType,
) -> Result<(), LogRefused> {
    let services: Vec<&str> = [
        configuration.cloud_watch_logs_configuration.is_some().then_some("logs"),
        configuration.s3_configuration.is_some().then_some("s3"),
        configuration.firehose_configuration.is_some().then_some("firehose"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (&[service], Some(arn)) = (services.as_slice(), destination(configuration)) else {
        return Err(LogRefused::NotOneDestination(configuration.event_source));
    };
    if arn::service(arn) != Some(service) {
        return Err(LogRefused::Kind(arn.to_owned()));
    }
    // ARNs of buckets name no region.
    match arn::region(arn).filter(|region| !region.is_empty()) {
        Some(region) if region != identity.region => Err(LogRefused::Region),
        _ => Ok(()),
    }
}
