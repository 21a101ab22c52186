//! `GetIdentityProviderByIdentifier`: the settings of the identity provider that has an identifier.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetIdentityProviderByIdentifierRequest, GetIdentityProviderByIdentifierResponse},
};
use poolhouse_wire::operations::GetIdentityProviderByIdentifier as Op;

use super::not_found;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetIdentityProviderByIdentifierRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let found = view.identity_provider_by_identifier(pool.id(), &input.idp_identifier).await?;
        // That the text is the one for names is a belief.
        let provider = found.ok_or_else(|| not_found(&input.idp_identifier))?;
        Ok(GetIdentityProviderByIdentifierResponse { identity_provider: provider.described() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{created, oidc};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn each_identifier_finds_its_provider_and_the_name_does_not() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let identifiers = json!({ "IdpIdentifiers": ["example.com", "My IdP"] });
        let made = created(&stack, oidc(&pool, "Corp", identifiers)).await;
        created(&stack, oidc(&pool, "Rest", json!({ "IdpIdentifiers": ["rest"] }))).await;
        for identifier in ["example.com", "My IdP"] {
            let input = json!({ "UserPoolId": pool, "IdpIdentifier": identifier });
            let found = stack.ok("GetIdentityProviderByIdentifier", input).await;
            assert_eq!(found, json!({ "IdentityProvider": made }));
        }
        for (pool, identifier) in [(&pool, "Corp"), (&pool, "Example.com"), (&other, "rest")] {
            let input = json!({ "UserPoolId": pool, "IdpIdentifier": identifier });
            let message = format!("Identity provider {identifier} does not exist.");
            assert_eq!(
                stack.refusal("GetIdentityProviderByIdentifier", input).await,
                error("ResourceNotFoundException", &message)
            );
        }
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12", "IdpIdentifier": "rest" });
        assert_eq!(
            stack.refusal("GetIdentityProviderByIdentifier", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
