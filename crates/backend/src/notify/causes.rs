//! From the end of a run to what is told. Each cause is a row while it stands, so it is told once:
//! the same held set, the same period of failing. A run without it closes it, and that is told too
//! where the cause was.

use chrono::Duration;
use domain::{
    DateTime,
    id::{CustomerId, IntegrationId, RunId},
    integration::IntegrationState,
    notification::{FAILING_TOLD_MIN, FAILURES_TOLD, NotificationCause},
    policy::ObjectType,
    run::{Action, RunError, RunStatus},
};
use sqlx::FromRow;

use super::{
    message::{About, HeldType, Message, Named},
    outbox,
};
use crate::{
    Backend, Result, Tx, execute, fetch_all, fetch_one, fetch_optional,
    jobs::queue::{self, Kind, NewJob, PRIORITY_NOTIFICATION},
};

/// A run that ended, and how its integration is after it.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub integration_id: IntegrationId,
    pub customer_id: CustomerId,
    /// The integration's name.
    pub name: &'a str,
    pub run_id: RunId,
    pub status: RunStatus,
    pub state: IntegrationState,
    /// Failed runs in a row, this one included.
    pub failures: i64,
    pub error: Option<&'a RunError>,
}

/// A cause that stands.
#[derive(FromRow)]
struct Standing {
    cause: NotificationCause,
    held_key: Option<String>,
    since: DateTime,
    told_at: Option<DateTime>,
}

/// Notes what a run found, and puts what is to be told into the outbox, in the transaction that
/// ends the run.
pub(crate) async fn run_ended(b: &Backend, tx: &mut Tx, run: &Ended<'_>) -> Result<()> {
    let standing = fetch_all!(
        &mut *tx,
        Standing,
        "SELECT cause, held_key, since, told_at FROM notification_cause
          WHERE integration_id = $1 ORDER BY since, cause",
        run.integration_id
    )?;
    match run.status {
        // It says nothing of the source.
        RunStatus::Cancelled | RunStatus::Queued | RunStatus::Running => Ok(()),
        RunStatus::Failed => failed(b, tx, run, &standing).await,
        _ => went_through(b, tx, run, &standing).await,
    }
}

async fn failed(b: &Backend, tx: &mut Tx, run: &Ended<'_>, standing: &[Standing]) -> Result<()> {
    let now = b.clock.now();
    let find = |cause| standing.iter().find(|one| one.cause == cause);
    let (since, told) = if let Some(failing) = find(NotificationCause::Failing) {
        (failing.since, failing.told_at.is_some())
    } else {
        open(b, tx, run, NotificationCause::Failing, None).await?;
        let look = now + Duration::minutes(FAILING_TOLD_MIN);
        look_again(b, tx, run.integration_id, look).await?;
        (now, false)
    };
    let long = now - since >= Duration::minutes(FAILING_TOLD_MIN);
    if !told && (run.failures >= FAILURES_TOLD || long) {
        tell_failing(b, tx, run, since).await?;
    }
    if run.state == IntegrationState::Quarantined && find(NotificationCause::Quarantined).is_none()
    {
        open(b, tx, run, NotificationCause::Quarantined, None).await?;
        first_to_tell(b, tx, run.integration_id, NotificationCause::Quarantined).await?;
        let about = about(tx, run).await?;
        let message = Message::quarantined(about, now, run.failures, run.error);
        outbox::put(b, tx, &message).await?;
    }
    Ok(())
}

async fn tell_failing(b: &Backend, tx: &mut Tx, run: &Ended<'_>, since: DateTime) -> Result<()> {
    if !first_to_tell(b, tx, run.integration_id, NotificationCause::Failing).await? {
        return Ok(());
    }
    let about = about(tx, run).await?;
    let message = Message::failing(about, b.clock.now(), run.failures, since, run.error);
    outbox::put(b, tx, &message).await
}

