//! Many users in few statements, for imports: what PostgreSQL costs is the way there and back.

use std::{collections::BTreeSet, fmt::Write, sync::LazyLock};

use poolhouse_domain::{
    Fault,
    user_import::NewUser,
    users::{Alias, Taken, User},
};

use super::{
    insert_into_users,
    row::{COLUMN_COUNT, Indexed, Sealed},
};
use crate::{engine::Value, store::SqlTransaction};

/// How many rows the statements insert; the last is one, so that they make up any number.
const SIZES: [usize; 4] = [64, 16, 4, 1];
/// Columns of a row of users.
const USER_COLUMNS: usize = COLUMN_COUNT + 3;
/// Columns of a row of aliases.
const ALIAS_COLUMNS: usize = 4;

/// For each size, a statement that answers the `sub` of each row that was inserted.
static INSERT_USERS: LazyLock<[String; 4]> =
    LazyLock::new(|| SIZES.map(|rows| insert(insert_into_users!(), USER_COLUMNS, rows, "sub")));

/// For each size, a statement that answers the user and attribute of each row that was inserted.
static INSERT_ALIASES: LazyLock<[String; 4]> = LazyLock::new(|| {
    let into = "INSERT INTO aliases (pool_id, alias_key, attribute, sub) VALUES ";
    SIZES.map(|rows| insert(into, ALIAS_COLUMNS, rows, "sub, attribute"))
});

/// The text of a statement that inserts so many rows, but for those that are there.
fn insert(into: &str, columns: usize, rows: usize, answer: &str) -> String {
    let mut sql = into.to_owned();
    for number in 1..=columns * rows {
        let before = match (number - 1) % columns {
            0 if number == 1 => "(",
            0 => "), (",
            _ => ", ",
        };
        // Writing to a string can't fail.
        let _ = write!(sql, "{before}${number}");
    }
    sql + ") ON CONFLICT DO NOTHING RETURNING " + answer
}

/// The largest statement that takes no more rows than there are.
fn statement(sqls: &'static [String; 4], rows: usize) -> Option<(&'static str, usize)> {
    let sized = SIZES.into_iter().zip(sqls);
    sized.map(|(size, sql)| (sql.as_str(), size)).find(|(_, size)| *size <= rows)
}

impl SqlTransaction {
    /// Stores users who share no name, without counting them.
    pub(crate) async fn insert_many(
        &mut self,
        users: &[NewUser<'_>],
    ) -> Result<Vec<Result<(), Taken>>, Fault> {
        let stored = self.insert_user_rows(users).await?;
        let is_stored = |new: &&NewUser<'_>| stored.contains(&new.user.sub);
        let aliases = users.iter().filter(is_stored);
        let aliases: Vec<(&User, &Alias)> =
            aliases.flat_map(|new| new.aliases.iter().map(|alias| (new.user, alias))).collect();
        let given = self.insert_alias_rows(&aliases).await?;
        let mut outcomes = Vec::with_capacity(users.len());
        for new in users {
            if !stored.contains(&new.user.sub) {
                outcomes.push(Err(Taken::Username));
                continue;
            }
            let is_missing =
                |alias: &&Alias| !given.contains(&(new.user.sub.clone(), alias.attribute.clone()));
            match new.aliases.iter().find(is_missing) {
                None => outcomes.push(Ok(())),
                Some(alias) => {
                    self.take_back(new.user).await?;
                    outcomes.push(Err(Taken::Alias(alias.attribute.clone())));
                }
            }
        }
        Ok(outcomes)
    }

    /// The `sub` of those that were stored: the others' usernames are taken.
    async fn insert_user_rows(
        &mut self,
        mut users: &[NewUser<'_>],
    ) -> Result<BTreeSet<String>, Fault> {
        let mut stored = BTreeSet::new();
        while let Some((sql, size)) = statement(&INSERT_USERS, users.len()) {
            let (now, later) = users.split_at(size);
            let mut rows = Vec::with_capacity(size);
            for new in now {
                rows.push((new, Sealed::of(self, new.user)?, Indexed::of(new.user)));
            }
            let mut values = Vec::<Value<'_>>::with_capacity(size * USER_COLUMNS);
            for (new, sealed, indexed) in &rows {
                sealed.push_values(new.user, &mut values);
                indexed.push_values(&mut values);
                values.push((&new.user.username).into());
                values.push((&new.username_key).into());
                values.push(new.user.created_at.into());
            }
            for mut row in self.view.fetch_all(sql, &values).await? {
                stored.insert(row.text()?);
            }
            users = later;
        }
        Ok(stored)
    }

    /// User and attribute of those that were stored: the others are taken.
    async fn insert_alias_rows(
        &mut self,
        mut aliases: &[(&User, &Alias)],
    ) -> Result<BTreeSet<(String, String)>, Fault> {
        let mut stored = BTreeSet::new();
        while let Some((sql, size)) = statement(&INSERT_ALIASES, aliases.len()) {
            let (now, later) = aliases.split_at(size);
            let mut values = Vec::<Value<'_>>::with_capacity(size * ALIAS_COLUMNS);
            for (user, alias) in now {
                values.push((&user.user_pool_id).into());
                values.push((&alias.key).into());
                values.push((&alias.attribute).into());
                values.push((&user.sub).into());
            }
            for mut row in self.view.fetch_all(sql, &values).await? {
                stored.insert((row.text()?, row.text()?));
            }
            aliases = later;
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_a_placeholder_for_each_value() {
        let sql = insert("INSERT INTO t (a, b) VALUES ", 2, 2, "a");
        let expected =
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING RETURNING a";
        assert_eq!(sql, expected);
        assert!(INSERT_USERS[0].contains("$1408)") && !INSERT_USERS[0].contains("$1409"));
    }

    #[test]
    fn sizes_make_up_any_number() {
        let sizes = |mut rows: usize| {
            let mut sizes = Vec::new();
            while let Some((_, size)) = statement(&INSERT_ALIASES, rows) {
                sizes.push(size);
                rows -= size;
            }
            sizes
        };
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(199), [64, 64, 64, 4, 1, 1, 1]);
    }
}
