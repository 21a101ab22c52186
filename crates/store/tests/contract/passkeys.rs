//! Passkeys and started registrations.

use poolhouse_domain::passkeys::{Passkey, PendingRegistration};

use super::{Fault, POOL, Site, Store, User, at, insert, pool, sub, user};

on_every_engine! {
    passkeys_come_oldest_first_and_are_known_by_their_id,
    a_sign_count_is_stored_once,
    a_started_registration_replaces_the_one_before_and_is_used_once,
    passkeys_go_with_their_user_and_their_pool,
    the_sweep_forgets_registrations_that_nobody_completed,
}

fn passkey(owner: &User, id: &str, created: i64) -> Passkey {
    Passkey {
        user_pool_id: POOL.to_owned(),
        sub: owner.sub.clone(),
        credential_id: id.to_owned(),
        relying_party_id: "example.com".to_owned(),
        public_key: vec![1, 2, 3, 0],
        sign_count: 7,
        attachment: Some("platform".to_owned()),
        transports: vec!["internal".to_owned(), "hybrid".to_owned()],
        friendly_name: "iCloud Keychain".to_owned(),
        created_at: at(created),
    }
}

fn pending(owner: &User, client: &str, challenge: u8) -> PendingRegistration {
    PendingRegistration {
        user_pool_id: POOL.to_owned(),
        sub: owner.sub.clone(),
        client_id: client.to_owned(),
        challenge: [challenge; 16],
        expires_at: at(60),
    }
}

async fn passkeys_come_oldest_first_and_are_known_by_their_id(site: Site) {
    let store = site.open().await;
    let (ada, bob) = (user(1), user(2));
    // As long as ids can be.
    let longest = "x".repeat(1_364);
    let plain = Passkey { attachment: None, transports: vec![], ..passkey(&ada, &longest, 1) };
    let mut tx = store.write().await.unwrap();
    for new in [&passkey(&ada, "b", 2), &plain, &passkey(&ada, "a", 2), &passkey(&bob, "c", 0)] {
        assert!(tx.insert_passkey(new).await.unwrap());
    }
    assert!(!tx.insert_passkey(&passkey(&bob, "a", 9)).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    let found = tx.passkeys_of_user(POOL, &ada.sub).await.unwrap();
    assert_eq!(found, [plain, passkey(&ada, "a", 2), passkey(&ada, "b", 2)]);
    assert_eq!(tx.passkeys_of_user(POOL, &bob.sub).await.unwrap(), [passkey(&bob, "c", 0)]);
    assert_eq!(tx.passkeys_of_user("eu-central-1_Another00", &bob.sub).await.unwrap(), []);
    assert!(!tx.delete_passkey(POOL, &ada.sub, "c").await.unwrap());
    assert!(tx.delete_passkey(POOL, &bob.sub, "c").await.unwrap());
    assert!(!tx.delete_passkey(POOL, &bob.sub, "c").await.unwrap());
    assert_eq!(tx.passkeys_of_user(POOL, &bob.sub).await.unwrap(), []);
}

async fn a_sign_count_is_stored_once(site: Site) {
    let store = site.open().await;
    let read = passkey(&user(1), "a", 0);
    let mut tx = store.write().await.unwrap();
    tx.insert_passkey(&read).await.unwrap();
    tx.update_sign_count(&read, u32::MAX).await.unwrap();
    let refused = tx.update_sign_count(&read, 8).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
    let stored = tx.passkeys_of_user(POOL, &read.sub).await.unwrap();
    assert_eq!(stored, [Passkey { sign_count: u32::MAX, ..read }]);
}

async fn a_started_registration_replaces_the_one_before_and_is_used_once(site: Site) {
    let store = site.open().await;
    let ada = user(1);
    let (first, second) = (pending(&ada, "one", 1), pending(&ada, "two", 2));
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.pending_passkey(POOL, &ada.sub).await.unwrap(), None);
    tx.put_pending_passkey(&first).await.unwrap();
    tx.put_pending_passkey(&second).await.unwrap();
    assert_eq!(tx.pending_passkey(POOL, &ada.sub).await.unwrap(), Some(second.clone()));
    assert!(matches!(tx.spend_pending_passkey(&first).await, Err(Fault::Conflict(_))));
    tx.spend_pending_passkey(&second).await.unwrap();
    assert!(matches!(tx.spend_pending_passkey(&second).await, Err(Fault::Conflict(_))));
    assert_eq!(tx.pending_passkey(POOL, &ada.sub).await.unwrap(), None);
}

async fn passkeys_go_with_their_user_and_their_pool(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.commit().await.unwrap();
    for number in [1, 2] {
        let owner = user(number);
        insert(&store, &owner, &[]).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let id = format!("key-{number}");
        assert!(tx.insert_passkey(&passkey(&owner, &id, 0)).await.unwrap());
        tx.put_pending_passkey(&pending(&owner, "client", 1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.passkeys_of_user(POOL, &sub(1)).await.unwrap(), []);
    assert_eq!(view.pending_passkey(POOL, &sub(1)).await.unwrap(), None);
    assert_eq!(view.passkeys_of_user(POOL, &sub(2)).await.unwrap().len(), 1);
    assert!(view.pending_passkey(POOL, &sub(2)).await.unwrap().is_some());

    let mut tx = store.write().await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    while store.sweep(at(0)).await.unwrap() {}
    assert_eq!(view.passkeys_of_user(POOL, &sub(2)).await.unwrap(), []);
    assert_eq!(view.pending_passkey(POOL, &sub(2)).await.unwrap(), None);
}

async fn the_sweep_forgets_registrations_that_nobody_completed(site: Site) {
    let store = site.open().await;
    let ada = user(1);
    let mut tx = store.write().await.unwrap();
    tx.put_pending_passkey(&pending(&ada, "client", 1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    while store.sweep(at(61)).await.unwrap() {}
    assert!(view.pending_passkey(POOL, &ada.sub).await.unwrap().is_some());
    while store.sweep(at(3_600)).await.unwrap() {}
    assert_eq!(view.pending_passkey(POOL, &ada.sub).await.unwrap(), None);
}
