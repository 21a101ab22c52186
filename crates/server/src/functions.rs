//! Which servers stand behind the functions of triggers: as it is written in the configuration, on
//! the command line, or sent to `dev` while it runs. See `docs/triggers.md`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use poolhouse_adapters::{
    clock::SystemClock,
    functions::{
        AccessKey, EMULATOR_PATH, HttpFunctions, Journal, Lambda, Limits, Pattern, Routes, Secrets,
        Target, parse_url,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Outcome, cli,
    config::{
        Environment, check_region,
        kms::{KEY_ID, SECRET_KEY, usual_session_token},
    },
    document::{Document, Problem},
};

/// Routes that `dev` takes while it runs.
const MOST_ROUTES: usize = 1_000;

/// What is wrong, and with which key.
type Wrong = (&'static str, String);

/// `[lambda]`: who is asked for functions that no `[[functions]]` is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenLambda {
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id_env: Option<String>,
    secret_access_key_env: Option<String>,
    session_token_env: Option<String>,
    timeout_seconds: Option<f64>,
    attempts: Option<u32>,
    parallel: Option<usize>,
}

/// `[[functions]]`: who is asked for some functions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenFunctions {
    arn: String,
    lambda: Option<String>,
    rie: Option<String>,
    webhook: Option<String>,
    function: Option<String>,
    region: Option<String>,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
    timeout_seconds: Option<f64>,
    attempts: Option<u32>,
    parallel: Option<usize>,
}

/// What `dev` is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    function: String,
    lambda: Option<String>,
    rie: Option<String>,
    webhook: Option<String>,
    name: Option<String>,
    secret: Option<String>,
    timeout_seconds: Option<f64>,
    attempts: Option<u32>,
    parallel: Option<usize>,
}

/// A server in one of three kinds.
struct Server<'a> {
    lambda: Option<&'a str>,
    rie: Option<&'a str>,
    webhook: Option<&'a str>,
    /// What a Lambda is asked for.
    function: Option<&'a str>,
    region: Option<&'a str>,
    /// What a webhook is signed with.
    secrets: Option<Secrets>,
    limits: Limits,
}

impl Server<'_> {
    fn target(self, key: impl FnOnce() -> Result<AccessKey, Wrong>) -> Result<Target, Wrong> {
        let is_lambda = self.lambda.is_some();
        if self.secrets.is_some() && self.webhook.is_none() {
            return Err(("", "a secret is for a webhook".to_owned()));
        }
        if !is_lambda && (self.function.is_some() || self.region.is_some()) {
            return Err(("", "a name or a region goes with `lambda`".to_owned()));
        }
        let limits = self.limits;
        match (self.lambda, self.rie, self.webhook) {
            (Some(url), None, None) => {
                let endpoint = Some(parse_url(url).map_err(|text| ("lambda", text))?);
                let region = region(self.region)?;
                let function = self.function.map(str::to_owned);
                let lambda = Lambda { endpoint, region, key: key()?, function };
                Target::lambda(lambda, limits).map_err(|text| ("lambda", text))
            }
            (None, Some(url), None) => Target::emulator(url, limits).map_err(|text| ("rie", text)),
            (None, None, Some(url)) => {
                let secrets = self.secrets.unwrap_or_default();
                Target::webhook(url, secrets, limits).map_err(|text| ("webhook", text))
            }
            _ => Err(("", "needs exactly one of: lambda, rie, webhook".to_owned())),
        }
    }
}

fn region(region: Option<&str>) -> Result<Option<String>, Wrong> {
    region.map(check_region).transpose().map_err(|text| ("region", text.to_owned()))?;
    Ok(region.map(str::to_owned))
}

fn limits(
    usual: Limits,
    seconds: Option<f64>,
    attempts: Option<u32>,
    parallel: Option<usize>,
) -> Result<Limits, Wrong> {
    let within = |is_fit: bool, key: &'static str, text: &str| {
        if is_fit { Ok(()) } else { Err((key, format!("must be from {text}"))) }
    };
    let seconds = seconds.unwrap_or(usual.time.as_secs_f64());
    let attempts = attempts.unwrap_or(usual.attempts);
    let parallel = parallel.unwrap_or(usual.parallel);
    within((0.1..=60.0).contains(&seconds), "timeout_seconds", "0.1 to 60")?;
    within((1..=10).contains(&attempts), "attempts", "1 to 10")?;
    within((1..=1_000).contains(&parallel), "parallel", "1 to 1000")?;
    Ok(Limits { time: Duration::from_secs_f64(seconds), attempts, parallel })
}

