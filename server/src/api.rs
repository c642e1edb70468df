//! The REST API under `/api/v1` (interfaces.md). One file a noun; each handler reads as the order
//! of refusals does: who asks, what of the path they may see, whether they may, what they sent.

mod api_tokens;
mod audit_events;
mod bulk_changes;
pub mod caller;
mod connections;
mod consent_links;
mod contacts;
mod countdowns;
mod credential_profiles;
mod customer_versions;
mod customers;
mod description;
mod devices;
mod docs;
mod enrolments;
mod groups;
mod imports;
pub mod input;
mod integration_versions;
mod integrations;
mod matches;
mod notification_recipients;
mod operators;
mod pauses;
mod policy_templates;
pub mod problem;
mod runs;
mod saved_views;
mod second_credentials;
mod settings_files;
mod syncs;
mod template_following;
mod template_versions;
mod user_changes;
mod user_origins;
mod users;
mod versions;
mod why;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use backend::Backend;
use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::{caller::TokenCheck, problem::Problem};
use crate::router::BODY_MAX;

/// Where the API is.
pub const PREFIX: &str = "/api/v1";

/// What every call is given.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// The backend.
    pub backend: Backend,
    /// Checks bearer tokens.
    pub tokens: Arc<TokenCheck>,
}

impl FromRef<ApiState> for Backend {
    fn from_ref(state: &ApiState) -> Self {
        state.backend.clone()
    }
}

/// Every call with its description, below [`PREFIX`].
fn calls() -> OpenApiRouter<ApiState> {
    let mut calls = OpenApiRouter::with_openapi(description::frame()).nest(
        PREFIX,
        OpenApiRouter::new()
            .merge(customers::calls())
            .merge(customer_versions::calls())
            .merge(credential_profiles::calls())
            .merge(second_credentials::calls())
            .merge(integrations::calls())
            .merge(integration_versions::calls())
            .merge(matches::calls())
            .merge(settings_files::calls())
            .merge(policy_templates::calls())
            .merge(template_following::calls())
            .merge(template_versions::calls())
            .merge(connections::calls())
            .merge(consent_links::calls())
            .merge(pauses::calls())
            .merge(runs::calls())
            .merge(syncs::calls())
            .merge(enrolments::calls())
            .merge(notification_recipients::calls())
            .merge(imports::calls())
            .merge(users::calls())
            .merge(user_changes::calls())
            .merge(user_origins::calls())
            .merge(bulk_changes::calls())
            .merge(saved_views::calls())
            .merge(groups::calls())
            .merge(contacts::calls())
            .merge(devices::calls())
            .merge(countdowns::calls())
            .merge(why::calls())
            .merge(audit_events::calls())
            .merge(operators::calls())
            .merge(api_tokens::calls()),
    );
    description::name_operations(calls.get_openapi_mut());
    description::add_refusals_of_bodies(calls.get_openapi_mut());
    calls
}

/// The OpenAPI description of every call.
pub fn describe() -> OpenApi {
    calls().into_openapi()
}

/// The routes of the API, with its description and the page to try it.
pub fn router(backend: &Backend) -> Router {
    let state = ApiState {
        backend: backend.clone(),
        tokens: TokenCheck::new(&backend.clock),
    };
    let (router, description) = calls().split_for_parts();
    router
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(state)
        .route(
            "/api/v1/{*unknown}",
            axum::routing::any(async || Problem::not_found("call")),
        )
        .merge(docs::router(&description))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method not allowed",
                "This path exists, but not with this method; the header Allow names those it has.",
            )
        })
}

/// 201 with where the new thing is.
fn created<T: Serialize>(path: &str, id: impl std::fmt::Display, thing: T) -> Response {
    let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("{PREFIX}/{path}/{id}"))];
    (StatusCode::CREATED, location, Json(thing)).into_response()
}
