//! The settings of an app client: defaults, what an update does to them, and what they must obey.
//!
//! A new client is a blank one that is updated: both requests go through [`update`].

mod apply;
mod check;

use std::collections::BTreeSet;

use crate::{
    app_clients::{AppClient, ClientSecret},
    fault::Fault,
    identity_providers,
    ports::{Entropy, Identity, Transaction},
    resource_servers,
    shapes::{CreateUserPoolClientRequest, UpdateUserPoolClientRequest, UserPoolClientType},
    time::Timestamp,
    user_pools::{TierRefused, UserPool},
};

/// Why settings can't be had. The texts are the service's unless marked as beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientRefused {
    /// OAuth without saying what of it.
    #[error(
        "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows."
    )]
    OAuthIncomplete,
    /// Nowhere to send browsers back to.
    #[error("CallbackUrls can not be empty when code flow or implicit flow is selected")]
    NoCallback,
    /// A machine's flow together with people's.
    #[error("client_credentials flow can not be selected along with code flow or implicit flow.")]
    CredentialsFlowMixed,
    /// A machine without credentials.
    #[error("client_credentials flow can not be selected if client does not have a client secret.")]
    CredentialsFlowWithoutSecret,
    /// A scope that is about people, for a machine.
    #[error("{0} is not supported with client_credentials flow")]
    CredentialsFlowScope(String),
    /// A scope that nobody has defined.
    #[error("Invalid scope requested: {0}")]
    UnknownScope(String),
    /// A URL that browsers would follow unprotected.
    #[error("{0} cannot use the HTTP protocol.")]
    HttpUrl(String),
    /// A URL with a fragment.
    #[error("{0} cannot use fragment")]
    UrlFragment(String),
    /// A URL without scheme. (The text is a belief.)
    #[error("{0} must be an absolute URI.")]
    RelativeUrl(String),
    /// A default that isn't among the choices.
    #[error("The default redirect URI {0} is not in the callback URIs list.")]
    DefaultRedirectNotListed(String),
    /// An identity provider that the pool does not have.
    #[error("The provider {provider} does not exist for User Pool {user_pool_id}.")]
    UnknownProvider {
        /// Its name.
        provider: String,
        /// The pool.
        user_pool_id: String,
    },
    /// Old and new names of flows.
    #[error("Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names.")]
    LegacyFlowsMixed,
    /// A machine's flow together with people's. (The text is a belief.)
    #[error("ALLOW_CLIENT_TOKEN_AUTH cannot be used with other auth flows.")]
    ClientTokenFlowMixed,
    /// A machine without credentials. (The text is a belief.)
    #[error("ALLOW_CLIENT_TOKEN_AUTH cannot be used if client does not have a client secret.")]
    ClientTokenFlowWithoutSecret,
    /// A flow that the pool's tier does not have.
    #[error(transparent)]
    Tier(#[from] TierRefused),
    /// Rotation, and the flow that does not rotate. (The text is a belief.)
    #[error("ALLOW_REFRESH_TOKEN_AUTH cannot be used when refresh token rotation is enabled.")]
    RotationWithRefreshFlow,
    /// User context comes only from those who can prove who they are.
    #[error("Client Secret is required to set EnablePropagateAdditionalUserContextData as true")]
    ContextWithoutSecret,
    /// A lifetime that is too short or too long.
    #[error("Invalid range for token validity.")]
    ValidityRange,
    /// Tokens that outlive the refresh token.
    #[error(
        "Access and Id Token expiration times must be less than or equal to refresh token expiration times."
    )]
    OutlivesRefreshToken,
    /// `ReadAttributes` names what isn't there. (For updates the text is a belief.)
    #[error("Invalid read attributes specified while {0} a client")]
    ReadAttributes(&'static str),
    /// `WriteAttributes` names what can't be written, or lacks what must be.
    #[error("Invalid write attributes specified while {0} a client")]
    WriteAttributes(&'static str),
    /// Analytics that name half of what they need.
    #[error(
        "Invalid analytics configuration given, either <application arn> or <application id, role arn, external id> are valid"
    )]
    AnalyticsIncomplete,
    /// Analytics in a region that the pool's can't use.
    #[error("The integration with Pinpoint is not supported for the requested {0} region.")]
    AnalyticsRegion(String),
    /// A secret to be made and a secret that is given. (The text is a belief.)
    #[error("GenerateSecret and ClientSecret can not be set together.")]
    TwoSecrets,
}

/// What a request does, for the messages that say so.
const CREATING: &str = "creating";
const UPDATING: &str = "updating";

/// What the settings of an app client are checked against.
#[derive(Clone, Debug)]
pub struct Surroundings<'a> {
    /// The pool of the client.
    pub pool: &'a UserPool,
    /// Region and account.
    pub identity: &'a Identity,
    /// Those of the requested scopes that resource servers define now.
    pub custom_scopes: BTreeSet<String>,
    /// The first of the requested identity providers that the pool does not have, if any.
    pub unknown_provider: Option<String>,
}

