//! Certificates that are believed.

use std::path::Path;

use x509_parser::pem::parse_x509_pem;

use crate::{Error, Identity, Result, pem};

/// Bytes of the longest file of certificates.
pub(crate) const MAX_PEM_BYTES: u64 = 4 << 20;

/// The certificates whose signatures, and those of whom they certify, are trusted.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    pem: String,
}

impl Anchors {
    /// Also the certificates in a PEM file.
    ///
    /// # Errors
    /// A file that cannot be read or holds no certificate.
    pub fn add(&mut self, path: &Path) -> Result<()> {
        let text = String::from_utf8_lossy(&disk::read_bounded(path, MAX_PEM_BYTES)?).into_owned();
        let certificates = pem::blocks(&text, pem::CERTIFICATE);
        let malformed =
            |found: String| Error::Malformed { path: path.into(), expected: "certificates, as PEM", found };
        if certificates.is_empty() {
            return Err(malformed("none".to_owned()));
        }
        for certificate in &certificates {
            let (_, block) =
                parse_x509_pem(certificate.as_bytes()).map_err(|error| malformed(error.to_string()))?;
            block.parse_x509().map_err(|error| malformed(error.to_string()))?;
        }
        self.pem += &certificates.concat();
        Ok(())
    }

    /// Also who issued this identity's certificate.
    pub fn add_issuer_of(&mut self, identity: &Identity) {
        self.pem += identity.issuer();
    }

    /// How manifests are read and judged: by these certificates, and without a network.
    pub(crate) fn context(&self) -> Result<c2pa::Context, c2pa::Error> {
        c2pa::Context::new().with_settings(serde_json::json!({
            "trust": { "user_anchors": (!self.pem.is_empty()).then_some(&self.pem) },
            "core": { "decode_identity_assertions": false, "allowed_network_hosts": [] },
            "verify": { "ocsp_fetch": false, "remote_manifest_fetch": false },
        }))
    }
}
