//! Which configurations of log delivery can be had.

use std::collections::BTreeSet;

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
    /// A source is configured twice, or destinations are not the pool's own: all that is wrong of
    /// this kind. (The text, mistakes included, is the service's for log groups; what other
    /// destinations are called is a belief.)
    #[error("Request validation Failed.{0}")]
    Request(String),
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
    check_request(identity, configurations)?;
    configurations.iter().try_for_each(|configuration| check_one(pool, configuration))
}

/// Whether each source is there once, and each destination is in the pool's account and region.
fn check_request(
    identity: &Identity,
    configurations: &[LogConfigurationType],
) -> Result<(), LogRefused> {
    let mut told = String::new();
    let sources: Vec<&str> = configurations.iter().map(|c| c.event_source.as_str()).collect();
    let is_later = |(index, source): &(usize, &&str)| {
        sources.iter().take(*index).any(|earlier| earlier == *source)
    };
    let twice: BTreeSet<&str> =
        sources.iter().enumerate().filter(is_later).map(|(_, source)| *source).collect();
    if !twice.is_empty() {
        let twice = twice.into_iter().collect::<Vec<_>>().join(", ");
        told = format!(" Following event sources appear more then once in a request: [{twice}].");
    }
    let foreign: Vec<String> = configurations.iter().filter_map(|c| foreign(identity, c)).collect();
    if !foreign.is_empty() {
        told = format!("{told} [{}]", foreign.join(", "));
    }
    if told.is_empty() { Ok(()) } else { Err(LogRefused::Request(told)) }
}

/// What is said of a destination that belongs to another account or region. ARNs of buckets name
/// neither.
fn foreign(identity: &Identity, configuration: &LogConfigurationType) -> Option<String> {
    let arn = destination(configuration)?;
    let is_foreign = |named: Option<&str>, own: &str| {
        named.is_some_and(|named| !named.is_empty() && named != own)
    };
    let account = is_foreign(arn::account(arn), &identity.account_id)
        .then_some("ARN does not belong to invoking account. ");
    let region = is_foreign(arn::region(arn), &identity.region)
        .then_some("ARN does not belong to current region. ");
    if account.is_none() && region.is_none() {
        return None;
    }
    let kind = if configuration.cloud_watch_logs_configuration.is_some() {
        "CloudWatch log group"
    } else if configuration.s3_configuration.is_some() {
        "S3 bucket"
    } else {
        "Firehose delivery stream"
    };
    let errors = [account, region].into_iter().flatten().collect::<String>();
    Some(format!("{kind} arn {arn} failed with the following validation errors: {errors}"))
}

fn check_one(pool: &UserPool, configuration: &LogConfigurationType) -> Result<(), LogRefused> {
    let (source, level) = (configuration.event_source, configuration.log_level);
    let expected = match source {
        EventSourceName::UserNotification => LogLevel::Error,
        EventSourceName::UserAuthEvents => LogLevel::Info,
    };
    if level != expected {
        return Err(LogRefused::Level(level, source));
    }
    check_destination(configuration)?;
    if source == EventSourceName::UserNotification {
        let is_log_group = configuration.cloud_watch_logs_configuration.is_some();
        return if is_log_group { Ok(()) } else { Err(LogRefused::LogGroupOnly(source)) };
    }
    pool.has_in_tier(Feature::LOG_STREAMING)?;
    threat_protection::mode(pool).map(|_| ()).ok_or(LogRefused::Unprotected)
}

/// Whether there is one destination, of its kind.
fn check_destination(configuration: &LogConfigurationType) -> Result<(), LogRefused> {
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
    Ok(())
}
