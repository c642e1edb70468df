//! Who is signed in, and what every page knows from the first byte on.

use domain::{
    DateTime,
    id::OperatorId,
    pause::Pause,
    permission::{Permission, Role},
    second_factor::AskedMore,
};
use leptos::{prelude::*, server, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppResult,
    flash::{Flash, Returned},
};

/// Light, dark, or as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::System];

    /// The theme in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Its value in the cookie and in the form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that value; anything else is the system's.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The style sheet's name for it, as `data-theme` of the document.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("rollcall"),
            Self::Dark => Some("rollcall-dark"),
        }
    }

    /// Its icon.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::System => "monitor",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }
}

/// The operator who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// Their id.
    pub id: OperatorId,
    /// Their name.
    pub name: String,
    /// Their mail address.
    pub email: String,
    /// Their role.
    pub role: Role,
    /// The customers they look after, in a few words.
    pub scope: String,
    /// Whether they look after every customer.
    pub sees_all: bool,
    /// Whether they look after customers that are added later.
    pub sees_later_ones: bool,
    /// How many customers they see.
    pub customers: i64,
    /// Set while the scheduled runs of every customer are paused.
    pub sync_pause: Option<Pause>,
}

/// What every page knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Who is signed in.
    pub operator: Option<SignedIn>,
    /// What is asked of somebody who is half signed in.
    pub asked: Option<AskedMore>,
    /// Whether passkeys can be used at this address.
    pub passkeys: bool,
    /// Whether there is no operator at all yet.
    pub needs_owner: bool,
    /// The server's time.
    pub now: DateTime,
    /// What the last plain form left.
    pub flash: Flash,
    /// The chosen theme.
    pub theme: Theme,
}

/// What every page knows, read once when a page is opened.
#[server(endpoint = "session/current", input = Json)]
pub(crate) async fn read_current() -> AppResult<Current> {
    let backend = caller::backend()?;
    let session = caller::session().await?;
    let operator = match caller::caller().await {
        Ok((_, scope)) => Some(caller::signed_in(&backend, &scope).await?),
        Err(crate::error::AppError::SignedOut) => None,
        Err(error) => return Err(error),
    };
    let asked = match (&operator, caller::half().await) {
        (None, Ok((_, half))) => half.asked(&backend).await?,
        _ => None,
    };
    Ok(Current {
        asked,
        passkeys: backend::auth::second_factor::are_offered(&backend),
        needs_owner: operator.is_none() && backend::auth::needs_owner(&backend).await?,
        operator,
        now: backend.clock.now(),
        flash: crate::flash::take(&session, &caller::path()).await,
        theme: caller::theme(),
    })
}

/// Ends the session. A plain form: nothing that was on the page outlives it.
#[server(endpoint = "session/sign-out")]
pub(crate) async fn sign_out() -> AppResult<()> {
    caller::leave().await?;
    caller::end_session().await?;
    leptos_axum::redirect(crate::routes::SIGN_IN);
    Ok(())
}

/// The form that came back with this page.
#[derive(Clone, Copy)]
pub(crate) struct ReturnedForm(pub StoredValue<Option<Returned>>);

/// The form that came back with this page, where it is this one.
pub(crate) fn use_returned(form: &str) -> Option<Returned> {
    use_context::<ReturnedForm>()?
        .0
        .get_value()
        .filter(|returned| returned.form == form)
}

impl SignedIn {
    /// Whether they look after what concerns the whole installation.
    pub fn looks_after_installation(&self) -> bool {
        self.sees_all && self.role.allows(Permission::InstallationWrite)
    }
}

/// Who is signed in; only on pages behind the sign-in.
pub fn use_operator() -> SignedIn {
    expect_context::<SignedIn>()
}

/// Whether the person's role allows it. A courtesy: what isn't allowed is not offered, and the
/// server refuses it anyway.
pub fn may(permission: Permission) -> bool {
    use_operator().role.allows(permission)
}

#[cfg(feature = "ssr")]
pub use caller::{Begun, begin, caller, done, tested};

