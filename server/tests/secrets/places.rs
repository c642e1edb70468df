//! Where a secret may not be.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write,
    sync::{Arc, Mutex},
};

use axum::body::Body;
use backend::testing::{
    TestBackend,
    secrets::{Secret, rows},
};
use http::{Request, header};
use server::metrics::{self, Metrics};
use tower::ServiceExt;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

use crate::support::Answer;

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What the API and server functions answer.
    Answer,
    /// HTML.
    Page,
    /// Files of lists.
    Csv,
    /// Answers that refuse, of every kind.
    Refusal,
    /// What is measured.
    Metrics,
    /// What is logged.
    Log,
    /// Rows of the database and the files in its folder.
    Database,
}

impl Place {
    const ALL: [Self; 7] = [
        Self::Answer,
        Self::Page,
        Self::Csv,
        Self::Refusal,
        Self::Metrics,
        Self::Log,
        Self::Database,
    ];

    fn of(answer: &Answer) -> Self {
        match answer.header(header::CONTENT_TYPE.as_str()) {
            _ if answer.status.as_u16() >= 400 => Self::Refusal,
            kind if kind.starts_with("text/html") => Self::Page,
            kind if kind.starts_with("text/csv") => Self::Csv,
            _ => Self::Answer,
        }
    }
}

/// One thing at a place.
struct Thing {
    place: Place,
    what: String,
    bytes: Vec<u8>,
    /// Names of secrets that are told here on purpose.
    gives: Vec<&'static str>,
}

/// Everything in which no secret may be.
#[derive(Default)]
pub struct Places(Vec<Thing>);

impl Places {
    pub fn put(&mut self, place: Place, what: &str, bytes: Vec<u8>, gives: &[&'static str]) {
        self.0.push(Thing {
            place,
            what: what.to_owned(),
            bytes,
            gives: gives.to_vec(),
        });
    }

    /// An answer as it came, but for the cookies that it sets: they are secrets that a browser is told.
    pub fn keep(&mut self, what: &str, answer: &Answer, gives: &[&'static str]) {
        let mut text = format!("{}\n", answer.status);
        for (name, value) in &answer.headers {
            if name != header::SET_COOKIE {
                let value = String::from_utf8_lossy(value.as_bytes());
                writeln!(text, "{name}: {value}").unwrap();
            }
        }
        text.push_str(&answer.text);
        self.put(Place::of(answer), what, text.into_bytes(), gives);
    }

    pub async fn metrics(&mut self, metrics: Metrics) {
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let answer = metrics::router(metrics).oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let bytes = bytes.unwrap().to_vec();
        self.put(Place::Metrics, "/metrics", bytes, &[]);
    }

    /// Every row, and every file of the folder once the database is closed.
    pub async fn database(&mut self, t: &TestBackend) {
        for (table, row) in rows(&t.db).await {
            self.put(Place::Database, &table, row.into_bytes(), &[]);
        }
        t.db.close().await;
        for entry in std::fs::read_dir(t.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let what = path.display().to_string();
                self.put(Place::Database, &what, std::fs::read(path).unwrap(), &[]);
            }
        }
    }

    /// What is no secret is found at this place: what isn’t found there would have been.
    pub fn assert_found(&self, place: Place, canary: &Secret) {
        let mut of = self.0.iter().filter(|thing| thing.place == place);
        let found = of.any(|thing| canary.found_in(&thing.bytes).is_some());
        assert!(found, "{} isn’t found in {place:?}", canary.name);
    }

    /// No secret is at any place but where it is told on purpose.
    pub fn assert_holds_none(&self, secrets: &[Secret]) {
        let mut things = BTreeMap::<Place, usize>::new();
        let mut leaks = String::new();
        for thing in &self.0 {
            *things.entry(thing.place).or_default() += thing.bytes.len();
            for secret in secrets {
                let given = thing.gives.iter().any(|name| *name == secret.name);
                let found = secret.found_in(&thing.bytes).filter(|_| !given);
                if let Some((form, at)) = found {
                    let Thing { place, what, .. } = thing;
                    let (name, line) = (&secret.name, line(&thing.bytes, at));
                    writeln!(leaks, "{name}, {form}, in {place:?} {what}: {line}").unwrap();
                }
            }
        }
        assert!(leaks.is_empty(), "{leaks}");
        for place in Place::ALL {
            assert!(things.contains_key(&place), "{place:?} is empty");
        }
    }
}

/// The line around this byte, as far as it tells something.
fn line(bytes: &[u8], at: usize) -> String {
    let before = bytes[..at].iter().rposition(|byte| *byte == b'\n');
    let from = before
        .map_or(0, |before| before + 1)
        .max(at.saturating_sub(200));
    let to = bytes.len().min(at + 200);
    String::from_utf8_lossy(&bytes[from..to]).into_owned()
}

/// Everything that is logged.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Logs everything here from now on, also what the libraries say at their most talkative.
    pub fn everything(&self) -> tracing::subscriber::DefaultGuard {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace"))
            .with_writer(self.clone())
            .finish()
            .set_default()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
