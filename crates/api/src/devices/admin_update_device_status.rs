//! `AdminUpdateDeviceStatus`: remembers a user's device, or no longer.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminUpdateDeviceStatusRequest, AdminUpdateDeviceStatusResponse},
};
use poolhouse_wire::operations::AdminUpdateDeviceStatus as Op;

use super::{tracking_pool, update};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminUpdateDeviceStatusRequest) -> Answer<Op> {
        let pool = tracking_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        let status = input.device_remembered_status;
        update::<Op>(ports, tx, &user, &input.device_key, status).await?;
        Ok(AdminUpdateDeviceStatusResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{ALWAYS, confirmed, remembered_status, tracking};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn a_device_is_not_remembered_any_more_and_is_again() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, _) = confirmed(&stack, &client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
        for status in ["not_remembered", "remembered"] {
            let wanted = merged(input.clone(), json!({ "DeviceRememberedStatus": status }));
            assert_eq!(stack.ok("AdminUpdateDeviceStatus", wanted).await, json!({}));
            let device = &stack.ok("AdminGetDevice", input.clone()).await["Device"];
            assert_eq!(remembered_status(device), status);
        }
        for (change, expected) in [
            (json!({ "DeviceKey": "us-east-1_0" }), "ResourceNotFoundException"),
            (json!({ "Username": "nobody" }), "UserNotFoundException"),
        ] {
            let wanted = json!({ "DeviceRememberedStatus": "remembered" });
            let wrong = merged(merged(input.clone(), wanted), change);
            let refused = stack.refusal("AdminUpdateDeviceStatus", wrong).await;
            let message = if expected == "UserNotFoundException" { "User" } else { "Device" };
            assert_eq!(refused, error(expected, &format!("{message} does not exist.")));
        }
    }
}
