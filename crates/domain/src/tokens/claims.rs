//! What ID and access tokens say: their claims.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::scopes;
use crate::{
    app_clients::AppClient, auth_levels::Methods, identity_providers::links, ids, time::Timestamp,
    users::User,
};

/// The scope of tokens from a sign-in through the API; the token operations ask for it.
pub const USER_SCOPE: &str = "aws.cognito.signin.user.admin";

/// What is known of a sign-in. Refresh tokens carry it on; it stays the same through all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The pool.
    pub user_pool_id: String,
    /// The app client.
    pub client_id: String,
    /// The user.
    pub sub: String,
    /// Names the sign-in; its tokens are revoked together.
    pub origin_jti: String,
    /// Names the sign-in as an event, and tells when it was ([`crate::ids::timed_uuid`]).
    pub event_id: String,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// The device on which it happened, confirmed or still to be; none where devices aren't tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_key: Option<String>,
    /// What a sign-in at the pages of a domain has beyond one through the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted: Option<Hosted>,
    /// By what the user signed in. Nothing is known of it in sign-ins from before this was kept.
    #[serde(default)]
    pub methods: Methods,
}

/// What tokens of a sign-in at the pages of a domain say beyond others. Stays the same through
/// refreshes: for `nonce` and `version` a belief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosted {
    /// `nonce` of ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// `aud` of access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

impl SignIn {
    /// The moment up to which signing out everywhere ends it. A browser that is still signed in
    /// brings new sign-ins, whose user proved themselves long before.
    pub fn begun_at(&self) -> Timestamp {
        match &self.hosted {
            Some(_) => ids::time_of(&self.event_id).unwrap_or(self.auth_time),
            None => self.auth_time,
        }
    }

    /// Whether there are ID tokens: always for sign-ins through the API.
    pub fn has_id_token(&self) -> bool {
        self.hosted.is_none() || scopes::holds(&self.scope, scopes::OPENID)
    }

    /// Whether ID tokens may show an attribute, as far as scopes go.
    fn shows(&self, attribute: &str) -> bool {
        self.hosted.is_none() || scopes::show(&self.scope, attribute)
    }
}

/// The user's groups, as tokens show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Group names (`cognito:groups`).
    pub groups: Vec<String>,
    /// Role ARNs of the groups (`cognito:roles`).
    pub roles: Vec<String>,
    /// Role of the strongest group (`cognito:preferred_role`).
    pub preferred_role: Option<String>,
}

/// What goes into a pair of tokens.
pub struct Content<'a> {
    /// The user.
    pub user: &'a User,
    /// The app client.
    pub client: &'a AppClient,
    /// The sign-in.
    pub sign_in: &'a SignIn,
    /// The user's groups.
    pub membership: &'a Membership,
    /// `iss`.
    pub issuer: &'a str,
    /// `iat`.
    pub now: Timestamp,
    /// `jti` of each token, for clients whose tokens can be revoked.
    pub token_id: Option<String>,
    /// `acr` and `amr`, where the pool tells them.
    pub level: Option<(String, Vec<&'static str>)>,
}

/// The claims of an ID token.
pub fn id(content: &Content<'_>) -> Value {
    let mut claims = common(content, "id", content.client.id_token_seconds());
    claims.insert("aud".into(), content.client.id().into());
    claims.insert("cognito:username".into(), content.user.username.clone().into());
    if !content.membership.roles.is_empty() {
        claims.insert("cognito:roles".into(), json!(content.membership.roles));
    }
    if let Some(role) = &content.membership.preferred_role {
        claims.insert("cognito:preferred_role".into(), json!(role));
    }
    if let Some(nonce) = content.sign_in.hosted.as_ref().and_then(|hosted| hosted.nonce.as_ref()) {
        claims.insert("nonce".into(), nonce.clone().into());
    }
    let is_shown = |name: &str| content.client.may_read(name) && content.sign_in.shows(name);
    let readable = content.user.attributes.iter().filter(|(name, _)| is_shown(name));
    for (name, value) in readable {
        claims.insert(name.clone(), attribute_claim(name, value));
    }
    // Whatever the client may read: a belief.
    if let Some(identities) = content.user.attribute(links::ATTRIBUTE) {
        claims.insert(links::ATTRIBUTE.into(), links::claim(identities));
    }
    Value::Object(claims)
}

