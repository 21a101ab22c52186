//! Choice-based sign-in (`USER_AUTH`): somebody chooses by what they sign in, among what the pool
//! allows and they have.
//!
//! ```text
//! start ──┬── nothing chosen that can be had ──▶ SELECT_CHALLENGE ──┐
//!         │                                                        │
//!         └── chosen ──▶ proceed ◀─────────────────────────────────┘
//!                          ├── PASSWORD, PASSWORD_SRP ──▶ as in the other flows
//!                          ├── EMAIL_OTP, SMS_OTP ──▶ a code is sent ──▶ tokens
//!                          └── WEB_AUTHN ──▶ a passkey is asked for ──▶ tokens
//! ```
//!
//! Where a client may not be told who exists, a name that nobody has is taken through the same steps:
//! there is a session, "a code was sent", and no answer is right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Challenge, Outcome, Parameters, Person, Place,
    answer::{AnswerRefused, Answered},
    check_secret_hash, device,
    first_factor::{
        self, FirstFactor, SignInRefused, check_state, check_state_without_password, identify,
    },
    next, required, second_factor,
    session::{ChallengeSession, SessionRefused, Step},
    srp as srp_flow,
    start::StartRefused,
    step_up::{self, Aimed},
    watch,
};
use crate::{
    attempts::{self, Attempted},
    attributes::Contact,
    auth_levels::Method,
    codes,
    fault::{Fault, Ruling},
    granted,
    messages::{Addressee, Delivery, NotHandedOver, asks_others, hand_over},
    passkeys::{self, Passkey, assertion},
    passwords::policy,
    ports::Transaction,
    sealing::Purpose,
    shapes::{AuthFactorType, ChallengeNameType as Name, UserPoolMfaType, UserStatusType},
    srp::PublicKey,
    triggers::{TriggerFailed, call::Client},
    users::{self, User, nobody},
};

/// Digits of a code by which somebody signs in without password.
const CODE_DIGITS: u32 = 8;

/// What a choice-based sign-in waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// A challenge is to be chosen.
    Select,
    /// The password is to be shown.
    Password,
    /// A proof of the password is to be begun.
    PasswordSrp,
    /// A proof of the password was begun. The rest of its state is in `SECRET_BLOCK`.
    Proof,
    /// A code that was sent by e-mail is to be shown. Holds the code's keyed hash.
    EmailCode([u8; 32]),
    /// The same by text message.
    SmsCode([u8; 32]),
    /// A passkey is to be shown, for this challenge.
    Passkey(passkeys::Challenge),
}

/// Why a choice leads nowhere.
enum ChoiceRefused {
    BadSrpA,
    SignIn(SignInRefused),
}

impl From<SignInRefused> for ChoiceRefused {
    fn from(refused: SignInRefused) -> Self {
        Self::SignIn(refused)
    }
}

impl From<ChoiceRefused> for StartRefused {
    fn from(refused: ChoiceRefused) -> Self {
        match refused {
            ChoiceRefused::BadSrpA => Self::BadSrpA,
            ChoiceRefused::SignIn(refused) => Self::SignIn(refused),
        }
    }
}

impl From<ChoiceRefused> for AnswerRefused {
    fn from(refused: ChoiceRefused) -> Self {
        match refused {
            ChoiceRefused::BadSrpA => Self::BadSrpA,
            ChoiceRefused::SignIn(refused) => Self::SignIn(refused),
        }
    }
}

