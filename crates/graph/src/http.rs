//! How HTTP clients are made, and the one that asks Entra and Graph: made once, passed in, shared by
//! every tenant.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect::Policy};

use crate::error::{Error, Result};

/// What Rollcall calls itself.
const USER_AGENT: &str = concat!("Rollcall/", env!("CARGO_PKG_VERSION"));

/// A client for whoever Rollcall asks. It follows no redirects (`sync.md` 17), takes no proxy from
/// the environment, keeps no cookies, tells nobody where it comes from, and waits so long for one
/// request with its whole answer. How much of an answer is read is up to who reads it. `with` says
/// what else this one does.
///
/// # Errors
/// [`Error::HttpClient`] where TLS can't be set up.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub fn client(
    timeout: Duration,
    with: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(timeout);
    with(builder).build().map_err(|error| Error::HttpClient {
        reason: format!("TLS can't be set up: {}", crate::error::chain(&error)),
    })
}

/// How the one HTTP client is made.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// More certificate authorities to trust, PEM, any number; empty for the system's own alone.
    pub extra_roots_pem: String,
    /// Until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer.
    pub read_timeout: Duration,
    /// For one request with its whole answer.
    pub request_timeout: Duration,
    /// Whether to ask for compressed answers.
    pub gzip: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            user_agent: USER_AGENT.to_owned(),
            extra_roots_pem: String::new(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(45),
            request_timeout: Duration::from_mins(3),
            gzip: true,
        }
    }
}

/// The one client that asks Entra and Graph, made as every [`client`]. Cheap to clone; clones share
/// the connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
}

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// [`Error::HttpClient`] where the extra certificates can't be read or TLS can't be set up.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let roots = reqwest::Certificate::from_pem_bundle(options.extra_roots_pem.as_bytes());
        let roots = roots.map_err(|error| Error::HttpClient {
            reason: format!(
                "the extra certificate authorities can't be read: {}",
                crate::error::chain(&error)
            ),
        })?;
        if roots.is_empty() && !options.extra_roots_pem.trim().is_empty() {
            return Err(Error::HttpClient {
                reason: "the extra certificate authorities hold no PEM certificate".to_owned(),
            });
        }
        let client = client(options.request_timeout, |builder| {
            builder
                .user_agent(&options.user_agent)
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.read_timeout)
                .pool_idle_timeout(Duration::from_mins(1))
                .tcp_nodelay(true)
                .gzip(options.gzip)
                .tls_certs_merge(roots)
        })?;
        Ok(Self { client })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}
