//! The device that somebody signs in on: which one it is, and the proof that a remembered one gives
//! (`DEVICE_SRP_AUTH`, then `DEVICE_PASSWORD_VERIFIER`).
//!
//! A proof comes after the first factor. Where the pool says so it stands in for the second one;
//! elsewhere it follows it.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Challenge, Missing, Outcome, Parameters, Place,
    answer::{AnswerRefused, Answered},
    custom::{self, Flow},
    first_factor::SignInRefused,
    next, required,
    session::{ChallengeSession, SessionRefused, Step},
    srp::{BegunExchange, SentProof},
    step_up, watch,
};
use crate::{
    devices::{self, Device, NewDevice},
    fault::{Fault, Ruling, retrying},
    granted,
    ports::{Transaction, compute},
    sealing::Purpose,
    shapes::ChallengeNameType,
    srp::{self, Party, PublicKey},
    tokens::issue::Tokens,
    triggers::pre_token_generation::Source,
    users::{self, User},
};

/// The device that the client has named, if the pool tracks devices and the user has it.
pub(super) async fn named(place: Place<'_>, user: &User) -> Result<Option<Device>, Fault> {
    match place.device_key.filter(|_| devices::is_tracked(place.pool)) {
        Some(key) if place.device.is_some_and(|device| device.key == key) => {
            Ok(place.device.cloned())
        }
        Some(key) => {
            let mut view = place.ports.store.read().await?;
            view.device(place.pool.id(), &user.sub, key).await
        }
        None => Ok(None),
    }
}

/// The device that the client has named, if the pool tracks devices. Refuses one that the user doesn't
/// have. What was shown before stays good: clients answer once more without the key.
pub(super) async fn check_named(
    place: Place<'_>,
    tx: &mut dyn Transaction,
    user: &User,
) -> Ruling<Option<Device>, SignInRefused> {
    let Some(key) = place.device_key.filter(|_| devices::is_tracked(place.pool)) else {
        return Ok(Ok(None));
    };
    let device = tx.device(place.pool.id(), &user.sub, key).await?;
    Ok(if device.is_some() { Ok(device) } else { Err(SignInRefused::UnknownDevice) })
}

/// The place on the device that was named at the start of the sign-in, unless the answer names one
/// or the user doesn't have it.
pub(super) async fn recalled<'a>(
    place: Place<'a>,
    user: &User,
    named_before: Option<&'a str>,
) -> Result<Place<'a>, Fault> {
    let before = Place { device_key: named_before, ..place };
    let is_known = place.device_key.is_none() && named(before, user).await?.is_some();
    Ok(if is_known { before } else { place })
}

/// The device whose proof is to be asked for instead of a second factor.
pub(super) async fn in_place_of_second_factor(
    place: Place<'_>,
    user: &User,
) -> Result<Option<Device>, Fault> {
    let is_demanded = place.event.is_some_and(|event| event.demands_second_factor);
    if is_demanded || step_up::is_needed(place) || !devices::replaces_second_factor(place.pool) {
        return Ok(None);
    }
    Ok(named(place, user).await?.filter(|device| device.is_remembered))
}

/// Tokens for a sign-in on a device that needs no proof: an unknown one, which gets a key, or a
/// known one that is not remembered.
///
/// That a known one gets no new key is a belief: each sign-in would leave another device.
pub(super) async fn sign_in(
    place: Place<'_>,
    user: &User,
    known: Option<Device>,
) -> Ruling<Outcome, SignInRefused> {
    let known = known.filter(|_| devices::is_tracked(place.pool));
    // A device is remembered by a password that was proved, not by what functions ask for.
    let may_be_new = place.custom.is_none_or(Flow::proved_password);
    let is_new = known.is_none() && may_be_new && devices::is_tracked(place.pool);
    let new_device = is_new.then(|| NewDevice::draw(place.ports, place.pool));
    let new_key = new_device.as_ref().map(|device| device.key.clone());
    let key = known.as_ref().map(|device| device.key.clone()).or(new_key);
    let tokens = granted!(next::tokens(place, user, key, is_new).await?);
    if let Some(device) = known {
        record_use(place, &device).await?;
    }
    Ok(Ok(Outcome::SignedIn(Tokens { new_device, ..tokens })))
}

/// Records a sign-in on a known device. Conflicts are met here: running the whole operation again
/// would find its session used up.
async fn record_use(place: Place<'_>, device: &Device) -> Result<(), Fault> {
    let (ports, now) = (place.ports, place.ports.clock.now());
    let (pool_id, ip) = (place.pool.id(), devices::address(ports));
    let write = || async {
        let mut tx = ports.store.write_once().await?;
        tx.use_device(pool_id, &device.sub, &device.key, ip.as_deref(), false, now).await
    };
    retrying(write).await.map(drop)
}

