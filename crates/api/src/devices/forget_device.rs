//! `ForgetDevice`: removes a device of one's own.

use poolhouse_domain::{ports::Ports, shapes::ForgetDeviceRequest};
use poolhouse_wire::{NoOutput, operations::ForgetDevice as Op};

use super::{bearer, forget, no_device};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ForgetDeviceRequest) -> Answer<Op> {
        // The model lets the token be missing. Nobody has a device then.
        let token = input.access_token.ok_or_else(no_device)?;
        let bearer = bearer::<Op>(ports, &token).await?;
        forget::<Op>(ports.store.write().await?, &bearer.user, &input.device_key).await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{ALWAYS, confirmed, tracking};
    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_forgotten_device_is_gone_and_its_refresh_token_with_it() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let refresh = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"],
                              "DeviceKey": phone.key });
        stack.ok("GetTokensFromRefreshToken", refresh.clone()).await;
        let input = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": phone.key });
        let answer = stack.call("ForgetDevice", input.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        let refused = stack.refusal("GetTokensFromRefreshToken", refresh).await;
        assert_eq!(refused, error("NotAuthorizedException", "Invalid Refresh Token."));
        let gone = error("ResourceNotFoundException", "Device does not exist.");
        assert_eq!(stack.refusal("ForgetDevice", input.clone()).await, gone);
        assert_eq!(stack.refusal("GetDevice", input).await, gone);
    }

    #[tokio::test]
    async fn devices_of_others_stay() {
        let stack = Stack::new().await;
        let (pool, client) = tracking(&stack, json!(ALWAYS)).await;
        stack.user(&pool, "ada", &[]).await;
        stack.user(&pool, "eve", &[]).await;
        let (phone, tokens) = confirmed(&stack, &client, "ada").await;
        let eve = stack.access_token(&client, "eve").await;
        let gone = error("ResourceNotFoundException", "Device does not exist.");
        let input = json!({ "AccessToken": eve, "DeviceKey": phone.key });
        assert_eq!(stack.refusal("ForgetDevice", input).await, gone);
        let input = json!({ "DeviceKey": phone.key });
        assert_eq!(stack.refusal("ForgetDevice", input).await, gone);
        let input = json!({ "AccessToken": tokens["AccessToken"], "DeviceKey": phone.key });
        stack.ok("GetDevice", input).await;
    }
}
