//! Who asks, for which customers, with which permissions.

use std::{collections::HashSet, sync::Arc};

use domain::{
    id::{ApiTokenId, CustomerId, OperatorId},
    permission::{Permission, Role},
};

use uuid::Uuid;

use crate::{Error, Result};

/// The caller of a store function.
///
/// Only the code that authenticates ([`crate::auth`]) and the worker can make one, so a function
/// that takes `&Scope` can't be called for nobody.
#[derive(Clone, Debug)]
pub struct Scope {
    actor: Actor,
    role: Role,
    customers: Customers,
    request_id: Arc<str>,
}

#[derive(Clone, Debug)]
enum Actor {
    Operator { id: OperatorId, name: Arc<str> },
    Token { id: ApiTokenId, name: Arc<str> },
    Worker,
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
        request_id: &str,
    ) -> Self {
        Self {
            actor: Actor::Operator {
                id,
                name: name.into(),
            },
            role,
            customers,
            request_id: request_id.into(),
        }
    }

    pub(crate) fn token(
        id: ApiTokenId,
        name: &str,
        role: Role,
        customers: Customers,
        request_id: &str,
    ) -> Self {
        Self {
            actor: Actor::Token {
                id,
                name: name.into(),
            },
            role,
            customers,
            request_id: request_id.into(),
        }
    }

    /// The worker, and the command line on the machine itself: they own the database anyway.
    pub(crate) fn worker() -> Self {
        Self {
            actor: Actor::Worker,
            role: Role::Owner,
            customers: Customers::All,
            request_id: "worker".into(),
        }
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
            Actor::Token { id, .. } => id.0,
            Actor::Worker => Uuid::nil(),
        }
    }

    /// Who asks, for the audit log and "started by".
    pub fn actor_name(&self) -> &str {
        match &self.actor {
            Actor::Operator { name, .. } | Actor::Token { name, .. } => name,
            Actor::Worker => "Rollcall",
        }
    }

    /// The operator who asks; none for tokens and the worker.
    pub fn operator_id(&self) -> Option<OperatorId> {
        match self.actor {
            Actor::Operator { id, .. } => Some(id),
            Actor::Token { .. } | Actor::Worker => None,
        }
    }

    /// Whether a program asks with a token.
    pub fn is_token(&self) -> bool {
        matches!(self.actor, Actor::Token { .. })
    }

    /// The caller's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Ties log lines, audit entries and answers of one request together.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

/// The condition that keeps other customers' rows out, for a column with a customer's id. The
/// query's first two parameters are `scope.all()` and `scope.grantee()`.
///
/// Where `$1` holds, every customer is in scope but those listed: usually none, which is found once
/// a statement. Else those listed are, those with a tag that is listed, and those of a token. The
/// lists are found by index once a statement, and each row is looked up in them.
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
                  UNION ALL SELECT customer_id FROM api_token_customer WHERE api_token_id = $2)))"
        )
    };
}

#[cfg(test)]
mod tests;
