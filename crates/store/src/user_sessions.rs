//! Storage of the sessions that users can see and end.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    sessions::tracking::{Activity, SessionKind, UserSession, UserSessions},
};

use crate::{
    engine::{Row, values},
    store::SqlTransaction,
};

const INSERT: &str = "INSERT INTO user_sessions
    (pool_id, sub, id, kind, slot, client_id, created_at, last_active_at, device, address,
     origin_session_id, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT DO NOTHING";
/// Slots bound the number of rows; the limit guards against a mistake.
const OF_USER: &str = "SELECT pool_id, sub, id, kind, slot, client_id, created_at, last_active_at,
    device, address, origin_session_id, expires_at
    FROM user_sessions WHERE pool_id = $1 AND sub = $2 LIMIT 250";
const TOUCH: &str = "UPDATE user_sessions SET last_active_at = $4, device = $5, address = $6
    WHERE pool_id = $1 AND sub = $2 AND id = $3";
const DELETE: &str = "DELETE FROM user_sessions WHERE pool_id = $1 AND sub = $2 AND id = $3";
const DELETE_TOKEN_SESSIONS: &str =
    "DELETE FROM user_sessions WHERE pool_id = $1 AND sub = $2 AND kind = 'TOKEN'";
const DELETE_ALL: &str = "DELETE FROM user_sessions WHERE pool_id = $1 AND sub = $2";

fn read(mut row: Row) -> Result<UserSession, Fault> {
    Ok(UserSession {
        user_pool_id: row.text()?,
        sub: row.text()?,
        id: row.text()?,
        kind: SessionKind::from_name(&row.text()?)
            .ok_or_else(|| Fault::broken("a stored session is of an unknown kind"))?,
        slot: i32::try_from(row.int()?)
            .map_err(|error| Fault::because("a stored slot is out of range", error))?,
        client_id: row.text()?,
        created_at: row.time()?,
        last_active_at: row.time()?,
        device: row.text()?,
        address: row.maybe_text()?,
        origin_session_id: row.maybe_text()?,
        expires_at: row.time()?,
    })
}

#[async_trait]
impl UserSessions for SqlTransaction {
    async fn insert_user_session(&mut self, session: &UserSession) -> Result<bool, Fault> {
        let values = values![
            &session.user_pool_id,
            &session.sub,
            &session.id,
            session.kind.as_str(),
            i64::from(session.slot),
            &session.client_id,
            session.created_at,
            session.last_active_at,
            &session.device,
            &session.address,
            &session.origin_session_id,
            session.expires_at
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn user_sessions(
        &mut self,
        user_pool_id: &str,
        sub: &str,
    ) -> Result<Vec<UserSession>, Fault> {
        let rows = self.view.fetch_all(OF_USER, values![user_pool_id, sub]).await?;
        rows.into_iter().map(read).collect()
    }

    async fn touch_user_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        id: &str,
        activity: &Activity,
    ) -> Result<(), Fault> {
        let values =
            values![user_pool_id, sub, id, activity.at, &activity.device, &activity.address];
        self.view.execute(TOUCH, values).await.map(drop)
    }

    async fn delete_user_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        id: &str,
    ) -> Result<bool, Fault> {
        Ok(self.view.execute(DELETE, values![user_pool_id, sub, id]).await? == 1)
    }

    async fn delete_token_sessions(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault> {
        self.view.execute(DELETE_TOKEN_SESSIONS, values![user_pool_id, sub]).await.map(drop)
    }

    async fn delete_user_sessions(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault> {
        self.view.execute(DELETE_ALL, values![user_pool_id, sub]).await.map(drop)
    }
}
