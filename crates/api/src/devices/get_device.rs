//! `GetDevice`: a device of one's own.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetDeviceRequest, GetDeviceResponse},
};
use poolhouse_wire::operations::GetDevice as Op;

use super::{all_attributes, bearer, device_type, no_device};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetDeviceRequest) -> Answer<Op> {
        // The model lets the token be missing. Nobody has a device then.
        let token = input.access_token.ok_or_else(no_device)?;
        let bearer = bearer::<Op>(ports, &token).await?;
        let mut view = ports.store.read().await?;
        let found = view.device(bearer.pool.id(), &bearer.user.sub, &input.device_key).await?;
        let device = found.ok_or_else(no_device)?;
        let attributes = all_attributes(ports, &bearer.user, &device);
        Ok(GetDeviceResponse { device: device_type(device, attributes) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{ALWAYS, confirmed, tracking};
    use crate::testing::{Stack, error, text};

    #[tokio::test]
    async fn shows_everything_of_a_device() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let token = &tokens["AccessToken"];
        let input = json!({ "AccessToken": token, "DeviceKey": phone.key });
        let answer = stack.ok("GetDevice", input).await;
        let owner = format!("ada.{pool}");
        let arn = format!(
            "arn:aws:cognito-idp:us-east-1:123456789012:owner/{owner}/device/{}",
            phone.key
        );
        assert_eq!(
            answer,
            json!({ "Device": {
                "DeviceKey": phone.key,
                "DeviceAttributes": [
                    { "Name": "device_status", "Value": "valid" },
                    { "Name": "device_name", "Value": "phone" },
                    { "Name": "dev:device_arn", "Value": arn },
                    { "Name": "dev:device_owner", "Value": owner },
                    { "Name": "last_ip_used", "Value": "192.0.2.7" },
                    { "Name": "dev:device_remembered_status", "Value": "remembered" },
                    { "Name": "dev:device_sdk", "Value": "aws-sdk" },
                ],
                "DeviceCreateDate": 1_767_225_600.123, "DeviceLastModifiedDate": 1_767_225_600.123,
                "DeviceLastAuthenticatedDate": 1_767_225_600.0,
            } })
        );
    }

    #[tokio::test]
    async fn a_device_of_somebody_else_and_a_missing_token_find_nothing() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        let (phone, _) = confirmed(&stack, &client, "ada").await;
        let expected = error("ResourceNotFoundException", "Device does not exist.");
        let token = text(&stack.tokens(&client, "eve").await["AccessToken"]);
        let input = json!({ "AccessToken": token, "DeviceKey": phone.key });
        assert_eq!(stack.refusal("GetDevice", input).await, expected);
        let input = json!({ "DeviceKey": phone.key });
        assert_eq!(stack.refusal("GetDevice", input).await, expected);
    }
}
