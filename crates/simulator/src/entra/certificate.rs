//! Certificates an application signs its assertions with (graph.md §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate with its key, as an application keeps them.
#[derive(Debug, Clone)]
pub struct CertificatePair {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The RSA key, PEM (PKCS #8).
    pub private_key_pem: String,
}

/// Why a certificate wasn't taken.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// It isn't a certificate in PEM.
    #[error("this isn't a certificate in PEM: {0}")]
    Unreadable(String),
    /// It couldn't be made.
    #[error("the certificate couldn't be made: {0}")]
    Making(#[from] rcgen::Error),
}

impl CertificatePair {
    /// A new self-signed certificate for `name`, good between the two Unix times. All pairs of
    /// one process share one RSA key: making one takes longer than all the rest.
    pub fn generate(name: &str, not_before: i64, not_after: i64) -> Result<Self, CertificateError> {
        let key = shared_key()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = moment(not_before);
        params.not_after = moment(not_after);
        let certificate = params.self_signed(key)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            private_key_pem: key.serialize_pem(),
        })
    }
}

pub(super) fn shared_key() -> Result<&'static KeyPair, rcgen::Error> {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    Ok(KEY.get_or_init(|| key))
}

fn moment(seconds: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

/// A certificate as the tenant knows it.
#[derive(Clone)]
pub(crate) struct Registered {
    /// base64url of the SHA-256 of the DER, as `x5t#S256` carries it.
    pub sha256: String,
    /// base64url of the SHA-1 of the DER, as `x5t` carries it.
    pub sha1: String,
    /// Unix seconds.
    pub not_before: i64,
    /// Unix seconds.
    pub not_after: i64,
    pub key: DecodingKey,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registered({})", self.sha256)
    }
}

impl Registered {
    /// Reads a certificate in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        let unreadable =
            |error: &dyn std::fmt::Display| CertificateError::Unreadable(error.to_string());
        let (_, block) =
            x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|error| unreadable(&error))?;
        let (_, parsed) =
            X509Certificate::from_der(&block.contents).map_err(|error| unreadable(&error))?;
        Ok(Self {
            sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(&block.contents)),
            sha1: URL_SAFE_NO_PAD.encode(Sha1::digest(&block.contents)),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            key: DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data),
        })
    }
}
