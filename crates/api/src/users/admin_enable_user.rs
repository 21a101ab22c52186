//! `AdminEnableUser`: an administrator lets a disabled user sign in again.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminEnableUserRequest, AdminEnableUserResponse},
    users::User,
};
use poolhouse_wire::operations::AdminEnableUser as Op;

use super::alter;
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminEnableUserRequest) -> Answer<Op> {
        let enable = |user: &mut User| user.enabled = true;
        alter::<Op>(ports, &input.user_pool_id, &input.username, enable).await?;
        Ok(AdminEnableUserResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stack;

    #[tokio::test]
    async fn enabling_twice_is_the_same_as_once() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let user = json!({ "UserPoolId": pool, "Username": "jo" });
        stack.ok("AdminDisableUser", user.clone()).await;
        for _ in 0..2 {
            assert_eq!(stack.ok("AdminEnableUser", user.clone()).await, json!({}));
            assert_eq!(stack.ok("AdminGetUser", user.clone()).await["Enabled"], true);
        }
    }
}
