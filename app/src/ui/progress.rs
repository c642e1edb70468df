//! How far something is: a line of 3 px, with the share and the step in words beside it.

use leptos::prelude::*;

/// A line on the lower edge of what it belongs to. Unknown shows an empty track.
#[component]
pub fn ProgressLine(
    /// The share done in percent.
    percent: Option<u8>,
    /// What is under way, for those who hear the page.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    view! {
        <svg
            class="rc-prog"
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=percent.map(|percent| percent.to_string())
            preserveAspectRatio="none"
        >
            <rect width="100%" height="3" class="m-track"></rect>
            <rect width=format!("{}%", percent.unwrap_or(0)) height="3" class="m-run"></rect>
        </svg>
    }
}
