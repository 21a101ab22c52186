//! `DescribeManagedLoginBranding`: a style by its id.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeManagedLoginBrandingRequest, DescribeManagedLoginBrandingResponse},
};
use poolhouse_wire::operations::DescribeManagedLoginBranding as Op;

use super::{described, find};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeManagedLoginBrandingRequest) -> Answer<Op> {
        let whole = input.return_merged_resources.unwrap_or_default();
        let mut tx = ports.store.read().await?;
        let id = &input.managed_login_branding_id;
        let style = find::<Op>(&mut *tx, &input.user_pool_id, id).await?;
        let shown = described(&mut *tx, &style, whole).await?;
        Ok(DescribeManagedLoginBrandingResponse { managed_login_branding: Some(shown) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::made;
    use crate::testing::{Stack, merged};

    #[tokio::test]
    async fn merged_resources_fill_in_the_built_in_look() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (own, built_in) =
            (stack.client(&pool, json!({})).await, stack.client(&pool, json!({})).await);
        let settings = json!({ "components": { "primaryButton": { "lightMode": { "defaults": {
            "backgroundColor": "00ff00ff",
        }}}}});
        let id = made(&stack, &pool, &own, json!({ "Settings": settings })).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let whole = json!({ "ReturnMergedResources": true });
        let answer =
            stack.ok("DescribeManagedLoginBranding", merged(names.clone(), whole.clone())).await;
        let merged_settings = &answer["ManagedLoginBranding"]["Settings"];
        let button = &merged_settings["components"]["primaryButton"]["lightMode"]["defaults"];
        assert_eq!(button, &json!({ "backgroundColor": "00ff00ff", "textColor": "ffffffff" }));
        assert_eq!(merged_settings["categories"]["global"]["colorSchemeMode"], "LIGHT");
        let names = merged(names, json!({ "ReturnMergedResources": false }));
        let answer = stack.ok("DescribeManagedLoginBranding", names).await;
        assert_eq!(answer["ManagedLoginBranding"]["Settings"], settings);

        made(&stack, &pool, &built_in, json!({ "UseCognitoProvidedValues": true })).await;
        let names = json!({ "UserPoolId": pool, "ClientId": built_in });
        let answer = stack.ok("DescribeManagedLoginBrandingByClient", merged(names, whole)).await;
        let settings = &answer["ManagedLoginBranding"]["Settings"];
        assert_eq!(settings["componentClasses"]["buttons"]["borderRadius"], 8.0);
    }
}
