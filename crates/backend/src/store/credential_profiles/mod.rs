//! Credential profiles. Secrets go in, sealed, and never come out.

mod change;
mod material;

use domain::{
    credential_profile::{CredentialProfile, CredentialProfileLine, ProfileUse},
    id::{CredentialProfileId, CustomerId},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
};
use sqlx::FromRow;

pub use change::{change, create, delete};
pub(crate) use material::credential;

use super::paging::{self, Sort};
use crate::{Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, fetch_scalar, in_scope};

/// What the Credential Profiles list is asked for.
#[derive(Debug, Clone, Default)]
pub struct CredentialProfileQuery {
    /// A part of the name.
    pub q: Option<String>,
    /// For this customer, and shared ones.
    pub customer_id: Option<CustomerId>,
    /// Which rows.
    pub page: PageRequest,
    /// A column of [`SORTS`]; by name otherwise.
    pub sort: Option<String>,
    /// Which way.
    pub direction: Direction,
}

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "p.name_folded"),
    ("kind", "p.kind"),
    ("customer", "c.name_folded"),
    ("expires", "p.expires_at"),
    ("used_by", "used_by"),
    ("created", "p.created_at"),
];

/// Profiles the caller sees: shared ones, and those of customers in scope and in use. The
/// customer is joined as `c`.
macro_rules! visible {
    () => {
        concat!(
            "(p.customer_id IS NULL OR (c.deleted_at IS NULL AND ",
            in_scope!("p.customer_id"),
            "))"
        )
    };
}

#[derive(FromRow)]
struct LineRow {
    #[sqlx(flatten)]
    profile: CredentialProfile,
    customer_name: Option<String>,
    used_by: i64,
}

const MATCHING: &str = concat!(
    "WHERE ",
    visible!(),
    r" AND ($3 IS NULL OR p.name_folded LIKE $3 ESCAPE '\')
       AND ($4 IS NULL OR p.customer_id IS NULL OR p.customer_id = $4)"
);

const USED_BY: &str = concat!(
    "(SELECT COUNT(*) FROM integration i JOIN customer ic ON ic.id = i.customer_id
       WHERE i.credential_profile_id = p.id AND ic.deleted_at IS NULL AND ",
    in_scope!("i.customer_id"),
    ") AS used_by"
);

/// One page of the Credential Profiles list.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    query: CredentialProfileQuery,
) -> Result<Page<CredentialProfileLine>> {
    scope.require(Permission::CredentialProfilesRead)?;
    let pattern = paging::pattern(query.q.as_deref());
    let mut tx = b.db.read().await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM credential_profile p
             LEFT JOIN customer c ON c.id = p.customer_id {MATCHING}"
        )),
        scope.all(),
        scope.grantee(),
        &pattern,
        query.customer_id
    )?;
    let order = paging::order(SORTS, query.sort.as_deref(), query.direction, "p.id");
    let rows = fetch_all!(
        &mut tx,
        LineRow,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE}, c.name AS customer_name, {USED_BY} FROM credential_profile p
             LEFT JOIN customer c ON c.id = p.customer_id {MATCHING} {order} LIMIT $5 OFFSET $6"
        )),
        scope.all(),
        scope.grantee(),
        pattern,
        query.customer_id,
        query.page.limit(),
        query.page.offset()
    )?;
    let line = |row: LineRow| CredentialProfileLine {
        profile: row.profile,
        customer_name: row.customer_name,
        used_by: row.used_by,
    };
    Ok(Page { items: rows, total }.map(line))
}

const PROFILE: &str = "p.id, p.customer_id, p.name, p.kind, p.client_id, p.expires_at,
    p.certificate_thumbprint, p.created_at, p.secret_set_at";

const NEXT: &str = concat!(
    visible!(),
    r" AND (p.name_folded, p.id) > ($3, $4)
       AND ($5 IS NULL OR p.name_folded LIKE $5 ESCAPE '\')
     ORDER BY p.name_folded, p.id LIMIT $6"
);

/// Profiles by name, for programs.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Listing<CredentialProfile>> {
    scope.require(Permission::CredentialProfilesRead)?;
    let (after, id) = paging::after(request);
    let mut tx = b.db.read().await?;
    let items = fetch_all!(
        &mut tx,
        CredentialProfile,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE} FROM credential_profile p
             LEFT JOIN customer c ON c.id = p.customer_id WHERE {NEXT}"
        )),
        scope.all(),
        scope.grantee(),
        after,
        id,
        paging::pattern(request.q.as_deref()),
        paging::limit(request)
    )?;
    Ok(paging::listing(items, request, |p| {
        paging::by_name(&p.name, p.id.0)
    }))
}

/// One profile.
pub async fn get(b: &Backend, scope: &Scope, id: CredentialProfileId) -> Result<CredentialProfile> {
    scope.require(Permission::CredentialProfilesRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await
}

const THE_ONE: &str = concat!("p.id = $3 AND ", visible!());

pub(crate) async fn find(
    tx: &mut Tx,
    scope: &Scope,
    id: CredentialProfileId,
) -> Result<CredentialProfile> {
    fetch_optional!(
        tx,
        CredentialProfile,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE} FROM credential_profile p
             LEFT JOIN customer c ON c.id = p.customer_id WHERE {THE_ONE}"
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .ok_or(Error::NotFound("credential profile"))
}

/// The integrations that use a profile, of those the caller may see, by name. Those of a customer
/// in the bin are named too: they keep the profile from being deleted.
pub async fn uses(b: &Backend, scope: &Scope, id: CredentialProfileId) -> Result<Vec<ProfileUse>> {
    scope.require(Permission::CredentialProfilesRead)?;
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    uses_in(&mut tx, scope, id).await
}

async fn uses_in(tx: &mut Tx, scope: &Scope, id: CredentialProfileId) -> Result<Vec<ProfileUse>> {
    fetch_all!(
        tx,
        ProfileUse,
        concat!(
            "SELECT i.id AS integration_id, i.name AS integration_name,
                    c.id AS customer_id, c.name AS customer_name
             FROM integration i JOIN customer c ON c.id = i.customer_id
             WHERE i.credential_profile_id = $3 AND ",
            in_scope!("c.id"),
            " ORDER BY c.name_folded, i.name_folded, i.id LIMIT 1000"
        ),
        scope.all(),
        scope.grantee(),
        id
    )
}

/// The profiles that the caller may connect for this customer, by name: its own, and shared ones
/// only for who sees all customers.
pub async fn choices(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<Vec<CredentialProfile>> {
    scope.require(Permission::CredentialProfilesRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    fetch_all!(
        &mut tx,
        CredentialProfile,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE} FROM credential_profile p
             WHERE p.customer_id = $1 OR (p.customer_id IS NULL AND $2)
             ORDER BY p.name_folded, p.id LIMIT 1000"
        )),
        customer,
        scope.sees_all()
    )
}

#[cfg(test)]
mod tests;
