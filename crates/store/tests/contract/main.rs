//! Every method of the storage ports, on both engines.
//!
//! The PostgreSQL half needs a server: see `support/mod.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails; clippy.toml exempts only what it recognizes as a test"
)]

/// Runs each test on every engine.
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod ephemeral {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::Site::Ephemeral).await;
            })*
        }
        on_durable_engines! { every: $($name),* }
    };
}

/// Runs each test on the engines whose data can be opened twice.
macro_rules! on_durable_engines {
    ($module:ident: $($name:ident),* $(,)?) => {
        mod $module {
            mod sqlite {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::super::$name(super::super::Site::file()).await;
                })*
            }
            mod postgres {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(site) = super::super::Site::postgres().await {
                        super::super::$name(site).await;
                    }
                })*
            }
        }
    };
}

/// Runs a write until no concurrent one gets in its way.
macro_rules! persistently {
    ($store:expr, $tx:ident => $work:expr) => {
        loop {
            let outcome = async {
                let mut $tx = $store.write().await?;
                let value = $work?;
                $tx.commit().await?;
                Ok(value)
            };
            match outcome.await {
                Ok(value) => break value,
                Err(Fault::Conflict(_)) => tokio::task::yield_now().await,
                Err(fault) => panic!("{fault:?}"),
            }
        }
    };
}

// After the macros that they use.
mod access;
mod app_clients;
mod codes;
mod devices;
mod groups;
mod identity_providers;
mod keys;
mod oauth;
mod outbox;
mod passkeys;
mod password_history;
mod races;
mod resource_servers;
mod resources;
mod schema;
mod search;
mod secrets;
mod sessions;
mod sign_ins;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
mod threat_protection;
mod transactions;
mod user_import;
mod user_pools;
mod users;

use std::{collections::BTreeMap, sync::Arc};

use poolhouse_domain::{
    Fault,
    access_keys::AccessKey,
    app_clients::{AppClient, ClientSecret},
    attempts::{Attempted, Attempts},
    codes::{CodePurpose, IssuedCode},
    data_keys::WrappedDataKey,
    groups::Group,
    passwords::verifier::PasswordVerifier,
    ports::Store,
    resource_servers::ResourceServer,
    sealing::{MasterKey, Purpose},
    shapes::{
        EmailMfaConfigType, ResourceServerScopeType, ResourceServerType, UserPoolClientType,
        UserPoolType, UserStatusType,
    },
    time::Timestamp,
    tokens::keys::{KeyUse, StoredSigningKey},
    totp::{ActiveSecret, Secret, SoftwareToken},
    user_pools::{FactorSettings, UserPool},
    users::{
        Alias, MfaFactor, MfaPreference, Password, SearchField, Taken, User, UserCursor, UserFilter,
    },
};
use poolhouse_store::{Database, Location, OpenError, SqlStore};
use poolhouse_wire::Sensitive;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use support::{Noise, PostgresDatabase};
use tempfile::TempDir;

const POOL: &str = "eu-central-1_AbCdEfGhI";

/// A place for one test's data.
enum Site {
    Ephemeral,
    File(TempDir),
    Postgres(PostgresDatabase),
}

impl Site {
    fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    async fn postgres() -> Option<Self> {
        PostgresDatabase::create().await.map(Self::Postgres)
    }

    fn location(&self) -> Location {
        match self {
            Self::Ephemeral => Location::Ephemeral,
            Self::File(folder) => Location::SqliteFile(folder.path().join("new/pool.db")),
            Self::Postgres(database) => Location::Postgres { url: database.url(), connections: 8 },
        }
    }

    async fn open(&self) -> SqlStore {
        self.open_with(master_key(1)).await.unwrap()
    }

    async fn open_with(&self, key: MasterKey) -> Result<SqlStore, OpenError> {
        SqlStore::open(&self.location(), key, Arc::new(Noise), at(0)).await
    }

