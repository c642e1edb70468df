//! The dry run: what the rows of an import come to over what the directory has.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use domain::{
    id::{CustomerId, GroupId, ImportId, IntegrationId, UserId},
    import::{ImportColumn, ImportField, RowOutcome},
    made_here::editable,
    user::{DirectoryStatus, SourceType},
};
use planner::{
    import::{
        Known, KnownGroup, KnownUser, Named, Plan, Planned, Reading, names, plan, table::Table,
    },
    read::Content,
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Backend, Error, Result, Tx,
    db::{
        insert_columns,
        rows::{IDS_MAX, fetch_built, for_each_built, push_ids, push_texts},
    },
    execute, fetch_all,
    store::{read_json, write_json},
};

/// Does what takes the processor a while away from the threads that answer requests.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("an import broke off: {error}")))
}

/// What comes of each row; none where the choice of columns can't be.
pub(super) async fn dry_run(
    tx: &mut Tx,
    customer: CustomerId,
    table: &Arc<Table>,
    reading: &Reading,
) -> Result<Option<Plan>> {
    if reading.problem().is_some() {
        return Ok(None);
    }
    let (of, by) = (table.clone(), reading.clone());
    let named = off_thread(move || names(&of, &by)).await?;
    let known = known(tx, customer, &named, reading.has(ImportField::Groups)).await?;
    let (of, by) = (table.clone(), reading.clone());
    off_thread(move || plan(&of, &by, &known)).await.map(Some)
}

/// The columns as pages show them.
pub(super) fn columns(table: &Table, reading: &Reading) -> Vec<ImportColumn> {
    let headers = table.headers().iter().enumerate();
    headers
        .map(|(at, header)| {
            let field = reading.columns.get(at).copied().flatten();
            let secret = field == Some(ImportField::Password) || ImportField::may_be_secret(header);
            ImportColumn {
                header: header.clone(),
                field,
                example: (!secret).then(|| table.example(at).map(short)).flatten(),
            }
        })
        .collect()
}

/// So much of a text as a list shows, without what no database and no page holds.
pub(super) fn short(text: &str) -> String {
    const CHARS: usize = 80;
    let shown = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut short: String = shown.take(CHARS).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    short
}

#[derive(FromRow)]
struct UserRow {
    id: UserId,
    status: DirectoryStatus,
    source_type: SourceType,
    integration_id: Option<IntegrationId>,
    integration_name: Option<String>,
    user_principal_name: Option<String>,
    display_name: String,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    guest: bool,
    administrator: bool,
    attributes: String,
    user_name_folded: Option<String>,
    mail_folded: Option<String>,
    employee_id_folded: Option<String>,
}

const USER: &str = "SELECT u.id, u.status, u.source_type, u.integration_id,
        i.name AS integration_name, u.user_principal_name, u.display_name, u.given_name, u.surname,
        u.mail, u.guest, u.administrator_at IS NOT NULL AS administrator, u.attributes,
        u.user_name_folded, u.mail_folded, u.employee_id_folded
   FROM directory_user u LEFT JOIN integration i ON i.id = u.integration_id
  WHERE u.status <> 'deleted' AND u.customer_id = ";

/// More than that are looked for by reading everybody: a row that an index finds costs ten times one
/// that is read on the way.
const MANY: usize = 5_000;

/// Who of a customer has one of these names, and with `groups` its groups.
async fn known(tx: &mut Tx, customer: CustomerId, named: &Named, groups: bool) -> Result<Known> {
    let mut found = if named.addresses.len() + named.employee_ids.len() > MANY {
        among_all(tx, customer, named).await?
    } else {
        by_index(tx, customer, named).await?
    };
    let ids: Vec<Uuid> = found.keys().map(|id| id.0).collect();
    add_names(tx, &ids, &mut found, groups).await?;
    let groups = if groups {
        groups_of(tx, customer).await?
    } else {
        Vec::new()
    };
    let mut users: Vec<_> = found.into_values().collect();
    users.sort_unstable_by_key(|user| user.id);
    Ok(Known::new(users, groups))
}

/// Those of all of a customer.
pub(super) async fn among_all(
    tx: &mut Tx,
    customer: CustomerId,
    named: &Named,
) -> Result<HashMap<UserId, KnownUser>> {
    let aliases = fetch_all!(
        &mut *tx,
        (UserId, String),
        "SELECT user_id, address_folded FROM directory_user_alias WHERE customer_id = $1",
        customer
    )?;
    let by_alias: HashSet<UserId> = aliases
        .into_iter()
        .filter(|(_, alias)| named.addresses.contains(alias))
        .map(|(user, _)| user)
        .collect();
    let is = |all: &HashSet<String>, one: &Option<String>| {
        one.as_ref().is_some_and(|one| all.contains(one))
    };
    let mut found = HashMap::new();
    for_each_built!(
        tx,
        UserRow,
        |query| {
            query.push(USER).push_bind(customer);
        },
        |row| {
            if is(&named.addresses, &row.user_name_folded)
                || is(&named.addresses, &row.mail_folded)
                || is(&named.employee_ids, &row.employee_id_folded)
                || by_alias.contains(&row.id)
            {
                found.insert(row.id, user(row)?);
            }
        }
    )?;
    Ok(found)
}

