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
        settings_differences,
        version::{VersionCause, VersionSource},
    },
    text::FieldError,
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

/// The groups of a file in a tenant.
#[derive(Debug, Default)]
struct Groups {
    selected: Vec<ExternalId>,
    administrators: Administrators,
    names: BTreeMap<String, String>,
    not_applied: Vec<NotApplied>,
}

/// What a file makes of who administers the workspace.
#[derive(Debug, Default, Clone, Copy)]
enum Administrators {
    /// It says nothing of them, or the tenant doesn't have their group.
    #[default]
    AsTheyAre,
    /// Decided by a group, or here.
    Become(Option<ExternalId>),
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
        let administrators_group_id = match self.groups.administrators {
            Administrators::AsTheyAre => present.policy.administrators_group_id,
            Administrators::Become(group) => group,
        };
        let policy = Policy {
            selected_group_ids,
            administrators_group_id,
            ..self.file.policy.clone()
        };
        Ok(IntegrationSettings {
            enabled: self.file.enabled,
            schedule: self.file.schedule.clone(),
            policy: at(&self.place, policy.checked().map_err(in_file))?,
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
        let differences = settings_differences(&before, &after);
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

/// What is wrong with a policy, at its place in a file: the groups stand beside it there.
fn in_file(error: FieldError) -> Error {
    match error.field.as_str() {
        "policy.selected_group_ids" => Error::invalid("selected_groups", error.message),
        "policy.administrators_group_id" => Error::invalid(
            "administrators.group",
            format!("The group of the administrators: {}", error.message),
        ),
        _ => error.into(),
    }
}

/// The groups of a file in the integration's tenant: those of the same tenant and those that are
/// known by their ids; others by their exact names, where that is wished.
async fn groups(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    file: &IntegrationFile,
    find: bool,
) -> Result<Groups> {
    let mut search = Search::of(b, scope, integration, file, find).await?;
    let mut found = Groups::default();
    for group in &file.selected_groups {
        match search.find(group).await? {
            Ok(id) => {
                found.selected.push(id);
                found.name(id, group);
            }
            Err(why) => found.not_applied.push(NotApplied::new(shown(group), why)),
        }
    }
    if found.selected.is_empty() && !file.selected_groups.is_empty() {
        found.not_applied.push(NotApplied::new(
            "Selected Groups",
            "None of the file’s groups is applied, so the selected groups stay as they are: none \
             would mean the whole tenant.",
        ));
    }
    match file.administrators.as_ref().map(|given| &given.group) {
        None => {}
        Some(None) => found.administrators = Administrators::Become(None),
        Some(Some(group)) => match search.find(group).await? {
            Ok(id) => {
                found.administrators = Administrators::Become(Some(id));
                found.name(id, group);
            }
            Err(why) => found.not_applied.push(NotApplied::new(
                format!("Administrators, {}", shown(group)),
                format!("{why} Who administers the workspace stays as it is."),
            )),
        },
    }
    Ok(found)
}

/// A group as it is told of.
fn shown(group: &GroupInFile) -> String {
    let name = group.name.clone();
    name.unwrap_or_else(|| group.id.to_string())
}

impl Groups {
    fn name(&mut self, id: ExternalId, group: &GroupInFile) {
        if let Some(name) = &group.name {
            self.names.insert(id.to_string(), name.clone());
        }
    }
}

/// A group's id in the tenant, or why there is none.
type Found = std::result::Result<ExternalId, &'static str>;

/// Finds groups of a file in an integration's tenant, each once.
struct Search<'a> {
    b: &'a Backend,
    scope: &'a Scope,
    integration: &'a Integration,
    same_tenant: bool,
    known: BTreeSet<ExternalId>,
    by_name: bool,
    looked_for: BTreeMap<String, Found>,
}

impl<'a> Search<'a> {
    async fn of(
        b: &'a Backend,
        scope: &'a Scope,
        integration: &'a Integration,
        file: &IntegrationFile,
        by_name: bool,
    ) -> Result<Self> {
        let administrators = file.administrators.iter();
        let administrators = administrators.filter_map(|given| given.group.as_ref());
        let groups = file.selected_groups.iter().chain(administrators);
        Ok(Self {
            b,
            scope,
            integration,
            same_tenant: file.tenant == integration.tenant && file.cloud == integration.cloud,
            known: known_groups(b, integration, groups).await?,
            by_name,
            looked_for: BTreeMap::new(),
        })
    }

    async fn find(&mut self, group: &GroupInFile) -> Result<Found> {
        if self.same_tenant || self.known.contains(&group.id) {
            return Ok(Ok(group.id));
        }
        let Some(name) = &group.name else {
            return Ok(Err(
                "The tenant doesn’t have this group, and the file doesn’t tell its name.",
            ));
        };
        if let Some(found) = self.looked_for.get(name) {
            return Ok(*found);
        }
        if !self.by_name {
            return Ok(Err(
                "The tenant doesn’t have this group. It can be looked for by its name.",
            ));
        }
        if self.looked_for.len() >= LOOKED_FOR_MAX {
            return Ok(Err(
                "So many groups are not looked for at once. Select it by hand.",
            ));
        }
        if name.trim().chars().count() < entra::SEARCH_CHARS_MIN {
            return Ok(Err("Its name is too short to look for. Select it by hand."));
        }
        let found = by_name(self.b, self.scope, self.integration.id, name).await?;
        self.looked_for.insert(name.clone(), found);
        Ok(found)
    }
}

/// The one group of the tenant that has exactly this name and can be selected, or why there is none.
async fn by_name(b: &Backend, scope: &Scope, id: IntegrationId, name: &str) -> Result<Found> {
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

/// Those of the groups that the integration knows by their ids: those its policy names, and those a
/// sync read.
async fn known_groups(
    b: &Backend,
    integration: &Integration,
    groups: impl Iterator<Item = &GroupInFile>,
) -> Result<BTreeSet<ExternalId>> {
    let mut tx = b.db.read().await?;
    let policy = &integration.policy;
    let named = policy.selected_group_ids.iter();
    let named = named.chain(&policy.administrators_group_id);
    let mut known: BTreeSet<_> = named.copied().collect();
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
