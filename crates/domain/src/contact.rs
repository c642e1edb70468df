//! Contacts of a customer's directory: people elsewhere who stand in its address book.

use serde::{Deserialize, Serialize};

use crate::{
    directory::directory_object,
    id::{ContactId, ExternalId, IntegrationId},
    policy::ObjectType,
    user::{DirectoryStatus, SourceType},
};

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Its id here.
    pub id: ContactId,
    /// Its object id in the source; null where made by hand.
    pub external_id: Option<ExternalId>,
    /// The name people read.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// The company it belongs to.
    pub company_name: Option<String>,
    /// Whether it is in use.
    pub status: DirectoryStatus,
    /// Where it comes from.
    pub source_type: SourceType,
    /// The integration it comes from.
    pub integration_id: Option<IntegrationId>,
}

directory_object!(Contact, ObjectType::Contact);
