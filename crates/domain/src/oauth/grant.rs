//! What an application gets for a sign-in at the pages: a code, to be exchanged for tokens, or
//! tokens at once.
//!
//! A code is good for five minutes and for one exchange, by the client that asked for it, with the
//! same redirect URI and with the secret behind its challenge. The store has its keyed hash.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{
    authorize::{Request, ResponseType},
    browser_session::BrowserSession,
};
use crate::{
    app_clients::AppClient,
    auth::Place,
    auth_levels::Methods,
    fault::{Fault, Ruling, retrying},
    granted, ids,
    ports::{Ports, Transaction},
    sealing::Purpose,
    time::Timestamp,
    tokens::{
        claims::{Hosted, SignIn},
        issue::{self, Tokens},
        scopes,
    },
    triggers::{TriggerFailed, pre_token_generation::Source},
    user_pools::UserPool,
    users::User,
};

/// For how many seconds a code is good.
const CODE_SECONDS: i64 = 300;
/// The lengths of verifiers (RFC 7636 section 4.1).
const VERIFIER_LENGTHS: RangeInclusive<usize> = 43..=128;

/// A sign-in at the pages, at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The event that tells of it ([`ids::timed_uuid`]); none makes a new one.
    pub event_id: Option<String>,
    /// The browser session that it began or came through.
    pub session_id: Option<String>,
    /// By what the user signed in.
    pub methods: Methods,
    /// When that ends by itself.
    pub session_ends_at: Option<Timestamp>,
}

impl SignedIn {
    /// A sign-in by a browser session, new or resumed.
    pub fn through(session: &BrowserSession) -> Self {
        let session_id = Some(session.id.clone());
        let session_ends_at = Some(session.expires_at);
        Self {
            auth_time: session.auth_time,
            event_id: None,
            session_id,
            session_ends_at,
            methods: session.methods,
        }
    }
}

/// A code as it is stored: never the code itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// Keyed hash of the code, in hexadecimal digits.
    pub hash: String,
    /// The pool.
    pub user_pool_id: String,
    /// The user.
    pub sub: String,
    /// What it is exchanged for.
    pub grant: Grant,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a code is exchanged for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The sign-in that the tokens will be of.
    pub sign_in: SignIn,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// Whether the request named that; then the exchange has to.
    pub names_redirect_uri: bool,
    /// The SHA-256 of the secret that the exchange has to show.
    pub code_challenge: Option<String>,
    /// The browser session through which the sign-in came.
    pub session_id: Option<String>,
    /// When that session ends by itself. A code outlives that, but not that the session is ended.
    #[serde(default)]
    pub session_ends_at: Option<Timestamp>,
}

/// Storage of authorization codes.
#[async_trait]
pub trait AuthorizationCodes: Send {
    /// Stores a new code.
    async fn insert_authorization_code(&mut self, code: &StoredCode) -> Result<(), Fault>;

    /// The code with this hash, expired or not.
    async fn authorization_code(&mut self, hash: &str) -> Result<Option<StoredCode>, Fault>;

    /// Uses a code up; answers whether it was there. Of several who try, one gets `true`.
    async fn take_authorization_code(&mut self, hash: &str) -> Result<bool, Fault>;
}

/// Grants what an application asked for to a user who has signed in. Answers the URL, at the
/// application, to which the browser is to be sent.
///
/// That the user may sign in, and that nothing more has to be asked of them, is for the caller to
/// know.
pub async fn issue(
    place: Place<'_>,
    request: &Request,
    user: &User,
    signed_in: &SignedIn,
) -> Ruling<String, TriggerFailed> {
    let sign_in = sign_in(place, request, user, signed_in);
    match request.response_type {
        ResponseType::Code => {
            let code = code(place.ports, request, sign_in, signed_in).await?;
            Ok(Ok(request.reply_to.url(&[("code", &code)])))
        }
        ResponseType::Token => {
            let now = place.ports.clock.now();
            let Place { ports, client, .. } = place;
            let tokens = issue::sign(ports, client, user, &sign_in, Source::HostedAuth, now);
            Ok(Ok(implicit(request, &granted!(tokens.await?))))
        }
    }
}

