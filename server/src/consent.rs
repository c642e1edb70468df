//! The ways of a consent link that are no pages: on to Microsoft, and back from there. Whoever goes
//! them isn't signed in; what lets them is the secret of the link.
//!
//! On the way out the secret goes into a cookie of this path alone, so that the way back belongs to
//! the browser that left: who only knows an address at Microsoft, or makes one up, has nothing.

use std::net::SocketAddr;

use app::routes;
use axum::{
    Router,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use backend::{
    Backend, Origin, cookie,
    entra::{self, Onward},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{cross_site::opened_from_own_page, trace::request_id_of};

/// The cookie where browsers come by http.
const COOKIE: &str = "rollcall_consent";
/// The cookie elsewhere: browsers take one of this name from https only (RFC 6265bis §4.1.3.1).
const COOKIE_HTTPS: &str = "__Secure-rollcall_consent";
/// How long one may take at Microsoft, in seconds: as long as the state is good.
const COOKIE_LIFE: u32 = 3600;
/// The longest secret that is looked up: far longer than any that is made.
const SECRET_MAX: usize = 100;

#[derive(Clone, Debug)]
struct Ways {
    backend: Backend,
    https: bool,
}

/// What is answered: all that this file serves.
fn answers() -> [(&'static str, MethodRouter<Ways>); 3] {
    [
        (routes::CONSENT_CONTINUE, get(go)),
        (routes::CONSENT_CALLBACK, get(come_back)),
        (routes::CONSENT_CHECK, get(check)),
    ]
}

/// The paths that are served.
pub fn paths() -> impl Iterator<Item = &'static str> {
    answers().into_iter().map(|(path, _)| path)
}

/// The routes.
pub fn router(backend: &Backend, https: bool) -> Router {
    let router = Router::new();
    let serve = |router: Router<Ways>, (path, answer)| router.route(path, answer);
    let router = answers().into_iter().fold(router, serve);
    router.with_state(Ways {
        backend: backend.clone(),
        https,
    })
}

impl Ways {
    const fn cookie_name(&self) -> &'static str {
        if self.https { COOKIE_HTTPS } else { COOKIE }
    }

    /// The cookie with the secret; an empty one takes it away.
    fn cookie(&self, secret: &str) -> Option<HeaderValue> {
        let (name, path) = (self.cookie_name(), routes::CONSENT);
        let life = if secret.is_empty() { 0 } else { COOKIE_LIFE };
        let secure = if self.https { "; Secure" } else { "" };
        let text =
            format!("{name}={secret}; Path={path}; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The secret that the browser brings.
    fn brought(&self, headers: &HeaderMap) -> Option<SecretString> {
        let texts = headers.get_all(header::COOKIE).iter();
        let texts = texts.filter_map(|value| value.to_str().ok());
        cookie::named(texts, self.cookie_name()).and_then(secret)
    }
}

/// A text that may be a secret: letters and digits, which need no quoting anywhere.
fn secret(text: &str) -> Option<SecretString> {
    let fits = !text.is_empty()
        && text.len() <= SECRET_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| text.into())
}

/// Where a link leads that isn't good (any more): to the page that says so.
fn page(secret: Option<&SecretString>) -> Redirect {
    match secret {
        Some(secret) => Redirect::to(&format!(
            "{}?secret={}",
            routes::CONSENT,
            secret.expose_secret()
        )),
        None => Redirect::to(routes::CONSENT),
    }
}

/// What is answered for a fault of ours: logged here, once.
fn failed(error: &backend::Error, headers: &HeaderMap) -> Response {
    let report = request_id_of(headers);
    tracing::error!(report, %error, "a consent link could not be followed");
    let text = format!(
        "Something failed here, and it isn’t your fault. Try again in a minute. Where it stays so, \
         tell whoever sent you the link: report {report}.\n"
    );
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

fn origin_of(client: &SocketAddr, headers: &HeaderMap) -> Origin {
    Origin::page(client.ip(), request_id_of(headers))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    secret: String,
}

/// On to Microsoft, from the page that says who asks for what and for which customer. Microsoft’s own
/// page says neither, so nobody gets there past ours.
async fn go(State(ways): State<Ways>, headers: HeaderMap, Query(link): Query<Link>) -> Response {
    let Some(secret) = secret(&link.secret) else {
        return page(None).into_response();
    };
    if !opened_from_own_page(&ways.backend.settings.public_url, &headers) {
        return page(Some(&secret)).into_response();
    }
    match entra::send_to_consent(&ways.backend, &secret).await {
        Ok(Some(url)) => {
            let cookie = ways.cookie(secret.expose_secret());
            let cookie = cookie.map(|cookie| [(header::SET_COOKIE, cookie)]);
            (cookie, Redirect::to(url.as_str())).into_response()
        }
        Ok(None) => page(Some(&secret)).into_response(),
        Err(error) => failed(&error, &headers),
    }
}

#[derive(Deserialize)]
struct Back {
    state: Option<String>,
    tenant: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Back from Microsoft. Each way back is good once: the cookie goes with the last, whatever came of
/// it.
async fn come_back(
    State(ways): State<Ways>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let not_ours = Redirect::to(routes::CONSENT_NOT_OURS);
    let Some(secret) = ways.brought(&headers) else {
        return not_ours.into_response();
    };
    let back = entra::CameBack {
        state: back.state,
        tenant: back.tenant,
        code: back.code,
        error: back.error,
        error_description: back.error_description,
    };
    let origin = origin_of(&client, &headers);
    let to = match entra::consent_came_back(&ways.backend, &secret, back, &origin).await {
        Ok(Onward::Page) => page(Some(&secret)),
        Ok(Onward::NotOurs) => not_ours,
        // Out once more, with the cookie as it is.
        Ok(Onward::SignIn(url)) => return Redirect::to(url.as_str()).into_response(),
        Err(error) => return failed(&error, &headers),
    };
    let gone = ways.cookie("").map(|cookie| [(header::SET_COOKIE, cookie)]);
    (gone, to).into_response()
}

/// Asks once more whether the consent is known by now.
async fn check(
    State(ways): State<Ways>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Query(link): Query<Link>,
) -> Response {
    let Some(secret) = secret(&link.secret) else {
        return page(None).into_response();
    };
    let origin = origin_of(&client, &headers);
    match entra::check_consent(&ways.backend, &secret, &origin).await {
        Ok(_) => page(Some(&secret)).into_response(),
        Err(error) => failed(&error, &headers),
    }
}
