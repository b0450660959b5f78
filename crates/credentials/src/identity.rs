//! Who signs.

use std::{fmt, fs, io::Cursor, path::Path, time::SystemTime};

use c2pa::{Signer, SigningAlg};

use crate::{
    Anchors, Claim, Error, Report, Result, State, anchors::MAX_PEM_BYTES, certificate, file, pem, seal, sign,
    signer::ExactSigner, verify,
};

/// What a self-made identity is kept in: the key and its certificates. Only its owner can read it.
const SECRET: &str = "credentials.pem";

/// The signatures that C2PA knows, the usual ones first.
const ALGORITHMS: [SigningAlg; 5] =
    [SigningAlg::Es256, SigningAlg::Ed25519, SigningAlg::Ps256, SigningAlg::Es384, SigningAlg::Es512];

/// A picture of one dot, to try a signature on.
const DOT: &[u8] = include_bytes!("dot.png");

/// A private key and its certificates.
pub struct Identity {
    signer: ExactSigner,
    /// As PEM, that of the key first and who issued it last.
    certificates: Vec<String>,
}

impl Identity {
    /// The file beside a self-made identity that has its certificates alone, for others to believe.
    pub const PUBLIC: &str = "certificate.pem";

    /// One's own: certificates as PEM, that of the key first, and its private key as PKCS #8 in PEM.
    ///
    /// # Errors
    /// Files that cannot be read or hold something else, or a certificate that C2PA does not accept: it must be version 3, be valid
    /// now, be for digital signatures, be issued by another one, and be meant for signing documents, claims or mail.
    pub fn load(certificate: &Path, private_key: &Path) -> Result<Self> {
        let read = |path| {
            Ok::<_, Error>(String::from_utf8_lossy(&disk::read_bounded(path, MAX_PEM_BYTES)?).into_owned())
        };
        let found = |path: &Path, expected| Error::Malformed {
            path: path.into(),
            expected,
            found: "none".to_owned(),
        };
        let certificates = pem::blocks(&read(certificate)?, pem::CERTIFICATE);
        if certificates.is_empty() {
            return Err(found(certificate, "certificates, as PEM"));
        }
        let keys = pem::blocks(&read(private_key)?, pem::PRIVATE_KEY);
        let key = keys.first().ok_or_else(|| found(private_key, "a private key, as PKCS #8 in PEM"))?;
        Self::of(certificates, key).map_err(|reason| Error::Unfit { path: certificate.into(), reason })
    }

    /// The one that is kept in `folder`, which is made with it if it is not there.
    ///
    /// # Errors
    /// A folder that cannot be read or written, or what is in it is something else.
    pub fn self_made(folder: &Path) -> Result<Self> {
        let path = folder.join(SECRET);
        if !path.exists() {
            fs::create_dir_all(folder).map_err(disk::unwritable(folder))?;
            disk::write_privately(&path, certificate::make()?.as_bytes())?;
        }
        // What is there counts, also if another program made it at the same moment.
        let identity = Self::load(&path, &path)?;
        let public = folder.join(Self::PUBLIC);
        if !public.exists() {
            disk::write_atomically(&public, identity.certificates.concat().as_bytes())?;
        }
        Ok(identity)
    }

    /// By the algorithm with which what they sign is accepted, or why it is not.
    fn of(certificates: Vec<String>, key: &str) -> Result<Self, String> {
        let text = certificates.concat();
        // A key of another kind is refused at once.
        let signer = ALGORITHMS.iter().find_map(|algorithm| ExactSigner::new(&text, key, *algorithm).ok());
        let signer = signer.ok_or("the key is of no kind that C2PA knows")?;
        let identity = Self { signer, certificates };
        identity.try_out()?;
        Ok(identity)
    }

    /// Signs a picture of one dot, and looks whether that is accepted.
    fn try_out(&self) -> Result<(), String> {
        let claim = Claim { model: "none".to_owned(), created: SystemTime::UNIX_EPOCH, composite: false };
        let mut signed = Cursor::new(Vec::new());
        let manifest = claim.manifest(file::PNG, &sign::label(), seal::BLANK);
        let embedded = sign::embed(&mut Cursor::new(DOT), &mut signed, file::PNG, self, manifest);
        embedded.map_err(|error| error.to_string())?;
        let found = verify::read(&mut signed, file::PNG, &Anchors::default());
        match found.map_err(|error| error.to_string())?.report {
            Report { state: State::Valid | State::Trusted, .. } => Ok(()),
            Report { mut failures, .. } => Err(failures.pop().unwrap_or_default()),
        }
    }

    /// Who issued its certificate, as far as it says.
    pub(crate) fn issuer(&self) -> &str {
        self.certificates.last().map_or("", String::as_str)
    }

    pub(crate) fn signer(&self) -> &dyn Signer {
        &self.signer
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}
