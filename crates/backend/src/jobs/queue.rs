//! The leased queue: what is to be done, and who has it until when.
//!
//! A lease is a time, a token and a number of attempts. A worker that is killed leaves a lease
//! that runs out; a worker that was too slow finds that its token no longer fits, and overwrites
//! nothing of the next one's. A job that is done is gone from the table.

use domain::{
    DateTime,
    id::{IntegrationId, JobId},
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Backend, Result, Tx, execute, fetch_all, fetch_optional};

/// How long a lease is good for, seconds.
pub const LEASE_S: i64 = 30;
/// How often a lease is renewed, seconds.
pub const RENEWED_EVERY_S: u64 = 10;

/// The kinds of jobs. Each is a file beside this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes through one run.
    SyncRun,
    /// Makes one attempt to deliver a notification.
    DeliverNotification,
    /// Makes one attempt to send an operator a mail with a link.
    DeliverOperatorMail,
    /// Makes one attempt to send a user a mail with a link.
    DeliverEnrolmentMail,
    /// Invites whom a run brought in use, where the policy says so.
    InviteNewlySynced,
    /// Brings a policy template's present version to its followers.
    ReachFollowers,
    /// Sets the passwords that an import brings.
    SetImportedPasswords,
    /// Does to many users or groups what an operator applied to them.
    ApplyBulk,
    /// Looks whether an integration has been failing for an hour.
    TellFailing,
    /// Removes runs, changes and staging past their time.
    PurgeHistory,
    /// Removes customers whose days in the bin are over, and what integrations left behind.
    PurgeBins,
    /// Deletes people of integrations that are gone, once their days are over.
    PurgePeople,
    /// Removes sessions past their end.
    PurgeSessions,
    /// Closes the audit log's days that are over, and removes those that are too old.
    PurgeAudit,
    /// Warns of secrets and certificates that end.
    WarnOfEndings,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::SyncRun,
        Self::DeliverNotification,
        Self::DeliverOperatorMail,
        Self::DeliverEnrolmentMail,
        Self::InviteNewlySynced,
        Self::ReachFollowers,
        Self::SetImportedPasswords,
        Self::ApplyBulk,
        Self::TellFailing,
        Self::PurgeHistory,
        Self::PurgeBins,
        Self::PurgePeople,
        Self::PurgeSessions,
        Self::PurgeAudit,
        Self::WarnOfEndings,
    ];

    /// The text in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SyncRun => "sync_run",
            Self::DeliverNotification => "deliver_notification",
            Self::DeliverOperatorMail => "deliver_operator_mail",
            Self::DeliverEnrolmentMail => "deliver_enrolment_mail",
            Self::InviteNewlySynced => "invite_newly_synced",
            Self::ReachFollowers => "reach_followers",
            Self::SetImportedPasswords => "set_imported_passwords",
            Self::ApplyBulk => "apply_bulk",
            Self::TellFailing => "tell_failing",
            Self::PurgeHistory => "purge_history",
            Self::PurgeBins => "purge_bins",
            Self::PurgePeople => "purge_people",
            Self::PurgeSessions => "purge_sessions",
            Self::PurgeAudit => "purge_audit",
            Self::WarnOfEndings => "warn_of_endings",
        }
    }

    /// Whether it is there all the time, and comes back by itself.
    pub const fn is_housekeeping(self) -> bool {
        !matches!(
            self,
            Self::SyncRun
                | Self::DeliverNotification
                | Self::DeliverOperatorMail
                | Self::DeliverEnrolmentMail
                | Self::InviteNewlySynced
                | Self::ReachFollowers
                | Self::SetImportedPasswords
                | Self::ApplyBulk
                | Self::TellFailing
        )
    }

    /// Whether it talks to a server elsewhere that may take its time, and so has a place of its own.
    pub(super) const fn is_delivery(self) -> bool {
        matches!(
            self,
            Self::DeliverNotification | Self::DeliverOperatorMail | Self::DeliverEnrolmentMail
        )
    }

    /// Reads the text in the table; none for a kind this version doesn't know.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A job to put into the queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What kind.
    pub kind: Kind,
    /// What it is about: the id of the run, the delivery or the integration, else nil.
    pub subject: Uuid,
    /// The integration it goes away with.
    pub integration_id: Option<IntegrationId>,
    /// Larger first.
    pub priority: i64,
    /// Not before this time.
    pub run_at: DateTime,
    /// Where another job has the same key, this one isn't made.
    pub dedupe_key: Option<String>,
}

