//! Leaving with something unsaved asks first: closing the page, following a link, going back.

use leptos::{ev, html};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::{JsCast as _, closure::Closure};

use crate::ui::{number::counted, prelude::*};

/// Watches over the page while `changes` isn't empty.
#[component]
pub fn AskBeforeLeaving(
    /// What would be lost, in words.
    changes: Signal<Vec<String>>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    // Where the person wanted to go when they were asked.
    let wanted = RwSignal::new(None::<String>);
    let unsaved = move || !changes.with_untracked(Vec::is_empty);
    Effect::new(move |_| {
        let here = here();
        let closing = window_event_listener(ev::beforeunload, move |ev| {
            if unsaved() {
                ev.prevent_default();
                // Chromium before 119 asks only where this is set.
                ev.set_return_value("unsaved");
            }
        });
        let ask = move |to: String| {
            wanted.set(Some(to));
            if let Some(dialog) = dialog.get_untracked() {
                _ = dialog.show_modal();
            }
        };
        let clicks = Watch::new("click", move |ev| {
            if let Some(to) = followed(&ev).filter(|_| unsaved()) {
                ev.prevent_default();
                ev.stop_immediate_propagation();
                ask(to);
            }
        });
        let back = Watch::new("popstate", move |ev| {
            if unsaved() {
                ev.stop_immediate_propagation();
                let to = self::here();
                // The address went back already; it comes forward again until there is an answer.
                if let Ok(history) = window().history() {
                    _ = history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&here));
                }
                ask(to);
            }
        });
        let watches = StoredValue::new_local(Some((clicks, back)));
        on_cleanup(move || {
            closing.remove();
            watches.dispose();
        });
    });
    let navigate = use_navigate();
    let stay = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let go = move |_| {
        stay();
        if let Some(to) = wanted.get_untracked() {
            navigate(&to, NavigateOptions::default());
        }
    };
    view! {
        <dialog class="modal" node_ref=dialog aria-labelledby="leaving-title">
            <div class="modal-box max-w-lg p-5!">
                <h2 id="leaving-title" class="text-lg">
                    {move || {
                        let count = i64::try_from(changes.with(Vec::len)).unwrap_or(0);
                        let verb = if count == 1 { "is" } else { "are" };
                        format!("{} {verb} not saved", counted(count, "change", "changes"))
                    }}
                </h2>
                <p class="text-muted mt-1">{move || changes.with(|changes| changes.join(", "))}</p>
                <div class="flex justify-end gap-2 mt-5">
                    <button type="button" class="btn btn-ghost" on:click=go>
                        "Leave without saving"
                    </button>
                    <button type="button" class="btn btn-primary" autofocus on:click=move |_| stay()>
                        "Stay"
                    </button>
                </div>
            </div>
        </dialog>
    }
    .into_any()
}

/// Path and query of the page.
fn here() -> String {
    let location = window().location();
    format!(
        "{}{}",
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default()
    )
}

/// Where a click leads inside the application; none where it leads nowhere else, opens another
/// page beside this one, or leaves by the browser's own way, which asks by itself.
fn followed(ev: &web_sys::Event) -> Option<String> {
    let mouse = ev.dyn_ref::<web_sys::MouseEvent>()?;
    if mouse.button() != 0 || mouse.ctrl_key() || mouse.meta_key() || mouse.shift_key() {
        return None;
    }
    let element = ev.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = element.closest("a[href]").ok()??;
    let beside = link.has_attribute("download")
        || link
            .get_attribute("target")
            .is_some_and(|target| target != "_self")
        || link
            .get_attribute("rel")
            .is_some_and(|rel| rel.contains("external"));
    let to = link.get_attribute("href")?;
    let path = to.split('#').next().unwrap_or_default();
    (!beside && crate::routes::is_local(&to) && !path.is_empty() && path != here()).then_some(to)
}

/// A listener that hears an event of the window before the router does.
struct Watch {
    event: &'static str,
    heard: Closure<dyn FnMut(web_sys::Event)>,
}

impl Watch {
    fn new(event: &'static str, heard: impl FnMut(web_sys::Event) + 'static) -> Self {
        let heard = Closure::new(heard);
        _ = window().add_event_listener_with_callback_and_bool(
            event,
            heard.as_ref().unchecked_ref(),
            true,
        );
        Self { event, heard }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        _ = window().remove_event_listener_with_callback_and_bool(
            self.event,
            self.heard.as_ref().unchecked_ref(),
            true,
        );
    }
}