/// Who asks, for server functions.
#[cfg(feature = "ssr")]
pub(crate) mod caller {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use axum::extract::ConnectInfo;
    use backend::{
        Backend, Origin, Scope,
        auth::{
            Half, known_browsers,
            second_factor::SettingUp,
            users::{self, UserHalf, UserScope, UserSignedIn},
        },
        store::sessions::{
            ADDRESS, BEGUN_AT, BY_PROVIDER, HALF, OPERATOR, PASSKEY_ASKED, PROVED_AT, USER,
            USER_AGENT, USER_HALF,
        },
    };
    use domain::{
        DateTime,
        connection::ConnectionTest,
        id::{OperatorId, UserId},
        operator::Operator,
        second_factor::Way,
    };
    use http::{header, request::Parts};
    use leptos::prelude::*;
    use secrecy::{ExposeSecret, SecretString};
    use tower_sessions::Session;

    use super::{SignedIn, Theme};
    use crate::{
        cookies::{self, Cookie},
        error::{AppError, AppResult},
        flash,
        ui::form::Done,
    };

    /// The backend that the server gave to every page.
    pub fn backend() -> AppResult<Backend> {
        // Leptos renders the application once at the start, to learn its routes, with nothing.
        use_context::<Backend>().ok_or_else(|| AppError::Unavailable {
            message: "The server is starting.".to_owned(),
        })
    }

    /// The browser's session.
    pub async fn session() -> AppResult<Session> {
        leptos_axum::extract::<Session>()
            .await
            .map_err(|error| internal(&format!("no session: {error}")))
    }

    /// Lets an operator in: with a new id for the session, so that one who knew the old has nothing.
    /// The browser is known from then on.
    pub async fn enter(operator: &Operator) -> AppResult<()> {
        let (backend, session) = (backend()?, session().await?);
        let now = backend.clock.now();
        let begun = Begun {
            operator: operator.id,
            now,
            address: address(),
            user_agent: &user_agent(),
            by_provider: false,
        };
        begin(&session, begun)
            .await
            .map_err(|error| internal(&format!("beginning a session: {error}")))?;
        let brought = brought(&backend, cookies::BROWSER);
        let browser = known_browsers::remember(&backend, operator.id, brought).await?;
        keep_cookie(&backend, cookies::BROWSER, &browser);
        Ok(())
    }

    /// What the browser brings in a cookie.
    pub fn brought(backend: &Backend, cookie: Cookie) -> Option<SecretString> {
        with_parts(|parts| cookie.brought(backend, &parts.headers)).flatten()
    }

    /// Has the browser keep a cookie.
    pub fn keep_cookie(backend: &Backend, cookie: Cookie, value: &SecretString) {
        let options = use_context::<leptos_axum::ResponseOptions>();
        if let (Some(options), Some(header)) = (options, cookie.kept(backend, value)) {
            options.append_header(header::SET_COOKIE, header);
        }
    }

