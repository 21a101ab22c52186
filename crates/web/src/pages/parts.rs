//! Parts that pages have in common, each with a template of its own.

use askama::{Template, filters::HtmlSafe};

use super::{
    brand::Picture,
    icons::{self, Icon},
    texts::Texts,
};

macro_rules! parts {
    ($($part:ident)*) => {
        // Their templates escape what they show.
        $(impl HtmlSafe for $part<'_> {})*
    };
}

parts!(Account Choices Field Heading Hidden PasskeyParts Providers Resend);
impl HtmlSafe for Policy {}
impl HtmlSafe for Shown {}
impl HtmlSafe for Graphic {}

/// An image.
#[derive(Template)]
#[template(path = "picture.html")]
pub(super) struct Shown {
    pub(super) href: String,
    pub(super) dark: Option<String>,
    pub(super) class: &'static str,
}

impl Shown {
    pub(super) fn of(picture: Picture, class: &'static str) -> Self {
        Self { href: picture.href, dark: picture.dark, class }
    }
}

/// A drawing of ours, or the image that a style has for the place.
pub(super) enum Graphic {
    Own(Shown),
    BuiltIn(Icon),
}

impl std::fmt::Display for Graphic {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own(picture) => picture.fmt(formatter),
            Self::BuiltIn(icon) => icon.fmt(formatter),
        }
    }
}

/// The title of a page, and how the last attempt went.
#[derive(Template)]
#[template(path = "heading.html")]
pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    pub(super) graphic: Option<Graphic>,
    pub(super) problem: Option<Trouble>,
    pub(super) notice: Option<&'a str>,
    pub(super) warning: Icon,
    pub(super) tick: Icon,
}

/// What went wrong, and the id of the field that it is about.
pub(super) struct Trouble {
    pub(super) text: String,
    pub(super) field: Option<String>,
}

/// What every form sends beside what people enter.
#[derive(Template)]
#[template(path = "hidden.html")]
pub(super) struct Hidden<'a> {
    pub(super) csrf_field: &'static str,
    pub(super) csrf: &'a str,
}

/// A field with its label and hint.
#[derive(Template)]
#[template(path = "field.html")]
pub(super) struct Field<'a> {
    pub(super) t: &'static Texts,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: &'a str,
    pub(super) value: &'a str,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: Option<&'static str>,
    pub(super) hint: Option<String>,
    pub(super) max_length: Option<u32>,
    /// Where the rules for a new password stand.
    pub(super) policy: Option<Policy>,
    pub(super) is_required: bool,
    pub(super) is_long: bool,
    pub(super) is_code: bool,
    /// Whether the page begins with it.
    pub(super) is_first: bool,
    /// Whether the problem of the page is about it.
    pub(super) is_invalid: bool,
}

impl Field<'_> {
    /// The ids of what explains it.
    fn described_by(&self) -> Option<String> {
        let id = &self.id;
        let parts = [
            self.is_invalid.then(|| "problem".to_owned()),
            self.hint.as_ref().map(|_| format!("{id}-hint")),
            self.policy.as_ref().map(|_| format!("{id}-policy")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Whether it holds words.
    fn has_spelling(&self) -> bool {
        self.kind == "text"
            && self.autocomplete.ends_with("name")
            && self.autocomplete != "username"
    }
}

/// The rules for a new password.
#[derive(Template)]
#[template(path = "policy.html")]
pub(super) struct Policy {
    pub(super) t: &'static Texts,
    pub(super) id: String,
    pub(super) rules: Vec<Rule>,
    /// The rules as password managers read them.
    pub(super) generator: String,
}

/// One of the rules.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) number: usize,
    pub(super) text: String,
}

/// The buttons of identity providers.
#[derive(Template)]
#[template(path = "providers.html")]
pub(super) struct Providers<'a> {
    pub(super) buttons: Vec<ProviderButton<'a>>,
    pub(super) has_icons: bool,
    /// Whether there is the promise of the classic pages, which are in English.
    pub(super) has_promise: bool,
}

/// One of the buttons.
pub(super) struct ProviderButton<'a> {
    pub(super) href: &'a str,
    pub(super) text: String,
    pub(super) icon: Graphic,
    pub(super) is_social: bool,
}

/// A choice among factors.
#[derive(Template)]
#[template(path = "choices.html")]
pub(super) struct Choices<'a> {
    pub(super) choices: Vec<Choice<'a>>,
    pub(super) arrow: Icon,
}

/// One of the factors.
pub(super) struct Choice<'a> {
    pub(super) value: &'static str,
    pub(super) name: &'a str,
    pub(super) hint: Option<&'a str>,
    pub(super) sign: Graphic,
}

/// Who signs in, and the way back.
#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct Account<'a> {
    pub(super) t: &'static Texts,
    pub(super) hidden: Hidden<'a>,
    pub(super) username: &'a str,
}

/// The button for another code.
#[derive(Template)]
#[template(path = "resend.html")]
pub(super) struct Resend<'a> {
    pub(super) t: &'a Texts,
    pub(super) seconds: u32,
}

/// What a form for a passkey needs beside its button.
#[derive(Template)]
#[template(path = "passkey_parts.html")]
pub(super) struct PasskeyParts<'a> {
    pub(super) t: &'a Texts,
    pub(super) sign: Icon,
}

impl PasskeyParts<'_> {
    pub(super) const fn of(t: &Texts) -> PasskeyParts<'_> {
        PasskeyParts { t, sign: icons::WARNING }
    }
}
