//! Messages that wait to be sent.

use std::collections::BTreeSet;

use poolhouse_domain::messages::{
    Medium, Message, MessageKind, Route, SmsSettings,
    outbox::{Lease, Taken},
};

use super::*;

on_every_engine! {
    a_message_is_taken_whole_and_by_one_courier_only,
    a_lease_that_ends_lets_another_courier_take_over,
    who_lost_the_lease_changes_nothing,
    a_server_of_its_own_takes_at_once_what_its_former_process_had_taken,
    pools_can_be_skipped,
    those_that_wait_longest_are_taken_first_each_medium_for_itself,
    many_couriers_take_each_message_once,
    what_was_given_up_is_shown_and_can_be_tried_again,
    messages_go_with_their_user_and_their_pool,
    what_is_of_no_use_any_more_is_swept,
    messages_to_nobody_are_swept_at_their_end,
}

on_durable_engines! { durable: a_thief_finds_no_codes, what_cannot_be_opened_is_taken_without_its_text }

fn message(seconds: i64) -> Message {
    Message {
        user_pool_id: POOL.to_owned(),
        sub: sub(1),
        username: "ada".to_owned(),
        kind: MessageKind::SignUp,
        medium: Medium::Email,
        destination: "ada@example.com".to_owned(),
        subject: Some("Größe".to_owned()),
        body: "Code 987612".to_owned(),
        code: "987612".to_owned(),
        from: Some("a@b.c".to_owned()),
        reply_to: None,
        sms: SmsSettings::default(),
        invocation: None,
        at: at(seconds),
        expires_at: at(seconds + 600),
    }
}

async fn put(store: &SqlStore, id: &str, message: &Message) {
    let mut tx = store.write().await.unwrap();
    tx.insert_message(id, message).await.unwrap();
    tx.commit().await.unwrap();
}

async fn take(store: &SqlStore, route: Route, courier: &str, now: i64, limit: u32) -> Vec<Taken> {
    let mut tx = store.write().await.unwrap();
    let lease = Lease { courier, until: at(now + 30) };
    let taken = tx.take_messages(route, &[], lease, at(now), limit).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

fn ids(taken: &[Taken]) -> Vec<&str> {
    taken.iter().map(|taken| taken.id.as_str()).collect()
}

async fn is_due(store: &SqlStore, now: i64) -> bool {
    store.read().await.unwrap().has_due_message(Route::Email, &[], at(now)).await.unwrap()
}

async fn a_message_is_taken_whole_and_by_one_courier_only(site: Site) {
    let store = site.open().await;
    assert!(!is_due(&store, 100).await);
    put(&store, "m", &message(100)).await;
    let mut tx = store.write().await.unwrap();
    let again = tx.insert_message("m", &message(7)).await;
    assert!(matches!(again, Err(Fault::Conflict(_))));
    drop(tx);
    assert!(is_due(&store, 100).await && !is_due(&store, 99).await);
    let taken = take(&store, Route::Email, "a", 100, 5).await;
    assert_eq!(ids(&taken), ["m"]);
    assert!(taken[0].message.as_ref() == Some(&message(100)));
    assert_eq!((taken[0].attempts, taken[0].sub.as_str()), (1, sub(1).as_str()));
    assert_eq!(taken[0].user_pool_id, POOL);
    assert!(!is_due(&store, 129).await);
    assert!(take(&store, Route::Email, "b", 129, 5).await.is_empty());
    let mut tx = store.write().await.unwrap();
    assert!(tx.delete_message("m").await.unwrap());
    assert!(!tx.delete_message("m").await.unwrap());
    tx.commit().await.unwrap();
    assert!(!is_due(&store, 1_000).await);
}

async fn a_lease_that_ends_lets_another_courier_take_over(site: Site) {
    let store = site.open().await;
    put(&store, "m", &message(0)).await;
    take(&store, Route::Email, "a", 0, 1).await;
    let mut tx = store.write().await.unwrap();
    let lease = Lease { courier: "a", until: at(50) };
    assert!(tx.renew_message_lease("m", lease).await.unwrap());
    let foreign = Lease { courier: "b", until: at(500) };
    assert!(!tx.renew_message_lease("m", foreign).await.unwrap());
    tx.commit().await.unwrap();
    assert!(take(&store, Route::Email, "b", 49, 1).await.is_empty());
    let taken = take(&store, Route::Email, "b", 50, 1).await;
    assert_eq!(taken[0].attempts, 2);
}

async fn a_server_of_its_own_takes_at_once_what_its_former_process_had_taken(site: Site) {
    let store = site.open().await;
    put(&store, "taken", &message(0)).await;
    put(&store, "later", &message(9)).await;
    take(&store, Route::Email, "former", 0, 1).await;
    store.release_messages(at(1)).await.unwrap();
    let taken = take(&store, Route::Email, "new", 1, 9).await;
    // Another node may be at work.
    let is_shared = matches!(site, Site::Postgres(_));
    let expected: &[&str] = if is_shared { &[] } else { &["taken"] };
    assert_eq!(ids(&taken), expected);
}

async fn who_lost_the_lease_changes_nothing(site: Site) {
    let store = site.open().await;
    put(&store, "m", &message(0)).await;
    take(&store, Route::Email, "a", 0, 1).await;
    take(&store, Route::Email, "b", 30, 1).await;
    let mut tx = store.write().await.unwrap();
    tx.postpone_message("m", "a", at(1), "late").await.unwrap();
    tx.give_message_up("m", "a", "late").await.unwrap();
    tx.commit().await.unwrap();
    assert!(!is_due(&store, 59).await);
    let mut tx = store.write().await.unwrap();
    tx.postpone_message("m", "b", at(40), "busy").await.unwrap();
    tx.commit().await.unwrap();
    assert!(is_due(&store, 40).await && !is_due(&store, 39).await);
}

async fn those_that_wait_longest_are_taken_first_each_medium_for_itself(site: Site) {
    let store = site.open().await;
    for (id, seconds) in [("x", 3), ("y", 1), ("z", 2)] {
        put(&store, id, &message(seconds)).await;
    }
    put(&store, "sms", &Message { medium: Medium::Sms, ..message(0) }).await;
    let mut taken = take(&store, Route::Email, "a", 9, 2).await;
    taken.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ids(&taken), ["y", "z"]);
    assert_eq!(ids(&take(&store, Route::Sms, "a", 9, 9).await), ["sms"]);
    assert_eq!(ids(&take(&store, Route::Email, "a", 9, 9).await), ["x"]);
}

