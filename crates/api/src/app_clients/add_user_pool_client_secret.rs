//! `AddUserPoolClientSecret`: a second secret for a confidential app client.

use poolhouse_domain::{
    app_clients::secrets,
    ports::Ports,
    shapes::{AddUserPoolClientSecretRequest, AddUserPoolClientSecretResponse},
};
use poolhouse_wire::operations::AddUserPoolClientSecret as Op;

use super::{find, secret_descriptor, secrets_refused};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AddUserPoolClientSecretRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let (mut client, _) = find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let is_given = input.client_secret.is_some();
        let given = input.client_secret.map(|given| String::clone(&given));
        let added = secrets::add(&mut client, given, &*ports.entropy, ports.clock.now())
            .map_err(|refused| secrets_refused(&refused))?;
        tx.update_app_client(&mut client).await?;
        tx.commit().await?;
        ports.directory.forget_app_client(client.id());
        let mut descriptor = secret_descriptor(&added);
        // Who brought the secret along knows it.
        descriptor.client_secret_value = (!is_given).then(|| added.value.into());
        Ok(AddUserPoolClientSecretResponse { client_secret_descriptor: Some(descriptor) })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::secret_hash;
    use serde_json::{Value, json};

    use crate::testing::{PASSWORD, Stack, error, invalid, merged, text};

    const GIVEN: &str = "my_own_secret_of_25_chars";

    #[tokio::test]
    async fn a_made_secret_is_shown_once_and_a_given_one_never() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for (members, shows) in [(json!({}), true), (json!({ "ClientSecret": GIVEN }), false)] {
            let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
            stack.advance(1);
            let names = json!({ "UserPoolId": pool, "ClientId": client });
            let input = merged(names.clone(), members);
            let mut answer = stack.ok("AddUserPoolClientSecret", input).await;
            let mut added = answer["ClientSecretDescriptor"].take();
            let value = added.as_object_mut().unwrap().remove("ClientSecretValue");
            assert_eq!(value.is_some(), shows);
            if let Some(value) = value {
                assert!((48..=51).contains(&text(&value).len()), "{value}");
            }
            let now = stack.ports.clock.now();
            assert_eq!(added["ClientSecretId"], format!("{client}--{}", now.seconds()));
            assert!(added["ClientSecretCreateDate"].is_number());
            let listed = stack.ok("ListUserPoolClientSecrets", names).await;
            assert_eq!(listed["ClientSecrets"][1], added);
        }
    }

    /// Signs a user in with a `SECRET_HASH` of this secret.
    async fn sign_in(stack: &Stack, client: &str, secret: &str) -> u16 {
        let hash = secret_hash::compute(secret, "ada", client);
        let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD, "SECRET_HASH": hash });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        stack.call("InitiateAuth", input).await.status
    }

    #[tokio::test]
    async fn both_secrets_are_good_until_one_is_deleted() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let client = stack.client(&pool, json!({ "ClientSecret": GIVEN })).await;
        assert_eq!(sign_in(&stack, &client, GIVEN).await, 200);
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let added = stack.ok("AddUserPoolClientSecret", names.clone()).await;
        let added = text(&added["ClientSecretDescriptor"]["ClientSecretValue"]);
        assert_eq!(sign_in(&stack, &client, GIVEN).await, 200);
        assert_eq!(sign_in(&stack, &client, &added).await, 200);
        let described = stack.ok("DescribeUserPoolClient", names.clone()).await;
        assert_eq!(described["UserPoolClient"]["ClientSecret"], GIVEN);

        let mut listed = stack.ok("ListUserPoolClientSecrets", names.clone()).await;
        let oldest = listed["ClientSecrets"][0]["ClientSecretId"].take();
        let input = merged(names.clone(), json!({ "ClientSecretId": oldest }));
        assert_eq!(stack.ok("DeleteUserPoolClientSecret", input).await, json!({}));
        assert_eq!(sign_in(&stack, &client, GIVEN).await, 400);
        assert_eq!(sign_in(&stack, &client, &added).await, 200);
        let described = stack.ok("DescribeUserPoolClient", names).await;
        assert_eq!(described["UserPoolClient"]["ClientSecret"], Value::from(added));
    }

    #[tokio::test]
    async fn a_third_secret_is_one_too_many() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("AddUserPoolClientSecret", names.clone()).await;
        assert_eq!(
            stack.refusal("AddUserPoolClientSecret", names).await,
            error("LimitExceededException", "Client secrets cannot exceed limit of 2 secrets.")
        );
    }

    #[tokio::test]
    async fn a_public_client_stays_public() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        let message = format!("User pool client {client} is not configured for secret.");
        assert_eq!(stack.refusal("AddUserPoolClientSecret", input).await, invalid(&message));
    }

    #[tokio::test]
    async fn unknown_pools_and_clients_are_not_found() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for (pool, message) in [
            ("us-east-1_Nowhere12", "User pool us-east-1_Nowhere12 does not exist."),
            (&pool, "User pool client none does not exist."),
        ] {
            let input = json!({ "UserPoolId": pool, "ClientId": "none" });
            assert_eq!(
                stack.refusal("AddUserPoolClientSecret", input).await,
                error("ResourceNotFoundException", message)
            );
        }
    }
}
