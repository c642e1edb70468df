//! The head of a page: title, what is true of it, its actions, its tabs.

use leptos::{html, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast as _;

/// The title of the window and the one `h1` of the page, with actions to the right.
#[component]
pub fn PageHead(
    /// The title.
    #[prop(into)]
    title: String,
    /// The list this belongs to: path and title.
    #[prop(optional, into)]
    parent: Option<(String, String)>,
    /// What is true of it, below the title.
    #[prop(optional, into)]
    facts: Option<ViewFnOnce>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let window_title = title.clone();
    view! {
        <Title text=window_title />
        <div class="px-6 pt-5 pb-3 max-md:px-4 max-md:pt-4">
            {parent
                .map(|(path, name)| {
                    view! {
                        <nav aria-label="Breadcrumb" class="text-xs text-muted mb-1">
                            <a class="hover:underline" href=path>{name}</a>
                        </nav>
                    }
                })}
            <div class="flex items-start gap-x-4 gap-y-2 flex-wrap">
                <div class="min-w-0 max-w-full">
                    <h1 class="text-xl truncate" title=title.clone()><bdi>{title.clone()}</bdi></h1>
                    {facts
                        .map(|facts| {
                            view! {
                                <div class="mt-1 flex items-center gap-x-4 gap-y-1 flex-wrap text-muted">
                                    {facts.run()}
                                </div>
                            }
                        })}
                </div>
                {children
                    .map(|children| {
                        view! { <div class="ms-auto flex gap-2 flex-wrap">{children()}</div> }
                    })}
            </div>
        </div>
    }
    .into_any()
}

/// Tabs: links on the header's own rule.
#[component]
pub fn Tabs(
    /// What they belong to, for those who hear the page.
    label: &'static str,
    /// Paths and titles.
    tabs: Vec<(String, String)>,
) -> impl IntoView {
    let here = use_location().pathname;
    let tabs = tabs
        .into_iter()
        .map(|(href, title)| {
            let path = href.split('?').next().unwrap_or_default().to_owned();
            view! {
                <a href=href aria-current=move || (here.get() == path).then_some("page")>{title}</a>
            }
        })
        .collect_view();
    let bar = NodeRef::<html::Nav>::new();
    // Where they don't fit, the one that is open is in sight.
    Effect::new(move || {
        here.track();
        if let Some(bar) = bar.get() {
            let _ = bring_into_sight(&bar);
        }
    });
    view! { <nav class="rc-tabs" aria-label=label node_ref=bar>{tabs}</nav> }.into_any()
}

/// Scrolls the open tab to the middle of a bar that is too narrow for all.
fn bring_into_sight(bar: &web_sys::HtmlElement) -> Option<()> {
    let open = bar.query_selector("[aria-current]").ok()??;
    let open: web_sys::HtmlElement = open.dyn_into().ok()?;
    let spare = bar.client_width() - open.offset_width();
    bar.set_scroll_left(open.offset_left() - bar.offset_left() - spare / 2);
    Some(())
}
