//! Fills the pools through the storage ports, in large transactions: a million users over HTTP
//! would take longer than everything that is measured with them.

use std::collections::{BTreeMap, BTreeSet};

use poolhouse_adapters::{clock::SystemClock, entropy::SystemEntropy};
use poolhouse_domain::{
    groups::{self, Group},
    passwords::verifier::PasswordVerifier,
    ports::{Clock, Entropy, Store},
    shapes::UserStatusType,
    totp::{ActiveSecret, Secret, SoftwareToken},
    users::{MfaFactor, MfaPreference, Password, User, new_sub},
};
use poolhouse_store::SqlStore;

use crate::{
    Outcome,
    server::Installation,
    time::Stopwatch,
    world::{
        ACTIVE, PASSWORD, World, email, group_names, phone_number, preferred_username, username,
    },
};

/// Users of one transaction.
const BATCH: u32 = 10_000;
/// Users with a TOTP software token: enough for each to sign in once during all scenarios.
const TOTP_USERS: u32 = 20_000;

/// Adds users until the large pool has `size` of them, and, the first time, those of the MFA pool.
/// Answers the seconds it took.
pub(crate) async fn grow(
    installation: &Installation,
    world: &mut World,
    size: u32,
) -> Outcome<f64> {
    let stopwatch = Stopwatch::start();
    let store = installation.open_store().await?;
    if world.secrets.is_empty() {
        world.secrets = (0..TOTP_USERS).map(|_| random_secret()).collect();
        let users = (0..TOTP_USERS).zip(&world.secrets);
        let users = users.map(|(number, secret)| totp_user(&world.mfa.id, number, secret));
        insert(&store, users, &[]).await?;
    }
    let groups = groups(&store, &world.large.id).await?;
    let subs = &mut world.subs;
    // Whoever never signs in does not need a verifier of their own, which takes 0.1 ms to make.
    let shared = password(&world.large.id, 0);
    let users = (world.users..size).map(|number| {
        let own = (number < ACTIVE).then(|| password(&world.large.id, number));
        User {
            password: Some(own.unwrap_or_else(|| shared.clone())),
            ..user(&world.large.id, number)
        }
    });
    let users = users.inspect(|user| {
        if subs.len() < ACTIVE as usize {
            subs.push(user.sub.clone());
        }
    });
    insert(&store, users, &groups).await?;
    store.close().await;
    world.users = world.users.max(size);
    Ok(stopwatch.elapsed().as_secs_f64())
}

/// The group of everyone, and those that only users who sign in are in.
async fn groups(store: &SqlStore, user_pool_id: &str) -> Outcome<Vec<Group>> {
    let (mut tx, mut groups) = (store.read().await?, Vec::new());
    for name in group_names() {
        let group = tx.group(user_pool_id, &groups::name_key(&name)).await?;
        groups.push(group.ok_or("a group is missing")?);
    }
    Ok(groups)
}

/// Stores users; all are members of the first group, those who sign in of the others too.
async fn insert(store: &SqlStore, users: impl Iterator<Item = User>, groups: &[Group]) -> Outcome {
    let mut users = users.peekable();
    while users.peek().is_some() {
        let mut tx = store.write().await?;
        for user in users.by_ref().take(BATCH as usize) {
            let stored = tx.insert_user(&user, &user.username, &[]).await?;
            stored.map_err(|taken| format!("{} can't be stored: {taken:?}", user.username))?;
            let is_active = user.username < username(ACTIVE);
            for group in groups.iter().take(if is_active { groups.len() } else { 1 }) {
                tx.insert_member(group, &user.sub).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

fn random_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    SystemEntropy.fill(&mut secret);
    secret
}

fn password(user_pool_id: &str, number: u32) -> Password {
    let name = username(number);
    let verifier = PasswordVerifier::register(user_pool_id, &name, PASSWORD, &SystemEntropy);
    Password { verifier, set_at: SystemClock.now() }
}

/// A confirmed user without password.
fn user(user_pool_id: &str, number: u32) -> User {
    let now = SystemClock.now();
    let attributes = [
        ("email", email(number)),
        ("email_verified", "true".to_owned()),
        ("name", format!("Ada Lovelace {number}")),
        ("given_name", "Ada".to_owned()),
        ("family_name", "Lovelace".to_owned()),
        ("phone_number", phone_number(number)),
        ("preferred_username", preferred_username(number)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    User {
        user_pool_id: user_pool_id.to_owned(),
        sub: new_sub(&SystemEntropy),
        username: username(number),
        status: UserStatusType::Confirmed,
        enabled: true,
        attributes: attributes.into(),
        pending_attributes: BTreeMap::new(),
        created_at: now,
        modified_at: now,
        password: None,
        software_token: SoftwareToken::default(),
        mfa: MfaPreference::default(),
        signed_out_at: None,
        version: 0,
    }
}

/// A user who is asked for a code.
fn totp_user(user_pool_id: &str, number: u32, secret: &[u8; 32]) -> User {
    let active = ActiveSecret { secret: Secret(*secret), friendly_name: None, last_step: 0 };
    let factor = MfaFactor::SoftwareToken;
    User {
        password: Some(password(user_pool_id, number)),
        software_token: SoftwareToken { active: Some(active), pending: None },
        mfa: MfaPreference {
            enabled: BTreeSet::from([factor]),
            preferred: Some(factor),
            by_passkey: false,
            sms_option: false,
        },
        ..user(user_pool_id, number)
    }
}
