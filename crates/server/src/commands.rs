//! The commands that work on an installation and end: access keys, master key, data keys, logs of
//! imports.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_adapters::{clock::SystemClock, entropy::SystemEntropy, master_key};
use poolhouse_domain::{
    access_keys::{AccessKey, BUILT_IN, LONGEST_DOCUMENT, MOST_POLICIES, built_in, check_policy},
    fault::retrying,
    ports::{Clock, Entropy, Store, Transaction},
    sealing::MasterKey,
    time::Timestamp,
};
use poolhouse_store::SqlStore;

use crate::{
    Outcome,
    cli::{AccessKeyCommand, DataKeyCommand, ImportLog, Installation, MasterKeyCommand},
    config::Config,
    imports, installation,
};

/// Opens the installation that a command names.
pub(crate) async fn open(installation: &Installation) -> Outcome<SqlStore> {
    let (location, key) = if let Some(path) = &installation.config {
        let config = Config::read(path, &|name| std::env::var(name).ok())?;
        (config.location, config.master_key)
    } else {
        let folder = &installation.data;
        if !folder.is_dir() {
            let text = "there is no data folder; name it with --data, or a configuration with \
                        --config";
            return Err(format!("{}: {text}", folder.display()).into());
        }
        installation::in_folder(folder, installation.database.as_deref())?
    };
    installation::open(&location, &key, SystemClock.now()).await
}

/// Runs an `access-key` command; answers what to print.
pub(crate) async fn access_key(command: AccessKeyCommand) -> Outcome<String> {
    match command {
        AccessKeyCommand::Create { name, policy, installation } => {
            create(&installation, name, &policy).await
        }
        AccessKeyCommand::Attach { id, policy, installation } => {
            attach(&installation, &id, &policy).await
        }
        AccessKeyCommand::Detach { id, policy, installation } => {
            detach(&installation, &id, &policy).await
        }
        AccessKeyCommand::Show { id, installation } => show(&installation, &id).await,
        AccessKeyCommand::List { installation } => list(&installation).await,
        AccessKeyCommand::Delete { id, installation } => delete(&installation, &id).await,
    }
}

async fn create(installation: &Installation, name: String, policies: &[String]) -> Outcome<String> {
    check_name(&name)?;
    let policies = read_policies(policies)?;
    let store = open(installation).await?;
    let key = AccessKey { policies, ..new_access_key(name, &SystemEntropy, SystemClock.now()) };
    let mut tx = store.write().await?;
    tx.insert_access_key(&key).await?;
    tx.commit().await?;
    store.close().await;
    Ok(format!(
        "AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n\nKeep the secret: it is never shown \
         again. Policies: {}.\n",
        key.id,
        key.secret,
        policy_names(&key)
    ))
}

/// The names of a key's policies, for people.
fn policy_names(key: &AccessKey) -> String {
    if key.policies.is_empty() {
        return "none, so it may do nothing".to_owned();
    }
    key.policies.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The policies that the command line names: built-in ones, or files.
fn read_policies(arguments: &[String]) -> Outcome<BTreeMap<String, String>> {
    let mut policies = BTreeMap::new();
    for argument in arguments {
        let (name, text) = match built_in(argument) {
            Some(text) => (argument.clone(), text.to_owned()),
            None => read_policy_file(Path::new(argument))?,
        };
        if policies.insert(name.clone(), text).is_some() {
            return Err(format!("--policy {argument}: {name} is given twice").into());
        }
    }
    if policies.len() > MOST_POLICIES {
        return Err(format!("a key can have at most {MOST_POLICIES} policies").into());
    }
    Ok(policies)
}

/// A policy in a file, checked; it is named after the file.
fn read_policy_file(path: &Path) -> Outcome<(String, String)> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| {
        let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        format!("--policy {shown}: {error}; give a file, or one of {}", names.join(", "))
    })?;
    let mut text = String::new();
    // One byte more than the check allows, so that it notices.
    let most = u64::try_from(LONGEST_DOCUMENT + 1).unwrap_or(u64::MAX);
    file.take(most)
        .read_to_string(&mut text)
        .map_err(|error| format!("--policy {shown}: {error}"))?;
    check_policy(&text).map_err(|problem| format!("{shown}: {problem}"))?;
    let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_owned();
    check_name(&name).map_err(|_| {
        format!(
            "{shown}: the name of the file names the policy; it must be 1 to 64 letters, \
                 digits and characters of +=,.@_-"
        )
    })?;
    if built_in(&name).is_some() {
        return Err(format!("{shown}: {name} is the name of a built-in policy").into());
    }
    Ok((name, text))
}

/// The key with this id, in an open transaction.
async fn find(tx: &mut dyn Transaction, id: &str) -> Outcome<AccessKey> {
    Ok(tx.access_key(id).await?.ok_or_else(|| format!("there is no access key {id}"))?)
}

async fn attach(installation: &Installation, id: &str, arguments: &[String]) -> Outcome<String> {
    let policies = read_policies(arguments)?;
    let store = open(installation).await?;
    let mut tx = store.write().await?;
    let mut key = find(&mut *tx, id).await?;
    key.policies.extend(policies);
    if key.policies.len() > MOST_POLICIES {
        return Err(format!("a key can have at most {MOST_POLICIES} policies").into());
    }
    tx.update_access_key_policies(&key).await?;
    tx.commit().await?;
    store.close().await;
    Ok(format!("Policies of {id}: {}.\n", policy_names(&key)))
}

