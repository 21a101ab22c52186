//! `CreateTerms`: a terms document of an app client.

use poolhouse_domain::{
    ports::Ports,
    shapes::{CreateTermsRequest, CreateTermsResponse},
    terms::{self, TermsRefused},
};
use poolhouse_wire::{codes, operations::CreateTerms as Op};

use super::terms_refused;
use crate::{
    app_clients,
    failure::{Answer, Failure},
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: CreateTermsRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        app_clients::find::<Op>(&mut *tx, &input.user_pool_id, &input.client_id).await?;
        let made = terms::create(&mut *tx, input, &*ports.entropy, ports.clock.now()).await?;
        let terms = made.map_err(|refused| refusal(&refused))?;
        tx.commit().await?;
        Ok(CreateTermsResponse { terms: Some(terms.details) })
    }
}

fn refusal(refused: &TermsRefused) -> Failure<Op> {
    match refused {
        TermsRefused::TooMany(_) => {
            Failure::new(codes::LimitExceededException, refused.to_string())
        }
        _ => terms_refused(refused),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{made, terms};
    use crate::testing::{Stack, error, invalid, merged, text};

    #[tokio::test]
    async fn a_document_is_shown_as_it_was_made() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = terms(&pool, &client);
        let answer = stack.ok("CreateTerms", input.clone()).await;
        let id = text(&answer["Terms"]["TermsId"]);
        let (when, is_v4) = (json!(1_767_225_600.123), id.as_bytes()[14] == b'4');
        assert!(is_v4 && id.len() == 36, "{id}");
        let more = json!({ "TermsId": id, "CreationDate": when, "LastModifiedDate": when });
        assert_eq!(answer, json!({ "Terms": merged(input, more) }));
        let named = json!({ "UserPoolId": pool, "TermsId": id });
        assert_eq!(stack.ok("DescribeTerms", named).await, answer);
    }

    #[tokio::test]
    async fn a_client_has_one_of_each_name() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (client, other) =
            (stack.client(&pool, json!({})).await, stack.client(&pool, json!({})).await);
        made(&stack, terms(&pool, &client)).await;
        let message = format!("Terms with name terms-of-use already exist for client {client}.");
        assert_eq!(
            stack.refusal("CreateTerms", terms(&pool, &client)).await,
            error("TermsExistsException", &message)
        );
        made(&stack, terms(&pool, &other)).await;
        let policy = json!({ "TermsName": "privacy-policy" });
        made(&stack, merged(terms(&pool, &client), policy)).await;
    }

    #[tokio::test]
    async fn documents_need_links_that_lead_to_pages() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        for (links, message) in [
            (Value::Null, "Links are required when TermsSource is LINK."),
            (json!({ "cognito:dutch": "javascript:x" }), "javascript:x is not a valid URL."),
        ] {
            let input = merged(terms(&pool, &client), json!({ "Links": links }));
            assert_eq!(stack.refusal("CreateTerms", input).await, invalid(message));
        }
        let listed = stack.ok("ListTerms", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed, json!({ "Terms": [] }));
    }

    #[tokio::test]
    async fn a_pool_has_forty_documents() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let mut first = String::new();
        for number in 0..20 {
            let client = stack.client(&pool, json!({})).await;
            for name in ["terms-of-use", "privacy-policy"] {
                made(&stack, merged(terms(&pool, &client), json!({ "TermsName": name }))).await;
            }
            if number == 0 {
                first = client;
            }
        }
        let client = stack.client(&pool, json!({})).await;
        let message =
            format!("Maximum number of terms documents in user pool {pool} has been reached.");
        assert_eq!(
            stack.refusal("CreateTerms", terms(&pool, &client)).await,
            error("LimitExceededException", &message)
        );
        let message = format!("Terms with name terms-of-use already exist for client {first}.");
        assert_eq!(
            stack.refusal("CreateTerms", terms(&pool, &first)).await,
            error("TermsExistsException", &message)
        );
    }

    #[tokio::test]
    async fn unknown_pools_and_clients_are_not_found() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        let client = stack.client(&other, json!({})).await;
        for (pool, message) in [
            (&pool, format!("User pool client {client} does not exist.")),
            (
                &"us-east-1_Nowhere12".to_owned(),
                "User pool us-east-1_Nowhere12 does not exist.".to_owned(),
            ),
        ] {
            assert_eq!(
                stack.refusal("CreateTerms", terms(pool, &client)).await,
                error("ResourceNotFoundException", &message)
            );
        }
    }
}
