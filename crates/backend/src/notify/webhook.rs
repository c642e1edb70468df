//! Webhooks as Standard Webhooks 1.0.0 says it (<https://www.standardwebhooks.com>): a POST of
//! JSON with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, which is `v1,`
//! and the base64 of HMAC-SHA256 over `id.timestamp.body`. The secret is `whsec_` and base64.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{DateTime, text::FieldError};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::{
    hosts::WebhookHosts,
    public::{NotPublic, Resolver, is_public},
};
use crate::{
    Error, Ids, Result,
    delivery::{TIMEOUT, Undelivered},
    graph_access::no_client,
    loopback::is_loopback,
};

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret: the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// The longest URL that is kept, in bytes, encoded: it stands in an index, and PostgreSQL takes at
/// most 2,704 bytes there.
const URL_BYTES_MAX: usize = 2_048;

/// The client that posts webhooks, made as every [`graph::http_client`]; it reaches private networks,
/// or none but some hosts, only where configuration says so. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhooks {
    client: reqwest::Client,
    private: bool,
    hosts: Option<WebhookHosts>,
}

impl Webhooks {
    /// A client. `private`: whether addresses of this machine and of private networks may be
    /// reached; `hosts`: the only ones that may be, any where absent.
    pub fn new(private: bool, hosts: Option<WebhookHosts>) -> Result<Self> {
        let resolver = Arc::new(Resolver { private });
        let client = graph::http_client(TIMEOUT, |client| client.dns_resolver(resolver));
        let client = client.map_err(|error| no_client(&error))?;
        Ok(Self {
            client,
            private,
            hosts,
        })
    }

    /// A webhook's URL as it is kept: https, or http to this machine itself, of a host that may be
    /// reached.
    pub(crate) fn check_url(&self, given: &str) -> Result<String, FieldError> {
        check_url(given, self.private, self.hosts.as_ref())
    }

    /// Refuses an address that was kept before configuration ruled it out.
    fn may_reach(&self, url: &Url) -> Result<(), Undelivered> {
        if !self.private && literal(url).is_some_and(|address| !is_public(address)) {
            return Err(private_address());
        }
        let listed = |hosts: &WebhookHosts| url.host().is_some_and(|host| hosts.hold(&host));
        if self.hosts.as_ref().is_some_and(|hosts| !listed(hosts)) {
            return Err(Undelivered::new(
                "webhook_host_not_listed",
                "The webhook’s host is not one that webhooks may be sent to",
                "Whoever runs Rollcall lists those. Nothing was sent.",
                "Give it an address on one of them, or have this host added to webhook_hosts in the configuration.",
            ));
        }
        Ok(())
    }

    /// Posts a body, signed with every secret that is good now.
    pub(super) async fn post(&self, hook: &Hook<'_>) -> Result<(), Undelivered> {
        let refused = |error: &dyn std::fmt::Display| {
            Undelivered::new(
                "webhook_unusable",
                "The webhook can’t be called",
                error.to_string(),
                "Change its address, or make a new signing secret.",
            )
        };
        let url = Url::parse(hook.url).map_err(|error| refused(&error))?;
        self.may_reach(&url)?;
        let timestamp = hook.at.timestamp();
        let mut signatures = Vec::new();
        for secret in hook.secrets {
            let signature = sign(secret, hook.id, timestamp, hook.body);
            signatures.push(signature.map_err(|error| refused(&error))?);
        }
        let sent = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", hook.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(hook.body.to_owned())
            .send()
            .await;
        match sent {
            // The status says it all: what else is answered is never read.
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(refused_with(answer.status())),
            Err(error) => Err(unreachable(&error.without_url())),
        }
    }
}

/// What is posted to where.
pub(super) struct Hook<'a> {
    pub url: &'a str,
    pub secrets: &'a [SecretString],
    /// The message's id: the same at every try, so that a receiver can tell a repetition.
    pub id: &'a str,
    pub at: DateTime,
    pub body: &'a str,
}

/// One signature.
fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &str) -> Result<String> {
    let broken = || Error::Internal("a webhook’s secret can’t be read".to_owned());
    let key = secret
        .expose_secret()
        .strip_prefix(PREFIX)
        .and_then(|key| STANDARD.decode(key).ok())
        .map(Zeroizing::new)
        .ok_or_else(broken)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| broken())?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// A new secret.
pub(crate) fn make_secret(ids: &Ids) -> SecretString {
    let mut key = Zeroizing::new([0_u8; SECRET_BYTES]);
    ids.fill(key.as_mut_slice());
    SecretString::from(format!("{PREFIX}{}", STANDARD.encode(key.as_slice())))
}

/// [`Webhooks::check_url`]; `private` and `hosts` as in [`Webhooks::new`].
fn check_url(
    given: &str,
    private: bool,
    hosts: Option<&WebhookHosts>,
) -> Result<String, FieldError> {
    let refused = |message: &str| FieldError::new("address", message);
    let given = given.trim();
    let url = Url::parse(given)
        .map_err(|_| refused("Enter an address such as https://example.com/hooks/rollcall."))?;
    let Some(host) = url.host() else {
        return Err(refused("Enter an address with a host."));
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        _ => return Err(refused("Use https. http is for this machine itself only.")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "Leave user name and password out: the signature proves who calls.",
        ));
    }
    if url.fragment().is_some() || url.as_str().len() > URL_BYTES_MAX {
        return Err(refused(
            "Use at most 2,048 bytes, encoded as a URL has them, without a #fragment.",
        ));
    }
    if !private && (is_loopback(&host) || literal(&url).is_some_and(|address| !is_public(address)))
    {
        return Err(refused(
            "This is an address of this machine or of a private network. Whoever runs Rollcall can allow these with webhooks_to_private_networks.",
        ));
    }
    if hosts.is_some_and(|hosts| !hosts.hold(&host)) {
        return Err(refused(
            "Webhooks may be sent to listed hosts only, and this is none of them. Whoever runs Rollcall can add it to webhook_hosts.",
        ));
    }
    Ok(url.into())
}

