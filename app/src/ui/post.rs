//! What is behind a form: the server function it posts to, what came of it, and what a plain form
//! brought back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::{use_location, use_navigate};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{live::Changes, toast::use_toasts};
use crate::{
    error::AppError,
    flash::{Outcome, Returned},
    routes,
    session::use_returned,
};

/// What came of a change: a line for the toast, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What was done, in one line.
    pub message: String,
    /// The page that shows it; null to stay.
    pub to: Option<String>,
}

/// A server function that a form posts to.
pub struct Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    /// The action behind the form, for buttons that dispatch without one.
    pub action: ServerAction<S>,
    /// Whether it waits for the person to confirm who they are.
    pub(super) must_confirm: Memo<bool>,
    /// What was sent last, to be sent again after that.
    pub(super) last: StoredValue<Option<S>>,
    pub(super) state: FormState,
}

#[expect(
    clippy::expl_impl_clone_on_copy,
    reason = "a derived one would ask the server function to be Copy"
)]
impl<S> Clone for Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Post<S> where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static
{
}

impl<S> Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    /// Whether it is under way.
    pub fn pending(&self) -> Signal<bool> {
        self.state.pending
    }

    /// What was filled in when the form came back with the page, for a form that draws its own
    /// fields.
    pub fn filled_in(&self) -> Option<S>
    where
        S: DeserializeOwned,
    {
        self.state
            .returned
            .with_value(|returned| decoded(&returned.as_ref()?.given))
    }

    /// What one field held when the form came back with the page.
    pub fn given(&self, name: &str) -> Option<String> {
        self.state.given(name)
    }

    /// The same form with a second button, which sends it to `other`: what was refused shows at the
    /// form's fields, whichever was pressed last.
    #[must_use]
    pub fn or<T>(self, other: Post<T>) -> Self
    where
        T: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
    {
        let (first, second) = (self.state, other.state);
        let came_from_second = first.returned.with_value(Option::is_none)
            && second.returned.with_value(Option::is_some);
        let last_is_second = RwSignal::new(came_from_second);
        Effect::new(move |_| {
            if second.pending.get() {
                last_is_second.set(true);
            } else if first.pending.get() {
                last_is_second.set(false);
            }
        });
        let state = FormState {
            error: Signal::derive(move || {
                if last_is_second.get() {
                    second.error.get()
                } else {
                    first.error.get()
                }
            }),
            returned: if came_from_second {
                second.returned
            } else {
                first.returned
            },
            ..first
        };
        Self { state, ..self }
    }

    /// Why it was refused the last time.
    pub fn error(&self) -> Signal<Option<AppError>> {
        self.state.error
    }
}

/// The fields of a form in the type of their server function. None where a field is missing, as
/// one with a secret in it always is.
fn decoded<T: DeserializeOwned>(given: &[(String, String)]) -> Option<T> {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> = given
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    // As a server function reads its form: five levels deep, with the brackets encoded.
    serde_qs::Config::new(5, false)
        .deserialize_str(&pairs.join("&"))
        .ok()
}

/// What the fields of a form need to know of it.
#[derive(Clone, Copy)]
pub(super) struct FormState {
    pub error: Signal<Option<AppError>>,
    pub pending: Signal<bool>,
    pub returned: StoredValue<Option<Returned>>,
}

impl FormState {
    pub fn field_error(self, name: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || match self.error.get() {
            Some(AppError::Invalid(error)) if error.field == name => Some(error.message),
            _ => None,
        })
    }

    pub fn given(self, name: &str) -> Option<String> {
        self.returned.with_value(|returned| {
            let given = &returned.as_ref()?.given;
            given
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.clone())
        })
    }
}

/// Makes a server function ready for a form: it tells what came of it in a toast, goes where the
/// server says, and has every list on the page read again, once the form's own page is left.
pub fn use_post<S>() -> Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    post_of(use_returned(S::PATH))
}

/// The same, of a form with a second button that sends it to `other`: what was filled in and what
/// was refused comes back to it whichever was pressed.
pub fn use_post_or<S>(other: &str) -> Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    post_of(use_returned(S::PATH).or_else(|| use_returned(other)))
}

