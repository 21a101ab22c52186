//! `GetUICustomization`: style sheet and logo that an app client's classic pages show.

use poolhouse_domain::{
    branding::classic::{self, ALL, CustomizationRefused},
    ports::Ports,
    shapes::{GetUICustomizationRequest, GetUICustomizationResponse},
};
use poolhouse_wire::operations::GetUICustomization as Op;

use crate::{
    app_clients,
    failure::{Answer, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUICustomizationRequest) -> Answer<Op> {
        let pool_id = &input.user_pool_id;
        let client_id = input.client_id.as_deref().map_or(ALL, String::as_str);
        let mut tx = ports.store.read().await?;
        let pool = tx.user_pool(pool_id).await?.ok_or_else(|| no_user_pool::<Op>(pool_id))?;
        if client_id != ALL {
            app_clients::find::<Op>(&mut *tx, pool_id, client_id).await?;
        }
        if !pool.has_domain() {
            return Err(invalid_parameter(CustomizationRefused::NoDomainToShow.to_string()).into());
        }
        let found = classic::in_effect(&mut *tx, pool_id, client_id).await?;
        let shown = found.map(|found| found.to_shape(&ports.identity)).unwrap_or_default();
        Ok(GetUICustomizationResponse { ui_customization: shown })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, text};

    /// Whose customization a client's pages show, and its style sheet.
    async fn shown(stack: &Stack, pool: &str, client: &str) -> Option<(String, String)> {
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let answer = stack.ok("GetUICustomization", input).await;
        let found = &answer["UICustomization"];
        (*found != json!({})).then(|| (text(&found["ClientId"]), text(&found["CSS"])))
    }

    #[tokio::test]
    async fn a_client_shows_its_own_or_else_the_pool_s() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (client, other) =
            (stack.client(&pool, json!({})).await, stack.client(&pool, json!({})).await);
        let domain = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", domain).await;
        let (one, all) = (".logo-customizable{a:b}", ".banner-customizable{a:b}");
        let set = |client: &str, css: Value| {
            let input = json!({ "UserPoolId": pool, "ClientId": client, "CSS": css });
            stack.ok("SetUICustomization", input)
        };
        set(&client, json!(one)).await;
        assert_eq!(shown(&stack, &pool, &other).await, None);
        set("ALL", json!(all)).await;
        let of_all = Some(("ALL".to_owned(), all.to_owned()));
        assert_eq!(shown(&stack, &pool, &client).await, Some((client.clone(), one.to_owned())));
        assert_eq!(shown(&stack, &pool, &other).await, of_all);
        assert_eq!(shown(&stack, &pool, "ALL").await, of_all);
        set(&client, Value::Null).await;
        assert_eq!(shown(&stack, &pool, &client).await, of_all);
    }

    #[tokio::test]
    async fn a_customization_goes_with_its_client() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let domain = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", domain).await;
        for client in [client.as_str(), "ALL"] {
            let css = ".logo-customizable{a:b}";
            let input = json!({ "UserPoolId": pool, "ClientId": client, "CSS": css });
            stack.ok("SetUICustomization", input).await;
        }
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("DeleteUserPoolClient", input).await;
        let mut view = stack.ports.store.read().await.unwrap();
        assert_eq!(view.ui_customization(&pool, &client).await.unwrap(), None);
        assert!(view.ui_customization(&pool, "ALL").await.unwrap().is_some());
    }
}
