//! The hosts that webhooks may be sent to, where configuration lists them.

use std::sync::Arc;

use url::Host;

use crate::{Error, Result};

/// What begins an entry for every name below one.
const BELOW: &str = "*.";

/// Hosts that webhooks may be sent to, and no others. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookHosts(Arc<[Entry]>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// This host.
    Is(Host),
    /// Every name below this one: it begins with a point.
    Below(String),
}

impl WebhookHosts {
    /// Reads a list such as `hooks.example.com`, `*.example.org`, `192.0.2.1`. An empty list allows no
    /// host at all. [`Error::Configuration`] names the entry that can't be.
    pub fn parse(given: &[String]) -> Result<Self> {
        given
            .iter()
            .map(|text| entry(text))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Whether webhooks may be sent to a host.
    pub(super) fn hold(&self, host: &Host<&str>) -> bool {
        self.0.iter().any(|entry| match (entry, host) {
            (Entry::Is(Host::Domain(listed)), Host::Domain(name)) => listed == name,
            (Entry::Is(Host::Ipv4(listed)), Host::Ipv4(address)) => listed == address,
            (Entry::Is(Host::Ipv6(listed)), Host::Ipv6(address)) => listed == address,
            (Entry::Below(end), Host::Domain(name)) => name.ends_with(end.as_str()),
            _ => false,
        })
    }
}

fn entry(given: &str) -> Result<Entry> {
    let text = given.trim();
    let refused = || {
        Error::configuration(
            "webhook_hosts",
            &format!(
                "“{text}” is not a host; write its name alone, such as hooks.example.com, or *.example.com for every name below it"
            ),
        )
    };
    let (below, name) = match text.strip_prefix(BELOW) {
        Some(name) => (true, name),
        None => (false, text),
    };
    // The parser of URLs brings names to the form that they have there: small letters, Punycode.
    let host = Host::parse(name)
        .or_else(|_| Host::parse(&format!("[{name}]")))
        .map_err(|_| refused())?;
    match host {
        Host::Domain(name) if name.contains('*') => Err(refused()),
        Host::Domain(name) if below => Ok(Entry::Below(format!(".{name}"))),
        _ if below => Err(refused()),
        host => Ok(Entry::Is(host)),
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn hosts(given: &[&str]) -> Result<WebhookHosts> {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        WebhookHosts::parse(&given)
    }

    #[test]
    fn only_listed_hosts_are_held() {
        let listed = hosts(&[
            " Hooks.Example.com",
            "*.example.org",
            "192.0.2.1",
            "2001:db8::1",
            "bücher.example",
        ])
        .unwrap();
        for (url, held) in [
            ("https://hooks.example.com/x", true),
            ("https://HOOKS.example.com:8443/x", true),
            ("https://a.example.org", true),
            ("https://a.b.example.org", true),
            ("https://192.0.2.1", true),
            ("https://3221225985", true),
            ("https://[2001:db8::1]", true),
            ("https://xn--bcher-kva.example", true),
            ("https://example.com", false),
            ("https://x.hooks.example.com", false),
            ("https://example.org", false),
            ("https://badexample.org", false),
            ("https://example.org.evil.example", false),
            ("https://192.0.2.2", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(listed.hold(&url.host().unwrap()), held, "{url}");
        }
        let none = hosts(&[]).unwrap();
        assert!(!none.hold(&Host::Domain("hooks.example.com")));
    }

    #[test]
    fn what_is_no_host_is_refused_by_its_text() {
        for bad in [
            "",
            "https://hooks.example.com",
            "hooks.example.com:443",
            "hooks.example.com/x",
            "*",
            "*.*.example.com",
            "a*.example.com",
            "*.192.0.2.1",
            "me@example.com",
        ] {
            let refused = hosts(&["a.example", bad]).unwrap_err().to_string();
            assert!(
                refused.contains("webhook_hosts") && refused.contains(&format!("“{bad}”")),
                "{refused}"
            );
        }
    }
}
