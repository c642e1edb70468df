//! Consent links: the dialogs in which they are made and seen to, and the page that a customer's
//! administrator opens without an account here.

mod authorize;
mod list;
mod request;

pub use authorize::AuthorizeDialog;
pub use list::LinksDialog;
pub use request::ConsentPage;

use domain::{id::CustomerId, policy::ObjectType};

use crate::{routes, ui::address::link};

/// The types that can be read, in the words of their pages.
const OBJECT_TYPES: [(ObjectType, &str); 4] = [
    (ObjectType::User, "Users"),
    (ObjectType::Group, "Groups"),
    (ObjectType::Contact, "Contacts"),
    (ObjectType::Device, "Devices"),
];

/// The links of a customer.
fn links_of(customer: CustomerId) -> String {
    let customer = ("customer_id".to_owned(), customer.to_string());
    link(routes::CONSENT_LINKS, &[customer])
}
