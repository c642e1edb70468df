//! The Overview: how everything is, the worst first.

use std::collections::HashMap;

use chrono::{Days, NaiveTime};
use domain::{
    DateTime,
    credential_profile::WarningReach,
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    integration::IntegrationState,
    number::counted,
    overview::{DAYS, Day, Overview, SECRET_ENDS_DAYS, TROUBLES_MAX, Trouble, TroubleKind},
    permission::Permission,
    run::{RunError, RunStatus},
    schedule::{Schedule, Timing},
};
use sqlx::FromRow;

use super::{credential_profiles::ends_at, integrations::joined, notification_recipients};
use crate::{Backend, Result, Scope, Tx, fetch_all, fetch_one, fetch_scalar, in_scope};

/// Data may be older than twice its schedule, but never counts as behind before this.
const BEHIND_AFTER_MINUTES: i64 = 30;
/// A cron schedule can pause over a weekend or a month; only a gap longer than that is behind.
const CRON_BEHIND_AFTER_MINUTES: i64 = 32 * 24 * 60;

#[derive(FromRow)]
struct IntegrationRow {
    id: IntegrationId,
    customer_id: CustomerId,
    customer_name: String,
    name: String,
    state: IntegrationState,
    enabled: bool,
    /// Everything is paused: what someone has to do is there all the same.
    all_paused: bool,
    schedule: String,
    last_run_id: Option<RunId>,
    last_sync_started_at: Option<DateTime>,
    last_sync_status: Option<RunStatus>,
    last_sync_detail: String,
    last_error: Option<String>,
}

/// How an integration is, in the order of what is worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Failing,
    Held,
    Partial,
    Behind,
    Current,
    NotStarted,
    Disabled,
}

