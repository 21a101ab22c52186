//! Operations on users: making, showing, listing, switching off and deleting them.

mod admin_create_user;
mod admin_delete_user;
mod admin_disable_user;
mod admin_enable_user;
mod admin_get_user;
mod delete_user;
mod get_user;
mod list_users;

use poolhouse_domain::{
    Fault,
    ports::Ports,
    shapes::UserType,
    users::{User, create::DraftRefused, names::NameRefused},
};
use poolhouse_wire::{Permits, codes};

use crate::{
    attributes::{self, listed},
    failure::{Failure, Unanswered, invalid_parameter},
    lookup,
};

/// A user as lists show one, with those attributes that `is_shown`.
pub(crate) fn user_type(user: &User, is_shown: impl Fn(&str) -> bool) -> UserType {
    UserType {
        username: Some(user.username.as_str().into()),
        attributes: Some(listed(user, is_shown)),
        user_create_date: Some(user.created_at.to_wire()),
        user_last_modified_date: Some(user.modified_at.to_wire()),
        enabled: Some(user.enabled),
        user_status: Some(user.status),
        mfa_options: None,
    }
}

/// Changes a user whom an administrator names.
async fn alter<Op>(
    ports: &Ports,
    user_pool_id: &str,
    username: &str,
    alter: impl FnOnce(&mut User),
) -> Result<(), Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException> + Permits<codes::UserNotFoundException>,
{
    let pool = lookup::user_pool::<Op>(ports, user_pool_id).await?;
    let mut tx = ports.store.write().await?;
    let mut user = lookup::user::<Op>(&mut *tx, &pool, username).await?;
    alter(&mut user);
    user.modified_at = ports.clock.now();
    tx.update_user(&mut user).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a user for good.
async fn erase(ports: &Ports, user: &User) -> Result<(), Fault> {
    let mut tx = ports.store.write().await?;
    tx.delete_user(&user.user_pool_id, &user.sub).await?;
    tx.commit().await
}

/// What is said when no user can be made of what was given.
pub(crate) fn draft_refused<Op>(refused: DraftRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::NotAuthorizedException>,
{
    match refused {
        DraftRefused::Name(refused) => invalid_parameter(name_refused(refused)),
        DraftRefused::Attributes(refused) => attributes::refusal(refused),
    }
}

/// What is said of a username that is not taken. Recorded for e-mail; the analogues are beliefs.
fn name_refused(refused: NameRefused) -> String {
    let text = match refused {
        NameRefused::NotAContact { email: true, phone_number: false } => {
            "Username should be an email."
        }
        NameRefused::NotAContact { email: false, .. } => "Username should be a phone number.",
        NameRefused::NotAContact { .. } => "Username should be either an email or a phone number.",
        NameRefused::LooksLikeAlias(contact) => {
            let name = match contact.attribute() {
                "email" => "email",
                _ => "phone number",
            };
            return format!(
                "Username cannot be of {name} format, since user pool is configured for {name} \
                 alias."
            );
        }
    };
    text.to_owned()
}
