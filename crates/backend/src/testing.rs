//! What tests of this crate and of the server build on: a backend on a fresh database, with a
//! clock that stands and ids that repeat.

mod directory;
mod postgres;
pub mod provider;
pub mod secrets;

use std::{path::Path, sync::Arc};

use domain::{
    DateTime,
    id::{CustomerId, OperatorId},
    operator::CustomerScope,
    permission::Role,
};
use tempfile::TempDir;

pub(crate) use self::postgres::fresh_postgres;
use crate::{
    Backend, Clock, Clouds, Db, Ids, Origin, Scope, Sealer, Settings, auth, execute, fetch_scalar,
    graph_access,
    limits::Limits,
    notify,
    store::operators::{self, Added},
};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the server that `TEST_POSTGRES_URL` names.
    Postgres,
}

/// A backend for one test. The folder goes with it; a PostgreSQL database stays until its cluster
/// is thrown away.
#[derive(Debug)]
pub struct TestBackend {
    /// The backend.
    pub backend: Backend,
    /// Its folder.
    pub folder: TempDir,
}

impl std::ops::Deref for TestBackend {
    type Target = Backend;

    fn deref(&self) -> &Backend {
        &self.backend
    }
}

/// The way in of a test's callers: a page, from an address that is nobody's (RFC 5737).
pub fn origin(request_id: &str) -> Origin {
    Origin::page([192, 0, 2, 1].into(), request_id)
}

/// When a test's clock stands at first: 2026-03-01, 12:00 UTC.
pub fn start() -> DateTime {
    DateTime::from_timestamp(1_772_366_400, 0).unwrap_or_default()
}

impl TestBackend {
    /// A backend on a migrated, empty database; `None`, with a loud line, where the test needs
    /// PostgreSQL and `TEST_POSTGRES_URL` is not set.
    ///
    /// # Panics
    ///
    /// Where no such backend can be made: the test can't go on.
    pub async fn new(kind: Kind) -> Option<Self> {
        Self::with_clouds(kind, Clouds::new([]).expect("Microsoft's clouds parse")).await
    }

