//! One request and its answer: token, limiter, tries, refusals.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use url::Url;
use uuid::Uuid;

use crate::client::Client;
use crate::credential::Credential;
use crate::error::{Endpoint, Error, Refusal, Result, Service, Unreachable, from_reqwest};
use crate::limits::Reach;
use crate::links::{self, Round};
use crate::resource::Resource;
use crate::retry::Attempts;
use crate::token::{Access, Grant, Granted};
use crate::wire::text;

/// The largest refusal that is read; more would hold nothing of use.
const REFUSAL_BYTES_MAX: usize = 256 << 10;

/// What is asked for when somebody signs in: who they are. Without `profile` Entra leaves the object
/// id out (learn.microsoft.com, "ID token claims reference", oid).
const SIGN_IN_SCOPE: &str = "openid profile";

/// How urgent: sent as `x-ms-throttle-priority`, and how long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A run.
    Low,
    /// Test Connection.
    Normal,
    /// Someone is typing.
    High,
}

impl Priority {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Low => "Low",
            Self::Normal => "Normal",
            Self::High => "High",
        })
    }
}

/// A request to Graph.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) json: Option<Vec<u8>>,
    pub(crate) resource: Resource,
    pub(crate) priority: Priority,
    /// `ConsistencyLevel: eventual`, which advanced queries need (graph.md §5).
    pub(crate) eventual: bool,
    /// Resource units it will probably cost (graph.md §4): settled by what Graph bills.
    pub(crate) cost: u32,
    /// Set where a delta round is read: refusals can mean that its position is lost.
    pub(crate) round: Option<Round>,
}

impl Ask {
    pub(crate) fn get(url: Url, resource: Resource, priority: Priority) -> Self {
        Self {
            method: Method::GET,
            url,
            json: None,
            resource,
            priority,
            eventual: false,
            cost: 1,
            round: None,
        }
    }
}

/// A decoded answer.
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    pub(crate) bytes: usize,
}

