//! `poolhouse serve`: for a network, with everything checked.

use std::{path::Path, sync::Arc};

use poolhouse_adapters::{
    clock::SystemClock,
    functions::HttpFunctions,
    log_sinks::{self, Routes},
    smtp::{NoSender, SmtpMessenger},
};
use poolhouse_domain::{messages::Messenger, ports::Clock};

use crate::{
    Outcome, background,
    body::BodyMemory,
    config::Config,
    imports::Imports,
    installation::{self, Outside},
    listener,
    peers::Peers,
    signatures::Verified,
    site::Site,
    stop, tls,
};

/// Serves until it is told to stop.
pub(crate) async fn run(path: &Path) -> Outcome<()> {
    let config = Config::read(path, &|name| std::env::var(name).ok())?;
    let tls =
        config.tls.as_ref().map(|files| tls::acceptor(files, &config.document)).transpose()?;
    let messenger: Arc<dyn Messenger> =
        if let Some(settings) = &config.smtp {
            let messenger = SmtpMessenger::new(settings);
            Arc::new(messenger.map_err(|bad| {
                config.document.problem(&format!("smtp.{}", bad.key), bad.problem)
            })?)
        } else {
            tracing::warn!("no [smtp] in the configuration: messages with codes will fail");
            Arc::new(NoSender)
        };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = listener::bind(config.listen).await?;
    let store = installation::open(&config.location, &config.master_key, clock.now()).await?;
    let (log_queues, log_writers) = log_sinks::start(Routes::Each(config.log_delivery));
    let outside = Outside {
        clock: Arc::clone(&clock),
        messenger,
        functions: Arc::new(HttpFunctions::new(config.functions, Arc::clone(&clock), None)),
        log_sink: log_queues,
        reach: config.reach,
        compromised_passwords: config.compromised_passwords,
        limits: config.limits,
    };
    let ports = installation::ports(&store, outside, config.identity)?;
    background::keep_reserve_full(&ports.key_reserve)?;
    let sweeper = background::sweep(Arc::clone(&ports.store), Arc::clone(&clock));
    let reloader = background::reload_keys(store.clone(), Arc::clone(&clock));
    let importer = background::import_users(ports.clone());
    let signatures =
        Verified { store: Arc::clone(&ports.store), clock, region: ports.identity.region.clone() };
    let site = Arc::new(Site {
        ports,
        signatures: Box::new(signatures),
        bodies: BodyMemory::default(),
        imports: Imports::default(),
        dev: None,
        is_forwarded: config.tls.is_none(),
    });
    let stop = stop::requested()?;
    let scheme = if tls.is_some() { "https" } else { "http, behind a proxy" };
    tracing::info!(address = %listener.local_addr()?, scheme, "serving");
    // A proxy connects on behalf of everybody.
    let peers = if tls.is_some() { Peers::limited() } else { Peers::unlimited() };
    listener::run(listener, tls, peers, site, stop).await;
    sweeper.abort();
    importer.abort();
    reloader.abort();
    log_writers.finish().await;
    store.close().await;
    Ok(())
}
