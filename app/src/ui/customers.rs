//! Customers to tick, some of many.

use domain::id::CustomerId;

use super::{prelude::*, ticks::Ticks};

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
    let choices = choices.into_iter();
    let choices = choices.map(|(id, name)| (id.to_string(), name)).collect();
    let chosen = chosen.into_iter().map(|id| id.to_string()).collect();
    view! {
        <Ticks
            name="customer_ids"
            label="Customers"
            one="a customer"
            choices=choices
            more=more
            chosen=chosen
        />
    }
}
