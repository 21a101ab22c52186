//! `GetUser`: what a user's client may read of the user.

use poolhouse_domain::{
    identity_providers::links,
    mfa_preference,
    ports::Ports,
    shapes::{GetUserRequest, GetUserResponse},
};
use poolhouse_wire::operations::GetUser as Op;

use crate::{attributes::listed, failure::Answer, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetUserRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let user = &caller.user;
        // Who somebody is cannot be hidden from them: that this goes for identities is a belief.
        let is_shown =
            |name: &str| ["sub", links::ATTRIBUTE].contains(&name) || caller.client.may_read(name);
        Ok(GetUserResponse {
            username: user.username.as_str().into(),
            user_attributes: listed(user, is_shown),
            mfa_options: mfa_preference::options(user),
            preferred_mfa_setting: user.preferred_mfa_setting(),
            user_mfa_setting_list: user.mfa_setting_list(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn a_client_sees_what_it_may_read() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "ReadAttributes": ["email"] })).await;
        let sub = stack.user(&pool, "jo", &[("email", "jo@gm.com"), ("name", "Jo")]).await;
        let token = stack.access_token(&client, "jo").await;
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        assert_eq!(
            user,
            json!({
                "Username": "jo",
                "UserAttributes": [
                    { "Name": "sub", "Value": sub }, { "Name": "email", "Value": "jo@gm.com" },
                ],
            })
        );
    }

    #[tokio::test]
    async fn a_token_that_is_none_is_refused() {
        let stack = Stack::new().await;
        let expected = error("NotAuthorizedException", "Invalid Access Token");
        assert_eq!(stack.refusal("GetUser", json!({ "AccessToken": "x" })).await, expected);
    }
}
