//! Exchanging a token for another one: narrower, for one service, in the name of the same user
//! (RFC 8693).
//!
//! A service that got a user's token shows it as the *subject*. Alone, it gets a token as if the user
//! had come themselves (impersonation); with a token of its own, the *actor*, it gets one that names
//! it in `act` (delegation).
//!
//! What isn't documented is settled on the safe side, and is a belief: a derived token ends no later
//! than its subject token, so that exchanges can't prolong access; it belongs to the same sign-in, so
//! that revocation reaches it; an `act` that the subject token has stays.

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::{self, TokenRefused},
    claims::{self, Content, SignIn},
    customize, issue, issuer, scopes as user_scopes,
};
use crate::{
    app_clients::AppClient,
    auth_levels::{self, Methods},
    fault::{Fault, Ruling},
    granted,
    identity_providers::links,
    ids,
    ports::{Ports, compute},
    resource_servers,
    shapes::{
        ExplicitAuthFlowsType as Flow, IssuedTokenTypeIdentifierType as Wanted,
        TokenTypeIdentifierType as Kind,
    },
    time::Timestamp,
    triggers::{TriggerFailed, pre_token_generation::Source},
    user_pools::UserPool,
    users::User,
};

/// A token that is shown.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// Its text.
    pub token: &'a str,
    /// What it is said to be.
    pub kind: Kind,
    /// The identity provider that issued it; none for the pool's own tokens.
    pub provider: Option<&'a str>,
}

/// Where the new token is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A service, by any name.
    Audience(&'a str),
    /// A resource server of the pool, by its identifier.
    Resource(&'a str),
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// Whose token it is to be.
    pub subject: Shown<'a>,
    /// Who acts for them, if that is to be told.
    pub actor: Option<Shown<'a>>,
    /// Scopes; none stands for those of the subject token.
    pub scopes: &'a [String],
    /// Where it is to be used, if that is to be told.
    pub target: Option<Target<'a>>,
    /// The kind of token.
    pub wanted: Wanted,
}

/// A derived token.
#[derive(Clone)]
pub struct Derived {
    /// The token.
    pub token: String,
    /// Its kind.
    pub kind: Wanted,
    /// Its lifetime in seconds.
    pub expires_in: i64,
    /// The scopes in it; none in ID tokens.
    pub scopes: Vec<String>,
}

/// Which of the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The subject's.
    Subject,
    /// The actor's.
    Actor,
}

/// Why there is no derived token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeRefused {
    /// The client's settings don't allow this kind of exchange.
    FlowNotEnabled(Flow),
    /// An assertion that doesn't say who made it.
    NoProvider(Party),
    /// The pool has no identity provider of this name.
    UnknownProvider(String),
    /// A token is not accepted.
    Token(Party, TokenRefused),
    /// The pool has no resource server of this identifier.
    UnknownResource(String),
    /// None of the requested scopes can be granted.
    NothingGranted,
    /// The function that customizes tokens stands in the way.
    Trigger(TriggerFailed),
}

impl From<TriggerFailed> for ExchangeRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
}

/// Exchanges a token, for an app client whose secret has been checked.
pub async fn exchange(
    ports: &Ports,
    pool: &Arc<UserPool>,
    client: &AppClient,
    asked: Exchange<'_>,
) -> Ruling<Derived, ExchangeRefused> {
    let flow = match asked.actor {
        Some(_) => Flow::AllowTokenExchangeDelegation,
        None => Flow::AllowTokenExchangeImpersonation,
    };
    if !client.lists_flow(&[flow]) {
        return Ok(Err(ExchangeRefused::FlowNotEnabled(flow)));
    }
    let now = ports.clock.now();
    let subject = granted!(holder(ports, pool, asked.subject, Party::Subject, now).await?);
    // A machine's token stands for nobody on whose behalf something could be done. (A belief.)
    let Some(user) = &subject.user else {
        return Ok(Err(ExchangeRefused::Token(Party::Subject, TokenRefused::Invalid)));
    };
    let actor = match asked.actor {
        Some(actor) => Some(granted!(holder(ports, pool, actor, Party::Actor, now).await?)),
        None => None,
    };
    granted!(check_target(ports, pool, asked.target).await?);
    let seen = granted!(seen(user, &subject, asked));
    let scopes = granted!(scopes(ports, client, &subject.claims, asked).await?);
    let act = act(&subject.claims, actor.as_ref());
    let holder = (user, seen.as_ref(), &subject.claims);
    let signed = sign(ports, client, holder, asked, &scopes, act).await?;
    Ok(signed.map_err(Into::into))
}

