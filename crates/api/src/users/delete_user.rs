//! `DeleteUser`: a user deletes the own account.

use poolhouse_domain::{ports::Ports, shapes::DeleteUserRequest};
use poolhouse_wire::{NoOutput, operations::DeleteUser as Op};

use super::erase;
use crate::{failure::Answer, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        erase(ports, &caller.user).await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_deleted_user_is_gone_and_the_token_with_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let token = json!({ "AccessToken": stack.access_token(&client, "jo").await });
        assert!(stack.ok("DeleteUser", token.clone()).await.is_null());
        let gone = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal("DeleteUser", token).await, gone);
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        assert_eq!(stack.refusal("AdminGetUser", user).await, gone);
    }
}
