//! What must hold for every page, in every language and look.

use std::{cell::Cell, collections::BTreeMap};

use http::{Method, Request, Response, StatusCode};
use poolhouse_domain::{
    app_clients::AppClient,
    branding::{
        Style,
        classic::{ALL, UiCustomization},
    },
    shapes::{
        AssetCategoryType as Category, AssetExtensionType as Extension, AssetType,
        ColorSchemeModeType as Mode, ManagedLoginBrandingType, UserPoolClientType, UserPoolType,
    },
    time::Timestamp,
    user_pools::UserPool,
};
use poolhouse_testkit::Kit;
use serde_json::{Value, json};

use super::{gallery::samples, *};

const POOL: &str = "us-east-1_AbCdEfGhI";
const CLIENT: &str = "1example23456789";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-";

fn as_it_is() -> Vec<(&'static str, Page)> {
    samples(&ToOwned::to_owned)
}

fn sample(name: &str) -> Page {
    as_it_is().into_iter().find(|(sample, _)| *sample == name).unwrap().1
}

fn look(brand: Brand) -> Look {
    Look { brand, csrf: "the token".to_owned(), ..Look::default() }
}

/// The values that an attribute has in a page, as they stand there.
fn values<'h>(html: &'h str, attribute: &str) -> Vec<&'h str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

fn images() -> Vec<AssetType> {
    let image = |category, color_mode, name: &str| AssetType {
        category,
        color_mode,
        extension: Extension::Png,
        bytes: None,
        resource_id: Some(name.to_owned()),
    };
    vec![
        image(Category::FormLogo, Mode::Light, ""),
        image(Category::FormLogo, Mode::Dark, ""),
        image(Category::PageBackground, Mode::Dynamic, ""),
        image(Category::PageHeaderLogo, Mode::Light, ""),
        image(Category::PageFooterBackground, Mode::Dark, ""),
        image(Category::PasskeyGraphic, Mode::Light, ""),
        image(Category::FaviconIco, Mode::Light, ""),
        image(Category::IdpButtonIcon, Mode::Light, "Example Company"),
    ]
}

fn style(settings: Value) -> Style {
    let details = ManagedLoginBrandingType {
        managed_login_branding_id: Some("b0a5c2a0-0000-4000-8000-000000000000".to_owned()),
        user_pool_id: Some(POOL.to_owned()),
        settings: Some(settings),
        ..ManagedLoginBrandingType::default()
    };
    Style { details, client_id: CLIENT.to_owned(), version: 4 }
}

fn rich() -> Brand {
    let settings = json!({
        "categories": {
            "auth": {
                "authMethodOrder": [[{ "type": "USERNAME_PASSWORD" }, { "type": "FEDERATED" }]],
                "federation": { "interfaceStyle": "OTHER", "order": ["Example Company", "Apple"] },
            },
            "form": { "location": { "horizontal": "END", "vertical": "START" } },
            "global": {
                "colorSchemeMode": "DYNAMIC",
                "pageHeader": { "enabled": true },
                "pageFooter": { "enabled": true },
                "spacingDensity": "COMPACT",
            },
        },
        "components": {
            "form": { "logo": { "enabled": true, "formInclusion": "OUT", "location": "START",
                "position": "BOTTOM" } },
            "pageHeader": { "logo": { "enabled": true, "location": "CENTER" } },
            "pageFooter": { "backgroundImage": { "enabled": true } },
        },
    });
    Brand::managed(&style(settings), &images())
}

fn classic(css: &str) -> Brand {
    let (css, logo) = (Some(css.to_owned()), Some(PNG.to_vec()));
    let at = Timestamp::from_seconds(1);
    Brand::classic(Some(&UiCustomization::new(POOL, ALL, css, logo, at).unwrap()))
}

#[test]
fn every_page_is_whole_in_every_language_and_look() {
    for language in Language::ALL {
        for brand in [Brand::default(), rich(), classic(".label-customizable{color:red}")] {
            let here = Some("/login?client_id=1".to_owned());
            let look = Look { language, here, ..look(brand) };
            for (name, page) in as_it_is() {
                let html = render(&look, &page);
                let place = format!("{name} in {}", language.code());
                assert!(html.ends_with("</html>\n") || html.ends_with("</html>"), "{place}");
                assert!(html.contains(&format!("<html lang=\"{}\"", language.code())), "{place}");
                assert_eq!(html.matches("<h1").count(), 1, "{place}");
                let forms = html.matches("<form").count();
                let token = format!("name=\"{}\" value=\"the token\"", look.brand.csrf_field());
                assert_eq!(html.matches(&token).count(), forms, "{place}");
                assert_eq!(html.matches("method=\"post\"").count(), forms, "{place}");
                check_ids(&html, &place);
                check_filled(&html, &place);
            }
        }
    }
}

