//! Answers to challenges.

use super::{
    Missing, Outcome, Parameters, Place, check_secret_hash, choice,
    custom::{self, Stage},
    device,
    first_factor::{SignInRefused, check_state, check_state_without_password},
    new_password::{self, NewPasswordRefused},
    next, required, second_factor,
    session::{ChallengeSession, SessionRefused, Step},
    srp, watch,
};
use crate::{
    attributes::Contact,
    auth_levels::Method,
    fault::Ruling,
    granted,
    ports::Transaction,
    secret_hash::SecretHashRefused,
    shapes::ChallengeNameType,
    triggers::TriggerFailed,
    users::{self, MfaFactor, User, aliases::AliasTaken},
};

/// Why an answer is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerRefused {
    /// A response is missing.
    Missing(Missing),
    /// The secret hash is missing or wrong.
    SecretHash(SecretHashRefused),
    /// The session is not accepted.
    Session(SessionRefused),
    /// The user can't sign in.
    SignIn(SignInRefused),
    /// The new password or the attributes with it are refused.
    NewPassword(NewPasswordRefused),
    /// The TOTP code is wrong. The session stays good.
    WrongTotpCode,
    /// The TOTP code has been used. The session stays good.
    UsedTotpCode,
    /// The user has no software token.
    NoSoftwareToken,
    /// The code that was sent is another. The session stays good.
    WrongSentCode,
    /// Too many wrong codes within an hour.
    TooManyWrongCodes,
    /// The e-mail address or telephone number to be set up is none.
    BadAddress,
    /// Somebody else holds the alias that the address would become.
    AliasTaken(AliasTaken),
    /// `SRP_A` is no number.
    BadSrpA,
    /// The chosen factor is not among those offered.
    NotOffered,
    /// The user can't sign in by the chosen challenge.
    NotAvailable,
    /// What should show a passkey is nothing that a browser would send.
    BadCredential,
    /// The challenge is not one that Poolhouse asks.
    UnknownChallenge(ChallengeNameType),
}

impl From<Missing> for AnswerRefused {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<SecretHashRefused> for AnswerRefused {
    fn from(refused: SecretHashRefused) -> Self {
        Self::SecretHash(refused)
    }
}

impl From<SessionRefused> for AnswerRefused {
    fn from(refused: SessionRefused) -> Self {
        Self::Session(refused)
    }
}

impl From<SignInRefused> for AnswerRefused {
    fn from(refused: SignInRefused) -> Self {
        Self::SignIn(refused)
    }
}

impl From<TriggerFailed> for AnswerRefused {
    fn from(failed: TriggerFailed) -> Self {
        Self::SignIn(failed.into())
    }
}

impl From<NewPasswordRefused> for AnswerRefused {
    fn from(refused: NewPasswordRefused) -> Self {
        Self::NewPassword(refused)
    }
}

/// Takes an answer to a challenge.
///
/// `PASSWORD_VERIFIER` carries its state in `SECRET_BLOCK`, and so does the proof of a device; all
/// others need the session that came with the challenge. Sessions of the public and of the
/// administrators' operations are interchangeable.
pub async fn answer(
    place: Place<'_>,
    challenge: ChallengeNameType,
    session: Option<&str>,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let username = granted!(required(responses, "USERNAME"));
    let place = place.on_device_of(responses);
    match challenge {
        ChallengeNameType::PasswordVerifier => {
            return srp::answer(place, username, responses).await;
        }
        ChallengeNameType::DeviceSrpAuth => {
            return device::begin_proof(place, username, session, responses).await;
        }
        ChallengeNameType::DevicePasswordVerifier => {
            return device::prove(place, username, responses).await;
        }
        _ => {}
    }
    let Some(session) = session else { return Ok(Err(Missing("Session").into())) };
    let mut resumed = granted!(Resumed::open(place, session));
    resumed.custom = resumed.custom.map(|flow| flow.after(challenge));
    let step = resumed.step(place, username, responses);
    granted!(watch::check_network_of(step.place, step.session).await?);
    let answered = take(step, challenge).await?;
    watch::answered(step, &answered).await?;
    Ok(answered)
}

/// Sends another code in place of the one that a session waits for. The session is used up only if
/// one is sent.
pub(super) async fn send_again(
    place: Place<'_>,
    session: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let username = granted!(required(responses, "USERNAME"));
    let resumed = granted!(Resumed::open(place, session));
    let step = resumed.step(place, username, responses);
    granted!(watch::check_network_of(step.place, step.session).await?);
    match &step.session.step {
        Step::SentCode(factor, _) => second_factor::send_again(step, *factor).await,
        Step::Choice { login, stage: choice::Stage::EmailCode(_) } => {
            choice::send_again(step, login, Contact::Email).await
        }
        Step::Choice { login, stage: choice::Stage::SmsCode(_) } => {
            choice::send_again(step, login, Contact::PhoneNumber).await
        }
        _ => Ok(Err(SessionRefused::Invalid.into())),
    }
}

/// Goes back from the code of a contact that is being set up to what can be set up.
pub(super) async fn set_up_again(
    place: Place<'_>,
    session: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let username = granted!(required(responses, "USERNAME"));
    let resumed = granted!(Resumed::open(place, session));
    let step = resumed.step(place, username, responses);
    granted!(watch::check_network_of(step.place, step.session).await?);
    match &step.session.step {
        Step::SentCode(factor, _) => second_factor::set_up_again(step, *factor).await,
        _ => Ok(Err(SessionRefused::Invalid.into())),
    }
}

/// A sign-in as its session has it.
struct Resumed {
    session: ChallengeSession,
    event: Option<watch::Watched>,
    custom: Option<custom::Flow>,
}

impl Resumed {
    /// Reads the session that came with an answer.
    fn open(place: Place<'_>, session: &str) -> Result<Self, SessionRefused> {
        let session = ChallengeSession::open(place.ports, session)?;
        if session.client_id != place.client.id() || session.user_pool_id != place.pool.id() {
            return Err(SessionRefused::Invalid);
        }
        let (event, custom) = (watch::of_session(&session), session.custom.clone());
        Ok(Self { session, event, custom })
    }

