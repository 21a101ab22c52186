//! Replicas of user pools in other regions: the record of them, and what is allowed there.
//!
//! A server of one's own has one database, so a replica is another name for the same users: requests
//! whose signature names its region are answered from there, within the bounds that a replica has.

use std::collections::BTreeMap;

use async_trait::async_trait;
use poolhouse_wire::OperationName as Name;

use crate::{
    fault::{Fault, Ruling},
    granted,
    ports::{Identity, Transaction},
    shapes::{
        EncryptionKeyType, ReplicaRoleType, ReplicaStatusType, UpdateReplicaStatusType,
        UserPoolReplicaType,
    },
    tags::{self, TagsRefused},
    time::Timestamp,
    user_pools::{Feature, TierRefused, UserPool, settings::SettingsRefused},
};

/// The second home of a user pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The pool.
    pub user_pool_id: String,
    /// The region of the replica.
    pub region: String,
    /// Whether users may sign in there.
    pub is_active: bool,
    /// The replica's own tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Replica {
    /// Its status. There is nothing to copy and nothing to delete elsewhere, so `CREATING` and
    /// `DELETING` are seen only in the answers of the operations that do it.
    pub const fn status(&self) -> ReplicaStatusType {
        if self.is_active { ReplicaStatusType::Active } else { ReplicaStatusType::Inactive }
    }

    /// Its ARN: that of the pool, but for the region.
    pub fn arn(&self, identity: &Identity) -> String {
        identity.user_pool_arn_in(&self.region, &self.user_pool_id)
    }

    /// As the operations show it, with this status.
    pub fn described(&self, identity: &Identity, status: ReplicaStatusType) -> UserPoolReplicaType {
        UserPoolReplicaType {
            region_name: Some(self.region.clone()),
            status: Some(status),
            role: Some(ReplicaRoleType::Secondary),
            user_pool_arn: Some(self.arn(identity)),
        }
    }
}

/// A pool in its own region, as the list of replicas shows it.
pub fn primary(pool: &UserPool, identity: &Identity) -> UserPoolReplicaType {
    UserPoolReplicaType {
        region_name: Some(identity.region.clone()),
        status: Some(ReplicaStatusType::Active),
        role: Some(ReplicaRoleType::Primary),
        user_pool_arn: pool.settings.arn.clone(),
    }
}

/// Why a replica can't be had, changed or deleted. The texts are beliefs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaRefused {
    /// The pool is in the lowest tier.
    #[error(transparent)]
    Tier(#[from] TierRefused),
    /// The pool is not encrypted with a key that exists in both regions.
    #[error(
        "The user pool must be encrypted with a multi-Region customer managed key to be replicated."
    )]
    Key,
    /// What was given is no name of a region.
    #[error("Invalid Region name: {0}")]
    Region(String),
    /// The region is the pool's own.
    #[error("{0} is the primary Region of the user pool.")]
    PrimaryRegion(String),
    /// There is a replica already.
    #[error("The user pool has the maximum number of replicas: 1.")]
    TooMany,
    /// The tags can't be had.
    #[error(transparent)]
    Tags(#[from] TagsRefused),
    /// There is no replica in the region.
    #[error("User pool {0} does not have a replica in {1}.")]
    NotFound(String, String),
    /// Users may be signing in there.
    #[error("The user pool replica must be INACTIVE to be deleted.")]
    StillActive,
}

/// Storage of replicas: one for each pool at most.
#[async_trait]
pub trait Replicas: Send {
    /// Stores a new replica; answers `false` if the pool has one.
    async fn insert_replica(&mut self, replica: &Replica) -> Result<bool, Fault>;

    /// The replica of a pool.
    async fn replica(&mut self, user_pool_id: &str) -> Result<Option<Replica>, Fault>;

    /// The replicas of pools whose ids are in this range, both ends included, by id of the pool.
    async fn replicas_between(&mut self, first: &str, last: &str) -> Result<Vec<Replica>, Fault>;

    /// Replaces status and tags of a replica that was read in the same transaction.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it was deleted meanwhile.
    async fn update_replica(&mut self, replica: &Replica) -> Result<(), Fault>;

    /// Removes the replica of a pool.
    async fn delete_replica(&mut self, user_pool_id: &str) -> Result<(), Fault>;

    /// Whether any pool has a replica in this region.
    async fn is_replica_region(&mut self, region: &str) -> Result<bool, Fault>;
}