async fn went_through(
    b: &Backend,
    tx: &mut Tx,
    run: &Ended<'_>,
    standing: &[Standing],
) -> Result<()> {
    let held = waiting(tx, run.integration_id).await?;
    let mut ended = Vec::new();
    for one in standing {
        if held.is_some() && one.cause == NotificationCause::Held {
            continue;
        }
        if let Some(since) = close(tx, run.integration_id, one.cause).await? {
            ended.push((one.cause, since));
        }
    }
    if !ended.is_empty() {
        let about = about(tx, run).await?;
        let message = Message::recovered(about, b.clock.now(), &ended, run.status);
        outbox::put(b, tx, &message).await?;
    }
    if let Some(held) = held {
        let before = standing
            .iter()
            .find(|one| one.cause == NotificationCause::Held);
        tell_held(b, tx, run, &held, before).await?;
    }
    Ok(())
}

/// Closes a cause. When it began, where it was told: as it is now, since the job that looks after
/// an hour may have told it meanwhile.
async fn close(
    tx: &mut Tx,
    integration: IntegrationId,
    cause: NotificationCause,
) -> Result<Option<DateTime>> {
    let gone = fetch_optional!(
        tx,
        (DateTime, Option<DateTime>),
        "DELETE FROM notification_cause WHERE integration_id = $1 AND cause = $2
         RETURNING since, told_at",
        integration,
        cause
    )?;
    Ok(gone.and_then(|(since, told)| told.map(|_| since)))
}

/// Notes that an integration has left its quarantine without a run, so that another is told. That
/// it fails stays: the directory is as old as it was.
pub(crate) async fn left_quarantine(tx: &mut Tx, integration: IntegrationId) -> Result<()> {
    close(tx, integration, NotificationCause::Quarantined)
        .await
        .map(drop)
}

/// A held run that waits for a decision.
#[derive(FromRow)]
struct Waiting {
    id: RunId,
    held_key: Option<String>,
}

/// The held run of the integration, which may be an older one than the run that ends.
async fn waiting(tx: &mut Tx, integration: IntegrationId) -> Result<Option<Waiting>> {
    fetch_optional!(
        tx,
        Waiting,
        "SELECT id, held_key FROM run WHERE integration_id = $1 AND status = 'held'
          ORDER BY queued_at DESC, id DESC LIMIT 1",
        integration
    )
}

/// Notes that a held run was decided, in the transaction that ends it: how the integration is else
/// is for runs that read.
pub(crate) async fn run_decided(b: &Backend, tx: &mut Tx, run: &Ended<'_>) -> Result<()> {
    if waiting(tx, run.integration_id).await?.is_some() {
        return Ok(());
    }
    if let Some(since) = close(tx, run.integration_id, NotificationCause::Held).await? {
        let about = about(tx, run).await?;
        let message = Message::decided(about, b.clock.now(), since, run.status);
        outbox::put(b, tx, &message).await?;
    }
    Ok(())
}

/// Tells a held set, unless it is the one that was told.
async fn tell_held(
    b: &Backend,
    tx: &mut Tx,
    run: &Ended<'_>,
    held: &Waiting,
    before: Option<&Standing>,
) -> Result<()> {
    let key = held.held_key.clone();
    let key = key.unwrap_or_else(|| held.id.to_string());
    match before {
        Some(before) if before.held_key.as_deref() == Some(key.as_str()) => return Ok(()),
        Some(_) => {
            execute!(
                &mut *tx,
                "UPDATE notification_cause SET held_key = $3, run_id = $4
                  WHERE integration_id = $1 AND cause = $2",
                run.integration_id,
                NotificationCause::Held,
                key,
                held.id
            )?;
        }
        None => open(b, tx, run, NotificationCause::Held, Some(key)).await?,
    }
    first_to_tell(b, tx, run.integration_id, NotificationCause::Held).await?;
    let held = held_types(tx, held.id).await?;
    let about = about(tx, run).await?;
    let message = Message::held(about, b.clock.now(), &held, run.error);
    outbox::put(b, tx, &message).await
}

