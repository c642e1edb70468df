//! Access tokens: made by the token endpoint, read by Graph (graph.md §2.1).

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an app-only token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub aud: String,
    pub iss: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub app_displayname: String,
    pub appid: Uuid,
    /// `1` for a secret, `2` for a certificate.
    pub appidacr: String,
    pub idp: String,
    pub idtyp: String,
    /// The service principal's object id; absent where there is none (yet).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<Uuid>,
    /// Absent where no application role was granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<Uuid>,
    pub tenant_region_scope: String,
    pub tid: Uuid,
    pub uti: String,
    pub ver: String,
}

/// Writes a token. It is signed with the farm's own key (HS256): to a client it is opaque.
pub(crate) fn seal(claims: &Claims, key: &[u8]) -> String {
    let header = Header {
        typ: Some("JWT".to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key))
        .expect("claims of texts and numbers can always be signed")
}

/// Reads the tenant id a token claims, without believing it.
pub(crate) fn claimed_tenant(token: &str) -> Option<Uuid> {
    jsonwebtoken::dangerous::insecure_decode::<Claims>(token)
        .ok()
        .map(|data| data.claims.tid)
}

/// Reads a token whose signature is right; its time isn't looked at.
pub(crate) fn open(token: &str, key: &[u8]) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation)
        .ok()
        .map(|data| data.claims)
}