/// What is read of a token that is shown.
#[derive(Clone, Debug, Deserialize)]
struct ShownClaims {
    sub: String,
    /// The app client, in access tokens.
    client_id: Option<String>,
    /// The app client, in ID tokens.
    aud: Option<String>,
    scope: Option<String>,
    event_id: Option<String>,
    origin_jti: Option<String>,
    auth_time: i64,
    exp: i64,
    act: Option<Value>,
    #[serde(default)]
    amr: Vec<String>,
    /// All the others, such as a user's attributes.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Whom a token stands for.
struct Holder {
    claims: ShownClaims,
    /// To whom it was issued.
    client: Arc<AppClient>,
    /// None if it is an app client.
    user: Option<User>,
}

/// Whom a token that is shown stands for, if it is still good.
async fn holder(
    ports: &Ports,
    pool: &Arc<UserPool>,
    shown: Shown<'_>,
    party: Party,
    now: Timestamp,
) -> Ruling<Holder, ExchangeRefused> {
    if let Some(provider) = shown.provider {
        return Ok(Err(ExchangeRefused::UnknownProvider(provider.to_owned())));
    }
    let token_use = match shown.kind {
        Kind::AccessToken => "access",
        Kind::IdToken => "id",
        Kind::Saml2 => return Ok(Err(ExchangeRefused::NoProvider(party))),
    };
    let refused = |refused| ExchangeRefused::Token(party, refused);
    let found = access::verified::<ShownClaims>(ports, shown.token, token_use).await?;
    let Some((claims, _)) = found.filter(|(_, issuer)| issuer.id() == pool.id()) else {
        return Ok(Err(refused(TokenRefused::Invalid)));
    };
    let issued_to = if token_use == "id" { &claims.aud } else { &claims.client_id };
    let issued_to = issued_to.as_deref().unwrap_or_default();
    let Some(client) = access::issued_to(ports, issued_to, pool).await? else {
        return Ok(Err(refused(TokenRefused::Invalid)));
    };
    if claims.exp <= now.seconds() {
        return Ok(Err(refused(TokenRefused::Expired)));
    }
    if claims.sub == issued_to {
        return Ok(Ok(Holder { claims, client, user: None }));
    }
    let event_id = claims.event_id.as_deref().unwrap_or_default();
    let origin = claims.origin_jti.as_deref();
    let living = access::living_user(ports, pool, &claims.sub, origin, event_id).await?;
    Ok(living.map_err(refused).map(|user| Holder { claims, client, user: Some(user) }))
}

/// A resource server must exist; an audience can be any service.
async fn check_target(
    ports: &Ports,
    pool: &UserPool,
    target: Option<Target<'_>>,
) -> Ruling<(), ExchangeRefused> {
    let Some(Target::Resource(identifier)) = target else { return Ok(Ok(())) };
    let found = ports.store.read().await?.resource_server(pool.id(), identifier).await?;
    let missing = || ExchangeRefused::UnknownResource(identifier.to_owned());
    Ok(found.map(drop).ok_or_else(missing))
}

/// The scopes of the new token: of those requested, what both the subject token has and the client
/// is allowed; if none are requested, those of the subject token. An ID token has none to hand on,
/// and gets none.
async fn scopes(
    ports: &Ports,
    client: &AppClient,
    subject: &ShownClaims,
    asked: Exchange<'_>,
) -> Ruling<Vec<String>, ExchangeRefused> {
    if asked.wanted == Wanted::IdToken {
        return Ok(Ok(Vec::new()));
    }
    let held = subject.scope.iter().flat_map(|scope| scope.split(' '));
    let held: Vec<&str> = held.filter(|scope| !scope.is_empty()).collect();
    if asked.scopes.is_empty() {
        return Ok(Ok(held.into_iter().map(str::to_owned).collect()));
    }
    let allowed = client.settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    let living = living(ports, client, allowed).await?;
    let mut granted: Vec<String> = Vec::new();
    for scope in asked.scopes {
        let may_have = held.contains(&scope.as_str()) && living.contains(scope);
        if may_have && !granted.contains(scope) {
            granted.push(scope.clone());
        }
    }
    Ok(if granted.is_empty() { Err(ExchangeRefused::NothingGranted) } else { Ok(granted) })
}

/// The user as an ID token may show them, besides what its client may read: no more of them than the
/// subject token opens. An ID token opens what it shows. An access token opens what its client may
/// read: all of that through the API, what its scopes let be seen at the userInfo endpoint, and nothing
/// without a scope for either. (A belief.)
fn seen(
    user: &User,
    subject: &Holder,
    asked: Exchange<'_>,
) -> Result<Option<User>, ExchangeRefused> {
    if asked.wanted != Wanted::IdToken {
        return Ok(None);
    }
    let scope = subject.claims.scope.as_deref().unwrap_or_default();
    let is_access = asked.subject.kind == Kind::AccessToken;
    let opens_api = user_scopes::holds(scope, claims::USER_SCOPE);
    if is_access && !opens_api && !user_scopes::holds(scope, user_scopes::OPENID) {
        return Err(ExchangeRefused::NothingGranted);
    }
    let is_open = |name: &str| {
        let by_scope = opens_api || user_scopes::show(scope, name);
        // Links are shown whatever the client may read.
        by_scope && (name == links::ATTRIBUTE || subject.client.may_read(name))
    };
    let is_told = |name: &str| name == "sub" || subject.claims.others.contains_key(name);
    let mut seen = user.clone();
    seen.attributes.retain(|name, _| if is_access { is_open(name) } else { is_told(name) });
    Ok(Some(seen))
}

/// Those of a client's scopes that exist now: the standard ones, and what resource servers define.
async fn living(
    ports: &Ports,
    client: &AppClient,
    allowed: &[String],
) -> Result<BTreeSet<String>, Fault> {
    let mut view = ports.store.read().await?;
    let mut living = resource_servers::defined(&mut *view, client.user_pool_id(), allowed).await?;
    living.extend(allowed.iter().filter(|scope| !scope.contains('/')).cloned());
    Ok(living)
}

/// The `act` claim (RFC 8693 section 4.1): the actor, and within it who acted before.
fn act(subject: &ShownClaims, actor: Option<&Holder>) -> Option<Value> {
    let Some(actor) = actor else { return subject.act.clone() };
    let mut act = Map::from_iter([("sub".to_owned(), json!(actor.claims.sub))]);
    act.extend(subject.act.clone().map(|before| ("act".to_owned(), before)));
    Some(Value::Object(act))
}

/// Signs the new token, which shows the user as `seen` if that is there.
async fn sign(
    ports: &Ports,
    client: &AppClient,
    (user, seen, subject): (&User, Option<&User>, &ShownClaims),
    asked: Exchange<'_>,
    scopes: &[String],
    act: Option<Value>,
) -> Ruling<Derived, TriggerFailed> {
    let now = ports.clock.now();
    let sign_in = SignIn {
        user_pool_id: client.user_pool_id().to_owned(),
        client_id: client.id().to_owned(),
        sub: user.sub.clone(),
        origin_jti: subject.origin_jti.clone().unwrap_or_default(),
        event_id: subject.event_id.clone().unwrap_or_default(),
        auth_time: Timestamp::from_seconds(subject.auth_time),
        scope: scopes.join(" "),
        // The service that gets this token is not on the user's device.
        device_key: None,
        hosted: None,
        methods: Methods::of_amr(&subject.amr),
    };
    // Belief: what the model lists for the operation tells that a function is asked, but not how.
    let told = granted!(issue::tell(ports, user, &sign_in, Source::RefreshTokens).await?);
    let pool = ports.directory.user_pool(&sign_in.user_pool_id).await?;
    let content = Content {
        user: seen.unwrap_or(user),
        client,
        sign_in: &told.sign_in,
        membership: &told.membership,
        issuer: &issuer::of_id(ports, client.user_pool_id()).await?,
        now,
        token_id: subject.origin_jti.is_some().then(|| ids::random_uuid(&*ports.entropy)),
        level: pool.and_then(|pool| auth_levels::claims(&pool, sign_in.methods)),
    };
    let (mut claims, lifetime) = match asked.wanted {
        Wanted::AccessToken => (claims::access(&content), client.access_token_seconds()),
        Wanted::IdToken => (claims::id(&content), client.id_token_seconds()),
    };
    match asked.wanted {
        Wanted::AccessToken => customize::access(&mut claims, &told.customization, client.id()),
        Wanted::IdToken => customize::id(&mut claims, &told.customization),
    }
    let expires_in = lifetime.min(subject.exp - now.seconds());
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("exp".to_owned(), json!(now.seconds() + expires_in));
        let target = asked.target.map(|target| match target {
            Target::Audience(name) | Target::Resource(name) => json!(name),
        });
        claims.extend(target.map(|target| ("aud".to_owned(), target)));
        claims.extend(act.map(|act| ("act".to_owned(), act)));
    }
    let (claims, wanted) = (claims.to_string(), asked.wanted);
    let keys = ports.directory.key_pairs(client.user_pool_id()).await?;
    let token = compute(&*ports.workers, move || match wanted {
        Wanted::AccessToken => keys.access.sign(&claims),
        Wanted::IdToken => keys.id.sign(&claims),
    })
    .await??;
    let scopes = told.sign_in.scope.split(' ').filter(|scope| !scope.is_empty());
    let scopes = scopes.map(str::to_owned).collect();
    Ok(Ok(Derived { token, kind: wanted, expires_in, scopes }))
}
