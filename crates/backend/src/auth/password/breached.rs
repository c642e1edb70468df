//! Passwords that were stolen elsewhere, by a list that is asked by hash prefix.
//!
//! The list answers `GET <url><the first 5 hex digits of the SHA-1>` with the other 35 of all that it
//! holds, a line each with how often it was seen: `SUFFIX:COUNT` (the range API of Pwned Passwords,
//! <https://haveibeenpwned.com/API/v3#PwnedPasswords>). So it learns 20 bits of a hash and nothing
//! of whose it is; with `Add-Padding` whoever sees the encrypted answer can't tell the prefix by its
//! length, and what was added has the count 0.
//!
//! Where the list can't be asked, the password counts as not stolen: the other rules hold, and
//! nobody is kept out because somebody else's server is down. That is a line in the log.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use url::Url;
use zeroize::Zeroizing;

use crate::{Error, Result, delivery::chain, graph_access::no_client, loopback::is_loopback};

/// How long somebody who sets a password waits for the list.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The most bytes of an answer: a padded one of Pwned Passwords takes 40 KB.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Hex digits of the hash that the list is told.
const PREFIX: usize = 5;

/// The list, where configuration names one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BreachedPasswords(Option<(reqwest::Client, Url)>);

impl BreachedPasswords {
    /// Where the list is, as configuration says: `https`, or `http` on this machine.
    pub fn checked_url(text: &str) -> Result<Url> {
        let refused = |why: &str| {
            Error::configuration(
                "password_breach_url",
                &format!(
                    "it {why}; give an address that takes the first five digits of a SHA-1 at its end, such as https://api.pwnedpasswords.com/range/"
                ),
            )
        };
        let url = Url::parse(text).map_err(|_| refused("is not a URL"))?;
        let here = url.host().is_some_and(|host| is_loopback(&host));
        match url.scheme() {
            "https" => {}
            "http" if here => {}
            _ => return Err(refused("is neither https nor on this machine")),
        }
        let plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !plain {
            return Err(refused("has a query, a fragment or a sign-in"));
        }
        if url.path().ends_with('/') {
            Ok(url)
        } else {
            Err(refused("doesn’t end with a slash"))
        }
    }

    /// A client for the list at `url`, made as every [`graph::http_client`]; without one every password
    /// counts as not stolen.
    pub fn new(url: Option<Url>) -> Result<Self> {
        let Some(url) = url else {
            return Ok(Self(None));
        };
        let client = graph::http_client(TIMEOUT, |client| client);
        let client = client.map_err(|error| no_client(&error))?;
        Ok(Self(Some((client, url))))
    }

    /// How often the list has seen a password; none where it has not, can't be asked, or isn't
    /// configured.
    pub(super) async fn seen(&self, password: &SecretString) -> Option<i64> {
        let (client, url) = self.0.as_ref()?;
        let hash = Zeroizing::new(hex::encode_upper(Sha1::digest(password.expose_secret())));
        let (prefix, rest) = hash.split_at(PREFIX);
        match ask(client, url, prefix).await {
            Ok(answer) => count(&answer, rest).filter(|times| *times > 0),
            Err(why) => {
                // The prefix stays out: with the time it could tell whose password it is about.
                tracing::warn!(
                    list = %url,
                    why,
                    "the list of stolen passwords can’t be asked; a new password was taken without it"
                );
                None
            }
        }
    }
}

/// What the list holds below a prefix.
async fn ask(client: &reqwest::Client, list: &Url, prefix: &str) -> Result<String, String> {
    let url = list.join(prefix).map_err(|error| error.to_string())?;
    let sent = client.get(url).header("Add-Padding", "true").send().await;
    let unreachable = |error: reqwest::Error| chain(&error.without_url());
    let mut answer = sent.map_err(unreachable)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("it answered {}", answer.status()));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(format!(
                "its answer is longer than {ANSWER_BYTES_MAX} bytes"
            ));
        }
        body.extend_from_slice(&piece);
    }
    let text = String::from_utf8(body).map_err(|_| "its answer is no text".to_owned())?;
    if text.lines().all(|line| parse(line).is_some()) {
        Ok(text)
    } else {
        Err("its answer is no list of SUFFIX:COUNT".to_owned())
    }
}

/// The rest of a hash and how often it was seen.
fn parse(line: &str) -> Option<(&str, i64)> {
    let (rest, count) = line.trim().split_once(':')?;
    let is_rest = rest.len() == 40 - PREFIX && rest.bytes().all(|b| b.is_ascii_hexdigit());
    is_rest.then_some((rest, count.parse().ok()?))
}