/// `DEVICE_SRP_AUTH`: asks a remembered device to prove itself.
///
/// The session is also kept with the device, because some clients don't send it with their answer
/// (pycognito sends none, amazon-cognito-identity-js that of the MFA challenge before). Without
/// it a stolen device password alone would sign in.
pub(super) async fn ask(place: Place<'_>, user: &User, device: &Device) -> Result<Outcome, Fault> {
    let place = Place { device_key: Some(&device.key), ..place };
    let session = ChallengeSession::new(place, user, Step::Device).seal(place.ports)?;
    let write = || async {
        let mut tx = place.ports.store.write_once().await?;
        tx.await_device(place.pool.id(), &user.sub, &device.key, &session).await
    };
    retrying(write).await?;
    Ok(Outcome::Challenged(Challenge {
        name: ChallengeNameType::DeviceSrpAuth,
        parameters: BTreeMap::new(),
        session: Some(session),
    }))
}

/// What the client carries from `DEVICE_PASSWORD_VERIFIER` to its answer, as `SECRET_BLOCK`.
#[derive(Serialize, Deserialize)]
struct DeviceBlock {
    /// The sign-in that waits for the proof.
    session: ChallengeSession,
    /// The device.
    key: String,
    exchange: BegunExchange,
}

/// Keeps the blocks of devices apart from those of passwords.
const BLOCK: &[u8] = b"device";

impl DeviceBlock {
    fn seal(&self, place: Place<'_>) -> Result<String, Fault> {
        let content = serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(|error| Fault::because("a device's secret block can't be written", error))?;
        let (ports, purpose) = (place.ports, Purpose::SecretBlock);
        Ok(STANDARD.encode(ports.keyring.seal(purpose, BLOCK, &content, &*ports.entropy)))
    }

    /// Reads a block that this client was given.
    fn open(place: Place<'_>, sealed: &[u8]) -> Option<Self> {
        let content = place.ports.keyring.open(Purpose::SecretBlock, BLOCK, sealed).ok()?;
        let block: Self = serde_json::from_slice(&content).ok()?;
        is_of(place, &block.session).then_some(block)
    }
}

/// Whether a session is one of this pool and client.
fn is_of(place: Place<'_>, session: &ChallengeSession) -> bool {
    session.client_id == place.client.id() && session.user_pool_id == place.pool.id()
}

/// The answer to `DEVICE_SRP_AUTH`, which leads to `DEVICE_PASSWORD_VERIFIER`.
pub(super) async fn begin_proof(
    place: Place<'_>,
    username: &str,
    session: Option<&str>,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let key = granted!(required(responses, "DEVICE_KEY"));
    let srp_a = granted!(required(responses, "SRP_A"));
    let Ok(client_public) = PublicKey::from_hex(srp_a) else {
        return Ok(Err(AnswerRefused::BadSrpA));
    };
    let session = granted!(waiting_session(place, username, key, session).await?);
    granted!(watch::check_network_of(place, &session).await?);
    let step = Answered { place, session: &session, username, responses };
    let (user, device) = granted!(waiting_user(step, key).await?);
    let (entropy, verifier) = (Arc::clone(&place.ports.entropy), device.verifier.verifier.clone());
    let exchange =
        compute(&*place.ports.workers, move || srp::Challenge::new(&verifier, &*entropy));
    let exchange = exchange.await?;
    let text = session.seal(place.ports)?;
    let block = DeviceBlock {
        session,
        key: key.to_owned(),
        exchange: BegunExchange::new(&client_public, &exchange),
    };
    let parameters = [
        ("DEVICE_KEY", key.to_owned()),
        ("SALT", device.verifier.salt_hex()),
        ("SECRET_BLOCK", block.seal(place)?),
        ("SRP_B", exchange.public_hex()),
        ("USERNAME", user.username),
    ];
    Ok(Ok(Outcome::Challenged(Challenge {
        name: ChallengeNameType::DevicePasswordVerifier,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        session: Some(text),
    })))
}

