//! The signature itself.

use c2pa::{
    Signer, SigningAlg,
    crypto::{
        cose::{self, TimeStampStorage},
        raw_signature::{RawSigner, signer_from_cert_chain_and_private_key},
    },
};

/// Signs, and says to the byte how long what it makes is. `c2pa` would fill a larger estimate up with bytes that no signature
/// covers.
pub struct ExactSigner {
    raw: Box<dyn RawSigner + Send + Sync>,
    size: usize,
}

impl ExactSigner {
    /// Of certificates and a key as PEM, if the key is one of this algorithm.
    pub fn new(certificates: &str, key: &str, algorithm: SigningAlg) -> Result<Self, String> {
        let raw =
            signer_from_cert_chain_and_private_key(certificates.as_bytes(), key.as_bytes(), algorithm, None);
        let raw = raw.map_err(|error| error.to_string())?;
        let signature = cose::sign(&*raw, b"any claim", None, TimeStampStorage::V2_sigTst2_CTT);
        let size = signature.map_err(|error| error.to_string())?.len();
        Ok(Self { raw, size })
    }
}

impl Signer for ExactSigner {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        Ok(self.raw.sign(data)?)
    }

    fn alg(&self) -> SigningAlg {
        self.raw.alg()
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.raw.cert_chain()?)
    }

    fn reserve_size(&self) -> usize {
        self.size
    }
}
