//! A certificate authority of the farm's own, for https.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// A certificate authority and the server certificate it signed for loopback.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Certificate of the authority, PEM.
    ca: String,
    /// Server certificate and authority, PEM.
    chain: String,
    /// Key of the server certificate, PEM.
    key: String,
}

impl Authority {
    /// Makes both; the authority's own key is forgotten at once.
    pub fn new() -> Result<Self, rcgen::Error> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::<String>::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name
            .push(DnType::CommonName, "entra-simulator test authority");
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let mut server = CertificateParams::new(vec!["localhost".to_owned()])?;
        server.subject_alt_names.extend([
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        ]);
        server
            .distinguished_name
            .push(DnType::CommonName, "entra-simulator");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let certificate = server.signed_by(&key, &issuer)?;
        Ok(Self {
            chain: format!("{}{}", certificate.pem(), ca_certificate.pem()),
            ca: ca_certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The authority's certificate, PEM: what a client has to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// Writes `ca.pem` into a folder, which is made where it is missing.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("ca.pem"), &self.ca)
    }

    pub(crate) fn chain_and_key(&self) -> (Vec<u8>, Vec<u8>) {
        (
            self.chain.clone().into_bytes(),
            self.key.clone().into_bytes(),
        )
    }
}
