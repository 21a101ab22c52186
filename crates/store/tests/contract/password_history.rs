//! Replaced passwords.

use poolhouse_domain::passwords::verifier::PasswordVerifier;

use super::*;

on_every_engine! {
    the_last_passwords_are_kept_latest_first,
    former_passwords_go_with_their_user,
}

fn password(number: u8) -> PasswordVerifier {
    PasswordVerifier { salt: [number; 16], verifier: vec![number; 384] }
}

async fn replace(store: &SqlStore, position: i64, number: u8, keep: u32) {
    let mut tx = store.write().await.unwrap();
    let password = password(number);
    tx.keep_former_password(POOL, &sub(1), position, &password, keep).await.unwrap();
    tx.commit().await.unwrap();
}

async fn kept(store: &SqlStore) -> Vec<PasswordVerifier> {
    store.read().await.unwrap().former_passwords(POOL, &sub(1), 24).await.unwrap()
}

async fn the_last_passwords_are_kept_latest_first(site: Site) {
    let store = site.open().await;
    replace(&store, 2, 10, 2).await;
    replace(&store, 5, 11, 2).await;
    replace(&store, 9, 12, 2).await;
    assert_eq!(kept(&store).await, [password(12), password(11)]);
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.former_passwords(POOL, &sub(1), 1).await.unwrap(), [password(12)]);
    assert!(tx.former_passwords(POOL, &sub(2), 24).await.unwrap().is_empty());
}

async fn former_passwords_go_with_their_user(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    replace(&store, 1, 10, 2).await;
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(kept(&store).await.is_empty());
}
