//! Identity providers, the identities linked to users, and the keys for SAML.

use std::collections::BTreeMap;

use poolhouse_domain::{
    Fault,
    identity_providers::{
        IdentityProvider, ProviderSecrets, certificate::SamlKey, links::LinkedIdentity,
        saml::SamlMetadata,
    },
    ports::Store,
    shapes::{IdentityProviderType, IdentityProviderTypeType, ProviderDescription},
};

use super::{POOL, Site, at, holds, insert, pool, sub, together, user};

on_every_engine! {
    providers_come_back_as_they_were_stored,
    stale_providers_are_not_written,
    identifiers_belong_to_one_provider_of_a_pool,
    one_of_many_gets_a_provider_name,
    identities_find_their_user,
    attributes_of_links_are_listed_once,
    a_deleted_user_leaves_no_identity,
    a_pool_has_one_saml_key,
    a_deleted_pool_leaves_no_provider,
}

on_durable_engines! {
    secrets: no_secret_of_a_provider_can_be_read_in_the_database,
}

fn provider(pool_id: &str, name: &str) -> IdentityProvider {
    let details = BTreeMap::from([("client_id".to_owned(), "\"app\"\0".to_owned())]);
    IdentityProvider {
        settings: IdentityProviderType {
            user_pool_id: Some(pool_id.to_owned()),
            provider_name: Some(name.to_owned()),
            provider_type: Some(IdentityProviderTypeType::Saml),
            provider_details: Some(details),
            creation_date: Some(at(1).to_wire()),
            last_modified_date: Some(at(2).to_wire()),
            ..IdentityProviderType::default()
        },
        secrets: ProviderSecrets {
            client_secret: Some("planted-client-secret".to_owned()),
            private_key: Some("planted-private-key".to_owned()),
            decryption_key: None,
        },
        saml: Some(SamlMetadata {
            entity_id: "idp".to_owned(),
            sso_redirect: "https://sso".to_owned(),
            slo_redirect: None,
            signing_certificates: vec!["MIIB".to_owned()],
            read_at: at(3),
        }),
        version: 0,
    }
}

fn description(name: &str, modified: i64) -> ProviderDescription {
    ProviderDescription {
        provider_name: Some(name.to_owned()),
        provider_type: Some(IdentityProviderTypeType::Saml),
        creation_date: Some(at(1).to_wire()),
        last_modified_date: Some(at(modified).to_wire()),
    }
}

fn identity(attribute: &str, value: &str, owner: &str) -> LinkedIdentity {
    LinkedIdentity {
        user_pool_id: POOL.to_owned(),
        provider_name: "Corp".to_owned(),
        attribute_name: attribute.to_owned(),
        attribute_value: value.to_owned(),
        sub: owner.to_owned(),
        is_primary: false,
    }
}

async fn providers_come_back_as_they_were_stored(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let mut bare = provider(POOL, "bare");
    bare.secrets = ProviderSecrets::default();
    bare.saml = None;
    let mut corp = provider(POOL, "Corp");
    for one in [&bare, &corp, &provider("other", "Corp")] {
        assert!(tx.insert_identity_provider(one).await.unwrap());
    }
    assert!(!tx.insert_identity_provider(&provider(POOL, "Corp")).await.unwrap());
    assert_eq!(tx.identity_provider(POOL, "Corp").await.unwrap(), Some(corp.clone()));
    assert_eq!(tx.identity_provider(POOL, "bare").await.unwrap(), Some(bare));
    assert_eq!(tx.identity_provider(POOL, "corp").await.unwrap(), None);
    assert_eq!(tx.count_identity_providers(POOL).await.unwrap(), 2);
    assert_eq!(tx.count_identity_providers("none").await.unwrap(), 0);

    corp.settings.last_modified_date = Some(at(9).to_wire());
    corp.settings.idp_identifiers = Some(vec!["x".to_owned()]);
    corp.secrets.client_secret = None;
    corp.saml = None;
    tx.update_identity_provider(&mut corp).await.unwrap();
    assert_eq!(tx.identity_provider(POOL, "Corp").await.unwrap(), Some(corp));
    let all = [description("Corp", 9), description("bare", 2)];
    assert_eq!(tx.list_identity_providers(POOL, None, 9).await.unwrap(), all);
    assert_eq!(tx.list_identity_providers(POOL, None, 1).await.unwrap(), all[..1]);
    assert_eq!(tx.list_identity_providers(POOL, Some("Corp"), 9).await.unwrap(), all[1..]);

    assert!(tx.delete_identity_provider(POOL, "Corp").await.unwrap());
    assert!(!tx.delete_identity_provider(POOL, "Corp").await.unwrap());
    assert_eq!(tx.identity_provider(POOL, "Corp").await.unwrap(), None);
    assert!(tx.identity_provider("other", "Corp").await.unwrap().is_some());
}

