//! `CreateGroup`: a new group of a user pool.

use poolhouse_domain::{
    groups::{self, GroupRefused, GroupSettings},
    ports::Ports,
    shapes::{CreateGroupRequest, CreateGroupResponse},
};
use poolhouse_wire::{codes, operations::CreateGroup as Op};

use super::{group_type, refusal};
use crate::{
    failure::{Answer, Failure},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateGroupRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let settings = GroupSettings {
            description: input.description,
            role_arn: input.role_arn,
            precedence: input.precedence,
        };
        let draft = groups::draft(ports, pool.id(), input.group_name, settings).map_err(refused)?;
        let mut tx = ports.store.write().await?;
        groups::insert(&mut *tx, &draft).await?.map_err(refused)?;
        tx.commit().await?;
        Ok(CreateGroupResponse { group: Some(group_type(draft)) })
    }
}

fn refused(refused: GroupRefused) -> Failure<Op> {
    match refused {
        GroupRefused::NameTaken => Failure::new(codes::GroupExistsException, refused.to_string()),
        GroupRefused::TooManyInPool => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        GroupRefused::CrossAccountRole | GroupRefused::TooManyOfUser => refusal(refused),
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::groups::{self, GroupSettings};
    use serde_json::json;

    use super::super::testing::group;
    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn a_group_shows_what_was_set_and_no_more() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let dates =
            json!({ "LastModifiedDate": 1_767_225_600.123, "CreationDate": 1_767_225_600.123 });
        let bare = merged(json!({ "GroupName": "Größe§", "UserPoolId": pool }), dates.clone());
        assert_eq!(group(&stack, &pool, "Größe§", json!({})).await, bare);
        let settings = json!({
            "Description": "Those who write", "Precedence": 0,
            "RoleArn": "arn:aws:iam::123456789012:role/editor",
        });
        let full = merged(json!({ "GroupName": "editors", "UserPoolId": pool }), dates);
        let full = merged(full, settings.clone());
        assert_eq!(group(&stack, &pool, "editors", settings).await, full);
        let input = json!({ "UserPoolId": pool, "GroupName": "editors" });
        assert_eq!(stack.ok("GetGroup", input).await["Group"], full);
    }

    #[tokio::test]
    async fn a_name_is_taken_whatever_its_case() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        group(&stack, &pool, "Editors", json!({})).await;
        let taken = error("GroupExistsException", "A group with the name already exists");
        for name in ["Editors", "editors", "EDITORS"] {
            let input = json!({ "UserPoolId": pool, "GroupName": name });
            assert_eq!(stack.refusal("CreateGroup", input).await, taken);
        }
        group(&stack, &other, "editors", json!({})).await;
    }

    #[tokio::test]
    async fn a_role_of_another_account_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        group(&stack, &pool, "staff", json!({})).await;
        let message = "Cross-account pass role is not allowed.";
        for (operation, name) in [("CreateGroup", "new"), ("UpdateGroup", "staff")] {
            let input = json!({
                "UserPoolId": pool, "GroupName": name,
                "RoleArn": "arn:aws:iam::999999999999:role/x",
            });
            assert_eq!(stack.refusal(operation, input).await, invalid(message));
        }
    }

    #[tokio::test]
    async fn a_pool_has_ten_thousand_groups_at_most() {
        // Ten thousand round trips; and the rule knows of no engine.
        if std::env::var("POOLHOUSE_TEST_ENGINE").is_ok_and(|engine| engine == "postgres") {
            return;
        }
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let mut tx = stack.ports.store.write().await.unwrap();
        for number in 0..10_000 {
            let settings = GroupSettings { description: None, role_arn: None, precedence: None };
            let name = format!("g{number}");
            let group = groups::draft(&stack.ports, &pool, name, settings).unwrap();
            assert!(tx.insert_group(&group).await.unwrap());
        }
        tx.commit().await.unwrap();
        let input = json!({ "UserPoolId": pool, "GroupName": "one-more" });
        let full = "Exceeded the limit of 10000 groups per user pool.";
        assert_eq!(
            stack.refusal("CreateGroup", input.clone()).await,
            error("LimitExceededException", full)
        );
        let gone = error("ResourceNotFoundException", "Group not found.");
        assert_eq!(stack.refusal("GetGroup", input.clone()).await, gone);
        group(&stack, &other, "one-more", json!({})).await;
        stack.ok("DeleteGroup", json!({ "UserPoolId": pool, "GroupName": "g7" })).await;
        stack.ok("CreateGroup", input).await;
    }
}
