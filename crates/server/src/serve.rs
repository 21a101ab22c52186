//! `poolhouse serve`: for a network, with everything checked.

use std::{path::Path, sync::Arc};

use poolhouse_adapters::{
    clock::SystemClock,
    entropy::SystemEntropy,
    functions::HttpFunctions,
    log_sinks::{self, Routes},
    sms::{HttpSms, SnsSms},
    smtp::{SmtpSender, SmtpSettings},
};

use poolhouse_domain::{
    messages::{Senders, outbox::PostOffice},
    ports::{Clock, Store},
};

use crate::{
    Outcome, background,
    body::BodyMemory,
    config::{Config, Sms},
    couriers,
    document::Document,
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
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let senders = senders(config.smtp.as_ref(), config.sms, &config.document, &clock)?;
    let listener = listener::bind(config.listen).await?;
    let store = installation::open(&config.location, &config.master_key, clock.now()).await?;
    let (log_queues, log_writers) = log_sinks::start(Routes::Each(config.log_delivery));
    let office = Arc::new(PostOffice::new(
        Arc::new(store.clone()) as Arc<dyn Store>,
        Arc::clone(&clock),
        Arc::new(SystemEntropy),
        Arc::clone(&log_queues) as _,
        senders,
    ));
    let outside = Outside {
        clock: Arc::clone(&clock),
        messenger: Arc::clone(&office) as _,
        functions: Arc::new(HttpFunctions::new(config.functions, Arc::clone(&clock), None)),
        log_sink: log_queues,
        reach: config.reach,
        limits: config.limits,
    };
    let ports = installation::ports(&store, outside, config.identity)?;
    background::keep_reserve_full(&ports.key_reserve)?;
    let sweeper = background::sweep(Arc::clone(&ports.store), Arc::clone(&clock));
    let reloader = background::reload_keys(store.clone(), Arc::clone(&clock));
    let importer = background::import_users(ports.clone());
    let couriers = couriers::start(&office);
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
    couriers.finish().await;
    log_writers.finish().await;
    store.close().await;
    Ok(())
}

/// What sends the messages.
fn senders(
    smtp: Option<&SmtpSettings>,
    sms: Option<Sms>,
    document: &Document,
    clock: &Arc<dyn Clock>,
) -> Outcome<Senders> {
    let mut senders = Senders::default();
    match smtp.map(SmtpSender::new) {
        Some(Ok(sender)) => senders.email = Some(Arc::new(sender)),
        Some(Err(bad)) => {
            return Err(document.problem(&format!("smtp.{}", bad.key), bad.problem).into());
        }
        None => tracing::warn!("no [smtp] in the configuration: mails with codes will fail"),
    }
    match sms {
        Some(Sms::Sns(settings)) => {
            let sender = SnsSms::new(settings, Arc::clone(clock));
            let sender = sender.map_err(|text| document.problem("sms.sns.endpoint", text))?;
            senders.sms = Some(Arc::new(sender));
        }
        Some(Sms::Webhook { url, key }) => {
            let sender = HttpSms::new(&url, &key, Arc::clone(clock));
            let sender = sender.map_err(|text| document.problem("sms.webhook.url", text))?;
            senders.sms = Some(Arc::new(sender));
        }
        None => tracing::info!("no [sms] in the configuration: text messages will fail"),
    }
    Ok(senders)
}
