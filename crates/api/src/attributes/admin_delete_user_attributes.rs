//! `AdminDeleteUserAttributes`: an administrator deletes attributes of a user.

use poolhouse_domain::{
    attributes::Writer,
    ports::Ports,
    shapes::{AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse},
};
use poolhouse_wire::operations::AdminDeleteUserAttributes as Op;

use super::{ChangeRefused, account_exists, delete, refusal, too_many_codes};
use crate::{
    failure::{Answer, Failure, invalid_parameter, user_not_found},
    lookup,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminDeleteUserAttributesRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let mut read = ports.store.read().await?;
        let user = lookup::user::<Op>(&mut *read, &pool, &input.username).await?;
        drop(read);
        let (names, writer) = (&input.user_attribute_names, Writer::Administrator);
        delete(ports, &pool, &user.sub, names, writer).await?.map_err(refused)?;
        Ok(AdminDeleteUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        // Deleting claims nothing; the operation lists no AliasExistsException.
        ChangeRefused::Alias(taken) => invalid_parameter(account_exists(&taken.attribute)),
        ChangeRefused::UserGone => user_not_found(),
        ChangeRefused::TooManyCodes(limit) => too_many_codes(limit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, invalid};

    #[tokio::test]
    async fn deleting_a_contact_deletes_its_flag_and_alias() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "name", "Required": true }]);
        let pool = stack.pool(json!({ "AliasAttributes": ["email"], "Schema": schema })).await;
        let given = [("email", "jo@gm.com"), ("email_verified", "true"), ("name", "Jo")];
        let sub = stack.user(&pool, "jo", &given).await;
        let delete = |name: &str| json!({ "UserPoolId": pool, "Username": "jo", "UserAttributeNames": [name] });
        let operation = "AdminDeleteUserAttributes";
        assert_eq!(stack.ok(operation, delete("email")).await, json!({}));
        let get = |name: &str| json!({ "UserPoolId": pool, "Username": name });
        assert_eq!(
            stack.ok("AdminGetUser", get("jo")).await["UserAttributes"],
            json!([{ "Name": "sub", "Value": sub }, { "Name": "name", "Value": "Jo" }])
        );
        stack.refusal("AdminGetUser", get("jo@gm.com")).await;

        let unknown = "Invalid user attributes: user.custom:foo: Attribute does not exist in the \
                       schema.\n";
        for (name, text) in [
            ("custom:foo", unknown),
            ("name", "user.name: Required attribute cannot be deleted.\n"),
            ("sub", "user.sub: Attribute cannot be updated.\n"),
        ] {
            assert_eq!(stack.refusal(operation, delete(name)).await, invalid(text));
        }
    }
}
