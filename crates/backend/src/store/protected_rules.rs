//! Rules that protect people from sync, over rows of the directory: whom they match, and how many.
//!
//! `planner::protection` decides, over the values that the directory has and the source says. What
//! decides reads them each time; the mark in `source_object` is for lists, which can't ask the
//! planner about every row. Planning keeps it, and saving rules brings it up to date at once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use domain::{
    id::{ExternalId, IntegrationId, UserId},
    permission::Permission,
    policy::Policy,
    protection::{
        ProtectedAttribute, ProtectedByRule, ProtectedCount, ProtectedForecast, ProtectedRule,
        checked_rules,
    },
};
use planner::protection::{Rules, Sides};
use sqlx::FromRow;
use uuid::Uuid;

use super::{integrations, read_json};
use crate::{
    Backend, Result, Scope, Tx,
    db::rows::{IDS_MAX, fetch_built, push_ids, run_built},
    execute, fetch_optional,
};

/// Users looked at together.
const BATCH: usize = 1_000;
/// Users that a forecast looks at.
const LOOKED_AT_MAX: usize = 50_000;

/// What rules compare of one user: `kept` is the directory's, `source` the source's. Only what the
/// rules name is read ([`columns`]): the texts themselves, since a folded copy may be cut short
/// (`planner::key`).
#[derive(Debug, Clone, Default, FromRow)]
#[sqlx(default)]
pub(crate) struct Compared {
    kept_user_principal_name: Option<String>,
    source_user_principal_name: Option<String>,
    kept_display_name: Option<String>,
    source_display_name: Option<String>,
    kept_given_name: Option<String>,
    source_given_name: Option<String>,
    kept_surname: Option<String>,
    source_surname: Option<String>,
    kept_mail: Option<String>,
    source_mail: Option<String>,
    kept_attributes: Option<String>,
    source_attributes: Option<String>,
}

/// The column an attribute is read from.
const fn column(attribute: ProtectedAttribute) -> &'static str {
    match attribute {
        ProtectedAttribute::UserPrincipalName => "user_principal_name",
        ProtectedAttribute::DisplayName => "display_name",
        ProtectedAttribute::GivenName => "given_name",
        ProtectedAttribute::Surname => "surname",
        ProtectedAttribute::Mail => "mail",
        _ => "attributes",
    }
}

/// The columns of [`Compared`] that these rules need, each with a comma before it; nothing without
/// rules. `kept` and `source` are what the statement calls the two tables.
pub(crate) fn columns(rules: &Rules, kept: &str, source: &str) -> String {
    let mut names: Vec<&str> = rules.attributes().map(column).collect();
    names.sort_unstable();
    names.dedup();
    let both = |name| format!(", {kept}.{name} AS kept_{name}, {source}.{name} AS source_{name}");
    names.into_iter().map(both).collect()
}

type Attributes = BTreeMap<String, serde_json::Value>;

impl Compared {
    /// The places of the rules that match.
    pub fn matching(&self, rules: &Rules) -> Vec<usize> {
        // What can't be read as attributes has none.
        let read = |text: &Option<String>| -> Option<Attributes> {
            text.as_deref()
                .and_then(|text| serde_json::from_str(text).ok())
        };
        let others = [read(&self.kept_attributes), read(&self.source_attributes)];
        rules.matching(|attribute| self.sides(attribute, &others))
    }

    fn sides<'a>(
        &'a self,
        attribute: ProtectedAttribute,
        others: &'a [Option<Attributes>; 2],
    ) -> Sides<'a> {
        let texts = match attribute {
            ProtectedAttribute::UserPrincipalName => [
                &self.kept_user_principal_name,
                &self.source_user_principal_name,
            ],
            ProtectedAttribute::DisplayName => [&self.kept_display_name, &self.source_display_name],
            ProtectedAttribute::GivenName => [&self.kept_given_name, &self.source_given_name],
            ProtectedAttribute::Surname => [&self.kept_surname, &self.source_surname],
            ProtectedAttribute::Mail => [&self.kept_mail, &self.source_mail],
            other => {
                let name = other.among_others().unwrap_or_default();
                return [&others[0], &others[1]].map(|others| {
                    let text = others.as_ref()?.get(name)?.as_str()?;
                    Some(Cow::Borrowed(text))
                });
            }
        };
        texts.map(|text| text.as_deref().map(Cow::Borrowed))
    }
}

