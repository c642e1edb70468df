//! Applying an import: one transaction, so that all of it is there or nothing.

use std::{collections::HashMap, sync::Arc};

use chrono::Duration;
use domain::{
    DateTime,
    audit::{AuditAction, AuditChanges},
    id::{CustomerId, ImportId, RunId, UserId},
    import::{
        ApplyImport, ApplyRows, Import, ImportCounts, ImportPassword, ImportStatus, KEPT_DAYS,
        RowOutcome,
    },
    number::counted,
    policy::ObjectType,
    run::{
        Action, ChangeStatus, CountLine, LineStatus, RunError, RunMode, RunPhase, RunStatus,
        RunTrigger,
    },
    user::{DirectoryStatus, SourceType},
};
use planner::import::{Plan, Planned, table::Table};
use uuid::Uuid;

use super::{
    Row, content, find, opened,
    planning::{dry_run, short},
    redo, waits,
};
use crate::{
    Backend, Error, Result, Scope, Tx,
    db::{self, insert_columns},
    execute, fetch_all,
    jobs::{
        self, NewJob,
        queue::{PRIORITY_NOTIFICATION, PRIORITY_PERSON},
    },
    store::{
        audit::{self, Entry},
        customers, enrolment,
        users::held::hold_names,
        write_json,
    },
    sync,
};

/// Applies an import that waits: exactly what its dry run showed, or nothing. Where the directory
/// changed since, the dry run is made anew and the caller is told to look at it again.
///
/// # Errors
/// `Conflict` where the plan is another than was looked at, where rows have errors and all are to be
/// imported, and where it was applied already.
pub async fn apply(
    b: &Backend,
    scope: &Scope,
    id: ImportId,
    how: &ApplyImport,
    trigger: RunTrigger,
) -> Result<Import> {
    let (row, table) = opened(b, scope, id).await?;
    if row.password == ImportPassword::Mail {
        enrolment::mail_is_set_up(b)?;
    }
    let done = within(b, scope, id, &table, (how, trigger)).await;
    if let Err(Moved::On(now)) = &done {
        let reading = now.reading()?;
        redo(b, scope, (id, now.customer_id), &table, &reading).await?;
        return Err(Error::conflict(
            "The directory changed since this dry run was made, so it was made anew. Look at it again.",
        ));
    }
    let import = done.map_err(|error| match error {
        Moved::Error(error) => error,
        Moved::On(_) => Error::Internal("a dry run that moved on".to_owned()),
    })?;
    b.wake.notify_one();
    Ok(import)
}

/// Why nothing was applied.
enum Moved {
    /// The directory isn't as the dry run found it.
    On(Box<Row>),
    Error(Error),
}

impl From<Error> for Moved {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

async fn within(
    b: &Backend,
    scope: &Scope,
    id: ImportId,
    table: &Arc<Table>,
    (how, trigger): (&ApplyImport, RunTrigger),
) -> Result<Import, Moved> {
    let mut tx = b.db.write().await?;
    tx.hold("import", id.0).await?;
    let row = find(b, &mut tx, scope, id).await?;
    waits(&row)?;
    let customer = row.customer_id;
    customers::find_in_use(&mut tx, scope, customer).await?;
    hold_names(&mut tx, customer).await?;
    let reading = row.reading()?;
    if row.plan.as_ref() != Some(&how.plan) {
        let why = reading.problem().unwrap_or_else(|| {
            "Another dry run was made since the one you looked at. Look at it again.".to_owned()
        });
        return Err(Error::conflict(why).into());
    }
    let plan = dry_run(&mut tx, customer, table, &reading).await?;
    let Some(plan) = plan.filter(|plan| Some(plan.name()) == row.plan) else {
        return Err(Moved::On(Box::new(row)));
    };
    refuse_errors(&plan.counts, how.rows)?;
    let ids = ids(&mut tx, id).await?;
    let applying = Applying {
        b,
        scope,
        customer,
        plan: &plan,
        ids: &ids,
        now: b.clock.now(),
    };
    applying.write(&mut tx).await?;
    let run = applying.run(&mut tx, &row, trigger).await?;
    finish(b, &mut tx, &row, &plan, (how.rows, run)).await?;
    let counts = plan.counts;
    let changes = AuditChanges::none()
        .now("created", &counts.create)
        .now("updated", &counts.update)
        .now("unchanged", &counts.unchanged)
        .now("left_out", &counts.error)
        .now("password", &row.password)
        .now("run", &run);
    let entry = Entry::of_whole(AuditAction::UserImport, &row.name)
        .of(customer)
        .changes(changes);
    let import = find(b, &mut tx, scope, id).await?.import()?;
    audit::record(b, &mut tx, scope, entry).await?;
    tx.commit().await?;
    Ok(import)
}

fn refuse_errors(counts: &ImportCounts, rows: ApplyRows) -> Result<()> {
    if counts.error == counts.total() {
        return Err(Error::conflict(
            "No row can be imported. Correct the file, and import it again.",
        ));
    }
    if rows == ApplyRows::All && counts.error > 0 {
        return Err(Error::conflict(format!(
            "{} can’t be imported, so nothing was. Correct the file, or import the good ones.",
            counted(counts.error, "row", "rows")
        )));
    }
    Ok(())
}

/// The ids that somebody new got with the dry run, by the numbers of their rows.
async fn ids(tx: &mut Tx, id: ImportId) -> Result<HashMap<u32, UserId>> {
    let rows = fetch_all!(
        tx,
        (i64, UserId),
        "SELECT number, user_id FROM import_row WHERE import_id = $1 AND outcome = 'create'
            AND user_id IS NOT NULL",
        id
    )?;
    Ok(rows
        .into_iter()
        .filter_map(|(number, user)| Some((u32::try_from(number).ok()?, user)))
        .collect())
}

/// What is at work.
struct Applying<'a> {
    b: &'a Backend,
    scope: &'a Scope,
    customer: CustomerId,
    plan: &'a Plan,
    ids: &'a HashMap<u32, UserId>,
    now: DateTime,
}

