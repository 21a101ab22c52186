//! `ListResourceServers`: the resource servers of a pool, page by page, in ascending order of
//! identifier.

use poolhouse_domain::{
    ports::Ports,
    resource_servers::ResourceServer,
    shapes::{ListResourceServersRequest, ListResourceServersResponse},
};
use poolhouse_wire::operations::ListResourceServers as Op;

use crate::{failure::Answer, lookup, pages, serve::Handle};

/// Servers of a page for a request that does not say how many: the most that it could ask for.
const USUAL_SIZE: i32 = 50;

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListResourceServersRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListResourceServers {}", pool.id());
        let size = pages::size(input.max_results.or(Some(USUAL_SIZE)));
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut tx = ports.store.read().await?;
        let mut servers =
            tx.list_resource_servers(pool.id(), after.as_deref(), pages::fetch(size)).await?;
        let cursor = |server: &ResourceServer| server.identifier().to_owned();
        let next_token = pages::cut(ports, &list, &mut servers, size, cursor)?;
        let resource_servers = servers.into_iter().map(|server| server.settings).collect();
        Ok(ListResourceServersResponse { resource_servers, next_token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged, text};

    async fn make(stack: &Stack, pool: &str, identifier: &str) {
        let input = json!({ "UserPoolId": pool, "Identifier": identifier, "Name": "n" });
        stack.ok("CreateResourceServer", input).await;
    }

    /// The identifiers on each page.
    async fn pages(stack: &Stack, pool: &str, size: Value) -> Vec<Vec<String>> {
        let (mut pages, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({ "UserPoolId": pool, "MaxResults": size, "NextToken": token });
            let mut answer = stack.ok("ListResourceServers", input).await;
            let items = answer["ResourceServers"].as_array().unwrap();
            pages.push(items.iter().map(|server| text(&server["Identifier"])).collect());
            match answer.get_mut("NextToken") {
                Some(next) => token = next.take(),
                None => return pages,
            }
        }
    }

    #[tokio::test]
    async fn pages_hold_every_server_of_the_pool_once() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        make(&stack, &other, "foreign").await;
        assert_eq!(pages(&stack, &pool, json!(2)).await, [[""; 0]]);
        for identifier in ["b", "a/x", "C", "a", "a!"] {
            make(&stack, &pool, identifier).await;
        }
        let expected = [vec!["C", "a"], vec!["a!", "a/x"], vec!["b"]];
        assert_eq!(pages(&stack, &pool, json!(2)).await, expected);
    }

    #[tokio::test]
    async fn a_page_has_fifty_unless_it_says_otherwise() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for number in 0..51 {
            make(&stack, &pool, &number.to_string()).await;
        }
        let sizes: Vec<_> = pages(&stack, &pool, Value::Null).await.iter().map(Vec::len).collect();
        assert_eq!(sizes, [50, 1]);
    }

    #[tokio::test]
    async fn foreign_tokens_and_unknown_pools_are_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for identifier in ["a", "b"] {
            make(&stack, &pool, identifier).await;
        }
        let input = json!({ "UserPoolId": pool, "MaxResults": 1 });
        let answer = stack.ok("ListResourceServers", input.clone()).await;
        let input = merged(input, json!({ "NextToken": answer["NextToken"] }));
        for change in [json!({ "UserPoolId": other }), json!({ "NextToken": "garbage" })] {
            let input = merged(input.clone(), change);
            assert_eq!(
                stack.refusal("ListResourceServers", input).await,
                invalid("Invalid pagination token given.")
            );
        }
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("ListResourceServers", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
