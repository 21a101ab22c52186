//! Operations on user pools: making, changing, listing and deleting them.

mod add_custom_attributes;
mod create_user_pool;
mod delete_user_pool;
mod describe_user_pool;
mod get_user_pool_mfa_config;
mod list_user_pools;
mod set_user_pool_mfa_config;
mod update_user_pool;

use poolhouse_domain::{
    shapes::UserPoolType,
    user_pools::{UserPool, settings::SettingsRefused},
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter, unavailable_in_tier};

/// A pool as `DescribeUserPool` shows it.
fn described(pool: &UserPool, users: i64) -> UserPoolType {
    let users = i32::try_from(users).unwrap_or(i32::MAX);
    UserPoolType { estimated_number_of_users: Some(users), ..pool.settings.clone() }
}

/// What is said of settings that can't be had.
fn settings_refused<Op>(refused: &SettingsRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>
        + Permits<codes::FeatureUnavailableInTierException>
        + Permits<codes::InvalidEmailRoleAccessPolicyException>
        + Permits<codes::UserPoolTaggingException>,
{
    use SettingsRefused as R;
    let message = refused.to_string();
    match refused {
        R::Tier(refused) => unavailable_in_tier(refused),
        R::SourceOnDefaultSender => {
            Failure::new(codes::InvalidEmailRoleAccessPolicyException, message)
        }
        R::Tags(_) => Failure::new(codes::UserPoolTaggingException, message),
        _ => invalid_parameter(message),
    }
}
