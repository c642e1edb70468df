//! What is kept of one object: the source object, what the directory has of it, and what runs did
//! about it.

use domain::{
    DateTime,
    countdown::CountdownCancelled,
    group::GroupKind,
    id::{ExternalId, RunId, UserId},
    integration::Integration,
    policy::ObjectType,
    run::{Action, ChangeStatus, Reason, RunMode},
    user::DirectoryStatus,
};
use planner::{
    decision::Rejected,
    derive::Facts,
    diff::Known,
    hash,
    read::{Content, Mapped, Presence, SourceObject},
    why::{KeptByDecision, MatchedWith, Reading, Recorded, Scope as Standing, Seen, Subject},
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{facts, matching, name_held_by, name_held_by_rule, name_holder, scope};
use crate::{
    Backend, Result, Tx, fetch_all, fetch_optional,
    store::{kept_attributes, protection::ProtectionRow, read_json},
};

/// Runs that are looked through for what was done about an object: their plans are read whole.
const RUNS_MAX: i64 = 3;

#[derive(FromRow)]
struct ContentRow {
    display_name: String,
    user_principal_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    group_kind: Option<GroupKind>,
    dynamic: bool,
    attributes: String,
}

impl ContentRow {
    fn content(self) -> Result<Content> {
        Ok(Content {
            display_name: self.display_name,
            user_principal_name: self.user_principal_name,
            given_name: self.given_name,
            surname: self.surname,
            mail: self.mail,
            group_kind: self.group_kind,
            dynamic: self.dynamic,
            attributes: read_json("attributes", &self.attributes)?,
            ..Content::default()
        })
    }
}

#[derive(FromRow)]
struct SourceRow {
    #[sqlx(flatten)]
    content: ContentRow,
    presence: String,
    sign_in_blocked: bool,
    guest: bool,
    hash: Vec<u8>,
    mapping_error: Option<String>,
    mapped_from: Option<String>,
    pending: Option<String>,
}

#[derive(FromRow)]
struct DecisionRow {
    action: Action,
    reason: Option<Reason>,
    run_id: RunId,
    decided_by: String,
    decided_at: DateTime,
    note: String,
}

/// The rejection that keeps an object as it is, where the source says the same now as then.
async fn kept_by_decision(
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    external_id: ExternalId,
) -> Result<Option<KeptByDecision>> {
    let row = fetch_optional!(
        tx,
        DecisionRow,
        "SELECT k.action, k.reason, k.run_id, d.decided_by, d.decided_at, d.note
           FROM kept_by_decision k
           JOIN run_decision d ON d.run_id = k.run_id AND d.object_type = k.object_type
           JOIN source_object s ON s.integration_id = k.integration_id
                AND s.object_type = k.object_type AND s.external_id = k.external_id
                AND s.presence = k.presence AND s.hash = k.hash
          WHERE k.integration_id = $1 AND k.object_type = $2 AND k.external_id = $3",
        integration.id,
        object_type,
        external_id
    )?;
    Ok(row.map(|row| KeptByDecision {
        rejected: Rejected {
            action: row.action,
            reason: row.reason,
        },
        run: row.run_id,
        by: row.decided_by,
        at: row.decided_at,
        note: row.note,
    }))
}

#[derive(FromRow)]
struct DirectoryRow {
    #[sqlx(flatten)]
    content: ContentRow,
    id: Uuid,
    status: DirectoryStatus,
    status_reason: Option<Reason>,
    delete_at: Option<DateTime>,
    countdown_cancelled_at: Option<DateTime>,
    countdown_cancelled_by: Option<String>,
    countdown_cancelled_note: Option<String>,
    #[sqlx(flatten)]
    protection: ProtectionRow,
    changed_at: DateTime,
    hash: Option<Vec<u8>>,
}

fn hash_of(bytes: &[u8]) -> [u8; hash::LENGTH] {
    bytes.try_into().unwrap_or([0; hash::LENGTH])
}

/// The directory's row of an object. An edge has none.
const fn directory(object_type: ObjectType) -> Option<&'static str> {
    match object_type {
        ObjectType::User => Some(
            "SELECT id, display_name, user_principal_name, given_name, surname, mail,
                    NULL AS group_kind, FALSE AS dynamic, attributes, status, status_reason,
                    delete_at, countdown_cancelled_at, countdown_cancelled_by,
                    countdown_cancelled_note, protected_at, protected_by, protected_note,
                    changed_at, hash
               FROM directory_user WHERE integration_id = $1 AND external_id = $2",
        ),
        ObjectType::Group => Some(
            "SELECT id, display_name, NULL AS user_principal_name, NULL AS given_name,
                    NULL AS surname, mail, kind AS group_kind, dynamic, attributes, status,
                    status_reason, delete_at, countdown_cancelled_at, countdown_cancelled_by,
                    countdown_cancelled_note, NULL AS protected_at, NULL AS protected_by,
                    NULL AS protected_note, changed_at, hash
               FROM directory_group WHERE integration_id = $1 AND external_id = $2",
        ),
        ObjectType::Contact => Some(
            "SELECT id, display_name, NULL AS user_principal_name, given_name, surname, mail,
                    NULL AS group_kind, FALSE AS dynamic, attributes, status, status_reason,
                    delete_at, countdown_cancelled_at, countdown_cancelled_by,
                    countdown_cancelled_note, NULL AS protected_at, NULL AS protected_by,
                    NULL AS protected_note, changed_at, hash
               FROM directory_contact WHERE integration_id = $1 AND external_id = $2",
        ),
        ObjectType::Device => Some(
            "SELECT id, display_name, NULL AS user_principal_name, NULL AS given_name,
                    NULL AS surname, NULL AS mail, NULL AS group_kind, FALSE AS dynamic,
                    attributes, status, status_reason, delete_at, countdown_cancelled_at,
                    countdown_cancelled_by, countdown_cancelled_note, NULL AS protected_at,
                    NULL AS protected_by, NULL AS protected_note, changed_at, hash
               FROM directory_device WHERE integration_id = $1 AND external_id = $2",
        ),
        ObjectType::Membership => None,
    }
}

