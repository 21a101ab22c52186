//! Removal of what has expired and of what deleted user pools left.
//!
//! Each statement removes at most [`BATCH`] rows in a transaction of its own, so that requests never
//! wait long behind it.

use poolhouse_domain::{Fault, time::Timestamp};

use crate::engine::{Engine, Value, values};

/// Rows that one statement removes at most. The texts below repeat it.
const BATCH: u64 = 1_000;

/// How long an expired code is kept, in seconds, so that its user still learns that it has expired.
const CODE_GRACE: i64 = 86_400;

/// How long other rows are kept beyond their end, in seconds: another node's clock may be behind.
const CLOCK_SKEW: i64 = 300;

/// How long an emptied user pool is watched, in seconds, before its row goes. A request that looked
/// the pool up before its deletion may still add a user.
const POOL_GRACE: i64 = 60;

const EXPIRED_CODES: &str = "DELETE FROM codes WHERE (pool_id, sub, purpose) IN
    (SELECT pool_id, sub, purpose FROM codes WHERE expires_at <= $1 LIMIT 1000)";
const EXPIRED_ATTEMPTS: &str = "DELETE FROM attempts WHERE (pool_id, subject, attempted) IN
    (SELECT pool_id, subject, attempted FROM attempts WHERE expires_at <= $1 LIMIT 1000)";
const EXPIRED_SPENT: &str = "DELETE FROM spent WHERE id IN
    (SELECT id FROM spent WHERE expires_at <= $1 LIMIT 1000)";
const EXPIRED_ORIGINS: &str = "DELETE FROM revoked_origins WHERE (pool_id, origin_jti) IN
    (SELECT pool_id, origin_jti FROM revoked_origins WHERE expires_at <= $1 LIMIT 1000)";

/// How long a deleted group is watched, in seconds: a request that saw it may still add a member.
const GROUP_GRACE: i64 = 60;

const DELETED_GROUPS: &str = "SELECT pool_id, group_id, deleted_at FROM deleted_groups
    ORDER BY deleted_at LIMIT 100";
const FORMER_MEMBERS: &str =
    "DELETE FROM memberships WHERE pool_id = $1 AND group_id = $2 AND sub IN
    (SELECT sub FROM memberships WHERE pool_id = $1 AND group_id = $2 LIMIT 1000)";
const FORGET_GROUP: &str = "DELETE FROM deleted_groups WHERE pool_id = $1 AND group_id = $2";

const DELETED_POOLS: &str = "SELECT id, emptied_at FROM user_pools WHERE is_deleting = 1
    ORDER BY id LIMIT 100";

/// What a pool left, each with at most a batch of rows at a time.
const REMAINS: &[&str] = &[
    "DELETE FROM users WHERE pool_id = $1 AND sub IN
        (SELECT sub FROM users WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM aliases WHERE (pool_id, alias_key, attribute) IN
        (SELECT pool_id, alias_key, attribute FROM aliases WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM codes WHERE (pool_id, sub, purpose) IN
        (SELECT pool_id, sub, purpose FROM codes WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM attempts WHERE (pool_id, subject, attempted) IN
        (SELECT pool_id, subject, attempted FROM attempts WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM revoked_origins WHERE (pool_id, origin_jti) IN
        (SELECT pool_id, origin_jti FROM revoked_origins WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM app_clients WHERE client_id IN
        (SELECT client_id FROM app_clients WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM memberships WHERE (pool_id, group_id, sub) IN
        (SELECT pool_id, group_id, sub FROM memberships WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM groups WHERE (pool_id, name_key) IN
        (SELECT pool_id, name_key FROM groups WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM deleted_groups WHERE (pool_id, group_id) IN
        (SELECT pool_id, group_id FROM deleted_groups WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM signing_keys WHERE (pool_id, kid) IN
        (SELECT pool_id, kid FROM signing_keys WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM resource_servers WHERE (pool_id, identifier) IN
        (SELECT pool_id, identifier FROM resource_servers WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM replicas WHERE pool_id = $1",
];

const EMPTIED: &str = "UPDATE user_pools SET emptied_at = $2 WHERE id = $1";
const FORGET_COUNTS: &str = "DELETE FROM user_counts WHERE pool_id = $1";
const FORGET_POOL: &str = "DELETE FROM user_pools WHERE id = $1 AND is_deleting = 1";

/// Removes one batch of everything; answers whether there may be more right now.
pub(crate) async fn run(engine: &Engine, now: Timestamp) -> Result<bool, Fault> {
    let mut is_more = false;
    for (sql, before) in [
        (EXPIRED_CODES, now.plus_seconds(-CODE_GRACE)),
        (EXPIRED_ATTEMPTS, now.plus_seconds(-CLOCK_SKEW)),
        (EXPIRED_SPENT, now.plus_seconds(-CLOCK_SKEW)),
        (EXPIRED_ORIGINS, now.plus_seconds(-CLOCK_SKEW)),
    ] {
        is_more |= remove(engine, sql, values![before]).await? >= BATCH;
    }
    if remove_former_members(engine, now).await? {
        return Ok(true);
    }
    let mut pools = engine.read().fetch_all(DELETED_POOLS, &[]).await?;
    for row in &mut pools {
        let (pool_id, emptied_at) = (row.text()?, row.maybe_time()?);
        if remove_remains(engine, &pool_id).await? {
            return Ok(true);
        }
        match emptied_at {
            None => drop(remove(engine, EMPTIED, values![&pool_id, now]).await?),
            Some(at) if now.seconds_since(at) < POOL_GRACE => {}
            Some(_) => {
                remove(engine, FORGET_COUNTS, values![&pool_id]).await?;
                remove(engine, FORGET_POOL, values![&pool_id]).await?;
            }
        }
    }
    Ok(is_more)
}

/// Removes a batch of what a deleted pool left; answers whether a batch was full.
async fn remove_remains(engine: &Engine, pool_id: &str) -> Result<bool, Fault> {
    let mut is_more = false;
    for sql in REMAINS {
        is_more |= remove(engine, sql, values![pool_id]).await? >= BATCH;
    }
    Ok(is_more)
}

/// Removes a batch of the members that deleted groups had; answers whether a batch was full.
async fn remove_former_members(engine: &Engine, now: Timestamp) -> Result<bool, Fault> {
    let mut groups = engine.read().fetch_all(DELETED_GROUPS, &[]).await?;
    for row in &mut groups {
        let (pool_id, id, deleted_at) = (row.text()?, row.text()?, row.time()?);
        if remove(engine, FORMER_MEMBERS, values![&pool_id, &id]).await? >= BATCH {
            return Ok(true);
        }
        if now.seconds_since(deleted_at) >= GROUP_GRACE {
            remove(engine, FORGET_GROUP, values![&pool_id, &id]).await?;
        }
    }
    Ok(false)
}

/// Runs one statement in a transaction of its own.
async fn remove(engine: &Engine, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
    let mut view = engine.write().await?;
    let removed = view.execute(sql, values).await?;
    view.commit().await?;
    Ok(removed)
}
