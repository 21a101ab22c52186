//! Bringing users over: somebody whom the pool doesn't know, and a function of it does, becomes a user
//! when they sign in with their password, or have forgotten it.

use std::collections::BTreeMap;

use super::{
    Person, Place,
    first_factor::{self, Known, SignInRefused, check_state},
    next,
};
use crate::{
    attempts::Attempted,
    attributes::{Contact, Creator},
    fault::Ruling,
    granted,
    messages::{self, hand_over},
    passwords,
    shapes::{UserPoolMfaType, UserStatusType},
    threat_protection::compromised::Finding,
    triggers::{
        Trigger, TriggerFailed,
        call::Client,
        pre_sign_up::{self, Origin},
        user_migration::{self, Known as Described},
    },
    user_pools::UserPool,
    users::{self, MfaFactor, User, aliases::OnConflict, create},
};

/// Why nobody could be brought over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationRefused {
    /// The function failed, or what it says makes no user.
    Failed,
    /// The function that is asked before somebody gets an account stands in the way.
    Trigger(TriggerFailed),
}

impl From<TriggerFailed> for MigrationRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
}

/// What became of somebody whom the pool doesn't know.
pub enum Brought {
    /// They are a user now.
    Over(Box<User>),
    /// Somebody else has brought them over meanwhile.
    Already,
    /// Nobody knows them.
    Nobody,
}

/// Signs in somebody whom the pool didn't know when they came; none if they turn out to be a user.
///
/// Each password is counted as a wrong one before the function is asked, and forgotten if it was
/// right: the function's checks are guarded as ours are, without keeping others waiting for it.
pub(super) async fn sign_in(
    place: Place<'_>,
    login: &str,
    password: &str,
) -> Ruling<Option<Known>, SignInRefused> {
    let subject = first_factor::subject(place, None, login);
    granted!(first_factor::count_ahead(place, &subject).await?);
    let hides = place.client.hides_user_existence();
    let user = match bring_over(place, login, Some(password)).await? {
        Ok(Brought::Over(user)) => *user,
        Ok(Brought::Already) => return Ok(Ok(None)),
        Err(MigrationRefused::Trigger(failed)) => return Ok(Err(failed.into())),
        // The recorded answer for a failure tells that there is no such user: where that is to be
        // hidden, it is the answer for a wrong password. (A belief.)
        Ok(Brought::Nobody) | Err(MigrationRefused::Failed) if hides => {
            granted!(first_factor::announce(place, Person { login, user: None }).await?);
            return Ok(Err(SignInRefused::WrongPassword));
        }
        Ok(Brought::Nobody) => return Ok(Err(SignInRefused::UnknownUser)),
        Err(MigrationRefused::Failed) => return Ok(Err(SignInRefused::MigrationFailed)),
    };
    let mut tx = place.ports.store.write().await?;
    tx.clear_attempts(place.pool.id(), &subject, Attempted::Password).await?;
    tx.commit().await?;
    // Whatever the client may not be told otherwise: the function has seen the right password.
    granted!(check_state(&user));
    let person = Person { login, user: Some(&user) };
    let asked = granted!(first_factor::announce(place, person).await?);
    let user = if asked { granted!(next::again(place, &user).await?) } else { user };
    let subject = user.sub.clone();
    // What the function has accepted elsewhere is not looked up.
    Ok(Ok(Some(Known { user, subject, failed_before: false, finding: Finding::default() })))
}

