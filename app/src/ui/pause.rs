//! That something is paused: by whom, since when, why, and the way to resume it.

use domain::pause::Pause;
use leptos::prelude::*;

use super::{icon::Icon, time::RelativeTime};

/// "by Ada 3 min ago: Migration weekend".
#[component]
pub fn PausedBy(
    /// The pause.
    pause: Pause,
) -> impl IntoView {
    view! {
        <span>
            "by " <bdi>{pause.by}</bdi> " " <RelativeTime at=pause.at />
            {pause.reason.map(|reason| view! { ": " <bdi class="wrap-anywhere">{reason}</bdi> })}
        </span>
    }
    .into_any()
}

/// The note on the page of what is paused.
#[component]
pub fn PauseNote(
    /// The pause.
    pause: Pause,
    /// What is the case: "Scheduled runs are paused".
    #[prop(into)]
    title: String,
    /// The way to resume: a form with its button, or a link.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="px-6 pb-3 max-md:px-4" aria-label="Paused">
            <div class="rc-note max-w-3xl">
                <Icon name="circle-pause" class="text-muted mt-0.5" />
                <div class="min-w-0 flex-1">
                    <p class="font-medium">{title}</p>
                    <p class="text-muted">
                        <PausedBy pause=pause /> ". What a person or a program starts still runs."
                    </p>
                </div>
                {children()}
            </div>
        </section>
    }
    .into_any()
}
