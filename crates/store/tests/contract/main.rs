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
mod devices;
mod identity_providers;
mod oauth;
mod passkeys;
mod password_history;
mod races;
mod resources;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod threat_protection;
mod user_import;

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

on_every_engine! {
    pools_are_stored_replaced_and_listed,
    stale_pools_and_clients_are_not_written,
    resource_servers_are_kept_by_pool_and_identifier,
    clients_keep_their_secrets,
    users_come_back_as_they_were_stored,
    names_that_are_taken_leave_nothing_behind,
    stale_users_are_not_written,
    parallel_updates_all_count,
    one_of_many_gets_an_alias,
    one_of_many_gets_a_username,
    an_alias_replaces_the_user_s_earlier_one,
    one_of_many_spends_an_id,
    revoked_sign_ins_are_remembered,
    a_code_replaces_the_one_before,
    counters_are_kept_by_subject_and_kind,
    signing_keys_come_oldest_first,
    access_keys_are_kept,
    the_first_data_key_of_an_id_wins,
    every_field_can_be_searched,
    pages_are_stable_while_users_come_and_go,
    prefixes_end_where_they_should,
    deleting_a_user_leaves_nothing,
    groups_are_stored_replaced_and_listed,
    stale_groups_are_not_written,
    members_are_paged_from_both_sides,
    one_of_many_gets_a_group_name,
    a_deleted_group_loses_its_members_at_once_and_is_emptied_in_batches,
    a_deleted_pool_disappears_at_once_and_is_emptied_in_batches,
    the_sweep_removes_only_what_has_expired,
    what_is_not_committed_is_gone,
    a_view_for_reading_refuses_writes,
    texts_that_postgres_cannot_store_do_no_harm,
    reads_see_what_others_commit,
}

on_durable_engines! { durable:
    what_was_committed_survives_a_restart,
    the_wrong_master_key_is_refused,
    a_new_data_key_seals_when_every_node_has_had_time_to_load_it,
    the_master_key_can_be_changed_while_serving,
    many_nodes_start_on_an_empty_database,
    a_newer_schema_is_refused,
    an_altered_schema_is_refused,
    no_secret_can_be_read_in_the_database,
    a_secret_that_was_moved_does_not_open,
    cancelled_requests_do_not_harm_later_ones,
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

async fn pools_are_stored_replaced_and_listed(site: Site) {
    let store = site.open().await;
    let mut stored = pool("eu-central-1_b");
    stored.factors = FactorSettings {
        sms: true,
        software_token: true,
        email: Some(EmailMfaConfigType { message: Some("{####}".to_owned()), subject: None }),
        web_authn: None,
    };
    let mut tx = store.write().await.unwrap();
    for pool in [&stored, &pool("eu-central-1_a"), &pool("eu-central-1_c")] {
        tx.insert_user_pool(pool).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_pool("eu-central-1_b").await.unwrap(), Some(stored.clone()));
    assert_eq!(view.user_pool("eu-central-1_x").await.unwrap(), None);
    let ids = |pools: Vec<UserPool>| pools.iter().map(|p| p.id().to_owned()).collect::<Vec<_>>();
    let first = view.list_user_pools(None, 2).await.unwrap();
    assert_eq!(ids(first), ["eu-central-1_a", "eu-central-1_b"]);
    let second = view.list_user_pools(Some("eu-central-1_b"), 2).await.unwrap();
    assert_eq!(ids(second), ["eu-central-1_c"]);

    stored.settings.name = Some("renamed".to_owned());
    stored.factors.sms = false;
    let mut tx = store.write().await.unwrap();
    tx.update_user_pool(&mut stored).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored.version, 1);
    assert_eq!(view.user_pool("eu-central-1_b").await.unwrap(), Some(stored));

    let mut tx = store.write().await.unwrap();
    let again = tx.insert_user_pool(&pool("eu-central-1_a")).await;
    assert!(matches!(again, Err(Fault::Conflict(_))));
}

async fn stale_pools_and_clients_are_not_written(site: Site) {
    let store = site.open().await;
    let (mut pool, mut client) = (pool(POOL), client("client", POOL));
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool).await.unwrap();
    tx.insert_app_client(&client).await.unwrap();
    tx.update_user_pool(&mut pool).await.unwrap();
    tx.update_app_client(&mut client).await.unwrap();
    (pool.version, client.version) = (0, 0);
    let stale = tx.update_user_pool(&mut pool).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    let stale = tx.update_app_client(&mut client).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    assert_eq!((pool.version, client.version), (0, 0));
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

async fn resource_servers_are_kept_by_pool_and_identifier(site: Site) {
    let store = site.open().await;
    let long = "~".repeat(256);
    let mut stored: Vec<_> =
        ["a", "A", "a/b", &long].map(|identifier| resource_server(POOL, identifier)).into();
    let mut tx = store.write().await.unwrap();
    for server in stored.iter().chain([&resource_server("other", "a")]) {
        assert!(tx.insert_resource_server(server).await.unwrap());
    }
    assert!(!tx.insert_resource_server(&resource_server(POOL, "a/b")).await.unwrap());
    assert_eq!(tx.resource_server(POOL, "a").await.unwrap().as_ref(), stored.first());
    assert_eq!(tx.resource_server(POOL, "b").await.unwrap(), None);
    assert_eq!(tx.resource_server("other", "A").await.unwrap(), None);
    assert_eq!(tx.count_resource_servers(POOL).await.unwrap(), 4);
    assert_eq!(tx.count_resource_servers("none").await.unwrap(), 0);

    stored[0].settings.scopes = None;
    tx.update_resource_server(&mut stored[0]).await.unwrap();
    assert_eq!(stored[0].version, 1);
    let mut stale = resource_server(POOL, "a");
    let refused = tx.update_resource_server(&mut stale).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
    stored.swap(0, 1);
    assert_eq!(tx.list_resource_servers(POOL, None, 9).await.unwrap(), stored);
    assert_eq!(tx.list_resource_servers(POOL, Some("a"), 1).await.unwrap(), stored[2..3]);

    assert!(tx.delete_resource_server(POOL, "a").await.unwrap());
    assert!(!tx.delete_resource_server(POOL, "a").await.unwrap());
    assert_eq!(tx.resource_server(POOL, "a").await.unwrap(), None);
    assert!(tx.resource_server("other", "a").await.unwrap().is_some());
    tx.commit().await.unwrap();
}

