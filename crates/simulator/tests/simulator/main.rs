//! The simulator as a client sees it, over http.

#![expect(
    clippy::unwrap_used,
    reason = "what isn't as it should be fails the test"
)]

mod batch;
mod client;
mod control;
mod delta;
mod faults;
mod law;
mod listing;
mod lookup;
mod sign_in;
mod tokens;
