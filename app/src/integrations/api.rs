//! What the pages of integrations ask the server.

use domain::{
    cloud::CloudName,
    connection::ConnectionTest,
    credential_profile::CredentialProfile,
    guard::GuardSize,
    id::{CredentialProfileId, CustomerId, IntegrationId, RunId},
    integration::{GroupHit, Integration, IntegrationLine, People, SelectedGroup},
    paging::Page,
    protection::{ProtectedForecast, ProtectedRule},
    run::{PreviewSettings as SettingsOfPreview, RunDetail, RunStatus},
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::settings::SettingsForm;
use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// What only the list of integrations is filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// Enabled, Yes or No.
    pub enabled: Option<bool>,
    /// The credential profile.
    pub profile: Option<CredentialProfileId>,
    /// Last Sync Status.
    pub status: Option<RunStatus>,
    /// The cloud's id.
    pub cloud: Option<String>,
}

/// A page of the list.
#[server(endpoint = "integrations/list", input = Json)]
pub(crate) async fn list_integrations(
    query: ListQuery,
    filters: Filters,
) -> AppResult<Page<IntegrationLine>> {
    use backend::store::integrations;
    let (backend, scope) = crate::session::caller().await?;
    let query = integrations::IntegrationQuery {
        q: query.q,
        customer_id: query.customer,
        enabled: filters.enabled,
        profile: filters.profile,
        status: filters.status,
        cloud: filters.cloud,
        page: query.page,
        sort: query.sort,
        direction: query.direction,
        ..Default::default()
    };
    Ok(integrations::list(&backend, &scope, query).await?)
}

/// What the filters and the form Add New Integration choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Customers by name.
    pub customers: Vec<(CustomerId, String)>,
    /// The chosen one.
    pub customer: Option<CustomerId>,
    /// Profiles that may be used for the chosen customer.
    pub profiles: Vec<CredentialProfile>,
    /// The clouds of the configuration.
    pub clouds: Vec<CloudName>,
}

/// What can be chosen for a customer; for the first one where none is named.
#[server(endpoint = "integrations/choices", input = Json)]
pub(crate) async fn integration_choices(customer: Option<CustomerId>) -> AppResult<Choices> {
    use backend::store::{credential_profiles, customers};
    let (backend, scope) = crate::session::caller().await?;
    let mut names = customers::names(&backend, &scope, None).await?;
    if let Some(id) = customer
        && names.iter().all(|(other, _)| *other != id)
    {
        let chosen = customers::get(&backend, &scope, id).await?;
        names.push((chosen.id, chosen.name));
    }
    let customer = customer.or_else(|| names.first().map(|(id, _)| *id));
    let profiles = match customer {
        Some(id) => credential_profiles::choices(&backend, &scope, id).await?,
        None => Vec::new(),
    };
    Ok(Choices {
        customers: names,
        customer,
        profiles,
        clouds: backend.clouds.names(),
    })
}

/// Adds an integration.
#[server(endpoint = "integrations/add")]
pub(crate) async fn add_integration(
    customer_id: String,
    tenant: String,
    cloud: String,
    credential_profile_id: String,
    #[server(default)] enabled: bool,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let (customer, new) =
        super::add::new_integration(&customer_id, tenant, cloud, &credential_profile_id, enabled)?;
    let made = backend::store::integrations::create(&backend, &scope, customer, new).await?;
    crate::session::done(
        format!("{} was added", made.name),
        Some(crate::routes::integration(made.id)),
    )
    .await
}

/// Tries the connection of an integration that isn't added yet.
#[server(endpoint = "integrations/test")]
pub(crate) async fn test_new(
    customer_id: String,
    tenant: String,
    cloud: String,
    credential_profile_id: String,
    #[server(default)] enabled: bool,
) -> AppResult<ConnectionTest> {
    use leptos::server_fn::ServerFn;
    let (backend, scope) = crate::session::caller().await?;
    let (customer, new) =
        super::add::new_integration(&customer_id, tenant, cloud, &credential_profile_id, enabled)?;
    let test = backend::entra::test_connection(&backend, &scope, customer, new).await?;
    crate::session::tested(TestNew::PATH, test).await
}