/// What the database knows of an object; none where nothing is kept of it.
pub(super) async fn subject(
    b: &Backend,
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    external_id: ExternalId,
) -> Result<Option<Subject>> {
    let source = fetch_optional!(
        &mut *tx,
        SourceRow,
        "SELECT presence, display_name, user_principal_name, given_name, surname, mail,
                sign_in_blocked, guest, group_kind, dynamic, attributes, hash, mapping_error,
                mapped_from, pending
           FROM source_object
          WHERE integration_id = $1 AND object_type = $2 AND external_id = $3",
        integration.id,
        object_type,
        external_id
    )?;
    let Some(source) = source else {
        return Ok(None);
    };
    let object = SourceObject {
        object_type,
        external_id,
        presence: Presence::parse(&source.presence).unwrap_or(Presence::Gone),
        content: Content {
            sign_in_blocked: source.sign_in_blocked,
            guest: source.guest,
            ..source.content.content()?
        },
        mapped: Mapped {
            error: source.mapping_error,
            from: source.mapped_from,
        },
    };
    let standing = scope::of_kept(tx, integration, object_type, external_id).await?;
    let row = match directory(object_type) {
        Some(sql) => fetch_optional!(&mut *tx, DirectoryRow, sql, integration.id, external_id)?,
        None => None,
    };
    let (last, full) = readings(tx, integration).await?;
    let since = row.as_ref().map(|row| row.changed_at);
    let waits = source.pending.is_some();
    let history = history(tx, integration, object_type, external_id, (since, waits)).await?;
    let mut subject = Subject {
        hash: hash_of(&source.hash),
        pending: source.pending,
        kept_by_decision: kept_by_decision(tx, integration, object_type, external_id).await?,
        seen: Seen::Kept { last, full },
        last_change: history.change,
        last_refused: history.refused,
        ..bare(b, tx, integration, object, standing).await?
    };
    if let Some(row) = row {
        // Only of who is new it is asked whether they are here already.
        subject.facts.matching = planner::matching::Standing::Settled;
        subject.matching = MatchedWith::default();
        subject.name_holder = subject
            .name_holder
            .filter(|holder| holder.integration_name.is_some());
        subject.facts.name_taken = subject.name_holder.is_some();
        if subject.name_holder.is_none() {
            subject.name_holder = name_held_by(tx, integration, &subject, UserId(row.id)).await?;
            subject.facts.name_held = subject.name_holder.is_some();
        }
        subject.known = Some(Known {
            status: row.status,
            reason: row.status_reason,
            delete_at: row.delete_at,
            countdown_cancelled: row.countdown_cancelled_at.is_some(),
            hash: hash_of(row.hash.as_deref().unwrap_or_default()),
        });
        subject.countdown_cancelled = row.countdown_cancelled_at.map(|at| CountdownCancelled {
            by: row.countdown_cancelled_by.unwrap_or_default(),
            at,
            note: row.countdown_cancelled_note.unwrap_or_default(),
        });
        subject.protection = row.protection.into();
        if object_type == ObjectType::User {
            subject.kept_here = kept_attributes::of_user(tx, UserId(row.id)).await?;
        }
        subject.directory_id = Some(row.id);
        subject.directory = Some(row.content.content()?);
    }
    if subject.name_holder.is_none()
        && let Some(holder) = name_held_by_rule(tx, integration, &subject).await?
    {
        subject.facts.name_held = true;
        subject.name_holder = Some(holder);
    }
    Ok(Some(subject))
}

