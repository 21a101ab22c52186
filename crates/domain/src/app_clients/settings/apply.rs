//! What a request does to the settings of an app client.

use poolhouse_wire::java_order::{java_hash_order, java_hash_order_by};

use crate::{
    app_clients::{AppClient, unit_seconds},
    ports::Identity,
    shapes::{
        AnalyticsConfigurationType, FeatureType, RefreshTokenRotationType, TimeUnitsType,
        UpdateUserPoolClientRequest, UserPoolClientType,
    },
};

/// Seconds for which refresh tokens work unless the client says otherwise: 30 days.
const REFRESH_SECONDS: i64 = 30 * 86_400;

/// Replaces every setting that can change.
pub(super) fn apply(
    client: &mut AppClient,
    request: UpdateUserPoolClientRequest,
    identity: &Identity,
) {
    let old = std::mem::take(&mut client.settings);
    let units = request.token_validity_units.unwrap_or_default();
    let refresh = request.refresh_token_validity.filter(|validity| *validity != 0);
    client.settings = UserPoolClientType {
        user_pool_id: old.user_pool_id,
        client_name: request.client_name.or(old.client_name),
        client_id: old.client_id,
        client_secret: None,
        last_modified_date: None,
        creation_date: old.creation_date,
        refresh_token_validity: refresh.or_else(|| Some(thirty_days(units.refresh_token))),
        access_token_validity: request.access_token_validity,
        id_token_validity: request.id_token_validity,
        token_validity_units: Some(units),
        read_attributes: set(request.read_attributes),
        write_attributes: set(request.write_attributes),
        explicit_auth_flows: request
            .explicit_auth_flows
            .filter(|flows| !flows.is_empty())
            .map(|flows| java_hash_order_by(flows, |flow| flow.as_str())),
        supported_identity_providers: set(request.supported_identity_providers),
        callback_urls: set(request.callback_urls),
        logout_urls: set(request.logout_urls),
        default_redirect_uri: request.default_redirect_uri,
        allowed_oauth_flows: request
            .allowed_oauth_flows
            .filter(|flows| !flows.is_empty())
            .map(|flows| java_hash_order_by(flows, |flow| flow.as_str())),
        allowed_oauth_scopes: request.allowed_oauth_scopes.and_then(sorted),
        allowed_oauth_flows_user_pool_client: Some(
            request.allowed_oauth_flows_user_pool_client.unwrap_or(false),
        ),
        analytics_configuration: request
            .analytics_configuration
            .map(|analytics| with_role(analytics, identity)),
        prevent_user_existence_errors: request.prevent_user_existence_errors,
        // Kept when omitted: a belief.
        enable_token_revocation: request
            .enable_token_revocation
            .or(old.enable_token_revocation)
            .or(Some(true)),
        enable_propagate_additional_user_context_data: Some(
            request.enable_propagate_additional_user_context_data.unwrap_or(false),
        ),
        auth_session_validity: request.auth_session_validity.or(Some(3)),
        refresh_token_rotation: rotation(
            request.refresh_token_rotation,
            old.refresh_token_rotation.as_ref(),
        ),
        client_type: None,
    };
}

/// Thirty days in this unit.
fn thirty_days(unit: Option<TimeUnitsType>) -> i32 {
    let days = REFRESH_SECONDS / unit_seconds(unit.unwrap_or(TimeUnitsType::Days));
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// A set in the order in which the service lists it; an empty one is none.
fn set(values: Option<Vec<String>>) -> Option<Vec<String>> {
    values.filter(|values| !values.is_empty()).map(java_hash_order)
}

/// Scopes were recorded sorted, unlike other sets.
fn sorted(mut scopes: Vec<String>) -> Option<Vec<String>> {
    scopes.sort();
    scopes.dedup();
    (!scopes.is_empty()).then_some(scopes)
}

/// The role that publishes the events of app clients that name an application by its ARN.
pub(super) fn analytics_role(identity: &Identity) -> String {
    format!(
        "arn:aws:iam::{}:role/aws-service-role/cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdp",
        identity.account_id
    )
}

/// Adds the role to an application that is named by its ARN.
fn with_role(
    mut analytics: AnalyticsConfigurationType,
    identity: &Identity,
) -> AnalyticsConfigurationType {
    if analytics.application_arn.is_some() {
        analytics.role_arn.get_or_insert_with(|| analytics_role(identity));
    }
    analytics
}

/// Once it has been set, rotation stays in view: omitted means switched off
/// (<https://github.com/hashicorp/terraform-provider-aws/issues/45650>).
fn rotation(
    new: Option<RefreshTokenRotationType>,
    old: Option<&RefreshTokenRotationType>,
) -> Option<RefreshTokenRotationType> {
    let off = || RefreshTokenRotationType {
        feature: FeatureType::Disabled,
        retry_grace_period_seconds: None,
    };
    let mut rotation = new.or_else(|| old.map(|_| off()))?;
    rotation.retry_grace_period_seconds.get_or_insert(0);
    Some(rotation)
}
