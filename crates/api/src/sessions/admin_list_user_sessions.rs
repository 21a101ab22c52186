//! `AdminListUserSessions`: the sessions of a user, for an administrator.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking,
    shapes::{AdminListUserSessionsRequest, AdminListUserSessionsResponse},
};
use poolhouse_wire::operations::AdminListUserSessions as Op;

use super::description;
use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminListUserSessionsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        // No token was ever given out.
        pages::start::<Op, String>(ports, "AdminListUserSessions", input.next_token.as_deref())?;
        let mut view = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *view, &pool, &input.username).await?;
        let sessions = tracking::active(&mut *view, &pool, &user, ports.clock.now()).await?;
        let sessions = sessions.into_iter().map(|session| description(session, None)).collect();
        Ok(AdminListUserSessionsResponse { sessions: Some(sessions), next_token: None })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{own, tracking_pool};
    use crate::testing::{Stack, error, invalid};

    #[tokio::test]
    async fn the_users_sessions_are_listed_and_none_is_the_administrators_own() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        let tokens = stack.tokens(&client, "ada").await;
        let id = own(&stack, &tokens).await;
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        let answer = stack.ok("AdminListUserSessions", input).await;
        assert_eq!(answer["Sessions"].as_array().unwrap().len(), 1);
        assert_eq!(answer["Sessions"][0]["SessionId"], id);
        assert_eq!(answer["Sessions"][0]["IsCurrentSession"], false);
    }

    #[tokio::test]
    async fn deleting_a_user_deletes_the_sessions() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        stack.tokens(&client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        let sub =
            stack.ok("AdminGetUser", input.clone()).await["UserAttributes"][0]["Value"].take();
        let sub = sub.as_str().unwrap();
        let stored = async || {
            let mut view = stack.ports.store.read().await.unwrap();
            view.user_sessions(&pool, sub).await.unwrap().len()
        };
        assert_eq!(stored().await, 1);
        stack.ok("AdminDeleteUser", input).await;
        assert_eq!(stored().await, 0);
    }

    #[tokio::test]
    async fn unknown_users_and_page_tokens_are_refused() {
        let stack = Stack::new().await;
        let (pool, _) = tracking_pool(&stack, 20).await;
        let input = json!({ "UserPoolId": pool, "Username": "nobody" });
        let refused = stack.refusal("AdminListUserSessions", input).await;
        assert_eq!(refused, error("UserNotFoundException", "User does not exist."));
        let input = json!({ "UserPoolId": pool, "Username": "ada", "NextToken": "x" });
        let refused = stack.refusal("AdminListUserSessions", input).await;
        assert_eq!(refused, invalid("Invalid pagination token given."));
    }
}