/// The routes of a configuration.
///
/// # Errors
/// What is wrong, with its key.
pub(crate) fn routes(
    lambda: Option<&WrittenLambda>,
    functions: &[WrittenFunctions],
    document: &Document,
    environment: Environment<'_>,
) -> Result<Routes, Problem> {
    let reader = Reader { lambda, document, environment };
    let rest = lambda.map(|lambda| reader.rest(lambda)).transpose();
    let mut routes = Routes::new(rest.map_err(|wrong| reader.problem("lambda", wrong))?);
    for (number, written) in functions.iter().enumerate() {
        let table = format!("functions.{number}");
        let route = reader.route(written).and_then(|(pattern, target)| {
            let is_known = routes.has(&pattern);
            let known = ("arn", "is the arn of another [[functions]] too".to_owned());
            if is_known { Err(known) } else { Ok((pattern, target)) }
        });
        let (pattern, target) = route.map_err(|wrong| reader.problem(&table, wrong))?;
        routes.put(pattern, target);
    }
    Ok(routes)
}

/// Reads the tables of a configuration.
struct Reader<'a> {
    lambda: Option<&'a WrittenLambda>,
    document: &'a Document,
    environment: Environment<'a>,
}

impl Reader<'_> {
    fn problem(&self, table: &str, (key, text): Wrong) -> Problem {
        let key = if key.is_empty() { table.to_owned() } else { format!("{table}.{key}") };
        self.document.problem(&key, text)
    }

    /// The server for functions that no other table is for.
    fn rest(&self, written: &WrittenLambda) -> Result<Target, Wrong> {
        let endpoint = written.endpoint.as_deref().map(parse_url).transpose();
        let endpoint = endpoint.map_err(|text| ("endpoint", text))?;
        let region = region(written.region.as_deref())?;
        let lambda = Lambda { endpoint, region, key: self.key()?, function: None };
        Target::lambda(lambda, self.usual_limits()?).map_err(|text| ("endpoint", text))
    }

    fn usual_limits(&self) -> Result<Limits, Wrong> {
        let usual = Limits::default();
        self.lambda.map_or(Ok(usual), |written| {
            limits(usual, written.timeout_seconds, written.attempts, written.parallel)
        })
    }

    fn route(&self, written: &WrittenFunctions) -> Result<(Pattern, Target), Wrong> {
        let pattern = Pattern::parse(&written.arn).map_err(|text| ("arn", text.to_owned()))?;
        if matches!(pattern, Pattern::Name(_)) {
            return Err(("arn", "must be an ARN, perhaps with a star at its end".to_owned()));
        }
        let secrets = self.secrets(written)?;
        if written.webhook.is_some() && secrets.is_none() {
            let text = "needs secret_env or secret_file beside it, with which requests are signed";
            return Err(("webhook", text.to_owned()));
        }
        let server = Server {
            lambda: written.lambda.as_deref(),
            rie: written.rie.as_deref(),
            webhook: written.webhook.as_deref(),
            function: written.function.as_deref(),
            region: written.region.as_deref(),
            secrets,
            limits: limits(
                self.usual_limits()?,
                written.timeout_seconds,
                written.attempts,
                written.parallel,
            )?,
        };
        Ok((pattern, server.target(|| self.key().map_err(|(_, text)| ("lambda", text)))?))
    }

    fn secrets(&self, written: &WrittenFunctions) -> Result<Option<Secrets>, Wrong> {
        let (key, text) = match (&written.secret_env, &written.secret_file) {
            (None, None) => return Ok(None),
            (Some(variable), None) => ("secret_env", self.variable("secret_env", variable)?),
            (None, Some(path)) => {
                let path = self.document.resolve(path);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    ("secret_file", format!("{} can't be read: {error}", path.display()))
                })?;
                ("secret_file", text)
            }
            (Some(_), Some(_)) => {
                return Err(("secret_env", "contradicts secret_file: keep one".to_owned()));
            }
        };
        Secrets::parse(&text).map(Some).map_err(|text| (key, text))
    }

    /// The access key for the Invoke API.
    fn key(&self) -> Result<AccessKey, Wrong> {
        let named =
            |of: fn(&WrittenLambda) -> &Option<String>| self.lambda.and_then(|l| of(l).as_deref());
        let id = named(|written| &written.access_key_id_env).unwrap_or(KEY_ID);
        let secret = named(|written| &written.secret_access_key_env);
        let secret = secret.unwrap_or(SECRET_KEY);
        let names = (id, secret);
        let id = self.variable("access_key_id_env", id)?;
        let secret = self.variable("secret_access_key_env", secret)?;
        let token = match named(|written| &written.session_token_env) {
            Some(variable) => Some(self.variable("session_token_env", variable)?),
            None => usual_session_token(self.environment, names),
        };
        Ok(AccessKey::new(&id, &secret, token.filter(|token| !token.is_empty())))
    }

    fn variable(&self, key: &'static str, name: &str) -> Result<String, Wrong> {
        let value = (self.environment)(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| (key, format!("the environment variable {name} is not set")))
    }
}

