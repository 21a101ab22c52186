//! Groups: what is known of one, who is in it, and what membership puts into tokens.

use async_trait::async_trait;

use crate::{
    fault::{Fault, Ruling},
    ids,
    ports::{Identity, Ports, Transaction},
    time::Timestamp,
    tokens::claims::Membership,
    users::User,
};

/// Groups that a user pool may have, as the developer guide's quotas say.
const PER_POOL: i64 = 10_000;

/// Groups that a user may be in, as the developer guide's quotas say.
const PER_USER: usize = 100;

/// One group of a user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The pool the group belongs to.
    pub user_pool_id: String,
    /// Tells this group from an earlier one of the same name. Never shown.
    pub id: String,
    /// The immutable name, as it was given.
    pub name: String,
    /// What the group is for.
    pub description: Option<String>,
    /// The IAM role of its members.
    pub role_arn: Option<String>,
    /// Its rank among the groups of a user: the lowest number is the strongest, none the weakest.
    pub precedence: Option<i32>,
    /// When the group was created.
    pub created_at: Timestamp,
    /// When its settings last changed. Membership does not count.
    pub modified_at: Timestamp,
}

impl Group {
    /// The form in which its name is compared.
    pub fn name_key(&self) -> String {
        name_key(&self.name)
    }
}

/// The form in which group names are compared: two that differ by case only are the same, also in
/// pools whose usernames differ by case
/// (<https://github.com/aws-amplify/amplify-backend/issues/1781>).
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// What a group is made of, or what an update changes: members that are none stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// What the group is for.
    pub description: Option<String>,
    /// The IAM role of its members.
    pub role_arn: Option<String>,
    /// Its rank among the groups of a user.
    pub precedence: Option<i32>,
}

/// Why a group can't be had as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupRefused {
    /// The role belongs to another account.
    #[error("Cross-account pass role is not allowed.")]
    CrossAccountRole,
    /// The pool has a group of this name. (That the text ends here is a belief.)
    #[error("A group with the name already exists")]
    NameTaken,
    /// The pool is full of groups. (The text is a belief.)
    #[error("Exceeded the limit of 10000 groups per user pool.")]
    TooManyInPool,
    /// The user is in as many groups as one may be in. (The text is a belief.)
    #[error("Exceeded the limit of 100 groups per user.")]
    TooManyOfUser,
}

/// Storage of groups and of who is in them.
#[async_trait]
pub trait Groups: Send {
    /// Stores a new group; answers `false` if its name is taken.
    async fn insert_group(&mut self, group: &Group) -> Result<bool, Fault>;

    /// The group with this name ([`name_key`]).
    async fn group(&mut self, user_pool_id: &str, name_key: &str) -> Result<Option<Group>, Fault>;

    /// Replaces a group that was read in the same transaction.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the group was changed or deleted meanwhile.
    async fn update_group(&mut self, group: &Group) -> Result<(), Fault>;

    /// Removes a group. Its members leave it at once; what was stored of them is removed in the
    /// background, so that the cost does not depend on their number.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the group was deleted meanwhile.
    async fn delete_group(&mut self, group: &Group, now: Timestamp) -> Result<(), Fault>;