    fn step<'a>(
        &'a self,
        place: Place<'a>,
        username: &'a str,
        responses: &'a Parameters,
    ) -> Answered<'a> {
        let session = &self.session;
        let device_key = place.device_key.or(session.device_key.as_deref());
        let (event, custom) = (self.event.as_ref(), self.custom.as_ref());
        let (methods, target) = (session.methods, session.target);
        let place = Place { event, device_key, custom, methods, target, ..place };
        Answered { place, session, username, responses }
    }
}

/// Takes an answer that came with its session.
async fn take(step: Answered<'_>, challenge: ChallengeNameType) -> Ruling<Outcome, AnswerRefused> {
    match (challenge, &step.session.step) {
        (ChallengeNameType::NewPasswordRequired, Step::NewPassword) => {
            new_password::answer(step).await
        }
        (ChallengeNameType::SoftwareTokenMfa, Step::SoftwareToken) => {
            second_factor::answer_software_token(step).await
        }
        (ChallengeNameType::SmsMfa, Step::SentCode(MfaFactor::Sms, hash)) => {
            second_factor::answer_sent_code(step, MfaFactor::Sms, "SMS_MFA_CODE", hash).await
        }
        (ChallengeNameType::EmailOtp, Step::SentCode(MfaFactor::Email, hash)) => {
            second_factor::answer_sent_code(step, MfaFactor::Email, "EMAIL_OTP_CODE", hash).await
        }
        (ChallengeNameType::SelectMfaType, Step::SelectMfa(factors)) => {
            choose_factor(step, factors).await
        }
        (ChallengeNameType::MfaSetup, Step::MfaSetUp) => finish_mfa_setup(step).await,
        (ChallengeNameType::MfaSetup, Step::MfaSetup(offered)) => {
            match contact_to_set_up(step, offered) {
                Some((factor, address)) => {
                    second_factor::set_up_contact(step, factor, address).await
                }
                None => unfinished_mfa_setup(step).await,
            }
        }
        (ChallengeNameType::CustomChallenge, Step::Custom(Stage::Asked { private, metadata })) => {
            custom::answer(step, private, metadata.as_deref()).await
        }
        (_, Step::Choice { login, stage }) => choice::answer(step, challenge, login, stage).await,
        _ if is_asked(challenge) => Ok(Err(SessionRefused::Invalid.into())),
        _ => Ok(Err(AnswerRefused::UnknownChallenge(challenge))),
    }
}

/// The address to which codes are to be sent from now on. Applications set up text messages by giving
/// the user a telephone number, as documented; only at the pages people enter it themselves.
fn contact_to_set_up<'a>(
    step: Answered<'a>,
    offered: &[MfaFactor],
) -> Option<(MfaFactor, &'a str)> {
    let given = |factor: MfaFactor, name: &str| {
        let value = step.responses.get(name).filter(|_| offered.contains(&factor));
        value.map(|value| (factor, value.as_str()))
    };
    let phone = given(MfaFactor::Sms, "PHONE_NUMBER").filter(|_| step.place.is_hosted);
    given(MfaFactor::Email, "EMAIL").or(phone)
}

/// Whether this is a challenge that [`answer`] knows.
const fn is_asked(challenge: ChallengeNameType) -> bool {
    use ChallengeNameType as Name;
    matches!(
        challenge,
        Name::NewPasswordRequired
            | Name::SoftwareTokenMfa
            | Name::SmsMfa
            | Name::EmailOtp
            | Name::SelectMfaType
            | Name::MfaSetup
            | Name::SelectChallenge
            | Name::Password
            | Name::PasswordSrp
            | Name::SmsOtp
            | Name::WebAuthn
            | Name::CustomChallenge
    )
}

