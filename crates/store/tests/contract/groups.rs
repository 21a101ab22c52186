//! Groups and their members.

use super::*;

on_every_engine! {
    groups_are_stored_replaced_and_listed,
    stale_groups_are_not_written,
    members_are_paged_from_both_sides,
    one_of_many_gets_a_group_name,
    a_deleted_group_loses_its_members_at_once_and_is_emptied_in_batches,
}

async fn groups_are_stored_replaced_and_listed(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let mut full = Group {
        description: Some("Größe".to_owned()),
        role_arn: Some("arn:aws:iam::123456789012:role/x".to_owned()),
        precedence: Some(i32::MAX),
        ..group("Ö".repeat(128).as_str())
    };
    for group in [&full, &group("b"), &group("A")] {
        assert!(tx.insert_group(group).await.unwrap());
    }
    let elsewhere = Group { user_pool_id: "other".to_owned(), ..group("A") };
    assert!(tx.insert_group(&elsewhere).await.unwrap());
    let taken = Group { id: "another".to_owned(), ..group("a") };
    assert!(!tx.insert_group(&taken).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    (full.description, full.precedence, full.modified_at) = (None, Some(0), at(5));
    tx.update_group(&full).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.group(POOL, &"ö".repeat(128)).await.unwrap(), Some(full.clone()));
    assert_eq!(view.group(POOL, "nothing").await.unwrap(), None);
    assert_eq!(view.list_groups(POOL, None, 2).await.unwrap(), [group("A"), group("b")]);
    assert_eq!(view.list_groups(POOL, Some("b"), 2).await.unwrap(), [full]);
    assert_eq!(view.count_groups(POOL).await.unwrap(), 3);
    assert_eq!(view.count_groups("nowhere").await.unwrap(), 0);
}

async fn stale_groups_are_not_written(site: Site) {
    let store = site.open().await;
    let group = group("a");
    let mut tx = store.write().await.unwrap();
    assert!(matches!(tx.update_group(&group).await, Err(Fault::Conflict(_))));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let outcome = tx.delete_group(&group, at(0)).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
}

async fn members_are_paged_from_both_sides(site: Site) {
    let store = site.open().await;
    let (a, b) = (group("a"), group("B"));
    let mut tx = store.write().await.unwrap();
    for group in [&b, &a] {
        tx.insert_group(group).await.unwrap();
    }
    for number in 1..=5 {
        let user = user(number);
        tx.insert_user(&user, &user.username, &[]).await.unwrap().unwrap();
        tx.insert_member(&a, &user.sub).await.unwrap();
    }
    for number in [2, 4, 2] {
        tx.insert_member(&b, &sub(number)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.list_members(&a, None, 3).await.unwrap(), [user(1), user(2), user(3)]);
    let rest = view.list_members(&a, Some(&sub(3)), 3).await.unwrap();
    assert_eq!(rest, [user(4), user(5)]);
    assert_eq!(view.list_members(&b, None, 3).await.unwrap(), [user(2), user(4)]);
    assert_eq!(view.groups_of_user(POOL, &sub(2)).await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![a.clone()]);
    assert_eq!(view.groups_of_user("other", &sub(1)).await.unwrap(), []);

    let mut tx = store.write().await.unwrap();
    for _ in 0..2 {
        tx.delete_member(&a, &sub(2)).await.unwrap();
        tx.delete_user(POOL, &sub(4)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(view.groups_of_user(POOL, &sub(2)).await.unwrap(), vec![b.clone()]);
    assert_eq!(view.groups_of_user(POOL, &sub(4)).await.unwrap(), []);
    assert_eq!(view.list_members(&a, None, 9).await.unwrap(), [user(1), user(3), user(5)]);
    assert_eq!(view.list_members(&b, None, 9).await.unwrap(), [user(2)]);
}

async fn one_of_many_gets_a_group_name(site: Site) {
    let store = site.open().await;
    let outcomes = together(8, |number| {
        let store = store.clone();
        async move {
            let group = Group { id: number.to_string(), ..group("same") };
            persistently!(store, tx => tx.insert_group(&group).await)
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|is_stored| **is_stored).count(), 1);
}

async fn a_deleted_group_loses_its_members_at_once_and_is_emptied_in_batches(site: Site) {
    let store = site.open().await;
    let (gone, stays) = (group("gone"), group("stays"));
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    for group in [&gone, &stays] {
        tx.insert_group(group).await.unwrap();
        for number in 1..=1_200 {
            tx.insert_member(group, &sub(number)).await.unwrap();
        }
    }
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    tx.delete_group(&gone, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![stays.clone()]);
    let again = Group { id: "another id".to_owned(), ..group("gone") };
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_group(&again).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(view.list_members(&again, None, 9).await.unwrap(), []);

    assert!(store.sweep(at(1)).await.unwrap(), "more than a batch remains");
    assert!(!store.sweep(at(2)).await.unwrap());
    assert_eq!(view.list_members(&gone, None, 9).await.unwrap(), []);
    // A request that had found the group before.
    let mut tx = store.write().await.unwrap();
    tx.insert_member(&gone, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(60)).await.unwrap();
    assert_eq!(view.list_members(&gone, None, 9).await.unwrap(), []);
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![stays.clone()]);
    assert_eq!(view.list_members(&stays, None, 9).await.unwrap(), [user(1)]);
}
