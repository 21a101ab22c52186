//! Signing in by SRP: the password is proved, not sent.
//!
//! Between the two requests the client carries everything in `SECRET_BLOCK`; there is no session.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Challenge, Outcome, Parameters, Person, Place,
    answer::AnswerRefused,
    check_secret_hash,
    custom::Flow,
    device,
    first_factor::{self, Known, SignInRefused, admit, guess, stand_in},
    required,
    session::SessionRefused,
    watch,
};
use crate::{
    auth_levels::{Level, Methods},
    devices,
    fault::{Fault, Ruling},
    granted, ids,
    ports::compute,
    sealing::Purpose,
    shapes::ChallengeNameType,
    srp::{self, Exchange, Party, Proof, PublicKey},
    threat_protection::compromised::Finding,
    time::Timestamp,
    users::{self, User},
};

/// What the client carries from the challenge to the proof.
#[derive(Serialize, Deserialize)]
struct SecretBlock {
    /// Names the block; recorded when a wrong proof has used it up.
    id: String,
    user_pool_id: String,
    client_id: String,
    /// The user; for a challenge that only pretends there is one, a `sub` that nobody has. All
    /// members are there in either case: the length of a sealed block shows.
    sub: String,
    /// The name that was hashed with the password.
    username: String,
    /// The name that was typed.
    login: String,
    /// The device that was named with `SRP_A`, if what was sent can be the key of one.
    device_key: Option<String>,
    exchange: BegunExchange,
    /// When the password was set: a proof of an older one does not count. Without password, when
    /// the block was made.
    password_set_at: Timestamp,
    expires_at: Timestamp,
    /// The custom sign-in in which the password is proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom: Option<Flow>,
    /// What was shown before, and what the application wants to be reached.
    methods: Methods,
    target: Level,
}

