//! Whether every secret is sealed with the present key, and opens: `rollcall secrets check`.

use uuid::Uuid;

use super::{
    Place, key_of,
    keys::KeyId,
    places::{COLUMNS, Column},
    rotation::{BATCH, Row, named, some_of},
};
use crate::{Backend, Error, Result, Tx, fetch_all};

/// What a check of all secrets found.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// Secrets that are sealed with the key of the database and open.
    pub good: u64,
    /// The key’s name.
    pub key: String,
}

/// Opens every secret: proves that each is sealed with the key the database names and with no
/// other. [`Error::Conflict`] says what isn’t.
pub async fn check(b: &Backend) -> Result<Checked> {
    let mut tx = b.db.read().await?;
    let named = named(&mut tx)
        .await?
        .ok_or_else(|| Error::Internal("the database names no key".to_owned()))?;
    let id = KeyId::of(&named.master_key_fingerprint);
    if named.previous_master_key_fingerprint.is_some() {
        return Err(Error::conflict(
            "A rotation of the master key is under way. Finish it with `rollcall secrets rotate`.",
        ));
    }
    let (mut good, mut bad) = (0, Vec::new());
    for column in COLUMNS {
        let mut after = Uuid::nil();
        loop {
            let rows = sealed(&mut tx, column, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in rows {
                let place = Place::new(column, row.id);
                let current = key_of(&row.sealed) == Some(id);
                if current && b.sealer.open(place, &row.sealed).await.is_ok() {
                    good += 1;
                } else {
                    bad.push(place);
                }
            }
        }
    }
    if bad.is_empty() {
        return Ok(Checked {
            good,
            key: id.to_string(),
        });
    }
    Err(Error::conflict(format!(
        "{} of {} secrets don’t open with the key {id}: {}",
        bad.len(),
        good + u64::try_from(bad.len()).unwrap_or_default(),
        some_of(&bad)
    )))
}

async fn sealed(tx: &mut Tx, column: &'static Column, after: Uuid) -> Result<Vec<Row>> {
    let Column {
        table, key, name, ..
    } = column;
    fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {key} AS id, {name} AS sealed FROM {table}
              WHERE {name} IS NOT NULL AND {key} > $1 ORDER BY {key} LIMIT $2"
        )),
        after,
        BATCH
    )
}
