//! Which configurations of log delivery can be had.

use super::{destination, kind_and_arn};
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
    /// Sources have no destination or are configured twice, or destinations are not the pool's own:
    /// all that is wrong of this kind. (The text, mistakes included, is the service's for log
    /// groups, see <https://github.com/floci-io/floci/pull/2867>; what other destinations are called
    /// is a belief.)
    #[error("Request validation Failed.{0}")]
    Request(String),
    /// The level is not that of the source.
    #[error("LogLevel {} is not supported for event source {}.", .0.as_str(), .1.as_str())]
    Level(LogLevel, EventSourceName),
    /// There is more than one destination.
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

/// Whether each source has a destination and is there once, and each destination is in the pool's
/// account and region.
fn check_request(
    identity: &Identity,
    configurations: &[LogConfigurationType],
) -> Result<(), LogRefused> {
    let mut told = String::new();
    let (mut seen, mut nowhere, mut twice) = (Vec::new(), Vec::new(), Vec::new());
    for configuration in configurations {
        let source = configuration.event_source.as_str();
        if destination(configuration).is_none() {
            note(&mut nowhere, source);
        }
        if !note(&mut seen, source) {
            note(&mut twice, source);
        }
    }
    if !nowhere.is_empty() {
        let nowhere = nowhere.join(", ");
        told = format!(" Following event sources in request have no destination: [{nowhere}].");
    }
    if !twice.is_empty() {
        let twice = twice.join(", ");
        let clause = "Following event sources appear more then once in a request:";
        told = format!("{told} {clause} [{twice}].");
    }
    let foreign: Vec<String> = configurations.iter().filter_map(|c| foreign(identity, c)).collect();
    if !foreign.is_empty() {
        told = format!("{told} [{}]", foreign.join(", "));
    }
    if told.is_empty() { Ok(()) } else { Err(LogRefused::Request(told)) }
}

/// Adds a source if it is not there yet; answers whether it was added.
fn note<'a>(sources: &mut Vec<&'a str>, source: &'a str) -> bool {
    let is_new = !sources.contains(&source);
    if is_new {
        sources.push(source);
    }
    is_new
}

/// What is said of a destination that belongs to another account or region. ARNs of buckets name
/// neither.
fn foreign(identity: &Identity, configuration: &LogConfigurationType) -> Option<String> {
    let (kind, arn) = kind_and_arn(configuration)?;
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
