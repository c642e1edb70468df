//! What is kept, a file or a folder a noun. Every function that touches a customer's data takes
//! [`Scope`](crate::Scope); what the caller may not see is not found.

pub mod audit;
pub mod sessions;
pub mod tokens;
