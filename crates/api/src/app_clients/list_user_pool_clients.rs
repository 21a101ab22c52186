//! `ListUserPoolClients`: the app clients of a user pool, page by page, in ascending order of id.

use poolhouse_domain::{
    app_clients::AppClient,
    ports::Ports,
    shapes::{
        ClientTypeType, ListUserPoolClientsRequest, ListUserPoolClientsResponse,
        UserPoolClientDescription,
    },
};
use poolhouse_wire::operations::ListUserPoolClients as Op;

use crate::{failure::Answer, lookup, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUserPoolClientsRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let list = format!("ListUserPoolClients {} {:?}", pool.id(), input.client_type);
        let size = pages::size(input.max_results);
        let after: Option<String> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut tx = ports.store.read().await?;
        let mut clients =
            tx.list_app_clients(pool.id(), after.as_deref(), pages::fetch(size)).await?;
        let next_token =
            pages::cut(ports, &list, &mut clients, size, |client| client.id().to_owned())?;
        // Filtered after the page is cut: such a page may be short, or empty with a token.
        clients.retain(|client| input.client_type.is_none_or(|wanted| wanted == kind(client)));
        let user_pool_clients = Some(clients.into_iter().map(item).collect());
        Ok(ListUserPoolClientsResponse { user_pool_clients, next_token })
    }
}

/// How the client came about.
fn kind(client: &AppClient) -> ClientTypeType {
    client.settings.client_type.unwrap_or(ClientTypeType::Regular)
}

/// What the list shows of a client. Never the secret.
fn item(client: AppClient) -> UserPoolClientDescription {
    UserPoolClientDescription {
        client_id: client.settings.client_id,
        user_pool_id: client.settings.user_pool_id,
        client_name: client.settings.client_name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged, text};

    #[tokio::test]
    async fn pages_hold_every_client_of_the_pool_once() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        stack.client(&other, json!({})).await;
        let mut made = Vec::new();
        for _ in 0..6 {
            made.push(stack.client(&pool, json!({ "GenerateSecret": true })).await);
        }
        let (mut listed, mut token, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let input = json!({ "UserPoolId": pool, "MaxResults": 2, "NextToken": token });
            let mut answer = stack.ok("ListUserPoolClients", input).await;
            pages += 1;
            let items = answer["UserPoolClients"].as_array().unwrap();
            listed.extend(items.iter().map(|client| text(&client["ClientId"])));
            match answer.get_mut("NextToken") {
                Some(next) => token = next.take(),
                None => break,
            }
        }
        made.sort();
        assert_eq!((pages, listed), (3, made));
    }

    #[tokio::test]
    async fn an_item_shows_ids_and_name_only() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let answer = stack.ok("ListUserPoolClients", json!({ "UserPoolId": pool })).await;
        let item = json!({ "ClientId": client, "UserPoolId": pool, "ClientName": "client" });
        assert_eq!(answer, json!({ "UserPoolClients": [item] }));
    }

    #[tokio::test]
    async fn clients_can_be_filtered_by_how_they_came_about() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.client(&pool, json!({})).await;
        for (kind, count) in [("REGULAR", 1), ("DCR", 0)] {
            let input = json!({ "UserPoolId": pool, "ClientType": kind });
            let answer = stack.ok("ListUserPoolClients", input).await;
            assert_eq!(answer["UserPoolClients"].as_array().unwrap().len(), count, "{kind}");
        }
    }

    #[tokio::test]
    async fn a_token_of_another_pool_or_filter_is_refused() {
        let stack = Stack::new().await;
        let (pool, other) = (stack.pool(json!({})).await, stack.pool(json!({})).await);
        for _ in 0..2 {
            stack.client(&pool, json!({})).await;
        }
        let input = json!({ "UserPoolId": pool, "MaxResults": 1 });
        let answer = stack.ok("ListUserPoolClients", input.clone()).await;
        let input = merged(input, json!({ "NextToken": answer["NextToken"] }));
        for change in [
            json!({ "UserPoolId": other }),
            json!({ "ClientType": "REGULAR" }),
            json!({ "NextToken": "garbage" }),
        ] {
            let refused = stack.refusal("ListUserPoolClients", merged(input.clone(), change)).await;
            assert_eq!(refused, invalid("Invalid pagination token given."));
        }
        stack.ok("ListUserPoolClients", input).await;
    }

    #[tokio::test]
    async fn an_unknown_pool_is_not_found() {
        let stack = Stack::new().await;
        let input = json!({ "UserPoolId": "us-east-1_Nowhere12" });
        assert_eq!(
            stack.refusal("ListUserPoolClients", input).await,
            error("ResourceNotFoundException", "User pool us-east-1_Nowhere12 does not exist.")
        );
    }
}
