//! What access keys may do, provisioned rates, replicas, and counting up to a bound.

use poolhouse_domain::{limits::Category, replicas::Replica};

use super::*;

on_every_engine! {
    policies_of_a_key_are_replaced_as_a_whole,
    keys_from_before_policies_may_do_everything,
    provisioned_rates_are_kept_by_category,
    replicas_are_stored_replaced_and_found,
    a_deleted_pool_takes_its_replica_along,
    pools_and_clients_are_counted_up_to_a_bound,
}

async fn policies_of_a_key_are_replaced_as_a_whole(site: Site) {
    let store = site.open().await;
    let policies = [("a".to_owned(), "{\"x\": \"ü\"}".to_owned())].into();
    let mut key = AccessKey { policies, ..access_key("AKIAA") };
    let mut tx = store.write().await.unwrap();
    assert!(!tx.update_access_key_policies(&key).await.unwrap(), "there is none yet");
    tx.insert_access_key(&key).await.unwrap();
    assert!(tx.access_key("AKIAA").await.unwrap() == Some(key.clone()));
    key.policies = [("b".to_owned(), "{}".to_owned())].into();
    assert!(tx.update_access_key_policies(&key).await.unwrap());
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert!(view.access_key("AKIAA").await.unwrap() == Some(key.clone()));
    assert!(view.list_access_keys().await.unwrap() == [key]);
}

async fn keys_from_before_policies_may_do_everything(site: Site) {
    // The column's default stands for keys that an earlier release has stored.
    if matches!(site, Site::Ephemeral) {
        return;
    }
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_access_key(&access_key("AKIAA")).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    site.raw(
        "CREATE TABLE older AS SELECT id, sealed_secret, name, created_at FROM access_keys;
         DELETE FROM access_keys;
         INSERT INTO access_keys (id, sealed_secret, name, created_at)
            SELECT id, sealed_secret, name, created_at FROM older;
         DROP TABLE older",
    )
    .await;
    let store = site.open().await;
    let key = store.read().await.unwrap().access_key("AKIAA").await.unwrap().unwrap();
    assert_eq!(key.secret, access_key("AKIAA").secret);
    let names: Vec<_> = key.policies.keys().collect();
    assert_eq!(names, ["full-access"]);
    let text = serde_json::from_str::<serde_json::Value>(&key.policies["full-access"]).unwrap();
    let built_in = poolhouse_domain::access_keys::built_in("full-access").unwrap();
    let built_in = serde_json::from_str::<serde_json::Value>(built_in).unwrap();
    assert_eq!(text, built_in);
}

async fn provisioned_rates_are_kept_by_category(site: Site) {
    let store = site.open().await;
    assert!(store.read().await.unwrap().provisioned_limits().await.unwrap().is_empty());
    for (category, rate) in
        [(Category::UserRead, 200), (Category::UserToken, 300), (Category::UserRead, 250)]
    {
        let mut tx = store.write().await.unwrap();
        tx.put_provisioned_limit(category, rate).await.unwrap();
        tx.commit().await.unwrap();
    }
    let expected = [(Category::UserRead, 250), (Category::UserToken, 300)].into();
    let found = store.read().await.unwrap().provisioned_limits().await.unwrap();
    assert_eq!(found, expected);
}

fn replica(pool_id: &str, region: &str) -> Replica {
    Replica {
        user_pool_id: pool_id.to_owned(),
        region: region.to_owned(),
        is_active: false,
        tags: BTreeMap::from([("größe".to_owned(), String::new())]),
        created_at: at(1),
    }
}

async fn replicas_are_stored_replaced_and_found(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for pool in ["p1", "p2", "p4"] {
        assert!(tx.insert_replica(&replica(pool, "eu-west-1")).await.unwrap());
    }
    assert!(!tx.insert_replica(&replica("p1", "eu-west-2")).await.unwrap(), "one for each pool");
    let changed = Replica { is_active: true, tags: BTreeMap::new(), ..replica("p1", "eu-west-1") };
    tx.update_replica(&changed).await.unwrap();
    let missing = tx.update_replica(&replica("p3", "eu-west-1")).await;
    assert!(matches!(missing, Err(Fault::Conflict(_))), "{missing:?}");
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.replica("p1").await.unwrap(), Some(changed.clone()));
    assert_eq!(view.replica("p3").await.unwrap(), None);
    let between = view.replicas_between("p1", "p3").await.unwrap();
    assert_eq!(between, [changed, replica("p2", "eu-west-1")]);
    assert!(view.is_replica_region("eu-west-1").await.unwrap());
    assert!(!view.is_replica_region("eu-west-2").await.unwrap());
    let mut tx = store.write().await.unwrap();
    tx.delete_replica("p1").await.unwrap();
    tx.delete_replica("p3").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(view.replica("p1").await.unwrap(), None);
    assert!(view.replica("p2").await.unwrap().is_some());
}

async fn a_deleted_pool_takes_its_replica_along(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_replica(&replica(POOL, "eu-west-1")).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    while store.sweep(at(100)).await.unwrap() {}
    assert_eq!(store.read().await.unwrap().replica(POOL).await.unwrap(), None);
}

async fn pools_and_clients_are_counted_up_to_a_bound(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for id in ["p1", "p2", "p3"] {
        tx.insert_user_pool(&pool(id)).await.unwrap();
        tx.insert_app_client(&client(&format!("{id}a"), id)).await.unwrap();
    }
    tx.insert_app_client(&client("p1b", "p1")).await.unwrap();
    tx.delete_user_pool("p2").await.unwrap();
    for (number, expected) in [(0, true), (1, true), (2, true), (3, false), (1_000, false)] {
        assert_eq!(tx.has_user_pools(number).await.unwrap(), expected, "{number}");
        let found = tx.has_app_clients("p1", number).await.unwrap();
        assert_eq!(found, expected, "{number} clients");
    }
    assert!(!tx.has_app_clients("p2", 1).await.unwrap());
}
