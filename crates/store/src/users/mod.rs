//! Storage of users.

mod aliases;
mod list;
mod many;
#[cfg(test)]
mod plans;
mod row;

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    users::{Alias, Taken, User, UserCursor, UserFilter, Users},
};

pub(crate) use self::row::Indexed;
use self::row::{COLUMN_COUNT, Sealed};
use crate::{
    engine::{Value, values},
    store::{SqlTransaction, swapped},
};

/// The columns of a user in the order in which [`row`] reads them.
macro_rules! user_columns {
    () => {
        "u.pool_id, u.sub, u.username, u.status, u.enabled, u.attributes, u.pending_attributes, \
         u.created_at, u.modified_at, u.sealed_password, u.password_set_at, \
         u.sealed_software_token, u.mfa, u.signed_out_at, u.version"
    };
}
pub(crate) use user_columns;

/// The beginning of the statements that insert users, whose columns are filled by
/// [`Sealed::push_values`], [`Indexed::push_values`], and three more.
macro_rules! insert_into_users {
    () => {
        "INSERT INTO users
    (pool_id, sub, version, attributes, pending_attributes, modified_at, sealed_password,
     password_set_at, sealed_software_token, mfa, signed_out_at,
     status, enabled, email_key, phone_key, name_key, given_name_key, family_name_key,
     preferred_username_key, username, username_key, created_at)
    VALUES "
    };
}
pub(crate) use insert_into_users;

const INSERT: &str = concat!(
    insert_into_users!(),
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20, $21, $22)
    ON CONFLICT DO NOTHING"
);
/// Sets everything but what [`Indexed`] is about.
const UPDATE_UNINDEXED: &str = "UPDATE users SET version = version + 1,
    attributes = $4, pending_attributes = $5, modified_at = $6, sealed_password = $7,
    password_set_at = $8, sealed_software_token = $9, mfa = $10, signed_out_at = $11
    WHERE pool_id = $1 AND sub = $2 AND version = $3";
const UPDATE: &str = "UPDATE users SET version = version + 1,
    attributes = $4, pending_attributes = $5, modified_at = $6, sealed_password = $7,
    password_set_at = $8, sealed_software_token = $9, mfa = $10, signed_out_at = $11,
    status = $12, enabled = $13, email_key = $14, phone_key = $15, name_key = $16,
    given_name_key = $17, family_name_key = $18, preferred_username_key = $19
    WHERE pool_id = $1 AND sub = $2 AND version = $3";
const BY_USERNAME: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.pool_id = $1 AND u.username_key = $2"
);
const BY_SUB: &str =
    concat!("SELECT ", user_columns!(), " FROM users u WHERE u.pool_id = $1 AND u.sub = $2");
/// Whether the sign-in was revoked, then the user.
const OF_SIGN_IN: &str = concat!(
    "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM revoked_origins r
        WHERE r.pool_id = $1 AND r.origin_jti = $3) THEN 1 ELSE 0 END AS BIGINT), ",
    user_columns!(),
    " FROM users u WHERE u.pool_id = $1 AND u.sub = $2"
);
/// Whether the one-time id was used, whether there is such a user, then the user. One row in any case,
/// so that nobody costs as much as somebody.
const OF_SESSION: &str = concat!(
    "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM spent s WHERE s.id = $3) THEN 1 ELSE 0 END
            AS BIGINT),
        CAST(CASE WHEN u.sub IS NULL THEN 0 ELSE 1 END AS BIGINT), ",
    user_columns!(),
    " FROM (SELECT 1) AS one LEFT JOIN users u ON u.pool_id = $1 AND u.sub = $2"
);
const BY_ALIAS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM aliases a JOIN users u ON u.pool_id = a.pool_id AND u.sub = a.sub
    WHERE a.pool_id = $1 AND a.alias_key = $2 ORDER BY a.attribute LIMIT 1"
);
/// A write that changes nothing: whoever deletes the user at the same time conflicts with it.
const HOLD: &str = "UPDATE users SET version = version WHERE pool_id = $1 AND sub = $2";
const DELETE: &str = "DELETE FROM users WHERE pool_id = $1 AND sub = $2";
const DELETE_ALIASES: &str = "DELETE FROM aliases WHERE pool_id = $1 AND sub = $2";
const DELETE_CODES: &str = "DELETE FROM codes WHERE pool_id = $1 AND sub = $2";
const DELETE_MESSAGES: &str = "DELETE FROM outbox WHERE pool_id = $1 AND sub = $2";
const DELETE_AUTHORIZATION_CODES: &str =
    "DELETE FROM authorization_codes WHERE pool_id = $1 AND sub = $2";
