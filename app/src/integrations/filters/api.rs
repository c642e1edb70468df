//! What the tab Filters asks the server.

use domain::{
    filter::{FilterRule, FilterTrial},
    id::{IntegrationId, RunId},
    integration::Integration,
    policy::ObjectType,
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::form::FilterForm;
use crate::{error::AppResult, ui::form::Done};

/// What the tab shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiltersView {
    /// The integration.
    pub integration: Integration,
    /// What is saved, as the form shows it.
    pub saved: FilterForm,
    /// What a preview was made for, where that is something else.
    pub filled: Option<FilterForm>,
    /// Names of groups whose members can be administrators.
    pub groups: Vec<String>,
}

/// An integration with its filters, and those of a preview.
#[server(endpoint = "filters/get", input = Json)]
pub(crate) async fn integration_filters(
    id: IntegrationId,
    run: Option<RunId>,
) -> AppResult<FiltersView> {
    use backend::store::integrations;
    let (backend, scope) = crate::session::caller().await?;
    let integration = integrations::get(&backend, &scope, id).await?;
    let policy = &integration.policy;
    let group = policy.administrators_group_id;
    let administrators = integrations::call_group(&backend, &scope, id, group).await?;
    let saved = FilterForm::of(policy, &administrators);
    let filled = match run {
        Some(run) => of_preview(&backend, &scope, id, run).await?,
        None => None,
    };
    Ok(FiltersView {
        filled: filled.filter(|filled| *filled != saved),
        saved,
        groups: integrations::synced_groups(&backend, &scope, id).await?,
        integration,
    })
}