/// A replica as it is to be stored, if the pool can have one there.
pub fn draft(
    pool: &UserPool,
    identity: &Identity,
    region: String,
    tags: BTreeMap<String, String>,
    now: Timestamp,
) -> Result<Replica, ReplicaRefused> {
    pool.has_in_tier(Feature::REPLICATION)?;
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !region.chars().all(is_fit) {
        return Err(ReplicaRefused::Region(region));
    }
    if region == identity.region {
        return Err(ReplicaRefused::PrimaryRegion(region));
    }
    if !has_multi_region_key(pool) {
        return Err(ReplicaRefused::Key);
    }
    tags::check(&tags)?;
    let user_pool_id = pool.id().to_owned();
    Ok(Replica { user_pool_id, region, is_active: false, tags, created_at: now })
}

/// Keys that exist in several regions have ids that begin with `mrk-`
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html>).
fn has_multi_region_key(pool: &UserPool) -> bool {
    let key = pool.settings.key_configuration.as_ref();
    key.is_some_and(|key| {
        let arn = key.kms_key_arn.as_deref().unwrap_or_default();
        key.key_type == Some(EncryptionKeyType::CustomerManagedKey) && arn.contains(":key/mrk-")
    })
}

/// The replica that a request names by its region.
pub fn in_region(
    found: Option<Replica>,
    user_pool_id: &str,
    region: &str,
    identity: &Identity,
) -> Result<Replica, ReplicaRefused> {
    if region == identity.region {
        return Err(ReplicaRefused::PrimaryRegion(region.to_owned()));
    }
    let found = found.filter(|replica| replica.region == region);
    found.ok_or_else(|| ReplicaRefused::NotFound(user_pool_id.to_owned(), region.to_owned()))
}

impl Replica {
    /// Lets users sign in there, or no longer.
    pub fn set_status(&mut self, status: UpdateReplicaStatusType) {
        self.is_active = status == UpdateReplicaStatusType::Active;
    }

    /// Whether it may be deleted now.
    pub const fn check_deletion(&self) -> Result<(), ReplicaRefused> {
        if self.is_active { Err(ReplicaRefused::StillActive) } else { Ok(()) }
    }

    /// Whether a request of this operation may be answered in the replica's region.
    ///
    /// Lists are those of the developer guide, but for what would have settings of its own there
    /// (mail, triggers, domains, risk, logs): here they are shared, and changed in the primary
    /// region only. Deletion is called from the primary region, as its reference says. Operations
    /// without a signature name no region; those about no pool are in [`may_answer_without_pool`].
    pub fn may_answer(&self, operation: Name) -> bool {
        may_always_answer(operation) || (self.is_active && may_answer_when_active(operation))
    }
}

/// Whether a pool that has a replica keeps what replicas need. For a change of its settings. (The
/// texts are beliefs.)
pub async fn check_settings(
    tx: &mut dyn Transaction,
    pool: &UserPool,
) -> Ruling<(), SettingsRefused> {
    if tx.replica(pool.id()).await?.is_none() {
        return Ok(Ok(()));
    }
    granted!(pool.may_use_in_tier([Feature::REPLICATION]));
    Ok(if has_multi_region_key(pool) { Ok(()) } else { Err(SettingsRefused::ReplicaNeedsKey) })
}

/// Operations about no user pool that are allowed in the region of a replica.
pub const fn may_answer_without_pool(operation: Name) -> bool {
    matches!(operation, Name::DescribeUserPoolDomain | Name::ListUserPools)
}

const fn may_always_answer(operation: Name) -> bool {
    matches!(
        operation,
        Name::AdminGetDevice
            | Name::AdminGetUser
            | Name::AdminListDevices
            | Name::AdminListGroupsForUser
            | Name::AdminListUserAuthEvents
            | Name::DescribeIdentityProvider
            | Name::DescribeManagedLoginBranding
            | Name::DescribeManagedLoginBrandingByClient
            | Name::DescribeResourceServer
            | Name::DescribeRiskConfiguration
            | Name::DescribeTerms
            | Name::DescribeUserPool
            | Name::DescribeUserPoolClient
            | Name::GetGroup
            | Name::GetLogDeliveryConfiguration
            | Name::GetSigningCertificate
            | Name::GetUICustomization
            | Name::GetUserPoolMfaConfig
            | Name::ListGroups
            | Name::ListIdentityProviders
            | Name::ListResourceServers
            | Name::ListTagsForResource
            | Name::ListTerms
            | Name::ListUserPoolClientSecrets
            | Name::ListUserPoolClients
            | Name::ListUserPoolReplicas
            | Name::ListUsers
            | Name::ListUsersInGroup
            | Name::TagResource
            | Name::UntagResource
            | Name::UpdateUserPoolReplica
    )
}

const fn may_answer_when_active(operation: Name) -> bool {
    matches!(
        operation,
        Name::AdminInitiateAuth
            | Name::AdminRespondToAuthChallenge
            | Name::AdminUpdateAuthEventFeedback
            | Name::AdminUserGlobalSignOut
            | Name::GetIdentityProviderByIdentifier
    )
}
