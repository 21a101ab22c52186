//! `DescribeResourceServer`: the settings of a resource server.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeResourceServerRequest, DescribeResourceServerResponse},
};
use poolhouse_wire::operations::DescribeResourceServer as Op;

use super::find;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeResourceServerRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        let server = find::<Op>(&mut *tx, &input.user_pool_id, &input.identifier).await?;
        Ok(DescribeResourceServerResponse { resource_server: server.settings })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_server_of_another_pool_is_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let input = json!({ "UserPoolId": other, "Identifier": "api", "Name": "n" });
        stack.ok("CreateResourceServer", input).await;
        let nowhere = "us-east-1_Nowhere12".to_owned();
        for (pool, message) in [
            (&pool, "Resource server api does not exist."),
            (&nowhere, "User pool us-east-1_Nowhere12 does not exist."),
        ] {
            let input = json!({ "UserPoolId": pool, "Identifier": "api" });
            assert_eq!(
                stack.refusal("DescribeResourceServer", input).await,
                error("ResourceNotFoundException", message)
            );
        }
    }
}
