//! Numbers: grouped by thousands, 0 and unknown faint, so that what is not zero is seen.

pub use domain::number::{counted, grouped};
use leptos::prelude::*;

/// A cell of numbers. Null is unknown and shows as "–", never as 0.
#[component]
pub fn Num(
    /// The number.
    #[prop(into)]
    value: Option<i64>,
    /// The column's title, shown under the number where the table becomes lines.
    #[prop(optional)]
    label: Option<&'static str>,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let faint = if matches!(value, None | Some(0)) {
        "zero"
    } else {
        ""
    };
    view! {
        <td role="cell" class=format!("n {faint} {class}").trim_end().to_owned() data-l=label>
            {value.map_or_else(|| "–".to_owned(), grouped)}
        </td>
    }
}
