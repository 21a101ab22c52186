//! `UntagResource`: takes tags away from a user pool.

use poolhouse_domain::{
    ports::Ports,
    shapes::{UntagResourceRequest, UntagResourceResponse},
};
use poolhouse_wire::operations::UntagResource as Op;

use super::{Tagged, find};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UntagResourceRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        match find::<Op>(&mut *tx, &ports.identity, &input.resource_arn).await? {
            Tagged::Pool(mut pool) => {
                pool.remove_tags(&input.tag_keys);
                tx.update_user_pool(&mut pool).await?;
                tx.commit().await?;
                ports.directory.forget_user_pool(pool.id());
            }
            Tagged::Replica(mut replica) => {
                replica.tags.retain(|key, _| !input.tag_keys.contains(key));
                tx.update_replica(&replica).await?;
                tx.commit().await?;
            }
        }
        Ok(UntagResourceResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_named_tags_go_and_unknown_keys_are_passed_over() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTags": { "a": "1", "A": "2", "b": "3" } })).await;
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let input = json!({ "ResourceArn": arn, "TagKeys": ["a", "b", "none"] });
        assert_eq!(stack.ok("UntagResource", input.clone()).await, json!({}));
        assert_eq!(stack.ok("UntagResource", input).await, json!({}));
        let listed = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(listed, json!({ "Tags": { "A": "2" } }));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let arn = stack.ports.identity.user_pool_arn("us-east-1_Nowhere12");
        let input = json!({ "ResourceArn": arn, "TagKeys": ["a"] });
        assert_eq!(
            stack.refusal("UntagResource", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
