//! An object that isn't kept here, asked for in the source. It goes through the same normal form as
//! what a run reads, and nothing of it is stored.

use domain::{
    id::TenantId,
    integration::Integration,
    permission::Permission,
    policy::{ObjectType, Policy},
};
use graph::{Client, ContactItem, DeviceItem, GroupItem, Resource, UserItem};
use planner::{
    mapping::Mapper,
    read::SourceObject,
    why::{Scope as Standing, Subject},
};
use uuid::Uuid;

use super::{kept, scope};
use crate::{
    Backend, Error, Result, Scope, Tx,
    entra::{client, source, words},
    limits::Limited,
    store::{across, credential_profiles, integrations},
    sync::{
        entra::{self, Single},
        selection::selecting,
        stop::Stop,
    },
};

/// Objects of one kind that are looked at; more are no answer to who is meant.
const HITS_MAX: u32 = 10;

/// A client for the integration's tenant. Once the tenant is pinned, who may start runs may ask: a
/// run reads as much. Before, the rule is that of group search: who may change the integration may
/// ask, and the token has to tell that the tenant is nobody else's; it is pinned by who sets the
/// integration up, not by a question.
pub(crate) async fn connect(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    mapper: &Mapper,
) -> Result<Client> {
    scope.require(match integration.tenant_id {
        Some(_) => Permission::RunsStart,
        None => Permission::IntegrationsWrite,
    })?;
    let mut tx = b.db.read().await?;
    let profile = integration.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    drop(tx);
    b.limits.take(Limited::LiveQuery, scope)?;
    let client = client(b, &integration.cloud, &integration.tenant, credential)?;
    let client = selecting(client, mapper);
    if let Some(TenantId(tenant)) = integration.tenant_id {
        return Ok(client.pinned(tenant));
    }
    let token = client.token().await.map_err(|error| source(&error))?;
    let tenant = token.tenant_id.ok_or_else(|| {
        Error::Unavailable(
            "The token doesn’t tell which tenant it is for. Test the connection first.".to_owned(),
        )
    })?;
    let mut tx = b.db.read().await?;
    free(&mut tx, scope, integration, TenantId(tenant)).await?;
    Ok(client.pinned(tenant))
}

/// The rules of a policy.
pub(super) fn mapper(policy: &Policy) -> Result<Mapper> {
    Mapper::of(policy).map_err(Error::Invalid)
}

/// Refuses a tenant that is another customer's, unless somebody who sees all customers stands for
/// it (interfaces.md, "Who may connect what").
async fn free(
    tx: &mut Tx,
    scope: &Scope,
    integration: &Integration,
    tenant: TenantId,
) -> Result<()> {
    if scope.sees_all() || integrations::is_vouched(tx, integration.id).await? {
        return Ok(());
    }
    let (customer, cloud) = (integration.customer_id, &integration.cloud);
    let others = across::customers_of_tenant(tx, customer, cloud, tenant).await?;
    if others.is_empty() {
        Ok(())
    } else {
        Err(integrations::tenant_elsewhere())
    }
}

/// Users and groups that fit what was asked, and contacts and devices where those are read: by id,
/// by address, by name.
pub(super) async fn find(
    client: &Client,
    policy: &Policy,
    object: &str,
) -> Result<Vec<SourceObject>> {
    let found = people_and_groups(client, object).await;
    let by_name = Uuid::try_parse(object).is_err() && !object.contains('@');
    if !by_name && found.as_ref().is_ok_and(|found| !found.is_empty()) {
        return found;
    }
    let mut others = others::<ContactItem>(client, policy, object).await?;
    others.extend(self::others::<DeviceItem>(client, policy, object).await?);
    match found {
        Ok(mut found) => {
            found.extend(others);
            Ok(found)
        }
        // They are what was meant, whatever else couldn't be asked.
        Err(_) if !others.is_empty() => Ok(others),
        Err(error) => Err(error),
    }
}

/// Contacts or devices; none where the policy doesn't read them, or the permission is missing.
async fn others<T: Single>(
    client: &Client,
    policy: &Policy,
    object: &str,
) -> Result<Vec<SourceObject>> {
    if !policy.reads(T::OBJECT_TYPE) {
        return Ok(Vec::new());
    }
    let found = if let Ok(id) = Uuid::try_parse(object) {
        let one = client.by_id::<T>(id).await;
        one.map(|one| one.into_iter().collect())
    } else if !object.contains('@') {
        client.named::<T>(object, HITS_MAX).await
    } else if T::OBJECT_TYPE == ObjectType::Device {
        // A device has no address.
        Ok(Vec::new())
    } else {
        client.with_address::<T>(object, HITS_MAX).await
    };
    let found: Vec<T> = match found {
        Err(graph::Error::PermissionMissing { .. }) => Vec::new(),
        other => other.map_err(|error| source(&error))?,
    };
    let objects = found.into_iter().map(Single::object);
    objects.collect::<Result<Vec<_>, Stop>>().map_err(refused)
}

