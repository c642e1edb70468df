//! What the browser starts: it takes over the page that the server made.

#![recursion_limit = "512"]

use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page. Called by the script that the server puts into it.
#[wasm_bindgen]
pub fn hydrate() {
    // What broke stands in the browser's console, not only that something did.
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
