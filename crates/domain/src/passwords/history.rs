//! The passwords that a user had before, in pools whose policy says that they can't come back.
//!
//! `PasswordHistorySize` counts the current password too (belief: the service's documentation speaks
//! of the last `n` passwords). Temporary passwords are passwords like others here (belief).

use std::sync::Arc;

use async_trait::async_trait;

use super::verifier::PasswordVerifier;
use crate::{
    fault::Fault,
    ports::{Ports, Transaction, compute},
    sealing::Purpose,
    user_pools::UserPool,
    users::{Password, User},
};

/// Storage of replaced passwords.
#[async_trait]
pub trait FormerPasswords: Send {
    /// The last passwords that the user replaced, latest first.
    async fn former_passwords(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        limit: u32,
    ) -> Result<Vec<PasswordVerifier>, Fault>;

    /// Keeps a password that is being replaced, and only as many as `keep` in all.
    /// `position` orders them; it must be higher than that of each one before.
    async fn keep_former_password(
        &mut self,
        user_pool_id: &str,
        sub: &str,
        position: i64,
        password: &PasswordVerifier,
        keep: u32,
    ) -> Result<(), Fault>;
}

/// The former passwords that are kept: the current one is with the user.
fn kept(pool: &UserPool) -> u32 {
    let size = pool.password_policy().history_size;
    u32::try_from(size.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// Whether the password is one that the user has or had, and the pool remembers. Heavy: it must not
/// be called while a write transaction is open.
///
/// It costs the same for every name, also one that belongs to nobody (then `user` is `None`), so that
/// its time tells nothing.
pub async fn is_used(
    ports: &Ports,
    pool: &UserPool,
    user: Option<&User>,
    username: &str,
    password: &str,
) -> Result<bool, Fault> {
    let size = pool.password_policy().history_size;
    if size == 0 {
        return Ok(false);
    }
    let mut verifiers = Vec::with_capacity(size);
    if let Some(user) = user {
        verifiers.extend(user.password.as_ref().map(|password| password.verifier.clone()));
        let mut tx = ports.store.read().await?;
        verifiers.extend(tx.former_passwords(pool.id(), &user.sub, kept(pool)).await?);
    }
    let key = ports.keyring.stable_mac(Purpose::SimulatedUser, pool.id().as_bytes());
    verifiers.resize(size, PasswordVerifier::simulated(pool.id(), username, &key));
    let (pool_id, name) = (pool.id().to_owned(), username.to_owned());
    let password = Arc::new(zeroize::Zeroizing::new(password.to_owned()));
    let mut is_used = false;
    for verifier in verifiers {
        // One job each, so that other users' sign-ins get their turn in between.
        let (pool_id, name, password) = (pool_id.clone(), name.clone(), Arc::clone(&password));
        let matches = move || verifier.matches(&pool_id, &name, &password);
        is_used |= compute(&*ports.workers, matches).await?;
    }
    Ok(is_used)
}

/// Takes the user's password away, and keeps it if the pool remembers it. The caller writes the user
/// in the same transaction.
pub async fn remove(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &mut User,
) -> Result<(), Fault> {
    let former = user.password.take();
    keep(tx, pool, user, former).await
}

/// Gives the user a new password, and keeps the one before if the pool remembers it. The caller
/// writes the user in the same transaction.
pub async fn replace(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &mut User,
    password: Password,
) -> Result<(), Fault> {
    let former = user.password.replace(password);
    keep(tx, pool, user, former).await
}

async fn keep(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    user: &User,
    former: Option<Password>,
) -> Result<(), Fault> {
    let keep = kept(pool);
    if let Some(former) = former.filter(|_| keep > 0) {
        let (pool_id, position) = (&user.user_pool_id, user.version);
        tx.keep_former_password(pool_id, &user.sub, position, &former.verifier, keep).await?;
    }
    Ok(())
}
