//! The client against a small server that answers as each test tells it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't go on stops where it is"
)]

mod certificates;
mod finding;
mod members;
mod network;
mod rounds;
mod search;
mod secrets;
mod stub;
mod throttling;
mod tokens;
mod words;
