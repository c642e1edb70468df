//! The ends of edges: which objects of the source have their memberships shown, and what the
//! directory calls them.

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
    user::DirectoryStatus,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    merging::FIRST,
    record::Work,
    rows::{IDS_MAX, fetch_built, push_ids},
};
use crate::{Result, Tx, fetch_scalar};

/// One object.
#[derive(Debug, Clone, Copy, FromRow)]
pub(super) struct End {
    external_id: ExternalId,
    /// Whether its memberships are shown.
    pub kept: bool,
    /// What the directory calls it; none before it is created.
    pub directory_id: Option<Uuid>,
    /// Its status in the directory.
    pub status: Option<DirectoryStatus>,
}

/// More ids than that are looked for by reading all.
const FEW: usize = 5_000;
/// Objects read at once.
const BATCH: usize = 5_000;

/// Objects by type and id.
#[derive(Debug, Default)]
pub(super) struct Ends {
    users: Vec<End>,
    groups: Vec<End>,
    contacts: Vec<End>,
    devices: Vec<End>,
    all: bool,
}

impl Ends {
    /// Reads these objects in place of those before, or all once where they are many. Ids of any
    /// type may be given: they are looked for among each that the run is about.
    pub async fn know(
        &mut self,
        tx: &mut Tx,
        work: &Work<'_>,
        ids: impl IntoIterator<Item = ExternalId>,
    ) -> Result<()> {
        if self.all {
            return Ok(());
        }
        let mut ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let ids = (ids.len() <= FEW).then_some(ids);
        for object_type in &work.types {
            let found = read(tx, work.integration.id, *object_type, ids.as_deref()).await?;
            match object_type {
                ObjectType::User => self.users = found,
                ObjectType::Group => self.groups = found,
                ObjectType::Contact => self.contacts = found,
                ObjectType::Device => self.devices = found,
                ObjectType::Membership => {}
            }
        }
        self.all = ids.is_none();
        Ok(())
    }

    /// The object, where it was asked for and the source has it.
    pub fn get(&self, object_type: ObjectType, id: ExternalId) -> Option<&End> {
        let of_type = match object_type {
            ObjectType::User => &self.users,
            ObjectType::Group => &self.groups,
            ObjectType::Contact => &self.contacts,
            ObjectType::Device => &self.devices,
            ObjectType::Membership => return None,
        };
        let at = of_type
            .binary_search_by_key(&id, |end| end.external_id)
            .ok()?;
        of_type.get(at)
    }
}

async fn count(tx: &mut Tx, integration: IntegrationId, object_type: ObjectType) -> Result<usize> {
    let objects = fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM source_object WHERE integration_id = $1 AND object_type = $2",
        integration,
        object_type
    )?;
    Ok(usize::try_from(objects).unwrap_or(0))
}

/// The objects with these ids, or all, in order.
async fn read(
    tx: &mut Tx,
    integration: IntegrationId,
    object_type: ObjectType,
    ids: Option<&[Uuid]>,
) -> Result<Vec<End>> {
    let mut ends: Vec<End> = Vec::new();
    if ids.is_none() {
        // A list that grows takes three times its room while it moves.
        ends.reserve_exact(count(tx, integration, object_type).await?);
    }
    let mut chunks = ids.map(|ids| ids.chunks(IDS_MAX));
    loop {
        let chunk = match &mut chunks {
            None => None,
            Some(chunks) => match chunks.next() {
                Some(chunk) => Some(chunk),
                None => return Ok(ends),
            },
        };
        let after = ends.last().map_or(FIRST, |end| end.external_id);
        let found = fetch_built!(tx, End, |query| {
            query.push("SELECT s.external_id, s.kept, d.id AS directory_id, d.status FROM source_object s LEFT JOIN directory_");
            query.push(object_type.as_str());
            query.push(" d ON d.integration_id = s.integration_id AND d.external_id = s.external_id WHERE s.integration_id = ");
            query
                .push_bind(integration)
                .push(" AND s.object_type = ")
                .push_bind(object_type);
            if let Some(ids) = chunk {
                query.push(" AND s.external_id");
                push_ids!(query, ids);
            } else {
                query.push(" AND s.external_id > ").push_bind(after);
            }
            query.push(" ORDER BY s.external_id LIMIT ");
            query.push(BATCH);
        })?;
        let full = found.len() == BATCH;
        ends.extend(found);
        if chunk.is_none() && !full {
            return Ok(ends);
        }
    }
}
