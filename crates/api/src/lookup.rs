//! Finding what a request names: pools, app clients and users, with the errors for missing ones.

use std::sync::Arc;

use poolhouse_domain::{
    app_clients::AppClient,
    ports::{Ports, Transaction},
    user_pools::UserPool,
    users::{self, User},
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, Unanswered, user_not_found};

/// The pool with this id.
pub(crate) async fn user_pool<Op>(ports: &Ports, id: &str) -> Result<Arc<UserPool>, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let found = ports.directory.user_pool(id).await?;
    Ok(found.ok_or_else(|| no_user_pool(id))?)
}

/// The app client with this id, and its pool.
pub(crate) async fn app_client<Op>(
    ports: &Ports,
    client_id: &str,
) -> Result<(Arc<AppClient>, Arc<UserPool>), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let found = ports.directory.client_and_pool(client_id).await?;
    Ok(found.ok_or_else(|| no_app_client(client_id))?)
}

/// The app client with this id in the pool with that id.
pub(crate) async fn app_client_of_pool<Op>(
    ports: &Ports,
    user_pool_id: &str,
    client_id: &str,
) -> Result<(Arc<AppClient>, Arc<UserPool>), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let pool = user_pool(ports, user_pool_id).await?;
    let client = ports.directory.app_client(client_id).await?;
    let client = client.filter(|client| client.user_pool_id() == pool.id());
    Ok((client.ok_or_else(|| no_app_client(client_id))?, pool))
}

/// The user whom an administrator names: by username, by an alias in effect, or by `sub`.
pub(crate) async fn user<Op>(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    name: &str,
) -> Result<User, Unanswered<Op>>
where
    Op: Permits<codes::UserNotFoundException>,
{
    let found = users::find(tx, pool, name).await?;
    Ok(found.ok_or_else(user_not_found)?)
}

/// The error for an unknown pool.
pub(crate) fn no_user_pool<Op>(id: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("User pool {id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// The error for an unknown app client.
pub(crate) fn no_app_client<Op>(client_id: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("User pool client {client_id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}
