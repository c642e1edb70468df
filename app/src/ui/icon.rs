//! Icons from the sprite in `public/icons.svg`. Always beside a word, or with a label.

use leptos::prelude::*;

/// One icon of 16 px, drawn in the colour of the text around it.
#[component]
pub fn Icon(
    /// Its Lucide name, such as `circle-check`.
    name: &'static str,
    /// 14 px, for small print and chips.
    #[prop(optional)]
    small: bool,
    /// More classes, such as a colour.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let size = if small { "ic ic-sm" } else { "ic" };
    view! {
        <svg class=format!("{size} {class}").trim_end().to_owned() aria-hidden="true">
            <use href=format!("/icons.svg#i-{name}")></use>
        </svg>
    }
}

/// Rollcall's own mark, in the accent colour.
#[component]
pub fn Logo(
    /// Its size as a class.
    #[prop(default = "w-5 h-5")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <svg class=format!("{class} flex-none") viewBox="0 0 20 20" aria-hidden="true">
            <rect width="20" height="20" rx="5" class="fill-primary"></rect>
            <path
                d="M5 6.25h4M5 10h4M5 13.75h4"
                class="stroke-primary-content"
                stroke-width="1.6"
                stroke-linecap="round"
                fill="none"
                opacity=".55"
            ></path>
            <path
                d="m11 10 2 2 3.25-4.25"
                class="stroke-primary-content"
                stroke-width="1.8"
                stroke-linecap="round"
                stroke-linejoin="round"
                fill="none"
            ></path>
        </svg>
    }
}
