//! The audit log: who changed what, when, from where, and what was so before.

mod action;
mod changes;

use serde::{Deserialize, Serialize};

use crate::{
    DateTime,
    id::{AuditEventId, CustomerId},
    text_enum,
};

pub use action::{AuditAction, AuditObject};
pub use changes::{AuditChanges, AuditFields, SECRET};

text_enum! {
    /// What somebody is who did something.
    pub enum ActorKind {
        /// A person who signed in.
        Operator = "operator",
        /// A user of a directory who signed in to their own account.
        User = "user",
        /// A program, by its token.
        ApiToken = "api_token",
        /// Whoever works on the machine itself.
        CommandLine = "command_line",
        /// Rollcall, by itself.
        Rollcall = "rollcall",
        /// Somebody who is not signed in.
        Nobody = "nobody",
    }
}

impl ActorKind {
    /// The kind as a page shows it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Operator => "Operator",
            Self::User => "User",
            Self::ApiToken => "API token",
            Self::CommandLine => "Command line",
            Self::Rollcall => "Rollcall",
            Self::Nobody => "Not signed in",
        }
    }
}

text_enum! {
    /// The way in.
    pub enum Channel {
        /// A page of the portal.
        Page = "page",
        /// The REST API.
        Api = "api",
        /// The command line.
        CommandLine = "command_line",
        /// None: what is done without anybody asking.
        Worker = "worker",
    }
}

impl Channel {
    /// The way in words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Page => "Page",
            Self::Api => "API",
            Self::CommandLine => "Command line",
            Self::Worker => "Background work",
        }
    }
}

/// One entry. Secrets are never in it, only that they changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// When.
    pub at: DateTime,
    /// What they are who did it.
    pub actor_kind: ActorKind,
    /// The operator’s or the token’s id.
    pub actor_id: Option<uuid::Uuid>,
    /// The operator’s or the token’s name at that time.
    pub actor: String,
    /// The way in.
    pub channel: Channel,
    /// The network address it came from; null for what came from the machine itself.
    pub address: Option<String>,
    /// The customer it concerns; null for what belongs to no customer.
    pub customer_id: Option<CustomerId>,
    /// The customer’s name at that time.
    pub customer_name: Option<String>,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to.
    pub object_type: AuditObject,
    /// The id of what it was done to; null where that is a list or the whole.
    pub object_id: Option<uuid::Uuid>,
    /// The name of what it was done to, at that time.
    pub object_name: String,
    /// Why, in the words of who did it.
    pub note: String,
    /// The changed fields as they were. Of a secret only that it changed is told, in `after`.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, serde_json::Value>))]
    pub before: AuditFields,
    /// The changed fields as they are since.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, serde_json::Value>))]
    pub after: AuditFields,
    /// Ties the entry to the log of the server.
    pub request_id: String,
    /// The day of its chain, in UTC, as `YYYY-MM-DD`.
    pub day: String,
    /// Its place in the chain of its customer and day, from 1.
    pub position: i64,
    /// The hash over the entry and the one before it, in hexadecimal.
    pub hash: String,
}

impl AuditEvent {
    /// What changed, before and after.
    pub fn changes(&self) -> AuditChanges {
        AuditChanges {
            before: self.before.clone(),
            after: self.after.clone(),
        }
    }
}
