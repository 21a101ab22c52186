//! What is around every page: head, bars, logos, language selector.

use askama::Template;

use super::{
    Brand, Language, Look,
    brand::{Bar, FormLogo},
    field, files,
    icons::{self, Icon},
    parts::Shown,
    texts::Texts,
};

#[derive(Template)]
#[template(path = "frame.html")]
struct Frame<'a> {
    t: &'static Texts,
    lang: &'static str,
    language_name: &'static str,
    title: &'a str,
    icons: Vec<String>,
    stylesheet: &'a str,
    script: &'a str,
    /// The brand's variables and rules.
    style: String,
    layout: String,
    has_banner: bool,
    header: Option<Strip>,
    footer: Option<Strip>,
    banner: Option<Shown>,
    logo: Option<Logo>,
    /// The page itself, rendered.
    body: &'a str,
    languages: Vec<Other>,
    globe: Icon,
}

/// A bar at the top or the bottom.
struct Strip {
    place: &'static str,
    logo: Option<Shown>,
}

/// The logo of the form.
struct Logo {
    picture: Shown,
    place: &'static str,
    is_inside: bool,
    is_below: bool,
}

/// A choice of the language selector.
struct Other {
    code: &'static str,
    name: &'static str,
    href: String,
    is_current: bool,
}

/// Puts a page's markup into the frame.
pub(super) fn around(look: &Look, title: &str, body: &str) -> askama::Result<String> {
    let (brand, language) = (&look.brand, look.language);
    let frame = Frame {
        t: Texts::of(language),
        lang: language.code(),
        language_name: language.name(),
        title,
        icons: favicons(brand),
        stylesheet: &files::STYLESHEET.href,
        script: &files::SCRIPT.href,
        style: brand.stylesheet(),
        layout: brand.layout(),
        header: brand.header().map(strip),
        footer: brand.footer().map(strip),
        has_banner: brand.has_banner(),
        banner: brand.banner_logo().map(|logo| Shown::of(logo.clone(), "logo-customizable")),
        logo: brand.form_logo().map(logo),
        body,
        languages: others(look.here.as_deref().unwrap_or_default(), language),
        globe: icons::GLOBE,
    };
    frame.render()
}

fn favicons(brand: &Brand) -> Vec<String> {
    let own = brand.favicons();
    if own.is_empty() { vec![files::FAVICON.href.clone()] } else { own }
}

fn strip(bar: Bar) -> Strip {
    Strip { place: bar.place, logo: bar.logo.map(|logo| Shown::of(logo, "bar-logo")) }
}

fn logo(logo: FormLogo) -> Logo {
    Logo {
        picture: Shown::of(logo.picture, "form-logo"),
        place: logo.place,
        is_inside: logo.is_inside,
        is_below: logo.is_below,
    }
}

/// The same page in every language, if it has an address on this host.
fn others(here: &str, current: Language) -> Vec<Other> {
    if !here.starts_with('/') || here.starts_with("//") {
        return Vec::new();
    }
    let joint = if here.contains('?') { '&' } else { '?' };
    let other = |language: Language| {
        let (code, name) = (language.code(), language.name());
        let href = format!("{here}{joint}{}={code}", field::LANGUAGE);
        Other { code, name, href, is_current: language == current }
    };
    Language::ALL.into_iter().map(other).collect()
}
