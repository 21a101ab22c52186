//! Operations on groups: making, changing and deleting them, and who is in which.

mod admin_add_user_to_group;
mod admin_list_groups_for_user;
mod admin_remove_user_from_group;
mod create_group;
mod delete_group;
mod get_group;
mod list_groups;
mod list_users_in_group;
mod update_group;

use poolhouse_domain::{
    groups::{self, Group, GroupRefused},
    ports::{Ports, Transaction},
    shapes::GroupType,
    user_pools::UserPool,
    users::User,
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter},
    lookup,
};

/// A group as the answers show it.
fn group_type(group: Group) -> GroupType {
    GroupType {
        group_name: Some(group.name),
        user_pool_id: Some(group.user_pool_id),
        description: group.description,
        role_arn: group.role_arn,
        precedence: group.precedence,
        last_modified_date: Some(group.modified_at.to_wire()),
        creation_date: Some(group.created_at.to_wire()),
    }
}

/// The group with this name. That the case of the name doesn't matter here either is a belief.
async fn find<Op>(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    name: &str,
) -> Result<Group, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let found = tx.group(pool.id(), &groups::name_key(name)).await?;
    let missing = || Failure::new(codes::ResourceNotFoundException, "Group not found.");
    Ok(found.ok_or_else(missing)?)
}

/// Begins to change who is in a group: finds the group, then the user. (The order is a belief.)
async fn find_both<Op>(
    ports: &Ports,
    user_pool_id: &str,
    group_name: &str,
    username: &str,
) -> Result<(Box<dyn Transaction>, Group, User), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException> + Permits<codes::UserNotFoundException>,
{
    let pool = lookup::user_pool::<Op>(ports, user_pool_id).await?;
    let mut tx = ports.store.write().await?;
    let group = find::<Op>(&mut *tx, &pool, group_name).await?;
    let user = lookup::user::<Op>(&mut *tx, &pool, username).await?;
    Ok((tx, group, user))
}

/// What is said of a group that can't be had, where no other type is listed for it.
fn refusal<Op>(refused: GroupRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(refused.to_string())
}

#[cfg(test)]
mod testing {
    //! What the tests of these operations share.

    use serde_json::{Value, json};

    use crate::testing::{Stack, merged, text};

    /// Makes a group; `members` are further ones of `CreateGroup`.
    pub(super) async fn group(stack: &Stack, pool: &str, name: &str, members: Value) -> Value {
        let input = merged(json!({ "UserPoolId": pool, "GroupName": name }), members);
        stack.ok("CreateGroup", input).await["Group"].take()
    }

    /// Puts a user into a group.
    pub(super) async fn add(stack: &Stack, pool: &str, group: &str, username: &str) {
        let input = json!({ "UserPoolId": pool, "GroupName": group, "Username": username });
        stack.ok("AdminAddUserToGroup", input).await;
    }

    /// Every page of a list: for each the `member` of its items.
    pub(super) async fn pages(
        stack: &Stack,
        operation: &str,
        list: &str,
        member: &str,
        input: Value,
    ) -> Vec<Vec<String>> {
        let (mut pages, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = merged(input.clone(), json!({ "NextToken": token }));
            let mut answer = stack.ok(operation, input).await;
            let items = answer[list].as_array().unwrap();
            pages.push(items.iter().map(|item| text(&item[member])).collect());
            match answer.get_mut("NextToken") {
                Some(next) => token = next.take(),
                None => return pages,
            }
        }
    }

    /// Names of the groups that a user is in.
    pub(super) async fn groups_of(stack: &Stack, pool: &str, username: &str) -> Vec<String> {
        let input = json!({ "UserPoolId": pool, "Username": username });
        pages(stack, "AdminListGroupsForUser", "Groups", "GroupName", input).await.concat()
    }

