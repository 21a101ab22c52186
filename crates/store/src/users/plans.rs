//! How the engines find users: by an index, without sorting, wherever a page begins.

use std::sync::Arc;

use poolhouse_domain::{
    sealing::MasterKey,
    time::Timestamp,
    users::{SearchField, UserCursor, UserFilter},
};

use super::{BY_ALIAS, BY_SUB, BY_USERNAME, list};
use crate::{
    Location, SqlStore,
    engine::{Value, values},
    groups,
    store::SqlTransaction,
    testing::{Noise, PostgresDatabase},
};

const POOL: &str = "pool_3";

const FIELDS: [SearchField; 10] = [
    SearchField::Username,
    SearchField::Sub,
    SearchField::Email,
    SearchField::PhoneNumber,
    SearchField::Name,
    SearchField::GivenName,
    SearchField::FamilyName,
    SearchField::PreferredUsername,
    SearchField::UserStatus,
    SearchField::Enabled,
];

/// Enough users in several pools for a planner to prefer an index if there is a fitting one.
const FILL: &str = "
    INSERT INTO users (pool_id, sub, username, username_key, status, enabled, attributes,
        created_at, modified_at, version, email_key, phone_key, name_key, given_name_key,
        family_name_key, preferred_username_key)
    WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 19999)
    SELECT 'pool_' || (n % 5), 'sub' || n, 'user' || n, 'user' || n,
        CASE WHEN n % 3 = 0 THEN 'CONFIRMED' ELSE 'UNCONFIRMED' END,
        CASE WHEN n % 7 = 0 THEN 'Disabled' ELSE 'Enabled' END, '{}', 0, 0, 0,
        'user' || n || '@example.com', '+49' || n, 'name' || (n % 100), 'given' || (n % 50),
        CASE WHEN n % 2 = 0 THEN 'family' || (n % 1000) END, 'preferred' || n
    FROM numbers;
    INSERT INTO aliases (pool_id, alias_key, attribute, sub)
    SELECT pool_id, email_key, 'email', sub FROM users;
    INSERT INTO groups (pool_id, name_key, id, name, created_at, modified_at)
    SELECT pool_id, sub, sub, sub, 0, 0 FROM users;
    INSERT INTO memberships (pool_id, group_id, sub)
    SELECT pool_id, 'sub3', sub FROM users;
    INSERT INTO memberships (pool_id, group_id, sub)
    SELECT pool_id, 'sub8', sub FROM users WHERE sub LIKE '%99';
    ANALYZE;";

async fn filled(location: &Location) -> SqlTransaction {
    let (key, now) = (MasterKey::new([1; 32]), Timestamp::from_seconds(0));
    let store = SqlStore::open(location, key, Arc::new(Noise), now).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.view.run_script(FILL.to_owned()).await.unwrap();
    if !tx.view.is_sqlite() {
        // Where it expects a handful of rows, PostgreSQL likes to collect and sort them. That does no
        // harm, but hides whether the index has them in order.
        tx.view.run_script("SET LOCAL enable_bitmapscan = off".to_owned()).await.unwrap();
    }
    tx
}

/// The engine's plan, one step in a line.
async fn plan(tx: &mut SqlTransaction, sql: &'static str, values: &[Value<'_>]) -> String {
    let is_sqlite = tx.view.is_sqlite();
    let explain = if is_sqlite { "EXPLAIN QUERY PLAN " } else { "EXPLAIN " };
    // A test may leak the few texts that it puts together.
    let explain = Box::leak(format!("{explain}{sql}").into_boxed_str());
    let mut steps = Vec::new();
    for mut row in tx.view.fetch_all(explain, values).await.unwrap() {
        if is_sqlite {
            // The columns before the text: id, parent, and one that is not used.
            for _ in 0..3 {
                row.int().unwrap();
            }
        }
        steps.push(row.text().unwrap());
    }
    steps.join("\n")
}

async fn assert_indexed(tx: &mut SqlTransaction, sql: &'static str, values: &[Value<'_>]) {
    // The rows of a page, found by an index, are all to be read.
    let plan = plan(tx, sql, values).await.replace("SCAN page", "");
    // Joins other than loops read one of the tables from its beginning.
    let bad = ["SCAN", "TEMP B-TREE", "Seq Scan", "Sort", "Bitmap", "Merge Join", "Hash"];
    assert!(!bad.iter().any(|step| plan.contains(step)), "{sql}\n{plan}");
    // The keys of the page must be what the index is entered with, not what its rows are tested for.
    assert!(!plan.contains("Filter:"), "{sql}\n{plan}");
}

async fn every_lookup_uses_an_index(location: &Location) {
    let mut tx = filled(location).await;
    let cursor = UserCursor { value: "user1003@example.com".into(), sub: "sub1003".into() };
    let mut queries = vec![(None, None), (None, Some(&cursor))];
    let filters = FIELDS.into_iter().flat_map(|field| {
        [true, false].map(|is_prefix| UserFilter { field, value: "user1".into(), is_prefix })
    });
    let filters: Vec<_> = filters.collect();
    for filter in &filters {
        queries.extend([(Some(filter), None), (Some(filter), Some(&cursor))]);
    }
    for (filter, after) in queries {
        let query = list::query(filter, after);
        assert_indexed(&mut tx, query.sql(), &query.values(POOL, 60)).await;
    }
    for sql in [BY_USERNAME, BY_SUB, BY_ALIAS, groups::OF_USER] {
        assert_indexed(&mut tx, sql, values![POOL, "user3"]).await;
    }
    for (group, after) in [("sub3", ""), ("sub3", "sub1003"), ("sub8", ""), ("sub8", "sub1099")] {
        assert_indexed(&mut tx, groups::MEMBERS, values![POOL, group, after, 60_u32]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lookup_uses_an_index_on_sqlite() {
    every_lookup_uses_an_index(&Location::Ephemeral).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lookup_uses_an_index_on_postgres() {
    let Some(database) = PostgresDatabase::create().await else {
        return;
    };
    every_lookup_uses_an_index(&Location::Postgres { url: database.url(), connections: 2 }).await;
}
