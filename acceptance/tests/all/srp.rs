//! Signing in by SRP over the wire, with names and passwords of all kinds.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolhouse_acceptance::{
    Engine, Refusal, Server, Store, TestPool, both_engines, random, random_below, seconds_now,
    unique,
};
use poolhouse_domain::ports::Entropy;
use poolhouse_domain::srp::Party;
use poolhouse_domain::srp::client::{ChallengeParameters, Client, timestamp};
use poolhouse_domain::time::Timestamp;
use serde_json::{Value, json};

both_engines!(
    right_proofs_sign_in_whatever_the_name_and_the_password,
    wrong_proofs_are_refused,
    multiples_of_the_modulus_get_a_challenge_and_no_tokens,
);

/// In this many rounds, half of all salts, keys and secrets have their top bit set, and some begin
/// with a zero byte.
const ROUNDS: usize = 200;
const CONCURRENCY: usize = 4;

struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            [*byte] = random();
        }
    }
}

async fn right_proofs_sign_in_whatever_the_name_and_the_password(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let pool = TestPool::make(&server.client()).await;
    let workers = (0..CONCURRENCY).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS / CONCURRENCY {
                let (username, password) = (random_username(), random_password());
                pool.add_user(&username, &password).await;
                let attempt = Attempt::start(&pool, &username).await;
                let answer = attempt.prove(&pool, &password).await;
                let token = answer["AuthenticationResult"]["AccessToken"].as_str();
                let token = token.unwrap_or_else(|| panic!("{username} {password}: {answer}"));
                let user = pool.client.ok("GetUser", json!({"AccessToken": token})).await;
                assert_eq!(user["Username"], attempt.user_id.as_str());
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

async fn wrong_proofs_are_refused(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let pool = TestPool::make(&server.client()).await;
    let password = random_password();
    let (username, other) = (random_username(), random_username());
    pool.add_user(&username, &password).await;
    pool.add_user(&other, &password).await;

    let attempt = Attempt::start(&pool, &username).await;
    let wrong_password = attempt.responses(&format!("{password}x"), &now());
    assert_eq!(attempt.answer(&pool, wrong_password).await, incorrect());

    let attempt = Attempt::start(&pool, &username).await;
    let mut altered = attempt.responses(&password, &now());
    altered["PASSWORD_CLAIM_SIGNATURE"] = json!(STANDARD.encode([7; 32]));
    assert_eq!(attempt.answer(&pool, altered).await, incorrect());

    // The proof covers the time: another one does not go with it.
    let attempt = Attempt::start(&pool, &username).await;
    let mut retimed = attempt.responses(&password, &now());
    let earlier = timestamp(Timestamp::from_seconds(seconds_now() - 100)).unwrap();
    retimed["TIMESTAMP"] = json!(earlier);
    assert_eq!(attempt.answer(&pool, retimed).await, incorrect());

    // A block that belongs to somebody else's exchange.
    let attempt = Attempt::start(&pool, &username).await;
    let others = Attempt::start(&pool, &other).await;
    let mut swapped = attempt.responses(&password, &now());
    swapped["PASSWORD_CLAIM_SECRET_BLOCK"] = json!(others.secret_block);
    assert_eq!(attempt.answer(&pool, swapped).await, incorrect());

    // A password that was changed between challenge and proof.
    let attempt = Attempt::start(&pool, &other).await;
    let changed = json!({
        "UserPoolId": pool.id, "Username": other, "Password": "Battery-Staple-7?",
        "Permanent": true,
    });
    pool.client.ok("AdminSetUserPassword", changed).await;
    let stale = attempt.responses(&password, &now());
    assert_eq!(attempt.answer(&pool, stale).await, incorrect());

    // The four failures above were one short of a lock-out.
    let attempt = Attempt::start(&pool, &username).await;
    let answer = attempt.prove(&pool, &password).await;
    assert!(answer["AuthenticationResult"]["AccessToken"].is_string(), "{answer}");
}

/// Whoever sends A ≡ 0 (mod N) knows the shared secret, which is then 0, without the password.
async fn multiples_of_the_modulus_get_a_challenge_and_no_tokens(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let pool = TestPool::make(&server.client()).await;
    let modulus = hex::decode(MODULUS).unwrap();
    let mut twice: Vec<u8> = vec![1];
    twice.extend(doubled(&modulus));
    for public in [vec![0], modulus, twice] {
        let username = random_username();
        pool.add_user(&username, &random_password()).await;
        let attempt = Attempt::with_public(&pool, &username, &hex::encode(&public)).await;
        let signature = forged(&attempt, &public, &now());
        let forged = json!({
            "USERNAME": attempt.user_id,
            "TIMESTAMP": now(),
            "PASSWORD_CLAIM_SECRET_BLOCK": attempt.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": signature,
        });
        assert_eq!(attempt.answer(&pool, forged).await, incorrect());
    }
}

fn incorrect() -> Refusal {
    Refusal::new("NotAuthorizedException", "Incorrect username or password.")
}

fn now() -> String {
    timestamp(Timestamp::from_seconds(seconds_now())).unwrap()
}

/// A started sign-in.
struct Attempt {
    client: Client,
    pool_id: String,
    user_id: String,
    salt: String,
    srp_b: String,
    secret_block: String,
}

impl Attempt {
    async fn start(pool: &TestPool, username: &str) -> Self {
        let client = Client::new(&MachineEntropy);
        let public = client.public_hex();
        Self { client, ..Self::with_public(pool, username, &public).await }
    }

    /// Sends this `SRP_A`, whatever it is.
    async fn with_public(pool: &TestPool, username: &str, srp_a: &str) -> Self {
        let start = json!({
            "AuthFlow": "USER_SRP_AUTH",
            "ClientId": pool.client_id,
            "AuthParameters": {"USERNAME": username, "SRP_A": srp_a},
        });
        let challenge = pool.client.ok("InitiateAuth", start).await;
        assert_eq!(challenge["ChallengeName"], "PASSWORD_VERIFIER");
        let parameter = |name: &str| {
            let value = challenge["ChallengeParameters"][name].as_str();
            value.unwrap_or_else(|| panic!("no {name}: {challenge}")).to_owned()
        };
        Self {
            client: Client::new(&MachineEntropy),
            pool_id: pool.id.clone(),
            user_id: parameter("USER_ID_FOR_SRP"),
            salt: parameter("SALT"),
            srp_b: parameter("SRP_B"),
            secret_block: parameter("SECRET_BLOCK"),
        }
    }

    /// What a client answers who takes this to be the password.
    fn responses(&self, password: &str, timestamp: &str) -> Value {
        let challenge = ChallengeParameters {
            salt: &self.salt,
            srp_b: &self.srp_b,
            secret_block: &self.secret_block,
        };
        let party = Party::user(&self.pool_id, &self.user_id);
        let signature = self.client.sign(party, password, &challenge, timestamp).unwrap();
        json!({
            "USERNAME": self.user_id,
            "TIMESTAMP": timestamp,
            "PASSWORD_CLAIM_SECRET_BLOCK": self.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": signature,
        })
    }

    fn request(pool: &TestPool, responses: &Value) -> Value {
        json!({
            "ChallengeName": "PASSWORD_VERIFIER",
            "ClientId": pool.client_id,
            "ChallengeResponses": responses,
        })
    }

    /// Proves the password; the whole answer.
    async fn prove(&self, pool: &TestPool, password: &str) -> Value {
        let request = Self::request(pool, &self.responses(password, &now()));
        pool.client.ok("RespondToAuthChallenge", request).await
    }

    /// Answers the challenge in a way that must be refused.
    async fn answer(&self, pool: &TestPool, responses: Value) -> Refusal {
        let request = Self::request(pool, &responses);
        pool.client.refused("RespondToAuthChallenge", request).await
    }
}

/// The signature under the key that follows from a shared secret of 0.
fn forged(attempt: &Attempt, public: &[u8], timestamp: &str) -> String {
    let srp_b = hex::decode(format!("{:0>768}", attempt.srp_b)).unwrap();
    let public_keys = [padded(public), padded(&srp_b)].concat();
    let u = padded(digest::digest(&digest::SHA256, &public_keys).as_ref());
    let mac = |key: &[u8], message: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
    };
    let key = mac(&mac(&u, &[0]), b"Caldera Derived Key\x01");
    let (_, group) = attempt.pool_id.split_once('_').unwrap();
    let block = STANDARD.decode(&attempt.secret_block).unwrap();
    let message = [group.as_bytes(), attempt.user_id.as_bytes(), &block, timestamp.as_bytes()];
    STANDARD.encode(mac(&key[..16], &message.concat()))
}

/// The shortest big-endian form whose top bit is clear.
fn padded(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let mut shortest = number[start..].to_vec();
    if shortest.first().is_none_or(|byte| *byte >= 0x80) {
        shortest.insert(0, 0);
    }
    shortest
}

/// Twice a number whose top bit is set, without the carry that comes out at the top.
fn doubled(number: &[u8]) -> Vec<u8> {
    let carries = number.iter().skip(1).map(|byte| byte >> 7).chain([0]);
    number.iter().zip(carries).map(|(byte, carry)| (byte << 1) | carry).collect()
}

/// Letters, marks, numbers, symbols and punctuation of several scripts; no white space.
const CHARACTERS: [char; 40] = [
    'a', 'Z', '5', '$', '^', '*', '.', '[', ']', '{', '}', '"', '\\', '/', '<', '~', 'ß', 'é', 'Å',
    'ł', 'Ω', 'я', 'Ж', 'ש', 'ع', 'क', 'ท', '漢', '字', 'ひ', '한', '€', '½', '²', '—', '¿',
    '\u{301}', '😀', '𝔘', '🏊',
];

fn random_text(longest: u64) -> String {
    let letter = |_| CHARACTERS[usize::try_from(random_below(40)).unwrap()];
    (0..=random_below(longest)).map(letter).collect()
}

/// At most 128 UTF-16 units.
fn random_username() -> String {
    format!("{}{}", unique("u"), random_text(50))
}

/// Satisfies the default policy (the eight characters in the middle do so alone), in at most 256
/// UTF-16 units.
fn random_password() -> String {
    format!("{}Aa1!Zz2?{}", random_text(60), random_text(60))
}

/// The prime of RFC 3526 group 15.
const MODULUS: &str = "\
ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f\
83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7\
abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200c\
bbe117577a615d6c770988c0bad946e208e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff";
