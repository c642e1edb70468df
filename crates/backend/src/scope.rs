//! Who asks, for which customers, with which permissions.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use domain::{
    DateTime,
    audit::{ActorKind, Channel},
    id::{ApiTokenId, CustomerId, OperatorId},
    permission::{Permission, Role},
};

use uuid::Uuid;

use crate::{Error, Result};

/// The way in that a request took: what the audit log says of it beside who asked.
#[derive(Clone, Debug)]
pub struct Origin {
    channel: Channel,
    address: Option<IpAddr>,
    request_id: Arc<str>,
}

impl Origin {
    /// A page of the portal, or one of its server functions.
    pub fn page(address: IpAddr, request_id: &str) -> Self {
        Self {
            channel: Channel::Page,
            address: Some(address.to_canonical()),
            request_id: request_id.into(),
        }
    }

    /// A call of the API.
    pub fn api(address: Option<IpAddr>, request_id: &str) -> Self {
        Self {
            channel: Channel::Api,
            address: address.map(|address| address.to_canonical()),
            request_id: request_id.into(),
        }
    }

    /// Requests of pages that were counted, for one entry of all of them.
    pub(crate) fn counted(address: Option<IpAddr>) -> Self {
        Self {
            channel: Channel::Page,
            address,
            request_id: "".into(),
        }
    }

    /// The way in.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The network address, where it came over a network.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Ties log lines, audit entries and answers of one request together.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

/// The caller of a store function.
///
/// Only the code that authenticates ([`crate::auth`]) can make one, so a function
/// that takes `&Scope` can't be called for nobody.
#[derive(Clone, Debug)]
pub struct Scope {
    actor: Actor,
    role: Role,
    customers: Customers,
    origin: Origin,
    /// Until when an operator need not prove again that it is them; none: they have to.
    proved_until: Option<DateTime>,
}

#[derive(Clone, Debug)]
enum Actor {
    Operator {
        id: OperatorId,
        name: Arc<str>,
    },
    Token {
        id: ApiTokenId,
        name: Arc<str>,
        grantee: Uuid,
    },
    CommandLine,
    Rollcall,
}

/// Whose data a scope reaches.
#[derive(Clone, Debug)]
pub(crate) enum Customers {
    /// Every customer, also those added later.
    All,
    /// These.
    Some(Arc<HashSet<CustomerId>>),
    /// Every customer but these, also those added later.
    AllExcept(Arc<HashSet<CustomerId>>),
}

impl Scope {
    pub(crate) fn operator(
        id: OperatorId,
        name: &str,
        role: Role,
        customers: Customers,
        origin: Origin,
    ) -> Self {
        Self {
            actor: Actor::Operator {
                id,
                name: name.into(),
            },
            role,
            customers,
            origin,
            proved_until: None,
        }
    }

    /// An operator who proved that it is them, which is enough until then.
    pub(crate) fn proved(self, until: Option<DateTime>) -> Self {
        Self {
            proved_until: until,
            ..self
        }
    }

    /// A token with what it may do now. `grantee` is whose grants [`in_scope!`](crate::in_scope)
    /// looks up: the token's own, or those of the operator who answers for it.
    pub(crate) fn token(
        (id, name): (ApiTokenId, &str),
        role: Role,
        customers: Customers,
        grantee: Uuid,
        origin: Origin,
    ) -> Self {
        Self {
            actor: Actor::Token {
                id,
                name: name.into(),
                grantee,
            },
            role,
            customers,
            origin,
            proved_until: None,
        }
    }

    /// The command line on the machine itself: it owns the database anyway.
    pub(crate) fn command_line() -> Self {
        Self::of_everything(Actor::CommandLine, Channel::CommandLine)
    }

    /// What Rollcall does without anybody asking.
    pub(crate) fn by_itself() -> Self {
        Self::of_everything(Actor::Rollcall, Channel::Worker)
    }

    fn of_everything(actor: Actor, channel: Channel) -> Self {
        Self {
            actor,
            role: Role::Owner,
            customers: Customers::All,
            origin: Origin {
                channel,
                address: None,
                request_id: channel.as_str().into(),
            },
            proved_until: None,
        }
    }

    /// What tests of the worker ask with.
    #[cfg(test)]
    pub(crate) fn worker() -> Self {
        Self::command_line()
    }

    /// Whether the caller's role allows it.
    pub fn can(&self, permission: Permission) -> bool {
        self.role.allows(permission)
    }

