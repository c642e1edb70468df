//! Programs that run beside this one and end with it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{error::Error, step::Step};

/// How long a program may take to end before it is ended hard.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often something is asked that reports no change by itself.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How much of a failed program's log is shown.
const LOG_LINES_SHOWN: usize = 12;

/// A started program. Dropping it ends it.
pub struct Running {
    step: Step,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
    stop_with: Signal,
}

impl Running {
    /// Starts the program; what it writes goes into `log`.
    pub fn start(step: Step, log: &Path) -> Result<Self, Error> {
        let step = step.ending_with_us();
        let file = File::create(log).map_err(Error::io("making", log))?;
        let file = Arc::new(Mutex::new(file));
        let mut child = step
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| step.not_started(&error))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, Arc::clone(&file), sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, file, sender);
        }
        Ok(Self {
            step,
            child,
            lines,
            log: log.to_owned(),
            stop_with: Signal::SIGTERM,
        })
    }

    /// Ends with this signal instead of SIGTERM.
    pub fn stop_with(mut self, signal: Signal) -> Self {
        self.stop_with = signal;
        self
    }

    /// Waits for the first line that `judge` makes something of.
    pub fn line<T>(
        &mut self,
        limit: Duration,
        mut judge: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let end = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    if let Some(found) = judge(&line) {
                        return Ok(found);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.not_ready(limit)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
    }

    /// Asks `ready` again and again until it says yes, as long as the program runs.
    pub fn until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            match self.lines.recv_timeout(ASK_EVERY) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    if ready() {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            }
        }
        Err(self.not_ready(limit))
    }

    /// An error when the program has ended.
    pub fn check(&mut self) -> Result<(), Error> {
        while self.lines.try_recv().is_ok() {}
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(self.ended()),
        }
    }

    /// Waits until the program has ended; an error when it ended badly.
    pub fn finish(mut self) -> Result<(), Error> {
        while self.lines.recv().is_ok() {}
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(self.ended()),
        }
    }

    fn not_ready(&self, limit: Duration) -> Error {
        let seconds = limit.as_secs();
        self.step
            .failed(&format!("not ready after {seconds} s; {}", self.log_end()))
    }

    fn ended(&mut self) -> Error {
        let status = self
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |s| s.to_string());
        self.step
            .failed(&format!("it ended ({status}); {}", self.log_end()))
    }

    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = text.lines().collect::<Vec<_>>();
        let last = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n           ");
        format!("the end of {}:\n           {last}", self.log.display())
    }

    /// Ends the program, hard if it doesn't end by itself.
    pub fn stop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id())
            && matches!(self.child.try_wait(), Ok(None))
        {
            // It may have ended just now; then there is nobody left to tell.
            let _ = kill(Pid::from_raw(pid), self.stop_with);
            let end = Instant::now() + STOP_LIMIT;
            while self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
                .is_ok()
            {}
            if matches!(self.child.try_wait(), Ok(None)) && Instant::now() >= end {
                let _ = self.child.kill();
            }
        }
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Copies a program's output into its log and hands each line on, until the program closes it.
fn follow(output: impl Read + Send + 'static, log: Arc<Mutex<File>>, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Ok(mut log) = log.lock() {
                // A full disk shows elsewhere; the program must not stall on its log.
                let _ = writeln!(log, "{line}");
            }
            let _ = lines.send(line);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str, name: &str) -> Running {
        let log = std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()));
        Running::start(
            Step::new("sh", "running a script").args(["-c", script]),
            &log,
        )
        .unwrap()
    }

    #[test]
    fn a_line_of_either_output_is_waited_for() {
        let mut running = shell("echo one; echo port 42 >&2; exec cat", "line");
        let port = running.line(LIMIT, |line| line.strip_prefix("port ").map(str::to_owned));
        assert_eq!(port.unwrap(), "42");
    }

    #[test]
    fn a_program_that_ends_early_shows_its_last_words() {
        let mut running = shell("echo 'the address is taken' >&2; exit 4", "early");
        let text = running.until(LIMIT, || false).unwrap_err().to_string();
        assert!(text.contains("exit status: 4"), "{text}");
        assert!(text.contains("the address is taken"), "{text}");
    }

    #[test]
    fn a_program_is_waited_for_and_its_end_is_judged() {
        shell("echo done", "good-end").finish().unwrap();
        let bad = shell("echo 'no such crate' >&2; exit 101", "bad-end").finish();
        let text = bad.unwrap_err().to_string();
        assert!(
            text.contains("exit status: 101") && text.contains("no such crate"),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_ended_is_noticed() {
        let mut running = shell("exec tail -f /dev/null", "alive");
        running.check().unwrap();
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        assert!(
            running
                .check()
                .unwrap_err()
                .to_string()
                .contains("it ended")
        );
    }

    #[test]
    fn dropping_ends_the_program() {
        let running = shell("exec tail -f /dev/null", "drop");
        let pid = Pid::from_raw(i32::try_from(running.child.id()).unwrap());
        drop(running);
        assert_eq!(kill(pid, None), Err(nix::errno::Errno::ESRCH));
    }
}
