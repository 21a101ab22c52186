//! `/oauth2/token`: tokens for a code, a refresh token, a client's own secret or another token.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    client::{self, ClientRefused},
    grant::{self, CodeRefused, Shown},
    parameters::{Parameters, Repeated},
};
use crate::{
    app_clients::AppClient,
    fault::Ruling,
    granted,
    limits::Category,
    ports::Ports,
    shapes::{
        IssuedTokenTypeIdentifierType as Wanted, OAuthFlowType, TokenTypeIdentifierType as Kind,
    },
    tokens::{
        exchange::{self, Exchange, ExchangeRefused, Target, exchange},
        issue::Tokens,
        machine::{self, MachineRefused},
        refresh,
    },
    triggers::Metadata,
    user_pools::UserPool,
};

/// The grant type of RFC 8693.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What the token types of RFC 8693 begin with.
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";

/// Tokens.
#[derive(Clone, Default)]
pub struct Granted {
    /// The access token, or what was exchanged for.
    pub access_token: String,
    /// The ID token, where there is one.
    pub id_token: Option<String>,
    /// The refresh token, where there is a new one.
    pub refresh_token: Option<String>,
    /// How the token is used.
    pub token_type: &'static str,
    /// Lifetime of the first token in seconds.
    pub expires_in: i64,
    /// What an exchanged token is.
    pub issued_token_type: Option<String>,
    /// The scopes of an exchanged token.
    pub scope: Option<String>,
}

impl From<Tokens> for Granted {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            id_token: tokens.id,
            refresh_token: tokens.refresh,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            ..Self::default()
        }
    }
}

/// Why there are none (RFC 6749 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    /// A parameter is missing, wrong or repeated.
    InvalidRequest,
    /// The client is unknown, or its secret wrong.
    InvalidClient,
    /// What is shown is not good, or no longer.
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// There is no such grant type.
    UnsupportedGrantType,
    /// A scope is not for this client.
    InvalidScope,
    /// There is no such service (RFC 8693 section 2.2.2).
    InvalidTarget,
    /// There were too many requests.
    RateExceeded,
}

impl TokenRefused {
    /// The value of `error`. (The last one is a belief.)
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::RateExceeded => "too_many_requests",
        }
    }
}

impl From<Repeated> for TokenRefused {
    fn from(_: Repeated) -> Self {
        Self::InvalidRequest
    }
}

impl From<ClientRefused> for TokenRefused {
    fn from(refused: ClientRefused) -> Self {
        match refused {
            ClientRefused::Unclear => Self::InvalidRequest,
            ClientRefused::Invalid => Self::InvalidClient,
        }
    }
}

/// Answers a request to the endpoint of this pool. `authorization` is the value of that header.
pub async fn answer(
    ports: &Ports,
    pool: &Arc<UserPool>,
    authorization: Option<&str>,
    parameters: &Parameters<'_>,
) -> Ruling<Granted, TokenRefused> {
    let grant_type = granted!(parameters.one("grant_type"));
    let grant_type = granted!(grant_type.ok_or(TokenRefused::InvalidRequest));
    let category = match grant_type {
        "client_credentials" => Category::ClientAuthentication,
        _ => Category::UserAuthentication,
    };
    if ports.limits.admit_one(category).await?.is_err() {
        return Ok(Err(TokenRefused::RateExceeded));
    }
    let client = granted!(client::authenticate(ports, pool, authorization, parameters).await?);
    match grant_type {
        "authorization_code" => for_code(ports, pool, &client, parameters).await,
        "refresh_token" => for_refresh_token(ports, &client, parameters).await,
        "client_credentials" => for_client(ports, &client, parameters).await,
        TOKEN_EXCHANGE => for_token(ports, pool, &client, parameters).await,
        _ => Ok(Err(TokenRefused::UnsupportedGrantType)),
    }
}

/// A parameter that the grant needs.
fn required<'a>(parameters: &'a Parameters<'_>, name: &str) -> Result<&'a str, TokenRefused> {
    parameters.one(name)?.ok_or(TokenRefused::InvalidRequest)
}

