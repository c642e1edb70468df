//! To an OpenID provider and back: two routes that a browser opens by itself. What they do is
//! `backend::auth::oidc`'s; here is what the browser brings and where it is led.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use app::{cookies, error::AppError, flash, routes};
use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, Path, Query, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};
use backend::{
    Backend, Origin, Scope,
    auth::{
        known_browsers,
        oidc::{self, Answer, BROWSER, Begin, Browser, Finished, Intent},
    },
    refusal::{self, Why},
    store::sessions::{OPERATOR, PROVED_AT},
};
use domain::{DateTime, id::OperatorId};
use http::header;
use secrecy::{ExposeSecret, SecretString};
use tower_sessions::Session;

use crate::{cross_site::opened_from_own_page, trace::request_id_of};

/// How much is kept of what a browser calls itself.
const USER_AGENT_CHARS_MAX: usize = 300;

/// What is answered, by the path of `app::routes` with that name: all that this file serves.
fn answers() -> [(&'static str, MethodRouter<Backend>); 2] {
    [
        (routes::PROVIDER_SIGN_IN, get(go)),
        (routes::PROVIDER_CALLBACK, get(come_back)),
    ]
}

/// The paths that are served.
pub fn paths() -> impl Iterator<Item = &'static str> {
    answers().into_iter().map(|(path, _)| path)
}

/// The routes.
pub fn router(backend: &Backend) -> Router {
    let router = Router::new();
    let serve = |router: Router<Backend>, (path, answer)| router.route(path, answer);
    let router = answers().into_iter().fold(router, serve);
    router.with_state(backend.clone())
}

/// The names and values of an address.
type Address = Query<HashMap<String, String>>;

/// What went wrong inside.
struct Broken;

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl Broken {
    /// Logs what happened, once; it is not answered.
    fn log(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a sign-in by a provider broke");
        Self
    }
}

/// The browser that asks.
struct Visitor {
    backend: Backend,
    session: Session,
    address: IpAddr,
    headers: HeaderMap,
}

impl FromRequestParts<Backend> for Visitor {
    type Rejection = Broken;

    async fn from_request_parts(parts: &mut Parts, backend: &Backend) -> Result<Self, Broken> {
        let session = Session::from_request_parts(parts, backend)
            .await
            .map_err(|(_, reason)| Broken::log(&reason))?;
        Ok(Self {
            backend: backend.clone(),
            session,
            address: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |client| client.0.ip()),
            headers: parts.headers.clone(),
        })
    }
}

impl Visitor {
    /// Whether a person is led here, and not a picture or a script of some page.
    fn navigates(&self) -> bool {
        let dest = self.headers.get("sec-fetch-dest");
        dest.is_none_or(|dest| dest == "document")
    }

    fn user_agent(&self) -> String {
        let agent = self.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        let agent = agent.unwrap_or_default().chars();
        agent.take(USER_AGENT_CHARS_MAX).collect()
    }

    fn request_id(&self) -> String {
        request_id_of(&self.headers).to_owned()
    }

    /// Who is signed in; none where nobody is.
    async fn scope(&self) -> Result<Option<Scope>, Broken> {
        let operator = self.session.get::<OperatorId>(OPERATOR).await;
        let Some(id) = operator.map_err(|error| Broken::log(&error))? else {
            return Ok(None);
        };
        let proved = self.session.get::<DateTime>(PROVED_AT).await;
        let proved = proved.map_err(|error| Broken::log(&error))?;
        let origin = Origin::page(self.address, &self.request_id());
        match backend::auth::session_scope(&self.backend, id, proved, origin).await {
            Ok(scope) => Ok(Some(scope)),
            Err(backend::Error::SignedOut) => Ok(None),
            Err(error) => Err(Broken::log(&error)),
        }
    }

    /// What binds sign-ins under way to this browser; none where none was begun in it.
    async fn browser(&self) -> Result<Option<SecretString>, Broken> {
        let kept = self.session.get::<String>(BROWSER).await;
        let kept = kept.map_err(|error| Broken::log(&error))?;
        Ok(kept.map(SecretString::from))
    }

    /// The same, made where there is none yet.
    async fn bound_browser(&self) -> Result<SecretString, Broken> {
        if let Some(kept) = self.browser().await? {
            return Ok(kept);
        }
        let made = oidc::new_browser(&self.backend);
        let kept = self.session.insert(BROWSER, made.expose_secret()).await;
        kept.map_err(|error| Broken::log(&error))?;
        Ok(made)
    }

    /// Leads to a page that tells why nothing was done.
    async fn refused(&self, page: &str, error: AppError) -> Response {
        flash::leave_refusal(&self.session, page, routes::PROVIDER_SIGN_IN, error).await;
        Redirect::to(page).into_response()
    }

