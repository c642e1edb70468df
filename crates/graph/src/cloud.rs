//! Which cloud, and which tenant in it.
//!
//! Both are parsed before they come near a URL: a [`Cloud`] is two origins without a path, a
//! [`Tenant`] is a GUID or a DNS name and nothing else.

use std::fmt;

use url::{Host, Url};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The four clouds that Microsoft runs: id, name, sign-in origin, Graph origin (graph.md §1).
///
/// GCC (not High) is in `global`. The Graph origin can't be derived from the sign-in origin: two
/// of the clouds share one.
pub const MICROSOFT_CLOUDS: [(&str, &str, &str, &str); 4] = [
    (
        "global",
        "Azure Global",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
    ),
    (
        "us_gov_l4",
        "Azure US Government (L4, GCC High)",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
    ),
    (
        "us_gov_l5",
        "Azure US Government (L5, DoD)",
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
    ),
    (
        "china",
        "Azure China (21Vianet)",
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

/// A cloud: where tokens are had and where Graph answers. Origins only, the client adds `/v1.0`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cloud {
    authority: Url,
    graph: Url,
}

impl Cloud {
    /// Reads the two origins, e.g. `https://login.microsoftonline.com` and
    /// `https://graph.microsoft.com`.
    ///
    /// # Errors
    /// [`Error::InvalidCloud`] where one is not an origin, or is `http` on anything but loopback.
    pub fn parse(authority: &str, graph: &str) -> Result<Self> {
        Ok(Self {
            authority: origin(authority)?,
            graph: origin(graph)?,
        })
    }

    /// The sign-in origin; the path is always `/`.
    pub fn authority(&self) -> &Url {
        &self.authority
    }

    /// The Graph origin; the path is always `/`.
    pub fn graph(&self) -> &Url {
        &self.graph
    }

    /// The token endpoint of a tenant in this cloud.
    pub(crate) fn token_endpoint(&self, tenant: &Tenant) -> Url {
        let mut url = self.authority.clone();
        url.set_path(&format!("/{tenant}/oauth2/v2.0/token"));
        url
    }

    /// The scope of client credentials: the Graph origin with `/.default` (graph.md §1).
    pub(crate) fn scope(&self) -> String {
        format!("{}.default", self.graph)
    }

    /// `/v1.0/<path>?<query>` at the Graph origin. `query` values are encoded here.
    pub(crate) fn graph_url(&self, path: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.graph.clone();
        url.set_path(&format!("/v1.0/{path}"));
        if !query.is_empty() {
            let text: Vec<String> = query
                .iter()
                .map(|(name, value)| format!("{name}={}", percent(value)))
                .collect();
            url.set_query(Some(&text.join("&")));
        }
        url
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cloud({} {})", self.authority, self.graph)
    }
}

/// Percent-encodes a query value, or a segment of a path. A space becomes `%20`: not every parser takes `+`.
pub(crate) fn percent(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn origin(text: &str) -> Result<Url> {
    let invalid = |reason: &str| Error::InvalidCloud {
        origin: text.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(text.trim()).map_err(|error| invalid(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it must not hold a user name or password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must end after the host, without a path"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(invalid(
            "http is allowed for loopback addresses only; use https",
        )),
        _ => Err(invalid("it must begin with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A tenant as someone typed it: its GUID, or one of its verified domains, in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// Reads a GUID or a DNS name. `common`, `organizations` and `consumers` are not tenants and
    /// client credentials don't work there (AADSTS9001023, AADSTS90124).
    ///
    /// # Errors
    /// [`Error::InvalidTenant`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason: &'static str| Error::InvalidTenant {
            tenant: text.chars().take(80).collect(),
            reason,
        };
        let name = text.trim().to_ascii_lowercase();
        if let Ok(id) = Uuid::try_parse(&name) {
            return Ok(Self(id.to_string()));
        }
        if matches!(name.as_str(), "common" | "organizations" | "consumers") {
            return Err(invalid("this name stands for many tenants, not for one"));
        }
        if !name.is_ascii() {
            return Err(invalid(
                "a domain with other than ASCII letters is written as xn--…",
            ));
        }
        if name.len() > 253 || !name.contains('.') || !name.split('.').all(is_label) {
            return Err(invalid(
                "it is neither a GUID nor a domain name such as contoso.com",
            ));
        }
        Ok(Self(name))
    }

    /// The tenant's GUID, where it was given as one.
    pub fn id(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.0).ok()
    }

    /// The GUID or the domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One label of a DNS name: letters, digits and inner hyphens (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({})", self.0)
    }
}

impl From<Uuid> for Tenant {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_two_origins() {
        for good in [
            "https://login.microsoftonline.us",
            "http://127.0.0.1:4010",
            "http://[::1]:1",
        ] {
            assert!(
                Cloud::parse(good, "https://graph.microsoft.us/").is_ok(),
                "{good}"
            );
        }
        for bad in [
            "",
            "login.microsoftonline.com",
            "https://graph.microsoft.com/v1.0",
            "https://graph.microsoft.com?x=1",
            "https://me:pw@graph.microsoft.com",
            "http://graph.microsoft.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
        ] {
            let error = Cloud::parse("https://login.microsoftonline.com", bad).unwrap_err();
            assert_eq!(error.code(), "invalid_cloud", "{bad}");
        }
    }

    #[test]
    fn the_four_clouds_are_valid() {
        for (id, _, authority, graph) in MICROSOFT_CLOUDS {
            assert!(Cloud::parse(authority, graph).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_tenant_is_a_guid_or_a_domain() {
        for (text, tenant) in [
            (" Contoso.OnMicrosoft.com ", "contoso.onmicrosoft.com"),
            (
                "63122682-6E3C-4CBB-9F35-7C1DA11E1E1E",
                "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
            ),
            (
                "631226826e3c4cbb9f357c1da11e1e1e",
                "63122682-6e3c-4cbb-9f35-7c1da11e1e1e",
            ),
        ] {
            assert_eq!(Tenant::parse(text).unwrap().as_str(), tenant);
        }
        for bad in [
            "",
            "contoso",
            "common",
            "organizations",
            "a/b.com",
            "a.com/../b",
            "a.com?x",
            "-a.com",
            "a..com",
            "münchen.de",
            "a.com#",
            "contoso.com\n.evil",
            "%2e.com",
        ] {
            assert_eq!(
                Tenant::parse(bad).unwrap_err().code(),
                "invalid_tenant",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn scope_and_urls() {
        let cloud = Cloud::parse("http://127.0.0.1:1", "https://graph.microsoft.us").unwrap();
        assert_eq!(cloud.scope(), "https://graph.microsoft.us/.default");
        let url = cloud.graph_url("groups", &[("$filter", "id eq 'a+b' & c".into())]);
        assert_eq!(
            url.as_str(),
            "https://graph.microsoft.us/v1.0/groups?$filter=id%20eq%20%27a%2Bb%27%20%26%20c"
        );
    }
}
