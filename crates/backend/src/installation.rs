//! Opening an installation: database, schema, master key.

use std::{fs, io::ErrorKind, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    Backend, Clock, Clouds, Db, Error, Ids, Result, Sealer, Settings, execute, fetch_optional,
    graph_access, notify, sealer,
};

/// Opens the installation: connects, brings the schema up to date (a SQLite file that needs it is
/// copied into `<data_dir>/backups` first), and reads the master key.
///
/// The key is made only where the database has none yet. A start with another key than the
/// database's, or without one, is refused.
pub async fn open(
    settings: Settings,
    clouds: Clouds,
    database_url: &str,
    master_key_file: &Path,
) -> Result<Backend> {
    let clock = Clock::system();
    let db = migrate(&clock, &settings.data_dir, database_url).await?;
    let ids = Ids::system(clock.clone());
    let sealer = master_key(&db, &clock, &ids, master_key_file).await?;
    Ok(Backend {
        graph: graph_access::connector(&clock, &ids)?,
        webhooks: notify::Webhooks::new(settings.webhooks_to_private_networks)?,
        db,
        clock,
        sealer,
        ids,
        clouds: Arc::new(clouds),
        settings: Arc::new(Settings {
            database_url: Some(database_url.into()),
            ..settings
        }),
        wake: Arc::default(),
    })
}

/// Connects and brings the schema up to date: the command `migrate`.
pub async fn migrate(clock: &Clock, data_dir: &Path, database_url: &str) -> Result<Db> {
    // What is in there is for the server's own user alone.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| Error::file("make the folder", data_dir, &error))?;
    let db = Db::open(database_url).await?;
    if let Some(copy) = db.migrate(clock.now(), &data_dir.join("backups")).await? {
        tracing::info!(copy = %copy.display(), "the database was copied before it was changed");
    }
    Ok(db)
}

async fn master_key(db: &Db, clock: &Clock, ids: &Ids, file: &Path) -> Result<Sealer> {
    let mut tx = db.write().await?;
    let known = fetch_optional!(
        &mut tx,
        (Vec<u8>,),
        "SELECT master_key_fingerprint FROM installation"
    )?;
    let there = match fs::metadata(file) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(Error::file("read the master key in", file, &error)),
    };
    let key: Zeroizing<[u8; 32]> = match (&known, there) {
        (Some(_), false) => {
            return Err(Error::configuration(
                "master_key_file",
                &format!(
                    "{} is missing, and the secrets in this database open with that key only; put the file back, or point master_key_file to it",
                    file.display()
                ),
            ));
        }
        (_, true) => sealer::read_master_key(file)?,
        (None, false) => sealer::make_master_key(file, ids)?,
    };
    let sealer = Sealer::new(&key, ids.clone());
    match known {
        Some((fingerprint,)) if fingerprint != sealer.fingerprint() => {
            return Err(Error::configuration(
                "master_key_file",
                &format!(
                    "{} holds another key than the one this database was made with; point master_key_file to the right one",
                    file.display()
                ),
            ));
        }
        Some(_) => {}
        None => {
            // Two that start at once: the second one's insert fails, and its next start reads.
            execute!(
                &mut tx,
                "INSERT INTO installation (id, master_key_fingerprint, created_at)
                 VALUES (1, $1, $2)",
                sealer.fingerprint().to_vec(),
                clock.now()
            )?;
        }
    }
    tx.commit().await?;
    Ok(sealer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth, testing};
    use domain::permission::Role;
    use secrecy::SecretString;
    use std::os::unix::fs::PermissionsExt;

    async fn start(folder: &Path, url: &str, key: &str) -> Result<Backend> {
        let settings = Settings::in_folder(folder.join("data"));
        open(settings, Clouds::new([]).unwrap(), url, &folder.join(key)).await
    }

    async fn keys(url: impl Fn(&Path) -> String) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("data")).unwrap();
        let url = url(folder);
        let b = start(folder, &url, "a.key").await.unwrap();
        let mode = fs::metadata(folder.join("a.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let first = *b.sealer.fingerprint();
        b.db.close().await;
        let b = start(folder, &url, "a.key").await.unwrap();
        assert_eq!(*b.sealer.fingerprint(), first);
        b.db.close().await;

        let refusal = |given: Result<Backend>| given.unwrap_err().to_string();
        let missing = refusal(start(folder, &url, "b.key").await);
        assert!(missing.contains("b.key is missing"), "{missing}");
        assert!(
            !folder.join("b.key").exists(),
            "no key is made beside a database that has one"
        );
        fs::write(folder.join("b.key"), "11".repeat(32)).unwrap();
        let other = refusal(start(folder, &url, "b.key").await);
        assert!(other.contains("another key"), "{other}");
        fs::write(folder.join("b.key"), "not a key").unwrap();
        let broken = refusal(start(folder, &url, "b.key").await);
        assert!(broken.contains("64 hexadecimal digits"), "{broken}");
        for line in [missing, other, broken] {
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }

    #[tokio::test]
    async fn a_database_opens_with_its_own_key_only_on_sqlite() {
        keys(|folder| format!("sqlite://{}", folder.join("data/rollcall.db").display())).await;
    }

    #[tokio::test]
    async fn a_database_opens_with_its_own_key_only_on_postgresql() {
        if let Some(url) = testing::fresh_postgres().await {
            keys(|_| url.clone()).await;
        }
    }

    #[tokio::test]
    async fn the_setup_code_is_there_until_there_is_an_owner() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!(
            "sqlite://{}",
            folder.path().join("data/rollcall.db").display()
        );
        let b = start(folder.path(), &url, "a.key").await.unwrap();
        assert!(auth::needs_owner(&b).await.unwrap());
        let code = auth::setup_code(&b).await.unwrap().unwrap();
        assert_eq!(
            auth::setup_code(&b).await.unwrap().as_deref(),
            Some(code.as_str())
        );
        let file = folder.path().join("data/setup-code");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let own = |code: String, password: &'static str| {
            let b = b.clone();
            async move {
                let password = SecretString::from(password);
                let origin = testing::origin("r");
                auth::create_first_owner(&b, &code, "o@x.example", "Owner", password, &origin).await
            }
        };
        let field = |given: Result<_>| match given {
            Err(Error::Invalid(field)) => field.field,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            field(own("ABCDE".to_owned(), "long enough, sure").await),
            "code"
        );
        assert_eq!(field(own(code.clone(), "short").await), "password");
        let typed = code.to_lowercase().replace('-', " ");
        let owner = own(typed, "long enough, sure").await.unwrap();
        assert_eq!(owner.role, Role::Owner);
        let mut tx = b.db.read().await.unwrap();
        let written = crate::fetch_all!(
            &mut tx,
            (String, String),
            "SELECT action, actor FROM audit_event"
        );
        let first = ("operator.create".to_owned(), "Owner".to_owned());
        assert_eq!(written.unwrap(), [first]);
        drop(tx);
        assert!(!file.exists());
        assert_eq!(auth::setup_code(&b).await.unwrap(), None);
        let again = own(code, "long enough, sure").await;
        assert!(matches!(again, Err(Error::Conflict { .. })));
    }
}
