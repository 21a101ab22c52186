//! `poolhouse messages`: what waits to be sent, and what was given up.

use std::fmt::Write;

use poolhouse_adapters::clock::SystemClock;
use poolhouse_domain::{
    Fault,
    fault::retrying,
    messages::{Medium, outbox::GivenUp},
    ports::{Clock, Store},
    time::Timestamp,
};
use poolhouse_store::SqlStore;

use crate::{Outcome, cli::MessagesCommand, commands};

/// Messages that are looked at at once.
const PAGE: u32 = 200;
/// Messages that are listed one by one at most.
const LISTED: u32 = 50;

/// Runs a `messages` command; answers what to print.
pub(crate) async fn run(command: MessagesCommand) -> Outcome<String> {
    match command {
        MessagesCommand::List { installation } => {
            let store = commands::open(&installation).await?;
            let text = list(&store, SystemClock.now()).await?;
            store.close().await;
            Ok(text)
        }
        MessagesCommand::Retry { id, installation } => {
            let store = commands::open(&installation).await?;
            let count = for_each(&store, id.as_deref(), Deed::Retry).await?;
            store.close().await;
            told(id.as_deref(), count, "will be tried again")
        }
        MessagesCommand::Drop { id, installation } => {
            let store = commands::open(&installation).await?;
            let count = for_each(&store, id.as_deref(), Deed::Drop).await?;
            store.close().await;
            told(id.as_deref(), count, "dropped")
        }
    }
}

/// How many messages wait and were given up, and the first of the latter.
async fn list(store: &SqlStore, now: Timestamp) -> Result<String, Fault> {
    let mut view = store.read().await?;
    let mut text = String::new();
    for medium in Medium::ALL {
        let count = view.waiting_messages(medium).await?;
        let name = medium.as_str();
        // Writing to a string can't fail.
        let _ = write!(text, "{name:<5}  {} waiting", count.waiting);
        if let Some(oldest) = count.oldest {
            let _ = write!(text, ", the oldest for {} s", now.seconds_since(oldest).max(0));
        }
        let _ = writeln!(text, "; {} given up", count.given_up);
    }
    let given_up = view.list_given_up_messages("", LISTED).await?;
    text.extend(given_up.iter().map(line));
    if given_up.len() >= LISTED as usize {
        text.push_str("(only the first are listed)\n");
    }
    Ok(text)
}

/// What a list shows of a message that was given up.
fn line(message: &GivenUp) -> String {
    let GivenUp { id, user_pool_id, medium, created_at, attempts, failure } = message;
    let made = jiff::Timestamp::from_second(created_at.seconds());
    let made = made.map_or_else(|_| String::new(), |made| made.to_string());
    format!("{id}  {made}  {user_pool_id}  {medium}  tries: {attempts}  {failure}\n")
}

/// What is to be done with messages that were given up.
#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Drop,
}

/// Does it to one message or to all; answers to how many.
async fn for_each(store: &SqlStore, id: Option<&str>, deed: Deed) -> Outcome<u64> {
    if let Some(id) = id {
        return Ok(u64::from(one(store, id, deed).await?));
    }
    let (mut count, mut after) = (0, String::new());
    loop {
        let page = store.read().await?.list_given_up_messages(&after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after.clone_from(&last.id);
        for message in &page {
            count += u64::from(one(store, &message.id, deed).await?);
        }
    }
}

async fn one(store: &SqlStore, id: &str, deed: Deed) -> Result<bool, Fault> {
    let work = || async {
        let mut tx = store.write().await?;
        let was_there = match deed {
            Deed::Retry => tx.retry_message(id, SystemClock.now()).await?,
            Deed::Drop => tx.delete_message(id).await?,
        };
        tx.commit().await?;
        Ok(was_there)
    };
    retrying(work).await
}

fn told(id: Option<&str>, count: u64, what: &str) -> Outcome<String> {
    match id {
        Some(id) if count == 0 => Err(format!("there is no such message: {id}").into()),
        _ => Ok(format!("{count} messages {what}.\n")),
    }
}
