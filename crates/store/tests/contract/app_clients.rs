//! App clients, and their secrets.

use super::*;

on_every_engine! {
    clients_keep_their_secrets,
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
