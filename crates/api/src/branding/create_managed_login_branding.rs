//! `CreateManagedLoginBranding`: gives an app client a style.

use poolhouse_domain::{
    branding::{self, BrandingRefused, Change},
    ports::Ports,
    shapes::{CreateManagedLoginBrandingRequest, CreateManagedLoginBrandingResponse},
};
use poolhouse_wire::{codes, operations::CreateManagedLoginBranding as Op};

use super::{branding_refused, described};
use crate::{
    app_clients,
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateManagedLoginBrandingRequest) -> Answer<Op> {
        let (pool_id, client_id) = (&input.user_pool_id, &input.client_id);
        let change = Change::of(input.use_cognito_provided_values, input.settings, input.assets)
            .map_err(|refused| refusal(&refused))?;
        let (entropy, now) = (&*ports.entropy, ports.clock.now());
        let mut tx = ports.store.write().await?;
        app_clients::find::<Op>(&mut *tx, pool_id, client_id).await?;
        let made = branding::create(&mut *tx, pool_id, client_id, change, entropy, now).await?;
        let style = made.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        let shown = described(&mut *ports.store.read().await?, &style, false).await?;
        Ok(CreateManagedLoginBrandingResponse { managed_login_branding: Some(shown) })
    }
}

fn refusal(refused: &BrandingRefused) -> Failure<Op> {
    let message = refused.to_string();
    match refused {
        BrandingRefused::Exists(_) => {
            Failure::new(codes::ManagedLoginBrandingExistsException, message)
        }
        BrandingRefused::TooManyStyles(_) => Failure::new(codes::LimitExceededException, message),
        _ => branding_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::super::tests::{asset, made};
    use crate::testing::{Stack, error, invalid, merged, text};

    const ONE_OF_BOTH: &str =
        "useCognitoProvidedValues or settings should be specified (but not both)";

    #[tokio::test]
    async fn a_style_is_shown_as_it_was_made() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let settings = json!({ "components": { "a": [1, 2.5, null, true, "x"] }, "b": {} });
        let assets = [asset("FORM_LOGO", "DARK", 1), asset("FORM_LOGO", "LIGHT", 2)];
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let members = json!({ "Settings": settings, "Assets": assets });
        let answer = stack.ok("CreateManagedLoginBranding", merged(names.clone(), members)).await;
        let id = text(&answer["ManagedLoginBranding"]["ManagedLoginBrandingId"]);
        assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id}");
        let when = json!(1_767_225_600.123);
        let expected = json!({ "ManagedLoginBranding": {
            "ManagedLoginBrandingId": id, "UserPoolId": pool, "UseCognitoProvidedValues": false,
            "Settings": settings, "Assets": assets,
            "CreationDate": when, "LastModifiedDate": when,
        }});
        assert_eq!(answer, expected);
        let named = json!({ "UserPoolId": pool, "ManagedLoginBrandingId": id });
        assert_eq!(stack.ok("DescribeManagedLoginBranding", named).await, expected);
        let by_client = stack.ok("DescribeManagedLoginBrandingByClient", names).await;
        assert_eq!(by_client, expected);
    }

    #[tokio::test]
    async fn the_built_in_look_has_no_values_of_its_own() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input =
            json!({ "UserPoolId": pool, "ClientId": client, "UseCognitoProvidedValues": true });
        let answer = stack.ok("CreateManagedLoginBranding", input).await;
        let style = &answer["ManagedLoginBranding"];
        assert_eq!(style["UseCognitoProvidedValues"], true);
        assert_eq!((&style["Settings"], &style["Assets"]), (&Value::Null, &json!([])));
    }

    #[tokio::test]
    async fn a_style_has_either_the_built_in_look_or_its_own() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let assets = json!([asset("FORM_LOGO", "LIGHT", 1)]);
        for members in [
            json!({}),
            json!({ "UseCognitoProvidedValues": false }),
            json!({ "Assets": assets }),
            json!({ "UseCognitoProvidedValues": true, "Settings": {} }),
            json!({ "UseCognitoProvidedValues": true, "Assets": assets }),
        ] {
            let input = merged(json!({ "UserPoolId": pool, "ClientId": client }), members);
            let refused = stack.refusal("CreateManagedLoginBranding", input.clone()).await;
            assert_eq!(refused, invalid(ONE_OF_BOTH), "{input}");
        }
        made(&stack, &pool, &client, json!({ "Settings": {} })).await;
    }

    #[tokio::test]
    async fn images_are_what_they_say_and_where_they_may_be() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let logo = asset("FORM_LOGO", "LIGHT", 1);
        let script = STANDARD.encode("<svg><script/></svg>");
        let svg = json!({ "Extension": "SVG", "Bytes": script });
        let wrong = |extension: &str, message: &str| {
            format!(
                "{{category: FORM_LOGO, extension: {extension}, colorMode: LIGHT, errorMessage: {message}}}"
            )
        };
        let ico = merged(logo.clone(), json!({ "Extension": "ICO" }));
        let dark = merged(ico.clone(), json!({ "ColorMode": "DARK" }));
        let kind = wrong("ICO", "The extension is not supported for this category.");
        for (assets, message) in [
            (json!([ico]), kind.clone()),
            (
                json!([merged(logo.clone(), json!({ "Extension": "WEBP" }))]),
                wrong("WEBP", "The content does not match the extension."),
            ),
            (
                json!([merged(logo.clone(), json!({ "Bytes": null }))]),
                wrong("PNG", "Bytes are required."),
            ),
            (
                json!([merged(logo.clone(), svg)]),
                wrong("SVG", "The SVG contains content that is not allowed: the element script."),
            ),
            (
                json!([logo, logo]),
                wrong("PNG", "There is more than one asset for this category and color mode."),
            ),
            (json!([ico, dark]), format!("{kind}, {}", kind.replace("LIGHT", "DARK"))),
        ] {
            let input = json!({
                "UserPoolId": pool, "ClientId": client, "Settings": {}, "Assets": assets,
            });
            let refused = stack.refusal("CreateManagedLoginBranding", input).await;
            let message = format!("Invalid assets provided. Validation errors: [{message}]");
            assert_eq!(refused, invalid(&message));
        }
        let by_client = json!({ "UserPoolId": pool, "ClientId": client });
        assert_eq!(
            stack.refusal("DescribeManagedLoginBrandingByClient", by_client).await.0,
            "ResourceNotFoundException",
            "nothing is left of them"
        );
        let input = json!({ "UserPoolId": pool, "ClientId": client, "Settings": [] });
        assert_eq!(
            stack.refusal("CreateManagedLoginBranding", input).await,
            invalid("Settings must be a JSON object.")
        );
    }

    #[tokio::test]
    async fn a_client_has_one_style_and_a_pool_twenty() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let built_in = json!({ "UseCognitoProvidedValues": true });
        let mut client = String::new();
        for _ in 0..20 {
            client = stack.client(&pool, json!({})).await;
            made(&stack, &pool, &client, built_in.clone()).await;
        }
        let more = stack.client(&pool, json!({})).await;
        let message = format!("Managed login branding already exists for client {client}.");
        let exists = error("ManagedLoginBrandingExistsException", &message);
        let message = format!(
            "Maximum number of managed login branding styles in user pool {pool} has been reached."
        );
        let too_many = error("LimitExceededException", &message);
        for (client, expected) in [(client, exists), (more, too_many)] {
            let names = json!({ "UserPoolId": pool, "ClientId": client });
            let input = merged(names, built_in.clone());
            assert_eq!(stack.refusal("CreateManagedLoginBranding", input).await, expected);
        }
    }

    #[tokio::test]
    async fn unknown_pools_and_clients_are_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        for (pool, message) in [
            (&pool, format!("User pool client {client} does not exist.")),
            (
                &"us-east-1_Nowhere12".to_owned(),
                "User pool us-east-1_Nowhere12 does not exist.".to_owned(),
            ),
        ] {
            let input = json!({ "UserPoolId": pool, "ClientId": client, "Settings": {} });
            assert_eq!(
                stack.refusal("CreateManagedLoginBranding", input).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }
}
