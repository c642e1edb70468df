//! The public part of a certificate as a file.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use backend::store::credential_profiles::Certificate;
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest file name, in characters, without its ending.
const NAME_MAX: usize = 60;

/// How a certificate is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// DER, which Entra takes as `.cer`.
    Cer,
    /// PEM, which Entra takes too.
    #[default]
    Pem,
}

/// The certificate, to be saved under its profile’s name.
pub fn answer(certificate: Certificate, format: Format) -> Response {
    let (ending, kind, body) = match format {
        // RFC 2585 §4.1.
        Format::Cer => ("cer", "application/pkix-cert", certificate.der),
        // RFC 8555 §9.1.
        Format::Pem => (
            "pem",
            "application/pem-certificate-chain",
            certificate.pem.into_bytes(),
        ),
    };
    let name = file_name(&certificate.profile_name);
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}.{ending}\""))
        .expect("the name is made of letters, digits and hyphens");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, body).into_response()
}

/// A name of letters, digits and hyphens alone, which every system takes.
fn file_name(profile: &str) -> String {
    let mut name = String::from("rollcall");
    for word in profile.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !word.is_empty() && name.len() < NAME_MAX {
            name.push('-');
            name.push_str(&word.to_ascii_lowercase());
        }
    }
    name.truncate(NAME_MAX);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_letters_digits_and_hyphens() {
        for (profile, name) in [
            ("Partner application", "rollcall-partner-application"),
            ("Käse \"x\"; a=b\r\n", "rollcall-k-se-x-a-b"),
            ("日本", "rollcall"),
        ] {
            assert_eq!(file_name(profile), name);
        }
        assert_eq!(file_name(&"a".repeat(300)).len(), NAME_MAX);
    }
}
