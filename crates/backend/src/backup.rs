//! A copy of the database while everything runs: the command `backup`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{Backend, Db, Error, Result};

/// Copies a `SQLite` database, as it is at this moment, into a new file that only its owner can
/// read. The master key is not in it: without that, the copy's secrets don't open.
///
/// [`Error::Configuration`] for `PostgreSQL`, which has tools of its own for this, and for a file
/// that exists already.
pub async fn backup(b: &Backend, file: &Path) -> Result<()> {
    if matches!(b.db, Db::Postgres(_)) {
        return Err(Error::configuration(
            "database_url",
            "“rollcall backup” copies SQLite databases; use pg_dump for PostgreSQL",
        ));
    }
    if file.exists() {
        return Err(Error::configuration(
            "FILE",
            &format!("{} exists already; name a new file", file.display()),
        ));
    }
    // Made first with the right mode: VACUUM INTO fills an empty file and leaves its mode.
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|made| made.set_permissions(fs::Permissions::from_mode(0o600)))
        .map_err(|error| Error::file("write the copy to", file, &error))?;
    let copied = b.db.copy_to(file).await;
    if copied.is_err() {
        // Half a copy must not be taken for one. That it could not be made is the error to tell.
        let _ = fs::remove_file(file);
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Kind, TestBackend};

    #[tokio::test]
    async fn a_backup_is_a_whole_database_and_overwrites_nothing() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let copy = t.folder.path().join("copy.db");
        backup(&t, &copy).await.unwrap();
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = backup(&t, &copy).await.unwrap_err().to_string();
        assert!(again.contains("exists already"), "{again}");
        let restored = Db::open(&format!("sqlite://{}", copy.display()))
            .await
            .unwrap();
        assert!(restored.is_current().await.unwrap());
    }
}
