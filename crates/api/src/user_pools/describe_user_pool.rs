//! `DescribeUserPool`: the settings of a user pool.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeUserPoolRequest, DescribeUserPoolResponse},
};
use poolhouse_wire::operations::DescribeUserPool as Op;

use super::described;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeUserPoolRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.read().await?;
        let pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let users = tx.count_users(&id).await?;
        Ok(DescribeUserPoolResponse { user_pool: Some(described(&pool, users)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_number_of_users_is_counted() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for name in ["ada", "bob"] {
            stack.user(&pool, name, &[]).await;
        }
        let answer = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(answer["UserPool"]["EstimatedNumberOfUsers"], 2);
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("DescribeUserPool", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
