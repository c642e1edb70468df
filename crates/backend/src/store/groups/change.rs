//! Adding, changing, deleting and restoring groups made here.

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    group::{Group, GroupKind},
    id::{CustomerId, GroupId},
    made_here::{BIN_DAYS, DESCRIPTION_CHARS_MAX, GroupChange, NewGroup},
    permission::Permission,
    run::Reason,
    text::{FieldError, parse_name, parse_note},
    user::{DirectoryStatus, SourceType},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    edges, get,
    held::{Held, hold},
};
use crate::{
    Backend, Error, Result, Scope, Tx, execute,
    store::{
        audit::{self, Entry},
        customers, write_json,
    },
};

/// What of a group goes into the audit log.
#[derive(Serialize)]
struct Told<'a> {
    display_name: &'a str,
    description: Option<&'a str>,
    members: Option<&'a [String]>,
}

/// Adds a group to a customer.
pub async fn create(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    new: NewGroup,
) -> Result<Group> {
    let mut tx = b.db.write().await?;
    customers::find_in_use(&mut tx, scope, customer).await?;
    scope.require(Permission::DirectoryWrite)?;
    let name = parse_name("display_name", &new.display_name)?;
    let description = parse_description(new.description.as_deref().unwrap_or_default())?;
    let (id, now) = (GroupId(b.ids.uuid()), b.clock.now());
    let mut attributes = Map::new();
    describe(&mut attributes, description.as_deref());
    execute!(
        &mut tx,
        "INSERT INTO directory_group (id, customer_id, source_type, display_name, name_folded,
            search_text, kind, dynamic, attributes, status, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, FALSE, $8, $9, $10, $10)",
        id,
        customer,
        SourceType::Manual,
        &name,
        planner::key(&name),
        planner::fold::search_text([name.as_str()]),
        GroupKind::Security,
        write_json(&attributes)?,
        DirectoryStatus::Active,
        now
    )?;
    let members = edges::find(&mut tx, customer, id, &new.member_ids).await?;
    edges::put_into(&mut tx, id, &members).await?;
    let members = edges::names(&members);
    let changes = AuditChanges::created(&Told {
        display_name: &name,
        description: description.as_deref(),
        members: (!members.is_empty()).then_some(&members),
    });
    let entry = Entry::new(AuditAction::GroupCreate, id.0, &name)
        .of(customer)
        .changes(changes);
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    get(b, scope, id).await
}

/// A description may have lines.
fn parse_description(given: &str) -> Result<Option<String>, FieldError> {
    const FIELD: &str = "description";
    if given.trim().chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(FieldError::new(
            FIELD,
            format!("Use at most {DESCRIPTION_CHARS_MAX} characters."),
        ));
    }
    // A note's rule on what a text may hold, a longer text by parts.
    let chars: Vec<char> = given.trim().chars().collect();
    for part in chars.chunks(domain::text::NOTE_CHARS_MAX) {
        parse_note(FIELD, &part.iter().collect::<String>())?;
    }
    Ok((!chars.is_empty()).then(|| chars.into_iter().collect()))
}

fn describe(attributes: &mut Map<String, Value>, description: Option<&str>) {
    match description {
        Some(text) => attributes.insert("description".to_owned(), text.into()),
        None => attributes.remove("description"),
    };
}

