//! API Tokens: the list, making one, one token with rotating, taking over and revoking it.

mod add;
mod change;
mod detail;
mod list;

pub use add::AddDialog;
pub use change::{RevokeDialog, RotateDialog, TakeOverDialog};
pub use detail::ApiTokenPage;
pub use list::ApiTokensPage;

use domain::api_token::{ApiToken, ApiTokenState};
use serde::{Deserialize, Serialize};

use crate::ui::{form::use_field_error, prelude::*};

/// The text of a token to copy, and its sealed form to send back: it is shown before anything is
/// kept, so that it was made here for sure and is told this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedText {
    /// The text.
    text: String,
    /// The same, sealed.
    sealed: String,
}

#[cfg(feature = "ssr")]
impl From<backend::sealer::Offered> for OfferedText {
    fn from(offered: backend::sealer::Offered) -> Self {
        Self {
            text: offered.shown(),
            sealed: offered.sealed,
        }
    }
}

/// How a token stands. One that ends within two weeks says so.
fn mark(token: &ApiToken, now: i64) -> Mark {
    const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;
    let left = token.expires_at.timestamp_millis() - now;
    let (icon, word, tone) = match token.state {
        ApiTokenState::Active if left <= 0 => ("circle-slash", "Expired", "quiet"),
        ApiTokenState::Active if left < SOON_MS => ("clock", "Ends soon", "held"),
        ApiTokenState::Active => ("circle-check", "Active", "ok"),
        ApiTokenState::Stopped => ("circle-alert", "Stopped", "held"),
        ApiTokenState::Expired => ("circle-slash", "Expired", "quiet"),
        ApiTokenState::Revoked => ("ban", "Revoked", "quiet"),
    };
    Mark { icon, word, tone }
}

/// The customers in a few words.
fn customers_in_words(token: &ApiToken) -> String {
    match &token.customer_ids {
        None if token.operator_id.is_some() => "All of its operator’s".to_owned(),
        None => "All customers".to_owned(),
        Some(ids) => counted(
            i64::try_from(ids.len()).unwrap_or(i64::MAX),
            "customer",
            "customers",
        ),
    }
}

/// The text of a token, to be copied now.
#[component]
fn Text(offered: OfferedText) -> impl IntoView {
    let error = use_field_error("sealed_token");
    view! {
        <div>
            <label for="f-token" class="block font-medium mb-1">"Token"</label>
            <input
                id="f-token"
                class="input rc-mono"
                type="text"
                readonly=true
                autocomplete="off"
                value=offered.text
                aria-describedby="f-token-h"
            />
            <p class="rc-hint mt-1" id="f-token-h">
                "Copy it now and keep it where secrets are kept: only its hash stays here, so it is \
                 never shown again. It counts once this form is sent."
            </p>
            <crate::ui::form::FieldError id="f-token-e" error=error />
            <input type="hidden" name="sealed_token" value=offered.sealed />
        </div>
    }
    .into_any()
}
