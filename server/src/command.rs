//! Carries out what the command line asks for, and turns what comes of it into an exit status.

use std::{
    io::{BufRead, Write},
    process::ExitCode,
};

use backend::{
    Backend, Clouds, Settings,
    sealer::rotation::{self, Rotated, To},
    store::{
        audit::{self, AuditHead},
        tokens,
    },
};
use chrono::Duration;
use clap::{Parser, error::ErrorKind};
use domain::{
    api_token::{LIFETIME_DAYS_MAX, NewApiToken},
    number::counted,
    operator::Operator,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    arguments::{
        Arguments, AuditCommand, Command, KeyPlace, OperatorCommand, SecretsCommand, TokenCommand,
    },
    config::{Config, ConfigError, Environment},
    log, serve, shutdown,
};

/// Secrets after which a rotation says how far it is.
const TOLD_EVERY: u64 = 1_000;

/// Why the process ends without having done what it was asked for: one line, and the status.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    status: u8,
    reason: String,
}

impl Failure {
    /// It could not be done.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self {
            status: 1,
            reason: reason.into(),
        }
    }

    /// It was asked for wrongly.
    pub fn usage(reason: impl Into<String>) -> Self {
        Self {
            status: 2,
            reason: reason.into(),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<backend::Error> for Failure {
    fn from(error: backend::Error) -> Self {
        match error {
            backend::Error::Configuration { key, problem } => {
                Self::usage(format!("configuration: {key}: {problem}"))
            }
            backend::Error::Invalid(field) => {
                Self::usage(format!("--{}: {}", field.field, field.message))
            }
            error => Self::failed(error.to_string()),
        }
    }
}

/// The whole program: 0 done, 1 failed, 2 wrong usage or configuration.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse_usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&Failure::failed(format!("can’t start threads: {error}"))),
    };
    match runtime.block_on(carry_out(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => refuse(&failure),
    }
}

fn refuse(failure: &Failure) -> ExitCode {
    let line = failure.reason.split_whitespace().collect::<Vec<_>>();
    eprintln!("rollcall: {}", line.join(" "));
    ExitCode::from(failure.status)
}

/// clap explains over several lines; `--help` and `--version` are no refusals.
fn refuse_usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(2)
        }
        _ => {
            let text = error.render().to_string();
            let reason = text
                .split("\n\nUsage:")
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            refuse(&Failure::usage(format!("{reason}; see rollcall --help")))
        }
    }
}

async fn carry_out(arguments: Arguments) -> Result<(), Failure> {
    let config = Config::load(&arguments.flags, &Environment::of_process())?;
    log::start(&config);
    match arguments.command {
        Command::Serve { no_worker } => {
            let shutdown = shutdown::token().map_err(no_signals)?;
            serve::serve(&config, !no_worker, shutdown).await
        }
        Command::Work => {
            let shutdown = shutdown::token().map_err(no_signals)?;
            serve::work(&config, shutdown).await
        }
        Command::Migrate => {
            open(&config).await?;
            Ok(())
        }
        Command::Operator(command) => operator(&config, command).await,
        Command::Token(TokenCommand::Create {
            name,
            role,
            customer,
            expires_in_days,
            address,
        }) => {
            let new = NewApiToken {
                customer_ids: (!customer.is_empty()).then_some(customer),
                addresses: address,
                ..NewApiToken::of_everything(&name, role)
            };
            create_token(&config, new, expires_in_days).await
        }
        Command::Audit(AuditCommand::Verify { expect }) => {
            verify_audit(&config, expect.as_ref()).await
        }
        Command::Audit(AuditCommand::Head) => audit_head(&config).await,
        Command::Secrets(SecretsCommand::Check) => {
            let checked = rotation::check(&open(&config).await?).await?;
            tell(&format!(
                "{} secrets open with the master key {}, and none is sealed with another",
                checked.good, checked.key
            ))
        }
        Command::Secrets(SecretsCommand::Rotate { prepare: true, .. }) => {
            let file = rotation::prepare(&open(&config).await?, &config.master_key()).await?;
            tell(&format!(
                "The new key is in {}. Bring that file to every machine with a key file of its own, then call it again without --prepare",
                file.display()
            ))
        }
        Command::Secrets(SecretsCommand::Rotate {
            to, delete_old_key, ..
        }) => rotate(&config, to, delete_old_key).await,
        Command::Backup { file } => {
            let backend = open(&config).await?;
            backend::backup(&backend, &file)
                .await
                .map_err(Failure::from)
        }
    }
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::failed(format!("can’t listen for signals: {error}"))
}

/// Opens the backend as the configuration says.
pub async fn open(config: &Config) -> Result<Backend, Failure> {
    let settings = Settings {
        worker_concurrency: usize::try_from(config.worker_concurrency).unwrap_or(usize::MAX),
        public_url: config.public_url.clone(),
        smtp: config.smtp.clone(),
        webhooks_to_private_networks: config.webhooks_to_private_networks,
        webhook_hosts: config.webhook_hosts.clone(),
        audit_retention_days: config.audit_retention_days,
        oidc_providers: config.oidc_providers.clone(),
        password_breach_url: config.password_breach_url.clone(),
        proof_good_for: config.confirm_again_after,
        ..Settings::in_folder(config.data_dir.clone())
    };
    let clouds = Clouds::new(config.clouds.iter().cloned())?;
    let url = config.database_url.expose_secret();
    Ok(backend::open(settings, clouds, url, config.master_key()).await?)
}