async fn clients_keep_their_secrets(site: Site) {
    let store = site.open().await;
    let (mut first, mut public) = (client("1a", POOL), client("1b", POOL));
    public.secrets.clear();
    let mut tx = store.write().await.unwrap();
    for client in [&public, &first, &client("0z", "eu-central-1_other")] {
        tx.insert_app_client(client).await.unwrap();
    }
    assert_eq!(tx.app_client("1a").await.unwrap(), Some(first.clone()));
    assert_eq!(tx.app_client("1b").await.unwrap(), Some(public.clone()));
    assert_eq!(tx.app_client("1c").await.unwrap(), None);
    assert_eq!(tx.list_app_clients(POOL, None, 9).await.unwrap(), [first.clone(), public.clone()]);
    assert_eq!(tx.list_app_clients(POOL, Some("1a"), 9).await.unwrap(), [public]);

    first.secrets.push(ClientSecret { id: "2".into(), value: "more".into(), created_at: at(9) });
    tx.update_app_client(&mut first).await.unwrap();
    assert_eq!(tx.app_client("1a").await.unwrap(), Some(first));
    tx.delete_app_client("1a").await.unwrap();
    tx.delete_app_client("1a").await.unwrap();
    assert_eq!(tx.app_client("1a").await.unwrap(), None);
    tx.commit().await.unwrap();
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

async fn users_come_back_as_they_were_stored(site: Site) {
    let store = site.open().await;
    let (mut complete, plain) = (complete_user(), user(2));
    let aliases = [alias("email", "ann@example.com"), alias("preferred_username", "ann")];
    insert(&store, &complete, &aliases).await.unwrap();
    insert(&store, &plain, &[]).await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_by_username(POOL, "user1").await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_alias(POOL, "ann").await.unwrap().as_ref(), Some(&complete));
    assert_eq!(view.user_by_sub(POOL, &sub(2)).await.unwrap().as_ref(), Some(&plain));
    assert_eq!(view.user_by_username(POOL, "USER1").await.unwrap(), None);
    assert_eq!(view.user_by_username("another_pool", "user1").await.unwrap(), None);
    assert_eq!(view.user_by_alias("another_pool", "ann").await.unwrap(), None);

    complete.password = None;
    complete.software_token = SoftwareToken::default();
    complete.mfa = MfaPreference::default();
    complete.pending_attributes.clear();
    complete.attributes.remove("name");
    complete.enabled = true;
    complete.signed_out_at = None;
    let mut tx = store.write().await.unwrap();
    tx.update_user(&mut complete).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(complete.version, 1);
    assert_eq!(by_sub(&store, 1).await, Some(complete));
}

async fn names_that_are_taken_leave_nothing_behind(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[alias("email", "a@b.c")]).await.unwrap();

    let mut same_name = user(2);
    same_name.username = "user1".into();
    let refused = insert(&store, &same_name, &[alias("email", "free@b.c")]).await;
    assert_eq!(refused, Err(Taken::Username));
    let aliases = [alias("preferred_username", "free"), alias("email", "a@b.c")];
    let refused = insert(&store, &user(3), &aliases).await;
    assert_eq!(refused, Err(Taken::Alias("email".to_owned())));

    assert_eq!(by_sub(&store, 2).await, None);
    assert_eq!(by_sub(&store, 3).await, None);
    assert_eq!(by_alias(&store, "free@b.c").await, None);
    assert_eq!(by_alias(&store, "free").await, None);
    assert_eq!(store.read().await.unwrap().count_users(POOL).await.unwrap(), 1);
    // The same value for another attribute belongs to somebody else.
    insert(&store, &user(4), &[alias("preferred_username", "a@b.c")]).await.unwrap();
    assert_eq!(by_alias(&store, "a@b.c").await.as_deref(), Some("user1"));
}

async fn stale_users_are_not_written(site: Site) {
    let store = site.open().await;
    let mut current = user(1);
    insert(&store, &current, &[]).await.unwrap();
    let mut stale = current.clone();
    let mut tx = store.write().await.unwrap();
    tx.update_user(&mut current).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let outcome = tx.update_user(&mut stale).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let outcome = tx.update_user(&mut user(9)).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
}

async fn parallel_updates_all_count(site: Site) {
    let store = site.open().await;
    insert(&store, &with(user(1), &[("custom:n", "0")]), &[]).await.unwrap();
    together(16, |_| {
        let store = store.clone();
        async move {
            persistently!(store, tx => {
                let mut user = tx.user_by_sub(POOL, &sub(1)).await?.unwrap();
                let number: u32 = user.attributes["custom:n"].parse().unwrap();
                user.attributes.insert("custom:n".to_owned(), (number + 1).to_string());
                tx.update_user(&mut user).await
            });
        }
    })
    .await;
    let user = by_sub(&store, 1).await.unwrap();
    assert_eq!((user.attribute("custom:n"), user.version), (Some("16"), 16));
}