/// The functions of `dev`: routes can be added while it runs, and what is invoked can be seen.
pub(crate) struct DevFunctions {
    /// The port.
    pub(crate) functions: Arc<HttpFunctions>,
    /// What was invoked.
    pub(crate) journal: Arc<Journal>,
    key: AccessKey,
}

impl DevFunctions {
    /// Functions where the command line says.
    ///
    /// # Errors
    /// What is wrong, with its option.
    pub(crate) fn new(options: &cli::Triggers, environment: Environment<'_>) -> Outcome<Self> {
        let key = dev_key(environment);
        let rest = options.lambda_endpoint.as_deref().filter(|url| !url.is_empty());
        let rest = rest.map(|url| {
            let endpoint = Some(parse_url(url)?);
            let lambda = Lambda { endpoint, region: None, key: key.clone(), function: None };
            Target::lambda(lambda, Limits::default())
        });
        let rest = rest.transpose().map_err(|text| format!("--lambda-endpoint: {text}"))?;
        let mut routes = Routes::new(rest);
        for trigger in &options.trigger {
            let (pattern, target) = read_option(trigger, options.trigger_secret.as_deref())
                .map_err(|text| format!("--trigger {text}"))?;
            routes.put(pattern, target);
        }
        let journal = Arc::<Journal>::default();
        // Signatures are compared with the time outside, also while the clock here is elsewhere.
        let clock = Arc::new(SystemClock);
        let functions = Arc::new(HttpFunctions::new(routes, clock, Some(Arc::clone(&journal))));
        Ok(Self { functions, journal, key })
    }

    /// Takes a route. Answers what it is, or what is wrong with it.
    pub(crate) fn put(&self, body: &[u8]) -> Result<Value, String> {
        let sent: Sent = serde_json::from_slice(body).map_err(|error| {
            format!("send {{\"function\": ARN or name, \"webhook\", \"rie\" or \"lambda\": URL}}: {error}")
        })?;
        let said = |(key, text): Wrong| format!("{key} {text}").trim().to_owned();
        let pattern = Pattern::parse(&sent.function).map_err(|text| format!("function {text}"))?;
        let secrets = sent.secret.as_deref().map(Secrets::parse).transpose();
        let limits = limits(Limits::default(), sent.timeout_seconds, sent.attempts, sent.parallel);
        let server = Server {
            lambda: sent.lambda.as_deref(),
            rie: sent.rie.as_deref(),
            webhook: sent.webhook.as_deref(),
            function: sent.name.as_deref(),
            region: None,
            secrets: secrets.map_err(|text| format!("secret {text}"))?,
            limits: limits.map_err(said)?,
        };
        let target = server.target(|| Ok(self.key.clone())).map_err(said)?;
        let shown = target.to_string();
        if self.functions.route(pattern, target, MOST_ROUTES) {
            return Ok(json!({ "function": sent.function, "target": shown }));
        }
        Err(format!("there are {MOST_ROUTES} routes already; use one with a star at its end"))
    }
}

