//! Toasts: the outcome of what one did, in the upper right. Success goes by itself, failure
//! stays until it is closed.

use leptos::prelude::*;

use super::icon::Icon;

/// How long a success stays: long enough to be read twice.
const STAYS: std::time::Duration = std::time::Duration::from_secs(6);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Toast {
    id: u32,
    good: bool,
    text: String,
    /// What it is the outcome of, where a later outcome of the same takes its place.
    of: Option<&'static str>,
}

/// The toasts of the page. Held in context by [`provide_toasts`].
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
    /// Whether a modal dialog is open, which covers whatever stands outside of it.
    dialog: RwSignal<bool>,
}

/// Gives the page its toasts.
pub fn provide_toasts() -> Toasts {
    let toasts = Toasts {
        shown: RwSignal::new(Vec::new()),
        next: StoredValue::new(0),
        dialog: RwSignal::new(false),
    };
    provide_context(toasts);
    toasts
}

/// The toasts of the page.
pub fn use_toasts() -> Toasts {
    expect_context::<Toasts>()
}

impl Toasts {
    /// Something was done.
    pub fn good(&self, text: impl Into<String>) {
        self.push(true, text.into(), None);
    }

    /// Something could not be done.
    pub fn bad(&self, text: impl Into<String>) {
        self.push(false, text.into(), None);
    }

    /// The outcome of something that is tried again and again: it takes the place of the last one.
    pub fn outcome(&self, of: &'static str, good: bool, text: impl Into<String>) {
        self.push(good, text.into(), Some(of));
    }

    /// A modal dialog opened, with a [`ToastRegion`] of its own, or closed.
    pub fn in_dialog(&self, open: bool) {
        self.dialog.set(open);
    }

    fn push(&self, good: bool, text: String, of: Option<&'static str>) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.shown.update(|shown| {
            // The same failure twice is one failure.
            shown.retain(|toast| toast.good || toast.text != text);
            shown.retain(|toast| toast.of.is_none() || toast.of != of);
            shown.push(Toast { id, good, text, of });
        });
    }

    fn drop(&self, id: u32) {
        self.shown.update(|shown| shown.retain(|t| t.id != id));
    }
}

/// Where toasts appear.
#[component]
pub fn ToastRegion(
    /// Whether it stands in a modal dialog, and shows while that is open; the page's own doesn't.
    #[prop(optional)]
    in_dialog: bool,
) -> impl IntoView {
    let toasts = use_toasts();
    let shown = move || {
        if toasts.dialog.get() == in_dialog {
            toasts.shown.get()
        } else {
            Vec::new()
        }
    };
    view! {
        <div class="rc-toasts">
            <For each=shown key=|toast| toast.id let:toast>
                <OneToast toast=toast />
            </For>
        </div>
    }
    .into_any()
}

#[component]
fn OneToast(toast: Toast) -> impl IntoView {
    let toasts = use_toasts();
    let Toast { id, good, text, .. } = toast;
    let held = RwSignal::new(false);
    if good {
        Effect::new(move |_| {
            if !held.get()
                && let Ok(timer) = set_timeout_with_handle(move || toasts.drop(id), STAYS)
            {
                on_cleanup(move || timer.clear());
            }
        });
    }
    let (icon, colour, role) = if good {
        ("circle-check", "text-success mt-0.5", "status")
    } else {
        ("circle-x", "text-error mt-0.5", "alert")
    };
    view! {
        <div
            class="rc-toast flex gap-2.5"
            role=role
            on:pointerenter=move |_| held.set(true)
            on:pointerleave=move |_| held.set(false)
            on:focusin=move |_| held.set(true)
            on:focusout=move |_| held.set(false)
        >
            <Icon name=icon class=colour />
            <p class="flex-1 min-w-0 wrap-anywhere">{text}</p>
            <button
                type="button"
                class="btn btn-ghost btn-square rc-close"
                aria-label="Close"
                on:click=move |_| toasts.drop(id)
            >
                <Icon name="x" small=true />
            </button>
        </div>
    }
    .into_any()
}