const DELETE_ATTEMPTS: &str = "DELETE FROM attempts WHERE pool_id = $1 AND subject = $2";
const DELETE_DEVICES: &str = "DELETE FROM devices WHERE pool_id = $1 AND sub = $2";
const DELETE_MEMBERSHIPS: &str = "DELETE FROM memberships WHERE pool_id = $1 AND sub = $2";
const DELETE_FORMER_PASSWORDS: &str =
    "DELETE FROM former_passwords WHERE pool_id = $1 AND sub = $2";
/// The sweep removes the events, which may be many. Where there is threat protection, it also looks
/// after users who have none: a sign-in that goes on may be about to write the first.
const LEAVE_EVENTS: &str = "INSERT INTO deleted_event_owners (pool_id, sub, deleted_at)
    SELECT pool_id, $2, 0 FROM auth_events WHERE pool_id = $1 LIMIT 1
    ON CONFLICT DO NOTHING";
const DELETE_PASSKEYS: &str = "DELETE FROM passkeys WHERE pool_id = $1 AND sub = $2";
const DELETE_PENDING_PASSKEYS: &str =
    "DELETE FROM pending_passkeys WHERE pool_id = $1 AND sub = $2";
const DELETE_IDENTITIES: &str = "DELETE FROM linked_identities WHERE pool_id = $1 AND sub = $2";
const DELETE_SESSIONS: &str = "DELETE FROM user_sessions WHERE pool_id = $1 AND sub = $2";
const COUNT: &str = "INSERT INTO user_counts (pool_id, shard, users) VALUES ($1, $2, $3)
    ON CONFLICT (pool_id, shard) DO UPDATE SET users = user_counts.users + excluded.users";
const COUNTED: &str = "SELECT CAST(COALESCE(SUM(users), 0) AS BIGINT) FROM user_counts
    WHERE pool_id = $1";

/// Rows over which the count of a pool's users is spread. Two sign-ups that overlap in time on
/// PostgreSQL and hit the same row make one of them run again.
const SHARDS: u32 = 64;

fn shard(sub: &str) -> u32 {
    sub.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % SHARDS
}

