//! What the settings of an app client must obey.

use std::{collections::BTreeSet, ops::RangeInclusive};

use super::{ClientRefused, Surroundings, apply::analytics_role};
use crate::{
    app_clients::{AppClient, permissions},
    arn,
    ports::Identity,
    regions,
    shapes::{
        AnalyticsConfigurationType, ExplicitAuthFlowsType, OAuthFlowType, UserPoolClientType,
    },
    user_pools::{Feature, UserPool},
};

/// The scopes that exist without a resource server.
const STANDARD_SCOPES: [&str; 5] =
    ["aws.cognito.signin.user.admin", "email", "openid", "phone", "profile"];

/// Lifetimes of access and ID tokens in seconds: five minutes to a day.
const TOKEN_SECONDS: RangeInclusive<i64> = 300..=86_400;
/// Lifetimes of refresh tokens in seconds: an hour to ten years.
const REFRESH_SECONDS: RangeInclusive<i64> = 3_600..=315_360_000;

/// Checks the settings as they are to be stored. `doing` goes into messages.
pub(super) fn check(
    client: &AppClient,
    around: &Surroundings<'_>,
    doing: &'static str,
) -> Result<(), ClientRefused> {
    let (settings, pool) = (&client.settings, around.pool);
    check_validity(client)?;
    check_attributes(client, pool, doing)?;
    check_flows(client, pool)?;
    check_urls(settings)?;
    check_scopes(settings, &around.custom_scopes)?;
    check_oauth(client)?;
    check_providers(around)?;
    if let Some(analytics) = &settings.analytics_configuration {
        check_analytics(analytics, around.identity)?;
    }
    let propagates = settings.enable_propagate_additional_user_context_data == Some(true);
    if propagates && client.secrets.is_empty() {
        return Err(ClientRefused::ContextWithoutSecret);
    }
    Ok(())
}

/// Lifetimes of tokens.
fn check_validity(client: &AppClient) -> Result<(), ClientRefused> {
    let (access, id) = (client.access_token_seconds(), client.id_token_seconds());
    let refresh = client.refresh_token_seconds();
    let in_range = [access, id].iter().all(|seconds| TOKEN_SECONDS.contains(seconds));
    if !in_range || !REFRESH_SECONDS.contains(&refresh) {
        return Err(ClientRefused::ValidityRange);
    }
    if access.max(id) > refresh {
        return Err(ClientRefused::OutlivesRefreshToken);
    }
    Ok(())
}

/// The lists of attributes that users of the client may read and write.
fn check_attributes(
    client: &AppClient,
    pool: &UserPool,
    doing: &'static str,
) -> Result<(), ClientRefused> {
    if let Some(read) = &client.settings.read_attributes
        && !read.iter().all(|name| permissions::can_be_read(pool, name))
    {
        return Err(ClientRefused::ReadAttributes(doing));
    }
    if let Some(write) = &client.settings.write_attributes {
        let are_known = write.iter().all(|name| permissions::can_be_written(pool, name));
        let is_complete = pool.required_attributes().all(|name| client.may_write(name));
        if !are_known || !is_complete {
            return Err(ClientRefused::WriteAttributes(doing));
        }
    }
    Ok(())
}

/// Whether this is one of the three flow names of old.
const fn is_legacy(flow: ExplicitAuthFlowsType) -> bool {
    matches!(
        flow,
        ExplicitAuthFlowsType::AdminNoSrpAuth
            | ExplicitAuthFlowsType::CustomAuthFlowOnly
            | ExplicitAuthFlowsType::UserPasswordAuth
    )
}

/// The flows of the sign-in API.
fn check_flows(client: &AppClient, pool: &UserPool) -> Result<(), ClientRefused> {
    let flows = client.explicit_flows();
    let legacy = flows.iter().filter(|flow| is_legacy(**flow)).count();
    if legacy > 0 && legacy < flows.len() {
        return Err(ClientRefused::LegacyFlowsMixed);
    }
    let by_itself = ExplicitAuthFlowsType::AllowClientTokenAuth;
    if flows.contains(&by_itself) {
        if flows.iter().any(|flow| *flow != by_itself) {
            return Err(ClientRefused::ClientTokenFlowMixed);
        }
        if client.secrets.is_empty() {
            return Err(ClientRefused::ClientTokenFlowWithoutSecret);
        }
    }
    if flows.contains(&ExplicitAuthFlowsType::AllowUserAuth) {
        pool.has_in_tier(Feature::CHOICE_OF_FACTOR)?;
    }
    let refreshes = flows.contains(&ExplicitAuthFlowsType::AllowRefreshTokenAuth);
    if refreshes && client.rotates_refresh_tokens() {
        return Err(ClientRefused::RotationWithRefreshFlow);
    }
    Ok(())
}

