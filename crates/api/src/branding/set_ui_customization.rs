//! `SetUICustomization`: style sheet and logo of the classic pages, for an app client or for all
//! that have none. Replaces both; without either, what was set is taken away.

use poolhouse_domain::{
    branding::classic::{ALL, CustomizationRefused, UiCustomization},
    ports::Ports,
    shapes::{SetUICustomizationRequest, SetUICustomizationResponse},
};
use poolhouse_wire::{Sensitive, operations::SetUICustomization as Op};

use crate::{
    app_clients,
    failure::{Answer, Failure, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SetUICustomizationRequest) -> Answer<Op> {
        let pool_id = input.user_pool_id;
        let client_id = input.client_id.map_or(ALL.to_owned(), Sensitive::into_inner);
        let image = input.image_file.map(|image| image.0);
        let now = ports.clock.now();
        // Looked at before the transaction opens; what is wrong with it is said after what is
        // missing.
        let wanted = UiCustomization::new(&pool_id, &client_id, input.css, image, now);
        let mut tx = ports.store.write().await?;
        let pool = tx.user_pool(&pool_id).await?.ok_or_else(|| no_user_pool(&pool_id))?;
        if client_id != ALL {
            app_clients::find::<Op>(&mut *tx, &pool_id, &client_id).await?;
        }
        if !pool.has_domain() {
            return Err(refusal(&CustomizationRefused::NoDomain).into());
        }
        let mut new = wanted.map_err(|refused| refusal(&refused))?;
        if new.is_empty() {
            tx.delete_ui_customization(&pool_id, &client_id).await?;
        } else {
            let former = tx.ui_customization(&pool_id, &client_id).await?;
            new.created_at = former.map_or(new.created_at, |former| former.created_at);
            tx.put_ui_customization(&new).await?;
        }
        tx.commit().await?;
        Ok(SetUICustomizationResponse { ui_customization: new.to_shape(&ports.identity) })
    }
}

fn refusal(refused: &CustomizationRefused) -> Failure<Op> {
    invalid_parameter(refused.to_string())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::super::tests::png;
    use crate::testing::{Stack, error, invalid, merged, text};

    const CSS: &str = ".submitButton-customizable:hover { color: red; }";

    /// A pool with a domain.
    async fn pool(stack: &Stack) -> String {
        let pool = stack.pool(json!({})).await;
        let domain = json!({ "UserPoolId": pool, "Domain": "login" });
        stack.ok("CreateUserPoolDomain", domain).await;
        pool
    }

    #[tokio::test]
    async fn style_sheet_and_logo_are_replaced_together() {
        let stack = Stack::new().await;
        let pool = pool(&stack).await;
        let names = json!({ "UserPoolId": pool });
        let members = json!({ "CSS": CSS, "ImageFile": png(1) });
        let answer = stack.ok("SetUICustomization", merged(names.clone(), members)).await;
        let url = text(&answer["UICustomization"]["ImageUrl"]);
        let start = format!("http://127.0.0.1:7665/{pool}/assets/ALL/");
        assert!(url.starts_with(&start) && url.rsplit('.').next() == Some("png"), "{url}");
        let when = json!(1_767_225_600.123);
        let expected = json!({ "UICustomization": {
            "UserPoolId": pool, "ClientId": "ALL", "ImageUrl": url, "CSS": CSS,
            "CSSVersion": "20260101000000", "LastModifiedDate": when, "CreationDate": when,
        }});
        assert_eq!(answer, expected);
        assert_eq!(stack.ok("GetUICustomization", names.clone()).await, expected);

        stack.advance(60);
        let input = merged(names.clone(), json!({ "ClientId": "ALL", "ImageFile": png(2) }));
        let answer = stack.ok("SetUICustomization", input).await;
        let shown = &answer["UICustomization"];
        assert_ne!(shown["ImageUrl"], json!(url));
        assert_eq!((&shown["CSS"], &shown["CreationDate"]), (&Value::Null, &when));
        assert_eq!(shown["CSSVersion"], "20260101000100");
        assert_eq!(shown["LastModifiedDate"], json!(1_767_225_660.123));
        assert_eq!(stack.ok("GetUICustomization", names.clone()).await, answer);

        stack.ok("SetUICustomization", merged(names.clone(), json!({ "CSS": "" }))).await;
        let none = json!({ "UICustomization": {} });
        assert_eq!(stack.ok("GetUICustomization", names).await, none);
    }

    #[tokio::test]
    async fn there_must_be_a_domain() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool });
        let input = merged(names.clone(), json!({ "CSS": CSS }));
        assert_eq!(
            stack.refusal("SetUICustomization", input).await,
            invalid("A domain must be associated with this user pool.")
        );
        assert_eq!(
            stack.refusal("GetUICustomization", names).await,
            invalid("There has to be an existing domain associated with this user pool")
        );
    }

    #[tokio::test]
    async fn what_pages_cannot_show_is_refused_and_changes_nothing() {
        let stack = Stack::new().await;
        let pool = pool(&stack).await;
        let names = json!({ "UserPoolId": pool });
        let svg = STANDARD.encode("<svg/>");
        for (members, message) in [
            (
                json!({ "CSS": ".mine { color: red }" }),
                "The CSS class mine is not in the list of allowed classes.",
            ),
            (
                json!({ "CSS": "@import url(https://a);" }),
                "The CSS contains @import, which is not allowed.",
            ),
            (json!({ "CSS": "x" }), "The CSS is not valid."),
            (json!({ "ImageFile": svg }), "The image must be a PNG or JPEG file."),
        ] {
            let input = merged(names.clone(), members);
            assert_eq!(stack.refusal("SetUICustomization", input).await, invalid(message));
        }
        let none = json!({ "UICustomization": {} });
        assert_eq!(stack.ok("GetUICustomization", names).await, none);
    }

    #[tokio::test]
    async fn unknown_pools_and_clients_are_not_found() {
        let stack = Stack::new().await;
        let pool = pool(&stack).await;
        for (pool, client, message) in [
            (pool.as_str(), "none", "User pool client none does not exist."),
            ("us-east-1_Nowhere12", "ALL", "User pool us-east-1_Nowhere12 does not exist."),
        ] {
            let input = json!({ "UserPoolId": pool, "ClientId": client });
            for operation in ["SetUICustomization", "GetUICustomization"] {
                assert_eq!(
                    stack.refusal(operation, input.clone()).await,
                    error("ResourceNotFoundException", message)
                );
            }
        }
    }
}
