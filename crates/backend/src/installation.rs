//! Opening an installation: database, schema, master key.

use std::{path::Path, sync::Arc};

use crate::{
    Backend, Clock, Clouds, Db, Error, Ids, Result, Sealer, Settings, auth, execute, graph_access,
    limits::Limits,
    notify, private_files,
    sealer::{
        key_name,
        keys::{Found, MasterKeySource},
        rotation,
    },
};

/// Opens the installation: connects, brings the schema up to date (a SQLite file that needs it is
/// copied into `<data_dir>/backups` first), and reads the master key.
///
/// The key is made only where the database has none yet. A start with another key than the
/// database's, or without one, is refused. While the key is rotated, both have to be there.
pub async fn open(
    settings: Settings,
    clouds: Clouds,
    database_url: &str,
    master_key: impl Into<MasterKeySource>,
) -> Result<Backend> {
    let clock = Clock::system();
    let db = migrate(&clock, &settings.data_dir, database_url).await?;
    let ids = Ids::system(clock.clone());
    let sealer = sealer(&db, &clock, &ids, master_key.into()).await?;
    Ok(Backend {
        graph: graph_access::connector(&clock, &ids)?,
        limits: Arc::new(Limits::new(&clock)),
        webhooks: notify::Webhooks::new(
            settings.webhooks_to_private_networks,
            settings.webhook_hosts.clone(),
        )?,
        oidc: auth::oidc::Providers::new(settings.oidc_providers.clone())?,
        breached_passwords: auth::BreachedPasswords::new(settings.password_breach_url.clone())?,
        db,
        clock,
        sealer,
        ids,
        clouds: Arc::new(clouds),
        settings: Arc::new(Settings {
            database_url: Some(database_url.into()),
            ..settings
        }),
        reads_noted: Arc::default(),
        wake: Arc::default(),
    })
}

/// Connects and brings the schema up to date: the command `migrate`.
pub async fn migrate(clock: &Clock, data_dir: &Path, database_url: &str) -> Result<Db> {
    let folder = |doing, error| Error::file(doing, data_dir, &error);
    private_files::make_folder(data_dir).map_err(|error| folder("make the folder", error))?;
    let found = private_files::others_may(data_dir).map_err(|error| folder("look at", error))?;
    if let Some(mode) = found {
        // No refusal: what is in there is closed to others by itself, and volumes of containers come
        // with modes that nobody chose.
        tracing::warn!(
            "others may look into data_dir: {folder} has mode {mode:04o}; make it its owner’s alone with `chmod 700 {folder}`",
            folder = data_dir.display()
        );
    }
    let db = Db::open(database_url).await?;
    if let Some(copy) = db.migrate(clock.now(), &data_dir.join("backups")).await? {
        tracing::info!(copy = %copy.display(), "the database was copied before it was changed");
    }
    Ok(db)
}

/// The sealer with the keys that are at their source: made where the database has none yet.
pub(crate) async fn sealer(
    db: &Db,
    clock: &Clock,
    ids: &Ids,
    source: MasterKeySource,
) -> Result<Sealer> {
    let mut found = source.find().await?;
    let mut tx = db.write().await?;
    let named = rotation::named(&mut tx).await?;
    let first = if let Some(named) = named {
        if found.with(&named.master_key_fingerprint).is_none() {
            // A rotation may have ended between the two looks.
            found = source.find().await?;
        }
        let previous = named.previous_master_key_fingerprint;
        if let Some(previous) = previous.filter(|previous| found.with(previous).is_none()) {
            return Err(Error::configuration(
                source.setting(),
                &format!(
                    "{} doesn’t give the key {}, and some secrets are still sealed with it: a rotation of the master key is under way. Put that key back, and finish with `rollcall secrets rotate`",
                    source.name(),
                    key_name(&previous)
                ),
            ));
        }
        let key = found.with(&named.master_key_fingerprint).cloned();
        key.ok_or_else(|| wrong_key(&source, &found, &named.master_key_fingerprint))?
    } else {
        let key = match found.command.first().or(found.file.as_ref()) {
            Some(key) => key.clone(),
            None => source.make(ids)?,
        };
        // Two that start at once: the second one's insert fails, and its next start reads.
        execute!(
            &mut tx,
            "INSERT INTO installation (id, master_key_fingerprint, created_at)
             VALUES (1, $1, $2)",
            key.fingerprint().to_vec(),
            clock.now()
        )?;
        key
    };
    tx.commit().await?;
    if found
        .next
        .as_ref()
        .is_some_and(|key| key.id() == first.id())
    {
        tracing::warn!(
            "the master key is in the file beside its own; finish with `rollcall secrets rotate`"
        );
    }
    let more: Vec<_> = found.all().cloned().collect();
    Ok(Sealer::with(
        first,
        &more,
        Some((source, clock.clone())),
        ids.clone(),
    ))
}

/// Why a start is refused: the database has a key, and it isn't there.
fn wrong_key(source: &MasterKeySource, found: &Found, fingerprint: &[u8]) -> Error {
    let (setting, name, key) = (source.setting(), source.name(), key_name(fingerprint));
    let problem = if found.all().next().is_none() {
        format!(
            "{name} is missing, and the secrets in this database open with that key only; it is the key {key}. Put the file back, or point {setting} to it"
        )
    } else {
        format!(
            "{name} holds another key than the one this database was made with, which is {key}; point {setting} to the right one"
        )
    };
    Error::configuration(setting, &problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth, testing};
    use domain::permission::Role;
    use secrecy::SecretString;
    use std::{fs, os::unix::fs::PermissionsExt as _};

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
        let open =
            |mode| fs::set_permissions(folder.join("b.key"), fs::Permissions::from_mode(mode));
        fs::write(folder.join("b.key"), "11".repeat(32)).unwrap();
        open(0o644).unwrap();
        let exposed = refusal(start(folder, &url, "b.key").await);
        assert!(
            exposed.contains("b.key, which has mode 0644") && exposed.contains("`chmod 600 "),
            "{exposed}"
        );
        assert!(!exposed.contains("1111"), "{exposed}");
        open(0o600).unwrap();
        let other = refusal(start(folder, &url, "b.key").await);
        assert!(other.contains("another key"), "{other}");
        fs::write(folder.join("b.key"), "not a key").unwrap();
        let broken = refusal(start(folder, &url, "b.key").await);
        assert!(broken.contains("64 hexadecimal digits"), "{broken}");
        for line in [missing, exposed, other, broken] {
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
                let given = auth::FirstOwner {
                    code,
                    email: "o@x.example".to_owned(),
                    name: "Owner".to_owned(),
                    password,
                    require_second_factor: false,
                };
                auth::create_first_owner(&b, given, &origin).await
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
        assert_eq!(owner.operator().map(|owner| owner.role), Some(Role::Owner));
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
