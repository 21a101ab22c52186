//! `DeleteGroup`: removes a group, whoever is in it.

use poolhouse_domain::{ports::Ports, shapes::DeleteGroupRequest};
use poolhouse_wire::{NoOutput, operations::DeleteGroup as Op};

use super::find;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteGroupRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let group = find::<Op>(&mut *tx, &pool, &input.group_name).await?;
        tx.delete_group(&group, ports.clock.now()).await?;
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{add, group, groups_of, members};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_new_group_of_the_same_name_starts_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        group(&stack, &pool, "Editors", json!({})).await;
        group(&stack, &pool, "staff", json!({})).await;
        add(&stack, &pool, "Editors", "ada").await;
        add(&stack, &pool, "staff", "ada").await;
        let input = json!({ "UserPoolId": pool, "GroupName": "editors" });
        assert_eq!(stack.call("DeleteGroup", input.clone()).await.body, Value::Null);
        let gone = error("ResourceNotFoundException", "Group not found.");
        assert_eq!(stack.refusal("DeleteGroup", input.clone()).await, gone);
        assert_eq!(stack.refusal("ListUsersInGroup", input).await, gone);
        assert_eq!(groups_of(&stack, &pool, "ada").await, ["staff"]);
        group(&stack, &pool, "editors", json!({})).await;
        assert_eq!(groups_of(&stack, &pool, "ada").await, ["staff"]);
        assert!(members(&stack, &pool, "editors").await.is_empty());
    }
}
