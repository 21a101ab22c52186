//! `/oauth2/register`: applications that register themselves (RFC 7591).
//!
//! The pool's administrators say whether anybody may, or only who shows a token of a client that
//! holds the scope for it; which grants such clients can have, and which scopes beside those of
//! OpenID Connect. What the service answers in detail is not on record: names of members and errors
//! are those of the RFC, and what is left to a server is a belief.

use std::sync::Arc;

use poolhouse_wire::Pattern;
use serde::{Deserialize, Serialize};

use crate::{
    app_clients::{
        AppClient,
        settings::{self, ClientRefused, Surroundings},
    },
    fault::Ruling,
    granted,
    limits::Category,
    ports::Ports,
    resource_servers::REGISTER_SCOPE,
    shapes::{
        ClientTypeType, CreateUserPoolClientRequest, DcrConfigurationType, ExplicitAuthFlowsType,
        OAuthFlowType, StatusType,
    },
    time::Timestamp,
    tokens::{access, scopes},
    user_pools::UserPool,
};

/// URLs that a client can have of a kind, and their length; scopes; the length of a name. As the
/// model says for clients that administrators make.
const MOST_URLS: usize = 100;
const LONGEST_URL: usize = 1_024;
const MOST_SCOPES: usize = 50;
const LONGEST_NAME: usize = 128;

/// The characters of URLs, those of the model's `RedirectUrlType`.
static URLS: Pattern =
    Pattern::new(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", r"^(?:[\p{L}\p{M}\p{S}\p{N}\p{P}]+)$");
/// Schemes to which no browser is sent for a stranger.
const DANGEROUS: [&str; 4] = ["data", "file", "javascript", "vbscript"];

/// The scopes that every application may register for.
const STANDARD: [&str; 4] = [scopes::OPENID, scopes::EMAIL, scopes::PHONE, scopes::PROFILE];

/// What an application says of itself (RFC 7591 section 2). Unknown members are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Metadata {
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    scope: Option<String>,
}

/// What it is told (RFC 7591 section 3.2.1).
#[derive(Clone, Serialize)]
pub struct Registered {
    client_id: String,
    client_id_issued_at: i64,
    client_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    grant_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    post_logout_redirect_uris: Vec<String>,
    redirect_uris: Vec<String>,
    response_types: Vec<&'static str>,
    scope: String,
    token_endpoint_auth_method: &'static str,
}

/// Why it is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterRefused {
    /// The pool has no registration.
    Off,
    /// Only who shows a token may register, and there is none or a wrong one.
    Token,
    /// This kind of registration is closed.
    Closed,
    /// One of the addresses can't be had.
    RedirectUri(String),
    /// Something else can't be had.
    Metadata(String),
    /// There were too many requests, or there are too many clients.
    Limit,
}

fn refuse<T>(text: &str) -> Result<T, RegisterRefused> {
    Err(RegisterRefused::Metadata(text.to_owned()))
}

/// Whether applications can register themselves with a pool.
pub fn is_on(pool: &UserPool) -> bool {
    configuration(pool).is_some()
}

fn configuration(pool: &UserPool) -> Option<&DcrConfigurationType> {
    let configuration = pool.settings.dcr_configuration.as_ref();
    configuration.filter(|found| found.enable_status == Some(StatusType::Enabled))
}

/// Registers an application that says this of itself, and shows this token if any.
pub async fn register(
    ports: &Ports,
    pool: &Arc<UserPool>,
    token: Option<&str>,
    metadata: Metadata,
) -> Ruling<Registered, RegisterRefused> {
    let configuration = granted!(configuration(pool).ok_or(RegisterRefused::Off));
    let grants = match token {
        Some(token) => {
            let shown = access::machine(ports, pool, token, REGISTER_SCOPE).await?;
            granted!(shown.map_err(|_| RegisterRefused::Token));
            configuration.authenticated_grant_types.as_deref()
        }
        None if configuration.open_dcr_enabled == Some(true) => {
            configuration.open_dcr_grant_types.as_deref()
        }
        None => return Ok(Err(RegisterRefused::Token)),
    };
    let grants = grants.filter(|grants| !grants.is_empty());
    let grants = granted!(grants.ok_or(RegisterRefused::Closed));
    // Only who shows a token takes from the rate of the administrators.
    let admitted = match token {
        Some(_) => ports.limits.admit_one(Category::UserPoolClientUpdate).await?,
        None => ports.limits.admit_open_registration(pool.id(), ports.caller.ip),
    };
    granted!(admitted.map_err(|_| RegisterRefused::Limit));
    let wanted = granted!(wanted(metadata, grants, configuration));
    let client = granted!(store(ports, pool, &wanted).await?);
    Ok(Ok(wanted.registered(&client, ports.clock.now())))
}

