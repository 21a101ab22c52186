//! `ListTerms`: the terms documents of a pool, page by page, in ascending order of id.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListTermsRequest, ListTermsResponse},
    terms::TermsDocument,
};
use poolhouse_wire::operations::ListTerms as Op;

use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListTermsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListTerms {}", pool.id());
        let size = pages::size(input.max_results);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut tx = ports.store.read().await?;
        let mut found = tx.list_terms(pool.id(), after.as_deref(), pages::fetch(size)).await?;
        let cursor = |terms: &TermsDocument| terms.id().to_owned();
        let next_token = pages::cut(ports, &list, &mut found, size, cursor)?;
        let terms = found.iter().map(TermsDocument::description).collect();
        Ok(ListTermsResponse { terms, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{made, terms};
    use crate::testing::{Stack, error, invalid, merged, text};

    #[tokio::test]
    async fn pages_hold_every_document_of_the_pool_once() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        made(&stack, terms(&other, &client)).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            let client = stack.client(&pool, json!({})).await;
            ids.push(made(&stack, terms(&pool, &client)).await);
        }
        ids.sort_unstable();
        let (mut found, mut sizes, mut token) = (Vec::new(), Vec::new(), Value::Null);
        loop {
            let input = json!({ "UserPoolId": pool, "MaxResults": 2, "NextToken": token });
            let mut answer = stack.ok("ListTerms", input).await;
            let items = answer["Terms"].as_array().unwrap();
            sizes.push(items.len());
            found.extend(items.iter().map(|item| text(&item["TermsId"])));
            match answer.get_mut("NextToken") {
                Some(next) => token = next.take(),
                None => break,
            }
        }
        assert_eq!((found, sizes), (ids.clone(), vec![2, 2, 1]));
        let all = stack.ok("ListTerms", json!({ "UserPoolId": pool })).await;
        let when = json!(1_767_225_600.123);
        let first = json!({
            "TermsId": ids[0], "TermsName": "terms-of-use", "Enforcement": "NONE",
            "CreationDate": when, "LastModifiedDate": when,
        });
        assert_eq!(all["Terms"][0], first);
    }

    #[tokio::test]
    async fn foreign_tokens_and_unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for _ in 0..2 {
            let client = stack.client(&pool, json!({})).await;
            made(&stack, terms(&pool, &client)).await;
        }
        let input = json!({ "UserPoolId": pool, "MaxResults": 1 });
        let answer = stack.ok("ListTerms", input.clone()).await;
        let input = merged(input, json!({ "NextToken": answer["NextToken"] }));
        for change in [json!({ "UserPoolId": other }), json!({ "NextToken": "garbage" })] {
            assert_eq!(
                stack.refusal("ListTerms", merged(input.clone(), change)).await,
                invalid("Invalid pagination token given.")
            );
        }
        assert_eq!(
            stack.refusal("ListTerms", json!({ "UserPoolId": "us-east-1_Nowhere12" })).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
