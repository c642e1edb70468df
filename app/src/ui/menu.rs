//! Things that open: a `<details>`, so they open without the browser code too. With it, Escape
//! and a press elsewhere close them and give the focus back.

use leptos::{children::ViewFn, ev, html, prelude::*};
use wasm_bindgen::JsCast as _;

/// A button with a list of choices under it.
#[component]
pub fn Menu(
    /// What the button shows.
    #[prop(into)]
    summary: ViewFn,
    /// The button's classes.
    class: &'static str,
    /// The button's name, where it shows only an icon.
    #[prop(optional, into)]
    label: Option<String>,
    /// Classes of what opens, such as on which side it stands.
    #[prop(default = "start-0 w-56")]
    panel: &'static str,
    /// What opens.
    children: Children,
) -> impl IntoView {
    let details = NodeRef::<html::Details>::new();
    let close = move |refocus: bool| {
        let Some(details) = details.get_untracked() else {
            return;
        };
        if !details.has_attribute("open") {
            return;
        }
        _ = details.remove_attribute("open");
        if refocus
            && let Ok(Some(button)) = details.query_selector("summary")
            && let Some(button) = button.dyn_ref::<web_sys::HtmlElement>()
        {
            _ = button.focus();
        }
    };
    Effect::new(move |_| {
        let outside = window_event_listener(ev::pointerdown, move |ev| {
            let inside = details.get_untracked().is_some_and(|details| {
                ev.target()
                    .and_then(|target| target.dyn_into::<web_sys::Node>().ok())
                    .is_some_and(|node| details.contains(Some(&node)))
            });
            if !inside {
                close(false);
            }
        });
        on_cleanup(move || outside.remove());
    });
    view! {
        <details
            class="rc-menu"
            node_ref=details
            on:keydown=move |ev| {
                if ev.key() == "Escape" {
                    close(true);
                }
            }
            on:click=move |ev| {
                let on_link = ev
                    .target()
                    .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                    .and_then(|element| element.closest(".rc-menu-panel a[href]").ok().flatten())
                    .is_some();
                if on_link {
                    close(false);
                }
            }
        >
            <summary class=class aria-label=label>{summary.run()}</summary>
            <div class=format!("rc-menu-panel rc-pop {panel}")>{children()}</div>
        </details>
    }
    .into_any()
}
