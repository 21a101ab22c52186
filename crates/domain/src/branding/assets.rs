//! Which images a style can hold.

use std::collections::BTreeSet;

use super::{images, svg};
use crate::shapes::{
    AssetCategoryType as Category, AssetExtensionType as Extension, AssetType, ColorSchemeModeType,
};

/// Why an image can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{{category: {category}, extension: {extension}, colorMode: {color_mode}, errorMessage: {wrong}}}"
)]
pub struct AssetRefused {
    /// Where it was to be shown.
    pub category: Category,
    /// What it says it is.
    pub extension: Extension,
    /// In which mode it was to be shown.
    pub color_mode: ColorSchemeModeType,
    /// What is wrong with it.
    pub wrong: WrongAsset,
}

/// What can be wrong with an image. (The texts are beliefs.)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAsset {
    /// Another image of the request is for the same place.
    #[error("There is more than one asset for this category and color mode.")]
    Duplicate,
    /// There is no image.
    #[error("Bytes are required.")]
    NoBytes,
    /// The place does not take this kind of image.
    #[error("The extension is not supported for this category.")]
    Extension,
    /// The image is of another kind than it says.
    #[error("The content does not match the extension.")]
    Content,
    /// The SVG image holds what could run or fetch.
    #[error("The SVG contains content that is not allowed: {0}.")]
    UnsafeSvg(String),
}

/// Checks the images of a request; answers all that can't be had.
pub(super) fn check(assets: &[AssetType]) -> Result<(), Vec<AssetRefused>> {
    let mut places = BTreeSet::new();
    let mut refused = Vec::new();
    for asset in assets {
        let place = (asset.category.as_str(), asset.color_mode.as_str(), place_name(asset));
        let is_first = places.insert(place);
        let checked = if is_first { check_one(asset) } else { Err(WrongAsset::Duplicate) };
        if let Err(wrong) = checked {
            let &AssetType { category, extension, color_mode, .. } = asset;
            refused.push(AssetRefused { category, extension, color_mode, wrong });
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// What tells images of the same category and colour mode apart: the buttons of identity providers
/// have an icon each, under the resource's id. (A belief, from the form of that id.)
pub fn place_name(asset: &AssetType) -> Option<&str> {
    let is_icon = asset.category == Category::IdpButtonIcon;
    asset.resource_id.as_deref().filter(|_| is_icon)
}

fn check_one(asset: &AssetType) -> Result<(), WrongAsset> {
    let (category, extension) = (asset.category, asset.extension);
    // `.ico` belongs to one category; which kinds the others take beyond the two favicons is not
    // enforced.
    let fits = match category {
        Category::FaviconIco => extension == Extension::Ico,
        Category::FaviconSvg => extension == Extension::Svg,
        _ => extension != Extension::Ico,
    };
    if !fits {
        return Err(WrongAsset::Extension);
    }
    let bytes = asset.bytes.as_deref().filter(|bytes| !bytes.is_empty());
    let bytes = bytes.ok_or(WrongAsset::NoBytes)?;
    if images::kind(bytes) != Some(extension) {
        return Err(WrongAsset::Content);
    }
    if extension == Extension::Svg {
        let text = std::str::from_utf8(bytes).map_err(|_| WrongAsset::Content)?;
        svg::check(text).map_err(WrongAsset::UnsafeSvg)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const ICO: &[u8] = &[0, 0, 1, 0];

    /// What is wrong with one image.
    fn wrong(asset: AssetType) -> Option<WrongAsset> {
        check(&[asset]).err().map(|refused| refused.into_iter().map(|r| r.wrong).next().unwrap())
    }

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
            assert_eq!(wrong(asset(category, extension, bytes)), Some(WrongAsset::Extension));
        }
    }

    #[test]
    fn content_is_what_the_extension_says() {
        let (category, jpeg) = (Category::FormLogo, Extension::Jpeg);
        assert_eq!(wrong(asset(category, jpeg, PNG)), Some(WrongAsset::Content));
        for bytes in [None, Some(Vec::new().into())] {
            let empty = AssetType { bytes, ..asset(category, Extension::Png, PNG) };
            assert_eq!(wrong(empty), Some(WrongAsset::NoBytes));
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
        let refused = check(&logos).unwrap_err();
        let [only] = refused.as_slice() else { panic!("{refused:?}") };
        assert_eq!(only.wrong, WrongAsset::Duplicate);
    }
}
