//! `ListTagsForResource`: all tags of a user pool.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListTagsForResourceRequest, ListTagsForResourceResponse},
};
use poolhouse_wire::operations::ListTagsForResource as Op;

use super::find;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListTagsForResourceRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        let tagged = find::<Op>(&mut *tx, &ports.identity, &input.resource_arn).await?;
        Ok(ListTagsForResourceResponse { tags: Some(tagged.tags()) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, invalid};

    const ARN: &str = "arn:aws:cognito-idp:us-east-1";

    #[tokio::test]
    async fn a_pool_without_tags_has_an_empty_map() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let answer = stack.ok("ListTagsForResource", json!({ "ResourceArn": arn })).await;
        assert_eq!(answer, json!({ "Tags": {} }));
    }

    #[tokio::test]
    async fn tags_of_creation_and_update_are_listed() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UserPoolTags": { "a": "1" } })).await;
        let arn = stack.ports.identity.user_pool_arn(&pool);
        let list = || stack.ok("ListTagsForResource", json!({ "ResourceArn": arn }));
        assert_eq!(list().await, json!({ "Tags": { "a": "1" } }));
        let input = json!({ "UserPoolId": pool, "UserPoolTags": { "b": "" } });
        stack.ok("UpdateUserPool", input).await;
        assert_eq!(list().await, json!({ "Tags": { "b": "" } }));
    }

    #[tokio::test]
    async fn only_the_arn_of_a_pool_finds_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let nowhere = "us-east-1_Nowhere12";
        for (arn, id) in [
            (stack.ports.identity.user_pool_arn(nowhere), nowhere),
            (format!("{ARN}:999999999999:userpool/{pool}"), pool.as_str()),
        ] {
            let message = format!("User pool {id} does not exist.");
            assert_eq!(
                stack.refusal("ListTagsForResource", json!({ "ResourceArn": arn })).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_arn_is_refused() {
        let stack = Stack::new().await;
        let input = json!({ "ResourceArn": "us-east-1_Nowhere12345" });
        let refused = stack.refusal("ListTagsForResource", input).await;
        assert_eq!(refused.0, invalid("").0);
        assert!(refused.1.contains("'resourceArn' failed to satisfy constraint"), "{}", refused.1);
    }
}
