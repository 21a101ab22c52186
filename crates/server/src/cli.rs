//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{config::TokenIssuer, logs::LogFormat};

/// A self-hosted server for the Amazon Cognito user pools API.
#[derive(Debug, Parser)]
#[command(name = "poolhouse", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Form of the log lines on the error stream.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// What is logged, in the form of RUST_LOG: "info", or "warn,poolhouse_api=debug".
    #[arg(
        long,
        global = true,
        env = "POOLHOUSE_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(crate) log_filter: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve this machine only: any AWS credentials are accepted, messages are kept in an inbox,
    /// and the clock can be moved.
    Dev(Box<Dev>),
    /// Serve a network: signatures are verified, messages are sent.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "poolhouse.toml")]
        config: PathBuf,
    },
    /// Manage the keys with which administrators sign requests.
    #[command(subcommand)]
    AccessKey(AccessKeyCommand),
    /// Manage the key that protects all others and lives outside the database.
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// Manage the keys in the database that seal secrets and tokens.
    #[command(subcommand)]
    DataKey(DataKeyCommand),
    /// Print what became of each line of a file that users were imported from.
    ImportLog(ImportLog),
    /// Look after messages that wait to be sent, or that were given up.
    #[command(subcommand)]
    Messages(MessagesCommand),
    /// Manage lists of compromised passwords (docs/threat-protection.md).
    #[command(subcommand)]
    CompromisedPasswords(CompromisedPasswordsCommand),
    /// Show the current code of a TOTP secret, and the QR code for an authenticator app.
    Totp(Totp),
}

/// Options of `dev`.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Address and port, on this machine; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7665")]
    pub(crate) listen: SocketAddr,
    /// Folder of the database and the master key; made if it does not exist.
    #[arg(long, value_name = "FOLDER", default_value = "./.poolhouse")]
    pub(crate) data: PathBuf,
    /// Keep nothing: begin empty and forget everything at the end.
    #[arg(long, conflicts_with = "database")]
    pub(crate) ephemeral: bool,
    /// Use this PostgreSQL database (postgres://…) in place of a file in the data folder.
    #[arg(long, value_name = "URL", env = "POOLHOUSE_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Create the pools, app clients and users of this file (see docs/seed.md) if they are missing.
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// Region in identifiers and ARNs.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// Account number in ARNs.
    #[arg(long, default_value = "123456789012")]
    pub(crate) account_id: String,
    /// Where this server is for others, if not at the address on which it listens; what issuers begin
    /// with.
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// What the issuer in tokens begins with, whatever --issuer says.
    #[arg(long, value_enum, value_name = "WHOSE", default_value = "own")]
    pub(crate) token_issuer: TokenIssuer,
    /// Answer requests to this host name too, and those of web pages from it; may be repeated.
    /// Names of this machine, such as localhost, and the host of the issuer need not be given.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Answer `https://`, which the port takes beside `http://`, with this certificate (PEM) in place
    /// of one that this server makes and browsers warn of.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Give custom senders codes and temporary passwords as they are, not encrypted
    /// (docs/custom-senders.md).
    #[arg(long)]
    pub(crate) plain_codes: bool,
    /// Take the compromised passwords of this filter in place of the built-in list; see
    /// `poolhouse compromised-passwords build`.
    #[arg(long, value_name = "FILTER")]
    pub(crate) compromised_passwords: Option<PathBuf>,
    /// Append every answer of the API to this file, a JSON object on each line, with the tokens and
    /// codes that are in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) triggers: Triggers,
}

/// Where `dev` finds the functions of triggers.
#[derive(Debug, Default, Args)]
pub(crate) struct Triggers {
    /// The Invoke API that is asked for functions, such as that of `sam local start-lambda`, of
    /// LocalStack or of AWS. See docs/triggers.md.
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_LAMBDA")]
    pub(crate) lambda_endpoint: Option<String>,
    /// Ask this URL for a function, given by its name or its ARN (perhaps with a star at its end):
    /// a webhook, or a runtime interface emulator if the path is an emulator's. May be repeated.
    #[arg(long, value_name = "FUNCTION=URL")]
    pub(crate) trigger: Vec<String>,
    /// Sign requests to webhooks with this, whsec_….
    #[arg(long, value_name = "SECRET", env = "POOLHOUSE_WEBHOOK_SECRET", hide_env_values = true)]
    pub(crate) trigger_secret: Option<String>,
}

/// Which installation a command is for.
#[derive(Debug, Args)]
pub(crate) struct Installation {
    /// The configuration file of `poolhouse serve`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "database"])]
    pub(crate) config: Option<PathBuf>,
    /// The data folder of `poolhouse dev`.
    #[arg(long, value_name = "FOLDER", default_value = "./.poolhouse")]
    pub(crate) data: PathBuf,
    /// The database of `poolhouse dev`, if it has one outside of the data folder.
    #[arg(long, value_name = "URL", env = "POOLHOUSE_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
}

