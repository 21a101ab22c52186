//! The images of a style: which of them a page shows, and their addresses.

use poolhouse_domain::{
    branding::{Style, place_name},
    shapes::{AssetCategoryType as Category, AssetType, ColorSchemeModeType as Mode},
};

use super::Scheme;

/// Under which all images of styles are.
const ROOT: &str = "/assets/styles/";

/// An image of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct Picture {
    /// Its address.
    pub(in crate::pages) href: String,
    /// The address of what stands in its place where the browser prefers dark colours.
    pub(in crate::pages) dark: Option<String>,
}

impl Picture {
    /// One that is the same in all colours.
    pub(super) const fn same(href: String) -> Self {
        Self { href, dark: None }
    }
}

/// The images of a style.
#[derive(Clone, Debug, Default)]
pub(super) struct Images(Vec<Image>);

#[derive(Clone, Debug)]
struct Image {
    category: Category,
    mode: Mode,
    name: Option<String>,
    href: String,
}

impl Images {
    pub(super) fn of(style: &Style, assets: &[AssetType]) -> Self {
        let image = |asset: &AssetType| Image {
            category: asset.category,
            mode: asset.color_mode,
            name: place_name(asset).map(ToOwned::to_owned),
            href: address(&style.client_id, style.version, asset),
        };
        Self(assets.iter().map(image).collect())
    }

    /// The image of a place. One for the other mode is better than none.
    pub(super) fn find(
        &self,
        category: Category,
        name: Option<&str>,
        scheme: Scheme,
    ) -> Option<Picture> {
        let here = |image: &&Image| image.category == category && image.name.as_deref() == name;
        let of = |mode: Mode| {
            let image = self.0.iter().filter(here).find(|image| image.mode == mode);
            image.map(|image| image.href.clone())
        };
        let light = of(Mode::Light).or_else(|| of(Mode::Dynamic));
        let dark = of(Mode::Dark).or_else(|| of(Mode::Dynamic));
        match scheme {
            Scheme::Light => light.or(dark).map(Picture::same),
            Scheme::Dark => dark.or(light).map(Picture::same),
            Scheme::Dynamic => {
                let href = light.clone().or_else(|| dark.clone())?;
                let dark = dark.filter(|dark| *dark != href);
                Some(Picture { href, dark })
            }
        }
    }
}

/// Where an image is served. Every change of a style changes its version, so that what is under an
/// address never changes.
pub(in crate::pages) fn address(client_id: &str, version: i64, asset: &AssetType) -> String {
    let (category, mode) = (asset.category.as_str(), asset.color_mode.as_str());
    // Letters, digits, `_`, `-` and spaces.
    let name = place_name(asset).unwrap_or_default().replace(' ', "%20");
    format!("{ROOT}{client_id}/{version}/{category}/{mode}/{name}")
}

/// What an address names: app client, version, category, mode and name, the latter as it stands
/// there.
pub(in crate::pages) fn named(path: &str) -> Option<(&str, i64, Category, Mode, String)> {
    let parts: Vec<&str> = path.strip_prefix(ROOT)?.split('/').collect();
    let [client_id, version, category, mode, name] = parts.as_slice() else { return None };
    Some((
        client_id,
        version.parse().ok()?,
        Category::from_wire(category)?,
        Mode::from_wire(mode)?,
        name.replace("%20", " "),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(category: Category, mode: Mode, name: &str) -> AssetType {
        AssetType {
            category,
            color_mode: mode,
            resource_id: Some(name.to_owned()),
            ..AssetType::default()
        }
    }

    fn images(assets: &[AssetType]) -> Images {
        Images::of(&Style { client_id: "c".to_owned(), version: 7, ..Style::default() }, assets)
    }

    #[test]
    fn addresses_name_their_image() {
        let icon = asset(Category::IdpButtonIcon, Mode::Dark, "My Company_1");
        let address = address("client", 3, &icon);
        assert_eq!(address, "/assets/styles/client/3/IDP_BUTTON_ICON/DARK/My%20Company_1");
        let name = "My Company_1".to_owned();
        let expected = ("client", 3, Category::IdpButtonIcon, Mode::Dark, name);
        assert_eq!(named(&address), Some(expected));
        for other in ["/assets/styles/c/x/FORM_LOGO/DARK/", "/assets/styles/c/1/FORM_LOGO", "/"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn the_mode_decides_and_another_is_better_than_none() {
        let both = images(&[
            asset(Category::FormLogo, Mode::Dark, ""),
            asset(Category::FormLogo, Mode::Light, ""),
            asset(Category::PageBackground, Mode::Dynamic, ""),
        ]);
        let find = |category, scheme| both.find(category, None, scheme).unwrap();
        let light = "/assets/styles/c/7/FORM_LOGO/LIGHT/";
        let dark = "/assets/styles/c/7/FORM_LOGO/DARK/";
        assert_eq!(find(Category::FormLogo, Scheme::Light), Picture::same(light.to_owned()));
        assert_eq!(find(Category::FormLogo, Scheme::Dark), Picture::same(dark.to_owned()));
        let either = Picture { href: light.to_owned(), dark: Some(dark.to_owned()) };
        assert_eq!(find(Category::FormLogo, Scheme::Dynamic), either);
        for scheme in [Scheme::Light, Scheme::Dark, Scheme::Dynamic] {
            let only = find(Category::PageBackground, scheme);
            assert_eq!(only.dark, None);
        }
        assert_eq!(both.find(Category::PageHeaderLogo, None, Scheme::Light), None);
    }

    #[test]
    fn icons_belong_to_their_provider() {
        let icons = images(&[asset(Category::IdpButtonIcon, Mode::Light, "One")]);
        assert!(icons.find(Category::IdpButtonIcon, Some("One"), Scheme::Dark).is_some());
        assert!(icons.find(Category::IdpButtonIcon, Some("Two"), Scheme::Dark).is_none());
    }
}