    /// Refuses a caller whose role doesn't allow it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.can(permission) {
            Ok(())
        } else {
            Err(Error::Forbidden(permission))
        }
    }

    /// Refuses an operator who did not prove lately that it is them, before what is dangerous: so
    /// that a browser left open, or a cookie that was taken, is not enough for it. Asked after the
    /// permission. A program has nobody who could answer; for it the permission is what counts.
    pub fn require_recent_proof(&self, now: DateTime) -> Result<()> {
        match self.actor {
            Actor::Operator { .. } if self.proved_until.is_none_or(|until| until <= now) => {
                Err(Error::ProveAgain)
            }
            _ => Ok(()),
        }
    }

    /// Whether the caller may see the customer.
    pub fn sees(&self, customer: CustomerId) -> bool {
        match &self.customers {
            Customers::All => true,
            Customers::Some(some) => some.contains(&customer),
            Customers::AllExcept(others) => !others.contains(&customer),
        }
    }

    /// Whether no customer is kept from the caller, nor will be: neither those of today nor those
    /// added later. All but some is not all.
    pub fn sees_all(&self) -> bool {
        matches!(self.customers, Customers::All)
    }

    /// The one customer that the caller may see; none where there are others, or may be.
    pub(crate) fn only_customer(&self) -> Option<CustomerId> {
        match &self.customers {
            Customers::Some(some) if some.len() == 1 => some.iter().next().copied(),
            Customers::All | Customers::Some(_) | Customers::AllExcept(_) => None,
        }
    }

    /// Whether the caller sees customers that are added later.
    pub fn sees_later_ones(&self) -> bool {
        matches!(self.customers, Customers::All | Customers::AllExcept(_))
    }

    /// The customers kept from a caller who sees all others.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = CustomerId> {
        match &self.customers {
            Customers::AllExcept(others) => others.iter().copied().collect::<Vec<_>>(),
            Customers::All | Customers::Some(_) => Vec::new(),
        }
        .into_iter()
    }

    /// The `$1` of [`in_scope!`](crate::in_scope): whether customers are in scope unless they are
    /// listed, and not only if they are.
    pub(crate) fn all(&self) -> bool {
        self.sees_later_ones()
    }

    /// The `$2` of [`in_scope!`](crate::in_scope): whose grants are looked up.
    pub(crate) fn grantee(&self) -> Uuid {
        match &self.actor {
            Actor::Operator { id, .. } => id.0,
            Actor::Token { grantee, .. } => *grantee,
            Actor::CommandLine | Actor::Rollcall => Uuid::nil(),
        }
    }

    /// Who asks, for the audit log and "started by".
    pub fn actor_name(&self) -> &str {
        match &self.actor {
            Actor::Operator { name, .. } | Actor::Token { name, .. } => name,
            Actor::CommandLine => "Command line",
            Actor::Rollcall => "Rollcall",
        }
    }

    /// What the caller is.
    pub fn actor_kind(&self) -> ActorKind {
        match self.actor {
            Actor::Operator { .. } => ActorKind::Operator,
            Actor::Token { .. } => ActorKind::ApiToken,
            Actor::CommandLine => ActorKind::CommandLine,
            Actor::Rollcall => ActorKind::Rollcall,
        }
    }

    /// The operator's or the token's id.
    pub fn actor_id(&self) -> Option<Uuid> {
        match self.actor {
            Actor::Operator { id, .. } => Some(id.0),
            Actor::Token { id, .. } => Some(id.0),
            Actor::CommandLine | Actor::Rollcall => None,
        }
    }

    /// The operator who asks; none for tokens and the worker.
    pub fn operator_id(&self) -> Option<OperatorId> {
        match self.actor {
            Actor::Operator { id, .. } => Some(id),
            Actor::Token { .. } | Actor::CommandLine | Actor::Rollcall => None,
        }
    }

    /// The token that asks; none for operators and Rollcall itself.
    pub fn token_id(&self) -> Option<ApiTokenId> {
        match self.actor {
            Actor::Token { id, .. } => Some(id),
            Actor::Operator { .. } | Actor::CommandLine | Actor::Rollcall => None,
        }
    }

    /// Whether a program asks with a token.
    pub fn is_token(&self) -> bool {
        self.token_id().is_some()
    }

    /// The caller's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Ties log lines, audit entries and answers of one request together.
    pub fn request_id(&self) -> &str {
        self.origin.request_id()
    }

    /// The way in.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// The condition that keeps other customers' rows out, for a column with a customer's id. The
/// query's first two parameters are `scope.all()` and `scope.grantee()`.
///
/// Where `$1` holds, every customer is in scope but those listed: usually none, which is found once
/// a statement. Else those listed are, those with a tag that is listed, and those of a token, as
/// far as the operator who answers for it looks after them. The lists are found by index once a statement, and each row is looked up in them.
#[macro_export]
macro_rules! in_scope {
    ($column:literal) => {
        concat!(
            "(($1 AND (NOT EXISTS (SELECT 1 FROM operator_role_customer WHERE operator_id = $2) OR ",
            $column,
            " NOT IN (SELECT customer_id FROM operator_role_customer WHERE operator_id = $2)))
              OR (NOT $1 AND ",
            $column,
            " IN (SELECT customer_id FROM operator_role_customer WHERE operator_id = $2
                  UNION ALL SELECT scope_ct.customer_id FROM operator_role_tag scope_rt
                              JOIN customer_tag scope_ct ON scope_ct.tag = scope_rt.tag
                             WHERE scope_rt.operator_id = $2
                  UNION ALL SELECT customer_id FROM api_token_reach WHERE api_token_id = $2)))"
        )
    };
}

#[cfg(test)]
mod tests;
