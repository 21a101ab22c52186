//! An import that is killed goes on where it was: nobody comes in twice, and the counters are exact.

use std::{fmt::Write, time::Duration};

use bytes::Bytes;
use http::Request;
use poolhouse_acceptance::{Engine, Server, Store, TestPool, both_engines, moment, server, unique};
use serde_json::{Value, json};

both_engines!(an_import_survives_kills);

/// Users in the file, and how many of them are there twice.
const USERS: usize = 12_000;
const TWICE: usize = 500;
const KILLS: usize = 4;
/// A killed worker's lease must run out before another goes on.
const TIME_TO_FINISH: Duration = Duration::from_mins(4);

async fn an_import_survives_kills(engine: Engine) {
    let store = Store::fresh(engine).await;
    let mut server = Server::dev_with(&store, &["--log-filter", "warn"]).await;
    let settings = json!({"PoolName": unique("import"), "AutoVerifiedAttributes": ["email"]});
    let pool = TestPool::make_with(&server.client(), settings).await;
    let job = begin(&pool).await;
    for kill in 1..=KILLS {
        let here = pool.over(&server.client());
        let enough = i64::try_from(USERS * kill / (KILLS + 2)).unwrap();
        until(&here, &job, |seen| imported(seen) >= enough).await;
        server.kill();
        server = Server::dev_with(&store, &["--log-filter", "warn"]).await;
    }
    let here = pool.over(&server.client());
    let done = until(&here, &job, |seen| seen["Status"] != "InProgress").await;
    assert_eq!(done["Status"], "Succeeded", "{done}");
    assert_eq!(
        [&done["ImportedUsers"], &done["SkippedUsers"], &done["FailedUsers"]],
        [&json!(USERS), &json!(TWICE), &json!(0)]
    );
    let described = here.client.ok("DescribeUserPool", json!({"UserPoolId": here.id})).await;
    assert_eq!(described["UserPool"]["EstimatedNumberOfUsers"], json!(USERS));
    assert_eq!(listed(&here).await, USERS);
    check_log(&here, &job).await;
    let mut arguments = vec!["import-log", "--user-pool-id", &here.id, "--job-id", &job];
    let installation = store.arguments();
    arguments.extend(installation.iter().map(String::as_str));
    let printed = server::run(&store, &arguments);
    assert!(printed.lines().map(str::to_owned).eq(log_lines()));
}

/// What the log says at the end.
fn log_lines() -> impl Iterator<Item = String> {
    (0..USERS + TWICE).map(|index| {
        let (kind, what) = if index < USERS {
            ("SUCCEEDED", "The import succeeded.")
        } else {
            ("SKIPPED", "The user already exists.")
        };
        format!("[{kind}] Line Number {} - {what}", index + 2)
    })
}

/// Uploads a file and starts its job; the job's id.
async fn begin(pool: &TestPool) -> String {
    let header = pool.client.ok("GetCSVHeader", json!({"UserPoolId": pool.id})).await;
    let header: Vec<&str> =
        header["CSVHeader"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut file = header.join(",") + "\n";
    for number in 0..USERS + TWICE {
        let name = format!("user{}", number % USERS);
        let values = header.iter().map(|column| match *column {
            "cognito:username" => name.clone(),
            "cognito:mfa_enabled" => "false".to_owned(),
            "email" => format!("{name}@example.com"),
            "email_verified" => "true".to_owned(),
            _ => String::new(),
        });
        writeln!(file, "{}", values.collect::<Vec<_>>().join(",")).unwrap();
    }
    let job = json!({
        "UserPoolId": pool.id,
        "JobName": "job",
        "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/import",
    });
    let made = pool.client.ok("CreateUserImportJob", job).await;
    let made = &made["UserImportJob"];
    let put = Request::put(made["PreSignedUrl"].as_str().unwrap()).body(Bytes::from(file));
    assert_eq!(pool.client.send(put.unwrap()).await.unwrap().status, 200);
    let id = made["JobId"].as_str().unwrap().to_owned();
    pool.client.ok("StartUserImportJob", json!({"UserPoolId": pool.id, "JobId": id})).await;
    id
}

fn imported(job: &Value) -> i64 {
    job["ImportedUsers"].as_i64().unwrap()
}

/// Asks until the job is there, and answers it.
async fn until(pool: &TestPool, job: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    let begin = moment();
    loop {
        let input = json!({"UserPoolId": pool.id, "JobId": job});
        let mut seen = pool.client.ok("DescribeUserImportJob", input).await;
        let seen = seen["UserImportJob"].take();
        if is_there(&seen) {
            return seen;
        }
        assert!(begin.elapsed() < TIME_TO_FINISH, "{seen}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many users the pool lists, all of them whole.
async fn listed(pool: &TestPool) -> usize {
    let mut names = std::collections::BTreeSet::new();
    let mut page = json!({"UserPoolId": pool.id, "Limit": 60});
    loop {
        let answer = pool.client.ok("ListUsers", page.clone()).await;
        for user in answer["Users"].as_array().unwrap() {
            assert_eq!(user["UserStatus"], "RESET_REQUIRED", "{user}");
            assert!(names.insert(user["Username"].as_str().unwrap().to_owned()), "twice: {user}");
        }
        match answer.get("PaginationToken") {
            Some(token) => page["PaginationToken"] = token.clone(),
            None => return names.len(),
        }
    }
}

/// Each line of the file is in the log once.
async fn check_log(pool: &TestPool, job: &str) {
    let (mut lines, mut after) = (Vec::new(), "0".to_owned());
    while !after.is_empty() {
        let path = format!("/_poolhouse/imports/{}/{job}/log?after={after}", pool.id);
        let reply = pool.client.get(&path).await.unwrap();
        lines.extend(reply.text.lines().map(str::to_owned));
        after = reply.headers.get("x-poolhouse-after").map_or("", |v| v.to_str().unwrap()).into();
    }
    assert!(lines.into_iter().eq(log_lines()));
}