/// An answer together with the session it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Answered<'a> {
    pub(super) place: Place<'a>,
    pub(super) session: &'a ChallengeSession,
    pub(super) username: &'a str,
    pub(super) responses: &'a Parameters,
}

impl Answered<'_> {
    /// The session's user, if the answer names them, comes from the client, and they may still sign
    /// in.
    pub(super) async fn user(&self, tx: &mut dyn Transaction) -> Ruling<User, AnswerRefused> {
        let user = tx.user_by_sub(self.place.pool.id(), &self.session.sub).await?;
        let user = granted!(self.accept(user));
        if self.responses.contains_key("DEVICE_KEY") {
            granted!(device::check_named(self.place, tx, &user).await?);
        }
        Ok(Ok(user))
    }

    /// The same for a user who has been read, whatever device the answer names.
    pub(super) fn accept(&self, user: Option<User>) -> Result<User, AnswerRefused> {
        let (place, username) = (self.place, self.username);
        let is_for = |user: &User| {
            users::is_named(place.pool, user, username) && !self.session.is_outdated(user)
        };
        let user = user.filter(is_for);
        let user = user.ok_or(SessionRefused::Invalid)?;
        let names = [username, &user.username];
        check_secret_hash(place.client, &names, self.responses)?;
        check_state_without_password(&user)?;
        Ok(user)
    }

    /// Uses the session up, or refuses if it was used before. The caller commits.
    pub(super) async fn spend(&self, tx: &mut dyn Transaction) -> Ruling<(), SessionRefused> {
        self.session.spend(tx, self.place.ports.clock.now()).await
    }
}

/// `SELECT_MFA_TYPE`: goes on with the chosen factor.
async fn choose_factor(
    step: Answered<'_>,
    factors: &[MfaFactor],
) -> Ruling<Outcome, AnswerRefused> {
    let choice = granted!(required(step.responses, "ANSWER"));
    // The documentation also writes EMAIL_MFA.
    let choice = if choice == "EMAIL_MFA" { "EMAIL_OTP" } else { choice };
    let Some(factor) = factors.iter().find(|factor| factor.as_str() == choice) else {
        return Ok(Err(AnswerRefused::NotOffered));
    };
    let user = granted!(finish(step).await?);
    Ok(second_factor::ask(step.place, &user, *factor).await?.map_err(Into::into))
}

/// `MFA_SETUP` after a software token was verified with this sign-in's session: no further code is
/// asked.
async fn finish_mfa_setup(step: Answered<'_>) -> Ruling<Outcome, AnswerRefused> {
    let user = granted!(finish(step).await?);
    if !user.software_token.is_verified() {
        // An administrator has deleted it meanwhile.
        return Ok(Err(AnswerRefused::NoSoftwareToken));
    }
    let place = step.place.showing(Method::SoftwareToken);
    Ok(next::sign_in(place, &user).await?.map_err(Into::into))
}

/// `MFA_SETUP` before a software token was verified with this session.
async fn unfinished_mfa_setup(step: Answered<'_>) -> Ruling<Outcome, AnswerRefused> {
    let mut tx = step.place.ports.store.read().await?;
    granted!(step.session.check_unspent(&mut *tx).await?);
    granted!(step.user(&mut *tx).await?);
    Ok(Err(AnswerRefused::NoSoftwareToken))
}

/// Uses the session up and answers its user.
async fn finish(step: Answered<'_>) -> Ruling<User, AnswerRefused> {
    let mut tx = step.place.ports.store.write().await?;
    let user = granted!(step.user(&mut *tx).await?);
    granted!(step.spend(&mut *tx).await?);
    tx.commit().await?;
    Ok(Ok(user))
}

/// The user of a session that is to set up a software token, for `AssociateSoftwareToken` and
/// `VerifySoftwareToken`.
pub async fn read_setup(
    tx: &mut dyn Transaction,
    session: &ChallengeSession,
) -> Ruling<User, SessionRefused> {
    let sets_up = match &session.step {
        Step::MfaSetup(offered) => offered.contains(&MfaFactor::SoftwareToken),
        _ => false,
    };
    if !sets_up {
        return Ok(Err(SessionRefused::Invalid));
    }
    granted!(session.check_unspent(tx).await?);
    let user = tx.user_by_sub(&session.user_pool_id, &session.sub).await?;
    // Who has set up a token meanwhile must not have it replaced by an older sign-in.
    let may_set_up = |user: &User| {
        check_state(user).is_ok()
            && !user.software_token.is_verified()
            && !session.is_outdated(user)
    };
    Ok(user.filter(may_set_up).ok_or(SessionRefused::Invalid))
}
