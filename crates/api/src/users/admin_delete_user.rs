//! `AdminDeleteUser`: an administrator deletes a user.

use poolhouse_domain::{ports::Ports, shapes::AdminDeleteUserRequest};
use poolhouse_wire::{NoOutput, operations::AdminDeleteUser as Op};

use super::erase;
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDeleteUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        erase(ports, &user).await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_name_of_a_deleted_user_is_free_for_another() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AliasAttributes": ["email"] })).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        let first = stack.user(&pool, "jo", &verified).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert!(stack.ok("AdminDeleteUser", user.clone()).await.is_null());
        let gone = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal("AdminDeleteUser", user).await, gone);
        assert_ne!(stack.user(&pool, "jo", &verified).await, first);
    }
}