impl Client {
    /// Sends until there is an answer or patience ends, and decodes it.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<Decoded<T>> {
        let settings = self.connector.settings();
        let patience = match ask.priority {
            Priority::Low => settings.background,
            Priority::Normal | Priority::High => settings.interactive,
        };
        let mut attempts = Attempts::new(self.connector.clock(), self.connector.chance(), patience);
        let mut renewed = false;
        loop {
            let access = match self.access(false, attempts.left()).await {
                Ok(access) => access,
                Err(error) => {
                    attempts.again(error).await?;
                    continue;
                }
            };
            match self.attempt(ask, &access, &attempts).await {
                Ok(decoded) => return Ok(decoded),
                // A good token is refused now and then by one of Graph's servers (graph.md §7).
                Err(Error::TokenRefused { .. }) if !renewed => {
                    renewed = true;
                    self.discard(&access).await;
                }
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        ask: &Ask,
        access: &Access,
        attempts: &Attempts<'_>,
    ) -> Result<Decoded<T>> {
        let endpoint = self.graph_endpoint();
        let cost = ask.cost;
        self.admit(ask, cost, &endpoint, attempts.left()).await?;
        let id = self.connector.chance().guid();
        let mut request = self
            .connector
            .http()
            .request(ask.method.clone(), ask.url.clone())
            .header(AUTHORIZATION, access.header())
            .header("client-request-id", id.to_string())
            .header("x-ms-throttle-priority", ask.priority.header());
        if ask.eventual {
            request = request.header("ConsistencyLevel", "eventual");
        }
        if let Some(json) = &ask.json {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(json.clone());
        }
        if ask.priority != Priority::Low {
            request = request.timeout(attempts.left().max(SHORTEST_TIMEOUT));
        }
        let response = self.send(request, &endpoint).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let billed = number(&headers, "x-ms-resource-unit").unwrap_or(cost);
        self.connector
            .limits()
            .settle(&self.target.lane, cost, billed);
        self.meter.units(billed);
        tracing::debug!(
            %id,
            method = %ask.method,
            path = ask.url.path(),
            status = status.as_u16(),
            request_id = guid(&headers, "request-id").map(tracing::field::display),
            "graph"
        );
        if status.is_success() {
            let mut body = self.body(response, &endpoint).await?;
            text::repair(&mut body);
            let bytes = body.len();
            return serde_json::from_slice(&body)
                .map(|value| Decoded { value, bytes })
                .map_err(|error| not_understood(endpoint, &error, &headers, "request-id"));
        }
        let (first, second) = (&self.target.credential, self.target.credential.second());
        let second = second.and_then(|second| second.credential.scrub());
        let scrub = [
            access.scrub(),
            first.scrub().unwrap_or_default(),
            second.unwrap_or_default(),
        ];
        let refusal = Refusal {
            endpoint: &endpoint,
            status: status.as_u16(),
            headers: &headers,
            id,
            secrets: &scrub,
            now: self.connector.clock().now(),
        };
        self.refused(ask, &refusal, response).await
    }

    /// Sorts a refusal, and closes the limiter's bucket where it says to stay away.
    async fn refused<T>(&self, ask: &Ask, refusal: &Refusal<'_>, response: Response) -> Result<T> {
        if let Some(error) = redirected(refusal) {
            return Err(error);
        }
        if let (410, Some(round)) = (refusal.status, &ask.round)
            && let Some(link) = header(refusal.headers, LOCATION.as_str())
        {
            links::check(&self.target.cloud, round, link)?;
        }
        let body = read(response, REFUSAL_BYTES_MAX, refusal.endpoint)
            .await
            .unwrap_or_default();
        let error = refusal.by_graph(&body, ask.resource, ask.round.is_some());
        if let Error::Throttled {
            retry_after: Some(wait),
            ..
        } = &error
        {
            let scope = header(refusal.headers, "x-ms-throttle-scope").unwrap_or_default();
            let reach = match scope.split('/').next() {
                Some("Application") => Reach::Application,
                _ => Reach::Tenant,
            };
            let until = refusal.now + TimeDelta::from_std(*wait).unwrap_or_default();
            self.connector
                .limits()
                .close(&self.target.lane, reach, until);
        }
        Err(error)
    }

    /// Waits for its turn in the limiter.
    async fn admit(
        &self,
        ask: &Ask,
        cost: u32,
        endpoint: &Endpoint,
        within: Duration,
    ) -> Result<()> {
        let (clock, limits) = (self.connector.clock(), self.connector.limits());
        let began_at = clock.now();
        let urgent = ask.priority != Priority::Low;
        while let Err(wait) = limits.take(&self.target.lane, cost, urgent, clock.now()) {
            let waited = (clock.now() - began_at).to_std().unwrap_or_default();
            if waited + wait > within {
                return Err(Error::Throttled {
                    endpoint: endpoint.clone(),
                    retry_after: Some(wait),
                    answer: None,
                });
            }
            clock.sleep(wait).await;
        }
        Ok(())
    }

    /// Asks the token endpoint once (graph.md §2.1, §2.2, §2.6).
    pub(crate) async fn request_token(
        &self,
        credential: &Credential,
        grant: Grant<'_>,
        within: Duration,
    ) -> Result<Access> {
        let target = &self.target;
        let clock = self.connector.clock();
        let url = target.cloud.token_endpoint(&target.tenant);
        let endpoint = self.sign_in_endpoint();
        let id = self.connector.chance().guid();
        let proof = credential.form(&url, self.connector.chance().guid(), clock.now())?;
        let client_id = credential.client_id().to_string();
        let scope = target.cloud.scope();
        let mut form = vec![("client_id", client_id.as_str())];
        match grant {
            Grant::Application => form.extend([
                ("scope", scope.as_str()),
                ("grant_type", "client_credentials"),
            ]),
            Grant::Code(code) => form.extend([
                ("scope", SIGN_IN_SCOPE),
                ("grant_type", "authorization_code"),
                ("code", code.code.expose_secret()),
                ("redirect_uri", code.redirect_uri.as_str()),
                ("code_verifier", code.verifier.expose_secret()),
            ]),
        }
        form.extend(
            proof
                .iter()
                .map(|(name, value)| (*name, value.expose_secret())),
        );
        let request = self
            .connector
            .http()
            .post(url)
            .header("client-request-id", id.to_string())
            .timeout(within.clamp(SHORTEST_TIMEOUT, LONGEST_TOKEN_TIMEOUT))
            .form(&form);
        let response = self.send(request, &endpoint).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        tracing::debug!(%id, tenant = %target.tenant, status = status.as_u16(), "token");
        let mut scrub: Vec<&str> = proof
            .iter()
            .map(|(_, value)| value.expose_secret())
            .collect();
        if let Grant::Code(code) = grant {
            scrub.extend([code.code.expose_secret(), code.verifier.expose_secret()]);
        }
        let refusal = Refusal {
            endpoint: &endpoint,
            status: status.as_u16(),
            headers: &headers,
            id,
            secrets: &scrub,
            now: clock.now(),
        };
        if let Some(error) = redirected(&refusal) {
            return Err(error);
        }
        if status != StatusCode::OK {
            let body = read(response, REFUSAL_BYTES_MAX, &endpoint)
                .await
                .unwrap_or_default();
            return Err(refusal.by_sign_in(&body));
        }
        let body = read(response, REFUSAL_BYTES_MAX, &endpoint).await?;
        let granted: Granted = serde_json::from_slice(&body).map_err(|error| {
            not_understood(endpoint.clone(), &error, &headers, "x-ms-request-id")
        })?;
        Access::new(granted, clock.now()).map_err(|reason| Error::BadAnswer {
            request_id: guid(&headers, "x-ms-request-id").map(|id| id.to_string()),
            reason: reason.to_owned(),
            endpoint,
        })
    }

    async fn send(&self, request: RequestBuilder, endpoint: &Endpoint) -> Result<Response> {
        self.meter.request();
        request
            .send()
            .await
            .map_err(|error| from_reqwest(endpoint, error))
    }

    async fn body(&self, response: Response, endpoint: &Endpoint) -> Result<Vec<u8>> {
        read(
            response,
            self.connector.settings().answer_bytes_max,
            endpoint,
        )
        .await
    }

    pub(crate) fn sign_in_endpoint(&self) -> Endpoint {
        Endpoint {
            service: Service::SignIn,
            host: host_of(self.target.cloud.authority()),
        }
    }

    pub(crate) fn graph_endpoint(&self) -> Endpoint {
        Endpoint {
            service: Service::Graph,
            host: host_of(self.target.cloud.graph()),
        }
    }

    /// A refusal inside a `$batch`, sorted like one of its own.
    pub(crate) fn inner_refusal(&self, ask: &Ask, status: u16, body: &[u8]) -> Error {
        let headers = HeaderMap::new();
        let refusal = Refusal {
            endpoint: &self.graph_endpoint(),
            status,
            headers: &headers,
            id: Uuid::nil(),
            secrets: &[],
            now: self.connector.clock().now(),
        };
        refusal.by_graph(body, ask.resource, false)
    }
}

const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole body, up to a limit that is checked while it comes in.
async fn read(mut response: Response, limit: usize, endpoint: &Endpoint) -> Result<Vec<u8>> {
    let too_large = || Error::TooLarge {
        endpoint: endpoint.clone(),
        limit,
    };
    let announced = response
        .content_length()
        .and_then(|bytes| usize::try_from(bytes).ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced.unwrap_or(64 << 10));
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| from_reqwest(endpoint, error))?
    {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn redirected(refusal: &Refusal<'_>) -> Option<Error> {
    if !(300..400).contains(&refusal.status) {
        return None;
    }
    let to = header(refusal.headers, LOCATION.as_str())
        .and_then(|link| Url::parse(link).ok())
        .map_or_else(
            || "another page".to_owned(),
            |url| url.origin().ascii_serialization(),
        );
    Some(Error::Redirected {
        endpoint: refusal.endpoint.clone(),
        to,
    })
}

/// What is wrong with a JSON text, and where; nothing of its content.
fn not_understood(
    endpoint: Endpoint,
    error: &serde_json::Error,
    headers: &HeaderMap,
    id: &str,
) -> Error {
    let what = match error.classify() {
        // Some middlebox ended the answer early and made it look whole.
        Category::Eof => {
            let reason = "the JSON text is cut off".to_owned();
            return Error::Unreachable {
                endpoint,
                why: Unreachable::Lost,
                reason,
            };
        }
        Category::Syntax => "it is not JSON",
        Category::Data => "the JSON is not of the expected form",
        Category::Io => "it can't be read",
    };
    Error::BadAnswer {
        endpoint,
        reason: format!("{what} (line {}, column {})", error.line(), error.column()),
        request_id: guid(headers, id).map(|id| id.to_string()),
    }
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A server's id as it may be logged: only if it is one, since a server could send anything.
fn guid(headers: &HeaderMap, name: &str) -> Option<Uuid> {
    Uuid::try_parse(header(headers, name)?).ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    header(headers, name)?.trim().parse().ok()
}

fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}