async fn detach(installation: &Installation, id: &str, names: &[String]) -> Outcome<String> {
    let store = open(installation).await?;
    let mut tx = store.write().await?;
    let mut key = find(&mut *tx, id).await?;
    for name in names {
        if key.policies.remove(name).is_none() {
            return Err(format!("access key {id} has no policy {name}").into());
        }
    }
    tx.update_access_key_policies(&key).await?;
    tx.commit().await?;
    store.close().await;
    Ok(format!("Policies of {id}: {}.\n", policy_names(&key)))
}

async fn show(installation: &Installation, id: &str) -> Outcome<String> {
    let store = open(installation).await?;
    let key = find(&mut *store.read().await?, id).await?;
    store.close().await;
    let texts = key.policies.iter().map(|(name, text)| format!("\n{name}:\n{}\n", text.trim()));
    Ok(format!("{}{}", line(&key), texts.collect::<String>()))
}

/// What a list shows of a key.
fn line(key: &AccessKey) -> String {
    let made = jiff::Timestamp::from_second(key.created_at.seconds());
    let made = made.map_or_else(|_| String::new(), |made| made.to_string());
    format!("{}  {made}  {}  ({})\n", key.id, key.name, policy_names(key))
}

/// The name goes into ARNs, so it is like the name of a user in IAM.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(is_fit) {
        return Ok(());
    }
    Err("--name must be 1 to 64 letters, digits and characters of +=,.@_-")
}

/// A key as AWS makes them: base32 in the id, base64 in the secret.
fn new_access_key(name: String, entropy: &dyn Entropy, now: Timestamp) -> AccessKey {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = [0; 16];
    entropy.fill(&mut random);
    let letters = random.iter().filter_map(|byte| BASE32.get(usize::from(byte % 32)));
    let id = format!("AKIA{}", letters.map(|letter| char::from(*letter)).collect::<String>());
    let mut secret = [0; 30];
    entropy.fill(&mut secret);
    let policies = BTreeMap::new();
    AccessKey { id, secret: STANDARD.encode(secret), name, created_at: now, policies }
}

async fn list(installation: &Installation) -> Outcome<String> {
    let store = open(installation).await?;
    let keys = store.read().await?.list_access_keys().await?;
    store.close().await;
    if keys.is_empty() {
        return Ok("There are no access keys.\n".to_owned());
    }
    Ok(keys.iter().map(line).collect())
}

async fn delete(installation: &Installation, id: &str) -> Outcome<String> {
    let store = open(installation).await?;
    let mut tx = store.write().await?;
    let was_there = tx.delete_access_key(id).await?;
    tx.commit().await?;
    store.close().await;
    if was_there {
        Ok(format!("Deleted {id}.\n"))
    } else {
        Err(format!("there is no access key {id}").into())
    }
}

/// Runs a `master-key` command; answers what to print.
pub(crate) async fn master_key(command: MasterKeyCommand) -> Outcome<String> {
    let MasterKeyCommand::Rotate { new_key_file, installation } = command;
    let (file, replaced) = match (&installation.config, new_key_file) {
        (Some(_), None) => return Err("--new-key-file is required with --config".into()),
        (Some(_), Some(file)) => (file, None),
        (None, file) => {
            let current = installation.data.join(installation::MASTER_KEY);
            let draft = || PathBuf::from(format!("{}.new", current.display()));
            (file.unwrap_or_else(draft), Some(current))
        }
    };
    let store = open(&installation).await?;
    let new = master_key::read_or_create_file(&file, &SystemEntropy)?;
    let new = MasterKey::new(*new);
    let id = new.id();
    store.rotate_master_key(new).await?;
    store.close().await;
    let Some(current) = replaced else {
        return Ok(format!(
            "The data keys are now wrapped by master key {id} in {}.\nMake the configuration name \
             this file, restart each server, then destroy the old key.\n",
            file.display()
        ));
    };
    fs::rename(&file, &current).map_err(|error| {
        let (file, current) = (file.display(), current.display());
        format!("the master key was rotated; move {file} to {current} yourself: {error}")
    })?;
    Ok(format!("The data keys are now wrapped by master key {id} in {}.\n", current.display()))
}

/// Runs a `data-key` command; answers what to print.
pub(crate) async fn data_key(command: DataKeyCommand) -> Outcome<String> {
    let DataKeyCommand::Rotate { installation } = command;
    let store = open(&installation).await?;
    let id = retrying(|| store.rotate_data_key(SystemClock.now())).await?;
    store.close().await;
    Ok(format!("Data key {id} is stored. Servers seal with it some 15 seconds from now.\n"))
}

/// Runs `import-log`, which prints as it reads: a log can be long.
pub(crate) async fn import_log(options: ImportLog) -> Outcome<String> {
    let store = open(&options.installation).await?;
    let (pool, job) = (&options.user_pool_id, &options.job_id);
    let was_there = imports::write_log(&store, pool, job, &mut std::io::stdout()).await?;
    store.close().await;
    if was_there {
        Ok(String::new())
    } else {
        Err(format!("there is no import job {job} of user pool {pool}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_look_like_those_of_aws_and_differ() {
        let make = || new_access_key("ci".to_owned(), &SystemEntropy, Timestamp::default());
        let (one, two) = (make(), make());
        assert!(one.id.starts_with("AKIA") && one.id.len() == 20 && one.secret.len() == 40);
        assert!(one.id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
        assert!(one.id != two.id && one.secret != two.secret);
    }

    #[test]
    fn names_are_fit_for_arns() {
        assert!(check_name("ci-deploy@example.com").is_ok());
        for name in ["", "a b", "a/b", "ü", &"a".repeat(65)] {
            assert!(check_name(name).is_err());
        }
    }
}
