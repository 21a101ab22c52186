//! What the sweep has to catch up with, and writes that meet the deletion of what they belong to.

use poolhouse_domain::shapes::{AuthEventType, EventResponseType, EventType};
use poolhouse_domain::threat_protection::AuthEvent;

use super::*;

on_every_engine! {
    many_deleted_owners_are_swept_without_a_pause,
}

fn event(owner: u32, number: u32) -> AuthEvent {
    AuthEvent {
        user_pool_id: POOL.to_owned(),
        sub: sub(owner),
        at: at(0),
        shown: AuthEventType {
            event_id: Some(format!("{number:08}-event")),
            event_type: Some(EventType::SignIn),
            event_response: Some(EventResponseType::Pass),
            ..AuthEventType::default()
        },
    }
}

async fn sweeps(store: &SqlStore, now: i64, count: usize) -> Vec<bool> {
    let mut answers = Vec::new();
    for _ in 0..count {
        answers.push(store.sweep(at(now)).await.unwrap());
    }
    answers
}

async fn many_deleted_owners_are_swept_without_a_pause(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for number in 0..150 {
        let user = user(number);
        tx.insert_user(&user, &user.username, &[]).await.unwrap().unwrap();
        tx.put_auth_event(&event(number, 1)).await.unwrap();
        tx.delete_user(POOL, &user.sub).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(sweeps(&store, 1, 3).await, [true, true, false], "dated, then waiting");
    assert_eq!(sweeps(&store, 61, 2).await, [true, false], "forgotten");

    let mut tx = store.write().await.unwrap();
    for number in 0..150 {
        let group = group(&number.to_string());
        assert!(tx.insert_group(&group).await.unwrap());
        tx.delete_group(&group, at(100)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(sweeps(&store, 101, 1).await, [false], "all wait");
    assert_eq!(sweeps(&store, 160, 2).await, [true, false]);

    let mut tx = store.write().await.unwrap();
    for number in 0..150 {
        tx.insert_import_upload(POOL, &number.to_string(), at(200)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(sweeps(&store, 200, 2).await, [true, false]);
}