impl SqlTransaction {
    async fn one_user(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<User>, Fault> {
        let Some(row) = self.view.fetch_optional(sql, values).await? else { return Ok(None) };
        let user = self.read_user(row).await?;
        if self.view.can_write() {
            self.indexed = Some(Indexed::of(&user));
        }
        Ok(Some(user))
    }

    /// Stores the user's row; `false` if the username is taken.
    async fn insert_user_row(&mut self, user: &User, username_key: &str) -> Result<bool, Fault> {
        let (sealed, indexed) = (Sealed::of(self, user)?, Indexed::of(user));
        let mut values = Vec::with_capacity(COLUMN_COUNT + 3);
        sealed.push_values(user, &mut values);
        indexed.push_values(&mut values);
        let rest = [(&user.username).into(), username_key.into(), user.created_at.into()];
        values.extend::<[Value<'_>; 3]>(rest);
        Ok(self.view.execute(INSERT, &values).await? == 1)
    }

    /// Removes a user that was inserted and not counted: the caller may commit what else it did, so
    /// nothing of the user may stay.
    async fn take_back(&mut self, user: &User) -> Result<(), Fault> {
        for sql in [DELETE_ALIASES, DELETE] {
            self.view.execute(sql, values![&user.user_pool_id, &user.sub]).await?;
        }
        Ok(())
    }

    /// Changes the count of a pool's users, on the row that `spread` chooses.
    pub(crate) async fn count_user(
        &mut self,
        pool_id: &str,
        spread: &str,
        change: i64,
    ) -> Result<(), Fault> {
        self.view.execute(COUNT, values![pool_id, shard(spread), change]).await.map(drop)
    }
}

#[async_trait]
impl Users for SqlTransaction {
    async fn insert_user(
        &mut self,
        user: &User,
        username_key: &str,
        aliases: &[Alias],
    ) -> Result<Result<(), Taken>, Fault> {
        if !self.insert_user_row(user, username_key).await? {
            return Ok(Err(Taken::Username));
        }
        let (pool_id, sub) = (&user.user_pool_id, &user.sub);
        for alias in aliases {
            if !self.insert_alias(pool_id, alias, sub).await? {
                self.take_back(user).await?;
                return Ok(Err(Taken::Alias(alias.attribute.clone())));
            }
        }
        self.count_user(pool_id, sub, 1).await.map(Ok)
    }

    async fn user_by_username(
        &mut self,
        user_pool_id: &str,
        username_key: &str,
    ) -> Result<Option<User>, Fault> {
        self.one_user(BY_USERNAME, values![user_pool_id, username_key]).await
    }

    async fn user_by_sub(&mut self, user_pool_id: &str, sub: &str) -> Result<Option<User>, Fault> {
        self.one_user(BY_SUB, values![user_pool_id, sub]).await
    }

    async fn user_of_sign_in(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<Option<(User, bool)>, Fault> {
        let values = values![user_pool_id, sub, origin_jti];
        let found = self.view.fetch_optional(OF_SIGN_IN, values).await?;
        let Some(mut row) = found else { return Ok(None) };
        let is_revoked = row.flag()?;
        Ok(Some((self.read_user(row).await?, is_revoked)))
    }

    async fn user_of_session(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        session_id: &str,
    ) -> Result<(Option<User>, bool), Fault> {
        let values = values![user_pool_id, sub, session_id];
        let Some(mut row) = self.view.fetch_optional(OF_SESSION, values).await? else {
            return Err(Fault::broken("a statement without rows was answered with none"));
        };
        let (is_spent, is_there) = (row.flag()?, row.flag()?);
        let user = if is_there { Some(self.read_user(row).await?) } else { None };
        Ok((user, is_spent))
    }

    async fn user_by_alias(
        &mut self,
        user_pool_id: &str,
        alias_key: &str,
    ) -> Result<Option<User>, Fault> {
        self.one_user(BY_ALIAS, values![user_pool_id, alias_key]).await
    }

    async fn update_user(&mut self, user: &mut User) -> Result<(), Fault> {
        let (sealed, indexed) = (Sealed::of(self, user)?, Indexed::of(user));
        let mut values = Vec::with_capacity(COLUMN_COUNT);
        sealed.push_values(user, &mut values);
        let touched = if self.indexed.as_ref() == Some(&indexed) {
            self.view.execute(UPDATE_UNINDEXED, &values).await?
        } else {
            indexed.push_values(&mut values);
            self.view.execute(UPDATE, &values).await?
        };
        drop(values);
        swapped(touched, "the user")?;
        user.version += 1;
        self.indexed = Some(indexed);
        Ok(())
    }

    async fn hold_user(&mut self, user_pool_id: &str, sub: &str) -> Result<bool, Fault> {
        Ok(self.view.execute(HOLD, values![user_pool_id, sub]).await? == 1)
    }

    async fn delete_user(&mut self, user_pool_id: &str, sub: &str) -> Result<(), Fault> {
        if self.view.execute(DELETE, values![user_pool_id, sub]).await? == 0 {
            return Ok(());
        }
        let belongings = [
            DELETE_ALIASES,
            DELETE_CODES,
            DELETE_MESSAGES,
            DELETE_AUTHORIZATION_CODES,
            DELETE_ATTEMPTS,
            DELETE_DEVICES,
            DELETE_MEMBERSHIPS,
            DELETE_SESSIONS,
            DELETE_PASSKEYS,
            DELETE_PENDING_PASSKEYS,
            DELETE_IDENTITIES,
            DELETE_FORMER_PASSWORDS,
            LEAVE_EVENTS,
        ];
        for sql in belongings {
            self.view.execute(sql, values![user_pool_id, sub]).await?;
        }
        self.count_user(user_pool_id, sub, -1).await
    }

    async fn claim_alias(
        &mut self,
        user_pool_id: &str,
        alias: &Alias,
        sub: &str,
    ) -> Result<bool, Fault> {
        self.replace_alias(user_pool_id, alias, sub).await
    }

    async fn release_alias(
        &mut self,
        user_pool_id: &str,
        attribute: &str,
        sub: &str,
    ) -> Result<(), Fault> {
        self.delete_alias(user_pool_id, attribute, sub).await
    }

    async fn list_users(
        &mut self,
        user_pool_id: &str,
        filter: Option<&UserFilter>,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, Fault> {
        let query = list::query(filter, after);
        let values = query.values(user_pool_id, limit);
        let rows = self.view.fetch_page(query.sql(), &values).await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            users.push(self.read_user(row).await?);
        }
        Ok(users)
    }

    async fn count_users(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        match self.view.fetch_optional(COUNTED, values![user_pool_id]).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }
}
