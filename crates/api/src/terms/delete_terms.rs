//! `DeleteTerms`: removes a terms document.

use poolhouse_domain::{ports::Ports, shapes::DeleteTermsRequest};
use poolhouse_wire::{NoOutput, operations::DeleteTerms as Op};

use super::not_found;
use crate::{failure::Answer, lookup::no_user_pool, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteTermsRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        if tx.user_pool(&input.user_pool_id).await?.is_none() {
            return Err(no_user_pool(&input.user_pool_id).into());
        }
        if !tx.delete_terms(&input.user_pool_id, &input.terms_id).await? {
            return Err(not_found(&input.terms_id).into());
        }
        tx.commit().await?;
        Ok(NoOutput)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{made, terms};
    use crate::testing::{Stack, error, merged};

    #[tokio::test]
    async fn the_document_is_gone_and_the_answer_is_empty() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&pool, json!({})).await;
        let id = made(&stack, terms(&pool, &client)).await;
        let names = json!({ "UserPoolId": pool, "TermsId": id });
        let missing = error("ResourceNotFoundException", &format!("Terms {id} does not exist."));
        for operation in ["DescribeTerms", "UpdateTerms", "DeleteTerms"] {
            let foreign = merged(names.clone(), json!({ "UserPoolId": other }));
            assert_eq!(stack.refusal(operation, foreign).await, missing);
            let nowhere = merged(names.clone(), json!({ "UserPoolId": "us-east-1_Nowhere12" }));
            assert_eq!(
                stack.refusal(operation, nowhere).await,
                error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
            );
        }
        let answer = stack.call("DeleteTerms", names.clone()).await;
        assert_eq!((answer.status, answer.body), (200, Value::Null));
        for operation in ["DescribeTerms", "UpdateTerms", "DeleteTerms"] {
            assert_eq!(stack.refusal(operation, names.clone()).await, missing);
        }
        made(&stack, terms(&pool, &client)).await;
    }

    #[tokio::test]
    async fn documents_go_with_their_client() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (client, other) =
            (stack.client(&pool, json!({})).await, stack.client(&pool, json!({})).await);
        made(&stack, terms(&pool, &client)).await;
        let stays = made(&stack, terms(&pool, &other)).await;
        let input = json!({ "UserPoolId": pool, "ClientId": client });
        stack.ok("DeleteUserPoolClient", input).await;
        let listed = stack.ok("ListTerms", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["Terms"].as_array().unwrap().len(), 1);
        assert_eq!(listed["Terms"][0]["TermsId"], json!(stays));
    }
}
