//! `poolhouse dev`: everything for a laptop or a test run, and nothing that leaves the machine.

use std::{io::Write, sync::Arc};

use poolhouse_adapters::{
    clock::MovableClock,
    entropy::SystemEntropy,
    fetcher::Reach,
    inbox::Inbox,
    log_sinks::{self, Routes},
};
use poolhouse_domain::{
    limits::LimitSettings,
    messages::Diverting,
    ports::{Clock, Entropy, Identity},
};
use poolhouse_store::Location;
use zeroize::Zeroizing;

use crate::{
    Outcome, background,
    body::BodyMemory,
    cli::Dev,
    config::{check_account, check_issuer, check_region},
    dev_endpoints::DevTools,
    dev_tls,
    functions::DevFunctions,
    hosts::Hosts,
    imports::Imports,
    installation::{self, Keys, Outside},
    listener::{self, Transport},
    peers::Peers,
    record::Record,
    seed,
    signatures::Unchecked,
    site::Site,
    stop,
};

/// The folder of delivered logs in the data folder.
const LOGS: &str = "logs";

/// Serves until it is told to stop.
pub(crate) async fn run(options: Dev) -> Outcome<()> {
    check(&options)?;
    let hosts = Hosts::new(options.issuer.as_deref(), &options.allow_host)
        .map_err(|text| format!("--allow-host {text}"))?;
    let record = options.record.as_deref().map(Record::open).transpose();
    let record = record.map_err(|error| format!("--record: {error}"))?;
    let functions = DevFunctions::new(&options.triggers, &|name| std::env::var(name).ok())?;
    let listener = listener::bind(options.listen).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let (location, key) = if options.ephemeral {
        let mut key = Zeroizing::new([0; 32]);
        SystemEntropy.fill(key.as_mut_slice());
        (Location::Ephemeral, key)
    } else {
        installation::in_folder(&options.data, options.database.as_deref())?
    };
    // After the data folder was made, where the certificate is kept.
    let tls = dev_tls::acceptor(&options)?;
    let identity = Identity {
        region: options.region,
        account_id: options.account_id,
        issuer_base: options.issuer.unwrap_or_else(|| endpoint.clone()),
        issuers: options.token_issuer.into(),
        domain_suffix: None,
    };
    let clock = Arc::new(MovableClock::default());
    let inbox = Arc::new(Inbox::default());
    let store = installation::open(&location, &key, clock.now()).await?;
    let region = identity.region.clone();
    let routes =
        if options.ephemeral { Routes::Stdout } else { Routes::Folder(options.data.join(LOGS)) };
    let (log_queues, log_writers) = log_sinks::start(routes);
    let keys = if options.plain_codes { Keys::OwnAndCodesInTheClear } else { Keys::Own };
    let outside = Outside {
        keys,
        clock: Arc::clone(&clock) as _,
        messenger: Arc::new(Diverting {
            messenger: Arc::clone(&inbox) as _,
            functions: Arc::clone(&functions.functions) as _,
        }),
        functions: Arc::clone(&functions.functions) as _,
        log_sink: log_queues,
        reach: Reach::Anywhere,
        compromised_passwords: options.compromised_passwords,
        limits: LimitSettings::default(),
    };
    let ports = installation::ports(&store, outside, identity)?;
    if let Some(path) = &options.seed {
        seed::plant(path, &ports).await?;
    }
    background::keep_reserve_full(&ports.key_reserve)?;
    let sweeper = background::sweep(Arc::clone(&ports.store), Arc::clone(&ports.clock));
    let importer = background::import_users(ports.clone());
    let dev = Some(DevTools { inbox, clock, functions, hosts, record });
    let site = Arc::new(Site {
        ports,
        signatures: Box::new(Unchecked { region: region.clone() }),
        bodies: BodyMemory::default(),
        imports: Imports::default(),
        dev,
        is_forwarded: true,
    });
    let stop = stop::requested()?;
    welcome(&endpoint, &region)?;
    listener::run(listener, Transport::Either(tls), Peers::unlimited(), site, stop).await;
    sweeper.abort();
    importer.abort();
    log_writers.finish().await;
    store.close().await;
    Ok(())
}

/// Whoever can connect is an administrator here, so nobody else's machine may.
fn check(options: &Dev) -> Outcome<()> {
    if !options.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {}: dev accepts any credentials and shows every message, so it serves this \
             machine only: use a loopback address such as 127.0.0.1, or `poolhouse serve` with a \
             configuration",
            options.listen
        )
        .into());
    }
    check_region(&options.region).map_err(|text| format!("--region {text}"))?;
    check_account(&options.account_id).map_err(|text| format!("--account-id {text}"))?;
    if let Some(issuer) = &options.issuer {
        check_issuer(issuer).map_err(|text| format!("--issuer {text}"))?;
    }
    Ok(())
}

/// What to paste where. The first line is for people and for scripts that wait for it.
fn welcome(endpoint: &str, region: &str) -> std::io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Poolhouse {version} is ready at {endpoint}\n\n  \
         AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev aws --endpoint-url {endpoint} \
         --region {region} cognito-idp list-user-pools --max-results 10\n\n  \
         boto3.client(\"cognito-idp\", endpoint_url=\"{endpoint}\", region_name=\"{region}\", \
         aws_access_key_id=\"dev\", aws_secret_access_key=\"dev\")\n\n  \
         messages: {endpoint}/_poolhouse/messages   clock: {endpoint}/_poolhouse/clock   \
         triggers: {endpoint}/_poolhouse/invocations\n  \
         https:// works on the same port, for clients that insist on it such as Amplify's login pages"
    )?;
    out.flush()
}
