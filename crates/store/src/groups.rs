//! Storage of groups and of who is in them.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    groups::{Group, Groups},
    time::Timestamp,
    users::User,
};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
    users::user_columns,
};

/// The columns of a group in the order in which [`read`] reads them.
macro_rules! group_columns {
    () => {
        "g.pool_id, g.id, g.name, g.description, g.role_arn, g.precedence, g.created_at, \
         g.modified_at"
    };
}

const INSERT: &str = "INSERT INTO groups
    (pool_id, name_key, id, name, description, role_arn, precedence, created_at, modified_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT DO NOTHING";
const GET: &str =
    concat!("SELECT ", group_columns!(), " FROM groups g WHERE g.pool_id = $1 AND g.name_key = $2");
const UPDATE: &str = "UPDATE groups
    SET description = $3, role_arn = $4, precedence = $5, modified_at = $6
    WHERE pool_id = $1 AND id = $2";
const DELETE: &str = "DELETE FROM groups WHERE pool_id = $1 AND id = $2";
const REMEMBER_DELETED: &str = "INSERT INTO deleted_groups (pool_id, group_id, deleted_at)
    VALUES ($1, $2, $3)";
const LIST: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM groups g WHERE g.pool_id = $1 AND g.name_key > $2 ORDER BY g.name_key LIMIT $3"
);
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM groups WHERE pool_id = $1";
/// Not sorted: a user is in few groups, and every sign-in asks.
///
/// `CROSS JOIN` tells SQLite to begin with the memberships. PostgreSQL finds that by itself.
pub(crate) const OF_USER: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM memberships m CROSS JOIN groups g
    WHERE m.pool_id = $1 AND m.sub = $2 AND g.pool_id = m.pool_id AND g.id = m.group_id"
);
const INSERT_MEMBER: &str = "INSERT INTO memberships (pool_id, group_id, sub) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
const DELETE_MEMBER: &str = "DELETE FROM memberships
    WHERE pool_id = $1 AND group_id = $2 AND sub = $3";
/// The members of a page come first and then their users, one by one: as a plain join PostgreSQL merges
/// the two tables, and reads all users who come before the page.
pub(crate) const MEMBERS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM (SELECT pool_id, sub FROM memberships
        WHERE pool_id = $1 AND group_id = $2 AND sub > $3 ORDER BY sub LIMIT $4) page
    CROSS JOIN users u WHERE u.pool_id = page.pool_id AND u.sub = page.sub ORDER BY page.sub"
);

/// Reads a row of `group_columns!`.
fn read(mut row: Row) -> Result<Group, Fault> {
    Ok(Group {
        user_pool_id: row.text()?,
        id: row.text()?,
        name: row.text()?,
        description: row.maybe_text()?,
        role_arn: row.maybe_text()?,
        precedence: row
            .maybe_int()?
            .map(i32::try_from)
            .transpose()
            .map_err(|error| Fault::because("a stored precedence is out of range", error))?,
        created_at: row.time()?,
        modified_at: row.time()?,
    })
}

#[async_trait]
impl Groups for SqlTransaction {
    async fn insert_group(&mut self, group: &Group) -> Result<bool, Fault> {
        let name_key = group.name_key();
        let values = values![
            &group.user_pool_id,
            &name_key,
            &group.id,
            &group.name,
            &group.description,
            &group.role_arn,
            group.precedence.map(i64::from),
            group.created_at,
            group.modified_at
        ];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn group(&mut self, user_pool_id: &str, name_key: &str) -> Result<Option<Group>, Fault> {
        self.view.fetch_optional(GET, values![user_pool_id, name_key]).await?.map(read).transpose()
    }

    async fn update_group(&mut self, group: &Group) -> Result<(), Fault> {
        let values = values![
            &group.user_pool_id,
            &group.id,
            &group.description,
            &group.role_arn,
            group.precedence.map(i64::from),
            group.modified_at
        ];
        swapped(self.view.execute(UPDATE, values).await?, "the group")
    }

    async fn delete_group(&mut self, group: &Group, now: Timestamp) -> Result<(), Fault> {
        let (pool_id, id) = (&group.user_pool_id, &group.id);
        swapped(self.view.execute(DELETE, values![pool_id, id]).await?, "the group")?;
        self.view.execute(REMEMBER_DELETED, values![pool_id, id, now]).await.map(drop)
    }

    async fn list_groups(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Group>, Fault> {
        let values = values![user_pool_id, after.unwrap_or_default(), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }

    async fn count_groups(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        match self.view.fetch_optional(COUNT, values![user_pool_id]).await? {
            Some(mut row) => row.int(),
            None => Ok(0),
        }
    }

    async fn groups_of_user(&mut self, user_pool_id: &str, sub: &str) -> Result<Vec<Group>, Fault> {
        let rows = self.view.fetch_all(OF_USER, values![user_pool_id, sub]).await?;
        let mut groups = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        groups.sort_by_cached_key(Group::name_key);
        Ok(groups)
    }

    async fn insert_member(&mut self, group: &Group, sub: &str) -> Result<(), Fault> {
        let values = values![&group.user_pool_id, &group.id, sub];
        self.view.execute(INSERT_MEMBER, values).await.map(drop)
    }

    async fn delete_member(&mut self, group: &Group, sub: &str) -> Result<(), Fault> {
        let values = values![&group.user_pool_id, &group.id, sub];
        self.view.execute(DELETE_MEMBER, values).await.map(drop)
    }

    async fn list_members(
        &mut self,
        group: &Group,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<User>, Fault> {
        let values = values![&group.user_pool_id, &group.id, after.unwrap_or_default(), limit];
        let rows = self.view.fetch_page(MEMBERS, values).await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            users.push(self.read_user(row).await?);
        }
        Ok(users)
    }
}
