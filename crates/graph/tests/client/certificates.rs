//! Certificates: read, matched with their key, and used for assertions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graph::{Certificate, Credential, Settings, Tenant};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::stub::{APPLICATION, Stub, TENANT};

struct Made {
    certificate: String,
    key: String,
    der: Vec<u8>,
    public_key_pem: String,
}

fn make(key: &KeyPair) -> Made {
    let params = CertificateParams::new(vec!["rollcall.example".to_owned()]).unwrap();
    let certificate = params.self_signed(key).unwrap();
    Made {
        certificate: certificate.pem(),
        der: certificate.der().to_vec(),
        key: key.serialize_pem(),
        public_key_pem: key.public_key_pem(),
    }
}

fn rsa() -> Made {
    make(&KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

#[tokio::test]
async fn an_assertion_is_what_entra_wants() {
    let made = rsa();
    let stub = Stub::start().await;
    let certificate = Certificate::parse(&made.certificate, &made.key.clone().into()).unwrap();
    let client = stub.connector(Settings::default()).client(
        stub.cloud(),
        Tenant::from(TENANT),
        Credential::certificate(APPLICATION, certificate),
    );
    client.token().await.unwrap();
    client.fresh_token().await.unwrap();
    let seen = stub.seen();
    assert_eq!(
        seen[0].field("client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert_eq!(seen[0].field("client_secret"), "");
    let assertion = seen[0].field("client_assertion");
    let header = decode_header(&assertion).unwrap();
    assert_eq!(header.alg, Algorithm::PS256);
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    assert_eq!(
        header.x5t_s256,
        Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&made.der)))
    );
    let mut validation = Validation::new(Algorithm::PS256);
    validation.validate_exp = false;
    validation.set_audience(&[format!("{}/{TENANT}/oauth2/v2.0/token", stub.base)]);
    let key = DecodingKey::from_rsa_pem(made.public_key_pem.as_bytes()).unwrap();
    let claims = decode::<Value>(&assertion, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims["iss"], APPLICATION.to_string());
    assert_eq!(claims["sub"], APPLICATION.to_string());
    let now = 1_772_352_000;
    assert_eq!(
        (&claims["iat"], &claims["exp"]),
        (&now.into(), &(now + 600).into())
    );
    let again = seen[1].field("client_assertion");
    let other = decode::<Value>(&again, &key, &validation).unwrap().claims;
    assert_ne!(claims["jti"], other["jti"]);
}

#[test]
fn a_certificate_says_what_it_is() {
    let made = rsa();
    let certificate = Certificate::parse(&made.certificate, &made.key.into()).unwrap();
    assert_eq!(
        certificate.thumbprint_sha256(),
        hex::encode_upper(Sha256::digest(&made.der))
    );
    assert!(certificate.not_before() < certificate.not_after());
    assert!(certificate.subject().contains("CN="));
}

#[test]
fn the_certificate_of_the_key_is_found_among_others() {
    let (one, two) = (rsa(), rsa());
    let both = format!("{}\n{}\n{}", one.key, one.certificate, two.certificate);
    let found = Certificate::parse(&both, &two.key.clone().into()).unwrap();
    assert_eq!(
        found.thumbprint_sha256(),
        hex::encode_upper(Sha256::digest(&two.der))
    );
    // The key's text may hold the certificate too.
    let pair = format!("{}\n{}", two.certificate, two.key);
    assert!(Certificate::parse(&pair, &pair.clone().into()).is_ok());
}

#[test]
fn what_does_not_fit_is_refused() {
    let (one, two) = (rsa(), rsa());
    let curve = make(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----";
    let broken = "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----";
    let broken_certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    for (certificate, key, code) in [
        (
            one.certificate.as_str(),
            two.key.as_str(),
            "certificate_mismatch",
        ),
        (&curve.certificate, &one.key, "certificate_mismatch"),
        (&curve.certificate, &curve.key, "private_key_unreadable"),
        (&one.certificate, locked, "private_key_encrypted"),
        (&one.certificate, broken, "private_key_unreadable"),
        (&one.certificate, "", "private_key_unreadable"),
        (&one.certificate, &one.certificate, "private_key_unreadable"),
        ("", &one.key, "certificate_unreadable"),
        ("not PEM at all", &one.key, "certificate_unreadable"),
        (broken_certificate, &one.key, "certificate_unreadable"),
        (&one.key, &one.key, "certificate_unreadable"),
    ] {
        let error = Certificate::parse(certificate, &key.to_owned().into()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!format!("{error} {error:?}").contains("MII"), "{error}");
    }
}
