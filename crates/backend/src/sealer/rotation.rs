//! Rotating the master key while everything runs: `rollcall secrets rotate`.
//!
//! 1. The new key is made beside the old one, or is there already.
//! 2. The database names the new key, and the old one as the one before. From this commit on
//!    everybody seals with the new key and opens with either.
//! 3. Every sealed column is re-sealed, some rows a transaction.
//! 4. In one transaction: nothing sealed with another key is left, and the old key is forgotten.
//! 5. The new key’s file takes the name of the old one’s.
//!
//! Killed at any moment, it goes on from what database and files say when it is called again.

use std::{path::PathBuf, sync::Arc};

use domain::audit::AuditAction;
use secrecy::SecretString;
use uuid::Uuid;

pub use super::check::{Checked, check};
use super::{
    Place, Sealer,
    keys::{self, Found, KeyId, MasterKey, MasterKeySource},
    places::{COLUMNS, Column},
    prefix,
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute, fetch_all, fetch_optional, fetch_scalar,
    store::audit::{self, Entry},
};

/// Secrets that are re-sealed in one transaction. Tests have few, and several transactions.
pub(super) const BATCH: i64 = if cfg!(test) { 3 } else { 50 };
/// Places that a refusal names; the rest it counts.
const NAMED_MAX: usize = 5;

/// Where the new key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The file `<master_key_file>.new`, made where it is missing.
    File,
    /// `master_key_command`, which prints the present key and the new one.
    Command,
}

/// What a rotation did.
#[derive(Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Secrets that were re-sealed by this call.
    pub resealed: u64,
    /// The new key’s name.
    pub key: String,
    /// Where the old key is kept now; none where it was in no file, or was deleted.
    pub old_key_file: Option<PathBuf>,
}

/// What the database says of its keys.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Named {
    /// What seals now.
    pub master_key_fingerprint: Vec<u8>,
    /// What sealed before, while a rotation is under way.
    pub previous_master_key_fingerprint: Option<Vec<u8>>,
}

/// What the database says of its keys; none before it has one.
pub(crate) async fn named(tx: &mut Tx) -> Result<Option<Named>> {
    fetch_optional!(
        tx,
        Named,
        "SELECT master_key_fingerprint, previous_master_key_fingerprint FROM installation"
    )
}

/// Makes the next key’s file and nothing else, so that it can be brought to other machines before
/// the rotation. Answers the file.
pub async fn prepare(b: &Backend, source: &MasterKeySource) -> Result<PathBuf> {
    let mut tx = b.db.read().await?;
    let named = named(&mut tx).await?;
    drop(tx);
    let (file, found) = (source.next_file(), source.find().await?);
    let in_use = found.next.as_ref().is_some_and(|next| {
        named.is_some_and(|named| named.master_key_fingerprint == next.fingerprint())
    });
    if in_use {
        return Err(Error::conflict(format!(
            "{} holds the key that seals already: a rotation is under way. Finish it with `rollcall secrets rotate`.",
            file.display()
        )));
    }
    keys::make_or_read(&file, &b.ids)?;
    Ok(file)
}

/// Rotates the master key, or goes on with a rotation that was begun. `told` is called now and then
/// with how many were re-sealed and how many there are.
pub async fn rotate(
    b: &Backend,
    source: &MasterKeySource,
    to: To,
    delete_old: bool,
    mut told: impl FnMut(u64, u64),
) -> Result<Rotated> {
    let new = match begun(b, source).await? {
        Begun::UnderWay(new) => new,
        Begun::Finished(key) => {
            let old_key_file = swap_files(source, &key, delete_old).await?;
            return Ok(Rotated {
                resealed: 0,
                key: key.id().to_string(),
                old_key_file,
            });
        }
        Begun::No(old) => begin(b, source, to, &old).await?,
    };
    b.sealer.learn(&new);
    let total = stale_in_all(&mut b.db.read().await?, &new).await?;
    let mut resealed = 0;
    loop {
        let pass = reseal(b, &new, |batch| {
            resealed += batch;
            told(resealed, total);
        })
        .await?;
        if pass.resealed == 0 && !pass.closed.is_empty() {
            return Err(closed(&pass.closed));
        }
        if finish(b, &new).await? {
            break;
        }
    }
    Ok(Rotated {
        resealed,
        key: new.id().to_string(),
        old_key_file: swap_files(source, &new, delete_old).await?,
    })
}

/// How far a rotation is.
enum Begun {
    /// None: this key seals.
    No(Vec<u8>),
    /// The database names this key, and the one before.
    UnderWay(Arc<MasterKey>),
    /// Everything is sealed with this key, whose file isn’t where it belongs yet.
    Finished(Arc<MasterKey>),
}

