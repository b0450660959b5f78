//! Who signs: made once, kept privately, or one's own.

mod common;

use std::{fs, path::Path};

use common::{claim, clip};
use credentials::{Anchors, Error, Identity, State, sign, verify};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// What a clip that `identity` signs is worth to who believes the certificates at `path`.
fn worth(folder: &Path, identity: &Identity, path: &Path) -> State {
    let clip_path = folder.join("clip.mp4");
    media::write(&clip(), &clip_path, None).unwrap();
    sign(&clip_path, &clip_path, identity, &claim()).unwrap();
    let mut anchors = Anchors::default();
    anchors.add(path).unwrap();
    verify(&clip_path, &anchors).unwrap().state
}

#[test]
fn a_self_made_identity_is_made_once_and_kept_privately() {
    let folder = tempfile::tempdir().unwrap();
    let (home, other) = (folder.path().join("data/kinora"), folder.path().join("other"));
    Identity::self_made(&home).unwrap();
    let kept = fs::read(home.join("credentials.pem")).unwrap();
    let again = Identity::self_made(&home).unwrap();
    assert_eq!(fs::read(home.join("credentials.pem")).unwrap(), kept, "made once");
    let public = home.join("certificate.pem");
    assert_eq!(worth(folder.path(), &again, &public), State::Trusted);
    assert!(!fs::read_to_string(public).unwrap().contains("PRIVATE"));
    Identity::self_made(&other).unwrap();
    assert_eq!(worth(folder.path(), &again, &other.join("certificate.pem")), State::Valid, "another's");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(home.join("credentials.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// A chain and a key as an authority gives them: `ca.pem`, `chain.pem`, `key.pem`.
fn issue(folder: &Path, algorithm: &'static rcgen::SignatureAlgorithm, usage: ExtendedKeyUsagePurpose) {
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "Studio");
    params.use_authority_key_identifier_extension = true;
    let mut authority = params.clone();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Root");
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = key();
    let root = authority.self_signed(&authority_key).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let own = key();
    let certificate = params.signed_by(&own, &Issuer::from_params(&authority, &authority_key)).unwrap();
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    fs::write(folder.join("chain.pem"), certificate.pem() + &root.pem()).unwrap();
    fs::write(folder.join("key.pem"), own.serialize_pem()).unwrap();
}

#[test]
fn ones_own_certificate_is_taken_whatever_its_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        issue(folder.path(), algorithm, ExtendedKeyUsagePurpose::EmailProtection);
        let identity = Identity::load(&at("chain.pem"), &at("key.pem")).unwrap();
        assert_eq!(worth(folder.path(), &identity, &at("ca.pem")), State::Trusted);
        let report = verify(&at("clip.mp4"), &Anchors::default()).unwrap();
        assert_eq!((report.state, report.issuer.as_deref()), (State::Valid, Some("Studio")));
    }
}

#[test]
fn what_c2pa_would_refuse_is_refused_before_anything_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let load = |certificate: &str, key: &str| Identity::load(&at(certificate), &at(key)).unwrap_err();
    issue(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256, ExtendedKeyUsagePurpose::ServerAuth);
    let error = load("chain.pem", "key.pem");
    assert!(matches!(&error, Error::Unfit { .. }) && error.to_string().contains("chain.pem"), "{error}");
    issue(folder.path(), &rcgen::PKCS_ECDSA_P256_SHA256, ExtendedKeyUsagePurpose::EmailProtection);
    fs::write(at("other.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let error = load("chain.pem", "other.pem");
    assert!(matches!(&error, Error::Unfit { .. }), "the key of another certificate: {error}");
    assert!(matches!(load("key.pem", "key.pem"), Error::Malformed { .. }));
    assert!(matches!(load("chain.pem", "chain.pem"), Error::Malformed { .. }));
    assert!(matches!(load("none.pem", "key.pem"), Error::File(_)));
    fs::write(at("junk.pem"), "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(load("junk.pem", "key.pem"), Error::Unfit { .. }));
    for name in ["junk.pem", "key.pem"] {
        assert!(matches!(Anchors::default().add(&at(name)), Err(Error::Malformed { .. })), "{name}");
    }
}
