//! The answer to `NEW_PASSWORD_REQUIRED`: the first password of one's own, with the attributes that
//! are still missing.

use super::{
    Outcome, Place,
    answer::{AnswerRefused, Answered},
    next, required,
    session::SessionRefused,
    watch,
};
use crate::{
    attributes::{self, AttributeRefused, Contact, Writer},
    fault::Ruling,
    granted,
    passwords::{self, PasswordRefused},
    shapes::{EventFilterType, UserStatusType},
    threat_protection::compromised,
    triggers::pre_token_generation::Source,
    users::{
        User,
        aliases::{AliasTaken, OnConflict},
    },
};

/// Why a new password, or the attributes that came with it, are refused. Nothing changes then, and
/// the session stays good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewPasswordRefused {
    /// The password.
    Password(PasswordRefused),
    /// The password is one that the user had before.
    PasswordUsed,
    /// The password is one that others know.
    PasswordKnown,
    /// A required attribute is still missing.
    AttributeMissing(String),
    /// The user has a value for the attribute already
    /// (<https://github.com/aws-samples/aws-saas-factory-bootcamp/issues/67>).
    AlreadyProvided(String),
    /// The attribute is not the user's to set
    /// (<https://github.com/aws-amplify/aws-sdk-ios/issues/2203>).
    NotMutable(String),
    /// An attribute value.
    Attribute(AttributeRefused),
    /// Somebody else holds the alias.
    AliasTaken(AliasTaken),
}

impl From<PasswordRefused> for NewPasswordRefused {
    fn from(refused: PasswordRefused) -> Self {
        Self::Password(refused)
    }
}

impl From<AttributeRefused> for NewPasswordRefused {
    fn from(refused: AttributeRefused) -> Self {
        Self::Attribute(refused)
    }
}

impl From<AliasTaken> for NewPasswordRefused {
    fn from(taken: AliasTaken) -> Self {
        Self::AliasTaken(taken)
    }
}

/// Takes the new password and goes on with the sign-in.
pub(super) async fn answer(step: Answered<'_>) -> Ruling<Outcome, AnswerRefused> {
    let password = granted!(required(step.responses, "NEW_PASSWORD"));
    let mut tx = step.place.ports.store.read().await?;
    granted!(step.session.check_unspent(&mut *tx).await?);
    let read = granted!(step.user(&mut *tx).await?);
    let changed = granted!(change(step, &read, password).await?);
    // Only if nothing more is asked: a belief.
    let place = Place { source: Source::NewPasswordChallenge, ..step.place };
    Ok(next::after_first_factor(place, &changed).await?.map_err(Into::into))
}

async fn change(step: Answered<'_>, read: &User, password: &str) -> Ruling<User, AnswerRefused> {
    let place = step.place;
    let refused = |refused: NewPasswordRefused| AnswerRefused::NewPassword(refused);
    let given = given_attributes(step);
    granted!(check_attributes(step, read, &given).map_err(refused));
    granted!(passwords::check(place.pool, password).map_err(|r| refused(r.into())));
    let (ports, pool) = (place.ports, place.pool);
    let (kind, client_id) = (EventFilterType::PasswordChange, place.client.id());
    let finding = compromised::look_up(ports, pool, client_id, kind, password).await?;
    if finding.is_known {
        watch::chose_known_password(place, read, finding).await?;
    }
    if finding.is_blocked {
        return Ok(Err(refused(NewPasswordRefused::PasswordKnown)));
    }
    if passwords::history::is_used(ports, pool, Some(read), &read.username, password).await? {
        return Ok(Err(refused(NewPasswordRefused::PasswordUsed)));
    }
    let stored = passwords::store_form(ports, read, password).await?;
    let now = place.ports.clock.now();
    let mut tx = place.ports.store.write().await?;
    let before = granted!(step.user(&mut *tx).await?);
    granted!(step.spend(&mut *tx).await?);
    if before.status != UserStatusType::ForceChangePassword {
        // A password was chosen since this session began: it must not be replaced.
        return Ok(Err(SessionRefused::Invalid.into()));
    }
    let mut user = before.clone();
    granted!(
        attributes::update(place.pool, &mut user, &given, Writer::FirstSignIn(place.client))
            .map_err(|r| refused(r.into()))
    );
    passwords::history::replace(&mut *tx, pool, &mut user, stored).await?;
    user.status = UserStatusType::Confirmed;
    let saved =
        attributes::save(&mut *tx, place.pool, &before, &mut user, OnConflict::Refuse, now).await?;
    granted!(saved.map_err(|taken| refused(taken.into())));
    tx.commit().await?;
    Ok(Ok(user))
}

/// The attributes of the answer: responses named `userAttributes.<name>`.
fn given_attributes(step: Answered<'_>) -> Vec<(String, String)> {
    let named = step.responses.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix("userAttributes.")?.to_owned(), value.clone()))
    });
    named.collect()
}

/// Whether the attributes complete what the user lacks, and touch nothing else.
fn check_attributes(
    step: Answered<'_>,
    user: &User,
    given: &[(String, String)],
) -> Result<(), NewPasswordRefused> {
    for (name, _) in given {
        if Contact::of_flag(name).is_some() || name == "sub" {
            return Err(NewPasswordRefused::NotMutable(name.clone()));
        }
        let is_contact = Contact::of_attribute(name).is_some();
        if is_contact && user.attribute(name).is_some() {
            return Err(NewPasswordRefused::AlreadyProvided(name.clone()));
        }
    }
    let is_given =
        |name: &str| given.iter().any(|(given, value)| given == name && !value.is_empty());
    let missing = next::missing_attributes(step.place, user);
    match missing.into_iter().find(|name| !is_given(name)) {
        Some(name) => Err(NewPasswordRefused::AttributeMissing(name)),
        None => Ok(()),
    }
}
