//! Opening the database: a file, or a server.

use std::{io::ErrorKind, path::Path, time::Duration};

use sqlx::{
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, Server, Waiting};
use crate::{Error, Result, private_files};

/// Connections that read at the same time.
const READERS: u32 = 8;
/// Connections to a PostgreSQL server.
const POSTGRES_CONNECTIONS: u32 = 20;
/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl Db {
    /// Opens `sqlite://FILE` (made where missing) or `postgres://…`, without touching the schema.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let server = Server::at(url)?;
            if let Some(warning) = server.warning() {
                tracing::warn!("{warning}");
            }
            let options = server
                .options()
                .application_name("rollcall")
                // A plan for any value is a poor one where a filter may be absent, or a run is one
                // row or a million. To compile the wall of a long list took ten times as long as
                // to run it.
                .options([("plan_cache_mode", "force_custom_plan"), ("jit", "off")]);
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(options)
                .await
                .map_err(|error| server.unreachable(&error))?;
            return Ok(Self::Postgres(pool));
        }
        let Some(file) = url.strip_prefix("sqlite://") else {
            return Err(Error::configuration(
                "database_url",
                "it has to begin with sqlite:// or postgres://",
            ));
        };
        Self::open_file(Path::new(file)).await
    }

    async fn open_file(file: &Path) -> Result<Self> {
        keep_to_owner(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            // Rows come over from another thread; a small buffer has both wait for each other.
            .row_buffer_size(1_024)
            // Four times the default: with small pages a first sync took a quarter longer
            // (docs/benchmarks.md).
            .page_size(16_384)
            // 32 MiB for the writer: bulk statements touch many index pages.
            .pragma("cache_size", "-32768")
            // 64 MiB, four times the default: a batch of rows in random order touches up to a
            // thousand pages, and each would go from the log to the file after each batch.
            .pragma("wal_autocheckpoint", "4000");
        let unavailable = |error: sqlx::Error| {
            Error::Unavailable(format!("{} can’t be opened: {error}", file.display()))
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.clone())
            .await
            .map_err(unavailable)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(
                options
                    .pragma("query_only", "on")
                    .pragma("cache_size", "-4096"),
            )
            .await
            .map_err(unavailable)?;
        let waiting = Waiting::default();
        Ok(Self::Sqlite {
            writer,
            readers,
            waiting,
        })
    }
}

/// Sees to it that only its owner can read a database: made with mode 0600 where it is missing, since
/// SQLite leaves that to the umask, and brought to it where it was there. What SQLite puts beside it
/// gets the file's own mode (<https://sqlite.org/src/file/src/os_unix.c>, `findCreateFileMode`).
fn keep_to_owner(file: &Path) -> Result<()> {
    match private_files::make(file) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::file("make the database", file, &error)),
    }
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        let file = Path::new(&name);
        match private_files::close(file) {
            Ok(false) => {}
            Ok(true) => tracing::info!(
                file = %file.display(),
                "others could read the database; now it is its owner’s alone (mode 0600)"
            ),
            // It belongs to somebody else, who gave the server the right to write: theirs to say.
            Err(error) => tracing::warn!(
                file = %file.display(),
                %error,
                "others may read the database, and its mode can’t be changed; make it the server’s own, with mode 0600"
            ),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::execute;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    /// Each file of the folder with its mode.
    fn modes(folder: &Path) -> Vec<(String, u32)> {
        let mut modes: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|file| {
                let file = file.unwrap();
                (file.file_name().into_string().unwrap(), mode(&file.path()))
            })
            .collect();
        modes.sort();
        modes
    }

    async fn write(db: &Db) {
        let mut tx = db.write().await.unwrap();
        execute!(&mut tx, "CREATE TABLE IF NOT EXISTS t (a)").unwrap();
        execute!(&mut tx, "INSERT INTO t (a) VALUES (1)").unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_database_and_what_is_beside_it_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rollcall.db");
        let url = format!("sqlite://{}", file.display());
        let of_owner = ["rollcall.db", "rollcall.db-shm", "rollcall.db-wal"]
            .map(|name| (name.to_owned(), 0o600));
        let db = Db::open(&url).await.unwrap();
        write(&db).await;
        assert_eq!(modes(folder.path()), of_owner);

        // As a version without this left them, with another process at work.
        for (name, _) in &of_owner {
            let open = fs::Permissions::from_mode(0o644);
            fs::set_permissions(folder.path().join(name), open).unwrap();
        }
        let second = Db::open(&url).await.unwrap();
        assert_eq!(modes(folder.path()), of_owner);
        write(&db).await;
        write(&second).await;
        db.close().await;
        second.close().await;
        assert_eq!(mode(&file), 0o600);
        let again = Db::open(&url).await.unwrap();
        write(&again).await;
        assert_eq!(modes(folder.path()), of_owner);
        again.close().await;
    }

    #[tokio::test]
    async fn a_database_that_can_t_be_made_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("no/x.db").display());
        let refused = Db::open(&url).await.unwrap_err().to_string();
        assert!(
            refused.contains("no/x.db") && refused.lines().count() == 1,
            "{refused}"
        );
    }
}