/// Starts a sign-in.
pub(super) async fn start(
    place: Place<'_>,
    parameters: &Parameters,
) -> Ruling<Outcome, StartRefused> {
    let login = granted!(required(parameters, "USERNAME"));
    let preferred = granted!(preferred(parameters));
    granted!(check_secret_hash(place.client, &[login], parameters));
    let announced = first_factor::announced(place, login, check_state_without_password).await?;
    let user = granted!(announced);
    if user.is_none() {
        // Somebody's verifier was read and opened with the rest; nobody's takes as long to make up.
        drop(first_factor::stand_in(place, login));
    }
    let person = Person { login, user: user.as_ref() };
    let place = match granted!(step_up::aim(place, person.user, parameters).await?) {
        Aimed::ByToken(place) => {
            let Some(user) = person.user else { return Err(Fault::broken("a token is nobody's")) };
            let shown = FirstFactor::AccessToken;
            return Ok(first_factor::pass(place, user, shown).await?.map_err(Into::into));
        }
        Aimed::At(place) => place,
    };
    let ways = shown_ways(place, person.user).await?;
    let available = ways.toward(place);
    if available.is_empty() {
        if let Some(user) = person.user.filter(|_| !place.client.hides_user_existence()) {
            granted!(check_state(user));
        }
        // Belief: who has nothing to sign in by is told what everybody is told.
        return Ok(Err(SignInRefused::WrongPassword.into()));
    }
    let (person, passkeys) = (Person { user: ways.user, ..person }, ways.passkeys);
    let outcome = match preferred.filter(|name| available.contains(name)) {
        Some(choice) => granted!(proceed(place, person, choice, passkeys, parameters).await?),
        None => ask(place, person, Name::SelectChallenge, Stage::Select, BTreeMap::new())?,
    };
    Ok(Ok(match outcome {
        Outcome::Challenged(challenge) if is_choice(challenge.name, &available) => {
            Outcome::Offered(challenge, available)
        }
        outcome => outcome,
    }))
}

/// Whether this is a challenge beside which the answer shows what else there is.
fn is_choice(name: Name, available: &[Name]) -> bool {
    name == Name::SelectChallenge || available.contains(&name)
}

/// What the client prefers.
fn preferred(parameters: &Parameters) -> Result<Option<Name>, StartRefused> {
    const CHOICES: [Name; 5] =
        [Name::EmailOtp, Name::SmsOtp, Name::WebAuthn, Name::PasswordSrp, Name::Password];
    let Some(text) = parameters.get("PREFERRED_CHALLENGE").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let found = CHOICES.into_iter().find(|name| name.as_str() == text);
    found.map(Some).ok_or(StartRefused::UnknownPreference)
}

/// By what somebody can sign in, whatever level is aimed at, and with which passkeys, if they can with
/// those.
pub(super) struct Ways<'a> {
    /// Whose they are; none if they are nobody's, or shown as such.
    user: Option<&'a User>,
    names: Vec<Name>,
    passkeys: Vec<Passkey>,
}

impl Ways<'_> {
    /// Those that lead to the level which the place aims at.
    pub(super) fn toward(&self, place: Place<'_>) -> Vec<Name> {
        let leads = |name: &Name| step_up::leads_to_target(place, self.user, *name);
        self.names.iter().copied().filter(leads).collect()
    }
}

/// By what somebody can sign in, as it may be shown: where a client may not be told who exists, who has
/// nothing to sign in by is taken for nobody.
pub(super) async fn shown_ways<'a>(
    place: Place<'_>,
    user: Option<&'a User>,
) -> Result<Ways<'a>, Fault> {
    let ways = ways(place, user).await?;
    if ways.names.is_empty() && place.client.hides_user_existence() {
        let (user, passkeys) = (None, Vec::new());
        return Ok(Ways { user, names: names(place, user, &passkeys), passkeys });
    }
    Ok(ways)
}

/// By what somebody can sign in.
pub(super) async fn ways<'a>(place: Place<'_>, user: Option<&'a User>) -> Result<Ways<'a>, Fault> {
    let is_by_passkey = |user: &User| {
        user.mfa.by_passkey && passkeys::is_multi_factor(place.pool) && !is_temporary(user)
    };
    let may_use_passkey = !needs_password(place, user) || user.is_some_and(is_by_passkey);
    let is_allowed = policy::is_first_factor(place.pool, AuthFactorType::WebAuthn);
    let passkeys = if may_use_passkey && is_allowed {
        usable_passkeys(place, user).await?
    } else {
        Vec::new()
    };
    Ok(Ways { user, names: names(place, user, &passkeys), passkeys })
}

fn is_temporary(user: &User) -> bool {
    user.status == UserStatusType::ForceChangePassword
}

