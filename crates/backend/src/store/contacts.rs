//! Contacts of the customers' directories: found, shown, written out.

use bytes::Bytes;
use domain::{
    contact::Contact,
    directory::{DirectoryDetail, DirectoryLine},
    id::{ContactId, CustomerId},
    paging::{ListRequest, Listing, Page},
    user::MemberOf,
};
use futures::Stream;
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::directory::{self, Common, DirectoryQuery, Listed, text};
use crate::{Backend, Result, Scope};

/// The columns that only contacts have.
#[derive(FromRow)]
pub(super) struct ContactRow {
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
}

impl Listed for Contact {
    const OWN: &'static str = ", d.given_name, d.surname, d.mail";
    type Own = ContactRow;
    const HEAD: &'static [&'static str] = &[
        "Name",
        "Given Name",
        "Surname",
        "Mail",
        "Company",
        "Status",
        "Source Type",
        "Customer",
        "Object Id",
    ];

    fn of(common: &Common, own: ContactRow, attributes: &Map<String, Value>) -> Self {
        Self {
            id: ContactId(common.id),
            external_id: common.external_id,
            display_name: common.display_name.clone(),
            given_name: own.given_name,
            surname: own.surname,
            mail: own.mail,
            company_name: text(attributes, "companyName"),
            status: common.status,
            source_type: common.source_type,
            integration_id: common.integration_id,
        }
    }

    fn cells(line: DirectoryLine<Self>) -> Vec<String> {
        let contact = line.object;
        vec![
            contact.display_name,
            contact.given_name.unwrap_or_default(),
            contact.surname.unwrap_or_default(),
            contact.mail.unwrap_or_default(),
            contact.company_name.unwrap_or_default(),
            contact.status.title().to_owned(),
            contact.source_type.to_string(),
            line.customer_name,
            contact
                .external_id
                .map(|id| id.to_string())
                .unwrap_or_default(),
        ]
    }
}

/// One page of the Contacts list.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> Result<Page<DirectoryLine<Contact>>> {
    directory::list(b, scope, query).await
}

/// A customer's contacts by name, also deleted ones, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    request: &ListRequest,
) -> Result<Listing<Contact>> {
    directory::listing(b, scope, customer, request).await
}

/// One contact.
pub async fn get(b: &Backend, scope: &Scope, id: ContactId) -> Result<Contact> {
    Ok(directory::line(b, scope, id.0).await?.object)
}

/// One contact with everything its page shows.
pub async fn detail(b: &Backend, scope: &Scope, id: ContactId) -> Result<DirectoryDetail<Contact>> {
    directory::detail(b, scope, id.0).await
}

/// The groups that a contact is a direct member of, by name.
pub async fn member_of(b: &Backend, scope: &Scope, id: ContactId) -> Result<Vec<MemberOf>> {
    directory::member_of::<Contact>(b, scope, id.0).await
}

/// Every matching contact as CSV, by name.
pub fn csv(
    b: &Backend,
    scope: &Scope,
    query: DirectoryQuery,
) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    directory::csv::<Contact>(b, scope, query)
}

#[cfg(test)]
mod tests;