/// Where browsers may be sent.
fn check_urls(settings: &UserPoolClientType) -> Result<(), ClientRefused> {
    let callbacks = settings.callback_urls.as_deref().unwrap_or_default();
    let logouts = settings.logout_urls.as_deref().unwrap_or_default();
    let default = settings.default_redirect_uri.as_ref();
    for url in callbacks.iter().chain(logouts).chain(default) {
        check_url(url)?;
    }
    match default {
        Some(url) if !callbacks.contains(url) => {
            Err(ClientRefused::DefaultRedirectNotListed(url.clone()))
        }
        _ => Ok(()),
    }
}

/// An absolute URI without fragment; plain HTTP only to the user's own machine.
fn check_url(url: &str) -> Result<(), ClientRefused> {
    if url.contains('#') {
        return Err(ClientRefused::UrlFragment(url.to_owned()));
    }
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err(ClientRefused::RelativeUrl(url.to_owned()));
    };
    if scheme.eq_ignore_ascii_case("http") && !is_local(rest) {
        return Err(ClientRefused::HttpUrl(url.to_owned()));
    }
    Ok(())
}

/// Whether the text is a URI scheme (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether what follows `http:` points to the user's own machine.
fn is_local(rest: &str) -> bool {
    let rest = rest.strip_prefix("//").unwrap_or_default();
    let authority = rest.split(['/', '?', '\\']).next().unwrap_or_default();
    let host = match authority.strip_prefix("[::1]") {
        Some("") => return true,
        Some(port) => return port.starts_with(':'),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let has_user = authority.contains('@');
    !has_user && (host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1")
}

/// Scopes must exist: the standard ones do, others if a resource server defines them.
fn check_scopes(
    settings: &UserPoolClientType,
    custom: &BTreeSet<String>,
) -> Result<(), ClientRefused> {
    let scopes = settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    let exists =
        |scope: &String| STANDARD_SCOPES.contains(&scope.as_str()) || custom.contains(scope);
    match scopes.iter().find(|scope| !exists(scope)) {
        Some(scope) => Err(ClientRefused::UnknownScope(scope.clone())),
        None => Ok(()),
    }
}

/// The flows of the OAuth endpoints. Without the switch they are inert, and accepted: a belief.
fn check_oauth(client: &AppClient) -> Result<(), ClientRefused> {
    let settings = &client.settings;
    if settings.allowed_oauth_flows_user_pool_client != Some(true) {
        return Ok(());
    }
    let (Some(flows), Some(scopes)) =
        (&settings.allowed_oauth_flows, &settings.allowed_oauth_scopes)
    else {
        return Err(ClientRefused::OAuthIncomplete);
    };
    if flows.contains(&OAuthFlowType::ClientCredentials) {
        if flows.len() > 1 {
            return Err(ClientRefused::CredentialsFlowMixed);
        }
        if client.secrets.is_empty() {
            return Err(ClientRefused::CredentialsFlowWithoutSecret);
        }
        let personal = scopes.iter().find(|scope| STANDARD_SCOPES.contains(&scope.as_str()));
        return match personal {
            Some(scope) => Err(ClientRefused::CredentialsFlowScope(scope.clone())),
            None => Ok(()),
        };
    }
    if settings.callback_urls.is_none() { Err(ClientRefused::NoCallback) } else { Ok(()) }
}

/// Identity providers must exist.
fn check_providers(around: &Surroundings<'_>) -> Result<(), ClientRefused> {
    match &around.unknown_provider {
        Some(provider) => Err(ClientRefused::UnknownProvider {
            provider: provider.clone(),
            user_pool_id: around.pool.id().to_owned(),
        }),
        None => Ok(()),
    }
}

/// Analytics: an application's ARN, or its id with a role and an external id. The role that was added
/// to an ARN may come back with it.
fn check_analytics(
    analytics: &AnalyticsConfigurationType,
    identity: &Identity,
) -> Result<(), ClientRefused> {
    let by_id = [analytics.application_id.is_some(), analytics.external_id.is_some()];
    let role = analytics.role_arn.as_ref();
    let is_complete = match analytics.application_arn {
        Some(_) => by_id == [false, false] && role == Some(&analytics_role(identity)),
        None => by_id == [true, true] && role.is_some(),
    };
    if !is_complete {
        return Err(ClientRefused::AnalyticsIncomplete);
    }
    match analytics.application_arn.as_deref().and_then(arn::region) {
        Some(region) if !regions::may_analyse(&identity.region, region) => {
            Err(ClientRefused::AnalyticsRegion(region.to_owned()))
        }
        _ => Ok(()),
    }
}
