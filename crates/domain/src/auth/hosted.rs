//! Sign-ins at the pages of a domain.
//!
//! They go through the same steps as those of the API, with three differences: the flows that a
//! client allows are those of the API and don't count here, no devices are tracked, and the end is a
//! user who has signed in. Tokens come later, when the application shows its code.

use super::{
    Outcome, Parameters, Place,
    answer::{self, AnswerRefused},
    choice,
    first_factor::{self, SignInRefused},
    first_sign_in, next,
    session::{ChallengeSession, Step},
    start::StartRefused,
    step_up, watch,
};
use crate::{
    app_clients::AppClient,
    auth_levels::{self, Level, Method, Methods},
    fault::{Fault, Ruling},
    granted, secret_hash,
    shapes::ExplicitAuthFlowsType,
    triggers::post_authentication,
    user_pools::UserPool,
    users::{self, User},
};

/// A user who has signed in.
pub struct Proved {
    /// The user.
    pub user: Box<User>,
    /// The event that tells of it, for the tokens to come.
    pub event_id: String,
    /// By what the user signed in.
    pub methods: Methods,
}

/// Whether users of a client choose by what they sign in, after they have said who they are.
pub fn is_by_choice(client: &AppClient) -> bool {
    client.lists_flow(&[ExplicitAuthFlowsType::AllowUserAuth])
}

/// Starts with name and password. Aims at the levels that the application asks for (`acr_values`).
pub async fn with_password(
    place: Place<'_>,
    login: &str,
    password: &str,
    acr_values: Option<&str>,
) -> Ruling<Outcome, StartRefused> {
    let place = place.at_pages();
    let wanted = levels(place.pool, acr_values);
    let place = if wanted.is_empty() { place } else { aimed(place, login, &wanted).await? };
    Ok(first_factor::with_password(place, login, password).await?.map_err(Into::into))
}

/// Starts with the name alone: what follows is a choice, among what leads to the levels that the
/// application asks for.
pub async fn with_name(
    place: Place<'_>,
    login: &str,
    acr_values: Option<&str>,
) -> Ruling<Outcome, StartRefused> {
    let mut parameters = parameters(place.client, login);
    if let Some(names) = acr_values
        && !levels(place.pool, acr_values).is_empty()
    {
        parameters.insert("TARGET_ACR_VALUES".to_owned(), names.to_owned());
    }
    choice::start(place.at_pages(), &parameters).await
}

/// The levels that `acr_values` names. Unlike the API, pages pass over names that are none, and over
/// all of them in pools whose tier has no levels.
fn levels(pool: &UserPool, acr_values: Option<&str>) -> Vec<Level> {
    let names = acr_values.filter(|_| auth_levels::are_available(pool));
    auth_levels::named(pool, names.unwrap_or_default())
}

/// The place with the first of these levels that whoever has the name can reach. Of somebody whom
/// only a function knows so far, nothing more can be asked than a password.
async fn aimed<'a>(place: Place<'a>, login: &str, wanted: &[Level]) -> Result<Place<'a>, Fault> {
    let mut view = place.ports.store.read().await?;
    let user = users::find_by_login(&mut *view, place.pool, login).await?;
    drop(view);
    let target = step_up::reachable(place, user.as_ref(), wanted).await?;
    Ok(if user.is_some() { Place { target, ..place } } else { place })
}

/// Whether what a user has shown is less than what the application asks for and a new sign-in could
/// reach.
pub async fn falls_short(
    place: Place<'_>,
    user: &User,
    methods: Methods,
    acr_values: Option<&str>,
) -> Result<bool, Fault> {
    let wanted = levels(place.pool, acr_values);
    let target = step_up::reachable(place.at_pages(), Some(user), &wanted).await?;
    Ok(methods.level() < target)
}

/// Sends another code in place of the one that a sign-in waits for, or refuses if too many were sent.
/// Applications have to start over for that, as there is no operation for it.
pub async fn send_again(
    place: Place<'_>,
    session: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    answer::send_again(place.at_pages(), session, responses).await
}

/// Back to what can be set up as second factor, for somebody whose code went to an address with a
/// mistake in it.
pub async fn set_up_again(
    place: Place<'_>,
    session: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    answer::set_up_again(place.at_pages(), session, responses).await
}

/// The session for somebody who has just signed up here and waits for a code.
pub fn after_sign_up(place: Place<'_>, sub: &str) -> Result<String, Fault> {
    ChallengeSession::of_sub(place, sub, Step::SignedUp).seal(place.ports)
}

/// The same for somebody whom a function has confirmed: no code was sent, so that the password counts,
/// if there is one, and nothing else.
pub fn after_confirmed_sign_up(
    place: Place<'_>,
    sub: &str,
    has_password: bool,
) -> Result<String, Fault> {
    let place = if has_password { place.showing(Method::Password) } else { place };
    ChallengeSession::of_sub(place, sub, Step::AutoConfirmed).seal(place.ports)
}

/// Signs in with the session of a sign-up that is confirmed.
pub async fn after_confirmation(
    place: Place<'_>,
    login: &str,
    session: &str,
) -> Ruling<Outcome, StartRefused> {
    first_sign_in::go_on(place.at_pages(), &parameters(place.client, login), session).await
}

/// What the API asks of clients beside the answers: the name, and the proof of a secret, which this
/// server can give itself.
pub fn parameters(client: &AppClient, login: &str) -> Parameters {
    let mut parameters = Parameters::from([("USERNAME".to_owned(), login.to_owned())]);
    if let Some(hash) = secret_hash(client, login) {
        parameters.insert("SECRET_HASH".to_owned(), hash);
    }
    parameters
}

/// The proof that a client has its secret; none for a client without one.
pub fn secret_hash(client: &AppClient, login: &str) -> Option<String> {
    let secret = client.secrets.first()?;
    Some(secret_hash::compute(&secret.value, login, client.id()))
}

/// The end: the function that learns of it may still refuse.
pub(super) async fn finish(place: Place<'_>, user: &User) -> Ruling<Outcome, SignInRefused> {
    let Place { ports, pool, client, .. } = place;
    let told = post_authentication::tell(ports, pool, client, user, false).await?;
    let user =
        if granted!(told) { granted!(next::again(place, user).await?) } else { user.clone() };
    let event_id = watch::event_id(place);
    watch::signed_in(place, &user, &event_id).await?;
    Ok(Ok(Outcome::Proved(Proved { user: Box::new(user), event_id, methods: place.methods })))
}
