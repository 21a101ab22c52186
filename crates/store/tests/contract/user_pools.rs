//! User pools.

use super::*;

on_every_engine! {
    pools_are_stored_replaced_and_listed,
    stale_pools_and_clients_are_not_written,
}

async fn pools_are_stored_replaced_and_listed(site: Site) {
    let store = site.open().await;
    let mut stored = pool("eu-central-1_b");
    stored.factors = FactorSettings {
        sms: true,
        software_token: true,
        email: Some(EmailMfaConfigType { message: Some("{####}".to_owned()), subject: None }),
        web_authn: None,
    };
    let mut tx = store.write().await.unwrap();
    for pool in [&stored, &pool("eu-central-1_a"), &pool("eu-central-1_c")] {
        tx.insert_user_pool(pool).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_pool("eu-central-1_b").await.unwrap(), Some(stored.clone()));
    assert_eq!(view.user_pool("eu-central-1_x").await.unwrap(), None);
    let ids = |pools: Vec<UserPool>| pools.iter().map(|p| p.id().to_owned()).collect::<Vec<_>>();
    let first = view.list_user_pools(None, 2).await.unwrap();
    assert_eq!(ids(first), ["eu-central-1_a", "eu-central-1_b"]);
    let second = view.list_user_pools(Some("eu-central-1_b"), 2).await.unwrap();
    assert_eq!(ids(second), ["eu-central-1_c"]);

    stored.settings.name = Some("renamed".to_owned());
    stored.factors.sms = false;
    let mut tx = store.write().await.unwrap();
    tx.update_user_pool(&mut stored).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored.version, 1);
    assert_eq!(view.user_pool("eu-central-1_b").await.unwrap(), Some(stored));

    let mut tx = store.write().await.unwrap();
    let again = tx.insert_user_pool(&pool("eu-central-1_a")).await;
    assert!(matches!(again, Err(Fault::Conflict(_))));
}

async fn stale_pools_and_clients_are_not_written(site: Site) {
    let store = site.open().await;
    let (mut pool, mut client) = (pool(POOL), client("client", POOL));
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool).await.unwrap();
    tx.insert_app_client(&client).await.unwrap();
    tx.update_user_pool(&mut pool).await.unwrap();
    tx.update_app_client(&mut client).await.unwrap();
    (pool.version, client.version) = (0, 0);
    let stale = tx.update_user_pool(&mut pool).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    let stale = tx.update_app_client(&mut client).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    assert_eq!((pool.version, client.version), (0, 0));
}