    /// How somebody was let in.
    #[derive(Debug)]
    pub struct Begun<'a> {
        /// Who.
        pub operator: OperatorId,
        /// When.
        pub now: DateTime,
        /// From where.
        pub address: IpAddr,
        /// What the browser calls itself.
        pub user_agent: &'a str,
        /// Whether by a provider.
        pub by_provider: bool,
    }

    /// The same for a route that is no page. They have just proved who they are.
    pub async fn begin(
        session: &Session,
        begun: Begun<'_>,
    ) -> Result<(), tower_sessions::session::Error> {
        session.cycle_id().await?;
        session.remove::<Half>(HALF).await?;
        session.remove::<UserHalf>(USER_HALF).await?;
        session.remove::<UserId>(USER).await?;
        session.insert(OPERATOR, begun.operator).await?;
        session.insert(PROVED_AT, begun.now).await?;
        session.insert(BEGUN_AT, begun.now).await?;
        session.insert(BY_PROVIDER, begun.by_provider).await?;
        session.insert(ADDRESS, begun.address).await?;
        session.insert(USER_AGENT, begun.user_agent).await
    }

    /// Lets a user of a directory in to their own account, with a new id for the session. An operator
    /// who was signed in with this browser is not any more.
    pub async fn enter_user(user: &UserScope) -> AppResult<()> {
        let (backend, session) = (backend()?, session().await?);
        let enter = async || {
            session.cycle_id().await?;
            session.remove::<Half>(HALF).await?;
            session.remove::<OperatorId>(OPERATOR).await?;
            session.remove::<DateTime>(PROVED_AT).await?;
            session.remove::<UserHalf>(USER_HALF).await?;
            session.insert(USER, user.user_id()).await?;
            session.insert(BEGUN_AT, backend.clock.now()).await?;
            session.insert(BY_PROVIDER, false).await?;
            session.insert(ADDRESS, address()).await?;
            session.insert(USER_AGENT, user_agent()).await
        };
        enter()
            .await
            .map_err(|error| internal(&format!("beginning a session: {error}")))
    }

    /// Lets a user of a directory half in, who gave the right password: nobody is signed in by that.
    pub async fn enter_user_half(half: &UserHalf) -> AppResult<()> {
        let session = session().await?;
        let enter = async || {
            session.cycle_id().await?;
            session.remove::<OperatorId>(OPERATOR).await?;
            session.remove::<DateTime>(PROVED_AT).await?;
            session.remove::<Half>(HALF).await?;
            session.remove::<UserId>(USER).await?;
            session.insert(USER_HALF, half).await
        };
        enter()
            .await
            .map_err(|error| internal(&format!("keeping who is half signed in: {error}")))
    }

    /// The user of a directory who is half signed in. `SignedOut` where nobody is.
    pub async fn user_half() -> AppResult<(Backend, UserHalf)> {
        let half = kept::<UserHalf>(USER_HALF).await?;
        Ok((backend()?, half.ok_or(AppError::SignedOut)?))
    }

    /// Goes on after a user's password was right, or was set: to their account, or to the second
    /// factor. Answers the page that comes next.
    pub async fn go_on(signed_in: UserSignedIn) -> AppResult<String> {
        match signed_in {
            UserSignedIn::Whole(user) => {
                enter_user(&user).await?;
                Ok(crate::routes::OWN.to_owned())
            }
            UserSignedIn::Half(half) => {
                enter_user_half(&half).await?;
                Ok(crate::routes::OWN_SECOND_FACTOR.to_owned())
            }
        }
    }

    /// The user of a directory who asks: the first line of every server function about their own
    /// account. Fails where nobody is signed in, and who isn't in use any more.
    pub async fn user() -> AppResult<(Backend, UserScope)> {
        let backend = backend()?;
        let id = kept::<UserId>(USER).await?.ok_or(AppError::SignedOut)?;
        let scope = users::user_scope(&backend, id, origin()).await?;
        Ok((backend, scope))
    }

    /// Ends the session. What browsers keep of pages that were left goes too, so that Back shows none
    /// (W3C Clear Site Data); not cookies: light or dark stays, and that the browser is known.
    pub async fn end_session() -> AppResult<()> {
        session()
            .await?
            .flush()
            .await
            .map_err(|error| internal(&format!("ending the session: {error}")))?;
        if let Some(options) = use_context::<leptos_axum::ResponseOptions>() {
            options.insert_header(
                http::HeaderName::from_static("clear-site-data"),
                http::HeaderValue::from_static("\"cache\", \"storage\""),
            );
        }
        Ok(())
    }

    /// Lets somebody half in, who gave the right password: nobody is signed in by that.
    pub async fn enter_half(half: &Half) -> AppResult<()> {
        let session = session().await?;
        let enter = async || {
            session.cycle_id().await?;
            session.remove::<OperatorId>(OPERATOR).await?;
            session.remove::<DateTime>(PROVED_AT).await?;
            session.insert(HALF, half).await
        };
        enter()
            .await
            .map_err(|error| internal(&format!("keeping who is half signed in: {error}")))
    }

    /// Who is half signed in. `SignedOut` where nobody is.
    pub async fn half() -> AppResult<(Backend, Half)> {
        let half = kept::<Half>(HALF).await?.ok_or(AppError::SignedOut)?;
        Ok((backend()?, half))
    }

    /// Who sets up a second factor: the operator who asks, or who is half signed in.
    pub async fn setting_up() -> AppResult<(Backend, SettingUp)> {
        match caller().await {
            Ok((backend, scope)) => {
                let session = session_id(&backend).await?;
                Ok((backend, SettingUp::Operator { scope, session }))
            }
            Err(AppError::SignedOut) => {
                let (backend, half) = half().await?;
                let origin = origin();
                Ok((backend, SettingUp::Half { half, origin }))
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on after somebody set up a second factor: who was half signed in is signed in by that.
    /// Answers the page that comes next, which for their first one is that of recovery codes.
    pub async fn has_set_up(
        backend: &Backend,
        who: SettingUp,
        way: Way,
        next: &str,
    ) -> AppResult<String> {
        let factors = match who {
            SettingUp::Operator { scope, .. } => {
                proved(backend.clock.now()).await?;
                backend::auth::second_factor::mine(backend, &scope).await?
            }
            SettingUp::Half { half, origin } => {
                let operator = half.set_up(backend, way, &origin, &user_agent()).await?;
                enter(&operator).await?;
                return Ok(crate::routes::recovery_codes(next));
            }
        };
        Ok(if factors.recovery_codes == 0 {
            crate::routes::recovery_codes(next)
        } else {
            crate::routes::ACCOUNT.to_owned()
        })
    }

    /// Notes that the operator who asks proved that it is them. The session gets a new id, so that one
    /// who knew the old has nothing of the proof.
    pub async fn proved(at: DateTime) -> AppResult<()> {
        let cycled = session().await?.cycle_id().await;
        cycled.map_err(|error| internal(&format!("giving a session a new id: {error}")))?;
        keep(PROVED_AT, at).await
    }

    /// Notes what the browser was told to ask a passkey for.
    pub async fn keep_asked(id: uuid::Uuid) -> AppResult<()> {
        keep(PASSKEY_ASKED, id).await
    }

    /// What the browser was told to ask a passkey for.
    pub async fn take_asked() -> AppResult<uuid::Uuid> {
        let asked = session()
            .await?
            .remove::<uuid::Uuid>(PASSKEY_ASKED)
            .await
            .map_err(|error| internal(&format!("reading the session: {error}")))?;
        asked.ok_or_else(|| AppError::invalid("passkey", "This was answered already. Try again."))
    }

    async fn keep<T: serde::Serialize>(name: &str, value: T) -> AppResult<()> {
        session()
            .await?
            .insert(name, value)
            .await
            .map_err(|error| internal(&format!("writing the session: {error}")))
    }

    async fn kept<T: serde::de::DeserializeOwned>(name: &str) -> AppResult<Option<T>> {
        session()
            .await?
            .get(name)
            .await
            .map_err(|error| internal(&format!("reading the session: {error}")))
    }

    /// Ends the session of the operator who asks, where somebody is signed in.
    pub async fn leave() -> AppResult<()> {
        let (backend, scope) = match caller().await {
            Err(AppError::SignedOut) => return Ok(()),
            asks => asks?,
        };
        if let Some(cookie) = session().await?.id() {
            backend::store::sessions::sign_out(&backend, &scope, cookie.0).await?;
        }
        Ok(())
    }

    /// The public id of the session that asks; none before it was kept.
    pub async fn session_id(backend: &Backend) -> AppResult<Option<uuid::Uuid>> {
        match session().await?.id() {
            Some(cookie) => Ok(backend::store::sessions::public_id(backend, cookie.0).await?),
            None => Ok(None),
        }
    }

    /// Who asks: the first line of every server function. Fails where nobody is signed in.
    pub async fn caller() -> AppResult<(Backend, Scope)> {
        let backend = backend()?;
        let operator = kept::<OperatorId>(OPERATOR)
            .await?
            .ok_or(AppError::SignedOut)?;
        let proved_at = kept::<DateTime>(PROVED_AT).await?;
        let scope = backend::auth::session_scope(&backend, operator, proved_at, origin()).await?;
        Ok((backend, scope))
    }

    pub async fn signed_in(backend: &Backend, scope: &Scope) -> AppResult<SignedIn> {
        let operator = backend::auth::operator(backend, scope).await?;
        let customers = backend::store::customers::count(backend, scope).await?;
        let standing = backend::store::pauses::standing(backend, scope).await?;
        Ok(SignedIn {
            id: operator.id,
            name: operator.name,
            email: operator.email,
            role: operator.role,
            scope: operator.scope.summary(),
            sees_all: scope.sees_all(),
            sees_later_ones: scope.sees_later_ones(),
            customers,
            sync_pause: standing.pause,
        })
    }

    /// Ends a change: a toast for the browser code, or a notice on the page that a plain form
    /// leads to.
    pub async fn done(message: impl Into<String>, to: Option<String>) -> AppResult<Done> {
        let message = message.into();
        if with_parts(|parts| flash::wants_html(&parts.headers)).unwrap_or_default() {
            if !message.is_empty() {
                flash::leave_notice(&session().await?, message.clone()).await;
            }
            if let Some(to) = &to {
                leptos_axum::redirect(to);
            }
        }
        Ok(Done { message, to })
    }

    /// Ends Test Connection: the answer for the browser code, kept for the page where a plain form
    /// asked.
    pub async fn tested(form: &str, test: ConnectionTest) -> AppResult<ConnectionTest> {
        if with_parts(|parts| flash::wants_html(&parts.headers)).unwrap_or_default() {
            flash::leave_test(&session().await?, form, test.clone()).await;
        }
        Ok(test)
    }

    /// The id that the server gave to this request, by which the log is searched.
    pub fn request_id() -> String {
        with_parts(|parts| text(parts, "x-request-id")).unwrap_or_default()
    }

    /// Where the request comes from, as far as proxies are trusted.
    pub fn address() -> IpAddr {
        with_parts(|parts| {
            parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
        })
        .flatten()
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// The way in, for the audit log.
    pub fn origin() -> Origin {
        Origin::page(address(), &request_id())
    }

    /// The browser's own name, cut to a sensible length.
    pub fn user_agent() -> String {
        with_parts(|parts| text(parts, "user-agent"))
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect()
    }

    /// The theme in the cookie.
    pub fn theme() -> Theme {
        let chosen = use_context::<Backend>().and_then(|b| brought(&b, cookies::THEME));
        chosen.map_or_else(Theme::default, |word| Theme::parse(word.expose_secret()))
    }

    fn text(parts: &Parts, name: &str) -> String {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }

    /// The path that is asked for.
    pub fn path() -> String {
        with_parts(|parts| parts.uri.path().to_owned()).unwrap_or_default()
    }

    fn with_parts<T>(read: impl FnOnce(&Parts) -> T) -> Option<T> {
        use_context::<Parts>().map(|parts| read(&parts))
    }

    /// A fault of ours: logged here, once, and told as nothing but the id to find it by.
    pub fn internal(inside: &str) -> AppError {
        let report = request_id();
        tracing::error!(report, inside, "a page or a server function failed");
        AppError::Internal { report }
    }

    impl From<backend::Error> for AppError {
        fn from(error: backend::Error) -> Self {
            backend::refusal::note_error(&error);
            match error {
                backend::Error::SignedOut | backend::Error::TokenRefused(_) => Self::SignedOut,
                backend::Error::Forbidden(permission) => Self::Forbidden {
                    permission: permission.to_string(),
                },
                backend::Error::ProveAgain => Self::ProveAgain,
                backend::Error::NotFound(what) => Self::NotFound {
                    what: what.to_owned(),
                },
                backend::Error::Invalid(field) => Self::Invalid(field),
                backend::Error::Conflict { message, run_id } => Self::Conflict { message, run_id },
                backend::Error::TooMany { retry_after_s } => Self::TooMany { retry_after_s },
                backend::Error::Busy { retry_after_s } => Self::Busy { retry_after_s },
                backend::Error::Source(error) => Self::Source(error),
                backend::Error::Unavailable(message) => Self::Unavailable { message },
                other => internal(&other.to_string()),
            }
        }
    }
}
