//! `UpdateResourceServer`: replaces name and scopes of a resource server.

use poolhouse_domain::{
    ports::Ports,
    resource_servers,
    shapes::{UpdateResourceServerRequest, UpdateResourceServerResponse},
};
use poolhouse_wire::operations::UpdateResourceServer as Op;

use super::{find, settings_refused};
use crate::{failure::Answer, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: UpdateResourceServerRequest) -> Answer<Op> {
        let mut tx = ports.store.write().await?;
        let mut server = find::<Op>(&mut *tx, &input.user_pool_id, &input.identifier).await?;
        resource_servers::replace(&mut server, input.name, input.scopes)
            .map_err(|refused| settings_refused(&refused))?;
        tx.update_resource_server(&mut server).await?;
        tx.commit().await?;
        Ok(UpdateResourceServerResponse { resource_server: server.settings })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    fn scope(name: &str) -> Value {
        json!({ "ScopeName": name, "ScopeDescription": "d" })
    }

    #[tokio::test]
    async fn omitted_scopes_are_gone() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool, "Identifier": "api" });
        let made = json!({ "Name": "old", "Scopes": [scope("read")] });
        stack.ok("CreateResourceServer", merged(names.clone(), made)).await;
        for members in [
            json!({ "Name": "new", "Scopes": [scope("write"), scope("read")] }),
            json!({ "Name": "newer" }),
        ] {
            let input = merged(names.clone(), members);
            let answer = stack.ok("UpdateResourceServer", input.clone()).await;
            assert_eq!(answer, json!({ "ResourceServer": input }));
            assert_eq!(stack.ok("DescribeResourceServer", names.clone()).await, answer);
        }
    }

    #[tokio::test]
    async fn a_refused_update_changes_nothing() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let names = json!({ "UserPoolId": pool, "Identifier": "api" });
        let made = merged(names.clone(), json!({ "Name": "old", "Scopes": [scope("read")] }));
        stack.ok("CreateResourceServer", made.clone()).await;
        let twice = json!({ "Name": "new", "Scopes": [scope("x"), scope("x")] });
        assert_eq!(
            stack.refusal("UpdateResourceServer", merged(names.clone(), twice)).await,
            invalid("Duplicate scope name x is not allowed in a resource server.")
        );
        let input = json!({ "UserPoolId": pool, "Identifier": "none", "Name": "n" });
        assert_eq!(
            stack.refusal("UpdateResourceServer", input).await,
            error("ResourceNotFoundException", "Resource server none does not exist.")
        );
        let described = stack.ok("DescribeResourceServer", names).await;
        assert_eq!(described, json!({ "ResourceServer": made }));
    }
}
