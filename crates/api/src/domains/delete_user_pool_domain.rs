//! `DeleteUserPoolDomain`: takes a domain from its pool; anybody may have it then.

use poolhouse_domain::{
    domains,
    ports::Ports,
    shapes::{DeleteUserPoolDomainRequest, DeleteUserPoolDomainResponse},
};
use poolhouse_wire::operations::DeleteUserPoolDomain as Op;

use crate::{
    failure::{Answer, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserPoolDomainRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        let deleted = domains::delete(&mut *tx, &mut pool, &input.domain).await?;
        deleted.map_err(|refused| invalid_parameter(refused.to_string()))?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        ports.directory.forget_domain(&input.domain);
        Ok(DeleteUserPoolDomainResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{CERTIFICATE, described};
    use crate::testing::{Stack, invalid, merged};

    #[tokio::test]
    async fn a_pool_can_be_deleted_once_its_domains_are() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let prefix = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", prefix.clone()).await;
        let custom = json!({ "UserPoolId": pool, "Domain": "auth.example.com" });
        let config = json!({ "CustomDomainConfig": { "CertificateArn": CERTIFICATE } });
        stack.ok("CreateUserPoolDomain", merged(custom.clone(), config)).await;
        let message =
            "User pool cannot be deleted. It has a domain configured that should be deleted first.";
        for names in [prefix, custom] {
            let refused = stack.refusal("DeleteUserPool", json!({ "UserPoolId": pool })).await;
            assert_eq!(refused, invalid(message));
            assert_eq!(stack.ok("DeleteUserPoolDomain", names.clone()).await, json!({}));
            assert_eq!(described(&stack, names["Domain"].as_str().unwrap()).await, json!({}));
            assert_eq!(
                stack.refusal("DeleteUserPoolDomain", names).await,
                invalid("No such domain or user pool exists.")
            );
        }
        let found = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        let found = &found["UserPool"];
        assert_eq!((&found["Domain"], &found["CustomDomain"]), (&Value::Null, &Value::Null));
        stack.ok("DeleteUserPool", json!({ "UserPoolId": pool })).await;
        let again = json!({ "UserPoolId": other, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", again).await;
    }
}
