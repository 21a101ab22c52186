//! `ListUserPools`: every user pool, page by page, in ascending order of id.

use std::collections::BTreeMap;

use poolhouse_domain::{
    ports::Ports,
    shapes::{ListUserPoolsRequest, ListUserPoolsResponse, UserPoolDescriptionType},
    user_pools::UserPool,
};
use poolhouse_wire::operations::ListUserPools as Op;

use crate::{failure::Answer, pages, serve::Handle};

/// Names the list in its page tokens.
const LIST: &str = "ListUserPools";

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUserPoolsRequest) -> Answer<Op> {
        let size = pages::size(Some(input.max_results));
        let after: Option<String> =
            pages::start::<Op, _>(ports, LIST, input.next_token.as_deref())?;
        let mut tx = ports.store.read().await?;
        let mut pools = tx.list_user_pools(after.as_deref(), pages::fetch(size)).await?;
        let next_token = pages::cut(ports, LIST, &mut pools, size, |pool| pool.id().to_owned())?;
        let mut replicas = match (pools.first(), pools.last()) {
            (Some(first), Some(last)) => tx.replicas_between(first.id(), last.id()).await?,
            _ => Vec::new(),
        }
        .into_iter()
        .map(|replica| (replica.user_pool_id, replica.region))
        .collect::<BTreeMap<_, _>>();
        let home = &ports.identity.region;
        let user_pools = pools.into_iter().map(|pool| {
            // That the pool's own region is among them, and first, is a belief.
            let replica = replicas.remove(pool.id());
            let replica_regions = replica.map(|region| vec![home.clone(), region]);
            UserPoolDescriptionType { replica_regions, ..item(pool) }
        });
        let user_pools = Some(user_pools.collect());
        Ok(ListUserPoolsResponse { user_pools, next_token })
    }
}

/// What the list shows of a pool.
fn item(pool: UserPool) -> UserPoolDescriptionType {
    UserPoolDescriptionType {
        id: pool.settings.id,
        name: pool.settings.name,
        lambda_config: pool.settings.lambda_config,
        last_modified_date: pool.settings.last_modified_date,
        creation_date: pool.settings.creation_date,
        ..UserPoolDescriptionType::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, invalid, text};

    #[tokio::test]
    async fn pages_hold_every_pool_once_and_the_last_has_no_token() {
        let stack = Stack::new().await;
        let mut made = Vec::new();
        for _ in 0..7 {
            made.push(stack.pool(json!({})).await);
        }
        let (mut listed, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let mut input = json!({ "MaxResults": 2 });
            if let Some(token) = token {
                input["NextToken"] = token;
            }
            let mut answer = stack.ok("ListUserPools", input).await;
            pages += 1;
            let items = answer["UserPools"].as_array().unwrap();
            listed.extend(items.iter().map(|pool| text(&pool["Id"])));
            match answer.get_mut("NextToken") {
                Some(next) => token = Some(next.take()),
                None => break,
            }
        }
        made.sort();
        assert_eq!((pages, listed), (4, made));
    }

    #[tokio::test]
    async fn an_item_shows_name_triggers_and_dates_only() {
        let stack = Stack::new().await;
        let id = stack.pool(json!({ "PoolName": "p" })).await;
        let answer = stack.ok("ListUserPools", json!({ "MaxResults": 60 })).await;
        let item = json!({ "Id": id, "Name": "p", "LambdaConfig": {},
            "LastModifiedDate": 1_767_225_600.123, "CreationDate": 1_767_225_600.123 });
        assert_eq!(answer, json!({ "UserPools": [item] }));
    }

    #[tokio::test]
    async fn a_token_of_another_list_or_of_an_hour_ago_is_refused() {
        let stack = Stack::new().await;
        for _ in 0..2 {
            stack.pool(json!({})).await;
        }
        let answer = stack.ok("ListUserPools", json!({ "MaxResults": 1 })).await;
        let expected = invalid("Invalid pagination token given.");
        let input = json!({ "MaxResults": 1, "NextToken": "garbage" });
        assert_eq!(stack.refusal("ListUserPools", input).await, expected);
        let input = json!({ "MaxResults": 1, "NextToken": answer["NextToken"] });
        stack.ok("ListUserPools", input.clone()).await;
        stack.advance(3_601);
        assert_eq!(stack.refusal("ListUserPools", input).await, expected);
    }
}
