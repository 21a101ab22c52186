//! The first factor: who is it, may they sign in, is the password right.

use std::{future::Future, sync::Arc};

use zeroize::Zeroizing;

use super::{Outcome, Person, Place, device, migration, next, watch};
use crate::{
    attempts::{self, Attempted, count_wrong_password},
    auth_levels::Method,
    fault::{Fault, Ruling, retrying},
    granted,
    passwords::verifier::PasswordVerifier,
    ports::{Ports, compute},
    sealing::Purpose,
    shapes::{EventFilterType, UserStatusType},
    threat_protection::compromised::{self, Finding},
    triggers::{TriggerFailed, pre_authentication, user_migration},
    users::{self, User},
};

/// Why somebody can't sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefused {
    /// Nobody has this name, and the client may be told.
    UnknownUser,
    /// The password or its proof is wrong; or nobody has this name, and the client may not be told.
    WrongPassword,
    /// Too many wrong passwords: not even a right one is looked at.
    Locked,
    /// The user is disabled.
    Disabled,
    /// The sign-up has not been confirmed.
    NotConfirmed,
    /// The password has to be reset first.
    ResetRequired,
    /// The temporary password is too old.
    TemporaryPasswordExpired,
    /// Threat protection doesn't let it happen.
    Blocked,
    /// The pool requires a second factor, and the user neither has one nor can set one up.
    NoSecondFactor,
    /// The pool tracks devices, and the user has none with the key that the client names.
    UnknownDevice,
    /// A function stands in the way.
    Trigger(TriggerFailed),
    /// The pool lacks a function that custom sign-ins need.
    NoCustomAuthTrigger,
    /// Nobody has this name, and the function that may know them failed.
    MigrationFailed,
}

impl From<TriggerFailed> for SignInRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::Trigger(failed)
    }
}

/// What somebody has shown before any second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstFactor {
    /// The password, plain or proved.
    Password,
    /// The plain password, of which it is known that others know it.
    KnownPassword,
    /// A code or a passkey, which is all that is asked in a sign-in by choice.
    Alone(Method),
    /// The code that confirmed a sign-up, which came by mail or text message.
    SignUpCode(Method),
    /// A sign-up that needed no code. What it has shown counts already.
    SignUp,
    /// The access token of an earlier sign-in, which is to reach a higher level.
    AccessToken,
    /// What functions of the pool have asked for.
    Custom,
}

