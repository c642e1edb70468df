//! Forms: a POST to a server function that works plainly, and better with the browser code.
//!
//! A page calls [`use_post`] for its server function, wraps its fields in [`PostForm`] and names
//! each [`Field`] as the API does. Errors find their field by that name, whether they come back
//! to the browser code or by way of the session (see `flash`).

use leptos::{context::Provider, form::FromFormData as _, prelude::*, server_fn::ServerFn};
use serde::de::DeserializeOwned;

pub use super::post::{Done, Post, use_post, use_post_or};
use super::{address::use_address, icon::Icon, post::FormState};
use crate::{error::AppError, flash::Outcome, routes};

/// A form that posts to a server function.
#[component]
pub fn PostForm<S>(
    /// From [`use_post`].
    post: Post<S>,
    /// Classes of the form.
    #[prop(optional, into)]
    class: String,
    /// Its id, where fields outside of it belong to it.
    #[prop(optional)]
    id: Option<&'static str>,
    /// Sent by the browser itself, which then opens the page it is led to anew: for whatever
    /// changes who is signed in.
    #[prop(optional)]
    plain: bool,
    /// Fields and buttons.
    children: Children,
) -> impl IntoView
where
    S: ServerFn<Output = Done, Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let state = post.state;
    let address = use_address();
    let confirmed = Callback::new(move |()| {
        if let Some(last) = post.last.get_value() {
            post.action.dispatch(last);
        }
    });
    let submit = move |ev: web_sys::SubmitEvent| {
        if plain || ev.default_prevented() {
            return;
        }
        ev.prevent_default();
        // A second press while the first is under way is not a second wish.
        if state.pending.get_untracked() {
            return;
        }
        match S::from_event(&ev) {
            Ok(filled_in) => {
                post.action.dispatch(filled_in);
            }
            Err(error) => leptos::logging::error!("the form could not be read: {error:?}"),
        }
    };
    view! {
        <Provider value=state>
            <form id=id method="post" action=S::url() class=class novalidate on:submit=submit>
                <Whole />
                {children()}
            </form>
        </Provider>
        {move || {
            post.must_confirm
                .get()
                .then(|| crate::proof::panel(address.with(&[]), Some(confirmed)))
        }}
    }
    .into_any()
}

/// What was refused of the whole form before the browser code ran; after that a toast says it.
#[component]
fn Whole() -> impl IntoView {
    let state = expect_context::<FormState>();
    let error = state
        .returned
        .with_value(|returned| match returned.as_ref()?.outcome.clone() {
            Outcome::Refused(AppError::Invalid(error)) if !error.field.is_empty() => None,
            Outcome::Refused(error) => Some(error),
            Outcome::Tested(_) => None,
        });
    error.map(|error| match error {
        AppError::ProveAgain => view! { <SendAgain /> }.into_any(),
        error => view! { <ErrorNote error=error /> }.into_any(),
    })
}

/// On a form that came back from confirming who one is.
#[component]
fn SendAgain() -> impl IntoView {
    view! {
        <div class="rc-note mb-3" role="status">
            <Icon name="info" class="mt-0.5" />
            <p>
                "If you confirmed that it’s you, send this again. What is secret has to be typed anew."
            </p>
        </div>
    }
    .into_any()
}

/// An error with what to do, standing where it belongs.
#[component]
pub fn ErrorNote(
    /// What went wrong.
    error: AppError,
) -> impl IntoView {
    let body = match error {
        AppError::Source(error) => view! {
            <p class="font-medium">{error.title}</p>
            <p class="text-muted">{error.detail}</p>
            <p>{error.fix}" "<span class="rc-mono text-muted">{error.code}</span></p>
        }
        .into_any(),
        AppError::Conflict {
            message,
            run_id: Some(run),
        } => view! {
            <p>{message}" "<a class="rc-link" href=routes::run(run)>"See the run"</a></p>
        }
        .into_any(),
        error => view! { <p>{error.to_string()}</p> }.into_any(),
    };
    view! {
        <div class="rc-note fail mb-3" role="alert">
            <Icon name="circle-x" class="text-error mt-0.5" />
            <div class="min-w-0 wrap-anywhere">{body}</div>
        </div>
    }
    .into_any()
}

/// Why a field was refused that a page draws itself, inside its [`PostForm`].
pub fn use_field_error(name: &'static str) -> Signal<Option<String>> {
    expect_context::<FormState>().field_error(name)
}

