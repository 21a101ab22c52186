//! `UpdateManagedLoginBranding`: changes a style; what is left out stays.

use poolhouse_domain::{
    branding::{self, Change},
    ports::Ports,
    shapes::{UpdateManagedLoginBrandingRequest, UpdateManagedLoginBrandingResponse},
};
use poolhouse_wire::operations::UpdateManagedLoginBranding as Op;

use super::{branding_refused, described, find};
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateManagedLoginBrandingRequest) -> Answer<Op> {
        let pool_id = input.user_pool_id.ok_or_else(|| missing("UserPoolId"))?;
        let id = input.managed_login_branding_id;
        let id = id.ok_or_else(|| missing("ManagedLoginBrandingId"))?;
        let change = Change::of(input.use_cognito_provided_values, input.settings, input.assets)
            .map_err(|refused| branding_refused(&refused))?;
        let mut tx = ports.store.write().await?;
        let mut style = find::<Op>(&mut *tx, &pool_id, &id).await?;
        branding::update(&mut *tx, &mut style, change, ports.clock.now())
            .await?
            .map_err(|refused| branding_refused(&refused))?;
        tx.commit().await?;
        let shown = described(&mut *ports.store.read().await?, &style, false).await?;
        Ok(UpdateManagedLoginBrandingResponse { managed_login_branding: Some(shown) })
    }
}

/// The model does not say that these members are required; nothing can be found without them. (The
/// text is a belief.)
fn missing(member: &str) -> Failure<Op> {
    invalid_parameter(format!("Missing required parameter {member}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{asset, made};
    use crate::testing::{Stack, error, invalid, merged};

    async fn updated(stack: &Stack, names: &Value, members: Value) -> Value {
        let input = merged(names.clone(), members);
        let answer = stack.ok("UpdateManagedLoginBranding", input).await;
        assert_eq!(stack.ok("DescribeManagedLoginBranding", names.clone()).await, answer);
        answer["ManagedLoginBranding"].clone()
    }

    #[tokio::test]
    async fn settings_and_images_are_merged_into_what_is_there() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let members = json!({
            "Settings": { "components": { "form": { "borderRadius": 1 }, "order": [1, 2] } },
            "Assets": [asset("FORM_LOGO", "LIGHT", 1)],
        });
        let id = made(&stack, &pool, &client, members).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let mut expected = updated(&stack, &names, json!({})).await;

        stack.advance(60);
        let settings =
            json!({ "components": { "form": { "logo": true }, "order": [3] }, "global": {} });
        let style = updated(&stack, &names, json!({ "Settings": settings })).await;
        expected["LastModifiedDate"] = json!(1_767_225_660.123);
        expected["Settings"] = json!({
            "components": { "form": { "borderRadius": 1, "logo": true }, "order": [3] },
            "global": {},
        });
        assert_eq!(style, expected);

        let assets = json!([asset("FORM_LOGO", "LIGHT", 2), asset("FORM_LOGO", "DARK", 3)]);
        let style = updated(&stack, &names, json!({ "Assets": assets })).await;
        expected["Assets"] = json!([asset("FORM_LOGO", "DARK", 3), asset("FORM_LOGO", "LIGHT", 2)]);
        assert_eq!(style, expected);
    }

    #[tokio::test]
    async fn the_built_in_look_takes_all_else_away_and_can_be_left_again() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let members = json!({ "Settings": { "a": 1 }, "Assets": [asset("FORM_LOGO", "LIGHT", 1)] });
        let id = made(&stack, &pool, &client, members).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let style = updated(&stack, &names, json!({ "UseCognitoProvidedValues": true })).await;
        assert_eq!(style["UseCognitoProvidedValues"], true);
        assert_eq!((&style["Settings"], &style["Assets"]), (&Value::Null, &json!([])));
        let style = updated(&stack, &names, json!({ "Settings": { "b": 2 } })).await;
        assert_eq!(style["UseCognitoProvidedValues"], false);
        assert_eq!(style["Settings"], json!({ "b": 2 }));
    }

    #[tokio::test]
    async fn a_refused_update_changes_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let categories =
            ["EMAIL_GRAPHIC", "SMS_GRAPHIC", "AUTH_APP_GRAPHIC", "PASSWORD_GRAPHIC", "FORM_LOGO"];
        let modes = ["LIGHT", "DARK", "DYNAMIC"];
        let mut assets: Vec<Value> = categories
            .iter()
            .flat_map(|category| modes.map(|mode| asset(category, mode, 1)))
            .collect();
        for number in 0..25 {
            let name = json!({ "ResourceId": format!("provider {number}") });
            assets.push(merged(asset("IDP_BUTTON_ICON", "LIGHT", 1), name));
        }
        let members = json!({ "Settings": { "a": 1 }, "Assets": assets });
        let id = made(&stack, &pool, &client, members).await;
        let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        let before = stack.ok("DescribeManagedLoginBranding", names.clone()).await;
        let count = before["ManagedLoginBranding"]["Assets"].as_array().unwrap().len();
        assert_eq!(count, 40);
        let one_of_both = "useCognitoProvidedValues or settings should be specified (but not both)";
        let absent = |member: &str| format!("Missing required parameter {member}");
        for (members, message) in [
            (json!({ "UseCognitoProvidedValues": true, "Settings": {} }), one_of_both.to_owned()),
            (
                json!({ "Settings": { "b": 2 }, "Assets": [asset("FORM_BACKGROUND", "DARK", 1)] }),
                "A managed login branding style can have at most 40 assets.".to_owned(),
            ),
            (json!({ "UserPoolId": null }), absent("UserPoolId")),
            (json!({ "ManagedLoginBrandingId": null }), absent("ManagedLoginBrandingId")),
        ] {
            let input = merged(names.clone(), members);
            let refused = stack.refusal("UpdateManagedLoginBranding", input).await;
            assert_eq!(refused, invalid(&message));
        }
        assert_eq!(stack.ok("DescribeManagedLoginBranding", names.clone()).await, before);
        updated(&stack, &names, json!({ "Assets": [asset("FORM_LOGO", "DARK", 2)] })).await;
    }

    #[tokio::test]
    async fn settings_do_not_grow_without_end() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let half = "x".repeat(1_100_000);
        let id = made(&stack, &pool, &client, json!({ "Settings": { "a": half } })).await;
        let input = json!({
            "UserPoolId": pool, "ManagedLoginBrandingId": id, "Settings": { "b": half },
        });
        let refused = stack.refusal("UpdateManagedLoginBranding", input).await;
        assert_eq!(refused, invalid("Settings exceed the maximum size."));
    }

    #[tokio::test]
    async fn an_unknown_style_is_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        let id = made(&stack, &other, &client, json!({ "Settings": {} })).await;
        for (pool, message) in [
            (&pool, format!("Managed login branding {id} does not exist.")),
            (
                &"us-east-1_Nowhere12".to_owned(),
                "User pool us-east-1_Nowhere12 does not exist.".to_owned(),
            ),
        ] {
            let names = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
            for operation in [
                "UpdateManagedLoginBranding",
                "DescribeManagedLoginBranding",
                "DeleteManagedLoginBranding",
            ] {
                assert_eq!(
                    stack.refusal(operation, names.clone()).await,
                    error("ResourceNotFoundException", &message)
                );
            }
        }
    }
}
