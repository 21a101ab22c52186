//! What a policy can ask about a request.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use crate::time::Timestamp;

/// How a request came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The address that it came from; none if that is not known.
    pub source: Option<IpAddr>,
    /// Whether nobody could read it on its way.
    pub is_secure: bool,
}

/// A request as policies see it.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// `cognito-idp:` or `kms:`, and the name of the operation.
    pub action: &'a str,
    /// The ARN of the user pool or key, or `*` for operations that are about none.
    pub resource: &'a str,
    /// The ARN of the user who signed: `arn:aws:iam::<account>:user/<name of the key>`.
    pub user_arn: &'a str,
    /// The name of the key.
    pub username: &'a str,
    /// The account.
    pub account_id: &'a str,
    /// The region that the signature names.
    pub region: &'a str,
    /// When.
    pub now: Timestamp,
    /// How.
    pub circumstances: Circumstances,
    /// Tags that the request brings.
    pub request_tags: Option<&'a BTreeMap<String, String>>,
    /// Keys of tags that the request takes away.
    pub tag_keys: Option<&'a [String]>,
    /// Tags that the user pool has.
    pub resource_tags: Option<&'a BTreeMap<String, String>>,
    /// What a wrapped key is bound to, for requests to the key service.
    pub encryption_context: Option<&'a BTreeMap<String, String>>,
}

/// A condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `aws:RequestTag/…`.
    RequestTag(String),
    /// `aws:ResourceTag/…`.
    ResourceTag(String),
    /// `kms:EncryptionContext:…`.
    EncryptionContext(String),
    /// `aws:TagKeys`: the only one with several values.
    TagKeys,
    SourceIp,
    CurrentTime,
    SecureTransport,
    PrincipalArn,
    PrincipalAccount,
    PrincipalType,
    Username,
    RequestedRegion,
}

impl Key {
    /// The key of this name. Names don't differ by case, keys of tags in them included.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        if let Some((kind, tag)) = name.split_once('/') {
            return match kind {
                _ if tag.is_empty() => None,
                "aws:requesttag" => Some(Self::RequestTag(tag.to_owned())),
                "aws:resourcetag" => Some(Self::ResourceTag(tag.to_owned())),
                _ => None,
            };
        }
        if let Some(name) = name.strip_prefix("kms:encryptioncontext:") {
            return (!name.is_empty()).then(|| Self::EncryptionContext(name.to_owned()));
        }
        Some(match name.as_str() {
            "aws:tagkeys" => Self::TagKeys,
            "aws:sourceip" => Self::SourceIp,
            "aws:currenttime" => Self::CurrentTime,
            "aws:securetransport" => Self::SecureTransport,
            "aws:principalarn" => Self::PrincipalArn,
            "aws:principalaccount" => Self::PrincipalAccount,
            "aws:principaltype" => Self::PrincipalType,
            "aws:username" => Self::Username,
            "aws:requestedregion" => Self::RequestedRegion,
            _ => return None,
        })
    }

    /// Whether every request has one value for it that tells who asks and where.
    pub(super) const fn is_always_there(&self) -> bool {
        matches!(
            self,
            Self::Username | Self::PrincipalArn | Self::PrincipalAccount | Self::RequestedRegion
        )
    }
}

impl AccessRequest<'_> {
    /// The values of a key; none at all if the request does not have it.
    pub(super) fn values(&self, key: &Key) -> Vec<Cow<'_, str>> {
        let one = |value| vec![Cow::Borrowed(value)];
        match key {
            Key::RequestTag(tag) => tagged(self.request_tags, tag),
            Key::ResourceTag(tag) => tagged(self.resource_tags, tag),
            Key::EncryptionContext(name) => tagged(self.encryption_context, name),
            Key::TagKeys => {
                let given = self.request_tags.into_iter().flat_map(BTreeMap::keys);
                let taken = self.tag_keys.into_iter().flatten();
                given.chain(taken).map(|key| Cow::Borrowed(key.as_str())).collect()
            }
            Key::SourceIp => {
                let source = self.circumstances.source.map(|address| address.to_canonical());
                source.map(|address| Cow::Owned(address.to_string())).into_iter().collect()
            }
            Key::CurrentTime => vec![Cow::Owned(self.now.seconds().to_string())],
            Key::SecureTransport => {
                one(if self.circumstances.is_secure { "true" } else { "false" })
            }
            Key::PrincipalArn => one(self.user_arn),
            Key::PrincipalAccount => one(self.account_id),
            Key::PrincipalType => one("User"),
            Key::Username => one(self.username),
            Key::RequestedRegion => one(self.region),
        }
    }
}

/// The values of a tag, or of a pair like one, whose key is given in lower case.
fn tagged<'a>(tags: Option<&'a BTreeMap<String, String>>, tag: &str) -> Vec<Cow<'a, str>> {
    let tags = tags.into_iter().flatten();
    let found = tags.filter(|(key, _)| key.to_lowercase() == tag);
    found.map(|(_, value)| Cow::Borrowed(value.as_str())).collect()
}
