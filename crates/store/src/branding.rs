//! Storage of managed login styles with their images, and of customizations of the classic pages.

use async_trait::async_trait;
use poolhouse_domain::{
    Fault,
    branding::{
        Style, Styles,
        classic::{ALL, Logo, UiCustomization, UiCustomizations},
        place_name,
    },
    shapes::{AssetCategoryType, AssetExtensionType, AssetType, ColorSchemeModeType},
};
use poolhouse_wire::{from_stored, to_json};

use crate::{
    engine::{Row, values},
    store::{SqlTransaction, swapped},
};

const INSERT: &str = "INSERT INTO styles (pool_id, id, client_id, settings, version)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const GET: &str = "SELECT client_id, settings, version FROM styles WHERE pool_id = $1 AND id = $2";
const OF_CLIENT: &str = "SELECT client_id, settings, version FROM styles WHERE client_id = $1";
const UPDATE: &str = "UPDATE styles SET settings = $3, version = version + 1
    WHERE pool_id = $1 AND id = $2 AND version = $4";
const DELETE: &str = "DELETE FROM styles WHERE pool_id = $1 AND id = $2";
const COUNT: &str = "SELECT COUNT(*) FROM styles WHERE pool_id = $1";

const PUT_ASSET: &str = "INSERT INTO style_assets
    (style_id, category, color_mode, place, pool_id, extension, resource_id, bytes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (style_id, category, color_mode, place) DO UPDATE
    SET extension = excluded.extension, resource_id = excluded.resource_id, bytes = excluded.bytes";
const ASSETS: &str = "SELECT category, color_mode, extension, bytes, resource_id FROM style_assets
    WHERE style_id = $1 ORDER BY category, color_mode, place";
const ASSETS_WITHOUT_BYTES: &str = "SELECT category, color_mode, extension, resource_id
    FROM style_assets WHERE style_id = $1 ORDER BY category, color_mode, place";
const ASSET: &str = "SELECT category, color_mode, extension, bytes, resource_id FROM style_assets
    WHERE style_id = $1 AND category = $2 AND color_mode = $3 AND place = $4";
const COUNT_ASSETS: &str = "SELECT COUNT(*) FROM style_assets WHERE style_id = $1";
const DELETE_ASSETS: &str = "DELETE FROM style_assets WHERE style_id = $1";

const PUT_UI: &str = "INSERT INTO ui_customizations
    (pool_id, client_id, css, logo, logo_name, created_at, modified_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (pool_id, client_id) DO UPDATE
    SET css = excluded.css, logo = excluded.logo, logo_name = excluded.logo_name,
        modified_at = excluded.modified_at";
const GET_UI: &str = "SELECT css, logo, logo_name, created_at, modified_at FROM ui_customizations
    WHERE pool_id = $1 AND client_id = $2";
const DELETE_UI: &str = "DELETE FROM ui_customizations WHERE pool_id = $1 AND client_id = $2";

fn read(mut row: Row) -> Result<Style, Fault> {
    let client_id = row.text()?;
    let details = from_stored(&row.text()?)
        .map_err(|error| Fault::because("a stored style can't be read", error))?;
    Ok(Style { details, client_id, version: row.int()? })
}

fn read_asset(mut row: Row) -> Result<AssetType, Fault> {
    let kind = read_kind(&mut row)?;
    Ok(AssetType { bytes: Some(row.blob()?.into()), resource_id: row.maybe_text()?, ..kind })
}

fn read_without_bytes(mut row: Row) -> Result<AssetType, Fault> {
    let kind = read_kind(&mut row)?;
    Ok(AssetType { resource_id: row.maybe_text()?, ..kind })
}

/// The columns that every query of images begins with.
fn read_kind(row: &mut Row) -> Result<AssetType, Fault> {
    const UNKNOWN: Fault = Fault::broken("a stored image is of an unknown kind");
    Ok(AssetType {
        category: AssetCategoryType::from_wire(&row.text()?).ok_or(UNKNOWN)?,
        color_mode: ColorSchemeModeType::from_wire(&row.text()?).ok_or(UNKNOWN)?,
        extension: AssetExtensionType::from_wire(&row.text()?).ok_or(UNKNOWN)?,
        bytes: None,
        resource_id: None,
    })
}

#[async_trait]
impl Styles for SqlTransaction {
    async fn insert_style(&mut self, style: &Style) -> Result<bool, Fault> {
        self.hold_app_client(&style.client_id).await?;
        let settings = to_json(&style.details);
        let values =
            values![style.user_pool_id(), style.id(), &style.client_id, &settings, style.version];
        Ok(self.view.execute(INSERT, values).await? == 1)
    }

    async fn style(&mut self, user_pool_id: &str, id: &str) -> Result<Option<Style>, Fault> {
        self.view.fetch_optional(GET, values![user_pool_id, id]).await?.map(read).transpose()
    }

    async fn style_of_client(&mut self, client_id: &str) -> Result<Option<Style>, Fault> {
        self.view.fetch_optional(OF_CLIENT, values![client_id]).await?.map(read).transpose()
    }

    async fn update_style(&mut self, style: &mut Style) -> Result<(), Fault> {
        let settings = to_json(&style.details);
        let values = values![style.user_pool_id(), style.id(), &settings, style.version];
        swapped(self.view.execute(UPDATE, values).await?, "the style")?;
        style.version += 1;
        Ok(())
    }

    async fn delete_style(&mut self, user_pool_id: &str, id: &str) -> Result<bool, Fault> {
        let is_there = self.view.execute(DELETE, values![user_pool_id, id]).await? == 1;
        if is_there {
            self.delete_assets(id).await?;
        }
        Ok(is_there)
    }

    async fn count_styles(&mut self, user_pool_id: &str) -> Result<i64, Fault> {
        self.count(COUNT, values![user_pool_id]).await
    }

    async fn put_asset(&mut self, style: &Style, asset: &AssetType) -> Result<(), Fault> {
        let bytes = asset.bytes.as_deref().unwrap_or_default();
        let values = values![
            style.id(),
            asset.category.as_str(),
            asset.color_mode.as_str(),
            place_name(asset).unwrap_or_default(),
            style.user_pool_id(),
            asset.extension.as_str(),
            &asset.resource_id,
            bytes
        ];
        self.view.execute(PUT_ASSET, values).await.map(drop)
    }

    async fn assets(&mut self, style_id: &str) -> Result<Vec<AssetType>, Fault> {
        let rows = self.view.fetch_all(ASSETS, values![style_id]).await?;
        rows.into_iter().map(read_asset).collect()
    }

    async fn assets_without_bytes(&mut self, style_id: &str) -> Result<Vec<AssetType>, Fault> {
        let rows = self.view.fetch_all(ASSETS_WITHOUT_BYTES, values![style_id]).await?;
        rows.into_iter().map(read_without_bytes).collect()
    }

    async fn asset(
        &mut self,
        style_id: &str,
        category: AssetCategoryType,
        mode: ColorSchemeModeType,
        place: &str,
    ) -> Result<Option<AssetType>, Fault> {
        let values = values![style_id, category.as_str(), mode.as_str(), place];
        self.view.fetch_optional(ASSET, values).await?.map(read_asset).transpose()
    }

    async fn count_assets(&mut self, style_id: &str) -> Result<i64, Fault> {
        self.count(COUNT_ASSETS, values![style_id]).await
    }

    async fn delete_assets(&mut self, style_id: &str) -> Result<(), Fault> {
        self.view.execute(DELETE_ASSETS, values![style_id]).await.map(drop)
    }
}

#[async_trait]
impl UiCustomizations for SqlTransaction {
    async fn put_ui_customization(&mut self, new: &UiCustomization) -> Result<(), Fault> {
        if new.client_id != ALL {
            self.hold_app_client(&new.client_id).await?;
        }
        let logo = new.logo.as_ref();
        let (bytes, name) =
            (logo.map(|logo| logo.bytes.clone()), logo.map(|logo| logo.name.clone()));
        let values = values![
            &new.user_pool_id,
            &new.client_id,
            &new.css,
            &bytes,
            &name,
            new.created_at,
            new.modified_at
        ];
        self.view.execute(PUT_UI, values).await.map(drop)
    }

    async fn ui_customization(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<Option<UiCustomization>, Fault> {
        let Some(mut row) =
            self.view.fetch_optional(GET_UI, values![user_pool_id, client_id]).await?
        else {
            return Ok(None);
        };
        let (css, bytes, name) = (row.maybe_text()?, row.maybe_blob()?, row.maybe_text()?);
        Ok(Some(UiCustomization {
            user_pool_id: user_pool_id.to_owned(),
            client_id: client_id.to_owned(),
            css,
            logo: bytes.zip(name).map(|(bytes, name)| Logo { bytes, name }),
            created_at: row.time()?,
            modified_at: row.time()?,
        }))
    }

    async fn delete_ui_customization(
        &mut self,
        user_pool_id: &str,
        client_id: &str,
    ) -> Result<(), Fault> {
        self.view.execute(DELETE_UI, values![user_pool_id, client_id]).await.map(drop)
    }
}