impl<'a> Surroundings<'a> {
    /// Looks up what a request with these scopes and identity providers refers to.
    pub async fn of(
        tx: &mut (dyn Transaction + '_),
        pool: &'a UserPool,
        identity: &'a Identity,
        scopes: Option<&[String]>,
        providers: Option<&[String]>,
    ) -> Result<Self, Fault> {
        let providers = providers.unwrap_or_default();
        let unknown_provider = identity_providers::first_unknown(tx, pool.id(), providers).await?;
        let scopes = scopes.unwrap_or_default();
        let custom_scopes = resource_servers::defined(tx, pool.id(), scopes).await?;
        Ok(Self { pool, identity, custom_scopes, unknown_provider })
    }
}

/// A new app client of the pool, with a secret if the request asks for one.
pub fn create(
    request: CreateUserPoolClientRequest,
    around: &Surroundings<'_>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<AppClient, ClientRefused> {
    let asks_secret = request.generate_secret == Some(true);
    if asks_secret && request.client_secret.is_some() {
        return Err(ClientRefused::TwoSecrets);
    }
    let id = new_id(entropy);
    let secret = match &request.client_secret {
        Some(given) => Some(String::clone(given)),
        None => asks_secret.then(|| new_secret(entropy)),
    };
    let secrets = secret.map(|value| ClientSecret::of(&id, value, now)).into_iter().collect();
    let settings = UserPoolClientType {
        user_pool_id: Some(around.pool.id().to_owned()),
        client_id: Some(id.into()),
        creation_date: Some(now.to_wire()),
        ..UserPoolClientType::default()
    };
    let mut client = AppClient { settings, secrets, ..AppClient::default() };
    change(&mut client, as_update(request), around, now, CREATING)?;
    Ok(client)
}

/// Replaces the settings of a client: whatever the request omits goes back to its default. The
/// name, whether tokens can be revoked, and what identifies the client are kept. The client must
/// not be stored after a refusal.
pub fn update(
    client: &mut AppClient,
    request: UpdateUserPoolClientRequest,
    around: &Surroundings<'_>,
    now: Timestamp,
) -> Result<(), ClientRefused> {
    change(client, request, around, now, UPDATING)
}

/// What creation and update share.
fn change(
    client: &mut AppClient,
    request: UpdateUserPoolClientRequest,
    around: &Surroundings<'_>,
    now: Timestamp,
    doing: &'static str,
) -> Result<(), ClientRefused> {
    apply::apply(client, request, around.identity);
    client.settings.last_modified_date = Some(now.to_wire());
    check::check(client, around, doing)
}

/// Digits of numbers to the base 32, as Java writes them.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// A random number of this many digits to the base 32, without leading zeros: the form of ids and
/// secrets that were seen suggests Java's `new BigInteger(bits, random).toString(32)`.
fn random_digits(entropy: &dyn Entropy, count: usize) -> String {
    let mut bytes = vec![0; count];
    entropy.fill(&mut bytes);
    // 256 is a multiple of 32: every digit is equally likely.
    let digits = bytes.iter().filter_map(|byte| DIGITS.get(usize::from(byte % 32)));
    let text: String = digits.map(|digit| char::from(*digit)).collect();
    text.trim_start_matches('0').to_owned()
}

/// A new client id: 130 random bits, 26 digits or rarely fewer.
fn new_id(entropy: &dyn Entropy) -> String {
    random_digits(entropy, 26)
}

/// A new client secret: 255 random bits, 51 digits or rarely fewer.
pub(super) fn new_secret(entropy: &dyn Entropy) -> String {
    random_digits(entropy, 51)
}

/// The part of a creation that an update can change later.
fn as_update(request: CreateUserPoolClientRequest) -> UpdateUserPoolClientRequest {
    UpdateUserPoolClientRequest {
        user_pool_id: request.user_pool_id,
        client_id: String::new().into(),
        client_name: Some(request.client_name),
        refresh_token_validity: request.refresh_token_validity,
        access_token_validity: request.access_token_validity,
        id_token_validity: request.id_token_validity,
        token_validity_units: request.token_validity_units,
        read_attributes: request.read_attributes,
        write_attributes: request.write_attributes,
        explicit_auth_flows: request.explicit_auth_flows,
        supported_identity_providers: request.supported_identity_providers,
        callback_urls: request.callback_urls,
        logout_urls: request.logout_urls,
        default_redirect_uri: request.default_redirect_uri,
        allowed_oauth_flows: request.allowed_oauth_flows,
        allowed_oauth_scopes: request.allowed_oauth_scopes,
        allowed_oauth_flows_user_pool_client: request.allowed_oauth_flows_user_pool_client,
        analytics_configuration: request.analytics_configuration,
        prevent_user_existence_errors: request.prevent_user_existence_errors,
        enable_token_revocation: request.enable_token_revocation,
        enable_propagate_additional_user_context_data: request
            .enable_propagate_additional_user_context_data,
        auth_session_validity: request.auth_session_validity,
        refresh_token_rotation: request.refresh_token_rotation,
    }
}
