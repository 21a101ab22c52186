//! The configuration of `poolhouse serve`: read, checked, and refused where it is insecure or
//! contradictory.

pub(crate) mod kms;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use poolhouse_adapters::{
    fetcher::Reach,
    functions::Routes,
    kms::KmsSettings,
    log_sinks::{HttpTarget, Target},
    master_key::{self, KeyBytes},
    sms::{HttpSms, SmsType, SnsSettings},
    smtp::{Security, SmtpSettings},
};
use poolhouse_domain::{
    limits::{Category, HIGHEST_RATE, LimitSettings},
    ports::Identity,
    tokens::issuer::Issuers,
};
use poolhouse_store::Location;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    document::{Document, Problem},
    functions::{self, WrittenFunctions, WrittenLambda},
};

/// How many connections to PostgreSQL are kept unless the configuration says otherwise.
const CONNECTIONS: usize = 16;

/// A configuration that may be served.
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Certificate chain and key file, unless a proxy does TLS.
    pub(crate) tls: Option<TlsFiles>,
    /// The database.
    pub(crate) location: Location,
    /// The master key.
    pub(crate) master_key: KeyBytes,
    /// The mail server, if there is one.
    pub(crate) smtp: Option<SmtpSettings>,
    /// What sends text messages, if anything does.
    pub(crate) sms: Option<Sms>,
    /// What stands behind the ARNs to which user pools deliver logs.
    pub(crate) log_delivery: BTreeMap<String, Target>,
    /// The key service for custom senders, if it is not this server.
    pub(crate) kms: Option<KmsSettings>,
    /// What stands behind the ARNs of functions.
    pub(crate) functions: Routes,
    /// Which other servers may be asked for documents.
    pub(crate) reach: Reach,
    /// Region, account and issuer.
    pub(crate) identity: Identity,
    /// The filter of compromised passwords, if it is not the built-in one.
    pub(crate) compromised_passwords: Option<PathBuf>,
    /// Rates of requests, and how many pools and app clients there may be.
    pub(crate) limits: LimitSettings,
    /// To tell of problems that show later.
    pub(crate) document: Document,
}

/// What sends text messages.
pub(crate) enum Sms {
    /// Amazon SNS, or a server that speaks its protocol.
    Sns(SnsSettings),
    /// A server to which messages are posted.
    Webhook {
        /// Its URL.
        url: String,
        /// What requests are signed with.
        key: Zeroizing<Vec<u8>>,
    },
}

/// Where certificate and key are.
pub(crate) struct TlsFiles {
    /// PEM: the certificate, followed by those of intermediate authorities.
    pub(crate) certificate: PathBuf,
    /// PEM: the private key.
    pub(crate) key: PathBuf,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: SocketAddr,
    region: String,
    account_id: String,
    issuer: String,
    #[serde(default)]
    token_issuer: TokenIssuer,
    domain_suffix: Option<String>,
    #[serde(default)]
    trusted_proxy: bool,
    tls: Option<WrittenTls>,
    database: WrittenDatabase,
    master_key: WrittenMasterKey,
    smtp: Option<WrittenSmtp>,
    sms: Option<WrittenSms>,
    kms: Option<kms::WrittenKms>,
    compromised_passwords: Option<PathBuf>,
    #[serde(default)]
    outbound: WrittenOutbound,
    #[serde(default)]
    log_delivery: BTreeMap<String, String>,
    #[serde(default)]
    limits: WrittenLimits,
    lambda: Option<WrittenLambda>,
    #[serde(default)]
    functions: Vec<WrittenFunctions>,
}

/// What `iss` in tokens begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenIssuer {
    /// The address of this server.
    #[default]
    Own,
    /// https://cognito-idp.REGION.amazonaws.com, for code in which that is fixed.
    Aws,
}

