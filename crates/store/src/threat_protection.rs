//! Storage of risk configurations and of what happened to users' accounts.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    shapes::{EventResponseType, EventType, RiskConfigurationType},
    threat_protection::{AuthEvent, RiskConfigurations, ThreatProtection},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::SqlTransaction,
};

const GET_SETTINGS: &str = "SELECT client_id, settings FROM risk_configurations
    WHERE pool_id = $1 AND client_id IN ('', $2)";
const PUT_SETTINGS: &str = "INSERT INTO risk_configurations (pool_id, client_id, settings)
    VALUES ($1, $2, $3)
    ON CONFLICT (pool_id, client_id) DO UPDATE SET settings = excluded.settings";
const DELETE_SETTINGS: &str =
    "DELETE FROM risk_configurations WHERE pool_id = $1 AND client_id = $2";

/// Nothing is stored for a user who is gone; what slips through while the user is being deleted, the
/// sweep removes.
const PUT: &str = "INSERT INTO auth_events
    (pool_id, sub, event_id, created_at, is_sign_in, content)
    SELECT $1, $2, $3, $4, $5, $6
    WHERE EXISTS (SELECT 1 FROM users WHERE pool_id = $1 AND sub = $2)
    ON CONFLICT (pool_id, sub, event_id) DO UPDATE SET is_sign_in = excluded.is_sign_in,
        content = excluded.content";
const GET: &str = "SELECT pool_id, sub, created_at, content FROM auth_events
    WHERE pool_id = $1 AND sub = $2 AND event_id = $3";
const LIST: &str = "SELECT pool_id, sub, created_at, content FROM auth_events
    WHERE pool_id = $1 AND sub = $2 AND event_id < $3 ORDER BY event_id DESC LIMIT $4";
const SIGN_INS: &str = "SELECT pool_id, sub, created_at, content FROM auth_events
    WHERE pool_id = $1 AND sub = $2 AND is_sign_in = 1 ORDER BY event_id DESC LIMIT $3";

/// Sorts behind every id.
const END: &str = "~";

fn settings(text: &str) -> Result<RiskConfigurationType, Fault> {
    from_stored(text)
        .map_err(|error| Fault::because("a stored risk configuration can't be read", error))
}

fn read(mut row: Row) -> Result<AuthEvent, Fault> {
    let (user_pool_id, sub, at) = (row.text()?, row.text()?, row.time()?);
    let shown = from_stored(&row.text()?)
        .map_err(|error| Fault::because("a stored event can't be read", error))?;
    Ok(AuthEvent { user_pool_id, sub, at, shown })
}

#[async_trait]
impl ThreatProtection for SqlTransaction {
    async fn risk_configurations(
        &mut self,
        user_pool_id: &str,
        client_id: Option<&str>,
    ) -> Result<RiskConfigurations, Fault> {
        let values = values![user_pool_id, client_id.unwrap_or_default()];
        let mut found = RiskConfigurations::default();
        for mut row in self.view.fetch_all(GET_SETTINGS, values).await? {
            let is_pool = row.text()?.is_empty();
            let settings = Some(settings(&row.text()?)?);
            *(if is_pool { &mut found.pool } else { &mut found.client }) = settings;
        }
        Ok(found)
    }

    async fn put_risk_configuration(
        &mut self,
        user_pool_id: &str,
        client_id: Option<&str>,
        settings: &RiskConfigurationType,
    ) -> Result<(), Fault> {
        if let Some(client_id) = client_id {
            self.hold_app_client(client_id).await?;
        }
        let settings = to_json(settings);
        let values = values![user_pool_id, client_id.unwrap_or_default(), &settings];
        self.view.execute(PUT_SETTINGS, values).await.map(drop)
    }

    async fn delete_risk_configuration(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<(), Fault> {
        self.view.execute(DELETE_SETTINGS, values![user_pool_id, client_id]).await.map(drop)
    }

    async fn put_auth_event(&mut self, event: &AuthEvent) -> Result<(), Fault> {
        let is_sign_in = event.shown.event_type == Some(EventType::SignIn)
            && event.shown.event_response == Some(EventResponseType::Pass);
        let content = to_json(&event.shown);
        let values =
            values![&event.user_pool_id, &event.sub, event.id(), event.at, is_sign_in, &content,];
        self.view.execute(PUT, values).await.map(drop)
    }

    async fn auth_event(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        event_id: &str,
    ) -> Result<Option<AuthEvent>, Fault> {
        let values = values![user_pool_id, sub, event_id];
        self.view.fetch_optional(GET, values).await?.map(read).transpose()
    }

    async fn list_auth_events(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuthEvent>, Fault> {
        let values = values![user_pool_id, sub, before.unwrap_or(END), limit];
        self.view.fetch_all(LIST, values).await?.into_iter().map(read).collect()
    }

    async fn recent_sign_ins(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        limit: u32,
    ) -> Result<Vec<AuthEvent>, Fault> {
        let values = values![user_pool_id, sub, limit];
        self.view.fetch_all(SIGN_INS, values).await?.into_iter().map(read).collect()
    }
}
