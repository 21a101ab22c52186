//! Storage of user pools.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    sessions::tracking::SessionSettings,
    user_pools::{FactorSettings, UserPool, UserPools},
};
use poolhouse_wire::{Decode, from_stored, to_json};

use crate::{
    engine::{Row, Value, values},
    store::{SqlTransaction, inserted, swapped},
};

const INSERT: &str = "INSERT INTO user_pools
    (id, settings, sms_factor, software_token_factor, email_factor, web_authn, version,
     session_tracking, sessions_per_user, is_deleting)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT settings, sms_factor, software_token_factor, email_factor, web_authn,
    version, session_tracking, sessions_per_user FROM user_pools WHERE id = $1 AND is_deleting = 0";
const UPDATE: &str = "UPDATE user_pools
    SET settings = $2, sms_factor = $3, software_token_factor = $4, email_factor = $5,
        web_authn = $6, version = version + 1, session_tracking = $8, sessions_per_user = $9
    WHERE id = $1 AND version = $7 AND is_deleting = 0";
/// A write that changes nothing: others that hold, change or delete the pool conflict with it.
const HOLD: &str = "UPDATE user_pools SET version = version WHERE id = $1 AND is_deleting = 0";
const MARK: &str = "UPDATE user_pools SET is_deleting = 1, version = version + 1 WHERE id = $1";
const DELETE_CLIENTS: &str = "DELETE FROM app_clients WHERE pool_id = $1";
const DELETE_KEYS: &str = "DELETE FROM signing_keys WHERE pool_id = $1";
const NTH: &str = "SELECT id FROM user_pools WHERE is_deleting = 0 ORDER BY id
    LIMIT 1 OFFSET $1";
const LIST: &str = "SELECT settings, sms_factor, software_token_factor, email_factor, web_authn,
    version, session_tracking, sessions_per_user FROM user_pools WHERE id > $1 AND is_deleting = 0 ORDER BY id LIMIT $2";

fn read(mut row: Row) -> Result<UserPool, Fault> {
    Ok(UserPool {
        settings: parse(&row.text()?)?,
        factors: FactorSettings {
            sms: row.flag()?,
            software_token: row.flag()?,
            email: row.maybe_text()?.as_deref().map(parse).transpose()?,
            web_authn: row.maybe_text()?.as_deref().map(parse).transpose()?,
        },
        version: row.int()?,
        sessions: read_sessions(row.maybe_int()?, row.maybe_int()?)?,
    })
}

/// What a pool says about sessions; the defaults if it was never told.
fn read_sessions(tracking: Option<i64>, most: Option<i64>) -> Result<SessionSettings, Fault> {
    let (Some(tracking), Some(most)) = (tracking, most) else {
        return Ok(SessionSettings::default());
    };
    let max_per_user = i32::try_from(most)
        .map_err(|error| Fault::because("a stored number of sessions is out of range", error))?;
    Ok(SessionSettings { is_tracking: tracking != 0, max_per_user })
}

fn parse<T: Decode>(json: &str) -> Result<T, Fault> {
    from_stored(json).map_err(|error| Fault::because("a stored user pool can't be read", error))
}

/// What of a pool is stored as JSON.
struct Texts {
    settings: String,
    email: Option<String>,
    web_authn: Option<String>,
}

impl Texts {
    fn of(pool: &UserPool) -> Self {
        Self {
            settings: to_json(&pool.settings),
            email: pool.factors.email.as_ref().map(to_json),
            web_authn: pool.factors.web_authn.as_ref().map(to_json),
        }
    }

    /// The values of the statements that insert and update.
    fn values<'a>(&'a self, pool: &'a UserPool) -> [Value<'a>; 9] {
        [
            pool.id().into(),
            (&self.settings).into(),
            pool.factors.sms.into(),
            pool.factors.software_token.into(),
            (&self.email).into(),
            (&self.web_authn).into(),
            pool.version.into(),
            pool.sessions.is_tracking.into(),
            i64::from(pool.sessions.max_per_user).into(),
        ]
    }
}

#[async_trait]
impl UserPools for SqlTransaction {
    async fn insert_user_pool(&mut self, pool: &UserPool) -> Result<(), Fault> {
        let texts = Texts::of(pool);
        inserted(self.view.execute(INSERT, &texts.values(pool)).await?, "a user pool")
    }

    async fn user_pool(&mut self, id: &str) -> Result<Option<UserPool>, Fault> {
        self.view.fetch_optional(GET, values![id]).await?.map(read).transpose()
    }

    async fn update_user_pool(&mut self, pool: &mut UserPool) -> Result<(), Fault> {
        let texts = Texts::of(pool);
        swapped(self.view.execute(UPDATE, &texts.values(pool)).await?, "the user pool")?;
        pool.version += 1;
        Ok(())
    }

    async fn hold_user_pool(&mut self, id: &str) -> Result<(), Fault> {
        swapped(self.view.execute(HOLD, values![id]).await?, "the user pool")
    }

    async fn delete_user_pool(&mut self, id: &str) -> Result<(), Fault> {
        for sql in [MARK, DELETE_CLIENTS, DELETE_KEYS] {
            self.view.execute(sql, values![id]).await?;
        }
        Ok(())
    }

    async fn has_user_pools(&mut self, number: u32) -> Result<bool, Fault> {
        // Stops at the number: that many rows at most are looked at.
        let Some(before) = number.checked_sub(1) else { return Ok(true) };
        Ok(self.view.fetch_optional(NTH, values![before]).await?.is_some())
    }

    async fn list_user_pools(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UserPool>, Fault> {
        let values = values![after.unwrap_or_default(), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }
}
