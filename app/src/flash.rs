//! What a plain form leaves for the page it leads to.
//!
//! Without the browser code a form is a POST and a redirect. What came of it travels in the
//! session, never in the address: a field error may name a person, and an address is logged.

use domain::connection::ConnectionTest;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// Kept in the session until the next page shows it, once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// What was done.
    pub notice: Option<String>,
    /// The form that came back.
    pub returned: Option<Returned>,
    /// The path of the page that it is for: another one of the same session leaves it alone.
    pub page: Option<String>,
}

/// A form that came back to its page, to be shown again as it was filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// The path of the server function.
    pub form: String,
    /// Why it came back.
    pub outcome: Outcome,
    /// What was filled in, without anything secret.
    pub given: Vec<(String, String)>,
}

/// Why a form came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was refused.
    Refused(AppError),
    /// It asked for Test Connection, and this came of it.
    Tested(ConnectionTest),
}

#[cfg(feature = "ssr")]
pub use plain_form::{leave_notice, leave_refusal, leave_test, plain_forms, take, wants_html};

#[cfg(feature = "ssr")]
mod plain_form {
    use axum::{
        body::{Body, to_bytes},
        extract::Request,
        middleware::Next,
        response::{IntoResponse as _, Response},
    };
    use domain::connection::ConnectionTest;
    use http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, LOCATION},
    };
    use leptos::server_fn::error::ServerFnUrlError;
    use tower_sessions::Session;
    use url::form_urlencoded;

    use super::{Flash, Outcome, Returned};
    use crate::error::AppError;

    const KEY: &str = "flash";
    /// A form that waits until the person confirmed who they are. What comes of that has the other
    /// place.
    const WAITING: &str = "waiting_form";

    /// The most bytes a plain form may have: a certificate chain with its key, and room to spare.
    const BODY_MAX: usize = 256 * 1024;

    /// The most bytes of what was filled in that are kept in the session.
    const GIVEN_MAX: usize = 8 * 1024;

    /// Whether this is a page or a plain form, to be answered by a page.
    pub fn wants_html(headers: &HeaderMap) -> bool {
        headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
    }

    /// Takes what the last form left for the page at this path.
    pub async fn take(session: &Session, page: &str) -> Flash {
        let mut taken = take_as(session, KEY, page).await;
        if taken.returned.is_none() {
            taken.returned = take_as(session, WAITING, page).await.returned;
        }
        taken
    }

    async fn take_as(session: &Session, key: &str, page: &str) -> Flash {
        // Removing counts as a change of the session, which is written then; nearly every page
        // finds nothing here.
        let left = session.get::<Flash>(key).await.ok().flatten();
        if left.is_none_or(|left| left.page.is_some_and(|of| of != page)) {
            return Flash::default();
        }
        session
            .remove::<Flash>(key)
            .await
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// Leaves word of what was done.
    pub async fn leave_notice(session: &Session, notice: String) {
        leave(
            session,
            Flash {
                notice: Some(notice),
                ..Flash::default()
            },
        )
        .await;
    }

    /// Leaves word of why something was refused, for the page at this path: it shows at the form of
    /// that server function.
    pub async fn leave_refusal(session: &Session, page: &str, form: &str, error: AppError) {
        let returned = Returned {
            form: form.to_owned(),
            outcome: Outcome::Refused(error),
            given: Vec::new(),
        };
        let flash = Flash {
            returned: Some(returned),
            page: Some(page.to_owned()),
            ..Flash::default()
        };
        leave(session, flash).await;
    }

    /// Leaves the outcome of Test Connection for the page of the form that asked for it. What the
    /// form held is added once it is known, by [`plain_forms`].
    pub async fn leave_test(session: &Session, form: &str, test: ConnectionTest) {
        leave_returned(session, form.to_owned(), Outcome::Tested(test), Vec::new()).await;
    }

    async fn leave_returned(
        session: &Session,
        form: String,
        outcome: Outcome,
        given: Vec<(String, String)>,
    ) {
        let returned = Some(Returned {
            form,
            outcome,
            given,
        });
        leave(
            session,
            Flash {
                returned,
                ..Flash::default()
            },
        )
        .await;
    }

    async fn leave(session: &Session, flash: Flash) {
        leave_as(session, KEY, flash).await;
    }

    async fn leave_as(session: &Session, key: &str, flash: Flash) {
        if let Err(error) = session.insert(key, flash).await {
            tracing::warn!(%error, "the outcome of a plain form could not be kept for its page");
        }
    }

    /// Around the server functions: moves the error of a plain form out of the address, where
    /// Leptos puts it, into the session, and keeps what the form held beside what came of it.
    pub async fn plain_forms(session: Session, request: Request, next: Next) -> Response {
        let plain = request.method() == Method::POST
            && wants_html(request.headers())
            && request
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !plain {
            return next.run(request).await;
        }
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY_MAX).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let response = next.run(request).await;
        let Some(way) = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(way_back)
        else {
            return response;
        };
        let page = way.to.split('?').next().map(str::to_owned);
        if let Some((form, error @ AppError::ProveAgain)) = way.refused {
            let returned = Some(Returned {
                form,
                outcome: Outcome::Refused(error),
                given: given(&body),
            });
            let waiting = Flash {
                returned,
                page,
                notice: None,
            };
            leave_as(&session, WAITING, waiting).await;
            return see(response, &crate::routes::confirm(&way.to));
        }
        if let Some((form, error)) = way.refused {
            leave_returned(&session, form, Outcome::Refused(error), given(&body)).await;
        } else if let Ok(Some(Flash {
            returned: Some(left),
            page: None,
            ..
        })) = session.get::<Flash>(KEY).await
        {
            leave_returned(&session, left.form, left.outcome, given(&body)).await;
        }
        if let Ok(Some(left)) = session.get::<Flash>(KEY).await {
            leave(&session, Flash { page, ..left }).await;
        }
        see(response, &way.to)
    }

    /// Leads on to a path of ours.
    fn see(mut response: Response, to: &str) -> Response {
        if let Ok(to) = HeaderValue::from_str(to) {
            response.headers_mut().insert(LOCATION, to);
            *response.status_mut() = StatusCode::SEE_OTHER;
        }
        response
    }

    struct WayBack {
        to: String,
        refused: Option<(String, AppError)>,
    }

    /// A redirect's target as a path of ours, and the error that Leptos put into its query.
    fn way_back(location: &str) -> Option<WayBack> {
        // A base makes a bare path readable; its host never shows, since only path and query stay.
        let base = url::Url::parse("http://rollcall.invalid").ok()?;
        let url = base.join(location).ok()?;
        let (mut form, mut error) = (None, None);
        let mut kept = form_urlencoded::Serializer::new(String::new());
        for (name, value) in url.query_pairs() {
            match &*name {
                "__path" => form = Some(value.into_owned()),
                "__err" => error = Some(ServerFnUrlError::<AppError>::decode_err(&value)),
                _ => {
                    kept.append_pair(&name, &value);
                }
            }
        }
        let kept = kept.finish();
        let to = if kept.is_empty() {
            url.path().to_owned()
        } else {
            format!("{}?{kept}", url.path())
        };
        crate::routes::is_local(&to).then_some(WayBack {
            to,
            refused: form.zip(error),
        })
    }

    /// The fields of a form, without those that hold a secret.
    fn given(body: &[u8]) -> Vec<(String, String)> {
        let mut room = GIVEN_MAX;
        form_urlencoded::parse(body)
            .filter(|(name, _)| {
                !["password", "secret", "pem", "code"]
                    .iter()
                    .any(|part| name.contains(part))
            })
            .take_while(|(name, value)| {
                let size = name.len() + value.len();
                let fits = size <= room;
                room = room.saturating_sub(size);
                fits
            })
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use leptos::{prelude::FromServerFnError as _, server_fn::error::ServerFnUrlError};

        use super::{given, way_back};
        use crate::error::AppError;

        #[test]
        fn the_error_leaves_the_address_and_the_rest_stays() {
            let error = AppError::invalid("name", "Enter a name.");
            let to = ServerFnUrlError::new("/api/customers/create", error.clone())
                .to_url("https://rollcall.example/customers/add?q=a%20b&page=2")
                .unwrap();
            let way = way_back(to.as_str()).unwrap();
            assert_eq!(way.to, "/customers/add?q=a+b&page=2");
            assert_eq!(
                way.refused,
                Some(("/api/customers/create".to_owned(), error.clone()))
            );
            assert_eq!(AppError::de(error.ser()), error);
        }

        #[test]
        fn secrets_are_not_kept() {
            let kept = given(b"name=A+B&new_password=x&client_secret=y&private_key_pem=z&code=1");
            assert_eq!(kept, [("name".to_owned(), "A B".to_owned())]);
        }
    }
}
