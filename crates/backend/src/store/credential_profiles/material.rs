//! What a profile proves itself by: checked on its way in, opened on its way to Entra.

use chrono::Utc;
use domain::{DateTime, credential_profile::CredentialKind, id::CredentialProfileId};
use graph::{Certificate, Credential};
use secrecy::SecretString;
use sqlx::FromRow;

use crate::{Backend, Error, Result, Tx, fetch_optional, sealer::Place};

/// The longest secret or PEM text that is taken, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A secret or a certificate as someone gave it. The texts are never shown.
pub(super) struct Given {
    pub client_secret: Option<String>,
    pub certificate_pem: Option<String>,
    pub private_key_pem: Option<String>,
    pub expires_at: Option<DateTime>,
}

/// A secret or a certificate that fits its kind.
pub(super) struct Material {
    /// The secret, or the private key in PEM.
    pub secret: SecretString,
    pub certificate_pem: Option<String>,
    pub thumbprint: Option<String>,
    pub expires_at: Option<DateTime>,
}

impl Given {
    /// Whether there is anything.
    pub fn is_some(&self) -> bool {
        self.client_secret.is_some()
            || self.certificate_pem.is_some()
            || self.private_key_pem.is_some()
    }

    /// What was given, where it is all of what `kind` needs and nothing of the other.
    pub fn check(self, kind: CredentialKind) -> Result<Material> {
        let (secret, certificate, key) = (
            present(self.client_secret),
            present(self.certificate_pem),
            present(self.private_key_pem),
        );
        match kind {
            CredentialKind::ClientSecret => {
                refuse("certificate_pem", certificate.is_some(), "a client secret")?;
                refuse("private_key_pem", key.is_some(), "a client secret")?;
                let secret = required("client_secret", secret, "Enter the client secret’s value.")?;
                if uuid::Uuid::try_parse(&secret).is_ok() {
                    // AADSTS7000215: the mistake that everybody makes once.
                    let message = "This looks like the secret’s id. Enter its value, which Entra shows only once, when the secret is made.";
                    return Err(Error::invalid("client_secret", message));
                }
                Ok(Material {
                    secret: secret.into(),
                    certificate_pem: None,
                    thumbprint: None,
                    expires_at: self.expires_at,
                })
            }
            CredentialKind::Certificate => {
                refuse("client_secret", secret.is_some(), "a certificate")?;
                if self.expires_at.is_some() {
                    let message = "A certificate tells by itself when it ends. Leave this empty.";
                    return Err(Error::invalid("expires_at", message));
                }
                let pem = required(
                    "certificate_pem",
                    certificate,
                    "Paste the certificate in PEM, with its BEGIN CERTIFICATE line.",
                )?;
                let key = required(
                    "private_key_pem",
                    key,
                    "Paste the certificate’s private key in PEM, with its BEGIN PRIVATE KEY line.",
                )?;
                certificate_material(pem, key.into())
            }
        }
    }
}

fn certificate_material(pem: String, key: SecretString) -> Result<Material> {
    let certificate = Certificate::parse(&pem, &key).map_err(|error| {
        let field = match &error {
            graph::Error::InvalidCertificate(
                graph::CertificateProblem::UnreadableKey(_)
                | graph::CertificateProblem::EncryptedKey
                | graph::CertificateProblem::NotRsa
                | graph::CertificateProblem::Mismatch,
            ) => "private_key_pem",
            _ => "certificate_pem",
        };
        Error::invalid(field, format!("{} {}", error.detail(), error.fix()))
    })?;
    Ok(Material {
        secret: key,
        certificate_pem: Some(pem),
        thumbprint: Some(certificate.thumbprint_sha256()),
        expires_at: DateTime::from_timestamp(certificate.not_after().timestamp(), 0)
            .map(|end| end.with_timezone(&Utc)),
    })
}

/// Pasting often brings a blank or a line break along; an empty field of a form is absent.
fn present(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn required(field: &str, text: Option<String>, message: &str) -> Result<String> {
    match text {
        None => Err(Error::invalid(field, message)),
        Some(text) if text.len() > TEXT_BYTES_MAX => {
            Err(Error::invalid(field, "This is too long to be one."))
        }
        Some(text) => Ok(text),
    }
}

fn refuse(field: &str, given: bool, kind: &str) -> Result<()> {
    if given {
        let message = format!("The profile proves itself by {kind}. Leave this empty.");
        return Err(Error::invalid(field, message));
    }
    Ok(())
}

/// Where a profile's secret stands.
pub(super) fn place(id: CredentialProfileId) -> Place {
    Place {
        table: "credential_profile",
        column: "secret_sealed",
        row: id.0,
    }
}

#[derive(FromRow)]
struct Row {
    kind: CredentialKind,
    client_id: uuid::Uuid,
    secret_sealed: Vec<u8>,
    certificate_pem: Option<String>,
}

/// Opens a profile's credential, for the client that signs in with it.
pub(crate) async fn credential(
    b: &Backend,
    tx: &mut Tx,
    id: CredentialProfileId,
) -> Result<Credential> {
    let row = fetch_optional!(
        tx,
        Row,
        "SELECT kind, client_id, secret_sealed, certificate_pem
         FROM credential_profile WHERE id = $1",
        id
    )?
    .ok_or(Error::NotFound("credential profile"))?;
    let secret = b.sealer.open(place(id), &row.secret_sealed)?;
    Ok(match row.kind {
        CredentialKind::ClientSecret => Credential::secret(row.client_id, secret),
        CredentialKind::Certificate => {
            let pem = row.certificate_pem.unwrap_or_default();
            let certificate = Certificate::parse(&pem, &secret)
                .map_err(|error| Error::Internal(format!("a kept certificate: {error}")))?;
            Credential::certificate(row.client_id, certificate)
        }
    })
}
