//! What a profile proves itself by: checked on its way in, opened on its way to Entra.

use std::sync::Arc;

use chrono::Utc;
use domain::{
    DateTime,
    credential_profile::{CERTIFICATE_YEARS, CredentialKind},
    id::CredentialProfileId,
};
use graph::{Certificate, Credential};
use secrecy::SecretString;
use sqlx::FromRow;
use uuid::Uuid;

use super::{certificate::Made, second::FallOver};
use crate::{
    Backend, Error, Result, Tx, fetch_optional,
    sealer::{Place, places},
};

/// The longest secret or PEM text that is taken, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A secret or a certificate as someone gave it. The texts are never shown.
pub(super) struct Given {
    pub client_secret: Option<String>,
    pub certificate_pem: Option<String>,
    pub private_key_pem: Option<String>,
    /// Instead of a certificate: years for which Rollcall makes one.
    pub certificate_years: Option<u32>,
    pub expires_at: Option<DateTime>,
}

/// A secret or a certificate that fits its kind.
pub(super) struct Material {
    /// The secret, or the private key in PEM.
    pub secret: SecretString,
    pub certificate_pem: Option<String>,
    /// SHA-256.
    pub thumbprint: Option<String>,
    pub thumbprint_sha1: Option<String>,
    pub expires_at: Option<DateTime>,
}

impl Given {
    /// Whether there is anything.
    pub fn is_some(&self) -> bool {
        self.client_secret.is_some()
            || self.certificate_pem.is_some()
            || self.private_key_pem.is_some()
            || self.certificate_years.is_some()
    }

    /// The same with the certificate that is to be made, for an application of this name. Takes its
    /// time, so it is called outside any transaction.
    pub async fn with_certificate_made(
        self,
        b: &Backend,
        kind: CredentialKind,
        name: &str,
    ) -> Result<Self> {
        let years = self.certificate_years;
        let Some(years) = years.filter(|_| kind == CredentialKind::Certificate) else {
            return Ok(self);
        };
        if !CERTIFICATE_YEARS.contains(&years) {
            let message = "A certificate is made for 1 year or for 2.";
            return Err(Error::invalid("certificate_years", message));
        }
        let given =
            present(self.certificate_pem).is_some() || present(self.private_key_pem).is_some();
        if given {
            let message = "Give a certificate, or have one made; not both.";
            return Err(Error::invalid("certificate_years", message));
        }
        let made = Made::new(b, name, years).await?;
        Ok(Self {
            certificate_pem: Some(made.certificate_pem),
            private_key_pem: Some(made.private_key_pem),
            ..self
        })
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
                let years = self.certificate_years.is_some();
                refuse("certificate_years", years, "a client secret")?;
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
                    thumbprint_sha1: None,
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
        thumbprint_sha1: Some(certificate.thumbprint()),
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

/// Where a profile’s secret stands.
pub(super) fn place(id: CredentialProfileId) -> Place {
    Place::new(places::CREDENTIAL_SECRET, id.0)
}

/// Where its second one stands.
pub(super) fn second_place(id: CredentialProfileId) -> Place {
    Place::new(places::SECOND_CREDENTIAL_SECRET, id.0)
}

#[derive(FromRow)]
struct Row {
    kind: CredentialKind,
    client_id: Uuid,
    secret_id: Uuid,
    secret_sealed: Vec<u8>,
    certificate_pem: Option<String>,
    second_id: Option<Uuid>,
    second_kind: Option<CredentialKind>,
    second_secret_sealed: Option<Vec<u8>>,
    second_certificate_pem: Option<String>,
}

async fn row(tx: &mut Tx, id: CredentialProfileId) -> Result<Row> {
    fetch_optional!(
        tx,
        Row,
        "SELECT kind, client_id, secret_id, secret_sealed, certificate_pem, second_id, second_kind,
                second_secret_sealed, second_certificate_pem
           FROM credential_profile WHERE id = $1",
        id
    )?
    .ok_or(Error::NotFound("credential profile"))
}

impl Row {
    /// The second one, opened, with the id that tells it from others.
    async fn second(
        &self,
        b: &Backend,
        id: CredentialProfileId,
    ) -> Result<Option<(Uuid, Credential)>> {
        let (Some(second), Some(kind), Some(sealed)) =
            (self.second_id, self.second_kind, &self.second_secret_sealed)
        else {
            return Ok(None);
        };
        let secret = b.sealer.open(second_place(id), sealed).await?;
        let pem = self.second_certificate_pem.as_deref();
        let credential = opened(kind, self.client_id, secret, pem)?;
        Ok(Some((second, credential)))
    }
}

fn opened(
    kind: CredentialKind,
    client_id: Uuid,
    secret: SecretString,
    certificate_pem: Option<&str>,
) -> Result<Credential> {
    Ok(match kind {
        CredentialKind::ClientSecret => Credential::secret(client_id, secret),
        CredentialKind::Certificate => {
            let certificate = Certificate::parse(certificate_pem.unwrap_or_default(), &secret)
                .map_err(|error| Error::Internal(format!("a kept certificate: {error}")))?;
            Credential::certificate(client_id, certificate)
        }
    })
}

/// Opens a profile's credential, for the client that signs in with it. Where there is a second one,
/// the client tries it once the first is refused, and the profile uses it from then on.
pub(crate) async fn credential(
    b: &Backend,
    tx: &mut Tx,
    id: CredentialProfileId,
) -> Result<Credential> {
    let row = row(tx, id).await?;
    let secret = b.sealer.open(place(id), &row.secret_sealed).await?;
    let pem = row.certificate_pem.as_deref();
    let first = opened(row.kind, row.client_id, secret, pem)?;
    Ok(match row.second(b, id).await? {
        None => first,
        Some((second_id, second)) => {
            let told = FallOver::new(b, id, row.secret_id, second_id);
            first.with_second(second, Arc::new(told))
        }
    })
}

/// Opens a profile's second credential alone, to try it out, with the id that tells it from others.
pub(crate) async fn second_credential(
    b: &Backend,
    tx: &mut Tx,
    id: CredentialProfileId,
) -> Result<(Uuid, Credential)> {
    let row = row(tx, id).await?;
    row.second(b, id)
        .await?
        .ok_or(Error::NotFound("second secret"))
}
