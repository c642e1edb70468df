//! Setting the passwords that a file brings. Each is looked at as one that a person chooses, and
//! hashed, which takes a while: so it is done by a job, which notes how far it is. What was given goes
//! with the last one.

use std::collections::HashMap;

use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, ImportId, UserId},
    import::{ImportField, ImportPassword},
    user::DirectoryStatus,
};
use planner::import::{Reading, table::Table};
use secrecy::SecretString;
use sqlx::FromRow;

use super::{content, planning::off_thread};
use crate::{
    Backend, Error, Result, Scope, Tx,
    auth::users::hash_imported,
    execute, fetch_all, fetch_optional,
    store::{
        audit::{self, Entry},
        read_json,
    },
};

/// Passwords of one transaction.
const BATCH: i64 = 20;

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There are more.
    More,
    /// All are set, or refused; or there is no such import any more.
    Done,
    /// Too many passwords are being hashed: in a while.
    Busy,
}

#[derive(FromRow)]
struct At {
    customer_id: CustomerId,
    name: String,
    made_by: String,
    columns: String,
    passwords_after: i64,
    passwords_set: i64,
    passwords_refused: i64,
}

#[derive(FromRow)]
struct Whose {
    number: i64,
    user_id: UserId,
    display_name: String,
    user_principal_name: String,
    status: DirectoryStatus,
    enrolled_at: Option<DateTime>,
}

/// Sets the passwords of an import until `stop` says so.
pub(crate) async fn set_passwords(
    b: &Backend,
    id: ImportId,
    stop: impl Fn() -> bool,
) -> Result<Progress> {
    let mut tx = b.db.read().await?;
    let Some(at) = at(&mut tx, id).await? else {
        return Ok(Progress::Done);
    };
    let text = content::open(b, &mut tx, id).await?;
    drop(tx);
    let columns: Vec<domain::import::ImportColumn> = read_json("import.columns", &at.columns)?;
    let reading = Reading {
        columns: columns.into_iter().map(|column| column.field).collect(),
        password: ImportPassword::Column,
    };
    // By the numbers of their rows.
    let given = off_thread(move || passwords(&text, &reading)).await?;
    while !stop() {
        match batch(b, id, &given).await? {
            Progress::More => {}
            done => return Ok(done),
        }
    }
    Ok(Progress::More)
}

fn passwords(text: &str, reading: &Reading) -> HashMap<i64, SecretString> {
    let column = reading
        .columns
        .iter()
        .position(|field| *field == Some(ImportField::Password));
    let (Some(column), Ok(table)) = (column, Table::read(text)) else {
        return HashMap::new();
    };
    table
        .rows()
        .filter(|row| !row.cell(column).is_empty())
        .map(|row| (i64::from(row.number), row.as_given(column).into()))
        .collect()
}

async fn at(tx: &mut Tx, id: ImportId) -> Result<Option<At>> {
    fetch_optional!(
        tx,
        At,
        "SELECT m.customer_id, m.name, m.made_by, m.columns, m.passwords_after, m.passwords_set,
                m.passwords_refused
           FROM import m JOIN customer c ON c.id = m.customer_id
          WHERE m.id = $1 AND m.status = 'setting_passwords' AND c.deleted_at IS NULL",
        id
    )
}

/// Sets the next ones.
async fn batch(b: &Backend, id: ImportId, given: &HashMap<i64, SecretString>) -> Result<Progress> {
    let mut tx = b.db.read().await?;
    let Some(before) = at(&mut tx, id).await? else {
        return Ok(Progress::Done);
    };
    let next = fetch_all!(
        &mut tx,
        Whose,
        "SELECT r.number, r.user_id, u.display_name,
                COALESCE(u.user_principal_name, '') AS user_principal_name, u.status, e.enrolled_at
           FROM import_row r JOIN directory_user u ON u.id = r.user_id
           LEFT JOIN enrolment e ON e.user_id = u.id
          WHERE r.import_id = $1 AND r.number > $2 AND r.outcome <> 'error'
          ORDER BY r.number LIMIT $3",
        id,
        before.passwords_after,
        BATCH
    )?;
    drop(tx);
    let Some(reached) = next.last().map(|last| last.number) else {
        return end(b, id, before.passwords_after).await;
    };
    let mut hashed = Vec::new();
    for whose in next {
        let Some(password) = given.get(&whose.number) else {
            continue;
        };
        match hash(b, &whose, password).await {
            Ok(hash) => hashed.push((whose, hash)),
            Err(Error::Busy { .. }) => return Ok(Progress::Busy),
            Err(error) => return Err(error),
        }
    }
    keep(b, id, (&before, reached), hashed).await
}

