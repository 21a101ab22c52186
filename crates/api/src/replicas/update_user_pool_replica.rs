//! `UpdateUserPoolReplica`: lets users sign in at a replica, or no longer.

use poolhouse_domain::{
    ports::Ports,
    replicas,
    shapes::{UpdateUserPoolReplicaRequest, UpdateUserPoolReplicaResponse},
};
use poolhouse_wire::operations::UpdateUserPoolReplica as Op;

use super::replica_refused;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateUserPoolReplicaRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let found = tx.replica(&id).await?;
        let mut replica = replicas::in_region(found, &id, &input.region_name, &ports.identity)
            .map_err(|refused| replica_refused(&refused))?;
        replica.set_status(input.status);
        tx.update_replica(&replica).await?;
        tx.commit().await?;
        let shown = replica.described(&ports.identity, replica.status());
        Ok(UpdateUserPoolReplicaResponse { user_pool_replica: Some(shown) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{replicated, shown};
    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn a_replica_becomes_active_and_inactive() {
        let stack = Stack::new().await;
        let pool = replicated(&stack).await;
        for status in ["ACTIVE", "ACTIVE", "INACTIVE"] {
            let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1", "Status": status });
            let answer = stack.ok("UpdateUserPoolReplica", input).await;
            assert_eq!(answer, json!({ "UserPoolReplica": shown(&pool, status) }));
            let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
            assert_eq!(listed["UserPoolReplicas"][1], shown(&pool, status));
        }
    }

    #[tokio::test]
    async fn only_a_replica_can_be_updated() {
        let stack = Stack::new().await;
        let pool = replicated(&stack).await;
        let input = |pool: &str, region: &str| json!({ "UserPoolId": pool, "RegionName": region, "Status": "ACTIVE" });
        let none = format!("User pool {pool} does not have a replica in eu-west-2.");
        assert_eq!(
            stack.refusal("UpdateUserPoolReplica", input(&pool, "eu-west-2")).await,
            error("ResourceNotFoundException", &none)
        );
        assert_eq!(
            stack.refusal("UpdateUserPoolReplica", input(&pool, "us-east-1")).await,
            invalid("us-east-1 is the primary Region of the user pool.")
        );
        assert_eq!(
            stack.refusal("UpdateUserPoolReplica", input("us-east-1_Nowhere12", "eu-west-1")).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
