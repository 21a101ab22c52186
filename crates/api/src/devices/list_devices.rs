//! `ListDevices`: one's own devices, page by page.

use poolhouse_domain::{
    devices::is_opt_in,
    ports::Ports,
    shapes::{ListDevicesRequest, ListDevicesResponse},
};
use poolhouse_wire::operations::ListDevices as Op;

use super::{bearer, brief_attributes, device_type};
use crate::{failure::Answer, pages, serve::Handle};

impl Handle for Op {
    /// Where users are asked, those who said no have nothing to see
    /// (<https://github.com/aws-amplify/amplify-js/issues/12171>).
    async fn handle(ports: &Ports, input: ListDevicesRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let (pool, sub) = (&bearer.pool, &bearer.user.sub);
        let list = format!("ListDevices {} {sub}", pool.id());
        let size = pages::size(input.limit);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.pagination_token.as_deref())?;
        let mut view = ports.store.read().await?;
        let fetch = pages::fetch(size);
        let only_remembered = is_opt_in(pool);
        let mut devices =
            view.list_devices(pool.id(), sub, only_remembered, after.as_deref(), fetch).await?;
        let pagination_token = pages::cut(ports, &list, &mut devices, size, |d| d.key.clone())?;
        let shown = devices.into_iter().map(|device| {
            let attributes = brief_attributes(&device);
            device_type(device, attributes)
        });
        Ok(ListDevicesResponse { devices: Some(shown.collect()), pagination_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{ALWAYS, OPT_IN, confirmed, names, pages, tracking};
    use crate::testing::{Stack, error, invalid, text};

    #[tokio::test]
    async fn pages_hold_every_device_once_with_its_brief_attributes() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        confirmed(&stack, &client, "eve").await;
        let mut keys = Vec::new();
        let mut token = String::new();
        for _ in 0..5 {
            let (phone, tokens) = confirmed(&stack, &client, "ada").await;
            keys.push(phone.key);
            token = text(&tokens["AccessToken"]);
        }
        keys.sort();
        let input = json!({ "AccessToken": token, "Limit": 2 });
        let listed = pages(&stack, "ListDevices", input.clone()).await;
        assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(listed.concat(), keys);
        let answer = stack.ok("ListDevices", input).await;
        assert_eq!(
            answer["Devices"][0]["DeviceAttributes"],
            json!([
                { "Name": "device_status", "Value": "valid" },
                { "Name": "device_name", "Value": "phone" },
                { "Name": "last_ip_used", "Value": "192.0.2.7" },
            ])
        );
        let input = json!({ "AccessToken": token, "PaginationToken": "nonsense" });
        let refused = stack.refusal("ListDevices", input).await;
        assert_eq!(refused, invalid("Invalid pagination token given."));
    }

    #[tokio::test]
    async fn where_users_are_asked_only_remembered_devices_show() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let token = &tokens["AccessToken"];
        let list = json!({ "AccessToken": token });
        assert_eq!(stack.ok("ListDevices", list.clone()).await, json!({ "Devices": [] }));
        let input = json!({ "AccessToken": token, "DeviceKey": phone.key,
                            "DeviceRememberedStatus": "remembered" });
        stack.ok("UpdateDeviceStatus", input).await;
        assert_eq!(names(&stack.ok("ListDevices", list).await), [phone.key]);
    }

    #[tokio::test]
    async fn a_pool_without_tracking_has_no_devices_to_list() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        let message = "Device tracking is not configured for the user pool.";
        let expected = error("InvalidUserPoolConfigurationException", message);
        for operation in
            ["ListDevices", "GetDevice", "ForgetDevice", "UpdateDeviceStatus", "ConfirmDevice"]
        {
            let input = json!({ "AccessToken": token, "DeviceKey": "us-east-1_0" });
            assert_eq!(stack.refusal(operation, input).await, expected, "{operation}");
        }
        for operation in
            ["AdminListDevices", "AdminGetDevice", "AdminForgetDevice", "AdminUpdateDeviceStatus"]
        {
            let input =
                json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": "us-east-1_0" });
            assert_eq!(stack.refusal(operation, input).await, expected, "{operation}");
        }
    }
}
