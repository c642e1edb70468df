//! From the HTTP library's errors to ours.

use std::error::Error as StdError;
use std::io;

use super::{Endpoint, Error, Unreachable};

/// How the HTTP library says that a name has no address: its own type for it is private.
const DNS: [&str; 2] = ["dns error", "invalid dns name"];

/// Sorts an error of the HTTP library. Its URL, which may hold a delta token, is dropped.
pub(crate) fn from_reqwest(endpoint: &Endpoint, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let endpoint = endpoint.clone();
    if let Some(tls) = find_tls(&error) {
        return Error::Tls {
            endpoint,
            reason: tls.to_string(),
        };
    }
    let reason = chain(&error);
    if error.is_decode() && !ended_on_the_way(&error) {
        return Error::BadAnswer {
            endpoint,
            reason,
            request_id: None,
        };
    }
    let kind = find_io(&error).map(io::Error::kind);
    let why = if error.is_timeout() || kind == Some(io::ErrorKind::TimedOut) {
        Unreachable::Timeout
    } else if DNS.iter().any(|words| reason.contains(words)) {
        Unreachable::Dns
    } else if kind == Some(io::ErrorKind::ConnectionRefused) {
        Unreachable::Refused
    } else if error.is_connect() {
        match kind {
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
                Unreachable::Lost
            }
            _ => Unreachable::Refused,
        }
    } else {
        Unreachable::Lost
    };
    Error::Unreachable {
        endpoint,
        why,
        reason,
    }
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

/// The causes of an error, looking into `io::Error` too, whose `source` skips what it wraps.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        found.push(cause);
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    found
}

fn find_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error)
        .into_iter()
        .find_map(|cause| cause.downcast_ref())
}

/// Whether the connection ended in the middle of a body. Where an answer may be compressed, such
/// an end comes wrapped as a failure to decode.
fn ended_on_the_way(error: &reqwest::Error) -> bool {
    causes(error)
        .into_iter()
        .filter_map(|cause| cause.downcast_ref::<reqwest::Error>())
        .any(reqwest::Error::is_body)
}

fn find_io(error: &reqwest::Error) -> Option<&io::Error> {
    causes(error)
        .into_iter()
        .filter_map(|cause| cause.downcast_ref())
        .next_back()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::dns::{Name, Resolve, Resolving};

    use super::super::Service;
    use super::*;

    /// Knows no name.
    struct Empty;

    impl Resolve for Empty {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }

    #[tokio::test]
    async fn a_name_without_address_is_told_apart() {
        let with = |client: reqwest::ClientBuilder| client.dns_resolver(Arc::new(Empty));
        let client = crate::http_client(std::time::Duration::from_secs(10), with).unwrap();
        let host = "login.microsoftonline.com".to_owned();
        let endpoint = Endpoint {
            service: Service::SignIn,
            host,
        };
        let url = "https://login.microsoftonline.com/?$deltatoken=hunter2";
        let error = from_reqwest(&endpoint, client.get(url).send().await.unwrap_err());
        assert_eq!(error.code(), "unreachable_dns", "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
