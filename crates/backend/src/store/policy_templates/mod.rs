//! Policy templates: one policy that many integrations follow. Made and changed by who looks after
//! every customer. Others see those that an integration of theirs follows: a template's name, and the
//! rules in it, may tell of other customers.

mod change;
mod drift;
mod effect;
mod following;
mod reaching;
pub mod versions;

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{
    DateTime,
    id::{CustomerId, IntegrationId, PolicyTemplateId},
    paging::{ListRequest, Listing, Page, PageRequest},
    permission::Permission,
    policy::Policy,
    settings::template::{Follower, PolicyTemplate},
};
use sqlx::FromRow;

pub use change::{change, create, delete};
pub use drift::{accept, drift, put_back};
pub use effect::{effect, touched_of};
pub use following::{follow, leave};
pub(crate) use reaching::reach;

use super::{paging, read_json};
use crate::{Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, fetch_scalar, in_scope};

/// Refuses a caller who may not make or change templates: they reach every customer.
pub fn may_make(scope: &Scope) -> Result<()> {
    scope.require(Permission::IntegrationsWrite)?;
    if scope.sees_all() {
        Ok(())
    } else {
        Err(Error::Forbidden(Permission::IntegrationsWrite))
    }
}

/// Followers of the template `t` that the caller sees; the integration is `i`, its following `f`.
macro_rules! seen_followers {
    () => {
        concat!(
            "FROM integration_template f JOIN integration i ON i.id = f.integration_id
               JOIN customer c ON c.id = i.customer_id
              WHERE c.deleted_at IS NULL AND ",
            in_scope!("i.customer_id")
        )
    };
}
use seen_followers;

/// That the caller sees the template `t`; the parameter is whether they see every customer.
macro_rules! seen {
    ($all:literal) => {
        concat!(
            "(",
            $all,
            " OR EXISTS (SELECT 1 ",
            seen_followers!(),
            " AND f.template_id = t.id))"
        )
    };
}

const TEMPLATE: &str = concat!(
    "SELECT t.id, t.name, t.version, v.settings AS policy, v.saved_by, v.saved_at,
        (SELECT COUNT(*) ",
    seen_followers!(),
    " AND f.template_id = t.id) AS followers,
        (SELECT COUNT(*) ",
    seen_followers!(),
    " AND f.template_id = t.id AND f.version < t.version) AS behind
     FROM policy_template t
     JOIN policy_template_version v ON v.template_id = t.id AND v.number = t.version"
);

#[derive(FromRow)]
struct Row {
    id: PolicyTemplateId,
    name: String,
    version: i64,
    policy: String,
    saved_by: String,
    saved_at: DateTime,
    followers: i64,
    behind: i64,
}

impl Row {
    fn template(self) -> Result<PolicyTemplate> {
        Ok(PolicyTemplate {
            id: self.id,
            name: self.name,
            version: self.version,
            policy: read_json("policy_template_version.settings", &self.policy)?,
            saved_by: self.saved_by,
            saved_at: self.saved_at,
            followers: self.followers,
            behind: self.behind,
        })
    }
}

/// A page of the templates, by name.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    q: Option<&str>,
    page: PageRequest,
) -> Result<Page<PolicyTemplate>> {
    scope.require(Permission::IntegrationsRead)?;
    let pattern = paging::pattern(q);
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        concat!(
            "SELECT COUNT(*) FROM policy_template t WHERE ",
            seen!("$3"),
            r" AND ($4 IS NULL OR t.name_folded LIKE $4 ESCAPE '\')"
        ),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        &pattern
    )?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            r"{TEMPLATE} WHERE {} AND ($4 IS NULL OR t.name_folded LIKE $4 ESCAPE '\')
              ORDER BY t.name_folded, t.id LIMIT $5 OFFSET $6",
            seen!("$3")
        )),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        &pattern,
        page.limit(),
        page.offset()
    )?;
    let items = rows.into_iter().map(Row::template).collect::<Result<_>>()?;
    Ok(Page { items, total })
}

/// Templates by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<PolicyTemplate>> {
    scope.require(Permission::IntegrationsRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            r"{TEMPLATE} WHERE {} AND (t.name_folded, t.id) > ($4, $5)
                AND ($6 IS NULL OR t.name_folded LIKE $6 ESCAPE '\')
              ORDER BY t.name_folded, t.id LIMIT $7",
            seen!("$3")
        )),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    let items = rows
        .into_iter()
        .map(Row::template)
        .collect::<Result<Vec<_>>>()?;
    Ok(paging::listing(items, request, |one| {
        paging::by_name(&one.name, one.id.0)
    }))
}

