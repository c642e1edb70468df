//! Customers to tick, some of many.

use domain::id::CustomerId;

use super::{
    form::{FieldError, use_field_error},
    prelude::*,
};

/// The list, in the field `customer_ids`. It works without the browser code, which adds the search.
#[component]
pub fn CustomerTicks(
    /// Customers to choose from, by name.
    choices: Vec<(CustomerId, String)>,
    /// Whether there are more than are listed.
    more: bool,
    /// Those that are ticked at first.
    chosen: Vec<CustomerId>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let error = use_field_error("customer_ids");
    let rows = choices
        .into_iter()
        .map(|(id, name)| {
            let folded = name.to_lowercase();
            let hidden = move || typed.with(|typed| !folded.contains(&typed.trim().to_lowercase()));
            view! {
                <li hidden=hidden>
                    <label class="rc-opt hover:bg-hover">
                        <input
                            type="checkbox"
                            class="checkbox flex-none"
                            name="customer_ids[]"
                            value=id.to_string()
                            checked=chosen.contains(&id)
                        />
                        <bdi class="truncate">{name}</bdi>
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
                    placeholder="Find a customer"
                    aria-label="Find a customer in this list"
                    autocomplete="off"
                    on:input=move |ev| typed.set(event_target_value(&ev))
                />
            </label>
            <ul
                class="max-h-56 overflow-auto rounded-field border border-line p-1"
                aria-label="Customers"
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
            <FieldError id="f-customer_ids-e" error=error />
        </div>
    }
    .into_any()
}
