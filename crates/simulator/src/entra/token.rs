//! `POST /{tenant}/oauth2/v2.0/token` with client credentials, and with the code of somebody who signed
//! in (graph.md §2.1 to §2.4, §2.6).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::access::{self, Claims};
use super::{JSON, Refusal, assertion, sign_in};
use crate::config::AppState;
use crate::incoming::Incoming;
use crate::reply::Reply;
use crate::tenant::{App, Tenant};

/// Graph's hosts in the clouds that exist (graph.md §1); the simulator's own origin counts too.
const GRAPH_ORIGINS: [&str; 4] = [
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

/// Graph's application id, which may stand for its origin.
const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[derive(Serialize)]
struct Issued {
    token_type: &'static str,
    expires_in: i64,
    ext_expires_in: i64,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// The fields of the request.
struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> Option<&str> {
        let field = self
            .0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        field.map(|(_, value)| value.as_str())
    }

    fn require(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| Refusal::missing_parameter(name))
    }
}

/// Gives a token or says why not.
pub(crate) fn issue(tenant: &Tenant, request: &Incoming) -> Result<Reply, Refusal> {
    if request.method != "POST" {
        return Err(Refusal::new(
            900_561,
            "invalid_request",
            405,
            format!(
                "The endpoint only accepts POST requests. Received a {} request.",
                request.method
            ),
        ));
    }
    let form = Form(super::form(&request.body));
    let grant = form.require("grant_type")?;
    let by_code = match grant {
        "client_credentials" => false,
        "authorization_code" => true,
        other => return Err(Refusal::unsupported_grant(other)),
    };
    let basic = basic_credentials(request);
    let client_id = match &basic {
        Some((id, _)) => id.as_str(),
        None => form.require("client_id")?,
    };
    let audience = if by_code {
        request.origin.clone()
    } else {
        resource(tenant, request, form.require("scope")?)?
    };
    let app = tenant.app();
    let known = Uuid::try_parse(client_id).is_ok_and(|id| id == app.client_id);
    if !known || app.state == AppState::Unknown {
        return Err(Refusal::unknown_app(client_id, &tenant.display_name));
    }
    match app.state {
        AppState::NotConsented => return Err(Refusal::not_consented(app.client_id, tenant.id)),
        AppState::Disabled => {
            return Err(Refusal::disabled_app(app.client_id, &app.display_name));
        }
        AppState::ResourceDisabled => return Err(Refusal::resource_disabled()),
        AppState::Ready | AppState::Unknown | AppState::Blocked => {}
    }
    let secret = form
        .get("client_secret")
        .or(basic.as_ref().map(|(_, secret)| secret.as_str()));
    let proof = if let Some(signed) = form.get("client_assertion") {
        if form.require("client_assertion_type")? != ASSERTION_TYPE {
            return Err(Refusal::malformed_assertion());
        }
        assertion::check(tenant, &app, request, signed)?;
        "2"
    } else {
        check_secret(tenant, &app, secret.ok_or_else(Refusal::no_credential)?)?;
        "1"
    };
    if app.state == AppState::Blocked {
        return Err(Refusal::blocked());
    }
    let id_token = if by_code {
        let (code, back) = (form.require("code")?, form.require("redirect_uri")?);
        let verifier = form.get("code_verifier");
        let token = sign_in::redeem(tenant, request, app.client_id, code, back, verifier);
        Some(token?)
    } else {
        None
    };
    let issued = Issued {
        id_token,
        token_type: "Bearer",
        expires_in: tenant.settings().token_lifetime_s,
        ext_expires_in: tenant.settings().token_lifetime_s,
        access_token: access::seal(&claims(tenant, &app, audience, proof), &tenant.key),
    };
    Ok(Reply::new(
        200,
        JSON,
        serde_json::to_vec(&issued).expect("texts and numbers are JSON"),
    ))
}

/// HTTP Basic is accepted in place of the two form fields; both parts are form-encoded
/// (RFC 6749 §2.3.1).
fn basic_credentials(request: &Incoming) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| super::form(part.as_bytes()).pop().map(|(key, _)| key);
    Some((decode(id)?, decode(secret)?))
}

fn check_secret(tenant: &Tenant, app: &App, presented: &str) -> Result<(), Refusal> {
    let known = app.secrets.iter().find(|secret| secret.value == presented);
    let secret = known.ok_or_else(|| Refusal::wrong_secret(app.client_id))?;
    if secret.expires_at.is_some_and(|at| at <= tenant.now()) {
        return Err(Refusal::expired_secret(app.client_id));
    }
    Ok(())
}

/// One resource, and all of it: `https://…/.default`.
fn resource(tenant: &Tenant, request: &Incoming, scope: &str) -> Result<String, Refusal> {
    let mut scopes = scope.split_whitespace();
    let (Some(first), rest) = (scopes.next(), scopes.next()) else {
        return Err(Refusal::missing_parameter("scope"));
    };
    if rest.is_some() {
        return Err(Refusal::several_resources());
    }
    let origin = first
        .strip_suffix("/.default")
        .ok_or_else(|| Refusal::bad_scope(scope))?;
    let origin = origin.trim_end_matches('/');
    if origin == request.origin || origin == GRAPH_APP_ID || GRAPH_ORIGINS.contains(&origin) {
        Ok(origin.to_owned())
    } else {
        Err(Refusal::unknown_resource(origin, &tenant.display_name))
    }
}

fn claims(tenant: &Tenant, app: &App, audience: String, proof: &str) -> Claims {
    let now = tenant.now();
    let settings = tenant.settings();
    let object_id = (!settings.oidless_tokens).then_some(app.object_id);
    let issuer = format!("https://sts.windows.net/{}/", tenant.id);
    let unique = Sha256::digest(format!("{}{now}", app.object_id));
    Claims {
        aud: audience,
        iss: issuer.clone(),
        iat: now,
        nbf: now,
        exp: now + settings.token_lifetime_s,
        app_displayname: app.display_name.clone(),
        appid: app.client_id,
        appidacr: proof.to_owned(),
        idp: issuer,
        idtyp: "app".to_owned(),
        oid: object_id,
        roles: app.roles.iter().cloned().collect(),
        sub: object_id,
        tenant_region_scope: "EU".to_owned(),
        tid: tenant.id,
        uti: URL_SAFE_NO_PAD.encode(&unique[..16]),
        ver: "1.0".to_owned(),
    }
}
