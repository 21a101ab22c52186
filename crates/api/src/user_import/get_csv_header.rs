//! `GetCSVHeader`: the columns of a file for import.

use poolhouse_domain::{
    ports::Ports,
    shapes::{GetCSVHeaderRequest, GetCSVHeaderResponse},
    user_import::csv,
};
use poolhouse_wire::operations::GetCSVHeader as Op;

use crate::{failure::Answer, lookup, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: GetCSVHeaderRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let header = csv::header(&pool);
        Ok(GetCSVHeaderResponse {
            user_pool_id: Some(input.user_pool_id),
            csv_header: Some(header),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error};

    #[tokio::test]
    async fn the_columns_are_the_attributes_that_can_be_given_and_two_more() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "tier", "AttributeDataType": "String" }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let header = [
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "email",
            "email_verified",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "phone_number",
            "phone_number_verified",
            "address",
            "updated_at",
            "custom:tier",
            "cognito:mfa_enabled",
            "cognito:username",
        ];
        let answer = stack.ok("GetCSVHeader", json!({ "UserPoolId": pool })).await;
        assert_eq!(answer, json!({ "UserPoolId": pool, "CSVHeader": header }));
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("GetCSVHeader", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