impl FirstFactor {
    /// The place where it was shown.
    const fn shown_at(self, place: Place<'_>) -> Place<'_> {
        match self {
            Self::Password | Self::KnownPassword => place.showing(Method::Password),
            Self::Alone(method) | Self::SignUpCode(method) => place.showing(method),
            Self::SignUp | Self::AccessToken | Self::Custom => place,
        }
    }
}

/// Goes on with a user whose first factor is right, and who may sign in, unless threat protection
/// doesn't let it happen.
pub(super) async fn pass(
    place: Place<'_>,
    user: &User,
    shown: FirstFactor,
) -> Ruling<Outcome, SignInRefused> {
    let event = granted!(watch::admit(place, user, shown).await?);
    let place = shown.shown_at(Place { event: event.as_ref(), ..place });
    let outcome = match shown {
        FirstFactor::Password | FirstFactor::KnownPassword => {
            next::after_password(place, user).await?
        }
        FirstFactor::SignUpCode(_) | FirstFactor::SignUp | FirstFactor::AccessToken => {
            next::after_first_factor(place, user).await?
        }
        FirstFactor::Alone(_) => next::sign_in(place, user).await?,
        FirstFactor::Custom if place.event.is_some_and(|event| event.demands_second_factor) => {
            next::after_first_factor(place, user).await?
        }
        FirstFactor::Custom => next::finish(place, user).await?,
    };
    let outcome = granted!(outcome);
    watch::admitted(place, user, &outcome).await?;
    Ok(Ok(outcome))
}

/// Signs in with the plain password.
pub(super) async fn with_password(
    place: Place<'_>,
    login: &str,
    password: &str,
) -> Ruling<Outcome, SignInRefused> {
    if user_migration::is_connected(place.pool) && granted!(is_unknown(place, login).await?) {
        let migrated = migration::sign_in(place, login, password).await?;
        if let Some(known) = granted!(migrated) {
            return admit(place, &known).await;
        }
    }
    let user = granted!(announced(place, login, check_state).await?);
    let known = granted!(check_password_of(place, user, login, password).await?);
    admit(place, &known).await
}

/// Whether nobody has the name, and whoever asks may go on all the same.
async fn is_unknown(place: Place<'_>, login: &str) -> Ruling<bool, SignInRefused> {
    let mut view = place.ports.store.read().await?;
    let is_unknown = users::find_by_login(&mut *view, place.pool, login).await?.is_none();
    drop(view);
    if is_unknown {
        granted!(watch::check_network(place, None).await?);
    }
    Ok(Ok(is_unknown))
}

/// Somebody whose password was right.
pub(super) struct Known {
    pub(super) user: User,
    /// The name under which wrong passwords are counted.
    pub(super) subject: String,
    /// Whether any are counted from before.
    pub(super) failed_before: bool,
    /// What is known of the password itself. Nothing of one that was proved.
    pub(super) finding: Finding,
}

/// Checks a plain password, and counts a wrong one.
pub(super) async fn check_password(
    place: Place<'_>,
    login: &str,
    password: &str,
) -> Ruling<Known, SignInRefused> {
    let user = granted!(identify(place, login).await?);
    check_password_of(place, user, login, password).await
}

/// The same for somebody who has been identified.
async fn check_password_of(
    place: Place<'_>,
    user: Option<User>,
    login: &str,
    password: &str,
) -> Ruling<Known, SignInRefused> {
    let subject = subject(place, user.as_ref(), login);
    let check = is_right(place, user.as_ref(), login, password);
    let guessed = guess(place, &subject, check).await?;
    let failed_before = granted!(watch::guessed(place, user.as_ref(), guessed).await?);
    let Some(user) = user else { return Err(Fault::broken("nobody has a right password")) };
    let (kind, client_id) = (EventFilterType::SignIn, place.client.id());
    let finding = compromised::look_up(place.ports, place.pool, client_id, kind, password).await?;
    Ok(Ok(Known { user, subject, failed_before, finding }))
}

/// Makes one guess in its turn: refuses while wrong passwords have locked the subject, and counts the
/// guess if it is wrong. Answers whether any wrong ones are counted from before.
pub(super) async fn guess(
    place: Place<'_>,
    subject: &str,
    is_right: impl Future<Output = Result<bool, Fault>> + Send + 'static,
) -> Ruling<bool, SignInRefused> {
    let (ports, pool_id) = (place.ports.clone(), place.pool.id().to_owned());
    let counted = subject.to_owned();
    let work = async move {
        let failed_before = granted!(check_lock(&ports, &pool_id, &counted).await?);
        if is_right.await? {
            return Ok(Ok(failed_before));
        }
        record_failure(&ports, &pool_id, &counted).await?;
        Ok(Err(SignInRefused::WrongPassword))
    };
    place.ports.turns.take(place.pool.id(), subject, work).await
}

/// Counts a guess as wrong before it is made, for what takes too long to be done in its turn.
pub(super) async fn count_ahead(place: Place<'_>, subject: &str) -> Ruling<(), SignInRefused> {
    let wrong = guess(place, subject, async { Ok(false) }).await?;
    Ok(match wrong {
        Ok(_) | Err(SignInRefused::WrongPassword) => Ok(()),
        Err(locked) => Err(locked),
    })
}

/// Asks the function that may refuse a sign-in before anything is checked. Answers whether there is
/// one.
///
/// Never while a guess is being made: it may take seconds, and others wait for their turn.
pub(super) async fn announce(place: Place<'_>, person: Person<'_>) -> Ruling<bool, TriggerFailed> {
    pre_authentication::ask(place.ports, place.pool, place.client, person).await
}

/// Whether somebody's state allows a kind of sign-in: [`check_state`], [`check_state_without_password`].
pub(super) type StateCheck = fn(&User) -> Result<(), SignInRefused>;

/// Finds the user for a login name as [`identify`] does, and asks the function that may refuse them.
pub(super) async fn announced(
    place: Place<'_>,
    login: &str,
    check: StateCheck,
) -> Ruling<Option<User>, SignInRefused> {
    let user = granted!(identify_for(place, login, check).await?);
    let person = Person { login, user: user.as_ref() };
    let asked = announce(place, person).await?;
    // It may have changed the user, and so may others while it took its time.
    if granted!(asked) { identify_for(place, login, check).await } else { Ok(Ok(user)) }
}

/// Finds the user for a login name and checks whether they may sign in by password. None if nobody has
/// the name and the client may not be told.
///
/// What is checked before the password is known to be right, and thus tells that a user exists,
/// depends on the client: unconfirmed users are always told
/// (<https://github.com/ministackorg/ministack/pull/1758>), as applications need it to ask for the
/// code. Where existence is hidden, "disabled" and "reset required" wait for the right password
/// (belief: the service's order there isn't on record).
pub(super) async fn identify(place: Place<'_>, login: &str) -> Ruling<Option<User>, SignInRefused> {
    identify_for(place, login, check_state).await
}

/// The same for a sign-in that this check belongs to.
async fn identify_for(
    place: Place<'_>,
    login: &str,
    check: StateCheck,
) -> Ruling<Option<User>, SignInRefused> {
    let mut tx = place.ports.store.read().await?;
    let hides = place.client.hides_user_existence();
    let user = users::find_by_login(&mut *tx, place.pool, login).await?;
    granted!(watch::check_network(place, user.as_ref()).await?);
    let Some(user) = user else {
        return Ok(if hides { Ok(None) } else { Err(SignInRefused::UnknownUser) });
    };
    if !hides {
        granted!(check(&user));
    }
    if user.status == UserStatusType::Unconfirmed && user.enabled {
        return Ok(Err(SignInRefused::NotConfirmed));
    }
    Ok(Ok(Some(user)))
}

/// Whether the user's state allows signing in.
pub(super) fn check_state(user: &User) -> Result<(), SignInRefused> {
    if !user.enabled {
        return Err(SignInRefused::Disabled);
    }
    match user.status {
        UserStatusType::Unconfirmed => Err(SignInRefused::NotConfirmed),
        UserStatusType::ResetRequired => Err(SignInRefused::ResetRequired),
        // Who signs in elsewhere has nothing to show here; that codes and passkeys don't count
        // either is a belief.
        UserStatusType::ExternalProvider => Err(SignInRefused::WrongPassword),
        _ => Ok(()),
    }
}

/// Whether the user's state allows signing in by a code or a passkey: as [`check_state`], but that who
/// has no password has none to reset. That is how users sign in at once who were imported
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html>);
/// that others have to reset theirs first is a belief.
pub(super) fn check_state_without_password(user: &User) -> Result<(), SignInRefused> {
    match check_state(user) {
        Err(SignInRefused::ResetRequired) if user.password.is_none() => Ok(()),
        checked => checked,
    }
}

