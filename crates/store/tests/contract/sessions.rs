//! User sessions, and the settings about them.

use poolhouse_domain::sessions::tracking::{
    Activity, SessionKind, SessionSettings, UserSession, admit, session_id,
};

use super::*;

on_every_engine! {
    settings_about_sessions_are_kept,
    sessions_come_back_as_they_were_stored,
    one_of_many_gets_a_slot,
    the_maximum_holds_when_sign_ins_meet,
    the_least_recently_used_session_makes_room_and_its_tokens_die,
    expired_sessions_make_room_first_and_are_swept,
    sessions_go_with_their_user_and_pool,
}

/// The `origin_jti` of the session with this number.
fn origin(number: u32) -> String {
    format!("{number:08x}-2222-4222-8333-444455556666")
}

fn session(number: u32, slot: i32) -> UserSession {
    UserSession {
        user_pool_id: POOL.to_owned(),
        sub: sub(1),
        id: session_id(SessionKind::Token, &origin(number)).unwrap(),
        kind: SessionKind::Token,
        slot,
        client_id: "client".to_owned(),
        created_at: at(number.into()),
        last_active_at: at(number.into()),
        device: "Größe 漢字".to_owned(),
        address: Some("2001:db8::1".to_owned()),
        origin_session_id: None,
        expires_at: at(1_000),
    }
}

async fn stored(store: &SqlStore, number: u32) -> Vec<UserSession> {
    let mut view = store.read().await.unwrap();
    let mut sessions = view.user_sessions(POOL, &sub(number)).await.unwrap();
    sessions.sort_by_key(|session| session.created_at);
    sessions
}

async fn is_revoked(store: &SqlStore, number: u32) -> bool {
    let mut view = store.read().await.unwrap();
    let found = view.user_of_sign_in(POOL, &sub(1), &origin(number)).await.unwrap();
    found.unwrap().1
}

async fn settings_about_sessions_are_kept(site: Site) {
    let store = site.open().await;
    let (mut pool, mut client) = (pool(POOL), client("client", POOL));
    pool.sessions = SessionSettings { is_tracking: true, max_per_user: 7 };
    client.sso_minutes = Some(129_600);
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool).await.unwrap();
    tx.insert_app_client(&client).await.unwrap();
    assert_eq!(tx.user_pool(POOL).await.unwrap().as_ref(), Some(&pool));
    assert_eq!(tx.app_client("client").await.unwrap().as_ref(), Some(&client));
    pool.sessions = SessionSettings { is_tracking: false, max_per_user: 100 };
    client.sso_minutes = Some(0);
    tx.update_user_pool(&mut pool).await.unwrap();
    tx.update_app_client(&mut client).await.unwrap();
    assert_eq!(tx.list_user_pools(None, 9).await.unwrap(), [pool]);
    assert_eq!(tx.list_app_clients(POOL, None, 9).await.unwrap(), [client]);
}

async fn sessions_come_back_as_they_were_stored(site: Site) {
    let store = site.open().await;
    let mut first = session(1, 1);
    let sso = UserSession {
        id: session_id(SessionKind::Sso, &origin(1)).unwrap(),
        kind: SessionKind::Sso,
        created_at: at(2),
        address: None,
        ..session(1, 1)
    };
    let second = UserSession { origin_session_id: Some(sso.id.clone()), ..session(3, 2) };
    let foreign = UserSession { sub: sub(2), ..session(1, 1) };
    let mut tx = store.write().await.unwrap();
    for session in [&first, &sso, &second, &foreign] {
        assert!(tx.insert_user_session(session).await.unwrap());
    }
    let activity = Activity { at: at(50), device: "other".to_owned(), address: None };
    tx.touch_user_session(POOL, &sub(1), &first.id, &activity).await.unwrap();
    tx.touch_user_session(POOL, &sub(1), "tknnothing", &activity).await.unwrap();
    tx.commit().await.unwrap();
    first.last_active_at = activity.at;
    first.device = activity.device;
    first.address = activity.address;
    assert_eq!(stored(&store, 1).await, [first.clone(), sso.clone(), second]);

    let mut tx = store.write().await.unwrap();
    assert!(tx.delete_user_session(POOL, &sub(1), &first.id).await.unwrap());
    assert!(!tx.delete_user_session(POOL, &sub(1), &first.id).await.unwrap());
    tx.delete_token_sessions(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored(&store, 1).await, [sso]);
    let mut tx = store.write().await.unwrap();
    tx.delete_user_sessions(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored(&store, 1).await, []);
    assert_eq!(stored(&store, 2).await, [foreign]);
}