impl From<TokenIssuer> for Issuers {
    fn from(written: TokenIssuer) -> Self {
        match written {
            TokenIssuer::Own => Self::Own,
            TokenIssuer::Aws => Self::Service,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    rates: Option<bool>,
    user_pools: Option<u32>,
    app_clients_per_pool: Option<u32>,
    #[serde(default)]
    per_second: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTls {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDatabase {
    file: Option<PathBuf>,
    url: Option<String>,
    url_env: Option<String>,
    connections: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMasterKey {
    file: Option<PathBuf>,
    env: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOutbound {
    #[serde(default)]
    own_network: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSmtp {
    host: String,
    port: Option<u16>,
    security: WrittenSecurity,
    from: String,
    username: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    authorities: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSms {
    sns: Option<WrittenSns>,
    webhook: Option<WrittenWebhook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSns {
    region: Option<String>,
    endpoint: Option<String>,
    access_key_id: String,
    secret_access_key_file: Option<PathBuf>,
    secret_access_key_env: Option<String>,
    sender_id: Option<String>,
    #[serde(default)]
    promotional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenSecurity {
    StartTls,
    Tls,
    Plain,
}

/// Reads a variable of the environment. An argument, so that tests need not change the process's.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads and checks a file. Relative paths in it are relative to its folder.
    pub(crate) fn read(path: &Path, environment: Environment<'_>) -> Result<Self, Problem> {
        let document = Document::read(path)?;
        let written: Written = document.parse()?;
        let reader = Reader { document: &document, environment };
        let tls = reader.tls(&written)?;
        let identity = reader.identity(&written)?;
        let location = reader.location(&written.database)?;
        let master_key = reader.master_key(&written.master_key)?;
        let smtp = written.smtp.as_ref().map(|smtp| reader.smtp(smtp)).transpose()?;
        let sms = written.sms.as_ref().map(|sms| reader.sms(sms, &written.region)).transpose()?;
        let kms = written.kms.as_ref().map(|kms| reader.kms(kms, &written.region)).transpose()?;
        let log_delivery = reader.log_delivery(&written.log_delivery)?;
        let (lambda, functions) = (written.lambda.as_ref(), &written.functions);
        let functions = functions::routes(lambda, functions, &document, environment)?;
        let limits = reader.limits(&written.limits)?;
        let listen = written.listen;
        let compromised_passwords =
            written.compromised_passwords.as_ref().map(|path| document.resolve(path));
        let reach = if written.outbound.own_network { Reach::OwnNetwork } else { Reach::Public };
        Ok(Self {
            listen,
            tls,
            location,
            master_key,
            smtp,
            sms,
            log_delivery,
            kms,
            functions,
            reach,
            identity,
            compromised_passwords,
            limits,
            document,
        })
    }
}

/// Turns what is written into what is meant.
struct Reader<'a> {
    document: &'a Document,
    environment: Environment<'a>,
}

impl Reader<'_> {
    fn tls(&self, written: &Written) -> Result<Option<TlsFiles>, Problem> {
        match (&written.tls, written.trusted_proxy) {
            (Some(tls), false) => Ok(Some(TlsFiles {
                certificate: self.document.resolve(&tls.certificate),
                key: self.document.resolve(&tls.key),
            })),
            (None, true) => Ok(None),
            (Some(_), true) => Err(self.document.problem(
                "trusted_proxy",
                "contradicts [tls]: remove this line if this server does TLS itself, or [tls] if \
                 a proxy in front of it does",
            )),
            (None, false) => Err(self.document.problem(
                "listen",
                "passwords would be readable on the way: add [tls] with certificate and key, or \
                 trusted_proxy = true if a proxy in front of this server does TLS",
            )),
        }
    }

    fn identity(&self, written: &Written) -> Result<Identity, Problem> {
        check_region(&written.region).map_err(|text| self.document.problem("region", text))?;
        check_account(&written.account_id)
            .map_err(|text| self.document.problem("account_id", text))?;
        check_issuer(&written.issuer).map_err(|text| self.document.problem("issuer", text))?;
        let may_be_plain = written.listen.ip().is_loopback() && is_local(&written.issuer);
        if !written.issuer.starts_with("https://") && !may_be_plain {
            let text = "must begin with https:// (http:// is only for a server that listens on a \
                        loopback address, with an issuer there)";
            return Err(self.document.problem("issuer", text));
        }
        Ok(Identity {
            region: written.region.clone(),
            account_id: written.account_id.clone(),
            issuer_base: written.issuer.clone(),
            issuers: written.token_issuer.into(),
            domain_suffix: self.domain_suffix(written)?,
        })
    }

    fn domain_suffix(&self, written: &Written) -> Result<Option<String>, Problem> {
        let suffix = written.domain_suffix.clone();
        if let Some(suffix) = &suffix {
            check_domain_suffix(suffix)
                .map_err(|text| self.document.problem("domain_suffix", text))?;
        }
        Ok(suffix)
    }

    fn location(&self, written: &WrittenDatabase) -> Result<Location, Problem> {
        let connections = written.connections.unwrap_or(CONNECTIONS);
        if connections == 0 {
            return Err(self.document.problem("database.connections", "must be at least 1"));
        }
        let url = match (&written.file, &written.url, &written.url_env) {
            (Some(file), None, None) => {
                return Ok(Location::SqliteFile(self.document.resolve(file)));
            }
            (None, Some(url), None) => url.clone(),
            (None, None, Some(variable)) => self.variable("database.url_env", variable)?,
            _ => {
                let text = "needs exactly one of: file (SQLite), url (PostgreSQL), or url_env \
                            (the name of the environment variable that holds the url)";
                return Err(self.document.problem("database", text));
            }
        };
        postgres(&url, connections).map_err(|text| self.document.problem("database", text))
    }

    fn master_key(&self, written: &WrittenMasterKey) -> Result<KeyBytes, Problem> {
        let (key, read) = match (&written.file, &written.env) {
            (Some(file), None) => {
                ("master_key.file", master_key::read_file(&self.document.resolve(file)))
            }
            (None, Some(variable)) => {
                let value = (self.environment)(variable).map(Zeroizing::new);
                let value = value.as_ref().map(|value| value.as_str());
                ("master_key.env", master_key::from_variable(variable, value))
            }
            _ => {
                let text = "needs exactly one of: file, or env (the name of an environment \
                            variable)";
                return Err(self.document.problem("master_key", text));
            }
        };
        read.map_err(|error| self.document.problem(key, error))
    }

    fn limits(&self, written: &WrittenLimits) -> Result<LimitSettings, Problem> {
        let mut rates = BTreeMap::new();
        for (name, rate) in &written.per_second {
            let key = format!("limits.per_second.{name}");
            let Some(category) = Category::named(name) else {
                let text = "is no category of operations; docs/server.md lists them";
                return Err(self.document.problem(&key, text));
            };
            if !(1..=HIGHEST_RATE).contains(rate) {
                let text = format_args!("must be from 1 to {HIGHEST_RATE}");
                return Err(self.document.problem(&key, text));
            }
            rates.insert(category, *rate);
        }
        let usual = LimitSettings::default();
        Ok(LimitSettings {
            rates_are_enforced: written.rates.unwrap_or(true),
            rates,
            user_pools: written.user_pools.unwrap_or(usual.user_pools),
            app_clients_per_pool: written
                .app_clients_per_pool
                .unwrap_or(usual.app_clients_per_pool),
        })
    }

    fn smtp(&self, written: &WrittenSmtp) -> Result<SmtpSettings, Problem> {
        let authorities = match &written.authorities {
            None => None,
            Some(path) => Some(self.bytes("smtp.authorities", path)?),
        };
        let security = match written.security {
            WrittenSecurity::StartTls => Security::StartTls,
            WrittenSecurity::Tls => Security::Tls,
            WrittenSecurity::Plain => Security::Plain,
        };
        Ok(SmtpSettings {
            host: written.host.clone(),
            port: written.port,
            security,
            credentials: self.smtp_credentials(written)?,
            from: written.from.clone(),
            authorities,
        })
    }

    fn smtp_credentials(
        &self,
        written: &WrittenSmtp,
    ) -> Result<Option<(String, Zeroizing<String>)>, Problem> {
        let (file, variable) = (written.password_file.as_deref(), written.password_env.as_deref());
        let password = self.secret("smtp.password", file, variable)?;
        match (&written.username, password) {
            (None, None) => Ok(None),
            (Some(username), Some(password)) => Ok(Some((username.clone(), password))),
            (Some(_), None) => {
                let text = "needs password_file or password_env beside it";
                Err(self.document.problem("smtp.username", text))
            }
            (None, Some(_)) => Err(self.document.problem("smtp", "has a password but no username")),
        }
    }

    /// A secret from a file or a variable of the environment, if there is one: `key` is what the names
    /// of both begin with.
    fn secret(
        &self,
        key: &str,
        file: Option<&Path>,
        variable: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, Problem> {
        let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
        match (file, variable) {
            (None, None) => Ok(None),
            (Some(path), None) => {
                let text = String::from_utf8(self.bytes(&file_key, path)?);
                let text = text.map_err(|_| self.document.problem(&file_key, "is not text"))?;
                let text = Zeroizing::new(text);
                Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
            }
            (None, Some(variable)) => {
                self.variable(&env_key, variable).map(|text| Some(Zeroizing::new(text)))
            }
            (Some(_), Some(_)) => {
                let text = format!("contradicts {file_key}: keep one of them");
                Err(self.document.problem(&env_key, text))
            }
        }
    }

    fn sms(&self, written: &WrittenSms, region: &str) -> Result<Sms, Problem> {
        match (&written.sns, &written.webhook) {
            (Some(sns), None) => self.sns(sns, region).map(Sms::Sns),
            (None, Some(webhook)) => self.webhook(webhook),
            _ => Err(self.document.problem(
                "sms",
                "needs exactly one of: [sms.sns] (Amazon SNS), or [sms.webhook] (a server of your \
                 own)",
            )),
        }
    }

    fn sns(&self, written: &WrittenSns, region: &str) -> Result<SnsSettings, Problem> {
        let region = written.region.as_deref().unwrap_or(region);
        check_region(region).map_err(|text| self.document.problem("sms.sns.region", text))?;
        let file = written.secret_access_key_file.as_deref();
        let variable = written.secret_access_key_env.as_deref();
        let secret = self.secret("sms.sns.secret_access_key", file, variable)?;
        let secret_access_key = secret.ok_or_else(|| {
            let text = "needs secret_access_key_file or secret_access_key_env beside it";
            self.document.problem("sms.sns.access_key_id", text)
        })?;
        if written.sender_id.as_deref().is_some_and(|text| !SnsSettings::may_be_sender_id(text)) {
            let text = "must be up to 11 letters, digits and hyphens, among them a letter";
            return Err(self.document.problem("sms.sns.sender_id", text));
        }
        Ok(SnsSettings {
            region: region.to_owned(),
            endpoint: written.endpoint.clone(),
            access_key_id: written.access_key_id.clone(),
            secret_access_key,
            sender_id: written.sender_id.clone(),
            sms_type: if written.promotional {
                SmsType::Promotional
            } else {
                SmsType::Transactional
            },
        })
    }

    fn webhook(&self, written: &WrittenWebhook) -> Result<Sms, Problem> {
        let (file, variable) = (written.secret_file.as_deref(), written.secret_env.as_deref());
        let secret = self.secret("sms.webhook.secret", file, variable)?;
        let secret = secret.ok_or_else(|| {
            let text = "needs secret_file or secret_env beside it";
            self.document.problem("sms.webhook.url", text)
        })?;
        let key = HttpSms::key(&secret).map_err(|text| {
            let key = if file.is_some() { "secret_file" } else { "secret_env" };
            self.document.problem(&format!("sms.webhook.{key}"), text)
        })?;
        Ok(Sms::Webhook { url: written.url.clone(), key: Zeroizing::new(key) })
    }

    /// What stands behind each ARN.
    fn log_delivery(
        &self,
        written: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Target>, Problem> {
        let mut targets = BTreeMap::new();
        for (arn, text) in written {
            // An ARN may hold dots, so that it can't be a step of the key.
            let problem =
                |what: &str| self.document.problem("log_delivery", format_args!("{arn}: {what}"));
            if !arn.starts_with("arn:") {
                return Err(problem("is no ARN, in quotes, such as \"arn:aws:s3:::my-logs\""));
            }
            let target = match text.strip_prefix("file:") {
                Some("") => return Err(problem("file: needs a path behind it")),
                Some(path) => Target::File(self.document.resolve(Path::new(path))),
                None if text == "stdout" => Target::Stdout,
                None if text.starts_with("http") => {
                    Target::Http(HttpTarget::parse(text).map_err(|what| problem(&what))?)
                }
                None => return Err(problem("must be \"file:…\", \"https://…\" or \"stdout\"")),
            };
            targets.insert(arn.clone(), target);
        }
        Ok(targets)
    }

    fn bytes(&self, key: &str, path: &Path) -> Result<Vec<u8>, Problem> {
        let path = self.document.resolve(path);
        std::fs::read(&path).map_err(|error| {
            self.document.problem(key, format_args!("{} can't be read: {error}", path.display()))
        })
    }

    fn variable(&self, key: &str, name: &str) -> Result<String, Problem> {
        (self.environment)(name).ok_or_else(|| {
            self.document.problem(key, format_args!("the environment variable {name} is not set"))
        })
    }
}

/// The location of a PostgreSQL URL.
pub(crate) fn postgres(url: &str, connections: usize) -> Result<Location, String> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Location::Postgres { url: url.to_owned(), connections });
    }
    // The text must not show the URL, which holds a password.
    Err("a database URL must begin with postgres://".to_owned())
}

/// The location that `--database` gives.
pub(crate) fn database(url: &str) -> Result<Location, String> {
    postgres(url, CONNECTIONS)
}

/// Whether a region can stand in identifiers of user pools.
pub(crate) fn check_region(region: &str) -> Result<(), &'static str> {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !region.is_empty() && region.len() <= 32 && region.chars().all(is_fit) {
        return Ok(());
    }
    Err("must be lower-case letters, digits and hyphens, such as eu-central-1")
}

/// Whether an account number can stand in ARNs.
pub(crate) fn check_account(account_id: &str) -> Result<(), &'static str> {
    if account_id.len() == 12 && account_id.chars().all(|c| c.is_ascii_digit()) {
        return Ok(());
    }
    Err("must be twelve digits, in quotes, such as \"123456789012\"")
}

/// Whether issuers can be made from this by appending a slash and the id of a pool.
pub(crate) fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        return Err("must be a URL such as https://id.example.com");
    };
    if rest.ends_with('/') || rest.contains(['?', '#', '@', ' ', '"', '\\']) {
        return Err(
            "must be a plain URL without a slash at its end, such as https://id.example.com",
        );
    }
    Ok(())
}

/// Whether names of prefix domains can be made from this by putting the prefix and a dot before it.
fn check_domain_suffix(suffix: &str) -> Result<(), &'static str> {
    let usage = "must be a name in lower case, with a port if it is not the usual one, such as \
                 auth.example.com or auth.example.com:8443";
    let (host, port) = match suffix.split_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().is_ok()),
        None => (suffix, true),
    };
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_fit);
    if port && host.split('.').all(is_label) { Ok(()) } else { Err(usage) }
}

