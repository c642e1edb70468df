//! The audit log: the list, and one entry with what was so before and after.

mod detail;
mod list;

pub use detail::AuditEventPage;
pub use list::AuditLogPage;
