//! Which images a style can hold.

use std::collections::BTreeSet;

use super::{BrandingRefused, images, svg};
use crate::shapes::{AssetCategoryType as Category, AssetExtensionType as Extension, AssetType};

/// Checks the images of a request.
pub(super) fn check(assets: &[AssetType]) -> Result<(), BrandingRefused> {
    let mut places = BTreeSet::new();
    for asset in assets {
        let (category, mode) = (asset.category.as_str(), asset.color_mode.as_str());
        if !places.insert((category, mode, place_name(asset))) {
            return Err(BrandingRefused::DuplicateAsset(category, mode));
        }
        check_one(asset)?;
    }
    Ok(())
}

/// What tells images of the same category and colour mode apart: the buttons of identity providers
/// have an icon each, under the resource's id. (A belief, from the form of that id.)
pub fn place_name(asset: &AssetType) -> Option<&str> {
    let is_icon = asset.category == Category::IdpButtonIcon;
    asset.resource_id.as_deref().filter(|_| is_icon)
}

fn check_one(asset: &AssetType) -> Result<(), BrandingRefused> {
    let (category, extension) = (asset.category, asset.extension);
    // `.ico` belongs to one category; which kinds the others take beyond the two favicons is not
    // enforced.
    let fits = match category {
        Category::FaviconIco => extension == Extension::Ico,
        Category::FaviconSvg => extension == Extension::Svg,
        _ => extension != Extension::Ico,
    };
    if !fits {
        return Err(BrandingRefused::WrongExtension(category, extension));
    }
    let bytes = asset.bytes.as_deref().filter(|bytes| !bytes.is_empty());
    let bytes = bytes.ok_or(BrandingRefused::NoBytes(category))?;
    if images::kind(bytes) != Some(extension) {
        return Err(BrandingRefused::WrongContent(category, extension));
    }
    if extension == Extension::Svg {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| BrandingRefused::WrongContent(category, extension))?;
        svg::check(text).map_err(|what| BrandingRefused::UnsafeSvg { category, what })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::ColorSchemeModeType;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const ICO: &[u8] = &[0, 0, 1, 0];

    fn asset(category: Category, extension: Extension, bytes: &[u8]) -> AssetType {
        AssetType {
            category,
            extension,
            color_mode: ColorSchemeModeType::Light,
            bytes: Some(bytes.to_vec().into()),
            resource_id: None,
        }
    }

    #[test]
    fn icons_are_for_favicons() {
        assert_eq!(check(&[asset(Category::FaviconIco, Extension::Ico, ICO)]), Ok(()));
        for (category, extension, bytes) in [
            (Category::FormLogo, Extension::Ico, ICO),
            (Category::FaviconIco, Extension::Png, PNG),
            (Category::FaviconSvg, Extension::Png, PNG),
        ] {
            assert_eq!(
                check(&[asset(category, extension, bytes)]),
                Err(BrandingRefused::WrongExtension(category, extension))
            );
        }
    }

    #[test]
    fn content_is_what_the_extension_says() {
        let (category, jpeg) = (Category::FormLogo, Extension::Jpeg);
        assert_eq!(
            check(&[asset(category, jpeg, PNG)]),
            Err(BrandingRefused::WrongContent(category, jpeg))
        );
        for bytes in [None, Some(Vec::new().into())] {
            let empty = AssetType { bytes, ..asset(category, Extension::Png, PNG) };
            assert_eq!(check(&[empty]), Err(BrandingRefused::NoBytes(category)));
        }
    }

    #[test]
    fn only_icons_of_providers_share_a_place() {
        let named = |category, name: &str| AssetType {
            resource_id: Some(name.to_owned()),
            ..asset(category, Extension::Png, PNG)
        };
        let icons = [named(Category::IdpButtonIcon, "a"), named(Category::IdpButtonIcon, "b")];
        assert_eq!(check(&icons), Ok(()));
        let logos = [named(Category::FormLogo, "a"), named(Category::FormLogo, "b")];
        assert_eq!(check(&logos), Err(BrandingRefused::DuplicateAsset("FORM_LOGO", "LIGHT")));
    }
}
