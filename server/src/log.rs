//! The log: to standard error, as text or as JSON; either way an event is one line.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{arguments::LogFormat, config::Config};

/// What is logged where nobody said otherwise. tower-sessions calls every cookie that outlived
/// its session suspicious, and sqlx every statement that took a second slow.
const DEFAULT: &str = "info,tower_sessions=error,tower_sessions_core=error,sqlx=error";

/// Starts logging. A filter that can't be read is said so, and the default taken.
pub fn start(config: &Config) {
    let given = config.log_filter.as_deref().unwrap_or(DEFAULT);
    let (filter, wrong) = match EnvFilter::try_new(given) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    let registry = tracing_subscriber::registry().with(filter);
    // Without colours: what is escaped below can't be told from them.
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    // A second start, in a test, keeps the first.
    let _ = match config.log_format {
        LogFormat::Text => {
            let lines = lines.with_writer(|| OneLine(io::stderr().lock()));
            registry.with(lines).try_init()
        }
        // Strings of JSON hold no line feed.
        LogFormat::Json => {
            let lines = lines.with_writer(io::stderr).json().flatten_event(true);
            registry.with(lines).try_init()
        }
    };
    if let Some(error) = wrong {
        tracing::warn!(%error, "RUST_LOG can’t be read; the default is used");
    }
}

/// What ends a line, to whatever reads the log (Unicode Standard Annex #14, mandatory breaks), and
/// what tells a terminal something. tracing-subscriber escapes the latter in messages, and not in the
/// values of spans.
fn is_control(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Writes each event as one line: breaks and control characters within it are escaped, so that no text
/// of a source, a form or an error can pass for another event, or move a terminal's cursor. Events come
/// whole, with the one break at their end.
#[derive(Debug)]
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.0.write_all(one_line(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An event with the break at its end, and no other.
fn one_line(event: &str) -> Cow<'_, str> {
    let (inside, end) = match event.strip_suffix('\n') {
        Some(inside) => (inside, "\n"),
        None => (event, ""),
    };
    if !inside.contains(is_control) {
        return Cow::Borrowed(event);
    }
    let mut line = String::with_capacity(event.len() + 16);
    for c in inside.chars() {
        if is_control(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push_str(end);
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of one event, in a span, whose values hold `text`.
    fn written(text: &str) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || OneLine(to.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let span = tracing::info_span!("request", path = %text);
            span.in_scope(|| tracing::info!(error = %text, quoted = ?text, "{text}"));
        });
        let kept = kept.0.lock().unwrap().clone();
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let forged = "no host\n2026-03-01T00:00:00Z  INFO server: an owner signed in";
        let line = written(forged);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            line.contains(r"no host\n2026-03-01") && line.ends_with('\n'),
            "{line}"
        );
        for end in [
            '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
        ] {
            let line = written(&format!("a{end}b"));
            let inside = line.strip_suffix('\n').unwrap();
            assert!(!inside.contains(is_control), "{inside:?}");
        }
        let plain = written("Müller said “no”\t.");
        assert!(
            plain.contains("Müller said “no”\t."),
            "nothing else is touched: {plain}"
        );
    }

    #[test]
    fn a_terminal_is_told_nothing_by_what_is_logged() {
        let line = written("\u{1b}[2Jgone");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
}
