//! `DeleteUserPool`: removes a user pool and everything in it.

use poolhouse_domain::{ports::Ports, shapes::DeleteUserPoolRequest};
use poolhouse_wire::{NoOutput, operations::DeleteUserPool as Op};

use crate::{
    failure::{Answer, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
    user_import::check_no_import,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserPoolRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        check_no_import::<Op>(&mut *tx, &id).await?;
        let has_replica = tx.replica(&id).await?.is_some();
        pool.check_deletion(has_replica)
            .map_err(|refused| invalid_parameter(refused.to_string()))?;
        tx.delete_user_pool(&id).await?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn the_pool_and_its_clients_are_gone_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let answer = stack.call("DeleteUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.1");
        let missing = format!("User pool {pool} does not exist.");
        for (operation, input) in [
            ("DescribeUserPool", json!({ "UserPoolId": pool })),
            ("DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": client })),
            ("ListUserPoolClients", json!({ "UserPoolId": pool })),
            ("DeleteUserPool", json!({ "UserPoolId": pool })),
        ] {
            let refused = stack.refusal(operation, input).await;
            assert_eq!(refused, error("ResourceNotFoundException", &missing), "{operation}");
        }
    }

    #[tokio::test]
    async fn a_protected_pool_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "DeletionProtection": "ACTIVE" })).await;
        let input = json!({ "UserPoolId": pool });
        let message = "The user pool cannot be deleted because deletion protection is activated. \
                       Deletion protection must be inactivated first.";
        assert_eq!(stack.refusal("DeleteUserPool", input.clone()).await, invalid(message));
        stack.ok("DescribeUserPool", input.clone()).await;
        let update = json!({ "UserPoolId": pool, "DeletionProtection": "INACTIVE" });
        stack.ok("UpdateUserPool", update).await;
        stack.ok("DeleteUserPool", input).await;
    }

    #[tokio::test]
    async fn a_pool_with_a_domain_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let mut tx = stack.ports.store.write().await.unwrap();
        let mut stored = tx.user_pool(&pool).await.unwrap().unwrap();
        stored.settings.domain = Some("ada".to_owned());
        tx.update_user_pool(&mut stored).await.unwrap();
        tx.commit().await.unwrap();
        let message =
            "User pool cannot be deleted. It has a domain configured that should be deleted first.";
        let refused = stack.refusal("DeleteUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(refused, invalid(message));
    }
}
