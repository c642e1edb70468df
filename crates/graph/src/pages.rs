//! Rounds: pages one after another, read ahead, bounded in memory (`sync.md` 16).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument;
use url::Url;

use crate::client::Client;
use crate::error::{Endless, Error, Result};
use crate::exchange::{Ask, Priority};
use crate::links::{self, Round};

/// When a round is broken off as endless (graph.md §3.5 tells of one that was).
#[derive(Clone, Copy, Debug)]
pub struct RoundLimits {
    /// Pages in all.
    pub pages: u32,
    /// Empty pages in a row: some are normal.
    pub empty_pages: u32,
    /// From the first page to the last, what is done with them included.
    pub time: Duration,
}

impl Default for RoundLimits {
    /// 100,000 pages are 20 million users, or 50 million memberships.
    fn default() -> Self {
        Self {
            pages: 100_000,
            empty_pages: 500,
            time: Duration::from_hours(12),
        }
    }
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Another page; the reader goes there by itself.
    Next(String),
    /// The end of a delta round: from here the next round begins.
    Delta(String),
    /// The end of a list.
    End,
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it; may be empty in the middle of a round.
    pub items: Vec<T>,
    /// What comes after it.
    pub after: After,
    /// Counted from 1.
    pub number: u32,
    /// Size as JSON, decompressed.
    pub bytes: usize,
}

/// The pages of one round. Reading begins with the first [`Pages::next_page`] and goes ahead of
/// the caller by [`Settings::pages_ahead`](crate::Settings::pages_ahead) pages; dropping it stops
/// the reading.
#[derive(Debug)]
pub struct Pages<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Ready(Box<Reader<T>>),
    Ahead(Ahead<T>),
    Ended,
}

#[derive(Debug)]
struct Ahead<T> {
    pages: mpsc::Receiver<Result<Page<T>>>,
    task: JoinHandle<()>,
    incomplete: Incomplete,
}

/// What to say if the reading task disappears.
#[derive(Debug)]
struct Incomplete(crate::Resource, u32);

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(crate) fn new(client: &Client, round: Round, start: Result<Url>, eventual: bool) -> Self {
        Self(State::Ready(Box::new(Reader {
            client: client.clone(),
            round,
            eventual,
            next: Some(start),
            seen: HashSet::new(),
            pages: 0,
            empty_pages: 0,
            began_at: None,
            item: std::marker::PhantomData,
        })))
    }

    /// The next page; none after the last one, and none after an error.
    ///
    /// A delta round is complete only when a page came whose [`Page::after`] is [`After::Delta`].
    ///
    /// # Errors
    /// Any of reading; [`Error::Incomplete`], [`Error::EndlessRound`], [`Error::ForeignLink`],
    /// [`Error::DeltaExpired`] of the round itself.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>> {
        let state = std::mem::replace(&mut self.0, State::Ended);
        self.0 = match state {
            State::Ready(reader) => match reader.client.connector.settings().pages_ahead {
                0 => State::Ready(reader),
                pages => State::Ahead(Ahead::begin(reader, pages)),
            },
            other => other,
        };
        let page = match &mut self.0 {
            State::Ready(reader) => reader.read().await,
            State::Ahead(ahead) => ahead.receive().await,
            State::Ended => return Ok(None),
        };
        if !matches!(
            &page,
            Ok(Page {
                after: After::Next(_),
                ..
            })
        ) {
            self.0 = State::Ended;
        }
        page.map(Some)
    }

    /// All items of a round that is known to be short, and what came after its last page.
    ///
    /// # Errors
    /// As [`Pages::next_page`].
    pub async fn all(mut self) -> Result<(Vec<T>, After)> {
        let mut items = Vec::new();
        let mut after = After::End;
        while let Some(page) = self.next_page().await? {
            items.extend(page.items);
            after = page.after;
        }
        Ok((items, after))
    }
}

