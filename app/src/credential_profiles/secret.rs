//! The fields by which a profile proves itself: a secret, or a certificate from a file or pasted.

use domain::credential_profile::CredentialKind;
use leptos::{html, task::spawn_local};
use wasm_bindgen::JsCast as _;

use crate::ui::prelude::*;

/// Fields for a secret or a certificate.
#[component]
pub(super) fn SecretFields(
    /// Which.
    kind: CredentialKind,
) -> impl IntoView {
    match kind {
        CredentialKind::ClientSecret => view! {
            <Field
                name="client_secret"
                label="Client secret"
                kind=Kind::Password
                autocomplete="off"
                hint="The secret’s value, not its id. It is sealed and never shown again."
            />
            <Field
                name="expires_at"
                label="Ends"
                kind=Kind::Date
                hint="Entra ID shows the date beside the secret. Rollcall warns before it."
            />
        }
        .into_any(),
        CredentialKind::Certificate => view! {
            <Pem
                name="certificate_pem"
                label="Certificate (PEM)"
                hint="Begins with -----BEGIN CERTIFICATE-----. It tells by itself when it ends."
            />
            <Pem
                name="private_key_pem"
                label="Private key (PEM)"
                hint="PKCS #8, begins with -----BEGIN PRIVATE KEY-----. It is sealed and never shown again."
            />
        }
        .into_any(),
    }
}

/// A field for PEM text, pasted or read from a file. The file is read in the browser; without the
/// browser code there is only the field.
#[component]
fn Pem(name: &'static str, label: &'static str, hint: &'static str) -> impl IntoView {
    let picker = NodeRef::<html::Input>::new();
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let toasts = use_toasts();
    let picked = move |_| {
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
            <Field name=name label=label kind=Kind::Lines hint=hint />
            <label class="btn btn-sm mt-2 cursor-pointer focus-within:outline-2" hidden=move || !ready.get()>
                <Icon name="file-up" />
                "Read from a file"
                <input
                    node_ref=picker
                    type="file"
                    class="sr-only"
                    accept=".pem,.crt,.cer,.key,.txt"
                    aria-label=format!("{label} from a file")
                    on:change=picked
                />
            </label>
        </div>
    }
}