async fn stale_providers_are_not_written(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let (mut fresh, mut stale) = (provider(POOL, "Corp"), provider(POOL, "Corp"));
    tx.insert_identity_provider(&fresh).await.unwrap();
    tx.update_identity_provider(&mut fresh).await.unwrap();
    assert_eq!(fresh.version, 1);
    let refused = tx.update_identity_provider(&mut stale).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
}

async fn identifiers_belong_to_one_provider_of_a_pool(site: Site) {
    let store = site.open().await;
    let named = |pool_id: &str, name: &str, identifiers: &[&str]| {
        let mut named = provider(pool_id, name);
        let identifiers = identifiers.iter().map(|identifier| (*identifier).to_owned());
        named.settings.idp_identifiers = Some(identifiers.collect());
        named
    };
    let corp = named(POOL, "Corp", &["a", "b"]);
    let mut tx = store.write().await.unwrap();
    for one in [&corp, &named("other", "Corp", &["a"])] {
        tx.insert_identity_provider(one).await.unwrap();
        assert_eq!(tx.claim_idp_identifiers(one).await.unwrap(), None);
    }
    assert_eq!(tx.identity_provider_by_identifier(POOL, "b").await.unwrap(), Some(corp));
    assert_eq!(tx.identity_provider_by_identifier(POOL, "B").await.unwrap(), None);
    assert_eq!(tx.identity_provider_by_identifier("other", "b").await.unwrap(), None);
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    let rival = named(POOL, "Rival", &["c", "b"]);
    tx.insert_identity_provider(&rival).await.unwrap();
    assert_eq!(tx.claim_idp_identifiers(&rival).await.unwrap().as_deref(), Some("b"));
    drop(tx);

    let mut tx = store.write().await.unwrap();
    let corp = named(POOL, "Corp", &["b", "c"]);
    assert_eq!(tx.claim_idp_identifiers(&corp).await.unwrap(), None);
    assert_eq!(tx.identity_provider_by_identifier(POOL, "a").await.unwrap(), None);
    assert!(tx.identity_provider_by_identifier(POOL, "c").await.unwrap().is_some());
    tx.delete_identity_provider(POOL, "Corp").await.unwrap();
    tx.insert_identity_provider(&rival).await.unwrap();
    assert_eq!(tx.claim_idp_identifiers(&rival).await.unwrap(), None);
    let found = tx.identity_provider_by_identifier("other", "a").await.unwrap();
    assert_eq!(found.map(|found| found.version), Some(0), "another pool's is untouched");
}

async fn one_of_many_gets_a_provider_name(site: Site) {
    let store = site.open().await;
    let made = together(8, |_| {
        let store = store.clone();
        async move {
            let mut tx = store.write().await.unwrap();
            match tx.insert_identity_provider(&provider(POOL, "Corp")).await {
                Ok(true) => tx.commit().await.is_ok(),
                _ => false,
            }
        }
    })
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
}

async fn identities_find_their_user(site: Site) {
    let store = site.open().await;
    let long = "\u{1F980}".repeat(256);
    let mut own = identity("Cognito_Subject", "7", "b");
    own.is_primary = true;
    let links = [identity("email", "x", "a"), own, identity("email", &long, "a")];
    let mut tx = store.write().await.unwrap();
    for link in &links {
        assert!(tx.insert_linked_identity(link).await.unwrap());
    }
    assert!(!tx.insert_linked_identity(&identity("email", "x", "b")).await.unwrap());
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    for link in &links {
        let (attribute, value) = (&link.attribute_name, &link.attribute_value);
        let found = view.linked_identity(POOL, "Corp", attribute, value).await.unwrap();
        assert_eq!(found.as_ref(), Some(link));
    }
    for (pool_id, provider, attribute, value) in [
        ("other", "Corp", "email", "x"),
        (POOL, "corp", "email", "x"),
        (POOL, "Corp", "name", "x"),
        (POOL, "Corp", "email", "X"),
    ] {
        let found = view.linked_identity(pool_id, provider, attribute, value).await.unwrap();
        assert_eq!(found, None);
    }
    let mut tx = store.write().await.unwrap();
    tx.delete_linked_identity(&links[0]).await.unwrap();
    tx.delete_linked_identity(&links[0]).await.unwrap();
    assert_eq!(tx.linked_identity(POOL, "Corp", "email", "x").await.unwrap(), None);
    assert!(tx.linked_identity(POOL, "Corp", "email", &long).await.unwrap().is_some());
}