/// The hash of a password, or why it isn't set.
async fn hash(
    b: &Backend,
    whose: &Whose,
    password: &SecretString,
) -> Result<std::result::Result<String, String>> {
    if whose.status == DirectoryStatus::Deleted {
        return Ok(Err("They were deleted since.".to_owned()));
    }
    if whose.enrolled_at.is_some() {
        return Ok(Err("They have a password already: it stays.".to_owned()));
    }
    let (name, user_name) = (&whose.display_name, &whose.user_principal_name);
    hash_imported(b, password.clone(), name, user_name).await
}

/// Keeps what came of a batch, unless another worker was faster.
async fn keep(
    b: &Backend,
    id: ImportId,
    (before, reached): (&At, i64),
    hashed: Vec<(Whose, std::result::Result<String, String>)>,
) -> Result<Progress> {
    let mut tx = b.db.write().await?;
    let (mut set, mut refused) = (0_i64, 0_i64);
    for (whose, hash) in hashed {
        let taken = match &hash {
            Ok(hash) => set_one(b, &mut tx, before, &whose, hash).await?,
            Err(_) => false,
        };
        if taken {
            set += 1;
            continue;
        }
        refused += 1;
        let why = hash.err();
        let why = why.unwrap_or_else(|| "They have a password already: it stays.".to_owned());
        execute!(
            &mut tx,
            "UPDATE import_row SET password_refused = $3 WHERE import_id = $1 AND number = $2",
            id,
            whose.number,
            why
        )?;
    }
    let own = execute!(
        &mut tx,
        "UPDATE import SET passwords_after = $2, passwords_set = passwords_set + $3,
                passwords_refused = passwords_refused + $4
          WHERE id = $1 AND passwords_after = $5 AND status = 'setting_passwords'",
        id,
        reached,
        set,
        refused,
        before.passwords_after
    )?;
    if own == 0 {
        return Ok(Progress::Done);
    }
    tx.commit().await?;
    Ok(Progress::More)
}

/// Gives somebody their account; false where they have one by now.
async fn set_one(b: &Backend, tx: &mut Tx, at: &At, whose: &Whose, hash: &str) -> Result<bool> {
    let set = execute!(
        tx,
        "INSERT INTO enrolment (user_id, customer_id, invited_at, invited_by, mail_failed,
            enrolled_at, password_hash)
         VALUES ($1, $2, $3, $4, FALSE, $3, $5)
         ON CONFLICT (user_id) DO UPDATE SET enrolled_at = $3, password_hash = $5,
                mail_failed = FALSE, link_hash = NULL, link_expires_at = NULL
          WHERE enrolment.enrolled_at IS NULL",
        whose.user_id,
        at.customer_id,
        b.clock.now(),
        &at.made_by,
        hash
    )?;
    Ok(set > 0)
}

/// Notes that all are done, and removes what was given.
async fn end(b: &Backend, id: ImportId, after: i64) -> Result<Progress> {
    let mut tx = b.db.write().await?;
    let ended = execute!(
        &mut tx,
        "UPDATE import SET status = 'applied'
          WHERE id = $1 AND passwords_after = $2 AND status = 'setting_passwords'",
        id,
        after
    )?;
    if ended == 0 {
        return Ok(Progress::Done);
    }
    let told = fetch_optional!(
        &mut tx,
        At,
        "SELECT customer_id, name, made_by, columns, passwords_after, passwords_set,
                passwords_refused FROM import WHERE id = $1",
        id
    )?
    .ok_or(Error::NotFound("import"))?;
    content::remove(&mut tx, id).await?;
    let changes = AuditChanges::none()
        .now("set", &told.passwords_set)
        .now("refused", &told.passwords_refused)
        .secret("password");
    let entry = Entry::of_whole(AuditAction::UserImportPasswords, &told.name)
        .of(told.customer_id)
        .changes(changes);
    audit::record(b, &mut tx, &Scope::by_itself(), entry).await?;
    tx.commit().await?;
    Ok(Progress::Done)
}
