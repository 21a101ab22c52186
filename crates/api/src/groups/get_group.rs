//! `GetGroup`: one group of a user pool.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetGroupRequest, GetGroupResponse},
};
use poolhouse_wire::operations::GetGroup as Op;

use super::{find, group_type};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetGroupRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let group = find::<Op>(&mut *view, &pool, &input.group_name).await?;
        Ok(GetGroupResponse { group: Some(group_type(group)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::group;
    use crate::testing::Stack;

    #[tokio::test]
    async fn a_group_is_found_whatever_the_case_of_its_name_and_shown_as_it_was_made() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let made = group(&stack, &pool, "Editors", json!({ "Precedence": 4 })).await;
        let input = json!({ "UserPoolId": pool, "GroupName": "eDITORS" });
        assert_eq!(stack.ok("GetGroup", input).await, json!({ "Group": made }));
    }
}
