//! What contacts and devices of a customer's directory have in common.

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    countdown::Countdown,
    id::{CustomerId, ExternalId, IntegrationId},
    policy::ObjectType,
    run::Reason,
    user::{Attribute, DirectoryStatus, SourceType},
};

/// What every contact and every device tells of itself.
pub trait DirectoryObject {
    /// Its type.
    const TYPE: ObjectType;
    /// Its id here.
    fn id(&self) -> uuid::Uuid;
    /// Its object id in the source; null where made by hand.
    fn external_id(&self) -> Option<ExternalId>;
    /// The name people read.
    fn display_name(&self) -> &str;
    /// Whether it is in use.
    fn status(&self) -> DirectoryStatus;
    /// Where it comes from.
    fn source_type(&self) -> SourceType;
    /// The integration it comes from.
    fn integration_id(&self) -> Option<IntegrationId>;
}

/// Implements [`DirectoryObject`] for a type whose fields have these names.
macro_rules! directory_object {
    ($object:ty, $object_type:expr) => {
        impl $crate::directory::DirectoryObject for $object {
            const TYPE: $crate::policy::ObjectType = $object_type;

            fn id(&self) -> uuid::Uuid {
                self.id.0
            }

            fn external_id(&self) -> Option<$crate::id::ExternalId> {
                self.external_id
            }

            fn display_name(&self) -> &str {
                &self.display_name
            }

            fn status(&self) -> $crate::user::DirectoryStatus {
                self.status
            }

            fn source_type(&self) -> $crate::user::SourceType {
                self.source_type
            }

            fn integration_id(&self) -> Option<$crate::id::IntegrationId> {
                self.integration_id
            }
        }
    };
}
pub(crate) use directory_object;

/// A line of the list of contacts or devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryLine<T> {
    /// The contact or the device.
    pub object: T,
    /// Its customer.
    pub customer_id: CustomerId,
    /// The customer's name.
    pub customer_name: String,
    /// What waits to be applied, in words; null where nothing does.
    pub pending: Option<String>,
    /// When it will be deleted; null where no days are counting.
    pub delete_at: Option<DateTime>,
    /// When it last changed.
    pub changed_at: DateTime,
}

/// A contact or a device as its own page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryDetail<T> {
    /// The line of the list.
    pub line: DirectoryLine<T>,
    /// The integration's name.
    pub integration_name: Option<String>,
    /// Why it is inactive or deleted.
    pub status_reason: Option<Reason>,
    /// When it was added here.
    pub created_at: DateTime,
    /// Whether and when it will be deleted.
    pub countdown: Countdown,
    /// Everything else the source gave.
    pub attributes: Vec<Attribute>,
}