/// Tries the connection of an integration, with the profile that the form has chosen.
#[server(endpoint = "integrations/test-saved")]
pub(crate) async fn test_saved(
    id: IntegrationId,
    settings: SettingsForm,
) -> AppResult<ConnectionTest> {
    use backend::{entra, store::integrations};
    use domain::integration::NewIntegration;
    use leptos::server_fn::ServerFn;
    let (backend, scope) = crate::session::caller().await?;
    let saved = integrations::get(&backend, &scope, id).await?;
    let profile = settings.credential_profile_id;
    let test = if profile == saved.credential_profile_id {
        entra::test_saved(&backend, &scope, id).await?
    } else {
        let other = NewIntegration {
            kind: saved.kind,
            tenant: saved.tenant,
            cloud: saved.cloud,
            credential_profile_id: profile,
            enabled: saved.enabled,
            schedule: saved.schedule,
            policy: saved.policy,
        };
        entra::test_connection(&backend, &scope, saved.customer_id, other).await?
    };
    crate::session::tested(TestSaved::PATH, test).await
}

/// The head of an integration's page, and how its newest run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// The integration.
    pub integration: Integration,
    /// Its customer's name.
    pub customer_name: String,
    /// Its newest run.
    pub last: Option<RunDetail>,
    /// How many of its people wait for a decision whether they are here already.
    pub matches_waiting: i64,
}

/// An integration with its newest run.
#[server(endpoint = "integrations/head", input = Json)]
pub(crate) async fn integration_head(id: IntegrationId) -> AppResult<HeadView> {
    use backend::store::{customers, integrations, matches, runs};
    use domain::paging::ListRequest;
    let (backend, scope) = crate::session::caller().await?;
    let integration = integrations::get(&backend, &scope, id).await?;
    let customer = customers::get(&backend, &scope, integration.customer_id).await?;
    let of_this = runs::RunFilter {
        integration_id: Some(id),
        ..Default::default()
    };
    let newest = ListRequest {
        limit: 1,
        ..ListRequest::default()
    };
    let newest = runs::listing(&backend, &scope, &of_this, &newest).await?;
    let last = match newest.items.first() {
        Some(run) => Some(runs::detail(&backend, &scope, run.id).await?),
        None => None,
    };
    let matches = matches::counts(&backend, &scope, id).await?;
    Ok(HeadView {
        integration,
        customer_name: customer.name,
        last,
        matches_waiting: matches.waiting(),
    })
}

/// Everything that the tab Tenant Configuration shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The integration.
    pub integration: Integration,
    /// The name of its cloud.
    pub cloud_name: String,
    /// Profiles that may be used for its customer.
    pub profiles: Vec<CredentialProfile>,
    /// Its selected groups, as they are known.
    pub groups: Vec<SelectedGroup>,
    /// When it runs by itself, in a sentence.
    pub timing: String,
    /// How much it has in the directory, as its guard counts it.
    pub guard_sizes: Vec<GuardSize>,
}

/// The settings of an integration.
#[server(endpoint = "integrations/configuration", input = Json)]
pub(crate) async fn get_configuration(id: IntegrationId) -> AppResult<Configuration> {
    use backend::store::{credential_profiles, integrations};
    let (backend, scope) = crate::session::caller().await?;
    let integration = integrations::get(&backend, &scope, id).await?;
    let profiles = credential_profiles::choices(&backend, &scope, integration.customer_id).await?;
    let groups = integrations::selected_groups(&backend, &scope, id).await?;
    let guard_sizes = integrations::guard_sizes(&backend, &scope, id).await?;
    let cloud_name = backend
        .clouds
        .names()
        .into_iter()
        .find(|cloud| cloud.id == integration.cloud)
        .map_or_else(|| integration.cloud.clone(), |cloud| cloud.name);
    let zone = &integration.time_zone;
    let sentence = integration.schedule.sentence(zone);
    let timing = match integration.next_run_at {
        Some(at) => format!(
            "{sentence}; next at {}",
            backend::timetable::on_the_wall(at, zone)
        ),
        None => sentence,
    };
    Ok(Configuration {
        integration,
        cloud_name,
        profiles,
        groups,
        timing,
        guard_sizes,
    })
}

/// How many people of today's directory rules would protect.
#[server(endpoint = "integrations/protected-forecast", input = Json)]
pub(crate) async fn forecast_protected(
    id: IntegrationId,
    rules: Vec<ProtectedRule>,
) -> AppResult<ProtectedForecast> {
    use backend::store::protected_rules;
    let (backend, scope) = crate::session::caller().await?;
    Ok(protected_rules::forecast(&backend, &scope, id, Some(rules)).await?)
}