/// A job someone asked for and waits for.
pub const PRIORITY_PERSON: i64 = 20;
/// A job of a schedule.
pub const PRIORITY_SCHEDULE: i64 = 10;
/// Telling somebody: after the runs, which it must not hold up.
pub const PRIORITY_NOTIFICATION: i64 = 5;
/// Housekeeping.
pub const PRIORITY_PURGE: i64 = 0;

/// Puts a job into the queue, in the caller's transaction. False where its key is there already.
pub async fn enqueue(b: &Backend, tx: &mut Tx, job: &NewJob) -> Result<bool> {
    let made = execute!(
        tx,
        "INSERT INTO job (id, kind, payload, integration_id, priority, run_at, attempts,
                          dedupe_key, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)
         ON CONFLICT (dedupe_key) DO NOTHING",
        b.ids.uuid(),
        job.kind.as_str(),
        job.subject.to_string(),
        job.integration_id,
        job.priority,
        job.run_at,
        job.dedupe_key.as_deref(),
        b.clock.now(),
    )?;
    Ok(made == 1)
}

/// A job this worker has until its lease ends.
#[derive(Debug, Clone, FromRow)]
pub struct Lease {
    /// The job's id.
    pub id: JobId,
    /// Its kind as text.
    pub kind: String,
    /// What it is about.
    pub payload: String,
    /// Leases since the job was made, this one included.
    pub attempts: i64,
    /// Names this lease.
    pub lease_token: Uuid,
}

impl Lease {
    /// What the job is about.
    pub fn subject(&self) -> Uuid {
        self.payload.parse().unwrap_or_default()
    }
}

/// How many jobs a worker has room for. Messages have places of their own, so that they hold up
/// nothing else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Messages to deliver.
    pub deliveries: usize,
    /// Everything else.
    pub others: usize,
}

impl Room {
    /// Takes a place for a job of this kind; false where there is none.
    fn place(&mut self, kind: &str) -> bool {
        let left = if Kind::parse(kind).is_some_and(Kind::is_delivery) {
            &mut self.deliveries
        } else {
            &mut self.others
        };
        let has = *left > 0;
        *left = left.saturating_sub(1);
        has
    }
}

/// Jobs that are due at `$1` and that nobody has, the first `$2`: what a person asked for before
/// schedules, and within that the customers in turn, a customer's jobs at work counted. `$3`:
/// whether messages to deliver are among them, `$4`: whether other jobs are.
const WAITING: &str = "SELECT id, kind FROM (
    SELECT j.id, j.kind, j.priority, j.run_at,
           ROW_NUMBER() OVER (PARTITION BY j.priority, i.customer_id ORDER BY j.run_at, j.id)
             + COALESCE(w.jobs, 0) AS turn
      FROM job j LEFT JOIN integration i ON i.id = j.integration_id
      LEFT JOIN (SELECT wi.customer_id, COUNT(*) AS jobs
                   FROM job wj JOIN integration wi ON wi.id = wj.integration_id
                  WHERE wj.lease_until > $1
                  GROUP BY wi.customer_id) w ON w.customer_id = i.customer_id
     WHERE j.run_at <= $1 AND (j.lease_until IS NULL OR j.lease_until <= $1)
       AND CASE WHEN j.kind IN ('deliver_notification', 'deliver_operator_mail')
                THEN $3 ELSE $4 END) AS waiting
  ORDER BY priority DESC, turn, run_at, id LIMIT $2";

