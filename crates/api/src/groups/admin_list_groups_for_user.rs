//! `AdminListGroupsForUser`: the groups that a user is in, page by page, in order of their names.

use poolhouse_domain::{
    groups::Group,
    ports::Ports,
    shapes::{AdminListGroupsForUserRequest, AdminListGroupsForUserResponse},
};
use poolhouse_wire::operations::AdminListGroupsForUser as Op;

use super::group_type;
use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminListGroupsForUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *view, &pool, &input.username).await?;
        let list = format!("AdminListGroupsForUser {} {}", pool.id(), user.sub);
        let size = pages::size(input.limit);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        // All of them: there are at most a hundred or so.
        let mut groups = view.groups_of_user(pool.id(), &user.sub).await?;
        groups.retain(|group| after.as_ref().is_none_or(|after| group.name_key() > *after));
        let next_token = pages::cut(ports, &list, &mut groups, size, Group::name_key)?;
        let groups = Some(groups.into_iter().map(group_type).collect());
        Ok(AdminListGroupsForUserResponse { groups, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add, group, pages};
    use crate::testing::{Stack, invalid};

    #[tokio::test]
    async fn pages_hold_every_group_of_the_user_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "bob", &[]).await;
        for name in ["e", "B", "d", "a", "C", "not-hers"] {
            group(&stack, &pool, name, json!({})).await;
        }
        for name in ["e", "B", "d", "a", "C"] {
            add(&stack, &pool, name, "ada").await;
        }
        add(&stack, &pool, "not-hers", "bob").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada", "Limit": 2 });
        let operation = "AdminListGroupsForUser";
        let listed = pages(&stack, operation, "Groups", "GroupName", input.clone()).await;
        assert_eq!(listed, [vec!["a", "B"], vec!["C", "d"], vec!["e"]]);
        let token = stack.ok(operation, input).await["NextToken"].take();
        let input = json!({ "UserPoolId": pool, "Username": "bob", "NextToken": token });
        let expected = invalid("Invalid pagination token given.");
        assert_eq!(stack.refusal(operation, input).await, expected);
    }
}