/// What to do with access keys.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyCommand {
    /// Make a key and print it; its secret is never shown again. Without --policy it may do
    /// EVERYTHING.
    Create {
        /// Who or what uses the key; the name of the user in ARNs.
        #[arg(long)]
        name: String,
        /// What the key may do: full-access, read-only, user-administration, decrypt-codes, or a
        /// JSON file with an IAM policy (docs/access-policies.md); may be repeated.
        #[arg(long, value_name = "POLICY", default_value = "full-access")]
        policy: Vec<String>,
        #[command(flatten)]
        installation: Installation,
    },
    /// Give a key further policies, in force at once. One of the same name is replaced.
    Attach {
        /// The id of the key, AKIA….
        id: String,
        /// full-access, read-only, user-administration, decrypt-codes, or a JSON file with an IAM
        /// policy.
        #[arg(long, value_name = "POLICY", required = true)]
        policy: Vec<String>,
        #[command(flatten)]
        installation: Installation,
    },
    /// Take policies away from a key, in force at once. A key without any may do nothing.
    Detach {
        /// The id of the key, AKIA….
        id: String,
        /// The name of the policy: that of its file, without .json.
        #[arg(long, value_name = "NAME", required = true)]
        policy: Vec<String>,
        #[command(flatten)]
        installation: Installation,
    },
    /// Show a key with the text of its policies, without its secret.
    Show {
        /// The id of the key, AKIA….
        id: String,
        #[command(flatten)]
        installation: Installation,
    },
    /// List the keys with the names of their policies, without their secrets.
    List {
        #[command(flatten)]
        installation: Installation,
    },
    /// Delete a key; requests signed with it are refused from then on.
    Delete {
        /// The id of the key, AKIA….
        id: String,
        #[command(flatten)]
        installation: Installation,
    },
}

/// What to do with the master key.
#[derive(Debug, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Wrap the data keys with another master key, which servers need from their next start on.
    Rotate {
        /// The file of the new key; made if it does not exist. With --config it is required. With
        /// --data it takes the old file's place at the end.
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
        #[command(flatten)]
        installation: Installation,
    },
}

/// What to do with the data keys.
#[derive(Debug, Subcommand)]
pub(crate) enum DataKeyCommand {
    /// Make a new data key, with which everything is sealed from then on. What older keys sealed
    /// still opens. Running servers take it up within seconds.
    Rotate {
        #[command(flatten)]
        installation: Installation,
    },
}

/// What to do with messages.
#[derive(Debug, Subcommand)]
pub(crate) enum MessagesCommand {
    /// Count the messages that wait, and list those that were given up: why, without their text.
    List {
        #[command(flatten)]
        installation: Installation,
    },
    /// Try messages again that were given up: all of them, or one.
    Retry {
        /// The id of the message.
        id: Option<String>,
        #[command(flatten)]
        installation: Installation,
    },
    /// Remove messages that were given up: all of them, or one, which may also still wait.
    Drop {
        /// The id of the message.
        id: Option<String>,
        #[command(flatten)]
        installation: Installation,
    },
}

/// What to do with lists of compromised passwords.
#[derive(Debug, Subcommand)]
pub(crate) enum CompromisedPasswordsCommand {
    /// Make a filter, in which servers look passwords up, from a list of passwords, one on each line.
    Build {
        /// The list; - reads the standard input.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The filter to write. Beside it, temporary files take 8 bytes for each password.
        #[arg(long, value_name = "FILTER")]
        out: PathBuf,
        /// The lines are hashes of passwords: SHA-1 in hexadecimal digits, and after a colon how often
        /// the password came out, as Have I Been Pwned has them.
        #[arg(long, value_enum, value_name = "ALGORITHM")]
        hashes: Option<HashAlgorithm>,
        /// Leave out what came out less often than this.
        #[arg(long, value_name = "COUNT", default_value_t = 0, requires = "hashes")]
        at_least: u64,
        /// Take usual variants of each password too: with a capital first letter, and then with 1, !,
        /// 1!, 123 or 123! at the end.
        #[arg(long, conflicts_with = "hashes")]
        variants: bool,
    },
}

/// How the passwords of a list are hashed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum HashAlgorithm {
    /// SHA-1, without salt.
    Sha1,
}

/// Options of `import-log`.
#[derive(Debug, Args)]
pub(crate) struct ImportLog {
    /// The id of the user pool.
    #[arg(long, value_name = "ID")]
    pub(crate) user_pool_id: String,
    /// The id of the import job, import-….
    #[arg(long, value_name = "ID")]
    pub(crate) job_id: String,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

/// Options of `totp`.
#[derive(Debug, Args)]
pub(crate) struct Totp {
    /// The secret in base32, as AssociateSoftwareToken answers it in SecretCode.
    pub(crate) secret: String,
    /// Name of the service, as the authenticator app shows it.
    #[arg(long, default_value = "Poolhouse")]
    pub(crate) issuer: String,
    /// Name of the account, as the authenticator app shows it.
    #[arg(long, default_value = "user")]
    pub(crate) account: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
