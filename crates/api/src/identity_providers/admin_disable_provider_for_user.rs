//! `AdminDisableProviderForUser`: takes the link to a user from an account of an identity provider,
//! or the password from a user.

use poolhouse_domain::{
    identity_providers::links,
    ports::Ports,
    shapes::{AdminDisableProviderForUserRequest, AdminDisableProviderForUserResponse},
};
use poolhouse_wire::operations::AdminDisableProviderForUser as Op;

use super::link_refused;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDisableProviderForUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let removed = links::unlink(&mut *tx, &pool, input.user, ports.clock.now()).await?;
        removed.map_err(|refused| link_refused(&refused))?;
        tx.commit().await?;
        Ok(AdminDisableProviderForUserResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{account, created, google, identities, link, made_by_google, oidc};
    use crate::testing::{PASSWORD, Stack, error, invalid};

    const DISABLE: &str = "AdminDisableProviderForUser";

    fn disable(pool: &str, account: &Value) -> Value {
        json!({ "UserPoolId": pool, "User": account })
    }

    /// A pool with Google, the OpenID provider `Corp` that maps `email`, and a user `jo` with an
    /// account of each.
    async fn prepared(stack: &Stack) -> String {
        let pool = stack.pool(json!({})).await;
        created(stack, google(&pool)).await;
        let mapping = json!({ "AttributeMapping": { "email": "mail" } });
        created(stack, oidc(&pool, "Corp", mapping)).await;
        stack.user(&pool, "jo", &[]).await;
        for source in [google_account(), corp_account()] {
            stack.ok("AdminLinkProviderForUser", link(&pool, "jo", &source)).await;
        }
        pool
    }

    fn google_account() -> Value {
        account("Google", "Cognito_Subject", "same")
    }

    fn corp_account() -> Value {
        account("Corp", "email", "same")
    }

    #[tokio::test]
    async fn the_account_is_unlinked_and_free_again() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        stack.user(&pool, "ann", &[]).await;
        stack.advance(5);
        let answer = stack.ok(DISABLE, disable(&pool, &google_account())).await;
        assert_eq!(answer, json!({}));
        let shown = identities(&stack, &pool, "jo").await;
        assert_eq!(
            (shown.as_array().unwrap().len(), &shown[0]["providerName"]),
            (1, &json!("Corp"))
        );
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let user = stack.ok("AdminGetUser", user).await;
        assert_eq!(user["UserLastModifiedDate"], 1_767_225_605.123);
        assert_eq!(user["UserStatus"], "CONFIRMED");

        stack.ok("AdminLinkProviderForUser", link(&pool, "ann", &google_account())).await;
        stack.ok(DISABLE, disable(&pool, &corp_account())).await;
        assert_eq!(identities(&stack, &pool, "jo").await, Value::Null);
        let client = stack.client(&pool, json!({})).await;
        stack.tokens(&client, "jo").await;
        assert_eq!(
            stack.refusal(DISABLE, disable(&pool, &corp_account())).await,
            error("UserNotFoundException", "User does not exist.")
        );
    }

    #[tokio::test]
    async fn links_can_be_removed_after_their_provider() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let names = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
        stack.ok("DeleteIdentityProvider", names).await;
        stack.ok(DISABLE, disable(&pool, &corp_account())).await;
        assert_eq!(identities(&stack, &pool, "jo").await.as_array().unwrap().len(), 1);
        assert_eq!(
            stack.refusal(DISABLE, disable(&pool, &corp_account())).await,
            error("ResourceNotFoundException", "Identity provider Corp does not exist.")
        );
    }

    #[tokio::test]
    async fn accounts_are_named_as_they_were_linked() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let unknown = error("UserNotFoundException", "User does not exist.");
        for wrong in [
            account("Corp", "Cognito_Subject", "same"),
            account("Corp", "email", "Same"),
            account("Google", "Cognito_Subject", "other"),
        ] {
            assert_eq!(stack.refusal(DISABLE, disable(&pool, &wrong)).await, unknown);
        }
        for (provider, value) in [("Google", "same"), ("Cognito", "jo")] {
            let wrong = account(provider, "email", value);
            let message = format!(
                "Invalid User: ProviderAttributeName must be Cognito_Subject for {provider} \
                 identities"
            );
            assert_eq!(stack.refusal(DISABLE, disable(&pool, &wrong)).await, invalid(&message));
        }
        let message = "Invalid User: ProviderName and ProviderAttributeValue are required";
        assert_eq!(stack.refusal(DISABLE, disable(&pool, &json!({}))).await, invalid(message));
        let nobody = account("Cognito", "Cognito_Subject", "nobody");
        assert_eq!(stack.refusal(DISABLE, disable(&pool, &nobody)).await, unknown);
        assert_eq!(
            stack.refusal(DISABLE, disable("nowhere", &nobody)).await,
            error("ResourceNotFoundException", "User pool nowhere does not exist.")
        );
        assert_eq!(identities(&stack, &pool, "jo").await.as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_user_of_the_own_directory_loses_the_password() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let client = stack.client(&pool, json!({})).await;
        let local = account("Cognito", "Cognito_Subject", "jo");
        let token = stack.access_token(&client, "jo").await;
        assert_eq!(stack.ok(DISABLE, disable(&pool, &local)).await, json!({}));
        // An old token is good for nothing, least of all for a new password.
        let change = json!({ "AccessToken": token, "ProposedPassword": "Battery-Staple-8" });
        let revoked = error("NotAuthorizedException", "Access Token has been revoked");
        assert_eq!(stack.refusal("ChangePassword", change).await, revoked);
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        let shown = stack.ok("AdminGetUser", user.clone()).await;
        assert_eq!(shown["UserStatus"], "EXTERNAL_PROVIDER");
        let sign_in = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "jo", "PASSWORD": PASSWORD },
        });
        let (code, _) = stack.refusal("InitiateAuth", sign_in).await;
        assert_eq!(code, "NotAuthorizedException");
        assert_eq!(identities(&stack, &pool, "jo").await.as_array().unwrap().len(), 2);
        // A new password brings it back.
        let password = json!({ "UserPoolId": pool, "Username": "jo", "Password": PASSWORD, "Permanent": true });
        stack.ok("AdminSetUserPassword", password).await;
        assert_eq!(stack.ok("AdminGetUser", user).await["UserStatus"], "CONFIRMED");
        stack.tokens(&client, "jo").await;
    }

    #[tokio::test]
    async fn the_account_that_made_a_user_stays() {
        let stack = Stack::new().await;
        let pool = prepared(&stack).await;
        let sub = stack.user(&pool, "Google_g-1", &[]).await;
        made_by_google(&stack, &pool, &sub).await;
        let own = account("Google", "Cognito_Subject", "g-1");
        let message = "Invalid User: the identity of a federated user cannot be removed, delete \
                       the user instead";
        assert_eq!(stack.refusal(DISABLE, disable(&pool, &own)).await, invalid(message));
    }
}