/// Looks that one call takes: another worker may take everything that was seen.
const LOOKS: usize = 3;

/// Takes up to `limit` jobs that are due and that nobody has, fair between customers. Looks before
/// it writes, so that an idle worker costs no write.
pub async fn lease(b: &Backend, limit: usize) -> Result<Vec<Lease>> {
    let room = Room {
        deliveries: limit,
        others: limit,
    };
    lease_within(b, room, limit).await
}

/// The same, of each kind what there is room for, and `limit` in all.
pub(crate) async fn lease_within(b: &Backend, room: Room, limit: usize) -> Result<Vec<Lease>> {
    let now = b.clock.now();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    for _ in 0..LOOKS {
        let mut tx = b.db.read().await?;
        let waiting = fetch_all!(
            &mut tx,
            (JobId, String),
            WAITING,
            now,
            limit,
            room.deliveries > 0,
            room.others > 0
        )?;
        drop(tx);
        let mut left = room;
        let waiting: Vec<JobId> = waiting
            .into_iter()
            .filter_map(|(job, kind)| left.place(&kind).then_some(job))
            .collect();
        if waiting.is_empty() {
            break;
        }
        let leased = take(b, &waiting, now).await?;
        if !leased.is_empty() {
            return Ok(leased);
        }
    }
    Ok(Vec::new())
}

/// Leases those of the jobs that are still free, in their order.
async fn take(b: &Backend, jobs: &[JobId], now: DateTime) -> Result<Vec<Lease>> {
    let token = b.ids.uuid();
    let mut leased = Vec::new();
    let mut tx = b.db.write().await?;
    let sql = format!(
        "UPDATE job SET lease_until = $1, lease_token = $2, attempts = attempts + 1
          WHERE id IN (SELECT id FROM job
                        WHERE id = $4 AND run_at <= $3
                          AND (lease_until IS NULL OR lease_until <= $3) {})
         RETURNING id, kind, payload, attempts, lease_token",
        tx.skip_locked()
    );
    for job in jobs {
        leased.extend(fetch_optional!(
            &mut tx,
            Lease,
            sqlx::AssertSqlSafe(sql.clone()),
            now + chrono::Duration::seconds(LEASE_S),
            token,
            now,
            *job
        )?);
    }
    tx.commit().await?;
    Ok(leased)
}

/// Renews leases, and answers those that are lost.
pub async fn renew(b: &Backend, leases: &[Lease]) -> Result<Vec<JobId>> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let until = b.clock.now() + chrono::Duration::seconds(LEASE_S);
    let mut lost = Vec::new();
    let mut tx = b.db.write().await?;
    for lease in leases {
        let kept = execute!(
            &mut tx,
            "UPDATE job SET lease_until = $1 WHERE id = $2 AND lease_token = $3",
            until,
            lease.id,
            lease.lease_token
        )?;
        if kept == 0 {
            lost.push(lease.id);
        }
    }
    tx.commit().await?;
    Ok(lost)
}

/// Takes a finished job out of the queue, in the transaction that made its work last. False where
/// the lease was lost: then the caller must not commit.
pub async fn finish(tx: &mut Tx, lease: &Lease) -> Result<bool> {
    let done = execute!(
        tx,
        "DELETE FROM job WHERE id = $1 AND lease_token = $2",
        lease.id,
        lease.lease_token
    )?;
    Ok(done == 1)
}

