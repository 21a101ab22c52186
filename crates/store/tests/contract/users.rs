//! Users and the names by which they are found.

use super::*;

on_every_engine! {
    users_come_back_as_they_were_stored,
    names_that_are_taken_leave_nothing_behind,
    stale_users_are_not_written,
    parallel_updates_all_count,
    one_of_many_gets_an_alias,
    one_of_many_gets_a_username,
    an_alias_replaces_the_user_s_earlier_one,
    deleting_a_user_leaves_nothing,
}

async fn users_come_back_as_they_were_stored(site: Site) {
    let store = site.open().await;
    let (mut complete, plain) = (complete_user(), user(2));
    let aliases = [alias("email", "ann@example.com"), alias("preferred_username", "ann")];
    insert(&store, &complete, &aliases).await.unwrap();
    insert(&store, &plain, &[]).await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_by_username(POOL, "user1").await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_alias(POOL, "ann").await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_sub(POOL, &sub(2)).await.unwrap().as_ref(), Some(&plain));
    assert_eq!(view.user_by_username(POOL, "USER1").await.unwrap(), None);
    assert_eq!(view.user_by_username("another_pool", "user1").await.unwrap(), None);
    assert_eq!(view.user_by_alias("another_pool", "ann").await.unwrap(), None);

    complete.password = None;
    complete.software_token = SoftwareToken::default();
    complete.mfa = MfaPreference::default();
    complete.pending_attributes.clear();
    complete.attributes.remove("name");
    complete.enabled = true;
    complete.signed_out_at = None;
    let mut tx = store.write().await.unwrap();
    tx.update_user(&mut complete).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(complete.version, 1);
    assert_eq!(by_sub(&store, 1).await, Some(complete));
}

async fn names_that_are_taken_leave_nothing_behind(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[alias("email", "a@b.c")]).await.unwrap();

    let mut same_name = user(2);
    same_name.username = "user1".into();
    let refused = insert(&store, &same_name, &[alias("email", "free@b.c")]).await;
    assert_eq!(refused, Err(Taken::Username));
    let aliases = [alias("preferred_username", "free"), alias("email", "a@b.c")];
    let refused = insert(&store, &user(3), &aliases).await;
    assert_eq!(refused, Err(Taken::Alias("email".to_owned())));

    assert_eq!(by_sub(&store, 2).await, None);
    assert_eq!(by_sub(&store, 3).await, None);
    assert_eq!(by_alias(&store, "free@b.c").await, None);
    assert_eq!(by_alias(&store, "free").await, None);
    assert_eq!(store.read().await.unwrap().count_users(POOL).await.unwrap(), 1);
    // The same value for another attribute belongs to somebody else.
    insert(&store, &user(4), &[alias("preferred_username", "a@b.c")]).await.unwrap();
    assert_eq!(by_alias(&store, "a@b.c").await.as_deref(), Some("user1"));
}

async fn stale_users_are_not_written(site: Site) {
    let store = site.open().await;
    let mut current = user(1);
    insert(&store, &current, &[]).await.unwrap();
    let mut stale = current.clone();
    let mut tx = store.write().await.unwrap();
    tx.update_user(&mut current).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let outcome = tx.update_user(&mut stale).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let outcome = tx.update_user(&mut user(9)).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
}

async fn parallel_updates_all_count(site: Site) {
    let store = site.open().await;
    insert(&store, &with(user(1), &[("custom:n", "0")]), &[]).await.unwrap();
    together(16, |_| {
        let store = store.clone();
        async move {
            persistently!(store, tx => {
                let mut user = tx.user_by_sub(POOL, &sub(1)).await?.unwrap();
                let number: u32 = user.attributes["custom:n"].parse().unwrap();
                user.attributes.insert("custom:n".to_owned(), (number + 1).to_string());
                tx.update_user(&mut user).await
            });
        }
    })
    .await;
    let user = by_sub(&store, 1).await.unwrap();
    assert_eq!((user.attribute("custom:n"), user.version), (Some("16"), 16));
}

async fn one_of_many_gets_an_alias(site: Site) {
    let store = site.open().await;
    for number in 0..8 {
        insert(&store, &user(number), &[]).await.unwrap();
    }
    let won = together(8, |number| {
        let store = store.clone();
        async move {
            let wanted = alias("email", "wanted@example.com");
            persistently!(store, tx => tx.claim_alias(POOL, &wanted, &sub(number)).await)
        }
    })
    .await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap();
    assert_eq!(by_alias(&store, "wanted@example.com").await, Some(format!("user{winner}")));
}

async fn one_of_many_gets_a_username(site: Site) {
    let store = site.open().await;
    let outcomes = together(8, |number| {
        let store = store.clone();
        async move {
            let mut user = user(number);
            user.username = "wanted".into();
            persistently!(store, tx => tx.insert_user(&user, "wanted", &[]).await)
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|o| **o == Err(Taken::Username)).count(), 7);
    assert_eq!(store.read().await.unwrap().count_users(POOL).await.unwrap(), 1);
}

async fn an_alias_replaces_the_user_s_earlier_one(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[alias("email", "old@b.c")]).await.unwrap();
    insert(&store, &user(2), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(!tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(2)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(1)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "new@b.c"), &sub(1)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(2)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(by_alias(&store, "new@b.c").await.as_deref(), Some("user1"));
    assert_eq!(by_alias(&store, "old@b.c").await.as_deref(), Some("user2"));
    let mut tx = store.write().await.unwrap();
    tx.release_alias(POOL, "email", &sub(1)).await.unwrap();
    tx.release_alias(POOL, "phone_number", &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(by_alias(&store, "new@b.c").await, None);
}

async fn deleting_a_user_leaves_nothing(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: 1, since: at(0), last_at: at(0) };
    for number in [1, 2] {
        let email = format!("{number}@example.com");
        insert(&store, &user(number), &[alias("email", &email)]).await.unwrap();
        let mut tx = store.write().await.unwrap();
        tx.put_code(&code(number, CodePurpose::SignUp, 1)).await.unwrap();
        tx.put_attempts(POOL, &sub(number), Attempted::Password, attempts, at(9)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(by_sub(&store, 1).await, None);
    assert_eq!(by_alias(&store, "1@example.com").await, None);
    let mut view = store.read().await.unwrap();
    assert_eq!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), None);
    assert_eq!(view.attempts(POOL, &sub(1), Attempted::Password).await.unwrap(), None);
    assert_eq!(view.count_users(POOL).await.unwrap(), 1);
    assert_eq!(by_alias(&store, "2@example.com").await.as_deref(), Some("user2"));
    assert!(view.code(POOL, &sub(2), CodePurpose::SignUp).await.unwrap().is_some());
    assert!(view.attempts(POOL, &sub(2), Attempted::Password).await.unwrap().is_some());
    insert(&store, &user(1), &[alias("email", "1@example.com")]).await.unwrap();
}
