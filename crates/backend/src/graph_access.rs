//! What all clients of Entra and Graph in a process share: the HTTP client without redirects, the
//! token cache, the limiter.

use std::{future::Future, pin::Pin, time::Duration};

use graph::{Chance, Connector, Http, HttpOptions, Limits, Quotas, Settings};

use crate::{Clock, Error, Ids, Result};

/// The one connector of a process.
pub fn connector(clock: &Clock, ids: &Ids) -> Result<Connector> {
    let http = Http::new(&HttpOptions::default()).map_err(|error| no_client(&error))?;
    Ok(Connector::new(
        http,
        std::sync::Arc::new(clock.clone()),
        Chance::from_seed(ids.random()),
        Limits::new(Quotas::default()),
        Settings::default(),
    ))
}

/// What is said where no client can be made.
pub(crate) fn no_client(error: &graph::Error) -> Error {
    Error::Unavailable(format!("The HTTP client can’t be made: {}", error.detail()))
}

impl graph::Clock for Clock {
    fn now(&self) -> domain::DateTime {
        Self::now(self)
    }

    /// A clock that stands is moved instead of waited for.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if self.stands() {
            self.advance(chrono::Duration::from_std(duration).unwrap_or_default());
            Box::pin(tokio::task::yield_now())
        } else {
            Box::pin(tokio::time::sleep(duration))
        }
    }
}
