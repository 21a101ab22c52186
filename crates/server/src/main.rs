//! The `poolhouse` binary: configuration, wiring, listeners, command line.

mod background;
mod body;
mod cli;
mod commands;
mod compromised_passwords;
mod config;
mod cors;
mod couriers;
mod dev;
mod dev_endpoints;
mod dev_tls;
mod document;
mod functions;
mod hosts;
mod imports;
mod installation;
mod listener;
mod logs;
mod messages;
mod peers;
mod record;
mod seed;
mod serve;
mod signatures;
mod site;
mod stop;
mod tls;
mod totp;

use std::process::ExitCode;

use clap::Parser;
use poolhouse_adapters::clock::SystemClock;
use poolhouse_domain::ports::Clock;

use cli::{Cli, Command};

/// What a command comes to. Errors are texts for the operator, which say what to do.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = logs::start(cli.log_format, &cli.log_filter)
        .map_err(Into::into)
        .and_then(|()| run(cli.command));
    match outcome {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("poolhouse: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Runs a command on as many threads as there are cores; answers what to print at its end.
fn run(command: Command) -> Outcome<String> {
    if let Command::Totp(options) = &command {
        let now = SystemClock.now();
        return Ok(totp::show(&options.secret, &options.issuer, &options.account, now)?);
    }
    if let Command::CompromisedPasswords(command) = command {
        return compromised_passwords::run(&command);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Dev(options) => dev::run(*options).await.map(|()| String::new()),
            Command::Serve { config } => serve::run(&config).await.map(|()| String::new()),
            Command::AccessKey(command) => commands::access_key(command).await,
            Command::MasterKey(command) => commands::master_key(command).await,
            Command::DataKey(command) => commands::data_key(command).await,
            Command::ImportLog(options) => commands::import_log(options).await,
            Command::Messages(command) => messages::run(command).await,
            Command::CompromisedPasswords(_) | Command::Totp(_) => Ok(String::new()),
        }
    })
}
