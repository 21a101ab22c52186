//! `AdminForgetDevice`: removes a user's device.

use poolhouse_domain::{ports::Ports, shapes::AdminForgetDeviceRequest};
use poolhouse_wire::{NoOutput, operations::AdminForgetDevice as Op};

use super::{forget, tracking_pool};
use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminForgetDeviceRequest) -> Answer<Op> {
        let pool = tracking_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut tx = ports.store.write().await?;
        let user = lookup::user::<Op>(&mut *tx, &pool, &input.username).await?;
        forget::<Op>(tx, &user, &input.device_key).await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{ALWAYS, confirmed, names, tracking};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn removes_one_device_of_one_user() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, _) = confirmed(&stack, &client, "ada").await;
        let (laptop, _) = confirmed(&stack, &client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada", "DeviceKey": phone.key });
        let answer = stack.call("AdminForgetDevice", input.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        let list = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(names(&stack.ok("AdminListDevices", list).await), [laptop.key]);
        let refused = stack.refusal("AdminForgetDevice", input.clone()).await;
        assert_eq!(refused, error("ResourceNotFoundException", "Device does not exist."));
        let nobody = merged(input, json!({ "Username": "nobody" }));
        let refused = stack.refusal("AdminForgetDevice", nobody).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
    }
}
