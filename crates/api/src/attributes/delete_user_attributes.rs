//! `DeleteUserAttributes`: a user deletes attributes that the client may write.

use poolhouse_domain::{
    attributes::Writer,
    ports::Ports,
    shapes::{DeleteUserAttributesRequest, DeleteUserAttributesResponse},
};
use poolhouse_wire::operations::DeleteUserAttributes as Op;

use super::{ChangeRefused, account_exists, delete, refusal, too_many_codes};
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: DeleteUserAttributesRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let writer = Writer::Client(&caller.client);
        let (sub, names) = (&caller.user.sub, &input.user_attribute_names);
        delete(ports, &caller.pool, sub, names, writer).await?.map_err(refused)?;
        Ok(DeleteUserAttributesResponse {})
    }
}

fn refused(refused: ChangeRefused) -> Failure<Op> {
    match refused {
        ChangeRefused::Attributes(refused) => refusal(refused),
        // Deleting claims nothing; the operation lists no AliasExistsException.
        ChangeRefused::Alias(taken) => invalid_parameter(account_exists(&taken.attribute)),
        ChangeRefused::UserGone => Failure::user_gone(),
        ChangeRefused::TooManyCodes(limit) => too_many_codes(limit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Stack, error, text as text_of};

    #[tokio::test]
    async fn a_user_deletes_what_the_client_may_write() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "WriteAttributes": ["name"] })).await;
        stack.user(&pool, "jo", &[("name", "Jo"), ("website", "x")]).await;
        let token = stack.access_token(&client, "jo").await;
        let delete = |name: &str| json!({ "AccessToken": token, "UserAttributeNames": [name] });
        assert_eq!(stack.ok("DeleteUserAttributes", delete("name")).await, json!({}));
        let text = "A client attempted to write unauthorized attribute";
        assert_eq!(
            stack.refusal("DeleteUserAttributes", delete("website")).await,
            error("NotAuthorizedException", text)
        );
        let user = stack.ok("GetUser", json!({ "AccessToken": token })).await;
        let names = user["UserAttributes"].as_array().unwrap().iter();
        let names: Vec<String> = names.map(|attribute| text_of(&attribute["Name"])).collect();
        assert!(names.contains(&"website".to_owned()) && !names.contains(&"name".to_owned()));
    }
}
