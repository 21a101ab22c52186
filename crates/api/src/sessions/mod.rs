//! Operations on the sessions of users: whether a pool tracks them, which there are, and ending one.

mod admin_list_user_sessions;
mod admin_revoke_user_session;
mod get_user_pool_client_session_configuration;
mod get_user_pool_session_configuration;
mod list_user_sessions;
mod revoke_user_session;
mod set_user_pool_client_session_configuration;
mod set_user_pool_session_configuration;

use poolhouse_domain::{
    app_clients::AppClient,
    sessions::tracking::{SessionKind, SessionSettings, SettingsRefused, UserSession},
    shapes::{
        ClientSSOSessionConfigType, RevokeAssociatedSessionsType, SessionDescriptionType,
        SessionLocationType, SessionTypeType, UserPoolTokenSessionConfigType,
        UserSessionTrackingType,
    },
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter, unavailable_in_tier};

/// Minutes for which a browser is signed in again without asking, unless the client says otherwise.
const USUAL_SSO_MINUTES: i32 = 60;

/// Whether sessions are tracked, as answers show it.
const fn tracking(settings: SessionSettings) -> UserSessionTrackingType {
    if settings.is_tracking {
        UserSessionTrackingType::Enabled
    } else {
        UserSessionTrackingType::Disabled
    }
}

/// The limit of a pool, as answers show it.
const fn token_session(settings: SessionSettings) -> UserPoolTokenSessionConfigType {
    UserPoolTokenSessionConfigType { max_per_user: settings.max_per_user }
}

/// What an app client says about SSO sessions, as answers show it.
fn sso_session(client: &AppClient) -> ClientSSOSessionConfigType {
    let minutes = client.sso_minutes.unwrap_or(USUAL_SSO_MINUTES);
    ClientSSOSessionConfigType { max_validity_minutes: minutes }
}

/// What is said of settings that can't be had. (The type of those of a pool that does not track
/// sessions is a belief.)
fn settings_refused<Op>(refused: &SettingsRefused) -> Failure<Op>
where
    Op: Permits<codes::FeatureUnavailableInTierException>
        + Permits<codes::InvalidParameterException>,
{
    match refused {
        SettingsRefused::Tier(refused) => unavailable_in_tier(refused),
        SettingsRefused::NotTracked(_) => invalid_parameter(refused.to_string()),
    }
}

/// A session as answers show it. `current` is the id of the caller's own.
///
/// There is no database of locations: the country is `unknown`, as where the service can't tell.
fn description(session: UserSession, current: Option<&str>) -> SessionDescriptionType {
    SessionDescriptionType {
        is_current_session: Some(current == Some(session.id.as_str())),
        session_type: Some(match session.kind {
            SessionKind::Token => SessionTypeType::Token,
            SessionKind::Sso => SessionTypeType::Sso,
        }),
        session_id: Some(session.id),
        client_id: Some(session.client_id.into()),
        create_date: Some(session.created_at.to_wire()),
        last_active_date: Some(session.last_active_at.to_wire()),
        device_type: Some(session.device),
        last_ip_address: session.address.map(Into::into),
        last_location: Some(SessionLocationType {
            city: None,
            country: Some("unknown".to_owned()),
        }),
        origin_session_id: session.origin_session_id,
    }
}

/// Whether linked sessions are to end too.
fn with_linked(wanted: Option<RevokeAssociatedSessionsType>) -> bool {
    wanted == Some(RevokeAssociatedSessionsType::Linked)
}

/// The user has no such session: ended, expired, or another user's. (The text is a belief.)
fn no_session<Op>() -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    Failure::new(codes::ResourceNotFoundException, "Session does not exist.")
}

#[cfg(test)]
mod testing {
    //! What the tests of these operations share.

    use serde_json::{Value, json};

    use crate::testing::{Stack, text};

    /// A pool that tracks so many sessions for each user, an app client of it, and the user `ada`.
    pub(super) async fn tracking_pool(stack: &Stack, most: i32) -> (String, String) {
        let pool = stack.pool(json!({})).await;
        track(stack, &pool, "ENABLED", most).await;
        let client = stack.client(&pool, json!({})).await;
        stack.user(&pool, "ada", &[]).await;
        (pool, client)
    }

    /// Sets whether a pool tracks sessions.
    pub(super) async fn track(stack: &Stack, pool: &str, tracking: &str, most: i32) {
        let input = json!({
            "UserPoolId": pool, "UserSessionTracking": tracking,
            "TokenSession": { "MaxPerUser": most },
        });
        stack.ok("SetUserPoolSessionConfiguration", input).await;
    }

    /// The sessions that an access token shows.
    pub(super) async fn sessions(stack: &Stack, tokens: &Value) -> Vec<Value> {
        let input = json!({ "AccessToken": tokens["AccessToken"] });
        stack.ok("ListUserSessions", input).await["Sessions"].as_array().unwrap().clone()
    }

    /// The id of the session to which an access token belongs.
    pub(super) async fn own(stack: &Stack, tokens: &Value) -> String {
        let sessions = sessions(stack, tokens).await;
        let own = sessions.iter().find(|session| session["IsCurrentSession"] == true);
        text(&own.expect("a session is the caller's own")["SessionId"])
    }

    /// Whether both an access token and a refresh token are still good.
    pub(super) async fn are_alive(stack: &Stack, client: &str, tokens: &Value) -> bool {
        let input = json!({ "AccessToken": tokens["AccessToken"] });
        let access = stack.call("GetUser", input).await.status == 200;
        let input = json!({ "ClientId": client, "RefreshToken": tokens["RefreshToken"] });
        let refresh = stack.call("GetTokensFromRefreshToken", input).await.status == 200;
        assert_eq!(access, refresh, "tokens of a session live and die together");
        access
    }
}
