//! `poolhouse serve`: for a network, with everything checked.

use std::{path::Path, sync::Arc};

use poolhouse_adapters::{
    clock::SystemClock,
    entropy::SystemEntropy,
    functions::HttpFunctions,
    kms::Kms,
    log_sinks::{self, Routes},
    sms::{HttpSms, SnsSms},
    smtp::{SmtpSender, SmtpSettings},
};

use poolhouse_domain::{
    messages::{FunctionSender, Senders, outbox::PostOffice},
    ports::{Clock, Store},
    triggers::Functions,
};

use crate::{
    Outcome, background,
    body::BodyMemory,
    config::{Config, Sms},
    couriers,
    document::Document,
    imports::Imports,
    installation::{self, Keys, Outside},
    listener::{self, Transport},
    peers::Peers,
    signatures::Verified,
    site::Site,
    stop, tls,
};

/// Serves until it is told to stop.
pub(crate) async fn run(path: &Path) -> Outcome<()> {
    let config = Config::read(path, &|name| std::env::var(name).ok())?;
    let tls = config.tls.as_ref().map(|files| tls::configured(files, &config.document));
    let tls = tls.transpose()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = keys(&config, &clock)?;
    let mut senders = senders(config.smtp.as_ref(), config.sms, &config.document, &clock)?;
    let listener = listener::bind(config.listen).await?;
    let store = installation::open(&config.location, &config.master_key, clock.now()).await?;
    let (log_queues, log_writers) = log_sinks::start(Routes::Each(config.log_delivery));
    let functions: Arc<dyn Functions> =
        Arc::new(HttpFunctions::new(config.functions, Arc::clone(&clock), None));
    senders.functions = Some(Arc::new(FunctionSender(Arc::clone(&functions))));
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
        keys,
        functions,
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
    store.release_messages(clock.now()).await?;
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
    let (transport, peers) = match tls {
        Some(acceptor) => (Transport::Tls(acceptor), Peers::limited()),
        // A proxy connects on behalf of everybody.
        None => (Transport::Plain, Peers::unlimited()),
    };
    listener::run(listener, transport, peers, site, stop).await;
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

/// Whose keys protect the codes that custom senders get.
fn keys(config: &Config, clock: &Arc<dyn Clock>) -> Outcome<Keys> {
    let Some(settings) = &config.kms else {
        return Ok(Keys::Own);
    };
    let kms = Kms::new(settings.clone(), Arc::clone(clock));
    let kms = kms.map_err(|text| config.document.problem("kms.endpoint", text))?;
    Ok(Keys::Elsewhere(Arc::new(kms)))
}

#[cfg(test)]
mod tests {
    use poolhouse_adapters::{
        entropy::SystemEntropy,
        kms::{AccessKey, KmsSettings},
    };
    use poolhouse_domain::{
        access_keys,
        code_encryption::encrypt,
        key_service::{KeyService, own_keys::Wrapped},
        ports::Ports,
    };
    use poolhouse_testkit::Kit;

    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1a";
    const SECRET: &str = "secret";

    /// A server that has one access key, with this policy. Answers its address.
    async fn server(ports: &Ports, policy: &str) -> String {
        let key = access_keys::AccessKey {
            id: "AKIAPOOLHOUSE1234567".to_owned(),
            secret: SECRET.to_owned(),
            name: "pool".to_owned(),
            created_at: ports.clock.now(),
            policies: [("p".to_owned(), policy.to_owned())].into(),
        };
        let mut tx = ports.store.write().await.unwrap();
        tx.insert_access_key(&key).await.unwrap();
        tx.commit().await.unwrap();
        let signatures = Verified {
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            region: ports.identity.region.clone(),
        };
        let site = Arc::new(Site {
            ports: ports.clone(),
            signatures: Box::new(signatures),
            bodies: BodyMemory::default(),
            imports: Imports::default(),
            dev: None,
            is_forwarded: false,
        });
        let listener = listener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let peers = Peers::unlimited();
        let stop = std::future::pending();
        tokio::spawn(listener::run(listener, Transport::Plain, peers, site, stop));
        format!("http://{address}")
    }

    fn client(ports: &Ports, endpoint: &str, secret: &str) -> Kms {
        let settings = KmsSettings {
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            access_key: AccessKey::new("AKIAPOOLHOUSE1234567", secret, None),
        };
        Kms::new(settings, Arc::clone(&ports.clock)).unwrap()
    }

    #[tokio::test]
    async fn the_key_service_of_one_server_is_another_if_it_may_be() {
        let ports = Kit::new().await.unwrap().ports;
        let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Action": "kms:GenerateDataKey", "Resource": "arn:aws:kms:*:*:key/1a",
            "Condition": {"StringLike": {"kms:EncryptionContext:userpool-id": "us-east-1_*"}}}}"#;
        let endpoint = server(&ports, policy).await;
        let kms = client(&ports, &endpoint, SECRET);
        let context = [("userpool-id".to_owned(), "us-east-1_A".to_owned())].into();
        let key = kms.generate_data_key(KEY, &context).await.ok().unwrap();
        let wrapped = Wrapped::read(&key.wrapped).unwrap();
        let opened = wrapped.open(&ports.keyring, &context).unwrap();
        assert_eq!(opened.as_slice(), key.plaintext.as_slice());
        assert!(encrypt(&kms, &SystemEntropy, KEY, "us-east-1_A", "123456").await.is_ok());

        let other = encrypt(&kms, &SystemEntropy, KEY, "eu-west-1_A", "123456").await.unwrap_err();
        let other = other.to_string();
        assert!(other.contains("status 400, AccessDeniedException: User: "), "{other}");
        let stranger = client(&ports, &endpoint, "guess").generate_data_key(KEY, &context).await;
        let refused = stranger.err().unwrap().0;
        assert!(refused.starts_with("status 400, InvalidSignatureException: The"), "{refused}");
    }
}
