//! Certificates that Rollcall makes, and the public part of any.

use chrono::{Days, Months};
use domain::{id::CredentialProfileId, permission::Permission};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, RsaKeySize,
    SerialNumber,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use x509_parser::pem::Pem;

use super::find;
use crate::{Backend, Error, Result, Scope, fetch_optional};

/// The longest common name of a certificate, in characters (RFC 5280, appendix A, `ub-common-name`).
const COMMON_NAME_MAX: usize = 64;
/// The bytes of a serial number: as many as are good for it (RFC 5280 §4.1.2.2: 20 at most).
const SERIAL_BYTES: usize = 16;

/// A certificate just made, with its key, in PEM.
pub(super) struct Made {
    pub certificate_pem: String,
    pub private_key_pem: String,
}

impl Made {
    /// Makes a key of RSA, since Entra takes assertions by RSA alone (graph.md §2.2), and a
    /// certificate for it that it signs itself. It begins a day ago: the clocks of two machines
    /// differ.
    pub async fn new(b: &Backend, name: &str, years: u32) -> Result<Self> {
        let now = b.clock.now();
        let failed =
            |error: String| Error::Internal(format!("a certificate can’t be made: {error}"));
        let begins = now.checked_sub_days(Days::new(1));
        let ends = now.checked_add_months(Months::new(12 * years));
        let time = |at: Option<domain::DateTime>| {
            let at = at.map(|at| OffsetDateTime::from_unix_timestamp(at.timestamp()));
            at.and_then(Result::ok)
                .ok_or_else(|| failed("there is no such time".to_owned()))
        };
        let mut serial = [0; SERIAL_BYTES];
        b.ids.fill(&mut serial);
        // Positive, and not of fewer bytes for a leading zero.
        serial[0] = serial[0] & 0x7f | 0x40;
        let mut parameters = CertificateParams::default();
        parameters.not_before = time(begins)?;
        parameters.not_after = time(ends)?;
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let name: String = format!("Rollcall {name}")
            .chars()
            .take(COMMON_NAME_MAX)
            .collect();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, name);
        // Looking for two large primes takes a while.
        let made = tokio::task::spawn_blocking(move || {
            let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072)?;
            let certificate = parameters.self_signed(&key)?;
            Ok::<_, rcgen::Error>(Self {
                certificate_pem: certificate.pem(),
                private_key_pem: key.serialize_pem(),
            })
        });
        let made = made.await.map_err(|error| failed(error.to_string()))?;
        made.map_err(|error| failed(error.to_string()))
    }
}

/// The public part of a certificate, as it is put into Entra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its DER form: what a `.cer` file holds.
    pub der: Vec<u8>,
    /// The same in PEM.
    pub pem: String,
    /// The profile’s name, for that of a file.
    pub profile_name: String,
}

/// The public part of the certificate that a profile uses, or of its `second` one. Not found where
/// it is a secret.
pub async fn certificate(
    b: &Backend,
    scope: &Scope,
    id: CredentialProfileId,
    second: bool,
) -> Result<Certificate> {
    scope.require(Permission::CredentialProfilesRead)?;
    let mut tx = b.db.read().await?;
    let profile = find(&mut tx, scope, id).await?;
    let kept = fetch_optional!(
        &mut tx,
        (Option<String>, Option<String>),
        "SELECT CASE WHEN $2 THEN second_certificate_pem ELSE certificate_pem END,
                CASE WHEN $2 THEN second_certificate_thumbprint ELSE certificate_thumbprint END
           FROM credential_profile WHERE id = $1",
        id,
        second
    )?;
    let Some((Some(pem), Some(thumbprint))) = kept else {
        return Err(Error::NotFound("certificate"));
    };
    // A chain may have been given: the one that belongs to the key is wanted.
    let der = Pem::iter_from_buffer(pem.as_bytes())
        .filter_map(Result::ok)
        .map(|block| block.contents)
        .find(|der| hex::encode_upper(Sha256::digest(der)) == thumbprint)
        .ok_or_else(|| Error::Internal("a kept certificate has another thumbprint".to_owned()))?;
    Ok(Certificate {
        pem: pem::encode(&der),
        der,
        profile_name: profile.name,
    })
}

mod pem {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    /// Characters a line (RFC 7468 §2).
    const LINE: usize = 64;

    /// A certificate as text.
    pub fn encode(der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(LINE));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }
}