/// The unsaved settings that a preview of this integration was made for; none for whoever may not
/// see it.
#[server(endpoint = "integrations/settings-of-preview", input = Json)]
pub(crate) async fn find_preview_settings(
    id: IntegrationId,
    run: RunId,
) -> AppResult<Option<SettingsOfPreview>> {
    use backend::{Error, store::integrations};
    let (backend, scope) = crate::session::caller().await?;
    integrations::get(&backend, &scope, id).await?;
    match backend::sync::settings_of_preview(&backend, &scope, run).await {
        Ok(found) => Ok(found.filter(|found| found.integration_id == id)),
        Err(Error::NotFound(_) | Error::Forbidden(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Saves the settings of an integration. Those of a preview lead back to the plain page, or its
/// address would fill them in again.
#[server(endpoint = "integrations/save")]
pub(crate) async fn save_settings(
    id: IntegrationId,
    settings: SettingsForm,
    #[server(default)] from_preview: bool,
) -> AppResult<Done> {
    use backend::store::integrations;
    let (backend, scope) = crate::session::caller().await?;
    let before = integrations::get(&backend, &scope, id).await?;
    let (change, known) = settings.change(&before)?;
    let saved = integrations::change(&backend, &scope, id, change)
        .await
        .map_err(|error| super::settings::at_field(error.into()))?;
    integrations::remember_groups(&backend, &scope, id, &known).await?;
    let to = from_preview.then(|| crate::routes::integration(id));
    crate::session::done(format!("{} was saved", saved.name), to).await
}

/// Groups whose name or mail address holds what was typed.
#[server(endpoint = "integrations/group-search", input = Json)]
pub(crate) async fn group_search(
    id: IntegrationId,
    q: String,
    counts: bool,
) -> AppResult<Vec<GroupHit>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::entra::group_search(&backend, &scope, id, &q, counts).await?)
}

/// Starts a full run.
#[server(endpoint = "integrations/full-sync")]
pub(crate) async fn full_sync(id: IntegrationId) -> AppResult<Done> {
    use domain::run::{RunMode, RunTrigger};
    let (backend, scope) = crate::session::caller().await?;
    backend::sync::start(&backend, &scope, id, RunMode::Full, RunTrigger::Operator).await?;
    crate::session::done("The full sync is queued", None).await
}

/// Starts a preview of the saved settings, and leads to its page.
#[server(endpoint = "integrations/preview")]
pub(crate) async fn preview_sync(id: IntegrationId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, None, trigger).await?;
    let to = crate::routes::run(run.id);
    crate::session::done("The preview is queued", Some(to)).await
}

/// Starts a preview of the settings as they are filled in, and leads to its page. Nothing is saved.
#[server(endpoint = "integrations/preview-settings")]
pub(crate) async fn preview_settings(id: IntegrationId, settings: SettingsForm) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let before = backend::store::integrations::get(&backend, &scope, id).await?;
    let (change, _) = settings.change(&before)?;
    let says = super::settings::left_aside(&change);
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, change.policy, trigger)
        .await
        .map_err(|error| super::settings::at_field(error.into()))?;
    let to = crate::routes::run(run.id);
    crate::session::done(format!("The preview is queued{says}"), Some(to)).await
}

/// Cancels the run of an integration.
#[server(endpoint = "integrations/cancel-run")]
pub(crate) async fn cancel_sync(run_id: RunId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::sync::cancel(&backend, &scope, run_id).await?;
    crate::session::done("The run is being cancelled", None).await
}

/// What deleting an integration would touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The integration.
    pub integration: Integration,
    /// People that come from it.
    pub people: i64,
}

/// What deleting an integration would touch.
#[server(endpoint = "integrations/deletion", input = Json)]
pub(crate) async fn integration_deletion(id: IntegrationId) -> AppResult<Deletion> {
    use backend::store::integrations;
    let (backend, scope) = crate::session::caller().await?;
    let integration = integrations::get(&backend, &scope, id).await?;
    let people = integrations::people_count(&backend, &scope, id).await?;
    Ok(Deletion {
        integration,
        people,
    })
}

/// Deletes an integration.
#[server(endpoint = "integrations/delete")]
pub(crate) async fn delete_integration(id: IntegrationId, people: People) -> AppResult<Done> {
    use backend::store::integrations;
    let (backend, scope) = crate::session::caller().await?;
    let name = integrations::get(&backend, &scope, id).await?.name;
    integrations::delete(&backend, &scope, id, people).await?;
    crate::session::done(
        format!("{name} was deleted"),
        Some(crate::routes::INTEGRATIONS.to_owned()),
    )
    .await
}
