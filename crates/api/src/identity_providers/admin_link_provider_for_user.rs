//! `AdminLinkProviderForUser`: makes an account of an identity provider, with which nobody has
//! signed in, another way to be a user.

use poolhouse_domain::{
    identity_providers::links::{self, LinkRefused},
    ports::Ports,
    shapes::{AdminLinkProviderForUserRequest, AdminLinkProviderForUserResponse},
};
use poolhouse_wire::{codes, operations::AdminLinkProviderForUser as Op};

use super::link_refused;
use crate::{
    failure::{Answer, Failure},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminLinkProviderForUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let (destination, source) = (input.destination_user, input.source_user);
        let mut tx = ports.store.write().await?;
        let linked = links::link(&mut *tx, &pool, destination, source, ports.clock.now()).await?;
        linked.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        Ok(AdminLinkProviderForUserResponse {})
    }
}

fn refusal(refused: &LinkRefused) -> Failure<Op> {
    match refused {
        LinkRefused::TooManyOfUser | LinkRefused::TooManyAttributes => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => link_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{
        account, created, google, identities, link, made_by_google, oidc, saml,
    };
    use crate::testing::{Stack, claims, error, invalid, merged, text};

    const LINK: &str = "AdminLinkProviderForUser";

    /// A pool with Google, the OpenID provider `Corp` that maps `email`, and a user `jo`.
    async fn prepared(stack: &Stack) -> String {
        let pool = stack.pool(json!({})).await;
        created(stack, google(&pool)).await;
        let mapping = json!({ "AttributeMapping": { "email": "mail" } });
        created(stack, oidc(&pool, "Corp", mapping)).await;
        stack.user(&pool, "jo", &[]).await;
        pool
    }

    #[tokio::test]
    async fn the_user_shows_the_identity_everywhere() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        created(&stack, saml(&pool, "Saml", json!({}))).await;
        let google = account("Google", "Cognito_Subject", "g-1");
        assert_eq!(stack.ok(LINK, link(&pool, "jo", &google)).await, json!({}));
        stack.advance(1);
        stack.ok(LINK, link(&pool, "jo", &account("Saml", "Cognito_Subject", "Jo@X"))).await;

        let first = json!({
            "userId": "g-1", "providerName": "Google", "providerType": "Google", "issuer": null,
            "primary": false, "dateCreated": 1_767_225_600_123_i64,
        });
        let second = json!({
            "userId": "Jo@X", "providerName": "Saml", "providerType": "SAML",
            "issuer": "https://idp.example.com/saml", "primary": false,
            "dateCreated": 1_767_225_601_123_i64,
        });
        let expected = json!([first, second]);
        assert_eq!(identities(&stack, &pool, "jo").await, expected);
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let user = stack.ok("AdminGetUser", user).await;
        assert_eq!(user["UserLastModifiedDate"], 1_767_225_601.123);

        let wanted = json!({ "UserPoolId": pool, "AttributesToGet": ["identities"] });
        let users = stack.ok("ListUsers", wanted).await;
        let shown = &users["Users"][0]["Attributes"];
        assert_eq!((shown.as_array().unwrap().len(), &shown[0]["Name"]), (1, &json!("identities")));

        let client = stack.client(&pool, json!({ "ReadAttributes": ["email"] })).await;
        let tokens = stack.tokens(&client, "jo").await;
        let own = stack.ok("GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
        let names = own["UserAttributes"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|attribute| text(&attribute["Name"])).collect();
        assert_eq!(names, ["sub", "identities"]);
        let as_text = |identity: Value, date: &str| {
            merged(identity, json!({ "primary": "false", "dateCreated": date }))
        };
        let expected = json!([as_text(first, "1767225600123"), as_text(second, "1767225601123")]);
        assert_eq!(claims(&tokens["IdToken"])["identities"], expected);
    }

    #[tokio::test]
    async fn an_account_is_found_by_provider_attribute_and_value() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let sub = stack.user(&pool, "ann", &[]).await;
        stack.ok(LINK, link(&pool, "ann", &account("Corp", "email", "Ann@X"))).await;
        let mut view = stack.ports.store.read().await.unwrap();
        let found = view.linked_identity(&pool, "Corp", "email", "Ann@X").await.unwrap().unwrap();
        assert_eq!((found.sub, found.is_primary), (sub, false));
        for (provider, attribute, value) in [
            ("Corp", "email", "ann@x"),
            ("Corp", "Cognito_Subject", "Ann@X"),
            ("Google", "email", "Ann@X"),
        ] {
            let found = view.linked_identity(&pool, provider, attribute, value).await.unwrap();
            assert_eq!(found, None);
        }
    }

    #[tokio::test]
    async fn accounts_are_named_by_what_their_provider_says() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let native = "Invalid SourceUser: Cognito users with a username/password may not be passed \
                      in as a SourceUser, only as a DestinationUser";
        let social = "Invalid SourceUser: ProviderAttributeName must be Cognito_Subject for Google \
                      identities";
        let mapped = "Invalid SourceUser: ProviderAttributeName must be Cognito_Subject or an \
                      attribute in the attribute mapping of the identity provider";
        let incomplete = "Invalid SourceUser: ProviderName and ProviderAttributeValue are required";
        let long = "x".repeat(1_025);
        for (source, message) in [
            (account("Cognito", "Cognito_Subject", "ann"), native),
            (account("Google", "email", "g"), social),
            (account("Corp", "name", "c"), mapped),
            (account("Corp", "", "c"), mapped),
            (json!({ "ProviderName": "Corp", "ProviderAttributeValue": "c" }), mapped),
            (account("Corp", "email", ""), incomplete),
            (json!({}), incomplete),
            (
                account("Corp", "email", &long),
                "Invalid SourceUser: ProviderAttributeValue is too long",
            ),
        ] {
            let input = link(&pool, "jo", &source);
            assert_eq!(stack.refusal(LINK, input).await, invalid(message), "{source}");
        }
        let input = link(&pool, "jo", &account("Facebook", "Cognito_Subject", "f"));
        assert_eq!(
            stack.refusal(LINK, input).await,
            error("ResourceNotFoundException", "Identity provider Facebook does not exist.")
        );
        assert_eq!(identities(&stack, &pool, "jo").await, Value::Null);
    }

    #[tokio::test]
    async fn an_account_is_linked_once() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        stack.user(&pool, "ann", &[]).await;
        let source = account("Google", "Cognito_Subject", "g-1");
        stack.ok(LINK, link(&pool, "jo", &source)).await;
        assert_eq!(
            stack.refusal(LINK, link(&pool, "jo", &source)).await,
            invalid("SourceUser is already linked to DestinationUser")
        );
        assert_eq!(
            stack.refusal(LINK, link(&pool, "ann", &source)).await,
            error("AliasExistsException", "SourceUser is already linked to another user")
        );
        assert_eq!(identities(&stack, &pool, "jo").await.as_array().unwrap().len(), 1);
        assert_eq!(identities(&stack, &pool, "ann").await, Value::Null);
        // The accounts of a user go with the user.
        stack.ok("AdminDeleteUser", json!({ "UserPoolId": pool, "Username": "jo" })).await;
        stack.ok(LINK, link(&pool, "ann", &source)).await;
    }

    #[tokio::test]
    async fn a_user_has_five_linked_accounts_at_most() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let source = |number: u32| account("Google", "Cognito_Subject", &number.to_string());
        for number in 0..5 {
            stack.ok(LINK, link(&pool, "jo", &source(number))).await;
        }
        assert_eq!(
            stack.refusal(LINK, link(&pool, "jo", &source(5))).await,
            error("LimitExceededException", "Exceeded the limit of 5 linked identities per user.")
        );
        assert_eq!(identities(&stack, &pool, "jo").await.as_array().unwrap().len(), 5);
    }

    #[tokio::test]
    async fn accounts_of_a_provider_are_linked_by_five_attributes_at_most() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let names = ["name", "email", "nickname", "profile", "website", "zoneinfo"];
        let mapping: Value = names.iter().map(|name| (*name, *name)).collect();
        let input = json!({
            "UserPoolId": pool, "ProviderName": "Corp", "AttributeMapping": mapping,
        });
        stack.ok("UpdateIdentityProvider", input).await;
        stack.user(&pool, "ann", &[]).await;
        for name in &names[..5] {
            stack.ok(LINK, link(&pool, "jo", &account("Corp", name, "v"))).await;
        }
        let message = "Exceeded the limit of 5 linking attributes per identity provider.";
        assert_eq!(
            stack.refusal(LINK, link(&pool, "ann", &account("Corp", "zoneinfo", "v"))).await,
            error("LimitExceededException", message)
        );
        stack.ok(LINK, link(&pool, "ann", &account("Corp", "email", "w"))).await;
    }

    #[tokio::test]
    async fn users_of_their_own_account_can_be_linked_to_and_cannot_be_linked() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let sub = stack.user(&pool, "Google_g-1", &[]).await;
        let own = account("Google", "Cognito_Subject", "g-1");
        let other = account("Corp", "Cognito_Subject", "c-1");
        let input = json!({ "UserPoolId": pool, "DestinationUser": own, "SourceUser": other });
        let unknown = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal(LINK, input.clone()).await, unknown, "a name proves nothing");

        made_by_google(&stack, &pool, &sub).await;
        assert_eq!(stack.ok(LINK, input).await, json!({}));
        let shown = identities(&stack, &pool, "Google_g-1").await;
        assert_eq!(shown[0]["userId"], "c-1");
        assert_eq!(
            stack.refusal(LINK, link(&pool, "jo", &own)).await,
            invalid(
                "Merging is not currently supported, provide a SourceUser that has not been signed \
                 up in order to link"
            )
        );
    }

    #[tokio::test]
    async fn whoever_is_not_there_is_not_found() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let source = account("Google", "Cognito_Subject", "g-1");
        let input = link(&pool, "nobody", &source);
        assert_eq!(
            stack.refusal(LINK, input).await,
            error("UserNotFoundException", "User does not exist.")
        );
        let destination = account("Facebook", "x", "f-1");
        let input = merged(link(&pool, "x", &source), json!({ "DestinationUser": destination }));
        assert_eq!(
            stack.refusal(LINK, input).await,
            error("ResourceNotFoundException", "Identity provider Facebook does not exist.")
        );
        let input = merged(link(&pool, "x", &source), json!({ "DestinationUser": {} }));
        let message =
            "Invalid DestinationUser: ProviderName and ProviderAttributeValue are required";
        assert_eq!(stack.refusal(LINK, input).await, invalid(message));
        assert_eq!(
            stack.refusal(LINK, link("nowhere", "jo", &source)).await,
            error("ResourceNotFoundException", "User pool nowhere does not exist.")
        );
    }
}
