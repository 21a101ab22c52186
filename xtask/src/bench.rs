//! Builds the server as it is released and puts it under load; `bench/README.md` tells the method.

use std::path::Path;

use crate::Outcome;
use crate::test::postgres::{self, Durability, Postgres};
use crate::test::{Engine, cargo, execute, target_directory};

/// Command line of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Sizes of the user pool under load
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    users: Vec<u32>,
    /// Measure on this storage engine
    #[arg(long, value_enum, default_value = "both")]
    engine: Choice,
    /// Run only scenarios whose names contain one of these, separated by commas
    #[arg(long, value_name = "NAMES")]
    only: Option<String>,
    /// For how long each scenario runs
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Choice {
    Sqlite,
    Postgres,
    Both,
}

impl Choice {
    const fn engines(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
            Self::Postgres => &[Engine::Postgres],
            Self::Both => &[Engine::Sqlite, Engine::Postgres],
        }
    }
}

/// Builds, then measures on one engine after the other.
pub(crate) fn run(args: &Args) -> Outcome {
    let engines = args.engine.engines();
    if engines.contains(&Engine::Postgres) && postgres::programs().is_none() {
        return Err("PostgreSQL is not installed: install it, or use --engine sqlite".into());
    }
    let packages = ["--package", "poolhouse", "--package", "poolhouse-bench"];
    execute(cargo().args(["build", "--release"]).args(packages))?;
    let built = target_directory()?.join("release");
    for engine in engines {
        println!("\n## {engine}\n");
        measure(args, *engine, &built)?;
    }
    Ok(())
}

fn measure(args: &Args, engine: Engine, built: &Path) -> Outcome {
    // Stopped when dropped, so it has to live until the end of this function.
    let postgres = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(Durability::Machine)?),
    };
    let mut load = std::process::Command::new(built.join("poolhouse-bench"));
    load.arg("--server").arg(built.join("poolhouse"));
    if let Some(postgres) = &postgres {
        load.args(["--database", &postgres.fresh_database("bench")?]);
    }
    let sizes: Vec<_> = args.users.iter().map(u32::to_string).collect();
    load.args(["--users", &sizes.join(","), "--seconds", &args.seconds.to_string()]);
    if let Some(name) = &args.only {
        load.args(["--only", name]);
    }
    execute(&mut load)
}