/// What an application is going to be.
struct Wanted {
    name: String,
    flow: OAuthFlowType,
    /// `none`, or how it shows its secret.
    method: &'static str,
    scopes: Vec<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
}

/// Checks what an application says of itself.
fn wanted(
    metadata: Metadata,
    grants: &[OAuthFlowType],
    configuration: &DcrConfigurationType,
) -> Result<Wanted, RegisterRefused> {
    let flow = flow(metadata.grant_types.as_deref())?;
    if !grants.contains(&flow) {
        return refuse("The grant types are not allowed.");
    }
    check_response_types(metadata.response_types.as_deref(), flow)?;
    let method = method(metadata.token_endpoint_auth_method.as_deref(), flow)?;
    let scopes = wanted_scopes(metadata.scope.as_deref(), flow, configuration)?;
    let urls = [&metadata.redirect_uris, &metadata.post_logout_redirect_uris];
    if urls.iter().any(|urls| !are_bearable(urls)) {
        return Err(RegisterRefused::RedirectUri("Too many addresses, or too long.".to_owned()));
    }
    if !urls.into_iter().flatten().all(|url| is_followable(url)) {
        let text = "An address has other characters or another scheme than it can have.";
        return Err(RegisterRefused::RedirectUri(text.to_owned()));
    }
    if metadata.redirect_uris.is_empty() && flow == OAuthFlowType::Code {
        return Err(RegisterRefused::RedirectUri("redirect_uris is missing.".to_owned()));
    }
    Ok(Wanted {
        name: name(metadata.client_name)?,
        flow,
        method,
        scopes,
        redirect_uris: metadata.redirect_uris,
        post_logout_redirect_uris: metadata.post_logout_redirect_uris,
    })
}

fn are_bearable(urls: &[String]) -> bool {
    urls.len() <= MOST_URLS && urls.iter().all(|url| !url.is_empty() && url.len() <= LONGEST_URL)
}

/// Whether a browser may be sent there: of the characters that the API takes from administrators, and
/// of no scheme with which strangers could make it run scripts or open files.
fn is_followable(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    URLS.is_match(url) && !DANGEROUS.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// The flow behind grant types. A client is for people or for itself.
fn flow(grant_types: Option<&[String]>) -> Result<OAuthFlowType, RegisterRefused> {
    let types: Vec<&str> = match grant_types {
        None => vec!["authorization_code"],
        Some(types) => types.iter().map(String::as_str).collect(),
    };
    let is_known =
        |name: &&str| ["authorization_code", "refresh_token", "client_credentials"].contains(name);
    let (code, own) =
        (types.contains(&"authorization_code"), types.contains(&"client_credentials"));
    match (code, own) {
        _ if !types.iter().all(is_known) => refuse("A grant type is not supported."),
        (true, false) => Ok(OAuthFlowType::Code),
        (false, true) if types.len() == 1 => Ok(OAuthFlowType::ClientCredentials),
        _ => refuse("The grant types can not be had together."),
    }
}

fn check_response_types(
    response_types: Option<&[String]>,
    flow: OAuthFlowType,
) -> Result<(), RegisterRefused> {
    let fits = response_types.is_none_or(|types| match flow {
        OAuthFlowType::Code => types.iter().all(|name| name == "code") && !types.is_empty(),
        _ => types.is_empty(),
    });
    if fits { Ok(()) } else { refuse("The response types do not fit the grant types.") }
}

/// How the client will prove itself.
fn method(named: Option<&str>, flow: OAuthFlowType) -> Result<&'static str, RegisterRefused> {
    match named {
        None | Some("client_secret_basic") => Ok("client_secret_basic"),
        Some("client_secret_post") => Ok("client_secret_post"),
        Some("none") if flow == OAuthFlowType::Code => Ok("none"),
        Some(_) => refuse("The token endpoint authentication method is not supported."),
    }
}