/// Whether a URL names this machine.
fn is_local(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"listen = "0.0.0.0:8443"
region = "eu-central-1"
account_id = "123456789012"
issuer = "https://id.example.com"
trusted_proxy = true

[database]
file = "data/poolhouse.db"

[master_key]
env = "KEY"

[smtp]
host = "mail.example.com"
security = "starttls"
from = "Pool <pool@example.com>"
username = "me"
password_env = "PASSWORD"
"#;

    /// What a configuration is read as, in a folder of its own.
    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poolhouse.toml");
        std::fs::write(&path, text).unwrap();
        let environment = |name: &str| match name {
            "KEY" => Some("00".repeat(32)),
            "ID" => Some("AKIAPOOLHOUSE1234567".to_owned()),
            "PASSWORD" => Some("hunter2".to_owned()),
            "HOOK" | "CHECK_SECRET" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            "DATABASE" => Some("postgres://pool:hunter2@db.example/pool".to_owned()),
            _ => None,
        };
        let name = format!("{}/", folder.path().display());
        Config::read(&path, &environment).map_err(|problem| problem.to_string().replace(&name, ""))
    }

    /// The problem that remains when something in the good configuration is replaced.
    fn problem(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        let problem = read(&GOOD.replace(from, to)).err().unwrap();
        assert!(!problem.contains("hunter2"), "{problem}");
        problem
    }

    #[test]
    fn a_good_configuration_is_understood() {
        let config = read(GOOD).unwrap_or_else(|problem| panic!("{problem}"));
        assert!(config.tls.is_none());
        assert_eq!(config.identity.issuer_base, "https://id.example.com");
        let Location::SqliteFile(file) = config.location else { panic!("not a file") };
        assert!(file.ends_with("data/poolhouse.db") && file.is_absolute());
        let smtp = config.smtp.unwrap();
        assert_eq!(
            (smtp.security, smtp.credentials.unwrap().1.as_str()),
            (Security::StartTls, "hunter2")
        );
    }

    #[test]
    fn logs_have_somewhere_to_go() {
        let with = |lines: &str| format!("{GOOD}\n[log_delivery]\n{lines}\n");
        let good = "\"arn:aws:s3:::a\" = \"file:logs/a.jsonl\"\n\"arn:aws:s3:::b\" = \"stdout\"\n\
                    \"arn:aws:s3:::c\" = \"https://logs.example.com/c\"";
        let config = read(&with(good)).unwrap_or_else(|problem| panic!("{problem}"));
        let Some(Target::File(file)) = config.log_delivery.get("arn:aws:s3:::a") else {
            panic!("not a file")
        };
        assert!(file.ends_with("logs/a.jsonl") && file.is_absolute());
        assert!(matches!(config.log_delivery.get("arn:aws:s3:::b"), Some(Target::Stdout)));
        assert!(matches!(config.log_delivery.get("arn:aws:s3:::c"), Some(Target::Http(_))));
        for (line, text) in [
            ("a = \"stdout\"", "a: is no ARN"),
            ("\"arn:aws:s3:::a\" = \"file:\"", "file: needs a path"),
            ("\"arn:aws:s3:::a\" = \"syslog\"", "must be \"file:"),
            ("\"arn:aws:s3:::a\" = \"http://logs.example.com\"", "must begin with https://"),
        ] {
            let problem = read(&with(line)).err().unwrap();
            assert!(problem.contains("log_delivery: ") && problem.contains(text), "{problem}");
        }
    }

    #[test]
    fn keys_for_custom_senders_may_come_from_elsewhere() {
        assert!(read(GOOD).ok().unwrap().kms.is_none());
        let with = |lines: &str| read(&format!("{GOOD}\n[kms]\n{lines}\n"));
        let key = "access_key_id_env = \"ID\"\nsecret_access_key_env = \"PASSWORD\"";
        let kms = with(key).unwrap_or_else(|problem| panic!("{problem}")).kms.unwrap();
        assert_eq!((kms.endpoint, kms.region.as_str()), (None, "eu-central-1"));
        let local = "region = \"us-east-1\"\nendpoint = \"http://127.0.0.1:4566\"";
        let kms = with(&format!("{key}\n{local}")).ok().unwrap().kms.unwrap();
        assert_eq!(kms.endpoint.as_deref(), Some("http://127.0.0.1:4566"));
        assert_eq!(kms.region, "us-east-1");
        for (lines, text) in [
            ("", "AWS_ACCESS_KEY_ID is not set"),
            ("access_key_id_env = \"ID\"", "AWS_SECRET_ACCESS_KEY is not set"),
            (&key.replace("\"ID", "\"OTHER"), "21: kms.access_key_id_env: the environment"),
            (&key.replace("\"PASSWORD", "\"OTHER"), "22: kms.secret_access_key_env: the env"),
            (&format!("{key}\nsession_token_env = \"OTHER\""), "23: kms.session_token_env: the"),
            (&format!("{key}\nregion = \"EU\""), "23: kms.region: must be lower-case"),
            (&format!("{key}\nurl = \"https://kms.example.com\""), "unknown field `url`"),
        ] {
            let problem = with(lines).err().unwrap();
            assert!(problem.contains(text), "{problem}");
        }
    }

    #[test]
    fn functions_have_servers_behind_them() {
        let with = |lines: &str| read(&format!("{GOOD}\n{lines}\n"));
        let good = "[[functions]]\narn = \"arn:aws:lambda:eu-central-1:123456789012:function:a\"\n\
                    webhook = \"https://hooks.example.com/a\"\nsecret_env = \"HOOK\"\n\
                    [[functions]]\narn = \"arn:aws:lambda:*\"\nrie = \"http://127.0.0.1:9000\"\n\
                    timeout_seconds = 10\nattempts = 1\nparallel = 2\n\
                    [[functions]]\narn = \"arn:aws:lambda:eu-*\"\nlambda = \"http://127.0.0.1:3001\"\n\
                    function = \"Check\"\nregion = \"eu-west-1\"\n\
                    [lambda]\naccess_key_id_env = \"ID\"\nsecret_access_key_env = \"PASSWORD\"\nattempts = 2";
        let config = with(good).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(config.functions.count(), 3);
        let arn = "arn = \"arn:aws:lambda:eu-*\"";
        for (lines, start, text) in [
            (format!("[[functions]]\n{arn}"), "20: functions.0: ", "exactly one of: lambda, rie"),
            (format!("[[functions]]\n{arn}\nrie = \"a\""), "22: functions.0.rie: ", "is no URL"),
            (
                format!("[[functions]]\n{arn}\nwebhook = \"https://a\""),
                "22: functions.0.webhook: ",
                "needs secret_env or secret_file",
            ),
            (
                format!("[[functions]]\n{arn}\nwebhook = \"https://a\"\nsecret_env = \"PASSWORD\""),
                "23: functions.0.secret_env: ",
                "must begin with whsec_",
            ),
            (
                format!("[[functions]]\n{arn}\nwebhook = \"https://a\"\nsecret_file = \"a\""),
                "23: functions.0.secret_file: ",
                "can't be read",
            ),
            (
                format!("[[functions]]\n{arn}\nrie = \"http://a\"\nattempts = 11"),
                "23: functions.0.attempts: ",
                "from 1 to 10",
            ),
            (
                format!(
                    "[[functions]]\n{arn}\nrie = \"http://a\"\n[[functions]]\n{arn}\nrie = \"http://b\""
                ),
                "24: functions.1.arn: ",
                "of another",
            ),
            (
                "[[functions]]\narn = \"check\"\nrie = \"http://a\"".to_owned(),
                "21: functions.0.arn: ",
                "must be an ARN",
            ),
            ("[lambda]\nendpoint = \"a\"".to_owned(), "21: lambda.endpoint: ", "is no URL"),
            (
                "[lambda]\naccess_key_id_env = \"OTHER\"".to_owned(),
                "21: lambda.access_key_id_env: ",
                "OTHER is not set",
            ),
            ("[lambda]\nregion = \"EU\"".to_owned(), "21: lambda.region: ", "lower-case"),
            ("[lambda]\nkey = 1".to_owned(), "21: key: ", "unknown field"),
        ] {
            let problem = with(&lines).err().unwrap();
            assert!(problem.starts_with("poolhouse.toml:"), "{problem}");
            assert!(problem.contains(start) && problem.contains(text), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn the_example_in_the_guide_to_triggers_is_understood() {
        let guide = include_str!("../../../docs/triggers.md");
        let example = guide.split("```toml").nth(1).unwrap().split("```").next().unwrap();
        let config = read(&format!("{GOOD}\n{}", example.replace("[lambda]", KEYED)));
        assert_eq!(config.unwrap_or_else(|problem| panic!("{problem}")).functions.count(), 2);
    }

    /// The tests' environment lacks the variables that are meant where none is named.
    const KEYED: &str =
        "[lambda]\naccess_key_id_env = \"ID\"\nsecret_access_key_env = \"PASSWORD\"\n";

    #[test]
    fn tls_or_a_trusted_proxy_but_not_both() {
        let neither = problem("trusted_proxy = true", "");
        assert!(neither.starts_with("poolhouse.toml:1: listen: passwords would be"), "{neither}");
        let tls = "[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n[database]";
        let both = problem("[database]", tls);
        assert!(both.starts_with("poolhouse.toml:5: trusted_proxy: contradicts [tls]"), "{both}");
        let tls_only = GOOD.replace("trusted_proxy = true", "").replace("[database]", tls);
        assert!(read(&tls_only).unwrap().tls.unwrap().key.ends_with("b.pem"));
    }

    #[test]
    fn an_issuer_over_plain_http_must_stay_on_the_machine() {
        let remote = problem("https://id", "http://id");
        assert!(remote.starts_with("poolhouse.toml:4: issuer: must begin with https"), "{remote}");
        assert!(problem("https://id.example.com", "http://127.0.0.1:8443").contains("issuer"));
        let local = GOOD
            .replace("https://id.example.com", "http://127.0.0.1:8443")
            .replace("0.0.0.0", "127.0.0.1");
        assert!(read(&local).is_ok());
        assert!(problem(".com\"\ntrusted", ".com/\"\ntrusted").contains("without a slash"));
    }

    #[test]
    fn the_master_key_and_the_database_come_from_exactly_one_place() {
        let none = problem("env = \"KEY\"", "");
        assert!(none.starts_with("poolhouse.toml:10: master_key: needs exactly one"), "{none}");
        let unset = problem("\"KEY\"", "\"OTHER\"");
        assert!(unset.starts_with("poolhouse.toml:11: master_key.env: "), "{unset}");
        let missing = problem("env = \"KEY\"", "file = \"master.key\"");
        assert!(missing.contains("there is no master key file"), "{missing}");
        let both = problem("[master_key]", "url = \"postgres://x\"\n[master_key]");
        assert!(both.starts_with("poolhouse.toml:7: database: needs exactly one"), "{both}");
        let wrong = problem("file = \"data/poolhouse.db\"", "url = \"mysql://me:hunter2@x\"");
        assert!(wrong.contains("must begin with postgres://"), "{wrong}");
        let url = GOOD.replace("file = \"data/poolhouse.db\"", "url_env = \"DATABASE\"");
        assert!(matches!(read(&url).unwrap().location, Location::Postgres { .. }));
    }

    #[test]
    fn region_account_and_unknown_keys_are_checked() {
        assert!(problem("eu-central-1", "EU").starts_with("poolhouse.toml:2: region: "));
        assert!(problem("123456789012", "123").starts_with("poolhouse.toml:3: account_id: "));
        let unknown = problem("trusted_proxy", "trusted_proxies");
        assert!(unknown.starts_with("poolhouse.toml:5: trusted_proxies: unknown field"));
    }

    #[test]
    fn domains_get_names_where_a_suffix_is_set() {
        let suffix = |line: &str| {
            let config = read(&GOOD.replace("trusted_proxy", &format!("{line}\ntrusted_proxy")));
            config.map(|config| config.identity.domain_suffix)
        };
        assert_eq!(suffix(""), Ok(None));
        for good in ["auth.example.com", "auth.example.com:8443"] {
            let read = suffix(&format!("domain_suffix = \"{good}\""));
            assert_eq!(read, Ok(Some(good.to_owned())));
        }
        for bad in ["", "https://x", ".example.com", "Auth.example.com", "a.b:x", "a.b/c"] {
            let read = suffix(&format!("domain_suffix = \"{bad}\""));
            assert!(read.is_err_and(|text| text.contains("domain_suffix: must be")), "{bad}");
        }
    }

    #[test]
    fn issuers_are_the_servers_own_unless_the_services_are_asked_for() {
        let issuers = |line: &str| {
            let config = read(&GOOD.replace("trusted_proxy", &format!("{line}\ntrusted_proxy")));
            config.map(|config| config.identity.issuers)
        };
        assert_eq!(issuers(""), Ok(Issuers::Own));
        assert_eq!(issuers("token_issuer = \"own\""), Ok(Issuers::Own));
        assert_eq!(issuers("token_issuer = \"aws\""), Ok(Issuers::Service));
        let wrong = issuers("token_issuer = \"AWS\"").unwrap_err();
        let text = "poolhouse.toml:5: token_issuer: unknown variant `AWS`, expected `own` or `aws`";
        assert_eq!(wrong, text);
    }

    #[test]
    fn rates_are_enforced_unless_they_are_switched_off() {
        let limits = read(GOOD).unwrap_or_else(|problem| panic!("{problem}")).limits;
        let expected = LimitSettings { rates_are_enforced: true, ..LimitSettings::default() };
        assert_eq!(limits, expected);
        let more = "[limits]\nrates = false\nuser_pools = 5\napp_clients_per_pool = 6\n\
                    per_second = { UserRead = 500 }\n[smtp]";
        let limits = read(&GOOD.replace("[smtp]", more)).ok().unwrap().limits;
        assert_eq!((limits.rates_are_enforced, limits.user_pools), (false, 5));
        assert_eq!(limits.app_clients_per_pool, 6);
        assert_eq!(limits.rates, [(Category::UserRead, 500)].into());
        let unknown = problem("[smtp]", "[limits.per_second]\nUserReed = 5\n[smtp]");
        let start = "poolhouse.toml:14: limits.per_second.UserReed: is no category";
        assert!(unknown.starts_with(start), "{unknown}");
        let none = problem("[smtp]", "[limits.per_second]\nUserRead = 0\n[smtp]");
        assert!(none.contains("UserRead: must be from 1 to 100000"), "{none}");
    }

    #[test]
    fn text_messages_are_sent_by_one_of_two() {
        let with = |lines: &str| read(&format!("{GOOD}\n{lines}\n"));
        let sns = "[sms.sns]\naccess_key_id = \"AKIA\"\nsecret_access_key_env = \"PASSWORD\"";
        let Ok(Some(Sms::Sns(settings))) = with(sns).map(|config| config.sms) else {
            panic!("not SNS")
        };
        assert_eq!((settings.region.as_str(), settings.endpoint), ("eu-central-1", None));
        assert_eq!(settings.secret_access_key.as_str(), "hunter2");
        assert_eq!(settings.sms_type, SmsType::Transactional);
        let hook = "[sms.webhook]\nurl = \"https://sms.example.com/\"\nsecret_env = \"HOOK\"";
        let Ok(Some(Sms::Webhook { key, .. })) = with(hook).map(|config| config.sms) else {
            panic!("not a webhook")
        };
        assert_eq!(key.len(), 24);
        for (lines, text) in [
            ("[sms]".to_owned(), "20: sms: needs exactly one"),
            (format!("{sns}\n{hook}"), "sms: needs exactly one"),
            (sns.replace("secret_access_key_env = \"PASSWORD\"", ""), "needs secret_access_key"),
            (format!("{sns}\nsender_id = \"much too long\""), "sms.sns.sender_id: must be up to"),
            (format!("{sns}\nregion = \"EU\""), "sms.sns.region: must be"),
            (hook.replace("HOOK", "PASSWORD"), "sms.webhook.secret_env: must hold whsec_"),
            (hook.replace("secret_env = \"HOOK\"", ""), "needs secret_file or secret_env"),
            (format!("{hook}\nsecret_file = \"x\""), "contradicts sms.webhook.secret_file"),
        ] {
            let problem = with(&lines).err().unwrap();
            assert!(problem.contains(text) && !problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_user_name_without_password_is_refused() {
        let alone = problem("password_env = \"PASSWORD\"\n", "");
        assert!(alone.starts_with("poolhouse.toml:17: smtp.username: needs password"), "{alone}");
        assert!(problem("username = \"me\"\n", "").contains("no username"));
        assert!(problem("\"PASSWORD\"", "\"OTHER\"").contains("OTHER is not set"));
    }
}
