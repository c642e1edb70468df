//! Things to tick, some of many.

use super::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// The list. It works without the browser code, which adds the search.
#[component]
pub fn Ticks(
    /// The field, as in the API.
    name: &'static str,
    /// What they are, for those who hear the page.
    label: &'static str,
    /// What the search finds: "a customer".
    one: &'static str,
    /// Values and names to choose from, by name.
    choices: Vec<(String, String)>,
    /// Whether there are more than are listed.
    more: bool,
    /// The values that are ticked at first.
    chosen: Vec<String>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let error = use_field_error(name);
    let rows = choices
        .into_iter()
        .map(|(value, text)| {
            let folded = text.to_lowercase();
            let hidden = move || typed.with(|typed| !folded.contains(&typed.trim().to_lowercase()));
            let checked = chosen.contains(&value);
            view! {
                <li hidden=hidden>
                    <label class="rc-opt hover:bg-hover">
                        <input
                            type="checkbox"
                            class="checkbox flex-none"
                            name=format!("{name}[]")
                            value=value
                            checked=checked
                        />
                        <bdi class="truncate">{text}</bdi>
                    </label>
                </li>
            }
        })
        .collect_view();
    view! {
        <div>
            <label class="input mb-1" hidden=move || !ready.get()>
                <Icon name="search" class="text-faint" />
                <input
                    type="search"
                    placeholder=format!("Find {one}")
                    aria-label=format!("Find {one} in this list")
                    autocomplete="off"
                    on:input=move |ev| typed.set(event_target_value(&ev))
                />
            </label>
            <ul
                class="max-h-56 overflow-auto rounded-field border border-line p-1"
                aria-label=label
                tabindex="0"
            >
                {rows}
            </ul>
            {more
                .then(|| {
                    view! {
                        <p class="rc-hint mt-1">
                            "The first 1,000 are listed."
                        </p>
                    }
                })}
            <FieldError id=format!("f-{name}-e") error=error />
        </div>
    }
    .into_any()
}