/// What tokens will say of a sign-in.
fn sign_in(place: Place<'_>, request: &Request, user: &User, signed_in: &SignedIn) -> SignIn {
    let entropy = &*place.ports.entropy;
    let event_id = signed_in.event_id.clone();
    SignIn {
        user_pool_id: place.pool.id().to_owned(),
        client_id: place.client.id().to_owned(),
        sub: user.sub.clone(),
        origin_jti: ids::random_uuid(entropy),
        event_id: event_id.unwrap_or_else(|| ids::timed_uuid(entropy, place.ports.clock.now())),
        auth_time: signed_in.auth_time,
        scope: request.scopes.join(" "),
        device_key: None,
        methods: signed_in.methods,
        hosted: Some(Hosted { nonce: request.nonce.clone(), resource: request.resource.clone() }),
    }
}

/// A new code.
async fn code(
    ports: &Ports,
    request: &Request,
    sign_in: SignIn,
    signed_in: &SignedIn,
) -> Result<String, Fault> {
    let code = ids::random_uuid(&*ports.entropy);
    let stored = StoredCode {
        hash: hash(ports, &code),
        user_pool_id: sign_in.user_pool_id.clone(),
        sub: sign_in.sub.clone(),
        grant: Grant {
            sign_in,
            redirect_uri: request.reply_to.redirect_uri.clone(),
            names_redirect_uri: request.names_redirect_uri,
            code_challenge: request.code_challenge.clone(),
            session_id: signed_in.session_id.clone(),
            session_ends_at: signed_in.session_ends_at,
        },
        expires_at: ports.clock.now().plus_seconds(CODE_SECONDS),
    };
    let insert = || async {
        let mut tx = ports.store.write_once().await?;
        tx.insert_authorization_code(&stored).await
    };
    retrying(insert).await?;
    Ok(code)
}

/// Under what a code is stored. The same for as long as it lives, also while keys change.
fn hash(ports: &Ports, code: &str) -> String {
    hex::encode(ports.keyring.stable_mac(Purpose::AuthorizationCode, code.as_bytes()))
}

/// The answer of the implicit grant.
fn implicit(request: &Request, tokens: &Tokens) -> String {
    let expires_in = tokens.expires_in.to_string();
    let id = tokens.id.as_deref().map(|token| ("id_token", token));
    let others = [
        ("access_token", tokens.access.as_str()),
        ("expires_in", &expires_in),
        ("token_type", "Bearer"),
    ];
    let values: Vec<_> = id.into_iter().chain(others).collect();
    request.reply_to.url(&values)
}

/// What an exchange shows beside the client's own proof.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The code.
    pub code: &'a str,
    /// The redirect URI of the request, if the exchange names one.
    pub redirect_uri: Option<&'a str>,
    /// The secret behind the challenge.
    pub code_verifier: Option<&'a str>,
}

/// Why a code is not exchanged. It stays good for whoever shows the right things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeRefused {
    /// Unknown, used, expired, of another client; or its user may no longer sign in.
    Invalid,
    /// The redirect URI was named when the code was asked for, and isn't now.
    RedirectUriMissing,
    /// It is another one.
    RedirectUriMismatch,
    /// The secret is wrong, missing, or nobody asked for one.
    Verifier,
    /// The client may read an address, but not whether it is verified, and asked for both.
    Unreadable,
    /// The function that customizes tokens failed. The code is used up.
    Trigger(TriggerFailed),
}

/// Exchanges a code for tokens, for an app client that has proved itself.
pub async fn redeem(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    shown: Shown<'_>,
) -> Ruling<Tokens, CodeRefused> {
    let hash = hash(ports, shown.code);
    let mut view = ports.store.read().await?;
    let stored = view.authorization_code(&hash).await?;
    let stored = granted!(stored.ok_or(CodeRefused::Invalid));
    let grant = granted!(check(client, &stored, shown, ports.clock.now()));
    let user = view.user_by_sub(pool.id(), &stored.sub).await?;
    let begun_at = grant.sign_in.begun_at();
    let may_sign_in =
        |user: &User| user.enabled && user.signed_out_at.is_none_or(|at| begun_at > at);
    let user = granted!(user.filter(may_sign_in).ok_or(CodeRefused::Invalid));
    if was_ended(&mut *view, grant, &user, ports.clock.now()).await? {
        return Ok(Err(CodeRefused::Invalid));
    }
    drop(view);
    if !retrying(|| take(ports, &hash)).await? {
        return Ok(Err(CodeRefused::Invalid));
    }
    let parent = grant.session_id.as_deref();
    let source = Source::HostedAuth;
    let tokens =
        issue::for_grant(ports, pool, client, &user, &grant.sign_in, source, parent).await?;
    Ok(tokens.map_err(CodeRefused::Trigger))
}

