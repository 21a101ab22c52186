//! What must not be found in the database or in the logs, in any form it might have there.

use std::{ffi::OsStr, fs};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use poolhouse_acceptance::store::dump;
use poolhouse_acceptance::{Client, Engine, Server, Store, TestPool, both_engines, unique};
use serde_json::{Value, json};
use totp_rs::Secret;

use crate::authenticator::Authenticator;

both_engines!(secrets_are_neither_in_the_database_nor_in_the_logs);

/// Something that must not be found, and what it is.
struct Needle {
    name: String,
    bytes: Vec<u8>,
}

/// All forms of one secret.
fn needles(name: &str, secret: &[u8]) -> Vec<Needle> {
    let mut found = vec![("raw", secret.to_vec())];
    found.push(("hexadecimal", hex::encode(secret).into_bytes()));
    found.push(("HEXADECIMAL", hex::encode_upper(secret).into_bytes()));
    // Inside of something longer, base64 depends on where the secret begins.
    for skipped in 0..3 {
        let rest = &secret[skipped..];
        let whole = &rest[..rest.len() / 3 * 3];
        found.push(("base64", STANDARD_NO_PAD.encode(whole).into_bytes()));
        found.push(("base64url", URL_SAFE_NO_PAD.encode(whole).into_bytes()));
    }
    let named = found.into_iter();
    named.map(|(form, bytes)| Needle { name: format!("{name} ({form})"), bytes }).collect()
}