/// Whether codes are not enough for somebody.
fn needs_password(place: Place<'_>, user: Option<&User>) -> bool {
    match user {
        None => place.pool.mfa() == UserPoolMfaType::On,
        Some(user) => is_temporary(user) || has_second_factor(place, user),
    }
}

/// By what somebody with these passkeys can sign in. Nobody has a password, and codes by the first way
/// that the pool has.
///
/// Codes don't combine with a second factor: who has one is offered the password, and a passkey where
/// it stands for both.
fn names(place: Place<'_>, user: Option<&User>, passkeys: &[Passkey]) -> Vec<Name> {
    let allows = |factor| policy::is_first_factor(place.pool, factor);
    let mut available = Vec::new();
    if !needs_password(place, user) {
        let has_contact = |contact: Contact| match user {
            Some(user) => user.is_verified(contact.attribute()),
            None => contact == Contact::Email || !allows(AuthFactorType::EmailOtp),
        };
        if allows(AuthFactorType::EmailOtp) && has_contact(Contact::Email) {
            available.push(Name::EmailOtp);
        }
        if allows(AuthFactorType::SmsOtp) && has_contact(Contact::PhoneNumber) {
            available.push(Name::SmsOtp);
        }
    }
    if !passkeys.is_empty() {
        available.push(Name::WebAuthn);
    }
    if user.is_none_or(|user| user.password.is_some()) {
        available.extend([Name::PasswordSrp, Name::Password]);
    }
    available
}

/// Whether a second factor will be asked of the user.
fn has_second_factor(place: Place<'_>, user: &User) -> bool {
    match place.pool.mfa() {
        UserPoolMfaType::Off => false,
        UserPoolMfaType::On => true,
        UserPoolMfaType::Optional => !next::usable_factors(place, user).is_empty(),
    }
}

/// The user's passkeys that work with the pool. Nobody has any, which takes as long to find out.
async fn usable_passkeys(place: Place<'_>, user: Option<&User>) -> Result<Vec<Passkey>, Fault> {
    const NOBODY: &str = "nobody";
    let mut tx = place.ports.store.read().await?;
    let sub = user.map_or(NOBODY, |user| &user.sub);
    let all = tx.passkeys_of_user(place.pool.id(), sub).await?;
    Ok(assertion::usable(&place.ports.identity, place.pool, all))
}

/// Goes on with what was chosen; with the password at once, if it came along.
async fn proceed(
    place: Place<'_>,
    person: Person<'_>,
    choice: Name,
    passkeys: Vec<Passkey>,
    parameters: &Parameters,
) -> Ruling<Outcome, ChoiceRefused> {
    let given = |name| required(parameters, name).ok();
    let none = BTreeMap::new;
    match choice {
        Name::EmailOtp => Ok(send_code(place, person, Contact::Email).await?.map_err(Into::into)),
        Name::SmsOtp => {
            Ok(send_code(place, person, Contact::PhoneNumber).await?.map_err(Into::into))
        }
        Name::WebAuthn => ask_passkey(place, person, passkeys).map(Ok),
        Name::PasswordSrp => match given("SRP_A") {
            Some(srp_a) => begin_proof(place, person, srp_a).await,
            None => Ok(Ok(ask(place, person, choice, Stage::PasswordSrp, none())?)),
        },
        _ => match given("PASSWORD") {
            Some(password) => {
                let known = first_factor::check_password(place, person.login, password).await?;
                let known = granted!(known);
                Ok(first_factor::admit(place, &known).await?.map_err(Into::into))
            }
            None => Ok(Ok(ask(place, person, choice, Stage::Password, none())?)),
        },
    }
}

/// A challenge with its session.
fn ask(
    place: Place<'_>,
    person: Person<'_>,
    name: Name,
    stage: Stage,
    parameters: BTreeMap<String, String>,
) -> Result<Outcome, Fault> {
    let session = Some(session(place, person, stage)?);
    Ok(Outcome::Challenged(Challenge { name, parameters, session }))
}