/// Every id is there once, and what refers to one finds it.
fn check_ids(html: &str, place: &str) {
    let ids = values(html, "id");
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| other == &id).count(), 1, "{id}, {place}");
    }
    for attribute in ["for", "aria-describedby", "aria-labelledby", "aria-controls", "data-policy"]
    {
        for id in values(html, attribute).iter().flat_map(|list| list.split(' ')) {
            assert!(ids.contains(&id), "{attribute}={id}, {place}");
        }
    }
    for field in values(html, "href").iter().filter_map(|href| href.strip_prefix('#')) {
        assert!(field.is_empty() || ids.contains(&field), "#{field}, {place}");
    }
}

/// Nothing is left to be filled in, but what the script fills in.
fn check_filled(html: &str, place: &str) {
    let body = html.split_once("<body").unwrap().1;
    for rest in body.split('{').skip(1) {
        let name = rest.split('}').next().unwrap();
        let is_json = name.starts_with("&#34;");
        assert!(name == "seconds" || is_json, "{{{name}}}, {place}");
    }
}

#[test]
fn whatever_a_string_holds_is_shown_as_text() {
    let count = Cell::new(0);
    let markup = |text: &str| {
        count.set(count.get() + 1);
        // As much as it takes to be shown as a link.
        let start = if text.starts_with("otpauth") { "otpauth://totp/" } else { "/" };
        format!("{start}\"'><x-{}>", count.get())
    };
    let pages = samples(&markup);
    let look = Look { csrf: "\"'><x-0>".to_owned(), here: Some(markup("")), ..Look::default() };
    let all: String = pages.iter().map(|(_, page)| render(&look, page)).collect();
    assert!(!all.contains("<x-"));
    for string in 0..=count.get() {
        let shown = format!("&#34;&#39;&#62;&#60;x-{string}&#62;");
        assert!(all.contains(&shown), "string {string} of {} is not shown", count.get());
    }
}

#[test]
fn links_lead_to_pages_and_run_nothing() {
    for href in ["javascript:alert(1)", "data:text/html,x", "//elsewhere.example/", "", "login"] {
        let pages = samples(&|_| href.to_owned());
        let look = Look { here: Some(href.to_owned()), ..Look::default() };
        for (name, page) in pages {
            let html = render(&look, &page);
            let body = html.split_once("<body").unwrap().1;
            for found in values(body, "href") {
                assert!(found.starts_with('#'), "{found} in {name}");
            }
        }
    }
}

#[test]
fn the_policy_allows_the_style_of_the_page_and_nothing_from_elsewhere() {
    for brand in [Brand::default(), rich(), classic(".label-customizable{color:red}")] {
        let response = respond(StatusCode::OK, &look(brand), &sample("sign-in"));
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        let html = std::str::from_utf8(response.body()).unwrap();
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
        assert!(policy.contains(&format!("style-src 'self' 'sha256-{hash}'")), "{policy}");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("img-src 'self';"));
        // No attribute that the policy would have to allow.
        for attribute in ["style", "onclick", "onload", "onsubmit"] {
            assert_eq!(values(html, attribute), Vec::<&str>::new());
        }
        for (header, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(response.headers()[header], value);
        }
    }
}

#[test]
fn classic_pages_have_their_own_token_name_classes_and_logo() {
    let css = ".submitButton-customizable{background:url(https://cdn.example/x.png)}";
    let response = respond(StatusCode::OK, &look(classic(css)), &sample("sign-in-refused"));
    let html = std::str::from_utf8(response.body()).unwrap();
    assert!(html.contains(css));
    assert!(html.contains("name=\"_csrf\""));
    assert!(html.contains(&format!("src=\"/{POOL}/assets/ALL/")), "{html}");
    for class in ["banner", "logo", "label", "inputField", "submitButton", "errorMessage"] {
        assert!(html.contains(&format!("{class}-customizable")), "{class}");
    }
    assert_eq!(html.matches("name=\"password\"").count(), 1, "one form, unlike the service");
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("img-src 'self' https:"), "{policy}");
}

