//! Sign-ins that were revoked, and ids that may be used once.

use super::*;

on_every_engine! {
    one_of_many_spends_an_id,
    revoked_sign_ins_are_remembered,
    a_user_is_found_with_whether_a_session_was_used,
}

async fn one_of_many_spends_an_id(site: Site) {
    let store = site.open().await;
    let answers = together(8, |number| {
        let store = store.clone();
        async move {
            let now = at(i64::from(number));
            persistently!(store, tx => tx.spend("id", now, at(900)).await)
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1);
    let first = answers.iter().position(Option::is_none).unwrap();
    let first = Some(at(i64::try_from(first).unwrap()));
    assert!(answers.iter().flatten().all(|answer| Some(*answer) == first));
    let mut view = store.read().await.unwrap();
    assert_eq!(view.spent_at("id").await.unwrap(), first);
    assert_eq!(view.spent_at("other").await.unwrap(), None);
}

async fn a_user_is_found_with_whether_a_session_was_used(site: Site) {
    let store = site.open().await;
    insert(&store, &complete_user(), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.spend("used", at(1), at(900)).await.unwrap();
    tx.commit().await.unwrap();
    let (owner, mut view) = (complete_user().sub, store.read().await.unwrap());
    for (pool, sub, session, expected) in [
        (POOL, owner.as_str(), "used", (Some(complete_user()), true)),
        (POOL, &owner, "fresh", (Some(complete_user()), false)),
        (POOL, "nobody", "used", (None, true)),
        ("no_pool", &owner, "fresh", (None, false)),
    ] {
        assert_eq!(view.user_of_session(pool, sub, session).await.unwrap(), expected, "{session}");
    }
}

async fn revoked_sign_ins_are_remembered(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.revoke_origin(POOL, "origin", at(100)).await.unwrap();
    tx.revoke_origin(POOL, "origin", at(50)).await.unwrap();
    tx.commit().await.unwrap();
    insert(&store, &complete_user(), &[]).await.unwrap();
    let elsewhere = User { user_pool_id: "another_pool".to_owned(), ..user(1) };
    insert(&store, &elsewhere, &[]).await.unwrap();
    assert_eq!(of_sign_in(&store, POOL, "origin").await, Some((complete_user(), true)));
    assert_eq!(of_sign_in(&store, POOL, "another").await, Some((complete_user(), false)));
    assert_eq!(of_sign_in(&store, "another_pool", "origin").await, Some((elsewhere, false)));
    assert_eq!(of_sign_in(&store, "no_pool", "origin").await, None);
    store.sweep(at(399)).await.unwrap();
    assert!(of_sign_in(&store, POOL, "origin").await.unwrap().1, "the later end counts");
}