fn session(place: Place<'_>, person: Person<'_>, stage: Stage) -> Result<String, Fault> {
    let step = Step::Choice { login: person.login.to_owned(), stage };
    ChallengeSession::of_sub(place, &person.sub(place), step).seal(place.ports)
}

/// Begins a proof of the password. Unlike in the flow for SRP alone, the answer has a session.
async fn begin_proof(
    place: Place<'_>,
    person: Person<'_>,
    srp_a: &str,
) -> Ruling<Outcome, ChoiceRefused> {
    let Ok(srp_a) = PublicKey::from_hex(srp_a) else { return Ok(Err(ChoiceRefused::BadSrpA)) };
    let user = granted!(identify(place, person.login).await?);
    let challenge = srp_flow::challenge(place, person.login, user.as_ref(), srp_a).await?;
    let session = Some(session(place, person, Stage::Proof)?);
    Ok(Ok(Outcome::Challenged(Challenge { session, ..challenge })))
}

/// Sends a code and asks for it: `EMAIL_OTP` or `SMS_OTP`. To nobody, and to users who may not sign
/// in, none is sent; the answer looks the same, and takes as long: codes to nobody are counted and
/// stored as well. It looks the same, too, when too many were sent within the hour.
async fn send_code(
    place: Place<'_>,
    person: Person<'_>,
    contact: Contact,
) -> Ruling<Outcome, SignInRefused> {
    let sub = person.sub(place);
    let is_sent = second_factor::may_send_another(place, &sub).await?;
    if !is_sent {
        tracing::warn!(sub, "no sign-in code was sent: too many within an hour");
    }
    ask_code(place, person, contact, is_sent).await
}

/// Sends another code of the same kind. Refuses, and leaves the session good for the code before, if too
/// many were sent; also to nobody.
pub(super) async fn send_again(
    step: Answered<'_>,
    login: &str,
    contact: Contact,
) -> Ruling<Outcome, AnswerRefused> {
    let place = step.place;
    let mut view = place.ports.store.read().await?;
    granted!(step.session.check_unspent(&mut *view).await?);
    let user = granted!(find(step, login, &mut *view).await?);
    drop(view);
    let person = Person { login, user: user.as_ref() };
    let name = match contact {
        Contact::Email => Name::EmailOtp,
        Contact::PhoneNumber => Name::SmsOtp,
    };
    // Not to an address that has taken the place of the proved one meanwhile.
    if !shown_ways(place, person.user).await?.toward(place).contains(&name) {
        return Ok(Err(AnswerRefused::NotAvailable));
    }
    if !second_factor::may_send_another(place, &person.sub(place)).await? {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    }
    granted!(spend(step).await?);
    Ok(ask_code(place, person, contact, true).await?.map_err(Into::into))
}

/// Asks for a code, which is sent unless too many were.
async fn ask_code(
    place: Place<'_>,
    person: Person<'_>,
    contact: Contact,
    is_sent: bool,
) -> Ruling<Outcome, SignInRefused> {
    let ports = place.ports;
    let code = codes::generate_of(CODE_DIGITS, &*ports.entropy);
    let shown = shown_destination(place, person, contact);
    if is_sent {
        granted!(deliver_code(place, person, contact, &shown, &code).await?);
    }
    let hash = ports.keyring.mac(Purpose::CodeHash, &hashed(place, person, contact, &code));
    let (name, stage, medium) = match contact {
        Contact::Email => (Name::EmailOtp, Stage::EmailCode(hash), "EMAIL"),
        Contact::PhoneNumber => (Name::SmsOtp, Stage::SmsCode(hash), "SMS"),
    };
    let parameters = BTreeMap::from([
        ("CODE_DELIVERY_DELIVERY_MEDIUM".to_owned(), medium.to_owned()),
        ("CODE_DELIVERY_DESTINATION".to_owned(), shown),
    ]);
    ask(place, person, name, stage, parameters).map(Ok)
}

