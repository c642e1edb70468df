//! What a browser was told to ask a passkey for. It is kept here and not in the page, is good for
//! minutes, and goes with the first answer; the session that asked knows its id.

use chrono::Duration;
use domain::id::OperatorId;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    Backend, Error, Result, execute, fetch_optional,
    store::{read_json, write_json},
};

/// As long as the browser waits for the person.
const GOOD_FOR: Duration = Duration::minutes(5);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A new passkey.
    Register,
    /// One of the passkeys of an operator.
    Prove,
    /// Any passkey, of whomever it is.
    SignIn,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Prove => "prove",
            Self::SignIn => "sign_in",
        }
    }
}

/// Keeps what the answer will be compared with.
pub(super) async fn keep<S: Serialize>(
    b: &Backend,
    kind: Kind,
    operator: Option<OperatorId>,
    state: &S,
) -> Result<Uuid> {
    let id = b.ids.uuid();
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO passkey_question (id, kind, operator_id, state, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        id,
        kind.as_str(),
        operator,
        write_json(state)?,
        b.clock.now() + GOOD_FOR
    )?;
    tx.commit().await?;
    Ok(id)
}

/// Takes it for an answer, for once: a second answer finds nothing.
pub(super) async fn take<S: DeserializeOwned>(
    b: &Backend,
    id: Uuid,
    kind: Kind,
    operator: Option<OperatorId>,
) -> Result<S> {
    let mut tx = b.db.write().await?;
    let taken = fetch_optional!(
        &mut tx,
        (Option<OperatorId>, String),
        "DELETE FROM passkey_question WHERE id = $1 AND kind = $2 AND expires_at > $3
         RETURNING operator_id, state",
        id,
        kind.as_str(),
        b.clock.now()
    )?;
    tx.commit().await?;
    match taken {
        Some((of, state)) if of == operator => read_json("passkey_question.state", &state),
        _ => Err(Error::invalid(
            "passkey",
            "That took too long, or was answered already. Try again.",
        )),
    }
}

/// Removes those that nobody answered.
pub(crate) async fn delete_expired(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM passkey_question WHERE expires_at <= $1",
        b.clock.now()
    )?;
    tx.commit().await
}
