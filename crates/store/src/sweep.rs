//! Removal of what has expired and of what deleted user pools left.
//!
//! Each statement removes at most [`BATCH`] rows in a transaction of its own, so that requests never
//! wait long behind it.

use poolhouse_domain::{Fault, time::Timestamp};

use crate::engine::{Engine, Value, values};

/// Rows that one statement removes at most. The texts below repeat it.
const BATCH: u64 = 1_000;

/// Deleted groups, deleted users and ended files that are looked at at once. The texts below repeat
/// it.
const OWNERS: usize = 100;

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
const EXPIRED_AUTHORIZATION_CODES: &str = "DELETE FROM authorization_codes WHERE hash IN
    (SELECT hash FROM authorization_codes WHERE expires_at <= $1 LIMIT 1000)";
const OLD_EVENTS: &str = "DELETE FROM auth_events WHERE (pool_id, sub, event_id) IN
    (SELECT pool_id, sub, event_id FROM auth_events WHERE created_at <= $1 LIMIT 1000)";

/// How long events of threat protection are kept, in seconds: two years, as in the service.
const EVENTS_KEPT: i64 = 2 * 365 * 86_400;

/// How long a deleted user is watched, in seconds: a sign-in that saw them may still add an event.
const OWNER_GRACE: i64 = 60;

const DELETED_OWNERS: &str = "SELECT pool_id, sub, deleted_at FROM deleted_event_owners
    ORDER BY deleted_at LIMIT 100";
const FORMER_EVENTS: &str =
    "DELETE FROM auth_events WHERE pool_id = $1 AND sub = $2 AND event_id IN
    (SELECT event_id FROM auth_events WHERE pool_id = $1 AND sub = $2 LIMIT 1000)";
/// Whoever deletes a user tells no time; the sweep does when it first sees what was left.
const DATE_OWNER: &str = "UPDATE deleted_event_owners SET deleted_at = $3
    WHERE pool_id = $1 AND sub = $2";
const FORGET_OWNER: &str = "DELETE FROM deleted_event_owners WHERE pool_id = $1 AND sub = $2";

const EXPIRED_PASSKEYS: &str = "DELETE FROM pending_passkeys WHERE (pool_id, sub) IN
    (SELECT pool_id, sub FROM pending_passkeys WHERE expires_at <= $1 LIMIT 1000)";
const EXPIRED_SESSIONS: &str = "DELETE FROM user_sessions WHERE (pool_id, sub, id) IN
    (SELECT pool_id, sub, id FROM user_sessions WHERE expires_at <= $1 LIMIT 1000)";

const GONE_MESSAGES: &str = "DELETE FROM outbox WHERE id IN
    (SELECT id FROM outbox WHERE gone_at <= $1 LIMIT 1000)";

/// How long a deleted group is watched, in seconds: a request that saw it may still add a member.
const GROUP_GRACE: i64 = 60;

const DELETED_GROUPS: &str = "SELECT pool_id, group_id, deleted_at FROM deleted_groups
    ORDER BY deleted_at LIMIT 100";
const FORMER_MEMBERS: &str =
    "DELETE FROM memberships WHERE pool_id = $1 AND group_id = $2 AND sub IN
    (SELECT sub FROM memberships WHERE pool_id = $1 AND group_id = $2 LIMIT 1000)";
const FORGET_GROUP: &str = "DELETE FROM deleted_groups WHERE pool_id = $1 AND group_id = $2";

/// Chunks of uploaded files that one statement removes at most: 10 MiB. A text below repeats it.
const CHUNKS: u64 = 40;

const ENDED_UPLOADS: &str = "SELECT id FROM import_uploads WHERE gone_at <= $1
    ORDER BY gone_at LIMIT 100";
const ENDED_CHUNKS: &str = "DELETE FROM import_chunks WHERE upload_id = $1 AND number IN
    (SELECT number FROM import_chunks WHERE upload_id = $1 LIMIT 40)";