/// Hands a code over: to its user, or to nobody.
async fn deliver_code(
    place: Place<'_>,
    person: Person<'_>,
    contact: Contact,
    shown: &str,
    code: &str,
) -> Ruling<(), TriggerFailed> {
    let messenger = &place.ports.messenger;
    let nobody = Addressee::nobody(person.login);
    let to_nobody = || second_factor::code_message(place, nobody, contact, shown, code);
    let Some(user) = person.allowed() else { return messenger.pretend(to_nobody()).await.map(Ok) };
    let destination = user.attribute(contact.attribute()).unwrap_or_default();
    let message = second_factor::code_message(place, (&user).into(), contact, destination, code);
    if place.client.hides_user_existence() && asks_others(place.pool, message.medium) {
        // Nothing is asked for nobody, and so nothing is waited for here.
        let (ports, pool, client) = (place.ports.clone(), place.pool.clone(), place.client.clone());
        tokio::spawn(async move {
            let client = Client::Id(client.id());
            let handed = hand_over(&ports, &pool, &user, client, &user.username, message).await;
            if let Err(fault) = handed {
                tracing::error!(%fault, "a sign-in code was not handed over");
            }
        });
        return messenger.pretend(to_nobody()).await.map(Ok);
    }
    let client = Client::Id(place.client.id());
    match hand_over(place.ports, place.pool, &user, client, &user.username, message).await? {
        Err(NotHandedOver::Trigger(failed)) => return Ok(Err(failed)),
        // The operations that lead here don't list CodeDeliveryFailureException.
        Err(NotHandedOver::Undeliverable) => messenger.pretend(to_nobody()).await?,
        Ok(()) => {}
    }
    Ok(Ok(()))
}

/// Where a code went, masked. For nobody it is masked from the name, if that is such a contact.
fn shown_destination(place: Place<'_>, person: Person<'_>, contact: Contact) -> String {
    if let Some(user) = person.user {
        return contact.mask(user.attribute(contact.attribute()).unwrap_or_default());
    }
    let name = place.pool.name_key(person.login);
    if contact.accepts(&name) {
        return contact.mask(&name);
    }
    // The blank makes sure that it is taken for no contact of the other kind.
    let name = format!("code for {name}");
    Delivery::simulated(&place.ports.keyring, place.pool, &name, contact).destination
}

/// What is hashed of a code that was sent: also where it went, so that it proves nothing about a
/// number or address that the user was given since.
fn hashed(place: Place<'_>, person: Person<'_>, contact: Contact, code: &str) -> Vec<u8> {
    let name = contact.attribute();
    let destination = person.user.and_then(|user| user.attribute(name)).unwrap_or_default();
    let (pool_id, sub) = (place.pool.id(), person.sub(place));
    format!("{pool_id}\0{sub}\0sign-in\0{name}\0{destination}\0{code}").into_bytes()
}

/// Asks for a passkey: `WEB_AUTHN`.
fn ask_passkey(
    place: Place<'_>,
    person: Person<'_>,
    usable: Vec<Passkey>,
) -> Result<Outcome, Fault> {
    let challenge = passkeys::new_challenge(&*place.ports.entropy);
    let identity = &place.ports.identity;
    let options = next::json(&assertion::request(identity, place.pool, &challenge, usable))?;
    let parameters = BTreeMap::from([("CREDENTIAL_REQUEST_OPTIONS".to_owned(), options)]);
    ask(place, person, Name::WebAuthn, Stage::Passkey(challenge), parameters)
}

