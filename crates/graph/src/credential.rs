//! How the application proves itself: with a secret, or with a certificate (graph.md §2.1, §2.2).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::{CertificateProblem, Error, Result, SignInRefusal};

/// How long an assertion is good (graph.md §2.2: 5 to 10 minutes).
const ASSERTION_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How far this server's clock may be ahead of Entra's.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);

/// An application with what it proves itself by. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Credential {
    client_id: Uuid,
    proof: Proof,
    second: Option<Arc<Second>>,
}

/// Is told that the second secret is used from now on, since the first was refused.
pub trait Switched: Send + Sync {
    /// Called once a client, after the second one signed in. `refusal` is what the first one got.
    fn switched<'a>(
        &'a self,
        refusal: &'a SignInRefusal,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// What is tried where the first secret is refused.
pub(crate) struct Second {
    pub(crate) credential: Credential,
    pub(crate) told: Arc<dyn Switched>,
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credential.fmt(f)
    }
}

#[derive(Clone)]
enum Proof {
    Secret(SecretString),
    Certificate(Arc<Certificate>),
}

impl Credential {
    /// An application with a client secret.
    pub fn secret(client_id: Uuid, secret: SecretString) -> Self {
        Self {
            client_id,
            proof: Proof::Secret(secret),
            second: None,
        }
    }

    /// An application with a certificate.
    pub fn certificate(client_id: Uuid, certificate: Certificate) -> Self {
        Self {
            client_id,
            proof: Proof::Certificate(Arc::new(certificate)),
            second: None,
        }
    }

    /// The same, with another one that is tried once where Entra says that the first is wrong or
    /// has expired. Where that signs in, the client goes on with it, and `told` is told.
    #[must_use]
    pub fn with_second(self, second: Self, told: Arc<dyn Switched>) -> Self {
        let credential = Self {
            second: None,
            ..second
        };
        Self {
            second: Some(Arc::new(Second { credential, told })),
            ..self
        }
    }

    /// What is tried where the first secret is refused.
    pub(crate) fn second(&self) -> Option<&Second> {
        self.second.as_deref()
    }

    /// The application (client) id.
    pub fn client_id(&self) -> Uuid {
        self.client_id
    }

    /// Tells credentials apart without giving anything away: part of a token's cache key.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        match &self.proof {
            Proof::Secret(secret) => Sha256::digest(secret.expose_secret()).into(),
            Proof::Certificate(certificate) => certificate.sha256,
        }
    }

    /// The secret, to be scrubbed from what servers say.
    pub(crate) fn scrub(&self) -> Option<&str> {
        match &self.proof {
            Proof::Secret(secret) => Some(secret.expose_secret()),
            Proof::Certificate(_) => None,
        }
    }

    /// The form fields that prove the application at `endpoint`.
    pub(crate) fn form(
        &self,
        endpoint: &Url,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'static str, SecretString)>> {
        match &self.proof {
            Proof::Secret(secret) => Ok(vec![("client_secret", secret.clone())]),
            Proof::Certificate(certificate) => Ok(vec![
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
                ),
                (
                    "client_assertion",
                    certificate.assertion(self.client_id, endpoint, id, now)?,
                ),
            ]),
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Certificate(certificate) => certificate.fmt(f),
        }
    }
}

