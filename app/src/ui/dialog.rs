//! Dialogs are routes of their own: a link opens one, the way back closes it, and it stands there
//! without the browser code. With it the dialog is modal, holds the focus and gives it back.

use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast as _;

use super::{
    address::use_address,
    icon::Icon,
    toast::{ToastRegion, use_toasts},
};

/// A dialog over the page it belongs to.
#[component]
pub fn Dialog(
    /// Its title.
    #[prop(into)]
    title: String,
    /// The path of the page behind it, where closing leads. The address's parameters stay.
    #[prop(into)]
    back: String,
    /// Two columns with a foot of their own, which bring their own space.
    #[prop(optional)]
    wide: bool,
    /// What it asks.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let address = use_address();
    let navigate = use_navigate();
    let toasts = use_toasts();
    let way_back = Signal::derive({
        let back = back.clone();
        move || address.at(&back, &[])
    });
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if dialog.matches(":modal").unwrap_or_default() {
            return;
        }
        // Where the focus was; the link that opened it, as a rule. Kept only here: the server,
        // which has no such thing, drops a page on another thread than the one that made it.
        let opener = StoredValue::new_local(
            document()
                .active_element()
                .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()),
        );
        on_cleanup(move || {
            if let Some(Some(opener)) = opener.try_get_value() {
                _ = opener.focus();
            }
        });
        // `open` is in the HTML for browsers without the code; a modal one must not be open yet.
        _ = dialog.remove_attribute("open");
        _ = dialog.show_modal();
        toasts.in_dialog(true);
    });
    on_cleanup(move || toasts.in_dialog(false));
    let close = move || {
        navigate(
            &way_back.get_untracked(),
            NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    };
    view! {
        <dialog
            class="modal"
            open
            node_ref=dialog
            aria-labelledby="dialog-title"
            on:cancel=move |ev: web_sys::Event| {
                ev.prevent_default();
                close();
            }
        >
            <div class=if wide {
                "modal-box w-[54rem] max-w-[calc(100vw-2rem)] max-h-[calc(100vh-3rem)] flex flex-col overflow-hidden"
            } else {
                "modal-box max-w-lg"
            }>
                <div class=if wide {
                    "flex items-center gap-3 ps-5 pe-3 min-h-13 border-b border-line"
                } else {
                    "flex items-center gap-3 ps-5 pe-3 pt-3"
                }>
                    <h2 id="dialog-title" class="text-lg min-w-0 truncate">{title}</h2>
                    <a
                        class="btn btn-ghost btn-square ms-auto"
                        href=move || way_back.get()
                        data-noscroll="true"
                        aria-label="Close"
                    >
                        <Icon name="x" />
                    </a>
                </div>
                <div class=if wide {
                    "min-h-0 flex flex-col"
                } else {
                    "px-5 pt-2 pb-5"
                }>{children()}</div>
            </div>
            <ToastRegion in_dialog=true />
        </dialog>
    }
    .into_any()
}

/// The foot of a dialog: a note to the left, actions to the right, the primary one last.
#[component]
pub fn DialogFoot(
    /// The path of the page behind, where Cancel leads.
    #[prop(into)]
    back: String,
    /// The button that does it.
    children: Children,
) -> impl IntoView {
    let address = use_address();
    view! {
        <div class="flex items-center justify-end gap-2 mt-5">
            <a class="btn btn-ghost" href=move || address.at(&back, &[]) data-noscroll="true">
                "Cancel"
            </a>
            {children()}
        </div>
    }
    .into_any()
}
