//! `SignUp`: a user makes the own account, which waits for confirmation.

use poolhouse_domain::{
    attributes::Creator,
    codes::{self as issued, CodePurpose},
    messages::MessageKind,
    passwords::{self, policy},
    ports::Ports,
    shapes::{SignUpRequest, SignUpResponse},
    sign_up,
    user_pools::UserPool,
    users::{Password, Taken, User, aliases::OnConflict, create},
};
use poolhouse_wire::{Sensitive, codes, operations::SignUp as Op};

use crate::{
    attributes::{account_exists, pairs},
    delivery,
    failure::{Answer, Failure, Unanswered, invalid_parameter, not_authorized},
    lookup,
    passwords::refusal,
    secret_hash,
    serve::Handle,
    users::draft_refused,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SignUpRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        secret_hash::verify::<Op>(&client, &input.username, input.secret_hash.as_ref())?;
        if !sign_up::is_open(&pool) {
            return Err(not_authorized::<Op>("SignUp is not permitted for this user pool").into());
        }
        let (given, now) = (pairs(input.user_attributes), ports.clock.now());
        let (creator, entropy) = (Creator::SignUp(&client), &*ports.entropy);
        let draft = create::draft(&pool, &input.username, &given, creator, entropy, now);
        let mut user = draft.map_err(draft_refused::<Op>)?;
        user.password = first_password(ports, &pool, &user, input.password).await?;

        let mut tx = ports.store.write().await?;
        create::insert(&mut *tx, &pool, &user, OnConflict::Refuse).await?.map_err(name_taken)?;
        let sent = match sign_up::contact(&pool, &user) {
            Some(contact) => {
                let (keyring, purpose) = (&ports.keyring, CodePurpose::SignUp);
                issued::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?
            }
            None => None,
        };
        tx.commit().await?;
        let code_delivery_details = match &sent {
            Some(sent) => {
                let kind = MessageKind::SignUp;
                Some(delivery::code::<Op>(ports, &pool, &user, kind, sent).await?)
            }
            None => None,
        };
        Ok(SignUpResponse {
            user_confirmed: false,
            code_delivery_details,
            user_sub: user.sub,
            session: None,
        })
    }
}

/// The stored form of the password, which may be absent where codes are a way to sign in.
async fn first_password(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    password: Option<Sensitive<String>>,
) -> Result<Option<Password>, Unanswered<Op>> {
    let is_absent = password.as_ref().is_none_or(|password| password.is_empty());
    if is_absent && policy::is_optional(pool) {
        return Ok(None);
    }
    let Some(password) = password else {
        // The text of the time when the member was required.
        return Err(invalid_parameter::<Op>(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: \
             Member must not be null",
        )
        .into());
    };
    passwords::check(pool, &password).map_err(refusal::<Op>)?;
    Ok(Some(passwords::store_form(ports, user, &password).await?))
}

/// What is said when somebody has the name, whatever the client hides elsewhere.
fn name_taken(taken: Taken) -> Failure<Op> {
    let message = match taken {
        Taken::Username => "User already exists".to_owned(),
        Taken::Alias(attribute) => account_exists(&attribute),
    };
    Failure::new(codes::UsernameExistsException, message)
}