async fn one_of_many_gets_an_alias(site: Site) {
    let store = site.open().await;
    for number in 0..8 {
        insert(&store, &user(number), &[]).await.unwrap();
    }
    let won = together(8, |number| {
        let store = store.clone();
        async move {
            let wanted = alias("email", "wanted@example.com");
            persistently!(store, tx => tx.claim_alias(POOL, &wanted, &sub(number)).await)
        }
    })
    .await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let winner = won.iter().position(|won| *won).unwrap();
    assert_eq!(by_alias(&store, "wanted@example.com").await, Some(format!("user{winner}")));
}

async fn one_of_many_gets_a_username(site: Site) {
    let store = site.open().await;
    let outcomes = together(8, |number| {
        let store = store.clone();
        async move {
            let mut user = user(number);
            user.username = "wanted".into();
            persistently!(store, tx => tx.insert_user(&user, "wanted", &[]).await)
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|o| **o == Err(Taken::Username)).count(), 7);
    assert_eq!(store.read().await.unwrap().count_users(POOL).await.unwrap(), 1);
}

async fn an_alias_replaces_the_user_s_earlier_one(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[alias("email", "old@b.c")]).await.unwrap();
    insert(&store, &user(2), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(!tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(2)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(1)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "new@b.c"), &sub(1)).await.unwrap());
    assert!(tx.claim_alias(POOL, &alias("email", "old@b.c"), &sub(2)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(by_alias(&store, "new@b.c").await.as_deref(), Some("user1"));
    assert_eq!(by_alias(&store, "old@b.c").await.as_deref(), Some("user2"));
    let mut tx = store.write().await.unwrap();
    tx.release_alias(POOL, "email", &sub(1)).await.unwrap();
    tx.release_alias(POOL, "phone_number", &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(by_alias(&store, "new@b.c").await, None);
}

async fn one_of_many_spends_an_id(site: Site) {
    let store = site.open().await;
    let answers = together(8, |number| {
        let store = store.clone();
        async move {
            let now = at(i64::from(number));
            persistently!(store, tx => tx.spend("id", now, at(900)).await)
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 1);
    let first = answers.iter().position(Option::is_none).unwrap();
    let first = Some(at(i64::try_from(first).unwrap()));
    assert!(answers.iter().flatten().all(|answer| Some(*answer) == first));
    let mut view = store.read().await.unwrap();
    assert_eq!(view.spent_at("id").await.unwrap(), first);
    assert_eq!(view.spent_at("other").await.unwrap(), None);
}

async fn revoked_sign_ins_are_remembered(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.revoke_origin(POOL, "origin", at(100)).await.unwrap();
    tx.revoke_origin(POOL, "origin", at(50)).await.unwrap();
    tx.commit().await.unwrap();
    insert(&store, &complete_user(), &[]).await.unwrap();
    let elsewhere = User { user_pool_id: "another_pool".to_owned(), ..user(1) };
    insert(&store, &elsewhere, &[]).await.unwrap();
    assert_eq!(of_sign_in(&store, POOL, "origin").await, Some((complete_user(), true)));
    assert_eq!(of_sign_in(&store, POOL, "another").await, Some((complete_user(), false)));
    assert_eq!(of_sign_in(&store, "another_pool", "origin").await, Some((elsewhere, false)));
    assert_eq!(of_sign_in(&store, "no_pool", "origin").await, None);
    store.sweep(at(399)).await.unwrap();
    assert!(of_sign_in(&store, POOL, "origin").await.unwrap().1, "the later end counts");
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

async fn a_code_replaces_the_one_before(site: Site) {
    let store = site.open().await;
    let (first, second) = (code(1, CodePurpose::SignUp, 1), code(1, CodePurpose::SignUp, 2));
    let other = code(1, CodePurpose::VerifyEmail, 3);
    let mut tx = store.write().await.unwrap();
    for code in [&first, &other, &second] {
        tx.put_code(code).await.unwrap();
    }
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), Some(second));
    tx.delete_code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap();
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), None);
    assert_eq!(tx.code(POOL, &sub(1), CodePurpose::VerifyEmail).await.unwrap(), Some(other));
    tx.commit().await.unwrap();
}

async fn counters_are_kept_by_subject_and_kind(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: u32::MAX, since: at(0), last_at: at(7) };
    let mut tx = store.write().await.unwrap();
    for count in [1, u32::MAX] {
        let attempts = Attempts { count, ..attempts };
        tx.put_attempts(POOL, "nobody", Attempted::Password, attempts, at(60)).await.unwrap();
    }
    let found = tx.attempts(POOL, "nobody", Attempted::Password).await.unwrap();
    assert_eq!(found, Some(attempts));
    assert_eq!(tx.attempts(POOL, "nobody", Attempted::ResendCode).await.unwrap(), None);
    assert_eq!(tx.attempts(POOL, "somebody", Attempted::Password).await.unwrap(), None);
    tx.clear_attempts(POOL, "nobody", Attempted::Password).await.unwrap();
    assert_eq!(tx.attempts(POOL, "nobody", Attempted::Password).await.unwrap(), None);
    tx.commit().await.unwrap();
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

async fn signing_keys_come_oldest_first(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_signing_key(&signing_key("new", KeyUse::Id, 9)).await.unwrap();
    tx.insert_signing_key(&signing_key("old", KeyUse::Access, 1)).await.unwrap();
    let keys = tx.signing_keys(POOL).await.unwrap();
    assert_eq!(keys.iter().map(|k| k.kid.as_str()).collect::<Vec<_>>(), ["old", "new"]);
    assert_eq!(keys[0].key_use, KeyUse::Access);
    assert_eq!(keys[0].created_at, at(1));
    assert_eq!(keys[1].pkcs8, b"planted-pkcs8");
    assert!(tx.signing_keys("another_pool").await.unwrap().is_empty());
    tx.commit().await.unwrap();
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

async fn access_keys_are_kept(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for id in ["AKIAB", "AKIAA"] {
        tx.insert_access_key(&access_key(id)).await.unwrap();
    }
    assert!(tx.access_key("AKIAA").await.unwrap() == Some(access_key("AKIAA")));
    let ids: Vec<_> = tx.list_access_keys().await.unwrap().into_iter().map(|k| k.id).collect();
    assert_eq!(ids, ["AKIAA", "AKIAB"]);
    assert!(tx.delete_access_key("AKIAA").await.unwrap());
    assert!(!tx.delete_access_key("AKIAA").await.unwrap());
    assert!(tx.access_key("AKIAA").await.unwrap().is_none());
    tx.commit().await.unwrap();
}

async fn the_first_data_key_of_an_id_wins(site: Site) {
    let store = site.open().await;
    let mut key = WrappedDataKey {
        id: 2,
        wrapped: vec![1, 2],
        master_key_id: "first".to_owned(),
        created_at: at(1),
    };
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_data_key(&key).await.unwrap());
    let second = WrappedDataKey { master_key_id: "second".to_owned(), ..key.clone() };
    assert!(!tx.insert_data_key(&second).await.unwrap());
    assert_eq!(tx.data_keys().await.unwrap().last(), Some(&key));
    key.wrapped = vec![3];
    tx.rewrap_data_key(&key).await.unwrap();
    assert_eq!(tx.data_keys().await.unwrap().last(), Some(&key));
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

fn searched(user: &User, field: SearchField) -> String {
    let attribute = |name: &str| user.attribute(name).unwrap_or_default().to_owned();
    match field {
        SearchField::Username => user.username.clone(),
        SearchField::Sub => user.sub.clone(),
        SearchField::Email => attribute("email"),
        SearchField::PhoneNumber => attribute("phone_number"),
        SearchField::Name => attribute("name"),
        SearchField::GivenName => attribute("given_name"),
        SearchField::FamilyName => attribute("family_name"),
        SearchField::PreferredUsername => attribute("preferred_username"),
        SearchField::UserStatus => user.status.as_str().to_owned(),
        SearchField::Enabled => if user.enabled { "Enabled" } else { "Disabled" }.to_owned(),
    }
}

/// Every user of a list, page by page.
async fn walk(store: &SqlStore, filter: Option<&UserFilter>, limit: u32) -> Vec<String> {
    let mut subs = Vec::new();
    let mut after = None;
    loop {
        let users = page(store, filter, after.as_ref(), limit).await;
        let Some(last) = users.last() else {
            return subs;
        };
        let value = filter.map(|filter| searched(last, filter.field)).unwrap_or_default();
        after = Some(UserCursor { value, sub: last.sub.clone() });
        subs.extend(users.into_iter().map(|user| user.sub));
    }
}

async fn every_field_can_be_searched(site: Site) {
    let store = site.open().await;
    let mut other = user(0xff);
    other.username = "zoe".into();
    other.enabled = false;
    other.status = UserStatusType::Unconfirmed;
    insert(&store, &other, &[]).await.unwrap();
    for number in 1..=5 {
        let email = format!("Ann{}@Example.com", number / 2);
        let attributes = [
            ("email", email.as_str()),
            ("phone_number", "+491700000"),
            ("name", "Ann Ähre"),
            ("given_name", "Ann"),
            ("family_name", "Ähre"),
            ("preferred_username", "Annie"),
        ];
        insert(&store, &with(user(number), &attributes), &[]).await.unwrap();
    }
    let ann = (1..=5).map(sub).collect::<Vec<_>>();
    let cases = [
        (filter(SearchField::Email, "ann1@example.com", false), ann[1..3].to_vec()),
        (filter(SearchField::Email, "ann", true), ann.clone()),
        (filter(SearchField::PhoneNumber, "+491700000", false), ann.clone()),
        (filter(SearchField::PhoneNumber, "+49", true), ann.clone()),
        (filter(SearchField::PhoneNumber, "+48", true), vec![]),
        (filter(SearchField::Name, "ann ähre", false), ann.clone()),
        (filter(SearchField::Name, "ann ä", true), ann.clone()),
        (filter(SearchField::GivenName, "ann", false), ann.clone()),
        (filter(SearchField::GivenName, "b", true), vec![]),
        (filter(SearchField::FamilyName, "ähre", false), ann.clone()),
        (filter(SearchField::FamilyName, "ä", true), ann.clone()),
        (filter(SearchField::PreferredUsername, "annie", false), ann.clone()),
        (filter(SearchField::PreferredUsername, "annie", true), ann.clone()),
        (filter(SearchField::UserStatus, "CONFIRMED", false), ann.clone()),
        (filter(SearchField::UserStatus, "UNC", true), vec![sub(0xff)]),
        (filter(SearchField::Enabled, "Disabled", false), vec![sub(0xff)]),
        (filter(SearchField::Enabled, "En", true), ann.clone()),
        (filter(SearchField::Username, "user3", false), vec![sub(3)]),
        (filter(SearchField::Username, "user", true), ann.clone()),
        (filter(SearchField::Username, "user3x", true), vec![]),
        (filter(SearchField::Sub, &sub(3), false), vec![sub(3)]),
        (filter(SearchField::Sub, &sub(3), true), vec![sub(3)]),
        (filter(SearchField::Sub, "0000000", true), ann.clone()),
    ];
    for (filter, expected) in cases {
        for limit in [1, 2, 60] {
            assert_eq!(walk(&store, Some(&filter), limit).await, expected, "{filter:?}");
        }
    }
    let everybody: Vec<_> = (1..=5).chain([0xff]).map(sub).collect();
    assert_eq!(walk(&store, None, 4).await, everybody);
    let empty_prefix = filter(SearchField::Username, "", true);
    assert_eq!(walk(&store, Some(&empty_prefix), 4).await, everybody);
}

async fn pages_are_stable_while_users_come_and_go(site: Site) {
    let store = site.open().await;
    for number in [10, 20, 30, 40] {
        insert(&store, &with(user(number), &[("name", "Same")]), &[]).await.unwrap();
    }
    let same = filter(SearchField::Name, "sa", true);
    let first = page(&store, Some(&same), None, 2).await;
    assert_eq!(first.iter().map(|u| u.sub.clone()).collect::<Vec<_>>(), [sub(10), sub(20)]);
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(20)).await.unwrap();
    tx.commit().await.unwrap();
    for number in [5, 35] {
        insert(&store, &with(user(number), &[("name", "same")]), &[]).await.unwrap();
    }
    let cursor = UserCursor { value: "Same".to_owned(), sub: sub(20) };
    let second = page(&store, Some(&same), Some(&cursor), 9).await;
    let subs: Vec<_> = second.iter().map(|u| u.sub.clone()).collect();
    assert_eq!(subs, [sub(30), sub(35), sub(40)]);
}

async fn prefixes_end_where_they_should(site: Site) {
    let store = site.open().await;
    let names = ["a", "ab", "a\u{d7ff}", "a\u{e000}", "a\u{10ffff}", "a\u{10ffff}\u{10ffff}", "b"];
    for (number, name) in (1..).zip(names) {
        insert(&store, &with(user(number), &[("name", name)]), &[]).await.unwrap();
    }
    let long = "x".repeat(2_048);
    insert(&store, &with(user(100), &[("name", &long)]), &[]).await.unwrap();
    let found = async |prefix: &str| {
        let filter = filter(SearchField::Name, prefix, true);
        walk(&store, Some(&filter), 2).await.len()
    };
    assert_eq!(found("a").await, 6);
    assert_eq!(found("a\u{d7ff}").await, 1);
    assert_eq!(found("a\u{10ffff}").await, 2);
    assert_eq!(found("\u{10ffff}").await, 0);
    assert_eq!(found("").await, 8);
    assert_eq!(found(&"x".repeat(256)).await, 1);
}

async fn deleting_a_user_leaves_nothing(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: 1, since: at(0), last_at: at(0) };
    for number in [1, 2] {
        let email = format!("{number}@example.com");
        insert(&store, &user(number), &[alias("email", &email)]).await.unwrap();
        let mut tx = store.write().await.unwrap();
        tx.put_code(&code(number, CodePurpose::SignUp, 1)).await.unwrap();
        tx.put_attempts(POOL, &sub(number), Attempted::Password, attempts, at(9)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(by_sub(&store, 1).await, None);
    assert_eq!(by_alias(&store, "1@example.com").await, None);
    let mut view = store.read().await.unwrap();
    assert_eq!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap(), None);
    assert_eq!(view.attempts(POOL, &sub(1), Attempted::Password).await.unwrap(), None);
    assert_eq!(view.count_users(POOL).await.unwrap(), 1);
    assert_eq!(by_alias(&store, "2@example.com").await.as_deref(), Some("user2"));
    assert!(view.code(POOL, &sub(2), CodePurpose::SignUp).await.unwrap().is_some());
    assert!(view.attempts(POOL, &sub(2), Attempted::Password).await.unwrap().is_some());
    insert(&store, &user(1), &[alias("email", "1@example.com")]).await.unwrap();
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

async fn groups_are_stored_replaced_and_listed(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let mut full = Group {
        description: Some("Größe".to_owned()),
        role_arn: Some("arn:aws:iam::123456789012:role/x".to_owned()),
        precedence: Some(i32::MAX),
        ..group("Ö".repeat(128).as_str())
    };
    for group in [&full, &group("b"), &group("A")] {
        assert!(tx.insert_group(group).await.unwrap());
    }
    let elsewhere = Group { user_pool_id: "other".to_owned(), ..group("A") };
    assert!(tx.insert_group(&elsewhere).await.unwrap());
    let taken = Group { id: "another".to_owned(), ..group("a") };
    assert!(!tx.insert_group(&taken).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    (full.description, full.precedence, full.modified_at) = (None, Some(0), at(5));
    tx.update_group(&full).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.group(POOL, &"ö".repeat(128)).await.unwrap(), Some(full.clone()));
    assert_eq!(view.group(POOL, "nothing").await.unwrap(), None);
    assert_eq!(view.list_groups(POOL, None, 2).await.unwrap(), [group("A"), group("b")]);
    assert_eq!(view.list_groups(POOL, Some("b"), 2).await.unwrap(), [full]);
    assert_eq!(view.count_groups(POOL).await.unwrap(), 3);
    assert_eq!(view.count_groups("nowhere").await.unwrap(), 0);
}

async fn stale_groups_are_not_written(site: Site) {
    let store = site.open().await;
    let group = group("a");
    let mut tx = store.write().await.unwrap();
    assert!(matches!(tx.update_group(&group).await, Err(Fault::Conflict(_))));
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let outcome = tx.delete_group(&group, at(0)).await;
    assert!(matches!(outcome, Err(Fault::Conflict(_))), "{outcome:?}");
}

async fn members_are_paged_from_both_sides(site: Site) {
    let store = site.open().await;
    let (a, b) = (group("a"), group("B"));
    let mut tx = store.write().await.unwrap();
    for group in [&b, &a] {
        tx.insert_group(group).await.unwrap();
    }
    for number in 1..=5 {
        let user = user(number);
        tx.insert_user(&user, &user.username, &[]).await.unwrap().unwrap();
        tx.insert_member(&a, &user.sub).await.unwrap();
    }
    for number in [2, 4, 2] {
        tx.insert_member(&b, &sub(number)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.list_members(&a, None, 3).await.unwrap(), [user(1), user(2), user(3)]);
    let rest = view.list_members(&a, Some(&sub(3)), 3).await.unwrap();
    assert_eq!(rest, [user(4), user(5)]);
    assert_eq!(view.list_members(&b, None, 3).await.unwrap(), [user(2), user(4)]);
    assert_eq!(view.groups_of_user(POOL, &sub(2)).await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![a.clone()]);
    assert_eq!(view.groups_of_user("other", &sub(1)).await.unwrap(), []);

    let mut tx = store.write().await.unwrap();
    for _ in 0..2 {
        tx.delete_member(&a, &sub(2)).await.unwrap();
        tx.delete_user(POOL, &sub(4)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(view.groups_of_user(POOL, &sub(2)).await.unwrap(), vec![b.clone()]);
    assert_eq!(view.groups_of_user(POOL, &sub(4)).await.unwrap(), []);
    assert_eq!(view.list_members(&a, None, 9).await.unwrap(), [user(1), user(3), user(5)]);
    assert_eq!(view.list_members(&b, None, 9).await.unwrap(), [user(2)]);
}

async fn one_of_many_gets_a_group_name(site: Site) {
    let store = site.open().await;
    let outcomes = together(8, |number| {
        let store = store.clone();
        async move {
            let group = Group { id: number.to_string(), ..group("same") };
            persistently!(store, tx => tx.insert_group(&group).await)
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|is_stored| **is_stored).count(), 1);
}

async fn a_deleted_group_loses_its_members_at_once_and_is_emptied_in_batches(site: Site) {
    let store = site.open().await;
    let (gone, stays) = (group("gone"), group("stays"));
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    for group in [&gone, &stays] {
        tx.insert_group(group).await.unwrap();
        for number in 1..=1_200 {
            tx.insert_member(group, &sub(number)).await.unwrap();
        }
    }
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    tx.delete_group(&gone, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![stays.clone()]);
    let again = Group { id: "another id".to_owned(), ..group("gone") };
    let mut tx = store.write().await.unwrap();
    assert!(tx.insert_group(&again).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(view.list_members(&again, None, 9).await.unwrap(), []);

    assert!(store.sweep(at(1)).await.unwrap(), "more than a batch remains");
    assert!(!store.sweep(at(2)).await.unwrap());
    assert_eq!(view.list_members(&gone, None, 9).await.unwrap(), []);
    // A request that had found the group before.
    let mut tx = store.write().await.unwrap();
    tx.insert_member(&gone, &sub(1)).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(60)).await.unwrap();
    assert_eq!(view.list_members(&gone, None, 9).await.unwrap(), []);
    assert_eq!(view.groups_of_user(POOL, &sub(1)).await.unwrap(), vec![stays.clone()]);
    assert_eq!(view.list_members(&stays, None, 9).await.unwrap(), [user(1)]);
}

async fn a_deleted_pool_disappears_at_once_and_is_emptied_in_batches(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_user_pool(&pool("other")).await.unwrap();
    tx.insert_app_client(&client("client", POOL)).await.unwrap();
    tx.insert_signing_key(&signing_key("kid", KeyUse::Id, 0)).await.unwrap();
    tx.insert_resource_server(&resource_server(POOL, "api")).await.unwrap();
    for number in 0..1_200 {
        let alias = alias("email", &format!("{number}@example.com"));
        let user = user(number);
        tx.insert_user(&user, &user.username, &[alias]).await.unwrap().unwrap();
    }
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_pool(POOL).await.unwrap(), None);
    assert_eq!(view.list_user_pools(None, 9).await.unwrap(), [pool("other")]);
    assert_eq!(view.app_client("client").await.unwrap(), None);
    assert!(view.signing_keys(POOL).await.unwrap().is_empty());
    let mut gone = pool(POOL);
    let mut tx = store.write().await.unwrap();
    assert!(matches!(tx.update_user_pool(&mut gone).await, Err(Fault::Conflict(_))));
    drop(tx);

    assert!(store.sweep(at(1)).await.unwrap(), "more than a batch remains");
    assert_eq!(page(&store, None, None, 1_500).await.len(), 200);
    assert!(!store.sweep(at(2)).await.unwrap());
    assert_eq!(page(&store, None, None, 1_500).await.len(), 0);
    assert_eq!(view.count_resource_servers(POOL).await.unwrap(), 0);
    assert_eq!(by_alias(&store, "7@example.com").await, None);
    assert_eq!(view.count_groups(POOL).await.unwrap(), 0);
    assert_eq!(view.groups_of_user(POOL, &sub(7)).await.unwrap(), []);
    // A request that had looked the pool up before.
    insert(&store, &user(5_000), &[]).await.unwrap();
    assert!(!store.sweep(at(70)).await.unwrap());
    assert_eq!(by_sub(&store, 5_000).await, None);
    assert_eq!(view.count_users(POOL).await.unwrap(), 0);
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    assert!(tx.user_pool("other").await.unwrap().is_some());
}

async fn the_sweep_removes_only_what_has_expired(site: Site) {
    let store = site.open().await;
    let attempts = Attempts { count: 1, since: at(0), last_at: at(0) };
    let mut tx = store.write().await.unwrap();
    for number in 0..1_001 {
        tx.spend(&format!("old{number}"), at(0), at(10)).await.unwrap();
    }
    tx.spend("new", at(0), at(30)).await.unwrap();
    tx.put_attempts(POOL, "old", Attempted::Password, attempts, at(10)).await.unwrap();
    tx.put_attempts(POOL, "new", Attempted::Password, attempts, at(30)).await.unwrap();
    tx.revoke_origin(POOL, "old", at(10)).await.unwrap();
    tx.revoke_origin(POOL, "new", at(30)).await.unwrap();
    tx.put_code(&code(1, CodePurpose::SignUp, 1)).await.unwrap();
    tx.commit().await.unwrap();

    assert!(store.sweep(at(320)).await.unwrap());
    assert!(!store.sweep(at(320)).await.unwrap());
    let mut view = store.read().await.unwrap();
    for number in 0..1_001 {
        assert_eq!(view.spent_at(&format!("old{number}")).await.unwrap(), None);
    }
    assert!(view.spent_at("new").await.unwrap().is_some());
    assert_eq!(view.attempts(POOL, "old", Attempted::Password).await.unwrap(), None);
    assert!(view.attempts(POOL, "new", Attempted::Password).await.unwrap().is_some());
    insert(&store, &user(1), &[]).await.unwrap();
    assert!(!of_sign_in(&store, POOL, "old").await.unwrap().1);
    assert!(of_sign_in(&store, POOL, "new").await.unwrap().1);
    // A code is kept for a day after it has expired, so that its user learns that it has.
    store.sweep(at(86_500)).await.unwrap();
    assert!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap().is_some());
    store.sweep(at(2 * 86_400)).await.unwrap();
    assert!(view.code(POOL, &sub(1), CodePurpose::SignUp).await.unwrap().is_none());
}

async fn what_is_not_committed_is_gone(site: Site) {
    let store = site.open().await;
    for _ in 0..20 {
        let mut tx = store.write().await.unwrap();
        tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
        drop(tx);
    }
    assert_eq!(by_sub(&store, 1).await, None);
    insert(&store, &user(1), &[]).await.unwrap();
}

async fn a_view_for_reading_refuses_writes(site: Site) {
    let store = site.open().await;
    let mut view = store.read().await.unwrap();
    let outcome = view.spend("id", at(0), at(1)).await;
    assert!(matches!(outcome, Err(Fault::Broken { .. })), "{outcome:?}");
    assert_eq!(view.spent_at("id").await.unwrap(), None);
    view.commit().await.unwrap();
}

async fn texts_that_postgres_cannot_store_do_no_harm(site: Site) {
    let store = site.open().await;
    let odd = with(user(1), &[("name", "a\0b")]);
    insert(&store, &odd, &[alias("preferred_username", "a\0b")]).await.unwrap();
    assert_eq!(by_sub(&store, 1).await, Some(odd));
    assert_eq!(by_alias(&store, "a\0b").await.as_deref(), Some("user1"));
    let filter = filter(SearchField::Name, "a\0b", false);
    assert_eq!(page(&store, Some(&filter), None, 9).await.len(), 1);
}

async fn reads_see_what_others_commit(site: Site) {
    let store = site.open().await;
    let mut view = store.read().await.unwrap();
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap(), None);
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(1), "user1", &[]).await.unwrap().unwrap();
    assert_eq!(view.user_by_sub(POOL, &sub(1)).await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(view.user_by_sub(POOL, &sub(1)).await.unwrap().is_some());
}

async fn what_was_committed_survives_a_restart(site: Site) {
    let store = site.open().await;
    let user = complete_user();
    insert(&store, &user, &[alias("email", "ann@example.com")]).await.unwrap();
    let sealed = store.keyring().seal(Purpose::PageToken, b"", b"token", &Noise);
    store.close().await;

    let store = site.open().await;
    assert_eq!(by_sub(&store, 1).await, Some(user));
    let opened = store.keyring().open(Purpose::PageToken, b"", &sealed).unwrap();
    assert_eq!(opened.as_slice(), b"token");
}

async fn the_wrong_master_key_is_refused(site: Site) {
    drop(site.open().await);
    let refused = site.open_with(master_key(2)).await.err().unwrap();
    let OpenError::WrongMasterKey { expected, given } = refused else { panic!("{refused}") };
    assert_eq!((expected, given), (master_key(1).id(), master_key(2).id()));
}

async fn a_new_data_key_seals_when_every_node_has_had_time_to_load_it(site: Site) {
    let (one, two) = (site.open().await, site.open().await);
    assert_eq!(one.rotate_data_key(at(5)).await.unwrap(), 2);
    one.reload_keys(at(19)).await.unwrap();
    assert_eq!((one.keyring().key_ids(), one.keyring().active_key_id()), (vec![1, 2], 1));
    one.reload_keys(at(20)).await.unwrap();
    assert_eq!(one.keyring().active_key_id(), 2);

    let mut user = complete_user();
    insert(&one, &user, &[]).await.unwrap();
    let mut tx = one.write().await.unwrap();
    tx.update_user(&mut user).await.unwrap();
    tx.commit().await.unwrap();
    // A node that has not looked yet loads the key when it meets something sealed with it.
    assert_eq!(two.keyring().key_ids(), [1]);
    assert_eq!(by_sub(&two, 1).await, Some(user));
    assert_eq!((two.keyring().key_ids(), two.keyring().active_key_id()), (vec![1, 2], 1));
    assert_eq!(two.rotate_data_key(at(21)).await.unwrap(), 3);
    two.reload_keys(at(36)).await.unwrap();
    assert_eq!(two.keyring().active_key_id(), 3);
}

async fn the_master_key_can_be_changed_while_serving(site: Site) {
    let store = site.open().await;
    insert(&store, &complete_user(), &[]).await.unwrap();
    store.rotate_data_key(at(1)).await.unwrap();
    store.rotate_master_key(master_key(2)).await.unwrap();
    assert_eq!(by_sub(&store, 1).await, Some(complete_user()));
    store.rotate_data_key(at(2)).await.unwrap();

    assert!(matches!(site.open_with(master_key(1)).await, Err(OpenError::WrongMasterKey { .. })));
    let again = site.open_with(master_key(2)).await.unwrap();
    assert_eq!(by_sub(&again, 1).await, Some(complete_user()));
    assert_eq!(again.keyring().key_ids(), [1, 2, 3]);
}

async fn many_nodes_start_on_an_empty_database(site: Site) {
    let site = Arc::new(site);
    let nodes = together(6, |_| {
        let site = Arc::clone(&site);
        async move { site.open().await }
    })
    .await;
    insert(&nodes[0], &complete_user(), &[]).await.unwrap();
    for node in &nodes {
        assert_eq!(by_sub(node, 1).await, Some(complete_user()));
    }
}

async fn a_newer_schema_is_refused(site: Site) {
    drop(Database::open(&site.location()).await.unwrap());
    drop(Database::open(&site.location()).await.unwrap());
    site.raw("INSERT INTO schema_history (version, checksum) VALUES (999, 'x')").await;
    let refused = Database::open(&site.location()).await.err().unwrap();
    assert!(matches!(refused, OpenError::NewerSchema { found: 999, .. }), "{refused}");
}

async fn an_altered_schema_is_refused(site: Site) {
    drop(Database::open(&site.location()).await.unwrap());
    site.raw("UPDATE schema_history SET checksum = 'x' WHERE version = 1").await;
    let refused = Database::open(&site.location()).await.err().unwrap();
    assert!(matches!(refused, OpenError::ForeignSchema(1)), "{refused}");
}

/// Whether the loot holds these bytes, as they are or in the hexadecimal of PostgreSQL.
fn holds(loot: &[u8], secret: &[u8]) -> bool {
    let hex: Vec<u8> = secret.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect();
    let found = |needle: &[u8]| loot.windows(needle.len()).any(|window| window == needle);
    found(secret) || found(&hex)
}

async fn no_secret_can_be_read_in_the_database(site: Site) {
    let store = site.open().await;
    let user = complete_user();
    insert(&store, &user, &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_app_client(&client("client", POOL)).await.unwrap();
    tx.insert_signing_key(&signing_key("kid", KeyUse::Id, 0)).await.unwrap();
    tx.insert_access_key(&access_key("AKIAX")).await.unwrap();
    tx.commit().await.unwrap();

    let loot = site.loot().await;
    assert!(holds(&loot, b"Ann@Example.com"), "the search finds what is not a secret");
    assert!(holds(&loot, &[1, 0, 0, 0, 1]), "the search finds bytes");
    let secrets: [&[u8]; 7] = [
        b"planted-verifier",
        &[7; 16],
        b"planted-software-token-secret-32",
        &[9; 32],
        b"planted-client-secret",
        b"planted-pkcs8",
        b"planted-access-key-secret",
    ];
    for secret in secrets {
        assert!(!holds(&loot, secret), "{}", String::from_utf8_lossy(secret));
    }
    // The software token is JSON inside its seal: numbers.
    assert!(!holds(&loot, b"[112,108,97,110"));
}

async fn a_secret_that_was_moved_does_not_open(site: Site) {
    let store = site.open().await;
    let mut other = user(2);
    other.password = complete_user().password;
    insert(&store, &complete_user(), &[]).await.unwrap();
    insert(&store, &other, &[]).await.unwrap();
    let one = sub(1);
    site.raw(&format!(
        "UPDATE users SET sealed_password =
             (SELECT sealed_password FROM users WHERE sub = '{one}')
         WHERE sub <> '{one}'"
    ))
    .await;
    let mut view = store.read().await.unwrap();
    assert!(view.user_by_sub(POOL, &sub(1)).await.unwrap().is_some());
    let moved = view.user_by_sub(POOL, &sub(2)).await;
    assert!(matches!(moved, Err(Fault::Broken { .. })), "{moved:?}");
}

async fn cancelled_requests_do_not_harm_later_ones(site: Site) {
    let store = site.open().await;
    for number in 0..50 {
        let request = async {
            let mut tx = store.write().await.unwrap();
            for step in 0..50 {
                tx.spend(&format!("{number}-{step}"), at(0), at(1)).await.unwrap();
            }
        };
        let polls = number % 10 + 1;
        cancelled_after(polls, request).await;
    }
    insert(&store, &user(1), &[]).await.unwrap();
    let mut view = store.read().await.unwrap();
    for number in 0..50 {
        assert_eq!(view.spent_at(&format!("{number}-0")).await.unwrap(), None);
    }
}

/// Polls a future some times and drops it.
async fn cancelled_after(polls: u32, future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left = left.saturating_sub(1);
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced() {
    let Some(Site::Postgres(database)) = Site::postgres().await else {
        return;
    };
    let site = Site::Postgres(database);
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    let Site::Postgres(database) = &site else {
        return;
    };
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '{}' AND pid <> pg_backend_pid()";
    database.administer(kill).await;
    assert!(by_sub(&store, 1).await.is_some(), "a read runs again on a new connection");
    database.administer(kill).await;
    insert(&store, &user(2), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_user(&user(3), "user3", &[]).await.unwrap().unwrap();
    database.administer(kill).await;
    assert!(tx.commit().await.is_err(), "what was open is lost");
    assert_eq!(by_sub(&store, 3).await, None);
    insert(&store, &user(3), &[]).await.unwrap();
}
