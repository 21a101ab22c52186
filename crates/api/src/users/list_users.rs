//! `ListUsers`: a pool's users, in pages, with at most one condition.

use poolhouse_domain::{
    identity_providers::links,
    paging,
    ports::Ports,
    shapes::{ListUsersRequest, ListUsersResponse},
    user_pools::UserPool,
    users::{
        User, UserCursor, UserFilter,
        filter::{self, FilterRefused},
    },
};
use poolhouse_wire::operations::ListUsers as Op;

use super::user_type;
use crate::{
    failure::{Answer, Failure, invalid_parameter},
    lookup, pages,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListUsersRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let wanted = input.attributes_to_get;
        require_known(&pool, wanted.as_deref().unwrap_or_default())?;
        let text = input.filter.unwrap_or_default();
        let filter = filter::parse(&pool, &text).map_err(filter_refused)?;
        let list = list_name(&pool, filter.as_ref());
        let after = input.pagination_token.map(|token| position(ports, &list, &token));
        let after = after.transpose()?;

        let size = pages::size(input.limit);
        let mut read = ports.store.read().await?;
        let (filter, after) = (filter.as_ref(), after.as_ref());
        let mut users = read.list_users(pool.id(), filter, after, pages::fetch(size)).await?;
        let cursor = |user: &User| filter::cursor(&pool, filter, user);
        let pagination_token = pages::cut(ports, &list, &mut users, size, cursor)?;
        let is_shown = |name: &str| {
            wanted.as_ref().is_none_or(|names| names.is_empty() || names.iter().any(|n| n == name))
        };
        Ok(ListUsersResponse {
            users: Some(users.iter().map(|user| user_type(user, is_shown)).collect()),
            pagination_token,
        })
    }
}

/// What a page token is bound to.
fn list_name(pool: &UserPool, filter: Option<&UserFilter>) -> String {
    let filter = filter.map(UserFilter::canonical).unwrap_or_default();
    format!("ListUsers {} {filter}", pool.id())
}

/// Where a page begins. The service's text ends with the id of the request
/// (<https://github.com/aws/aws-sdk-js/issues/3705>).
fn position(ports: &Ports, list: &str, token: &str) -> Result<UserCursor, Failure<Op>> {
    paging::position(&ports.keyring, list, token, ports.clock.now())
        .map_err(|_| invalid_parameter(format!("Paging marker {token} is invalid for request")))
}

fn require_known(pool: &UserPool, names: &[String]) -> Result<(), Failure<Op>> {
    let is_known = |name: &String| {
        ["sub", links::ATTRIBUTE].contains(&name.as_str()) || pool.schema_attribute(name).is_some()
    };
    if !names.iter().all(is_known) {
        let message = "One or more requested attributes do not exist in user pool.";
        return Err(invalid_parameter(message));
    }
    Ok(())
}

