//! The days of the audit log, and how an entry comes to the end of its chain.
//!
//! One day is open. Writers share it, each holding only the end of its own customer's chain; who
//! comes first on a later day waits for them, closes the day with a head over the heads of its
//! chains, and opens the next one, whose chains begin with that head. A clock that is behind writes
//! into the day that is open; so days only go forward.

use chrono::NaiveDate;
use domain::DateTime;
use sqlx::FromRow;

use super::chain::{BEGINNING, ChainEnd, Row, day_head, hash, start};
use crate::{Backend, Error, Result, Tx, execute, fetch_all, fetch_one, fetch_optional};

/// The name under which days are opened and closed by one at a time.
const ROLLING: i64 = 0x0061_7564_6974;

/// A day as text: sorted, it is in order.
pub(super) fn day_of(at: DateTime) -> String {
    at.date_naive().to_string()
}

/// The day that is open, and the head of the one before it.
#[derive(Debug, FromRow)]
struct Open {
    day: String,
    previous: Vec<u8>,
}

/// Gives an entry its place and its hash and moves the end of its chain there. The chain is held
/// until the transaction ends.
pub(super) async fn append(tx: &mut Tx, mut row: Row) -> Result<Row> {
    let open = open_day(tx, &day_of(row.at)).await?;
    let end = fetch_one!(
        &mut *tx,
        ChainEnd,
        "INSERT INTO audit_chain (day, customer_id, entries, head) VALUES ($1, $2, 0, $3)
         ON CONFLICT (day, customer_id) DO UPDATE SET entries = audit_chain.entries
         RETURNING customer_id, entries, head",
        &open.day,
        row.customer_id,
        start(row.customer_id, &open.day, &open.previous)
    )?;
    row.position = end.entries + 1;
    row.day = open.day;
    row.hash = hash(&end.head, &row);
    execute!(
        tx,
        "UPDATE audit_chain SET entries = $3, head = $4 WHERE day = $1 AND customer_id = $2",
        &row.day,
        row.customer_id,
        row.position,
        &row.hash
    )?;
    Ok(row)
}

/// The open day, which stays open until this transaction ends.
async fn open_day(tx: &mut Tx, today: &str) -> Result<Open> {
    if let Some(open) = shared(tx, today).await? {
        return Ok(open);
    }
    tx.hold_name(ROLLING).await?;
    // Somebody else may have opened it meanwhile.
    if let Some(open) = shared(tx, today).await? {
        return Ok(open);
    }
    close_before(tx, today).await?;
    let last = last(tx).await?;
    let open = match last {
        None => Open {
            day: today.to_owned(),
            previous: BEGINNING.to_vec(),
        },
        // A clock that was ahead closed today already.
        Some((last, head)) if last.as_str() >= today => Open {
            day: after(&last)?,
            previous: head.unwrap_or_default(),
        },
        Some((_, head)) => Open {
            day: today.to_owned(),
            previous: head.unwrap_or_default(),
        },
    };
    execute!(
        tx,
        "INSERT INTO audit_day (day, previous) VALUES ($1, $2)",
        &open.day,
        &open.previous
    )?;
    Ok(open)
}

/// The open day where it is today or later; nobody closes it before this transaction ends.
async fn shared(tx: &mut Tx, today: &str) -> Result<Option<Open>> {
    let shared = tx.shared();
    fetch_optional!(
        tx,
        Open,
        sqlx::AssertSqlSafe(format!(
            "SELECT day, previous FROM audit_day WHERE day >= $1 AND head IS NULL {shared}"
        )),
        today
    )
}

/// The last day with its head.
async fn last(tx: &mut Tx) -> Result<Option<(String, Option<Vec<u8>>)>> {
    fetch_optional!(
        tx,
        (String, Option<Vec<u8>>),
        "SELECT day, head FROM audit_day ORDER BY day DESC LIMIT 1"
    )
}

fn after(day: &str) -> Result<String> {
    day.parse::<NaiveDate>()
        .ok()
        .and_then(|day| day.succ_opt())
        .map(|day| day.to_string())
        .ok_or_else(|| Error::Internal(format!("the audit log has a day {day}")))
}

/// Closes what is open before `today`, once whoever writes into it is done. Under [`ROLLING`].
async fn close_before(tx: &mut Tx, today: &str) -> Result<()> {
    let exclusive = tx.exclusive();
    let open = fetch_all!(
        &mut *tx,
        Open,
        sqlx::AssertSqlSafe(format!(
            "SELECT day, previous FROM audit_day WHERE day < $1 AND head IS NULL {exclusive}"
        )),
        today
    )?;
    for Open { day, previous } in open {
        let chains = ends(tx, &day).await?;
        execute!(
            &mut *tx,
            "UPDATE audit_day SET head = $2 WHERE day = $1",
            &day,
            day_head(&day, &previous, &chains)
        )?;
    }
    Ok(())
}

/// Closes what is open before today.
pub(super) async fn close_past(b: &Backend) -> Result<()> {
    let mut tx = b.db.write().await?;
    tx.hold_name(ROLLING).await?;
    close_before(&mut tx, &day_of(b.clock.now())).await?;
    tx.commit().await
}

/// The ends of a day's chains, in the order of their customers' ids.
pub(super) async fn ends(tx: &mut Tx, day: &str) -> Result<Vec<ChainEnd>> {
    fetch_all!(
        tx,
        ChainEnd,
        "SELECT customer_id, entries, head FROM audit_chain WHERE day = $1 ORDER BY customer_id",
        day
    )
}

/// The head of a day that is over. Kept elsewhere, it proves later that nothing up to the end of
/// that day was changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// The day, as `YYYY-MM-DD`.
    pub day: String,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl std::fmt::Display for AuditHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.day, hex::encode(&self.hash))
    }
}

impl std::str::FromStr for AuditHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.trim().split_once(':').and_then(|(day, hash)| {
            let day = day.parse::<NaiveDate>().ok()?.to_string();
            let hash = hex::decode(hash).ok().filter(|hash| hash.len() == 32)?;
            Some(Self { day, hash })
        });
        parsed.ok_or_else(|| {
            "a head is a day and 64 hexadecimal digits, as rollcall audit head prints it".to_owned()
        })
    }
}

/// The head of the last day that is over; none while there is no such day. For the command line,
/// whose caller owns the database.
pub async fn head(b: &Backend) -> Result<Option<AuditHead>> {
    let mut tx = b.db.read().await?;
    head_in(&mut tx).await
}

pub(super) async fn head_in(tx: &mut Tx) -> Result<Option<AuditHead>> {
    let row = fetch_optional!(
        tx,
        (String, Vec<u8>),
        "SELECT day, head FROM audit_day WHERE head IS NOT NULL ORDER BY day DESC LIMIT 1"
    )?;
    Ok(row.map(|(day, hash)| AuditHead { day, hash }))
}
