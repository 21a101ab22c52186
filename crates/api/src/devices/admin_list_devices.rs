//! `AdminListDevices`: a user's devices, page by page.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AdminListDevicesRequest, AdminListDevicesResponse},
};
use poolhouse_wire::operations::AdminListDevices as Op;

use super::{all_attributes, device_type, owner, tracking_pool};
use crate::{failure::Answer, pages, serve::Handle};

impl Handle for Op {
    /// All devices. That administrators see also those that are not remembered, where users are
    /// asked, is a belief.
    async fn handle(ports: &Ports, input: AdminListDevicesRequest) -> Answer<Op> {
        let pool = tracking_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut view = ports.store.read().await?;
        let user = owner::<Op>(&mut *view, &pool, &input.username).await?;
        let list = format!("AdminListDevices {} {}", pool.id(), user.sub);
        let size = pages::size(input.limit);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.pagination_token.as_deref())?;
        let fetch = pages::fetch(size);
        let mut devices =
            view.list_devices(pool.id(), &user.sub, false, after.as_deref(), fetch).await?;
        let pagination_token = pages::cut(ports, &list, &mut devices, size, |d| d.key.clone())?;
        let shown = devices.into_iter().map(|device| {
            let attributes = all_attributes(ports, &user, &device);
            device_type(device, attributes)
        });
        Ok(AdminListDevicesResponse { devices: Some(shown.collect()), pagination_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{OPT_IN, confirmed, pages, remembered_status, tracking};
    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn pages_hold_every_device_of_the_user_once_remembered_or_not() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(OPT_IN)).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        confirmed(&stack, &client, "eve").await;
        let mut keys = Vec::new();
        for _ in 0..3 {
            keys.push(confirmed(&stack, &client, "ada").await.0.key);
        }
        keys.sort();
        let input = json!({ "UserPoolId": pool, "Username": "ada", "Limit": 1 });
        let listed = pages(&stack, "AdminListDevices", input.clone()).await;
        assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(listed.concat(), keys);
        let answer = stack.ok("AdminListDevices", input).await;
        assert_eq!(remembered_status(&answer["Devices"][0]), "not_remembered");
        let token = &answer["PaginationToken"];
        let input = json!({ "UserPoolId": pool, "Username": "eve", "PaginationToken": token });
        let refused = stack.refusal("AdminListDevices", input).await;
        assert_eq!(refused, invalid("Invalid pagination token given."));
    }

    #[tokio::test]
    async fn users_and_pools_must_be_there() {
        let stack = Stack::new().await;
        let (pool, _) = tracking(&stack, json!(OPT_IN)).await;
        for (pool, message) in [
            (pool.as_str(), "User does not exist."),
            ("us-east-1_None", "User pool us-east-1_None does not exist."),
        ] {
            let input = json!({ "UserPoolId": pool, "Username": "nobody" });
            let refused = stack.refusal("AdminListDevices", input).await;
            assert_eq!(refused, error("ResourceNotFoundException", message));
        }
    }
}