/// The rules that an integration has saved.
pub(crate) async fn saved(tx: &mut Tx, integration: IntegrationId) -> Result<Vec<ProtectedRule>> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT policy FROM integration WHERE id = $1",
        integration
    )?;
    match row {
        Some((policy,)) => Ok(read_json::<Policy>("policy", &policy)?.protected),
        None => Ok(Vec::new()),
    }
}

#[derive(FromRow)]
struct Row {
    external_id: ExternalId,
    marked: bool,
    counting: bool,
    #[sqlx(flatten)]
    compared: Compared,
}

/// Users of the directory that come from the integration: these, or those after an id.
async fn read(
    tx: &mut Tx,
    integration: IntegrationId,
    rules: &Rules,
    which: Which<'_>,
) -> Result<Vec<Row>> {
    let columns = columns(rules, "d", "s");
    fetch_built!(tx, Row, |query| {
        query.push(
            "SELECT d.external_id, COALESCE(s.protected, FALSE) AS marked,
                    d.delete_at IS NOT NULL AS counting",
        );
        query.push(&columns);
        query.push(
            " FROM directory_user d
               LEFT JOIN source_object s ON s.integration_id = d.integration_id
                    AND s.object_type = 'user' AND s.external_id = d.external_id
              WHERE d.status <> 'deleted' AND d.integration_id = ",
        );
        query.push_bind(integration);
        match which {
            Which::These(ids) => {
                query.push(" AND d.external_id");
                push_ids!(query, ids);
            }
            Which::After(id) => {
                query.push(" AND d.external_id > ").push_bind(id);
                query.push(" ORDER BY d.external_id LIMIT ").push(BATCH);
            }
        }
    })
}

/// Which users are read.
#[derive(Clone, Copy)]
enum Which<'a> {
    These(&'a [Uuid]),
    After(Uuid),
}

/// Those of these users that rules protect.
pub(crate) async fn among(
    tx: &mut Tx,
    integration: IntegrationId,
    rules: &Rules,
    ids: &[Uuid],
) -> Result<HashSet<ExternalId>> {
    let mut found = HashSet::new();
    if rules.is_empty() {
        return Ok(found);
    }
    for ids in ids.chunks(IDS_MAX) {
        let rows = read(tx, integration, rules, Which::These(ids)).await?;
        let matched = rows
            .iter()
            .filter(|row| !row.compared.matching(rules).is_empty());
        found.extend(matched.map(|row| row.external_id));
    }
    Ok(found)
}

/// The rule that protects a user, as saved now.
pub(crate) async fn of_user(tx: &mut Tx, id: UserId) -> Result<Option<ProtectedByRule>> {
    let row = fetch_optional!(
        &mut *tx,
        (Option<IntegrationId>, Option<ExternalId>),
        "SELECT integration_id, external_id FROM directory_user WHERE id = $1",
        id
    )?;
    let Some((Some(integration_id), Some(external_id))) = row else {
        return Ok(None);
    };
    let saved = saved(tx, integration_id).await?;
    let rules = Rules::new(&saved);
    if rules.is_empty() {
        return Ok(None);
    }
    let ids = [external_id.0];
    let rows = read(tx, integration_id, &rules, Which::These(&ids)).await?;
    let found = rows
        .first()
        .and_then(|row| row.compared.matching(&rules).first().copied());
    Ok(found
        .and_then(|at| saved.get(at).cloned())
        .map(|rule| ProtectedByRule {
            integration_id,
            rule,
        }))
}