fn wanted_scopes(
    named: Option<&str>,
    flow: OAuthFlowType,
    configuration: &DcrConfigurationType,
) -> Result<Vec<String>, RegisterRefused> {
    let mut allowed = configuration.allowed_scopes.clone().unwrap_or_default();
    allowed.retain(|scope| scope != REGISTER_SCOPE);
    let is_own = flow == OAuthFlowType::ClientCredentials;
    let Some(named) = named else {
        let standard = STANDARD.map(str::to_owned).to_vec();
        return Ok(if is_own { allowed } else { standard });
    };
    let scopes: Vec<String> =
        named.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let is_standard = |scope: &String| !is_own && STANDARD.contains(&scope.as_str());
    let are_allowed = scopes.iter().all(|scope| is_standard(scope) || allowed.contains(scope));
    if scopes.is_empty() || scopes.len() > MOST_SCOPES || !are_allowed {
        return refuse("The scope is not allowed.");
    }
    Ok(scopes)
}

/// A name of the characters that names of clients have.
fn name(named: Option<String>) -> Result<String, RegisterRefused> {
    let Some(name) = named else { return Ok("Registered application".to_owned()) };
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "_ +=,.@-".contains(c);
    let is_good = !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_fit);
    if is_good { Ok(name) } else { refuse("The client name has other characters or is too long.") }
}

/// Makes the app client.
async fn store(
    ports: &Ports,
    pool: &UserPool,
    wanted: &Wanted,
) -> Ruling<AppClient, RegisterRefused> {
    let mut tx = ports.store.write().await?;
    let request = wanted.request(pool.id());
    let (scopes, providers) =
        (&request.allowed_oauth_scopes, &request.supported_identity_providers);
    let (scopes, providers) = (scopes.as_deref(), providers.as_deref());
    let around = Surroundings::of(&mut *tx, pool, &ports.identity, scopes, providers).await?;
    let client = settings::create(request, &around, &*ports.entropy, ports.clock.now());
    let mut client = granted!(client.map_err(|refused| refusal(&refused)));
    client.settings.client_type = Some(ClientTypeType::Dcr);
    if tx.has_app_clients(pool.id(), ports.limits.settings().app_clients_per_pool).await? {
        return Ok(Err(RegisterRefused::Limit));
    }
    tx.insert_app_client(&client).await?;
    tx.commit().await?;
    Ok(Ok(client))
}

/// What is wrong with the client, in the words that administrators hear.
fn refusal(refused: &ClientRefused) -> RegisterRefused {
    let text = refused.to_string();
    match refused {
        ClientRefused::HttpUrl(_)
        | ClientRefused::UrlFragment(_)
        | ClientRefused::RelativeUrl(_)
        | ClientRefused::NoCallback => RegisterRefused::RedirectUri(text),
        _ => RegisterRefused::Metadata(text),
    }
}

impl Wanted {
    const fn is_for_people(&self) -> bool {
        matches!(self.flow, OAuthFlowType::Code)
    }

    /// The client as an administrator would make it.
    fn request(&self, user_pool_id: &str) -> CreateUserPoolClientRequest {
        let providers = self.is_for_people().then(|| vec![super::authorize::COGNITO.to_owned()]);
        CreateUserPoolClientRequest {
            user_pool_id: user_pool_id.to_owned(),
            client_name: self.name.clone(),
            generate_secret: Some(self.method != "none"),
            explicit_auth_flows: Some(vec![ExplicitAuthFlowsType::AllowRefreshTokenAuth]),
            supported_identity_providers: providers,
            callback_urls: Some(self.redirect_uris.clone()).filter(|urls| !urls.is_empty()),
            logout_urls: Some(self.post_logout_redirect_uris.clone())
                .filter(|urls| !urls.is_empty()),
            allowed_oauth_flows: Some(vec![self.flow]),
            allowed_oauth_scopes: Some(self.scopes.clone()),
            allowed_oauth_flows_user_pool_client: Some(true),
            ..CreateUserPoolClientRequest::default()
        }
    }

    fn registered(self, client: &AppClient, now: Timestamp) -> Registered {
        let secret = client.secrets.first();
        let grant_types = if self.is_for_people() {
            vec!["authorization_code", "refresh_token"]
        } else {
            vec!["client_credentials"]
        };
        Registered {
            client_id: client.id().to_owned(),
            client_id_issued_at: now.seconds(),
            client_secret: secret.map(|secret| secret.value.clone()),
            // It does not expire.
            client_secret_expires_at: secret.map(|_| 0),
            response_types: if self.is_for_people() { vec!["code"] } else { Vec::new() },
            grant_types,
            client_name: self.name,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            redirect_uris: self.redirect_uris,
            scope: self.scopes.join(" "),
            token_endpoint_auth_method: self.method,
        }
    }
}
