//! What the sweep has to catch up with, and writes that meet the deletion of what they belong to.

use poolhouse_domain::{
    branding::classic::UiCustomization,
    devices::{Device, DeviceVerifier},
    sessions::tracking::{SessionKind, UserSession, admit, session_id},
    shapes::{AuthEventType, CreateTermsRequest, EventResponseType, EventType},
    terms,
    threat_protection::AuthEvent,
};
use zeroize::Zeroizing;

use super::*;

on_every_engine! {
    many_deleted_owners_are_swept_without_a_pause,
    a_user_who_is_gone_gets_no_session,
    a_user_who_is_deleted_meanwhile_is_in_no_group,
    a_user_who_is_deleted_meanwhile_leaves_no_session_and_no_device,
    a_user_who_is_gone_gets_no_event,
    images_of_a_deleted_pool_go_in_small_batches,
    a_pool_that_is_gone_cannot_be_held,
    the_last_free_place_of_a_pool_is_given_once,
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

fn session(owner: u32) -> UserSession {
    UserSession {
        user_pool_id: POOL.to_owned(),
        sub: sub(owner),
        id: session_id(SessionKind::Token, &sub(owner)).unwrap(),
        kind: SessionKind::Token,
        slot: 0,
        client_id: "client".to_owned(),
        created_at: at(0),
        last_active_at: at(0),
        device: String::new(),
        address: None,
        origin_session_id: None,
        expires_at: at(1_000),
    }
}

fn device(owner: u32) -> Device {
    Device {
        user_pool_id: POOL.to_owned(),
        sub: sub(owner),
        key: "eu-central-1_a".to_owned(),
        name: None,
        is_remembered: false,
        verifier: DeviceVerifier { salt: vec![1], verifier: Zeroizing::new(vec![2]) },
        last_ip: None,
        waiting_session: None,
        created_at: at(0),
        modified_at: at(0),
        last_authenticated_at: at(0),
    }
}

async fn a_user_who_is_gone_gets_no_session(site: Site) {
    let store = site.open().await;
    admit(&store, &session(1), 3).await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_sessions(POOL, &sub(1)).await.unwrap(), []);
    let mut tx = store.write().await.unwrap();
    assert!(!tx.hold_user(POOL, &sub(1)).await.unwrap());
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    assert!(!tx.hold_user("other", &sub(1)).await.unwrap());
    assert!(tx.hold_user(POOL, &sub(1)).await.unwrap());
    assert_eq!(tx.user_by_sub(POOL, &sub(1)).await.unwrap(), Some(user(1)), "as it was");
}

async fn a_user_who_is_deleted_meanwhile_leaves_no_session_and_no_device(site: Site) {
    let store = site.open().await;
    for number in 0..10 {
        insert(&store, &user(number), &[]).await.unwrap();
    }
    together(30, |number| {
        let (store, owner) = (store.clone(), number / 3);
        async move {
            match number % 3 {
                0 => persistently!(store, tx => tx.delete_user(POOL, &sub(owner)).await),
                1 => while admit(&store, &session(owner), 3).await.is_err() {},
                _ => persistently!(store, tx => match tx.hold_user(POOL, &sub(owner)).await {
                    Ok(true) => tx.insert_device(&device(owner)).await.map(drop),
                    held => held.map(drop),
                }),
            }
        }
    })
    .await;
    let mut view = store.read().await.unwrap();
    for number in 0..10 {
        assert_eq!(view.user_sessions(POOL, &sub(number)).await.unwrap(), []);
        assert_eq!(view.device(POOL, &sub(number), "eu-central-1_a").await.unwrap(), None);
    }
}

async fn a_user_who_is_deleted_meanwhile_is_in_no_group(site: Site) {
    let store = site.open().await;
    let group = group("a");
    let mut tx = store.write().await.unwrap();
    tx.insert_group(&group).await.unwrap();
    tx.commit().await.unwrap();
    for number in 0..10 {
        insert(&store, &user(number), &[]).await.unwrap();
    }
    together(20, |number| {
        let (store, group, owner) = (store.clone(), group.clone(), number / 2);
        async move {
            if number % 2 == 0 {
                persistently!(store, tx => tx.delete_user(POOL, &sub(owner)).await);
            } else {
                persistently!(store, tx => match tx.hold_user(POOL, &sub(owner)).await {
                    Ok(true) => tx.insert_member(&group, &sub(owner)).await,
                    held => held.map(drop),
                });
            }
        }
    })
    .await;
    let mut view = store.read().await.unwrap();
    for number in 0..10 {
        assert_eq!(view.groups_of_user(POOL, &sub(number)).await.unwrap(), []);
    }
}

