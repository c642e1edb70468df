//! What Entra answers when it gives no token (graph.md §2.4).

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::reply::Reply;

/// A refusal: the row of the table, with the words filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: u32,
    pub error: &'static str,
    pub status: u16,
    pub text: String,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: Uuid,
    correlation_id: Uuid,
    error_uri: String,
}

impl Refusal {
    pub fn new(code: u32, error: &'static str, status: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            error,
            status,
            text: text.into(),
        }
    }

    pub fn wrong_secret(app: Uuid) -> Self {
        Self::new(
            7_000_215,
            "invalid_client",
            401,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'."
            ),
        )
    }

    pub fn expired_secret(app: Uuid) -> Self {
        Self::new(
            7_000_222,
            "invalid_client",
            401,
            format!(
                "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        )
    }

    pub fn unknown_app(app: &str, tenant: &str) -> Self {
        Self::new(
            700_016,
            "unauthorized_client",
            400,
            format!(
                "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub fn not_consented(app: Uuid, tenant: Uuid) -> Self {
        Self::new(
            7_000_229,
            "invalid_client",
            401,
            format!(
                "The client application {app} is missing service principal in the tenant {tenant}. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"
            ),
        )
    }

    pub fn disabled_app(app: Uuid, name: &str) -> Self {
        Self::new(
            7_000_112,
            "unauthorized_client",
            400,
            format!("Application '{app}'({name}) is disabled."),
        )
    }

    pub fn blocked() -> Self {
        Self::new(
            53_003,
            "invalid_grant",
            400,
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        )
    }

    pub fn resource_disabled() -> Self {
        Self::new(
            500_014,
            "invalid_resource",
            400,
            "The service principal for resource 'https://graph.microsoft.com' is disabled. This indicate that a subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the application, preventing tokens from being issued for it.",
        )
    }

    pub fn unknown_resource(resource: &str, tenant: &str) -> Self {
        Self::new(
            500_011,
            "invalid_resource",
            400,
            format!(
                "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub fn unknown_tenant(name: &str) -> Self {
        Self::new(
            90_002,
            "invalid_tenant",
            400,
            format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        )
    }

    pub fn malformed_tenant(name: &str) -> Self {
        Self::new(
            900_023,
            "invalid_request",
            400,
            format!(
                "Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain."
            ),
        )
    }

    pub fn common_tenant(name: &str) -> Self {
        Self::new(
            9_001_023,
            "invalid_request",
            400,
            format!(
                "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint. (/{name})"
            ),
        )
    }

    pub fn unknown_key(sha1_hex: &str, app: Uuid) -> Self {
        Self::new(
            700_027,
            "invalid_client",
            401,
            format!(
                "Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used by client: '{sha1_hex}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{app}'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/{app}'.]"
            ),
        )
    }

    pub fn bad_signature() -> Self {
        Self::new(
            700_027,
            "invalid_client",
            401,
            "Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify the signature failed.]",
        )
    }

    pub fn expired_key(start: i64, end: i64) -> Self {
        let (start, end) = (clock_text(start), clock_text(end));
        Self::new(
            700_027,
            "invalid_client",
            401,
            format!(
                "Client assertion contains an invalid signature. [Reason - The key used is expired., Found key 'Start={start}, End={end}']"
            ),
        )
    }

    pub fn assertion_time(now: i64, from: i64, to: i64) -> Self {
        let (now, from, to) = (clock_text(now), clock_text(from), clock_text(to));
        Self::new(
            700_024,
            "invalid_client",
            401,
            format!(
                "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, expiry time of assertion {to}. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."
            ),
        )
    }

    pub fn assertion_subject() -> Self {
        Self::new(
            700_021,
            "invalid_client",
            401,
            "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .",
        )
    }

    pub fn assertion_audience() -> Self {
        Self::new(
            700_023,
            "invalid_client",
            401,
            "Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .",
        )
    }

    pub fn malformed_assertion() -> Self {
        Self::new(
            50_027,
            "invalid_request",
            400,
            "JWT token is invalid or malformed.",
        )
    }

    pub fn no_thumbprint() -> Self {
        Self::new(
            50_027,
            "invalid_request",
            400,
            "JWT token is invalid or malformed. No certificate thumbprint specified in token header.",
        )
    }

    pub fn no_federation(subject: &str) -> Self {
        Self::new(
            70_021,
            "invalid_client",
            401,
            format!(
                "No matching federated identity record found for presented assertion subject '{subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
            ),
        )
    }

    pub fn no_credential() -> Self {
        Self::new(
            7_000_216,
            "invalid_client",
            401,
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        )
    }

    pub fn missing_parameter(name: &str) -> Self {
        Self::new(
            900_144,
            "invalid_request",
            400,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    pub fn unsupported_grant(name: &str) -> Self {
        Self::new(
            70_003,
            "unsupported_grant_type",
            400,
            format!("The app requested an unsupported grant type '{name}'."),
        )
    }

    pub fn bad_code() -> Self {
        Self::new(
            70_000,
            "invalid_grant",
            400,
            "The provided value for the 'code' parameter is not valid.",
        )
    }

    pub fn other_redirect_uri() -> Self {
        Self::new(
            50_011,
            "invalid_grant",
            400,
            "The redirect URI specified in the request does not match the one that the code was asked for with.",
        )
    }

    pub fn bad_verifier() -> Self {
        Self::new(
            501_481,
            "invalid_grant",
            400,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )
    }

    pub fn bad_scope(scope: &str) -> Self {
        Self::new(
            70_011,
            "invalid_scope",
            400,
            format!(
                "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            ),
        )
    }

    pub fn several_resources() -> Self {
        Self::new(
            28_000,
            "invalid_scope",
            400,
            "Provided value for the input parameter scope is not valid because it contains more than one resource.",
        )
    }

    pub fn throttled() -> Self {
        Self::new(
            90_055,
            "temporarily_unavailable",
            429,
            "The server has terminated the request because it has been throttled.",
        )
    }

    pub fn transient(status: u16) -> Self {
        Self::new(
            90_033,
            "temporarily_unavailable",
            status,
            "A transient error has occurred. Please try again.",
        )
    }

    /// The answer. `trace` and `correlation` are the ids it names.
    pub fn reply(&self, now: DateTime<Utc>, trace: Uuid, correlation: Uuid) -> Reply {
        let timestamp = now.format("%Y-%m-%d %H:%M:%SZ").to_string();
        let body = Body {
            error: self.error,
            error_description: format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
                self.code, self.text
            ),
            error_codes: [self.code],
            timestamp,
            trace_id: trace,
            correlation_id: correlation,
            error_uri: format!("https://login.microsoftonline.com/error?code={}", self.code),
        };
        let body = serde_json::to_vec(&body).expect("texts and numbers are always JSON");
        super::headers(Reply::new(self.status, super::JSON, body), trace)
    }
}

/// Unix seconds as Entra's messages write them.
fn clock_text(seconds: i64) -> String {
    let moment = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    moment.format("%Y-%m-%dT%H:%M:%S.0000000Z").to_string()
}
