//! Tries that were refused in the audit log, where each could not have an entry of its own: those that
//! had to wait and weren't looked at, and calls with API tokens that can't be used.
//!
//! The first one of an account, a network or a token leaves an entry at once. Those of the hour after
//! it are only counted, and one more entry says how many they were. So somebody who goes on and on
//! leaves two entries an hour, and many networks together as many as [`crate::limits`] lets them.

use std::net::IpAddr;

use chrono::Duration;
use domain::{
    DateTime,
    audit::{ActorKind, AuditAction, AuditChanges},
    id::{ApiTokenId, CustomerId, OperatorId, UserId},
    operator::parse_email,
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Origin, Result, Tx, execute, fetch_all, fetch_optional,
    store::{
        audit::{self, Entry},
        sessions::Whose,
    },
};

/// So long after the first one the others are only counted.
const COUNTED_FOR: Duration = Duration::hours(1);

/// What was tried.
#[derive(Debug, Clone)]
pub(super) enum Tried {
    /// Signing in as the operator of this address, whether there is one or not.
    Email(String),
    /// Something as this operator.
    Operator(OperatorId),
    /// Signing in as a user of a directory whom nobody knows.
    UserName(String),
    /// Something as this user of a directory.
    User(UserId),
    /// Any account, from one network or from all of them.
    AnyAccount,
    /// Calling with a text that is no token, or nobody's.
    UnknownToken,
    /// Calling with this token.
    Token(ApiTokenId, String),
}

impl From<Whose> for Tried {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Operator(id) => Self::Operator(id),
            Whose::User(id) => Self::User(id),
        }
    }
}

/// An entry, as long as more tries are counted for it.
#[derive(Debug, FromRow)]
struct Told {
    action: AuditAction,
    customer_id: Option<CustomerId>,
    object_id: Option<Uuid>,
    object_name: String,
    address: Option<String>,
    tries: i64,
    begun_at: DateTime,
}

impl Told {
    /// What is told of a first try.
    async fn of(tx: &mut Tx, tried: &Tried, origin: &Origin, now: DateTime) -> Result<Self> {
        let whole = |action, name: String| Self {
            action,
            customer_id: None,
            object_id: None,
            object_name: name,
            address: origin.address().map(|address| address.to_string()),
            tries: 1,
            begun_at: now,
        };
        Ok(match tried {
            Tried::Email(typed) => {
                let known = fetch_optional!(
                    tx,
                    (Uuid, String),
                    "SELECT id, email FROM operator WHERE email_folded = $1",
                    planner::fold(typed.trim())
                )?;
                of_operator(known, || named(typed), whole)
            }
            Tried::Operator(id) => {
                let known = fetch_optional!(
                    tx,
                    (Uuid, String),
                    "SELECT id, email FROM operator WHERE id = $1",
                    *id
                )?;
                of_operator(known, || "Removed".to_owned(), whole)
            }
            Tried::UserName(typed) => whole(AuditAction::UserSignInSlowed, named(typed)),
            Tried::User(id) => {
                let known = fetch_optional!(
                    tx,
                    (CustomerId, String),
                    "SELECT customer_id, display_name FROM directory_user WHERE id = $1",
                    *id
                )?;
                let (customer_id, name) =
                    known.map_or_else(|| (None, String::new()), |(id, name)| (Some(id), name));
                Self {
                    customer_id,
                    object_id: Some(id.0),
                    ..whole(AuditAction::UserSignInSlowed, name)
                }
            }
            Tried::AnyAccount => whole(AuditAction::OperatorSignInSlowed, "Any account".to_owned()),
            Tried::UnknownToken => whole(AuditAction::ApiTokenUnknown, "Unknown".to_owned()),
            Tried::Token(id, name) => Self {
                object_id: Some(id.0),
                ..whole(AuditAction::ApiTokenRefused, name.clone())
            },
        })
    }

    /// Writes an entry of it.
    async fn record(
        &self,
        b: &Backend,
        tx: &mut Tx,
        origin: &Origin,
        changes: AuditChanges,
    ) -> Result<()> {
        let actor = match self.action {
            AuditAction::ApiTokenRefused => audit::Actor {
                kind: ActorKind::ApiToken,
                id: self.object_id,
                name: &self.object_name,
            },
            _ => audit::Actor {
                kind: ActorKind::Nobody,
                id: None,
                name: ActorKind::Nobody.title(),
            },
        };
        let entry = match self.object_id {
            Some(id) => Entry::new(self.action, id, &self.object_name),
            None => Entry::of_whole(self.action, &self.object_name),
        };
        let entry = entry.of(self.customer_id).changes(changes);
        audit::record_as(b, tx, actor, origin, entry).await
    }