    /// Usernames of a group's members.
    pub(super) async fn members(stack: &Stack, pool: &str, group: &str) -> Vec<String> {
        let input = json!({ "UserPoolId": pool, "GroupName": group });
        let mut names = pages(stack, "ListUsersInGroup", "Users", "Username", input).await.concat();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    //! What groups do to tokens, and what all of these operations refuse.

    use serde_json::json;

    use super::testing::{add, group};
    use crate::testing::{Stack, claims, error, merged};

    fn role(name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    #[tokio::test]
    async fn tokens_show_the_groups_at_the_time_of_issue() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let tokens = stack.tokens(&client, "ada").await;
        for token in [&tokens["IdToken"], &tokens["AccessToken"]] {
            let claims = claims(token);
            for name in ["groups", "roles", "preferred_role"] {
                assert_eq!(claims.get(format!("cognito:{name}")), None, "{name}");
            }
        }
        group(&stack, &pool, "readers", json!({ "RoleArn": role("r"), "Precedence": 9 })).await;
        group(&stack, &pool, "Editors", json!({ "RoleArn": role("e"), "Precedence": 2 })).await;
        group(&stack, &pool, "others", json!({ "RoleArn": role("o"), "Precedence": 1 })).await;
        add(&stack, &pool, "readers", "ada").await;
        add(&stack, &pool, "Editors", "ada").await;
        let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
        let refreshed = stack.ok("GetTokensFromRefreshToken", input.clone()).await;
        let signed_in = json!({ "AuthenticationResult": stack.tokens(&client, "ada").await });
        for answer in [refreshed, signed_in] {
            let tokens = &answer["AuthenticationResult"];
            let (id, access) = (claims(&tokens["IdToken"]), claims(&tokens["AccessToken"]));
            assert_eq!(id["cognito:groups"], json!(["Editors", "readers"]));
            assert_eq!(id["cognito:roles"], json!([role("e"), role("r")]));
            assert_eq!(id["cognito:preferred_role"], json!(role("e")));
            assert_eq!(access["cognito:groups"], json!(["Editors", "readers"]));
            assert_eq!(access.get("cognito:roles"), None);
            assert_eq!(access.get("cognito:preferred_role"), None);
        }
        let editors = json!({ "UserPoolId": pool, "GroupName": "Editors" });
        stack.ok("DeleteGroup", editors).await;
        let readers = json!({ "UserPoolId": pool, "GroupName": "readers", "Username": "ada" });
        stack.ok("AdminRemoveUserFromGroup", readers).await;
        let refreshed = stack.ok("GetTokensFromRefreshToken", input).await;
        let id = claims(&refreshed["AuthenticationResult"]["IdToken"]);
        assert_eq!(id.get("cognito:groups"), None);
    }

    #[tokio::test]
    async fn an_unknown_pool_group_or_user_is_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        group(&stack, &pool, "staff", json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let input = json!({ "UserPoolId": pool, "GroupName": "staff" });
        let with_user = merged(input.clone(), json!({ "Username": "ada" }));
        let of_user = json!({ "UserPoolId": pool, "Username": "ada" });
        for (operation, input) in [
            ("CreateGroup", &input),
            ("GetGroup", &input),
            ("UpdateGroup", &input),
            ("DeleteGroup", &input),
            ("ListUsersInGroup", &input),
            ("ListGroups", &json!({ "UserPoolId": pool })),
            ("AdminAddUserToGroup", &with_user),
            ("AdminRemoveUserFromGroup", &with_user),
            ("AdminListGroupsForUser", &of_user),
        ] {
            let elsewhere = merged(input.clone(), json!({ "UserPoolId": "us-east-1_Nowhere12" }));
            let message = "User pool us-east-1_Nowhere12 does not exist.";
            let expected = error("ResourceNotFoundException", message);
            assert_eq!(stack.refusal(operation, elsewhere).await, expected, "{operation}");
            if input.get("GroupName").is_some() && operation != "CreateGroup" {
                let unknown = merged(input.clone(), json!({ "GroupName": "nobodies" }));
                let expected = error("ResourceNotFoundException", "Group not found.");
                assert_eq!(stack.refusal(operation, unknown).await, expected, "{operation}");
            }
            if input.get("Username").is_some() {
                let unknown = merged(input.clone(), json!({ "Username": "nobody" }));
                let expected = error("UserNotFoundException", "User does not exist.");
                assert_eq!(stack.refusal(operation, unknown).await, expected, "{operation}");
            }
        }
    }
}
