//! Operations on domains, the names under which a pool's pages and OAuth endpoints are reached.

mod create_user_pool_domain;
mod delete_user_pool_domain;
mod describe_user_pool_domain;
mod update_user_pool_domain;

use poolhouse_domain::domains::DomainRefused;
use poolhouse_wire::{Permits, codes};

use crate::failure::{Failure, invalid_parameter, unavailable_in_tier};

/// What is said of settings that can't be had.
fn settings_refused<Op>(refused: &DomainRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException>
        + Permits<codes::FeatureUnavailableInTierException>,
{
    match refused {
        DomainRefused::Tier(refused) => unavailable_in_tier(refused),
        _ => invalid_parameter(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Stack;

    /// A certificate for custom domains.
    pub(super) const CERTIFICATE: &str =
        "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

    /// The description of a domain.
    pub(super) async fn described(stack: &Stack, domain: &str) -> Value {
        let input = json!({ "Domain": domain });
        stack.ok("DescribeUserPoolDomain", input).await["DomainDescription"].take()
    }
}
