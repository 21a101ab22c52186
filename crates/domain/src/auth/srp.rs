//! Signing in by SRP: the password is proved, not sent.
//!
//! Between the two requests the client carries everything in `SECRET_BLOCK`; there is no session.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Challenge, Outcome, Parameters, Place,
    answer::AnswerRefused,
    first_factor::{self, SignInRefused, admit, identify, record_failure, stand_in},
    required,
    session::SessionRefused,
};
use crate::{
    fault::{Fault, Ruling},
    granted, ids,
    passwords::verifier::PasswordVerifier,
    ports::compute,
    sealing::Purpose,
    shapes::ChallengeNameType,
    srp::{self, Exchange, Party, Proof, PublicKey},
    time::Timestamp,
    users::User,
};

/// What the client carries from the challenge to the proof.
#[derive(Serialize, Deserialize)]
struct SecretBlock {
    /// Names the block; recorded when a wrong proof has used it up.
    id: String,
    user_pool_id: String,
    client_id: String,
    /// The user; none for a challenge that only pretends there is one.
    sub: Option<String>,
    /// The name that was hashed with the password.
    username: String,
    /// `A`, in hexadecimal digits.
    client_public: String,
    /// `b`, likewise.
    secret: String,
    /// `B`, likewise.
    public: String,
    /// When the password was set: a proof of an older one does not count.
    password_set_at: Option<Timestamp>,
    expires_at: Timestamp,
}

/// Answers `SRP_A` with a challenge. Somebody who isn't there gets one that looks the same, with
/// the same salt every time.
pub(super) async fn challenge(
    place: Place<'_>,
    login: &str,
    client_public: PublicKey,
) -> Ruling<Outcome, SignInRefused> {
    let user = granted!(identify(place, login).await?);
    let password = user.as_ref().and_then(|user| user.password.as_ref());
    let verifier = password.map_or_else(|| stand_in(place, login), |p| p.verifier.clone());
    let salt = verifier.salt_hex();
    let entropy = std::sync::Arc::clone(&place.ports.entropy);
    let exchange =
        compute(&*place.ports.workers, move || srp::Challenge::new(&verifier.verifier, &*entropy));
    let exchange = exchange.await?;
    let username = user.as_ref().map_or(login, |user| &user.username).to_owned();
    let block = SecretBlock {
        id: ids::random_uuid(&*place.ports.entropy),
        user_pool_id: place.pool.id().to_owned(),
        client_id: place.client.id().to_owned(),
        sub: user.as_ref().map(|user| user.sub.clone()),
        username: username.clone(),
        client_public: hex::encode(client_public.as_bytes()),
        secret: hex::encode(exchange.secret()),
        public: hex::encode(exchange.public()),
        password_set_at: password.map(|password| password.set_at),
        expires_at: place.ports.clock.now().plus_seconds(place.client.session_seconds()),
    };
    let parameters = [
        ("SALT", salt),
        ("SECRET_BLOCK", block.seal(place)?),
        ("SRP_B", exchange.public_hex()),
        ("USERNAME", username.clone()),
        ("USER_ID_FOR_SRP", username),
    ];
    Ok(Ok(Outcome::Challenged(Challenge {
        name: ChallengeNameType::PasswordVerifier,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        session: None,
    })))
}

impl SecretBlock {
    fn seal(&self, place: Place<'_>) -> Result<String, Fault> {
        let content = serde_json::to_vec(self)
            .map(Zeroizing::new)
            .map_err(|error| Fault::because("a secret block can't be written", error))?;
        let (ports, purpose) = (place.ports, Purpose::SecretBlock);
        Ok(STANDARD.encode(ports.keyring.seal(purpose, b"", &content, &*ports.entropy)))
    }

    /// Reads a block that this client was given.
    fn open(place: Place<'_>, sealed: &[u8]) -> Option<Self> {
        let content = place.ports.keyring.open(Purpose::SecretBlock, b"", sealed).ok()?;
        let block: Self = serde_json::from_slice(&content).ok()?;
        (block.client_id == place.client.id() && block.user_pool_id == place.pool.id())
            .then_some(block)
    }
}

