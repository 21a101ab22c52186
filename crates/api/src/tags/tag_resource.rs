//! `TagResource`: adds tags to a user pool, or replaces their values.

use poolhouse_domain::{
    ports::Ports,
    shapes::{TagResourceRequest, TagResourceResponse},
    tags::{self, TagsRefused},
};
use poolhouse_wire::operations::TagResource as Op;

use super::{Tagged, find};
use crate::{
    failure::{Answer, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    /// The time of the pool's last change stays as it is: a belief.
    async fn handle(ports: &Ports, input: TagResourceRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        // The model does not list the exception that pools' own operations have for tags.
        let refused = |refused: TagsRefused| invalid_parameter::<Op>(refused.to_string());
        match find::<Op>(&mut *tx, &ports.identity, &input.resource_arn).await? {
            Tagged::Pool(mut pool) => {
                pool.add_tags(input.tags).map_err(refused)?;
                tx.update_user_pool(&mut pool).await?;
                tx.commit().await?;
                ports.directory.forget_user_pool(pool.id());
            }
            Tagged::Replica(mut replica) => {
                replica.tags.extend(input.tags);
                tags::check(&replica.tags).map_err(refused)?;
                tx.update_replica(&replica).await?;
                tx.commit().await?;
            }
        }
        Ok(TagResourceResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    /// Tags a pool that has the tags `a` and `b`, and answers what it then has.
    async fn tagged(tags: Value) -> Value {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTags": { "a": "1", "b": "2" } })).await;
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let input = json!({ "ResourceArn": arn, "Tags": tags });
        assert_eq!(stack.ok("TagResource", input).await, json!({}));
        let mut described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        let listed = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        let shown = described["UserPool"]["UserPoolTags"].take();
        assert_eq!(listed, json!({ "Tags": shown }));
        shown
    }

    #[tokio::test]
    async fn tags_are_added_and_replaced_by_key() {
        let expected = json!({ "a": "1", "b": "two", "B": "", "c": "3" });
        assert_eq!(tagged(json!({ "b": "two", "B": "", "c": "3" })).await, expected);
        assert_eq!(tagged(json!({})).await, json!({ "a": "1", "b": "2" }));
    }

    #[tokio::test]
    async fn a_pool_has_fifty_tags_at_most_and_none_of_the_provider() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let numbered = |numbers: std::ops::Range<u8>| -> Value {
            numbers.map(|n| (format!("k{n}"), json!(""))).collect::<serde_json::Map<_, _>>().into()
        };
        stack.ok("TagResource", json!({ "ResourceArn": arn, "Tags": numbered(0..50) })).await;
        for (tags, message) in [
            (numbered(50..51), "A user pool can have at most 50 tags."),
            (json!({ "aws:k0": "" }), "A user pool can have at most 50 tags."),
        ] {
            let input = json!({ "ResourceArn": arn, "Tags": tags });
            assert_eq!(stack.refusal("TagResource", input).await, invalid(message));
        }
        stack.ok("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["k0"] })).await;
        let input = json!({ "ResourceArn": arn, "Tags": { "aws:k0": "" } });
        let message = "aws: prefixed tag key names are not allowed for external use.";
        assert_eq!(stack.refusal("TagResource", input).await, invalid(message));
        let listed = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(listed, json!({ "Tags": numbered(1..50) }));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let arn = stack.ports.identity.user_pool_arn("us-east-1_Nowhere12");
        let input = json!({ "ResourceArn": arn, "Tags": { "a": "b" } });
        assert_eq!(
            stack.refusal("TagResource", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
