//! Authorization codes.

use poolhouse_domain::{
    oauth::grant::{Grant, StoredCode},
    tokens::claims::{Hosted, SignIn},
};

use super::*;

on_every_engine! {
    codes_come_back_as_they_were_stored,
    of_many_who_take_a_code_one_gets_it,
    expired_codes_are_swept,
    codes_go_with_their_user_and_pool,
}

fn code(number: u32) -> StoredCode {
    let hosted = Hosted { nonce: Some("ñ\"\n".to_owned()), resource: Some("urn:x".to_owned()) };
    StoredCode {
        hash: format!("{number:064x}"),
        user_pool_id: POOL.to_owned(),
        sub: sub(number),
        grant: Grant {
            sign_in: SignIn {
                user_pool_id: POOL.to_owned(),
                client_id: "client".to_owned(),
                sub: sub(number),
                origin_jti: "origin".to_owned(),
                event_id: "event".to_owned(),
                auth_time: at(7),
                scope: "openid".to_owned(),
                device_key: None,
                hosted: Some(hosted),
                methods: poolhouse_domain::auth_levels::Methods::NONE,
            },
            redirect_uri: "https://app.test/cb".to_owned(),
            names_redirect_uri: true,
            code_challenge: Some("challenge".to_owned()),
            session_id: Some("sso".to_owned()),
            session_ends_at: Some(at(60)),
        },
        expires_at: at(300),
    }
}

async fn store_code(store: &SqlStore, number: u32) {
    let mut tx = store.write().await.unwrap();
    tx.insert_authorization_code(&code(number)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn stored(store: &SqlStore, number: u32) -> Option<StoredCode> {
    let mut view = store.read().await.unwrap();
    view.authorization_code(&code(number).hash).await.unwrap()
}

async fn codes_come_back_as_they_were_stored(site: Site) {
    let store = site.open().await;
    store_code(&store, 1).await;
    assert_eq!(stored(&store, 1).await, Some(code(1)));
    assert_eq!(stored(&store, 2).await, None);
    // As after a connection that was lost with the answer.
    store_code(&store, 1).await;
    assert_eq!(stored(&store, 1).await, Some(code(1)));
    assert!(
        store.write_once().await.unwrap().take_authorization_code(&code(1).hash).await.unwrap()
    );
    assert_eq!(stored(&store, 1).await, None);
}

async fn of_many_who_take_a_code_one_gets_it(site: Site) {
    let store = Arc::new(site.open().await);
    store_code(&store, 1).await;
    let tries = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            persistently!(store, tx => tx.take_authorization_code(&code(1).hash).await)
        })
    });
    let mut taken = 0;
    for one in tries.collect::<Vec<_>>() {
        taken += u32::from(one.await.unwrap());
    }
    assert_eq!(taken, 1);
    assert_eq!(stored(&store, 1).await, None);
}

async fn expired_codes_are_swept(site: Site) {
    let store = site.open().await;
    store_code(&store, 1).await;
    store.sweep(at(599)).await.unwrap();
    assert!(stored(&store, 1).await.is_some(), "another node's clock may be behind");
    store.sweep(at(600)).await.unwrap();
    assert!(stored(&store, 1).await.is_none());
}

async fn codes_go_with_their_user_and_pool(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.commit().await.unwrap();
    for number in [1, 2] {
        insert(&store, &user(number), &[]).await.unwrap();
        store_code(&store, number).await;
    }
    persistently!(store, tx => tx.delete_user(POOL, &sub(1)).await);
    assert!(stored(&store, 1).await.is_none());
    assert!(stored(&store, 2).await.is_some());
    persistently!(store, tx => tx.delete_user_pool(POOL).await);
    store.sweep(at(1)).await.unwrap();
    assert!(stored(&store, 2).await.is_none());
}
