//! Sessions of browsers: tower-sessions over our own table, so that a person can see and end
//! theirs.

use async_trait::async_trait;
use backend::{
    Backend,
    store::sessions::{self, ABSOLUTE},
};
use tower_sessions::{
    Expiry, SessionManagerLayer,
    cookie::{
        SameSite,
        time::{Duration, OffsetDateTime},
    },
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The cookie's name where browsers come by http: on this machine, while developing.
const COOKIE: &str = "rollcall_session";
/// The cookie's name elsewhere. The prefix makes browsers refuse one that another host of the
/// domain, or a page without https, tries to set (RFC 6265bis §4.1.3.2).
const COOKIE_HTTPS: &str = "__Host-rollcall_session";

/// How often a new number is drawn where the first one is taken, which never happens by chance.
const TRIES_MAX: usize = 3;

/// Gives each request its session. The cookie lives until the session's absolute end; that a
/// session ends earlier when it isn't used is watched over by the store.
pub fn layer(backend: &Backend, https: bool) -> SessionManagerLayer<SessionRows> {
    SessionManagerLayer::new(SessionRows(backend.clone()))
        .with_name(if https { COOKIE_HTTPS } else { COOKIE })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::seconds(
            ABSOLUTE.num_seconds(),
        )))
}

/// Keeps sessions in the product's database. When a session ends is the store's decision; the
/// date that tower-sessions reckons with the machine's clock is not used.
#[derive(Clone, Debug)]
pub struct SessionRows(Backend);

/// What tower-sessions is told; its middleware logs it.
fn failed(error: backend::Error) -> Error {
    Error::Backend(error.to_string())
}

fn data_of(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[async_trait]
impl tower_sessions::SessionStore for SessionRows {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..TRIES_MAX {
            let mut bytes = [0; 16];
            self.0.ids.fill(&mut bytes);
            record.id = Id(i128::from_be_bytes(bytes));
            let data = data_of(record)?;
            if sessions::create(&self.0, record.id.0, &data)
                .await
                .map_err(failed)?
            {
                return Ok(());
            }
        }
        Err(Error::Backend(
            "no free session number was found".to_owned(),
        ))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        sessions::save(&self.0, record.id.0, &data_of(record)?)
            .await
            .map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(session) = sessions::load(&self.0, id.0).await.map_err(failed)? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&session.data)
            .map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(session.expires_at.timestamp())
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sessions::delete(&self.0, id.0).await.map_err(failed)
    }
}
