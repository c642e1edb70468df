//! The command line: what `rollcall` can be asked to do.

use std::path::PathBuf;

use backend::store::audit::AuditHead;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{api_token::LIFETIME_DAYS, id::CustomerId, permission::Role};
use serde::Serialize;

/// Keeps many customers' directories in step with their identity sources.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, arg_required_else_help = true)]
pub struct Arguments {
    /// Settings given as flags; they win over the environment and the file.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The settings that can be given as flags. What is absent comes from `ROLLCALL_*`, then from
/// the file.
#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Settings")]
pub struct Flags {
    /// The configuration file [default: rollcall.toml where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:3000]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The address people and programs reach this installation at [default: http at the listen address]
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Where the database, the master key and backups are kept [default: ./data]
    #[arg(long, global = true, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<String>,
    /// The database
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "sqlite://FILE or postgres://… [default: sqlite://<data_dir>/rollcall.db]"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// The file with the key that seals secrets
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The file with the key that seals secrets [default: <data_dir>/master.key]"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<String>,
    /// Runs that read at once in this process [default: 32]
    #[arg(long, global = true, value_name = "RUNS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_concurrency: Option<u32>,
    /// Address ranges whose X-Forwarded-For counts, separated by commas
    #[arg(
        long,
        global = true,
        value_name = "RANGES",
        value_delimiter = ',',
        num_args = 1
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<Vec<String>>,
    /// Address and port that /metrics is served on, apart from the public one
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<String>,
    /// How the log is written [default: text]
    #[arg(long, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A line of text an event.
    #[default]
    Text,
    /// A JSON object an event.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the portal and the API, and sync in the background
    Serve {
        /// Leave the syncing to `rollcall work`
        #[arg(long)]
        no_worker: bool,
    },
    /// Sync in the background, without serving anything
    Work,
    /// Bring the database's schema up to date and stop
    Migrate,
    /// Administer operators
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Administer API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Look after the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Administer what seals the secrets
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Write a copy of the database to a file, while everything runs
    Backup {
        /// The file to write; it must not exist yet
        file: PathBuf,
    },
}

/// What can be done with what seals the secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Seal every secret with a new master key, while everything runs
    ///
    /// Killed at any moment, it goes on when it is called again. The new key is in
    /// `<master_key_file>.new` until everything is sealed with it; then that file becomes
    /// `master_key_file`, and the old key is kept beside it, since backups made before open with it
    /// only. Where processes on other machines have a key file of their own, call it with --prepare
    /// first and bring the new file to them.
    Rotate {
        /// Where the new key comes from [default: the command where there is one, else a file]
        #[arg(long, value_name = "WHERE")]
        to: Option<KeyPlace>,
        /// Make the file with the new key and nothing else
        #[arg(long, conflicts_with_all = ["to", "delete_old_key"])]
        prepare: bool,
        /// Delete the file with the old key instead of keeping it
        #[arg(long)]
        delete_old_key: bool,
    },
    /// Open every secret, and prove that each is sealed with the present key
    Check,
}

/// Where a new key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyPlace {
    /// `<master_key_file>.new`, made where it is missing.
    File,
    /// `master_key_command`, which prints the present key and the new one.
    Command,
}

/// What can be done with operators.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Add a person who may sign in
    Add {
        /// The mail address the person signs in with
        #[arg(long)]
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// What the person may do
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// Read the password from standard input: its first line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List who may sign in, what they may do, and whether they can
    List,
    /// Set somebody's password, and end their sessions and the API tokens that they made for themselves
    ResetPassword {
        /// The mail address the person signs in with
        #[arg(long)]
        email: String,
        /// Leave their personal API tokens as they are
        #[arg(long)]
        keep_tokens: bool,
        /// Read the password from standard input: its first line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Take away somebody's authenticator app, passkeys and recovery codes, and end their sessions
    ///
    /// Look first whom you help: this is what somebody asks for who has found out a password. See
    /// them in person or on video, or call them back at a number that you had before; a mail, a chat
    /// or a call that comes in shows nothing.
    ResetSecondFactor {
        /// The mail address the person signs in with
        #[arg(long)]
        email: String,
    },
    /// Let somebody sign in again who was disabled
    Enable {
        /// The mail address the person signs in with
        #[arg(long)]
        email: String,
    },
    /// Keep somebody from signing in, and end their sessions
    Disable {
        /// The mail address the person signs in with
        #[arg(long)]
        email: String,
    },
}

/// What can be done with API tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once
    Create {
        /// What the token is for
        #[arg(long)]
        name: String,
        /// What the token may do
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// The customer it may see; may be repeated [default: all]
        #[arg(long, value_name = "ID")]
        customer: Vec<CustomerId>,
        /// Days until it ends, at most 366
        #[arg(long, value_name = "DAYS", default_value_t = LIFETIME_DAYS)]
        expires_in_days: i64,
        /// A network it may be used from, such as 203.0.113.0/24; may be repeated [default: all]
        #[arg(long, value_name = "NETWORK")]
        address: Vec<String>,
    },
}

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no entry was changed, removed, moved or added; say where it was
    Verify {
        /// A head that was kept elsewhere, which the log must still have
        #[arg(long, value_name = "HEAD")]
        expect: Option<AuditHead>,
    },
    /// Print the head of the last day that is over, to be kept elsewhere
    Head,
}

fn parse_role(given: &str) -> Result<Role, domain::text::UnknownText> {
    given.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_may_stand_before_and_after_the_command() {
        let arguments = Arguments::try_parse_from([
            "rollcall",
            "--data-dir",
            "a",
            "serve",
            "--trusted-proxies",
            "10.0.0.0/8,::1/128",
        ])
        .unwrap();
        assert_eq!(arguments.flags.data_dir.as_deref(), Some("a"));
        assert_eq!(
            arguments.flags.trusted_proxies,
            Some(vec!["10.0.0.0/8".to_owned(), "::1/128".to_owned()])
        );
        assert!(matches!(
            arguments.command,
            Command::Serve { no_worker: false }
        ));
    }
}
