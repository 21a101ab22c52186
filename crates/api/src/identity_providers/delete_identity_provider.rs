//! `DeleteIdentityProvider`: removes an identity provider. App clients keep its name, and users the
//! identities that are linked to them: beliefs.

use poolhouse_domain::{ports::Ports, shapes::DeleteIdentityProviderRequest};
use poolhouse_wire::{NoOutput, operations::DeleteIdentityProvider as Op};

use super::not_in_pool;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteIdentityProviderRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        if !tx.delete_identity_provider(pool.id(), &input.provider_name).await? {
            return Err(not_in_pool(&input.provider_name, pool.id()).into());
        }
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{created, oidc};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_provider_is_gone_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let input = oidc(&pool, "Corp", json!({ "IdpIdentifiers": ["a"] }));
        created(&stack, input.clone()).await;
        let names = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
        let answer = stack.call("DeleteIdentityProvider", names.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        for (operation, place) in [
            ("DeleteIdentityProvider", "in User Pool"),
            ("DescribeIdentityProvider", "for tenantId"),
        ] {
            let message = format!("Identity provider Corp {place} {pool} does not exist.");
            assert_eq!(
                stack.refusal(operation, names.clone()).await,
                error("ResourceNotFoundException", &message)
            );
        }
        created(&stack, input).await;
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "ProviderName": "Corp" });
        assert_eq!(
            stack.refusal("DeleteIdentityProvider", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