/// Checks the answer to a challenge: `PASSWORD_VERIFIER`.
///
/// A wrong proof counts as a wrong password and uses the block up, so that each guess needs a new
/// challenge. The age of the block, not the client's `TIMESTAMP`, limits how long a proof is good:
/// clocks of devices are wrong, and the service's tolerance is not known.
pub(super) async fn answer(
    place: Place<'_>,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let signature = granted!(required(responses, "PASSWORD_CLAIM_SIGNATURE")).to_owned();
    let sealed = granted!(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
    let timestamp = granted!(required(responses, "TIMESTAMP")).to_owned();
    let wrong = AnswerRefused::SignIn(SignInRefused::WrongPassword);
    let Ok(sealed) = STANDARD.decode(sealed) else { return Ok(Err(wrong)) };
    let Some(block) = SecretBlock::open(place, &sealed) else { return Ok(Err(wrong)) };
    if place.ports.clock.now() >= block.expires_at {
        return Ok(Err(SessionRefused::Expired.into()));
    }
    if place.pool.settings.device_configuration.is_some() && responses.contains_key("DEVICE_KEY") {
        return Ok(Err(AnswerRefused::UnknownDevice));
    }
    let (user, is_spent) = read_for(place, &block).await?;
    let subject = first_factor::subject(place, user.as_ref(), &block.username);
    let failed_before = granted!(first_factor::check_lock(place, &subject).await?);
    let proof = OwnedProof { sealed, timestamp, signature };
    if !is_spent
        && accepts(place, &block, user.as_ref(), proof).await?
        && let Some(user) = user
    {
        return Ok(admit(place, &user, &subject, failed_before).await?.map_err(Into::into));
    }
    spend(place, &block).await?;
    record_failure(place, &subject).await?;
    Ok(Err(wrong))
}

/// The user of a block, and whether the block has been used up.
async fn read_for(place: Place<'_>, block: &SecretBlock) -> Result<(Option<User>, bool), Fault> {
    let mut tx = place.ports.store.read().await?;
    let user = match &block.sub {
        Some(sub) => tx.user_by_sub(place.pool.id(), sub).await?,
        None => None,
    };
    Ok((user, tx.spent_at(&block.id).await?.is_some()))
}

/// Uses a block up.
async fn spend(place: Place<'_>, block: &SecretBlock) -> Result<(), Fault> {
    let mut tx = place.ports.store.write().await?;
    tx.spend(&block.id, place.ports.clock.now(), block.expires_at).await?;
    tx.commit().await
}

/// A proof, to be taken to a worker.
struct OwnedProof {
    sealed: Vec<u8>,
    timestamp: String,
    signature: String,
}

/// Whether the proof shows the present password of the block's user. Costs the same for nobody.
async fn accepts(
    place: Place<'_>,
    block: &SecretBlock,
    user: Option<&User>,
    proof: OwnedProof,
) -> Result<bool, Fault> {
    let password = user.and_then(|user| user.password.as_ref());
    let is_current = password.is_some() && password.map(|p| p.set_at) == block.password_set_at;
    let verifier: PasswordVerifier =
        password.map_or_else(|| stand_in(place, &block.username), |p| p.verifier.clone());
    let (Ok(client_public), Ok(secret), Ok(public)) = (
        PublicKey::from_hex(&block.client_public),
        hex::decode(&block.secret).map(Zeroizing::new),
        hex::decode(&block.public),
    ) else {
        return Err(Fault::broken("a secret block holds no numbers"));
    };
    let (pool_id, username) = (place.pool.id().to_owned(), block.username.clone());
    let accepted = compute(&*place.ports.workers, move || {
        let exchange = Exchange {
            party: Party::user(&pool_id, &username),
            client: &client_public,
            challenge: &srp::Challenge::resume(secret, public),
            verifier: &verifier.verifier,
        };
        let OwnedProof { sealed, timestamp, signature } = &proof;
        srp::read_timestamp(timestamp).is_some()
            && exchange.accepts(&Proof { secret_block: sealed, timestamp, signature })
    });
    Ok(accepted.await? && is_current)
}