/// Takes an answer within a choice-based sign-in.
pub(super) async fn answer(
    step: Answered<'_>,
    name: Name,
    login: &str,
    stage: &Stage,
) -> Ruling<Outcome, AnswerRefused> {
    let (pool_id, session) = (step.place.pool.id(), step.session);
    let mut view = step.place.ports.store.read().await?;
    let (user, is_spent) = view.user_of_session(pool_id, &session.sub, &session.id).await?;
    drop(view);
    if is_spent {
        return Ok(Err(SessionRefused::Spent.into()));
    }
    let user = granted!(accept(step, login, user));
    let person = Person { login, user: user.as_ref() };
    match (name, stage) {
        (Name::SelectChallenge, Stage::Select) => select(step, person).await,
        (Name::Password, Stage::Password) => {
            granted!(required(step.responses, "PASSWORD"));
            with_password(step, person).await
        }
        (Name::PasswordSrp, Stage::PasswordSrp) => {
            let srp_a = granted!(required(step.responses, "SRP_A"));
            Ok(begin_proof(step.place, person, srp_a).await?.map_err(Into::into))
        }
        (Name::EmailOtp, Stage::EmailCode(hash)) => {
            show_code(step, login, Contact::Email, "EMAIL_OTP_CODE", hash).await
        }
        (Name::SmsOtp, Stage::SmsCode(hash)) => {
            show_code(step, login, Contact::PhoneNumber, "SMS_OTP_CODE", hash).await
        }
        // Amplify goes on calling the challenge SELECT_CHALLENGE when it sends the passkey.
        (Name::WebAuthn | Name::SelectChallenge, Stage::Passkey(challenge)) => {
            show_passkey(step, person, challenge).await
        }
        _ => Ok(Err(SessionRefused::Invalid.into())),
    }
}

/// Who answers: the session's user, or nobody.
pub(super) async fn find(
    step: Answered<'_>,
    login: &str,
    tx: &mut dyn Transaction,
) -> Ruling<Option<User>, AnswerRefused> {
    let user = tx.user_by_sub(step.place.pool.id(), &step.session.sub).await?;
    Ok(accept(step, login, user))
}

/// The same for a user who has been read.
fn accept(
    step: Answered<'_>,
    login: &str,
    user: Option<User>,
) -> Result<Option<User>, AnswerRefused> {
    let (place, username) = (step.place, step.username);
    let pool = place.pool;
    let is_named = match &user {
        Some(user) => users::is_named(pool, user, username) && !step.session.is_outdated(user),
        None => [login, &nobody::username(&place.ports.keyring, pool, login)]
            .iter()
            .any(|name| pool.name_key(name) == pool.name_key(username)),
    };
    if !is_named {
        return Err(SessionRefused::Invalid.into());
    }
    let stored = user.as_ref().map_or(login, |user| &user.username);
    check_secret_hash(place.client, &[username, stored], step.responses)?;
    if let Some(user) = user.as_ref().filter(|_| !place.client.hides_user_existence()) {
        check_state_without_password(user)?;
    }
    Ok(user)
}

/// `SELECT_CHALLENGE`.
async fn select(step: Answered<'_>, person: Person<'_>) -> Ruling<Outcome, AnswerRefused> {
    let answer = granted!(required(step.responses, "ANSWER"));
    let ways = shown_ways(step.place, person.user).await?;
    let available = ways.toward(step.place);
    let Some(choice) = available.into_iter().find(|name| name.as_str() == answer) else {
        return Ok(Err(AnswerRefused::NotAvailable));
    };
    let (person, passkeys) = (Person { user: ways.user, ..person }, ways.passkeys);
    if choice == Name::Password && required(step.responses, "PASSWORD").is_ok() {
        return with_password(step, person).await;
    }
    // Before a code is sent: only one of two answers at once may send one.
    granted!(spend(step).await?);
    Ok(proceed(step.place, person, choice, passkeys, step.responses).await?.map_err(Into::into))
}

/// The password that came with the answer. A wrong one leaves the session good, and so does a device
/// that the user doesn't have; the session is used up before anything is issued.
async fn with_password(step: Answered<'_>, person: Person<'_>) -> Ruling<Outcome, AnswerRefused> {
    let password = granted!(required(step.responses, "PASSWORD"));
    let known = granted!(first_factor::check_password(step.place, person.login, password).await?);
    let mut place = step.place;
    let names_device = step.responses.contains_key("DEVICE_KEY");
    if !names_device && device::named(place, &known.user).await?.is_none() {
        // A key that was named at the start and is forgotten by now.
        place.device_key = None;
    }
    let mut view = place.ports.store.read().await?;
    granted!(device::check_named(place, &mut *view, &known.user).await?);
    drop(view);
    granted!(spend(step).await?);
    Ok(first_factor::admit(place, &known).await?.map_err(Into::into))
}

async fn spend(step: Answered<'_>) -> Ruling<(), SessionRefused> {
    let mut tx = step.place.ports.store.write_once().await?;
    step.spend(&mut *tx).await
}

