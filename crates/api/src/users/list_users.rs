//! `ListUsers`: a pool's users, in pages, with at most one condition.

use poolhouse_domain::{
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
    if names.iter().any(|name| name != "sub" && pool.schema_attribute(name).is_none()) {
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