/// The address that stands in the URL itself.
fn literal(url: &Url) -> Option<std::net::IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

fn private_address() -> Undelivered {
    Undelivered::new(
        "webhook_private_address",
        "The webhook’s address is not of the public internet",
        "It leads to this machine or to a private network. Nothing was sent.",
        "Give it a public address, or allow private networks with webhooks_to_private_networks in the configuration.",
    )
}

fn refused_with(status: reqwest::StatusCode) -> Undelivered {
    let answered = format!("It answered {status}.");
    match status.as_u16() {
        300..=399 => Undelivered::new(
            "webhook_redirected",
            "The webhook’s address has moved",
            format!("{answered} Redirects are not followed."),
            "Enter the new address.",
        ),
        // The receiver wants nothing any more (Standard Webhooks, Delivery success and failure).
        410 => Undelivered {
            final_word: true,
            ..Undelivered::new(
                "webhook_gone",
                "The webhook is gone",
                answered,
                "Remove the recipient, or enter another address.",
            )
        },
        401 | 403 => Undelivered::new(
            "webhook_refused",
            "The webhook refused the message",
            answered,
            "Check that the receiver verifies with this recipient’s present signing secret, over the body as it came, and that its clock is right.",
        ),
        400..=499 => Undelivered::new(
            "webhook_refused",
            "The webhook refused the message",
            answered,
            "Check the address, and the receiver’s log for why it refused.",
        ),
        _ => Undelivered::new(
            "webhook_failed",
            "The webhook’s receiver failed",
            answered,
            "Look into the receiver’s log.",
        ),
    }
}

fn unreachable(error: &reqwest::Error) -> Undelivered {
    let mut inner: Option<&dyn std::error::Error> = Some(error);
    while let Some(at) = inner {
        if at.is::<NotPublic>() {
            return private_address();
        }
        inner = at.source();
    }
    if error.is_timeout() {
        return Undelivered::new(
            "webhook_timeout",
            "The webhook did not answer in time",
            format!("There was no answer for {} seconds.", TIMEOUT.as_secs()),
            "Have the receiver answer first and work afterwards; check that it can be reached from this machine.",
        );
    }
    Undelivered::new(
        "webhook_unreachable",
        "The webhook can’t be reached",
        innermost(error),
        "Check the address, its certificate, and that this machine may reach it.",
    )
}

/// What is at the bottom of it: "Connection refused" and the like. The URL, which may hold a key,
/// is named only at the top.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    format!("{inner}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the specification’s own libraries (standard-webhooks, libraries/rust).
    #[test]
    fn a_signature_is_as_the_specification_has_it() {
        let secret = SecretString::from("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
        assert_eq!(
            sign(&secret, id, 1_649_367_553, body).unwrap(),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        assert!(sign(&SecretString::from("C2FV"), id, 0, body).is_err());
    }

    #[test]
    fn a_secret_is_of_the_length_the_specification_asks_for() {
        let ids = Ids::seeded(crate::Clock::standing(DateTime::default()), 1);
        let (one, other) = (make_secret(&ids), make_secret(&ids));
        assert_ne!(one.expose_secret(), other.expose_secret());
        let key = one.expose_secret().strip_prefix("whsec_").unwrap();
        assert_eq!(STANDARD.decode(key).unwrap().len(), SECRET_BYTES);
    }

    #[test]
    fn urls_are_https_of_the_public_internet_unless_allowed() {
        for good in ["https://example.com/a?b=c", " https://1.1.1.1:8443/x "] {
            assert!(check_url(good, false, None).is_ok(), "{good}");
        }
        for local in [
            "http://127.0.0.1:9000/x",
            "http://localhost/x",
            "http://[::1]/x",
            "https://192.168.1.1/x",
            "https://2130706433/x",
            "https://[::ffff:10.0.0.1]/",
        ] {
            assert!(check_url(local, false, None).is_err(), "{local}");
            assert!(check_url(local, true, None).is_ok(), "{local}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com/x",
            "http://192.168.1.1/x",
            "ftp://example.com",
            "https://user:word@example.com/",
            "https://example.com/#x",
            "mailto:a@b.example",
            &format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX)),
            // Three times as long once it is encoded.
            &format!("https://example.com/{}", "ä".repeat(URL_BYTES_MAX / 5)),
        ] {
            assert!(check_url(bad, true, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_listed_hosts_are_taken_where_there_is_a_list() {
        let hosts = WebhookHosts::parse(&["hooks.example.com".to_owned(), "localhost".to_owned()]);
        let hosts = hosts.unwrap();
        let refused = |url: &str, private| {
            let checked = check_url(url, private, Some(&hosts));
            checked.err().map(|error| error.message).unwrap_or_default()
        };
        assert_eq!(refused("https://hooks.example.com/x", false), "");
        assert!(refused("https://example.com/x", false).contains("webhook_hosts"));
        // The list opens no private network.
        assert!(refused("http://localhost/x", false).contains("webhooks_to_private_networks"));
        assert_eq!(refused("http://localhost/x", true), "");
    }
}
