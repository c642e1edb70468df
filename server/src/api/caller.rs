//! Who calls: the bearer token, and how guessing one is slowed down.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    extract::{ConnectInfo, FromRef, FromRequestParts},
};
use backend::{
    Backend, Origin, Scope,
    limits::{self, Limited},
    rate::Limiter,
    store::tokens,
};
use domain::{
    api_token::ListKind,
    paging::{ListRequest, Listing},
    permission::Permission,
    text::FieldError,
};
use http::{header, request::Parts};

use super::{
    ApiState, input,
    problem::{Problem, Result},
};
use crate::trace::request_id_of;

/// The caller of a call: who, which permissions, which customers.
#[derive(Debug)]
pub struct Caller(pub Scope);

impl Caller {
    /// The backend's refusal, with this request's id where it is unexpected.
    pub fn refused(&self, error: backend::Error) -> Problem {
        Problem::from_backend(error, self.0.request_id())
    }

    /// What was looked up, or the refusal.
    pub fn found<T>(&self, looked_up: backend::Result<T>) -> Result<T> {
        looked_up.map_err(|error| self.refused(error))
    }

    /// Refuses a caller whose role doesn't allow it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        self.found(self.0.require(permission))
    }

    /// What a list call asks for, from its `limit`, `cursor` and `q`: one page of what the program may
    /// read.
    pub fn list_request(
        &self,
        backend: &Backend,
        limit: Option<u32>,
        cursor: Option<&str>,
        q: Option<String>,
    ) -> Result<ListRequest> {
        self.found(backend.limits.take(Limited::ListPage, &self.0))?;
        input::list_request(limit, cursor, q)
    }

    /// A page of a list, once it is written down that the token reads such lists today.
    pub async fn listed<T>(
        &self,
        backend: &Backend,
        list: ListKind,
        page: backend::Result<Listing<T>>,
    ) -> Result<Json<Listing<T>>> {
        let page = self.found(page)?;
        self.found(tokens::note_read(backend, &self.0, list).await)?;
        Ok(Json(page))
    }

    /// The backend's refusal, where an id in `field` of the body, and nothing in the path, can
    /// name a `what` that isn't found.
    pub fn blamed(&self, field: &str, what: &str, error: backend::Error) -> Problem {
        match error {
            backend::Error::NotFound(_) => Problem::invalid(FieldError::new(
                field,
                format!("This {what} doesn’t exist, or the token may not see it."),
            )),
            error => self.refused(error),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    ApiState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let ApiState { backend, tokens } = ApiState::from_ref(state);
        let request_id = request_id_of(&parts.headers).to_owned();
        let address = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|client| client.0.ip());
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or_else(Problem::signed_out)?;
        tokens
            .check(&backend, token, address, &request_id)
            .await
            .map(Self)
    }
}

/// The scheme is not case-sensitive (RFC 9110 §11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Tokens that were good lately are kept in mind up to this many.
const KNOWN_MAX: usize = 10_000;

/// Checks tokens. One that was good lately is never slowed down; all others share a small
/// allowance for each network, so that a guesser can't keep the programs behind the same address
/// from working, nor guess quickly.
#[derive(Debug)]
pub struct TokenCheck {
    tries: Limiter<IpAddr>,
    known: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl TokenCheck {
    /// At most 20 unknown tokens at once and one every 3 seconds from one network.
    pub fn new(clock: &backend::Clock) -> Arc<Self> {
        Arc::new(Self {
            tries: Limiter::new(clock, 20, std::time::Duration::from_secs(3)),
            known: Mutex::default(),
            hasher: RandomState::new(),
        })
    }

    async fn check(
        &self,
        backend: &Backend,
        token: &str,
        address: Option<IpAddr>,
        request_id: &str,
    ) -> Result<Scope> {
        let mark = self.hasher.hash_one(token);
        let known = self.known().contains(&mark);
        if !known && let Some(address) = address {
            self.tries
                .take(&limits::network(address))
                .map_err(|retry_after_s| {
                    let error = backend::Error::TooMany { retry_after_s };
                    Problem::from_backend(error, request_id)
                })?;
        }
        let origin = Origin::api(address, request_id);
        match backend::auth::token_scope(backend, token, origin).await {
            Ok(scope) => {
                if !known {
                    let mut marks = self.known();
                    if marks.len() >= KNOWN_MAX {
                        marks.clear();
                    }
                    marks.insert(mark);
                }
                Ok(scope)
            }
            Err(error) => {
                if known {
                    self.known().remove(&mark);
                }
                Err(Problem::from_backend(error, request_id))
            }
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use backend::testing::{Kind, TestBackend};

    use super::{TokenCheck, bearer};

    #[tokio::test]
    async fn who_has_a_network_of_ipv6_guesses_as_from_one_address() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let check = TokenCheck::new(&t.clock);
        let guess = async |address: String| {
            let address = address.parse().ok();
            let refused = check.check(&t, "rc_guess", address, "r").await;
            refused.unwrap_err().status
        };
        for n in 0..20 {
            assert_eq!(guess(format!("2001:db8::{n:x}")).await, 401, "{n}");
        }
        assert_eq!(guess("2001:db8::ffff:1".to_owned()).await, 429);
        assert_eq!(guess("2001:db8:0:1::1".to_owned()).await, 401);
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer rc_1"), Some("rc_1"));
        assert_eq!(bearer("bearer  rc_1 "), Some("rc_1"));
        for other in ["rc_1", "Basic cmM6MQ==", "Bearerrc_1"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
