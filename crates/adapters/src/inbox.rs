//! The inbox of `poolhouse dev`: messages are kept in memory, to be read over HTTP, and go nowhere.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use poolhouse_domain::{
    fault::Ruling,
    messages::{DeliveryFailure, Message, Messenger},
    time::Timestamp,
};
use serde_json::{Value, json};

/// How many messages are kept; older ones are forgotten.
const CAPACITY: usize = 1_000;

/// The newest messages that were sent. Holds codes and temporary passwords in the clear: never
/// part of `poolhouse serve`.
#[derive(Default)]
pub struct Inbox {
    /// Oldest first.
    kept: Mutex<VecDeque<Message>>,
}

/// Which messages to show. What is absent does not restrict.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboxFilter<'a> {
    /// Id of the pool on whose behalf the message was sent.
    pub pool: Option<&'a str>,
    /// Username, or the address or number the message went to.
    pub user: Option<&'a str>,
    /// E-mail address or telephone number.
    pub destination: Option<&'a str>,
}

impl InboxFilter<'_> {
    fn admits(&self, message: &Message) -> bool {
        let is_about = |user| message.username == user || message.destination == user;
        self.pool.is_none_or(|pool| message.user_pool_id == pool)
            && self.user.is_none_or(is_about)
            && self.destination.is_none_or(|destination| message.destination == destination)
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages that the filter admits, newest first.
    pub fn newest_first(&self, filter: InboxFilter<'_>) -> Vec<Message> {
        self.lock().iter().rev().filter(|message| filter.admits(message)).cloned().collect()
    }

    /// The same as a JSON object with one member, `messages`.
    pub fn to_json(&self, filter: InboxFilter<'_>) -> Value {
        let messages: Vec<Value> = self.newest_first(filter).iter().map(entry).collect();
        json!({ "messages": messages })
    }
}

#[async_trait]
impl Messenger for Inbox {
    async fn deliver(&self, message: Message) -> Ruling<(), DeliveryFailure> {
        let mut kept = self.lock();
        if kept.len() >= CAPACITY {
            kept.pop_front();
        }
        kept.push_back(message);
        Ok(Ok(()))
    }
}

/// A message as JSON; `at` is in seconds since the epoch, with a fraction.
fn entry(message: &Message) -> Value {
    json!({
        "pool": message.user_pool_id,
        "user": message.username,
        "destination": message.destination,
        "medium": message.medium.as_str(),
        "kind": message.kind.as_str(),
        "subject": message.subject,
        "body": message.body,
        "code": message.code,
        "at": epoch_seconds(message.at),
    })
}

/// Seconds since the epoch with a fraction, as JSON numbers carry them.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this era fit into 53 bits")]
pub fn epoch_seconds(at: Timestamp) -> f64 {
    at.micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::messages::{Medium, MessageKind, SmsSettings};

    use super::*;

    fn message(user: &str, destination: &str, code: &str) -> Message {
        Message {
            invocation: None,
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            sub: "s".into(),
            username: user.into(),
            kind: MessageKind::SignUp,
            medium: Medium::Email,
            destination: destination.into(),
            subject: Some("Your verification code".into()),
            body: format!("Your confirmation code is {code}"),
            code: code.into(),
            from: None,
            reply_to: None,
            sms: SmsSettings::default(),
            at: Timestamp::from_micros(1_700_000_000_250_000),
            expires_at: Timestamp::from_seconds(1_700_003_600),
        }
    }

    #[tokio::test]
    async fn the_newest_message_comes_first_with_all_its_members() {
        let inbox = Inbox::default();
        inbox.deliver(message("alice", "alice@example.com", "111111")).await.unwrap().unwrap();
        inbox.deliver(message("bob", "bob@example.com", "222222")).await.unwrap().unwrap();
        let shown = inbox.to_json(InboxFilter::default());
        assert_eq!(shown["messages"].as_array().unwrap().len(), 2);
        assert_eq!(
            shown["messages"][0],
            json!({
                "pool": "us-east-1_AAAAAAAAA", "user": "bob", "destination": "bob@example.com",
                "medium": "EMAIL", "kind": "SignUp", "subject": "Your verification code",
                "body": "Your confirmation code is 222222", "code": "222222",
                "at": 1_700_000_000.25,
            })
        );
    }

    #[tokio::test]
    async fn filters_restrict_by_pool_user_and_destination() {
        let inbox = Inbox::default();
        inbox.deliver(message("alice", "alice@example.com", "1")).await.unwrap().unwrap();
        inbox.deliver(message("bob", "bob@example.com", "2")).await.unwrap().unwrap();
        let codes = |filter| -> Vec<String> {
            inbox.newest_first(filter).into_iter().map(|message| message.code).collect()
        };
        let none = InboxFilter::default();
        assert_eq!(codes(InboxFilter { user: Some("alice"), ..none }), ["1"]);
        assert_eq!(codes(InboxFilter { user: Some("bob@example.com"), ..none }), ["2"]);
        assert_eq!(codes(InboxFilter { destination: Some("bob@example.com"), ..none }), ["2"]);
        assert_eq!(codes(InboxFilter { pool: Some("us-east-1_AAAAAAAAA"), ..none }), ["2", "1"]);
        assert!(codes(InboxFilter { pool: Some("us-east-1_BBBBBBBBB"), ..none }).is_empty());
    }

    #[tokio::test]
    async fn only_the_newest_thousand_are_kept() {
        let inbox = Inbox::default();
        for number in 0..1_003 {
            inbox
                .deliver(message("alice", "a@example.com", &number.to_string()))
                .await
                .unwrap()
                .unwrap();
        }
        let kept = inbox.newest_first(InboxFilter::default());
        assert_eq!(
            (kept.len(), kept[0].code.as_str(), kept[999].code.as_str()),
            (1_000, "1002", "3")
        );
    }
}