/// Somebody new as a row of the table.
struct New {
    id: Uuid,
    user_name: Option<String>,
    user_name_folded: Option<String>,
    display_name: String,
    name_folded: String,
    search_text: String,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    mail_folded: Option<String>,
    employee_id_folded: Option<String>,
    attributes: String,
    guest: bool,
    administrator: bool,
}

/// A change as a row of the table.
struct Change {
    position: i64,
    object: Uuid,
    display_name: String,
    name_folded: String,
    action: Action,
    status: ChangeStatus,
    error: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

impl Applying<'_> {
    fn id(&self, row: &Planned) -> Result<UserId> {
        row.user
            .or_else(|| self.ids.get(&row.number).copied())
            .ok_or_else(|| Error::Internal(format!("row {} of an import has no id", row.number)))
    }

    fn rows(&self, outcome: RowOutcome) -> impl Iterator<Item = &Planned> {
        let rows = self.plan.rows.iter();
        rows.filter(move |row| row.outcome == outcome)
    }

    /// Brings people in, changes who is here, and gives both their aliases and groups.
    async fn write(&self, tx: &mut Tx) -> Result<()> {
        self.create(tx).await?;
        for row in self.rows(RowOutcome::Update) {
            self.update(tx, row).await?;
        }
        let changed = self
            .plan
            .rows
            .iter()
            .filter(|row| matches!(row.outcome, RowOutcome::Create | RowOutcome::Update));
        let (mut aliases, mut memberships) = (Vec::new(), Vec::new());
        for row in changed {
            let user = self.id(row)?.0;
            aliases.extend(
                row.new_aliases
                    .iter()
                    .map(|alias| (user, alias, planner::key(alias))),
            );
            memberships.extend(row.new_groups.iter().map(|(group, _)| db::Membership {
                group_id: group.0,
                member_id: user,
                member_type: ObjectType::User,
            }));
        }
        insert_columns!(
            &mut *tx,
            "INSERT INTO directory_user_alias (user_id, customer_id, address, address_folded)",
            aliases.iter().map(Ok),
            |row| {
                "uuid": row.0,
                "uuid": self.customer.0,
                "text": row.1.as_str(),
                "text": row.2.as_str(),
            },
            ""
        )?;
        tx.insert_memberships(&memberships).await
    }

