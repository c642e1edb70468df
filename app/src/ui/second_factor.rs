//! Setting up an authenticator app and recovery codes, for operators and for users of a directory.

use domain::second_factor::AuthenticatorOffer;

use super::prelude::*;

/// What to tell the app, and the code that shows that it has it.
#[component]
pub fn AuthenticatorFields(
    /// From the server.
    offer: AuthenticatorOffer,
) -> impl IntoView {
    let AuthenticatorOffer {
        key,
        uri,
        qr_width,
        qr_path,
        sealed,
    } = offer;
    view! {
        <input type="hidden" name="sealed_key" value=sealed />
        <div>
            <p class="mb-3">
                "Scan this with an app such as Microsoft Authenticator, Google Authenticator or \
                 1Password."
            </p>
            <svg
                class="rc-qr"
                role="img"
                aria-label="QR code for the authenticator app"
                viewBox=format!("0 0 {qr_width} {qr_width}")
            >
                <path d=qr_path />
            </svg>
            <p class="rc-hint mt-3">
                "Or type this key: " <span class="rc-mono select-all">{key}</span> ". "
                <a class="rc-link" href=uri>"Open an app on this device"</a>
            </p>
        </div>
        <Field
            name="code"
            label="Code that the app shows now"
            hint="Six digits."
            autocomplete="one-time-code"
            autofocus=true
        />
    }
    .into_any()
}

/// New recovery codes, and a way to keep them.
#[component]
pub fn Codes(
    /// The codes.
    codes: Vec<String>,
) -> impl IntoView {
    let text = codes.join("\n");
    let codes = codes
        .into_iter()
        .map(|code| view! { <li class="rc-mono select-all">{code}</li> })
        .collect_view();
    view! {
        <ol class="grid grid-cols-2 gap-x-6 gap-y-1 max-md:grid-cols-1" aria-label="Recovery codes">
            {codes}
        </ol>
        <Keeping text=text />
    }
    .into_any()
}

/// A file of them. The address holds the file itself: nothing is sent for it.
#[component]
fn Keeping(text: String) -> impl IntoView {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let lines = format!("Recovery codes for Rollcall\n\n{text}\n");
    let file = format!(
        "data:text/plain;charset=utf-8,{}",
        utf8_percent_encode(&lines, NON_ALPHANUMERIC)
    );
    view! {
        <a class="btn btn-sm mt-4" href=file download="rollcall-recovery-codes.txt">
            <Icon name="download" />
            "Download"
        </a>
    }
    .into_any()
}
