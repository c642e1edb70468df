//! Rows for the browser sessions of tower-sessions.
//!
//! A session is named in two ways: by the number in its cookie, of which only the SHA-256 is kept,
//! and by a public id, with which a person ends it from elsewhere. It ends [`IDLE`] after it was
//! last used ([`IDLE_OF_STRANGERS`] where nobody is signed in) and [`ABSOLUTE`] after its operator
//! signed in ([`ABSOLUTE_BY_PROVIDER`] where that was by a provider), whichever comes first. Its number
//! may change meanwhile: then it is another row, and as old.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{OperatorId, UserId},
    operator::SessionLine,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional,
    store::audit::{self, Entry},
};

/// Unused for so long, a session ends.
pub const IDLE: Duration = Duration::hours(12);
/// The same for a session in which nobody is signed in: anybody can have any number of them.
pub const IDLE_OF_STRANGERS: Duration = Duration::hours(1);
/// So old, a session ends.
pub const ABSOLUTE: Duration = Duration::days(7);
/// So old, a session ends that began at a provider: that the provider ended its own, or the account, is
/// noticed then, when it is asked again.
pub const ABSOLUTE_BY_PROVIDER: Duration = Duration::hours(12);
/// Under this name a session's data hold when its operator signed in.
pub const BEGUN_AT: &str = "begun_at";
/// Under this name a session's data hold whether that was by a provider.
pub const BY_PROVIDER: &str = "by_provider";
/// Under this name a session's data hold the operator who signed in.
pub const OPERATOR: &str = "operator_id";
/// Under this name a session's data hold the user of a directory who signed in.
pub const USER: &str = "user_id";
/// Under this name a session's data hold that somebody is half signed in, and no operator.
pub const HALF: &str = "half";
/// Under this name a session's data hold that a user of a directory is half signed in, and no user.
pub const USER_HALF: &str = "user_half";
/// Under this name a session's data hold when the operator last proved that it is them.
pub const PROVED_AT: &str = "proved_at";
/// Under this name a session's data hold the id of what the browser was told to ask a passkey for.
pub const PASSKEY_ASKED: &str = "passkey_asked";
/// Under this name a session's data hold what the browser calls itself.
pub const USER_AGENT: &str = "user_agent";
/// Under this name a session's data hold the network address of the sign-in.
pub const ADDRESS: &str = "address";
/// Use is noted no more exactly than this: a write for each click would cost more than the click.
const USE_NOTED_EVERY: Duration = Duration::minutes(1);
const USER_AGENT_CHARS_MAX: usize = 300;

/// A session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Session {
    /// Its data, a JSON object.
    pub data: String,
    /// When it ends unless it is used before.
    pub expires_at: DateTime,
}

fn cookie_hash(cookie: i128) -> Vec<u8> {
    Sha256::digest(cookie.to_be_bytes()).to_vec()
}

/// What of a session's data has columns of its own.
struct Columns {
    operator: Option<OperatorId>,
    user: Option<UserId>,
    user_agent: String,
    address: Option<String>,
    begun_at: Option<DateTime>,
    by_provider: bool,
}

fn columns(data: &str) -> Result<Columns> {
    let value: Value = serde_json::from_str(data)
        .map_err(|error| Error::Internal(format!("a session’s data are no JSON: {error}")))?;
    let operator = value
        .get(OPERATOR)
        .and_then(Value::as_str)
        .and_then(|id| id.parse().ok());
    let user = value
        .get(USER)
        .and_then(Value::as_str)
        .and_then(|id| id.parse().ok());
    let agent = value.get(USER_AGENT).and_then(Value::as_str);
    let agent = agent.unwrap_or_default().chars();
    let address = value.get(ADDRESS).and_then(Value::as_str);
    let begun_at = value.get(BEGUN_AT).and_then(Value::as_str);
    let by_provider = value.get(BY_PROVIDER).and_then(Value::as_bool);
    Ok(Columns {
        begun_at: begun_at.and_then(|at| at.parse().ok()),
        by_provider: by_provider.unwrap_or_default(),
        operator,
        user,
        user_agent: agent.take(USER_AGENT_CHARS_MAX).collect(),
        address: address.map(str::to_owned),
    })
}

impl Columns {
    /// When a session that began then, and is used now, ends.
    fn ends(&self, begun_at: DateTime, now: DateTime) -> DateTime {
        let idle = if self.operator.is_some() || self.user.is_some() {
            IDLE
        } else {
            IDLE_OF_STRANGERS
        };
        let absolute = if self.by_provider {
            ABSOLUTE_BY_PROVIDER
        } else {
            ABSOLUTE
        };
        (now + idle).min(begun_at + absolute)
    }
}

