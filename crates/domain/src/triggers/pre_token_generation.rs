//! `PreTokenGeneration`: a function that says what tokens tell beyond, or instead of, what they would.
//!
//! The first version of its event is about ID tokens; the second also about access tokens and their
//! scopes; the third is also asked for tokens of app clients themselves. Groups change in both tokens,
//! whatever the version. What is made of the answer is in `tokens/customize.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::{
    Trigger, TriggerFailed,
    call::{Call, Client},
    user_attributes,
};
use crate::{
    fault::Ruling, granted, ports::Ports, shapes::PreTokenGenerationLambdaVersionType as Version,
    tokens::claims::Membership, user_pools::UserPool, users::User,
};

/// Why tokens are made: the end of the `triggerSource`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A sign-in at the pages of a domain.
    HostedAuth,
    /// A sign-in through the API.
    #[default]
    Authentication,
    /// The answer to `NEW_PASSWORD_REQUIRED` ends a sign-in.
    NewPasswordChallenge,
    /// The proof of a device ends a sign-in.
    AuthenticateDevice,
    /// Tokens for a refresh token. That it is also this for `GetTokensFromRefreshToken`, and for
    /// tokens that are exchanged for others, is a belief.
    RefreshTokens,
}

impl Source {
    const fn text(self) -> &'static str {
        match self {
            Self::HostedAuth => "TokenGeneration_HostedAuth",
            Self::Authentication => "TokenGeneration_Authentication",
            Self::NewPasswordChallenge => "TokenGeneration_NewPasswordChallenge",
            Self::AuthenticateDevice => "TokenGeneration_AuthenticateDevice",
            Self::RefreshTokens => "TokenGeneration_RefreshTokens",
        }
    }
}

/// What a function wants tokens to say. By default nothing else than they would.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Customization {
    /// Of ID tokens.
    pub id: Changes,
    /// Of access tokens.
    pub access: Changes,
    /// Scopes that access tokens get.
    pub scopes_to_add: Vec<String>,
    /// Scopes that they lose.
    pub scopes_to_suppress: BTreeSet<String>,
    /// The groups that are shown instead of the user's.
    pub groups: Option<Membership>,
}

/// Changes of a token's claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Claims that are added, or replaced.
    pub add: BTreeMap<String, Value>,
    /// Claims that are left out.
    pub suppress: BTreeSet<String>,
}

/// Whose tokens are about to be made.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The app client.
    pub client_id: &'a str,
    /// The user.
    pub user: &'a User,
    /// The user's groups.
    pub membership: &'a Membership,
    /// The scopes of the access token, separated by spaces.
    pub scope: &'a str,
    /// Why.
    pub source: Source,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    user_attributes: BTreeMap<String, String>,
    group_configuration: Option<GroupConfiguration<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupConfiguration<'a> {
    groups_to_override: &'a [String],
    iam_roles_to_override: &'a [String],
    preferred_role: Option<&'a str>,
}

impl<'a> From<&'a Membership> for GroupConfiguration<'a> {
    fn from(membership: &'a Membership) -> Self {
        Self {
            groups_to_override: &membership.groups,
            iam_roles_to_override: &membership.roles,
            preferred_role: membership.preferred_role.as_deref(),
        }
    }
}

/// Asks what the tokens of a user are to say.
pub async fn ask(
    ports: &Ports,
    pool: &UserPool,
    asked: Asked<'_>,
) -> Ruling<Customization, TriggerFailed> {
    let call = Call {
        ports,
        pool,
        trigger: Trigger::PreTokenGeneration,
        source: asked.source.text(),
        client: Client::Id(asked.client_id),
        username: Some(&asked.user.username),
    };
    let version = version(pool);
    let scopes = asked.scope.split(' ').filter(|scope| !scope.is_empty());
    let request = || Request {
        user_attributes: user_attributes(pool, asked.user),
        group_configuration: Some(asked.membership.into()),
        client_metadata: ports.metadata.client.as_ref(),
        scopes: (version != Version::V10).then(|| scopes.collect()),
    };
    customization(call, version, request).await
}

