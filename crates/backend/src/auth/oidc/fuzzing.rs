//! What reads the words of a provider, or of whoever passes for one.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

use domain::DateTime;
use secrecy::SecretString;
use serde_json::json;

use super::{
    metadata::{Document, Keys, Known, check},
    provider::{ProviderGiven, ProviderSettings},
    token::{account, parse},
};

const ISSUER: &str = "https://login.example/contoso";

fn settings() -> ProviderSettings {
    let given = ProviderGiven {
        id: "contoso".to_owned(),
        title: None,
        kind: None,
        issuer: ISSUER.to_owned(),
        client_id: "rollcall".to_owned(),
        client_secret: "secret".into(),
        tenant_ids: Vec::new(),
        scopes: None,
        role_claim: None,
        role_mapping: std::collections::BTreeMap::new(),
        required_amr: Vec::new(),
        required_acr: Vec::new(),
    };
    ProviderSettings::checked(given).expect("these settings fit together")
}

/// A provider with the public key of RFC 7517 Appendix A.1, whose private one is of no use here.
fn known() -> Known {
    let document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
        "jwks_uri": "https://login.example/keys",
    });
    let keys = json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }] });
    Known::new(
        serde_json::from_value(document).expect("it is a provider’s"),
        Keys::read(keys, DateTime::UNIX_EPOCH).expect("they are keys"),
        DateTime::UNIX_EPOCH,
    )
}

/// An ID token that the provider didn’t sign: nobody is believed to be anybody.
pub fn id_token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(token) = parse(text) else {
        return;
    };
    let nonce = SecretString::from("nonce");
    let believed = account(&settings(), &known(), &token, &nonce, DateTime::UNIX_EPOCH);
    assert!(believed.is_err(), "{text}");
}

/// A provider’s metadata or its keys: what is taken is the provider that was asked for, and leads
/// nowhere by plain http.
pub fn provider(bytes: &[u8]) {
    if let Ok(keys) = serde_json::from_slice(bytes) {
        let _ = Keys::read(keys, DateTime::UNIX_EPOCH);
    }
    let Ok(document) = serde_json::from_slice::<Document>(bytes) else {
        return;
    };
    if check(&settings(), &document).is_ok() {
        assert_eq!(document.issuer, ISSUER);
        for url in [
            &document.authorization_endpoint,
            &document.token_endpoint,
            &document.jwks_uri,
        ] {
            assert_eq!(url.scheme(), "https", "{url}");
        }
    }
}
