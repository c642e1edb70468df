//! Importing a file into one integration.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{ExternalId, IntegrationId},
    integration::{Integration, IntegrationKind},
    permission::Permission,
    policy::Policy,
    settings::{
        IntegrationSettings,
        file::{FileContent, GroupInFile, ImportChange, ImportPlan, IntegrationFile, NotApplied},
        version::{VersionCause, VersionSource},
    },
};

use super::{Import, at, other_kind, plan_with_hash, read};
use crate::{
    Backend, Error, Result, Scope, Tx, entra, fetch_optional,
    store::{integration_versions, integrations, still},
    timetable,
};

/// Groups that are looked for by their names at most: each asks the source.
const LOOKED_FOR_MAX: usize = 50;

/// What importing the file into an integration would change.
pub async fn plan_integration(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    import: &Import<'_>,
) -> Result<ImportPlan> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let wanted = prepare(b, scope, &integration, import).await?;
    let mut tx = b.db.read().await?;
    wanted.plan(&mut tx, &integration).await
}

/// Imports the file into an integration: a save like any other.
pub async fn import_integration(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    import: &Import<'_>,
) -> Result<(Integration, ImportPlan)> {
    let integration = integrations::get(b, scope, id).await?;
    scope.require(Permission::IntegrationsWrite)?;
    let wanted = prepare(b, scope, &integration, import).await?;
    let mut tx = b.db.write().await?;
    integrations::hold(&mut tx, id).await?;
    let integration = integrations::find(&mut tx, scope, id).await?;
    let plan = wanted.plan(&mut tx, &integration).await?;
    still(import.hash, &plan.hash)?;
    let source = VersionSource::of(VersionCause::Imported);
    let change = wanted.settings(&integration)?.change();
    let changed = integrations::change_in(b, &mut tx, scope, id, change, &source).await?;
    tx.commit().await?;
    changed.follow_up(b).await;
    Ok((changed.after, plan))
}

async fn prepare(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    import: &Import<'_>,
) -> Result<Wanted> {
    let file = match read(import.text)? {
        FileContent::Integration(file) => file,
        other => return Err(other_kind(&other, "one of an integration")),
    };
    Wanted::of(
        b,
        scope,
        integration,
        file,
        import.find_groups,
        "integration",
    )
    .await
}

/// What a file wants of one integration, with its groups as the integration's tenant has them.
#[derive(Debug)]
pub(super) struct Wanted {
    file: IntegrationFile,
    groups: Groups,
    /// Where the integration stands in the file.
    place: String,
}

/// The selected groups of a file in a tenant.
#[derive(Debug, Default)]
struct Groups {
    selected: Vec<ExternalId>,
    names: BTreeMap<String, String>,
    not_applied: Vec<NotApplied>,
}

impl Wanted {
    /// Asks the source for the groups where that is wished, so outside any transaction.
    pub(super) async fn of(
        b: &Backend,
        scope: &Scope,
        integration: &Integration,
        file: IntegrationFile,
        find_groups: bool,
        place: &str,
    ) -> Result<Self> {
        if file.kind != integration.kind {
            return Err(Error::invalid(
                &format!("{place}.kind"),
                format!(
                    "The file is of {}, this integration of {}.",
                    IntegrationKind::title(file.kind),
                    integration.kind.title()
                ),
            ));
        }
        at(place, timetable::check(&file.schedule, b.clock.now()))?;
        let groups = groups(b, scope, integration, &file, find_groups).await?;
        Ok(Self {
            file,
            groups,
            place: place.to_owned(),
        })
    }

    /// The settings that the integration would have.
    pub(super) fn settings(&self, present: &Integration) -> Result<IntegrationSettings> {
        let none_is_left = self.groups.selected.is_empty() && !self.file.selected_groups.is_empty();
        let selected_group_ids = if none_is_left {
            // No group would mean the whole tenant.
            present.policy.selected_group_ids.clone()
        } else {
            self.groups.selected.clone()
        };
        let policy = Policy {
            selected_group_ids,
            // One of the tenant, which no file carries.
            administrators_group_id: present.policy.administrators_group_id,
            ..self.file.policy.clone()
        };
        Ok(IntegrationSettings {
            enabled: self.file.enabled,
            schedule: self.file.schedule.clone(),
            policy: at(&self.place, policy.checked().map_err(Error::from))?,
        })
    }

    /// What the file holds that isn't applied.
    pub(super) fn not_applied(&self) -> &[NotApplied] {
        &self.groups.not_applied
    }