#[test]
fn a_style_sheet_is_hashed_as_browsers_read_it() {
    let css = ".label-customizable{\r\ncolor:red;\rmargin:0\0}";
    let style = classic(css).stylesheet();
    assert!(style.ends_with(".label-customizable{\ncolor:red;\nmargin:0}"), "{style:?}");
}

#[test]
fn the_style_of_an_app_client_takes_effect() {
    let brand = rich();
    assert!(brand.wants_domain_search() && !Brand::default().wants_domain_search());
    let html = render(&look(brand), &sample("sign-in-refused"));
    assert!(html.contains("class=\"managed h-end v-start compact "));
    let root = format!("/assets/styles/{CLIENT}/4");
    for address in [
        format!("<link rel=\"icon\" href=\"{root}/FAVICON_ICO/LIGHT/\">"),
        format!("srcset=\"{root}/FORM_LOGO/DARK/\""),
        format!("src=\"{root}/FORM_LOGO/LIGHT/\""),
        format!("src=\"{root}/PAGE_HEADER_LOGO/LIGHT/\""),
        format!("--page-image:url(\"{root}/PAGE_BACKGROUND/DYNAMIC/\")"),
        format!("--footer-image:url(\"{root}/PAGE_FOOTER_BACKGROUND/DARK/\")"),
        format!("src=\"{root}/IDP_BUTTON_ICON/LIGHT/Example%20Company\""),
    ] {
        assert!(html.contains(&address), "{address}");
    }
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("signInFormUsername") < at("Example Company"), "the form comes first");
    assert!(at("Continue with Example Company") < at("Continue with Apple"));
    assert!(at("Continue with Apple") < at("Continue with Google"));
    assert!(at("</section>") < at("form-logo"), "below and outside of the form");
    let graphic = format!("src=\"{root}/PASSKEY_GRAPHIC/LIGHT/\"");
    assert!(render(&look(rich()), &sample("passkey")).contains(&graphic));
}

#[test]
fn the_language_selector_keeps_the_query_and_is_absent_without_an_address() {
    let page = sample("sign-in");
    let here = |here: &str| Look { here: Some(here.to_owned()), ..Look::default() };
    let html = render(&here("/login?client_id=1&state=a"), &page);
    assert!(html.contains("href=\"/login?client_id=1&#38;state=a&#38;lang=pt-BR\""), "{html}");
    assert!(render(&here("/login"), &page).contains("href=\"/login?lang=de\""));
    assert!(!render(&Look::default(), &page).contains("lang=de"));
}

#[test]
fn fields_say_what_they_are_for() {
    let html = render(&Look::default(), &sample("sign-up-full"));
    let found: BTreeMap<&str, &str> = values(&html, "name")
        .into_iter()
        .filter_map(|name| {
            let tag = html.split_once(&format!("name=\"{name}\""))?.1.split_once('>')?.0;
            Some((name, values(tag, "autocomplete").first().copied().unwrap_or_default()))
        })
        .collect();
    for (name, autocomplete) in [
        ("username", "username"),
        ("password", "new-password"),
        ("requiredAttributes[address]", "street-address"),
        ("requiredAttributes[birthdate]", "bday"),
        ("requiredAttributes[given_name]", "given-name"),
        ("requiredAttributes[phone_number]", "tel"),
        ("requiredAttributes[custom:team]", ""),
    ] {
        assert_eq!(found.get(name), Some(&autocomplete), "{name}");
    }
    assert!(html.contains("<input type=\"date\""));
    assert!(
        html.contains("id=\"problem\"")
            && html.contains("href=\"#requiredAttributes-5bbirthdate-5d\"")
    );
}

