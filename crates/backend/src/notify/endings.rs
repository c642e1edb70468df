//! Warnings of secrets and certificates that end, [`WARNED_DAYS`] days before, each once.
//!
//! [`WARNED_DAYS`]: domain::credential_profile::WARNED_DAYS

use domain::{
    DateTime,
    credential_profile::{CredentialKind, WARNED_DAYS, warned_days},
    id::{CredentialProfileId, CustomerId},
};
use sqlx::FromRow;

use super::{
    message::{AboutProfile, Ending, Message, Named},
    outbox,
};
use crate::{
    Backend, Result, Tx, execute, fetch_all, fetch_optional, store::credential_profiles::ends_at,
};

/// A profile that ends soon.
#[derive(FromRow)]
struct Row {
    name: String,
    customer_id: Option<CustomerId>,
    customer_name: Option<String>,
    kind: CredentialKind,
    ends_at: DateTime,
    next_untested: bool,
    used_by: i64,
    warned_of: Option<DateTime>,
    warned_days: Option<i64>,
}

/// Those that end between `$1` and `$2`, and whose customer isn’t in the bin.
const ENDING: &str = concat!(
    "FROM credential_profile p LEFT JOIN customer c ON c.id = p.customer_id
      WHERE c.deleted_at IS NULL AND ",
    ends_at!(),
    " > $1 AND ",
    ends_at!(),
    " <= $2"
);

/// Puts what is to be warned of into the outbox, a transaction for each profile. Answers how many
/// warnings there were.
pub(crate) async fn warn(b: &Backend) -> Result<usize> {
    let now = b.clock.now();
    let until = now + chrono::Duration::days(WARNED_DAYS[0]);
    let ending = fetch_all!(
        &mut b.db.read().await?,
        (CredentialProfileId,),
        sqlx::AssertSqlSafe(format!("SELECT p.id {ENDING} ORDER BY p.id")),
        now,
        until
    )?;
    let mut warned = 0;
    for (id,) in ending {
        let mut tx = b.db.write().await?;
        if warn_of(b, &mut tx, id, (now, until)).await? {
            tx.commit().await?;
            warned += 1;
        }
    }
    Ok(warned)
}

/// Warns of one profile, unless it is known. False where there is nothing to tell.
async fn warn_of(
    b: &Backend,
    tx: &mut Tx,
    id: CredentialProfileId,
    (now, until): (DateTime, DateTime),
) -> Result<bool> {
    tx.hold("credential_profile", id.0).await?;
    let row = fetch_optional!(
        &mut *tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT p.name, p.customer_id, c.name AS customer_name, p.kind, {} AS ends_at,
                    p.second_id IS NOT NULL AND p.second_replaced_at IS NULL
                      AND p.second_tested_at IS NULL AS next_untested,
                    (SELECT COUNT(*) FROM integration i
                      WHERE i.credential_profile_id = p.id) AS used_by,
                    p.warned_of, p.warned_days {ENDING} AND p.id = $3",
            ends_at!()
        )),
        now,
        until,
        id
    )?;
    let Some(row) = row else { return Ok(false) };
    let Some(days) = warned_days(now, row.ends_at) else {
        return Ok(false);
    };
    let known = row.warned_of == Some(row.ends_at) && row.warned_days.is_some_and(|w| w <= days);
    if known {
        return Ok(false);
    }
    execute!(
        &mut *tx,
        "UPDATE credential_profile SET warned_of = $2, warned_days = $3 WHERE id = $1",
        id,
        row.ends_at,
        days
    )?;
    let about = AboutProfile {
        customer: row
            .customer_id
            .zip(row.customer_name)
            .map(|(id, name)| Named { id, name }),
        profile: Named { id, name: row.name },
    };
    let ending = Ending {
        kind: row.kind,
        ends_at: row.ends_at,
        used_by: row.used_by,
        next_untested: row.next_untested,
    };
    let message = Message::secret_ends(about, now, ending);
    outbox::put(b, tx, &message).await?;
    Ok(true)
}

#[cfg(test)]
#[path = "endings_tests.rs"]
mod tests;
