//! Client assertions signed with a certificate (graph.md §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Refusal;
use crate::incoming::Incoming;
use crate::tenant::{App, Tenant};

/// How far the two clocks may differ, seconds.
const SKEW_S: i64 = 300;

#[derive(Deserialize)]
struct Header {
    alg: String,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<String>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
    iat: Option<Seconds>,
}

/// Unix seconds; some clients write them with a fraction (RFC 7519 §2, `NumericDate`).
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Fraction(f64),
}

impl Seconds {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction is what is to be dropped"
    )]
    fn whole(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => seconds as i64,
        }
    }
}

/// Believes the assertion or says why not.
pub(crate) fn check(
    tenant: &Tenant,
    app: &App,
    request: &Incoming,
    assertion: &str,
) -> Result<(), Refusal> {
    let mut parts = assertion.splitn(3, '.');
    let (Some(header_text), Some(claims_text), Some(signature)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::malformed_assertion());
    };
    let header: Header = part(header_text)?;
    let claims: Claims = part(claims_text)?;
    let client_id = app.client_id.to_string();
    let names_client = |claim: &Option<String>| {
        claim
            .as_ref()
            .is_some_and(|c| c.eq_ignore_ascii_case(&client_id))
    };

    if header.x5t.is_none() && header.x5t_s256.is_none() {
        // Without a thumbprint it can only be meant as a federated identity, and none is set up.
        return Err(if names_client(&claims.iss) {
            Refusal::no_thumbprint()
        } else {
            Refusal::no_federation(claims.sub.as_deref().unwrap_or_default())
        });
    }
    let is = |print: &Option<String>, known: &str| {
        print
            .as_ref()
            .is_some_and(|print| print.trim_end_matches('=') == known)
    };
    let registered = app
        .certificates
        .iter()
        .find(|known| is(&header.x5t_s256, &known.sha256) || is(&header.x5t, &known.sha1));
    let Some(registered) = registered else {
        let print = header.x5t.or(header.x5t_s256).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD
            .decode(print.trim_end_matches('='))
            .unwrap_or_default();
        let hex = bytes
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
        return Err(Refusal::unknown_key(&hex, app.client_id));
    };
    let now = tenant.now();
    if now > registered.not_after || now < registered.not_before - SKEW_S {
        return Err(Refusal::expired_key(
            registered.not_before,
            registered.not_after,
        ));
    }
    let algorithm = match header.alg.as_str() {
        "PS256" => Algorithm::PS256,
        "RS256" => Algorithm::RS256,
        _ => return Err(Refusal::malformed_assertion()),
    };
    let signed = &assertion[..header_text.len() + 1 + claims_text.len()];
    let good =
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &registered.key, algorithm);
    if !good.unwrap_or(false) {
        return Err(Refusal::bad_signature());
    }
    if !names_client(&claims.iss) || !names_client(&claims.sub) {
        return Err(Refusal::assertion_subject());
    }
    if !claims
        .aud
        .is_some_and(|aud| is_audience(tenant, request, &aud))
    {
        return Err(Refusal::assertion_audience());
    }
    let from = claims.nbf.or(claims.iat).map_or(now, Seconds::whole);
    let to = claims.exp.map_or(0, Seconds::whole);
    if now + SKEW_S < from || now - SKEW_S > to {
        return Err(Refusal::assertion_time(now, from, to));
    }
    Ok(())
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refusal::malformed_assertion())?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::malformed_assertion())
}

/// The token endpoint of this tenant, by id or by domain, or its issuer.
fn is_audience(tenant: &Tenant, request: &Incoming, audience: &str) -> bool {
    let Some(path) = audience.strip_prefix(&request.origin) else {
        return false;
    };
    let mut segments = path.trim_matches('/').splitn(2, '/');
    segments.next().is_some_and(|name| tenant.is_called(name))
        && matches!(segments.next(), Some("oauth2/v2.0/token" | "v2.0"))
}
