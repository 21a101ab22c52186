//! What an app client's own look changes: colours, corners, layout, images.
//!
//! A managed login style comes as a document of settings with images, the older customization of the
//! classic pages as a style sheet with a logo. Both end as variables and rules of one `<style>`
//! element, which the policy of the page allows by its hash, on top of the built-in stylesheet.

mod colours;
mod images;

use std::sync::Arc;

use poolhouse_domain::{
    Fault,
    branding::{
        Style,
        classic::{self, UiCustomization},
        in_effect,
    },
    ports::Transaction,
    shapes::{AssetCategoryType as Category, AssetType},
};
use serde_json::Value;

use self::images::Images;
pub(super) use self::images::{Picture, named};

/// The look of an app client's pages.
///
/// The default is the built-in look of managed login, for the gallery and for
/// [`Page::Unavailable`](super::Page::Unavailable).
#[derive(Clone, Debug)]
pub struct Brand {
    is_classic: bool,
    settings: Arc<Value>,
    images: Images,
    /// What the classic customization consists of.
    sheet: String,
    logo: Option<Picture>,
}

/// Which colours a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Light,
    Dark,
    /// As the browser prefers.
    Dynamic,
}

/// A bar at the top or the bottom of a page.
pub(super) struct Bar {
    /// Where its logo stands: a class of the stylesheet.
    pub(super) place: &'static str,
    /// The logo, if it shows one.
    pub(super) logo: Option<Picture>,
}

impl Default for Brand {
    fn default() -> Self {
        Self::of(in_effect(None), Images::default())
    }
}

impl Brand {
    /// The look of an app client on a domain of either generation; `None` if the generation is
    /// managed login and the client has no style, for which there is
    /// [`Page::Unavailable`](super::Page::Unavailable).
    pub async fn load(
        tx: &mut (dyn Transaction + '_),
        user_pool_id: &str,
        client_id: &str,
        is_managed: bool,
    ) -> Result<Option<Self>, Fault> {
        if !is_managed {
            let found = classic::in_effect(tx, user_pool_id, client_id).await?;
            return Ok(Some(Self::classic(found.as_ref())));
        }
        let Some(style) = tx.style_of_client(client_id).await? else { return Ok(None) };
        let images = tx.assets_without_bytes(style.id()).await?;
        Ok(Some(Self::managed(&style, &images)))
    }

    /// A managed login style with its images, whose bytes are not needed.
    pub fn managed(style: &Style, images: &[AssetType]) -> Self {
        let settings = in_effect(style.details.settings.as_ref());
        Self::of(settings, Images::of(style, images))
    }

    /// The classic pages, customized or not.
    pub fn classic(customization: Option<&UiCustomization>) -> Self {
        let logo = customization.and_then(|custom| {
            let name = &custom.logo.as_ref()?.name;
            let (pool, client) = (&custom.user_pool_id, &custom.client_id);
            Some(Picture::same(format!("/{pool}/assets/{client}/{name}")))
        });
        let sheet = customization.and_then(|custom| custom.css.as_deref()).map(as_parsed);
        let sheet = sheet.unwrap_or_default();
        Self { is_classic: true, sheet, logo, ..Self::default() }
    }

    fn of(settings: Arc<Value>, images: Images) -> Self {
        Self { is_classic: false, settings, images, sheet: String::new(), logo: None }
    }

    /// The name of the hidden field against forged forms.
    pub const fn csrf_field(&self) -> &'static str {
        if self.is_classic { "_csrf" } else { "csrf" }
    }

    /// Whether these are the classic pages.
    pub const fn is_classic(&self) -> bool {
        self.is_classic
    }

    /// Whether the style asks for a search by e-mail domain instead of buttons for identity
    /// providers. (That any other value than that of the buttons means this is a belief.)
    pub fn wants_domain_search(&self) -> bool {
        self.text("/categories/auth/federation/interfaceStyle") != "BUTTON_LIST"
    }

