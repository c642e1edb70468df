//! The text of an import, sealed in parts: it holds what people are called, and may hold passwords.

use domain::id::ImportId;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    Backend, Result, Tx, execute, fetch_all,
    sealer::{Place, places},
};

/// Bytes of one part: a rotation of the master key has fifty of them in memory at once.
const PART: usize = 256 * 1024;

/// Keeps a text.
pub(super) async fn put(b: &Backend, tx: &mut Tx, id: ImportId, text: &str) -> Result<()> {
    let (mut rest, mut position) = (text, 0_i64);
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.floor_char_boundary(PART));
        let row = b.ids.uuid();
        let place = Place::new(places::IMPORT_CONTENT, row);
        let sealed = b.sealer.seal(tx, place, &SecretString::from(part)).await?;
        execute!(
            &mut *tx,
            "INSERT INTO import_content (id, import_id, position, text_sealed)
             VALUES ($1, $2, $3, $4)",
            row,
            id,
            position,
            sealed
        )?;
        (rest, position) = (more, position + 1);
    }
    Ok(())
}

/// The text; empty where it is gone.
pub(super) async fn open(b: &Backend, tx: &mut Tx, id: ImportId) -> Result<Zeroizing<String>> {
    let parts = fetch_all!(
        tx,
        (Uuid, Vec<u8>),
        "SELECT id, text_sealed FROM import_content WHERE import_id = $1 ORDER BY position",
        id
    )?;
    let mut text = Zeroizing::new(String::with_capacity(parts.len() * PART));
    for (row, sealed) in parts {
        let place = Place::new(places::IMPORT_CONTENT, row);
        let part = b.sealer.open(place, &sealed).await?;
        text.push_str(part.expose_secret());
    }
    Ok(text)
}

/// Removes it.
pub(super) async fn remove(tx: &mut Tx, id: ImportId) -> Result<()> {
    execute!(tx, "DELETE FROM import_content WHERE import_id = $1", id)?;
    Ok(())
}
