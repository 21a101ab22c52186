//! `RevokeUserSession`: the caller ends another session of theirs, with all its tokens.

use poolhouse_domain::{
    ports::Ports,
    sessions::tracking::{self, SessionKind},
    shapes::{RevokeUserSessionRequest, RevokeUserSessionResponse},
};
use poolhouse_wire::operations::RevokeUserSession as Op;

use super::{no_session, with_linked};
use crate::{
    failure::{Answer, invalid_parameter},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: RevokeUserSessionRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let origin = caller.claims.origin_jti.as_deref().unwrap_or_default();
        if tracking::session_id(SessionKind::Token, origin).as_ref() == Some(&input.session_id) {
            // Belief: that this is refused is documented, type and text are not.
            return Err(invalid_parameter("The current session cannot be revoked.").into());
        }
        let (pool, user) = (&caller.pool, &caller.user);
        let linked = with_linked(input.revoke_associated_sessions);
        let now = ports.clock.now();
        let mut tx = ports.store.write().await?;
        let id = &input.session_id;
        let revoked = tracking::revoke(&mut *tx, pool, user, id, linked, now).await?;
        revoked.map_err(|_| no_session())?;
        tx.commit().await?;
        Ok(RevokeUserSessionResponse {})
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::sessions::tracking::{SessionKind, UserSession, session_id};
    use serde_json::{Value, json};

    use super::super::testing::{are_alive, own, sessions, tracking_pool};
    use crate::testing::{Stack, error, invalid, text};

    fn revoke(tokens: &Value, id: &str, associated: &Value) -> Value {
        json!({
            "AccessToken": tokens["AccessToken"], "SessionId": id,
            "RevokeAssociatedSessions": associated,
        })
    }

    #[tokio::test]
    async fn the_tokens_of_the_session_are_dead_and_others_live() {
        let stack = Stack::new().await;
        let (_, client) = tracking_pool(&stack, 20).await;
        let (one, other) = (stack.tokens(&client, "ada").await, stack.tokens(&client, "ada").await);
        let id = own(&stack, &one).await;
        let input = revoke(&other, &id, &Value::Null);
        assert_eq!(stack.ok("RevokeUserSession", input.clone()).await, json!({}));
        assert!(!are_alive(&stack, &client, &one).await);
        assert!(are_alive(&stack, &client, &other).await);
        assert_eq!(sessions(&stack, &other).await.len(), 1);
        let again = stack.refusal("RevokeUserSession", input).await;
        assert_eq!(again, error("ResourceNotFoundException", "Session does not exist."));
    }

    #[tokio::test]
    async fn the_current_session_and_those_of_others_stay() {
        let stack = Stack::new().await;
        let (pool, client) = tracking_pool(&stack, 20).await;
        stack.user(&pool, "bob", &[]).await;
        let (ada, bob) = (stack.tokens(&client, "ada").await, stack.tokens(&client, "bob").await);
        let id = own(&stack, &ada).await;
        let refused = stack.refusal("RevokeUserSession", revoke(&ada, &id, &Value::Null)).await;
        assert_eq!(refused, invalid("The current session cannot be revoked."));
        let refused = stack.refusal("RevokeUserSession", revoke(&bob, &id, &Value::Null)).await;
        assert_eq!(refused, error("ResourceNotFoundException", "Session does not exist."));
        assert!(are_alive(&stack, &client, &ada).await);
    }

    /// Puts an SSO session beside the only token session of `ada`, as its origin; answers its id.
    async fn with_parent(stack: &Stack, pool: &str) -> String {
        let input = json!({ "UserPoolId": pool, "Username": "ada" });
        let sub = text(&stack.ok("AdminGetUser", input).await["UserAttributes"][0]["Value"]);
        let mut tx = stack.ports.store.write().await.unwrap();
        let token = tx.user_sessions(pool, &sub).await.unwrap().remove(0);
        let id = session_id(SessionKind::Sso, "6d931803-7d38-41f4-8113-f460b8619a20").unwrap();
        let sso = UserSession { id: id.clone(), kind: SessionKind::Sso, ..token.clone() };
        assert!(tx.insert_user_session(&sso).await.unwrap());
        tx.delete_user_session(pool, &sub, &token.id).await.unwrap();
        let token = UserSession { origin_session_id: Some(id.clone()), ..token };
        assert!(tx.insert_user_session(&token).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    #[tokio::test]
    async fn linked_sessions_end_with_either_side_only_if_asked() {
        for (from_parent, associated, left) in
            [(true, "NONE", 2), (true, "LINKED", 1), (false, "NONE", 2), (false, "LINKED", 1)]
        {
            let stack = Stack::new().await;
            let (pool, client) = tracking_pool(&stack, 20).await;
            let child = stack.tokens(&client, "ada").await;
            let parent = with_parent(&stack, &pool).await;
            let other = stack.tokens(&client, "ada").await;
            let listed = sessions(&stack, &child).await;
            let is_sso = |session: &&Value| session["SessionType"] == "SSO";
            assert_eq!(listed.iter().find(is_sso).unwrap()["SessionId"], parent);
            let child_id = own(&stack, &child).await;
            let target = if from_parent { &parent } else { &child_id };
            stack.ok("RevokeUserSession", revoke(&other, target, &json!(associated))).await;
            let case = (from_parent, associated);
            assert_eq!(sessions(&stack, &other).await.len(), left, "{case:?}");
            let child_lives = from_parent && associated == "NONE";
            assert_eq!(are_alive(&stack, &client, &child).await, child_lives, "{case:?}");
        }
    }

    #[tokio::test]
    async fn revoking_a_token_removes_its_session_and_if_asked_the_one_it_came_through() {
        for (associated, left) in [("NONE", 1), ("LINKED", 0)] {
            let stack = Stack::new().await;
            let (pool, client) = tracking_pool(&stack, 20).await;
            let tokens = stack.tokens(&client, "ada").await;
            with_parent(&stack, &pool).await;
            let input = json!({
                "ClientId": client, "Token": tokens["RefreshToken"],
                "RevokeAssociatedSessions": associated,
            });
            stack.ok("RevokeToken", input).await;
            let input = json!({ "UserPoolId": pool, "Username": "ada" });
            let answer = stack.ok("AdminListUserSessions", input).await;
            assert_eq!(answer["Sessions"].as_array().unwrap().len(), left, "{associated}");
        }
    }
}
