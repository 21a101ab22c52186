//! Resource servers.

use super::*;

on_every_engine! {
    resource_servers_are_kept_by_pool_and_identifier,
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
