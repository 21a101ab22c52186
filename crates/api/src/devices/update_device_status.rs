//! `UpdateDeviceStatus`: remembers a device of one's own, or no longer.

use poolhouse_domain::{
    ports::Ports,
    shapes::{UpdateDeviceStatusRequest, UpdateDeviceStatusResponse},
};
use poolhouse_wire::operations::UpdateDeviceStatus as Op;

use super::{bearer, update};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateDeviceStatusRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let tx = ports.store.write().await?;
        let status = input.device_remembered_status;
        update::<Op>(ports, tx, &bearer.user, &input.device_key, status).await?;
        Ok(UpdateDeviceStatusResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{OPT_IN, confirmed, remembered_status, tracking};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn a_device_is_remembered_and_not_any_more() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let input = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": phone.key });
        stack.advance(60);
        for status in ["remembered", "not_remembered"] {
            let wanted = json!({ "DeviceRememberedStatus": status });
            let answer = stack.ok("UpdateDeviceStatus", merged(input.clone(), wanted)).await;
            assert_eq!(answer, json!({}));
            let device = &stack.ok("GetDevice", input.clone()).await["Device"];
            assert_eq!(remembered_status(device), status);
            assert_eq!(device["DeviceLastModifiedDate"], 1_767_225_660.123);
            assert_eq!(device["DeviceCreateDate"], 1_767_225_600.123);
            // A request that says nothing changes nothing.
            stack.ok("UpdateDeviceStatus", input.clone()).await;
            let device = &stack.ok("GetDevice", input.clone()).await["Device"];
            assert_eq!(remembered_status(device), status);
        }
    }

    #[tokio::test]
    async fn an_unknown_device_can_not_be_remembered() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let gone = error("ResourceNotFoundException", "Device does not exist.");
        for status in [json!("remembered"), json!(null)] {
            let input = json!({ "AccessToken": token, "DeviceKey": "us-east-1_0",
                                "DeviceRememberedStatus": status });
            assert_eq!(stack.refusal("UpdateDeviceStatus", input).await, gone);
        }
    }
}
