//! `DeleteResourceServer`: removes a resource server. App clients keep the names of its scopes.

use poolhouse_domain::{ports::Ports, shapes::DeleteResourceServerRequest};
use poolhouse_wire::{NoOutput, operations::DeleteResourceServer as Op};

use super::not_found;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteResourceServerRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        if tx.user_pool(&input.user_pool_id).await?.is_none() {
            return Err(no_user_pool(&input.user_pool_id).into());
        }
        if !tx.delete_resource_server(&input.user_pool_id, &input.identifier).await? {
            return Err(not_found(&input.identifier).into());
        }
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn the_server_is_gone_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool, "Identifier": "api" });
        let made = merged(names.clone(), json!({ "Name": "n" }));
        stack.ok("CreateResourceServer", made.clone()).await;
        let answer = stack.call("DeleteResourceServer", names.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        for operation in ["DeleteResourceServer", "DescribeResourceServer"] {
            assert_eq!(
                stack.refusal(operation, names.clone()).await,
                error("ResourceNotFoundException", "Resource server api does not exist.")
            );
        }
        stack.ok("CreateResourceServer", made).await;
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "Identifier": "api" });
        assert_eq!(
            stack.refusal("DeleteResourceServer", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
