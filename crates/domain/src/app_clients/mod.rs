//! App clients: settings, what they mean to the other rules, and the storage port.

mod permissions;
pub mod secrets;
pub mod settings;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    fault::Fault,
    shapes::{
        ExplicitAuthFlowsType, FeatureType, OAuthFlowType, PreventUserExistenceErrorTypes,
        TimeUnitsType, UserPoolClientType,
    },
    time::Timestamp,
};

/// An app client of a user pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppClient {
    /// The settings as `DescribeUserPoolClient` shows them, without the secret.
    pub settings: UserPoolClientType,
    /// Active secrets, oldest first: none for a public client, at most two. Sealed at rest.
    pub secrets: Vec<ClientSecret>,
    /// For how many minutes after a sign-in the managed login pages sign its browser in again
    /// without asking; none if never set. At least 0, at most 129,600.
    pub sso_minutes: Option<i32>,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

/// A secret of a confidential app client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// `<client id>--<epoch seconds>`.
    pub id: String,
    /// The secret itself.
    pub value: String,
    /// When it was added.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Seconds in the units of token validity.
pub(crate) const fn unit_seconds(unit: TimeUnitsType) -> i64 {
    match unit {
        TimeUnitsType::Seconds => 1,
        TimeUnitsType::Minutes => 60,
        TimeUnitsType::Hours => 3_600,
        TimeUnitsType::Days => 86_400,
    }
}

impl AppClient {
    /// The client id.
    pub fn id(&self) -> &str {
        self.settings.client_id.as_deref().map_or("", String::as_str)
    }

    /// The pool the client belongs to.
    pub fn user_pool_id(&self) -> &str {
        self.settings.user_pool_id.as_deref().unwrap_or_default()
    }

    /// Whether answers must not tell whether a user exists. Clients made through the API tell,
    /// unless they say otherwise.
    pub fn hides_user_existence(&self) -> bool {
        self.settings.prevent_user_existence_errors == Some(PreventUserExistenceErrorTypes::Enabled)
    }

    /// Whether one of these values is among the client's flows.
    pub fn lists_flow(&self, flows: &[ExplicitAuthFlowsType]) -> bool {
        self.explicit_flows().iter().any(|flow| flows.contains(flow))
    }

    /// The configured flows; empty stands for the default set.
    pub fn explicit_flows(&self) -> &[ExplicitAuthFlowsType] {
        self.settings.explicit_auth_flows.as_deref().unwrap_or_default()
    }

    /// Whether the OAuth settings of the client count at all.
    pub fn is_enabled_for_oauth(&self) -> bool {
        self.settings.allowed_oauth_flows_user_pool_client == Some(true)
    }

    /// Whether the client may use an OAuth flow.
    pub fn allows_oauth_flow(&self, flow: OAuthFlowType) -> bool {
        let flows = self.settings.allowed_oauth_flows.as_deref().unwrap_or_default();
        self.is_enabled_for_oauth() && flows.contains(&flow)
    }

    /// Where users of the client sign in at the pages: names of identity providers, and `COGNITO`.
    /// None unless they were set, as the documentation says that a client must allow one.
    pub fn identity_providers(&self) -> &[String] {
        self.settings.supported_identity_providers.as_deref().unwrap_or_default()
    }

    /// Lifetime of access tokens in seconds.
    pub fn access_token_seconds(&self) -> i64 {
        let unit = self.settings.token_validity_units.as_ref().and_then(|u| u.access_token);
        lifetime(self.settings.access_token_validity, unit, TimeUnitsType::Hours, 1)
    }

    /// Lifetime of ID tokens in seconds.
    pub fn id_token_seconds(&self) -> i64 {
        let unit = self.settings.token_validity_units.as_ref().and_then(|u| u.id_token);
        lifetime(self.settings.id_token_validity, unit, TimeUnitsType::Hours, 1)
    }

    /// Lifetime of refresh tokens in seconds.
    pub fn refresh_token_seconds(&self) -> i64 {
        let unit = self.settings.token_validity_units.as_ref().and_then(|u| u.refresh_token);
        lifetime(self.settings.refresh_token_validity, unit, TimeUnitsType::Days, 30)
    }

    /// Lifetime of a challenge session in seconds.
    pub fn session_seconds(&self) -> i64 {
        i64::from(self.settings.auth_session_validity.unwrap_or(3)) * 60
    }

    /// Whether each refresh replaces the refresh token.
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.settings
            .refresh_token_rotation
            .as_ref()
            .is_some_and(|rotation| rotation.feature == FeatureType::Enabled)
    }

    /// Seconds for which a replaced refresh token still works.
    pub fn rotation_grace_seconds(&self) -> i64 {
        let rotation = self.settings.refresh_token_rotation.as_ref();
        i64::from(rotation.and_then(|r| r.retry_grace_period_seconds).unwrap_or_default())
    }

    /// Whether tokens carry `jti` and `origin_jti` and can be revoked.
    pub fn revokes_tokens(&self) -> bool {
        self.settings.enable_token_revocation.unwrap_or(true)
    }
}

/// A configured lifetime in seconds; absent and zero mean the default.
fn lifetime(
    value: Option<i32>,
    unit: Option<TimeUnitsType>,
    usual: TimeUnitsType,
    default: i32,
) -> i64 {
    match value {
        None | Some(0) => i64::from(default) * unit_seconds(usual),
        Some(value) => i64::from(value) * unit_seconds(unit.unwrap_or(usual)),
    }
}

/// Storage of app clients.
#[async_trait]
pub trait AppClients: Send {
    /// Stores a new client.
    async fn insert_app_client(&mut self, client: &AppClient) -> Result<(), Fault>;

    /// The client with this id.
    async fn app_client(&mut self, client_id: &str) -> Result<Option<AppClient>, Fault>;

    /// Replaces a client that was read at `client.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the client changed since it was read.
    async fn update_app_client(&mut self, client: &mut AppClient) -> Result<(), Fault>;

    /// Removes a client.
    async fn delete_app_client(&mut self, client_id: &str) -> Result<(), Fault>;

    /// Whether a pool has at least so many clients. The cost is bounded by the number.
    async fn has_app_clients(&mut self, user_pool_id: &str, number: u32) -> Result<bool, Fault>;

    /// Clients of a pool in ascending order of id, after the given one.
    async fn list_app_clients(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AppClient>, Fault>;
}