/// Rotates the master key. Says every now and then how far it is.
async fn rotate(config: &Config, to: Option<KeyPlace>, delete_old: bool) -> Result<(), Failure> {
    let backend = open(config).await?;
    let to = match to {
        Some(KeyPlace::File) => To::File,
        Some(KeyPlace::Command) if config.master_key_command.is_none() => {
            return Err(Failure::usage(
                "--to command: the configuration has no master_key_command",
            ));
        }
        None if config.master_key_command.is_none() => To::File,
        Some(KeyPlace::Command) | None => To::Command,
    };
    let mut told = 0;
    let progress = |resealed: u64, total: u64| {
        if resealed >= told + TOLD_EVERY {
            told = resealed;
            tracing::info!(resealed, total, "secrets are sealed with the new key");
        }
    };
    let source = config.master_key();
    let Rotated {
        resealed,
        key,
        old_key_file,
    } = rotation::rotate(&backend, &source, to, delete_old, progress).await?;
    let checked = rotation::check(&backend).await?;
    tell(&format!(
        "{resealed} secrets were sealed anew; all {} open with the master key {key}, and none is sealed with another",
        checked.good
    ))?;
    match old_key_file {
        Some(file) => tell(&format!(
            "The old key is kept in {}. Backups made before now open with it only: delete it once you need them no more",
            file.display()
        )),
        None => Ok(()),
    }
}

fn tell(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::failed(format!("can’t write to standard output: {error}")))
}

async fn operator(config: &Config, command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Add {
            email, name, role, ..
        } => {
            let password = password()?;
            let backend = open(config).await?;
            backend::auth::add_operator(&backend, &email, &name, role, password).await?;
        }
        OperatorCommand::List => {
            let backend = open(config).await?;
            for operator in backend::auth::all_operators(&backend).await? {
                let line = operator_line(&operator);
                writeln!(std::io::stdout(), "{line}")
                    .map_err(|error| Failure::failed(format!("can’t write the list: {error}")))?;
            }
        }
        OperatorCommand::ResetPassword {
            email, keep_tokens, ..
        } => {
            let password = password()?;
            let backend = open(config).await?;
            backend::auth::set_password(&backend, &email, password, !keep_tokens).await?;
        }
        OperatorCommand::ResetSecondFactor { email } => {
            let backend = open(config).await?;
            backend::auth::second_factor::reset_on_machine(&backend, &email).await?;
        }
        OperatorCommand::Enable { email } => {
            let backend = open(config).await?;
            backend::auth::set_enabled(&backend, &email, true).await?;
        }
        OperatorCommand::Disable { email } => {
            let backend = open(config).await?;
            backend::auth::set_enabled(&backend, &email, false).await?;
        }
    }
    Ok(())
}

/// One operator: what a program may want to cut apart, between tabs.
fn operator_line(operator: &Operator) -> String {
    let last = operator.last_signed_in_at.map_or_else(
        || "never".to_owned(),
        |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    [
        operator.email.as_str(),
        operator.name.as_str(),
        operator.role.as_str(),
        &operator.scope.summary(),
        operator.state.as_str(),
        &last,
    ]
    .join("\t")
}

/// The first line of standard input, without its end.
fn password() -> Result<SecretString, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("can’t read the password: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::usage(
            "--password-stdin: standard input holds no password in its first line",
        ));
    }
    Ok(SecretString::from(password))
}

async fn create_token(config: &Config, new: NewApiToken, days: i64) -> Result<(), Failure> {
    if !(1..=LIFETIME_DAYS_MAX).contains(&days) {
        return Err(Failure::usage(format!(
            "--expires-in-days: use 1 to {LIFETIME_DAYS_MAX}"
        )));
    }
    let backend = open(config).await?;
    let scope = backend::auth::command_line_scope();
    let new = NewApiToken {
        expires_at: Some(backend.clock.now() + Duration::days(days)),
        ..new
    };
    let (_, token) = tokens::create(&backend, &scope, new)
        .await
        .map_err(|error| match error {
            backend::Error::Invalid(field) if field.field == "addresses" => {
                Failure::usage(format!("--address: {}", field.message))
            }
            backend::Error::Invalid(field) if field.field == "customer_ids" => {
                Failure::usage(format!("--customer: {}", field.message))
            }
            other => other.into(),
        })?;
    writeln!(std::io::stdout(), "{}", token.expose_secret())
        .map_err(|error| Failure::failed(format!("can’t write the token: {error}")))
}

/// Tells whether the audit log holds, where it doesn't, and its head.
async fn verify_audit(config: &Config, expected: Option<&AuditHead>) -> Result<(), Failure> {
    let backend = open(config).await?;
    let found = audit::verify(&backend, expected).await?;
    for broken in &found.broken {
        say(&broken.to_string())?;
    }
    if !found.holds() {
        let places = match found.broken.len() {
            1 => "in one place".to_owned(),
            number => format!("in {number} places"),
        };
        return Err(Failure::failed(format!(
            "the audit log is not as it was written, {places}"
        )));
    }
    let (entries, days) = (
        counted(found.entries, "entry", "entries"),
        counted(found.days, "day", "days"),
    );
    say(&format!("The audit log holds: {entries} of {days}."))?;
    if found.dropped_days > 0 {
        let days = counted(found.dropped_days, "day", "days");
        say(&format!(
            "Before them {days} were removed by retention; their heads hold."
        ))?;
    }
    if let Some(expected) = expected {
        say(&format!("It has the expected head {expected}."))?;
    }
    match &found.head {
        Some(head) => say(&format!("Head: {head}")),
        None => say("No day is over yet, so there is no head."),
    }
}

/// Prints the head of the audit log alone, to be kept elsewhere.
async fn audit_head(config: &Config) -> Result<(), Failure> {
    let backend = open(config).await?;
    match audit::head(&backend).await? {
        Some(head) => say(&head.to_string()),
        None => Err(Failure::failed(
            "no day of the audit log is over yet: its first head is there tomorrow",
        )),
    }
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::failed(format!("can’t write to standard output: {error}")))
}