async fn pools_can_be_skipped(site: Site) {
    let store = site.open().await;
    put(&store, "one", &message(0)).await;
    put(&store, "other", &Message { user_pool_id: "eu-west-1_Other".into(), ..message(1) }).await;
    let mut view = store.read().await.unwrap();
    let both = [POOL, "eu-west-1_Other"];
    for (skipped, expected) in [(&both[..], false), (&both[..1], true), (&["eu-west-1_o"], true)] {
        let is_due = view.has_due_message(Route::Email, skipped, at(9)).await.unwrap();
        assert_eq!(is_due, expected, "{skipped:?}");
    }
    let mut tx = store.write().await.unwrap();
    let lease = Lease { courier: "a", until: at(30) };
    let taken = tx.take_messages(Route::Email, &both[..1], lease, at(9), 9).await.unwrap();
    assert_eq!(ids(&taken), ["other"]);
    let taken = tx.take_messages(Route::Email, &["eu-west-1_o"], lease, at(9), 9).await.unwrap();
    assert_eq!(ids(&taken), ["one"]);
    tx.commit().await.unwrap();
}

async fn many_couriers_take_each_message_once(site: Site) {
    let store = site.open().await;
    for number in 0..20 {
        put(&store, &format!("m{number}"), &message(0)).await;
    }
    let couriers = (0..4).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let courier = format!("c{number}");
            let lease = Lease { courier: &courier, until: at(30) };
            let mut all = Vec::new();
            loop {
                let taken: Vec<Taken> = persistently!(store, tx =>
                    tx.take_messages(Route::Email, &[], lease, at(0), 3).await);
                if taken.is_empty() {
                    return all;
                }
                all.extend(taken.into_iter().map(|taken| taken.id));
            }
        })
    });
    let mut all = Vec::new();
    for courier in couriers.collect::<Vec<_>>() {
        all.extend(courier.await.unwrap());
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (20, 20));
}