fn post_of<S>(returned: Option<Returned>) -> Post<S>
where
    S: ServerFn<Output = Done, Error = AppError> + Clone + Send + Sync + 'static,
{
    let action = ServerAction::<S>::new();
    let toasts = use_toasts();
    let changes = use_context::<Changes>();
    let navigate = use_navigate();
    let path = use_location().pathname;
    let leaving = Arc::new(AtomicBool::new(false));
    on_cleanup({
        let leaving = Arc::clone(&leaving);
        move || {
            if leaving.load(Ordering::Relaxed)
                && let Some(changes) = changes
            {
                // Once all that is left is gone: it would read anew what may be deleted.
                set_timeout(move || changes.notify(), std::time::Duration::ZERO);
            }
        }
    });
    let from_page = returned
        .as_ref()
        .and_then(|returned| match &returned.outcome {
            Outcome::Refused(error) => Some(error.clone()),
            Outcome::Tested(_) => None,
        });
    let error = Signal::derive(move || match action.value().get() {
        Some(Err(error)) => Some(error),
        Some(Ok(_)) => None,
        // Until the form is sent again, what was refused before the page came stays.
        None => from_page.clone(),
    });
    let last = StoredValue::new(None::<S>);
    Effect::new(move |_| {
        if let Some(sent) = action.input().get() {
            last.set_value(Some(sent));
        }
    });
    let must_confirm =
        Memo::new(move |_| matches!(action.value().get(), Some(Err(AppError::ProveAgain))));
    Effect::new(move |_| match action.value().get() {
        Some(Ok(done)) => {
            if !done.message.is_empty() {
                toasts.good(done.message);
            }
            let here = path.get_untracked();
            match done.to {
                Some(to) if to.split('?').next() != Some(here.as_str()) => {
                    // What is left may be gone: it is not asked for again.
                    leaving.store(true, Ordering::Relaxed);
                    navigate(&to, leptos_router::NavigateOptions::default());
                }
                // The page stays, and reads again what it shows, also where its address is the same.
                to => {
                    if let Some(to) = to.filter(|to| *to != here) {
                        navigate(&to, leptos_router::NavigateOptions::default());
                    }
                    if let Some(changes) = changes {
                        changes.notify();
                    }
                }
            }
        }
        Some(Err(AppError::SignedOut)) => {
            _ = window().location().set_href(routes::SIGN_IN);
        }
        Some(Err(AppError::Invalid(error))) if focus_field(&error.field) => {}
        // To confirm who one is, is asked beside the form.
        Some(Err(AppError::ProveAgain)) | None => {}
        Some(Err(error)) => {
            toasts.bad(error.to_string());
            // Somebody else was first, or the world moved on: the page is behind.
            if let (AppError::Conflict { .. }, Some(changes)) = (error, changes) {
                changes.notify();
            }
        }
    });
    Post {
        action,
        must_confirm,
        last,
        state: FormState {
            error,
            pending: action.pending().into(),
            returned: StoredValue::new(returned),
        },
    }
}

/// Puts the cursor into the field to blame. False where the page has no such field.
fn focus_field(name: &str) -> bool {
    use wasm_bindgen::JsCast as _;
    if name.is_empty() || name.contains(['"', '\\']) {
        return false;
    }
    // A list of ticks is one field by many of its name.
    let selector = format!("[name=\"{name}\"], [name=\"{name}[]\"]");
    let Ok(Some(field)) = document().query_selector(&selector) else {
        return false;
    };
    if let Some(field) = field.dyn_ref::<web_sys::HtmlElement>() {
        _ = field.focus();
    }
    true
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::decoded;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Args {
        id: u32,
        settings: Settings,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Settings {
        name: String,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        groups: Vec<String>,
    }

    #[test]
    fn a_form_that_came_back_is_read_as_it_was_sent() {
        let given = [
            ("id", "7"),
            ("settings[name]", "A & B = [Łódź] 100%"),
            ("settings[on]", "true"),
            ("settings[groups][]", "one"),
            ("settings[groups][]", "two"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings {
            name: "A & B = [Łódź] 100%".to_owned(),
            on: true,
            groups: vec!["one".to_owned(), "two".to_owned()],
        };
        assert_eq!(decoded(&given), Some(Args { id: 7, settings }));
        assert_eq!(decoded::<Args>(&given[..1]), None, "a field is missing");
    }
}
