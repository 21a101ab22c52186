//! Passwords: how they are kept, what a pool demands of them, and how forgotten ones are replaced.

use std::sync::Arc;

pub mod history;
pub mod policy;
pub mod recovery;
pub mod verifier;

pub use policy::{PasswordRefused, check};

use crate::{
    fault::Fault,
    ports::{Ports, compute},
    users::{Password, User},
};
use verifier::PasswordVerifier;

/// The stored form of a password for this user, as of now. Heavy: it runs on a worker, and must not
/// be called while a write transaction is open.
pub async fn store_form(ports: &Ports, user: &User, password: &str) -> Result<Password, Fault> {
    store_form_for(ports, &user.user_pool_id, &user.username, password).await
}

/// As [`store_form`], for a username that may belong to nobody.
pub async fn store_form_for(
    ports: &Ports,
    user_pool_id: &str,
    username: &str,
    password: &str,
) -> Result<Password, Fault> {
    let (pool, name) = (user_pool_id.to_owned(), username.to_owned());
    let (password, entropy) = (password.to_owned(), Arc::clone(&ports.entropy));
    let password = zeroize::Zeroizing::new(password);
    let register = move || PasswordVerifier::register(&pool, &name, &password, &*entropy);
    let verifier = compute(&*ports.workers, register).await?;
    Ok(Password { verifier, set_at: ports.clock.now() })
}

/// Whether this is the user's password; a user without password has none that matches. Heavy, as
/// [`store_form`] is.
pub async fn matches(ports: &Ports, user: &User, password: &str) -> Result<bool, Fault> {
    let Some(stored) = user.password.clone() else {
        return Ok(false);
    };
    let (pool, name) = (user.user_pool_id.clone(), user.username.clone());
    let password = zeroize::Zeroizing::new(password.to_owned());
    compute(&*ports.workers, move || stored.verifier.matches(&pool, &name, &password)).await
}