async fn what_was_given_up_is_shown_and_can_be_tried_again(site: Site) {
    let store = site.open().await;
    let nobodys = Message { sub: String::new(), ..message(1) };
    for (id, message) in [("a", &message(5)), ("b", &message(3)), ("n", &nobodys)] {
        put(&store, id, message).await;
    }
    let mut view = store.read().await.unwrap();
    let counted = view.waiting_messages(Route::Email).await.unwrap();
    assert_eq!((counted.waiting, counted.oldest, counted.given_up), (2, Some(at(3)), 0));
    let none = view.waiting_messages(Route::Sms).await.unwrap();
    assert_eq!((none.waiting, none.oldest, none.given_up), (0, None, 0));
    take(&store, Route::Email, "c", 9, 9).await;
    let mut tx = store.write().await.unwrap();
    for id in ["a", "b"] {
        tx.give_message_up(id, "c", "550 no").await.unwrap();
    }
    tx.commit().await.unwrap();
    let counted = view.waiting_messages(Route::Email).await.unwrap();
    assert_eq!((counted.waiting, counted.given_up), (0, 2));
    let shown = view.list_given_up_messages("", 1).await.unwrap();
    assert_eq!((shown.len(), shown[0].id.as_str(), shown[0].attempts), (1, "a", 1));
    assert_eq!((shown[0].failure.as_str(), shown[0].medium.as_str()), ("550 no", "EMAIL"));
    assert_eq!((shown[0].user_pool_id.as_str(), shown[0].created_at), (POOL, at(5)));
    assert_eq!(view.list_given_up_messages("a", 9).await.unwrap()[0].id, "b");
    assert!(!is_due(&store, 29).await, "a message that was given up is tried");
    let mut tx = store.write().await.unwrap();
    assert!(tx.retry_message("a", at(20)).await.unwrap());
    assert!(!tx.retry_message("a", at(20)).await.unwrap());
    tx.commit().await.unwrap();
    let taken = take(&store, Route::Email, "c", 20, 9).await;
    assert_eq!((ids(&taken), taken[0].attempts), (vec!["a"], 1));
}

async fn messages_go_with_their_user_and_their_pool(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.commit().await.unwrap();
    insert(&store, &user(1), &[]).await.unwrap();
    put(&store, "hers", &message(0)).await;
    put(&store, "other", &Message { sub: sub(2), ..message(0) }).await;
    put(&store, "far", &Message { user_pool_id: "far".to_owned(), ..message(0) }).await;
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut left = take(&store, Route::Email, "a", 9, 9).await;
    left.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ids(&left), ["far", "other"]);
    let mut tx = store.write().await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    while store.sweep(at(10)).await.unwrap() {}
    assert_eq!(ids(&take(&store, Route::Email, "a", 100, 9).await), ["far"]);
}

async fn what_is_of_no_use_any_more_is_swept(site: Site) {
    let store = site.open().await;
    put(&store, "short", &message(0)).await;
    let long = Message { expires_at: at(400 * 86_400), ..message(0) };
    put(&store, "long", &long).await;
    while store.sweep(at(600 + 3_600)).await.unwrap() {}
    assert_eq!(take(&store, Route::Email, "a", 0, 9).await.len(), 2, "swept too early");
    while store.sweep(at(600 + 2 * 3_600)).await.unwrap() {}
    assert_eq!(ids(&take(&store, Route::Email, "a", 100, 9).await), ["long"]);
    while store.sweep(at(3 * 86_400 + 2 * 3_600)).await.unwrap() {}
    assert!(take(&store, Route::Email, "a", 200, 9).await.is_empty());
}

async fn messages_to_nobody_are_swept_at_their_end(site: Site) {
    let store = site.open().await;
    put(&store, "m", &Message { sub: String::new(), ..message(0) }).await;
    while store.sweep(at(600 + 299)).await.unwrap() {}
    assert!(is_due(&store, 1_000).await, "swept too early");
    while store.sweep(at(600 + 300)).await.unwrap() {}
    assert!(!is_due(&store, 1_000).await);
}

async fn a_thief_finds_no_codes(site: Site) {
    let store = site.open().await;
    put(&store, "m", &message(0)).await;
    let loot = site.loot().await;
    let holds = |text: &str| loot.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("outbox") || holds(POOL));
    assert!(!holds("987612") && !holds("ada@example.com") && !holds("Code "));
}

async fn what_cannot_be_opened_is_taken_without_its_text(site: Site) {
    let store = site.open().await;
    put(&store, "broken", &message(0)).await;
    put(&store, "good", &message(1)).await;
    site.raw("UPDATE outbox SET id = 'moved' WHERE id = 'broken'").await;
    let mut taken = take(&store, Route::Email, "a", 9, 9).await;
    taken.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ids(&taken), ["good", "moved"]);
    assert!(taken[0].message.is_some() && taken[1].message.is_none());
}