/// A certificate with its private key, proven to belong together.
pub struct Certificate {
    sha1: [u8; 20],
    sha256: [u8; 32],
    subject: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    key: EncodingKey,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: Uuid,
    sub: Uuid,
    jti: Uuid,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Certificate {
    /// Reads PEM texts. `certificate_pem` may hold a chain: the certificate that belongs to the
    /// key is taken. `private_key_pem` is PKCS#8 or PKCS#1, without passphrase.
    ///
    /// A certificate that has expired is read: whether it still works is Entra's to say.
    ///
    /// # Errors
    /// [`Error::InvalidCertificate`] with what is wrong.
    pub fn parse(certificate_pem: &str, private_key_pem: &SecretString) -> Result<Self> {
        let key =
            private_key(private_key_pem.expose_secret()).map_err(Error::InvalidCertificate)?;
        Self::find(certificate_pem, key).map_err(Error::InvalidCertificate)
    }

    fn find(certificate_pem: &str, key: EncodingKey) -> Result<Self, CertificateProblem> {
        let unreadable = |reason: String| CertificateProblem::Unreadable(reason);
        let mut found_any = false;
        for block in Pem::iter_from_buffer(certificate_pem.as_bytes()) {
            let block = block.map_err(|error| unreadable(error.to_string()))?;
            if block.label != "CERTIFICATE" {
                continue;
            }
            found_any = true;
            let (_, certificate) = X509Certificate::from_der(&block.contents)
                .map_err(|error| unreadable(error.to_string()))?;
            if belongs(&certificate, &key)? {
                let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default();
                return Ok(Self {
                    sha1: Sha1::digest(&block.contents).into(),
                    sha256: Sha256::digest(&block.contents).into(),
                    subject: certificate.subject().to_string(),
                    not_before: time(certificate.validity().not_before.timestamp()),
                    not_after: time(certificate.validity().not_after.timestamp()),
                    key,
                });
            }
        }
        if found_any {
            Err(CertificateProblem::Mismatch)
        } else {
            Err(unreadable("There is no certificate in the text".to_owned()))
        }
    }

    /// SHA-1 over the DER form, in upper case hex: the thumbprint that Entra shows.
    pub fn thumbprint(&self) -> String {
        hex::encode_upper(self.sha1)
    }

    /// SHA-256 over the DER form, in upper case hex.
    pub fn thumbprint_sha256(&self) -> String {
        hex::encode_upper(self.sha256)
    }

    /// The subject's distinguished name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// When it expires.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// A signed assertion: PS256, `x5t#S256` (graph.md §2.2).
    fn assertion(
        &self,
        client_id: Uuid,
        endpoint: &Url,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<SecretString> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(self.sha256));
        let claims = Claims {
            aud: endpoint.as_str(),
            iss: client_id,
            sub: client_id,
            jti: id,
            nbf: (now - CLOCK_SKEW).timestamp(),
            iat: now.timestamp(),
            exp: (now + ASSERTION_LIFE).timestamp(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(SecretString::from)
            .map_err(|error| {
                Error::InvalidCertificate(CertificateProblem::UnreadableKey(format!(
                    "The private key can't sign: {error}"
                )))
            })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("thumbprint", &self.thumbprint())
            .field("subject", &self.subject)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The RSA key in a PEM text. Reasons quote nothing of the text.
fn private_key(pem: &str) -> Result<EncodingKey, CertificateProblem> {
    let unreadable = |reason: &str| CertificateProblem::UnreadableKey(reason.to_owned());
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(CertificateProblem::EncryptedKey);
    }
    if pem.contains("BEGIN EC PRIVATE KEY") {
        return Err(CertificateProblem::NotRsa);
    }
    // One text may hold certificate and key, as `openssl pkcs12 -nodes` writes them.
    let block = ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .into_iter()
        .find_map(|label| {
            let (begin, end) = (
                format!("-----BEGIN {label}-----"),
                format!("-----END {label}-----"),
            );
            let from = pem.find(&begin)?;
            let to = from + pem[from..].find(&end)? + end.len();
            Some(&pem[from..to])
        })
        .ok_or_else(|| unreadable("There is no private key in the text"))?;
    // A PKCS#8 block may hold any kind of key; the RSA reader refuses the others.
    let key = EncodingKey::from_rsa_pem(block.as_bytes())
        .map_err(|_| unreadable("It is not an RSA key in PEM"))?;
    crypto::sign(b"probe", &key, Algorithm::PS256).map_err(|_| CertificateProblem::NotRsa)?;
    Ok(key)
}

/// Whether a signature by the key verifies with the certificate.
fn belongs(
    certificate: &X509Certificate<'_>,
    key: &EncodingKey,
) -> Result<bool, CertificateProblem> {
    let message = b"this key belongs to this certificate";
    let public = DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
    let signature =
        crypto::sign(message, key, Algorithm::PS256).map_err(|_| CertificateProblem::NotRsa)?;
    // A certificate with another kind of key can't be used to verify: it isn't this key's.
    Ok(crypto::verify(&signature, message, &public, Algorithm::PS256).unwrap_or(false))
}
