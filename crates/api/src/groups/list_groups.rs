//! `ListGroups`: the groups of a user pool, page by page, in order of their names.

use poolhouse_domain::{
    groups::Group,
    ports::Ports,
    shapes::{ListGroupsRequest, ListGroupsResponse},
};
use poolhouse_wire::operations::ListGroups as Op;

use super::group_type;
use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListGroupsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListGroups {}", pool.id());
        let size = pages::size(input.limit);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut view = ports.store.read().await?;
        let mut groups = view.list_groups(pool.id(), after.as_deref(), pages::fetch(size)).await?;
        let next_token = pages::cut(ports, &list, &mut groups, size, Group::name_key)?;
        let groups = Some(groups.into_iter().map(group_type).collect());
        Ok(ListGroupsResponse { groups, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{group, pages};
    use crate::testing::{Stack, invalid, merged};

    #[tokio::test]
    async fn pages_hold_every_group_of_the_pool_once() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        group(&stack, &other, "elsewhere", json!({})).await;
        for name in ["e", "B", "d", "a", "C"] {
            group(&stack, &pool, name, json!({})).await;
        }
        let input = json!({ "UserPoolId": pool, "Limit": 2 });
        let listed = pages(&stack, "ListGroups", "Groups", "GroupName", input.clone()).await;
        assert_eq!(listed, [vec!["a", "B"], vec!["C", "d"], vec!["e"]]);
        let all = merged(input, json!({ "Limit": 0 }));
        let listed = pages(&stack, "ListGroups", "Groups", "GroupName", all).await;
        assert_eq!(listed.len(), 1);
        let empty = stack.pool(json!({})).await;
        let answer = stack.ok("ListGroups", json!({ "UserPoolId": empty })).await;
        assert_eq!(answer, json!({ "Groups": [] }));
    }

    #[tokio::test]
    async fn a_token_of_another_pool_is_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for name in ["a", "b"] {
            group(&stack, &pool, name, json!({})).await;
        }
        let input = json!({ "UserPoolId": pool, "Limit": 1 });
        let token = stack.ok("ListGroups", input).await["NextToken"].take();
        for input in [
            json!({ "UserPoolId": other, "NextToken": token }),
            json!({ "UserPoolId": pool, "NextToken": "garbage" }),
        ] {
            let expected = invalid("Invalid pagination token given.");
            assert_eq!(stack.refusal("ListGroups", input).await, expected);
        }
    }
}