    async fn create(&self, tx: &mut Tx) -> Result<()> {
        let rows = self.rows(RowOutcome::Create);
        let by = self.scope.actor_name();
        insert_columns!(
            &mut *tx,
            "INSERT INTO directory_user (id, customer_id, source_type, user_principal_name,
                user_name_folded, display_name, name_folded, search_text, given_name, surname,
                mail, mail_folded, employee_id_folded, attributes, status, guest,
                administrator_at, administrator_by, created_at, changed_at)",
            rows.map(|row| self.new_user(row)),
            |row| {
                "uuid": row.id,
                "uuid": self.customer.0,
                "text": SourceType::Import.as_str(),
                "text": row.user_name.as_deref(),
                "text": row.user_name_folded.as_deref(),
                "text": row.display_name.as_str(),
                "text": row.name_folded.as_str(),
                "text": row.search_text.as_str(),
                "text": row.given_name.as_deref(),
                "text": row.surname.as_deref(),
                "text": row.mail.as_deref(),
                "text": row.mail_folded.as_deref(),
                "text": row.employee_id_folded.as_deref(),
                "text": row.attributes.as_str(),
                "text": DirectoryStatus::Active.as_str(),
                "bool": row.guest,
                "timestamptz": row.administrator.then_some(self.now),
                "text": row.administrator.then_some(by),
                "timestamptz": self.now,
                "timestamptz": self.now,
            },
            ""
        )
    }

    fn new_user(&self, row: &Planned) -> Result<New> {
        let content = &row.content;
        Ok(New {
            id: self.id(row)?.0,
            user_name: content.user_principal_name.clone(),
            user_name_folded: content.user_name_folded(),
            display_name: content.display_name.clone(),
            name_folded: content.name_folded(),
            search_text: content.search_text(),
            given_name: content.given_name.clone(),
            surname: content.surname.clone(),
            mail: content.mail.clone(),
            mail_folded: content.mail_folded(),
            employee_id_folded: content.employee_id_folded(),
            attributes: write_json(&content.attributes)?,
            guest: content.guest,
            administrator: row.administrator == Some(true),
        })
    }

    async fn update(&self, tx: &mut Tx, row: &Planned) -> Result<()> {
        let (id, content) = (self.id(row)?, &row.content);
        execute!(
            &mut *tx,
            "UPDATE directory_user SET display_name = $2, name_folded = $3, search_text = $4,
                    given_name = $5, surname = $6, mail = $7, attributes = $8, guest = $9,
                    changed_at = $10, mail_folded = $11, employee_id_folded = $12
              WHERE id = $1",
            id,
            &content.display_name,
            content.name_folded(),
            content.search_text(),
            content.given_name.as_deref(),
            content.surname.as_deref(),
            content.mail.as_deref(),
            write_json(&content.attributes)?,
            content.guest,
            self.now,
            content.mail_folded(),
            content.employee_id_folded()
        )?;
        if let Some(administrator) = row.administrator {
            execute!(
                tx,
                "UPDATE directory_user SET administrator_at = $2, administrator_by = $3
                  WHERE id = $1",
                id,
                administrator.then_some(self.now),
                administrator.then_some(self.scope.actor_name())
            )?;
        }
        Ok(())
    }

    /// The run, as the history has it.
    async fn run(&self, tx: &mut Tx, import: &Row, trigger: RunTrigger) -> Result<RunId> {
        let id = RunId(self.b.ids.uuid());
        let counts = &self.plan.counts;
        let changed = counts.create + counts.update;
        let (status, line) = match (counts.error, changed) {
            (1.., _) => (RunStatus::Partial, LineStatus::Partial),
            (_, 0) => (RunStatus::NothingToDo, LineStatus::NothingToDo),
            _ => (RunStatus::Succeeded, LineStatus::Succeeded),
        };
        let name = short(&format!("Import of {}", import.name));
        let by = self.scope.actor_name();
        let error = left_out(counts.error)
            .as_ref()
            .map(write_json)
            .transpose()?;
        execute!(
            &mut *tx,
            "INSERT INTO run (id, integration_name, customer_id, mode, triggered_by, started_by,
                status, phase, complete_read, full_read, queued_at, started_at, ended_at, error,
                requests, resource_units, pages_read, objects_read, objects_expected, planned,
                applied, planned_at, folded, search_text)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, TRUE, $9, $9, $10, $11, 0, 0, 0, $12,
                $12, $13, $13, $9, 1, $14)",
            id,
            &name,
            self.customer,
            RunMode::Import,
            trigger,
            by,
            status,
            RunPhase::Done,
            self.now,
            self.b.clock.now(),
            error,
            counts.total(),
            changed,
            planner::fold::search_text([name.as_str(), by])
        )?;
        let line = CountLine {
            total: counts.total(),
            unchanged: counts.unchanged,
            created: counts.create,
            updated: counts.update,
            failed: counts.error,
            ..CountLine::new(ObjectType::User, line)
        };
        sync::insert_counts(tx, id, &line).await?;
        self.changes(tx, id).await?;
        Ok(id)
    }

    async fn changes(&self, tx: &mut Tx, run: RunId) -> Result<()> {
        let rows = self.plan.rows.iter();
        let rows = rows.filter(|row| row.outcome != RowOutcome::Unchanged);
        insert_columns!(
            tx,
            "INSERT INTO run_change (run_id, position, object_type, external_id, object_id,
                display_name, name_folded, action, status, error, edges, before_value,
                after_value)",
            rows.enumerate().map(|(at, row)| self.change(at, row)),
            |row| {
                "uuid": run.0,
                "bigint": row.position,
                "text": ObjectType::User.as_str(),
                "uuid": row.object,
                "uuid": row.object,
                "text": row.display_name.as_str(),
                "text": row.name_folded.as_str(),
                "text": row.action.as_str(),
                "text": row.status.as_str(),
                "text": row.error.as_deref(),
                "bigint": 0_i64,
                "text": row.before.as_deref(),
                "text": row.after.as_deref(),
            },
            ""
        )
    }

    fn change(&self, at: usize, row: &Planned) -> Result<Change> {
        let failed = row.outcome == RowOutcome::Error;
        let errors = row.errors.iter().map(|error| match &error.column {
            Some(column) => format!("{column}: {}", error.message),
            None => error.message.clone(),
        });
        let errors: Vec<String> = errors.collect();
        let name = match row.content.display_name.as_str() {
            "" => row.content.user_principal_name.clone().unwrap_or_default(),
            name => name.to_owned(),
        };
        let name = if name.is_empty() {
            format!("Row {}", row.number)
        } else {
            name
        };
        let (before, after) = row
            .changed
            .as_ref()
            .map(|(before, after)| (before, after))
            .unzip();
        Ok(Change {
            position: i64::try_from(at).unwrap_or(i64::MAX),
            object: match (failed, row.user) {
                (true, None) => self.b.ids.uuid(),
                _ => self.id(row)?.0,
            },
            name_folded: planner::key(&name),
            display_name: name,
            action: match row.outcome {
                RowOutcome::Update => Action::Update,
                _ if row.user.is_some() => Action::Update,
                _ => Action::Create,
            },
            status: if failed {
                ChangeStatus::Failed
            } else {
                ChangeStatus::Applied
            },
            error: failed.then(|| format!("Row {}: {}", row.number, errors.join(" "))),
            before: before.map(write_json).transpose()?,
            after: after.map(write_json).transpose()?,
        })
    }
}

