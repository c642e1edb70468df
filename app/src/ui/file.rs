//! A field for the text of a file, pasted or read from it. The file is read in the browser; without
//! the browser code there is only the field.

use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast as _;

use super::{
    form::{Field, Kind},
    icon::Icon,
    toast::use_toasts,
};

/// The field, with a button that reads a file into it.
#[component]
pub fn FileField(
    /// Its name, as in the API.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What to know while filling it in.
    hint: &'static str,
    /// The ends of the names of files that are offered.
    accept: &'static str,
    /// What it holds at first.
    #[prop(optional, into)]
    value: String,
    /// As high as it is for a certificate, or for a whole file.
    #[prop(default = Kind::File)]
    kind: Kind,
) -> impl IntoView {
    let picker = NodeRef::<html::Input>::new();
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let toasts = use_toasts();
    let take_file = move |_| {
        let Some(file) = picker
            .get_untracked()
            .and_then(|picker| picker.files())
            .and_then(|files| files.get(0))
        else {
            return;
        };
        spawn_local(async move {
            let text = wasm_bindgen_futures::JsFuture::from(file.text()).await;
            let field = document()
                .query_selector(&format!("textarea[name={name}]"))
                .ok()
                .flatten()
                .and_then(|field| field.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
            match (text.ok().and_then(|text| text.as_string()), field) {
                (Some(text), Some(field)) => field.set_value(&text),
                _ => toasts.bad("The file could not be read."),
            }
        });
    };
    view! {
        <div>
            <Field name=name label=label kind=kind hint=hint value=value />
            <label class="btn btn-sm mt-2 cursor-pointer focus-within:outline-2" hidden=move || !ready.get()>
                <Icon name="file-up" />
                "Read from a file"
                <input
                    node_ref=picker
                    type="file"
                    class="sr-only"
                    accept=accept
                    aria-label=format!("{label} from a file")
                    on:change=take_file
                />
            </label>
        </div>
    }
    .into_any()
}