fn count(answer: &str, rest: &str) -> Option<i64> {
    let mut lines = answer.lines().filter_map(parse);
    let found = lines.find(|(theirs, _)| theirs.eq_ignore_ascii_case(rest));
    found.map(|(_, times)| times)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{
        Router,
        extract::{Path, State},
        http::{HeaderMap, StatusCode},
        routing::get,
    };

    use super::*;

    /// SHA-1 of "correct horse battery", cut after five digits (`printf … | sha1sum`).
    const SHA1: (&str, &str) = ("98DEC", "C62ECE399A22ED30D490EF333BE7FDE7385");

    type Asked = Arc<Mutex<Vec<(String, String)>>>;

    /// A list that answers everything with this.
    async fn list(answer: (StatusCode, String)) -> (BreachedPasswords, Asked) {
        let asked = Asked::default();
        let keep = asked.clone();
        let handler = move |Path(prefix): Path<String>,
                            State(keep): State<Asked>,
                            headers: HeaderMap| async move {
            let padding = headers
                .get("add-padding")
                .map(|value| value.to_str().unwrap());
            keep.lock()
                .unwrap()
                .push((prefix, padding.unwrap_or_default().to_owned()));
            answer
        };
        let router = Router::new()
            .route("/range/{prefix}", get(handler))
            .with_state(keep);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/range/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = BreachedPasswords::checked_url(&url).unwrap();
        (BreachedPasswords::new(Some(url)).unwrap(), asked)
    }

    /// Where a list is asked that has seen this password so often, and no other.
    pub(in crate::auth::password) async fn list_of(password: &str, times: i64) -> Url {
        let hash = hex::encode_upper(Sha1::digest(password));
        let (_, rest) = hash.split_at(PREFIX);
        let (list, _) = list((StatusCode::OK, format!("{rest}:{times}"))).await;
        list.0.expect("it has an address").1
    }

    async fn seen(answer: (StatusCode, &str)) -> Option<i64> {
        let (list, asked) = list((answer.0, answer.1.to_owned())).await;
        let seen = list
            .seen(&SecretString::from("correct horse battery"))
            .await;
        let told = vec![(SHA1.0.to_owned(), "true".to_owned())];
        assert_eq!(*asked.lock().unwrap(), told, "five digits, with padding");
        seen
    }

    #[tokio::test]
    async fn the_list_is_told_five_digits_and_answers_the_rest() {
        let other = "0".repeat(35);
        let lines = |times: &str| format!("{other}:3\r\n{}:{times}\r\n{other}:0", SHA1.1);
        assert_eq!(seen((StatusCode::OK, &lines("412"))).await, Some(412));
        assert_eq!(
            seen((StatusCode::OK, &lines("412").to_lowercase())).await,
            Some(412)
        );
        assert_eq!(seen((StatusCode::OK, &lines("0"))).await, None, "padding");
        assert_eq!(seen((StatusCode::OK, &format!("{other}:3"))).await, None);
        assert_eq!(seen((StatusCode::OK, "")).await, None);
    }

    #[tokio::test]
    async fn a_list_that_cant_be_asked_keeps_nobody_out() {
        let good = format!("{}:9", SHA1.1);
        let too_long = format!("{good}\n").repeat(8_000);
        for answer in [
            (StatusCode::SERVICE_UNAVAILABLE, good.as_str()),
            (StatusCode::FOUND, &good),
            (StatusCode::OK, "<html>Sign in to the network</html>"),
            (StatusCode::OK, &format!("{good}0000000000000000000")),
            (StatusCode::OK, &too_long),
        ] {
            assert_eq!(seen(answer).await, None, "{:?}", answer.0);
        }
        let password = SecretString::from("correct horse battery");
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", closed.local_addr().unwrap());
        drop(closed);
        let gone = BreachedPasswords::new(Some(url.parse().unwrap())).unwrap();
        assert_eq!(gone.seen(&password).await, None);
        assert_eq!(
            BreachedPasswords::new(None).unwrap().seen(&password).await,
            None
        );
    }

    #[test]
    fn an_address_that_cant_be_one_of_a_list_is_refused() {
        for good in [
            "https://api.pwnedpasswords.com/range/",
            "http://[::1]:8080/",
        ] {
            assert_eq!(BreachedPasswords::checked_url(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("api.pwnedpasswords.com", "is not a URL"),
            ("http://api.pwnedpasswords.com/range/", "neither https"),
            ("file:///srv/range/", "neither https"),
            ("https://api.pwnedpasswords.com/range", "slash"),
            ("https://x.example/?of=", "has a query"),
            ("https://me:secret@x.example/", "sign-in"),
        ] {
            let refused = BreachedPasswords::checked_url(bad).unwrap_err().to_string();
            assert!(refused.starts_with("password_breach_url: it "), "{refused}");
            assert!(
                refused.contains(why) && !refused.contains("secret"),
                "{refused}"
            );
        }
    }
}
