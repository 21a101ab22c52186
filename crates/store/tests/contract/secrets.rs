//! What a thief finds in the database.

use super::*;

on_durable_engines! { durable:
    no_secret_can_be_read_in_the_database,
    a_secret_that_was_moved_does_not_open,
}

async fn no_secret_can_be_read_in_the_database(site: Site) {
    let store = site.open().await;
    let user = complete_user();
    insert(&store, &user, &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_app_client(&client("client", POOL)).await.unwrap();
    tx.insert_signing_key(&signing_key("kid", KeyUse::Id, 0)).await.unwrap();
    tx.insert_access_key(&access_key("AKIAX")).await.unwrap();
    tx.commit().await.unwrap();

    let loot = site.loot().await;
    assert!(holds(&loot, b"Ann@Example.com"), "the search finds what is not a secret");
    assert!(holds(&loot, &[1, 0, 0, 0, 1]), "the search finds bytes");
    let secrets: [&[u8]; 7] = [
        b"planted-verifier",
        &[7; 16],
        b"planted-software-token-secret-32",
        &[9; 32],
        b"planted-client-secret",
        b"planted-pkcs8",
        b"planted-access-key-secret",
    ];
    for secret in secrets {
        assert!(!holds(&loot, secret), "{}", String::from_utf8_lossy(secret));
    }
    // The software token is JSON inside its seal: numbers.
    assert!(!holds(&loot, b"[112,108,97,110"));
}

async fn a_secret_that_was_moved_does_not_open(site: Site) {
    let store = site.open().await;
    let mut other = user(2);
    other.password = complete_user().password;
    insert(&store, &complete_user(), &[]).await.unwrap();
    insert(&store, &other, &[]).await.unwrap();
    let one = sub(1);
    site.raw(&format!(
        "UPDATE users SET sealed_password =
             (SELECT sealed_password FROM users WHERE sub = '{one}')
         WHERE sub <> '{one}'"
    ))
    .await;
    let mut view = store.read().await.unwrap();
    assert!(view.user_by_sub(POOL, &sub(1)).await.unwrap().is_some());
    let moved = view.user_by_sub(POOL, &sub(2)).await;
    assert!(matches!(moved, Err(Fault::Broken { .. })), "{moved:?}");
}
