//! What the scenarios act on: two user pools and who has signed in.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    devices::Devices,
    http::{Connection, text},
    listings,
    oauth::Site,
    passkeys::Passkeys,
};

/// The password of every user who can sign in.
pub(crate) const PASSWORD: &str = "Correct-Horse-9!";
/// Users of the large pool who can sign in; the others only make it large.
pub(crate) const ACTIVE: u32 = 1_000;
/// Users whose tokens are used by `GetUser` and refresh.
const SIGNED_IN: u32 = 64;

/// A user pool with its app client.
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) client_id: String,
}

/// Tokens of a sign-in.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Everything the scenarios need.
pub(crate) struct World {
    /// The pool that grows. Passwords only.
    pub(crate) large: Pool,
    /// A pool whose users have a TOTP software token each.
    pub(crate) mfa: Pool,
    /// Users of the large pool, numbered from 0.
    pub(crate) users: u32,
    /// The TOTP secrets of the MFA pool's users, numbered from 0.
    pub(crate) secrets: Vec<[u8; 32]>,
    /// How many of them have been used: a code works once, so each signs in once.
    used_secrets: AtomicUsize,
    /// Tokens of some users of the large pool.
    pub(crate) tokens: Vec<Tokens>,
    /// The `sub` of some users of the large pool.
    pub(crate) subs: Vec<String>,
    /// The page tokens of all pages of the large pool's users, but the first.
    pub(crate) user_pages: Vec<String>,
    /// The same for the members of its large group.
    pub(crate) member_pages: Vec<String>,
    /// Users with remembered devices, where a scenario needs them.
    pub(crate) devices: Option<Devices>,
    /// Users with passkeys, where a scenario needs them.
    pub(crate) passkeys: Option<Passkeys>,
    /// A domain with users who sign in at its pages, where a scenario needs it.
    pub(crate) site: Option<Site>,
    runs: AtomicU32,
}

/// The username of a number.
pub(crate) fn username(number: u32) -> String {
    format!("user-{number:07}")
}

/// The name of the group that all users of the large pool are in.
pub(crate) const EVERYONE: &str = "everyone";

/// That group, then ten that only the users are in who can sign in.
pub(crate) fn group_names() -> impl Iterator<Item = String> {
    let others = (0..10).map(|number| format!("group-{number}"));
    std::iter::once(EVERYONE.to_owned()).chain(others)
}

/// The telephone number of a number.
pub(crate) fn phone_number(number: u32) -> String {
    format!("+1555{number:07}")
}

/// The preferred username of a number.
pub(crate) fn preferred_username(number: u32) -> String {
    format!("ada-{number:07}")
}

/// The e-mail address of a number.
pub(crate) fn email(number: u32) -> String {
    format!("{}@example.com", username(number))
}

impl World {
    /// Makes the two pools, empty.
    pub(crate) async fn create(address: SocketAddr) -> Outcome<Self> {
        let mut connection = Connection::open(address).await?;
        let large = create_pool(&mut connection, "large", &json!({}), &json!({})).await?;
        let mfa = create_pool(&mut connection, "mfa", &json!({}), &json!({})).await?;
        let settings = json!({
            "UserPoolId": mfa.id,
            "MfaConfiguration": "OPTIONAL",
            "SoftwareTokenMfaConfiguration": { "Enabled": true },
        });
        connection.call("SetUserPoolMfaConfig", &settings).await?;
        for name in group_names() {
            let group = json!({ "UserPoolId": large.id, "GroupName": name });
            connection.call("CreateGroup", &group).await?;
        }
        Ok(Self {
            large,
            mfa,
            users: 0,
            secrets: Vec::new(),
            used_secrets: AtomicUsize::new(0),
            tokens: Vec::new(),
            subs: Vec::new(),
            user_pages: Vec::new(),
            member_pages: Vec::new(),
            devices: None,
            passkeys: None,
            site: None,
            runs: AtomicU32::new(0),
        })
    }

