//! Devices, on both engines.

use poolhouse_domain::{
    devices::{Device, DeviceVerifier},
    ports::Store,
};
use poolhouse_store::SqlStore;
use zeroize::Zeroizing;

use super::{POOL, Site, at, holds, insert, pool, sub, user};

on_every_engine! {
    a_device_comes_back_as_it_was_stored,
    devices_are_listed_by_key_and_by_owner,
    a_device_is_remembered_awaited_and_used,
    the_devices_used_longest_ago_are_trimmed,
    devices_go_with_their_user,
    devices_go_with_their_pool,
}

on_durable_engines! { durable:
    no_device_verifier_can_be_read_and_none_can_be_moved,
}

const OTHER_POOL: &str = "eu-central-1_Other";

fn device(number: u32, key: &str) -> Device {
    Device {
        user_pool_id: POOL.to_owned(),
        sub: sub(number),
        key: key.to_owned(),
        name: None,
        is_remembered: false,
        verifier: DeviceVerifier {
            salt: b"planted-salt".to_vec(),
            verifier: Zeroizing::new(b"planted-device-verifier".to_vec()),
        },
        last_ip: None,
        waiting_session: None,
        created_at: at(1),
        modified_at: at(2),
        last_authenticated_at: at(3),
    }
}

fn complete_device() -> Device {
    Device {
        name: Some("Größe \u{1F4F1}".to_owned()),
        is_remembered: true,
        last_ip: Some("2001:db8::7".to_owned()),
        waiting_session: Some("sealed".to_owned()),
        ..device(1, "eu-central-1_a")
    }
}

async fn put(store: &SqlStore, device: &Device) -> bool {
    let mut tx = store.write().await.unwrap();
    let stored = tx.insert_device(device).await.unwrap();
    tx.commit().await.unwrap();
    stored
}

async fn get(store: &SqlStore, number: u32, key: &str) -> Option<Device> {
    store.read().await.unwrap().device(POOL, &sub(number), key).await.unwrap()
}

async fn keys(store: &SqlStore, number: u32, only_remembered: bool) -> Vec<String> {
    let mut view = store.read().await.unwrap();
    let listed = view.list_devices(POOL, &sub(number), only_remembered, None, 100).await.unwrap();
    listed.into_iter().map(|device| device.key).collect()
}

async fn a_device_comes_back_as_it_was_stored(site: Site) {
    let store = site.open().await;
    for device in [complete_device(), device(1, "eu-central-1_b")] {
        assert!(put(&store, &device).await);
        assert_eq!(get(&store, 1, &device.key).await, Some(device));
    }
    let again = Device { name: Some("again".to_owned()), ..complete_device() };
    assert!(!put(&store, &again).await, "the key is taken");
    assert_eq!(get(&store, 1, "eu-central-1_a").await, Some(complete_device()));
    assert_eq!(get(&store, 2, "eu-central-1_a").await, None);
}

