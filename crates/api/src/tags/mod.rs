//! Operations on the tags of user pools.

mod list_tags_for_resource;
mod tag_resource;
mod untag_resource;

use poolhouse_domain::{ports::Transaction, user_pools::UserPool};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered},
    lookup::no_user_pool,
};

/// The pool that has this ARN, as stored now.
async fn find<Op>(tx: &mut dyn Transaction, arn: &str) -> Result<UserPool, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    // What is said of the ARN of something else is a belief, as is the text for unknown pools.
    let id = arn.split_once(":userpool/").map_or(arn, |(_, id)| id);
    let pool = tx.user_pool(id).await?;
    let pool = pool.filter(|pool| pool.settings.arn.as_deref() == Some(arn));
    let missing = || -> Failure<Op> { no_user_pool(id) };
    Ok(pool.ok_or_else(missing)?)
}