/// Asks what the access token of an app client itself is to say; only the third version is for that.
pub async fn ask_for_client(
    ports: &Ports,
    pool: &UserPool,
    client_id: &str,
    scopes: &[String],
) -> Ruling<Customization, TriggerFailed> {
    let call = Call {
        ports,
        pool,
        trigger: Trigger::PreTokenGeneration,
        source: "TokenGeneration_ClientCredentials",
        client: Client::Id(client_id),
        username: Some("ClientCredentials"),
    };
    if version(pool) != Version::V30 {
        return Ok(Ok(Customization::default()));
    }
    let request = || Request {
        user_attributes: BTreeMap::new(),
        group_configuration: None,
        client_metadata: ports.metadata.client.as_ref(),
        scopes: Some(scopes.iter().map(String::as_str).collect()),
    };
    customization(call, Version::V30, request).await
}

/// The version of the event that the pool's function understands.
fn version(pool: &UserPool) -> Version {
    let config = pool.settings.lambda_config.as_ref();
    let config = config.and_then(|config| config.pre_token_generation_config.as_ref());
    config.map_or(Version::V10, |config| config.lambda_version)
}

async fn customization<'a>(
    call: Call<'_>,
    version: Version,
    request: impl FnOnce() -> Request<'a>,
) -> Ruling<Customization, TriggerFailed> {
    let details: Option<Customization> = match version {
        Version::V10 => {
            let response = json!({ "claimsOverrideDetails": null });
            let answer = granted!(call.ask::<First, _>("1", request, &response).await?);
            answer.and_then(|answer| answer.claims_override_details).map(Into::into)
        }
        Version::V20 | Version::V30 => {
            let number = if version == Version::V20 { "2" } else { "3" };
            let response = json!({ "claimsAndScopeOverrideDetails": null });
            let answer = granted!(call.ask::<Second, _>(number, request, &response).await?);
            answer.and_then(|answer| answer.claims_and_scope_override_details).map(Into::into)
        }
    };
    let customization = details.unwrap_or_default();
    let is_acceptable = customization.is_acceptable();
    Ok(if is_acceptable { Ok(customization) } else { Err(TriggerFailed::unrecognizable()) })
}

/// The answer of a function of the first version.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct First {
    claims_override_details: Option<FirstDetails>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FirstDetails {
    claims_to_add_or_override: Option<BTreeMap<String, String>>,
    claims_to_suppress: Option<BTreeSet<String>>,
    #[serde(deserialize_with = "given")]
    group_override_details: Option<GroupOverride>,
}

