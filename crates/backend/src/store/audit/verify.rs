//! Whether the audit log is as it was written: every day, every chain, every entry.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use domain::{DateTime, id::CustomerId};
use sqlx::FromRow;

use super::{
    RETENTION_DAYS_MIN,
    chain::{BEGINNING, COLUMNS, ChainEnd, NOBODYS, Row, Walk, day_head},
    customer_name,
    days::{AuditHead, ends, head_in},
};
use crate::{Backend, Result, Tx, fetch_all, fetch_scalar};

/// Entries that a step reads.
const STEP: i64 = 1_000;
/// Places that are told; more say no more.
const BROKEN_MAX: usize = 100;

/// A place where the log is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The day, as `YYYY-MM-DD`.
    pub day: String,
    /// The chain: a customer with its name where it is known; none for what belongs to no customer,
    /// and for the day as a whole.
    pub customer: Option<(CustomerId, Option<String>)>,
    /// What is wrong, in words.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.customer {
            None => write!(f, "{}: {}", self.day, self.what),
            Some((NOBODYS, _)) => write!(f, "{}, no customer: {}", self.day, self.what),
            Some((id, Some(name))) => write!(f, "{}, {name} ({id}): {}", self.day, self.what),
            Some((id, None)) => write!(f, "{}, customer {id}: {}", self.day, self.what),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Entries that were looked at.
    pub entries: i64,
    /// Days whose entries were looked at.
    pub days: i64,
    /// Days that retention has removed, of which only the heads could be looked at.
    pub dropped_days: i64,
    /// The head of the last day that is over.
    pub head: Option<AuditHead>,
    /// Where it is broken; nowhere: the log holds.
    pub broken: Vec<Broken>,
}

impl Verified {
    /// Whether the log is as it was written, as far as it proves itself.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    fn note(&mut self, day: &str, what: impl Into<String>) {
        self.note_of(day, None, what.into());
    }

    fn note_of(&mut self, day: &str, customer: Option<(CustomerId, Option<String>)>, what: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken {
                day: day.to_owned(),
                customer,
                what,
            });
        }
    }
}

#[derive(Debug, FromRow)]
#[expect(clippy::struct_field_names, reason = "named as its columns")]
struct Day {
    day: String,
    previous: Vec<u8>,
    head: Option<Vec<u8>>,
    dropped_at: Option<DateTime>,
}

/// Looks at the whole log. `expected`: a head that was kept elsewhere, which the log must still
/// have. For the command line, whose caller owns the database.
pub async fn verify(b: &Backend, expected: Option<&AuditHead>) -> Result<Verified> {
    let mut tx = b.db.read_standing().await?;
    let days = fetch_all!(
        &mut tx,
        Day,
        "SELECT day, previous, head, dropped_at FROM audit_day ORDER BY day"
    )?;
    let mut found = Verified {
        head: head_in(&mut tx).await?,
        ..Verified::default()
    };
    links(&days, b.clock.now(), &mut found);
    if let Some(expected) = expected {
        is_there(expected, &days, &mut found);
    }
    for day in &days {
        if day.dropped_at.is_some() {
            found.dropped_days += 1;
        } else {
            found.days += 1;
            entries_of(&mut tx, day, &mut found).await?;
        }
    }
    outside(&mut tx, b.clock.now(), &mut found).await?;
    Ok(found)
}

/// How the days hang together.
fn links(days: &[Day], now: DateTime, found: &mut Verified) {
    let mut before: Option<&Day> = None;
    for day in days {
        let previous = match before {
            None => Some(BEGINNING.as_slice()),
            Some(before) => before.head.as_deref(),
        };
        match previous {
            Some(previous) if previous == day.previous => {}
            Some(_) => found.note(
                &day.day,
                "it does not begin with the head of the day before: a day was changed or removed",
            ),
            None => found.note(&day.day, "it was begun before the day before was over"),
        }
        if let Some(dropped_at) = day.dropped_at {
            if before.is_some_and(|before| before.dropped_at.is_none()) {
                found.note(
                    &day.day,
                    "its entries were removed before those of the day before",
                );
            }
            if day.head.is_none() || !is_old(&day.day, dropped_at.min(now)) {
                found.note(
                    &day.day,
                    format!(
                        "its entries were removed before they were {RETENTION_DAYS_MIN} days old, which retention never does"
                    ),
                );
            }
        }
        before = Some(day);
    }
}

fn is_old(day: &str, dropped_at: DateTime) -> bool {
    day.parse::<NaiveDate>().is_ok_and(|day| {
        dropped_at.date_naive() - day >= Duration::days(i64::from(RETENTION_DAYS_MIN))
    })
}

