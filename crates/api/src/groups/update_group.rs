//! `UpdateGroup`: changes those settings of a group that the request holds.

use poolhouse_domain::{
    groups::{self, GroupSettings},
    ports::Ports,
    shapes::{UpdateGroupRequest, UpdateGroupResponse},
};
use poolhouse_wire::operations::UpdateGroup as Op;

use super::{find, group_type, refusal};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateGroupRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let settings = GroupSettings {
            description: input.description,
            role_arn: input.role_arn,
            precedence: input.precedence,
        };
        let mut tx = ports.store.write().await?;
        let group = find::<Op>(&mut *tx, &pool, &input.group_name).await?;
        let group = groups::changed(ports, group, settings).map_err(refusal)?;
        tx.update_group(&group).await?;
        tx.commit().await?;
        Ok(UpdateGroupResponse { group: Some(group_type(group)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::group;
    use crate::testing::{Stack, merged};

    #[tokio::test]
    async fn what_is_left_out_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let settings = json!({
            "Description": "first", "Precedence": 3,
            "RoleArn": "arn:aws:iam::123456789012:role/editor",
        });
        let made = group(&stack, &pool, "Editors", settings).await;
        stack.advance(5);
        let input = json!({ "UserPoolId": pool, "GroupName": "Editors" });
        let change = json!({ "Description": "second", "Precedence": 0 });
        let updated = stack.ok("UpdateGroup", merged(input.clone(), change.clone())).await;
        let expected = merged(made, json!({ "LastModifiedDate": 1_767_225_605.123 }));
        let expected = merged(expected, change);
        assert_eq!(updated["Group"], expected);
        let role = json!({ "RoleArn": "arn:aws:iam::123456789012:role/writer" });
        let updated = stack.ok("UpdateGroup", merged(input.clone(), role.clone())).await;
        let expected = merged(expected, role);
        assert_eq!(updated["Group"], expected);
        assert_eq!(stack.ok("GetGroup", input).await["Group"], expected);
    }
}
