//! `CreateUserPoolReplica`: a second region for a user pool.

use poolhouse_domain::{
    ports::Ports,
    replicas::{self, ReplicaRefused},
    shapes::{CreateUserPoolReplicaRequest, CreateUserPoolReplicaResponse, ReplicaStatusType},
};
use poolhouse_wire::{codes, operations::CreateUserPoolReplica as Op};

use crate::{
    failure::{Answer, Failure, invalid_parameter, unavailable_in_tier},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateUserPoolReplicaRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&input.user_pool_id).await?;
        let pool = pool.ok_or_else(|| no_user_pool(&input.user_pool_id))?;
        let tags = input.user_pool_tags.unwrap_or_default();
        let now = ports.clock.now();
        let replica = replicas::draft(&pool, &ports.identity, input.region_name, tags, now)
            .map_err(|refused| creation_refused(&refused))?;
        if !tx.insert_replica(&replica).await? {
            return Err(creation_refused(&ReplicaRefused::TooMany).into());
        }
        tx.commit().await?;
        let shown = replica.described(&ports.identity, ReplicaStatusType::Creating);
        Ok(CreateUserPoolReplicaResponse { user_pool_replica: Some(shown) })
    }
}

fn creation_refused(refused: &ReplicaRefused) -> Failure<Op> {
    let message = refused.to_string();
    match refused {
        ReplicaRefused::Tier(refused) => unavailable_in_tier(refused),
        ReplicaRefused::TooMany => Failure::new(codes::LimitExceededException, message),
        ReplicaRefused::Tags(_) => Failure::new(codes::UserPoolTaggingException, message),
        _ => invalid_parameter(message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{pool, shown};
    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn a_replica_is_being_created_and_then_inactive() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1",
            "UserPoolTags": { "team": "a" } });
        let answer = stack.ok("CreateUserPoolReplica", input).await;
        assert_eq!(answer, json!({ "UserPoolReplica": shown(&pool, "CREATING") }));
        let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["UserPoolReplicas"][1], shown(&pool, "INACTIVE"));
        let arn = &answer["UserPoolReplica"]["UserPoolArn"];
        let tags = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(tags, json!({ "Tags": { "team": "a" } }));
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let tags = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(tags, json!({ "Tags": {} }), "the pool has its own");
    }

    #[tokio::test]
    async fn a_pool_has_one_replica_at_most() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        for region in ["eu-west-1", "eu-west-2"] {
            let input = json!({ "UserPoolId": pool, "RegionName": region });
            let answer = stack.call("CreateUserPoolReplica", input).await;
            if region == "eu-west-2" {
                assert_eq!(answer.body["__type"], "LimitExceededException");
                let message = "The user pool has the maximum number of replicas: 1.";
                assert_eq!(answer.body["message"], message);
            }
        }
        let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["UserPoolReplicas"][1], shown(&pool, "INACTIVE"));
    }

    #[tokio::test]
    async fn a_replicated_pool_keeps_what_its_replica_needs() {
        let stack = Stack::new().await;
        let pool = pool(&stack, json!({})).await;
        let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
        stack.ok("CreateUserPoolReplica", input).await;
        let tier = "The following features need to be disabled for the LITE pricing tier \
                    configured: Multi-Region Replication";
        let key = "User pools with replicas require a customer managed multi-Region key.";
        for (settings, expected) in [
            (json!({ "UserPoolTier": "LITE" }), error("FeatureUnavailableInTierException", tier)),
            (json!({ "KeyConfiguration": { "KeyType": "AWS_OWNED_KEY" } }), invalid(key)),
        ] {
            let input = merged(json!({ "UserPoolId": pool }), settings);
            assert_eq!(stack.refusal("UpdateUserPool", input).await, expected);
        }
        stack.ok("UpdateUserPool", json!({ "UserPoolId": pool, "PoolName": "other" })).await;
    }

    #[tokio::test]
    async fn what_a_pool_or_region_lacks_is_told() {
        let stack = Stack::new().await;
        let key = "The user pool must be encrypted with a multi-Region customer managed key to be \
                   replicated.";
        let single = json!({ "KeyConfiguration": { "KeyType": "CUSTOMER_MANAGED_KEY",
            "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234" } });
        let many: Value =
            (0..51).map(|n| (format!("k{n}"), json!(""))).collect::<serde_json::Map<_, _>>().into();
        let tier = "The following feature is not available for the LITE pricing tier configured: \
                    Multi-Region Replication";
        for (settings, members, expected) in [
            (json!({ "KeyConfiguration": null }), json!({}), invalid(key)),
            (single, json!({}), invalid(key)),
            (
                json!({ "UserPoolTier": "LITE" }),
                json!({}),
                error("FeatureUnavailableInTierException", tier),
            ),
            (
                json!({}),
                json!({ "RegionName": "us-east-1" }),
                invalid("us-east-1 is the primary Region of the user pool."),
            ),
            (
                json!({}),
                json!({ "RegionName": "EU West" }),
                invalid("Invalid Region name: EU West"),
            ),
            (
                json!({}),
                json!({ "UserPoolTags": many }),
                error("UserPoolTaggingException", "A user pool can have at most 50 tags."),
            ),
        ] {
            let pool = pool(&stack, settings).await;
            let input = json!({ "UserPoolId": pool, "RegionName": "eu-west-1" });
            let input = merged(input, members);
            assert_eq!(stack.refusal("CreateUserPoolReplica", input).await, expected);
            let listed = stack.ok("ListUserPoolReplicas", json!({ "UserPoolId": pool })).await;
            assert_eq!(listed["UserPoolReplicas"].as_array().unwrap().len(), 1);
        }
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "RegionName": "eu-west-1" });
        assert_eq!(
            stack.refusal("CreateUserPoolReplica", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
