//! `DeleteWebAuthnCredential`: a user gives a passkey up.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DeleteWebAuthnCredentialRequest, DeleteWebAuthnCredentialResponse},
};
use poolhouse_wire::{codes, operations::DeleteWebAuthnCredential as Op};

use super::bearer;
use crate::{
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteWebAuthnCredentialRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let (pool_id, sub) = (bearer.pool.id(), &bearer.user.sub);
        let mut tx = ports.store.write().await?;
        if !tx.delete_passkey(pool_id, sub, &input.credential_id).await? {
            // The text is a belief.
            let message = "WebAuthn credential not found.";
            return Err(Failure::new(codes::ResourceNotFoundException, message).into());
        }
        tx.commit().await?;
        Ok(DeleteWebAuthnCredentialResponse {})
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_testkit::Authenticator;
    use serde_json::json;

    use super::super::testing::{list, passkey_pool, register};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn removes_a_passkey_of_the_user_and_no_other() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        for name in ["ada", "bob"] {
            stack.user(&pool, name, &[]).await;
        }
        let token = stack.access_token(&client, "ada").await;
        let bobs = stack.access_token(&client, "bob").await;
        let (one, two) = (Authenticator::es256("one"), Authenticator::es256("two"));
        register(&stack, &token, &one).await;
        register(&stack, &token, &two).await;
        let delete = |token: &str, id: &str| json!({ "AccessToken": token, "CredentialId": id });
        let gone = error("ResourceNotFoundException", "WebAuthn credential not found.");
        for input in [delete(&bobs, &one.id()), delete(&token, ""), delete(&token, "bm9uZQ")] {
            assert_eq!(stack.refusal("DeleteWebAuthnCredential", input).await, gone);
        }
        let input = delete(&token, &one.id());
        assert_eq!(stack.ok("DeleteWebAuthnCredential", input.clone()).await, json!({}));
        assert_eq!(stack.refusal("DeleteWebAuthnCredential", input).await, gone);
        let left = list(&stack, &token).await;
        assert_eq!(
            (left.as_array().unwrap().len(), &left[0]["CredentialId"]),
            (1, &json!(two.id()))
        );
        // An id that was given up can be registered again.
        register(&stack, &token, &one).await;
    }
}
