//! A copy of the database while everything runs: the command `backup`.

use std::{fs, path::Path, process::Stdio};

use secrecy::ExposeSecret;
use tokio::process::Command;
use url::Url;

use crate::{Backend, Db, Error, Result, db::Server, private_files};

/// Copies the database, as it is at this moment, into a new file that only its owner can read.
/// The master key is not in it: without that, the copy's secrets don't open.
///
/// Of `SQLite` the copy is a database; of `PostgreSQL` it is an archive for `pg_restore`, made by
/// `pg_dump`, which has to be on the path. [`Error::Configuration`] for a file that exists
/// already.
pub async fn backup(b: &Backend, file: &Path) -> Result<()> {
    if file.exists() {
        return Err(Error::configuration(
            "FILE",
            &format!("{} exists already; name a new file", file.display()),
        ));
    }
    // Made first with the right mode: both ways fill an empty file and leave its mode.
    private_files::make(file).map_err(|error| Error::file("write the copy to", file, &error))?;
    let copied = match &b.db {
        Db::Sqlite { .. } => b.db.copy_to(file).await,
        Db::Postgres(_) => dump(b, "pg_dump", file).await,
    };
    if copied.is_err() {
        // Half a copy must not be taken for one. That it could not be made is the error to tell.
        let _ = fs::remove_file(file);
    }
    copied
}