/// How the customers are that the caller sees, or the one asked for.
pub async fn summary(b: &Backend, scope: &Scope, customer: Option<CustomerId>) -> Result<Overview> {
    scope.require(Permission::CustomersRead)?;
    scope.require(Permission::IntegrationsRead)?;
    let now = b.clock.now();
    let mut tx = b.db.read().await?;
    let customers = fetch_scalar!(
        &mut tx,
        i64,
        concat!(
            "SELECT COUNT(*) FROM customer WHERE ",
            in_scope!("id"),
            " AND deleted_at IS NULL AND ($3 IS NULL OR id = $3)"
        ),
        scope.all(),
        scope.grantee(),
        customer
    )?;
    let integrations = integrations(&mut tx, scope, customer).await?;
    let mut overview = Overview {
        customers,
        ..Overview::default()
    };
    let mut worst: HashMap<CustomerId, Health> = HashMap::new();
    let mut troubles = Vec::new();
    for row in &integrations {
        let health = health(row, now);
        let known = worst.entry(row.customer_id).or_insert(health);
        *known = (*known).min(health);
        troubles.extend(trouble(row, health));
    }
    let count = |health| {
        let count = worst.values().filter(|known| **known == health).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    overview.failing = count(Health::Failing);
    overview.held = count(Health::Held);
    overview.partial = count(Health::Partial);
    overview.behind = count(Health::Behind);
    overview.current = count(Health::Current);
    overview.disabled = count(Health::Disabled);
    let connected = i64::try_from(worst.len()).unwrap_or(i64::MAX);
    overview.not_started = count(Health::NotStarted) + (customers - connected).max(0);

    troubles.extend(waiting_matches(&mut tx, scope, customer).await?);
    troubles.extend(ending_secrets(&mut tx, scope, customer, now).await?);
    troubles.sort_by(|a, b| (a.kind, a.since, &a.name).cmp(&(b.kind, b.since, &b.name)));
    overview.troubles = i64::try_from(troubles.len()).unwrap_or(i64::MAX);
    troubles.truncate(TROUBLES_MAX);
    overview.worst_first = troubles;
    overview.warnings = warnings(b, &mut tx, scope).await?;
    overview.days = days(&mut tx, scope, customer, now).await?;
    Ok(overview)
}

async fn integrations(
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<Vec<IntegrationRow>> {
    fetch_all!(
        tx,
        IntegrationRow,
        concat!(
            "SELECT i.id, i.customer_id, c.name AS customer_name, i.name, i.enabled,
                    i.schedule, i.last_run_id, i.last_sync_started_at, i.last_sync_status,
                    i.last_sync_detail, i.last_error, a.paused_at IS NOT NULL AS all_paused,
                    CASE WHEN i.state NOT IN ('disabled', 'not_started')
                          AND (i.paused_at IS NOT NULL OR c.paused_at IS NOT NULL)
                         THEN 'paused' ELSE i.state END AS state ",
            joined!(),
            " WHERE ",
            in_scope!("i.customer_id"),
            " AND c.deleted_at IS NULL AND ($3 IS NULL OR i.customer_id = $3)"
        ),
        scope.all(),
        scope.grantee(),
        customer
    )
}

fn health(row: &IntegrationRow, now: DateTime) -> Health {
    if !row.enabled {
        return Health::Disabled;
    }
    match (row.state, row.last_sync_status) {
        (IntegrationState::Disabled | IntegrationState::Paused, _) => Health::Disabled,
        (IntegrationState::Failing | IntegrationState::Quarantined, _)
        | (_, Some(RunStatus::Failed)) => Health::Failing,
        (_, Some(RunStatus::Held)) => Health::Held,
        (_, Some(RunStatus::Partial)) => Health::Partial,
        (IntegrationState::NotStarted, _) => Health::NotStarted,
        (IntegrationState::Ok, _) if !row.all_paused && is_behind(row, now) => Health::Behind,
        (IntegrationState::Ok, _) => Health::Current,
    }
}

fn is_behind(row: &IntegrationRow, now: DateTime) -> bool {
    let Some(last) = row.last_sync_started_at else {
        return false;
    };
    let schedule: Schedule = serde_json::from_str(&row.schedule).unwrap_or_default();
    let allowed = match schedule.timing {
        Timing::EveryMinutes(every) => (2 * i64::from(every)).max(BEHIND_AFTER_MINUTES),
        Timing::Cron(_) => CRON_BEHIND_AFTER_MINUTES,
    };
    let closed = schedule.window.map_or(0, |window| window.closed_minutes());
    (now - last).num_minutes() > allowed + i64::from(closed)
}

fn trouble(row: &IntegrationRow, health: Health) -> Option<Trouble> {
    let kind = match health {
        Health::Failing if row.state == IntegrationState::Quarantined => TroubleKind::Quarantined,
        Health::Failing => TroubleKind::Failing,
        Health::Held => TroubleKind::Held,
        Health::Partial => TroubleKind::Partial,
        Health::Behind => TroubleKind::Behind,
        Health::Current | Health::NotStarted | Health::Disabled => return None,
    };
    let error: Option<RunError> = row
        .last_error
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let failed = matches!(kind, TroubleKind::Failing | TroubleKind::Quarantined);
    let (what, code) = match error.filter(|_| failed) {
        Some(error) => (error.title, Some(error.code)),
        None if kind == TroubleKind::Behind => ("No run since then".to_owned(), None),
        None => (row.last_sync_detail.clone(), None),
    };
    Some(Trouble {
        kind,
        customer_id: Some(row.customer_id),
        name: if row.name == row.customer_name {
            row.name.clone()
        } else {
            format!("{}, {}", row.customer_name, row.name)
        },
        what,
        code,
        since: row.last_sync_started_at.unwrap_or_default(),
        integration_id: Some(row.id),
        run_id: row.last_run_id,
        credential_profile_id: None,
    })
}

#[derive(FromRow)]
struct WaitingRow {
    id: IntegrationId,
    customer_id: CustomerId,
    customer_name: String,
    name: String,
    people: i64,
    since: DateTime,
}

/// Integrations of whose people some wait for a decision whether they are here already.
async fn waiting_matches(
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
) -> Result<Vec<Trouble>> {
    if !scope.can(Permission::DirectoryRead) {
        return Ok(Vec::new());
    }
    let rows = fetch_all!(
        tx,
        WaitingRow,
        concat!(
            "SELECT i.id, i.customer_id, c.name AS customer_name, i.name, COUNT(*) AS people,
                    MIN(m.found_at) AS since
               FROM user_match m JOIN integration i ON i.id = m.integration_id
               JOIN customer c ON c.id = i.customer_id
              WHERE ",
            in_scope!("i.customer_id"),
            " AND c.deleted_at IS NULL AND ($3 IS NULL OR i.customer_id = $3)
                AND m.decision IS NULL
              GROUP BY i.id, i.customer_id, c.name, i.name"
        ),
        scope.all(),
        scope.grantee(),
        customer
    )?;
    let trouble = |row: WaitingRow| Trouble {
        kind: TroubleKind::MatchesWait,
        customer_id: Some(row.customer_id),
        what: format!(
            "{} may be here already",
            counted(row.people, "person", "people")
        ),
        name: if row.name == row.customer_name {
            row.name
        } else {
            format!("{}, {}", row.customer_name, row.name)
        },
        code: None,
        since: row.since,
        integration_id: Some(row.id),
        run_id: None,
        credential_profile_id: None,
    };
    Ok(rows.into_iter().map(trouble).collect())
}

#[derive(FromRow)]
struct EndingRow {
    id: CredentialProfileId,
    name: String,
    customer_id: Option<CustomerId>,
    ends_at: DateTime,
    next_untested: bool,
}

/// Credentials that end soon or have ended: a customer's own, and shared ones for callers who see
/// every customer.
async fn ending_secrets(
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
    now: DateTime,
) -> Result<Vec<Trouble>> {
    if !scope.can(Permission::CredentialProfilesRead) {
        return Ok(Vec::new());
    }
    let rows = fetch_all!(
        tx,
        EndingRow,
        concat!(
            "SELECT p.id, p.name, p.customer_id, ",
            ends_at!(),
            " AS ends_at, p.second_id IS NOT NULL AND p.second_replaced_at IS NULL
                AND p.second_tested_at IS NULL AS next_untested
               FROM credential_profile p LEFT JOIN customer c ON c.id = p.customer_id
              WHERE c.deleted_at IS NULL AND ",
            in_scope!("p.customer_id"),
            " AND ",
            ends_at!(),
            " < $3
              AND ($4 IS NULL OR p.customer_id = $4
                   OR EXISTS (SELECT 1 FROM integration i
                               WHERE i.credential_profile_id = p.id AND i.customer_id = $4))
              ORDER BY 4 LIMIT 1000"
        ),
        scope.all(),
        scope.grantee(),
        now + chrono::Duration::days(SECRET_ENDS_DAYS),
        customer
    )?;
    let trouble = |row: EndingRow| Trouble {
        kind: TroubleKind::SecretEnds,
        customer_id: row.customer_id,
        what: ends_in_words(&row, now),
        name: row.name,
        code: None,
        since: row.ends_at,
        integration_id: None,
        run_id: None,
        credential_profile_id: Some(row.id),
    };
    Ok(rows.into_iter().map(trouble).collect())
}

/// How many days are left, as the countdown says it.
fn ends_in_words(row: &EndingRow, now: DateTime) -> String {
    let left = row.ends_at - now;
    let next = if row.next_untested {
        ". The next one was never tried out"
    } else {
        ""
    };
    if left <= chrono::Duration::zero() {
        return format!("Its secret or certificate has ended{next}");
    }
    match left.num_days() {
        0 => format!("Its secret or certificate ends within a day{next}"),
        days => format!(
            "Its secret or certificate ends in {}{next}",
            counted(days, "day", "days")
        ),
    }
}

/// Who would hear of an end, where there is one to hear of: for those who look after everything.
async fn warnings(b: &Backend, tx: &mut Tx, scope: &Scope) -> Result<Option<WarningReach>> {
    if !scope.can(Permission::CredentialProfilesRead) {
        return Ok(None);
    }
    let ends = fetch_scalar!(
        &mut *tx,
        i64,
        "SELECT COUNT(*) FROM credential_profile WHERE expires_at IS NOT NULL"
    )?;
    if ends == 0 {
        return Ok(None);
    }
    let reach = notification_recipients::warning_reach_in(b, tx, scope, None).await?;
    Ok(reach.filter(|reach| reach.complete))
}

#[derive(FromRow)]
struct DayRow {
    runs: i64,
    failed: i64,
    changes: i64,
}

/// The last days, each read as one range of the index by time.
async fn days(
    tx: &mut Tx,
    scope: &Scope,
    customer: Option<CustomerId>,
    now: DateTime,
) -> Result<Vec<Day>> {
    let today = now.date_naive();
    let mut days = Vec::with_capacity(DAYS);
    for back in (0..DAYS as u64).rev() {
        let date = today - Days::new(back);
        let begins = date.and_time(NaiveTime::MIN).and_utc();
        let row = fetch_one!(
            tx,
            DayRow,
            concat!(
                "SELECT COUNT(*) AS runs, COUNT(*) FILTER (WHERE r.status = 'failed') AS failed,
                        CAST(COALESCE(SUM((SELECT SUM(n.created + n.updated + n.disabled + n.enabled
                            + n.deleted + n.restored) FROM run_count n
                            WHERE n.run_id = r.id AND n.object_type <> 'membership')), 0) AS BIGINT)
                        AS changes
                   FROM run r JOIN customer c ON c.id = r.customer_id
                  WHERE ",
                in_scope!("r.customer_id"),
                " AND c.deleted_at IS NULL AND r.queued_at >= $3 AND r.queued_at < $4
                  AND r.mode <> 'preview' AND r.status NOT IN ('queued', 'running')
                  AND ($5 IS NULL OR r.customer_id = $5)"
            ),
            scope.all(),
            scope.grantee(),
            begins,
            begins + Days::new(1),
            customer
        )?;
        days.push(Day {
            date,
            runs: row.runs,
            failed: row.failed,
            changes: row.changes,
        });
    }
    Ok(days)
}

#[cfg(test)]
mod tests;