    /// Signs some users in, so that scenarios have tokens.
    pub(crate) async fn sign_in_some(&mut self, address: SocketAddr) -> Outcome {
        let mut connection = Connection::open(address).await?;
        self.tokens.clear();
        for number in 0..SIGNED_IN.min(self.users) {
            let input = password_sign_in(&self.large, number);
            let answer = connection.call("InitiateAuth", &input).await?;
            self.tokens.push(Tokens {
                access: text(&answer, "/AuthenticationResult/AccessToken")?.to_owned(),
                refresh: text(&answer, "/AuthenticationResult/RefreshToken")?.to_owned(),
            });
        }
        Ok(())
    }

    /// Goes through the pages of the lists, so that scenarios can begin anywhere.
    pub(crate) async fn turn_pages(&mut self, address: SocketAddr) -> Outcome {
        let mut connection = Connection::open(address).await?;
        let lists = listings::walk(&mut connection, &self.large.id).await?;
        (self.user_pages, self.member_pages) = lists;
        Ok(())
    }

    /// Number and secret of a user with TOTP who has not signed in yet; none when all have.
    pub(crate) fn next_totp_user(&self) -> Option<(u32, &[u8; 32])> {
        let index = self.used_secrets.fetch_add(1, Ordering::Relaxed);
        Some((u32::try_from(index).ok()?, self.secrets.get(index)?))
    }

    /// A number that no other run of a scenario has, for names that must be new.
    pub(crate) fn next_run(&self) -> u32 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    /// One of the users who can sign in.
    pub(crate) fn active_user(&self, draw: u32) -> u32 {
        draw % ACTIVE.min(self.users).max(1)
    }

    /// Any user of the large pool.
    pub(crate) fn any_user(&self, draw: u32) -> u32 {
        draw % self.users.max(1)
    }

    /// Tokens of some user.
    pub(crate) fn some_tokens(&self, draw: u32) -> Outcome<&Tokens> {
        Self::some(&self.tokens, draw)
    }

    /// One of several.
    pub(crate) fn some<T>(these: &[T], draw: u32) -> Outcome<&T> {
        let index = usize::try_from(draw)? % these.len().max(1);
        these.get(index).ok_or_else(|| "there is nothing to take one of".into())
    }
}

/// Input of `InitiateAuth` for a sign-in with the plain password.
pub(crate) fn password_sign_in(pool: &Pool, number: u32) -> Value {
    json!({
        "ClientId": pool.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": username(number), "PASSWORD": PASSWORD },
    })
}

/// Puts the members of one object into another.
fn merge(into: &mut Value, members: &Value) {
    if let (Some(into), Some(members)) = (into.as_object_mut(), members.as_object()) {
        into.extend(members.clone());
    }
}

/// Makes a user who can sign in with [`PASSWORD`].
pub(crate) async fn add_user(connection: &mut Connection, pool: &Pool, name: &str) -> Outcome {
    let input = json!({ "UserPoolId": pool.id, "Username": name, "MessageAction": "SUPPRESS" });
    connection.call("AdminCreateUser", &input).await?;
    let input = json!({
        "UserPoolId": pool.id, "Username": name, "Password": PASSWORD, "Permanent": true,
    });
    connection.call("AdminSetUserPassword", &input).await.map(drop)
}

/// Makes a pool and its app client, with these members besides, or instead of, the usual ones.
pub(crate) async fn create_pool(
    connection: &mut Connection,
    name: &str,
    pool: &Value,
    client: &Value,
) -> Outcome<Pool> {
    let mut input = json!({ "PoolName": name, "AutoVerifiedAttributes": ["email"] });
    merge(&mut input, pool);
    let answer = connection.call("CreateUserPool", &input).await?;
    let id = text(&answer, "/UserPool/Id")?.to_owned();
    let mut input = json!({
        "UserPoolId": id,
        "ClientName": "bench",
        "ExplicitAuthFlows": [
            "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
        ],
    });
    merge(&mut input, client);
    let answer = connection.call("CreateUserPoolClient", &input).await?;
    let client_id = text(&answer, "/UserPoolClient/ClientId")?.to_owned();
    Ok(Pool { id, client_id })
}