    /// The same, with more clouds, such as a simulator's.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn with_clouds(kind: Kind, clouds: Clouds) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let url = match kind {
            Kind::Sqlite => database_url(kind, folder.path()).await?,
            Kind::Postgres => postgres::migrated_postgres(folder.path()).await?,
        };
        let db = Db::open(&url).await.expect("the test's database opens");
        db.migrate(start(), folder.path())
            .await
            .expect("the test's database migrates");
        let clock = Clock::standing(start());
        let ids = Ids::seeded(clock.clone(), 42);
        let graph = graph_access::connector(&clock, &ids).expect("an HTTP client is made");
        let backend = Backend {
            db,
            graph,
            limits: Arc::new(Limits::new(&clock)),
            webhooks: notify::Webhooks::new(false, None).expect("an HTTP client is made"),
            oidc: auth::oidc::Providers::new(Vec::new()).expect("an HTTP client is made"),
            breached_passwords: auth::BreachedPasswords::new(None).expect("nothing can fail"),
            clock,
            sealer: Sealer::new(&[7; 32], ids.clone()),
            ids,
            clouds: Arc::new(clouds),
            settings: Arc::new(Settings {
                database_url: Some(url.into()),
                ..Settings::in_folder(folder.path().to_owned())
            }),
            reads_noted: Arc::default(),
            wake: Arc::default(),
        };
        Some(Self { backend, folder })
    }

    /// A new owner, who sees everything.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn owner(&self) -> Scope {
        self.operator(Role::Owner, CustomerScope::All).await
    }

    /// A new administrator of these customers and no others.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn administrator_of(&self, customers: &[CustomerId]) -> Scope {
        self.role_over(Role::Administrator, customers).await
    }

    /// A new operator with this role over these customers and no others.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn role_over(&self, role: Role, customers: &[CustomerId]) -> Scope {
        let scope = CustomerScope::Some {
            customer_ids: customers.to_vec(),
        };
        self.operator(role, scope).await
    }

    /// A new operator, who has no password.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn operator(&self, role: Role, scope: CustomerScope) -> Scope {
        let mut tx = self.db.write().await.expect("the test's database writes");
        let email = format!("{}@rollcall.example", self.ids.uuid());
        let added = Added {
            email,
            name: role.title().to_owned(),
            role,
            scope,
            password_hash: Some(String::new()),
        };
        let id = operators::insert(self, &mut tx, added)
            .await
            .expect("an operator can be added");
        tx.commit().await.expect("the test's database writes");
        self.scope_of(id).await
    }

    /// The scope of an operator, as it is now, whose proof that it is them never grows old.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn scope_of(&self, id: OperatorId) -> Scope {
        auth::operator_scope(self, id, origin("test"))
            .await
            .expect("the operator is there")
            .proved(Some(DateTime::MAX_UTC))
    }

    /// The same in a session in which they did not prove lately that it is them.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn stale_scope_of(&self, id: OperatorId) -> Scope {
        auth::operator_scope(self, id, origin("test"))
            .await
            .expect("the operator is there")
    }

    /// Gives an operator an account of a provider.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn identity(&self, operator: OperatorId) {
        let mut tx = self.db.write().await.expect("the test's database writes");
        execute!(
            &mut tx,
            "INSERT INTO operator_identity (id, operator_id, provider_id, issuer, subject, display,
                                            linked_at)
             VALUES ($1, $2, 'contoso', 'https://login.example', $3, 'somebody', $4)",
            self.ids.uuid(),
            operator,
            operator.to_string(),
            self.clock.now()
        )
        .expect("an account can be linked");
        tx.commit().await.expect("the test's database writes");
    }

    /// How many sessions are kept, of operators and of strangers.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn sessions(&self) -> i64 {
        let mut tx = self.db.read().await.expect("the test's database reads");
        fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM session").expect("there is the table")
    }

    /// Gives a customer a tag.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn tag(&self, customer: CustomerId, tag: &str) {
        let mut tx = self.db.write().await.expect("the test's database writes");
        execute!(
            &mut tx,
            "INSERT INTO customer_tag (customer_id, tag) VALUES ($1, $2)",
            customer,
            tag
        )
        .expect("a customer can be tagged");
        tx.commit().await.expect("the test's database writes");
    }

    /// A new customer.
    ///
    /// # Panics
    ///
    /// As [`TestBackend::new`].
    pub async fn customer(&self, name: &str) -> CustomerId {
        let id = CustomerId(self.ids.uuid());
        let mut tx = self.db.write().await.expect("the test's database writes");
        execute!(
            &mut tx,
            "INSERT INTO customer (id, name, name_folded, created_at) VALUES ($1, $2, $3, $4)",
            id,
            name,
            planner::fold(name),
            self.clock.now()
        )
        .expect("a customer can be added");
        tx.commit().await.expect("the test's database writes");
        id
    }
}

/// The address of an empty database: a file in `folder`, or one on the test server; `None`, with a
/// loud line, where there is no such server.
///
/// # Panics
///
/// As [`TestBackend::new`].
pub async fn database_url(kind: Kind, folder: &Path) -> Option<String> {
    match kind {
        Kind::Sqlite => Some(format!("sqlite://{}", folder.join("rollcall.db").display())),
        Kind::Postgres => fresh_postgres().await,
    }
}

/// Leaves a database as a later version would that knows one migration more.
///
/// # Panics
///
/// As [`TestBackend::new`].
pub async fn migrate_beyond(db: &Db, version: i64) {
    let mut tx = db.write().await.expect("the test's database writes");
    execute!(
        &mut tx,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ($1, 'later', TRUE, $2, 0)",
        version,
        vec![0_u8]
    )
    .expect("a migration can be noted");
    tx.commit().await.expect("the test's database writes");
}

/// What the environment says of a test.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests read their environment"
)]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs one test on both databases: `db_test!(name, |t| { … })`, with `t: TestBackend`.
#[macro_export]
macro_rules! db_test {
    ($(#[$meta:meta])* $name:ident, |$t:ident| $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($t: $crate::testing::TestBackend) $body

            #[tokio::test]
            async fn sqlite() {
                if let Some(t) = $crate::testing::TestBackend::new($crate::testing::Kind::Sqlite).await {
                    check(t).await;
                }
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(t) = $crate::testing::TestBackend::new($crate::testing::Kind::Postgres).await {
                    check(t).await;
                }
            }
        }
    };
}
