//! Credential profiles. Secrets go in, sealed, and never come out.

mod certificate;
mod change;
mod material;
mod second;

use domain::{
    DateTime,
    credential_profile::{
        CredentialKind, CredentialProfile, CredentialProfileLine, ProfileUse, SecondCredential,
    },
    id::{CredentialProfileId, CustomerId},
    paging::{Direction, ListRequest, Listing, Page, PageRequest},
    permission::Permission,
};
use sqlx::FromRow;

pub use certificate::{Certificate, certificate};
pub(crate) use change::may_change;
pub use change::{change, create, delete};
pub(crate) use material::{credential, second_credential};
pub(crate) use second::tested;
pub use second::{put_second, remove_second, use_second};

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

/// When a profile of `credential_profile p` stops to work: `CredentialProfile::ends_at` in SQL.
macro_rules! ends_at {
    () => {
        "CASE WHEN p.second_tested_at IS NULL OR p.second_replaced_at IS NOT NULL THEN p.expires_at
              WHEN p.expires_at IS NULL OR p.second_expires_at IS NULL THEN NULL
              WHEN p.second_expires_at > p.expires_at THEN p.second_expires_at
              ELSE p.expires_at END"
    };
}
pub(crate) use ends_at;

/// The columns by which the list sorts.
pub const SORTS: &[Sort] = &[
    ("name", "p.name_folded"),
    ("kind", "p.kind"),
    ("customer", "c.name_folded"),
    ("expires", ends_at!()),
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

/// A profile as it is read, by [`PROFILE`].
#[derive(FromRow)]
struct Row {
    id: CredentialProfileId,
    customer_id: Option<CustomerId>,
    name: String,
    kind: CredentialKind,
    client_id: uuid::Uuid,
    certificate_thumbprint: Option<String>,
    certificate_thumbprint_sha1: Option<String>,
    expires_at: Option<DateTime>,
    created_at: DateTime,
    secret_set_at: DateTime,
    switched_at: Option<DateTime>,
    switched_because: Option<String>,
    second_kind: Option<CredentialKind>,
    second_certificate_thumbprint: Option<String>,
    second_certificate_thumbprint_sha1: Option<String>,
    second_expires_at: Option<DateTime>,
    second_set_at: Option<DateTime>,
    second_tested_at: Option<DateTime>,
    second_replaced_at: Option<DateTime>,
}

const PROFILE: &str = "p.id, p.customer_id, p.name, p.kind, p.client_id, p.certificate_thumbprint,
    p.certificate_thumbprint_sha1, p.expires_at, p.created_at, p.secret_set_at, p.switched_at,
    p.switched_because, p.second_kind, p.second_certificate_thumbprint,
    p.second_certificate_thumbprint_sha1, p.second_expires_at, p.second_set_at, p.second_tested_at,
    p.second_replaced_at";

impl From<Row> for CredentialProfile {
    fn from(row: Row) -> Self {
        let second = row
            .second_kind
            .zip(row.second_set_at)
            .map(|(kind, set_at)| SecondCredential {
                kind,
                expires_at: row.second_expires_at,
                certificate_thumbprint: row.second_certificate_thumbprint,
                certificate_thumbprint_sha1: row.second_certificate_thumbprint_sha1,
                set_at,
                tested_at: row.second_tested_at,
                replaced_at: row.second_replaced_at,
            });
        Self {
            id: row.id,
            customer_id: row.customer_id,
            name: row.name,
            kind: row.kind,
            client_id: row.client_id,
            expires_at: row.expires_at,
            certificate_thumbprint: row.certificate_thumbprint,
            certificate_thumbprint_sha1: row.certificate_thumbprint_sha1,
            created_at: row.created_at,
            secret_set_at: row.secret_set_at,
            switched_at: row.switched_at,
            switched_because: row.switched_because,
            second,
        }
    }
}

#[derive(FromRow)]
struct LineRow {
    #[sqlx(flatten)]
    profile: Row,
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
        profile: row.profile.into(),
        customer_name: row.customer_name,
        used_by: row.used_by,
    };
    Ok(Page { items: rows, total }.map(line))
}

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
    let rows = fetch_all!(
        &mut tx,
        Row,
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
    let items = rows.into_iter().map(CredentialProfile::from).collect();
    Ok(paging::listing(items, request, |p: &CredentialProfile| {
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
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE} FROM credential_profile p
             LEFT JOIN customer c ON c.id = p.customer_id WHERE {THE_ONE}"
        )),
        scope.all(),
        scope.grantee(),
        id
    )?
    .map(CredentialProfile::from)
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
/// only for who sees all customers, or once a consent link proved a tenant of the customer.
pub async fn choices(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<Vec<CredentialProfile>> {
    chosen_from(b, scope, customer, scope.sees_all()).await
}

/// The profiles with which the caller may make a consent link for this customer, by name: its own,
/// and shared ones.
pub async fn choices_to_ask(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
) -> Result<Vec<CredentialProfile>> {
    scope.require(Permission::IntegrationsWrite)?;
    chosen_from(b, scope, customer, true).await
}

async fn chosen_from(
    b: &Backend,
    scope: &Scope,
    customer: CustomerId,
    any_shared: bool,
) -> Result<Vec<CredentialProfile>> {
    scope.require(Permission::CredentialProfilesRead)?;
    let mut tx = b.db.read().await?;
    super::customers::find_in_use(&mut tx, scope, customer).await?;
    let rows = fetch_all!(
        &mut tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {PROFILE} FROM credential_profile p
             WHERE p.customer_id = $1 OR (p.customer_id IS NULL AND ($2 OR EXISTS (
                     SELECT 1 FROM consent_link l
                      WHERE l.customer_id = $1 AND l.credential_profile_id = p.id
                        AND l.client_id = p.client_id AND l.proven_tenant_id IS NOT NULL)))
             ORDER BY p.name_folded, p.id LIMIT 1000"
        )),
        customer,
        any_shared
    )?;
    Ok(rows.into_iter().map(CredentialProfile::from).collect())
}

#[cfg(test)]
mod second_tests;
#[cfg(test)]
mod tests;
