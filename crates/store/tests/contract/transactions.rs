//! Views and transactions, and connections that are lost.

use super::*;

on_every_engine! {
    what_is_not_committed_is_gone,
    a_view_for_reading_refuses_writes,
    a_single_write_needs_no_commit_and_stays_single,
    texts_that_postgres_cannot_store_do_no_harm,
    reads_see_what_others_commit,
}

on_durable_engines! { durable:
    cancelled_requests_do_not_harm_later_ones,
}

async fn what_is_not_committed_is_gone(site: Site) {
    let store = site.open().await;
    for _ in 0..20 {
        let mut tx = store.write().await.unwrap();
        tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
        drop(tx);
    }
    assert_eq!(by_sub(&store, 1).await, None);
    insert(&store, &user(1), &[]).await.unwrap();
}

async fn a_view_for_reading_refuses_writes(site: Site) {
    let store = site.open().await;
    let mut view = store.read().await.unwrap();
    let outcome = view.spend("id", at(0), at(1)).await;
    assert!(matches!(outcome, Err(Fault::Broken { .. })), "{outcome:?}");
    assert_eq!(view.spent_at("id").await.unwrap(), None);
    view.commit().await.unwrap();
}

async fn a_single_write_needs_no_commit_and_stays_single(site: Site) {
    let store = site.open().await;
    let mut once = store.write_once().await.unwrap();
    assert_eq!(once.spent_at("one").await.unwrap(), None);
    assert_eq!(once.spend("one", at(0), at(9)).await.unwrap(), None);
    assert_eq!(once.spent_at("one").await.unwrap(), Some(at(0)));
    let second = once.spend("two", at(0), at(9)).await;
    assert!(matches!(second, Err(Fault::Broken { .. })), "{second:?}");
    drop(once);
    let mut view = store.read().await.unwrap();
    assert_eq!(view.spent_at("one").await.unwrap(), Some(at(0)));
    assert_eq!(view.spent_at("two").await.unwrap(), None);
    // Whoever comes second still learns of the first.
    let mut again = store.write_once().await.unwrap();
    assert_eq!(again.spend("one", at(5), at(9)).await.unwrap(), Some(at(0)));
    again.commit().await.unwrap();
    // And the place to write is free again.
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.spend("two", at(0), at(9)).await.unwrap(), None);
    tx.commit().await.unwrap();
}

async fn texts_that_postgres_cannot_store_do_no_harm(site: Site) {
    let store = site.open().await;
    let odd = with(user(1), &[("name", "a\0b")]);
    insert(&store, &odd, &[alias("preferred_username", "a\0b")]).await.unwrap();
    assert_eq!(by_sub(&store, 1).await, Some(odd));
    assert_eq!(by_alias(&store, "a\0b").await.as_deref(), Some("user1"));
    let filter = filter(SearchField::Name, "a\0b", false);
    assert_eq!(page(&store, Some(&filter), None, 9).await.len(), 1);
}

async fn reads_see_what_others_commit(site: Site) {
    let store = site.open().await;
    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap(), None);
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(view.user_by_sub(POOL, &sub(1)).await.unwrap().is_some());
}

async fn cancelled_requests_do_not_harm_later_ones(site: Site) {
    let store = site.open().await;
    for number in 0..50 {
        let request = async {
            let mut tx = store.write().await.unwrap();
            for step in 0..50 {
                tx.spend(&format!("{number}-{step}"), at(0), at(1)).await.unwrap();
            }
        };
        let polls = number % 10 + 1;
        cancelled_after(polls, request).await;
    }
    insert(&store, &user(1), &[]).await.unwrap();
    let mut view = store.read().await.unwrap();
    for number in 0..50 {
        assert_eq!(view.spent_at(&format!("{number}-0")).await.unwrap(), None);
    }
}

/// Polls a future some times and drops it.
async fn cancelled_after(polls: u32, future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left = left.saturating_sub(1);
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced() {
    let Some(Site::Postgres(database)) = Site::postgres().await else {
        return;
    };
    let site = Site::Postgres(database);
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    let Site::Postgres(database) = &site else {
        return;
    };
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '{}' AND pid <> pg_backend_pid()";
    database.administer(kill).await;
    assert!(by_sub(&store, 1).await.is_some(), "a read runs again on a new connection");
    database.administer(kill).await;
    insert(&store, &user(2), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(3), "user3", &[]).await.unwrap().unwrap();
    database.administer(kill).await;
    assert!(tx.commit().await.is_err(), "what was open is lost");
    assert_eq!(by_sub(&store, 3).await, None);
    insert(&store, &user(3), &[]).await.unwrap();
}