    /// A page of a pool's groups in ascending order of [`name_key`], after the one with this key.
    async fn list_groups(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Group>, Fault>;

    /// The number of groups of a pool.
    async fn count_groups(&mut self, user_pool_id: &str) -> Result<i64, Fault>;

    /// All groups that a user is in, in ascending order of [`name_key`].
    async fn groups_of_user(&mut self, user_pool_id: &str, sub: &str) -> Result<Vec<Group>, Fault>;

    /// Puts a user into a group. Nothing happens if the user is in it.
    async fn insert_member(&mut self, group: &Group, sub: &str) -> Result<(), Fault>;

    /// Takes a user out of a group. Nothing happens if the user is not in it.
    async fn delete_member(&mut self, group: &Group, sub: &str) -> Result<(), Fault>;

    /// A page of a group's members in ascending order of `sub`, after this `sub`. Costs the same
    /// at any number of members and users.
    async fn list_members(
        &mut self,
        group: &Group,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<User>, Fault>;
}

/// A group as it is to be stored.
pub fn draft(
    ports: &Ports,
    user_pool_id: &str,
    name: String,
    settings: GroupSettings,
) -> Result<Group, GroupRefused> {
    let now = ports.clock.now();
    let empty = Group {
        user_pool_id: user_pool_id.to_owned(),
        id: ids::random_uuid(&*ports.entropy),
        name,
        description: None,
        role_arn: None,
        precedence: None,
        created_at: now,
        modified_at: now,
    };
    changed(ports, empty, settings)
}

/// A group with those settings that are given in place of its own.
pub fn changed(
    ports: &Ports,
    group: Group,
    settings: GroupSettings,
) -> Result<Group, GroupRefused> {
    check_role(settings.role_arn.as_deref(), &ports.identity)?;
    Ok(Group {
        description: settings.description.or(group.description),
        role_arn: settings.role_arn.or(group.role_arn),
        precedence: settings.precedence.or(group.precedence),
        modified_at: ports.clock.now(),
        ..group
    })
}

/// Stores a new group. After a refusal the transaction must not be committed.
pub async fn insert(tx: &mut dyn Transaction, group: &Group) -> Ruling<(), GroupRefused> {
    if !tx.insert_group(group).await? {
        return Ok(Err(GroupRefused::NameTaken));
    }
    if tx.count_groups(&group.user_pool_id).await? > PER_POOL {
        return Ok(Err(GroupRefused::TooManyInPool));
    }
    Ok(Ok(()))
}

/// Puts a user into a group, unless the user is in it already.
///
/// Of requests that race to put one user into many groups, a few may get past the limit together.
pub async fn add(tx: &mut dyn Transaction, group: &Group, user: &User) -> Ruling<(), GroupRefused> {
    let groups = tx.groups_of_user(&user.user_pool_id, &user.sub).await?;
    if groups.iter().any(|other| other.id == group.id) {
        return Ok(Ok(()));
    }
    if groups.len() >= PER_USER {
        return Ok(Err(GroupRefused::TooManyOfUser));
    }
    if !tx.hold_user(&user.user_pool_id, &user.sub).await? {
        // Whoever asks again is told so.
        return Err(Fault::Conflict("the user was deleted meanwhile".to_owned()));
    }
    tx.insert_member(group, &user.sub).await?;
    Ok(Ok(()))
}

/// Refuses a role that is not of this account.
fn check_role(role_arn: Option<&str>, identity: &Identity) -> Result<(), GroupRefused> {
    if role_arn.is_some_and(|arn| !identity.owns(arn)) {
        return Err(GroupRefused::CrossAccountRole);
    }
    Ok(())
}

/// What tokens say of these groups of a user.
pub fn membership(groups: Vec<Group>) -> Membership {
    let preferred_role = preferred_role(&groups).map(str::to_owned);
    let mut membership = Membership { preferred_role, ..Membership::default() };
    for group in groups {
        membership.groups.push(group.name);
        // That a role of several groups is listed once is a belief.
        membership.roles.extend(group.role_arn.filter(|role| !membership.roles.contains(role)));
    }
    membership
}

/// The role of the strongest group; none if several are the strongest and their roles differ.
///
/// That groups without a role don't take part is a belief.
fn preferred_role(groups: &[Group]) -> Option<&str> {
    let rank = |group: &Group| group.precedence.map_or(i64::MAX, i64::from);
    let with_role = || groups.iter().filter(|group| group.role_arn.is_some());
    let strongest = with_role().map(rank).min()?;
    let mut roles = with_role().filter(|group| rank(group) == strongest).map(|g| &g.role_arn);
    let role = roles.next()?;
    if roles.all(|other| other == role) { role.as_deref() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, role: Option<&str>, precedence: Option<i32>) -> Group {
        Group {
            user_pool_id: "pool".to_owned(),
            id: name.to_owned(),
            name: name.to_owned(),
            description: None,
            role_arn: role.map(str::to_owned),
            precedence,
            created_at: Timestamp::from_seconds(0),
            modified_at: Timestamp::from_seconds(0),
        }
    }

    fn preferred(groups: &[(Option<&str>, Option<i32>)]) -> Option<String> {
        let groups = groups.iter().map(|(role, precedence)| group("g", *role, *precedence));
        membership(groups.collect()).preferred_role
    }

    #[test]
    fn the_lowest_precedence_gives_the_preferred_role() {
        assert_eq!(preferred(&[]), None);
        assert_eq!(preferred(&[(None, Some(1))]), None);
        assert_eq!(preferred(&[(Some("a"), None)]).as_deref(), Some("a"));
        let two = [(Some("a"), Some(7)), (Some("b"), Some(3))];
        assert_eq!(preferred(&two).as_deref(), Some("b"));
        let with_none = [(Some("a"), None), (Some("b"), Some(i32::MAX - 1))];
        assert_eq!(preferred(&with_none).as_deref(), Some("b"));
        let without_role = [(None, Some(0)), (Some("b"), Some(3))];
        assert_eq!(preferred(&without_role).as_deref(), Some("b"));
    }

    #[test]
    fn a_tie_of_different_roles_prefers_none() {
        let tie = [(Some("a"), Some(3)), (Some("b"), Some(3)), (Some("a"), Some(9))];
        assert_eq!(preferred(&tie), None);
        assert_eq!(preferred(&[(Some("a"), None), (Some("b"), None)]), None);
        let agreeing = [(Some("a"), Some(3)), (Some("a"), Some(3)), (Some("b"), Some(9))];
        assert_eq!(preferred(&agreeing).as_deref(), Some("a"));
    }

    #[test]
    fn no_precedence_is_weaker_than_the_greatest_number() {
        let groups = [(Some("a"), None), (Some("b"), Some(i32::MAX))];
        assert_eq!(preferred(&groups).as_deref(), Some("b"));
    }

    #[test]
    fn a_role_of_two_groups_is_listed_once() {
        let groups = vec![
            group("a", Some("role"), None),
            group("b", None, None),
            group("c", Some("role"), None),
        ];
        let membership = membership(groups);
        assert_eq!(membership.groups, ["a", "b", "c"]);
        assert_eq!(membership.roles, ["role"]);
    }
}