async fn begun(b: &Backend, source: &MasterKeySource) -> Result<Begun> {
    let found = source.find().await?;
    let named = named(&mut b.db.read().await?).await?;
    let named = named.ok_or_else(|| Error::Internal("the database names no key".to_owned()))?;
    let sealing = &named.master_key_fingerprint;
    if named.previous_master_key_fingerprint.is_some() {
        let key = found
            .with(sealing)
            .ok_or_else(|| missing(source, sealing))?;
        return Ok(Begun::UnderWay(key.clone()));
    }
    match found.next {
        Some(next) if next.fingerprint() == sealing.as_slice() => Ok(Begun::Finished(next)),
        _ => Ok(Begun::No(named.master_key_fingerprint)),
    }
}

/// Has the database name the new key, with the old one as the one before.
async fn begin(
    b: &Backend,
    source: &MasterKeySource,
    to: To,
    old: &[u8],
) -> Result<Arc<MasterKey>> {
    let new = match to {
        To::File => keys::make_or_read(&source.next_file(), &b.ids)?,
        To::Command => other_of(source, &source.find().await?, old)?,
    };
    let mut tx = b.db.write().await?;
    let changed = execute!(
        &mut tx,
        "UPDATE installation SET previous_master_key_fingerprint = master_key_fingerprint,
                master_key_fingerprint = $1
          WHERE master_key_fingerprint = $2 AND previous_master_key_fingerprint IS NULL",
        new.fingerprint().to_vec(),
        old.to_vec()
    )?;
    if changed == 0 {
        return Err(Error::conflict(
            "Another rotation of the master key began at this moment. Look what became of it with `rollcall secrets check`.",
        ));
    }
    // Whatever happened to the files meanwhile: a key that is nowhere must not become the one.
    if source.find().await?.with(new.fingerprint()).is_none() {
        return Err(missing(source, new.fingerprint()));
    }
    let subject = format!("{} to {}: begun", super::key_name(old), new.id());
    record(b, &mut tx, &subject).await?;
    tx.commit().await?;
    Ok(new)
}

/// The one key that the command prints beside the present one.
fn other_of(source: &MasterKeySource, found: &Found, old: &[u8]) -> Result<Arc<MasterKey>> {
    let others: Vec<_> = found
        .command
        .iter()
        .filter(|key| key.fingerprint() != old)
        .collect();
    match others[..] {
        [one] => Ok(one.clone()),
        [] => Err(Error::configuration(
            "master_key_command",
            &format!(
                "{} prints no key but the present one; have it print the new one too, on a line of its own, until the rotation is done",
                source.name()
            ),
        )),
        _ => Err(Error::configuration(
            "master_key_command",
            &format!(
                "{} prints several keys that aren’t in use; have it print the present one and the new one only",
                source.name()
            ),
        )),
    }
}

async fn record(b: &Backend, tx: &mut Tx, subject: &str) -> Result<()> {
    let scope = Scope::command_line();
    let entry = Entry::of_whole(AuditAction::InstallationRotateMasterKey, "").note(subject);
    audit::record(b, tx, &scope, entry).await
}

fn missing(source: &MasterKeySource, fingerprint: &[u8]) -> Error {
    Error::configuration(
        source.setting(),
        &format!(
            "{} doesn’t give the key {}, which the database seals with",
            source.name(),
            super::key_name(fingerprint)
        ),
    )
}

/// What one pass over all columns came to.
#[derive(Default)]
struct Pass {
    resealed: u64,
    /// What opens with no key.
    closed: Vec<Place>,
}

/// A sealed secret as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: Uuid,
    pub sealed: Vec<u8>,
}

/// Re-seals what is sealed with another key, some rows a transaction.
async fn reseal(b: &Backend, new: &MasterKey, mut told: impl FnMut(u64)) -> Result<Pass> {
    let mut pass = Pass::default();
    for column in COLUMNS {
        let mut after = Uuid::nil();
        loop {
            let mut tx = b.db.write().await?;
            let rows = stale(&mut tx, column, new, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let mut batch = 0;
            for row in rows {
                let place = Place::new(column, row.id);
                let Ok(secret) = b.sealer.open_known(place, &row.sealed) else {
                    pass.closed.push(place);
                    continue;
                };
                batch += replace(&b.sealer, &mut tx, column, new, &row, &secret).await?;
            }
            if batch > 0 {
                tx.commit().await?;
                pass.resealed += batch;
                told(batch);
            }
        }
    }
    Ok(pass)
}

/// Puts the re-sealed secret in the place of the one that was read, unless another is there now.
async fn replace(
    sealer: &Sealer,
    tx: &mut Tx,
    column: &'static Column,
    new: &MasterKey,
    row: &Row,
    secret: &SecretString,
) -> Result<u64> {
    let Column {
        table, key, name, ..
    } = column;
    execute!(
        tx,
        sqlx::AssertSqlSafe(format!(
            "UPDATE {table} SET {name} = $1 WHERE {key} = $2 AND {name} = $3"
        )),
        sealer.seal_with(new, Place::new(column, row.id), secret)?,
        row.id,
        row.sealed.clone()
    )
}

async fn stale(
    tx: &mut Tx,
    column: &'static Column,
    new: &MasterKey,
    after: Uuid,
) -> Result<Vec<Row>> {
    let Column { key, .. } = column;
    fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {key} AS id, {} AS sealed FROM {} AND {key} > $2 ORDER BY {key} LIMIT $3",
            column.name,
            of_another_key(column)
        )),
        prefix(new.id()).to_vec(),
        after,
        BATCH
    )
}

