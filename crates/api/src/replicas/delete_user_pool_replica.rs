//! `DeleteUserPoolReplica`: takes a user pool's second region away.

use poolhouse_domain::{
    ports::Ports,
    replicas,
    shapes::{DeleteUserPoolReplicaRequest, DeleteUserPoolReplicaResponse, ReplicaStatusType},
};
use poolhouse_wire::operations::DeleteUserPoolReplica as Op;

use super::replica_refused;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserPoolReplicaRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let found = tx.replica(&id).await?;
        let replica = replicas::in_region(found, &id, &input.region_name, &ports.identity)
            .map_err(|refused| replica_refused(&refused))?;
        replica.check_deletion().map_err(|refused| replica_refused(&refused))?;
        tx.delete_replica(&id).await?;
        tx.commit().await?;
        let shown = replica.described(&ports.identity, ReplicaStatusType::Deleting);
        Ok(DeleteUserPoolReplicaResponse { user_pool_replica: Some(shown) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{replicated, shown};
    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn an_inactive_replica_goes_and_another_may_come() {
        let stack = Stack::new().await;
        let pool = replicated(&stack).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
        let answer = stack.ok("DeleteUserPoolReplica", input.clone()).await;
        assert_eq!(answer, json!({ "UserPoolReplica": shown(&pool, "DELETING") }));
        let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["UserPoolReplicas"].as_array().unwrap().len(), 1);
        let none = format!("User pool {pool} does not have a replica in eu-west-1.");
        assert_eq!(
            stack.refusal("DeleteUserPoolReplica", input.clone()).await,
            error("ResourceNotFoundException", &none)
        );
        stack.ok("CreateUserPoolReplica", input).await;
    }

    #[tokio::test]
    async fn an_active_replica_stays() {
        let stack = Stack::new().await;
        let pool = replicated(&stack).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1", "Status": "ACTIVE" });
        stack.ok("UpdateUserPoolReplica", input).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
        assert_eq!(
            stack.refusal("DeleteUserPoolReplica", input).await,
            invalid("The user pool replica must be INACTIVE to be deleted.")
        );
        let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["UserPoolReplicas"][1], shown(&pool, "ACTIVE"));
    }

    #[tokio::test]
    async fn a_replicated_pool_stays_and_the_list_of_pools_names_its_regions() {
        let stack = Stack::new().await;
        let (pool, alone) = (replicated(&stack).await, stack.pool(json!({})).await);
        let message = "User pool cannot be deleted. It has a replica that should be deleted first.";
        let input = json!({ "UserPoolId": pool });
        assert_eq!(stack.refusal("DeleteUserPool", input.clone()).await, invalid(message));
        let listed = stack.ok("ListUserPools", json!({ "MaxResults": 60 })).await;
        for item in listed["UserPools"].as_array().unwrap() {
            let expected = if item["Id"] == alone.as_str() {
                json!(null)
            } else {
                json!(["us-east-1", "eu-west-1"])
            };
            assert_eq!(item["ReplicaRegions"], expected);
        }
        let replica = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
        stack.ok("DeleteUserPoolReplica", replica).await;
        stack.ok("DeleteUserPool", input).await;
    }
}
