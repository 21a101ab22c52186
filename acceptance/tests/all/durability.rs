//! What was acknowledged is there after the process was killed, and nothing is there by halves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use poolhouse_acceptance::pool::PASSWORD;
use poolhouse_acceptance::{
    Engine, Server, Store, TestPool, both_engines, random_below, seconds_now, unique,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::authenticator::Authenticator;

both_engines!(acknowledged_writes_survive_fifty_kills);

const KILLS: usize = 50;
const WRITERS: usize = 6;
/// How many users of a round are looked at right after it. At the end it is all of all rounds.
const SAMPLE: usize = 8;
const READERS: usize = 8;
/// How far the server's clock is moved at the end, in seconds: then every code that was shown is of
/// the past, and everybody can be asked for another one.
const AHEAD: i64 = 90;

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It was not asked for.
    No,
    /// It was asked for, and the process died before it answered.
    Maybe,
    /// It was acknowledged.
    Yes,
}

/// A user as the one who wrote it remembers it.
#[derive(Clone)]
struct Record {
    username: String,
    email: String,
    exists: Known,
    /// Has a permanent password and is allowed to use it.
    confirmed: Known,
    /// May be signed in with by the address too.
    has_alias: bool,
    /// The passwords that may be the right one. Several if a change was not acknowledged.
    passwords: Vec<String>,
    /// TOTP is asked for at sign-in.
    totp: Known,
    /// The software token, if it was acknowledged as verified.
    phone: Option<Authenticator>,
}

/// The process was killed.
struct Died;

async fn acknowledged_writes_survive_fifty_kills(engine: Engine) {
    let store = Store::fresh(engine).await;
    let mut server = start(&store).await;
    let pool = make_pool(&server).await;
    let mut records: Vec<Record> = Vec::new();
    for _ in 0..KILLS {
        let here = pool.over(&server.client());
        let answers = Arc::new(AtomicUsize::new(0));
        let writer = Writer { pool: here, answers: Arc::clone(&answers) };
        let writers = (0..WRITERS).map(|_| tokio::spawn(writer.clone().write()));
        let writers: Vec<_> = writers.collect();
        wait_for_a_moment_to_kill(&answers).await;
        server.kill();
        let first = records.len();
        for writer in writers {
            records.extend(writer.await.unwrap());
        }
        server = start(&store).await;
        let here = pool.over(&server.client());
        let sample: Vec<usize> = (first..records.len()).rev().step_by(3).take(SAMPLE).collect();
        for index in sample {
            check(&here, &mut records[index], 0).await;
        }
    }
    let acknowledged = records.iter().filter(|record| record.exists == Known::Yes).count();
    let changed = records.iter().filter(|record| record.confirmed == Known::Yes).count();
    let protected = records.iter().filter(|record| record.totp == Known::Yes).count();
    println!("{acknowledged} users, {changed} with password, {protected} with TOTP");
    assert!(changed > 2 * KILLS && protected > KILLS, "too little was written");

    let here = pool.over(&server.client());
    server.client().advance_clock(AHEAD).await;
    check_list(&here, &records).await;
    let places = Arc::new(Semaphore::new(READERS));
    let checks: Vec<_> = records
        .into_iter()
        .map(|mut record| {
            let (here, places) = (here.clone(), Arc::clone(&places));
            tokio::spawn(async move {
                let _place = places.acquire().await.unwrap();
                check(&here, &mut record, AHEAD).await;
            })
        })
        .collect();
    for check in checks {
        check.await.unwrap();
    }
}

async fn start(store: &Store) -> Server {
    Server::dev_with(store, &["--log-filter", "warn"]).await
}

/// A pool in which the address of a user is another name for signing in.
async fn make_pool(server: &Server) -> TestPool {
    let settings = json!({"PoolName": unique("durable"), "AliasAttributes": ["email"]});
    TestPool::make_with(&server.client(), settings).await
}

