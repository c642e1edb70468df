//! The rows of `cargo xtask test`: each is run whatever became of the others, and all are told in
//! one table at the end.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::{error::Error, step::say};

/// What became of each row so far.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    title: &'static str,
    took: Duration,
    passed: bool,
    note: String,
}

impl Summary {
    /// Runs one row. A row that passes may add a note; that of a failed one is its error's first line.
    pub fn run(
        &mut self,
        title: &'static str,
        task: impl FnOnce() -> Result<Option<String>, Error>,
    ) {
        say(&format!("── {title}"));
        let started = Instant::now();
        let outcome = task();
        let took = started.elapsed();
        let (passed, note) = match outcome {
            Ok(note) => (true, note.unwrap_or_default()),
            Err(error) => {
                let text = error.to_string();
                eprintln!("\nerror: {text}");
                (false, text.lines().next().unwrap_or_default().to_owned())
            }
        };
        self.rows.push(Row {
            title,
            took,
            passed,
            note,
        });
    }

    /// Whether there are rows and every one passed.
    pub fn all_passed(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.passed)
    }

    /// The table. Its last line counts the rows.
    pub fn table(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.title.chars().count())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for row in &self.rows {
            let result = if row.passed { "passed" } else { "FAILED" };
            let padding = width - row.title.chars().count();
            let (title, time) = (row.title, clock(row.took));
            let line = format!("{title}{:padding$}  {result}  {time:>6}  {}", "", row.note);
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let all: Duration = self.rows.iter().map(|row| row.took).sum();
        let rule = "─".repeat(width + 16);
        let failed = self.rows.iter().filter(|row| !row.passed).count();
        let passed = self.rows.len() - failed;
        let _ = writeln!(text, "{rule}\n{:width$}          {:>6}", "all", clock(all));
        let _ = write!(text, "{passed} passed, {failed} failed");
        text
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &'static str, seconds: u64, passed: bool, note: &str) -> Row {
        Row {
            title,
            took: Duration::from_secs(seconds),
            passed,
            note: note.to_owned(),
        }
    }

    #[test]
    fn one_table_with_a_time_per_row_and_a_count_at_the_end() {
        let summary = Summary {
            rows: vec![
                row("formatting", 2, true, ""),
                row("Rust tests", 754, false, "running the Rust tests failed"),
            ],
        };
        assert!(!summary.all_passed());
        assert_eq!(
            summary.table(),
            "formatting  passed    0:02\n\
             Rust tests  FAILED   12:34  running the Rust tests failed\n\
             ──────────────────────────\n\
             all                  12:36\n\
             1 passed, 1 failed"
        );
    }

    #[test]
    fn a_failed_row_keeps_the_later_ones_running_and_fails_the_whole() {
        let mut summary = Summary::default();
        assert!(!summary.all_passed(), "no row at all is no success");
        summary.run("first", || {
            Err(Error::found("broken\nin detail", "mend it"))
        });
        summary.run("second", || Ok(Some("with a note".to_owned())));
        assert!(!summary.all_passed());
        let table = summary.table();
        assert!(
            table.contains("broken\n") && !table.contains("in detail"),
            "{table}"
        );
        assert!(table.contains("with a note\n"), "{table}");
        assert!(table.ends_with("\n1 passed, 1 failed"), "{table}");
    }
}
