//! What stays as it is because an operator rejected its change or protected it, as planning needs
//! it.

use std::collections::{BTreeMap, HashSet};

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
    run::Reason,
};
use uuid::Uuid;

use super::{
    planning::Plan,
    record::Work,
    rows::{IDS_MAX, push_ids, run_built},
    single,
    stop::Stop,
};
use crate::{Result, Tx, execute, fetch_all};

/// Rejections of the integration, without those that have nothing to say any more.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    objects: HashSet<(ObjectType, ExternalId)>,
    edges: HashSet<(ExternalId, ExternalId)>,
    /// Users that no run touches.
    protected: HashSet<ExternalId>,
    /// Of a run of one object: removals that an earlier run holds.
    waiting: HashSet<(ExternalId, ExternalId)>,
}

impl Rejections {
    /// Loads them, after the plan looked at the objects. Of objects those that the source has as it
    /// had them then; after an empty answer there was nothing to have, and they stand as long as the
    /// answer is `empty`.
    pub async fn load(work: &Work<'_>, plan: &Plan, empty: &[ObjectType]) -> Result<Self> {
        let mut tx = work.b().db.read().await?;
        let rows = fetch_all!(
            &mut tx,
            (ObjectType, ExternalId, ExternalId, Option<Reason>),
            "SELECT k.object_type, k.external_id, k.member_external_id, k.reason
               FROM kept_by_decision k
               LEFT JOIN source_object s ON s.integration_id = k.integration_id
                    AND s.object_type = k.object_type AND s.external_id = k.external_id
              WHERE k.integration_id = $1
                AND (k.presence IS NULL OR (s.presence = k.presence AND s.hash = k.hash))",
            work.integration.id
        )?;
        let mut all = Self::default();
        for (object_type, id, member, reason) in rows {
            let is_answered = reason == Some(Reason::EmptyAnswer)
                && work.run.full_read
                && !empty.contains(&object_type);
            if object_type == ObjectType::Membership {
                all.edges.insert((id, member));
            } else if !is_answered && !plan.lapsed.contains(&(object_type, id)) {
                all.objects.insert((object_type, id));
            }
        }
        let protected = fetch_all!(
            &mut tx,
            (ExternalId,),
            "SELECT external_id FROM directory_user
              WHERE integration_id = $1 AND protected_at IS NOT NULL",
            work.integration.id
        )?;
        all.protected.extend(protected.into_iter().map(|(id,)| id));
        all.waiting = single::waiting_edges(work, &mut tx).await?;
        Ok(all)
    }

    /// Whether no membership is taken from it.
    pub fn protects(&self, object_type: ObjectType, id: ExternalId) -> bool {
        object_type == ObjectType::User && self.protected.contains(&id)
    }

    /// Whether the object stays as it is.
    pub fn keep(&self, object_type: ObjectType, id: ExternalId) -> bool {
        self.objects.contains(&(object_type, id))
    }

    /// Whether the group keeps the member.
    pub fn keep_edge(&self, group: ExternalId, member: ExternalId) -> bool {
        self.edges.contains(&(group, member))
    }

    /// Whether it waits for a decision elsewhere that the member leaves the group.
    pub fn waits(&self, group: ExternalId, member: ExternalId) -> bool {
        self.waiting.contains(&(group, member))
    }

    /// Forgets what has nothing to say any more: the source changed the object, has the member
    /// again, or isn't empty any more. `empty`: types whose answer was empty.
    pub async fn forget(
        &self,
        work: &mut Work<'_>,
        plan: &Plan,
        empty: &[ObjectType],
    ) -> Result<(), Stop> {
        if self.edges.is_empty() && self.objects.is_empty() && plan.lapsed.is_empty() {
            return Ok(());
        }
        let integration = work.integration.id;
        let mut tx = work.bulk().await?;
        execute!(
            &mut tx,
            "DELETE FROM kept_by_decision
              WHERE integration_id = $1 AND EXISTS (
                    SELECT 1 FROM source_object s
                     WHERE s.integration_id = $1
                       AND s.object_type = kept_by_decision.object_type
                       AND s.external_id = kept_by_decision.external_id
                       AND (s.presence <> kept_by_decision.presence
                            OR s.hash <> kept_by_decision.hash))",
            integration
        )?;
        let mut lapsed: BTreeMap<(ObjectType, Option<ExternalId>), Vec<Uuid>> = BTreeMap::new();
        for (object_type, id) in &plan.lapsed {
            lapsed.entry((*object_type, None)).or_default().push(id.0);
        }
        for (group, member) in &plan.lapsed_edges {
            let of_group = (ObjectType::Membership, Some(*group));
            lapsed.entry(of_group).or_default().push(member.0);
        }
        for ((object_type, group), ids) in &lapsed {
            remove(&mut tx, integration, *object_type, *group, ids).await?;
        }
        if work.run.full_read {
            for object_type in ObjectType::OBJECTS {
                if !empty.contains(&object_type) {
                    execute!(
                        &mut tx,
                        "DELETE FROM kept_by_decision
                          WHERE integration_id = $1 AND object_type = $2 AND reason = $3",
                        integration,
                        object_type,
                        Reason::EmptyAnswer
                    )?;
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Removes rejections of these objects, or of these members of a group.
async fn remove(
    tx: &mut Tx,
    integration: IntegrationId,
    object_type: ObjectType,
    group: Option<ExternalId>,
    ids: &[Uuid],
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("DELETE FROM kept_by_decision WHERE integration_id = ");
            query.push_bind(integration);
            query.push(" AND object_type = ").push_bind(object_type);
            if let Some(group) = group {
                query.push(" AND external_id = ").push_bind(group);
                query.push(" AND member_external_id");
            } else {
                query.push(" AND external_id");
            }
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Stands for no member.
pub(super) const NO_MEMBER: Uuid = Uuid::nil();
