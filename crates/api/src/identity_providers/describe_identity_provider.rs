//! `DescribeIdentityProvider`: the settings of an identity provider.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeIdentityProviderRequest, DescribeIdentityProviderResponse},
};
use poolhouse_wire::{codes, operations::DescribeIdentityProvider as Op};

use crate::{
    failure::{Answer, Failure},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeIdentityProviderRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let found = view.identity_provider(pool.id(), &input.provider_name).await?;
        let provider = found.ok_or_else(|| not_found(&input.provider_name, pool.id()))?;
        Ok(DescribeIdentityProviderResponse { identity_provider: provider.described() })
    }
}

fn not_found(name: &str, user_pool_id: &str) -> Failure<Op> {
    let message = format!("Identity provider {name} for tenantId {user_pool_id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{created, oidc};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_provider_of_another_pool_is_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        created(&stack, oidc(&other, "Corp", json!({}))).await;
        let missing = |name: &str, pool: &str| {
            format!("Identity provider {name} for tenantId {pool} does not exist.")
        };
        for (pool, name, message) in [
            (&pool, "Corp", missing("Corp", &pool)),
            (&other, "corp", missing("corp", &other)),
            (
                &"us-east-1_Nowhere12".to_owned(),
                "Corp",
                "User pool us-east-1_Nowhere12 does not exist.".to_owned(),
            ),
        ] {
            let input = json!({ "UserPoolId": pool, "ProviderName": name });
            assert_eq!(
                stack.refusal("DescribeIdentityProvider", input).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }
}
