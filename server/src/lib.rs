//! The one binary `rollcall`: arguments, configuration, routing, composition. There are no rules
//! and no SQL in here; every call goes to one function of `backend`, the same as the page's.

pub mod api;
pub mod arguments;
mod certificate;
pub mod client_address;
pub mod command;
pub mod config;
mod consent;
mod cross_site;
mod csv;
mod export;
mod health;
mod listener;
mod log;
pub mod metrics;
mod oidc;
mod pages;
pub mod router;
pub mod security;
mod serve;
mod session;
mod shutdown;
mod site;
mod strangers;
mod trace;
mod upload;

pub use command::run;
