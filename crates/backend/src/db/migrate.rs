//! Brings the schema up to date, and refuses a database that a newer Rollcall has changed.

use std::path::{Path, PathBuf};

use domain::DateTime;
use sqlx::{
    ConnectOptions, Connection,
    migrate::{MigrateError, Migrator},
    sqlite::SqliteConnectOptions,
};

use super::{Db, Tx};
use crate::{Error, Result, execute, fetch_scalar, private_files};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

impl Db {
    /// Applies the migrations that are missing. A SQLite file that has some already is copied
    /// aside into `backups` first; the copy's name is answered.
    pub async fn migrate(&self, now: DateTime, backups: &Path) -> Result<Option<PathBuf>> {
        let saved = match self {
            Self::Sqlite { .. } => self.back_up_before_migrating(now, backups).await?,
            Self::Postgres(_) => None,
        };
        let outcome = match self {
            Self::Sqlite { writer, .. } => SQLITE.run(writer).await,
            Self::Postgres(pool) => POSTGRES.run(pool).await,
        };
        outcome.map_err(|error| match error {
            MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => {
                Error::NewerDatabase(version)
            }
            other => Error::Internal(format!("The database can’t be migrated: {other}")),
        })?;
        Ok(saved)
    }

    /// What stands for the layout that the migrations give a database of PostgreSQL: another where one
    /// of them is another.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn postgres_layout() -> String {
        let mut hash = std::hash::DefaultHasher::new();
        for migration in POSTGRES.iter() {
            std::hash::Hash::hash(&migration.checksum, &mut hash);
        }
        format!("{:016x}", std::hash::Hasher::finish(&hash))
    }

    /// Asks the database for nothing, to see that it answers.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        execute!(&mut tx, "SELECT 1")?;
        Ok(())
    }

    /// Whether every migration this program knows has been applied.
    pub async fn is_current(&self) -> Result<bool> {
        let (applied, known) = (self.applied().await?, self.known());
        Ok(applied == i64::try_from(known).unwrap_or(i64::MAX))
    }

    fn known(&self) -> usize {
        match self {
            Self::Sqlite { .. } => SQLITE.iter().count(),
            Self::Postgres(_) => POSTGRES.iter().count(),
        }
    }

    /// Migrations that were applied; 0 where none ever was.
    async fn applied(&self) -> Result<i64> {
        let mut tx = self.read().await?;
        let has_table: i64 = match &tx {
            Tx::Sqlite(_) => fetch_scalar!(
                &mut tx,
                i64,
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
            )?,
            Tx::Postgres(_) => fetch_scalar!(
                &mut tx,
                i64,
                "SELECT COUNT(*) FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
            )?,
        };
        if has_table == 0 {
            return Ok(0);
        }
        fetch_scalar!(
            &mut tx,
            i64,
            "SELECT COUNT(*) FROM _sqlx_migrations WHERE success"
        )
    }

    async fn back_up_before_migrating(
        &self,
        now: DateTime,
        backups: &Path,
    ) -> Result<Option<PathBuf>> {
        let applied = self.applied().await?;
        if applied == 0 || applied >= i64::try_from(self.known()).unwrap_or(i64::MAX) {
            return Ok(None);
        }
        self.copy_aside(now, backups).await.map(Some)
    }

    /// Copies a SQLite database into the folder, which is made where it is missing, for its owner
    /// alone. Answers the copy's name.
    async fn copy_aside(&self, now: DateTime, backups: &Path) -> Result<PathBuf> {
        private_files::make_folder(backups)
            .map_err(|error| Error::file("make the folder", backups, &error))?;
        let file = backups.join(format!(
            "before-migration-{}.db",
            now.format("%Y%m%dT%H%M%SZ")
        ));
        private_files::make(&file)
            .map_err(|error| Error::file("write the copy to", &file, &error))?;
        if let Err(error) = self.copy_to(&file).await {
            // Half a copy must not be taken for one. That it could not be made is the error to tell.
            let _ = std::fs::remove_file(&file);
            return Err(error);
        }
        Ok(file)
    }

    /// Copies a SQLite database, as it is at this moment, into an empty file, whose mode stays, while
    /// others go on reading and writing.
    pub async fn copy_to(&self, file: &Path) -> Result<()> {
        let Self::Sqlite { readers, .. } = self else {
            return Err(Error::Internal(
                "only a SQLite database can be copied so".to_owned(),
            ));
        };
        let name = file
            .to_str()
            .ok_or_else(|| Error::configuration("FILE", "its name has to be text in UTF-8"))?;
        // The readers refuse VACUUM, and the one writer has others waiting for it: a connection of
        // its own. VACUUM can't run inside a transaction, so this one statement goes past `Tx`.
        let options = SqliteConnectOptions::clone(&readers.connect_options());
        let mut connection = options.pragma("query_only", "off").connect().await?;
        sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::testing::{Kind, TestBackend, start};

    #[tokio::test]
    async fn a_copy_before_a_migration_is_whole_and_its_owners_alone() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let backups = t.folder.path().join("data/backups");
        let copy = t.db.copy_aside(start(), &backups).await.unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&backups), mode(&copy)), (0o700, 0o600));
        let restored = Db::open(&format!("sqlite://{}", copy.display()))
            .await
            .unwrap();
        assert!(restored.is_current().await.unwrap());
        restored.close().await;

        let again = t.db.copy_aside(start(), &backups).await;
        assert!(matches!(again, Err(Error::Unavailable(_))), "{again:?}");
        assert!(
            copy.exists(),
            "the copy that is there is none of its business"
        );
    }
}
