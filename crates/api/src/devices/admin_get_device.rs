//! `AdminGetDevice`: a user's device.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminGetDeviceRequest, AdminGetDeviceResponse},
};
use poolhouse_wire::operations::AdminGetDevice as Op;

use super::{all_attributes, device_type, no_device, owner, tracking_pool};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminGetDeviceRequest) -> Answer<Op> {
        let pool = tracking_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let user = owner::<Op>(&mut *view, &pool, &input.username).await?;
        let found = view.device(pool.id(), &user.sub, &input.device_key).await?;
        let device = found.ok_or_else(no_device)?;
        let attributes = all_attributes(ports, &user, &device);
        Ok(AdminGetDeviceResponse { device: device_type(device, attributes) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{ALWAYS, confirmed, tracking};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn shows_what_the_owner_sees_and_refuses_what_is_not_there() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let own = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": phone.key });
        let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
        let shown = stack.ok("AdminGetDevice", input.clone()).await;
        assert_eq!(shown, stack.ok("GetDevice", own).await);
        let not_found = |message| error("ResourceNotFoundException", message);
        for (change, message) in [
            (json!({ "Username": "eve" }), "Device does not exist."),
            (json!({ "DeviceKey": "us-east-1_0" }), "Device does not exist."),
            (json!({ "Username": "nobody" }), "User does not exist."),
            (json!({ "UserPoolId": "us-east-1_None" }), "User pool us-east-1_None does not exist."),
        ] {
            let refused = stack.refusal("AdminGetDevice", merged(input.clone(), change)).await;
            assert_eq!(refused, not_found(message));
        }
    }
}
