//! `AdminCreateUser`: an administrator makes a user, and invites them with a temporary password.

use poolhouse_domain::{
    attributes::{AttributeRefused, Contact, Creator, ViolatedRule},
    messages::{self, Message},
    passwords::{self, policy},
    ports::Ports,
    shapes::{
        AdminCreateUserRequest, AdminCreateUserResponse, AuthFactorType, DeliveryMediumType,
        MessageActionType, UserStatusType,
    },
    user_pools::UserPool,
    users::{
        Taken, User,
        aliases::OnConflict,
        create::{self, DraftRefused},
    },
};
use poolhouse_wire::{Sensitive, codes, operations::AdminCreateUser as Op};

use super::{draft_refused, user_type};
use crate::{
    attributes::{account_exists, pairs},
    delivery,
    failure::{Answer, Failure, Unanswered, invalid_parameter},
    lookup,
    passwords::refusal,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminCreateUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let action = input.message_action;
        let mediums = input.desired_delivery_mediums.clone().filter(|mediums| !mediums.is_empty());
        let (user, login, password) = match action {
            Some(MessageActionType::Resend) => renew(ports, &pool, input).await?,
            _ => make(ports, &pool, input).await?,
        };
        if action != Some(MessageActionType::Suppress) {
            invite(ports, &pool, &user, &login, password, mediums).await?;
        }
        Ok(AdminCreateUserResponse { user: Some(user_type(&user, |_| true)) })
    }
}

/// A stored user, the name to sign in with, and the temporary password.
type Invited = (User, String, Option<Sensitive<String>>);

/// Makes a user.
async fn make(
    ports: &Ports,
    pool: &UserPool,
    input: AdminCreateUserRequest,
) -> Result<Invited, Unanswered<Op>> {
    let (login, now) = (input.username.into_inner(), ports.clock.now());
    let given = pairs(input.user_attributes);
    let (creator, entropy) = (Creator::Administrator, &*ports.entropy);
    let draft = create::draft(pool, &login, &given, creator, entropy, now);
    let mut user = draft.map_err(not_drafted)?;
    let password = match input.temporary_password.filter(|password| !password.is_empty()) {
        None if lives_without_password(pool, &user) => None,
        given => Some(temporary_password(ports, pool, given)?),
    };
    match &password {
        Some(password) => {
            user.password = Some(passwords::store_form(ports, &user, password).await?);
            user.status = UserStatusType::ForceChangePassword;
        }
        None => user.status = UserStatusType::Confirmed,
    }
    let is_forced = input.force_alias_creation == Some(true);
    let on_conflict = if is_forced { OnConflict::Take } else { OnConflict::Refuse };
    let mut tx = ports.store.write().await?;
    let inserted = create::insert(&mut *tx, pool, &user, on_conflict).await?;
    inserted.map_err(|taken| name_taken(pool, taken))?;
    tx.commit().await?;
    Ok((user, login, password))
}

/// Gives a user who never signed in another temporary password.
async fn renew(
    ports: &Ports,
    pool: &UserPool,
    input: AdminCreateUserRequest,
) -> Result<Invited, Unanswered<Op>> {
    let mut read = ports.store.read().await?;
    let mut user = lookup::user::<Op>(&mut *read, pool, &input.username).await?;
    drop(read);
    if user.status != UserStatusType::ForceChangePassword {
        let name = &user.username;
        let message = format!("Resend not possible. {name} status is not FORCE_CHANGE_PASSWORD");
        return Err(Failure::new(codes::UnsupportedUserStateException, message).into());
    }
    let given = input.temporary_password.filter(|password| !password.is_empty());
    let password = temporary_password(ports, pool, given)?;
    user.password = Some(passwords::store_form(ports, &user, &password).await?);
    user.modified_at = ports.clock.now();
    // The version that was read guards against a change between reading and writing.
    let mut tx = ports.store.write().await?;
    tx.update_user(&mut user).await?;
    tx.commit().await?;
    let login = login_name(pool, &user);
    Ok((user, login, Some(password)))
}

/// Whether a user without password can sign in: by a code to a contact that is verified.
fn lives_without_password(pool: &UserPool, user: &User) -> bool {
    let by_code = [
        (Contact::Email, AuthFactorType::EmailOtp),
        (Contact::PhoneNumber, AuthFactorType::SmsOtp),
    ];
    by_code.into_iter().any(|(contact, factor)| {
        user.is_verified(contact.attribute()) && policy::is_first_factor(pool, factor)
    })
}

/// The password that was given, if it conforms, or a random one.
fn temporary_password(
    ports: &Ports,
    pool: &UserPool,
    given: Option<Sensitive<String>>,
) -> Result<Sensitive<String>, Failure<Op>> {
    let Some(password) = given else { return Ok(policy::generate(pool, &*ports.entropy)) };
    passwords::check(pool, &password).map_err(refusal)?;
    Ok(password)
}

/// The name with which a user signs in: never the username where that is the `sub`.
fn login_name(pool: &UserPool, user: &User) -> String {
    let contacts = pool.username_attributes().iter();
    let contact = contacts.filter_map(|attribute| user.attribute(attribute.as_str())).next();
    contact.unwrap_or(&user.username).to_owned()
}

/// Sends the invitation by the wanted media for which the user has an address; by text message, if
/// none is named.
///
/// Belief: without a usable medium the service complains only if media were named.
async fn invite(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    login: &str,
    password: Option<Sensitive<String>>,
    mediums: Option<Vec<DeliveryMediumType>>,
) -> Result<(), Unanswered<Op>> {
    let is_wanted = |contact: Contact| match &mediums {
        None => contact == Contact::PhoneNumber,
        Some(mediums) => mediums.contains(&match contact {
            Contact::Email => DeliveryMediumType::Email,
            Contact::PhoneNumber => DeliveryMediumType::Sms,
        }),
    };
    let reachable = Contact::ALL.into_iter().filter(|contact| {
        is_wanted(*contact) && user.attribute(contact.attribute()).is_some()
    });
    let reachable: Vec<Contact> = reachable.collect();
    if reachable.is_empty() && mediums.is_some() {
        return Err(delivery::not_delivered::<Op>().into());
    }
    let (password, now) = (password.as_ref().map(|password| password.as_str()), ports.clock.now());
    let invitations = reachable
        .into_iter()
        .filter_map(|contact| messages::invitation(pool, user, contact, login, password, now));
    for invitation in invitations.collect::<Vec<Message>>() {
        delivery::deliver::<Op>(ports, invitation).await?;
    }
    Ok::<_, Unanswered<Op>>(())
}

/// What is said when no user can be made of what was given. Administrators are told of unknown
/// attributes in other words.
fn not_drafted(refused: DraftRefused) -> Failure<Op> {
    if let DraftRefused::Attributes(AttributeRefused::NotConforming(violations)) = &refused
        && let Some(unknown) = violations.iter().find(|v| v.rule == ViolatedRule::Unknown)
    {
        let name = &unknown.attribute;
        return invalid_parameter(format!(
            "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be \
             determined"
        ));
    }
    draft_refused(refused)
}

/// What is said when somebody has the name. (The first text is a belief.)
fn name_taken(pool: &UserPool, taken: Taken) -> Failure<Op> {
    match taken {
        Taken::Username => {
            Failure::new(codes::UsernameExistsException, "User account already exists")
        }
        Taken::Alias(attribute) if pool.username_attributes().is_empty() => {
            Failure::new(codes::AliasExistsException, account_exists(&attribute))
        }
        Taken::Alias(attribute) => {
            Failure::new(codes::UsernameExistsException, account_exists(&attribute))
        }
    }
}
