//! `ListUserPoolReplicas`: the regions of a user pool, its own first.

use poolhouse_domain::{
    ports::Ports,
    replicas,
    shapes::{ListUserPoolReplicasRequest, ListUserPoolReplicasResponse},
};
use poolhouse_wire::operations::ListUserPoolReplicas as Op;

use crate::{failure::Answer, lookup, pages, serve::Handle};

/// Names the list in its page tokens, of which none is ever given out: there are two replicas at
/// most.
const LIST: &str = "ListUserPoolReplicas";

impl Handle for Op {
    /// That a pool without replica is listed as its own primary is a belief.
    async fn handle(ports: &Ports, input: ListUserPoolReplicasRequest) -> Answer<Op> {
        pages::start::<Op, String>(ports, LIST, input.next_token.as_deref())?;
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let replica = ports.store.read().await?.replica(pool.id()).await?;
        let mut listed = vec![replicas::primary(&pool, &ports.identity)];
        listed.extend(replica.map(|replica| replica.described(&ports.identity, replica.status())));
        Ok(ListUserPoolReplicasResponse { user_pool_replicas: Some(listed), next_token: None })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{replicated, shown};
    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn the_primary_comes_first() {
        let stack = Stack::new().await;
        let (pool, alone) = (replicated(&stack).await, stack.pool(json!({})).await);
        for (pool, more) in [(&pool, vec![shown(&pool, "INACTIVE")]), (&alone, vec![])] {
            let primary = json!({ "RegionName": "us-east-1", "Status": "ACTIVE",
                "Role": "PRIMARY", "UserPoolArn": stack.ports.identity.user_pool_arn(pool) });
            let mut expected = vec![primary];
            expected.extend(more);
            let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
            assert_eq!(listed, json!({ "UserPoolReplicas": expected }));
        }
    }

    #[tokio::test]
    async fn unknown_pools_and_tokens_are_refused() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("ListUserPoolReplicas", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
        let pool = stack.pool(json!({})).await;
        let input = json!({ "UserPoolId": pool, "NextToken": "garbage" });
        assert_eq!(
            stack.refusal("ListUserPoolReplicas", input).await,
            invalid("Invalid pagination token given.")
        );
    }
}