async fn attributes_of_links_are_listed_once(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for (attribute, value) in [("b", "1"), ("a", "1"), ("a", "2"), ("C", "1")] {
        tx.insert_linked_identity(&identity(attribute, value, "a")).await.unwrap();
    }
    assert_eq!(tx.linked_attributes(POOL, "Corp", 9).await.unwrap(), ["C", "a", "b"]);
    assert_eq!(tx.linked_attributes(POOL, "Corp", 2).await.unwrap(), ["C", "a"]);
    assert!(tx.linked_attributes(POOL, "Other", 9).await.unwrap().is_empty());
}

async fn a_deleted_user_leaves_no_identity(site: Site) {
    let store = site.open().await;
    insert(&store, &user(1), &[]).await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.insert_linked_identity(&identity("email", "x", &sub(1))).await.unwrap();
    tx.insert_linked_identity(&identity("email", "y", &sub(2))).await.unwrap();
    tx.delete_user(POOL, &sub(1)).await.unwrap();
    assert_eq!(tx.linked_identity(POOL, "Corp", "email", "x").await.unwrap(), None);
    assert!(tx.linked_identity(POOL, "Corp", "email", "y").await.unwrap().is_some());
}

async fn a_pool_has_one_saml_key(site: Site) {
    let store = site.open().await;
    let mut key = SamlKey {
        user_pool_id: POOL.to_owned(),
        pkcs8: b"planted-pkcs8".to_vec(),
        certificate: b"first".to_vec(),
        issued_at: at(1),
    };
    let mut tx = store.write().await.unwrap();
    assert!(tx.saml_key(POOL).await.unwrap().is_none());
    tx.insert_saml_key(&key).await.unwrap();
    let again = tx.insert_saml_key(&key).await;
    assert!(matches!(again, Err(Fault::Conflict(_))), "{again:?}");
    key.certificate = b"second".to_vec();
    key.issued_at = at(2);
    tx.renew_saml_certificate(&key, at(1)).await.unwrap();
    let late = tx.renew_saml_certificate(&key, at(1)).await;
    assert!(matches!(late, Err(Fault::Conflict(_))), "{late:?}");
    let kept = tx.saml_key(POOL).await.unwrap().unwrap();
    assert_eq!((kept.pkcs8, kept.certificate), (b"planted-pkcs8".to_vec(), b"second".to_vec()));
    assert_eq!(kept.issued_at, at(2));
    assert!(tx.saml_key("other").await.unwrap().is_none());
}

async fn a_deleted_pool_leaves_no_provider(site: Site) {
    let store = site.open().await;
    let mut corp = provider(POOL, "Corp");
    corp.settings.idp_identifiers = Some(vec!["x".to_owned()]);
    let key = SamlKey {
        user_pool_id: POOL.to_owned(),
        pkcs8: b"k".to_vec(),
        certificate: b"c".to_vec(),
        issued_at: at(1),
    };
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    tx.insert_identity_provider(&corp).await.unwrap();
    tx.claim_idp_identifiers(&corp).await.unwrap();
    tx.insert_linked_identity(&identity("email", "x", "a")).await.unwrap();
    tx.insert_saml_key(&key).await.unwrap();
    tx.insert_identity_provider(&provider("other", "Corp")).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!store.sweep(at(1)).await.unwrap());
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.identity_provider(POOL, "Corp").await.unwrap(), None);
    assert_eq!(tx.linked_identity(POOL, "Corp", "email", "x").await.unwrap(), None);
    assert!(tx.saml_key(POOL).await.unwrap().is_none());
    // The identifier is free: nothing of it was left.
    let mut next = provider(POOL, "Next");
    next.settings.idp_identifiers = Some(vec!["x".to_owned()]);
    assert_eq!(tx.claim_idp_identifiers(&next).await.unwrap(), None);
    assert!(tx.identity_provider("other", "Corp").await.unwrap().is_some());
}

async fn no_secret_of_a_provider_can_be_read_in_the_database(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_identity_provider(&provider(POOL, "Corp")).await.unwrap();
    let key = SamlKey {
        user_pool_id: POOL.to_owned(),
        pkcs8: b"planted-pkcs8".to_vec(),
        certificate: b"planted-certificate".to_vec(),
        issued_at: at(1),
    };
    tx.insert_saml_key(&key).await.unwrap();
    tx.commit().await.unwrap();
    let loot = site.loot().await;
    assert!(holds(&loot, b"planted-certificate"), "the search finds what is not a secret");
    let secrets: [&[u8]; 3] = [b"planted-client-secret", b"planted-private-key", b"planted-pkcs8"];
    for secret in secrets {
        assert!(!holds(&loot, secret), "{}", String::from_utf8_lossy(secret));
    }
}
