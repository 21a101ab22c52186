//! Measures a release build of the server under load; `cargo xtask bench` builds and calls it.
//!
//! `README.md` beside this says what is measured, how, and how to read it.

mod ceilings;
mod devices;
mod fill;
mod hanging;
mod http;
mod jobs;
mod listings;
mod load;
mod oauth;
mod passkeys;
mod process;
mod report;
mod scenarios;
mod server;
mod time;
mod timing;
mod world;

use std::{error::Error, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;

use ceilings::Ceilings;
use devices::Devices;
use jobs::Job;
use oauth::Site;
use passkeys::Passkeys;
use scenarios::Scenario;
use server::{Installation, Server};
use world::World;

/// What can fail answers a text for the developer.
type Outcome<T = ()> = Result<T, Failed>;
/// Why something failed.
type Failed = Box<dyn Error + Send + Sync>;

/// How often the server is started to find out how long that takes.
const STARTS: usize = 5;

/// Load scenarios against one storage engine.
#[derive(Parser)]
struct Args {
    /// The server's binary, a release build
    #[arg(long)]
    server: PathBuf,
    /// A fresh PostgreSQL database; without it the server uses SQLite
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Sizes of the user pool, ascending
    #[arg(long, value_delimiter = ',', required = true)]
    users: Vec<u32>,
    /// Run only scenarios whose names contain one of these, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// For how long each scenario runs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many users the CSV import brings
    #[arg(long, default_value_t = 100_000)]
    imported: u32,
    /// How many connections work side by side
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
}

impl Args {
    fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.only.is_empty() || self.only.iter().any(|part| name.contains(&part.to_lowercase()))
    }

    fn scenarios(&self) -> Vec<Scenario> {
        Scenario::all().filter(|scenario| self.wants(scenario.name())).collect()
    }

    fn jobs(&self) -> Vec<Job> {
        Job::ALL.into_iter().filter(|job| self.wants(job.name())).collect()
    }

    /// The sizes in ascending order, since a pool only grows.
    fn sizes(&self) -> Vec<u32> {
        let mut sizes = self.users.clone();
        sizes.sort_unstable();
        sizes
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Outcome {
    if args.scenarios().is_empty()
        && args.jobs().is_empty()
        && !args.wants(hanging::NAME)
        && !args.wants(timing::NAME)
    {
        let names = Scenario::all().map(Scenario::name).chain(Job::ALL.map(Job::name));
        let names = names.chain([hanging::NAME, timing::NAME]);
        let names: Vec<_> = names.collect();
        return Err(format!("--only matches none of: {}", names.join(", ")).into());
    }
    let installation = Installation::new(&args.server, args.database.clone())?;
    let mut world = {
        let server = Server::start(&installation).await?;
        World::create(server.address()).await?
    };
    report::header();
    for size in args.sizes() {
        let seconds = fill::grow(&installation, &mut world, size).await?;
        eprintln!("{size} users, {seconds:.1} s to add them");
        if !args.scenarios().is_empty() {
            world = measure(args, &installation, world).await?;
        }
    }
    if args.wants(timing::NAME) {
        timing::run(&installation, &world).await?;
    }
    if args.wants(hanging::NAME) {
        hanging::run(args, &installation, &world).await?;
    }
    for job in args.jobs() {
        jobs::run(job, args, &installation, &world).await?;
    }
    Ok(())
}

/// Runs the scenarios at the present size. A new server for each size lets memory be compared.
async fn measure(args: &Args, installation: &Installation, mut world: World) -> Outcome<World> {
    let users = world.users;
    let server = Server::start(installation).await?;
    let idle = server.resident_kib()?;
    world.sign_in_some(server.address()).await?;
    if args.scenarios().iter().any(|scenario| matches!(scenario, Scenario::List(_))) {
        world.turn_pages(server.address()).await?;
    }
    let scenarios = args.scenarios();
    if world.devices.is_none() && scenarios.contains(&Scenario::DeviceSignIn) {
        world.devices = Some(Devices::create(server.address()).await?);
    }
    if world.passkeys.is_none() && scenarios.contains(&Scenario::PasskeySignIn) {
        world.passkeys = Some(Passkeys::create(server.address()).await?);
    }
    // A browser's session lasts an hour, which growing to the next size may take.
    if scenarios.iter().any(|scenario| matches!(scenario, Scenario::OAuth(_))) {
        world.site = Some(Site::create(server.address()).await?);
    }
    let world = Arc::new(world);
    let ceilings = Ceilings::measure()?;
    for scenario in scenarios {
        server.settle().await?;
        let measured = load::run(scenario, &world, &server, args).await?;
        report::line(users, scenario, scenario.ceiling(&ceilings), &measured);
    }
    let busy = server.resident_kib()?;
    drop(server);
    let starts = server::starts(installation, STARTS).await?;
    report::notes(users, &ceilings, &starts, idle, busy);
    Arc::into_inner(world).ok_or_else(|| "a scenario did not end".into())
}