/// What the history says of rows that were left out.
fn left_out(rows: i64) -> Option<RunError> {
    (rows > 0).then(|| RunError {
        code: "rows_left_out".to_owned(),
        title: "Some rows were left out".to_owned(),
        detail: format!("{} had errors and were not imported.", counted(rows, "row", "rows")),
        fix: "Correct them in the file, and import it again: what is imported already stays as it is."
            .to_owned(),
    })
}

/// Notes that the import is applied, and has the rest done: passwords, or invitations. What was given
/// goes, unless passwords are in it that are to be set.
async fn finish(
    b: &Backend,
    tx: &mut Tx,
    import: &Row,
    plan: &Plan,
    (rows, run): (ApplyRows, RunId),
) -> Result<()> {
    let passwords = plan
        .rows
        .iter()
        .filter(|row| row.password && row.outcome != RowOutcome::Error);
    let passwords = i64::try_from(passwords.count()).unwrap_or(i64::MAX);
    let now = b.clock.now();
    execute!(
        &mut *tx,
        "UPDATE import SET status = $2, expires_at = $3, run_id = $4, applied_rows = $5,
                passwords_total = $6 WHERE id = $1",
        import.id,
        if passwords > 0 {
            ImportStatus::SettingPasswords
        } else {
            ImportStatus::Applied
        },
        now + Duration::days(KEPT_DAYS),
        run,
        rows,
        passwords
    )?;
    let job = |kind, subject: Uuid, priority| NewJob {
        kind,
        subject,
        integration_id: None,
        priority,
        run_at: now,
        dedupe_key: Some(format!("import:{subject}")),
    };
    if passwords > 0 {
        let kind = jobs::Kind::SetImportedPasswords;
        jobs::enqueue(b, tx, &job(kind, import.id.0, PRIORITY_PERSON)).await?;
    } else {
        content::remove(tx, import.id).await?;
    }
    if import.password == ImportPassword::Mail && plan.counts.create > 0 {
        let kind = jobs::Kind::InviteNewlySynced;
        jobs::enqueue(b, tx, &job(kind, run.0, PRIORITY_NOTIFICATION)).await?;
    }
    Ok(())
}
