//! Devices: the list, and one device with attributes and groups.

mod detail;
mod list;

pub use detail::DevicePage;
pub use list::DevicesPage;
