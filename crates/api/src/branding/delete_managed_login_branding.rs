//! `DeleteManagedLoginBranding`: takes the style from an app client.

use poolhouse_domain::{ports::Ports, shapes::DeleteManagedLoginBrandingRequest};
use poolhouse_wire::{NoOutput, operations::DeleteManagedLoginBranding as Op};

use super::not_found;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteManagedLoginBrandingRequest) -> Answer<Op> {
        let (pool_id, id) = (&input.user_pool_id, &input.managed_login_branding_id);
        let mut tx = ports.store.write().await?;
        if tx.user_pool(pool_id).await?.is_none() {
            return Err(no_user_pool(pool_id).into());
        }
        if !tx.delete_style(pool_id, id).await? {
            return Err(not_found(id).into());
        }
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{asset, made};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_style_is_gone_with_its_images_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let members = json!({ "Settings": {}, "Assets": [asset("FORM_LOGO", "LIGHT", 1)] });
        let id = made(&stack, &pool, &client, members).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let answer = stack.call("DeleteManagedLoginBranding", names.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        let mut view = stack.ports.store.read().await.unwrap();
        assert_eq!(view.count_assets(&id).await.unwrap(), 0);
        let message = format!("Managed login branding {id} does not exist.");
        assert_eq!(
            stack.refusal("DeleteManagedLoginBranding", names).await,
            error("ResourceNotFoundException", &message)
        );
        let again = made(&stack, &pool, &client, json!({ "Settings": {} })).await;
        assert_ne!(again, id);
    }

    #[tokio::test]
    async fn a_style_goes_with_its_client() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let members = json!({ "Settings": {}, "Assets": [asset("FORM_LOGO", "LIGHT", 1)] });
        let id = made(&stack, &pool, &client, members).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("DeleteUserPoolClient", input).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let message = format!("Managed login branding {id} does not exist.");
        assert_eq!(
            stack.refusal("DescribeManagedLoginBranding", names).await,
            error("ResourceNotFoundException", &message)
        );
        let mut view = stack.ports.store.read().await.unwrap();
        assert_eq!(view.count_assets(&id).await.unwrap(), 0);
    }
}
