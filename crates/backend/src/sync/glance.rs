//! A glance at everything that the source has. Of a full run most objects are as they should be, and
//! handing a column over takes as long as finding it; so two columns are read of each, and the
//! others of those about which there is something to do.

use domain::{
    DateTime,
    group::GroupKind,
    id::ExternalId,
    policy::{ObjectType, Policy},
    user::DirectoryStatus,
};
use planner::{
    derive::derive,
    diff::{Known, Outcome, diff, keeps_members},
    hash,
    protection::protect,
    read::Presence,
};
use sqlx::FromRow;

use super::{
    flags::{Flag, facts},
    merging::FIRST,
    record::Work,
    walk::Walk,
};
use crate::{Result, fetch_all};

/// Objects looked at together.
const BATCH: i64 = 5_000;

/// Stands for a hash that the source and the directory have in common.
const SAME: [u8; hash::LENGTH] = [0; hash::LENGTH];

/// The source has it, and the directory has it in use as the source says.
const PLAIN: &str = "source_object.presence = 'present' AND d.status = 'active'
    AND d.status_reason IS NULL AND d.delete_at IS NULL AND d.hash = source_object.hash";

/// As much of an object as tells that nothing is to be done about it.
#[derive(Debug, FromRow)]
pub(super) struct Glance {
    pub external_id: ExternalId,
    flags: i64,
    group_kind: Option<GroupKind>,
}

impl Glance {
    /// Whether the planner says that it stays as it is, its memberships too.
    pub fn stays(&self, policy: &Policy, object_type: ObjectType, now: DateTime) -> bool {
        if !Flag::Plain.is_in(self.flags) || Flag::Turned.is_in(self.flags) {
            return false;
        }
        let known = Known {
            status: DirectoryStatus::Active,
            reason: None,
            delete_at: None,
            countdown_cancelled: Flag::CountdownCancelled.is_in(self.flags),
            hash: SAME,
        };
        let facts = facts(object_type, Presence::Present, self.flags, self.group_kind);
        let derived = derive(policy, &facts);
        let outcome = diff(policy, Some(&known), derived, &SAME, now);
        let keeps = keeps_members(policy.actions, derived, Some(&known));
        protect(outcome, Flag::Protected.is_in(self.flags)) == Outcome::Unchanged
            && keeps == Flag::Kept.is_in(self.flags)
    }
}

/// Glances at all objects of a type, a batch at a time, in the order of their ids.
pub(super) struct Glances {
    sql: String,
    object_type: ObjectType,
    after: ExternalId,
    now: DateTime,
}

impl Glances {
    /// Begins before the first object; none where a glance says too little: rules that protect
    /// people compare their attributes, filters look at what the source says, and what was rejected hangs on what the source says.
    pub fn of(work: &Work<'_>, walk: &Walk, object_type: ObjectType) -> Option<Self> {
        let flags = walk.flags(work)?;
        let plain = Flag::Plain.when(PLAIN);
        let sql = format!(
            "SELECT source_object.external_id, CAST({flags} + {plain} AS BIGINT) AS flags,
                    source_object.group_kind
               FROM source_object
               LEFT JOIN directory_{object_type} d
                 ON d.integration_id = $1 AND d.external_id = source_object.external_id
              WHERE source_object.integration_id = $1 AND source_object.object_type = $2
                AND source_object.external_id > $3 AND $4 = $4
              ORDER BY source_object.external_id LIMIT {BATCH}"
        );
        Some(Self {
            sql,
            object_type,
            after: FIRST,
            now: walk.now,
        })
    }

    /// The next objects, with whether each stays as it is; none at the end.
    pub async fn next(&mut self, work: &Work<'_>) -> Result<Vec<(ExternalId, bool)>> {
        let mut tx = work.b().db.read().await?;
        let glances = fetch_all!(
            &mut tx,
            Glance,
            sqlx::AssertSqlSafe(self.sql.as_str()),
            work.integration.id,
            self.object_type,
            self.after,
            work.integration.customer_id
        )?;
        if let Some(last) = glances.last() {
            self.after = last.external_id;
        }
        Ok(glances
            .into_iter()
            .map(|glance| {
                let stays = glance.stays(&work.policy, self.object_type, self.now);
                (glance.external_id, stays)
            })
            .collect())
    }
}
