//! What the pages of policy templates ask the server.

use domain::{
    id::{IntegrationId, PolicyTemplateId, SettingsDraftId},
    paging::Page,
    policy::Policy,
    settings::{
        template::{Drift, Follower, PolicyTemplate, TemplateEffect},
        version::{VersionLine, VersionView},
    },
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use crate::{
    error::AppResult,
    ui::{address::ListQuery, form::Done},
};

/// A page of the templates.
#[server(endpoint = "policy-templates/list", input = Json)]
pub(crate) async fn list_templates(query: ListQuery) -> AppResult<Page<PolicyTemplate>> {
    let (backend, scope) = crate::session::caller().await?;
    let q = query.q.as_deref();
    Ok(backend::store::policy_templates::list(&backend, &scope, q, query.page).await?)
}

/// Integrations to copy a policy from, by name.
#[server(endpoint = "policy-templates/form", input = Json)]
pub(crate) async fn template_form() -> AppResult<Vec<(IntegrationId, String)>> {
    use backend::store::integrations::{self, IntegrationQuery};
    let (backend, scope) = crate::session::caller().await?;
    let query = IntegrationQuery {
        page: domain::paging::PageRequest::new(1, 1000),
        ..IntegrationQuery::default()
    };
    let lines = integrations::list(&backend, &scope, query).await?.items;
    let name = |line: domain::integration::IntegrationLine| {
        (line.id, format!("{} ({})", line.name, line.customer_name))
    };
    Ok(lines.into_iter().map(name).collect())
}

/// Makes a template: with the policy of an integration, or the usual one.
#[server(endpoint = "policy-templates/add")]
pub(crate) async fn add_template(name: String, copy_from: String) -> AppResult<Done> {
    use backend::store::{integrations, policy_templates};
    use domain::settings::template::NewPolicyTemplate;
    let (backend, scope) = crate::session::caller().await?;
    let policy = if copy_from.is_empty() {
        Policy::default()
    } else {
        let id: IntegrationId = copy_from.parse().map_err(|_| {
            crate::error::AppError::invalid("copy_from", "Choose an integration of the list.")
        })?;
        Policy {
            selected_group_ids: Vec::new(),
            administrators_group_id: None,
            ..integrations::get(&backend, &scope, id).await?.policy
        }
    };
    let new = NewPolicyTemplate { name, policy };
    let made = policy_templates::create(&backend, &scope, new).await?;
    let to = crate::routes::policy_template(made.id);
    crate::session::done(format!("{} was made", made.name), Some(to)).await
}

/// One template with its followers and versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateView {
    /// The template.
    pub template: PolicyTemplate,
    /// A page of its followers.
    pub followers: Page<Follower>,
    /// Its latest versions.
    pub versions: Page<VersionLine>,
}

/// Versions that the template's own page shows.
#[cfg(feature = "ssr")]
const LATEST: domain::paging::PageRequest = domain::paging::PageRequest { page: 1, rows: 20 };

/// One template.
#[server(endpoint = "policy-templates/view", input = Json)]
pub(crate) async fn view_template(
    id: PolicyTemplateId,
    query: ListQuery,
) -> AppResult<TemplateView> {
    use backend::store::{policy_templates, versions};
    let (backend, scope) = crate::session::caller().await?;
    Ok(TemplateView {
        template: policy_templates::get(&backend, &scope, id).await?,
        followers: policy_templates::followers(&backend, &scope, id, query.page).await?,
        versions: versions::list::<Policy>(&backend, &scope, id, LATEST).await?,
    })
}

/// The name of a template, and a page of its versions.
#[server(endpoint = "policy-templates/versions", input = Json)]
pub(crate) async fn template_versions(
    id: PolicyTemplateId,
    query: ListQuery,
) -> AppResult<(String, Page<VersionLine>)> {
    use backend::store::{policy_templates, versions::list};
    let (backend, scope) = crate::session::caller().await?;
    let name = policy_templates::get(&backend, &scope, id).await?.name;
    let versions = list::<Policy>(&backend, &scope, id, query.page).await?;
    Ok((name, versions))
}

/// A template, and one version of it, compared with the present policy and, where `against` names one,
/// with another.
#[server(endpoint = "policy-templates/version", input = Json)]
pub(crate) async fn view_template_version(
    id: PolicyTemplateId,
    number: i64,
    against: Option<i64>,
) -> AppResult<(PolicyTemplate, VersionView<Policy>)> {
    use backend::store::{policy_templates, versions::view};
    let (backend, scope) = crate::session::caller().await?;
    let template = policy_templates::get(&backend, &scope, id).await?;
    Ok((template, view(&backend, &scope, id, number, against).await?))
}

