//! `UpdateProvisionedLimit`: sets the rate of a category of operations.
//!
//! The service does not let accounts with managed login change two of the categories, because it
//! provisions them by itself; here nothing does, so they can be changed like the others.

use poolhouse_domain::{
    limits::{self, LimitRefused},
    ports::Ports,
    shapes::{UpdateProvisionedLimitRequest, UpdateProvisionedLimitResponse},
};
use poolhouse_wire::{codes, operations::UpdateProvisionedLimit as Op};

use super::{described, no_category};
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateProvisionedLimitRequest) -> Answer<Op> {
        let category = limits::named(&input.limit_definition.attributes)
            .map_err(|refused| no_category(&refused))?;
        let free = ports.limits.free_rate(category);
        let rate = limits::check(category, free, input.requested_limit_value)
            .map_err(|refused| rate_refused(&refused))?;
        let mut tx = ports.store.write().await?;
        tx.put_provisioned_limit(category, rate).await?;
        tx.commit().await?;
        ports.limits.forget_provisioned();
        Ok(UpdateProvisionedLimitResponse { limit: described(ports, category, rate) })
    }
}

fn rate_refused(refused: &LimitRefused) -> Failure<Op> {
    match refused {
        LimitRefused::TooHigh => {
            Failure::new(codes::ServiceQuotaExceededException, refused.to_string())
        }
        _ => invalid_parameter(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    fn wanted(category: &str, rate: i64) -> Value {
        json!({
            "LimitDefinition":
                { "LimitClass": "API_CATEGORY", "Attributes": { "Category": category } },
            "RequestedLimitValue": rate,
        })
    }

    #[tokio::test]
    async fn a_rate_is_raised_and_lowered_again() {
        let stack = Stack::new().await;
        for rate in [500, 100_000, 120] {
            let input = wanted("UserRead", rate);
            let answer = stack.ok("UpdateProvisionedLimit", input.clone()).await;
            let definition = &input["LimitDefinition"];
            let limit = json!({ "LimitDefinition": definition, "ProvisionedLimitValue": rate,
                "FreeLimitValue": 120 });
            assert_eq!(answer, json!({ "Limit": limit }));
            let read = json!({ "LimitDefinition": definition });
            assert_eq!(stack.ok("GetProvisionedLimit", read).await, answer);
        }
    }

    #[tokio::test]
    async fn what_is_out_of_bounds_is_refused_and_changes_nothing() {
        let stack = Stack::new().await;
        let too_low = "The requested limit value must not be less than the default limit of 120.";
        let too_high = "The requested limit value exceeds the maximum of 100000 for the account.";
        let fixed = "The limit of category UserPoolRead is not adjustable.";
        let unknown = "Invalid limit definition. Attributes must hold Category with the name of a \
                       category.";
        for (input, expected) in [
            (wanted("UserRead", 119), invalid(too_low)),
            (wanted("UserRead", -1), invalid(too_low)),
            (wanted("UserRead", 100_001), error("ServiceQuotaExceededException", too_high)),
            (wanted("UserPoolRead", 15), invalid(fixed)),
            (wanted("Nothing", 15), invalid(unknown)),
        ] {
            assert_eq!(stack.refusal("UpdateProvisionedLimit", input).await, expected);
        }
        let stored = stack.ports.store.read().await.unwrap().provisioned_limits().await.unwrap();
        assert!(stored.is_empty());
    }
}
