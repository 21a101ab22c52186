//! Operations on resource servers, the APIs that a pool's tokens open.

mod create_resource_server;
mod delete_resource_server;
mod describe_resource_server;
mod list_resource_servers;
mod update_resource_server;

use poolhouse_domain::{
    ports::Transaction,
    resource_servers::{ResourceServer, ResourceServerRefused},
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter},
    lookup::no_user_pool,
};

/// A resource server of a pool that is there, as stored now.
async fn find<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    identifier: &str,
) -> Result<ResourceServer, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    if tx.user_pool(user_pool_id).await?.is_none() {
        return Err(no_user_pool(user_pool_id).into());
    }
    let server = tx.resource_server(user_pool_id, identifier).await?;
    Ok(server.ok_or_else(|| not_found(identifier))?)
}

/// The error for an unknown identifier. (The text is another implementation's.)
fn not_found<Op>(identifier: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("Resource server {identifier} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// What is said of settings that can't be had.
fn settings_refused<Op>(refused: &ResourceServerRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(refused.to_string())
}
