//! The control API over HTTP, `/control/…`: [`Control`] for programs that aren't written in Rust.
//! It is served on loopback only.

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::{AppState, Settings};
use crate::control::{Attributes, Control};
use crate::directory::changes::ChangeError;
use crate::directory::schema::Kind;
use crate::directory::snapshot::GroupKind;
use crate::farm::Farm;
use crate::faults::{FaultPlan, OneShot};

/// An answer that isn't 2xx: `{"error": "…"}`.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let status = match error {
            ChangeError::NotFound { .. } => StatusCode::NOT_FOUND,
            ChangeError::Taken(_) => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(status, error.to_string())
    }
}

type Answer<T> = Result<Json<T>, Problem>;

/// A body whose mistakes are answered like everything else.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send Content-Type: application/json".to_owned(),
            )),
            Err(error) => Err(Problem(StatusCode::UNPROCESSABLE_ENTITY, error.body_text())),
        }
    }
}

/// The tenant a path names, by id or by domain.
struct Tenant(Control);

impl FromRequestParts<Farm> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, farm: &Farm) -> Result<Self, Problem> {
        let missing = |text: String| Problem(StatusCode::NOT_FOUND, text);
        let Path(names) = Path::<BTreeMap<String, String>>::from_request_parts(parts, farm)
            .await
            .map_err(|error| missing(error.body_text()))?;
        let name = names.get("tenant").cloned().unwrap_or_default();
        let tenant = farm
            .find(&name)
            .ok_or_else(|| missing(format!("there is no tenant {name:?} in this farm")))?;
        Ok(Self(Control::new(tenant)))
    }
}

/// Routes below `/control`.
pub(crate) fn router<S>(farm: &Farm) -> Router<S> {
    let tenant = Router::new()
        .route(
            "/snapshot",
            get(async |Tenant(control): Tenant| Json(control.snapshot())),
        )
        .route("/users", post(create_user))
        .route("/groups", post(create_group))
        .route("/contacts", post(create_contact))
        .route("/devices", post(create_device))
        .route("/objects/{id}", patch(update).delete(delete))
        .route("/objects/{id}/restore", post(restore))
        .route(
            "/groups/{id}/members",
            post(add_members).delete(remove_members),
        )
        .route("/random-changes", post(random_changes))
        .route("/faults", put(set_faults).get(faults).delete(clear_faults))
        .route("/faults/next", post(order))
        .route(
            "/settings",
            put(set_settings).get(settings).patch(patch_settings),
        )
        .route("/app", put(set_app).get(app).patch(set_app))
        .route("/app/secrets", post(add_secret).delete(expire_secrets))
        .route(
            "/app/certificates",
            post(add_certificate).delete(remove_certificates),
        )
        .route("/expire-delta-tokens", post(expire_delta_tokens))
        .route("/stats", get(stats).delete(reset_stats))
        .route(
            "/requests",
            get(async |Tenant(control): Tenant| Json(control.request_log())),
        );
    Router::new()
        .route(
            "/tenants",
            get(async |State(farm): State<Farm>| Json(farm.tenants())),
        )
        .nest("/tenants/{tenant}", tenant)
        .with_state(farm.clone())
}

#[derive(Serialize)]
struct Created {
    id: Uuid,
}

/// Takes a text out of the attributes.
fn take_text(attributes: &mut Attributes, name: &str) -> Result<String, Problem> {
    match attributes.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{name} is missing, a text"),
        )),
    }
}

type NewObject = Result<(StatusCode, Json<Created>), Problem>;

fn created(id: Uuid) -> (StatusCode, Json<Created>) {
    (StatusCode::CREATED, Json(Created { id }))
}

async fn create_user(Tenant(control): Tenant, Body(mut attributes): Body<Attributes>) -> NewObject {
    let name = take_text(&mut attributes, "displayName")?;
    let upn = take_text(&mut attributes, "userPrincipalName")?;
    Ok(created(control.create_user(&name, &upn, &attributes)?))
}

#[derive(Deserialize)]
struct NewGroup {
    kind: GroupKind,
    #[serde(flatten)]
    attributes: Attributes,
}

async fn create_group(Tenant(control): Tenant, Body(mut group): Body<NewGroup>) -> NewObject {
    let name = take_text(&mut group.attributes, "displayName")?;
    Ok(created(control.create_group(
        &name,
        group.kind,
        &group.attributes,
    )?))
}

async fn create_contact(Tenant(control): Tenant, Body(contact): Body<Attributes>) -> NewObject {
    Ok(created(control.create_object(Kind::Contact, &contact)?))
}

async fn create_device(Tenant(control): Tenant, Body(device): Body<Attributes>) -> NewObject {
    Ok(created(control.create_object(Kind::Device, &device)?))
}

/// The last id in the path.
type ObjectPath = Path<(String, Uuid)>;