/// One template.
pub async fn get(b: &Backend, scope: &Scope, id: PolicyTemplateId) -> Result<PolicyTemplate> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

pub(crate) async fn find(
    tx: &mut Tx,
    scope: &Scope,
    id: PolicyTemplateId,
) -> Result<PolicyTemplate> {
    scope.require(Permission::IntegrationsRead)?;
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!("{TEMPLATE} WHERE {} AND t.id = $4", seen!("$3"))),
        scope.all(),
        scope.grantee(),
        scope.sees_all(),
        id
    )?
    .ok_or(Error::NotFound("policy template"))?
    .template()
}

/// The policy of a version of a template.
async fn policy_of(tx: &mut Tx, id: PolicyTemplateId, number: i64) -> Result<Policy> {
    Ok(super::versions::load(tx, id, number).await?.settings)
}

/// The same, read once for all that are at this version.
async fn policy_reached<'a>(
    tx: &mut Tx,
    id: PolicyTemplateId,
    number: i64,
    known: &'a mut BTreeMap<i64, Policy>,
) -> Result<&'a Policy> {
    Ok(match known.entry(number) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(policy_of(tx, id, number).await?),
    })
}

/// A follower as its rows have it.
#[derive(FromRow)]
struct FollowerRow {
    integration_id: IntegrationId,
    integration_name: String,
    customer_id: CustomerId,
    customer_name: String,
    version: i64,
    policy: String,
    people: i64,
}

const FOLLOWER: &str = "i.id AS integration_id, i.name AS integration_name,
    i.customer_id, c.name AS customer_name, f.version, i.policy,
    (SELECT COUNT(*) FROM directory_user u WHERE u.integration_id = i.id AND u.status = 'active')
      AS people";

/// A page of the integrations that follow a template, by name.
pub async fn followers(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    page: PageRequest,
) -> Result<Page<Follower>> {
    let mut tx = b.db.read().await?;
    let total = find(&mut tx, scope, id).await?.followers;
    let rows = fetch_all!(
        &mut tx,
        FollowerRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {FOLLOWER} {} AND f.template_id = $3
              ORDER BY c.name_folded, i.name_folded, i.id LIMIT $4 OFFSET $5",
            seen_followers!()
        )),
        scope.all(),
        scope.grantee(),
        id,
        page.limit(),
        page.offset()
    )?;
    let items = in_words(&mut tx, id, rows).await?;
    Ok(Page { items, total })
}

/// The same for programs, by name.
pub async fn followers_listing(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    request: &ListRequest,
) -> Result<Listing<Follower>> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let (after, last) = paging::after(request);
    let rows = fetch_all!(
        &mut tx,
        FollowerRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {FOLLOWER} {} AND f.template_id = $3 AND (i.name_folded, i.id) > ($4, $5)
              ORDER BY i.name_folded, i.id LIMIT $6",
            seen_followers!()
        )),
        scope.all(),
        scope.grantee(),
        id,
        after,
        last,
        paging::limit(request)
    )?;
    let items = in_words(&mut tx, id, rows).await?;
    Ok(paging::listing(items, request, |one| {
        paging::by_name(&one.integration_name, one.integration_id.0)
    }))
}

async fn in_words(
    tx: &mut Tx,
    id: PolicyTemplateId,
    rows: Vec<FollowerRow>,
) -> Result<Vec<Follower>> {
    // Most followers are at one version.
    let mut policies: BTreeMap<i64, Policy> = BTreeMap::new();
    let mut followers = Vec::with_capacity(rows.len());
    for row in rows {
        let own = drift::own_paths(tx, row.integration_id).await?;
        let policy: Policy = read_json("integration.policy", &row.policy)?;
        let reached = policy_reached(tx, id, row.version, &mut policies).await?;
        let drift = domain::settings::template::drift(reached, &policy, &own);
        let number = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
        followers.push(Follower {
            integration_id: row.integration_id,
            integration_name: row.integration_name,
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            version: row.version,
            drift: number(drift.len()),
            own: number(own.len()),
            people: row.people,
        });
    }
    Ok(followers)
}

#[cfg(test)]
mod tests;
