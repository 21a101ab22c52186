//! Style sheet and logo of the classic pages: for an app client, or for all that have none.

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};

use super::{css, images};
use crate::{
    fault::Fault,
    ports::Identity,
    shapes::{AssetExtensionType, UICustomizationType},
    time::Timestamp,
};

pub use super::css::CssRefused;

/// Stands for all app clients of a pool that have no customization of their own.
pub const ALL: &str = "ALL";

/// How an app client's classic pages, or those of a whole pool, differ from the built-in look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UiCustomization {
    /// The pool.
    pub user_pool_id: String,
    /// The app client, or [`ALL`].
    pub client_id: String,
    /// The style sheet.
    pub css: Option<String>,
    /// The logo.
    pub logo: Option<Logo>,
    /// When there first was one.
    pub created_at: Timestamp,
    /// When it was last set.
    pub modified_at: Timestamp,
}

/// A PNG or JPEG image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// The file.
    pub bytes: Vec<u8>,
    /// The last part of its address: it tells the content, so that browsers may keep it for ever.
    pub name: String,
}

/// Why a customization can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomizationRefused {
    /// There is no page to be customized, as was recorded
    /// (<https://github.com/amazon-connect/voicemail-for-amazon-connect/issues/5>).
    #[error("A domain must be associated with this user pool.")]
    NoDomain,
    /// There is no page whose customization could be shown, as Terraform's tests have it
    /// (<https://github.com/hashicorp/terraform-provider-aws>).
    #[error("There has to be an existing domain associated with this user pool")]
    NoDomainToShow,
    /// The style sheet.
    #[error(transparent)]
    Css(#[from] CssRefused),
    /// The logo is of another kind. (The text is a belief.)
    #[error("The image must be a PNG or JPEG file.")]
    Image,
}

/// Storage of customizations of the classic pages.
#[async_trait]
pub trait UiCustomizations: Send {
    /// Stores a customization in place of an earlier one for the same.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the app client is gone.
    async fn put_ui_customization(&mut self, new: &UiCustomization) -> Result<(), Fault>;

    /// The customization for exactly this client, or for [`ALL`].
    async fn ui_customization(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<Option<UiCustomization>, Fault>;

    /// Removes the customization for exactly this client, or for [`ALL`].
    async fn delete_ui_customization(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<(), Fault>;
}

impl UiCustomization {
    /// A customization as the request has it. What is empty counts as absent.
    pub fn new(
        user_pool_id: &str,
        client_id: &str,
        css: Option<String>,
        image: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Self, CustomizationRefused> {
        let css = css.filter(|css| !css.trim().is_empty());
        css.as_deref().map(css::check).transpose()?;
        let image = image.filter(|bytes| !bytes.is_empty());
        Ok(Self {
            user_pool_id: user_pool_id.to_owned(),
            client_id: client_id.to_owned(),
            css,
            logo: image.map(Logo::new).transpose()?,
            created_at: now,
            modified_at: now,
        })
    }

    /// Whether it changes nothing.
    pub const fn is_empty(&self) -> bool {
        self.css.is_none() && self.logo.is_none()
    }

    /// The customization as answers show it.
    pub fn to_shape(&self, identity: &Identity) -> UICustomizationType {
        let base = identity.user_pool_url(&self.user_pool_id);
        let address = |logo: &Logo| format!("{base}/assets/{}/{}", self.client_id, logo.name);
        UICustomizationType {
            user_pool_id: Some(self.user_pool_id.clone()),
            client_id: Some(self.client_id.as_str().into()),
            image_url: self.logo.as_ref().map(address),
            css: self.css.clone(),
            css_version: Some(self.modified_at.to_digits()),
            last_modified_date: Some(self.modified_at.to_wire()),
            creation_date: Some(self.created_at.to_wire()),
        }
    }
}

impl Logo {
    fn new(bytes: Vec<u8>) -> Result<Self, CustomizationRefused> {
        let ending = match images::kind(&bytes) {
            Some(AssetExtensionType::Png) => "png",
            Some(AssetExtensionType::Jpeg) => "jpg",
            _ => return Err(CustomizationRefused::Image),
        };
        let hash = hex::encode(digest(&SHA256, &bytes));
        let name = format!("{}.{ending}", hash.get(..32).unwrap_or(&hash));
        Ok(Self { bytes, name })
    }
}

/// The customization that an app client's pages show: its own, or else the pool's.
pub async fn in_effect(
    customizations: &mut (dyn UiCustomizations + '_),
    user_pool_id: &str,
    client_id: &str,
) -> Result<Option<UiCustomization>, Fault> {
    match customizations.ui_customization(user_pool_id, client_id).await? {
        Some(own) => Ok(Some(own)),
        None if client_id == ALL => Ok(None),
        None => customizations.ui_customization(user_pool_id, ALL).await,
    }
}
