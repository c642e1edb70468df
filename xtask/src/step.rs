//! Outside commands, each with its purpose and with what to do when it fails.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::error::Error;

/// One outside command.
#[derive(Debug, Clone)]
pub struct Step {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    purpose: String,
    fix: String,
}

impl Step {
    /// `purpose` completes "… failed", such as "installing the npm packages".
    pub fn new(program: impl AsRef<OsStr>, purpose: impl Into<String>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            purpose: purpose.into(),
            fix: "read the output above; the command can be repeated by hand".to_owned(),
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, arguments: I) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|one| one.as_ref().to_owned()));
        self
    }

    /// Sets one environment variable for the command.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets environment variables for the command.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(self, pairs: &[(K, V)]) -> Self {
        pairs
            .iter()
            .fold(self, |step, (key, value)| step.env(key, value))
    }

    /// Runs in this folder.
    pub fn dir(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// What to do when it fails.
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// The same command for another purpose.
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// The same command, ended by the system when this program ends, however this one ends.
    pub fn ending_with_us(mut self) -> Self {
        if is_installed("setpriv") {
            let program = std::mem::replace(&mut self.program, "setpriv".into());
            self.arguments
                .splice(0..0, ["--pdeathsig=TERM".into(), program]);
        }
        self
    }

    /// The command as it can be typed in a shell.
    pub fn line(&self) -> String {
        let environment = self.environment.iter().map(|(key, value)| {
            format!(
                "{}={}",
                key.to_string_lossy(),
                quoted(&value.to_string_lossy())
            )
        });
        let words = std::iter::once(&self.program)
            .chain(&self.arguments)
            .map(|word| quoted(&word.to_string_lossy()));
        let folder = self
            .folder
            .iter()
            .map(|dir| format!("cd {} &&", dir.display()));
        folder
            .chain(environment)
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Says what it does, runs with this terminal's output, fails when the command fails.
    pub fn run(&self) -> Result<(), Error> {
        say(&format!("{}: {}", self.purpose, self.line()));
        let status = self
            .command()
            .status()
            .map_err(|error| self.not_started(&error))?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(&status.to_string()))
        }
    }

    /// Says what it does and becomes the command. Returns only when that can't be started.
    pub fn become_it(&self) -> Error {
        say(&format!("{}: {}", self.purpose, self.line()));
        let error = self.command().exec();
        self.not_started(&error)
    }

    /// Runs silently and returns what the command wrote to standard output.
    pub fn output(&self) -> Result<String, Error> {
        self.judged(&self.captured()?)
    }

    fn judged(&self, output: &Output) -> Result<String, Error> {
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.trim_end().lines().rev().take(8).collect::<Vec<_>>();
        let last = last
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n           ");
        Err(self.failed(&format!("{}; it said:\n           {last}", output.status)))
    }

    /// As [`Self::output`], with a text on the command's standard input.
    pub fn output_with_input(&self, input: &str) -> Result<String, Error> {
        let mut command = self.command();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.not_started(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends without reading says itself why it failed.
            let _ = stdin.write_all(input.as_bytes());
        }
        self.judged(
            &child
                .wait_with_output()
                .map_err(|error| self.not_started(&error))?,
        )
    }

    /// Runs silently; the caller judges the exit status.
    pub fn captured(&self) -> Result<Output, Error> {
        self.command()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.not_started(&error))
    }

    /// The command, to be started by the caller.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(k, v)| (k, v)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }

    /// The error for a command that the system could not start.
    pub fn not_started(&self, error: &std::io::Error) -> Error {
        self.failed(&format!("it could not be started: {error}"))
    }

    /// The error for a command that ended badly.
    pub fn failed(&self, cause: &str) -> Error {
        Error::Step {
            purpose: self.purpose.clone(),
            command: self.line(),
            cause: cause.to_owned(),
            fix: self.fix.clone(),
        }
    }
}

/// Tells the reader what is being done.
pub fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Whether a program can be started at all.
pub fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_says_which_what_for_why_and_what_to_do() {
        let step = Step::new("sh", "asking the moon")
            .args(["-c", "echo 'no answer' >&2; exit 3"])
            .fix("wait for the night");
        let text = step.output().unwrap_err().to_string();
        assert!(text.contains("asking the moon failed"), "{text}");
        assert!(
            text.contains(r"sh -c 'echo '\''no answer'\'' >&2; exit 3'"),
            "{text}"
        );
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.contains("no answer"), "{text}");
        assert!(text.contains("wait for the night"), "{text}");
    }

    #[test]
    fn a_command_is_given_its_input() {
        let step = Step::new("tr", "making it loud").args(["a-z", "A-Z"]);
        assert_eq!(step.output_with_input("quiet\n").unwrap(), "QUIET\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let step = Step::new("/no/such/program", "starting nothing");
        let text = step.run().unwrap_err().to_string();
        assert!(text.contains("/no/such/program"), "{text}");
        assert!(text.contains("could not be started"), "{text}");
    }

    #[test]
    fn the_line_can_be_typed() {
        let step = Step::new("cargo", "x")
            .args(["build", "--message", "a b"])
            .env("A", "1 2");
        assert_eq!(step.line(), "A='1 2' cargo build --message 'a b'");
    }
}