fn is_there(expected: &AuditHead, days: &[Day], found: &mut Verified) {
    let what = match days.iter().find(|day| day.day == expected.day) {
        Some(day) if day.head.as_deref() == Some(&expected.hash) => return,
        Some(_) => "its head is not the expected one: the log up to this day was rewritten",
        None => "there is no such day, which the expected head is of: the log was rewritten or cut",
    };
    found.note(&expected.day, what);
}

/// Every chain of a day.
async fn entries_of(tx: &mut Tx, day: &Day, found: &mut Verified) -> Result<()> {
    let ends = ends(tx, &day.day).await?;
    let head = day_head(&day.day, &day.previous, &ends);
    if day.head.as_ref().is_some_and(|kept| *kept != head) {
        found.note(
            &day.day,
            "its head does not fit its chains: a chain was changed, added or removed",
        );
    }
    let mut ends: BTreeMap<CustomerId, ChainEnd> =
        ends.into_iter().map(|end| (end.customer_id, end)).collect();
    let mut at: Option<(CustomerId, Walk, bool)> = None;
    let mut after = (NOBODYS, -1);
    loop {
        let rows = step(tx, &day.day, after).await?;
        let Some(last) = rows.last() else { break };
        after = (last.customer_id, last.position);
        for row in &rows {
            if at.as_ref().is_none_or(|(of, ..)| *of != row.customer_id) {
                ended(tx, &day.day, at.take(), &mut ends, found).await?;
                let walk = Walk::new(row.customer_id, &day.day, &day.previous);
                at = Some((row.customer_id, walk, true));
            }
            found.entries += 1;
            if let Some((customer, walk, whole)) = &mut at
                && let Err(what) = walk.look(row)
            {
                *whole = false;
                let name = customer_name(tx, *customer).await?;
                found.note_of(&day.day, Some((*customer, name)), what);
            }
        }
    }
    ended(tx, &day.day, at, &mut ends, found).await?;
    for (customer, end) in ends {
        let name = customer_name(tx, customer).await?;
        let what = format!("all of its {} entries are missing", end.entries);
        found.note_of(&day.day, Some((customer, name)), what);
    }
    Ok(())
}

/// Looks at the end of a chain that was gone along.
async fn ended(
    tx: &mut Tx,
    day: &str,
    at: Option<(CustomerId, Walk, bool)>,
    ends: &mut BTreeMap<CustomerId, ChainEnd>,
    found: &mut Verified,
) -> Result<()> {
    let Some((customer, walk, whole)) = at else {
        return Ok(());
    };
    let wrong = match ends.remove(&customer) {
        None => Err("entries of a chain that was never begun".to_owned()),
        // What is wrong inside was told.
        Some(end) if whole => walk.end(&end),
        Some(_) => Ok(()),
    };
    if let Err(what) = wrong {
        let name = customer_name(tx, customer).await?;
        found.note_of(day, Some((customer, name)), what);
    }
    Ok(())
}

/// The next entries of a day, in the order of its chains.
async fn step(tx: &mut Tx, day: &str, after: (CustomerId, i64)) -> Result<Vec<Row>> {
    fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM audit_event e
              WHERE e.day = $1 AND (e.customer_id, e.position) > ($2, $3)
              ORDER BY e.customer_id, e.position LIMIT $4"
        )),
        day,
        after.0,
        after.1,
        STEP
    )
}

/// Hours that the entries of a dropped day take to go, at most.
const DROPPED_WITHIN_HOURS: i64 = 24;

/// Entries and chains of days that there are not, and entries that came to a dropped day.
async fn outside(tx: &mut Tx, now: DateTime, found: &mut Verified) -> Result<()> {
    let too_late = fetch_all!(
        &mut *tx,
        (String,),
        "SELECT DISTINCT e.day FROM audit_event e JOIN audit_day d ON d.day = e.day
          WHERE d.dropped_at < $1 ORDER BY e.day",
        now - Duration::hours(DROPPED_WITHIN_HOURS)
    )?;
    for (day,) in too_late {
        found.note(&day, "it has entries, though retention removed them all");
    }
    for (table, what) in [
        ("audit_event", "entries of a day that was never begun"),
        ("audit_chain", "chains of a day that was never begun"),
    ] {
        let days = fetch_all!(
            &mut *tx,
            (String,),
            sqlx::AssertSqlSafe(format!(
                "SELECT DISTINCT t.day FROM {table} t
                  WHERE NOT EXISTS (SELECT 1 FROM audit_day d WHERE d.day = t.day) ORDER BY t.day"
            ))
        )?;
        for (day,) in days {
            found.note(&day, what);
        }
    }
    let open = fetch_scalar!(tx, i64, "SELECT COUNT(*) FROM audit_day WHERE head IS NULL")?;
    if open > 1 {
        found.note("open days", format!("{open} days are open at once"));
    }
    Ok(())
}
