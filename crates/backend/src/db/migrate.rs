//! Brings the schema up to date, and refuses a database that a newer Rollcall has changed.

use std::path::{Path, PathBuf};

use domain::DateTime;
use sqlx::{
    ConnectOptions, Connection,
    migrate::{MigrateError, Migrator},
    sqlite::SqliteConnectOptions,
};

use super::{Db, Tx};
use crate::{Error, Result, execute, fetch_scalar};

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
        std::fs::create_dir_all(backups)
            .map_err(|error| Error::file("make the folder", backups, &error))?;
        let file = backups.join(format!(
            "before-migration-{}.db",
            now.format("%Y%m%dT%H%M%SZ")
        ));
        self.copy_to(&file).await?;
        Ok(Some(file))
    }

    /// Copies a SQLite database, as it is at this moment, into a new file, while others go on
    /// reading and writing.
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
