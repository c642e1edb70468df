//! The rows of `cargo xtask test`: each is run whatever became of the others, and all are told in
//! one table at the end.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use crate::{error::Error, step::say};

/// What a row that didn't fail came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed; perhaps with a note.
    Passed(Option<String>),
    /// It could not look, for this reason: it neither passed nor failed.
    Skipped(String),
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Skipped,
    Failed,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Failed => "FAILED",
        }
    }
}

/// What became of each row so far.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    title: &'static str,
    took: Duration,
    end: End,
    note: String,
}

impl Summary {
    /// Runs one row. The note of a failed one is its error's first line.
    pub fn run(&mut self, title: &'static str, task: impl FnOnce() -> Result<Outcome, Error>) {
        say(&format!("── {title}"));
        let started = Instant::now();
        let outcome = task();
        let took = started.elapsed();
        let (end, note) = match outcome {
            Ok(Outcome::Passed(note)) => (End::Passed, note.unwrap_or_default()),
            Ok(Outcome::Skipped(why)) => (End::Skipped, why),
            Err(error) => {
                let text = error.to_string();
                eprintln!("\nerror: {text}");
                let first = text.lines().next().unwrap_or_default();
                (End::Failed, first.to_owned())
            }
        };
        self.rows.push(Row {
            title,
            took,
            end,
            note,
        });
    }

    /// Whether there are rows and none failed.
    pub fn none_failed(&self) -> bool {
        !self.rows.is_empty() && self.count(End::Failed) == 0
    }

    fn count(&self, end: End) -> usize {
        self.rows.iter().filter(|row| row.end == end).count()
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
            let result = row.end.as_str();
            let padding = width - row.title.chars().count();
            let (title, time) = (row.title, clock(row.took));
            let line = format!("{title}{:padding$}  {result:7} {time:>6}  {}", "", row.note);
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let all: Duration = self.rows.iter().map(|row| row.took).sum();
        let rule = "─".repeat(width + 16);
        let (passed, failed) = (self.count(End::Passed), self.count(End::Failed));
        let _ = writeln!(text, "{rule}\n{:width$}          {:>6}", "all", clock(all));
        let _ = write!(text, "{passed} passed, {failed} failed");
        if let skipped @ 1.. = self.count(End::Skipped) {
            let _ = write!(text, ", {skipped} skipped");
        }
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

    fn row(title: &'static str, seconds: u64, end: End, note: &str) -> Row {
        Row {
            title,
            took: Duration::from_secs(seconds),
            end,
            note: note.to_owned(),
        }
    }

    #[test]
    fn one_table_with_a_time_per_row_and_a_count_at_the_end() {
        let summary = Summary {
            rows: vec![
                row("formatting", 2, End::Passed, ""),
                row(
                    "Rust tests",
                    754,
                    End::Failed,
                    "running the Rust tests failed",
                ),
                row("advisories", 1, End::Skipped, "no database"),
            ],
        };
        assert!(!summary.none_failed());
        assert_eq!(
            summary.table(),
            "formatting  passed    0:02\n\
             Rust tests  FAILED   12:34  running the Rust tests failed\n\
             advisories  skipped   0:01  no database\n\
             ──────────────────────────\n\
             all                  12:37\n\
             1 passed, 1 failed, 1 skipped"
        );
    }

    #[test]
    fn a_failed_row_keeps_the_later_ones_running_and_fails_the_whole() {
        let mut summary = Summary::default();
        assert!(!summary.none_failed(), "no row at all is no success");
        summary.run("first", || {
            Err(Error::found("broken\nin detail", "mend it"))
        });
        summary.run("second", || {
            Ok(Outcome::Passed(Some("with a note".to_owned())))
        });
        assert!(!summary.none_failed());
        let table = summary.table();
        assert!(
            table.contains("broken\n") && !table.contains("in detail"),
            "{table}"
        );
        assert!(table.contains("with a note\n"), "{table}");
        assert!(table.ends_with("\n1 passed, 1 failed"), "{table}");
    }

    #[test]
    fn what_could_not_look_is_neither_success_nor_failure() {
        let mut summary = Summary::default();
        summary.run("one", || Ok(Outcome::Skipped("no database".to_owned())));
        assert!(summary.none_failed());
        let table = summary.table();
        assert!(
            table.contains("skipped") && table.contains("no database"),
            "{table}"
        );
        assert!(
            table.ends_with("\n0 passed, 0 failed, 1 skipped"),
            "{table}"
        );
    }
}