/// Runs `pg_dump`. Host, user and password go by its environment, since every user of a machine
/// can read the arguments of its processes.
async fn dump(b: &Backend, program: &str, file: &Path) -> Result<()> {
    let unavailable = |problem: String| Error::Unavailable(format!("{program} {problem}"));
    let address = b.settings.database_url.as_ref().ok_or_else(|| {
        Error::Internal("the database’s address is unknown to the backup".to_owned())
    })?;
    let url = Url::parse(address.expose_secret())
        .map_err(|error| Error::configuration("database_url", &error.to_string()))?;
    let mut command = Command::new(program);
    command
        .args(["--format=custom", "--no-owner", "--no-password", "--file"])
        .arg(file)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for (name, value) in environment(&url)? {
        command.env(name, value);
    }
    let output = command.output().await.map_err(|error| {
        unavailable(format!(
            "can’t be run: {error}. Install PostgreSQL’s client programs (Debian: postgresql-client), or back up the server by its own means"
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(unavailable(format!("failed: {}", with_fix(said.trim()))))
}

/// What a dump complained of, in one line, with what to do where it is Rollcall that asked for it.
fn with_fix(said: &str) -> String {
    let said = said.replace('\n', " ");
    if said.contains("root certificate file \"system\"") {
        format!(
            "{said}; it is older than version 16 and doesn’t know the machine’s authorities: add sslrootcert=FILE to database_url, or install a newer one"
        )
    } else {
        said
    }
}

/// What libpq reads of an address (PostgreSQL's documentation, "Environment Variables").
fn environment(url: &Url) -> Result<Vec<(&'static str, String)>> {
    let decoded = |text: &str| {
        let pair = format!("x={}", text.replace('+', "%2B"));
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let mut variables = vec![("PGDATABASE", decoded(url.path().trim_start_matches('/')))];
    if let Some(host) = url.host_str() {
        let host = decoded(host);
        variables.push(("PGHOST", host.trim_matches(['[', ']']).to_owned()));
    }
    if let Some(port) = url.port() {
        variables.push(("PGPORT", port.to_string()));
    }
    if !url.username().is_empty() {
        variables.push(("PGUSER", decoded(url.username())));
    }
    if let Some(password) = url.password() {
        variables.push(("PGPASSWORD", decoded(password)));
    }
    for (name, value) in url.query_pairs() {
        let variable = match &*name {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "dbname" => "PGDATABASE",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            // Settings of the pool, which a dump doesn't need.
            _ => continue,
        };
        variables.push((variable, value.into_owned()));
    }
    let server = Server::at(url.as_str())?;
    if server.is_by_default() {
        // As the pool has it. libpq looks for authorities in a file of the user's unless told where;
        // `system` are those of the machine (since version 16).
        variables.push(("PGSSLMODE", server.ssl_mode().to_owned()));
        if !variables.iter().any(|(name, _)| *name == "PGSSLROOTCERT") {
            variables.push(("PGSSLROOTCERT", "system".to_owned()));
        }
    }
    if variables.iter().any(|(_, value)| value.contains('\0')) {
        return Err(Error::configuration("database_url", "it holds a zero byte"));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{
        Clouds, Settings, open,
        store::{credential_profiles, customers, sample},
        testing::{Kind, TestBackend, fresh_postgres},
    };

    #[tokio::test]
    async fn a_sqlite_copy_is_a_whole_database_and_overwrites_nothing() {
        let t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let copy = t.folder.path().join("copy.db");
        backup(&t, &copy).await.unwrap();
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = backup(&t, &copy).await.unwrap_err().to_string();
        assert!(again.contains("exists already"), "{again}");
        let nowhere = backup(&t, &t.folder.path().join("no/copy.db")).await;
        assert!(matches!(nowhere, Err(Error::Unavailable(_))), "{nowhere:?}");
    }

    /// An installation as the server opens it, in a folder of its own.
    async fn installation(folder: &Path, url: &str) -> Result<Backend> {
        let settings = Settings::in_folder(folder.join("data"));
        let key = folder.join("master.key");
        open(settings, Clouds::new([]).unwrap(), url, &key).await
    }

    /// What a drill restores: a customer and a profile whose secret has to open again.
    async fn fill(b: &Backend) -> (domain::id::CustomerId, domain::id::CredentialProfileId) {
        let scope = crate::auth::command_line_scope();
        let customer = customers::create(b, &scope, "Contoso").await.unwrap().id;
        let new = sample::new_profile(Some(customer), "Own");
        let profile = credential_profiles::create(b, &scope, new)
            .await
            .unwrap()
            .id;
        (customer, profile)
    }

    async fn check(
        b: &Backend,
        (customer, profile): (domain::id::CustomerId, domain::id::CredentialProfileId),
    ) {
        let scope = crate::auth::command_line_scope();
        assert_eq!(
            customers::get(b, &scope, customer).await.unwrap().name,
            "Contoso"
        );
        assert_eq!(customers::count(b, &scope).await.unwrap(), 1);
        let mut tx = b.db.read().await.unwrap();
        credential_profiles::credential(b, &mut tx, profile)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_restored_sqlite_copy_goes_on_with_the_key_and_not_without() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let url = |folder: &Path| format!("sqlite://{}", folder.join("data/rollcall.db").display());
        let b = installation(folder.path(), &url(folder.path()))
            .await
            .unwrap();
        let ids = fill(&b).await;
        let copy = folder.path().join("copy.db");
        backup(&b, &copy).await.unwrap();
        // What is written afterwards isn't in the copy.
        let scope = crate::auth::command_line_scope();
        customers::create(&b, &scope, "Later").await.unwrap();
        b.db.close().await;

        fs::create_dir(other.path().join("data")).unwrap();
        fs::copy(&copy, other.path().join("data/rollcall.db")).unwrap();
        let refused = installation(other.path(), &url(other.path()))
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("is missing"), "{refused}");
        fs::copy(
            folder.path().join("master.key"),
            other.path().join("master.key"),
        )
        .unwrap();
        let restored = installation(other.path(), &url(other.path()))
            .await
            .unwrap();
        check(&restored, ids).await;
    }

    #[tokio::test]
    async fn a_restored_postgresql_archive_goes_on_with_the_key() {
        let (Some(url), Some(empty)) = (fresh_postgres().await, fresh_postgres().await) else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let b = installation(folder.path(), &url).await.unwrap();
        let ids = fill(&b).await;
        let file = folder.path().join("copy.dump");
        backup(&b, &file).await.unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        b.db.close().await;

        let restored = Command::new("pg_restore")
            .args(["--no-owner", "--exit-on-error", "--dbname", &empty])
            .arg(&file)
            .status()
            .await
            .unwrap();
        assert!(restored.success());
        let restored = installation(folder.path(), &empty).await.unwrap();
        check(&restored, ids).await;
    }

    #[tokio::test]
    async fn a_dump_that_can_t_be_made_says_why_and_leaves_no_file() {
        let mut t = TestBackend::new(Kind::Sqlite).await.unwrap();
        let file = t.folder.path().join("x.dump");
        let settings = Settings {
            database_url: Some("postgres://nobody:s3cret@127.0.0.1:1/none".into()),
            ..Settings::in_folder(t.folder.path().to_owned())
        };
        t.backend.settings = std::sync::Arc::new(settings);
        let missing = dump(&t, "no-such-pg_dump", &file)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("Install PostgreSQL’s client programs"),
            "{missing}"
        );
        if TestBackend::new(Kind::Postgres).await.is_some() {
            let refused = dump(&t, "pg_dump", &file).await.unwrap_err().to_string();
            assert!(refused.contains("pg_dump failed:"), "{refused}");
            assert!(
                !refused.contains("s3cret") && refused.lines().count() == 1,
                "{refused}"
            );
        }
    }

    #[test]
    fn an_older_dump_is_told_what_it_lacks() {
        // As version 15 says it.
        let said = "pg_dump: error: connection to server failed: root certificate file \"system\" does not exist\nEither provide the file or change sslmode to disable server certificate verification.";
        let told = with_fix(said);
        assert!(
            told.contains("add sslrootcert=FILE to database_url") && told.lines().count() == 1,
            "{told}"
        );
        assert_eq!(with_fix("out of disk\nspace"), "out of disk space");
    }

    #[test]
    fn an_address_becomes_the_environment_of_libpq() {
        let url =
            "postgres://me%40x:p%2Bw+d@[::1]:5433/roll%20call?sslmode=require&application_name=x";
        let told = environment(&Url::parse(url).unwrap()).unwrap();
        let pair = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            told,
            [
                pair("PGDATABASE", "roll call"),
                pair("PGHOST", "::1"),
                pair("PGPORT", "5433"),
                pair("PGUSER", "me@x"),
                pair("PGPASSWORD", "p+w+d"),
                pair("PGSSLMODE", "require"),
            ]
        );
        for (query, certificates) in [("", "system"), ("?sslrootcert=/etc/ca.pem", "/etc/ca.pem")] {
            let url = format!("postgres://db.example.com/rollcall{query}");
            let mut told = environment(&Url::parse(&url).unwrap()).unwrap();
            told.sort_unstable();
            assert_eq!(
                told[2..],
                [
                    pair("PGSSLMODE", "verify-full"),
                    pair("PGSSLROOTCERT", certificates)
                ],
                "as the pool has it"
            );
        }
    }
}
