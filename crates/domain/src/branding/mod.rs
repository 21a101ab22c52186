//! What the pages of a pool look like: styles of managed login here, the older customization of the
//! classic pages in [`classic`].

mod assets;
pub mod classic;
mod css;
pub mod images;
mod settings;
mod svg;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use assets::{AssetRefused, WrongAsset, place_name};
pub use settings::{in_effect, merged_with_defaults};

use crate::{
    fault::{Fault, Ruling},
    granted, ids,
    ports::{Entropy, Transaction},
    shapes::{AssetCategoryType, AssetType, ColorSchemeModeType, ManagedLoginBrandingType},
    time::Timestamp,
};

/// Styles that a pool can have.
const MOST_STYLES: i64 = 20;
/// Images that a style can have.
const MOST_ASSETS: i64 = 40;
/// The largest settings of a style, in bytes of JSON. The service has no published limit of the
/// whole; this is its limit of a single request.
const LARGEST_SETTINGS: usize = 2 * 1024 * 1024;

/// The managed login style of an app client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Style {
    /// The style as `DescribeManagedLoginBranding` shows it, without its images.
    pub details: ManagedLoginBrandingType,
    /// The app client whose style it is.
    pub client_id: String,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

impl Style {
    /// The id, a random UUID.
    pub fn id(&self) -> &str {
        self.details.managed_login_branding_id.as_deref().unwrap_or_default()
    }

    /// The pool of the app client.
    pub fn user_pool_id(&self) -> &str {
        self.details.user_pool_id.as_deref().unwrap_or_default()
    }
}

/// Why a style can't be had. Texts without a mark are the service's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrandingRefused {
    /// A style has either the built-in look or one of its own.
    #[error("useCognitoProvidedValues or settings should be specified (but not both)")]
    BothOrNeither,
    /// (The text is a belief.)
    #[error("Settings must be a JSON object.")]
    SettingsNotAnObject,
    /// (The text is a belief.)
    #[error("Settings exceed the maximum size.")]
    SettingsTooLarge,
    /// The client has a style. (The text is a belief.)
    #[error("Managed login branding already exists for client {0}.")]
    Exists(String),
    /// The pool has as many styles as it can have. (The text is a belief.)
    #[error("Maximum number of managed login branding styles in user pool {0} has been reached.")]
    TooManyStyles(String),
    /// Images that can't be shown, each with what is wrong with it.
    #[error("Invalid assets provided. Validation errors: [{}]", list(.0))]
    Assets(Vec<AssetRefused>),
    /// More images than a style can have. (The text is a belief.)
    #[error("A managed login branding style can have at most 40 assets.")]
    TooManyAssets,
}

/// What refusals say of several images.
fn list(refused: &[AssetRefused]) -> String {
    refused.iter().map(AssetRefused::to_string).collect::<Vec<_>>().join(", ")
}

/// What a request wants of a style, once [`Change::of`] has looked at it.
#[derive(Clone, Debug)]
pub struct Change {
    look: Option<Look>,
    assets: Vec<AssetType>,
}

/// Whose values a style shows.
#[derive(Clone, Debug)]
enum Look {
    BuiltIn,
    Own(Value),
}

impl Change {
    /// Checks what a request holds by itself. Slow with many images: to be done before a
    /// transaction opens.
    pub fn of(
        use_built_in: Option<bool>,
        settings: Option<Value>,
        assets: Option<Vec<AssetType>>,
    ) -> Result<Self, BrandingRefused> {
        let assets = assets.unwrap_or_default();
        let look = match (use_built_in.unwrap_or_default(), settings) {
            (true, None) if assets.is_empty() => Some(Look::BuiltIn),
            (true, _) => return Err(BrandingRefused::BothOrNeither),
            (false, Some(settings)) if settings.is_object() => Some(Look::Own(settings)),
            (false, Some(_)) => return Err(BrandingRefused::SettingsNotAnObject),
            (false, None) => None,
        };
        assets::check(&assets).map_err(BrandingRefused::Assets)?;
        Ok(Self { look, assets })
    }
}

/// Storage of managed login styles.
#[async_trait]
pub trait Styles: Send {
    /// Stores a new style, unless the client has one: then answers `false`.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the app client is gone.
    async fn insert_style(&mut self, style: &Style) -> Result<bool, Fault>;

    /// The style of a pool with this id.
    async fn style(&mut self, user_pool_id: &str, id: &str) -> Result<Option<Style>, Fault>;

