//! Databases of their own on the server that `TEST_POSTGRES_URL` names.

use std::path::Path;

use sqlx::{Connection, PgConnection};

use super::{environment, start};
use crate::Db;

/// Whoever holds this lock of the server makes the database that the others copy.
const MAKING: i64 = 0x726f_6c6c;

/// Makes an empty database and answers its address; `None`, with a loud line, where there is no
/// server.
pub(crate) async fn fresh_postgres() -> Option<String> {
    let mut server = Server::connect().await?;
    let name = server.create("").await;
    Some(server.address(&name))
}

/// Makes a migrated database and answers its address, or `None` as [`fresh_postgres`] does. It is a
/// copy of one that the first test makes for all: migrating each costs several times as much.
pub(super) async fn migrated_postgres(folder: &Path) -> Option<String> {
    let mut server = Server::connect().await?;
    let template = format!("migrated_{}", Db::postgres_layout());
    server.lock().await;
    if !server.has(&template).await {
        let name = server.create("").await;
        let db = Db::open(&server.address(&name))
            .await
            .expect("a new database opens");
        db.migrate(start(), folder)
            .await
            .expect("a new database migrates");
        db.close().await;
        server
            .run(format!("ALTER DATABASE {name} RENAME TO {template}"))
            .await;
    }
    server.unlock().await;
    let name = server.create(&format!("TEMPLATE {template}")).await;
    Some(server.address(&name))
}

/// A connection to the server, and what comes before a database's name in an address.
struct Server {
    connection: PgConnection,
    base: String,
}

impl Server {
    async fn connect() -> Option<Self> {
        let Some(url) = environment("TEST_POSTGRES_URL") else {
            eprintln!(
                "SKIPPED ON POSTGRESQL: TEST_POSTGRES_URL is not set; `cargo xtask test` sets it"
            );
            return None;
        };
        let (base, _) = url
            .rsplit_once('/')
            .expect("TEST_POSTGRES_URL names a database");
        Some(Self {
            connection: PgConnection::connect(&url)
                .await
                .expect("TEST_POSTGRES_URL can be reached"),
            base: base.to_owned(),
        })
    }

    fn address(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// Makes a database, and answers its name.
    #[expect(
        clippy::disallowed_methods,
        reason = "the databases of all tests stand on one server, so their names are no test's to choose"
    )]
    async fn create(&mut self, from: &str) -> String {
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        self.run(format!("CREATE DATABASE {name} {from}")).await;
        name
    }

    async fn run(&mut self, statement: String) {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut self.connection)
            .await
            .expect("the test server does what it is told");
    }

    async fn lock(&mut self) {
        self.run(format!("SELECT pg_advisory_lock({MAKING})")).await;
    }

    async fn unlock(&mut self) {
        self.run(format!("SELECT pg_advisory_unlock({MAKING})"))
            .await;
    }

    async fn has(&mut self, name: &str) -> bool {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut self.connection)
            .await
            .expect("the test server lists its databases")
    }
}
