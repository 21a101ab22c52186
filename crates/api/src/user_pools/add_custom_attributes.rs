//! `AddCustomAttributes`: adds to the attribute schema, for good.

use poolhouse_domain::{
    ports::Ports,
    shapes::{AddCustomAttributesRequest, AddCustomAttributesResponse},
};
use poolhouse_wire::operations::AddCustomAttributes as Op;

use crate::{
    failure::{Answer, invalid_parameter},
    lookup::no_user_pool,
    serve::Handle,
    user_import::check_no_import,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AddCustomAttributesRequest) -> Answer<Op> {
        let id = input.user_pool_id;
        let mut tx = ports.store.write().await?;
        let mut pool = tx.user_pool(&id).await?.ok_or_else(|| no_user_pool(&id))?;
        check_no_import::<Op>(&mut *tx, &id).await?;
        pool.add_custom_attributes(&input.custom_attributes)
            .map_err(|refused| invalid_parameter(refused.to_string()))?;
        pool.settings.last_modified_date = Some(ports.clock.now().to_wire());
        tx.update_user_pool(&mut pool).await?;
        tx.commit().await?;
        ports.directory.forget_user_pool(&id);
        Ok(AddCustomAttributesResponse {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid};

    /// The custom attributes of the pool.
    async fn custom(stack: &Stack, pool: &str) -> Vec<Value> {
        let answer = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        answer["UserPool"]["SchemaAttributes"].as_array().unwrap()[20..].to_vec()
    }

    #[tokio::test]
    async fn attributes_are_added_in_order() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.advance(5);
        let input = json!({ "UserPoolId": pool, "CustomAttributes": [
            { "Name": "b", "AttributeDataType": "String", "Mutable": false,
              "StringAttributeConstraints": { "MaxLength": "9" } },
            { "Name": "a", "AttributeDataType": "Number" },
        ] });
        let answer = stack.call("AddCustomAttributes", input).await;
        assert_eq!((answer.status, answer.body), (200, json!({})));
        assert_eq!(
            custom(&stack, &pool).await,
            [
                json!({ "Name": "custom:b", "AttributeDataType": "String",
                "DeveloperOnlyAttribute": false, "Mutable": false, "Required": false,
                "StringAttributeConstraints": { "MaxLength": "9" } }),
                json!({ "Name": "custom:a", "AttributeDataType": "Number",
                "DeveloperOnlyAttribute": false, "Mutable": true, "Required": false }),
            ]
        );
        let described = stack.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
        assert_eq!(described["UserPool"]["LastModifiedDate"], 1_767_225_605.123);
    }

    #[tokio::test]
    async fn one_bad_attribute_keeps_the_others_out() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "old", "AttributeDataType": "String" }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let good = json!({ "Name": "good", "AttributeDataType": "String" });
        let cases = [
            (
                json!({ "Name": "old", "AttributeDataType": "String" }),
                "custom:old: Existing attribute already has name custom:old.",
            ),
            (
                json!({ "Name": "x" }),
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
            ),
            (
                json!({ "Name": "x", "AttributeDataType": "String", "Required": true }),
                "Required custom attributes are not supported currently.",
            ),
            (
                good.clone(),
                "Duplicate custom attribute names custom:good are not allowed in a user pool schema.",
            ),
        ];
        for (bad, message) in cases {
            let input = json!({ "UserPoolId": pool, "CustomAttributes": [good, bad] });
            assert_eq!(stack.refusal("AddCustomAttributes", input).await, invalid(message));
        }
        assert_eq!(custom(&stack, &pool).await.len(), 1);
    }

    #[tokio::test]
    async fn a_pool_has_fifty_custom_attributes_at_most() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let batch = |from: usize, to: usize| {
            let attributes: Vec<Value> = (from..to)
                .map(|n| json!({ "Name": format!("a{n}"), "AttributeDataType": "String" }))
                .collect();
            json!({ "UserPoolId": pool, "CustomAttributes": attributes })
        };
        stack.ok("AddCustomAttributes", batch(0, 25)).await;
        stack.ok("AddCustomAttributes", batch(25, 49)).await;
        let message = "Custom attributes cannot exceed limit of 50.";
        let refused = stack.refusal("AddCustomAttributes", batch(49, 51)).await;
        assert_eq!(refused, invalid(message));
        stack.ok("AddCustomAttributes", batch(49, 50)).await;
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12",
            "CustomAttributes": [{ "Name": "x", "AttributeDataType": "String" }] });
        assert_eq!(
            stack.refusal("AddCustomAttributes", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
