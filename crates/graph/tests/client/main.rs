//! The client against a small server that answers as each test tells it.

mod certificates;
mod rounds;
mod stub;
mod throttling;
mod tokens;
