//! Very many users, made by the database itself.

use backend::{Backend, Tx, auth::command_line_scope, store};
use domain::id::CustomerId;
use sqlx::Connection;

use crate::Result;

/// Users of each other customer.
const OTHERS: i64 = 8_000;
/// 64 syllables of three letters: names are made of two.
const SYLLABLES: &str = "anabeacalcardamdandieelaemafinflogerginhanheiholidaingjanjoakarkimlanlarleolinlizloumaimarmelmianornoeoleottpaupetpiaquiranremrenroboscroyruesamsansigsontamtantimtomtonuliursvalvervivwalwenwim";

/// A part of a name that some have.
pub fn syllables(n: u32) -> String {
    let at = |n: u32| {
        let from = (n % 60) as usize * 3;
        &SYLLABLES[from..from + 3]
    };
    format!("{}{}", at(n), at(n * 7 + 3))
}

/// The users of one customer: `$1`, `$2` of them; `{series}` is a table `n` with the numbers, `{id}` an
/// id of chance. The limits have SQLite make each value once.
const USERS: &str = "INSERT INTO directory_user (id, customer_id, integration_id, external_id,
        source_type, user_principal_name, user_name_folded, display_name, name_folded, search_text,
        given_name, surname, mail, attributes, status, created_at, changed_at)
    SELECT {id}, $1, {id}, {id}, CASE WHEN y.i % 10 = 0 THEN 'Manual' ELSE 'EntraSync' END,
           y.mail, y.mail, y.name, y.name,
           y.name || {lf} || y.g || {lf} || y.s || {lf} || y.mail, y.g, y.s, y.mail,
           '{\"department\":\"Sales and marketing\",\"jobTitle\":\"Lead\",\"city\":\"Utrecht\"}',
           CASE WHEN y.h % 20 = 3 THEN 'inactive' ELSE 'active' END, $3, $3
      FROM (SELECT x.i, x.h, x.g, x.s, x.g || ' ' || x.s AS name,
                   x.g || '.' || x.s || x.i || '@contoso.example' AS mail
              FROM (SELECT n.i, n.h,
                           substr('{all}', CAST((n.h % 64) * 3 + 1 AS INTEGER), 3)
                           || substr('{all}', CAST((n.h / 64 % 64) * 3 + 1 AS INTEGER), 3) AS g,
                           substr('{all}', CAST((n.h / 4096 % 64) * 3 + 1 AS INTEGER), 3)
                           || substr('{all}', CAST((n.h / 262144 % 64) * 3 + 1 AS INTEGER), 3)
                           AS s
                      FROM (SELECT m.i, (m.i * 48271 + $4 * 16807) % 2147483647 AS h
                              FROM {series} m LIMIT $2) n LIMIT $2) x LIMIT $2) y";

/// Fills the database; answers the customer who has many.
pub async fn fill(b: &Backend, of_one: i64, of_all: i64) -> Result<CustomerId> {
    let scope = command_line_scope();
    let indexes = drop_indexes(b).await?;
    let one = store::customers::create(b, &scope, "Many").await?.id;
    users(b, one, of_one, 1).await?;
    let mut left = of_all - of_one;
    let mut number = 2;
    while left > 0 {
        let name = format!("Customer {number}");
        let customer = store::customers::create(b, &scope, &name).await?.id;
        users(b, customer, left.min(OTHERS), number).await?;
        left -= OTHERS;
        number += 1;
    }
    for index in indexes {
        run(b, &index).await?;
    }
    // As after a sync; SQLite is never told.
    if let backend::Db::Postgres(pool) = &b.db {
        sqlx::query("VACUUM ANALYZE directory_user")
            .execute(pool)
            .await?;
    }
    Ok(one)
}

async fn users(b: &Backend, customer: CustomerId, count: i64, salt: i64) -> Result<()> {
    let mut tx = b.db.write().await?;
    let [series, id, lf] = match &tx {
        Tx::Sqlite(_) => [
            "(WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < $2)
              SELECT i FROM k)",
            "randomblob(16)",
            "char(10)",
        ],
        Tx::Postgres(_) => [
            "(SELECT k.i FROM generate_series(0, $2 - 1) AS k (i))",
            "gen_random_uuid()",
            "chr(10)",
        ],
    };
    let sql = USERS
        .replace("{all}", SYLLABLES)
        .replace("{series}", series)
        .replace("{id}", id)
        .replace("{lf}", lf);
    backend::execute!(
        &mut tx,
        sqlx::AssertSqlSafe(sql),
        customer,
        count,
        b.clock.now(),
        salt
    )?;
    tx.commit().await?;
    Ok(())
}

async fn run(b: &Backend, sql: &str) -> Result<()> {
    let mut tx = b.db.write().await?;
    backend::execute!(&mut tx, sqlx::AssertSqlSafe(sql.to_owned()))?;
    tx.commit().await?;
    Ok(())
}

/// Takes the indexes of users away, so that they are made once at the end; answers what makes them.
async fn drop_indexes(b: &Backend) -> Result<Vec<String>> {
    let mut tx = b.db.write().await?;
    let sql = match &tx {
        Tx::Sqlite(_) => {
            "SELECT name, sql FROM sqlite_master
              WHERE type = 'index' AND tbl_name = 'directory_user' AND sql IS NOT NULL"
        }
        Tx::Postgres(_) => {
            "SELECT CAST(indexname AS TEXT) AS name, indexdef AS sql FROM pg_indexes
              WHERE tablename = 'directory_user' AND indexname NOT LIKE '%pkey'"
        }
    };
    let indexes = backend::fetch_all!(&mut tx, (String, String), sql)?;
    for (name, _) in &indexes {
        let sql = format!("DROP INDEX {name}");
        backend::execute!(&mut tx, sqlx::AssertSqlSafe(sql))?;
    }
    tx.commit().await?;
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}

/// A new database on the server.
pub async fn fresh(server: &str) -> Result<String> {
    let name = format!("bench_grid_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(server).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await?;
    Ok(name)
}

/// Throws it away.
pub async fn drop(server: &str, name: &str) -> Result<()> {
    let mut connection = sqlx::PgConnection::connect(server).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}")))
        .execute(&mut connection)
        .await?;
    Ok(())
}
