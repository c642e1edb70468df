//! Consent links: the dialog in which they are made, those of a customer on its page, and the page that
//! a customer's administrator opens without an account here.

mod authorize;
mod list;
mod request;

pub use authorize::AuthorizeDialog;
pub use list::CustomerConsentLinks;
pub use request::ConsentPage;

use domain::policy::ObjectType;

/// The types that can be read, in the words of their pages.
const OBJECT_TYPES: [(ObjectType, &str); 4] = [
    (ObjectType::User, "Users"),
    (ObjectType::Group, "Groups"),
    (ObjectType::Contact, "Contacts"),
    (ObjectType::Device, "Devices"),
];