/// Changes the name and the description of a group made here.
pub async fn change(b: &Backend, scope: &Scope, id: GroupId, change: GroupChange) -> Result<Group> {
    let mut tx = b.db.write().await?;
    let group = hold(&mut tx, scope, id).await?;
    let name = match &change.display_name {
        Some(name) => parse_name("display_name", name)?,
        None => group.display_name.clone(),
    };
    let mut attributes = group.attributes.clone();
    if let Some(description) = &change.description {
        describe(&mut attributes, parse_description(description)?.as_deref());
    }
    group.made_here("its name and description")?;
    group.not_deleted()?;
    let changes = AuditChanges::between(
        &Told {
            display_name: &group.display_name,
            description: group.description(),
            members: None,
        },
        &Told {
            display_name: &name,
            description: attributes.get("description").and_then(Value::as_str),
            members: None,
        },
    );
    if !changes.is_empty() {
        let search_text = search_text(&mut tx, id, &name).await?;
        execute!(
            &mut tx,
            "UPDATE directory_group SET display_name = $2, name_folded = $3, search_text = $4,
                    attributes = $5, changed_at = $6
              WHERE id = $1",
            id,
            &name,
            planner::key(&name),
            search_text,
            write_json(&attributes)?,
            b.clock.now()
        )?;
        group
            .record(b, &mut tx, scope, AuditAction::GroupUpdate, changes)
            .await?;
    }
    tx.commit().await?;
    get(b, scope, id).await
}

/// What a group of this name is found by: its mail address too, which one that was kept when its
/// integration was deleted has.
async fn search_text(tx: &mut Tx, id: GroupId, name: &str) -> Result<String> {
    let mail = crate::fetch_scalar!(
        tx,
        Option<String>,
        "SELECT mail FROM directory_group WHERE id = $1",
        id
    )?;
    Ok(planner::fold::search_text(
        [Some(name), mail.as_deref()].into_iter().flatten(),
    ))
}

/// Puts a group into the bin, where it can be restored for [`BIN_DAYS`] days.
pub async fn delete(b: &Backend, scope: &Scope, id: GroupId) -> Result<()> {
    let mut tx = b.db.write().await?;
    let group = hold(&mut tx, scope, id).await?;
    group.made_here("whether it is there")?;
    if group.status == DirectoryStatus::Deleted {
        return Err(Error::conflict(format!(
            "{} is in the bin already.",
            group.display_name
        )));
    }
    let now = b.clock.now();
    let deleted = DirectoryStatus::Deleted;
    set(&mut tx, &group, (deleted, Some(Reason::DeletedHere)), now).await?;
    execute!(
        &mut tx,
        "UPDATE directory_group SET status_before = $2, purge_at = $3 WHERE id = $1",
        id,
        group.status,
        now + Duration::days(BIN_DAYS)
    )?;
    let changes = AuditChanges::none().field("status", &group.status, &deleted);
    group
        .record(b, &mut tx, scope, AuditAction::GroupDelete, changes)
        .await?;
    tx.commit().await
}

/// Takes a group out of the bin: it is as it was, with its members.
pub async fn restore(b: &Backend, scope: &Scope, id: GroupId) -> Result<Group> {
    let mut tx = b.db.write().await?;
    let group = hold(&mut tx, scope, id).await?;
    group.made_here("whether it is there")?;
    let now = b.clock.now();
    if group.purge_at.is_some_and(|at| at <= now) {
        return Err(Error::NotFound("group"));
    }
    if group.status != DirectoryStatus::Deleted {
        return Err(Error::conflict(format!(
            "{} isn’t in the bin.",
            group.display_name
        )));
    }
    let status = group.status_before.unwrap_or(DirectoryStatus::Active);
    set(&mut tx, &group, (status, None), now).await?;
    let changes = AuditChanges::none().field("status", &group.status, &status);
    group
        .record(b, &mut tx, scope, AuditAction::GroupRestore, changes)
        .await?;
    tx.commit().await?;
    get(b, scope, id).await
}

async fn set(
    tx: &mut Tx,
    group: &Held,
    (status, reason): (DirectoryStatus, Option<Reason>),
    now: DateTime,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE directory_group SET status = $2, status_reason = $3, status_before = NULL,
                purge_at = NULL, delete_at = NULL, countdown_cancelled_at = NULL,
                countdown_cancelled_by = NULL, countdown_cancelled_note = NULL, changed_at = $4
          WHERE id = $1",
        group.id,
        status,
        reason,
        now
    )?;
    Ok(())
}
