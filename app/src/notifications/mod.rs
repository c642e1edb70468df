//! Notifications: who is told what goes wrong, of a customer and of the whole installation, and
//! how it reached them.

mod add;
mod change;
mod list;
mod reach;
mod recipient;

pub use add::AddDialog;
pub use change::{EditDialog, RemoveDialog, SecretDialog};
pub use list::{CustomerNotifications, NotificationsPage};
pub use reach::ReachNote;
pub use recipient::RecipientPage;

use domain::notification::NotificationCause;
use leptos::prelude::*;

use crate::ui::form::{FieldError, use_field_error};

/// The causes to choose from, a tick each.
#[component]
fn Causes(
    /// Those that are ticked at first.
    chosen: Vec<NotificationCause>,
) -> impl IntoView {
    let error = use_field_error("causes");
    let ticks = NotificationCause::ALL
        .iter()
        .map(|cause| {
            let on = chosen.contains(cause);
            view! {
                <label class="grid grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
                    <input
                        type="checkbox"
                        class="checkbox mt-0.5"
                        name="causes[]"
                        value=cause.as_str()
                        checked=on
                    />
                    <span>
                        <span class="font-medium">{cause.title()}</span>
                        <span class="rc-hint block">{cause.when()}</span>
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset aria-describedby=move || error.get().map(|_| "f-causes-e")>
            <legend class="font-medium mb-1">"Told of"</legend>
            <div class="flex flex-col gap-2">{ticks}</div>
            <FieldError id="f-causes-e" error=error />
        </fieldset>
    }
    .into_any()
}

/// Causes in one line; "Everything" for all of them.
fn causes_in_words(causes: &[NotificationCause]) -> String {
    if causes.len() == NotificationCause::ALL.len() {
        return "Everything".to_owned();
    }
    let titles: Vec<_> = causes.iter().map(|cause| cause.title()).collect();
    titles.join(", ")
}
