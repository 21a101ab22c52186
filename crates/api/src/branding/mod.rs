//! Operations on what a pool's pages look like: managed login styles, and the older customization of
//! the classic pages.

mod create_managed_login_branding;
mod delete_managed_login_branding;
mod describe_managed_login_branding;
mod describe_managed_login_branding_by_client;
mod get_ui_customization;
mod set_ui_customization;
mod update_managed_login_branding;

use poolhouse_domain::{
    Fault,
    branding::{BrandingRefused, Style, merged_with_defaults},
    ports::Transaction,
    shapes::ManagedLoginBrandingType,
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter},
    lookup::no_user_pool,
};

/// A style with its images as answers show it: its own values only, or `whole` with the built-in
/// ones. That the list of images is there even if empty was measured
/// (<https://github.com/floci-io/floci/pull/2869>).
async fn described(
    tx: &mut dyn Transaction,
    style: &Style,
    whole: bool,
) -> Result<ManagedLoginBrandingType, Fault> {
    let assets = tx.assets(style.id()).await?;
    let mut details = style.details.clone();
    details.assets = Some(assets);
    if whole {
        details.settings = Some(merged_with_defaults(details.settings.as_ref()));
    }
    Ok(details)
}

/// A style of a pool that is there, as stored now.
async fn find<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    id: &str,
) -> Result<Style, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    if tx.user_pool(user_pool_id).await?.is_none() {
        return Err(no_user_pool(user_pool_id).into());
    }
    let style = tx.style(user_pool_id, id).await?;
    Ok(style.ok_or_else(|| not_found(id))?)
}

/// The error for an unknown style. (The text is a belief.)
fn not_found<Op>(id: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let message = format!("Managed login branding {id} does not exist.");
    Failure::new(codes::ResourceNotFoundException, message)
}

/// What is said of styles that can't be had.
fn branding_refused<Op>(refused: &BrandingRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(refused.to_string())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use crate::testing::{Stack, text};

    /// A PNG image that differs by its last byte.
    pub(super) fn png(last: u8) -> String {
        STANDARD.encode([b"\x89PNG\r\n\x1a\n", &[last][..]].concat())
    }

    /// An image of a style.
    pub(super) fn asset(category: &str, mode: &str, last: u8) -> Value {
        json!({
            "Category": category, "ColorMode": mode, "Extension": "PNG", "Bytes": png(last),
        })
    }

    /// Gives a client a style with these members and answers the style's id.
    pub(super) async fn made(stack: &Stack, pool: &str, client: &str, members: Value) -> String {
        let names = json!({ "UserPoolId": pool, "ClientId": client });
        let input = crate::testing::merged(names, members);
        let answer = stack.ok("CreateManagedLoginBranding", input).await;
        text(&answer["ManagedLoginBranding"]["ManagedLoginBrandingId"])
    }
}
