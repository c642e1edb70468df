//! The floor: what no sync can be faster than. The same pages over one connection without decoding
//! them, and the same rows into an empty table of the same database.

use std::time::{Duration, Instant};

use backend::{
    Backend,
    db::{Db, Tx},
    execute, fetch_all, insert_many,
};
use uuid::Uuid;

use crate::{Result, farm::Tenant};

/// Downloads every page of users, then every page of groups with members.
pub async fn download(tenant: &Tenant) -> Result<Duration> {
    let raw = Raw::sign_in(tenant, 1).await?;
    let select = |properties: &[&str]| properties.join(",");
    let users = select(<graph::UserItem as graph::Item>::SELECT);
    let groups = select(<graph::GroupItem as graph::Item>::SELECT);
    let begun = Instant::now();
    for first in [
        format!("{}/v1.0/users/delta?$select={users}", tenant.origin),
        format!(
            "{}/v1.0/groups/delta?$select={groups},members",
            tenant.origin
        ),
    ] {
        raw.follow(first).await?;
    }
    Ok(begun.elapsed())
}

/// A client that asks for pages and decodes none.
#[derive(Debug)]
pub struct Raw {
    client: reqwest::Client,
    token: String,
}

impl Raw {
    /// Signs in; so many connections are kept.
    pub async fn sign_in(tenant: &Tenant, connections: usize) -> Result<Self> {
        let kept = |client: reqwest::ClientBuilder| client.pool_max_idle_per_host(connections);
        let client = graph::http_client(Duration::from_mins(2), kept)?;
        let token = token(&client, tenant).await?;
        Ok(Self { client, token })
    }

    /// Downloads a page and all that come after it.
    async fn follow(&self, first: String) -> Result<()> {
        let mut next = Some(first);
        while let Some(url) = next.take() {
            let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
            let page = answer.error_for_status()?.bytes().await?;
            next = link(&page);
        }
        Ok(())
    }

    /// Downloads rounds side by side, as a run does.
    pub async fn rounds(&self, links: &[String]) -> Result<Duration> {
        let begun = Instant::now();
        futures::future::try_join_all(links.iter().map(|link| self.follow(link.clone()))).await?;
        Ok(begun.elapsed())
    }
}

async fn token(client: &reqwest::Client, tenant: &Tenant) -> Result<String> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &tenant.client_id.to_string()),
        ("client_secret", &tenant.client_secret),
        ("scope", &format!("{}/.default", tenant.origin)),
    ];
    let url = format!("{}/{}/oauth2/v2.0/token", tenant.origin, tenant.domain);
    let answer = client.post(url).form(&form).send().await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.bytes().await?)?;
    let token = answer["access_token"].as_str();
    Ok(token
        .ok_or_else(|| format!("no token: {answer}"))?
        .to_owned())
}

/// The next link, found without decoding the page.
fn link(page: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"@odata.nextLink\":\"";
    let at = page.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let end = page[at..].iter().position(|byte| *byte == b'"')?;
    String::from_utf8(page[at..at + end].to_vec()).ok()
}

type Object = (
    Uuid,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
);

/// Rows a prepared insert: on SQLite each statement is a trip to another thread.
const ROWS: usize = 1000;

/// Loads what the sync brought into two empty tables: prepared inserts in one transaction on
/// SQLite, COPY on PostgreSQL.
pub async fn load(b: &Backend) -> Result<Duration> {
    let mut tx = b.db.read().await?;
    let objects = fetch_all!(
        &mut tx,
        Object,
        "SELECT external_id, object_type, display_name, user_principal_name, given_name, surname,
                mail, attributes FROM source_object"
    )?;
    let edges = fetch_all!(
        &mut tx,
        (Uuid, Uuid),
        "SELECT group_id, member_id FROM directory_membership"
    )?;
    drop(tx);
    let mut tx = b.db.write().await?;
    let (id, tail) = match &b.db {
        Db::Sqlite { .. } => ("BLOB", "WITHOUT ROWID"),
        Db::Postgres(_) => ("UUID", ""),
    };
    for sql in [
        format!(
            "CREATE TABLE floor_object (id {id} PRIMARY KEY, object_type TEXT NOT NULL,
                display_name TEXT NOT NULL, user_principal_name TEXT, given_name TEXT,
                surname TEXT, mail TEXT, attributes TEXT NOT NULL)"
        ),
        format!(
            "CREATE TABLE floor_edge (group_id {id} NOT NULL, member_id {id} NOT NULL,
                PRIMARY KEY (group_id, member_id)) {tail}"
        ),
    ] {
        execute!(&mut tx, sqlx::AssertSqlSafe(sql))?;
    }
    tx.commit().await?;
    let begun = Instant::now();
    let mut tx = b.db.write().await?;
    match &mut tx {
        Tx::Sqlite(_) => insert(&mut tx, &objects, &edges).await?,
        Tx::Postgres(tx) => {
            copy(tx, "floor_object", objects.iter().map(text)).await?;
            let rows = edges
                .iter()
                .map(|(group, member)| format!("{group}\t{member}\n"));
            copy(tx, "floor_edge", rows).await?;
        }
    }
    tx.commit().await?;
    Ok(begun.elapsed())
}

async fn insert(tx: &mut Tx, objects: &[Object], edges: &[(Uuid, Uuid)]) -> Result<()> {
    insert_many!(
        &mut *tx,
        "INSERT INTO floor_object",
        columns: 8,
        rows_max: ROWS,
        objects,
        |bind, o| {
            bind.push_bind(o.0)
                .push_bind(&o.1)
                .push_bind(&o.2)
                .push_bind(o.3.as_deref())
                .push_bind(o.4.as_deref())
                .push_bind(o.5.as_deref())
                .push_bind(o.6.as_deref())
                .push_bind(&o.7);
        },
        ""
    )?;
    insert_many!(
        &mut *tx,
        "INSERT INTO floor_edge",
        columns: 2,
        rows_max: ROWS,
        edges,
        |bind, edge| {
            bind.push_bind(edge.0).push_bind(edge.1);
        },
        ""
    )?;
    Ok(())
}

/// A row in COPY's text format.
fn text(object: &Object) -> String {
    let escaped = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    };
    let or_null = |text: &Option<String>| text.as_deref().map_or("\\N".to_owned(), escaped);
    let (id, object_type, name, upn, given, surname, mail, attributes) = object;
    format!(
        "{id}\t{object_type}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        escaped(name),
        or_null(upn),
        or_null(given),
        or_null(surname),
        or_null(mail),
        escaped(attributes)
    )
}

async fn copy(
    connection: &mut sqlx::PgConnection,
    table: &str,
    rows: impl Iterator<Item = String>,
) -> Result<()> {
    let mut copy = connection
        .copy_in_raw(&format!("COPY {table} FROM STDIN"))
        .await?;
    let mut buffer = String::new();
    for row in rows {
        buffer.push_str(&row);
        if buffer.len() > 1 << 20 {
            copy.send(std::mem::take(&mut buffer).into_bytes()).await?;
        }
    }
    copy.send(buffer.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}