/// The claims of an access token.
pub fn access(content: &Content<'_>) -> Value {
    let mut claims = common(content, "access", content.client.access_token_seconds());
    claims.insert("client_id".into(), content.client.id().into());
    claims.insert("scope".into(), content.sign_in.scope.clone().into());
    claims.insert("username".into(), content.user.username.clone().into());
    if let Some(device_key) = &content.sign_in.device_key {
        claims.insert("device_key".into(), device_key.clone().into());
    }
    if let Some(hosted) = &content.sign_in.hosted {
        claims.insert("version".into(), 2.into());
        claims.extend(hosted.resource.as_ref().map(|aud| ("aud".into(), aud.clone().into())));
    }
    Value::Object(claims)
}

/// Adds `at_hash` to the claims of an ID token: the left half of the access token's SHA-256 (OpenID
/// Connect Core 1.0 section 3.1.3.6).
pub(super) fn bind(id_claims: &mut Value, access_token: &str) {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    if let Some(claims) = id_claims.as_object_mut() {
        claims.insert("at_hash".into(), URL_SAFE_NO_PAD.encode(half).into());
    }
}

/// The claims of an access token of an app client itself. That there is no `origin_jti` and no
/// `event_id` is a belief.
pub fn machine(
    client: &AppClient,
    issuer: &str,
    scope: &str,
    token_id: &str,
    now: Timestamp,
) -> Value {
    json!({
        "sub": client.id(),
        "token_use": "access",
        "scope": scope,
        "auth_time": now.seconds(),
        "iss": issuer,
        "exp": now.seconds() + client.access_token_seconds(),
        "iat": now.seconds(),
        "version": 2,
        "jti": token_id,
        "client_id": client.id(),
    })
}

/// What both tokens say.
fn common(content: &Content<'_>, token_use: &str, lifetime: i64) -> Map<String, Value> {
    let (sign_in, now) = (content.sign_in, content.now.seconds());
    let mut claims = Map::new();
    claims.insert("sub".into(), content.user.sub.clone().into());
    if !content.membership.groups.is_empty() {
        claims.insert("cognito:groups".into(), json!(content.membership.groups));
    }
    claims.insert("iss".into(), content.issuer.into());
    claims.insert("event_id".into(), sign_in.event_id.clone().into());
    claims.insert("token_use".into(), token_use.into());
    claims.insert("auth_time".into(), sign_in.auth_time.seconds().into());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + lifetime).into());
    if let Some((acr, amr)) = &content.level {
        claims.insert("acr".into(), acr.clone().into());
        claims.insert("amr".into(), json!(amr));
    }
    if let Some(token_id) = &content.token_id {
        claims.insert("origin_jti".into(), sign_in.origin_jti.clone().into());
        claims.insert("jti".into(), token_id.clone().into());
    }
    claims
}

/// An attribute as a claim: text, but for the few that OpenID Connect Core section 5.1 types
/// otherwise. Custom attributes are text whatever their type.
fn attribute_claim(name: &str, value: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => json!(value == "true"),
        // Belief: the stored text becomes the `formatted` member.
        "address" => json!({ "formatted": value }),
        "updated_at" => value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number)),
        _ => json!(value),
    }
}

/// The claims of an access token that we read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccessClaims {
    /// The user.
    pub sub: String,
    /// The issuer.
    pub iss: String,
    /// The app client.
    pub client_id: String,
    /// `access`.
    pub token_use: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// The sign-in, with its time.
    pub event_id: String,
    /// The sign-in, if its tokens can be revoked.
    pub origin_jti: Option<String>,
    /// The device of the sign-in, where devices are tracked.
    pub device_key: Option<String>,
    /// Expiry, seconds since the epoch.
    pub exp: i64,
    /// When the user proved who they are, in seconds since the epoch.
    pub auth_time: i64,
    /// By what the user signed in, where that is told.
    #[serde(default)]
    pub amr: Vec<String>,
}
