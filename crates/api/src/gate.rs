//! What stands between a decoded request and its operation: permission, rates, the region.

use std::collections::BTreeMap;

use poolhouse_domain::{
    Fault,
    access_keys::{Circumstances, Policies, Signer, authorize},
    arn,
    ports::Ports,
    replicas,
};
use poolhouse_wire::{About, OperationName};

use crate::signatures::{Administrator, Authority};

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    /// Who signed, if the operation asks for a signature.
    pub(crate) administrator: Option<&'a Administrator>,
}

/// Why a request does not get to its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The key may not do it.
    Denied(String),
    /// Too many requests.
    Rate(String),
    /// The pool is not in the region that the signature names.
    NotInRegion(String),
    /// The pool's replica there does not do it.
    NotOnReplica(String),
}

impl Gate<'_> {
    /// Whether the request may pass. Permission is looked at first, so that who has none can't use
    /// up rates, and before the pool is, so that nobody learns which pools there are.
    pub(crate) async fn check(
        self,
        ports: &Ports,
        operation: OperationName,
        about: About<'_>,
    ) -> Result<Result<(), Closed>, Fault> {
        if let Some(administrator) = self.administrator
            && let Authority::Limited(policies) = &administrator.authority
            && let Err(closed) =
                self.permit(ports, administrator, policies, operation, about).await?
        {
            return Ok(Err(closed));
        }
        if let Err(exceeded) = ports.limits.admit(operation, &about).await? {
            return Ok(Err(Closed::Rate(exceeded.to_string())));
        }
        match self.administrator {
            Some(administrator) if administrator.region != ports.identity.region => {
                check_region(ports, administrator, operation, about).await
            }
            _ => Ok(Ok(())),
        }
    }

    async fn permit(
        self,
        ports: &Ports,
        administrator: &Administrator,
        policies: &Policies,
        operation: OperationName,
        about: About<'_>,
    ) -> Result<Result<(), Closed>, Fault> {
        // An operation that names an app client only is about the client's pool all the same.
        let client = match (user_pool_id(&about), about.client_id) {
            (None, Some(id)) => ports.directory.app_client(id).await?,
            _ => None,
        };
        let of_client = client.as_ref().map(|client| client.user_pool_id());
        let about = About { user_pool_id: about.user_pool_id.or(of_client), ..about };
        let tags = match user_pool_id(&about).filter(|_| policies.look_at_resource_tags()) {
            Some(id) => resource_tags(ports, id, region(administrator, &about)).await?,
            None => None,
        };
        let signer = Signer {
            name: &administrator.name,
            policies,
            region: &administrator.region,
            circumstances: Circumstances {
                source: ports.caller.ip,
                is_secure: ports.caller.is_secure,
            },
        };
        let now = ports.clock.now();
        let answer = authorize(&signer, &ports.identity, operation, &about, tags.as_ref(), now);
        Ok(answer.map_err(|denied| Closed::Denied(denied.to_string())))
    }
}

/// The pool that a request is about.
fn user_pool_id<'a>(about: &About<'a>) -> Option<&'a str> {
    about.user_pool_id.or_else(|| about.resource_arn.and_then(arn::user_pool_id))
}

/// The region of what a request is about: an ARN says so itself.
fn region<'a>(administrator: &'a Administrator, about: &About<'a>) -> &'a str {
    about.resource_arn.and_then(arn::region).unwrap_or(&administrator.region)
}

/// The tags of a pool, or of its replica in another region.
async fn resource_tags(
    ports: &Ports,
    user_pool_id: &str,
    region: &str,
) -> Result<Option<BTreeMap<String, String>>, Fault> {
    if region == ports.identity.region {
        let pool = ports.directory.user_pool(user_pool_id).await?;
        return Ok(pool.map(|pool| pool.tags()));
    }
    let replica = ports.store.read().await?.replica(user_pool_id).await?;
    Ok(replica.filter(|replica| replica.region == region).map(|replica| replica.tags))
}

/// What is possible under a signature of another region: what the pool's replica there does. In
/// `dev`, where signatures are not verified, clients may be set to any region; there only the region
/// of a replica makes a difference.
async fn check_region(
    ports: &Ports,
    administrator: &Administrator,
    operation: OperationName,
    about: About<'_>,
) -> Result<Result<(), Closed>, Fault> {
    let region = &administrator.region;
    let found = match user_pool_id(&about) {
        Some(id) => ports.store.read().await?.replica(id).await?,
        None => None,
    };
    let replica = found.filter(|replica| replica.region == *region);
    let is_verified = matches!(administrator.authority, Authority::Limited(_));
    Ok(match (replica, user_pool_id(&about)) {
        (Some(replica), _) if replica.may_answer(operation) => Ok(()),
        (None, _) if !is_verified => Ok(()),
        // About no pool, and allowed wherever a pool has a replica.
        (None, None) if replicas::may_answer_without_pool(operation) => Ok(()),
        (None, Some(id)) => Err(Closed::NotInRegion(format!("User pool {id} does not exist."))),
        // That the text is this one is a belief.
        (Some(_), _) | (None, None) => Err(Closed::NotOnReplica(format!(
            "{} is not enabled in the region {region}.",
            operation.as_str()
        ))),
    })
}

#[cfg(test)]
mod tests;