async fn one_of_many_gets_a_slot(site: Site) {
    let store = site.open().await;
    let outcomes = together(8, |number| {
        let store = store.clone();
        async move { persistently!(store, tx => tx.insert_user_session(&session(number, 1)).await) }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|is_stored| *is_stored).count(), 1);
    assert_eq!(stored(&store, 1).await.len(), 1);
}

async fn the_maximum_holds_when_sign_ins_meet(site: Site) {
    const SIGN_INS: u32 = 16;
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    together(SIGN_INS, |number| {
        let store = store.clone();
        async move {
            // What a sign-in does after more conflicts than it puts up with: it fails.
            while let Err(fault) = admit(&store, &session(number, 0), 3).await {
                assert!(matches!(fault, Fault::Conflict(_)), "{fault:?}");
            }
        }
    })
    .await;
    let kept = stored(&store, 1).await;
    let mut slots: Vec<_> = kept.iter().map(|session| session.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, [1, 2, 3]);
    for number in 0..SIGN_INS {
        let is_kept = kept.iter().any(|kept| kept.id == session(number, 0).id);
        assert_eq!(is_revoked(&store, number).await, !is_kept, "{number}");
    }
}

async fn the_least_recently_used_session_makes_room_and_its_tokens_die(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    for number in [1, 2, 3] {
        admit(&store, &session(number, 0), 3).await.unwrap();
    }
    let activity = Activity { at: at(10), device: "other".to_owned(), address: None };
    let first = session(1, 0).id;
    persistently!(store, tx => tx.touch_user_session(POOL, &sub(1), &first, &activity).await);
    admit(&store, &session(4, 0), 3).await.unwrap();
    let ids = |sessions: Vec<UserSession>| -> Vec<i64> {
        sessions.iter().map(|session| session.created_at.seconds_since(at(0))).collect()
    };
    assert_eq!(ids(stored(&store, 1).await), [1, 3, 4]);
    assert!(is_revoked(&store, 2).await && !is_revoked(&store, 1).await);
    admit(&store, &session(5, 0), 2).await.unwrap();
    assert_eq!(ids(stored(&store, 1).await), [1, 5], "two had to go");
    assert!(is_revoked(&store, 3).await && is_revoked(&store, 4).await);
}

async fn expired_sessions_make_room_first_and_are_swept(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    let over = UserSession { expires_at: at(5), last_active_at: at(4), ..session(3, 0) };
    admit(&store, &session(1, 0), 2).await.unwrap();
    admit(&store, &over, 2).await.unwrap();
    admit(&store, &session(6, 0), 2).await.unwrap();
    assert_eq!(stored(&store, 1).await, [session(1, 1), session(6, 2)]);
    assert!(!is_revoked(&store, 1).await);
    store.sweep(at(1_299)).await.unwrap();
    assert_eq!(stored(&store, 1).await.len(), 2);
    store.sweep(at(1_300)).await.unwrap();
    assert!(stored(&store, 1).await.is_empty());
}

async fn sessions_go_with_their_user_and_pool(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.commit().await.unwrap();
    for number in [1, 2] {
        insert(&store, &user(number), &[]).await.unwrap();
        let session = UserSession { sub: sub(number), ..session(number, 0) };
        admit(&store, &session, 3).await.unwrap();
    }
    persistently!(store, tx => tx.delete_user(POOL, &sub(1)).await);
    assert!(stored(&store, 1).await.is_empty());
    assert_eq!(stored(&store, 2).await.len(), 1);
    persistently!(store, tx => tx.delete_user_pool(POOL).await);
    store.sweep(at(1)).await.unwrap();
    assert!(stored(&store, 2).await.is_empty());
}
