//! Operations on the tags of user pools.

mod list_tags_for_resource;
mod tag_resource;
mod untag_resource;

use std::collections::BTreeMap;

use poolhouse_domain::{
    arn,
    ports::{Identity, Transaction},
    replicas::Replica,
    user_pools::UserPool,
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered},
    lookup::no_user_pool,
};

/// What has tags.
enum Tagged {
    Pool(Box<UserPool>),
    /// A pool's replica in another region, whose tags are its own.
    Replica(Replica),
}

impl Tagged {
    fn tags(&self) -> BTreeMap<String, String> {
        match self {
            Self::Pool(pool) => pool.tags(),
            Self::Replica(replica) => replica.tags.clone(),
        }
    }
}

/// What has this ARN, as stored now.
async fn find<Op>(
    tx: &mut dyn Transaction,
    identity: &Identity,
    arn: &str,
) -> Result<Tagged, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    // What is said of the ARN of something else is a belief, as is the text for unknown pools.
    let id = arn::user_pool_id(arn).unwrap_or(arn);
    let missing = || -> Failure<Op> { no_user_pool(id) };
    let pool = tx.user_pool(id).await?.ok_or_else(missing)?;
    if pool.settings.arn.as_deref() == Some(arn) {
        return Ok(Tagged::Pool(Box::new(pool)));
    }
    let replica = tx.replica(id).await?;
    let replica = replica.filter(|replica| replica.arn(identity) == arn);
    Ok(Tagged::Replica(replica.ok_or_else(missing)?))
}