fn is_in(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn assert_free_of(haystack: &[u8], place: &str, needles: &[Needle]) {
    let found = needles.iter().filter(|needle| is_in(haystack, &needle.bytes));
    let found: Vec<&str> = found.map(|needle| needle.name.as_str()).collect();
    assert!(found.is_empty(), "in {place} of {} bytes: {found:?}", haystack.len());
}

async fn secrets_are_neither_in_the_database_nor_in_the_logs(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev_with(&store, &["--log-filter", "debug"]).await;
    let pool = TestPool::make(&server.client()).await;
    let username = unique("recognisable-name");
    let (mut secrets, tokens) = plant(&pool, &username).await;
    secrets.extend(private_keys(&pool).await);
    let master_key = fs::read_to_string(store.data().join("master.key")).unwrap();
    secrets.extend(needles("master key as text", master_key.trim().as_bytes()));
    secrets.extend(tokens);

    // Neither while the server runs, nor in what a crash leaves behind, nor after an orderly end.
    check_database(&store, &username, &secrets).await;
    let log = server.log();
    server.kill();
    check_database(&store, &username, &secrets).await;
    let again = Server::dev(&store).await;
    again.terminate();
    again.ended(std::time::Duration::from_secs(20)).await;
    check_database(&store, &username, &secrets).await;

    assert!(log.contains("VerifySoftwareToken"), "the log names no operations:\n{log}");
    assert_free_of(log.as_bytes(), "the log", &secrets);
}

/// Looks through everything that is stored. The username is there for sure, or else something is
/// wrong with the search.
async fn check_database(store: &Store, username: &str, secrets: &[Needle]) {
    let content = match store.database_url() {
        Some(url) => dump(url).await,
        None => files(store),
    };
    assert!(is_in(&content, username.as_bytes()), "the search finds nothing");
    assert_free_of(&content, "the database", secrets);
}

/// The content of the data folder, but for the keys that are kept beside the database: its own files
/// are the database and its log.
fn files(store: &Store) -> Vec<u8> {
    let files = fs::read_dir(store.data()).unwrap().map(|entry| entry.unwrap().path());
    let is_key = |name: &OsStr| name == "master.key" || name == "certificate-key.pem";
    let files = files.filter(|path| !is_key(path.file_name().unwrap()));
    files.flat_map(|path| fs::read(path).unwrap()).collect()
}

/// Gives a user every secret there is; the secrets, and the tokens that came of them.
async fn plant(pool: &TestPool, username: &str) -> (Vec<Needle>, Vec<Needle>) {
    let client = &pool.client;
    let first = format!("First-{}-9!", unique("password"));
    let second = format!("Second-{}-9!", unique("password"));
    pool.add_user(username, &first).await;
    let token = pool.sign_in(username, &first).await;
    let change = json!({
        "AccessToken": token, "PreviousPassword": first, "ProposedPassword": second,
    });
    client.ok("ChangePassword", change).await;
    let secret_code = set_up_totp(client, &token).await;
    let mut phone = Authenticator::new(&secret_code);
    verify_totp(client, &token, &mut phone).await;

    let challenge = client.ok("InitiateAuth", pool.password_auth(username, &second)).await;
    let answer = json!({
        "ClientId": pool.client_id,
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": challenge["Session"],
        "ChallengeResponses": {"USERNAME": username, "SOFTWARE_TOKEN_MFA_CODE": phone.code()},
    });
    let signed_in = client.ok("RespondToAuthChallenge", answer).await;
    // Refused requests are logged too.
    client.refused("InitiateAuth", pool.password_auth(username, &format!("{first}x"))).await;

    let app = json!({"UserPoolId": pool.id, "ClientName": "secret", "GenerateSecret": true});
    let app = client.ok("CreateUserPoolClient", app).await;
    let client_secret = text(&app["UserPoolClient"]["ClientSecret"]);

    let mut secrets = needles("first password", first.as_bytes());
    secrets.extend(needles("second password", second.as_bytes()));
    secrets.extend(needles("client secret", client_secret.as_bytes()));
    secrets.extend(needles("TOTP secret as text", secret_code.as_bytes()));
    let raw = Secret::try_from_base32(&secret_code).unwrap();
    secrets.extend(needles("TOTP secret", raw.as_ref()));
    let result = &signed_in["AuthenticationResult"];
    let tokens = [
        ("access token", &result["AccessToken"]),
        ("ID token", &result["IdToken"]),
        ("refresh token", &result["RefreshToken"]),
        ("session", &challenge["Session"]),
    ];
    let tokens = tokens
        .into_iter()
        .map(|(name, token)| Needle { name: name.to_owned(), bytes: text(token).into_bytes() });
    (secrets, tokens.collect())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn set_up_totp(client: &Client, token: &str) -> String {
    let associated = client.ok("AssociateSoftwareToken", json!({"AccessToken": token})).await;
    text(&associated["SecretCode"])
}

async fn verify_totp(client: &Client, token: &str, phone: &mut Authenticator) {
    let wrong = json!({"AccessToken": token, "UserCode": phone.wrong_code()});
    client.refused("VerifySoftwareToken", wrong).await;
    let right = json!({"AccessToken": token, "UserCode": phone.code()});
    client.ok("VerifySoftwareToken", right).await;
    let prefer = json!({
        "AccessToken": token,
        "SoftwareTokenMfaSettings": {"Enabled": true, "PreferredMfa": true},
    });
    client.ok("SetUserMFAPreference", prefer).await;
}

/// How the private parts of the pool's signing keys would begin, and those of any RSA key.
async fn private_keys(pool: &TestPool) -> Vec<Needle> {
    let keys = pool.client.get(&format!("/{}/.well-known/jwks.json", pool.id)).await.unwrap();
    let keys = keys.body["keys"].as_array().expect("keys").clone();
    assert!(!keys.is_empty());
    // An RSAPrivateKey (RFC 8017 appendix A.1.2): version 0, then the modulus, here of 2048 bits.
    let version = hex::decode("0201000282010100").unwrap();
    let mut found = needles("an RSA private key", &version);
    for key in &keys {
        let modulus = URL_SAFE_NO_PAD.decode(text(&key["n"])).unwrap();
        let start = [&version, &modulus[..32]].concat();
        found.extend(needles("a signing key of the pool", &start));
    }
    // A PrivateKeyInfo (RFC 5208): the identifier of RSA, then an octet string with the key.
    let info = hex::decode("06092a864886f70d01010105000482").unwrap();
    found.extend(needles("a PKCS #8 private key", &info));
    found.push(Needle { name: "a PEM private key".to_owned(), bytes: b"PRIVATE KEY".to_vec() });
    found
}
