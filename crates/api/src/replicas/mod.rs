//! Operations on replicas of user pools in other regions.

mod create_user_pool_replica;
mod delete_user_pool_replica;
mod list_user_pool_replicas;
mod update_user_pool_replica;

use poolhouse_domain::replicas::ReplicaRefused;
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter};

/// What is said of a replica that can't be changed or deleted.
fn replica_refused<Op>(refused: &ReplicaRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::ResourceNotFoundException>,
{
    let message = refused.to_string();
    match refused {
        ReplicaRefused::NotFound(..) => Failure::new(codes::ResourceNotFoundException, message),
        _ => invalid_parameter(message),
    }
}

#[cfg(test)]
mod testing {
    use serde_json::{Value, json};

    use crate::testing::{Stack, merged};

    /// A pool that can be replicated. `overrides` are members of `CreateUserPool`.
    pub(super) async fn pool(stack: &Stack, overrides: Value) -> String {
        let key = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234";
        let base = json!({
            "KeyConfiguration": { "KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key },
        });
        stack.pool(merged(base, overrides)).await
    }

    /// The same, with a replica in `eu-west-1`.
    pub(super) async fn replicated(stack: &Stack) -> String {
        let pool = pool(stack, json!({})).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
        stack.ok("CreateUserPoolReplica", input).await;
        pool
    }

    /// The replica of a pool in `eu-west-1` as operations show it.
    pub(super) fn shown(pool: &str, status: &str) -> Value {
        json!({
            "RegionName": "eu-west-1", "Status": status, "Role": "SECONDARY",
            "UserPoolArn": format!("arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{pool}"),
        })
    }
}