/// The scopes that are asked for.
fn scopes(parameters: &Parameters<'_>) -> Result<Vec<String>, TokenRefused> {
    let scope = parameters.one("scope")?.unwrap_or_default();
    Ok(scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
}

async fn for_code(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    parameters: &Parameters<'_>,
) -> Ruling<Granted, TokenRefused> {
    if !client.allows_oauth_flow(OAuthFlowType::Code) {
        return Ok(Err(TokenRefused::UnauthorizedClient));
    }
    let shown = Shown {
        code: granted!(required(parameters, "code")),
        redirect_uri: granted!(parameters.one("redirect_uri")),
        code_verifier: granted!(parameters.one("code_verifier")),
    };
    let redeemed = grant::redeem(ports, pool, client, shown).await?;
    Ok(redeemed.map(Granted::from).map_err(|refused| match refused {
        CodeRefused::RedirectUriMissing => TokenRefused::InvalidRequest,
        // So it was reported (<https://stackoverflow.com/questions/50264679>).
        CodeRefused::RedirectUriMismatch => TokenRefused::UnauthorizedClient,
        // For failed functions a belief.
        CodeRefused::Invalid
        | CodeRefused::Verifier
        | CodeRefused::Unreadable
        | CodeRefused::Trigger(_) => TokenRefused::InvalidGrant,
    }))
}

/// Also for refresh tokens of sign-ins through the API, unless they are bound to a device.
async fn for_refresh_token(
    ports: &Ports,
    client: &AppClient,
    parameters: &Parameters<'_>,
) -> Ruling<Granted, TokenRefused> {
    let token = granted!(required(parameters, "refresh_token"));
    let refreshed = refresh::refresh(ports, client, token, None).await?;
    Ok(refreshed.map(Granted::from).map_err(|_| TokenRefused::InvalidGrant))
}

async fn for_client(
    ports: &Ports,
    client: &AppClient,
    parameters: &Parameters<'_>,
) -> Ruling<Granted, TokenRefused> {
    if !client.is_enabled_for_oauth() {
        // What clients get that were made without OAuth (<https://github.com/boto/boto3/issues/3916>).
        return Ok(Err(TokenRefused::InvalidGrant));
    }
    if !client.allows_oauth_flow(OAuthFlowType::ClientCredentials) {
        return Ok(Err(TokenRefused::UnauthorizedClient));
    }
    let requested = granted!(scopes(parameters));
    let metadata = granted!(client_metadata(parameters));
    let ports = &ports.clone().carrying(Metadata::of_client(metadata));
    let issued = machine::issue(ports, client, &requested).await?;
    // The documentation also says that scopes which the client does not have are ignored.
    let token = granted!(issued.map_err(|refused| match refused {
        MachineRefused::Scope(_) | MachineRefused::NoScope => TokenRefused::InvalidScope,
        // What is said of failed functions is a belief.
        MachineRefused::Trigger(_) => TokenRefused::InvalidGrant,
    }));
    Ok(Ok(Granted {
        access_token: token.access,
        token_type: "Bearer",
        expires_in: token.expires_in,
        ..Granted::default()
    }))
}

/// What the application gives the function that customizes tokens to know: a JSON object of texts.
/// (That anything else is refused is a belief.)
fn client_metadata(
    parameters: &Parameters<'_>,
) -> Result<Option<BTreeMap<String, String>>, TokenRefused> {
    let text = parameters.one("aws_client_metadata")?;
    let read = text.map(serde_json::from_str).transpose();
    read.map_err(|_| TokenRefused::InvalidRequest)
}

/// RFC 8693. That the parameters are called as there is a belief, and so are their errors; those that
/// name identity providers are ours.
async fn for_token(
    ports: &Ports,
    pool: &Arc<UserPool>,
    client: &AppClient,
    parameters: &Parameters<'_>,
) -> Ruling<Granted, TokenRefused> {
    if client.secrets.is_empty() {
        // Whoever held a token of one client could turn it into one of another.
        return Ok(Err(TokenRefused::InvalidClient));
    }
    let subject = granted!(shown(parameters, ["subject_token", "subject_token_type"]));
    let subject = granted!(subject.ok_or(TokenRefused::InvalidRequest));
    let subject_provider = granted!(parameters.one("subject_token_provider_name"));
    let actor = granted!(shown(parameters, ["actor_token", "actor_token_type"]));
    let actor_provider = granted!(parameters.one("actor_token_provider_name"));
    let wanted = granted!(wanted(parameters));
    let target = granted!(target(parameters, wanted));
    let scopes = granted!(scopes(parameters));
    let asked = Exchange {
        subject: exchange::Shown { provider: subject_provider, ..subject },
        actor: actor.map(|actor| exchange::Shown { provider: actor_provider, ..actor }),
        scopes: &scopes,
        target,
        wanted,
    };
    let derived = granted!(exchange(ports, pool, client, asked).await?.map_err(|r| refusal(&r)));
    let is_access = derived.kind == Wanted::AccessToken;
    let kind = if is_access { "access_token" } else { "id_token" };
    Ok(Ok(Granted {
        access_token: derived.token,
        // What can't be shown to a resource server is no bearer token (RFC 8693 section 2.2.1).
        token_type: if is_access { "Bearer" } else { "N_A" },
        expires_in: derived.expires_in,
        issued_token_type: Some(format!("{TOKEN_TYPE}{kind}")),
        scope: is_access.then(|| derived.scopes.join(" ")),
        ..Granted::default()
    }))
}

/// A token and what it is said to be; both or neither.
fn shown<'a>(
    parameters: &'a Parameters<'_>,
    [token, kind]: [&str; 2],
) -> Result<Option<exchange::Shown<'a>>, TokenRefused> {
    let kind = parameters.one(kind)?.map(|kind| kind.strip_prefix(TOKEN_TYPE).unwrap_or_default());
    let kind = match kind {
        None => None,
        Some("access_token") => Some(Kind::AccessToken),
        Some("id_token") => Some(Kind::IdToken),
        Some("saml2") => Some(Kind::Saml2),
        Some(_) => return Err(TokenRefused::InvalidRequest),
    };
    match (parameters.one(token)?, kind) {
        (Some(token), Some(kind)) => Ok(Some(exchange::Shown { token, kind, provider: None })),
        (None, None) => Ok(None),
        _ => Err(TokenRefused::InvalidRequest),
    }
}