/// Why a field was refused, below it; nothing while it wasn't.
#[component]
pub fn FieldError(
    /// The id by which the field names it in `aria-describedby`.
    #[prop(into)]
    id: String,
    /// From [`use_field_error`].
    error: Signal<Option<String>>,
) -> impl IntoView {
    move || {
        error.get().map(|message| {
            view! {
                <p class="rc-err mt-1.5" id=id.clone()>
                    <Icon name="circle-x" small=true class="mt-px" />
                    <span>{message}</span>
                </p>
            }
        })
    }
}

/// How a field looks and behaves, beside what every field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// One line of text.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// A password: never filled in again.
    Password,
    /// A day.
    Date,
    /// Several lines in a fixed-width face, such as a certificate.
    Lines,
    /// The same for a whole file.
    File,
    /// A sentence or two.
    Words,
}

/// A field with its label above, its hint below and its error in the end.
#[component]
pub fn Field(
    /// Its name, as in the API.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What it takes.
    #[prop(optional)]
    kind: Kind,
    /// What it holds at first.
    #[prop(optional, into)]
    value: String,
    /// What to know while filling it in.
    #[prop(optional)]
    hint: &'static str,
    /// The browser's own name for it: `username`, `current-password`, `off`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether the cursor starts here.
    #[prop(optional)]
    autofocus: bool,
    /// Label to the left, as in pages, instead of above, as in dialogs.
    #[prop(optional)]
    row: bool,
    /// 40 px high, for sign-in.
    #[prop(optional)]
    large: bool,
    /// Tells fields of one name apart, where a page has several forms.
    #[prop(optional, into)]
    of: String,
) -> impl IntoView {
    let state = expect_context::<FormState>();
    let id = format!("f-{name}{of}");
    let (hint_id, error_id) = (format!("{id}-h"), format!("{id}-e"));
    let error = state.field_error(name);
    let value = match kind {
        Kind::Password => String::new(),
        _ => state.given(name).unwrap_or(value),
    };
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || match (hint.is_empty(), error.get().is_some()) {
            (true, false) => None,
            (false, false) => Some(hint_id.clone()),
            (true, true) => Some(error_id.clone()),
            (false, true) => Some(format!("{error_id} {hint_id}")),
        }
    };
    let invalid = move || error.get().map(|_| "true");
    let control = if matches!(kind, Kind::Lines | Kind::File | Kind::Words) {
        let words = kind == Kind::Words;
        let rows = match kind {
            // A text that is there already is seen whole, within reason.
            Kind::Words => value.lines().count().clamp(3, 12),
            Kind::File => 16,
            _ => 5,
        };
        view! {
            <textarea
                id=id.clone()
                name=name
                class=if words { "textarea" } else { "textarea rc-mono" }
                rows=rows.to_string()
                spellcheck=if words { "true" } else { "false" }
                autocomplete="off"
                aria-invalid=invalid
                aria-describedby=described
            >
                {value}
            </textarea>
        }
        .into_any()
    } else {
        let kind = match kind {
            Kind::Text | Kind::Lines | Kind::File | Kind::Words => "text",
            Kind::Email => "email",
            Kind::Password => "password",
            Kind::Date => "date",
        };
        view! {
            <input
                id=id.clone()
                name=name
                class=if large { "input h-10!" } else { "input" }
                type=kind
                value=value
                autocomplete=autocomplete
                autofocus=autofocus
                aria-invalid=invalid
                aria-describedby=described
            />
        }
        .into_any()
    };
    let below = view! {
        {(!hint.is_empty()).then(|| view! { <p class="rc-hint mt-1" id=hint_id>{hint}</p> })}
        {move || {
            error
                .get()
                .map(|message| {
                    view! {
                        <p class="rc-err mt-1.5" id=error_id.clone()>
                            <Icon name="circle-x" small=true class="mt-px" />
                            <span>{message}</span>
                        </p>
                    }
                })
        }}
    };
    if row {
        view! {
            <div class="rc-row">
                <label for=id>{label}</label>
                <div class="max-w-96">{control} {below}</div>
            </div>
        }
        .into_any()
    } else {
        view! {
            <div>
                <label for=id class="block font-medium mb-1">{label}</label>
                {control}
                {below}
            </div>
        }
        .into_any()
    }
}