    /// The names of identity providers in the order of the style; those that it does not name come
    /// after them.
    pub fn provider_order(&self) -> impl Iterator<Item = &str> {
        let order = self.settings.pointer("/categories/auth/federation/order");
        order.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether identity providers come before the form of the pool's own users.
    pub(super) fn has_providers_first(&self) -> bool {
        let order = self.settings.pointer("/categories/auth/authMethodOrder");
        let kinds = order.and_then(Value::as_array).into_iter().flatten();
        let mut kinds = kinds.flat_map(|row| row.as_array().into_iter().flatten());
        let first = kinds.next().and_then(|kind| kind.get("type")).and_then(Value::as_str);
        !self.is_classic && first == Some("FEDERATED")
    }

    /// Light, dark, or either.
    pub(super) fn scheme(&self) -> Scheme {
        match self.text("/categories/global/colorSchemeMode") {
            _ if self.is_classic => Scheme::Light,
            "DARK" => Scheme::Dark,
            "DYNAMIC" => Scheme::Dynamic,
            _ => Scheme::Light,
        }
    }

    /// The same in other colours, whatever the style says.
    pub(super) fn in_scheme(mut self, scheme: Scheme) -> Self {
        let mode = match scheme {
            Scheme::Light => "LIGHT",
            Scheme::Dark => "DARK",
            Scheme::Dynamic => "DYNAMIC",
        };
        let settings = Arc::make_mut(&mut self.settings);
        if let Some(setting) = settings.pointer_mut("/categories/global/colorSchemeMode") {
            *setting = mode.into();
        }
        self
    }

    /// Classes that tell the stylesheet where things stand.
    pub(super) fn layout(&self) -> String {
        let mut classes = vec![if self.is_classic { "classic" } else { "managed" }];
        classes.push(match self.text("/categories/form/location/horizontal") {
            "START" => "h-start",
            "END" => "h-end",
            _ => "h-center",
        });
        classes.push(match self.text("/categories/form/location/vertical") {
            "START" => "v-start",
            "END" => "v-end",
            _ => "v-center",
        });
        if self.text("/categories/global/spacingDensity") == "COMPACT" {
            classes.push("compact");
        }
        classes.join(" ")
    }

    /// The variables and rules of the page's own `<style>` element.
    pub(super) fn stylesheet(&self) -> String {
        if self.is_classic {
            return format!("{}{}", colours::variables(&self.settings, Scheme::Light), self.sheet);
        }
        let colours = colours::variables(&self.settings, self.scheme());
        colours + &self.backgrounds()
    }

    /// Whether the classic style sheet shows images from elsewhere, as it may.
    pub(super) fn has_foreign_images(&self) -> bool {
        self.sheet.to_ascii_lowercase().contains("url(")
    }

    fn backgrounds(&self) -> String {
        [
            ("page-image", Category::PageBackground, "/components/pageBackground/image/enabled"),
            ("form-image", Category::FormBackground, "/components/form/backgroundImage/enabled"),
            (
                "header-image",
                Category::PageHeaderBackground,
                "/components/pageHeader/backgroundImage/enabled",
            ),
            (
                "footer-image",
                Category::PageFooterBackground,
                "/components/pageFooter/backgroundImage/enabled",
            ),
        ]
        .into_iter()
        .filter(|(_, _, switch)| self.is_on(switch))
        .filter_map(|(name, category, _)| {
            let picture = self.picture(category)?;
            let light = format!(":root{{--{name}:url(\"{}\")}}", picture.href);
            let dark = picture.dark.map(|href| {
                format!("@media(prefers-color-scheme:dark){{:root{{--{name}:url(\"{href}\")}}}}")
            });
            Some(light + &dark.unwrap_or_default())
        })
        .collect()
    }

    /// The logo of the form: the picture, whether it stands inside, above or below, and at which
    /// side.
    pub(super) fn form_logo(&self) -> Option<FormLogo> {
        if !self.is_on("/components/form/logo/enabled") {
            return None;
        }
        Some(FormLogo {
            picture: self.picture(Category::FormLogo)?,
            is_inside: self.text("/components/form/logo/formInclusion") != "OUT",
            is_below: self.text("/components/form/logo/position") == "BOTTOM",
            place: place(self.text("/components/form/logo/location")),
        })
    }

    /// The logo of the classic pages' banner.
    pub(super) const fn banner_logo(&self) -> Option<&Picture> {
        self.logo.as_ref()
    }

    /// Whether there is a banner: with a logo, or styled to be seen.
    pub(super) fn has_banner(&self) -> bool {
        self.logo.is_some() || self.sheet.contains("banner-customizable")
    }

    /// The bar above the page.
    pub(super) fn header(&self) -> Option<Bar> {
        self.bar("pageHeader", Category::PageHeaderLogo)
    }

    /// The bar below the page.
    pub(super) fn footer(&self) -> Option<Bar> {
        self.bar("pageFooter", Category::PageFooterLogo)
    }

    fn bar(&self, name: &str, category: Category) -> Option<Bar> {
        if self.is_classic || !self.is_on(&format!("/categories/global/{name}/enabled")) {
            return None;
        }
        let logo = self.is_on(&format!("/components/{name}/logo/enabled"));
        Some(Bar {
            place: place(self.text(&format!("/components/{name}/logo/location"))),
            logo: logo.then(|| self.picture(category)).flatten(),
        })
    }

    /// Addresses of the icon of a tab.
    pub(super) fn favicons(&self) -> Vec<String> {
        let enabled = self.settings.pointer("/components/favicon/enabledTypes");
        let is_enabled = |kind: &str| {
            enabled.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == kind))
        };
        [("ICO", Category::FaviconIco), ("SVG", Category::FaviconSvg)]
            .into_iter()
            .filter(|(kind, _)| is_enabled(kind))
            .filter_map(|(_, category)| Some(self.picture(category)?.href))
            .collect()
    }

    /// Whether forms show a sign of what they are about.
    pub(super) fn has_graphics(&self) -> bool {
        !self.is_classic && self.is_on("/categories/form/displayGraphics")
    }

    /// The image of a place.
    pub(super) fn picture(&self, category: Category) -> Option<Picture> {
        self.images.find(category, None, self.scheme())
    }

    /// Whether buttons of identity providers show a sign.
    pub(super) fn has_provider_icons(&self) -> bool {
        self.is_on("/componentClasses/idpButtons/icons/enabled")
    }

    /// The own icon of a provider's button.
    pub(super) fn provider_icon(&self, name: &str) -> Option<Picture> {
        self.images.find(Category::IdpButtonIcon, Some(name), self.scheme())
    }

    fn text(&self, pointer: &str) -> &str {
        self.settings.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_on(&self, pointer: &str) -> bool {
        self.settings.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// A text as it is after a browser has read the page: the policy goes by the hash of that.
fn as_parsed(css: &str) -> String {
    css.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// The logo of a form.
pub(super) struct FormLogo {
    pub(super) picture: Picture,
    pub(super) is_inside: bool,
    pub(super) is_below: bool,
    pub(super) place: &'static str,
}

/// The class of a side.
fn place(setting: &str) -> &'static str {
    match setting {
        "START" => "at-start",
        "END" => "at-end",
        _ => "at-center",
    }
}