    /// Runs statements behind the store's back.
    async fn raw(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.location() {
            Location::SqliteFile(path) => {
                let url = format!("sqlite://{}", path.display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Location::Postgres { url, .. } => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Location::Ephemeral => panic!("an ephemeral database has no other door"),
        }
    }

    /// Everything that is stored, as a thief would find it.
    async fn loot(&self) -> Vec<u8> {
        match self {
            Self::Ephemeral => panic!("an ephemeral database has no other door"),
            Self::File(folder) => {
                let files = std::fs::read_dir(folder.path().join("new")).unwrap();
                files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(&database.url()).await.unwrap();
                let tables: Vec<String> = sqlx::query_scalar(
                    "SELECT table_name::text FROM information_schema.tables
                     WHERE table_schema = 'public'",
                )
                .fetch_all(&mut connection)
                .await
                .unwrap();
                let mut loot = Vec::new();
                for table in tables {
                    // Bytes of a bytea in clear, as the file of a table has them.
                    let sql = format!(
                        "SELECT coalesce(string_agg(convert_to(t::text, 'UTF8'), ''), '')
                         FROM {table} t"
                    );
                    let text: Vec<u8> = sqlx::query_scalar(AssertSqlSafe(sql))
                        .fetch_one(&mut connection)
                        .await
                        .unwrap();
                    loot.extend(text);
                }
                loot
            }
        }
    }
}

fn master_key(seed: u8) -> MasterKey {
    MasterKey::new([seed; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn pool(id: &str) -> UserPool {
    UserPool {
        settings: UserPoolType {
            id: Some(id.to_owned()),
            name: Some("Größe 漢字".to_owned()),
            ..UserPoolType::default()
        },
        ..UserPool::default()
    }
}

fn client(id: &str, pool_id: &str) -> AppClient {
    AppClient {
        settings: UserPoolClientType {
            client_id: Some(Sensitive::from(id.to_owned())),
            user_pool_id: Some(pool_id.to_owned()),
            ..UserPoolClientType::default()
        },
        secrets: vec![ClientSecret {
            id: format!("{id}--1700000000"),
            value: "planted-client-secret".to_owned(),
            created_at: at(0),
        }],
        sso_minutes: None,
        version: 0,
    }
}

fn sub(number: u32) -> String {
    format!("{number:08x}-1111-4222-8333-444455556666")
}

fn user(number: u32) -> User {
    User {
        user_pool_id: POOL.to_owned(),
        sub: sub(number),
        username: format!("user{number}"),
        status: UserStatusType::Confirmed,
        enabled: true,
        attributes: BTreeMap::new(),
        pending_attributes: BTreeMap::new(),
        created_at: at(0),
        modified_at: at(0),
        password: None,
        software_token: SoftwareToken::default(),
        mfa: MfaPreference::default(),
        signed_out_at: None,
        version: 0,
    }
}

fn with(mut user: User, attributes: &[(&str, &str)]) -> User {
    let pairs = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    user.attributes.extend(pairs);
    user
}

fn alias(attribute: &str, key: &str) -> Alias {
    Alias { attribute: attribute.to_owned(), key: key.to_owned() }
}

async fn insert(store: &SqlStore, user: &User, aliases: &[Alias]) -> Result<(), Taken> {
    let mut tx = store.write().await.unwrap();
    let outcome = tx.insert_user(user, &user.username, aliases).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn by_sub(store: &SqlStore, number: u32) -> Option<User> {
    store.read().await.unwrap().user_by_sub(POOL, &sub(number)).await.unwrap()
}

async fn by_alias(store: &SqlStore, key: &str) -> Option<String> {
    let found = store.read().await.unwrap().user_by_alias(POOL, key).await.unwrap();
    found.map(|user| user.username)
}

/// Runs one task for each number and collects what they answer.
async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: u32,
    task: impl Fn(u32) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(task(number))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn resource_server(pool_id: &str, identifier: &str) -> ResourceServer {
    let settings = ResourceServerType {
        user_pool_id: Some(pool_id.to_owned()),
        identifier: Some(identifier.to_owned()),
        name: Some("Größe".to_owned()),
        scopes: Some(vec![ResourceServerScopeType {
            scope_name: "read".to_owned(),
            scope_description: "漢字".to_owned(),
        }]),
        managed_by: None,
    };
    ResourceServer { settings, version: 0 }
}

fn complete_user() -> User {
    let attributes = [("email", "Ann@Example.com"), ("name", "Ann"), ("custom:\u{1}x", "\"ö\0\"")];
    let mut complete = with(user(1), &attributes);
    complete.status = UserStatusType::ForceChangePassword;
    complete.enabled = false;
    complete.pending_attributes.insert("email".to_owned(), "new@example.com".to_owned());
    complete.password = Some(Password {
        verifier: PasswordVerifier { salt: [7; 16], verifier: b"planted-verifier".repeat(24) },
        set_at: at(-5),
    });
    complete.software_token = SoftwareToken {
        active: Some(ActiveSecret {
            secret: Secret(*b"planted-software-token-secret-32"),
            friendly_name: Some("planted friendly name".to_owned()),
            last_step: 56_666_666,
        }),
        pending: Some(Secret([9; 32])),
    };
    complete.mfa.enabled = [MfaFactor::SoftwareToken, MfaFactor::Sms].into();
    complete.mfa.preferred = Some(MfaFactor::SoftwareToken);
    complete.mfa.sms_option = true;
    complete.signed_out_at = Some(Timestamp::from_micros(1_700_000_000_123_456));
    complete
}

/// The first user of a pool, and whether the sign-in of this name is revoked.
async fn of_sign_in(store: &SqlStore, pool: &str, origin: &str) -> Option<(User, bool)> {
    store.read().await.unwrap().user_of_sign_in(pool, &sub(1), origin).await.unwrap()
}

fn code(number: u32, purpose: CodePurpose, hash: u8) -> IssuedCode {
    IssuedCode {
        user_pool_id: POOL.to_owned(),
        sub: sub(number),
        purpose,
        hash: [hash; 32],
        attribute: "email".to_owned(),
        created_at: at(0),
        expires_at: at(86_400),
    }
}

fn signing_key(kid: &str, key_use: KeyUse, created: i64) -> StoredSigningKey {
    StoredSigningKey {
        user_pool_id: POOL.to_owned(),
        kid: kid.to_owned(),
        key_use,
        pkcs8: b"planted-pkcs8".to_vec(),
        created_at: at(created),
    }
}

fn access_key(id: &str) -> AccessKey {
    AccessKey {
        id: id.to_owned(),
        secret: "planted-access-key-secret".to_owned(),
        name: "ci".to_owned(),
        created_at: at(3),
        policies: BTreeMap::new(),
    }
}

async fn page(
    store: &SqlStore,
    filter: Option<&UserFilter>,
    after: Option<&UserCursor>,
    limit: u32,
) -> Vec<User> {
    store.read().await.unwrap().list_users(POOL, filter, after, limit).await.unwrap()
}

fn filter(field: SearchField, value: &str, is_prefix: bool) -> UserFilter {
    UserFilter { field, value: value.to_owned(), is_prefix }
}

fn group(name: &str) -> Group {
    Group {
        user_pool_id: POOL.to_owned(),
        id: format!("id of {name}"),
        name: name.to_owned(),
        description: None,
        role_arn: None,
        precedence: None,
        created_at: at(0),
        modified_at: at(0),
    }
}

/// Whether the loot holds these bytes, as they are or in the hexadecimal of PostgreSQL.
fn holds(loot: &[u8], secret: &[u8]) -> bool {
    let hex: Vec<u8> = secret.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect();
    let found = |needle: &[u8]| loot.windows(needle.len()).any(|window| window == needle);
    found(secret) || found(&hex)
}