/// Under which name wrong passwords are counted.
pub(super) fn subject(place: Place<'_>, user: Option<&User>, login: &str) -> String {
    attempts::subject(&place.ports.keyring, place.pool, user, login)
}

/// Refuses while wrong passwords have locked the subject; otherwise tells whether any are counted.
async fn check_lock(ports: &Ports, pool_id: &str, subject: &str) -> Ruling<bool, SignInRefused> {
    let mut tx = ports.store.read().await?;
    let failures = tx.attempts(pool_id, subject, Attempted::Password).await?;
    let locked = failures.is_some_and(|f| f.locks_password(ports.clock.now()));
    Ok(if locked { Err(SignInRefused::Locked) } else { Ok(failures.is_some()) })
}

/// Whether this is the user's password. Nobody's password takes as long to check as somebody's.
fn is_right(
    place: Place<'_>,
    user: Option<&User>,
    login: &str,
    password: &str,
) -> impl Future<Output = Result<bool, Fault>> + Send + 'static {
    let stored = user.and_then(|user| user.password.as_ref());
    let is_real = stored.is_some();
    let verifier =
        stored.map_or_else(|| stand_in(place, login), |password| password.verifier.clone());
    let username = user.map_or(login, |user| &user.username).to_owned();
    let (pool_id, password) = (place.pool.id().to_owned(), Zeroizing::new(password.to_owned()));
    let workers = Arc::clone(&place.ports.workers);
    async move {
        let matches = move || verifier.matches(&pool_id, &username, &password);
        Ok(compute(&*workers, matches).await? && is_real)
    }
}