fn filter_refused(refused: FilterRefused) -> Failure<Op> {
    match refused {
        FilterRefused::Syntax => invalid_parameter("Error while parsing filter"),
        FilterRefused::NotSearchable(name) => {
            invalid_parameter(format!("Invalid search attribute: {name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, invalid, text};

    async fn crowd(stack: &Stack) -> String {
        let pool = stack.pool(json!({})).await;
        for number in 0..5 {
            let (name, mail) = (format!("user-{number}"), format!("user{number}@gm.com"));
            let given = if number % 2 == 0 { "Bob" } else { "Ann" };
            stack.user(&pool, &name, &[("email", &mail), ("name", given)]).await;
        }
        stack.ok("AdminDisableUser", json!({ "UserPoolId": pool, "Username": "user-4" })).await;
        pool
    }

    fn names(answer: &Value) -> Vec<String> {
        let users = answer["Users"].as_array().unwrap().iter();
        let mut names: Vec<String> = users.map(|user| text(&user["Username"])).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn pages_show_each_user_once() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        for (filter, expected) in [("", 5), (r#"name ^= "b""#, 3)] {
            let (mut seen, mut token) = (Vec::new(), Value::Null);
            loop {
                let input = json!({
                    "UserPoolId": pool, "Limit": 2, "Filter": filter, "PaginationToken": token,
                });
                let answer = stack.ok("ListUsers", input).await;
                seen.extend(names(&answer));
                token = answer["PaginationToken"].clone();
                if token.is_null() {
                    break;
                }
            }
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), expected);
        }
    }

    #[tokio::test]
    async fn filters_select_users() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        for (filter, expected) in [
            (r#"username = "user-3""#, vec!["user-3"]),
            (r#"username = "User-3""#, vec![]),
            (r#"name = "ann""#, vec!["user-1", "user-3"]),
            (r#""email"^="USER4""#, vec!["user-4"]),
            (r#"status = "Disabled""#, vec!["user-4"]),
            (r#"cognito:user_status = "unconfirmed""#, vec![]),
            (
                r#"cognito:user_status = "confirmed""#,
                vec!["user-0", "user-1", "user-2", "user-3", "user-4"],
            ),
        ] {
            let input = json!({ "UserPoolId": pool, "Filter": filter });
            assert_eq!(names(&stack.ok("ListUsers", input).await), expected, "{filter}");
        }
    }

    #[tokio::test]
    async fn only_the_attributes_asked_for_are_shown() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        let input = json!({
            "UserPoolId": pool, "AttributesToGet": ["email"], "Filter": r#"username = "user-1""#,
        });
        let answer = stack.ok("ListUsers", input).await;
        let expected = json!([{ "Name": "email", "Value": "user1@gm.com" }]);
        assert_eq!(answer["Users"][0]["Attributes"], expected);
        let input = json!({ "UserPoolId": pool, "AttributesToGet": ["custom:nothing"] });
        let text = "One or more requested attributes do not exist in user pool.";
        assert_eq!(stack.refusal("ListUsers", input).await, invalid(text));
    }

    #[tokio::test]
    async fn what_can_not_be_read_is_refused() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        for (filter, text) in [
            ("name", "Error while parsing filter"),
            (r#"custom:x = "1""#, "Invalid search attribute: custom:x"),
        ] {
            let input = json!({ "UserPoolId": pool, "Filter": filter });
            assert_eq!(stack.refusal("ListUsers", input).await, invalid(text));
        }
        let input = json!({ "UserPoolId": pool, "Limit": 1 });
        let token = text(&stack.ok("ListUsers", input).await["PaginationToken"]);
        for (token, filter) in [("made-up", ""), (token.as_str(), r#"name = "Ann""#)] {
            let input = json!({ "UserPoolId": pool, "PaginationToken": token, "Filter": filter });
            let expected = invalid(&format!("Paging marker {token} is invalid for request"));
            assert_eq!(stack.refusal("ListUsers", input).await, expected);
        }
    }

    #[tokio::test]
    async fn every_searchable_attribute_is_found_whole_and_by_its_beginning() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let attributes = [
            ("email", "Ann@Gm.com"),
            ("phone_number", "+14155550008"),
            ("name", r#"Ann "A" O\Hara"#),
            ("given_name", "Ann"),
            ("family_name", "O'Hara"),
            ("preferred_username", "Annie"),
        ];
        let sub = stack.user(&pool, "ann", &attributes).await;
        stack.user(&pool, "bob", &[("email", "bob@x.org"), ("name", "Bob")]).await;
        stack.ok("AdminDisableUser", json!({ "UserPoolId": pool, "Username": "bob" })).await;
        let new = json!({ "UserPoolId": pool, "Username": "cy", "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", new).await;
        let by_sub = [format!(r#"sub = "{sub}""#), format!(r#"sub ^= "{}""#, &sub[..9])];
        for (filter, expected) in [
            (by_sub[0].as_str(), ["ann"].as_slice()),
            (&by_sub[1], &["ann"]),
            (r#"username = "ann""#, &["ann"]),
            (r#"username ^= "an""#, &["ann"]),
            (r#"username ^= "An""#, &[]),
            // The value counts, whether it was verified or not.
            (r#"email = "ann@gm.COM""#, &["ann"]),
            (r#"email ^= "ANN@""#, &["ann"]),
            (r#"phone_number = "+14155550008""#, &["ann"]),
            (r#"phone_number ^= "+1415""#, &["ann"]),
            (r#"name = "ann \"a\" o\\hara""#, &["ann"]),
            (r#"name ^= "Ann \"""#, &["ann"]),
            (r#"given_name="ANN""#, &["ann"]),
            (r#"given_name ^= "a""#, &["ann"]),
            (r#"family_name = "o'hara""#, &["ann"]),
            (r#"family_name ^= "O'""#, &["ann"]),
            (r#"preferred_username = "annie""#, &["ann"]),
            (r#""preferred_username" ^= "ANN""#, &["ann"]),
            (r#"cognito:user_status = "force_change_password""#, &["cy"]),
            (r#"cognito:user_status ^= "CONF""#, &["ann", "bob"]),
            (r#"status = "Enabled""#, &["ann", "cy"]),
            (r#"status = "enabled""#, &[]),
            (r#"status ^= "Dis""#, &["bob"]),
            (r#"email = "bob""#, &[]),
        ] {
            let input = json!({ "UserPoolId": pool, "Filter": filter });
            assert_eq!(names(&stack.ok("ListUsers", input).await), expected, "{filter}");
        }
        for name in ["custom:tier", "birthdate", "email_verified", "identities", "Email", "address"]
        {
            let input = json!({ "UserPoolId": pool, "Filter": format!(r#"{name} = "x""#) });
            let expected = invalid(&format!("Invalid search attribute: {name}"));
            assert_eq!(stack.refusal("ListUsers", input).await, expected);
        }
    }

    #[tokio::test]
    async fn users_come_in_the_order_of_what_was_searched() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        for (name, family) in [("one", "Smith"), ("two", "sands"), ("three", "Stone")] {
            stack.user(&pool, name, &[("family_name", family)]).await;
        }
        let input = json!({ "UserPoolId": pool, "Filter": r#"family_name ^= "S""# });
        let answer = stack.ok("ListUsers", input).await;
        let users = answer["Users"].as_array().unwrap().iter();
        let users: Vec<String> = users.map(|user| text(&user["Username"])).collect();
        assert_eq!(users, ["two", "one", "three"]);
    }

    #[tokio::test]
    async fn attributes_that_a_user_does_not_have_are_left_out() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        let sub = stack.user(&pool, "bare", &[]).await;
        let input = json!({
            "UserPoolId": pool, "AttributesToGet": ["sub", "name"],
            "Filter": r#"username = "bare""#,
        });
        let answer = stack.ok("ListUsers", input).await;
        assert_eq!(answer["Users"][0]["Attributes"], json!([{ "Name": "sub", "Value": sub }]));
    }

    #[tokio::test]
    async fn a_page_token_is_good_for_an_hour() {
        let stack = Stack::new().await;
        let pool = crowd(&stack).await;
        let input = json!({ "UserPoolId": pool, "Limit": 1 });
        let token = text(&stack.ok("ListUsers", input).await["PaginationToken"]);
        let next = json!({ "UserPoolId": pool, "PaginationToken": token });
        stack.advance(3_600);
        stack.ok("ListUsers", next.clone()).await;
        stack.advance(1);
        let expected = invalid(&format!("Paging marker {token} is invalid for request"));
        assert_eq!(stack.refusal("ListUsers", next).await, expected);
    }
}