    /// What would change; none where nothing does. With the names of its groups.
    pub(super) async fn change(
        &self,
        tx: &mut Tx,
        present: &Integration,
    ) -> Result<(Option<ImportChange>, BTreeMap<String, String>)> {
        let (before, after) = (IntegrationSettings::of(present), self.settings(present)?);
        let differences = before.differences(&after);
        let mut names = integration_versions::group_names(tx, present.id, &before, &after).await?;
        names.extend(self.groups.names.clone());
        let change = (!differences.is_empty()).then(|| ImportChange {
            of: present.name.clone(),
            integration_id: Some(present.id),
            differences,
        });
        Ok((change, names))
    }

    async fn plan(&self, tx: &mut Tx, present: &Integration) -> Result<ImportPlan> {
        let (change, group_names) = self.change(tx, present).await?;
        let plan = ImportPlan {
            changes: change.into_iter().collect(),
            not_applied: self.not_applied().to_vec(),
            group_names,
            hash: String::new(),
        };
        let made_from = (IntegrationSettings::of(present), self.settings(present)?);
        plan_with_hash(plan, &made_from)
    }
}

/// The selected groups of a file in the integration's tenant: those of the same tenant and those
/// that are known by their ids; others by their exact names, where that is wished.
async fn groups(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    file: &IntegrationFile,
    find: bool,
) -> Result<Groups> {
    let same_tenant = file.tenant == integration.tenant && file.cloud == integration.cloud;
    let known = known_groups(b, integration, &file.selected_groups).await?;
    let mut found = Groups::default();
    let mut looked_for = 0;
    for group in &file.selected_groups {
        if same_tenant || known.contains(&group.id) {
            found.select(group.id, group.name.clone());
            continue;
        }
        let shown = group.name.clone().unwrap_or_else(|| group.id.to_string());
        let why = match &group.name {
            None => "The tenant doesn’t have this group, and the file doesn’t tell its name.",
            Some(_) if !find => {
                "The tenant doesn’t have this group. It can be looked for by its name."
            }
            Some(_) if looked_for >= LOOKED_FOR_MAX => {
                "So many groups are not looked for at once. Select it by hand."
            }
            Some(name) if name.trim().chars().count() < entra::SEARCH_CHARS_MIN => {
                "Its name is too short to look for. Select it by hand."
            }
            Some(name) => {
                looked_for += 1;
                match by_name(b, scope, integration.id, name).await? {
                    Ok(id) => {
                        found.select(id, Some(name.clone()));
                        continue;
                    }
                    Err(why) => why,
                }
            }
        };
        found.not_applied.push(NotApplied::new(shown, why));
    }
    if found.selected.is_empty() && !file.selected_groups.is_empty() {
        found.not_applied.push(NotApplied::new(
            "Selected Groups",
            "None of the file’s groups is applied, so the selected groups stay as they are: none \
             would mean the whole tenant.",
        ));
    }
    Ok(found)
}

impl Groups {
    fn select(&mut self, id: ExternalId, name: Option<String>) {
        self.selected.push(id);
        if let Some(name) = name {
            self.names.insert(id.to_string(), name);
        }
    }
}

/// The one group of the tenant that has exactly this name and can be selected, or why there is none.
async fn by_name(
    b: &Backend,
    scope: &Scope,
    id: IntegrationId,
    name: &str,
) -> Result<std::result::Result<ExternalId, &'static str>> {
    let hits = entra::group_search(b, scope, id, name, false).await?;
    let mut exact = hits.into_iter().filter(|hit| hit.display_name == name);
    Ok(match (exact.next(), exact.next()) {
        (Some(hit), None) if hit.can_sync => Ok(hit.id),
        (Some(_), None) => Err("The tenant’s group of this name can’t be synced."),
        (Some(_), Some(_)) => {
            Err("The tenant has several groups of this name. Select the right one by hand.")
        }
        (None, _) => Err("The tenant has no group of exactly this name."),
    })
}

/// Those of the groups that the integration knows by their ids: selected ones, and those a sync read.
async fn known_groups(
    b: &Backend,
    integration: &Integration,
    groups: &[GroupInFile],
) -> Result<BTreeSet<ExternalId>> {
    let mut tx = b.db.read().await?;
    let mut known: BTreeSet<_> = integration
        .policy
        .selected_group_ids
        .iter()
        .copied()
        .collect();
    for group in groups {
        let read = fetch_optional!(
            &mut tx,
            (ExternalId,),
            "SELECT external_id FROM source_object WHERE integration_id = $1
                AND object_type = 'group' AND external_id = $2 AND presence = 'present'",
            integration.id,
            group.id
        )?;
        known.extend(read.map(|(id,)| id));
    }
    Ok(known)
}