    /// Writes how many they were, where there was more than the one that has its entry.
    async fn record_count(&self, b: &Backend, tx: &mut Tx) -> Result<()> {
        if self.tries < 2 {
            return Ok(());
        }
        let address = self.address.as_deref();
        let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
        let origin = match self.action {
            AuditAction::ApiTokenRefused | AuditAction::ApiTokenUnknown => Origin::api(address, ""),
            _ => Origin::counted(address),
        };
        let changes = AuditChanges::none()
            .now("tries", &self.tries)
            .now("since", &self.begun_at);
        self.record(b, tx, &origin, changes).await
    }
}

fn of_operator(
    known: Option<(Uuid, String)>,
    unknown: impl FnOnce() -> String,
    whole: impl Fn(AuditAction, String) -> Told,
) -> Told {
    let action = AuditAction::OperatorSignInSlowed;
    match known {
        Some((id, email)) => Told {
            object_id: Some(id),
            ..whole(action, email)
        },
        None => whole(action, unknown()),
    }
}

/// What was typed as a name, only where it is a mail address: else it may be a password in the wrong
/// field.
pub(super) fn named(typed: &str) -> String {
    parse_email(typed).unwrap_or_else(|_| "Not a mail address".to_owned())
}

/// Writes down a try that was refused, or counts it. `subject` is what is counted by; `why` goes into
/// the entry of the first.
pub(super) async fn note(
    b: &Backend,
    subject: &str,
    tried: &Tried,
    origin: &Origin,
    why: AuditChanges,
) -> Result<()> {
    let now = b.clock.now();
    let mut tx = b.db.write().await?;
    let counted = execute!(
        &mut tx,
        "UPDATE refused_try SET tries = tries + 1 WHERE subject = $1 AND begun_at > $2",
        subject,
        now - COUNTED_FOR
    )?;
    if counted > 0 {
        return tx.commit().await;
    }
    // With many networks there is a new subject as often as somebody wants.
    if !b.limits.refused_try_is_told() {
        return Ok(());
    }
    let before = take_over(&mut tx, subject, now).await?;
    let told = Told::of(&mut tx, tried, origin, now).await?;
    let number = fetch_optional!(
        &mut tx,
        (i64,),
        "INSERT INTO refused_try (subject, action, customer_id, object_id, object_name, address,
                                  tries, begun_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (subject) DO UPDATE SET tries = refused_try.tries + 1
         RETURNING tries",
        subject,
        told.action,
        told.customer_id,
        told.object_id,
        &told.object_name,
        told.address.as_deref(),
        told.tries,
        told.begun_at
    )?;
    if let Some(before) = before {
        before.record_count(b, &mut tx).await?;
    }
    // Else another one was first, at the same moment.
    if number == Some((1,)) {
        told.record(b, &mut tx, origin, why).await?;
    }
    tx.commit().await
}

/// Takes what was counted of a subject, once the hour is over.
async fn take_over(tx: &mut Tx, subject: &str, now: DateTime) -> Result<Option<Told>> {
    fetch_optional!(
        tx,
        Told,
        "DELETE FROM refused_try WHERE subject = $1 AND begun_at <= $2
         RETURNING action, customer_id, object_id, object_name, address, tries, begun_at",
        subject,
        now - COUNTED_FOR
    )
}

/// Writes down that strangers of all networks together had to wait: once an hour, uncounted, since
/// they come by the thousand then.
pub(super) async fn note_all(b: &Backend, origin: &Origin, why: AuditChanges) -> Result<()> {
    if !b.limits.refusal_of_all_is_told() {
        return Ok(());
    }
    let mut tx = b.db.write().await?;
    let told = Told::of(&mut tx, &Tried::AnyAccount, origin, b.clock.now()).await?;
    told.record(b, &mut tx, origin, why).await?;
    tx.commit().await
}

/// Writes down how many they were of each whose hour is over.
pub(crate) async fn tell_counted(b: &Backend) -> Result<()> {
    let now = b.clock.now();
    let mut tx = b.db.read().await?;
    let over = fetch_all!(
        &mut tx,
        (String,),
        "SELECT subject FROM refused_try WHERE begun_at <= $1 ORDER BY begun_at, subject",
        now - COUNTED_FOR
    )?;
    drop(tx);
    for (subject,) in over {
        let mut tx = b.db.write().await?;
        if let Some(told) = take_over(&mut tx, &subject, now).await? {
            told.record_count(b, &mut tx).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