/// The rows of a column whose secret is not sealed with the key of prefix `$1`.
fn of_another_key(column: &'static Column) -> String {
    let Column { table, name, .. } = column;
    format!(
        "{table} WHERE {name} IS NOT NULL AND substr({name}, 1, {}) <> $1",
        super::PREFIX_BYTES
    )
}

async fn stale_in_all(tx: &mut Tx, new: &MasterKey) -> Result<u64> {
    let mut all = 0;
    for column in COLUMNS {
        let number = fetch_scalar!(
            &mut *tx,
            i64,
            sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", of_another_key(column))),
            prefix(new.id()).to_vec()
        )?;
        all += u64::try_from(number).unwrap_or_default();
    }
    Ok(all)
}

/// Forgets the old key, where nothing sealed with it is left: false where something is. Whoever
/// stores a secret holds the row that is changed first until it is stored, and so is counted.
async fn finish(b: &Backend, new: &MasterKey) -> Result<bool> {
    let mut tx = b.db.write().await?;
    let Some(old) = named(&mut tx)
        .await?
        .and_then(|named| named.previous_master_key_fingerprint)
    else {
        // Another call was faster.
        return Ok(true);
    };
    let ended = execute!(
        &mut tx,
        "UPDATE installation SET previous_master_key_fingerprint = NULL,
                master_key_rotated_at = $2
          WHERE master_key_fingerprint = $1 AND previous_master_key_fingerprint IS NOT NULL",
        new.fingerprint().to_vec(),
        b.clock.now()
    )?;
    if ended == 0 {
        return Ok(true);
    }
    if stale_in_all(&mut tx, new).await? > 0 {
        return Ok(false);
    }
    let subject = format!("{} to {}: done", super::key_name(&old), new.id());
    record(b, &mut tx, &subject).await?;
    tx.commit().await?;
    Ok(true)
}

/// What opens with no key keeps a rotation from its end: the old key might be needed yet.
fn closed(places: &[Place]) -> Error {
    Error::conflict(format!(
        "Everything else is re-sealed, but these open with neither key: {}. Enter those secrets anew, or delete what they belong to, and call it again.",
        some_of(places)
    ))
}

/// The first places by name, and how many more there are.
pub(super) fn some_of(places: &[Place]) -> String {
    let named: Vec<String> = places
        .iter()
        .take(NAMED_MAX)
        .map(Place::to_string)
        .collect();
    match places.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Gives the new key’s file the name of the old one’s, and keeps the old key in a file of its own.
/// Where the new key comes from the command, only the latter.
async fn swap_files(
    source: &MasterKeySource,
    new: &MasterKey,
    delete_old: bool,
) -> Result<Option<PathBuf>> {
    let found = source.find().await?;
    let from_command = found.command.iter().any(|key| key.id() == new.id());
    let is_new =
        |key: &Option<Arc<MasterKey>>| key.as_ref().is_some_and(|key| key.id() == new.id());
    let (file, next) = (&source.file, source.next_file());
    let moved = |doing: &str, error: std::io::Error| {
        let Error::Unavailable(why) = Error::file(doing, file, &error) else {
            return Error::Internal(error.to_string());
        };
        Error::Unavailable(format!(
            "Everything is sealed with the new key, and the old one is needed no more. But {why}. Do it by hand: {} has to hold what is in {}.",
            file.display(),
            next.display()
        ))
    };
    let mut kept = None;
    if let Some(old) = found.file.as_ref().filter(|key| key.id() != new.id()) {
        kept = keep_old(source, old.id(), delete_old).map_err(|error| moved("keep", error))?;
    }
    if is_new(&found.next) {
        std::fs::rename(&next, file).map_err(|error| moved("replace", error))?;
    } else if from_command && found.file.is_some() && !is_new(&found.file) {
        std::fs::remove_file(file).map_err(|error| moved("remove", error))?;
    }
    keys::sync_folder(file).map_err(|error| moved("replace", error))?;
    Ok(kept)
}

fn keep_old(
    source: &MasterKeySource,
    old: KeyId,
    delete: bool,
) -> std::io::Result<Option<PathBuf>> {
    if delete {
        return Ok(None);
    }
    let kept = source.old_file(old);
    let text = zeroize::Zeroizing::new(std::fs::read(&source.file)?);
    // A part of it may be there from a call that was killed.
    match std::fs::remove_file(&kept) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    keys::write_new(&kept, &text)?;
    Ok(Some(kept))
}