/// Begins a session. Answers false, and does nothing, where the cookie's number is taken.
pub async fn create(b: &Backend, cookie: i128, data: &str) -> Result<bool> {
    let columns = columns(data)?;
    let now = b.clock.now();
    let begun_at = columns.begun_at.unwrap_or(now);
    let mut tx = b.db.write().await?;
    let made = execute!(
        &mut tx,
        "INSERT INTO session
           (id_hash, id, operator_id, data, user_agent, created_at, last_used_at, expires_at,
            address, user_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id_hash) DO NOTHING",
        cookie_hash(cookie),
        b.ids.uuid(),
        columns.operator,
        data,
        &columns.user_agent,
        begun_at,
        now,
        columns.ends(begun_at, now),
        columns.address,
        columns.user
    )?;
    tx.commit().await?;
    Ok(made == 1)
}

/// Keeps a session's new data. A session that was ended meanwhile stays ended.
pub async fn save(b: &Backend, cookie: i128, data: &str) -> Result<()> {
    let columns = columns(data)?;
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE session SET data = $1, operator_id = $2, user_agent = $3, address = $4, user_id = $5
          WHERE id_hash = $6",
        data,
        columns.operator,
        columns.user_agent,
        columns.address,
        columns.user,
        cookie_hash(cookie)
    )?;
    tx.commit().await
}

#[derive(FromRow)]
struct Row {
    data: String,
    created_at: DateTime,
    last_used_at: DateTime,
    expires_at: DateTime,
}

/// The session of a cookie, where it has not ended; its idle end moves on.
pub async fn load(b: &Backend, cookie: i128) -> Result<Option<Session>> {
    let now = b.clock.now();
    let hash = cookie_hash(cookie);
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        Row,
        "SELECT data, created_at, last_used_at, expires_at FROM session
         WHERE id_hash = $1 AND expires_at > $2",
        &hash,
        now
    )?;
    drop(tx);
    let Some(row) = row else { return Ok(None) };
    let mut expires_at = row.expires_at;
    if now - row.last_used_at >= USE_NOTED_EVERY {
        expires_at = columns(&row.data)?.ends(row.created_at, now);
        let mut tx = b.db.write().await?;
        execute!(
            &mut tx,
            "UPDATE session SET last_used_at = $1, expires_at = $2 WHERE id_hash = $3",
            now,
            expires_at,
            hash
        )?;
        tx.commit().await?;
    }
    Ok(Some(Session {
        data: row.data,
        expires_at,
    }))
}

/// Ends the session of a cookie.
pub async fn delete(b: &Backend, cookie: i128) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "DELETE FROM session WHERE id_hash = $1",
        cookie_hash(cookie)
    )?;
    tx.commit().await
}

/// Removes the rows of sessions that have ended; answers how many.
pub async fn delete_expired(b: &Backend) -> Result<u64> {
    let mut tx = b.db.write().await?;
    let gone = execute!(
        &mut tx,
        "DELETE FROM session WHERE expires_at <= $1",
        b.clock.now()
    )?;
    tx.commit().await?;
    Ok(gone)
}

/// The public id of a cookie's session.
pub async fn public_id(b: &Backend, cookie: i128) -> Result<Option<Uuid>> {
    let mut tx = b.db.read().await?;
    let row = fetch_optional!(
        &mut tx,
        (Uuid,),
        "SELECT id FROM session WHERE id_hash = $1",
        cookie_hash(cookie)
    )?;
    Ok(row.map(|(id,)| id))
}

#[derive(FromRow)]
struct LineRow {
    id: Uuid,
    user_agent: String,
    address: Option<String>,
    created_at: DateTime,
    last_used_at: DateTime,
}

/// The sessions of the operator who asks, the last used first. `current` is the public id of the
/// one that asks.
pub async fn list(b: &Backend, scope: &Scope, current: Option<Uuid>) -> Result<Vec<SessionLine>> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    let mut tx = b.db.read().await?;
    lines(&mut tx, operator, current, b.clock.now()).await
}

/// The sessions of an operator, the last used first.
pub(crate) async fn lines(
    tx: &mut Tx,
    operator: OperatorId,
    current: Option<Uuid>,
    now: DateTime,
) -> Result<Vec<SessionLine>> {
    lines_of(tx, Whose::Operator(operator), current, now).await
}

