//! A self-made certificate, for those who have none: it shows that files come from the same machine, and nothing of whose that is.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Who a self-made certificate says that it is from.
const ORGANIZATION: &str = "Kinora self-made certificate";

/// Makes a key (P-256) and its certificates, as PEM: the key, the certificate, and the one that issued it.
///
/// C2PA takes no certificate that issued itself, so there are two. The issuer's own key is thrown away, so that nothing else can
/// ever come from it. Without an authority that tells the time, a signature is believed as long as its certificate is valid: it is
/// so until the middle of the century. No clock is read.
pub fn make() -> Result<String> {
    let make = || -> Result<String, rcgen::Error> {
        let (issuer_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let number = Sha256::digest(key.public_key_raw());
        let name = number[..4].iter().map(|byte| format!("{byte:02x}")).collect::<String>();

        let mut issuer = params(&format!("Kinora root {name}"));
        issuer.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        issuer.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(issuer, issuer_key)?;

        let mut own = params(&format!("Kinora {name}"));
        own.is_ca = IsCa::ExplicitNoCa;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        own.use_authority_key_identifier_extension = true;
        let own = own.signed_by(&key, &issuer)?;
        Ok(key.serialize_pem() + &own.pem() + &issuer.pem())
    };
    make().map_err(|error| Error::Certificate { reason: error.to_string() })
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params
}