/// Whether somebody has ended the browser session through which the sign-in came.
async fn was_ended(
    view: &mut dyn Transaction,
    grant: &Grant,
    user: &User,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(id) = &grant.session_id else { return Ok(false) };
    if grant.session_ends_at.is_none_or(|ends_at| now >= ends_at) {
        return Ok(false);
    }
    let sessions = view.user_sessions(&user.user_pool_id, &user.sub).await?;
    Ok(!sessions.iter().any(|session| session.id == *id))
}

/// Whether this client may exchange the code for what it shows.
fn check<'a>(
    client: &AppClient,
    stored: &'a StoredCode,
    shown: Shown<'_>,
    now: Timestamp,
) -> Result<&'a Grant, CodeRefused> {
    let grant = &stored.grant;
    if grant.sign_in.client_id != client.id() || now >= stored.expires_at {
        return Err(CodeRefused::Invalid);
    }
    match shown.redirect_uri {
        None if grant.names_redirect_uri => return Err(CodeRefused::RedirectUriMissing),
        Some(uri) if uri != grant.redirect_uri => return Err(CodeRefused::RedirectUriMismatch),
        _ => {}
    }
    if !is_verified(grant.code_challenge.as_deref(), shown.code_verifier) {
        return Err(CodeRefused::Verifier);
    }
    if is_half_readable(client, &grant.sign_in.scope) {
        return Err(CodeRefused::Unreadable);
    }
    Ok(grant)
}

/// Whether the verifier is the secret behind the challenge (RFC 7636 section 4.6). A verifier that
/// nobody asked for is refused: somebody has taken the challenge out of the request (RFC 9700
/// section 4.8.2).
fn is_verified(challenge: Option<&str>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) if is_verifier(verifier) => {
            let hashed = digest::digest(&digest::SHA256, verifier.as_bytes());
            let hashed = URL_SAFE_NO_PAD.encode(hashed);
            hashed.as_bytes().ct_eq(challenge.as_bytes()).into()
        }
        _ => false,
    }
}

/// Whether a text has the form of a verifier. The service isn't known to look; a shorter one could be
/// guessed by whoever has seen its challenge (RFC 7636 section 7.1).
fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    VERIFIER_LENGTHS.contains(&text.len()) && text.bytes().all(is_unreserved)
}

/// Whether a scope asks for an attribute of which the client may read only a half. (For telephone
/// numbers a belief.)
fn is_half_readable(client: &AppClient, scope: &str) -> bool {
    let is_half = |name: &str, verified: &str| client.may_read(name) && !client.may_read(verified);
    (scopes::holds(scope, scopes::EMAIL) && is_half("email", "email_verified"))
        || (scopes::holds(scope, scopes::PHONE) && is_half("phone_number", "phone_number_verified"))
}

async fn take(ports: &Ports, hash: &str) -> Result<bool, Fault> {
    ports.store.write_once().await?.take_authorization_code(hash).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_that_of_the_challenge() {
        // RFC 7636 appendix B.
        let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verified(challenge, Some(verifier)));
        assert!(is_verified(None, None));
        assert!(!is_verified(challenge, None));
        assert!(!is_verified(None, Some(verifier)));
        assert!(!is_verified(challenge, Some(&verifier.to_lowercase())));
        assert!(!is_verified(challenge, challenge), "plain is not S256");
    }

    #[test]
    fn a_verifier_that_could_be_guessed_is_none() {
        let verified = |verifier: &str| {
            let hashed = digest::digest(&digest::SHA256, verifier.as_bytes());
            is_verified(Some(&URL_SAFE_NO_PAD.encode(hashed)), Some(verifier))
        };
        for good in ["a".repeat(43), "a".repeat(128), format!("-._~{}", "Z".repeat(39))] {
            assert!(verified(&good), "{good}");
        }
        for bad in [String::new(), "a".repeat(42), "a".repeat(129), format!("+{}", "a".repeat(43))]
        {
            assert!(!verified(&bad), "{bad}");
        }
    }
}