/// The verifier that stands in for a user who isn't there: always the same for a name.
pub(super) fn stand_in(place: Place<'_>, login: &str) -> PasswordVerifier {
    let pool_id = place.pool.id();
    let key = place.ports.keyring.stable_mac(Purpose::SimulatedUser, pool_id.as_bytes());
    PasswordVerifier::simulated(pool_id, login, &key)
}

/// Counts a wrong password, durably: the counter outlives the refusal. Conflicts are met here, so
/// that they don't make the whole sign-in compute again.
async fn record_failure(ports: &Ports, pool_id: &str, subject: &str) -> Result<(), Fault> {
    let count = || async {
        let mut tx = ports.store.write().await?;
        count_wrong_password(&mut *tx, pool_id, subject, ports.clock.now()).await?;
        tx.commit().await
    };
    retrying(count).await
}

/// Goes on with a user whose password is right.
pub(super) async fn admit(place: Place<'_>, known: &Known) -> Ruling<Outcome, SignInRefused> {
    let user = &known.user;
    if known.failed_before {
        let mut tx = place.ports.store.write_once().await?;
        tx.clear_attempts(place.pool.id(), &known.subject, Attempted::Password).await?;
    }
    granted!(check_state(user));
    if user.status == UserStatusType::ForceChangePassword {
        granted!(check_temporary_password(place, user));
    }
    let mut tx = place.ports.store.read().await?;
    let device = granted!(device::check_named(place, &mut *tx, user).await?);
    drop(tx);
    let place = Place { device: device.as_ref(), ..place };
    // A temporary password is replaced at once anyway: a belief, as all that follows from it being
    // known.
    if known.finding.is_blocked && user.status != UserStatusType::ForceChangePassword {
        require_reset(place, known).await?;
        return Ok(Err(SignInRefused::ResetRequired));
    }
    let is_known = known.finding.is_known;
    let shown = if is_known { FirstFactor::KnownPassword } else { FirstFactor::Password };
    pass(place, user, shown).await
}

/// Lets nobody sign in by a password that others know, until the user has set another one.
async fn require_reset(place: Place<'_>, known: &Known) -> Result<(), Fault> {
    let (ports, user) = (place.ports, &known.user);
    let change = || async {
        let mut tx = ports.store.write().await?;
        let current = tx.user_by_sub(place.pool.id(), &user.sub).await?;
        // Whoever has set another password meanwhile keeps it.
        let is_same = |current: &User| {
            current.status == user.status
                && current.password.as_ref().map(|p| p.set_at)
                    == user.password.as_ref().map(|p| p.set_at)
        };
        let Some(mut current) = current.filter(is_same) else { return Ok(()) };
        current.status = UserStatusType::ResetRequired;
        current.modified_at = ports.clock.now();
        tx.update_user(&mut current).await?;
        tx.commit().await
    };
    retrying(change).await?;
    watch::blocked(place, user, known.finding.risk()).await
}

/// Whether a temporary password is still good.
fn check_temporary_password(place: Place<'_>, user: &User) -> Result<(), SignInRefused> {
    const DAY: i64 = 86_400;
    let Some(password) = &user.password else { return Err(SignInRefused::WrongPassword) };
    let days = place.pool.password_policy().temporary_password_days;
    let ends_at = password.set_at.plus_seconds(days * DAY);
    let expired = place.ports.clock.now() >= ends_at;
    if expired { Err(SignInRefused::TemporaryPasswordExpired) } else { Ok(()) }
}
