//! How a store starts: on an empty database, on one that was used, on one of another release.

use super::*;

on_durable_engines! { durable:
    what_was_committed_survives_a_restart,
    many_nodes_start_on_an_empty_database,
    a_newer_schema_is_refused,
    an_altered_schema_is_refused,
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
