//! What happens once in a while and takes longer: importing many users, and deleting a large pool.
//! How long it takes, how much memory the server needs at most, and whether others notice.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use poolhouse_domain::ports::Store;
use serde_json::{Value, json};

use crate::{
    Args, Outcome,
    http::{Connection, text},
    server::{Installation, Server},
    time::{Stopwatch, millis, percentile},
    world::{Pool, World, username},
};

/// How often it is asked whether a job has ended.
const POLL: Duration = Duration::from_millis(100);

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Import,
    DeleteUserPool,
}

impl Job {
    /// In this order: the deletion takes away what the others need.
    pub(crate) const ALL: [Self; 2] = [Self::Import, Self::DeleteUserPool];

    /// The name in tables and for `--only`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Import => "job: CSV import",
            Self::DeleteUserPool => "job: DeleteUserPool",
        }
    }
}

/// Runs a job on a server of its own and prints what it took.
pub(crate) async fn run(
    job: Job,
    args: &Args,
    installation: &Installation,
    world: &World,
) -> Outcome {
    let server = Server::start(installation).await?;
    server.settle().await?;
    let quiet = neighbour(server.address(), &world.mfa, args.seconds, None).await?;
    server.forget_peak()?;
    let before = server.cpu_time()?;
    let stopwatch = Stopwatch::start();
    let ended = Arc::new(AtomicBool::new(false));
    let (mfa, flag, address) = (world.mfa.id.clone(), Arc::clone(&ended), server.address());
    let beside = tokio::spawn(async move {
        let pool = Pool { id: mfa, client_id: String::new() };
        neighbour(address, &pool, 3_600, Some(flag)).await
    });
    let rows = match job {
        Job::Import => import(server.address(), args.imported).await?,
        Job::DeleteUserPool => delete(server.address(), installation, world).await?,
    };
    let (elapsed, cpu) = (stopwatch.elapsed(), server.cpu_time()?.saturating_sub(before));
    ended.store(true, Ordering::Relaxed);
    let busy = beside.await??;
    let peak = f64::from(u32::try_from(server.peak_kib()?)?) / 1024.0;
    println!(
        "\n{}: {rows} users in {:.1} s ({:.0} a second), {:.1} s of CPU time, at most {peak:.1} MiB; \
         AdminGetUser of another pool p50 {:.2} ms, p99 {:.2} ms (alone {:.2} and {:.2} ms)",
        job.name(),
        elapsed.as_secs_f64(),
        f64::from(rows) / elapsed.as_secs_f64(),
        cpu.as_secs_f64(),
        percentile(&busy, 50),
        percentile(&busy, 99),
        percentile(&quiet, 50),
        percentile(&quiet, 99),
    );
    Ok(())
}

/// Reads users of another pool on one connection, until it is told to end or time is up. Answers
/// the latencies in milliseconds, ascending.
async fn neighbour(
    address: SocketAddr,
    pool: &Pool,
    seconds: u64,
    ended: Option<Arc<AtomicBool>>,
) -> Outcome<Vec<f64>> {
    let mut connection = Connection::open(address).await?;
    let (stopwatch, mut latencies) = (Stopwatch::start(), Vec::new());
    let is_ended = || ended.as_ref().is_some_and(|ended| ended.load(Ordering::Relaxed));
    let mut number = 0;
    while stopwatch.elapsed() < Duration::from_secs(seconds) && !is_ended() {
        let input = json!({ "UserPoolId": pool.id, "Username": username(number % 1_000) });
        connection.call("AdminGetUser", &input).await?;
        latencies.push(millis(connection.take_waited()));
        number += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

/// Deletes the large pool and waits until nothing of its users is left.
async fn delete(address: SocketAddr, installation: &Installation, world: &World) -> Outcome<u32> {
    let pool_id = world.large.id.as_str();
    let mut connection = Connection::open(address).await?;
    connection.call("DeleteUserPool", &json!({ "UserPoolId": pool_id })).await?;
    let store = installation.open_store().await?;
    while !store.read().await?.list_users(pool_id, None, None, 1).await?.is_empty() {
        tokio::time::sleep(POLL).await;
    }
    store.close().await;
    Ok(world.users)
}

/// Imports so many users into a new pool.
async fn import(address: SocketAddr, users: u32) -> Outcome<u32> {
    let mut connection = Connection::open(address).await?;
    let input = json!({ "PoolName": "imported", "AutoVerifiedAttributes": ["email"] });
    let answer = connection.call("CreateUserPool", &input).await?;
    let pool_id = text(&answer, "/UserPool/Id")?.to_owned();
    let header = connection.call("GetCSVHeader", &json!({ "UserPoolId": pool_id })).await?;
    let columns = header.pointer("/CSVHeader").and_then(Value::as_array);
    let columns: Vec<&str> = columns.into_iter().flatten().filter_map(Value::as_str).collect();
    let input = json!({
        "UserPoolId": pool_id,
        "JobName": "bench",
        "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/import",
    });
    let job = connection.call("CreateUserImportJob", &input).await?;
    let job_id = text(&job, "/UserImportJob/JobId")?.to_owned();
    let url = text(&job, "/UserImportJob/PreSignedUrl")?;
    let path = url.splitn(4, '/').nth(3).ok_or("the upload URL has no path")?;
    let status = connection.put(&format!("/{path}"), document(&columns, users)).await?;
    if !status.is_success() {
        return Err(format!("the upload was answered with {status}").into());
    }
    let input = json!({ "UserPoolId": pool_id, "JobId": job_id });
    connection.call("StartUserImportJob", &input).await?;
    loop {
        let answer = connection.call("DescribeUserImportJob", &input).await?;
        match text(&answer, "/UserImportJob/Status")? {
            "Succeeded" => {}
            "Failed" | "Stopped" | "Expired" => {
                return Err(format!("the import ended with {answer}").into());
            }
            _ => {
                tokio::time::sleep(POLL).await;
                continue;
            }
        }
        let imported = answer.pointer("/UserImportJob/ImportedUsers").and_then(Value::as_u64);
        if imported != Some(u64::from(users)) {
            return Err(format!("not every user was imported: {answer}").into());
        }
        return Ok(users);
    }
}

/// The CSV document: a user in each row, with a verified e-mail address.
fn document(columns: &[&str], users: u32) -> String {
    let mut text = columns.join(",");
    for number in 0..users {
        let name = username(number);
        let row = columns.iter().map(|column| match *column {
            "cognito:username" => name.clone(),
            "cognito:mfa_enabled" => "false".to_owned(),
            "email" => format!("{name}@example.com"),
            "email_verified" => "true".to_owned(),
            "name" => "Ada Lovelace".to_owned(),
            _ => String::new(),
        });
        text.push('\n');
        text.push_str(&row.collect::<Vec<_>>().join(","));
    }
    text.push('\n');
    text
}
