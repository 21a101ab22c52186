//! The sign-in that follows a sign-up without asking for anything again: the code that confirmed the
//! sign-up counts as the first factor.
//!
//! `SignUp` gives a session, which `ConfirmSignUp` exchanges for another, with which `USER_AUTH` is
//! started. What happens to a session that is not good at `ConfirmSignUp` is a belief: the user is
//! confirmed all the same, as the code may come hours later, and signs in by themselves.

use super::{
    Outcome, Parameters, Person, Place, check_secret_hash,
    first_factor::{self, FirstFactor, check_state},
    required,
    session::{ChallengeSession, SessionRefused, Step},
    start::{self, StartRefused, Starter},
    watch,
};
use crate::{
    attributes::Contact,
    fault::{Fault, Ruling},
    granted,
    ports::Transaction,
    shapes::{AuthFlowType, ExplicitAuthFlowsType},
    sign_up,
    triggers::TriggerFailed,
    users::{self, User},
};

/// The session for somebody who has signed up; none where the client doesn't have the flow.
pub fn after_sign_up(place: Place<'_>, user: &User) -> Result<Option<String>, Fault> {
    if !place.client.lists_flow(&[ExplicitAuthFlowsType::AllowUserAuth]) {
        return Ok(None);
    }
    ChallengeSession::new(place, user, Step::SignedUp).seal(place.ports).map(Some)
}

/// The session for a user who has just been confirmed by the code: if they brought the one of their
/// sign-up, or none, as Amplify does, which signs in with what comes back. The caller commits.
pub async fn after_confirmation(
    place: Place<'_>,
    tx: &mut dyn Transaction,
    sub: &str,
    session: Option<&str>,
) -> Result<Option<String>, Fault> {
    let confirmed =
        || ChallengeSession::of_sub(place, sub, Step::Confirmed).seal(place.ports).map(Some);
    let Some(session) = session else {
        let has_flow = place.client.lists_flow(&[ExplicitAuthFlowsType::AllowUserAuth]);
        return if has_flow { confirmed() } else { Ok(None) };
    };
    let Ok(session) = ChallengeSession::open(place.ports, session) else { return Ok(None) };
    if !is_here(place, &session) || session.step != Step::SignedUp || session.sub != sub {
        return Ok(None);
    }
    if session.spend(tx, place.ports.clock.now()).await?.is_err() {
        return Ok(None);
    }
    confirmed()
}

/// Signs in with the session of [`after_confirmation`].
pub async fn start(
    place: Place<'_>,
    starter: Starter,
    parameters: &Parameters,
    session: &str,
) -> Ruling<Outcome, StartRefused> {
    granted!(start::check_flow(place.client, starter, AuthFlowType::UserAuth));
    go_on(place, parameters, session).await
}

/// The same where no flow is needed.
pub(super) async fn go_on(
    place: Place<'_>,
    parameters: &Parameters,
    session: &str,
) -> Ruling<Outcome, StartRefused> {
    let login = granted!(required(parameters, "USERNAME"));
    let session = granted!(ChallengeSession::open(place.ports, session));
    granted!(watch::check_network_of(place, &session).await?);
    granted!(announce(place, &session, login).await?);
    let mut tx = place.ports.store.write().await?;
    let user = tx.user_by_sub(place.pool.id(), &session.sub).await?;
    let is_theirs = |user: &User| {
        is_here(place, &session)
            && is_confirmed(&session)
            && users::is_named(place.pool, user, login)
            && !session.is_outdated(user)
    };
    let Some(user) = user.filter(is_theirs) else {
        return Ok(Err(SessionRefused::Invalid.into()));
    };
    granted!(check_secret_hash(place.client, &[login, &user.username], parameters));
    granted!(check_state(&user));
    granted!(session.spend(&mut *tx, place.ports.clock.now()).await?);
    tx.commit().await?;
    let place = Place { methods: session.methods, ..place };
    let shown = if session.step == Step::Confirmed {
        // Without a contact there would have been no code.
        let contact = sign_up::contact(place.pool, &user).unwrap_or(Contact::Email);
        FirstFactor::SignUpCode(contact.into())
    } else {
        FirstFactor::SignUp
    };
    Ok(first_factor::pass(place, &user, shown).await?.map_err(Into::into))
}

/// Asks the function that may refuse a sign-in. Of a session that is good for nothing it needs to know
/// nothing: what follows refuses it.
async fn announce(
    place: Place<'_>,
    session: &ChallengeSession,
    login: &str,
) -> Ruling<(), TriggerFailed> {
    let mut view = place.ports.store.read().await?;
    let is_spent = session.check_unspent(&mut *view).await?.is_err();
    let user = view.user_by_sub(place.pool.id(), &session.sub).await?;
    drop(view);
    let user = user.filter(|user| users::is_named(place.pool, user, login));
    if is_spent || user.is_none() || !is_here(place, session) || !is_confirmed(session) {
        return Ok(Ok(()));
    }
    let person = Person { login, user: user.as_ref() };
    Ok(first_factor::announce(place, person).await?.map(|_| ()))
}

/// Whether a session is of a sign-up that is confirmed.
fn is_confirmed(session: &ChallengeSession) -> bool {
    matches!(session.step, Step::Confirmed | Step::AutoConfirmed)
}

/// Whether a session is of this client.
fn is_here(place: Place<'_>, session: &ChallengeSession) -> bool {
    session.client_id == place.client.id() && session.user_pool_id == place.pool.id()
}