/// Marks that a rule protects these users, or doesn't any more.
pub(crate) async fn mark(
    tx: &mut Tx,
    integration: IntegrationId,
    ids: &[Uuid],
    protected: bool,
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query
                .push("UPDATE source_object SET protected = ")
                .push_bind(protected);
            query
                .push(" WHERE object_type = 'user' AND integration_id = ")
                .push_bind(integration);
            query.push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Takes every mark of an integration away: its policy has no rules.
pub(crate) async fn unmark(tx: &mut Tx, integration: IntegrationId) -> Result<()> {
    execute!(
        tx,
        "UPDATE source_object SET protected = FALSE
          WHERE integration_id = $1 AND object_type = 'user' AND protected",
        integration
    )?;
    Ok(())
}

/// Ends the countdowns of these users, since no run will delete them.
pub(crate) async fn end_countdowns(
    tx: &mut Tx,
    integration: IntegrationId,
    ids: &[Uuid],
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        run_built!(tx, |query| {
            query.push("UPDATE directory_user SET delete_at = NULL WHERE integration_id = ");
            query.push_bind(integration).push(" AND external_id");
            push_ids!(query, ids);
        })?;
    }
    Ok(())
}

/// Brings marks and countdowns in step with rules that were saved. Where that can't be done, the
/// next run's planning does it, since after a change of the policy it looks at everybody.
pub(crate) async fn refresh(b: &Backend, integration: IntegrationId) {
    if let Err(error) = bring_in_step(b, integration).await {
        tracing::warn!(%integration, %error, "marks of protected people are left to the next run");
    }
}

/// A thousand users a transaction.
async fn bring_in_step(b: &Backend, integration: IntegrationId) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let mut tx = b.db.write().await?;
        let saved = saved(&mut tx, integration).await?;
        let rules = Rules::new(&saved);
        if rules.is_empty() {
            unmark(&mut tx, integration).await?;
            return tx.commit().await;
        }
        let rows = read(&mut tx, integration, &rules, Which::After(after)).await?;
        let Some(last) = rows.last() else {
            return tx.commit().await;
        };
        after = last.external_id.0;
        let (mut marks, mut counting) = ([Vec::new(), Vec::new()], Vec::new());
        for row in &rows {
            let protected = !row.compared.matching(&rules).is_empty();
            if protected != row.marked {
                marks[usize::from(protected)].push(row.external_id.0);
            }
            if protected && row.counting {
                counting.push(row.external_id.0);
            }
        }
        for (protected, ids) in [false, true].into_iter().zip(&marks) {
            mark(&mut tx, integration, ids, protected).await?;
        }
        end_countdowns(&mut tx, integration, &counting).await?;
        tx.commit().await?;
    }
}

/// How many people of today's directory each rule protects: of the saved rules, or of these. Whoever
/// asks learns of values in the directory, and has to be allowed to read it.
pub async fn forecast(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    rules: Option<Vec<ProtectedRule>>,
) -> Result<ProtectedForecast> {
    scope.require(Permission::IntegrationsRead)?;
    scope.require(Permission::DirectoryRead)?;
    let mut tx = b.db.read().await?;
    let policy = integrations::find(&mut tx, scope, id).await?.policy;
    let given = match rules {
        Some(rules) => checked_rules(rules)?,
        None => policy.protected,
    };
    let rules = Rules::new(&given);
    let mut forecast = ProtectedForecast {
        rules: given
            .into_iter()
            .map(|rule| ProtectedCount { rule, people: 0 })
            .collect(),
        complete: true,
        ..ProtectedForecast::default()
    };
    if rules.is_empty() {
        return Ok(forecast);
    }
    let (mut after, mut looked_at) = (Uuid::nil(), 0);
    loop {
        let rows = read(&mut tx, id, &rules, Which::After(after)).await?;
        let Some(last) = rows.last() else {
            break;
        };
        if looked_at >= LOOKED_AT_MAX {
            forecast.complete = false;
            break;
        }
        after = last.external_id.0;
        looked_at += rows.len();
        for row in &rows {
            let places = row.compared.matching(&rules);
            forecast.people += u64::from(!places.is_empty());
            for place in places {
                if let Some(count) = forecast.rules.get_mut(place) {
                    count.people += 1;
                }
            }
        }
    }
    forecast.looked_at = u64::try_from(looked_at).unwrap_or(u64::MAX);
    Ok(forecast)
}

#[cfg(test)]
mod tests;