fn wanted(parameters: &Parameters<'_>) -> Result<Wanted, TokenRefused> {
    match parameters.one("requested_token_type")? {
        None => Ok(Wanted::AccessToken),
        Some(name) => match name.strip_prefix(TOKEN_TYPE) {
            Some("access_token") => Ok(Wanted::AccessToken),
            Some("id_token") => Ok(Wanted::IdToken),
            _ => Err(TokenRefused::InvalidRequest),
        },
    }
}

/// Where the new token is to be used. An ID token is for its client.
fn target<'a>(
    parameters: &'a Parameters<'_>,
    wanted: Wanted,
) -> Result<Option<Target<'a>>, TokenRefused> {
    let target = match (parameters.one("audience")?, parameters.one("resource")?) {
        (Some(_), Some(_)) => return Err(TokenRefused::InvalidRequest),
        (Some(name), None) => Some(Target::Audience(name)),
        (None, Some(identifier)) => Some(Target::Resource(identifier)),
        (None, None) => None,
    };
    match target {
        Some(_) if wanted == Wanted::IdToken => Err(TokenRefused::InvalidRequest),
        target => Ok(target),
    }
}

/// As RFC 8693 section 2.2.2 says: a token that isn't good makes the request wrong.
const fn refusal(refused: &ExchangeRefused) -> TokenRefused {
    match refused {
        ExchangeRefused::FlowNotEnabled(_) => TokenRefused::UnauthorizedClient,
        ExchangeRefused::UnknownResource(_) => TokenRefused::InvalidTarget,
        ExchangeRefused::NothingGranted => TokenRefused::InvalidScope,
        ExchangeRefused::NoProvider(_)
        | ExchangeRefused::UnknownProvider(_)
        | ExchangeRefused::Token(..) => TokenRefused::InvalidRequest,
        ExchangeRefused::Trigger(_) => TokenRefused::InvalidGrant,
    }
}