/// Gives a job back, to be taken again at `run_at`. `counted`: whether this attempt counts.
pub async fn release(
    b: &Backend,
    lease: &Lease,
    run_at: DateTime,
    error: Option<&str>,
    counted: bool,
) -> Result<()> {
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "UPDATE job SET lease_until = NULL, lease_token = NULL, run_at = $1, last_error = $2,
                        attempts = attempts - $3
          WHERE id = $4 AND lease_token = $5",
        run_at,
        error,
        i64::from(!counted),
        lease.id,
        lease.lease_token
    )?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db_test;

    fn job(key: Option<&str>, priority: i64, run_at: DateTime) -> NewJob {
        NewJob {
            kind: Kind::PurgeSessions,
            subject: Uuid::nil(),
            integration_id: None,
            priority,
            run_at,
            dedupe_key: key.map(str::to_owned),
        }
    }

    async fn put(b: &Backend, job: NewJob) -> bool {
        let mut tx = b.db.write().await.unwrap();
        let made = enqueue(b, &mut tx, &job).await.unwrap();
        tx.commit().await.unwrap();
        made
    }

    db_test!(a_job_is_made_once_a_key_and_taken_by_priority, |t| {
        let now = t.clock.now();
        assert!(put(&t, job(Some("a"), 0, now)).await);
        assert!(!put(&t, job(Some("a"), 0, now)).await);
        assert!(put(&t, job(None, 5, now)).await);
        assert!(put(&t, job(None, 9, now + chrono::Duration::seconds(1))).await);
        let first = lease(&t, 1).await.unwrap();
        assert_eq!(first.len(), 1);
        let second = lease(&t, 5).await.unwrap();
        assert_eq!(second.len(), 1, "one isn't due, one is taken");
        assert!(lease(&t, 5).await.unwrap().is_empty());
        let mut tx = t.db.write().await.unwrap();
        assert!(finish(&mut tx, &first[0]).await.unwrap());
        assert!(finish(&mut tx, &second[0]).await.unwrap());
        tx.commit().await.unwrap();
        assert!(
            put(&t, job(Some("a"), 0, now)).await,
            "the key is free again"
        );
    });

    db_test!(a_lease_that_ran_out_passes_on_and_overwrites_nothing, |t| {
        put(&t, job(None, 0, t.clock.now())).await;
        let slow = lease(&t, 1).await.unwrap().remove(0);
        t.clock.advance(chrono::Duration::seconds(LEASE_S));
        let next = lease(&t, 1).await.unwrap().remove(0);
        assert_eq!(next.attempts, 2);
        assert_eq!(
            renew(&t, std::slice::from_ref(&slow)).await.unwrap(),
            vec![slow.id]
        );
        assert!(
            renew(&t, std::slice::from_ref(&next))
                .await
                .unwrap()
                .is_empty()
        );
        let mut tx = t.db.write().await.unwrap();
        assert!(!finish(&mut tx, &slow).await.unwrap());
        assert!(finish(&mut tx, &next).await.unwrap());
    });

    db_test!(a_job_given_back_is_taken_again_when_it_is_due, |t| {
        put(&t, job(None, 0, t.clock.now())).await;
        let taken = lease(&t, 1).await.unwrap().remove(0);
        let later = t.clock.now() + chrono::Duration::seconds(5);
        release(&t, &taken, later, Some("broken"), true)
            .await
            .unwrap();
        assert!(lease(&t, 1).await.unwrap().is_empty());
        t.clock.advance(chrono::Duration::seconds(5));
        let again = lease(&t, 1).await.unwrap().remove(0);
        assert_eq!(again.attempts, 2);
        release(&t, &again, later, None, false).await.unwrap();
        assert_eq!(lease(&t, 1).await.unwrap().remove(0).attempts, 2);
    });

    #[tokio::test]
    async fn eight_workers_take_a_hundred_jobs_once_each_on_postgres() {
        let kind = crate::testing::Kind::Postgres;
        let Some(t) = crate::testing::TestBackend::new(kind).await else {
            return;
        };
        for _ in 0..100 {
            put(&t, job(None, 0, t.clock.now())).await;
        }
        let workers = (0..8).map(|_| {
            let b = t.backend.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let more = lease(&b, 3).await.unwrap();
                    if more.is_empty() {
                        return taken;
                    }
                    taken.extend(more.into_iter().map(|lease| lease.id));
                }
            })
        });
        let mut all = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            all.extend(worker.await.unwrap());
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100);
    }
}
