//! Lists of users, with and without filters.

use super::*;

on_every_engine! {
    every_field_can_be_searched,
    pages_are_stable_while_users_come_and_go,
    prefixes_end_where_they_should,
}

fn searched(user: &User, field: SearchField) -> String {
    let attribute = |name: &str| user.attribute(name).unwrap_or_default().to_owned();
    match field {
        SearchField::Username => user.username.clone(),
        SearchField::Sub => user.sub.clone(),
        SearchField::Email => attribute("email"),
        SearchField::PhoneNumber => attribute("phone_number"),
        SearchField::Name => attribute("name"),
        SearchField::GivenName => attribute("given_name"),
        SearchField::FamilyName => attribute("family_name"),
        SearchField::PreferredUsername => attribute("preferred_username"),
        SearchField::UserStatus => user.status.as_str().to_owned(),
        SearchField::Enabled => if user.enabled { "Enabled" } else { "Disabled" }.to_owned(),
    }
}

/// Every user of a list, page by page.
async fn walk(store: &SqlStore, filter: Option<&UserFilter>, limit: u32) -> Vec<String> {
    let mut subs = Vec::new();
    let mut after = None;
    loop {
        let users = page(store, filter, after.as_ref(), limit).await;
        let Some(last) = users.last() else {
            return subs;
        };
        let value = filter.map(|filter| searched(last, filter.field)).unwrap_or_default();
        after = Some(UserCursor { value, sub: last.sub.clone() });
        subs.extend(users.into_iter().map(|user| user.sub));
    }
}

async fn every_field_can_be_searched(site: Site) {
    let store = site.open().await;
    let mut other = user(0xff);
    other.username = "zoe".into();
    other.enabled = false;
    other.status = UserStatusType::Unconfirmed;
    insert(&store, &other, &[]).await.unwrap();
    for number in 1..=5 {
        let email = format!("Ann{}@Example.com", number / 2);
        let attributes = [
            ("email", email.as_str()),
            ("phone_number", "+491700000"),
            ("name", "Ann Ähre"),
            ("given_name", "Ann"),
            ("family_name", "Ähre"),
            ("preferred_username", "Annie"),
        ];
        insert(&store, &with(user(number), &attributes), &[]).await.unwrap();
    }
    let ann = (1..=5).map(sub).collect::<Vec<_>>();
    let cases = [
        (filter(SearchField::Email, "ann1@example.com", false), ann[1..3].to_vec()),
        (filter(SearchField::Email, "ann", true), ann.clone()),
        (filter(SearchField::PhoneNumber, "+491700000", false), ann.clone()),
        (filter(SearchField::PhoneNumber, "+49", true), ann.clone()),
        (filter(SearchField::PhoneNumber, "+48", true), vec![]),
        (filter(SearchField::Name, "ann ähre", false), ann.clone()),
        (filter(SearchField::Name, "ann ä", true), ann.clone()),
        (filter(SearchField::GivenName, "ann", false), ann.clone()),
        (filter(SearchField::GivenName, "b", true), vec![]),
        (filter(SearchField::FamilyName, "ähre", false), ann.clone()),
        (filter(SearchField::FamilyName, "ä", true), ann.clone()),
        (filter(SearchField::PreferredUsername, "annie", false), ann.clone()),
        (filter(SearchField::PreferredUsername, "annie", true), ann.clone()),
        (filter(SearchField::UserStatus, "CONFIRMED", false), ann.clone()),
        (filter(SearchField::UserStatus, "UNC", true), vec![sub(0xff)]),
        (filter(SearchField::Enabled, "Disabled", false), vec![sub(0xff)]),
        (filter(SearchField::Enabled, "En", true), ann.clone()),
        (filter(SearchField::Username, "user3", false), vec![sub(3)]),
        (filter(SearchField::Username, "user", true), ann.clone()),
        (filter(SearchField::Username, "user3x", true), vec![]),
        (filter(SearchField::Sub, &sub(3), false), vec![sub(3)]),
        (filter(SearchField::Sub, &sub(3), true), vec![sub(3)]),
        (filter(SearchField::Sub, "0000000", true), ann.clone()),
    ];
    for (filter, expected) in cases {
        for limit in [1, 2, 60] {
            assert_eq!(walk(&store, Some(&filter), limit).await, expected, "{filter:?}");
        }
    }
    let everybody: Vec<_> = (1..=5).chain([0xff]).map(sub).collect();
    assert_eq!(walk(&store, None, 4).await, everybody);
    let empty_prefix = filter(SearchField::Username, "", true);
    assert_eq!(walk(&store, Some(&empty_prefix), 4).await, everybody);
}

async fn pages_are_stable_while_users_come_and_go(site: Site) {
    let store = site.open().await;
    for number in [10, 20, 30, 40] {
        insert(&store, &with(user(number), &[("name", "Same")]), &[]).await.unwrap();
    }
    let same = filter(SearchField::Name, "sa", true);
    let first = page(&store, Some(&same), None, 2).await;
    assert_eq!(first.iter().map(|u| u.sub.clone()).collect::<Vec<_>>(), [sub(10), sub(20)]);
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(20)).await.unwrap();
    tx.commit().await.unwrap();
    for number in [5, 35] {
        insert(&store, &with(user(number), &[("name", "same")]), &[]).await.unwrap();
    }
    let cursor = UserCursor { value: "Same".to_owned(), sub: sub(20) };
    let second = page(&store, Some(&same), Some(&cursor), 9).await;
    let subs: Vec<_> = second.iter().map(|u| u.sub.clone()).collect();
    assert_eq!(subs, [sub(30), sub(35), sub(40)]);
}

async fn prefixes_end_where_they_should(site: Site) {
    let store = site.open().await;
    let names = ["a", "ab", "a\u{d7ff}", "a\u{e000}", "a\u{10ffff}", "a\u{10ffff}\u{10ffff}", "b"];
    for (number, name) in (1..).zip(names) {
        insert(&store, &with(user(number), &[("name", name)]), &[]).await.unwrap();
    }
    let long = "x".repeat(2_048);
    insert(&store, &with(user(100), &[("name", &long)]), &[]).await.unwrap();
    let found = async |prefix: &str| {
        let filter = filter(SearchField::Name, prefix, true);
        walk(&store, Some(&filter), 2).await.len()
    };
    assert_eq!(found("a").await, 6);
    assert_eq!(found("a\u{d7ff}").await, 1);
    assert_eq!(found("a\u{10ffff}").await, 2);
    assert_eq!(found("\u{10ffff}").await, 0);
    assert_eq!(found("").await, 8);
    assert_eq!(found(&"x".repeat(256)).await, 1);
}
