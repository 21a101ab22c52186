//! Domains, styles, customizations and terms documents.

use poolhouse_domain::{
    Fault,
    branding::{
        Style,
        classic::{ALL, Logo, UiCustomization},
    },
    domains::UserPoolDomain,
    ports::Store,
    shapes::{
        AssetCategoryType, AssetExtensionType, AssetType, ColorSchemeModeType,
        DomainDescriptionType, ManagedLoginBrandingType, TermsType,
    },
    terms::TermsDocument,
};
use poolhouse_store::SqlStore;

use super::{POOL, Site, at, client, pool, together};

on_every_engine! {
    domains_are_unique_over_all_pools,
    one_of_many_gets_a_domain,
    styles_are_kept_with_their_images,
    customizations_are_replaced,
    terms_are_kept_by_pool_and_listed_by_id,
    a_client_takes_its_resources_along,
    nothing_is_stored_for_a_client_that_is_gone,
    a_deleted_pool_leaves_no_resources,
}

fn domain(name: &str, pool_id: &str, place: Option<i64>) -> UserPoolDomain {
    let settings = DomainDescriptionType {
        domain: Some(name.to_owned()),
        user_pool_id: Some(pool_id.to_owned()),
        managed_login_version: Some(1),
        ..DomainDescriptionType::default()
    };
    UserPoolDomain { settings, place, version: 0 }
}

fn style(id: &str, client_id: &str, pool_id: &str) -> Style {
    let details = ManagedLoginBrandingType {
        managed_login_branding_id: Some(id.to_owned()),
        user_pool_id: Some(pool_id.to_owned()),
        settings: Some(serde_json::json!({ "a": { "b": [1, 2.5, null, "Größe"] } })),
        ..ManagedLoginBrandingType::default()
    };
    Style { details, client_id: client_id.to_owned(), version: 0 }
}

fn asset(category: AssetCategoryType, mode: ColorSchemeModeType, byte: u8) -> AssetType {
    AssetType {
        category,
        color_mode: mode,
        extension: AssetExtensionType::Png,
        bytes: Some(vec![byte, 0, 255].into()),
        resource_id: None,
    }
}

fn customization(client_id: &str, css: &str) -> UiCustomization {
    UiCustomization {
        user_pool_id: POOL.to_owned(),
        client_id: client_id.to_owned(),
        css: Some(css.to_owned()),
        logo: Some(Logo { bytes: vec![1, 0, 2], name: "name.png".to_owned() }),
        created_at: at(1),
        modified_at: at(2),
    }
}

fn terms(id: &str, client_id: &str, name: &str, pool_id: &str) -> TermsDocument {
    let details = TermsType {
        terms_id: id.to_owned(),
        user_pool_id: pool_id.to_owned(),
        client_id: client_id.into(),
        terms_name: name.to_owned(),
        links: [("cognito:default".to_owned(), "https://example.com".to_owned())].into(),
        creation_date: at(1).to_wire(),
        last_modified_date: at(1).to_wire(),
        ..TermsType::default()
    };
    TermsDocument { details, version: 0 }
}