/// Servers on one's own machine rarely look at keys. Those of the environment are for the others.
fn dev_key(environment: Environment<'_>) -> AccessKey {
    let (id, secret) = (environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"));
    match (id, secret) {
        (Some(id), Some(secret)) => AccessKey::new(&id, &secret, environment("AWS_SESSION_TOKEN")),
        _ => AccessKey::any(),
    }
}

/// `NAME=URL`: an emulator if the URL has an emulator's path, otherwise a webhook.
fn read_option(text: &str, secret: Option<&str>) -> Result<(Pattern, Target), String> {
    let usage = || format!("{text}: must be NAME=URL or ARN=URL");
    let (function, url) = text.split_once('=').ok_or_else(usage)?;
    let pattern = Pattern::parse(function).map_err(|text| format!("{function}: {text}"))?;
    let target = if url.ends_with(EMULATOR_PATH) {
        Target::emulator(url, Limits::default())
    } else {
        let secrets = secret.map(Secrets::parse).transpose();
        let secrets = secrets.map_err(|text| format!("with --trigger-secret: {text}"))?;
        Target::webhook(url, secrets.unwrap_or_default(), Limits::default())
    };
    Ok((pattern, target.map_err(|text| format!("{function}: the URL {text}"))?))
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::triggers::{Functions, Invocation, InvocationFailed, Trigger};

    use super::*;

    fn options(trigger: &[&str], secret: Option<&str>) -> cli::Triggers {
        cli::Triggers {
            lambda_endpoint: None,
            trigger: trigger.iter().map(|text| (*text).to_owned()).collect(),
            trigger_secret: secret.map(str::to_owned),
        }
    }

    fn dev(trigger: &[&str], secret: Option<&str>) -> Result<DevFunctions, String> {
        let made = DevFunctions::new(&options(trigger, secret), &|_| None);
        made.map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_names_functions_and_servers() {
        assert!(dev(&["check=http://127.0.0.1:9/hook"], None).is_ok());
        for (option, problem) in [
            ("check", "--trigger check: must be NAME=URL"),
            ("=http://127.0.0.1:9", "--trigger : must be an ARN"),
            ("check=127.0.0.1:9", "--trigger check: the URL is no URL"),
            ("check=ftp://127.0.0.1", "--trigger check: the URL must begin with"),
        ] {
            let refused = dev(&[option], None).err().unwrap();
            assert!(refused.starts_with(problem), "{refused}");
        }
        let refused = dev(&["check=http://127.0.0.1:9"], Some("hunter2")).err().unwrap();
        assert!(refused.contains("--trigger-secret: a secret must begin"), "{refused}");
        let options = cli::Triggers { lambda_endpoint: Some("x".into()), ..options(&[], None) };
        let refused = DevFunctions::new(&options, &|_| None).err().unwrap().to_string();
        assert_eq!(refused, "--lambda-endpoint: is no URL");
    }

    #[tokio::test]
    async fn routes_are_taken_while_the_server_runs() {
        let dev = dev(&[], None).unwrap();
        let answer = dev.put(br#"{"function":"check","webhook":"http://127.0.0.1:1/x?key=a"}"#);
        let expected = json!({ "function": "check", "target": "webhook http://127.0.0.1:1" });
        assert_eq!(answer, Ok(expected));
        let call = Invocation {
            function: "arn:aws:lambda:us-east-1:123456789012:function:check".to_owned(),
            trigger: Trigger::PreSignUp,
            user_pool_id: "us-east-1_Pool".to_owned(),
            id: "1".to_owned(),
            event: "{}".to_owned(),
            is_queued: false,
        };
        let failed = dev.functions.invoke(&call).await;
        let expected = InvocationFailed::Unreachable("ServiceException.".to_owned());
        assert_eq!(failed, Err(expected), "nobody listens there");
    }

    #[test]
    fn routes_that_make_no_sense_are_refused() {
        let dev = dev(&[], None).unwrap();
        for (body, problem) in [
            ("{}", "send {\"function\""),
            (r#"{"function":"a b","rie":"http://a"}"#, "function must be an ARN"),
            (r#"{"function":"a"}"#, "needs exactly one of"),
            (r#"{"function":"a","rie":"http://a","webhook":"http://a"}"#, "needs exactly one of"),
            (r#"{"function":"a","rie":"a"}"#, "rie is no URL"),
            (r#"{"function":"a","rie":"http://a","secret":"whsec_"}"#, "secret a secret must have"),
            (r#"{"function":"a","rie":"http://a","name":"b"}"#, "a name or a region goes with"),
            (r#"{"function":"a","rie":"http://a","attempts":0}"#, "attempts must be from 1 to 10"),
            (r#"{"function":"a","rie":"http://a","timeout_seconds":61}"#, "timeout_seconds must"),
            (r#"{"function":"a","rie":"http://a","other":1}"#, "send {\"function\""),
        ] {
            let refused = dev.put(body.as_bytes()).unwrap_err();
            assert!(refused.starts_with(problem), "{body}: {refused}");
        }
    }
}
