//! Typed ids. One type a noun, so that a user's id can't be passed where a group's belongs.
//!
//! All of them are `UUIDv7` made by the server, so they sort by age. Ids that a source gave its
//! objects are [`ExternalId`]s and sort by nothing.

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident, )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = uuid::Uuid))]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+ };
}

ids! {
    /// A customer: the wall around every directory row.
    CustomerId,
    /// A credential profile.
    CredentialProfileId,
    /// A customer's connection to one source.
    IntegrationId,
    /// A policy that integrations follow.
    PolicyTemplateId,
    /// What somebody is about to confirm: a settings file that was looked at.
    SettingsDraftId,
    /// A view of a list: its filters, order and columns under a name.
    SavedViewId,
    /// What is done to many people or groups at once.
    BulkId,
    /// A link for an administrator of a customer's tenant.
    ConsentLinkId,
    /// People of a file, or members of groups, brought in once.
    ImportId,
    /// One sync.
    RunId,
    /// One planned or filtered object of a run.
    RunChangeId,
    /// A user of a customer's directory.
    UserId,
    /// A group of a customer's directory.
    GroupId,
    /// A contact of a customer's directory.
    ContactId,
    /// A device of a customer's directory.
    DeviceId,
    /// A person who signs in to administer.
    OperatorId,
    /// A passkey of an operator.
    PasskeyId,
    /// A token with which a program calls the API.
    ApiTokenId,
    /// Somebody who is told what goes wrong.
    NotificationRecipientId,
    /// A message on its way to one recipient.
    NotificationDeliveryId,
    /// A leased job of the worker.
    JobId,
    /// One entry of the audit log.
    AuditEventId,
    /// What an unexpected failure is found by in the log.
    ReportId,
    /// The id that a source gave to an object: in Entra ID, the object id.
    ExternalId,
    /// An Entra tenant's own id.
    TenantId,
}