/// The answer of a function of the later versions.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Second {
    claims_and_scope_override_details: Option<SecondDetails>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SecondDetails {
    id_token_generation: Option<TokenGeneration>,
    access_token_generation: Option<TokenGeneration>,
    #[serde(deserialize_with = "given")]
    group_override_details: Option<GroupOverride>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TokenGeneration {
    claims_to_add_or_override: Option<BTreeMap<String, Value>>,
    claims_to_suppress: Option<BTreeSet<String>>,
    scopes_to_add: Option<Vec<String>>,
    scopes_to_suppress: Option<BTreeSet<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupOverride {
    groups_to_override: Option<Vec<String>>,
    iam_roles_to_override: Option<Vec<String>>,
    preferred_role: Option<String>,
}

/// Tells a member that is null from one that is absent: without the member the user's groups are
/// shown, with null none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GroupOverride>, D::Error> {
    Ok(Some(Option::<GroupOverride>::deserialize(deserializer)?.unwrap_or_default()))
}

impl From<FirstDetails> for Customization {
    fn from(details: FirstDetails) -> Self {
        let add = details.claims_to_add_or_override.unwrap_or_default();
        let id = Changes {
            add: add.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
            suppress: details.claims_to_suppress.unwrap_or_default(),
        };
        let groups = details.group_override_details.map(membership);
        Self { id, groups, ..Self::default() }
    }
}

impl From<SecondDetails> for Customization {
    fn from(details: SecondDetails) -> Self {
        let access = details.access_token_generation.unwrap_or_default();
        Self {
            id: details.id_token_generation.unwrap_or_default().into(),
            scopes_to_add: access.scopes_to_add.clone().unwrap_or_default(),
            scopes_to_suppress: access.scopes_to_suppress.clone().unwrap_or_default(),
            access: access.into(),
            groups: details.group_override_details.map(membership),
        }
    }
}

impl From<TokenGeneration> for Changes {
    fn from(generation: TokenGeneration) -> Self {
        Self {
            add: generation.claims_to_add_or_override.unwrap_or_default(),
            suppress: generation.claims_to_suppress.unwrap_or_default(),
        }
    }
}

/// The groups to be shown; none where nothing is said of them.
fn membership(groups: GroupOverride) -> Membership {
    Membership {
        groups: groups.groups_to_override.unwrap_or_default(),
        roles: groups.iam_roles_to_override.unwrap_or_default(),
        preferred_role: groups.preferred_role.filter(|role| !role.is_empty()),
    }
}

/// Claims and scopes that a function may add at most.
const MOST_CHANGES: usize = 5_000;

/// Claims of ID tokens whose values can't be lists or objects.
const PLAIN: [&str; 4] = ["address", "email_verified", "phone_number_verified", "updated_at"];

impl Customization {
    /// Whether it keeps to the rules. That one which doesn't fails as a whole, with the text for an
    /// answer of another shape, is a belief.
    fn is_acceptable(&self) -> bool {
        let count = self.id.add.len() + self.access.add.len() + self.scopes_to_add.len();
        let is_plain = |name: &&str| {
            let value = self.id.add.get(*name);
            !value.is_some_and(|value| value.is_array() || value.is_object())
        };
        let is_scope = |scope: &String| !scope.is_empty() && !scope.contains(char::is_whitespace);
        count <= MOST_CHANGES
            && PLAIN.iter().all(is_plain)
            && self.scopes_to_add.iter().all(is_scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(details: Value) -> Customization {
        serde_json::from_value::<SecondDetails>(details).unwrap().into()
    }

    #[test]
    fn groups_stay_without_a_word_and_go_with_an_empty_one() {
        assert_eq!(second(json!({})).groups, None);
        for nothing in [json!(null), json!({}), json!({ "groupsToOverride": null })] {
            let customization = second(json!({ "groupOverrideDetails": nothing }));
            assert_eq!(customization.groups, Some(Membership::default()));
        }
        let details = json!({ "groupOverrideDetails": {
            "groupsToOverride": ["a"], "iamRolesToOverride": ["r"], "preferredRole": "",
        } });
        let shown = Membership {
            groups: vec!["a".to_owned()],
            roles: vec!["r".to_owned()],
            preferred_role: None,
        };
        assert_eq!(second(details).groups, Some(shown));
    }

    #[test]
    fn what_breaks_the_rules_is_told_from_what_keeps_them() {
        let claims = |name: &str, value: Value| {
            second(json!({ "idTokenGeneration": { "claimsToAddOrOverride": { name: value } } }))
        };
        assert!(claims("email_verified", json!(false)).is_acceptable());
        assert!(claims("roles", json!([{ "a": [1] }])).is_acceptable());
        assert!(!claims("email_verified", json!([])).is_acceptable());
        assert!(!claims("address", json!({ "formatted": "x" })).is_acceptable());
        let scopes =
            |scope: &str| second(json!({ "accessTokenGeneration": { "scopesToAdd": [scope] } }));
        assert!(scopes("a/b").is_acceptable());
        assert!(!scopes("a b").is_acceptable());
        assert!(!scopes("").is_acceptable());
        let many = |count: usize| {
            let add: BTreeMap<_, _> = (0..count).map(|i| (format!("c{i}"), i)).collect();
            second(json!({ "accessTokenGeneration": { "claimsToAddOrOverride": add } }))
        };
        assert!(many(5_000).is_acceptable());
        assert!(!many(5_001).is_acceptable());
    }
}
