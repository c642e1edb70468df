//! `/{tenant}/v2.0/adminconsent`: an administrator who always agrees (graph.md §2.5).

use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::config::AppState;
use crate::incoming::Incoming;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// Consents and sends the browser back; with `simulate=denied` the administrator declines.
pub(crate) fn answer(tenant: &Tenant, request: &Incoming) -> Reply {
    let Some(back) = request.query_value("redirect_uri") else {
        return Reply::new(400, "text/plain", "AADSTS900144: redirect_uri is missing");
    };
    let client = request
        .query_value("client_id")
        .and_then(|id| Uuid::try_parse(id).ok());
    let state = request.query_value("state").unwrap_or_default();
    let mut query = Serializer::new(String::new());
    query.append_pair("admin_consent", "True");
    if client != Some(tenant.app().client_id) {
        query.append_pair("error", "unauthorized_client");
        query.append_pair(
            "error_description",
            "AADSTS700016: the application was not found",
        );
    } else if request.query_value("simulate") == Some("denied") {
        query.append_pair("error", "access_denied");
        query.append_pair(
            "error_description",
            "AADSTS65004: the administrator declined",
        );
    } else {
        tenant.app_mut().state = AppState::Ready;
        query.append_pair("tenant", &tenant.id.to_string());
        query.append_pair("scope", request.query_value("scope").unwrap_or_default());
    }
    query.append_pair("state", state);
    let joint = if back.contains('?') { '&' } else { '?' };
    let target = format!("{back}{joint}{}", query.finish());
    Reply::new(302, "text/html", Vec::new()).header("location", target)
}
