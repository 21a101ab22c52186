//! Operations on the rates of the account.

mod get_provisioned_limit;
mod update_provisioned_limit;

use std::collections::BTreeMap;

use poolhouse_domain::{
    limits::{Category, LimitRefused},
    ports::Ports,
    shapes::{LimitClass, LimitDefinitionType, LimitType},
};
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter};

/// A rate as both operations show it.
fn described(ports: &Ports, category: Category, per_second: u32) -> LimitType {
    let name = ("Category".to_owned(), category.as_str().to_owned());
    let number = |rate: u32| i32::try_from(rate).unwrap_or(i32::MAX);
    LimitType {
        limit_definition: LimitDefinitionType {
            limit_class: LimitClass::ApiCategory,
            attributes: BTreeMap::from([name]),
        },
        provisioned_limit_value: number(per_second),
        free_limit_value: number(ports.limits.free_rate(category)),
    }
}

/// A category that there is not. (That it is no `ResourceNotFoundException` is a belief.)
fn no_category<Op>(refused: &LimitRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>,
{
    invalid_parameter(refused.to_string())
}
