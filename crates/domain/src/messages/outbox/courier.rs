//! Delivering what waits in the store.

use std::time::Duration;

use super::{Lease, PostOffice, Taken};
use crate::{
    fault::{Fault, retrying},
    log_delivery,
    messages::{Message, NotSent, Route},
    time::Timestamp,
};

/// Seconds for which a courier has the right to a message: so long it takes until another node tries
/// what a process that died had taken, which must be less than a code of a sign-in is good for. Nodes
/// whose clocks differ by more than this, less the time between renewals, send messages twice.
const LEASE: i64 = 60;
/// How often the right is renewed while a try lasts.
const RENEWAL: Duration = Duration::from_secs(10);

/// Tries of a message at most. With the pauses below, its deadline is reached before.
const MOST_ATTEMPTS: u32 = 400;
/// The pause after the first try, in milliseconds; it doubles with each further one.
const FIRST_PAUSE: i64 = 2_000;
/// The longest pause, in milliseconds. A server that comes back gets what waits for it so late at
/// most, after a long absence.
const LONGEST_PAUSE: i64 = 15 * 60_000;

/// How long to wait before what was sent is removed, if the store does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Longest text of a failure that is kept.
const LONGEST_FAILURE: usize = 300;

impl Route {
    /// Messages that a process delivers at the same time.
    pub const fn hands(self) -> usize {
        match self {
            Self::Email | Self::Sms => 8,
            Self::Function => 64,
        }
    }

    /// How many of these may be of one pool. Each pool has functions of its own: one that hangs must
    /// not hold up those of others.
    pub const fn share(self) -> usize {
        match self {
            Self::Email | Self::Sms => self.hands(),
            Self::Function => 4,
        }
    }
}

/// Takes some messages whose time has come, if there are any, of other pools than these.
pub async fn take(
    office: &PostOffice,
    route: Route,
    skipped_pools: &[&str],
    limit: usize,
) -> Result<Vec<Taken>, Fault> {
    let now = office.clock.now();
    if !office.store.read().await?.has_due_message(route, skipped_pools, now).await? {
        return Ok(Vec::new());
    }
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    match try_to_take(office, route, skipped_pools, limit, now).await {
        // Another courier was faster. What it left is found the next time.
        Err(Fault::Conflict(_)) => Ok(Vec::new()),
        outcome => outcome,
    }
}