async fn devices_are_listed_by_key_and_by_owner(site: Site) {
    let store = site.open().await;
    for key in ["c", "a", "d", "b"] {
        let device = Device { is_remembered: key < "c", ..device(1, key) };
        assert!(put(&store, &device).await);
    }
    assert!(put(&store, &device(2, "z")).await);
    assert!(put(&store, &Device { user_pool_id: OTHER_POOL.to_owned(), ..device(1, "y") }).await);
    assert_eq!(keys(&store, 1, false).await, ["a", "b", "c", "d"]);
    assert_eq!(keys(&store, 1, true).await, ["a", "b"]);
    let mut view = store.read().await.unwrap();
    let page = view.list_devices(POOL, &sub(1), false, Some("a"), 2).await.unwrap();
    assert_eq!(page.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

async fn a_device_is_remembered_awaited_and_used(site: Site) {
    let store = site.open().await;
    let before = device(1, "a");
    assert!(put(&store, &before).await);
    assert!(put(&store, &device(1, "b")).await);
    let (owner, stranger) = (sub(1), sub(2));
    let mut tx = store.write().await.unwrap();
    assert!(tx.remember_device(POOL, &owner, "a", true, at(10)).await.unwrap());
    assert!(!tx.remember_device(POOL, &stranger, "a", true, at(10)).await.unwrap());
    tx.await_device(POOL, &owner, "a", "session").await.unwrap();
    tx.await_device(POOL, &stranger, "a", "nobody's").await.unwrap();
    tx.commit().await.unwrap();
    let waiting = Device {
        is_remembered: true,
        modified_at: at(10),
        waiting_session: Some("session".to_owned()),
        ..before
    };
    assert_eq!(get(&store, 1, "a").await, Some(waiting.clone()));
    let mut tx = store.write().await.unwrap();
    assert!(tx.use_device(POOL, &owner, "a", Some("192.0.2.1"), true, at(20)).await.unwrap());
    assert!(tx.use_device(POOL, &owner, "a", None, false, at(21)).await.unwrap());
    assert!(!tx.use_device(POOL, &stranger, "a", None, false, at(22)).await.unwrap());
    tx.commit().await.unwrap();
    let used = Device {
        waiting_session: None,
        last_ip: Some("192.0.2.1".to_owned()),
        modified_at: at(21),
        last_authenticated_at: at(21),
        ..waiting
    };
    assert_eq!(get(&store, 1, "a").await, Some(used));
    assert_eq!(get(&store, 1, "b").await, Some(device(1, "b")), "the other one is as it was");
    let mut tx = store.write().await.unwrap();
    assert!(tx.remember_device(POOL, &owner, "a", false, at(23)).await.unwrap());
    assert!(!tx.use_device(POOL, &owner, "a", None, true, at(24)).await.unwrap());
    assert!(tx.use_device(POOL, &owner, "a", None, false, at(24)).await.unwrap());
    assert!(!tx.delete_device(POOL, &stranger, "a").await.unwrap());
    assert!(tx.delete_device(POOL, &owner, "a").await.unwrap());
    assert!(!tx.delete_device(POOL, &owner, "a").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(keys(&store, 1, false).await, ["b"]);
}

async fn the_devices_used_longest_ago_are_trimmed(site: Site) {
    let store = site.open().await;
    for (key, used) in [("a", 3), ("b", 1), ("c", 4), ("d", 2)] {
        let device = Device { last_authenticated_at: at(used), ..device(1, key) };
        assert!(put(&store, &device).await);
    }
    assert!(put(&store, &device(2, "z")).await);
    for (keep, left) in [(4, vec!["a", "b", "c", "d"]), (2, vec!["a", "c"])] {
        let mut tx = store.write().await.unwrap();
        tx.trim_devices(POOL, &sub(1), keep).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(keys(&store, 1, false).await, left);
    }
    assert_eq!(keys(&store, 2, false).await, ["z"]);
}

async fn devices_go_with_their_user(site: Site) {
    let store = site.open().await;
    for number in [1, 2] {
        insert(&store, &user(number), &[]).await.unwrap();
        assert!(put(&store, &device(number, "a")).await);
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&store, 1, "a").await, None);
    assert!(get(&store, 2, "a").await.is_some());
}

async fn devices_go_with_their_pool(site: Site) {
    let store = site.open().await;
    let elsewhere = Device { user_pool_id: OTHER_POOL.to_owned(), ..device(1, "a") };
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_device(&device(1, "a")).await.unwrap();
    tx.insert_device(&elsewhere).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    while store.sweep(at(0)).await.unwrap() {}
    assert_eq!(get(&store, 1, "a").await, None);
    let mut view = store.read().await.unwrap();
    assert!(view.device(OTHER_POOL, &sub(1), "a").await.unwrap().is_some());
}

async fn no_device_verifier_can_be_read_and_none_can_be_moved(site: Site) {
    let store = site.open().await;
    assert!(put(&store, &complete_device()).await);
    assert!(put(&store, &device(2, "b")).await);
    store.close().await;
    let loot = site.loot().await;
    assert!(holds(&loot, b"eu-central-1_a") && !holds(&loot, b"planted-device-verifier"));
    site.raw(
        "UPDATE devices SET sealed_verifier =
             (SELECT sealed_verifier FROM devices WHERE device_key = 'eu-central-1_a')
         WHERE device_key = 'b'",
    )
    .await;
    let store = site.open().await;
    let mut view = store.read().await.unwrap();
    assert!(view.device(POOL, &sub(2), "b").await.is_err());
}
