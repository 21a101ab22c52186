//! Operations on devices: confirming, showing, remembering and forgetting those of one's own and,
//! for administrators, those of others.

mod admin_forget_device;
mod admin_get_device;
mod admin_list_devices;
mod admin_update_device_status;
mod confirm_device;
mod forget_device;
mod get_device;
mod list_devices;
#[cfg(test)]
mod sign_in_tests;
#[cfg(test)]
mod testing;
mod update_device_status;

use std::sync::Arc;

use poolhouse_domain::{
    devices::{self, Device},
    ports::{Ports, Transaction},
    shapes::{AttributeType, DeviceRememberedStatusType, DeviceType},
    time::Timestamp,
    tokens::access::Bearer,
    user_pools::UserPool,
    users::{self, User},
};
use poolhouse_wire::{Operation, Permits, codes};

use crate::{
    failure::{Failure, Unanswered},
    lookup, subject,
};

/// The attributes that every list shows.
fn brief_attributes(device: &Device) -> Vec<AttributeType> {
    let mut attributes = vec![attribute("device_status", "valid")];
    attributes.extend(device.name.as_deref().map(|name| attribute("device_name", name)));
    attributes.extend(device.last_ip.as_deref().map(|ip| attribute("last_ip_used", ip)));
    attributes
}

/// All attributes, in the order of the examples in Amazon's documentation of `AdminListDevices`.
fn all_attributes(ports: &Ports, user: &User, device: &Device) -> Vec<AttributeType> {
    let owner = format!("{}.{}", user.username, device.user_pool_id);
    let (region, account) = (&ports.identity.region, &ports.identity.account_id);
    let arn = format!("arn:aws:cognito-idp:{region}:{account}:owner/{owner}/device/{}", device.key);
    let remembered = if device.is_remembered {
        DeviceRememberedStatusType::Remembered
    } else {
        DeviceRememberedStatusType::NotRemembered
    };
    let mut attributes = vec![attribute("device_status", "valid")];
    attributes.extend(device.name.as_deref().map(|name| attribute("device_name", name)));
    attributes.push(attribute("dev:device_arn", &arn));
    attributes.push(attribute("dev:device_owner", &owner));
    attributes.extend(device.last_ip.as_deref().map(|ip| attribute("last_ip_used", ip)));
    attributes.push(attribute("dev:device_remembered_status", remembered.as_str()));
    attributes.push(attribute("dev:device_sdk", "aws-sdk"));
    attributes
}

fn attribute(name: &str, value: &str) -> AttributeType {
    AttributeType { name: name.to_owned(), value: Some(value.to_owned().into()) }
}

/// A device as the answers show it.
fn device_type(device: Device, attributes: Vec<AttributeType>) -> DeviceType {
    let last_authenticated = Timestamp::from_seconds(device.last_authenticated_at.seconds());
    DeviceType {
        device_key: Some(device.key),
        device_attributes: Some(attributes),
        device_create_date: Some(device.created_at.to_wire()),
        device_last_modified_date: Some(device.modified_at.to_wire()),
        device_last_authenticated_date: Some(last_authenticated.to_wire()),
    }
}

/// The bearer of an access token, in a pool that tracks devices.
async fn bearer<Op>(ports: &Ports, token: &str) -> Result<Bearer, Unanswered<Op>>
where
    Op: Operation
        + Permits<codes::InvalidUserPoolConfigurationException>
        + Permits<codes::NotAuthorizedException>,
{
    let bearer = subject::by_access_token::<Op>(ports, token).await?;
    if devices::is_tracked(&bearer.pool) { Ok(bearer) } else { Err(not_tracked().into()) }
}

/// The pool that an administrator names, which tracks devices.
async fn tracking_pool<Op>(ports: &Ports, id: &str) -> Result<Arc<UserPool>, Unanswered<Op>>
where
    Op: Permits<codes::InvalidUserPoolConfigurationException>
        + Permits<codes::ResourceNotFoundException>,
{
    let pool = lookup::user_pool::<Op>(ports, id).await?;
    if devices::is_tracked(&pool) { Ok(pool) } else { Err(not_tracked().into()) }
}

/// The user whom an administrator names, for the operations that don't list
/// `UserNotFoundException`. What the service answers there is not on record.
async fn owner<Op>(
    tx: &mut dyn Transaction,
    pool: &UserPool,
    name: &str,
) -> Result<User, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let missing = || Failure::new(codes::ResourceNotFoundException, "User does not exist.");
    Ok(users::find(tx, pool, name).await?.ok_or_else(missing)?)
}

/// Whether a request wants the device remembered. That one which doesn't say leaves the device as
/// it is, is a belief.
fn wants_remembered(status: Option<DeviceRememberedStatusType>) -> Option<bool> {
    status.map(|status| status == DeviceRememberedStatusType::Remembered)
}

/// Sets whether a device is remembered, or refuses if there is none. Commits.
async fn update<Op>(
    ports: &Ports,
    mut tx: Box<dyn Transaction>,
    user: &User,
    key: &str,
    status: Option<DeviceRememberedStatusType>,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let (pool_id, sub) = (&user.user_pool_id, &user.sub);
    let is_there = match wants_remembered(status) {
        Some(wanted) => tx.remember_device(pool_id, sub, key, wanted, ports.clock.now()).await?,
        None => tx.device(pool_id, sub, key).await?.is_some(),
    };
    tx.commit().await?;
    if is_there { Ok(()) } else { Err(no_device().into()) }
}

/// Removes a device, or refuses if there is none. Commits.
async fn forget<Op>(
    mut tx: Box<dyn Transaction>,
    user: &User,
    key: &str,
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    let was_there = tx.delete_device(&user.user_pool_id, &user.sub, key).await?;
    tx.commit().await?;
    if was_there { Ok(()) } else { Err(no_device().into()) }
}

/// The error for a device that the user doesn't have. Clients look for this very text at sign-in.
pub(crate) fn no_device<Op>() -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    Failure::new(codes::ResourceNotFoundException, "Device does not exist.")
}

/// The error in pools that don't track devices. The type is from the model; the text is a belief.
fn not_tracked<Op>() -> Failure<Op>
where
    Op: Permits<codes::InvalidUserPoolConfigurationException>,
{
    let message = "Device tracking is not configured for the user pool.";
    Failure::new(codes::InvalidUserPoolConfigurationException, message)
}
