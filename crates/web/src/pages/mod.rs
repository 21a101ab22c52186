//! The pages of a user pool's domain: what they look like, in which language, and as which bytes.
//!
//! Rendering is pure: the flow behind the forms makes a [`Page`] and a [`Look`], and answers with
//! [`respond`]. A page is whole without its script, which only makes it handier; passkeys are the
//! exception, as browsers have no other way. What pages load, from stylesheet to logo, comes from
//! this server ([`files`]), and the content security policy of each page allows nothing else.

mod brand;
pub mod field;
pub mod files;
mod frame;
pub mod gallery;
mod icons;
mod language;
mod page;
mod parts;
mod qr;
#[cfg(test)]
mod tests;
mod texts;
mod view;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderValue, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

pub use brand::Brand;
pub use language::Language;
pub use page::*;

/// How a page looks, whatever it says.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The language. The classic pages are in English, by decision of whoever calls.
    pub language: Language,
    /// Colours, images and layout of the app client.
    pub brand: Brand,
    /// The token against forged forms, for the hidden field of each.
    pub csrf: String,
    /// The address of this page, path and query, without the parameter `lang`: where the language
    /// selector leads to. Absent: there is none.
    pub here: Option<String>,
}

/// The markup of a page.
pub fn render(look: &Look, page: &Page) -> String {
    let rendered = view::View::of(look, page).body().and_then(|body| {
        let title = view::View::of(look, page).title();
        frame::around(look, title, &body)
    });
    // Writing to a string does not fail, and templates hold nothing else that could.
    rendered.unwrap_or_default()
}

/// A page as a response, with the headers that keep it safe.
pub fn respond(status: StatusCode, look: &Look, page: &Page) -> Response<Vec<u8>> {
    let mut response = Response::new(render(look, page).into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, "text/html; charset=utf-8");
    set(CACHE_CONTROL, "no-store");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: with that, browsers send forms with the origin `null`, which then tells
    // nobody whether a form was forged.
    set(REFERRER_POLICY, "same-origin");
    if let Ok(policy) = HeaderValue::from_str(&policy(&look.brand)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What a page may load and do.
///
/// It says nothing of where forms may lead (`form-action`): a sign-in ends with a redirect to an
/// application, of any scheme, and browsers count that as part of the form.
fn policy(brand: &Brand) -> String {
    let style = STANDARD.encode(digest(&SHA256, brand.stylesheet().as_bytes()));
    let images = if brand.has_foreign_images() { "'self' https:" } else { "'self'" };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{style}'; \
         img-src {images}; base-uri 'none'; frame-ancestors 'none'"
    )
}
