//! Signs within the pages: drawings of our own, in the colour of the text around them.

use std::fmt;

use askama::filters::HtmlSafe;

/// A drawing, which is markup.
#[derive(Clone, Copy)]
pub(super) struct Icon(&'static str);

impl fmt::Display for Icon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// Nothing that anybody enters gets into it.
impl HtmlSafe for Icon {}

macro_rules! line_icon {
    ($paths:literal) => {
        Icon(concat!(
            r#"<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" "#,
            r#"stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" "#,
            r#"aria-hidden="true">"#,
            $paths,
            "</svg>"
        ))
    };
}

macro_rules! sign {
    ($shapes:literal) => {
        Icon(concat!(
            r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">"#,
            $shapes,
            "</svg>"
        ))
    };
}

pub(super) const WARNING: Icon =
    line_icon!(r#"<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.5v.01"/>"#);
pub(super) const TICK: Icon =
    line_icon!(r#"<circle cx="12" cy="12" r="9"/><path d="M8 12.5l2.75 2.75L16 9.5"/>"#);
pub(super) const ARROW: Icon = line_icon!(r#"<path d="M9.5 6l6 6-6 6"/>"#);
pub(super) const GLOBE: Icon = line_icon!(
    r#"<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5.5 5 12.5 0 18M12 3c-5 5.5-5 12.5 0 18"/>"#
);
pub(super) const LOCK: Icon = line_icon!(
    r#"<rect x="5" y="11" width="14" height="9.5" rx="2"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11M12 15v2"/>"#
);
pub(super) const PASSKEY: Icon = line_icon!(
    r#"<circle cx="10" cy="7.5" r="3.75"/><path d="M3 20.5c0-4.25 3-6.75 7-6.75 1.1 0 2.1.2 3 .55"/><circle cx="18" cy="13.5" r="2.75"/><path d="M18 16.25V21l1.75-1.5M18 18.5h1.5"/>"#
);
pub(super) const MAIL: Icon = line_icon!(
    r#"<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M3.75 7.5L12 13l8.25-5.5"/>"#
);
pub(super) const MESSAGE: Icon = line_icon!(
    r#"<path d="M5.5 4h13A2.5 2.5 0 0 1 21 6.5v7a2.5 2.5 0 0 1-2.5 2.5H12l-4.5 4v-4h-2A2.5 2.5 0 0 1 3 13.5v-7A2.5 2.5 0 0 1 5.5 4z"/><path d="M8 10v.01M12 10v.01M16 10v.01"/>"#
);
pub(super) const PHONE: Icon = line_icon!(
    r#"<rect x="6.5" y="2.5" width="11" height="19" rx="2.5"/><path d="M10.5 5h3M9.5 12.5l1.75 1.75 3.25-3.5"/>"#
);
pub(super) const COMPANY: Icon = line_icon!(
    r#"<path d="M4 20.5V5a1.5 1.5 0 0 1 1.5-1.5h7A1.5 1.5 0 0 1 14 5v15.5M14 9.5h4.5A1.5 1.5 0 0 1 20 11v9.5M2.5 20.5h19M7.5 7.5h3M7.5 11.5h3M7.5 15.5h3M17 13.5v.01M17 17v.01"/>"#
);
pub(super) const GOOGLE: Icon = sign!(
    r##"<g fill="none" stroke-width="4"><path stroke="#ea4335" d="M18.3 6.6A8.3 8.3 0 0 0 4.8 8"/><path stroke="#fbbc05" d="M4.8 8a8.3 8.3 0 0 0 0 8"/><path stroke="#34a853" d="M4.8 16a8.3 8.3 0 0 0 12.9 2.1"/><path stroke="#4285f4" d="M17.7 18.1A8.3 8.3 0 0 0 20.3 12H12"/></g>"##
);
pub(super) const FACEBOOK: Icon = sign!(
    r##"<circle cx="12" cy="12" r="11" fill="#1877f2"/><path fill="none" stroke="#fff" stroke-width="2.6" d="M16 6.2h-1.3c-1.7 0-2.5 1-2.5 2.6V23M8.7 13h6.6"/>"##
);
pub(super) const AMAZON: Icon = sign!(
    r##"<path fill="none" stroke="currentColor" stroke-width="2.6" d="M8 6.3c.6-1.6 2-2.3 3.8-2.3 2.4 0 3.7 1.3 3.7 3.6V15M15.5 8.8c-5 0-8 .8-8 3.5 0 1.8 1.3 2.7 3 2.7 2.7 0 5-1.8 5-4.5"/><path fill="none" stroke="#ff9900" stroke-width="2.2" stroke-linecap="round" d="M3 18.5c5 3.7 13 3.7 17.5 0M18 18l2.8.2-.4 2.8"/>"##
);
pub(super) const APPLE: Icon = sign!(
    r##"<path fill="currentColor" d="M12 7.3c1-.5 2.1-1.1 3.5-1.1 1.9 0 3.5 1 4.4 2.4-3.7 2.2-3 7.1.8 8.5-1 2.5-2.7 5-4.5 5-1.5 0-2-.9-4-.9s-2.6.9-4 .9c-2.6 0-5-5-5-8.8 0-4.2 2.6-7.1 5.5-7.1 1.4 0 2.4.6 3.3 1.1zM11.9 6.1c-.2-2.3 1.7-4.8 4.2-5.1.2 2.6-1.9 5-4.2 5.1z"/>"##
);
