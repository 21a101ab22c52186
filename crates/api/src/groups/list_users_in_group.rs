//! `ListUsersInGroup`: the members of a group, page by page.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListUsersInGroupRequest, ListUsersInGroupResponse},
    users::User,
};
use poolhouse_wire::operations::ListUsersInGroup as Op;

use super::find;
use crate::{failure::Answer, lookup, pages, serve::Handle, users::user_type};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUsersInGroupRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let group = find::<Op>(&mut *view, &pool, &input.group_name).await?;
        let list = format!("ListUsersInGroup {} {}", pool.id(), group.id);
        let size = pages::size(input.limit);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut users = view.list_members(&group, after.as_deref(), pages::fetch(size)).await?;
        let cursor = |user: &User| user.sub.clone();
        let next_token = pages::cut(ports, &list, &mut users, size, cursor)?;
        let users = Some(users.iter().map(|user| user_type(user, |_| true)).collect());
        Ok(ListUsersInGroupResponse { users, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, group, pages};
    use crate::testing::{Stack, invalid};

    #[tokio::test]
    async fn pages_hold_every_member_once_as_list_users_shows_them() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for name in ["staff", "others"] {
            group(&stack, &pool, name, json!({})).await;
        }
        for number in 0..6 {
            let username = format!("user{number}");
            stack.user(&pool, &username, &[("email", "a@example.com")]).await;
            let name = if number == 5 { "others" } else { "staff" };
            add(&stack, &pool, name, &username).await;
        }
        let input = json!({ "UserPoolId": pool, "GroupName": "staff", "Limit": 2 });
        let operation = "ListUsersInGroup";
        let listed = pages(&stack, operation, "Users", "Username", input.clone()).await;
        assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        let mut names = listed.concat();
        names.sort();
        assert_eq!(names, ["user0", "user1", "user2", "user3", "user4"]);

        let others = json!({ "UserPoolId": pool, "GroupName": "others" });
        let shown = stack.ok(operation, others).await;
        let filter = json!({ "UserPoolId": pool, "Filter": r#"username = "user5""# });
        assert_eq!(shown, stack.ok("ListUsers", filter).await);

        let token = stack.ok(operation, input).await["NextToken"].take();
        let input = json!({ "UserPoolId": pool, "GroupName": "others", "NextToken": token });
        let expected = invalid("Invalid pagination token given.");
        assert_eq!(stack.refusal(operation, input).await, expected);
    }
}
