//! The versions of a template: listed, looked at, compared, and restored like any other change.

use domain::{
    DateTime,
    id::PolicyTemplateId,
    paging::{Cursor, ListRequest, Listing, Page, PageRequest},
    policy::Policy,
    settings::{
        SettingDifference,
        template::{PolicyTemplate, TemplateEffect, TemplateVersion, all_drift},
        version::{VersionCause, VersionLine, VersionSource},
    },
};
use sqlx::FromRow;

use super::{
    change::{Wanted, checked, save},
    effect::Effect,
    find, may_make,
};
use crate::{
    Backend, Error, Result, Scope, Tx, fetch_all, fetch_optional, fetch_scalar,
    store::{paging, read_json, still},
};

#[derive(FromRow)]
struct Row {
    template_id: PolicyTemplateId,
    number: i64,
    policy: String,
    restored_from: Option<i64>,
    saved_by: String,
    saved_at: DateTime,
}

const COLUMNS: &str = "template_id, number, policy, restored_from, saved_by, saved_at";

impl Row {
    fn version(self) -> Result<TemplateVersion> {
        let source = match (self.restored_from, self.number) {
            (Some(number), _) => VersionSource::restored(number),
            (None, 1) => VersionSource::of(VersionCause::Created),
            (None, _) => VersionSource::of(VersionCause::Saved),
        };
        Ok(TemplateVersion {
            policy_template_id: self.template_id,
            number: self.number,
            source,
            saved_by: self.saved_by,
            saved_at: self.saved_at,
            policy: read_json("policy_template_version.policy", &self.policy)?,
        })
    }
}

/// Versions with a lower number than `before`, the newest first, and one more, with which the last
/// of them is compared.
async fn newest(
    tx: &mut Tx,
    id: PolicyTemplateId,
    before: i64,
    limit: i64,
    offset: i64,
) -> Result<Vec<TemplateVersion>> {
    let rows = fetch_all!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM policy_template_version
              WHERE template_id = $1 AND number < $2
              ORDER BY number DESC LIMIT $3 OFFSET $4"
        )),
        id,
        before,
        limit + 1,
        offset
    )?;
    rows.into_iter().map(Row::version).collect()
}

/// Versions as lines; the last of them is only what the one before it is compared with, where there
/// are more than `limit`.
fn lines(versions: Vec<TemplateVersion>, limit: i64) -> Vec<VersionLine> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let older = versions.iter().skip(1).map(|older| Some(&older.policy));
    let changed: Vec<Vec<String>> = versions
        .iter()
        .zip(older.chain([None]))
        .map(|(version, older)| {
            let differences = older.map(|older| all_drift(older, &version.policy));
            let differences = differences.into_iter().flatten();
            differences.map(|one| one.name).collect()
        })
        .collect();
    versions
        .into_iter()
        .zip(changed)
        .take(limit)
        .map(|(version, changed)| VersionLine {
            number: version.number,
            source: version.source,
            saved_by: version.saved_by,
            saved_at: version.saved_at,
            changed,
        })
        .collect()
}

/// A page of a template's versions, the newest first, each with what changed in it.
pub async fn list(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    page: PageRequest,
) -> Result<Page<VersionLine>> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let total = fetch_scalar!(
        &mut tx,
        i64,
        "SELECT COUNT(*) FROM policy_template_version WHERE template_id = $1",
        id
    )?;
    let versions = newest(&mut tx, id, i64::MAX, page.limit(), page.offset()).await?;
    Ok(Page {
        items: lines(versions, page.limit()),
        total,
    })
}

/// The same for programs. The cursor holds the number of the last version.
pub async fn listing(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    request: &ListRequest,
) -> Result<Listing<VersionLine>> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    let before = match &request.cursor {
        Some(cursor) => cursor.after.parse().unwrap_or(i64::MAX),
        None => i64::MAX,
    };
    let limit = paging::limit(request);
    let versions = newest(&mut tx, id, before, limit, 0).await?;
    let items = lines(versions, limit);
    Ok(paging::listing(items, request, |line| Cursor {
        after: line.number.to_string(),
        id: id.0,
    }))
}

/// One version.
pub async fn get(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
) -> Result<TemplateVersion> {
    let mut tx = b.db.read().await?;
    find(&mut tx, scope, id).await?;
    load(&mut tx, id, number).await
}

async fn load(tx: &mut Tx, id: PolicyTemplateId, number: i64) -> Result<TemplateVersion> {
    fetch_optional!(
        tx,
        Row,
        sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM policy_template_version WHERE template_id = $1 AND number = $2"
        )),
        id,
        number
    )?
    .ok_or(Error::NotFound("version"))?
    .version()
}

/// How version `number` differs from version `against`, or from the present policy where none is
/// named.
pub async fn difference(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
    against: Option<i64>,
) -> Result<Vec<SettingDifference>> {
    let mut tx = b.db.read().await?;
    let template = find(&mut tx, scope, id).await?;
    let version = load(&mut tx, id, number).await?.policy;
    let before = match against {
        Some(against) => load(&mut tx, id, against).await?.policy,
        None => template.policy,
    };
    Ok(all_drift(&before, &version))
}

/// The policy of a version as it would be saved now. Templates once named a group of administrators,
/// which nobody got.
async fn policy_again(tx: &mut Tx, id: PolicyTemplateId, number: i64) -> Result<Policy> {
    checked(Policy {
        administrators_group_id: None,
        ..load(tx, id, number).await?.policy
    })
}

/// What restoring a version would do. Nothing is changed.
pub async fn effect(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
) -> Result<TemplateEffect> {
    let mut tx = b.db.read().await?;
    let template = find(&mut tx, scope, id).await?;
    let policy = policy_again(&mut tx, id, number).await?;
    may_make(scope)?;
    Effect::of(&mut tx, scope, &template, &policy).await?.told()
}

/// Makes the policy that of a version again: a change like any other, which is a version of its own
/// and reaches every follower. `hash`: of the effect that was looked at.
pub async fn restore(
    b: &Backend,
    scope: &Scope,
    id: PolicyTemplateId,
    number: i64,
    hash: Option<&str>,
) -> Result<PolicyTemplate> {
    let mut tx = b.db.write().await?;
    tx.hold("policy_template", id.0).await?;
    let before = find(&mut tx, scope, id).await?;
    let policy = policy_again(&mut tx, id, number).await?;
    may_make(scope)?;
    if let Some(hash) = hash {
        let effect = Effect::of(&mut tx, scope, &before, &policy).await?;
        still(Some(hash), &effect.hash()?)?;
    }
    let wanted = Wanted {
        name: before.name.clone(),
        policy,
        restored_from: Some(number),
    };
    let after = save(b, &mut tx, scope, before, wanted).await?;
    tx.commit().await?;
    b.wake.notify_one();
    Ok(after)
}