/// A subject of which the source alone is known.
pub(super) async fn bare(
    b: &Backend,
    tx: &mut Tx,
    integration: &Integration,
    object: SourceObject,
    standing: Standing,
) -> Result<Subject> {
    let older = name_holder(tx, integration, &object).await?;
    let matched = matching::of(tx, integration, &object).await?;
    let in_scope = match &standing {
        Standing::Selected { ways, .. } => !ways.is_empty(),
        Standing::Tenant | Standing::Unknown { .. } => true,
    };
    Ok(Subject {
        policy: integration.policy.clone(),
        integration_id: integration.id,
        external_id: object.external_id,
        facts: Facts {
            matching: matched.verdict.standing,
            name_taken: older.is_some() || matched.verdict.name_taken,
            ..facts(&integration.policy, &object, in_scope, false)
        },
        hash: hash::content(&object.content),
        content: object.content,
        mapped: object.mapped,
        known: None,
        directory_id: None,
        directory: None,
        seen: Seen::Live,
        scope: standing,
        name_holder: older.or(matched.holder),
        matching: matched.with,
        pending: None,
        kept_by_decision: None,
        countdown_cancelled: None,
        protection: None,
        kept_here: Vec::new(),
        last_change: None,
        last_refused: None,
        now: b.clock.now(),
    })
}

#[derive(FromRow)]
struct ReadingRow {
    id: RunId,
    full_read: bool,
    at: DateTime,
}

impl From<ReadingRow> for Reading {
    fn from(row: ReadingRow) -> Self {
        Self {
            run: row.id,
            full: row.full_read,
            at: row.at,
        }
    }
}

/// The last run whose read was complete, and the last that read everything. Runs that ended so
/// have merged what they read.
async fn readings(
    tx: &mut Tx,
    integration: &Integration,
) -> Result<(Option<Reading>, Option<Reading>)> {
    let mut found = [None, None];
    for (at, full) in [false, true].into_iter().enumerate() {
        let row = fetch_optional!(
            &mut *tx,
            ReadingRow,
            "SELECT id, full_read, COALESCE(last_seen_at, ended_at, started_at, queued_at) AS at
               FROM run
              WHERE integration_id = $1 AND (full_read OR NOT $2)
                AND status IN ('succeeded', 'nothing_to_do', 'partial', 'held')
              ORDER BY queued_at DESC, id DESC LIMIT 1",
            integration.id,
            full
        )?;
        found[at] = row.map(Reading::from);
    }
    let [last, full] = found;
    Ok((last, full))
}

#[derive(FromRow)]
struct ChangeRow {
    run_id: RunId,
    mode: RunMode,
    at: DateTime,
    action: Action,
    reason: Option<Reason>,
    status: ChangeStatus,
    error: Option<String>,
    before_value: Option<String>,
    after_value: Option<String>,
}

impl ChangeRow {
    fn recorded(self) -> Result<Recorded> {
        let read = |text: Option<String>| -> Result<Option<serde_json::Value>> {
            text.map(|text| read_json("run_change", &text)).transpose()
        };
        Ok(Recorded {
            run: self.run_id,
            mode: self.mode,
            at: self.at,
            action: self.action,
            reason: self.reason,
            error: self.error,
            before: read(self.before_value)?,
            after: read(self.after_value)?,
        })
    }
}

/// What runs did about an object.
#[derive(Default)]
struct History {
    /// The last change that was applied.
    change: Option<Recorded>,
    /// The last that was held or failed, where none was applied after it.
    refused: Option<Recorded>,
}

/// The changes of an object are found by their runs: plans have no index by object of what comes in or
/// stays out, since that would cost every run. What was applied is in one of the last that began before the directory
/// last changed it, `since`; what wasn't is in one of the newest, where something waits or nothing
/// ever came in.
async fn history(
    tx: &mut Tx,
    integration: &Integration,
    object_type: ObjectType,
    external_id: ExternalId,
    (since, waits): (Option<DateTime>, bool),
) -> Result<History> {
    let mut history = History::default();
    let newest = (waits || since.is_none()).then_some(None);
    for until in newest.into_iter().chain(since.map(Some)) {
        let rows = fetch_all!(
            &mut *tx,
            ChangeRow,
            "SELECT c.run_id, r.mode, COALESCE(r.ended_at, r.started_at, r.queued_at) AS at,
                    c.action, c.reason, c.status, c.error, c.before_value, c.after_value
               FROM run_change c JOIN run r ON r.id = c.run_id
              WHERE c.run_id IN (
                    SELECT id FROM run
                     WHERE integration_id = $1 AND mode <> 'preview'
                       AND status IN ('succeeded', 'partial', 'held', 'failed', 'cancelled')
                       AND ($4 IS NULL OR queued_at <= $4)
                     ORDER BY queued_at DESC, id DESC LIMIT $5)
                AND c.object_type = $2 AND c.external_id = $3
                AND c.status IN ('applied', 'held', 'failed')
              ORDER BY r.queued_at DESC, r.id DESC, c.position DESC",
            integration.id,
            object_type,
            external_id,
            until,
            RUNS_MAX
        )?;
        for row in rows {
            if row.status == ChangeStatus::Applied {
                history.change = Some(row.recorded()?);
                return Ok(history);
            }
            if history.refused.is_none() {
                history.refused = Some(row.recorded()?);
            }
        }
    }
    Ok(history)
}
