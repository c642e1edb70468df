//! The interface: pages, their parts and their server functions, built for the server and for
//! the browser.
//!
//! One folder a noun holds everything of its screens; folders share through [`ui`] and never
//! reach into each other. A server function asks who is there, calls the backend once and turns
//! its error into one that a screen can act on. There are no rules and no SQL in here.

#![recursion_limit = "512"]

pub mod error;
pub mod flash;
pub mod routes;
pub mod session;
pub mod ui;