/// Waits until some writes were acknowledged, as many as chance will have it, and then until others
/// are under way.
async fn wait_for_a_moment_to_kill(answers: &AtomicUsize) {
    let enough = 30 + usize::try_from(random_below(120)).unwrap();
    let waiting = async {
        while answers.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("writes are acknowledged");
    tokio::time::sleep(Duration::from_micros(random_below(20_000))).await;
}

/// Who writes.
#[derive(Clone)]
struct Writer {
    pool: TestPool,
    /// How many requests were answered, to all writers together.
    answers: Arc<AtomicUsize>,
}

impl Writer {
    /// Writes users one after the other until the process dies; what became of each.
    async fn write(self) -> Vec<Record> {
        let mut records = Vec::new();
        loop {
            let mut record = Record::new();
            let ended = write_user(&self, &mut record).await;
            records.push(record);
            if ended.is_err() {
                return records;
            }
        }
    }

    /// The answer of an operation that succeeds while there is a process to answer.
    async fn acknowledged(&self, operation: &str, body: Value) -> Result<Value, Died> {
        let Ok(reply) = self.pool.client.try_call(operation, &body).await else {
            return Err(Died);
        };
        self.answers.fetch_add(1, Ordering::Relaxed);
        Ok(reply.ok(operation))
    }
}

impl Record {
    fn new() -> Self {
        let username = unique("user");
        Self {
            email: format!("{username}@example.com"),
            username,
            exists: Known::No,
            confirmed: Known::No,
            has_alias: false,
            passwords: Vec::new(),
            totp: Known::No,
            phone: None,
        }
    }
}

/// Creates a user, gives it a password and perhaps another one, and perhaps a second factor.
async fn write_user(writer: &Writer, record: &mut Record) -> Result<(), Died> {
    if random_below(2) == 0 {
        create(writer, record).await?;
    } else {
        sign_up(writer, record).await?;
    }
    if random_below(2) == 0 {
        let password = format!("{PASSWORD}{}", random_below(1_000_000));
        record.passwords.push(password.clone());
        set_password(writer, record, &password).await?;
    }
    if random_below(3) > 0 {
        set_up_totp(writer, record).await?;
    }
    Ok(())
}

async fn create(writer: &Writer, record: &mut Record) -> Result<(), Died> {
    record.exists = Known::Maybe;
    record.has_alias = true;
    let user = json!({
        "UserPoolId": writer.pool.id,
        "Username": record.username,
        "MessageAction": "SUPPRESS",
        "UserAttributes": [
            {"Name": "email", "Value": record.email},
            {"Name": "email_verified", "Value": "true"},
        ],
    });
    writer.acknowledged("AdminCreateUser", user).await?;
    record.exists = Known::Yes;
    record.confirmed = Known::Maybe;
    record.passwords = vec![PASSWORD.to_owned()];
    set_password(writer, record, PASSWORD).await
}

async fn sign_up(writer: &Writer, record: &mut Record) -> Result<(), Died> {
    record.exists = Known::Maybe;
    record.passwords = vec![PASSWORD.to_owned()];
    let user = json!({
        "ClientId": writer.pool.client_id,
        "Username": record.username,
        "Password": PASSWORD,
        "UserAttributes": [{"Name": "email", "Value": record.email}],
    });
    writer.acknowledged("SignUp", user).await?;
    record.exists = Known::Yes;
    record.confirmed = Known::Maybe;
    let confirm = json!({"UserPoolId": writer.pool.id, "Username": record.username});
    writer.acknowledged("AdminConfirmSignUp", confirm).await?;
    record.confirmed = Known::Yes;
    Ok(())
}

async fn set_password(writer: &Writer, record: &mut Record, password: &str) -> Result<(), Died> {
    let change = json!({
        "UserPoolId": writer.pool.id,
        "Username": record.username,
        "Password": password,
        "Permanent": true,
    });
    writer.acknowledged("AdminSetUserPassword", change).await?;
    record.confirmed = Known::Yes;
    record.passwords = vec![password.to_owned()];
    Ok(())
}

async fn set_up_totp(writer: &Writer, record: &mut Record) -> Result<(), Died> {
    let sign_in = writer.pool.password_auth(&record.username, &record.passwords[0]);
    let signed_in = writer.acknowledged("InitiateAuth", sign_in).await?;
    let token = signed_in["AuthenticationResult"]["AccessToken"].as_str().expect("a token");
    let associate = json!({"AccessToken": token});
    let associated = writer.acknowledged("AssociateSoftwareToken", associate).await?;
    let mut phone = Authenticator::new(associated["SecretCode"].as_str().unwrap());
    let verify = json!({"AccessToken": token, "UserCode": phone.code()});
    let verified = writer.acknowledged("VerifySoftwareToken", verify).await?;
    assert_eq!(verified["Status"], "SUCCESS");
    record.phone = Some(phone);
    record.totp = Known::Maybe;
    let prefer = json!({
        "AccessToken": token,
        "SoftwareTokenMfaSettings": {"Enabled": true, "PreferredMfa": true},
    });
    writer.acknowledged("SetUserMFAPreference", prefer).await?;
    record.totp = Known::Yes;
    Ok(())
}

/// The users that the pool lists are those that were acknowledged, and perhaps those that were
/// asked for. Each can be read in both ways.
async fn check_list(pool: &TestPool, records: &[Record]) {
    let mut listed = BTreeMap::new();
    let mut page = json!({"UserPoolId": pool.id, "Limit": 60});
    loop {
        let answer = pool.client.ok("ListUsers", page.clone()).await;
        for user in answer["Users"].as_array().unwrap() {
            let name = user["Username"].as_str().unwrap().to_owned();
            assert!(listed.insert(name, user.clone()).is_none(), "listed twice: {user}");
        }
        match answer.get("PaginationToken") {
            Some(token) => page["PaginationToken"] = token.clone(),
            None => break,
        }
    }
    let known: BTreeSet<&str> = records.iter().map(|record| record.username.as_str()).collect();
    for (name, user) in &listed {
        assert!(known.contains(name.as_str()), "nobody asked for {user}");
        let found = get_user(pool, name).await.unwrap_or_else(|| panic!("listed only: {user}"));
        assert_eq!(found["UserStatus"], user["UserStatus"], "{name}");
        assert_eq!(
            attribute(&found, "UserAttributes", "sub"),
            attribute(user, "Attributes", "sub")
        );
    }
    let missing = records
        .iter()
        .filter(|record| record.exists == Known::Yes && !listed.contains_key(&record.username));
    let missing: Vec<&str> = missing.map(|record| record.username.as_str()).collect();
    assert!(missing.is_empty(), "acknowledged and not listed: {missing:?}");
}

async fn get_user(pool: &TestPool, name: &str) -> Option<Value> {
    let body = json!({"UserPoolId": pool.id, "Username": name});
    let reply = pool.client.call("AdminGetUser", body).await;
    if reply.status == 200 {
        return Some(reply.body);
    }
    assert_eq!(reply.refusal().kind, "UserNotFoundException", "{}", reply.text);
    None
}

fn attribute(user: &Value, list: &str, name: &str) -> String {
    let attributes = user[list].as_array().unwrap_or_else(|| panic!("no {list}: {user}"));
    let found = attributes.iter().find(|attribute| attribute["Name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {user}"));
    found["Value"].as_str().unwrap().to_owned()
}

/// Whether a user is as its record says, and whole. The server's clock is `ahead` by some seconds.
async fn check(pool: &TestPool, record: &mut Record, ahead: i64) {
    let name = record.username.clone();
    let Some(user) = get_user(pool, &name).await else {
        assert_ne!(record.exists, Known::Yes, "{name} was acknowledged and is not there");
        return;
    };
    let sub = attribute(&user, "UserAttributes", "sub");
    assert_eq!(sub.len(), 36, "{user}");
    assert_eq!(attribute(&user, "UserAttributes", "email"), record.email);
    if record.has_alias {
        let by_alias = get_user(pool, &record.email).await;
        let by_alias = by_alias.unwrap_or_else(|| panic!("{name} has no alias"));
        assert_eq!(attribute(&by_alias, "UserAttributes", "sub"), sub);
    }
    let is_confirmed = user["UserStatus"] == "CONFIRMED";
    match record.confirmed {
        Known::Yes => assert!(is_confirmed, "{user}"),
        Known::No => assert!(!is_confirmed, "{user}"),
        Known::Maybe => {}
    }
    if is_confirmed {
        check_sign_in(pool, record, &sub, ahead).await;
    } else {
        let expected = if record.has_alias { "FORCE_CHANGE_PASSWORD" } else { "UNCONFIRMED" };
        assert_eq!(user["UserStatus"], expected, "{user}");
    }
}

/// Exactly one of the passwords that may be right is right, and the second factor is asked for if
/// that was acknowledged.
async fn check_sign_in(pool: &TestPool, record: &mut Record, sub: &str, ahead: i64) {
    let name = &record.username;
    let mut right = Vec::new();
    for password in &record.passwords {
        let reply = pool.client.call("InitiateAuth", pool.password_auth(name, password)).await;
        if reply.status == 200 {
            right.push((password.clone(), reply.body));
        } else {
            assert_eq!(reply.refusal().message, "Incorrect username or password.", "{name}");
        }
    }
    assert_eq!(right.len(), 1, "{name}: right passwords of {}", record.passwords.len());
    let (password, answer) = right.remove(0);
    record.passwords = vec![password];
    let challenge = answer["ChallengeName"].as_str();
    let result = match (challenge, record.totp) {
        (Some("SOFTWARE_TOKEN_MFA"), Known::Yes | Known::Maybe) => {
            record.totp = Known::Yes;
            let phone = record.phone.as_mut().expect("a software token");
            let Some(code) = phone.code_at(seconds_now() + ahead) else {
                // Its code of this half minute is used up. At the end it is asked again.
                assert_eq!(ahead, 0);
                return;
            };
            answer_totp(pool, name, &answer, &code).await
        }
        (None, Known::No | Known::Maybe) => answer,
        other => panic!("{name}: {other:?}: {answer}"),
    };
    let token = result["AuthenticationResult"]["AccessToken"].as_str().expect("a token");
    let user = pool.client.ok("GetUser", json!({"AccessToken": token})).await;
    assert_eq!(attribute(&user, "UserAttributes", "sub"), sub);
    if record.totp == Known::Maybe {
        // The token was acknowledged as verified: it can be made the second factor.
        let prefer = json!({
            "UserPoolId": pool.id,
            "Username": name,
            "SoftwareTokenMfaSettings": {"Enabled": true, "PreferredMfa": true},
        });
        pool.client.ok("AdminSetUserMFAPreference", prefer).await;
        record.totp = Known::Yes;
    }
}

async fn answer_totp(pool: &TestPool, name: &str, challenge: &Value, code: &str) -> Value {
    let answer = json!({
        "ClientId": pool.client_id,
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": challenge["Session"],
        "ChallengeResponses": {"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": code},
    });
    pool.client.ok("RespondToAuthChallenge", answer).await
}