/// What restoring a version would do.
#[server(endpoint = "policy-templates/effect-of-version", input = Json)]
pub(crate) async fn effect_of_version(
    id: PolicyTemplateId,
    number: i64,
) -> AppResult<(PolicyTemplateId, i64, TemplateEffect)> {
    use backend::store::policy_templates::versions;
    let (backend, scope) = crate::session::caller().await?;
    let effect = versions::effect(&backend, &scope, id, number).await?;
    Ok((id, number, effect))
}

/// Restores a version, where its effect is still the one that was looked at.
#[server(endpoint = "policy-templates/restore")]
pub(crate) async fn restore_template_version(
    id: PolicyTemplateId,
    number: i64,
    hash: String,
) -> AppResult<Done> {
    use backend::store::policy_templates::versions;
    let (backend, scope) = crate::session::caller().await?;
    let restored = versions::restore(&backend, &scope, id, number, Some(&hash)).await?;
    crate::session::done(
        format!(
            "{} has the settings of version {number} again",
            restored.name
        ),
        Some(crate::routes::policy_template(id)),
    )
    .await
}

/// Gives a template another name.
#[server(endpoint = "policy-templates/rename")]
pub(crate) async fn rename_template(id: PolicyTemplateId, name: String) -> AppResult<Done> {
    use domain::settings::template::PolicyTemplateChange;
    let (backend, scope) = crate::session::caller().await?;
    let change = PolicyTemplateChange {
        name: Some(name),
        ..PolicyTemplateChange::default()
    };
    let template = backend::store::policy_templates::change(&backend, &scope, id, change).await?;
    crate::session::done(
        format!("Renamed to {}", template.name),
        Some(crate::routes::policy_template(id)),
    )
    .await
}

/// Deletes a template.
#[server(endpoint = "policy-templates/delete")]
pub(crate) async fn delete_template(id: PolicyTemplateId) -> AppResult<Done> {
    use backend::store::policy_templates;
    let (backend, scope) = crate::session::caller().await?;
    let name = policy_templates::get(&backend, &scope, id).await?.name;
    policy_templates::delete(&backend, &scope, id).await?;
    crate::session::done(
        format!("{name} was deleted; its followers keep their settings"),
        Some(crate::routes::POLICY_TEMPLATES.to_owned()),
    )
    .await
}

/// A template as text, to be changed.
#[server(endpoint = "policy-templates/text", input = Json)]
pub(crate) async fn template_text(id: PolicyTemplateId) -> AppResult<(PolicyTemplate, String)> {
    use backend::store::{policy_templates, settings_files};
    let (backend, scope) = crate::session::caller().await?;
    let template = policy_templates::get(&backend, &scope, id).await?;
    let text = settings_files::template_text(&template)?;
    Ok((template, text))
}

/// Keeps a template's new text to look at, and leads to the page with its effect.
#[server(endpoint = "policy-templates/look")]
pub(crate) async fn look_at_template(id: PolicyTemplateId, content: String) -> AppResult<Done> {
    use backend::store::settings_files::{Of, keep_draft};
    let (backend, scope) = crate::session::caller().await?;
    let draft = keep_draft(&backend, &scope, Of::Template(id), &content, false)
        .await
        .map_err(at_field)?;
    let to = crate::routes::with_draft(&crate::routes::policy_template_edit(id), draft);
    crate::session::done("", Some(to)).await
}

/// What is wrong with a text, at the field in which it was given.
#[cfg(feature = "ssr")]
fn at_field(error: backend::Error) -> crate::error::AppError {
    use crate::error::AppError;
    match AppError::from(error) {
        AppError::Invalid(error) => AppError::invalid("content", error.message),
        other => other,
    }
}

/// What the text that was kept would do.
#[server(endpoint = "policy-templates/effect", input = Json)]
pub(crate) async fn effect_of_template(
    id: PolicyTemplateId,
    draft: SettingsDraftId,
) -> AppResult<TemplateEffect> {
    use backend::store::{
        policy_templates,
        settings_files::{self, Of, policy_in},
    };
    let (backend, scope) = crate::session::caller().await?;
    let kept = settings_files::draft(&backend, &scope, Of::Template(id), draft).await?;
    let policy = policy_in(&kept.text)?;
    Ok(policy_templates::effect(&backend, &scope, id, policy).await?)
}

/// What a template would become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Becomes {
    /// What a text says that was kept.
    Draft(PolicyTemplateId, SettingsDraftId),
    /// What it was in a version.
    Version(PolicyTemplateId, i64),
}

/// How many people of one follower that would touch; none where its source has to be read before.
#[server(endpoint = "policy-templates/touched", input = Json)]
pub(crate) async fn touched_of_follower(
    becomes: Becomes,
    integration: IntegrationId,
) -> AppResult<Option<i64>> {
    use backend::store::{
        policy_templates::{touched_of, versions},
        settings_files::{self, Of, policy_in},
    };
    let (backend, scope) = crate::session::caller().await?;
    let (id, policy) = match becomes {
        Becomes::Draft(id, draft) => {
            let kept = settings_files::draft(&backend, &scope, Of::Template(id), draft).await?;
            (id, policy_in(&kept.text)?)
        }
        Becomes::Version(id, number) => (id, versions::again(&backend, &scope, id, number).await?),
    };
    Ok(touched_of(&backend, &scope, id, policy, integration).await?)
}

