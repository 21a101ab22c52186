//! `ListIdentityProviders`: the identity providers of a pool, page by page, in ascending order of
//! name.

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListIdentityProvidersRequest, ListIdentityProvidersResponse, ProviderDescription},
};
use poolhouse_wire::operations::ListIdentityProviders as Op;

use crate::{failure::Answer, lookup, pages, serve::Handle};

/// Providers of a page at most: requests may ask for ten more, but the model allows an answer no
/// more than these.
const LARGEST: usize = 50;

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListIdentityProvidersRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListIdentityProviders {}", pool.id());
        let size = pages::size(input.max_results).min(LARGEST);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut view = ports.store.read().await?;
        let mut providers =
            view.list_identity_providers(pool.id(), after.as_deref(), pages::fetch(size)).await?;
        let cursor = |last: &ProviderDescription| last.provider_name.clone();
        let next_token = pages::cut(ports, &list, &mut providers, size, cursor)?;
        Ok(ListIdentityProvidersResponse { providers, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{created, google, oidc, saml};
    use crate::testing::{Stack, error, invalid, merged, text};

    /// The names on each page.
    async fn pages(stack: &Stack, pool: &str, size: Value) -> Vec<Vec<String>> {
        let (mut pages, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({ "UserPoolId": pool, "MaxResults": size, "NextToken": token });
            let mut answer = stack.ok("ListIdentityProviders", input).await;
            let items = answer["Providers"].as_array().unwrap();
            pages.push(items.iter().map(|item| text(&item["ProviderName"])).collect());
            match answer.get_mut("NextToken") {
                Some(next) => token = next.take(),
                None => return pages,
            }
        }
    }

    #[tokio::test]
    async fn items_are_short() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        created(&stack, saml(&pool, "Corp", json!({}))).await;
        stack.advance(5);
        let input = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
        stack.ok("UpdateIdentityProvider", input).await;
        let list = stack.ok("ListIdentityProviders", json!({ "UserPoolId": pool })).await;
        let item = json!({
            "ProviderName": "Corp", "ProviderType": "SAML",
            "CreationDate": 1_767_225_600.123, "LastModifiedDate": 1_767_225_605.123,
        });
        assert_eq!(list, json!({ "Providers": [item] }));
    }

    #[tokio::test]
    async fn pages_hold_every_provider_of_the_pool_once() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        created(&stack, oidc(&other, "foreign", json!({}))).await;
        assert_eq!(pages(&stack, &pool, json!(2)).await, [[""; 0]]);
        for name in ["bbb", "CCC", "aaa", "aab"] {
            created(&stack, oidc(&pool, name, json!({}))).await;
        }
        created(&stack, google(&pool)).await;
        let expected = [vec!["CCC", "Google"], vec!["aaa", "aab"], vec!["bbb"]];
        assert_eq!(pages(&stack, &pool, json!(2)).await, expected);
    }

    #[tokio::test]
    async fn a_page_has_fifty_at_most() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for number in 0..51 {
            stack
                .ok("CreateIdentityProvider", oidc(&pool, &format!("p{number}x"), json!({})))
                .await;
        }
        for size in [Value::Null, json!(0), json!(60)] {
            let sizes: Vec<_> = pages(&stack, &pool, size).await.iter().map(Vec::len).collect();
            assert_eq!(sizes, [50, 1]);
        }
    }

    #[tokio::test]
    async fn foreign_tokens_and_unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for name in ["aaa", "bbb"] {
            created(&stack, oidc(&pool, name, json!({}))).await;
        }
        let input = json!({ "UserPoolId": pool, "MaxResults": 1 });
        let answer = stack.ok("ListIdentityProviders", input.clone()).await;
        let input = merged(input, json!({ "NextToken": answer["NextToken"] }));
        for change in [json!({ "UserPoolId": other }), json!({ "NextToken": "garbage" })] {
            let input = merged(input.clone(), change);
            assert_eq!(
                stack.refusal("ListIdentityProviders", input).await,
                invalid("Invalid pagination token given.")
            );
        }
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("ListIdentityProviders", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
