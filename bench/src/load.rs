//! Runs a scenario on several connections at once and measures it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::{
    Args, Outcome,
    http::Connection,
    scenarios::{Scenario, Step},
    server::Server,
    time::Stopwatch,
    world::World,
};

/// How long a scenario runs before it is measured: caches fill, statements get prepared.
const WARM_UP: Duration = Duration::from_millis(300);
/// Operations of one run at most, whatever happens to the clock.
const LIMIT: u32 = 10_000_000;

/// What came out of a scenario.
pub(crate) struct Measured {
    /// Operations done.
    pub(crate) operations: u32,
    /// The server's CPU time for all of them.
    pub(crate) cpu: Duration,
    /// Time on the wall for all of them.
    pub(crate) elapsed: Duration,
    /// For each operation how long its answers were waited for, ascending.
    pub(crate) latencies: Vec<Duration>,
}

impl Measured {
    /// The latency that this share (0 to 100 percent) of the operations did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let index = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1).min(last);
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// Warms up, then measures. Fails with the first operation that fails.
pub(crate) async fn run(
    scenario: Scenario,
    world: &Arc<World>,
    server: &Server,
    args: &Args,
) -> Outcome<Measured> {
    burst(scenario, world, server, args.connections, WARM_UP).await?;
    let seconds = Duration::from_secs(args.seconds);
    let measured = burst(scenario, world, server, args.connections, seconds).await?;
    if measured.operations == 0 {
        return Err(format!("{} did nothing", scenario.name()).into());
    }
    Ok(measured)
}

/// What the connections of a burst share.
struct Burst {
    scenario: Scenario,
    world: Arc<World>,
    /// Tells this burst's operations from those of others.
    run: u32,
    started: AtomicU32,
    stopwatch: Stopwatch,
    length: Duration,
}

async fn burst(
    scenario: Scenario,
    world: &Arc<World>,
    server: &Server,
    connections: u16,
    length: Duration,
) -> Outcome<Measured> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(server.address()).await?);
    }
    let burst = Arc::new(Burst {
        scenario,
        world: Arc::clone(world),
        run: world.next_run(),
        started: AtomicU32::new(0),
        stopwatch: Stopwatch::start(),
        length,
    });
    let before = server.cpu_time()?;
    let mut tasks = JoinSet::new();
    for connection in opened {
        tasks.spawn(work(Arc::clone(&burst), connection));
    }
    let mut latencies = Vec::new();
    // Leaving early drops the set, which ends the other tasks.
    while let Some(finished) = tasks.join_next().await {
        latencies.extend(finished??);
    }
    let (cpu, elapsed) = (server.cpu_time()?.saturating_sub(before), burst.stopwatch.elapsed());
    latencies.sort_unstable();
    Ok(Measured { operations: u32::try_from(latencies.len())?, cpu, elapsed, latencies })
}

/// The life of one connection: operation after operation until time is up.
async fn work(burst: Arc<Burst>, mut connection: Connection) -> Outcome<Vec<Duration>> {
    let mut latencies = Vec::new();
    while burst.stopwatch.elapsed() < burst.length {
        let number = burst.started.fetch_add(1, Ordering::Relaxed);
        if number >= LIMIT {
            break;
        }
        let step = burst.scenario.step(&mut connection, &burst.world, burst.run, number).await?;
        if step == Step::Exhausted {
            break;
        }
        latencies.push(connection.take_waited());
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(latencies: impl Iterator<Item = u64>) -> Measured {
        let latencies: Vec<_> = latencies.map(Duration::from_millis).collect();
        let operations = u32::try_from(latencies.len()).unwrap();
        Measured { operations, cpu: Duration::ZERO, elapsed: Duration::ZERO, latencies }
    }

    #[test]
    fn percentiles_are_the_latencies_that_so_many_did_not_exceed() {
        let measured = measured(1..=200);
        assert_eq!(measured.percentile(50), Duration::from_millis(100));
        assert_eq!(measured.percentile(99), Duration::from_millis(198));
        assert_eq!(measured.percentile(100), Duration::from_millis(200));
    }

    #[test]
    fn percentiles_of_few_operations_are_among_them() {
        assert_eq!(measured(7..=7).percentile(99), Duration::from_millis(7));
        assert_eq!(measured(std::iter::empty()).percentile(50), Duration::ZERO);
    }
}
