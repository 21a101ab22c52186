//! Pages of lists, which must cost the same in a pool of a million users as in one of a thousand.

use serde_json::{Value, json};

use crate::{
    Outcome,
    http::{Connection, text},
    world::{EVERYONE, World, email, phone_number, preferred_username, username},
};

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    FirstPage,
    DeepPage,
    Username,
    UsernamePrefix,
    EmailPrefix,
    PhoneNumber,
    PhoneNumberPrefix,
    NamePrefix,
    GivenName,
    FamilyNamePrefix,
    PreferredUsername,
    UserStatus,
    Status,
    Sub,
    Members,
    DeepMembers,
    GroupsOfUser,
}

impl Listing {
    pub(crate) const ALL: [Self; 17] = [
        Self::FirstPage,
        Self::DeepPage,
        Self::Username,
        Self::UsernamePrefix,
        Self::EmailPrefix,
        Self::PhoneNumber,
        Self::PhoneNumberPrefix,
        Self::NamePrefix,
        Self::GivenName,
        Self::FamilyNamePrefix,
        Self::PreferredUsername,
        Self::UserStatus,
        Self::Status,
        Self::Sub,
        Self::Members,
        Self::DeepMembers,
        Self::GroupsOfUser,
    ];

    /// The name in tables and for `--only`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FirstPage => "list: users, first page",
            Self::DeepPage => "list: users, any page",
            Self::Username => "list: username =",
            Self::UsernamePrefix => "list: username ^=",
            Self::EmailPrefix => "list: email ^=",
            Self::PhoneNumber => "list: phone_number =",
            Self::PhoneNumberPrefix => "list: phone_number ^=",
            Self::NamePrefix => "list: name ^=",
            Self::GivenName => "list: given_name =, all match",
            Self::FamilyNamePrefix => "list: family_name ^=, all match",
            Self::PreferredUsername => "list: preferred_username =",
            Self::UserStatus => "list: cognito:user_status =, all match",
            Self::Status => "list: status =, all match",
            Self::Sub => "list: sub =",
            Self::Members => "list: ListUsersInGroup, first page",
            Self::DeepMembers => "list: ListUsersInGroup, any page",
            Self::GroupsOfUser => "list: AdminListGroupsForUser",
        }
    }

    /// How many items the answer has, with at least a thousand users.
    const fn expected(self) -> usize {
        match self {
            Self::Username | Self::PhoneNumber | Self::PreferredUsername | Self::Sub => 1,
            Self::GroupsOfUser => 11,
            _ => 60,
        }
    }

    /// Fetches the page once.
    pub(crate) async fn fetch(
        self,
        connection: &mut Connection,
        world: &World,
        draw: u32,
    ) -> Outcome {
        let (pool, any) = (&world.large.id, world.any_user(draw));
        let (operation, input, list) = match self {
            Self::Members => ("ListUsersInGroup", members(pool, None), "/Users"),
            Self::DeepMembers => {
                let token = World::some(&world.member_pages, draw)?;
                ("ListUsersInGroup", members(pool, Some(token)), "/Users")
            }
            Self::GroupsOfUser => {
                let name = username(world.active_user(draw));
                let input = json!({ "UserPoolId": pool, "Username": name });
                ("AdminListGroupsForUser", input, "/Groups")
            }
            Self::DeepPage => {
                let token = World::some(&world.user_pages, draw)?;
                ("ListUsers", users(pool, Some(token)), "/Users")
            }
            Self::FirstPage => ("ListUsers", users(pool, None), "/Users"),
            _ => {
                let filter = self.filter(world, any, draw)?;
                ("ListUsers", json!({ "UserPoolId": pool, "Filter": filter }), "/Users")
            }
        };
        let answer = connection.call(operation, &input).await?;
        let found = answer.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
        if found != self.expected() {
            return Err(format!("{}: {found} items came", self.name()).into());
        }
        Ok(())
    }

    fn filter(self, world: &World, any: u32, draw: u32) -> Outcome<String> {
        // Prefixes that at least sixty of a thousand users match, and as many pages of a million.
        let hundred = any / 1_000 * 1_000;
        let begin = |full: String, left_out: usize| full[..full.len() - left_out].to_owned();
        Ok(match self {
            Self::Username => format!("username = \"{}\"", username(any)),
            Self::UsernamePrefix => format!("username ^= \"{}\"", begin(username(hundred), 3)),
            Self::EmailPrefix => format!("email ^= \"{}\"", begin(username(hundred), 3)),
            Self::PhoneNumber => format!("phone_number = \"{}\"", phone_number(any)),
            Self::PhoneNumberPrefix => {
                format!("phone_number ^= \"{}\"", begin(phone_number(hundred), 3))
            }
            Self::NamePrefix => "name ^= \"Ada Lovelace 1\"".to_owned(),
            Self::GivenName => "given_name = \"Ada\"".to_owned(),
            Self::FamilyNamePrefix => "family_name ^= \"Love\"".to_owned(),
            Self::PreferredUsername => {
                format!("preferred_username = \"{}\"", preferred_username(any))
            }
            Self::UserStatus => "cognito:user_status = \"CONFIRMED\"".to_owned(),
            Self::Status => "status = \"Enabled\"".to_owned(),
            Self::Sub => format!("sub = \"{}\"", World::some(&world.subs, draw)?),
            _ => return Err(format!("{} has no filter {}", self.name(), email(any)).into()),
        })
    }
}

fn users(pool_id: &str, token: Option<&str>) -> Value {
    json!({ "UserPoolId": pool_id, "PaginationToken": token })
}

fn members(pool_id: &str, token: Option<&str>) -> Value {
    json!({ "UserPoolId": pool_id, "GroupName": EVERYONE, "NextToken": token })
}

/// Walks through all users and all members, and answers the tokens of the pages that are full.
pub(crate) async fn walk(
    connection: &mut Connection,
    pool_id: &str,
) -> Outcome<(Vec<String>, Vec<String>)> {
    let mut lists = (Vec::new(), Vec::new());
    for (operation, member, tokens) in [
        ("ListUsers", "/PaginationToken", &mut lists.0),
        ("ListUsersInGroup", "/NextToken", &mut lists.1),
    ] {
        let mut token: Option<String> = None;
        loop {
            let input = match operation {
                "ListUsers" => users(pool_id, token.as_deref()),
                _ => members(pool_id, token.as_deref()),
            };
            let answer = connection.call(operation, &input).await?;
            let is_full =
                answer.pointer("/Users").and_then(Value::as_array).map_or(0, Vec::len) == 60;
            tokens.extend(token.take().filter(|_| is_full));
            match text(&answer, member) {
                Ok(next) => token = Some(next.to_owned()),
                Err(_) => break,
            }
        }
    }
    Ok(lists)
}