    /// The same for an error of the backend.
    async fn failed(&self, page: &str, error: backend::Error) -> Result<Response, Broken> {
        match error {
            backend::Error::NotFound(_) => Ok(StatusCode::NOT_FOUND.into_response()),
            backend::Error::SignedOut => Ok(Redirect::to(routes::SIGN_IN).into_response()),
            backend::Error::ProveAgain => {
                Ok(Redirect::to(&routes::confirm(routes::ACCOUNT)).into_response())
            }
            error @ (backend::Error::Unavailable(_)
            | backend::Error::Conflict { .. }
            | backend::Error::TooMany { .. }) => Ok(self.refused(page, error.into()).await),
            error => Err(Broken::log(&error)),
        }
    }
}

/// Leads the browser to a provider.
async fn go(
    visitor: Visitor,
    Path(provider): Path<String>,
    address: Address,
) -> Result<Response, Broken> {
    if !visitor.navigates() {
        refusal::note_why(Why::OtherSite);
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let backend = &visitor.backend;
    let given = |name: &str| address.get(name).filter(|value| !value.is_empty());
    let linking = given("link").is_some();
    let next = given("next").filter(|next| routes::is_local(next));
    // Another site could have somebody, signed in at the provider as the site wishes, link that
    // account to theirs here, or be signed in without having pressed anything.
    if !opened_from_own_page(&backend.settings.public_url, &visitor.headers) {
        let page = match (linking, given("invitation"), next) {
            (true, ..) => routes::ACCOUNT.to_owned(),
            (_, Some(secret), _) => routes::invitation(secret),
            (_, _, Some(next)) => routes::sign_in(next),
            _ => routes::SIGN_IN.to_owned(),
        };
        return Ok(Redirect::to(&page).into_response());
    }
    let scope = if linking {
        visitor.scope().await?
    } else {
        None
    };
    let (intent, page) = match (&scope, given("invitation")) {
        (Some(scope), _) => (Intent::Link(scope), routes::ACCOUNT),
        (None, _) if linking => {
            return Ok(Redirect::to(&routes::sign_in(routes::ACCOUNT)).into_response());
        }
        (None, Some(secret)) => (
            Intent::AcceptInvitation(secret.clone().into()),
            routes::SIGN_IN,
        ),
        (None, None) => (Intent::SignIn, routes::SIGN_IN),
    };
    let browser = visitor.bound_browser().await?;
    let begin = Begin {
        provider: &provider,
        intent,
        return_to: next.cloned().unwrap_or_else(|| routes::OVERVIEW.to_owned()),
        browser: &browser,
        address: visitor.address,
    };
    match oidc::begin(backend, begin).await {
        Ok(url) => Ok(Redirect::to(url.as_str()).into_response()),
        Err(error) => visitor.failed(page, error).await,
    }
}

/// Takes the browser back from a provider, and lets in whom it proved.
async fn come_back(
    visitor: Visitor,
    Path(provider): Path<String>,
    State(backend): State<Backend>,
    address: Address,
) -> Result<Response, Broken> {
    let given = |name: &str| address.get(name).cloned();
    let answer = Answer {
        provider,
        state: given("state"),
        code: given("code"),
        iss: given("iss"),
        error: given("error"),
    };
    let scope = visitor.scope().await?;
    let browser = Browser {
        secret: visitor.browser().await?,
        scope: scope.as_ref(),
        address: visitor.address,
        user_agent: visitor.user_agent(),
        request_id: visitor.request_id(),
    };
    let page = if scope.is_some() {
        routes::ACCOUNT
    } else {
        routes::SIGN_IN
    };
    match oidc::finish(&backend, answer, browser).await {
        Ok(Finished::SignedIn {
            operator,
            return_to,
        }) => enter(&visitor, operator.id, &return_to).await,
        Ok(Finished::Linked { account }) => {
            let notice = format!("You can sign in with {account} from now on");
            flash::leave_notice(&visitor.session, notice).await;
            Ok(Redirect::to(routes::ACCOUNT).into_response())
        }
        Ok(Finished::Refused { message }) => {
            let error = AppError::Conflict {
                message,
                run_id: None,
            };
            Ok(visitor.refused(page, error).await)
        }
        Err(error) => visitor.failed(page, error).await,
    }
}

/// Lets an operator in, with a new number for the session, and leads on.
async fn enter(
    visitor: &Visitor,
    operator: OperatorId,
    return_to: &str,
) -> Result<Response, Broken> {
    let session = &visitor.session;
    let enter = async || {
        session.remove::<String>(BROWSER).await?;
        let begun = app::session::Begun {
            operator,
            now: visitor.backend.clock.now(),
            address: visitor.address,
            user_agent: &visitor.user_agent(),
            by_provider: true,
        };
        app::session::begin(session, begun).await
    };
    enter().await.map_err(|error| Broken::log(&error))?;
    let backend = &visitor.backend;
    let brought = cookies::BROWSER.brought(backend, &visitor.headers);
    let browser = known_browsers::remember(backend, operator, brought).await;
    let browser = browser.map_err(|error| Broken::log(&error))?;
    let kept = cookies::BROWSER.kept(backend, &browser);
    let kept = kept.map(|cookie| AppendHeaders([(header::SET_COOKIE, cookie)]));
    let to = if routes::is_local(return_to) {
        return_to
    } else {
        routes::OVERVIEW
    };
    Ok((kept, Redirect::to(to)).into_response())
}
