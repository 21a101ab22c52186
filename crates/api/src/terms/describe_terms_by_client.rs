//! `DescribeTermsByClient`: one of the two terms documents of an app client.

use poolhouse_domain::{
    ports::Ports,
    shapes::{DescribeTermsByClientRequest, DescribeTermsByClientResponse},
};
use poolhouse_wire::operations::DescribeTermsByClient as Op;

use super::not_found;
use crate::{app_clients, failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DescribeTermsByClientRequest) -> Answer<Op> {
        let mut tx = ports.store.read().await?;
        app_clients::find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let terms = tx.terms_of_client(&input.client_id, &input.terms_name).await?;
        let terms = terms.ok_or_else(|| not_found(&input.terms_name))?;
        Ok(DescribeTermsByClientResponse { terms: Some(terms.details) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::terms;
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn a_document_is_found_by_client_and_name() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&pool, json!({})).await;
        let made = stack.ok("CreateTerms", terms(&pool, &client)).await;
        let names = json!({ "UserPoolId": pool, "ClientId": client, "TermsName": "terms-of-use" });
        assert_eq!(stack.ok("DescribeTermsByClient", names.clone()).await, made);
        for (change, message) in [
            (
                json!({ "TermsName": "privacy-policy" }),
                "Terms privacy-policy does not exist.".to_owned(),
            ),
            (json!({ "UserPoolId": other }), format!("User pool client {client} does not exist.")),
        ] {
            assert_eq!(
                stack.refusal("DescribeTermsByClient", merged(names.clone(), change)).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }
}