/// Those of few, each way by its index.
pub(super) async fn by_index(
    tx: &mut Tx,
    customer: CustomerId,
    named: &Named,
) -> Result<HashMap<UserId, KnownUser>> {
    const ALIAS: &str =
        "u.id IN (SELECT a.user_id FROM directory_user_alias a WHERE a.customer_id = ";
    let mut found = HashMap::new();
    let addresses: Vec<String> = named.addresses.iter().cloned().collect();
    let ids: Vec<String> = named.employee_ids.iter().cloned().collect();
    let ways = [
        (" AND u.user_name_folded", &addresses),
        (" AND u.mail_folded", &addresses),
        (" AND u.employee_id_folded", &ids),
    ];
    for (column, texts) in ways {
        for texts in texts.chunks(IDS_MAX) {
            let rows = fetch_built!(&mut *tx, UserRow, |query| {
                query.push(USER).push_bind(customer).push(column);
                push_texts!(query, texts);
            })?;
            for row in rows {
                found.insert(row.id, user(row)?);
            }
        }
    }
    for addresses in addresses.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, UserRow, |query| {
            query.push(USER).push_bind(customer);
            query.push(" AND ").push(ALIAS).push_bind(customer);
            query.push(" AND a.address_folded");
            push_texts!(query, addresses);
            query.push(")");
        })?;
        for row in rows {
            found.insert(row.id, user(row)?);
        }
    }
    Ok(found)
}

fn user(row: UserRow) -> Result<KnownUser> {
    Ok(KnownUser {
        id: row.id,
        status: row.status,
        editable: editable(row.source_type, row.integration_id),
        integration_name: row.integration_name,
        content: Content {
            display_name: row.display_name,
            user_principal_name: row.user_principal_name,
            given_name: row.given_name,
            surname: row.surname,
            mail: row.mail,
            guest: row.guest,
            attributes: read_json("directory_user.attributes", &row.attributes)?,
            ..Content::default()
        },
        administrator: row.administrator,
        aliases: Vec::new(),
        groups: HashSet::new(),
    })
}

/// Adds the aliases of people, and with `groups` the groups they are in.
async fn add_names(
    tx: &mut Tx,
    ids: &[Uuid],
    users: &mut HashMap<UserId, KnownUser>,
    groups: bool,
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, (UserId, String), |query| {
            query.push("SELECT user_id, address_folded FROM directory_user_alias WHERE user_id");
            push_ids!(query, ids);
            query.push(" ORDER BY user_id, address_folded");
        })?;
        for (id, alias) in rows {
            if let Some(user) = users.get_mut(&id) {
                user.aliases.push(alias);
            }
        }
        if !groups {
            continue;
        }
        let rows = fetch_built!(&mut *tx, (UserId, GroupId), |query| {
            query.push("SELECT member_id, group_id FROM directory_membership WHERE member_id");
            push_ids!(query, ids);
        })?;
        for (id, group) in rows {
            if let Some(user) = users.get_mut(&id) {
                user.groups.insert(group);
            }
        }
    }
    Ok(())
}

async fn groups_of(tx: &mut Tx, customer: CustomerId) -> Result<Vec<KnownGroup>> {
    let rows = fetch_all!(
        tx,
        (GroupId, String, bool, Option<String>),
        "SELECT g.id, g.display_name,
                (g.integration_id IS NULL AND g.source_type IN ('Manual', 'Import')) AS made_here,
                i.name
           FROM directory_group g LEFT JOIN integration i ON i.id = g.integration_id
          WHERE g.customer_id = $1 AND g.status <> 'deleted' ORDER BY g.id",
        customer
    )?;
    let group = |(id, display_name, made_here, integration_name)| KnownGroup {
        id,
        display_name,
        made_here,
        integration_name,
    };
    Ok(rows.into_iter().map(group).collect())
}

/// A row of the dry run as it is stored.
struct Stored {
    number: i64,
    outcome: &'static str,
    display_name: String,
    user_name: String,
    search_text: String,
    user_id: Option<Uuid>,
    errors: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// Keeps what the dry run came to, in place of what there was. Somebody new gets their id here.
pub(super) async fn keep_rows(
    b: &Backend,
    tx: &mut Tx,
    id: ImportId,
    plan: Option<&Plan>,
) -> Result<()> {
    execute!(&mut *tx, "DELETE FROM import_row WHERE import_id = $1", id)?;
    let rows = plan.map(|plan| plan.rows.as_slice()).unwrap_or_default();
    insert_columns!(
        &mut *tx,
        "INSERT INTO import_row (import_id, number, outcome, display_name,
            user_principal_name, search_text, user_id, errors, before_value, after_value)",
        rows.iter().map(|row| stored(b, row)),
        |row| {
            "uuid": id.0,
            "bigint": row.number,
            "text": row.outcome,
            "text": row.display_name.as_str(),
            "text": row.user_name.as_str(),
            "text": row.search_text.as_str(),
            "uuid": row.user_id,
            "text": row.errors.as_deref(),
            "text": row.before.as_deref(),
            "text": row.after.as_deref(),
        },
        ""
    )
}

fn stored(b: &Backend, row: &Planned) -> Result<Stored> {
    let user_name = row
        .content
        .user_principal_name
        .as_deref()
        .unwrap_or_default();
    let (before, after) = row
        .changed
        .as_ref()
        .map(|(before, after)| (before, after))
        .unzip();
    let new = row.outcome == RowOutcome::Create;
    Ok(Stored {
        number: i64::from(row.number),
        outcome: row.outcome.as_str(),
        display_name: row.content.display_name.clone(),
        user_name: user_name.to_owned(),
        search_text: planner::fold::search_text([row.content.display_name.as_str(), user_name]),
        user_id: row
            .user
            .map(|user| user.0)
            .or_else(|| new.then(|| b.ids.uuid())),
        errors: (!row.errors.is_empty())
            .then(|| write_json(&row.errors))
            .transpose()?,
        before: before.map(write_json).transpose()?,
        after: after.map(write_json).transpose()?,
    })
}
