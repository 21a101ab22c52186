//! `DescribeManagedLoginBrandingByClient`: the style of an app client.

use poolhouse_domain::{
    ports::Ports,
    shapes::{
        DescribeManagedLoginBrandingByClientRequest, DescribeManagedLoginBrandingByClientResponse,
    },
};
use poolhouse_wire::{codes, operations::DescribeManagedLoginBrandingByClient as Op};

use super::described;
use crate::{
    app_clients,
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(
        ports: &Ports,
        input: DescribeManagedLoginBrandingByClientRequest,
    ) -> Answer<Op> {
        let whole = input.return_merged_resources.unwrap_or_default();
        let client_id = &input.client_id;
        let mut tx = ports.store.read().await?;
        app_clients::find::<Op>(&mut *tx, &input.user_pool_id, client_id).await?;
        let style = tx.style_of_client(client_id).await?.ok_or_else(|| no_style(client_id))?;
        let shown = described(&mut *tx, &style, whole).await?;
        Ok(DescribeManagedLoginBrandingByClientResponse { managed_login_branding: Some(shown) })
    }
}

/// The client has no style. (The text is a belief.)
fn no_style(client_id: &str) -> Failure<Op> {
    let message = format!("Managed login branding for client {client_id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_client_without_a_style_and_one_of_another_pool_have_none() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&pool, json!({})).await;
        for (pool, message) in [
            (pool, format!("Managed login branding for client {client} does not exist.")),
            (other, format!("User pool client {client} does not exist.")),
        ] {
            let input = json!({ "UserPoolId": pool, "ClientId": client });
            assert_eq!(
                stack.refusal("DescribeManagedLoginBrandingByClient", input).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }
}
