//! Policy templates.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use backend::{Backend, store::policy_templates};
use domain::{
    api_token::ListKind,
    id::PolicyTemplateId,
    paging::Listing,
    permission::Permission,
    settings::template::{
        Follower, NewPolicyTemplate, PolicyTemplate, PolicyTemplateChange, TemplateEffect,
    },
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    caller::Caller,
    created,
    input::{Body, Id, Query},
    problem::{Refusals, RefusalsWithConflict, Result},
};

/// The calls of this noun.
pub fn calls() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(effect))
        .routes(routes!(followers))
}

/// Which templates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// A part of the name.
    q: Option<String>,
}

/// Which followers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FollowerParameters {
    /// Rows wanted, 1 to 1000; 50 where absent.
    limit: Option<u32>,
    /// The `next` of the answer before.
    cursor: Option<String>,
}

/// List policy templates
#[utoipa::path(get, path = "/policy-templates", tag = "Policy Templates", params(Parameters),
    responses((status = 200, body = Listing<PolicyTemplate>), Refusals))]
async fn list(
    State(backend): State<Backend>,
    caller: Caller,
    query: Query,
) -> Result<Json<Listing<PolicyTemplate>>> {
    caller.require(Permission::IntegrationsRead)?;
    let Parameters { limit, cursor, q } = query.parse()?;
    let request = caller.list_request(&backend, limit, cursor.as_deref(), q)?;
    let listing = policy_templates::listing(&backend, &caller.0, &request).await;
    caller
        .listed(&backend, ListKind::PolicyTemplates, listing)
        .await
}

/// Make a policy template
///
/// For who may change the integrations of all customers. It selects no groups: those are each
/// integration's own.
#[utoipa::path(post, path = "/policy-templates", tag = "Policy Templates",
    request_body = NewPolicyTemplate,
    responses((status = 201, body = PolicyTemplate), RefusalsWithConflict))]
async fn create(State(backend): State<Backend>, caller: Caller, body: Body) -> Result<Response> {
    caller.found(policy_templates::may_make(&caller.0))?;
    let new: NewPolicyTemplate = body.parse()?;
    let made = policy_templates::create(&backend, &caller.0, new).await;
    let made = caller.found(made)?;
    Ok(created("policy-templates", made.id, made))
}

/// One policy template
#[utoipa::path(get, path = "/policy-templates/{id}", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path)),
    responses((status = 200, body = PolicyTemplate), Refusals))]
async fn get(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
) -> Result<Json<PolicyTemplate>> {
    let template = policy_templates::get(&backend, &caller.0, id).await;
    template.map(Json).map_err(|error| caller.refused(error))
}

/// Change a policy template
///
/// Another policy is a new version, which every follower gets: `behind` counts those that it has not
/// reached yet. With `hash`, only where the effect is still the one that was looked at.
#[utoipa::path(patch, path = "/policy-templates/{id}", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path)), request_body = PolicyTemplateChange,
    responses((status = 200, body = PolicyTemplate), RefusalsWithConflict))]
async fn change(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
    body: Body,
) -> Result<Json<PolicyTemplate>> {
    caller.found(policy_templates::get(&backend, &caller.0, id).await)?;
    caller.found(policy_templates::may_make(&caller.0))?;
    let change: PolicyTemplateChange = body.parse()?;
    let changed = policy_templates::change(&backend, &caller.0, id, change).await;
    changed.map(Json).map_err(|error| caller.refused(error))
}

/// What changing a policy template would do
///
/// How many integrations and customers it would change, how many people a run would treat otherwise (of
/// integrations with very many, and of those whose source has to be read first, they aren’t counted), and
/// what would change of each
/// follower (200 at most are told one by one). Nothing is saved.
#[utoipa::path(post, path = "/policy-templates/{id}/effect", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path)), request_body = PolicyTemplateChange,
    responses((status = 200, body = TemplateEffect), Refusals))]
async fn effect(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
    body: Body,
) -> Result<Json<TemplateEffect>> {
    let template = caller.found(policy_templates::get(&backend, &caller.0, id).await)?;
    caller.found(policy_templates::may_make(&caller.0))?;
    let change: PolicyTemplateChange = body.parse()?;
    let policy = change.policy.unwrap_or(template.policy);
    let effect = policy_templates::effect(&backend, &caller.0, id, policy).await;
    effect.map(Json).map_err(|error| caller.refused(error))
}

/// Delete a policy template
///
/// Its followers keep the settings they have.
#[utoipa::path(delete, path = "/policy-templates/{id}", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path)),
    responses((status = 204, description = "It is gone"), RefusalsWithConflict))]
async fn delete(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
) -> Result<StatusCode> {
    policy_templates::delete(&backend, &caller.0, id)
        .await
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(|error| caller.refused(error))
}

/// List the integrations that follow a policy template
#[utoipa::path(get, path = "/policy-templates/{id}/followers", tag = "Policy Templates",
    params(("id" = PolicyTemplateId, Path), FollowerParameters),
    responses((status = 200, body = Listing<Follower>), Refusals))]
async fn followers(
    State(backend): State<Backend>,
    caller: Caller,
    Id(id): Id<PolicyTemplateId>,
    query: Query,
) -> Result<Json<Listing<Follower>>> {
    caller.found(policy_templates::get(&backend, &caller.0, id).await)?;
    let FollowerParameters { limit, cursor } = query.parse()?;
    let request = caller.list_request(&backend, limit, cursor.as_deref(), None)?;
    let listing = policy_templates::followers_listing(&backend, &caller.0, id, &request).await;
    caller
        .listed(&backend, ListKind::PolicyTemplateFollowers, listing)
        .await
}
