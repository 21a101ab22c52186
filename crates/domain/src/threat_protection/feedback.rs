//! Feedback on events: whether it was the user.
//!
//! An administrator gives it by right, a user by a token that names the event. Sign-ins that were
//! not the user's count against later ones that look alike.

use super::AuthEvent;
use crate::{
    fault::{Fault, Ruling, retrying},
    granted,
    ports::{Ports, Transaction},
    sealing::Purpose,
    shapes::{EventFeedbackType, FeedbackValueType},
    time::Timestamp,
};

/// How long a feedback token is good, in seconds: a week. How long the service's are is not on
/// record.
const LIFETIME: i64 = 7 * 86_400;

/// Who gives feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// An administrator.
    Admin,
    /// The user.
    User,
}

impl Provider {
    /// The name that events show.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::User => "User",
        }
    }
}

/// The event is not there, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchEvent;

/// The token is not one for this event and user, or too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFeedbackToken;

/// Takes feedback on an event. The caller commits.
pub async fn give(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    sub: &str,
    event_id: &str,
    feedback: (FeedbackValueType, Provider),
    now: Timestamp,
) -> Result<Result<(), NoSuchEvent>, Fault> {
    let Some(mut event) = tx.auth_event(user_pool_id, sub, event_id).await? else {
        return Ok(Err(NoSuchEvent));
    };
    let (feedback_value, provider) = feedback;
    event.shown.event_feedback = Some(EventFeedbackType {
        feedback_value,
        provider: provider.as_str().to_owned(),
        feedback_date: Some(now.to_wire()),
    });
    tx.put_auth_event(&event).await?;
    Ok(Ok(()))
}

/// Takes the feedback of whoever holds a token.
pub async fn give_by_token(
    ports: &Ports,
    user_pool_id: &str,
    (sub, event_id): (&str, &str),
    token: &str,
    value: FeedbackValueType,
) -> Ruling<(), InvalidFeedbackToken> {
    granted!(check_token(ports, user_pool_id, sub, event_id, token));
    let (feedback, now) = ((value, Provider::User), ports.clock.now());
    let write = || async {
        let mut tx = ports.store.write().await?;
        let given = give(&mut *tx, user_pool_id, sub, event_id, feedback, now).await?;
        tx.commit().await?;
        Ok(given.map_err(|NoSuchEvent| InvalidFeedbackToken))
    };
    retrying(write).await
}

/// A token with which whoever holds it can give feedback on this event, for a week. It goes to the
/// user by mail.
pub fn token(ports: &Ports, event: &AuthEvent) -> String {
    token_for(ports, &event.user_pool_id, &event.sub, event.id())
}

/// The same for an event that may still have to be recorded.
pub(super) fn token_for(ports: &Ports, user_pool_id: &str, sub: &str, event_id: &str) -> String {
    let ends_at = ports.clock.now().plus_seconds(LIFETIME).micros().to_be_bytes();
    let bound = bound_to(user_pool_id, sub, event_id);
    ports.keyring.seal_text(Purpose::FeedbackToken, &bound, &ends_at, &*ports.entropy)
}

/// Whether a token is good for this event of this user.
pub fn check_token(
    ports: &Ports,
    user_pool_id: &str,
    sub: &str,
    event_id: &str,
    token: &str,
) -> Result<(), InvalidFeedbackToken> {
    let bound = bound_to(user_pool_id, sub, event_id);
    let opened = ports.keyring.open_text(Purpose::FeedbackToken, &bound, token);
    let opened = opened.map_err(|_| InvalidFeedbackToken)?;
    let ends_at = opened.as_slice().try_into().map_err(|_| InvalidFeedbackToken)?;
    let ends_at = Timestamp::from_micros(i64::from_be_bytes(ends_at));
    if ports.clock.now() < ends_at { Ok(()) } else { Err(InvalidFeedbackToken) }
}

/// What a token is bound to. None of the parts can hold the separator.
fn bound_to(user_pool_id: &str, sub: &str, event_id: &str) -> Vec<u8> {
    format!("{user_pool_id}\0{sub}\0{event_id}").into_bytes()
}
