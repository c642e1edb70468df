//! The ends of edges: which objects of the source have their memberships shown, and what the
//! directory calls them.

use domain::{
    id::{ExternalId, IntegrationId},
    policy::ObjectType,
    user::DirectoryStatus,
};
use uuid::Uuid;

use super::{
    record::Work,
    rows::{IDS_MAX, for_each_built, push_ids},
};
use crate::{Result, Tx, fetch_scalar};

/// One object.
#[derive(Debug, Clone, Copy)]
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
    let Some(ids) = ids else {
        // A list that grows takes three times its room while it moves.
        ends.reserve_exact(count(tx, integration, object_type).await?);
        read_into(tx, integration, object_type, None, &mut ends).await?;
        return Ok(ends);
    };
    for ids in ids.chunks(IDS_MAX) {
        read_into(tx, integration, object_type, Some(ids), &mut ends).await?;
    }
    Ok(ends)
}

/// What the source has, and then what the directory has of it, each in order: joined by a database,
/// every batch of ids would be a join of everything.
async fn read_into(
    tx: &mut Tx,
    integration: IntegrationId,
    object_type: ObjectType,
    ids: Option<&[Uuid]>,
    ends: &mut Vec<End>,
) -> Result<()> {
    let mut at = ends.len();
    for_each_built!(
        tx,
        (ExternalId, bool),
        |query| {
            query
                .push("SELECT external_id, kept FROM source_object WHERE object_type = ")
                .push_bind(object_type);
            query.push(" AND integration_id = ").push_bind(integration);
            if let Some(ids) = ids {
                query.push(" AND external_id");
                push_ids!(query, ids);
            }
            query.push(" ORDER BY external_id");
        },
        |(external_id, kept)| {
            ends.push(End {
                external_id,
                kept,
                directory_id: None,
                status: None,
            });
        }
    )?;
    for_each_built!(
        tx,
        (ExternalId, Uuid, DirectoryStatus),
        |query| {
            query.push("SELECT external_id, id, status FROM directory_");
            query.push(object_type.as_str());
            query
                .push(" WHERE integration_id = ")
                .push_bind(integration);
            if let Some(ids) = ids {
                query.push(" AND external_id");
                push_ids!(query, ids);
            }
            query.push(" ORDER BY external_id");
        },
        |(external_id, directory_id, status)| {
            while ends
                .get(at)
                .is_some_and(|end| end.external_id < external_id)
            {
                at += 1;
            }
            if let Some(end) = ends.get_mut(at)
                && end.external_id == external_id
            {
                end.directory_id = Some(directory_id);
                end.status = Some(status);
            }
        }
    )
}
