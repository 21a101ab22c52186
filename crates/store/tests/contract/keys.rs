//! Access keys, signing keys and data keys, and the master key above them.

use super::*;

on_every_engine! {
    signing_keys_come_oldest_first,
    access_keys_are_kept,
    the_first_data_key_of_an_id_wins,
}

on_durable_engines! { durable:
    the_wrong_master_key_is_refused,
    a_new_data_key_seals_when_every_node_has_had_time_to_load_it,
    the_master_key_can_be_changed_while_serving,
}

async fn signing_keys_come_oldest_first(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_signing_key(&signing_key("new", KeyUse::Id, 9)).await.unwrap();
    tx.insert_signing_key(&signing_key("old", KeyUse::Access, 1)).await.unwrap();
    let keys = tx.signing_keys(POOL).await.unwrap();
    assert_eq!(keys.iter().map(|k| k.kid.as_str()).collect::<Vec<_>>(), ["old", "new"]);
    assert_eq!(keys[0].key_use, KeyUse::Access);
    assert_eq!(keys[0].created_at, at(1));
    assert_eq!(keys[1].pkcs8, b"planted-pkcs8");
    assert!(tx.signing_keys("another_pool").await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

async fn access_keys_are_kept(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for id in ["AKIAB", "AKIAA"] {
        tx.insert_access_key(&access_key(id)).await.unwrap();
    }
    assert!(tx.access_key("AKIAA").await.unwrap() == Some(access_key("AKIAA")));
    let ids: Vec<_> = tx.list_access_keys().await.unwrap().into_iter().map(|k| k.id).collect();
    assert_eq!(ids, ["AKIAA", "AKIAB"]);
    assert!(tx.delete_access_key("AKIAA").await.unwrap());
    assert!(!tx.delete_access_key("AKIAA").await.unwrap());
    assert!(tx.access_key("AKIAA").await.unwrap().is_none());
    tx.commit().await.unwrap();
}

async fn the_first_data_key_of_an_id_wins(site: Site) {
    let store = site.open().await;
    let mut key = WrappedDataKey {
        id: 2,
        wrapped: vec![1, 2],
        master_key_id: "first".to_owned(),
        created_at: at(1),
    };
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_data_key(&key).await.unwrap());
    let second = WrappedDataKey { master_key_id: "second".to_owned(), ..key.clone() };
    assert!(!tx.insert_data_key(&second).await.unwrap());
    assert_eq!(tx.data_keys().await.unwrap().last(), Some(&key));
    key.wrapped = vec![3];
    tx.rewrap_data_key(&key).await.unwrap();
    assert_eq!(tx.data_keys().await.unwrap().last(), Some(&key));
}

async fn the_wrong_master_key_is_refused(site: Site) {
    drop(site.open().await);
    let refused = site.open_with(master_key(2)).await.err().unwrap();
    let OpenError::WrongMasterKey { expected, given } = refused else { panic!("{refused}") };
    assert_eq!((expected, given), (master_key(1).id(), master_key(2).id()));
}

async fn a_new_data_key_seals_when_every_node_has_had_time_to_load_it(site: Site) {
    let (one, two) = (site.open().await, site.open().await);
    assert_eq!(one.rotate_data_key(at(5)).await.unwrap(), 2);
    one.reload_keys(at(19)).await.unwrap();
    assert_eq!((one.keyring().key_ids(), one.keyring().active_key_id()), (vec![1, 2], 1));
    one.reload_keys(at(20)).await.unwrap();
    assert_eq!(one.keyring().active_key_id(), 2);

    let mut user = complete_user();
    insert(&one, &user, &[]).await.unwrap();
    let mut tx = one.write().await.unwrap();
    tx.update_user(&mut user).await.unwrap();
    tx.commit().await.unwrap();
    // A node that has not looked yet loads the key when it meets something sealed with it.
    assert_eq!(two.keyring().key_ids(), [1]);
    assert_eq!(by_sub(&two, 1).await, Some(user));
    assert_eq!((two.keyring().key_ids(), two.keyring().active_key_id()), (vec![1, 2], 1));
    assert_eq!(two.rotate_data_key(at(21)).await.unwrap(), 3);
    two.reload_keys(at(36)).await.unwrap();
    assert_eq!(two.keyring().active_key_id(), 3);
}

async fn the_master_key_can_be_changed_while_serving(site: Site) {
    let store = site.open().await;
    insert(&store, &complete_user(), &[]).await.unwrap();
    store.rotate_data_key(at(1)).await.unwrap();
    store.rotate_master_key(master_key(2)).await.unwrap();
    assert_eq!(by_sub(&store, 1).await, Some(complete_user()));
    store.rotate_data_key(at(2)).await.unwrap();

    assert!(matches!(site.open_with(master_key(1)).await, Err(OpenError::WrongMasterKey { .. })));
    let again = site.open_with(master_key(2)).await.unwrap();
    assert_eq!(by_sub(&again, 1).await, Some(complete_user()));
    assert_eq!(again.keyring().key_ids(), [1, 2, 3]);
}