/// The filters that a preview of this integration was made for; none for whoever may not see it.
#[cfg(feature = "ssr")]
async fn of_preview(
    backend: &backend::Backend,
    scope: &backend::Scope,
    id: IntegrationId,
    run: RunId,
) -> AppResult<Option<FilterForm>> {
    use backend::{Error, store::integrations};
    let found = match backend::sync::settings_of_preview(backend, scope, run).await {
        Ok(found) => found.filter(|found| found.integration_id == id),
        Err(Error::NotFound(_) | Error::Forbidden(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let group = found.policy.administrators_group_id;
    let administrators = integrations::call_group(backend, scope, id, group).await?;
    Ok(Some(FilterForm::of(&found.policy, &administrators)))
}

/// What was found about a rule that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCheck {
    /// The rule's number.
    pub number: u32,
    /// What is wrong, and what would be right.
    pub message: Option<String>,
    /// The rule in plain form, where its expression writes one out.
    pub plain: Option<FilterRule>,
}

/// What is wrong with filters that are being written, and which expressions have a plain form.
#[server(endpoint = "filters/check", input = Json)]
pub(crate) async fn check_filters(
    id: IntegrationId,
    form: FilterForm,
) -> AppResult<Vec<LineCheck>> {
    let (backend, scope) = crate::session::caller().await?;
    let filters = form.filters();
    let problems = backend::filter::problems(&backend, &scope, id, &filters).await?;
    let blamed = |number: u32| {
        let mut problems = problems.iter();
        let found = problems.find(|one| {
            let line = form.blamed(&one.field);
            line.is_some_and(|(line, _)| line.number == number)
        });
        found.map(|one| one.message.clone())
    };
    let checks = form.filled().map(|(line, rule)| LineCheck {
        number: line.number,
        message: blamed(line.number),
        plain: match &rule {
            FilterRule::Expression(text) => backend::filter::plain(line.object_type, text),
            _ => None,
        },
    });
    Ok(checks.collect())
}

/// Whom the filters that are filled in would let in and keep out of what is kept.
#[server(endpoint = "filters/test", input = Json)]
pub(crate) async fn try_filters(
    id: IntegrationId,
    form: FilterForm,
    object_type: ObjectType,
) -> AppResult<FilterTrial> {
    use domain::filter::FilterTestRequest;
    let (backend, scope) = crate::session::caller().await?;
    let saved = backend::store::integrations::get(&backend, &scope, id).await?;
    let request = FilterTestRequest {
        policy: Some(form.policy(saved.policy)),
        object_type: Some(object_type),
        ..FilterTestRequest::default()
    };
    Ok(backend::filter::test(&backend, &scope, id, request).await?)
}

/// Saves what is filled in.
#[server(endpoint = "filters/save")]
pub(crate) async fn save_filters(
    id: IntegrationId,
    #[server(default)] filters: FilterForm,
) -> AppResult<Done> {
    use backend::store::integrations;
    use domain::integration::IntegrationChange;
    let (backend, scope) = crate::session::caller().await?;
    let policy = policy(&backend, &scope, id, &filters).await?;
    let change = IntegrationChange {
        policy: Some(policy),
        ..IntegrationChange::default()
    };
    let saved = integrations::change(&backend, &scope, id, change)
        .await
        .map_err(|error| at_line(&filters, error.into()))?;
    let says = format!(
        "The filters of {} were saved. The next run looks at everybody",
        saved.name
    );
    crate::session::done(says, Some(crate::routes::integration_filters(id))).await
}

/// Starts a preview of what is filled in, and leads to its page. Nothing is saved.
#[server(endpoint = "filters/preview")]
pub(crate) async fn preview_filters(
    id: IntegrationId,
    #[server(default)] filters: FilterForm,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let policy = policy(&backend, &scope, id, &filters).await?;
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, Some(policy), trigger)
        .await
        .map_err(|error| at_line(&filters, error.into()))?;
    let to = crate::routes::run(run.id);
    crate::session::done("The preview is queued", Some(to)).await
}

/// The policy that is filled in. An expression to which somebody gave a plain kind is read as one.
#[cfg(feature = "ssr")]
async fn policy(
    backend: &backend::Backend,
    scope: &backend::Scope,
    id: IntegrationId,
    form: &FilterForm,
) -> AppResult<domain::policy::Policy> {
    use backend::store::integrations;
    use domain::filter::FilterKind;

    use super::form::lines;
    use crate::error::AppError;

    let before = integrations::get(backend, scope, id).await?.policy;
    let mut form = form.clone();
    let rules: Vec<_> = form
        .filled()
        .map(|(line, rule)| (line.clone(), rule))
        .collect();
    for (line, rule) in rules {
        let FilterRule::Expression(text) = rule else {
            continue;
        };
        if line.kind == FilterKind::Expression {
            continue;
        }
        let Some(plain) = backend::filter::plain(line.object_type, &text) else {
            let message = format!(
                "“{text}” says more than a rule in plain form can. Choose “{}”, or enter conditions.",
                FilterKind::Expression.title()
            );
            return Err(AppError::invalid("filters[rules]", message));
        };
        let (read, conditions) = lines(line.number, line.object_type, line.effect, &plain);
        form.conditions.retain(|one| one.rule != line.number);
        form.conditions.extend(conditions);
        for one in &mut form.rules {
            if one.number == line.number {
                *one = read.clone();
            }
        }
    }
    let mut policy = form.policy(before);
    policy.administrators_group_id = match form.administrators.trim() {
        "" => None,
        named => Some(
            integrations::group_called(backend, scope, id, named)
                .await
                .map_err(|error| at_line(&form, error.into()))?,
        ),
    };
    Ok(policy)
}

/// An error by the API's name, at the form's field.
#[cfg(feature = "ssr")]
fn at_line(form: &FilterForm, error: crate::error::AppError) -> crate::error::AppError {
    use crate::error::AppError;
    let AppError::Invalid(error) = error else {
        return error;
    };
    match error.field.as_str() {
        "policy.filters.domains" => {
            return AppError::invalid("filters[domains]", error.message);
        }
        "policy.administrators_group_id" => {
            return AppError::invalid("filters[administrators]", error.message);
        }
        _ => {}
    }
    let message = match form.blamed(&error.field) {
        Some((line, rule)) => format!(
            "{} rule “{}: {rule}”: {}",
            line.object_type.title(),
            line.effect.title(),
            error.message
        ),
        None => error.message,
    };
    AppError::invalid("filters[rules]", message)
}
