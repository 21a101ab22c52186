//! `AdminAddUserToGroup`: puts a user into a group.

use poolhouse_domain::{groups, ports::Ports, shapes::AdminAddUserToGroupRequest};
use poolhouse_wire::{NoOutput, operations::AdminAddUserToGroup as Op};

use super::{find_both, refusal};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminAddUserToGroupRequest) -> Answer<Op> {
        let (pool, group, username) = (&input.user_pool_id, &input.group_name, &input.username);
        let (mut tx, group, user) = find_both::<Op>(ports, pool, group, username).await?;
        groups::add(&mut *tx, &group, &user).await?.map_err(refusal)?;
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{add, group, groups_of, members};
    use crate::testing::{Stack, invalid};

    #[tokio::test]
    async fn adding_twice_is_adding_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AliasAttributes": ["email"] })).await;
        let verified = [("email", "ada@example.com"), ("email_verified", "true")];
        stack.user(&pool, "ada", &verified).await;
        group(&stack, &pool, "staff", json!({})).await;
        for (group, username) in [("staff", "ada"), ("STAFF", "ada@example.com")] {
            let input = json!({ "UserPoolId": pool, "GroupName": group, "Username": username });
            assert_eq!(stack.call("AdminAddUserToGroup", input).await.body, Value::Null);
        }
        assert_eq!(members(&stack, &pool, "staff").await, ["ada"]);
        assert_eq!(groups_of(&stack, &pool, "ada").await, ["staff"]);
    }

    #[tokio::test]
    async fn a_user_is_in_at_most_a_hundred_groups() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        for number in 0..=100 {
            group(&stack, &pool, &format!("g{number}"), json!({})).await;
        }
        for number in 0..100 {
            add(&stack, &pool, &format!("g{number}"), "ada").await;
        }
        let input = json!({ "UserPoolId": pool, "GroupName": "g100", "Username": "ada" });
        let full = invalid("Exceeded the limit of 100 groups per user.");
        assert_eq!(stack.refusal("AdminAddUserToGroup", input).await, full);
        add(&stack, &pool, "g99", "ada").await;
        let input = json!({ "UserPoolId": pool, "GroupName": "g0" });
        stack.ok("DeleteGroup", input).await;
        add(&stack, &pool, "g100", "ada").await;
    }

    #[tokio::test]
    async fn a_deleted_user_is_in_no_group() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        group(&stack, &pool, "staff", json!({})).await;
        for username in ["ada", "bob"] {
            stack.user(&pool, username, &[]).await;
            add(&stack, &pool, "staff", username).await;
        }
        stack.ok("AdminDeleteUser", json!({ "UserPoolId": pool, "Username": "ada" })).await;
        stack.user(&pool, "ada", &[]).await;
        assert_eq!(members(&stack, &pool, "staff").await, ["bob"]);
        assert!(groups_of(&stack, &pool, "ada").await.is_empty());
    }
}