const FORGET_UPLOAD: &str = "DELETE FROM import_uploads WHERE id = $1";

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
    "DELETE FROM authorization_codes WHERE hash IN
        (SELECT hash FROM authorization_codes WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM attempts WHERE (pool_id, subject, attempted) IN
        (SELECT pool_id, subject, attempted FROM attempts WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM revoked_origins WHERE (pool_id, origin_jti) IN
        (SELECT pool_id, origin_jti FROM revoked_origins WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM former_passwords WHERE (pool_id, sub, position) IN
        (SELECT pool_id, sub, position FROM former_passwords WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM app_clients WHERE client_id IN
        (SELECT client_id FROM app_clients WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM memberships WHERE (pool_id, group_id, sub) IN
        (SELECT pool_id, group_id, sub FROM memberships WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM groups WHERE (pool_id, name_key) IN
        (SELECT pool_id, name_key FROM groups WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM deleted_groups WHERE (pool_id, group_id) IN
        (SELECT pool_id, group_id FROM deleted_groups WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM devices WHERE (pool_id, sub, device_key) IN
        (SELECT pool_id, sub, device_key FROM devices WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM user_sessions WHERE (pool_id, sub, id) IN
        (SELECT pool_id, sub, id FROM user_sessions WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM signing_keys WHERE (pool_id, kid) IN
        (SELECT pool_id, kid FROM signing_keys WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM resource_servers WHERE (pool_id, identifier) IN
        (SELECT pool_id, identifier FROM resource_servers WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM risk_configurations WHERE (pool_id, client_id) IN
        (SELECT pool_id, client_id FROM risk_configurations WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM auth_events WHERE (pool_id, sub, event_id) IN
        (SELECT pool_id, sub, event_id FROM auth_events WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM deleted_event_owners WHERE (pool_id, sub) IN
        (SELECT pool_id, sub FROM deleted_event_owners WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM log_deliveries WHERE pool_id = $1",
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM domains WHERE name IN
        (SELECT name FROM domains WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM styles WHERE (pool_id, id) IN
        (SELECT pool_id, id FROM styles WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM terms WHERE (pool_id, id) IN
        (SELECT pool_id, id FROM terms WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM import_jobs WHERE (pool_id, id) IN
        (SELECT pool_id, id FROM import_jobs WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM import_log WHERE (pool_id, job_id, first_line) IN
        (SELECT pool_id, job_id, first_line FROM import_log WHERE pool_id = $1 LIMIT 1000)",
    // What has no end gets one; the files themselves are removed like others that have ended.
    "UPDATE import_uploads SET gone_at = 0 WHERE id IN
        (SELECT id FROM import_uploads WHERE pool_id = $1 AND gone_at IS NULL LIMIT 1000)",
    "DELETE FROM passkeys WHERE (pool_id, credential_id) IN
        (SELECT pool_id, credential_id FROM passkeys WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM pending_passkeys WHERE (pool_id, sub) IN
        (SELECT pool_id, sub FROM pending_passkeys WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM identity_providers WHERE (pool_id, name) IN
        (SELECT pool_id, name FROM identity_providers WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM idp_identifiers WHERE (pool_id, identifier) IN
        (SELECT pool_id, identifier FROM idp_identifiers WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM linked_identities
        WHERE (pool_id, provider_name, attribute_name, attribute_value) IN
        (SELECT pool_id, provider_name, attribute_name, attribute_value FROM linked_identities
            WHERE pool_id = $1 LIMIT 1000)",
    "DELETE FROM saml_keys WHERE pool_id = $1",
    "DELETE FROM replicas WHERE pool_id = $1",
];

/// Images that one statement removes at most, of up to a megabyte each. The texts below repeat it.
const IMAGES: u64 = 40;

/// What a pool left that is large, with fewer rows at a time.
const LARGE_REMAINS: &[&str] = &[
    "DELETE FROM style_assets WHERE (style_id, category, color_mode, place) IN
        (SELECT style_id, category, color_mode, place FROM style_assets WHERE pool_id = $1
         LIMIT 40)",
    "DELETE FROM ui_customizations WHERE (pool_id, client_id) IN
        (SELECT pool_id, client_id FROM ui_customizations WHERE pool_id = $1 LIMIT 40)",
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
        (EXPIRED_AUTHORIZATION_CODES, now.plus_seconds(-CLOCK_SKEW)),
        (OLD_EVENTS, now.plus_seconds(-EVENTS_KEPT)),
        (EXPIRED_PASSKEYS, now.plus_seconds(-CLOCK_SKEW)),
        (EXPIRED_SESSIONS, now.plus_seconds(-CLOCK_SKEW)),
        (GONE_MESSAGES, now.plus_seconds(-CLOCK_SKEW)),
    ] {
        is_more |= remove(engine, sql, values![before]).await? >= BATCH;
    }
    if remove_former_members(engine, now).await?
        || remove_former_events(engine, now).await?
        || remove_uploads(engine, now).await?
    {
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
    for sql in LARGE_REMAINS {
        is_more |= remove(engine, sql, values![pool_id]).await? >= IMAGES;
    }
    Ok(is_more)
}

/// Removes a batch of the members that deleted groups had; answers whether there may be more.
async fn remove_former_members(engine: &Engine, now: Timestamp) -> Result<bool, Fault> {
    let mut groups = engine.read().fetch_all(DELETED_GROUPS, &[]).await?;
    let mut advanced = 0;
    for row in &mut groups {
        let (pool_id, id, deleted_at) = (row.text()?, row.text()?, row.time()?);
        if remove(engine, FORMER_MEMBERS, values![&pool_id, &id]).await? >= BATCH {
            return Ok(true);
        }
        if now.seconds_since(deleted_at) >= GROUP_GRACE {
            advanced += remove(engine, FORGET_GROUP, values![&pool_id, &id]).await?;
        }
    }
    Ok(may_hide_more(groups.len(), advanced))
}

/// Removes a batch of the events that deleted users had; answers whether there may be more.
async fn remove_former_events(engine: &Engine, now: Timestamp) -> Result<bool, Fault> {
    let mut owners = engine.read().fetch_all(DELETED_OWNERS, &[]).await?;
    let mut advanced = 0;
    for row in &mut owners {
        let (pool_id, sub, deleted_at) = (row.text()?, row.text()?, row.time()?);
        if remove(engine, FORMER_EVENTS, values![&pool_id, &sub]).await? >= BATCH {
            return Ok(true);
        }
        if deleted_at == Timestamp::default() {
            advanced += remove(engine, DATE_OWNER, values![&pool_id, &sub, now]).await?;
        } else if now.seconds_since(deleted_at) >= OWNER_GRACE {
            advanced += remove(engine, FORGET_OWNER, values![&pool_id, &sub]).await?;
        }
    }
    Ok(may_hide_more(owners.len(), advanced))
}

/// Removes a batch of the files for import that have ended; answers whether there may be more.
async fn remove_uploads(engine: &Engine, now: Timestamp) -> Result<bool, Fault> {
    let mut uploads = engine.read().fetch_all(ENDED_UPLOADS, values![now]).await?;
    let mut advanced = 0;
    for row in &mut uploads {
        let id = row.text()?;
        if remove(engine, ENDED_CHUNKS, values![&id]).await? >= CHUNKS {
            return Ok(true);
        }
        advanced += remove(engine, FORGET_UPLOAD, values![&id]).await?;
    }
    Ok(may_hide_more(uploads.len(), advanced))
}

/// Whether behind the rows that were looked at there may be others whose turn has come: only if
/// some of these made way. Those that only wait would be found again at once, and for nothing.
fn may_hide_more(found: usize, advanced: u64) -> bool {
    found >= OWNERS && advanced > 0
}

/// Runs one statement in a transaction of its own.
async fn remove(engine: &Engine, sql: &'static str, values: &[Value<'_>]) -> Result<u64, Fault> {
    let mut view = engine.write().await?;
    let removed = view.execute(sql, values).await?;
    view.commit().await?;
    Ok(removed)
}