async fn a_user_who_is_gone_gets_no_event(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for number in [1, 2] {
        let user = user(number);
        tx.insert_user(&user, &user.username, &[]).await.unwrap().unwrap();
    }
    tx.put_auth_event(&event(1, 1)).await.unwrap();
    tx.delete_user(POOL, &sub(2)).await.unwrap();
    tx.put_auth_event(&event(2, 1)).await.unwrap();
    assert_eq!(tx.list_auth_events(POOL, &sub(1), None, 9).await.unwrap(), [event(1, 1)]);
    assert_eq!(tx.list_auth_events(POOL, &sub(2), None, 9).await.unwrap(), []);
    // The first event of a sign-in that went on while the user was deleted.
    tx.insert_user(&user(2), "user2", &[]).await.unwrap().unwrap();
    tx.put_auth_event(&event(2, 1)).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(1)).await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.list_auth_events(POOL, &sub(2), None, 9).await.unwrap(), []);
    assert_eq!(view.list_auth_events(POOL, &sub(1), None, 9).await.unwrap().len(), 1);
}

async fn images_of_a_deleted_pool_go_in_small_batches(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    for number in 0..41 {
        let client_id = format!("client{number}");
        tx.insert_app_client(&client(&client_id, POOL)).await.unwrap();
        let (css, logo) = (None, None);
        let (created_at, modified_at) = (at(0), at(0));
        let user_pool_id = POOL.to_owned();
        let images =
            UiCustomization { user_pool_id, client_id, css, logo, created_at, modified_at };
        tx.put_ui_customization(&images).await.unwrap();
    }
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sweeps(&store, 1, 2).await, [true, false]);
}

async fn a_pool_that_is_gone_cannot_be_held(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.hold_user_pool(POOL).await.unwrap();
    assert_eq!(tx.user_pool(POOL).await.unwrap(), Some(pool(POOL)), "as it was");
    tx.delete_user_pool(POOL).await.unwrap();
    for id in [POOL, "other"] {
        let held = tx.hold_user_pool(id).await;
        assert!(matches!(held, Err(Fault::Conflict(_))), "{held:?}");
    }
}

async fn the_last_free_place_of_a_pool_is_given_once(site: Site) {
    let store = site.open().await;
    let request = |number: u32| CreateTermsRequest {
        user_pool_id: POOL.to_owned(),
        client_id: format!("client{number}").into(),
        terms_name: "terms-of-use".to_owned(),
        links: Some([("cognito:default".to_owned(), "https://example.com".to_owned())].into()),
        ..CreateTermsRequest::default()
    };
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    for number in 0..47 {
        tx.insert_app_client(&client(&format!("client{number}"), POOL)).await.unwrap();
    }
    for number in 0..39 {
        terms::create(&mut *tx, request(number), &Noise, at(0)).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();
    let mut first = store.write().await.unwrap();
    // On SQLite the second would wait here for the first.
    if matches!(site, Site::Postgres(_)) {
        let mut second = store.write().await.unwrap();
        assert_eq!(second.count_terms(POOL).await.unwrap(), 39);
        terms::create(&mut *first, request(39), &Noise, at(0)).await.unwrap().unwrap();
        first.commit().await.unwrap();
        let late = terms::create(&mut *second, request(40), &Noise, at(0)).await;
        assert!(matches!(late, Err(Fault::Conflict(_))), "{late:?}");
    } else {
        terms::create(&mut *first, request(39), &Noise, at(0)).await.unwrap().unwrap();
        first.commit().await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    terms::create(&mut *tx, request(41), &Noise, at(0)).await.unwrap().unwrap_err();
    assert_eq!(store.read().await.unwrap().count_terms(POOL).await.unwrap(), 40);
}