/// `EMAIL_OTP` or `SMS_OTP`. A wrong code leaves the session good; wrong ones are counted, also
/// those for nobody.
async fn show_code(
    step: Answered<'_>,
    login: &str,
    contact: Contact,
    response: &'static str,
    hash: &[u8; 32],
) -> Ruling<Outcome, AnswerRefused> {
    let code = granted!(required(step.responses, response));
    let (place, ports) = (step.place, step.place.ports);
    let (pool_id, now, what) = (place.pool.id(), ports.clock.now(), Attempted::SentCode);
    let mut tx = ports.store.write().await?;
    let user = granted!(find(step, login, &mut *tx).await?);
    let person = Person { login, user: user.as_ref() };
    let subject = first_factor::subject(place, person.user, login);
    let Ok(tried) = attempts::check(&mut *tx, pool_id, &subject, what, now).await? else {
        return Ok(Err(AnswerRefused::TooManyWrongCodes));
    };
    let hashed = hashed(place, person, contact, code);
    let is_right = ports.keyring.mac_matches(Purpose::CodeHash, &hashed, hash);
    let Some(known) = person.allowed().filter(|_| is_right) else {
        granted!(step.session.check_unspent(&mut *tx).await?);
        attempts::record(&mut *tx, pool_id, &subject, what, now).await?;
        tx.commit().await?;
        watch::showed_wrong(place, user.as_ref()).await?;
        return Ok(Err(AnswerRefused::WrongSentCode));
    };
    if has_second_factor(place, &known) {
        // Set up since the code was sent: the code alone is no longer enough.
        return Ok(Err(SessionRefused::Invalid.into()));
    }
    granted!(step.spend(&mut *tx).await?);
    if tried {
        tx.clear_attempts(pool_id, &subject, what).await?;
    }
    tx.commit().await?;
    Ok(first_factor::pass(place, &known, FirstFactor::Alone(contact.into()))
        .await?
        .map_err(Into::into))
}

/// `WEB_AUTHN`. What is said of a passkey that proves nothing is a belief.
async fn show_passkey(
    step: Answered<'_>,
    person: Person<'_>,
    challenge: &passkeys::Challenge,
) -> Ruling<Outcome, AnswerRefused> {
    let (place, ports) = (step.place, step.place.ports);
    let credential = granted!(required(step.responses, "CREDENTIAL"));
    let shown =
        granted!(assertion::Assertion::read(credential).map_err(|_| AnswerRefused::BadCredential));
    let ways = ways(place, person.user).await?;
    let is_available = ways.toward(place).contains(&Name::WebAuthn);
    let Some(user) = person.allowed().filter(|_| is_available) else {
        return Ok(Err(SessionRefused::Invalid.into()));
    };
    let wrong = AnswerRefused::SignIn(SignInRefused::WrongPassword);
    // Those of others and of other relying parties would be refused anyway.
    let id = shown.credential_id();
    let checked = ways.passkeys.iter().find(|passkey| passkey.credential_id == id).map(|passkey| {
        (passkey, shown.check(&ports.identity, place.pool, passkey, &user.sub, challenge))
    });
    let Some((passkey, Ok(count))) = checked else {
        let refused = checked.and_then(|(_, checked)| checked.err());
        tracing::info!(sub = user.sub, ?refused, "a passkey was not accepted");
        watch::showed_wrong(place, Some(&user)).await?;
        return Ok(Err(wrong));
    };
    let mut tx = ports.store.write().await?;
    granted!(step.spend(&mut *tx).await?);
    // Also when it stays the same: the passkey must still be there.
    tx.update_sign_count(passkey, count).await?;
    tx.commit().await?;
    // One that didn't say where it is counts as one of the device: a belief.
    let is_roaming = passkey.attachment.as_deref() == Some("cross-platform");
    let method = if is_roaming { Method::RoamingPasskey } else { Method::PlatformPasskey };
    let shown = FirstFactor::Alone(method);
    Ok(first_factor::pass(place, &user, shown).await?.map_err(Into::into))
}