/// Whose sessions, and second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Operator(OperatorId),
    /// A user of a directory.
    User(UserId),
}

impl Whose {
    /// The id, of whichever they are.
    pub fn id(self) -> Uuid {
        match self {
            Self::Operator(id) => id.0,
            Self::User(id) => id.0,
        }
    }

    /// The operator, where they are one.
    pub fn operator(self) -> Option<OperatorId> {
        match self {
            Self::Operator(id) => Some(id),
            Self::User(_) => None,
        }
    }

    /// The user of a directory, where they are one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Operator(_) => None,
            Self::User(id) => Some(id),
        }
    }
}

/// The same for users of a directory too.
pub(crate) async fn lines_of(
    tx: &mut Tx,
    whose: Whose,
    current: Option<Uuid>,
    now: DateTime,
) -> Result<Vec<SessionLine>> {
    let rows = fetch_all!(
        tx,
        LineRow,
        "SELECT id, user_agent, address, created_at, last_used_at FROM session
         WHERE (operator_id = $1 OR user_id = $1) AND expires_at > $2
         ORDER BY last_used_at DESC, id",
        whose.id(),
        now
    )?;
    let line = |row: LineRow| SessionLine {
        id: row.id,
        current: current == Some(row.id),
        user_agent: row.user_agent,
        address: row.address,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Ends one of the sessions of the operator who asks: they prove first that it is them, since whoever
/// sits at a browser left open could throw its owner out elsewhere.
pub async fn end(b: &Backend, scope: &Scope, id: Uuid) -> Result<()> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    scope.require_recent_proof(b.clock.now())?;
    let mut tx = b.db.write().await?;
    if !end_in(&mut tx, operator, id).await? {
        return Err(Error::NotFound("session"));
    }
    let entry = Entry::new(AuditAction::SessionEnd, id, scope.actor_name());
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await
}

/// Ends one of an operator's sessions; false where they have no such session.
pub(crate) async fn end_in(tx: &mut Tx, operator: OperatorId, id: Uuid) -> Result<bool> {
    let ended = execute!(
        tx,
        "DELETE FROM session WHERE id = $1 AND operator_id = $2",
        id,
        operator
    )?;
    Ok(ended == 1)
}

/// Ends every session of the operator who asks but `keep`; answers how many.
pub async fn end_all_others(b: &Backend, scope: &Scope, keep: Option<Uuid>) -> Result<u64> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    scope.require_recent_proof(b.clock.now())?;
    let mut tx = b.db.write().await?;
    let ended = end_others_in(&mut tx, Whose::Operator(operator), keep).await?;
    let entry = Entry::of_whole(AuditAction::SessionEndOthers, scope.actor_name())
        .changes(AuditChanges::none().now("ended", &ended));
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends the session of a cookie whose operator signs out.
pub async fn sign_out(b: &Backend, scope: &Scope, cookie: i128) -> Result<()> {
    let operator = scope.operator_id().ok_or(Error::SignedOut)?;
    let mut tx = b.db.write().await?;
    let ended = execute!(
        &mut tx,
        "DELETE FROM session WHERE id_hash = $1 AND operator_id = $2",
        cookie_hash(cookie),
        operator
    )?;
    if ended > 0 {
        let action = AuditAction::OperatorSignOut;
        let entry = Entry::new(action, operator.0, scope.actor_name());
        audit::record(b, &mut tx, scope, entry).await?;
    }
    tx.commit().await
}

pub(crate) async fn end_others_in(tx: &mut Tx, whose: Whose, keep: Option<Uuid>) -> Result<u64> {
    execute!(
        tx,
        "DELETE FROM session
          WHERE (operator_id = $1 OR user_id = $1) AND ($2 IS NULL OR id <> $2)",
        whose.id(),
        keep
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db_test;

    fn signed_in(operator: OperatorId) -> String {
        format!(r#"{{"operator_id":"{operator}","user_agent":"Browser 1"}}"#)
    }

    db_test!(a_session_lives_while_it_is_used_and_ends_for_good, |t| {
        let mina = signed_in(t.owner().await.operator_id().unwrap());
        let later = mina.replace("Browser 1", "Browser 2");
        assert!(create(&t, 7, &mina).await.unwrap());
        assert!(!create(&t, 7, &mina).await.unwrap(), "the number is taken");
        assert_eq!(load(&t, 8).await.unwrap(), None);
        save(&t, 7, &later).await.unwrap();
        for _ in 0..14 {
            t.clock.advance(IDLE - Duration::minutes(5));
            let session = load(&t, 7).await.unwrap();
            assert_eq!(session.map(|s| s.data), Some(later.clone()));
        }
        t.clock.advance(IDLE - Duration::minutes(5));
        assert_eq!(load(&t, 7).await.unwrap(), None, "the absolute end");

        assert!(create(&t, -9, &mina).await.unwrap());
        t.clock.advance(IDLE);
        assert_eq!(load(&t, -9).await.unwrap(), None, "the idle end");
        assert_eq!(delete_expired(&t).await.unwrap(), 2);

        // Nobody's.
        assert!(create(&t, 5, "{}").await.unwrap());
        t.clock.advance(IDLE_OF_STRANGERS - Duration::minutes(5));
        assert!(load(&t, 5).await.unwrap().is_some());
        t.clock.advance(IDLE_OF_STRANGERS);
        assert_eq!(load(&t, 5).await.unwrap(), None, "a stranger’s idle end");
        assert_eq!(delete_expired(&t).await.unwrap(), 1);

        assert!(create(&t, 7, "{}").await.unwrap());
        delete(&t, 7).await.unwrap();
        save(&t, 7, "{}").await.unwrap();
        assert_eq!(load(&t, 7).await.unwrap(), None, "saving revives nothing");
    });

    db_test!(
        a_session_by_a_provider_ends_sooner_and_a_new_number_makes_none_younger,
        |t| {
            let mina = t.owner().await.operator_id().unwrap();
            let data = |by_provider: bool| {
                let begun_at = t.clock.now();
                serde_json::json!({
                    OPERATOR: mina, BEGUN_AT: begun_at, BY_PROVIDER: by_provider,
                })
                .to_string()
            };
            let (by_provider, by_password) = (data(true), data(false));
            create(&t, 1, &by_provider).await.unwrap();
            create(&t, 2, &by_password).await.unwrap();
            t.clock.advance(Duration::hours(11));
            // A new number for the same session.
            create(&t, 3, &by_provider).await.unwrap();
            create(&t, 4, &by_password).await.unwrap();
            for cookie in 1..=4 {
                assert!(load(&t, cookie).await.unwrap().is_some(), "{cookie}");
            }
            let lines = list(&t, &t.scope_of(mina).await, None).await.unwrap();
            assert!(
                lines
                    .iter()
                    .all(|line| line.created_at == crate::testing::start())
            );
            t.clock.advance(Duration::hours(1));
            for (cookie, left) in [(1, false), (2, true), (3, false), (4, true)] {
                assert_eq!(load(&t, cookie).await.unwrap().is_some(), left, "{cookie}");
            }
            for _ in 0..13 {
                t.clock.advance(Duration::hours(11));
                load(&t, 4).await.unwrap();
            }
            t.clock.advance(Duration::hours(13));
            assert_eq!(
                load(&t, 4).await.unwrap(),
                None,
                "seven days after she signed in"
            );
        }
    );

    db_test!(operators_see_and_end_their_own_sessions_only, |t| {
        let (mina, noor) = (t.owner().await, t.owner().await);
        for (cookie, scope) in [(1, &mina), (2, &mina), (3, &mina), (4, &noor)] {
            let data = signed_in(scope.operator_id().unwrap());
            create(&t, cookie, &data).await.unwrap();
            t.clock.advance(Duration::seconds(1));
        }
        let here = public_id(&t, 2).await.unwrap();
        let lines = list(&t, &mina, here).await.unwrap();
        let current: Vec<_> = lines.iter().map(|line| line.current).collect();
        assert_eq!(current, [false, true, false]);
        assert_eq!(lines[0].user_agent, "Browser 1");

        let refused = end(&t, &noor, lines[0].id).await;
        assert!(matches!(refused, Err(Error::NotFound("session"))));
        end(&t, &mina, lines[0].id).await.unwrap();
        assert_eq!(end_all_others(&t, &mina, here).await.unwrap(), 1);
        assert_eq!(list(&t, &mina, here).await.unwrap().len(), 1);
        assert_eq!(list(&t, &noor, None).await.unwrap().len(), 1);
    });

    db_test!(the_cookie_is_nowhere_in_the_table, |t| {
        create(&t, 0x0102_0304_0506_0708, "{}").await.unwrap();
        let mut tx = t.db.read().await.unwrap();
        let rows = fetch_all!(&mut tx, (Vec<u8>,), "SELECT id_hash FROM session").unwrap();
        assert_eq!(rows, [(cookie_hash(0x0102_0304_0506_0708),)]);
    });
}
