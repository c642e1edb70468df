//! What a change shows: the attributes that differ, before and after. A create shows none, it
//! keeps no copy (sync.md rule 5).

use std::collections::HashMap;

use domain::{
    DateTime, difference::KEPT_HERE, group::GroupKind, id::ExternalId, policy::ObjectType,
};
use planner::{
    diff::{Known, Step, changed, target},
    kept_here::KeptHere,
    read::Content,
};
use serde_json::{Map, Value};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    kept_here,
    planning::Change,
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
};
use crate::{Result, Tx};

/// A planned change of a known object.
#[derive(Debug)]
pub(super) struct Differing {
    /// Where it stands in the list of changes.
    pub at: usize,
    pub external_id: ExternalId,
    pub known: Known,
    pub step: Step,
    /// Whether its content changes.
    pub content: bool,
}

#[derive(FromRow)]
struct Row {
    external_id: ExternalId,
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    group_kind: Option<GroupKind>,
    dynamic: bool,
    attributes: String,
}

impl From<Row> for Content {
    fn from(row: Row) -> Self {
        Self {
            display_name: row.display_name,
            user_principal_name: row.user_principal_name,
            given_name: row.given_name,
            surname: row.surname,
            mail: row.mail,
            group_kind: row.group_kind,
            dynamic: row.dynamic,
            attributes: serde_json::from_str(&row.attributes).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Fills in before and after.
pub(super) async fn fill(
    work: &Work<'_>,
    object_type: ObjectType,
    differing: &[Differing],
    now: DateTime,
    changes: &mut [Change],
) -> Result<()> {
    if differing.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = differing
        .iter()
        .filter(|one| one.content)
        .map(|one| one.external_id.0)
        .collect();
    let mut tx = work.b().db.read().await?;
    let was = in_directory(&mut tx, work, object_type, &ids).await?;
    let becomes = in_source(&mut tx, work, object_type, &ids).await?;
    let kept = match object_type {
        ObjectType::User => kept_here::of(&mut tx, work, &ids).await?,
        _ => HashMap::new(),
    };
    for one in differing {
        let id = &one.external_id;
        let (mut before, mut after) = match (was.get(id), becomes.get(id), kept.get(id)) {
            (Some(was), Some(becomes), Some(kept)) => with_kept(was, becomes, kept),
            (Some(was), Some(becomes), None) => changed(was, becomes),
            _ => (Map::new(), Map::new()),
        };
        let next = target(
            &work.policy,
            Some(&one.known),
            one.step,
            one.known.hash,
            now,
        );
        states(&one.known, &next, &mut before, &mut after);
        if let Some(change) = changes.get_mut(one.at) {
            change.before = Some(Value::Object(before).to_string());
            change.after = Some(Value::Object(after).to_string());
        }
    }
    Ok(())
}

/// What changes of somebody of whom something is kept here, and what of it the source says
/// otherwise.
fn with_kept(
    was: &Content,
    source: &Content,
    kept: &KeptHere,
) -> (Map<String, Value>, Map<String, Value>) {
    let (before, mut after) = changed(was, &kept.over(source.clone()));
    let otherwise = kept.differing(source);
    if !otherwise.is_empty() {
        after.insert(KEPT_HERE.to_owned(), otherwise.into());
    }
    (before, after)
}

fn states(
    known: &Known,
    next: &Known,
    before: &mut Map<String, Value>,
    after: &mut Map<String, Value>,
) {
    let mut note = |name: &str, was: Option<String>, becomes: Option<String>| {
        if was != becomes {
            before.insert(name.to_owned(), was.map_or(Value::Null, Value::String));
            after.insert(name.to_owned(), becomes.map_or(Value::Null, Value::String));
        }
    };
    let status = |known: &Known| Some(known.status.to_string());
    let reason = |known: &Known| known.reason.map(|reason| reason.to_string());
    let delete_at = |known: &Known| known.delete_at.map(|at| at.to_rfc3339());
    note("status", status(known), status(next));
    note("status_reason", reason(known), reason(next));
    note("delete_at", delete_at(known), delete_at(next));
}

const SOURCE: &str = "SELECT external_id, display_name, user_principal_name, given_name, surname,
    mail, group_kind, dynamic, attributes FROM source_object WHERE integration_id = ";

const fn directory(object_type: ObjectType) -> &'static str {
    match object_type {
        ObjectType::Group => {
            "SELECT external_id, display_name, NULL AS user_principal_name, NULL AS given_name,
                NULL AS surname, mail, kind AS group_kind, dynamic, attributes
               FROM directory_group WHERE integration_id = "
        }
        ObjectType::Contact => {
            "SELECT external_id, display_name, NULL AS user_principal_name, given_name, surname,
                mail, NULL AS group_kind, FALSE AS dynamic, attributes
               FROM directory_contact WHERE integration_id = "
        }
        ObjectType::Device => {
            "SELECT external_id, display_name, NULL AS user_principal_name, NULL AS given_name,
                NULL AS surname, NULL AS mail, NULL AS group_kind, FALSE AS dynamic, attributes
               FROM directory_device WHERE integration_id = "
        }
        ObjectType::User | ObjectType::Membership => {
            "SELECT external_id, display_name, user_principal_name, given_name, surname, mail,
                NULL AS group_kind, FALSE AS dynamic, attributes
               FROM directory_user WHERE integration_id = "
        }
    }
}

/// What the source says of these objects.
pub(super) async fn in_source(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    ids: &[Uuid],
) -> Result<HashMap<ExternalId, Content>> {
    let condition = format!(" AND object_type = '{object_type}'");
    contents(tx, work, SOURCE, &condition, ids).await
}

/// What the directory has of these objects.
pub(super) async fn in_directory(
    tx: &mut Tx,
    work: &Work<'_>,
    object_type: ObjectType,
    ids: &[Uuid],
) -> Result<HashMap<ExternalId, Content>> {
    contents(tx, work, directory(object_type), "", ids).await
}

async fn contents(
    tx: &mut Tx,
    work: &Work<'_>,
    select: &'static str,
    condition: &str,
    ids: &[Uuid],
) -> Result<HashMap<ExternalId, Content>> {
    let mut all = HashMap::new();
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(tx, Row, |query| {
            query.push(select).push_bind(work.integration.id);
            query.push(condition).push(" AND external_id");
            push_ids!(query, ids);
        })?;
        all.extend(rows.into_iter().map(|row| (row.external_id, row.into())));
    }
    Ok(all)
}