impl<T: DeserializeOwned + Send + 'static> Ahead<T> {
    fn begin(mut reader: Box<Reader<T>>, pages: usize) -> Self {
        // One page waits in the reader's hand while the channel is full.
        let (sender, receiver) = mpsc::channel((pages - 1).max(1));
        let incomplete = Incomplete(reader.round.resource, 0);
        let reading = async move {
            loop {
                let page = reader.read().await;
                let goes_on = matches!(
                    &page,
                    Ok(Page {
                        after: After::Next(_),
                        ..
                    })
                );
                if sender.send(page).await.is_err() || !goes_on {
                    return;
                }
            }
        };
        let task = tokio::spawn(reading.in_current_span());
        Self {
            pages: receiver,
            task,
            incomplete,
        }
    }

    async fn receive(&mut self) -> Result<Page<T>> {
        match self.pages.recv().await {
            Some(page) => {
                self.incomplete.1 += 1;
                page
            }
            // The reading ended without a last page: it was torn down with its runtime.
            None => Err(Error::Incomplete {
                resource: self.incomplete.0,
                pages: self.incomplete.1,
            }),
        }
    }
}

#[derive(Debug)]
struct Reader<T> {
    client: Client,
    round: Round,
    eventual: bool,
    /// None once a page without a next link was read.
    next: Option<Result<Url>>,
    /// Hashes of the links that were followed.
    seen: HashSet<u64>,
    pages: u32,
    empty_pages: u32,
    began_at: Option<DateTime<Utc>>,
    item: std::marker::PhantomData<fn() -> T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct WirePage<T> {
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
    pub(crate) value: Vec<T>,
}

impl<T: DeserializeOwned> Reader<T> {
    async fn read(&mut self) -> Result<Page<T>> {
        let Some(url) = self.next.take() else {
            return Err(self.incomplete());
        };
        let url = url?;
        self.guard(&url)?;
        let mut ask = Ask::get(url, self.round.resource, Priority::Low);
        ask.eventual = self.eventual;
        ask.round = Some(self.round.clone());
        let decoded = self.client.ask::<WirePage<T>>(&ask).await?;
        self.pages += 1;
        let page = decoded.value;
        self.empty_pages = if page.value.is_empty() {
            self.empty_pages + 1
        } else {
            0
        };
        let after = match (page.next, page.delta) {
            (Some(_), Some(_)) => {
                return Err(Error::BadAnswer {
                    endpoint: self.client.graph_endpoint(),
                    reason: "a page has both a next link and a delta link".to_owned(),
                    request_id: None,
                });
            }
            (Some(link), None) => {
                self.next = Some(Ok(self.check(&link)?));
                After::Next(link)
            }
            (None, Some(link)) if self.round.delta => {
                self.check(&link)?;
                After::Delta(link)
            }
            (None, None) if self.round.delta => return Err(self.incomplete()),
            (None, _) => After::End,
        };
        Ok(Page {
            items: page.value,
            after,
            number: self.pages,
            bytes: decoded.bytes,
        })
    }

    fn check(&self, link: &str) -> Result<Url> {
        links::check(&self.client.target.cloud, &self.round, link)
    }

    fn incomplete(&self) -> Error {
        Error::Incomplete {
            resource: self.round.resource,
            pages: self.pages,
        }
    }

    /// The circuit breaker.
    fn guard(&mut self, url: &Url) -> Result<()> {
        let limits = self.client.connector.settings().round;
        let now = self.client.connector.clock().now();
        let spent = (now - *self.began_at.get_or_insert(now))
            .to_std()
            .unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        url.as_str().hash(&mut hasher);
        let why = if !self.seen.insert(hasher.finish()) {
            Endless::RepeatedLink
        } else if self.pages >= limits.pages {
            Endless::Pages
        } else if self.empty_pages >= limits.empty_pages {
            Endless::EmptyPages
        } else if spent > limits.time {
            Endless::Time
        } else {
            return Ok(());
        };
        Err(Error::EndlessRound {
            resource: self.round.resource,
            why,
            pages: self.pages,
        })
    }
}