async fn people_and_groups(client: &Client, object: &str) -> Result<Vec<SourceObject>> {
    let (users, groups) = if let Ok(id) = Uuid::try_parse(object) {
        by_id(client, id).await?
    } else if object.contains('@') {
        by_address(client, object).await?
    } else {
        let users = client.named(object, HITS_MAX).await;
        both(users, client.named(object, HITS_MAX).await)?
    };
    let users = users.into_iter().map(entra::user);
    let groups = groups
        .into_iter()
        .map(|item| entra::group(item).map(|(group, _)| group));
    let objects = users.chain(groups).collect::<Result<Vec<_>, Stop>>();
    objects.map_err(refused)
}

/// In a run such an answer would end it.
pub(crate) fn refused(stop: Stop) -> Error {
    match stop {
        Stop::Failed(failure) => Error::Source(failure.error),
        Stop::Broken(error) => error,
        other => Error::Internal(format!("one object can’t be read: {other:?}")),
    }
}

type Items = (Vec<UserItem>, Vec<GroupItem>);

async fn by_id(client: &Client, id: Uuid) -> Result<Items> {
    let user = client.user(&id.to_string()).await;
    let group = match &user {
        Ok(Some(_)) => Ok(None),
        _ => client.group(id).await,
    };
    both(
        user.map(|user| user.into_iter().collect()),
        group.map(|group| group.into_iter().collect()),
    )
}

/// By user name, which is one person's, and else by any of its addresses.
async fn by_address(client: &Client, address: &str) -> Result<Items> {
    match client.user(address).await {
        Ok(Some(user)) => return Ok((vec![user], Vec::new())),
        Ok(None) | Err(graph::Error::PermissionMissing { .. }) => {}
        Err(error) => return Err(source(&error)),
    }
    let users = client.with_address(address, HITS_MAX).await;
    both(users, client.with_address(address, HITS_MAX).await)
}

/// Both answers. A permission that is missing for the one kind leaves the other.
fn both(
    users: graph::Result<Vec<UserItem>>,
    groups: graph::Result<Vec<GroupItem>>,
) -> Result<Items> {
    let missing = |error: &graph::Error| matches!(error, graph::Error::PermissionMissing { .. });
    match (users, groups) {
        (Ok(users), Ok(groups)) => Ok((users, groups)),
        (Ok(users), Err(error)) if missing(&error) && !users.is_empty() => Ok((users, Vec::new())),
        (Err(error), Ok(groups)) if missing(&error) && !groups.is_empty() => {
            Ok((Vec::new(), groups))
        }
        (Err(error), _) | (_, Err(error)) => Err(source(&error)),
    }
}

/// What the source says of an object, brought together with the policy and the directory.
pub(super) async fn subject(
    b: &Backend,
    client: &Client,
    integration: &Integration,
    object: SourceObject,
) -> Result<Subject> {
    let object = mapper(&integration.policy)?.map(object);
    let standing = standing(b, client, integration, &object).await?;
    let mut tx = b.db.read().await?;
    kept::bare(b, &mut tx, integration, object, standing).await
}

/// How the object stands to the scope: the source is asked which groups hold it, where groups are
/// selected.
async fn standing(
    b: &Backend,
    client: &Client,
    integration: &Integration,
    object: &SourceObject,
) -> Result<Standing> {
    let selected = &integration.policy.selected_group_ids;
    let kind = match object.object_type {
        ObjectType::User => Some(Resource::Users),
        ObjectType::Contact => Some(Resource::Contacts),
        ObjectType::Device => Some(Resource::Devices),
        ObjectType::Group | ObjectType::Membership => None,
    };
    let asks = kind.filter(|_| !selected.is_empty());
    let nested_group = object.object_type == ObjectType::Group
        && integration.policy.include_nested
        && !selected.is_empty()
        && !selected.contains(&object.external_id);
    if nested_group {
        return Ok(Standing::Unknown {
            why: "Whether a selected group holds it is found out by the next full read.".to_owned(),
        });
    }
    let direct = match asks {
        Some(kind) => match client.groups_of(kind, object.external_id.0).await {
            Ok(groups) => groups,
            Err(error) => return Ok(unknown(&error)),
        },
        None => Vec::new(),
    };
    let mut tx = b.db.read().await?;
    let (object_type, id) = (object.object_type, object.external_id);
    let mut standing = scope::of_live(&mut tx, integration, object_type, id, &direct).await?;
    drop(tx);
    if let Some(kind) = asks.filter(|_| integration.policy.include_nested) {
        let ids: Vec<Uuid> = selected.iter().map(|group| group.0).collect();
        match client.groups_holding(kind, id.0, &ids).await {
            Ok(holding) => scope::add_nested(&mut standing, &holding),
            Err(error) => return Ok(unknown(&error)),
        }
    }
    Ok(standing)
}

fn unknown(error: &graph::Error) -> Standing {
    let words = words(error);
    Standing::Unknown {
        why: format!(
            "Entra ID didn’t say which groups it is in. {}. {}",
            words.title.trim_end_matches('.'),
            words.fix
        ),
    }
}