/// Answers `SRP_A` with a challenge. Somebody who isn't there gets one that looks the same, with
/// the same salt and username every time.
pub(super) async fn challenge(
    place: Place<'_>,
    login: &str,
    user: Option<&User>,
    client_public: PublicKey,
) -> Result<Challenge, Fault> {
    let person = Person { login, user };
    let username = person.shown_username(place);
    let password = user.and_then(|user| user.password.as_ref());
    let verifier = password.map_or_else(|| stand_in(place, login), |p| p.verifier.clone());
    let salt = verifier.salt_hex();
    let entropy = std::sync::Arc::clone(&place.ports.entropy);
    let exchange =
        compute(&*place.ports.workers, move || srp::Challenge::new(&verifier.verifier, &*entropy));
    let exchange = exchange.await?;
    let now = place.ports.clock.now();
    let block = SecretBlock {
        id: ids::random_uuid(&*place.ports.entropy),
        user_pool_id: place.pool.id().to_owned(),
        client_id: place.client.id().to_owned(),
        sub: person.sub(place),
        username: username.clone(),
        login: login.to_owned(),
        device_key: place.device_key.filter(|key| devices::may_be_key(key)).map(str::to_owned),
        exchange: BegunExchange::new(&client_public, &exchange),
        password_set_at: password.map_or(now, |password| password.set_at),
        expires_at: now.plus_seconds(place.client.session_seconds()),
        custom: place.custom.cloned(),
        methods: place.methods,
        target: place.target,
    };
    let parameters = [
        ("SALT", salt),
        ("SECRET_BLOCK", block.seal(place)?),
        ("SRP_B", exchange.public_hex()),
        ("USERNAME", username.clone()),
        ("USER_ID_FOR_SRP", username),
    ];
    Ok(Challenge {
        name: ChallengeNameType::PasswordVerifier,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        session: None,
    })
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
/// challenge. A right one leaves it: recording it would make every sign-in write, only to stop a
/// replay by somebody who reads the client's traffic, tokens included. The age of the block, not the
/// client's `TIMESTAMP`, limits how long a proof is good: clocks of devices are wrong, and the
/// service's tolerance is not known.
pub(super) async fn answer(
    place: Place<'_>,
    username: &str,
    responses: &Parameters,
) -> Ruling<Outcome, AnswerRefused> {
    let signature = granted!(required(responses, "PASSWORD_CLAIM_SIGNATURE")).to_owned();
    let sealed = granted!(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
    let timestamp = granted!(required(responses, "TIMESTAMP")).to_owned();
    let wrong = AnswerRefused::SignIn(SignInRefused::WrongPassword);
    let Ok(sealed) = STANDARD.decode(sealed) else { return Ok(Err(wrong)) };
    let Some(block) = SecretBlock::open(place, &sealed) else { return Ok(Err(wrong)) };
    let place = Place { methods: block.methods, target: block.target, ..place };
    let names = [username, &block.username];
    granted!(check_secret_hash(place.client, &names, responses));
    if place.ports.clock.now() >= block.expires_at {
        return Ok(Err(SessionRefused::Expired.into()));
    }
    let user = user_of(place, &block).await?;
    let is_named = match &user {
        Some(user) => users::is_named(place.pool, user, username),
        // Somebody would be known by both names.
        None => [&block.username, &block.login]
            .iter()
            .any(|name| place.pool.name_key(name) == place.pool.name_key(username)),
    };
    if !is_named {
        return Ok(Err(wrong));
    }
    let subject = first_factor::subject(place, user.as_ref(), &block.login);
    let proof = SentProof { secret_block: sealed, timestamp, signature };
    let named_before = block.device_key.clone();
    let custom = block.custom.as_ref().map(|f| f.after(ChallengeNameType::PasswordVerifier));
    let check = is_right(place, block, user.as_ref(), proof);
    granted!(watch::check_network(place, user.as_ref()).await?);
    let guessed = guess(place, &subject, check).await?;
    let failed_before = granted!(watch::guessed(place, user.as_ref(), guessed).await?);
    let Some(user) = user else { return Err(Fault::broken("nobody has a right password")) };
    let place = device::recalled(place, &user, named_before.as_deref()).await?;
    let place = Place { custom: custom.as_ref(), ..place };
    let known = Known { user, subject, failed_before, finding: Finding::default() };
    Ok(admit(place, &known).await?.map_err(Into::into))
}

/// The user of a block.
async fn user_of(place: Place<'_>, block: &SecretBlock) -> Result<Option<User>, Fault> {
    place.ports.store.read().await?.user_by_sub(place.pool.id(), &block.sub).await
}

/// Whether the block is unused and the proof right. Uses the block up if it isn't.
fn is_right(
    place: Place<'_>,
    block: SecretBlock,
    user: Option<&User>,
    proof: SentProof,
) -> impl Future<Output = Result<bool, Fault>> + Send + 'static {
    let ports = place.ports.clone();
    let password = user.and_then(|user| user.password.as_ref());
    let is_current = password.is_some_and(|p| p.set_at == block.password_set_at);
    let verifier = password.map_or_else(|| stand_in(place, &block.login), |p| p.verifier.clone());
    async move {
        if ports.store.read().await?.spent_at(&block.id).await?.is_some() {
            return Ok(false);
        }
        let (id, expires_at) = (block.id.clone(), block.expires_at);
        let accepts = move || {
            let party = Party::user(&block.user_pool_id, &block.username);
            block.exchange.accepts(party, &verifier.verifier, &proof)
        };
        let accepted = compute(&*ports.workers, accepts);
        if accepted.await?? && is_current {
            return Ok(true);
        }
        let mut tx = ports.store.write_once().await?;
        tx.spend(&id, ports.clock.now(), expires_at).await?;
        Ok(false)
    }
}

/// A proof as the client has sent it, to be taken to a worker.
pub(super) struct SentProof {
    pub(super) secret_block: Vec<u8>,
    pub(super) timestamp: String,
    pub(super) signature: String,
}

/// An exchange between challenge and proof, of a password or of a device, as secret blocks hold it.
#[derive(Serialize, Deserialize)]
pub(super) struct BegunExchange {
    /// `A`, in hexadecimal digits.
    client_public: String,
    /// `b`, likewise.
    secret: String,
    /// `B`, likewise.
    public: String,
}

impl BegunExchange {
    /// The exchange of a challenge that answers `A`.
    pub(super) fn new(client: &PublicKey, challenge: &srp::Challenge) -> Self {
        Self {
            client_public: hex::encode(client.as_bytes()),
            secret: hex::encode(challenge.secret()),
            public: hex::encode(challenge.public()),
        }
    }

    /// Whether the proof shows the password of this verifier. Heavy. Costs the same for nobody's.
    pub(super) fn accepts(
        &self,
        party: Party<'_>,
        verifier: &[u8],
        proof: &SentProof,
    ) -> Result<bool, Fault> {
        let (Ok(client), Ok(secret), Ok(public)) = (
            PublicKey::from_hex(&self.client_public),
            hex::decode(&self.secret).map(Zeroizing::new),
            hex::decode(&self.public),
        ) else {
            return Err(Fault::broken("a secret block holds no numbers"));
        };
        let challenge = srp::Challenge::resume(secret, public);
        let exchange = Exchange { party, client: &client, challenge: &challenge, verifier };
        let SentProof { secret_block, timestamp, signature } = proof;
        Ok(srp::read_timestamp(timestamp).is_some()
            && exchange.accepts(&Proof { secret_block, timestamp, signature }))
    }
}
