//! `ListUserSessions`: the sessions of the caller, all on one page: there are never more than fit.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking::{self, SessionKind},
    shapes::{ListUserSessionsRequest, ListUserSessionsResponse},
};
use poolhouse_wire::operations::ListUserSessions as Op;

use super::description;
use crate::{failure::Answer, pages, serve::Handle, subject};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUserSessionsRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        // No token was ever given out.
        pages::start::<Op, String>(ports, "ListUserSessions", input.next_token.as_deref())?;
        let origin = caller.claims.origin_jti.as_deref().unwrap_or_default();
        let current = tracking::session_id(SessionKind::Token, origin);
        let mut view = ports.store.read().await?;
        let now = ports.clock.now();
        let sessions = tracking::active(&mut *view, &caller.pool, &caller.user, now).await?;
        let sessions = sessions.into_iter().map(|s| description(s, current.as_deref())).collect();
        Ok(ListUserSessionsResponse { sessions: Some(sessions), next_token: None })
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_testkit::START;
    use serde_json::{Value, json};

    use super::super::testing::{are_alive, own, sessions, track, tracking_pool};
    use crate::testing::{PASSWORD, Stack, error, invalid, text};

    fn sign_in(client: &str) -> Value {
        json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ada", "PASSWORD": PASSWORD },
        })
    }

    #[tokio::test]
    async fn a_session_tells_when_from_where_and_with_what_it_was_last_used() {
        let stack = Stack::new().await;
        let (_, client) = tracking_pool(&stack, 20).await;
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let headers = [("user-agent", firefox)];
        let answer = stack.call_with("InitiateAuth", sign_in(&client), &headers).await;
        let tokens = &answer.body["AuthenticationResult"];
        let listed = sessions(&stack, tokens).await;
        let id = text(&listed[0]["SessionId"]);
        assert!(id.starts_with("tkn") && id.len() == 28, "{id}");
        let start = serde_json::from_str::<f64>(&format!("{}e-6", START.micros())).unwrap();
        let expected = json!([{
            "SessionId": id, "SessionType": "TOKEN", "ClientId": client, "CreateDate": start,
            "LastActiveDate": start, "DeviceType": "Linux, Firefox", "LastIPAddress": "192.0.2.7",
            "LastLocation": { "Country": "unknown" }, "IsCurrentSession": true,
        }]);
        let number = |session: &Value, name: &str| session[name].as_f64().unwrap();
        let mut listed = Value::Array(listed);
        assert!((number(&listed[0], "CreateDate") - start).abs() < 0.001);
        assert!((number(&listed[0], "LastActiveDate") - start).abs() < 0.001);
        listed[0]["CreateDate"] = json!(start);
        listed[0]["LastActiveDate"] = json!(start);
        assert_eq!(listed, expected);

        stack.advance(90);
        let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
        stack.call_with("GetTokensFromRefreshToken", input, &[("user-agent", "app/1")]).await;
        let used = sessions(&stack, tokens).await;
        assert_eq!((used.len(), &used[0]["DeviceType"]), (1, &json!("app")));
        assert!((number(&used[0], "CreateDate") - start).abs() < 0.001);
        assert!((number(&used[0], "LastActiveDate") - start - 90.0).abs() < 0.001);
    }

    #[tokio::test]
    async fn all_sessions_of_the_user_are_listed_last_used_first_and_nobody_elses() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        let other = stack.client(&pool, json!({})).await;
        stack.user(&pool, "bob", &[]).await;
        stack.tokens(&client, "bob").await;
        let first = stack.tokens(&client, "ada").await;
        stack.advance(1);
        let second = stack.tokens(&other, "ada").await;
        let clients = |listed: &[Value]| -> Vec<String> {
            listed.iter().map(|session| text(&session["ClientId"])).collect()
        };
        let listed = sessions(&stack, &second).await;
        assert_eq!(clients(&listed), [other.clone(), client.clone()]);
        assert_eq!(listed[0]["IsCurrentSession"], true);
        assert_eq!(listed[1]["IsCurrentSession"], false);
        stack.advance(1);
        assert!(are_alive(&stack, &client, &first).await);
        assert_eq!(clients(&sessions(&stack, &second).await), [client, other]);
    }

    #[tokio::test]
    async fn the_least_recently_used_session_makes_room() {
        let stack = Stack::new().await;
        let (_, client) = tracking_pool(&stack, 2).await;
        let first = stack.tokens(&client, "ada").await;
        stack.advance(1);
        let second = stack.tokens(&client, "ada").await;
        stack.advance(1);
        assert!(are_alive(&stack, &client, &first).await);
        stack.advance(1);
        let third = stack.tokens(&client, "ada").await;
        assert!(!are_alive(&stack, &client, &second).await);
        assert!(are_alive(&stack, &client, &first).await);
        assert!(are_alive(&stack, &client, &third).await);
        assert_eq!(sessions(&stack, &third).await.len(), 2);
        let input = json!({ "AccessToken": second["AccessToken"] });
        let refused = stack.refusal("GetUser", input).await;
        assert_eq!(refused, error("NotAuthorizedException", "Access Token has been revoked"));
    }

    #[tokio::test]
    async fn sessions_end_with_their_refresh_tokens() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        track(&stack, &pool, "ENABLED", 1).await;
        let short = json!({
            "RefreshTokenValidity": 1, "TokenValidityUnits": { "RefreshToken": "hours" },
        });
        let client = stack.client(&pool, short).await;
        stack.user(&pool, "ada", &[]).await;
        stack.tokens(&client, "ada").await;
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        let count = async || {
            let answer = stack.ok("AdminListUserSessions", input.clone()).await;
            answer["Sessions"].as_array().unwrap().len()
        };
        stack.advance(3_599);
        assert_eq!(count().await, 1);
        stack.advance(1);
        assert_eq!(count().await, 0);
        stack.tokens(&client, "ada").await;
        assert_eq!(count().await, 1);
    }

    #[tokio::test]
    async fn rotation_keeps_the_session() {
        let stack = Stack::new().await;
        let (pool, _) = tracking_pool(&stack, 20).await;
        let rotation = json!({
            "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let client = stack.client(&pool, rotation).await;
        let first = stack.tokens(&client, "ada").await;
        let id = own(&stack, &first).await;
        stack.advance(1);
        let input = json!({ "ClientId": client, "RefreshToken": first["RefreshToken"] });
        let second = stack.ok("GetTokensFromRefreshToken", input.clone()).await;
        let second = &second["AuthenticationResult"];
        assert_eq!(own(&stack, second).await, id);
        assert_eq!(sessions(&stack, second).await.len(), 1);
        let reused = stack.refusal("GetTokensFromRefreshToken", input).await;
        assert_eq!(reused.0, "RefreshTokenReuseException");
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        assert_eq!(stack.ok("AdminListUserSessions", input).await["Sessions"], json!([]));
    }

    #[tokio::test]
    async fn tokens_name_their_sign_in_where_sessions_are_tracked_even_if_the_client_can_t_revoke()
    {
        let stack = Stack::new().await;
        let (pool, _) = tracking_pool(&stack, 20).await;
        let client = stack.client(&pool, json!({ "EnableTokenRevocation": false })).await;
        let tokens = stack.tokens(&client, "ada").await;
        own(&stack, &tokens).await;
    }

    #[tokio::test]
    async fn a_pool_that_does_not_track_has_no_sessions() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        let tracked = stack.tokens(&client, "ada").await;
        track(&stack, &pool, "DISABLED", 20).await;
        let untracked = stack.tokens(&client, "ada").await;
        assert!(sessions(&stack, &untracked).await.is_empty());
        track(&stack, &pool, "ENABLED", 20).await;
        assert_eq!(sessions(&stack, &untracked).await.len(), 1);
        own(&stack, &tracked).await;
    }

    #[tokio::test]
    async fn no_page_token_was_ever_given_out() {
        let stack = Stack::new().await;
        let (_, client) = tracking_pool(&stack, 20).await;
        let token = stack.access_token(&client, "ada").await;
        let input = json!({ "AccessToken": token, "NextToken": "x" });
        let refused = stack.refusal("ListUserSessions", input).await;
        assert_eq!(refused, invalid("Invalid pagination token given."));
    }
}
