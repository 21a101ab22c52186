//! What users of one pool notice when the functions of another hang.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Args, Outcome,
    http::Connection,
    server::{Installation, Server},
    time::{Stopwatch, millis, percentile},
    world::{PASSWORD, Pool, World, add_user, create_pool, password_sign_in},
};

/// The name in output and for `--only`.
pub(crate) const NAME: &str = "job: sign-ins beside hanging functions";
/// Invocations that hang at once.
const HANGING: u32 = 100;
/// Pools with a function of their own each: the server asks one function 32 times at once at most.
const POOLS: u32 = 4;
/// The connections of the users who are measured.
const CONNECTIONS: u32 = 4;
/// How long it may take until all hang.
const PATIENCE: Duration = Duration::from_secs(4);

/// Measures sign-ins with the password on a few connections, alone and while a hundred others wait for
/// functions that don't answer.
pub(crate) async fn run(args: &Args, installation: &Installation, world: &World) -> Outcome {
    let functions = Hanging::listen().await?;
    let server = Server::start_with_functions(installation, functions.address).await?;
    server.settle().await?;
    let mut pools = Vec::new();
    for number in 0..POOLS {
        pools.push(asking_pool(server.address(), number).await?);
    }
    let seconds = Duration::from_secs(args.seconds);
    let alone = sign_ins(server.address(), &world.large, seconds).await?;
    let mut waiting = JoinSet::new();
    for number in 0..HANGING {
        let pool = World::some(&pools, number)?;
        waiting.spawn(hang(server.address(), pool.client_id.clone()));
    }
    let stopwatch = Stopwatch::start();
    while functions.asked.load(Ordering::Relaxed) < HANGING {
        if stopwatch.elapsed() > PATIENCE {
            return Err("functions are not asked at the same time".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let beside = sign_ins(server.address(), &world.large, seconds).await?;
    waiting.shutdown().await;
    println!(
        "\n{NAME}: {HANGING} hang; p50 {:.2} ms and p99 {:.2} ms, alone {:.2} and {:.2} ms \
         ({:.2} and {:.2} times)",
        percentile(&beside, 50),
        percentile(&beside, 99),
        percentile(&alone, 50),
        percentile(&alone, 99),
        percentile(&beside, 50) / percentile(&alone, 50),
        percentile(&beside, 99) / percentile(&alone, 99),
    );
    Ok(())
}

/// An Invoke API that takes every request and answers none.
struct Hanging {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

impl Hanging {
    async fn listen() -> Outcome<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, asked) = (listener.local_addr()?, Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                kept.push(stream);
            }
        });
        Ok(Self { address, asked })
    }
}

/// A pool that asks a function before each sign-in.
async fn asking_pool(address: SocketAddr, number: u32) -> Outcome<Pool> {
    let mut connection = Connection::open(address).await?;
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:hangs-{number}");
    let settings = json!({ "LambdaConfig": { "PreAuthentication": function } });
    let pool = create_pool(&mut connection, "hangs", &settings, &json!({})).await?;
    for number in 0..HANGING {
        add_user(&mut connection, &pool, &format!("waits-{number}")).await?;
    }
    Ok(pool)
}

/// Signs in again and again; each try ends with an error, after as long as the server waits.
async fn hang(address: SocketAddr, client_id: String) -> Outcome {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("waits-{}", NUMBER.fetch_add(1, Ordering::Relaxed) % HANGING);
    let input = json!({
        "ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": name, "PASSWORD": PASSWORD },
    });
    let mut connection = Connection::open(address).await?;
    loop {
        // The refusal is what is expected.
        let _ = connection.call("InitiateAuth", &input).await;
    }
}

/// The latencies of sign-ins in milliseconds, ascending.
async fn sign_ins(address: SocketAddr, pool: &Pool, length: Duration) -> Outcome<Vec<f64>> {
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let pool = Pool { id: pool.id.clone(), client_id: pool.client_id.clone() };
        workers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let (stopwatch, mut latencies, mut number) = (Stopwatch::start(), Vec::new(), worker);
            while stopwatch.elapsed() < length {
                let input = password_sign_in(&pool, number % 1_000);
                connection.call("InitiateAuth", &input).await?;
                latencies.push(millis(connection.take_waited()));
                number += CONNECTIONS;
            }
            Outcome::Ok(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(finished) = workers.join_next().await {
        all.extend(finished??);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}
