//! `AdminRemoveUserFromGroup`: takes a user out of a group.

use poolhouse_domain::{ports::Ports, shapes::AdminRemoveUserFromGroupRequest};
use poolhouse_wire::{NoOutput, operations::AdminRemoveUserFromGroup as Op};

use super::find_both;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminRemoveUserFromGroupRequest) -> Answer<Op> {
        let (pool, group, username) = (&input.user_pool_id, &input.group_name, &input.username);
        let (mut tx, group, user) = find_both::<Op>(ports, pool, group, username).await?;
        tx.delete_member(&group, &user.sub).await?;
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{add, group, groups_of, members};
    use crate::testing::Stack;

    #[tokio::test]
    async fn only_this_membership_ends_and_ending_it_twice_does_no_harm() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for name in ["staff", "editors"] {
            group(&stack, &pool, name, json!({})).await;
        }
        for username in ["ada", "bob"] {
            stack.user(&pool, username, &[]).await;
            add(&stack, &pool, "staff", username).await;
            add(&stack, &pool, "editors", username).await;
        }
        let input = json!({ "UserPoolId": pool, "GroupName": "staff", "Username": "ada" });
        for _ in 0..2 {
            let answer = stack.call("AdminRemoveUserFromGroup", input.clone()).await;
            assert_eq!((answer.status, answer.body), (200, Value::Null));
        }
        assert_eq!(members(&stack, &pool, "staff").await, ["bob"]);
        assert_eq!(groups_of(&stack, &pool, "ada").await, ["editors"]);
    }
}