/// A choice from a short list.
#[component]
pub fn Choice(
    /// Its name, as in the API.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Values and their words.
    options: Vec<(String, String)>,
    /// The value chosen at first.
    #[prop(optional, into)]
    value: String,
    /// What to know while choosing.
    #[prop(optional)]
    hint: &'static str,
    /// Label to the left instead of above.
    #[prop(optional)]
    row: bool,
) -> impl IntoView {
    let state = expect_context::<FormState>();
    let id = format!("f-{name}");
    let error_id = format!("{id}-e");
    let error = state.field_error(name);
    let chosen = state.given(name).unwrap_or(value);
    let described = {
        let error_id = error_id.clone();
        move || error.get().map(|_| error_id.clone())
    };
    let options = options
        .into_iter()
        .map(|(value, word)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{word}</option> }
        })
        .collect_view();
    let inside = view! {
        <select
            id=id.clone()
            name=name
            class="select"
            aria-invalid=move || error.get().map(|_| "true")
            aria-describedby=described
        >
            {options}
        </select>
        {(!hint.is_empty()).then(|| view! { <p class="rc-hint mt-1">{hint}</p> })}
        {move || {
            error
                .get()
                .map(|message| {
                    view! {
                        <p class="rc-err mt-1.5" id=error_id.clone()>
                            <Icon name="circle-x" small=true class="mt-px" />
                            <span>{message}</span>
                        </p>
                    }
                })
        }}
    };
    if row {
        view! {
            <div class="rc-row">
                <label for=id>{label}</label>
                <div class="max-w-96">{inside}</div>
            </div>
        }
        .into_any()
    } else {
        view! {
            <div>
                <label for=id class="block font-medium mb-1">{label}</label>
                {inside}
            </div>
        }
        .into_any()
    }
}

/// On or off, kept by Save, with its consequence as hint. Off sends nothing: the server function
/// takes it as `Option<String>` or with `#[server(default)]`.
#[component]
pub fn Switch(
    /// Its name, as in the API.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Whether it is on at first.
    on: bool,
    /// What it does.
    #[prop(optional)]
    hint: &'static str,
) -> impl IntoView {
    let id = format!("f-{name}");
    let hint_id = format!("{id}-h");
    view! {
        <div class="rc-row">
            <label for=id.clone()>{label}</label>
            <div class="pt-1.5 flex gap-2.5">
                <input
                    id=id
                    name=name
                    type="checkbox"
                    role="switch"
                    class="toggle flex-none"
                    value="true"
                    checked=on
                    aria-describedby=(!hint.is_empty()).then(|| hint_id.clone())
                />
                <p class="rc-hint pt-0.5" id=hint_id>{hint}</p>
            </div>
        </div>
    }
    .into_any()
}

/// The button that sends the form. Busy keeps its width; the word becomes "Saving".
#[component]
pub fn Submit(
    /// What it does: "Add", "Save".
    label: &'static str,
    /// What it says meanwhile.
    #[prop(default = "Saving")]
    busy: &'static str,
    /// Its classes.
    #[prop(default = "btn btn-primary")]
    class: &'static str,
    /// Its icon.
    #[prop(optional)]
    icon: Option<&'static str>,
) -> impl IntoView {
    let state = expect_context::<FormState>();
    view! {
        <button type="submit" class=class aria-disabled=move || state.pending.get().then_some("true")>
            {move || {
                if state.pending.get() {
                    Some(view! { <Icon name="loader-circle" class="rc-spin" /> }.into_any())
                } else {
                    icon.map(|icon| view! { <Icon name=icon /> }.into_any())
                }
            }}
            {move || if state.pending.get() { busy } else { label }}
        </button>
    }
    .into_any()
}

/// The bar that appears with the first difference, names the changes, and saves or discards.
#[component]
pub fn SaveBar(
    /// What differs, in words; empty while nothing does.
    #[prop(into)]
    changes: Signal<Vec<String>>,
    /// Brings back what was saved.
    discard: Callback<()>,
    /// What else can be done with what is filled in, before Save.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let title = move || {
        let count = i64::try_from(changes.with(Vec::len)).unwrap_or(0);
        (count > 0).then(|| super::number::counted(count, "unsaved change", "unsaved changes"))
    };
    view! {
        // Without the browser code nobody knows what differs: then it is always there.
        <div
            class="rc-savebar max-md:flex-wrap plain:flex"
            class:hidden=move || changes.with(Vec::is_empty)
        >
            <p class="min-w-0 truncate" role="status">
                <span class="font-medium">{title}</span>
                " "
                <span class="text-muted">
                    {move || changes.with(|changes| changes.join(", "))}
                </span>
            </p>
            <div class="ms-auto flex gap-2">
                <button
                    type="button"
                    class="btn btn-ghost plain:hidden"
                    on:click=move |_| discard.run(())
                >
                    "Discard"
                </button>
                {children.map(|children| children())}
                <Submit label="Save" />
            </div>
        </div>
    }
    .into_any()
}