/// Asks the pool's function for somebody, and makes them a user.
pub async fn bring_over(
    place: Place<'_>,
    login: &str,
    password: Option<&str>,
) -> Ruling<Brought, MigrationRefused> {
    let Place { ports, pool, client, .. } = place;
    let described = match user_migration::ask(ports, pool, client, login, password).await? {
        Ok(Some(described)) => described,
        Ok(None) => return Ok(Ok(Brought::Nobody)),
        Err(failed) => {
            let (trigger, kind) = (Trigger::UserMigration.name(), failed.kind());
            tracing::warn!(trigger, kind, "nobody is brought over: the function failed");
            tracing::debug!(?failed, "nobody is brought over: the function failed");
            return Ok(Err(MigrationRefused::Failed));
        }
    };
    let (mut user, given) = match draft(place, login, &described) {
        Ok(drafted) => drafted,
        Err(reason) => {
            tracing::warn!(reason, "nobody is brought over: no user can be made of the answer");
            return Ok(Err(MigrationRefused::Failed));
        }
    };
    // What it says of confirming is ignored for users whom others make.
    granted!(pre_sign_up::ask(ports, pool, &user, &given, Origin::Administrator).await?);
    user.status = UserStatusType::ResetRequired;
    if described.keeps_password() {
        user.status = UserStatusType::Confirmed;
        if let Some(password) = password {
            // The pool's rules for passwords are not asked.
            user.password = Some(passwords::store_form(ports, &user, password).await?);
        }
    }
    let on_conflict = if described.takes_aliases() { OnConflict::Take } else { OnConflict::Refuse };
    let mut tx = ports.store.write().await?;
    if create::insert(&mut *tx, pool, &user, on_conflict).await?.is_err() {
        drop(tx);
        let mut view = ports.store.read().await?;
        let is_there = users::find_by_login(&mut *view, pool, login).await?.is_some();
        return Ok(if is_there { Ok(Brought::Already) } else { Err(MigrationRefused::Failed) });
    }
    tx.commit().await?;
    if described.is_welcomed() {
        welcome(place, &user, login, &described).await;
    }
    Ok(Ok(Brought::Over(Box::new(user))))
}

/// A user, and the attributes that were given for them.
type Drafted = (User, Vec<(String, String)>);

/// The user that a function describes, and the attributes that it names; or why there can be none.
fn draft(place: Place<'_>, login: &str, described: &Described) -> Result<Drafted, &'static str> {
    let Place { ports, pool, .. } = place;
    let mut attributes = described.attributes();
    let name = match attributes.remove("username") {
        Some(name) if may_be_named(pool, login, &name, &attributes) => name,
        Some(_) => {
            return Err("its username is neither what was typed, nor is that an alias of it");
        }
        None => login.to_owned(),
    };
    let given: Vec<_> = attributes.into_iter().collect();
    let (entropy, now) = (&*ports.entropy, ports.clock.now());
    let drafted = create::draft(pool, &name, &given, Creator::Administrator, entropy, now);
    let mut user = drafted.map_err(|_| "its name or its attributes are not accepted")?;
    if described.has_sms_mfa() {
        let offers = pool.mfa() != UserPoolMfaType::Off && pool.offers(MfaFactor::Sms);
        if !offers || user.attribute("phone_number").is_none() {
            return Err("it can't be asked for codes by text message");
        }
        user.mfa.enabled.insert(MfaFactor::Sms);
    }
    Ok((user, given))
}

/// Whether somebody who typed a name can be a user of another one: if what was typed is an alias of
/// that user.
fn may_be_named(
    pool: &UserPool,
    login: &str,
    name: &str,
    attributes: &BTreeMap<String, String>,
) -> bool {
    let typed = pool.name_key(login);
    let mut aliases = pool.alias_attributes().iter().filter_map(|a| attributes.get(a.as_str()));
    pool.name_key(name) == typed || aliases.any(|alias| pool.name_key(alias) == typed)
}

/// Welcomes a new user. The message has no password: they have one, or are to set one. (A belief, as is
/// that nothing is said where it can't be delivered.)
async fn welcome(place: Place<'_>, user: &User, login: &str, described: &Described) {
    let (pool, now) = (place.pool, place.ports.clock.now());
    for contact in Contact::ALL.into_iter().filter(|contact| described.is_reached_by(*contact)) {
        let message = messages::invitation(pool, user, contact, login, None, now);
        let Some(message) = message else { continue };
        let client = Client::Id(place.client.id());
        let handed = hand_over(place.ports, pool, user, client, login, message).await;
        if !matches!(handed, Ok(Ok(()))) {
            tracing::warn!("a user who was brought over is not welcomed");
        }
    }
}
