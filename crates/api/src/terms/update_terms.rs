//! `UpdateTerms`: changes a terms document; what is left out stays.

use poolhouse_domain::{
    ports::Ports,
    shapes::{UpdateTermsRequest, UpdateTermsResponse},
    terms,
};
use poolhouse_wire::operations::UpdateTerms as Op;

use super::{find, terms_refused};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateTermsRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let mut terms = find::<Op>(&mut *tx, &input.user_pool_id, &input.terms_id).await?;
        terms::update(&mut *tx, &mut terms, input, ports.clock.now())
            .await?
            .map_err(|refused| terms_refused(&refused))?;
        tx.commit().await?;
        Ok(UpdateTermsResponse { terms: Some(terms.details) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{made, terms};
    use crate::testing::{Stack, error, invalid, merged};

    #[tokio::test]
    async fn what_is_left_out_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let id = made(&stack, terms(&pool, &client)).await;
        let names = json!({ "UserPoolId": pool, "TermsId": id });
        let mut expected = stack.ok("DescribeTerms", names.clone()).await;
        stack.advance(60);
        expected["Terms"]["LastModifiedDate"] = json!(1_767_225_660.123);
        for change in [
            json!({}),
            json!({ "Links": { "cognito:dutch": "https://example.com/nl" } }),
            json!({ "TermsName": "privacy-policy" }),
            json!({ "TermsName": "privacy-policy", "TermsSource": "LINK", "Enforcement": "NONE" }),
        ] {
            let answer = stack.ok("UpdateTerms", merged(names.clone(), change.clone())).await;
            expected["Terms"] = merged(expected["Terms"].take(), change);
            assert_eq!(answer, expected);
            assert_eq!(stack.ok("DescribeTerms", names.clone()).await, expected);
        }
        made(&stack, terms(&pool, &client)).await;
    }

    #[tokio::test]
    async fn a_refused_update_changes_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let id = made(&stack, terms(&pool, &client)).await;
        let policy = json!({ "TermsName": "privacy-policy" });
        made(&stack, merged(terms(&pool, &client), policy.clone())).await;
        let names = json!({ "UserPoolId": pool, "TermsId": id });
        let before = stack.ok("DescribeTerms", names.clone()).await;
        let links = json!({ "Links": { "cognito:default": "https://example.com/new" } });
        let message = format!("Terms with name privacy-policy already exist for client {client}.");
        assert_eq!(
            stack.refusal("UpdateTerms", merged(merged(names.clone(), links), policy)).await,
            error("TermsExistsException", &message)
        );
        let links = json!({ "Links": { "cognito:default": "ftp://example.com" } });
        assert_eq!(
            stack.refusal("UpdateTerms", merged(names.clone(), links)).await,
            invalid("ftp://example.com is not a valid URL.")
        );
        assert_eq!(stack.ok("DescribeTerms", names).await, before);
    }
}