    /// The style of an app client.
    async fn style_of_client(&mut self, client_id: &str) -> Result<Option<Style>, Fault>;

    /// Replaces a style that was read at `style.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed (or was deleted) since it was read.
    async fn update_style(&mut self, style: &mut Style) -> Result<(), Fault>;

    /// Removes a style with its images; answers whether there was one.
    async fn delete_style(&mut self, user_pool_id: &str, id: &str) -> Result<bool, Fault>;

    /// The number of styles of a pool.
    async fn count_styles(&mut self, user_pool_id: &str) -> Result<i64, Fault>;

    /// Stores an image of a style, in place of the one that was shown there.
    async fn put_asset(&mut self, style: &Style, asset: &AssetType) -> Result<(), Fault>;

    /// The images of a style, in the order of category and colour mode.
    async fn assets(&mut self, style_id: &str) -> Result<Vec<AssetType>, Fault>;

    /// The images of a style in the same order, without their bytes: what pages need to know.
    async fn assets_without_bytes(&mut self, style_id: &str) -> Result<Vec<AssetType>, Fault>;

    /// One image of a style; `place` is its [`place_name`], or else empty.
    async fn asset(
        &mut self,
        style_id: &str,
        category: AssetCategoryType,
        mode: ColorSchemeModeType,
        place: &str,
    ) -> Result<Option<AssetType>, Fault>;

    /// The number of images of a style.
    async fn count_assets(&mut self, style_id: &str) -> Result<i64, Fault>;

    /// Removes all images of a style.
    async fn delete_assets(&mut self, style_id: &str) -> Result<(), Fault>;
}

/// Gives an app client that is there a style.
pub async fn create(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    client_id: &str,
    change: Change,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Ruling<Style, BrandingRefused> {
    let settings = match granted!(change.look.ok_or(BrandingRefused::BothOrNeither)) {
        Look::BuiltIn => None,
        Look::Own(settings) => Some(settings),
    };
    tx.hold_user_pool(user_pool_id).await?;
    let is_there = tx.style_of_client(client_id).await?.is_some();
    if !is_there && tx.count_styles(user_pool_id).await? >= MOST_STYLES {
        return Ok(Err(BrandingRefused::TooManyStyles(user_pool_id.to_owned())));
    }
    let details = ManagedLoginBrandingType {
        managed_login_branding_id: Some(ids::random_uuid(entropy)),
        user_pool_id: Some(user_pool_id.to_owned()),
        use_cognito_provided_values: Some(settings.is_none()),
        settings,
        assets: None,
        creation_date: Some(now.to_wire()),
        last_modified_date: Some(now.to_wire()),
    };
    let style = Style { details, client_id: client_id.to_owned(), version: 0 };
    if is_there || !tx.insert_style(&style).await? {
        return Ok(Err(BrandingRefused::Exists(client_id.to_owned())));
    }
    for asset in &change.assets {
        tx.put_asset(&style, asset).await?;
    }
    Ok(Ok(style))
}

/// Changes a style and stores it. What the request leaves out stays, within the settings too, so
/// that a large style can be sent in pieces.
pub async fn update(
    styles: &mut (dyn Styles + '_),
    style: &mut Style,
    change: Change,
    now: Timestamp,
) -> Ruling<(), BrandingRefused> {
    let details = &mut style.details;
    match change.look {
        Some(Look::BuiltIn) => {
            details.settings = None;
            details.use_cognito_provided_values = Some(true);
            styles.delete_assets(style.id()).await?;
        }
        Some(Look::Own(more)) => {
            let settings = details.settings.get_or_insert_with(|| Value::Object(Map::new()));
            settings::merge(settings, more);
            if settings.to_string().len() > LARGEST_SETTINGS {
                return Ok(Err(BrandingRefused::SettingsTooLarge));
            }
        }
        None => {}
    }
    style.details.last_modified_date = Some(now.to_wire());
    if style.details.settings.is_some() || !change.assets.is_empty() {
        style.details.use_cognito_provided_values = Some(false);
    }
    styles.update_style(style).await?;
    for asset in &change.assets {
        styles.put_asset(style, asset).await?;
    }
    if styles.count_assets(style.id()).await? > MOST_ASSETS {
        return Ok(Err(BrandingRefused::TooManyAssets));
    }
    Ok(Ok(()))
}
