//! Groups of a tenant by their name, for the typeahead of Selected Groups.

use std::collections::BTreeMap;

use domain::{
    group::GroupKind,
    id::{ExternalId, IntegrationId, TenantId},
    integration::GroupHit,
    permission::Permission,
};
use graph::Client;

use super::{client, source};
use crate::{
    Backend, Error, Result, Scope,
    limits::Limited,
    store::{
        credential_profiles,
        integrations::{self, remember_groups},
    },
};

/// The fewest characters that are searched for.
pub const SEARCH_CHARS_MIN: usize = 4;
/// Hits that are shown: as many as one `$batch` counts.
const HITS_MAX: u32 = 20;

/// Groups of the integration's tenant whose name has words that begin with those of `q`; with
/// `counts`, how many direct members each has. What is learnt of selected groups is kept.
pub async fn group_search(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    q: &str,
    counts: bool,
) -> Result<Vec<GroupHit>> {
    let mut tx = b.db.read().await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let q = q.trim();
    if q.chars().count() < SEARCH_CHARS_MIN {
        let message = format!("Type at least {SEARCH_CHARS_MIN} characters.");
        return Err(Error::invalid("q", message));
    }
    b.limits.take(Limited::LiveQuery, scope)?;
    let profile = integration.credential_profile_id;
    let credential = credential_profiles::credential(b, &mut tx, profile).await?;
    drop(tx);
    let client = client(b, &integration.cloud, &integration.tenant, credential)?;
    let client = proven(b, scope, id, integration.tenant_id, client).await?;

    let found = client.search_groups(q, HITS_MAX).await;
    let mut hits: Vec<_> = found
        .map_err(|error| source(&error))?
        .into_iter()
        .filter_map(hit)
        .collect();
    if counts {
        let counted = count(&client, &hits).await?;
        for hit in &mut hits {
            hit.member_count = counted.get(&hit.id).copied();
        }
    }
    let selected = integration.policy.selected_group_ids;
    let known: Vec<_> = hits
        .iter()
        .filter(|hit| selected.contains(&hit.id))
        .cloned()
        .collect();
    if !known.is_empty() {
        remember_groups(b, scope, id, &known).await?;
    }
    Ok(hits)
}

/// The client, bound to the tenant that it may read. Before the first proof, the token has to
/// tell that the tenant is nobody else's.
async fn proven(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    pinned: Option<TenantId>,
    client: Client,
) -> Result<Client> {
    if let Some(TenantId(tenant)) = pinned {
        return Ok(client.pinned(tenant));
    }
    let token = client.token().await.map_err(|error| source(&error))?;
    if let Some(tenant) = token.tenant_id {
        let mut tx = b.db.write().await?;
        integrations::pin(b, &mut tx, id, TenantId(tenant), None, Some(scope)).await?;
        tx.commit().await?;
        return Ok(client.pinned(tenant));
    }
    Err(Error::Unavailable(
        "The token doesn’t tell which tenant it is for. Test the connection first.".to_owned(),
    ))
}

/// A group of one of the four kinds; others can't be told apart and aren't offered.
fn hit(found: graph::GroupHit) -> Option<GroupHit> {
    let kind = match found.kind? {
        graph::GroupKind::Security => GroupKind::Security,
        graph::GroupKind::Microsoft365 => GroupKind::Microsoft365,
        graph::GroupKind::MailEnabledSecurity => GroupKind::MailEnabledSecurity,
        graph::GroupKind::Distribution => GroupKind::Distribution,
    };
    let refused = kind.refused();
    Some(GroupHit {
        id: ExternalId(found.id),
        display_name: found.display_name,
        kind,
        dynamic: found.dynamic,
        can_sync: refused.is_none(),
        reason: refused.map(|reason| reason.title().to_owned()),
        member_count: None,
    })
}

async fn count(client: &Client, hits: &[GroupHit]) -> Result<BTreeMap<ExternalId, i64>> {
    let ids: Vec<_> = hits.iter().map(|hit| hit.id.0).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let counts = client.member_counts(&ids).await;
    let counts = counts.map_err(|error| source(&error))?;
    Ok(counts
        .into_iter()
        .map(|(id, number)| (ExternalId(id), i64::try_from(number).unwrap_or(i64::MAX)))
        .collect())
}