/// A pool with some clients, and everything that a client can have.
async fn furnish(store: &SqlStore) {
    let mut tx = store.write().await.unwrap();
    tx.insert_user_pool(&pool(POOL)).await.unwrap();
    for id in ["one", "two"] {
        tx.insert_app_client(&client(id, POOL)).await.unwrap();
        let style = style(&format!("style {id}"), id, POOL);
        assert!(tx.insert_style(&style).await.unwrap());
        let logo = asset(AssetCategoryType::FormLogo, ColorSchemeModeType::Light, 1);
        tx.put_asset(&style, &logo).await.unwrap();
        tx.put_ui_customization(&customization(id, "css")).await.unwrap();
        let terms = terms(&format!("terms {id}"), id, "terms-of-use", POOL);
        assert!(tx.insert_terms(&terms).await.unwrap());
    }
    tx.put_ui_customization(&customization(ALL, "all")).await.unwrap();
    tx.insert_domain(&domain("prefix", POOL, None)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn domains_are_unique_over_all_pools(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let mut custom = domain("auth.example.com", POOL, Some(2));
    for domain in [&domain("prefix", POOL, None), &custom, &domain("b.example", "p", Some(1))] {
        tx.insert_domain(domain).await.unwrap();
    }
    assert_eq!(tx.domain("auth.example.com").await.unwrap().as_ref(), Some(&custom));
    assert_eq!(tx.domain("none").await.unwrap(), None);
    assert_eq!(tx.taken_domain_places().await.unwrap(), [1, 2]);
    for taken in [domain("prefix", "other", None), domain("c.example", "other", Some(2))] {
        let refused = tx.insert_domain(&taken).await;
        assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
    }
    tx.insert_domain(&domain("other", "other", None)).await.unwrap();

    let mut stale = custom.clone();
    custom.settings.managed_login_version = Some(2);
    tx.update_domain(&mut custom).await.unwrap();
    assert_eq!(custom.version, 1);
    assert_eq!(tx.domain("auth.example.com").await.unwrap().as_ref(), Some(&custom));
    assert!(matches!(tx.update_domain(&mut stale).await, Err(Fault::Conflict(_))));
    tx.delete_domain("auth.example.com").await.unwrap();
    tx.delete_domain("auth.example.com").await.unwrap();
    assert_eq!(tx.domain("auth.example.com").await.unwrap(), None);
    assert_eq!(tx.taken_domain_places().await.unwrap(), [1]);
    tx.commit().await.unwrap();
}

async fn one_of_many_gets_a_domain(site: Site) {
    let store = site.open().await;
    let got = together(8, |number| {
        let store = store.clone();
        async move {
            let mut tx = store.write().await.unwrap();
            let made = tx.insert_domain(&domain("prefix", &number.to_string(), None)).await;
            match made {
                Ok(()) => tx.commit().await.is_ok(),
                Err(Fault::Conflict(_)) => false,
                Err(fault) => panic!("{fault:?}"),
            }
        }
    })
    .await;
    assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
}

async fn styles_are_kept_with_their_images(site: Site) {
    use AssetCategoryType as Category;
    use ColorSchemeModeType::{Dark, Light};
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for id in ["one", "two"] {
        tx.insert_app_client(&client(id, POOL)).await.unwrap();
    }
    let mut stored = style("b", "one", POOL);
    assert!(tx.insert_style(&stored).await.unwrap());
    assert!(!tx.insert_style(&style("c", "one", POOL)).await.unwrap());
    assert!(tx.insert_style(&style("a", "two", POOL)).await.unwrap());
    assert_eq!(tx.style(POOL, "b").await.unwrap().as_ref(), Some(&stored));
    assert_eq!(tx.style("other", "b").await.unwrap(), None);
    assert_eq!(tx.style_of_client("one").await.unwrap().as_ref(), Some(&stored));
    assert_eq!(tx.style_of_client("three").await.unwrap(), None);
    assert_eq!(tx.count_styles(POOL).await.unwrap(), 2);

    let mut stale = stored.clone();
    stored.details.use_cognito_provided_values = Some(true);
    tx.update_style(&mut stored).await.unwrap();
    assert_eq!(tx.style(POOL, "b").await.unwrap().as_ref(), Some(&stored));
    assert!(matches!(tx.update_style(&mut stale).await, Err(Fault::Conflict(_))));

    let icon = |name: &str, byte| AssetType {
        resource_id: Some(name.to_owned()),
        ..asset(Category::IdpButtonIcon, Dark, byte)
    };
    let replaced = asset(Category::FormLogo, Light, 1);
    let assets =
        [asset(Category::FormLogo, Dark, 2), asset(Category::FormLogo, Light, 3), icon("x", 4)];
    for asset in [&replaced].into_iter().chain(&assets).chain([&icon("y", 5)]) {
        tx.put_asset(&stored, asset).await.unwrap();
    }
    assert_eq!(tx.count_assets("b").await.unwrap(), 4);
    assert_eq!(tx.assets("b").await.unwrap()[..3], assets);
    assert_eq!(tx.assets("a").await.unwrap(), []);
    let shown = tx.assets_without_bytes("b").await.unwrap();
    let bare = assets.clone().map(|asset| AssetType { bytes: None, ..asset });
    assert_eq!((shown.len(), &shown[..3]), (4, &bare[..]));
    let found = tx.asset("b", Category::IdpButtonIcon, Dark, "x").await.unwrap();
    assert_eq!(found.as_ref(), Some(&assets[2]));
    for (style, category, mode, place) in [
        ("a", Category::IdpButtonIcon, Dark, "x"),
        ("b", Category::FormLogo, Dark, "x"),
        ("b", Category::IdpButtonIcon, Light, "x"),
        ("b", Category::IdpButtonIcon, Dark, "z"),
    ] {
        assert_eq!(tx.asset(style, category, mode, place).await.unwrap(), None, "{place}");
    }
    tx.delete_assets("b").await.unwrap();
    assert_eq!(tx.count_assets("b").await.unwrap(), 0);

    tx.put_asset(&stored, &replaced).await.unwrap();
    assert!(!tx.delete_style("other", "b").await.unwrap());
    assert_eq!(tx.count_assets("b").await.unwrap(), 1);
    assert!(tx.delete_style(POOL, "b").await.unwrap());
    assert!(!tx.delete_style(POOL, "b").await.unwrap());
    assert_eq!(tx.count_assets("b").await.unwrap(), 0);
    tx.commit().await.unwrap();
}

async fn customizations_are_replaced(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    tx.insert_app_client(&client("one", POOL)).await.unwrap();
    let (all, one) = (customization(ALL, "all"), customization("one", "one"));
    tx.put_ui_customization(&all).await.unwrap();
    tx.put_ui_customization(&one).await.unwrap();
    assert_eq!(tx.ui_customization(POOL, "one").await.unwrap(), Some(one));
    assert_eq!(tx.ui_customization("other", ALL).await.unwrap(), None);
    let bare =
        UiCustomization { css: None, logo: None, modified_at: at(9), ..customization("one", "") };
    tx.put_ui_customization(&bare).await.unwrap();
    assert_eq!(tx.ui_customization(POOL, "one").await.unwrap(), Some(bare));
    tx.delete_ui_customization(POOL, "one").await.unwrap();
    assert_eq!(tx.ui_customization(POOL, "one").await.unwrap(), None);
    assert_eq!(tx.ui_customization(POOL, ALL).await.unwrap(), Some(all));
    tx.commit().await.unwrap();
}

async fn terms_are_kept_by_pool_and_listed_by_id(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    for (id, pool_id) in [("one", POOL), ("two", POOL), ("foreign", "other")] {
        tx.insert_app_client(&client(id, pool_id)).await.unwrap();
    }
    let mut stored = [
        terms("a", "two", "terms-of-use", POOL),
        terms("b", "one", "privacy-policy", POOL),
        terms("c", "one", "terms-of-use", POOL),
    ];
    for terms in [&stored[2], &stored[0], &stored[1]] {
        assert!(tx.insert_terms(terms).await.unwrap());
    }
    assert!(tx.insert_terms(&terms("d", "foreign", "terms-of-use", "other")).await.unwrap());
    assert!(!tx.insert_terms(&terms("e", "one", "terms-of-use", POOL)).await.unwrap());
    assert_eq!(tx.terms(POOL, "a").await.unwrap().as_ref(), Some(&stored[0]));
    assert_eq!(tx.terms(POOL, "d").await.unwrap(), None);
    let found = tx.terms_of_client("one", "privacy-policy").await.unwrap();
    assert_eq!(found.as_ref(), Some(&stored[1]));
    assert_eq!(tx.terms_of_client("two", "privacy-policy").await.unwrap(), None);

    let mut stale = stored[0].clone();
    "privacy-policy".clone_into(&mut stored[0].details.terms_name);
    tx.update_terms(&mut stored[0]).await.unwrap();
    assert!(matches!(tx.update_terms(&mut stale).await, Err(Fault::Conflict(_))));
    let found = tx.terms_of_client("two", "privacy-policy").await.unwrap();
    assert_eq!(found.as_ref(), Some(&stored[0]));

    assert_eq!(tx.count_terms(POOL).await.unwrap(), 3);
    assert_eq!(tx.list_terms(POOL, None, 9).await.unwrap(), stored);
    assert_eq!(tx.list_terms(POOL, Some("a"), 1).await.unwrap(), stored[1..2]);
    assert!(!tx.delete_terms("other", "a").await.unwrap());
    assert!(tx.delete_terms(POOL, "a").await.unwrap());
    assert!(!tx.delete_terms(POOL, "a").await.unwrap());
    assert_eq!(tx.list_terms(POOL, None, 9).await.unwrap(), stored[1..]);
    tx.commit().await.unwrap();
}

async fn a_client_takes_its_resources_along(site: Site) {
    let store = site.open().await;
    furnish(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.delete_app_client("one").await.unwrap();
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.style_of_client("one").await.unwrap(), None);
    assert_eq!(view.count_assets("style one").await.unwrap(), 0);
    assert_eq!(view.ui_customization(POOL, "one").await.unwrap(), None);
    assert_eq!(view.terms_of_client("one", "terms-of-use").await.unwrap(), None);
    assert_eq!(view.count_assets("style two").await.unwrap(), 1);
    assert!(view.style_of_client("two").await.unwrap().is_some());
    assert!(view.ui_customization(POOL, "two").await.unwrap().is_some());
    assert!(view.ui_customization(POOL, ALL).await.unwrap().is_some());
    assert!(view.terms_of_client("two", "terms-of-use").await.unwrap().is_some());
}

async fn nothing_is_stored_for_a_client_that_is_gone(site: Site) {
    let store = site.open().await;
    let mut tx = store.write().await.unwrap();
    let style = tx.insert_style(&style("a", "gone", POOL)).await;
    assert!(matches!(style, Err(Fault::Conflict(_))), "{style:?}");
    let terms = tx.insert_terms(&terms("a", "gone", "terms-of-use", POOL)).await;
    assert!(matches!(terms, Err(Fault::Conflict(_))), "{terms:?}");
    let css = tx.put_ui_customization(&customization("gone", "css")).await;
    assert!(matches!(css, Err(Fault::Conflict(_))), "{css:?}");
}

async fn a_deleted_pool_leaves_no_resources(site: Site) {
    let store = site.open().await;
    furnish(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_domain(&domain("other", "other", None)).await.unwrap();
    tx.delete_user_pool(POOL).await.unwrap();
    tx.commit().await.unwrap();
    store.sweep(at(1)).await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.domain("prefix").await.unwrap(), None);
    assert!(view.domain("other").await.unwrap().is_some());
    assert_eq!(view.count_styles(POOL).await.unwrap(), 0);
    assert_eq!(view.count_assets("style one").await.unwrap(), 0);
    assert_eq!(view.ui_customization(POOL, ALL).await.unwrap(), None);
    assert_eq!(view.count_terms(POOL).await.unwrap(), 0);
}
