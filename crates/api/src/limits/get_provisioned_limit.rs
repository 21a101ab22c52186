//! `GetProvisionedLimit`: the rate of a category of operations.

use poolhouse_domain::{
    limits,
    ports::Ports,
    shapes::{GetProvisionedLimitRequest, GetProvisionedLimitResponse},
};
use poolhouse_wire::operations::GetProvisionedLimit as Op;

use super::{described, no_category};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetProvisionedLimitRequest) -> Answer<Op> {
        let category = limits::named(&input.limit_definition.attributes)
            .map_err(|refused| no_category(&refused))?;
        let provisioned = ports.store.read().await?.provisioned_limits().await?;
        let free = ports.limits.free_rate(category);
        let rate = limits::effective(provisioned.get(&category).copied(), free);
        Ok(GetProvisionedLimitResponse { limit: described(ports, category, rate) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, invalid};

    fn definition(attributes: &Value) -> Value {
        json!({ "LimitDefinition": { "LimitClass": "API_CATEGORY", "Attributes": attributes } })
    }

    #[tokio::test]
    async fn a_category_has_the_rate_of_everybody() {
        let stack = Stack::new().await;
        for (category, rate) in [("UserAuthentication", 120), ("UserList", 30)] {
            let input = definition(&json!({ "Category": category }));
            let mut limit = input.clone();
            limit["ProvisionedLimitValue"] = json!(rate);
            limit["FreeLimitValue"] = json!(rate);
            assert_eq!(stack.ok("GetProvisionedLimit", input).await, json!({ "Limit": limit }));
        }
    }

    #[tokio::test]
    async fn other_attributes_name_no_limit() {
        let stack = Stack::new().await;
        let message = "Invalid limit definition. Attributes must hold Category with the name of a \
                       category.";
        for attributes in [json!({}), json!({ "Category": "userread" }), json!({ "X": "UserRead" })]
        {
            let refused = stack.refusal("GetProvisionedLimit", definition(&attributes)).await;
            assert_eq!(refused, invalid(message));
        }
    }
}
