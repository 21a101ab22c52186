//! The pages of a user pool's domain: what they look like, in which language, and as which bytes.
//!
//! Rendering is pure: the flow behind the forms makes a [`Page`] and a [`Look`], and answers with
//! [`respond`]. A page is whole without its script, which only makes it handier; passkeys are the
//! exception, as browsers have no other way. What pages load, from stylesheet to logo, comes from
//! this server ([`files`]), and the content security policy of each page allows nothing else.

mod brand;
pub mod field;
mod language;
mod page;

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