async fn held_types(tx: &mut Tx, run: RunId) -> Result<Vec<HeldType>> {
    let numbers = fetch_all!(
        &mut *tx,
        (ObjectType, i64),
        "SELECT object_type, held FROM run_count WHERE run_id = $1 AND held > 0",
        run
    )?;
    let actions = fetch_all!(
        &mut *tx,
        (ObjectType, Action),
        "SELECT DISTINCT object_type, action FROM run_change
          WHERE run_id = $1 AND status = 'held'",
        run
    )?;
    let mut held: Vec<HeldType> = numbers
        .into_iter()
        .map(|(object_type, number)| HeldType {
            object_type,
            number,
            actions: actions
                .iter()
                .filter(|(of, _)| *of == object_type)
                .map(|(_, action)| *action)
                .collect(),
        })
        .collect();
    held.sort_by_key(|held| {
        ObjectType::ALL
            .iter()
            .position(|of| *of == held.object_type)
    });
    Ok(held)
}

async fn open(
    b: &Backend,
    tx: &mut Tx,
    run: &Ended<'_>,
    cause: NotificationCause,
    held_key: Option<String>,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO notification_cause (integration_id, cause, held_key, run_id, since)
         VALUES ($1, $2, $3, $4, $5)",
        run.integration_id,
        cause,
        held_key,
        run.run_id,
        b.clock.now()
    )?;
    Ok(())
}

/// Notes that a cause is told. False where somebody was faster.
async fn first_to_tell(
    b: &Backend,
    tx: &mut Tx,
    integration: IntegrationId,
    cause: NotificationCause,
) -> Result<bool> {
    let told = execute!(
        tx,
        "UPDATE notification_cause SET told_at = $3
          WHERE integration_id = $1 AND cause = $2 AND told_at IS NULL",
        integration,
        cause,
        b.clock.now()
    )?;
    Ok(told == 1)
}

async fn about(tx: &mut Tx, run: &Ended<'_>) -> Result<About> {
    let (name,) = fetch_one!(
        tx,
        (String,),
        "SELECT name FROM customer WHERE id = $1",
        run.customer_id
    )?;
    Ok(About {
        customer: Named {
            id: run.customer_id,
            name,
        },
        integration: Named {
            id: run.integration_id,
            name: run.name.to_owned(),
        },
        run_id: run.run_id,
    })
}

/// Has somebody look once an hour of failing is over, for schedules that run more rarely.
async fn look_again(
    b: &Backend,
    tx: &mut Tx,
    integration: IntegrationId,
    at: DateTime,
) -> Result<()> {
    let job = NewJob {
        kind: Kind::TellFailing,
        subject: integration.0,
        integration_id: Some(integration),
        priority: PRIORITY_NOTIFICATION,
        run_at: at,
        dedupe_key: Some(format!("failing:{integration}")),
    };
    queue::enqueue(b, tx, &job).await.map(drop)
}

#[derive(FromRow)]
struct Failing {
    since: DateTime,
    run_id: RunId,
    customer_id: CustomerId,
    name: String,
    state: IntegrationState,
    failures: i64,
    last_error: Option<String>,
}

/// Tells that an integration fails, where it has done so for an hour and nobody knows. Answers
/// when to look again, where the period of failing is a newer one.
pub(crate) async fn look(
    b: &Backend,
    tx: &mut Tx,
    integration: IntegrationId,
) -> Result<Option<DateTime>> {
    let failing = fetch_optional!(
        &mut *tx,
        Failing,
        "SELECT n.since, n.run_id, i.customer_id, i.name, i.state, i.failures, i.last_error
           FROM notification_cause n JOIN integration i ON i.id = n.integration_id
           JOIN customer c ON c.id = i.customer_id
          WHERE n.integration_id = $1 AND n.cause = $2 AND n.told_at IS NULL
            AND i.enabled AND c.deleted_at IS NULL",
        integration,
        NotificationCause::Failing
    )?;
    let Some(failing) = failing else {
        return Ok(None);
    };
    let due = failing.since + Duration::minutes(FAILING_TOLD_MIN);
    if due > b.clock.now() {
        return Ok(Some(due));
    }
    let error: Option<RunError> = failing
        .last_error
        .and_then(|text| serde_json::from_str(&text).ok());
    let run = Ended {
        integration_id: integration,
        customer_id: failing.customer_id,
        name: &failing.name,
        run_id: failing.run_id,
        status: RunStatus::Failed,
        state: failing.state,
        failures: failing.failures,
        error: error.as_ref(),
    };
    tell_failing(b, tx, &run, failing.since).await?;
    Ok(None)
}
