//! The cookies that pages keep beside the session's, all with its attributes: bound to this host where
//! browsers come by https, and told to no script.

use backend::{Backend, cookie};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

/// A cookie's name without its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    name: &'static str,
    /// How long it is kept, in seconds.
    life_s: i64,
}

/// Light or dark: a word.
pub const THEME: Cookie = Cookie {
    name: "rollcall_theme",
    life_s: 365 * 24 * 60 * 60,
};

/// That somebody signed in with this browser before: what they try is counted apart from a stranger's.
pub const BROWSER: Cookie = Cookie {
    name: "rollcall_browser",
    life_s: backend::auth::known_browsers::KNOWN_FOR.num_seconds(),
};

/// Whether browsers come by https.
fn is_https(backend: &Backend) -> bool {
    backend.settings.public_url.scheme() == "https"
}

impl Cookie {
    /// The name that the browser knows. The prefix makes it refuse one that another host of the
    /// domain, or a page without https, tries to set (RFC 6265bis §4.1.3.2).
    fn name(self, https: bool) -> String {
        let prefix = if https { "__Host-" } else { "" };
        format!("{prefix}{}", self.name)
    }

    /// What the browser brings; none where it has no such cookie.
    pub fn brought(self, backend: &Backend, headers: &HeaderMap) -> Option<SecretString> {
        let name = self.name(is_https(backend));
        let texts = headers.get_all(header::COOKIE).iter();
        let texts = texts.filter_map(|value| value.to_str().ok());
        cookie::named(texts, &name).map(SecretString::from)
    }

    /// The header that has it kept. None for a value that no header can hold.
    pub fn kept(self, backend: &Backend, value: &SecretString) -> Option<HeaderValue> {
        let https = is_https(backend);
        let secure = if https { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name(https),
            value.expose_secret(),
            self.life_s
        );
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