/// The session of the sign-in that waits for this device: the one that the client sends, or else
/// the one kept with the device.
async fn waiting_session(
    place: Place<'_>,
    username: &str,
    key: &str,
    sent: Option<&str>,
) -> Ruling<ChallengeSession, AnswerRefused> {
    let waits = |session: &ChallengeSession| {
        session.step == Step::Device
            && session.device_key.as_deref() == Some(key)
            && is_of(place, session)
    };
    let opened = sent.and_then(|text| ChallengeSession::open(place.ports, text).ok());
    if let Some(session) = opened.filter(waits) {
        return Ok(Ok(session));
    }
    let mut view = place.ports.store.read().await?;
    let unknown = AnswerRefused::SignIn(SignInRefused::UnknownDevice);
    let Some(user) = users::find(&mut *view, place.pool, username).await? else {
        return Ok(Err(unknown));
    };
    let Some(device) = view.device(place.pool.id(), &user.sub, key).await? else {
        return Ok(Err(unknown));
    };
    let none = sent.map_or_else(|| Missing("Session").into(), |_| SessionRefused::Invalid.into());
    let Some(kept) = device.waiting_session else { return Ok(Err(none)) };
    let kept = granted!(ChallengeSession::open(place.ports, &kept));
    Ok(if waits(&kept) { Ok(kept) } else { Err(none) })
}

/// The user of a waiting sign-in, and the device, if it is still remembered.
async fn waiting_user(step: Answered<'_>, key: &str) -> Ruling<(User, Device), AnswerRefused> {
    let (pool_id, session) = (step.place.pool.id(), step.session);
    let mut view = step.place.ports.store.read().await?;
    let (user, is_spent) = view.user_of_session(pool_id, &session.sub, &session.id).await?;
    let user = granted!(step.accept(user));
    if is_spent {
        return Ok(Err(SessionRefused::Spent.into()));
    }
    // One that is no longer remembered may not prove anything.
    let device = view.device(pool_id, &session.sub, key).await?;
    let device = device.filter(|device| device.is_remembered);
    Ok(device.map(|device| (user, device)).ok_or(SignInRefused::UnknownDevice.into()))
}

/// The answer to `DEVICE_PASSWORD_VERIFIER`: the proof.
///
/// It is taken by its `SECRET_BLOCK`, whatever the session sent with it. A right and a wrong one
/// alike use the sign-in up. Wrong ones are not counted: nobody guesses forty random bytes.
pub(super) async fn prove(
    place: Place<'_>,
    username: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let key = granted!(required(responses, "DEVICE_KEY"));
    let signature = granted!(required(responses, "PASSWORD_CLAIM_SIGNATURE")).to_owned();
    let sealed = granted!(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
    let timestamp = granted!(required(responses, "TIMESTAMP")).to_owned();
    let wrong = AnswerRefused::SignIn(SignInRefused::WrongPassword);
    let Ok(sealed) = STANDARD.decode(sealed) else { return Ok(Err(wrong)) };
    let block = DeviceBlock::open(place, &sealed).filter(|block| block.key == key);
    let Some(block) = block else { return Ok(Err(wrong)) };
    let (session, ports) = (block.session.clone(), place.ports);
    if ports.clock.now() >= session.expires_at {
        return Ok(Err(SessionRefused::Expired.into()));
    }
    granted!(watch::check_network_of(place, &session).await?);
    let step = Answered { place, session: &session, username, responses };
    let (_, device) = granted!(waiting_user(step, key).await?);
    let proof = SentProof { secret_block: sealed, timestamp, signature };
    let accepts = move || {
        let group_key = devices::group_key(&device.user_pool_id);
        let party = Party::device(&group_key, &block.key);
        block.exchange.accepts(party, &device.verifier.verifier, &proof)
    };
    let accepted = compute(&*ports.workers, accepts).await??;
    let mut tx = ports.store.write().await?;
    let user = tx.user_by_sub(place.pool.id(), &session.sub).await?;
    let user = granted!(step.accept(user));
    granted!(step.spend(&mut *tx).await?);
    if !accepted {
        tx.commit().await?;
        return Ok(Err(wrong));
    }
    let (ip, now) = (devices::address(ports), ports.clock.now());
    if !tx.use_device(place.pool.id(), &user.sub, key, ip.as_deref(), true, now).await? {
        return Ok(Err(SignInRefused::UnknownDevice.into()));
    }
    tx.commit().await?;
    let event = watch::of_session(&session);
    let source = Source::AuthenticateDevice;
    let custom =
        session.custom.as_ref().map(|f| f.after(ChallengeNameType::DevicePasswordVerifier));
    let (device_key, methods) = (Some(key), session.methods);
    let custom = custom.as_ref();
    let place = Place { event: event.as_ref(), source, custom, device_key, methods, ..place };
    if let Some(flow) = custom.filter(|flow| flow.is_open()) {
        return Ok(custom::go_on(place, flow, &user).await?.map_err(Into::into));
    }
    let tokens = granted!(next::tokens(place, &user, Some(key.to_owned()), false).await?);
    Ok(Ok(Outcome::SignedIn(tokens)))
}