async fn update(
    Tenant(control): Tenant,
    Path((_, id)): ObjectPath,
    Body(attributes): Body<Attributes>,
) -> Result<StatusCode, Problem> {
    control.update(id, &attributes)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct HowToDelete {
    #[serde(default)]
    hard: bool,
}

async fn delete(
    Tenant(control): Tenant,
    Path((_, id)): ObjectPath,
    Query(how): Query<HowToDelete>,
) -> Result<StatusCode, Problem> {
    if how.hard {
        control.hard_delete(id)?;
    } else {
        control.delete(id)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(
    Tenant(control): Tenant,
    Path((_, id)): ObjectPath,
) -> Result<StatusCode, Problem> {
    control.restore(id)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Members {
    ids: Vec<Uuid>,
}

async fn add_members(
    Tenant(control): Tenant,
    Path((_, id)): ObjectPath,
    Body(members): Body<Members>,
) -> Result<StatusCode, Problem> {
    control.add_members(id, &members.ids)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_members(
    Tenant(control): Tenant,
    Path((_, id)): ObjectPath,
    Body(members): Body<Members>,
) -> Result<StatusCode, Problem> {
    control.remove_members(id, &members.ids)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Randomly {
    count: usize,
    #[serde(default)]
    seed: u64,
}

/// At most so many changes in one request.
const CHANGES_MAX: usize = 1_000_000;

async fn random_changes(Tenant(control): Tenant, Body(how): Body<Randomly>) -> Answer<Value> {
    if how.count > CHANGES_MAX {
        let text = format!("count is at most {CHANGES_MAX}");
        return Err(Problem(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    Ok(Json(
        json!({"changes": control.random_changes(how.count, how.seed)}),
    ))
}

async fn set_faults(Tenant(control): Tenant, Body(plan): Body<FaultPlan>) -> Answer<FaultPlan> {
    if let Some((fault, rate)) = plan
        .rates
        .iter()
        .find(|(_, rate)| !(0.0..=1.0).contains(*rate))
    {
        let text = format!("the rate of {fault:?} is {rate}, not between 0 and 1");
        return Err(Problem(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    control.set_faults(plan);
    Ok(Json(control.faults()))
}

async fn faults(Tenant(control): Tenant) -> Json<FaultPlan> {
    Json(control.faults())
}

async fn clear_faults(Tenant(control): Tenant) -> StatusCode {
    control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn order(Tenant(control): Tenant, Body(shot): Body<OneShot>) -> StatusCode {
    control.order(shot);
    StatusCode::NO_CONTENT
}

async fn settings(Tenant(control): Tenant) -> Json<Settings> {
    Json(control.settings())
}

async fn set_settings(Tenant(control): Tenant, Body(new): Body<Settings>) -> Json<Settings> {
    control.set_settings(new);
    Json(control.settings())
}

async fn patch_settings(
    Tenant(control): Tenant,
    Body(changes): Body<serde_json::Map<String, Value>>,
) -> Answer<Settings> {
    let wrong =
        |error: serde_json::Error| Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    let mut all = serde_json::to_value(control.settings()).map_err(wrong)?;
    if let Some(object) = all.as_object_mut() {
        object.extend(changes);
    }
    control.set_settings(serde_json::from_value(all).map_err(wrong)?);
    Ok(Json(control.settings()))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    state: Option<AppState>,
    roles: Option<Vec<String>>,
}

async fn app(Tenant(control): Tenant) -> Json<App> {
    Json(App {
        state: Some(control.app_state()),
        roles: Some(control.roles()),
    })
}

async fn set_app(Tenant(control): Tenant, Body(new): Body<App>) -> Json<App> {
    if let Some(state) = new.state {
        control.set_app_state(state);
    }
    if let Some(roles) = new.roles {
        control.set_roles(roles);
    }
    app(Tenant(control)).await
}

#[derive(Deserialize)]
struct NewSecret {
    expires_in_s: Option<i64>,
}

async fn add_secret(Tenant(control): Tenant, Body(new): Body<NewSecret>) -> Json<Value> {
    Json(json!({"client_secret": control.add_secret(new.expires_in_s)}))
}

async fn expire_secrets(Tenant(control): Tenant) -> StatusCode {
    control.expire_secrets();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct NewCertificate {
    certificate_pem: String,
}

async fn add_certificate(
    Tenant(control): Tenant,
    Body(new): Body<NewCertificate>,
) -> Result<StatusCode, Problem> {
    let wrong = |error: crate::CertificateError| {
        Problem(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    };
    control
        .add_certificate(&new.certificate_pem)
        .map_err(wrong)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_certificates(Tenant(control): Tenant) -> StatusCode {
    control.remove_certificates();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct HowToExpire {
    /// 410 with `Location` in place of 400.
    #[serde(default)]
    resync: bool,
}

async fn expire_delta_tokens(
    Tenant(control): Tenant,
    Query(how): Query<HowToExpire>,
) -> StatusCode {
    if how.resync {
        control.require_resync();
    } else {
        control.expire_delta_tokens();
    }
    StatusCode::NO_CONTENT
}

async fn stats(Tenant(control): Tenant) -> Json<crate::Stats> {
    Json(control.stats())
}

async fn reset_stats(Tenant(control): Tenant) -> StatusCode {
    control.reset_stats();
    StatusCode::NO_CONTENT
}
