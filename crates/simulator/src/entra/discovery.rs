//! `OpenID` discovery (graph.md §1).

use serde_json::json;

use super::JSON;
use crate::incoming::Incoming;
use crate::reply::Reply;
use crate::tenant::Tenant;

/// `/{tenant}/v2.0/.well-known/openid-configuration`.
pub(crate) fn document(tenant: &Tenant, request: &Incoming) -> Reply {
    let origin = &request.origin;
    let host = origin
        .split_once("://")
        .map_or(origin.as_str(), |(_, host)| host);
    let base = format!("{origin}/{}", tenant.id);
    let document = json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{base}/v2.0"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": host,
        "cloud_graph_host_name": host,
        "msgraph_host": host,
    });
    Reply::new(200, JSON, document.to_string())
}

/// `/common/discovery/instance`: the simulator is a cloud of its own.
pub(crate) fn instance(request: &Incoming) -> Reply {
    let endpoint = request
        .query_value("authorization_endpoint")
        .unwrap_or_default();
    let tenant = endpoint.split('/').nth(3).unwrap_or("common");
    let origin = &request.origin;
    let body = json!({
        "tenant_discovery_endpoint":
            format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [],
    });
    Reply::new(200, JSON, body.to_string())
}
