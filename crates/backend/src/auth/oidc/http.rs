//! The HTTP client for providers: no redirects, an end to waiting, and an end to what is read.

use std::{pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};

use crate::{Result, delivery::chain, graph_access::no_client};

/// How long one question with its whole answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read. Entra ID's keys take 15 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why a provider didn't answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// It can't be reached, or took too long.
    #[error("{}", chain(.0))]
    Unreachable(#[from] reqwest::Error),
    /// It answered more than is read.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// It answered something else than was asked for.
    #[error("{0}")]
    Other(String),
}

/// The client, made as every [`graph::http_client`]. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    pub(super) fn new() -> Result<Self> {
        let client = graph::http_client(TIMEOUT, |client| client);
        let client = client.map_err(|error| no_client(&error))?;
        Ok(Self(client))
    }

    /// The JSON at an address.
    pub(super) async fn json<T: serde::de::DeserializeOwned>(
        &self,
        url: &url::Url,
    ) -> Result<T, Unanswered> {
        let answer = self.0.get(url.clone()).send();
        let answer = answer.await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        if status != http::StatusCode::OK {
            return Err(Unanswered::Other(format!("{url} answered {status}")));
        }
        let body = read(answer).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Unanswered::Other(format!("{url} can’t be read: {error}")))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let request = reqwest::Request::try_from(request)?;
        let answer = self.0.execute(request).await;
        let answer = answer.map_err(reqwest::Error::without_url)?;
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = read(answer).await?;
        Ok(response)
    }
}

/// The whole of an answer, where it isn't too long.
async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, Unanswered> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