/// Saves the text that was kept, where its effect is still the one that was looked at.
#[server(endpoint = "policy-templates/save")]
pub(crate) async fn save_template(
    id: PolicyTemplateId,
    draft: SettingsDraftId,
    hash: String,
) -> AppResult<Done> {
    use backend::store::{
        policy_templates,
        settings_files::{self, Of, policy_in},
    };
    use domain::settings::template::PolicyTemplateChange;
    let (backend, scope) = crate::session::caller().await?;
    let kept = settings_files::draft(&backend, &scope, Of::Template(id), draft).await?;
    let change = PolicyTemplateChange {
        policy: Some(policy_in(&kept.text)?),
        hash: Some(hash),
        name: None,
    };
    let saved = policy_templates::change(&backend, &scope, id, change).await?;
    crate::session::done(
        format!("{} is version {} now", saved.name, saved.version),
        Some(crate::routes::policy_template(id)),
    )
    .await
}

/// How an integration stands to its template, and the templates it could follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingView {
    /// How it stands; none where it follows none.
    pub drift: Option<Drift>,
    /// Templates by name, as many as a list offers.
    pub templates: Vec<(PolicyTemplateId, String)>,
}

/// How an integration stands to its template.
#[server(endpoint = "policy-templates/standing", input = Json)]
pub(crate) async fn template_standing(id: IntegrationId) -> AppResult<StandingView> {
    use backend::store::policy_templates;
    let (backend, scope) = crate::session::caller().await?;
    let drift = policy_templates::drift(&backend, &scope, id).await?;
    let page = domain::paging::PageRequest::new(1, 1000);
    let templates = policy_templates::list(&backend, &scope, None, page).await?;
    Ok(StandingView {
        drift,
        templates: templates
            .items
            .into_iter()
            .map(|one| (one.id, one.name))
            .collect(),
    })
}

/// Has an integration follow a template.
#[server(endpoint = "policy-templates/follow")]
pub(crate) async fn follow_template(
    id: IntegrationId,
    policy_template_id: String,
    #[server(default)] take_settings: bool,
) -> AppResult<Done> {
    use domain::settings::template::Following;
    let (backend, scope) = crate::session::caller().await?;
    let policy_template_id = policy_template_id.parse().map_err(|_| {
        crate::error::AppError::invalid("policy_template_id", "Choose a policy template.")
    })?;
    let following = Following {
        policy_template_id,
        take_settings,
    };
    let drift = backend::store::policy_templates::follow(&backend, &scope, id, following).await?;
    crate::session::done(
        format!("It follows {} now", drift.name),
        Some(crate::routes::integration_template(id)),
    )
    .await
}

/// Has an integration follow no template.
#[server(endpoint = "policy-templates/leave")]
pub(crate) async fn leave_template(id: IntegrationId) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    backend::store::policy_templates::leave(&backend, &scope, id).await?;
    crate::session::done(
        "It follows no policy template any more",
        Some(crate::routes::integration_template(id)),
    )
    .await
}

/// Accepts settings in which an integration deviates.
#[server(endpoint = "policy-templates/accept-drift")]
pub(crate) async fn accept_drift(
    id: IntegrationId,
    #[server(default)] paths: Vec<String>,
    note: String,
    hash: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let decision = decided(paths, note, hash)?;
    backend::store::policy_templates::accept(&backend, &scope, id, &decision).await?;
    crate::session::done(
        "Accepted: these settings are its own now",
        Some(crate::routes::integration_template(id)),
    )
    .await
}

/// Puts settings back to the template's.
#[server(endpoint = "policy-templates/put-back-drift")]
pub(crate) async fn put_back_drift(
    id: IntegrationId,
    #[server(default)] paths: Vec<String>,
    #[server(default)] note: String,
    hash: String,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let decision = decided(paths, note, hash)?;
    backend::store::policy_templates::put_back(&backend, &scope, id, &decision).await?;
    crate::session::done(
        "Put back to the template’s settings",
        Some(crate::routes::integration_template(id)),
    )
    .await
}

/// What a form decides about: on a page nothing ticked is nothing, not everything.
#[cfg(feature = "ssr")]
fn decided(
    paths: Vec<String>,
    note: String,
    hash: String,
) -> AppResult<domain::settings::template::DriftDecision> {
    if paths.is_empty() {
        return Err(crate::error::AppError::invalid(
            "paths",
            "Tick at least one setting.",
        ));
    }
    Ok(domain::settings::template::DriftDecision {
        paths,
        note,
        hash: Some(hash),
    })
}
