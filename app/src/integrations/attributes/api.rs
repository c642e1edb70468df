//! What the tab Attributes asks the server.

use domain::{
    id::IntegrationId,
    integration::Integration,
    mapping::{DirectoryExtension, MappingTest},
};
use leptos::{prelude::*, server_fn::codec::Json};
use serde::{Deserialize, Serialize};

use super::form::MappingForm;
use crate::{error::AppResult, ui::form::Done};

/// An integration with its rules.
#[server(endpoint = "mapping/get", input = Json)]
pub(crate) async fn integration_mapping(id: IntegrationId) -> AppResult<Integration> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::store::integrations::get(&backend, &scope, id).await?)
}

/// The directory schema extensions of the integration's tenant, asked for just now.
#[server(endpoint = "mapping/extensions", input = Json)]
pub(crate) async fn directory_extensions(id: IntegrationId) -> AppResult<Vec<DirectoryExtension>> {
    let (backend, scope) = crate::session::caller().await?;
    Ok(backend::mapping::directory_extensions(&backend, &scope, id).await?)
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// The line's number.
    pub number: u32,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What is wrong with rules that are being written.
#[server(endpoint = "mapping/check", input = Json)]
pub(crate) async fn check_mapping(
    id: IntegrationId,
    mapping: MappingForm,
) -> AppResult<Vec<LineError>> {
    let (backend, scope) = crate::session::caller().await?;
    let problems = backend::mapping::problems(&backend, &scope, id, &mapping.mapping()).await?;
    let errors = problems.into_iter().filter_map(|problem| {
        let number = mapping.blamed(&problem.field)?.number;
        Some(LineError {
            number,
            message: problem.message,
        })
    });
    Ok(errors.collect())
}

/// What rules make of some people; without `mapping` the saved rules. `objects` are names or the
/// like, with commas or lines between them; none for some people of the directory.
#[server(endpoint = "mapping/test", input = Json)]
pub(crate) async fn test_mapping(
    id: IntegrationId,
    mapping: Option<MappingForm>,
    objects: String,
) -> AppResult<MappingTest> {
    use domain::mapping::MappingTestRequest;
    let (backend, scope) = crate::session::caller().await?;
    let objects = objects.split([',', ';', '\n']).map(str::trim);
    let request = MappingTestRequest {
        mapping: mapping.as_ref().map(MappingForm::mapping),
        policy: None,
        objects: objects
            .filter(|object| !object.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    Ok(backend::mapping::test(&backend, &scope, id, request).await?)
}

/// Saves the rules.
#[server(endpoint = "mapping/save")]
pub(crate) async fn save_mapping(
    id: IntegrationId,
    #[server(default)] mapping: MappingForm,
) -> AppResult<Done> {
    use backend::store::integrations;
    use domain::integration::IntegrationChange;
    let (backend, scope) = crate::session::caller().await?;
    let before = integrations::get(&backend, &scope, id).await?;
    let mut policy = before.policy;
    policy.mapping = mapping.mapping();
    let change = IntegrationChange {
        policy: Some(policy),
        ..IntegrationChange::default()
    };
    let saved = integrations::change(&backend, &scope, id, change)
        .await
        .map_err(|error| at_line(&mapping, error.into()))?;
    let says = format!(
        "The rules of {} were saved. The next run reads everything",
        saved.name
    );
    crate::session::done(says, Some(crate::routes::integration_attributes(id))).await
}

/// Starts a preview of the rules as they are filled in, and leads to its page. Nothing is saved.
#[server(endpoint = "mapping/preview")]
pub(crate) async fn preview_mapping(
    id: IntegrationId,
    #[server(default)] mapping: MappingForm,
) -> AppResult<Done> {
    let (backend, scope) = crate::session::caller().await?;
    let before = backend::store::integrations::get(&backend, &scope, id).await?;
    let mut policy = before.policy;
    policy.mapping = mapping.mapping();
    let trigger = domain::run::RunTrigger::Operator;
    let run = backend::sync::preview(&backend, &scope, id, Some(policy), trigger)
        .await
        .map_err(|error| at_line(&mapping, error.into()))?;
    let to = crate::routes::run(run.id);
    crate::session::done("The preview is queued", Some(to)).await
}

/// An error that blames a rule by the API's name, with the rule's own name in its words.
#[cfg(feature = "ssr")]
fn at_line(form: &MappingForm, error: crate::error::AppError) -> crate::error::AppError {
    use crate::error::AppError;
    let AppError::Invalid(error) = error else {
        return error;
    };
    let message = match form.blamed(&error.field) {
        Some(line) if line.attribute.trim().is_empty() => {
            format!("A {} rule: {}", line.object_type, error.message)
        }
        Some(line) => format!(
            "The {} rule for {}: {}",
            line.object_type,
            line.attribute.trim(),
            error.message
        ),
        None => error.message,
    };
    AppError::invalid("mapping[lines]", message)
}