/// A server with an app client that has a style with a logo.
async fn kit() -> Kit {
    let kit = Kit::new().await.unwrap();
    let mut tx = kit.ports.store.write().await.unwrap();
    let settings = UserPoolType { id: Some(POOL.to_owned()), ..UserPoolType::default() };
    tx.insert_user_pool(&UserPool { settings, ..UserPool::default() }).await.unwrap();
    let settings = UserPoolClientType {
        user_pool_id: Some(POOL.to_owned()),
        client_id: Some(CLIENT.into()),
        ..UserPoolClientType::default()
    };
    tx.insert_app_client(&AppClient { settings, ..AppClient::default() }).await.unwrap();
    let style = style(json!({}));
    assert!(tx.insert_style(&style).await.unwrap());
    let logo = AssetType { bytes: Some(PNG.to_vec().into()), ..images().remove(0) };
    tx.put_asset(&style, &logo).await.unwrap();
    tx.commit().await.unwrap();
    kit
}

async fn get(kit: &Kit, method: Method, path: &str) -> Option<Response<Vec<u8>>> {
    let request = Request::builder().method(method).uri(path).body(()).unwrap();
    files::serve(&kit.ports, &request.into_parts().0).await
}

#[tokio::test]
async fn files_are_kept_for_ever_under_the_address_of_their_content() {
    let kit = kit().await;
    let logo = format!("/assets/styles/{CLIENT}/4/FORM_LOGO/LIGHT/");
    for (path, media_type) in [
        (files::STYLESHEET.href.as_str(), "text/css; charset=utf-8"),
        (files::SCRIPT.href.as_str(), "text/javascript; charset=utf-8"),
        (files::FAVICON.href.as_str(), "image/svg+xml"),
        (&logo, "image/png"),
    ] {
        let answer = get(&kit, Method::GET, path).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], media_type);
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert!(!answer.body().is_empty());
    }
    for stale in ["/assets/pages.00.css", &logo.replace("/4/", "/5/")] {
        let answer = get(&kit, Method::GET, stale).await.unwrap();
        assert_eq!(answer.status(), 200, "{stale}");
        assert_eq!(answer.headers()["cache-control"], "no-cache");
    }
    for nothing in [
        "/assets/pages.css",
        "/assets/pages.xy.css",
        "/assets/../pages.00.css",
        &logo.replace("LIGHT", "DARK"),
        &logo.replace(CLIENT, "other"),
        "/assets/",
    ] {
        assert_eq!(get(&kit, Method::GET, nothing).await.unwrap().status(), 404, "{nothing}");
    }
    assert_eq!(get(&kit, Method::POST, &logo).await.unwrap().status(), 405);
    assert!(get(&kit, Method::GET, "/login").await.is_none());
}

#[tokio::test]
async fn the_look_of_a_client_depends_on_the_generation_of_the_pages() {
    let kit = kit().await;
    let mut tx = kit.ports.store.read().await.unwrap();
    let managed = Brand::load(&mut *tx, POOL, CLIENT, true).await.unwrap().unwrap();
    assert!(!managed.is_classic());
    assert!(managed.picture(Category::FormLogo).is_some());
    assert!(Brand::load(&mut *tx, POOL, "other", true).await.unwrap().is_none());
    let classic = Brand::load(&mut *tx, POOL, "other", false).await.unwrap().unwrap();
    assert!(classic.is_classic() && classic.banner_logo().is_none());
}

#[tokio::test]
async fn the_gallery_shows_every_page_and_the_look_of_a_client() {
    let kit = kit().await;
    let ask = async |name: &str, query: &str| {
        let request = Request::get(format!("/_poolhouse/pages/{name}?{query}")).body(()).unwrap();
        gallery::serve(&kit.ports, &request.into_parts().0, name).await
    };
    let index = ask("", "lang=ko").await;
    let index = String::from_utf8(index.into_body()).unwrap();
    for (name, _) in as_it_is() {
        assert!(index.contains(&format!("pages/{name}?lang=ko")), "{name}");
        let page = ask(name, "lang=ko&mode=DARK").await;
        assert_eq!(page.status(), 200);
        let html = String::from_utf8(page.into_body()).unwrap();
        assert!(html.contains("lang=\"ko\"") && html.contains("color-scheme:dark"), "{name}");
    }
    let own = ask("sign-in", &format!("client={CLIENT}")).await;
    assert_eq!(own.status(), 200);
    for (name, query) in [("nothing", ""), ("sign-in", "client=other")] {
        assert_eq!(ask(name, query).await.status(), 404, "{name}?{query}");
    }
    let classic = String::from_utf8(ask("sign-in", "pages=classic").await.into_body()).unwrap();
    assert!(classic.contains("_csrf"));
}
