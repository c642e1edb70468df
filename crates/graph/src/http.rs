//! The one HTTP client: made once, passed in, shared by every tenant.

use std::time::Duration;

use crate::error::{Error, Result};

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
            user_agent: concat!("Rollcall/", env!("CARGO_PKG_VERSION")).to_owned(),
            extra_roots_pem: String::new(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(45),
            request_timeout: Duration::from_mins(3),
            gzip: true,
        }
    }
}

/// The one HTTP client. Follows no redirects (`sync.md` 17), takes no proxy from the environment,
/// keeps no cookies. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// [`Error::HttpClient`] where the extra certificates can't be read or TLS can't be set up.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let broken = |what: &str, error: &reqwest::Error| Error::HttpClient {
            reason: format!("{what}: {}", crate::error::chain(error)),
        };
        let roots = reqwest::Certificate::from_pem_bundle(options.extra_roots_pem.as_bytes())
            .map_err(|error| broken("the extra certificate authorities can't be read", &error))?;
        if roots.is_empty() && !options.extra_roots_pem.trim().is_empty() {
            return Err(Error::HttpClient {
                reason: "the extra certificate authorities hold no PEM certificate".to_owned(),
            });
        }
        let client = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.request_timeout)
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_nodelay(true)
            .gzip(options.gzip)
            .tls_certs_merge(roots)
            .build()
            .map_err(|error| broken("TLS can't be set up", &error))?;
        Ok(Self { client })
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }
}