async fn try_to_take(
    office: &PostOffice,
    route: Route,
    skipped_pools: &[&str],
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Taken>, Fault> {
    let mut tx = office.store.write().await?;
    let taken = tx.take_messages(route, skipped_pools, office.lease(), now, limit).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Tries to deliver a message that was taken, and notes what became of it.
pub async fn deliver(office: &PostOffice, taken: &Taken) {
    if let Err(fault) = attempt(office, taken).await {
        // The lease ends, and the message is tried again.
        let source = std::error::Error::source(&fault).map(ToString::to_string);
        tracing::error!(id = taken.id, %fault, source, "a message was not dealt with");
    }
}

async fn attempt(office: &PostOffice, taken: &Taken) -> Result<(), Fault> {
    if !is_wanted(office, taken).await? {
        return remove(office, &taken.id).await;
    }
    let Some(message) = &taken.message else {
        let failure = NotSent::for_now("the stored message can't be read");
        return postpone(office, taken, None, &failure).await;
    };
    if office.clock.now() >= message.deadline() {
        tell(office, message, "it could not be sent while it was of use").await;
        return remove(office, &taken.id).await;
    }
    match send(office, taken, message).await {
        Ok(()) => {
            remove_for_certain(office, &taken.id).await;
            Ok(())
        }
        Err(failure) => {
            let failure = NotSent { reason: scrubbed(&failure.reason, message), ..failure };
            postpone(office, taken, Some(message), &failure).await
        }
    }
}

/// Whether there is anybody whom the message is about.
async fn is_wanted(office: &PostOffice, taken: &Taken) -> Result<bool, Fault> {
    if taken.sub.is_empty() {
        return Ok(false);
    }
    let mut view = office.store.read().await?;
    Ok(view.user_pool(&taken.user_pool_id).await?.is_some()
        && view.user_by_sub(&taken.user_pool_id, &taken.sub).await?.is_some())
}

/// Tries once, and renews the lease meanwhile. A try is never broken off: one that ends unseen may
/// have sent the message.
async fn send(office: &PostOffice, taken: &Taken, message: &Message) -> Result<(), NotSent> {
    let sender = office.senders.of(message.route());
    let sender = sender.map_err(|failure| NotSent::for_now(failure.0))?;
    let trying = sender.send(&taken.id, message);
    tokio::pin!(trying);
    loop {
        tokio::select! {
            outcome = &mut trying => return outcome,
            () = tokio::time::sleep(RENEWAL) => {
                if let Err(fault) = renew(office, &taken.id).await {
                    tracing::warn!(id = taken.id, %fault, "the right to a message was not renewed");
                }
            }
        }
    }
}

async fn renew(office: &PostOffice, id: &str) -> Result<(), Fault> {
    let renewal = || async {
        let mut tx = office.store.write().await?;
        tx.renew_message_lease(id, office.lease()).await?;
        tx.commit().await
    };
    retrying(renewal).await
}

/// Notes a failure: the message waits for its next try, or for the operator.
async fn postpone(
    office: &PostOffice,
    taken: &Taken,
    message: Option<&Message>,
    failure: &NotSent,
) -> Result<(), Fault> {
    let now = office.clock.now();
    let due_at = Timestamp::from_micros(now.micros() + office.pause(taken.attempts) * 1_000);
    let is_late = message.is_some_and(|message| due_at >= message.deadline());
    let most_tries = failure.most_tries.unwrap_or(MOST_ATTEMPTS);
    let is_given_up = failure.is_final || is_late || taken.attempts >= most_tries;
    let reason = failure.reason.as_str();
    let note = || async {
        let mut tx = office.store.write().await?;
        if is_given_up {
            tx.give_message_up(&taken.id, &office.courier, reason).await?;
        } else {
            tx.postpone_message(&taken.id, &office.courier, due_at, reason).await?;
        }
        tx.commit().await
    };
    retrying(note).await?;
    tracing::warn!(
        id = taken.id,
        user_pool_id = taken.user_pool_id,
        destination = message.map(masked),
        attempts = taken.attempts,
        is_given_up,
        reason,
        "a message was not sent"
    );
    if let Some(message) = message.filter(|_| is_given_up) {
        tell(office, message, reason).await;
    }
    Ok(())
}

/// Tells the administrators of the pool that a message will not arrive.
async fn tell(office: &PostOffice, message: &Message, reason: &str) {
    let (store, now) = (&*office.store, office.clock.now());
    let about = (message.user_pool_id.as_str(), message.medium);
    let told = log_delivery::undeliverable(store, &*office.log_sink, about, reason, now).await;
    if let Err(fault) = told {
        tracing::error!(%fault, "a failed delivery was not reported to the pool's log");
    }
}

async fn remove(office: &PostOffice, id: &str) -> Result<(), Fault> {
    let removal = || async {
        let mut tx = office.store.write().await?;
        tx.delete_message(id).await?;
        tx.commit().await
    };
    retrying(removal).await
}

/// Removes what was sent, however long the store does not answer: left there, it is sent again.
async fn remove_for_certain(office: &PostOffice, id: &str) {
    while let Err(fault) = remove(office, id).await {
        tracing::error!(id, %fault, "a message that was sent can't be removed; trying again");
        tokio::time::sleep(STORE_PAUSE).await;
    }
}

impl PostOffice {
    fn lease(&self) -> Lease<'_> {
        Lease { courier: &self.courier, until: self.clock.now().plus_seconds(LEASE) }
    }

    /// Milliseconds until the next try: about twice as many as before, so that a server which is down
    /// is not pressed, and scattered, so that it does not get everything at once.
    fn pause(&self, attempts: u32) -> i64 {
        let doublings = attempts.saturating_sub(1).min(20);
        let pause = (FIRST_PAUSE << doublings).min(LONGEST_PAUSE);
        let mut random = [0];
        self.entropy.fill(&mut random);
        let [random] = random;
        // From three to five quarters of it.
        pause * (384 + i64::from(random)) / 512
    }
}

/// Where a message goes, as the log may show it.
fn masked(message: &Message) -> String {
    message.medium.contact().mask(&message.destination)
}

/// What a server said, without the address and the code, which it may have repeated.
fn scrubbed(reason: &str, message: &Message) -> String {
    let mut text = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    text = replaced(&text, &message.destination, &masked(message));
    if let Some((local, _)) = message.destination.split_once('@') {
        // Servers also say which mailbox is missing. One or two letters tell nothing.
        text = if local.len() > 2 { replaced(&text, local, "***") } else { text };
    }
    text = replaced(&text, &message.code, "***");
    text.chars().take(LONGEST_FAILURE).collect()
}

/// Text in which a part is replaced wherever it stands, in whatever case.
fn replaced(text: &str, part: &str, by: &str) -> String {
    if part.is_empty() {
        return text.to_owned();
    }
    let (lower, part) = (text.to_ascii_lowercase(), part.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in lower.match_indices(&part) {
        clean.push_str(text.get(end..at).unwrap_or_default());
        clean.push_str(by);
        end = at + found.len();
    }
    clean.push_str(text.get(end..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Medium, MessageKind, SmsSettings};

    fn message() -> Message {
        Message {
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            sub: "s".into(),
            username: "ada".into(),
            kind: MessageKind::Invitation,
            medium: Medium::Email,
            destination: "Ada.L@example.com".into(),
            subject: None,
            body: String::new(),
            code: "hunter2!".into(),
            from: None,
            reply_to: None,
            sms: SmsSettings::default(),
            invocation: None,
            at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(7 * 86_400),
        }
    }

    #[test]
    fn logs_show_neither_address_nor_code() {
        let reason = "550 5.1.1\n <ada.l@EXAMPLE.com>: no mailbox ADA.L here (Hunter2!)";
        let clean = scrubbed(reason, &message());
        assert_eq!(clean, "550 5.1.1 <A***@e***>: no mailbox *** here (***)");
        assert_eq!(scrubbed(&"é".repeat(1_000), &message()).chars().count(), LONGEST_FAILURE);
    }

    #[test]
    fn nothing_is_sent_after_three_days_or_when_it_is_of_no_use() {
        assert_eq!(message().deadline().seconds(), 3 * 86_400);
        let short = Message { expires_at: Timestamp::from_seconds(180), ..message() };
        assert_eq!(short.deadline().seconds(), 180);
    }
}
