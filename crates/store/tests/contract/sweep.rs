//! What goes away by and by.

use super::*;

on_every_engine! {
    a_deleted_pool_disappears_at_once_and_is_emptied_in_batches,
    the_sweep_removes_only_what_has_expired,
}

async fn a_deleted_pool_disappears_at_once_and_is_emptied_in_batches(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_user_pool(&pool("other")).await.unwrap();
    tx.insert_app_client(&client("client", POOL)).await.unwrap();
    tx.insert_signing_key(&signing_key("kid", KeyUse::Id, 0)).await.unwrap();
    tx.insert_resource_server(&resource_server(POOL, "api")).await.unwrap();
    for number in 0..1_200 {
        let alias = alias("email", &format!("{number}@example.com"));
        let user = user(number);
        tx.insert_user(&user, &user.username, &[alias]).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_pool(POOL).await.unwrap(), None);
    assert_eq!(view.list_user_pools(None, 9).await.unwrap(), [pool("other")]);
    assert_eq!(view.app_client("client").await.unwrap(), None);
    assert!(view.signing_keys(POOL).await.unwrap().is_empty());
    let mut gone = pool(POOL);
    let mut tx = store.write().await.unwrap();
    assert!(matches!(tx.update_user_pool(&mut gone).await, Err(Fault::Conflict(_))));
    drop(tx);

    assert!(store.sweep(at(1)).await.unwrap(), "more than a batch remains");
    assert_eq!(page(&store, None, None, 1_500).await.len(), 200);
    assert!(!store.sweep(at(2)).await.unwrap());
    assert_eq!(page(&store, None, None, 1_500).await.len(), 0);
    assert_eq!(view.count_resource_servers(POOL).await.unwrap(), 0);
    assert_eq!(by_alias(&store, "7@example.com").await, None);
    assert_eq!(view.count_groups(POOL).await.unwrap(), 0);
    assert_eq!(view.groups_of_user(POOL, &sub(7)).await.unwrap(), []);
    // A request that had looked the pool up before.
    insert(&store, &user(5_000), &[]).await.unwrap();
    assert!(!store.sweep(at(70)).await.unwrap());
    assert_eq!(by_sub(&store, 5_000).await, None);
    assert_eq!(view.count_users(POOL).await.unwrap(), 0);
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    assert!(tx.user_pool("other").await.unwrap().is_some());
}

async fn the_sweep_removes_only_what_has_expired(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: 1, since: at(0), last_at: at(0) };
    let mut tx = store.write().await.unwrap();
    for number in 0..1_001 {
        tx.spend(&format!("old{number}"), at(0), at(10)).await.unwrap();
    }
    tx.spend("new", at(0), at(30)).await.unwrap();
    tx.put_attempts(POOL, "old", Attempted::Password, attempts, at(10)).await.unwrap();
    tx.put_attempts(POOL, "new", Attempted::Password, attempts, at(30)).await.unwrap();
    tx.revoke_origin(POOL, "old", at(10)).await.unwrap();
    tx.revoke_origin(POOL, "new", at(30)).await.unwrap();
    tx.put_code(&code(1, CodePurpose::SignUp, 1)).await.unwrap();
    tx.commit().await.unwrap();

    assert!(store.sweep(at(320)).await.unwrap());
    assert!(!store.sweep(at(320)).await.unwrap());
    let mut view = store.read().await.unwrap();
    for number in 0..1_001 {
        assert_eq!(view.spent_at(&format!("old{number}")).await.unwrap(), None);
    }
    assert!(view.spent_at("new").await.unwrap().is_some());
    assert_eq!(view.attempts(POOL, "old", Attempted::Password).await.unwrap(), None);
    assert!(view.attempts(POOL, "new", Attempted::Password).await.unwrap().is_some());
    insert(&store, &user(1), &[]).await.unwrap();
    assert!(!of_sign_in(&store, POOL, "old").await.unwrap().1);
    assert!(of_sign_in(&store, POOL, "new").await.unwrap().1);
    // A code is kept for a day after it has expired, so that its user learns that it has.
    store.sweep(at(86_500)).await.unwrap();
    assert!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap().is_some());
    store.sweep(at(2 * 86_400)).await.unwrap();
    assert!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap().is_none());
}
